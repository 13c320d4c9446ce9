"""The guard of event rows learns one exception: a text taken down by mistake may come back.

Where a takedown of this event was lifted, a disclosure that was null may hold a value again. That
it is the value that was signed, its digest in the JWT tells; the audit checks it.
"""

from __future__ import annotations

from typing import Any

from migrations.guards import EVENT_FROZEN_COLUMNS

LIFTED = "EXISTS (SELECT 1 FROM takedowns t WHERE t.event_id = NEW.id AND t.lifted_at IS NOT NULL)"


def add_takedown_guards(op: Any) -> None:
    """Replaces the guard by one that knows takedowns; the table must exist."""
    _replace(op, f"AND NOT (o.value IS NULL AND {LIFTED})")


def drop_takedown_guards(op: Any) -> None:
    """Puts the first guard back; to be called while the table still exists."""
    _replace(op, "")


def _replace(op: Any, excepted: str) -> None:
    if op.get_bind().dialect.name == "sqlite":
        _sqlite(op, excepted)
    else:
        _postgresql(op, excepted)


def _sqlite(op: Any, excepted: str) -> None:
    changed = " OR ".join(f"NEW.{c} IS NOT OLD.{c}" for c in EVENT_FROZEN_COLUMNS)
    op.execute("DROP TRIGGER IF EXISTS events_only_erase")
    op.execute(
        "CREATE TRIGGER events_only_erase BEFORE UPDATE ON events "
        f"WHEN {changed} "
        "OR json_array_length(NEW.disclosures) <> json_array_length(OLD.disclosures) "
        "OR EXISTS (SELECT 1 FROM json_each(OLD.disclosures) o "
        "JOIN json_each(NEW.disclosures) n ON n.key = o.key "
        f"WHERE n.value IS NOT NULL AND n.value IS NOT o.value {excepted}) "
        "BEGIN SELECT RAISE(ABORT, 'append-only'); END"
    )


def _postgresql(op: Any, excepted: str) -> None:
    changed = " OR ".join(f"NEW.{c} IS DISTINCT FROM OLD.{c}" for c in EVENT_FROZEN_COLUMNS)
    op.execute(
        "CREATE OR REPLACE FUNCTION trace_only_erase() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN IF {changed} "
        "OR json_array_length(NEW.disclosures::json) <> json_array_length(OLD.disclosures::json) "
        "OR EXISTS (SELECT 1 FROM "
        "json_array_elements_text(OLD.disclosures::json) WITH ORDINALITY o(value, key) "
        "JOIN json_array_elements_text(NEW.disclosures::json) WITH ORDINALITY n(value, key) "
        f"USING (key) WHERE n.value IS NOT NULL AND n.value IS DISTINCT FROM o.value {excepted}) "
        "THEN RAISE EXCEPTION 'append-only'; END IF; RETURN NEW; END $$"
    )

"""Append-only triggers: a seat belt (the log is the proof), written for both databases.

Log entries and the audit never change; of a checkpoint only the signature lines. An event row changes only by erasure: a
disclosure becomes null, and columns copied from it may become null; the JWT never changes. The
key of an event whose disclosures were erased may go: it was made of them.
"""

from __future__ import annotations

from typing import Any

FROZEN = ("log_entries", "audit")

EVENT_FROZEN_COLUMNS = ("id", "statement_id", "issuer_id", "key_id", "type", "event_time", "jwt")


def add_guards(op: Any) -> None:
    """Creates the triggers on the database that `op` works on."""
    if op.get_bind().dialect.name == "sqlite":
        _add_sqlite(op)
    else:
        _add_postgresql(op)


def drop_guards(op: Any) -> None:
    """Removes what `add_guards` created."""
    for table in FROZEN:
        for verb in ("update", "delete"):
            _drop(op, f"{table}_no_{verb}", table)
    for name in ("events_no_delete", "events_only_erase"):
        _drop(op, name, "events")
    for name in ("log_checkpoints_no_delete", "log_checkpoints_only_signed"):
        _drop(op, name, "log_checkpoints")
    for name in ("event_keys_no_update", "event_keys_no_delete"):
        _drop(op, name, "event_keys")
    if op.get_bind().dialect.name != "sqlite":
        op.execute("DROP FUNCTION IF EXISTS trace_append_only()")
        op.execute("DROP FUNCTION IF EXISTS trace_only_erase()")
        op.execute("DROP FUNCTION IF EXISTS trace_key_of_erased()")
        op.execute("DROP FUNCTION IF EXISTS trace_only_signed()")


def _drop(op: Any, trigger: str, table: str) -> None:
    on = "" if op.get_bind().dialect.name == "sqlite" else f" ON {table}"
    op.execute(f"DROP TRIGGER IF EXISTS {trigger}{on}")


def _add_sqlite(op: Any) -> None:
    refuse = "SELECT RAISE(ABORT, 'append-only')"
    for table in (*FROZEN, "log_checkpoints", "events"):
        op.execute(f"CREATE TRIGGER {table}_no_delete BEFORE DELETE ON {table} BEGIN {refuse}; END")
    for table in FROZEN:
        op.execute(f"CREATE TRIGGER {table}_no_update BEFORE UPDATE ON {table} BEGIN {refuse}; END")
    blank = "char(10) || char(10)"  # it parts a note's text from its signatures
    op.execute(
        "CREATE TRIGGER log_checkpoints_only_signed BEFORE UPDATE ON log_checkpoints "
        f"WHEN NEW.size <> OLD.size OR substr(NEW.note, 1, instr(NEW.note, {blank})) "
        f"<> substr(OLD.note, 1, instr(OLD.note, {blank})) BEGIN {refuse}; END"
    )
    op.execute(
        f"CREATE TRIGGER event_keys_no_update BEFORE UPDATE ON event_keys BEGIN {refuse}; END"
    )
    op.execute(
        "CREATE TRIGGER event_keys_no_delete BEFORE DELETE ON event_keys "
        "WHEN NOT EXISTS (SELECT 1 FROM events e JOIN json_each(e.disclosures) d "
        f"WHERE e.id = OLD.event_id AND d.type = 'null') BEGIN {refuse}; END"
    )
    changed = " OR ".join(f"NEW.{c} IS NOT OLD.{c}" for c in EVENT_FROZEN_COLUMNS)
    op.execute(
        "CREATE TRIGGER events_only_erase BEFORE UPDATE ON events "
        f"WHEN {changed} "
        "OR json_array_length(NEW.disclosures) <> json_array_length(OLD.disclosures) "
        "OR EXISTS (SELECT 1 FROM json_each(OLD.disclosures) o "
        "JOIN json_each(NEW.disclosures) n ON n.key = o.key "
        "WHERE n.value IS NOT NULL AND n.value IS NOT o.value) "
        f"BEGIN {refuse}; END"
    )


def _add_postgresql(op: Any) -> None:
    op.execute(
        "CREATE FUNCTION trace_append_only() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'append-only'; END $$"
    )
    changed = " OR ".join(f"NEW.{c} IS DISTINCT FROM OLD.{c}" for c in EVENT_FROZEN_COLUMNS)
    op.execute(
        "CREATE FUNCTION trace_only_erase() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        f"IF {changed} "
        "OR json_array_length(NEW.disclosures::json) <> json_array_length(OLD.disclosures::json) "
        "OR EXISTS (SELECT 1 FROM "
        "json_array_elements_text(OLD.disclosures::json) WITH ORDINALITY o(value, key) "
        "JOIN json_array_elements_text(NEW.disclosures::json) WITH ORDINALITY n(value, key) "
        "USING (key) WHERE n.value IS NOT NULL AND n.value IS DISTINCT FROM o.value) "
        "THEN RAISE EXCEPTION 'append-only'; END IF; RETURN NEW; END $$"
    )
    op.execute(
        "CREATE FUNCTION trace_key_of_erased() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        "IF NOT EXISTS (SELECT 1 FROM events e, json_array_elements(e.disclosures::json) d "
        "WHERE e.id = OLD.event_id AND json_typeof(d) = 'null') "
        "THEN RAISE EXCEPTION 'append-only'; END IF; RETURN OLD; END $$"
    )
    op.execute(
        "CREATE FUNCTION trace_only_signed() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        "IF NEW.size <> OLD.size "
        r"OR split_part(NEW.note, E'\n\n', 1) <> split_part(OLD.note, E'\n\n', 1) "
        "THEN RAISE EXCEPTION 'append-only'; END IF; RETURN NEW; END $$"
    )
    op.execute(
        "CREATE TRIGGER log_checkpoints_only_signed BEFORE UPDATE ON log_checkpoints "
        "FOR EACH ROW EXECUTE FUNCTION trace_only_signed()"
    )
    op.execute(
        "CREATE TRIGGER log_checkpoints_no_delete BEFORE DELETE ON log_checkpoints "
        "FOR EACH ROW EXECUTE FUNCTION trace_append_only()"
    )
    op.execute(
        "CREATE TRIGGER event_keys_no_update BEFORE UPDATE ON event_keys "
        "FOR EACH ROW EXECUTE FUNCTION trace_append_only()"
    )
    op.execute(
        "CREATE TRIGGER event_keys_no_delete BEFORE DELETE ON event_keys "
        "FOR EACH ROW EXECUTE FUNCTION trace_key_of_erased()"
    )
    for table in FROZEN:
        for verb in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table} "
                "FOR EACH ROW EXECUTE FUNCTION trace_append_only()"
            )
    op.execute(
        "CREATE TRIGGER events_no_delete BEFORE DELETE ON events "
        "FOR EACH ROW EXECUTE FUNCTION trace_append_only()"
    )
    op.execute(
        "CREATE TRIGGER events_only_erase BEFORE UPDATE ON events "
        "FOR EACH ROW EXECUTE FUNCTION trace_only_erase()"
    )

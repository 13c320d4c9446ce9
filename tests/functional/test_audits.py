"""Whoever edits the event tables behind the application's back is named: table, row and column."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import orjson
import pytest
from flask import Flask
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError

from tests.support.factories import (
    amount,
    event,
    make_actor,
    new_crate,
    new_lot,
    notice,
    packed,
    registered,
    transformed,
)
from tests.support.intruder import without_guards
from trace.core.statements import parse_entry
from trace.core.tlog import append, leaf_hash
from trace.extensions import db
from trace.jobs.worker import publish
from trace.models import LogEntry
from trace.services.actors import Actor
from trace.services.audits import Summary, audit
from trace.services.capture import capture
from trace.services.erasures import erase
from trace.services.platform import platform_organisation

# Columns that copy nothing: what the issuer shows, the numbers of rows, what was done when by our
# own clock, and who works at the moment.
NOT_COPIES = {
    ("events", "private"),
    ("events", "id"),
    ("things", "id"),
    ("things", "labelled_at"),
    ("keys", "id"),
    ("log_checkpoints", "created_at"),
    ("log_checkpoints", "witnessed_at"),
    ("log_state", "leased_by"),
    ("log_state", "lease_until"),
}
TABLES = (
    "events",
    "event_things",
    "event_keys",
    "things",
    "holdings",
    "alerts",
    "keys",
    "log_entries",
    "log_tiles",
    "log_checkpoints",
    "log_state",
)


@pytest.fixture
def sound(app: Flask, now: datetime) -> Iterator[None]:
    """A small sound world of every kind of row, its triggers out of the way as an intruder would
    put them."""
    with app.app_context():
        actor, lot, child = make_actor(now), new_lot(), new_lot()
        place = {"id": new_lot().replace("/b/", "/l/")}
        captured = capture(
            actor,
            [
                registered(lot, readPoint=place, bizLocation=place, disposition="active"),
                transformed({lot: 10}, {child: 9}, trace__note="gộp"),
                packed(new_crate(), {child: 9}),
                notice("hold", lot, hazard="health"),
                event(
                    "ObjectEvent",
                    bizStep="retail_selling",
                    disposition="sellable_accessible",
                    quantityList=[amount(child, 2)],
                    bizLocation=place,
                ),
            ],
            at=now,
        )
        release = notice("release", lot, ends=[captured.events[3].statement_id])
        capture(actor, [release], at=now)
        void = transformed({lot: 10}, {child: 9}, trace__note="gộp") | {
            "eventID": captured.events[1].event_key,
            "errorDeclaration": {"declarationTime": "2026-11-21T00:00:00.000Z"},
        }
        capture(actor, [void], at=now)
        db.session.commit()
        publish("test")
        with without_guards(TABLES):
            yield


def differences(now: datetime) -> list[Any]:
    db.session.expire_all()
    return list(audit(Summary(), now=now))


def columns(table: str) -> list[str]:
    return [column.name for column in db.metadata.tables[table].columns]


def another(table: str, column: str, value: Any) -> Any:
    """A different value of the same kind, as an intruder would put it."""
    kind = db.metadata.tables[table].columns[column].type.python_type
    if value is None:
        return {"str": "x", "bytes": bytes(16)}.get(kind.__name__, 1)
    if kind is bool:
        return not value
    if isinstance(value, int):
        return value + 1
    if isinstance(value, bytes | memoryview):
        raw = bytes(value)
        return bytes([raw[0] ^ 1]) + raw[1:]
    return (
        value[:-3] + ("A" if value[-3:-2] != "A" else "B") + value[-2:] if len(value) > 3 else "x"
    )


def test_a_sound_database_has_no_difference(sound: None, now: datetime) -> None:
    assert differences(now) == []


def test_an_erasure_leaves_a_sound_database(sound: None, now: datetime) -> None:
    row = db.session.execute(text("SELECT statement_id FROM events ORDER BY id LIMIT 1")).scalar()
    urn = f"urn:uuid:{bytes(row or b'').hex()}"
    admin = Actor(platform_organisation(), None, "admin")
    erase(admin, urn, ["readPoint", "bizLocation"], reason="yêu cầu", at=now)
    db.session.commit()
    assert differences(now) == []


@pytest.mark.parametrize("table", TABLES)
def test_an_edit_of_any_column_of_any_row_is_named(sound: None, now: datetime, table: str) -> None:
    keys = [c.name for c in db.metadata.tables[table].primary_key.columns]
    where = " AND ".join(f"{key} = :_{key}" for key in keys)
    rows = db.session.execute(text(f"SELECT * FROM {table}")).mappings().all()
    assert rows
    refused, edited = set(), set()
    for column in columns(table):
        if (table, column) in NOT_COPIES:
            continue
        for row in rows:
            values = {"_new": another(table, column, row[column])}
            values |= {f"_{key}": row[key] for key in keys}
            try:
                db.session.execute(
                    text(f"UPDATE {table} SET {column} = :_new WHERE {where}"), values
                )
            except IntegrityError:  # a key to nowhere or to somebody else's row: refused already
                db.session.rollback()
                refused.add(column)
                continue
            db.session.expire_all()
            # The audit is left as soon as it names the table: there are some hundred edits to try.
            named = any(one.table == table for one in audit(Summary(), now=now))
            db.session.rollback()
            assert named, (column, dict(row))
            edited.add(column)
    # Keys to other rows may lead nowhere for every row: then the database itself refuses.
    assert refused - edited <= {
        *("event_id", "issuer_id", "key_id", "thing_id", "source_id", "lifted_by", "lot_id"),
        *("product_id", "owner_id", "holder_id", "organisation_id", "id", "size", "level"),
    }


def test_what_an_issuer_hides_is_counted_and_a_list_out_of_form_is_named(
    sound: None, now: datetime
) -> None:
    def counted() -> int:
        db.session.expire_all()
        summary = Summary()
        assert list(audit(summary, now=now)) == []
        return summary.otherwise

    assert counted() == 0
    db.session.execute(text("UPDATE events SET private = '[\"readPoint\"]' WHERE id = 1"))
    assert counted() == 1
    db.session.execute(text("UPDATE events SET private = '[1]' WHERE id = 1"))
    assert {(one.table, one.column) for one in differences(now)} == {("events", "private")}
    # Hiding a list hides the rows of the index that name its things: both, or it is noticed.
    db.session.execute(text("UPDATE events SET private = '[\"quantityList\"]' WHERE id = 1"))
    assert {one.table for one in differences(now)} == {"event_things"}


def test_a_disclosure_taken_away_without_an_erasure_in_the_log_is_named(
    sound: None, now: datetime
) -> None:
    stored = db.session.execute(text("SELECT disclosures FROM events WHERE id = 1")).scalar()
    texts = orjson.loads(stored or "")
    for changed in ([None, *texts[1:]], texts[1:], texts[::-1], [*texts, None]):
        values = {"new": orjson.dumps(changed).decode()}
        db.session.execute(text("UPDATE events SET disclosures = :new WHERE id = 1"), values)
        assert ("events", "1", "disclosures") in {
            (one.table, one.row, one.column) for one in differences(now)
        }
        db.session.rollback()


def test_entries_and_tiles_edited_together_are_named_by_the_signed_root(
    sound: None, now: datetime
) -> None:
    entries = db.session.scalars(select(LogEntry.entry).order_by(LogEntry.index)).all()
    h = parse_entry(entries[-1].encode()).h  # type: ignore[union-attr]  # an event's entry
    forged = entries[-1].replace(h, h[::-1][1:] + "A")
    made = append(0, Nothing(), [leaf_hash(e.encode()) for e in [*entries[:-1], forged]])
    db.session.execute(
        text("UPDATE log_entries SET entry = :new WHERE idx = :at"),
        {"new": forged, "at": len(entries) - 1},
    )
    for tile in made.tiles:
        db.session.execute(
            text("UPDATE log_tiles SET nodes = :new WHERE level = :level AND idx = :at"),
            {"new": tile.data, "level": tile.level, "at": tile.index},
        )
    [root] = [one for one in differences(now) if "signed root" in one.expected]
    assert (root.table, root.row) == ("log_entries", f"0..{len(entries) - 1}")


class Nothing:
    def read(self, level: int, index: int, width: int) -> bytes:
        return b""


@pytest.mark.parametrize("workers", ["1", "2"])
def test_the_command_names_rows_on_any_number_of_processes_and_shows_progress(
    app: Flask, sound: None, workers: str
) -> None:
    words = ["trace", "audit", "--workers", workers]
    whole = app.test_cli_runner().invoke(args=words)
    assert whole.exit_code == 0, whole.output
    assert whole.stdout.endswith("statements, 0 differences\n")
    done, _, _ = whole.stderr.splitlines()[-1].partition(" rows")
    assert done.split(" of ")[0] == done.split(" of ")[1]
    db.session.execute(text("UPDATE events SET biz_step = 'harvesting' WHERE id = 2"))
    db.session.commit()
    bad = app.test_cli_runner().invoke(args=words)
    assert bad.exit_code == 1
    assert "events 2 biz_step: expected trace:mixing, got harvesting" in bad.stdout


def test_a_row_that_is_taken_away_is_missed(sound: None, now: datetime) -> None:
    for table in ("event_things", "event_keys", "alerts", "holdings", "log_tiles"):
        which = " WHERE event_id = 2" if table.startswith("event_") else ""
        db.session.execute(text(f"DELETE FROM {table}{which}"))
        assert {one.table for one in differences(now)} == {table}
        db.session.rollback()

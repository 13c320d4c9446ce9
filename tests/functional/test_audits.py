"""Whoever edits the event tables behind the application's back is named: table, row and column."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import text

from tests.support.factories import (
    make_actor,
    new_crate,
    new_lot,
    notice,
    packed,
    registered,
    transformed,
)
from trace.extensions import db
from trace.jobs.worker import publish
from trace.services.actors import Actor
from trace.services.audits import audit_events
from trace.services.capture import capture
from trace.services.erasures import erase
from trace.services.platform import platform_organisation

# Columns that copy nothing: what the issuer shows, and the numbers of rows.
NOT_COPIES = {("events", "private"), ("events", "id")}
TABLES = ("events", "event_things", "event_keys", "log_entries")


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
                notice("hold", lot),
            ],
            at=now,
        )
        void = transformed({lot: 10}, {child: 9}, trace__note="gộp") | {
            "eventID": captured.events[1].event_key,
            "errorDeclaration": {"declarationTime": "2026-11-21T00:00:00.000Z"},
        }
        capture(actor, [void], at=now)
        db.session.commit()
        publish("test")
        triggers = drop_triggers()
        yield
        db.session.rollback()
        restore_triggers(triggers)


def drop_triggers() -> list[str]:
    if db.engine.dialect.name == "postgresql":
        for table in TABLES:
            db.session.execute(text(f"ALTER TABLE {table} DISABLE TRIGGER USER"))
        db.session.commit()
        return []
    rows = db.session.execute(
        text("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")
    ).all()
    for name, _ in rows:
        db.session.execute(text(f"DROP TRIGGER {name}"))
    db.session.commit()
    return [sql for _, sql in rows]


def restore_triggers(statements: list[str]) -> None:
    if db.engine.dialect.name == "postgresql":
        for table in TABLES:
            db.session.execute(text(f"ALTER TABLE {table} ENABLE TRIGGER USER"))
    for statement in statements:
        db.session.execute(text(statement))
    db.session.commit()


def differences(now: datetime) -> list[Any]:
    db.session.expire_all()
    return list(audit_events(now=now))


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


def editable() -> list[tuple[str, str]]:
    return [
        (table, column)
        for table in TABLES
        for column in columns(table)
        if (table, column) not in NOT_COPIES
    ]


@pytest.mark.parametrize(("table", "column"), editable())
def test_an_edit_of_any_column_of_any_row_is_named(
    sound: None, now: datetime, table: str, column: str
) -> None:
    order = {"log_entries": "idx", "events": "id"}.get(table, "event_id")
    keys = [c.name for c in db.metadata.tables[table].primary_key.columns]
    rows = db.session.execute(text(f"SELECT * FROM {table} ORDER BY {order}")).mappings().all()
    named = 0
    for row in rows:
        where = " AND ".join(f"{key} = :_{key}" for key in keys)
        values = {"_new": another(table, column, row[column])}
        values |= {f"_{key}": row[key] for key in keys}
        try:
            db.session.execute(text(f"UPDATE {table} SET {column} = :_new WHERE {where}"), values)
            db.session.flush()
        except Exception:  # a key to nowhere or to somebody else's row: the database itself refused
            db.session.rollback()
            continue
        found = differences(now)
        db.session.rollback()
        assert found, (table, column, dict(row))
        named += 1
    assert named or column in {"event_id", "issuer_id", "key_id", "thing_id"}, "nothing was edited"


def test_a_row_that_is_taken_away_is_missed(sound: None, now: datetime) -> None:
    for table in ("event_things", "event_keys"):
        db.session.execute(text(f"DELETE FROM {table} WHERE event_id = 2"))
        assert {one.table for one in differences(now)} == {table}
        db.session.rollback()

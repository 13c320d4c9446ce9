"""Promises: capturing 1,000-event documents (parse, rules, event hash, statement, signature, rows,
holdings, chains, log entries, audit) takes at most 3 times the floor, and an event with all its
rows and index entries takes at most 4 kB.

The floor, in the same run on the same kind of database: a raw driver-level bulk insert of the same
rows into the same tables and indexes, and one bare Ed25519 signature per event. CPU time.
"""

from __future__ import annotations

import gc
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import process_time
from typing import Any

import orjson
from flask import Flask
from flask_migrate import upgrade
from sqlalchemy import text

from benchmarks import Figure, absolute, compare
from trace import clock
from trace.app import create_app
from trace.config import Settings
from trace.core.epcis import JsonObject, event_context, parse_document
from trace.core.gs1 import new_code
from trace.core.signing import PrivateKey
from trace.extensions import db
from trace.models import Organisation
from trace.services import keys, platform
from trace.services.actors import Actor
from trace.services.capture import capture

EVENTS = 1000
ROUNDS = 4
# Every table that a capture writes into, parents first.
TABLES = (
    "things",
    "events",
    "event_keys",
    "event_things",
    "holdings",
    "log_entries",
    "audit",
)
ID_BASE = "https://trace.example"


def document(count: int, organisation: str) -> bytes:
    """An EPCIS document of harvest registrations, packing, processing and shipping with unique
    codes and no eventIDs, as a packhouse's system would send it."""
    place = {"id": f"{ID_BASE}/l/{new_code(os.urandom)}"}
    events = [_event(number, place, organisation) for number in range(count)]
    body: JsonObject = {
        "@context": event_context(ID_BASE),
        "type": "EPCISDocument",
        "schemaVersion": "2.0",
        "creationDate": "2026-11-20T05:00:00.000Z",
        "epcisBody": {"eventList": events},
    }
    return orjson.dumps(body)


def _event(number: int, place: JsonObject, organisation: str) -> JsonObject:
    thousandth = int.from_bytes(os.urandom(4)) % 1000
    lot = f"{ID_BASE}/b/{new_code(os.urandom)}"
    event: JsonObject = {
        "type": "ObjectEvent",
        "action": "ADD",
        # No two documents are of the same moments: what was read of one helps with no other.
        "eventTime": f"2026-11-20T03:{number // 60 % 60:02d}:{number % 60:02d}.{thousandth:03d}Z",
        "eventTimeZoneOffset": "+07:00",
        "bizStep": "commissioning",
        "disposition": "active",
        "readPoint": place,
        "bizLocation": place,
        "trace:performedBy": f"H{number % 200:03d}",
        "trace:recordedBy": organisation,
    }
    quantity = {"epcClass": lot, "quantity": 40 + number % 500 / 2, "uom": "KGM"}
    match number % 4:
        case 0 | 1:
            event |= {
                "quantityList": [quantity],
                "ilmd": {
                    "cbvmda:lotNumber": f"L{number}",
                    "cbvmda:harvestStartDate": "2026-11-20",
                    "cbvmda:bestBeforeDate": "2026-11-25",
                    "trace:variety": "Cải ngọt",
                },
            }
        case 2:
            del event["action"]
            event |= {
                "type": "TransformationEvent",
                "bizStep": "trace:processing",
                "inputQuantityList": [quantity],
                "outputQuantityList": [
                    {
                        "epcClass": f"{ID_BASE}/b/{new_code(os.urandom)}",
                        "quantity": 38,
                        "uom": "KGM",
                    }
                ],
            }
        case _:
            event |= {
                "type": "AggregationEvent",
                "bizStep": "packing",
                "parentID": f"{ID_BASE}/h/{new_code(os.urandom)}",
                "childQuantityList": [quantity],
            }
    return event


@dataclass(slots=True)
class Bench:
    """A migrated database with one organisation that may record."""

    app: Flask
    actor: Actor


@contextmanager
def bench(folder: Path, name: str, database_url: str = "") -> Iterator[Bench]:
    """An application of its own on a fresh database: SQLite where no address is given."""
    settings = Settings(
        instance=folder / name,
        database_url=database_url or f"sqlite:///{folder / name}.db",
        public_url="http://localhost",
        id_base=ID_BASE,
        key_encryption_key=bytes(32),
        secret_key="only for measuring, and long enough",
    )
    app = create_app(settings)
    with app.app_context():
        upgrade()
        now = clock.now()
        platform.initialise(at=now)
        organisation = Organisation(
            code=new_code(os.urandom),
            name="HTX Demo",
            kind="co-operative",
            use_salt=os.urandom(32),
            created_at=now,
        )
        db.session.add(organisation)
        db.session.flush()
        keys.create_key(organisation, at=now)
        db.session.commit()
        yield Bench(app, Actor(organisation, None, "owner"))
        db.session.remove()
        db.engine.dispose()


def ours(made: Bench, data: bytes) -> float:
    """CPU seconds to capture one document, from bytes to commit."""
    gc.collect()
    start = process_time()
    parsed = parse_document(data)
    capture(made.actor, parsed.events, at=clock.now())
    db.session.commit()
    return process_time() - start


def marks() -> dict[str, int]:
    """How many rows each table has."""
    return {
        table: db.session.scalar(text(f"SELECT count(*) FROM {table}")) or 0 for table in TABLES
    }


def new_rows(before: dict[str, int]) -> dict[str, tuple[str, list[tuple[Any, ...]]]]:
    """The rows that came since `before`, with the statement that inserts them."""
    found = {}
    for table in TABLES:
        if table in ("event_things", "event_keys", "holdings"):
            order = {"holdings": "thing_id"}.get(table, "event_id")
        else:
            order = "idx" if table == "log_entries" else "id"
        result = db.session.execute(
            text(f"SELECT * FROM {table} ORDER BY {order} LIMIT -1 OFFSET {before[table]}")
        )
        columns = list(result.keys())
        marks_of = ", ".join("?" * len(columns))
        found[table] = (
            f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks_of})",
            [tuple(row) for row in result],
        )
    return found


def floor(rows: dict[str, tuple[str, list[tuple[Any, ...]]]], key: PrivateKey) -> float:
    """CPU seconds for the raw inserts and the bare signatures."""
    message = os.urandom(1600)
    raw = db.engine.raw_connection()
    connection = raw.driver_connection
    if connection is None:
        raise RuntimeError("no connection")
    gc.collect()
    start = process_time()
    for _ in range(EVENTS):
        key.sign(message)
    cursor = connection.cursor()
    for statement, values in rows.values():
        cursor.executemany(statement, values)
    connection.commit()
    spent = process_time() - start
    raw.close()
    return spent


def stored_bytes(path: Path) -> int:
    """Bytes of the database file after everything has been written into it."""
    db.session.execute(text("PRAGMA wal_checkpoint(TRUNCATE)"))
    return path.stat().st_size


def run() -> Iterable[Figure]:
    """Captures documents and inserts their rows raw into a second database, in turns."""
    folder = Path(tempfile.mkdtemp(prefix="trace-bench-"))
    key = PrivateKey.generate()
    best_ours = best_floor = float("inf")
    try:
        captured: list[dict[str, tuple[str, list[tuple[Any, ...]]]]] = []
        spent: list[float] = []
        with bench(folder, "ours") as made:
            ours(made, document(50, made.actor.organisation.code))  # compiles and opens everything
            size = stored_bytes(folder / "ours.db")
            for _ in range(ROUNDS):
                before = marks()
                data = document(EVENTS, made.actor.organisation.code)
                spent.append(ours(made, data))
                captured.append(new_rows(before))
            grown = stored_bytes(folder / "ours.db") - size
        shutil.copy(folder / "ours.db", folder / "floor.db")
        with bench_over(folder, "floor") as _:
            for seconds, rows in zip(spent, captured, strict=True):
                best_ours = min(best_ours, seconds)
                best_floor = min(best_floor, floor(rows, key))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    each, least = best_ours / EVENTS * 1e6, best_floor / EVENTS * 1e6
    return [
        compare("capture of 1,000-event documents", each, "µs CPU/event", least, "<=", 3),
        absolute("stored per event", grown / (EVENTS * ROUNDS), "bytes", "<=", 4000),
    ]


@contextmanager
def bench_over(folder: Path, name: str) -> Any:
    """The same database emptied of what the captures wrote: same schema, indexes and parents."""
    settings = Settings(
        instance=folder / name,
        database_url=f"sqlite:///{folder / name}.db",
        public_url="http://localhost",
        id_base=ID_BASE,
        key_encryption_key=bytes(32),
        secret_key="only for measuring, and long enough",
    )
    app = create_app(settings)
    with app.app_context():
        raw = db.engine.raw_connection()
        connection = raw.driver_connection
        if connection is None:
            raise RuntimeError("no connection")
        triggers = connection.execute("SELECT name, sql FROM sqlite_master WHERE type='trigger'")
        saved = triggers.fetchall()
        for trigger, _ in saved:
            connection.execute(f"DROP TRIGGER {trigger}")
        for table in reversed(TABLES):
            connection.execute(f"DELETE FROM {table} WHERE {_made_by_capture(table)}")
        for _, statement in saved:
            connection.execute(statement)
        connection.commit()
        connection.execute("VACUUM")
        raw.close()
        yield app
        db.session.remove()
        db.engine.dispose()


def _made_by_capture(table: str) -> str:
    return "event_id IS NOT NULL" if table == "log_entries" else "1"

"""The one way out: what a thing can say to the public, built once and kept (DESIGN, section 5).

A passport row holds the document of one lot, cycle or logistic unit, deflated, with a version that
rises with every rebuild. It is stale when an event names the thing (capture says so) or when a
date on it has turned (`valid_until`). Who reads it stale rebuilds it:

1. claim: one conditional update takes the row for half a minute and clears `stale`; of two readers
   one wins. What is captured from then on sets `stale` again and is seen by the next reader.
2. build: from the events, no lock held.
3. store: version + 1, while the claim is still his. Who took longer than his claim lasts, or built
   what has been erased since (services.erasures ends the claim), looks again.

The other reader is served the document as it was; where there is none yet he waits for it. A
builder that died leaves its claim to run out. These are transactions of their own: call with
nothing unwritten in the session.

A page that nobody opened yet has no row to mark. Who opens it first while others are marking pages
makes it for UNSETTLED: they may have missed the row that he made, and he what they write.

A unit is told by its lot's passport, unless something else than its making names it: then it has
its own.
"""

from __future__ import annotations

import time
import zlib
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, cast

import orjson
from sqlalchemy import (
    ColumnElement,
    Connection,
    Table,
    and_,
    case,
    exists,
    literal,
    not_,
    or_,
    select,
    text,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite

from trace.core.signing import JsonObject
from trace.errors import NotFound
from trace.extensions import db
from trace.models import Event, EventThing, Passport, Thing
from trace.services.histories import EPC, OUTPUT, contents
from trace.services.passports_document import build_document
from trace.services.sets import among, is_sqlite
from trace.services.settings import current_settings

# Longer than the slowest build of a page that people read, short enough to wait out.
CLAIM: Final = timedelta(seconds=30)
# Longer than a transaction takes from marking pages to its end.
UNSETTLED: Final = timedelta(minutes=1)
WAIT_STEP: Final = 0.02
# Whoever has updated a table of PostgreSQL holds this lock on it to his end, also where no row was
# there to be updated. SQLite lets one write at a time.
_MARKING: Final = text(
    "SELECT EXISTS (SELECT FROM pg_locks WHERE relation = CAST('passports' AS regclass)"
    " AND mode = 'RowExclusiveLock' AND granted AND pid <> pg_backend_pid()"
    " AND database = (SELECT oid FROM pg_database WHERE datname = current_database()))"
)
_passports = cast("Table", Passport.__table__)
_things = cast("Table", Thing.__table__)
_KEPT: Final = [column for column in _passports.c if column.name != "thing_id"]


@dataclass(frozen=True, slots=True)
class PassportRead:
    """A document with its version; `thing_id` is whose passport it is (a unit's may be its
    lot's)."""

    thing_id: int
    version: int
    document: JsonObject


def passport_of(thing_id: int, *, at: datetime) -> PassportRead:
    """The passport of a thing, rebuilt if it is stale. Raises NotFound for an unknown thing."""
    with _connection() as connection:
        row = _speaking(connection, thing_id)
        if row.version is not None and not needs_rebuild(row, at):
            return PassportRead(row.thing_id, row.version, inflated(row.document))
        return _rebuilt(connection, row, at)


@contextmanager
def _connection() -> Iterator[Connection]:
    """One connection for all steps, none of which holds a transaction open over another.

    On PostgreSQL each statement is its own: no way there and back to begin and to end one.
    """
    options = {} if is_sqlite() else {"isolation_level": "AUTOCOMMIT"}
    with db.engine.execution_options(**options).connect() as connection:
        yield connection


def needs_rebuild(row: Any, at: datetime) -> bool:
    """Whether a row (stale, valid_until, building_until, version) must be built anew."""
    return bool(
        row.stale
        or row.version == 0
        or (row.valid_until is not None and row.valid_until <= at)
        or (row.building_until is not None and row.building_until <= at)
    )


def mark_stale(thing_ids: Collection[int]) -> None:
    """The passports of these things, and of what lies in them, are rebuilt when next read.

    In the caller's transaction. What happens to a container happens to its contents. Who signs in
    it as well takes the log's lock first: captures hold that when they mark pages, and would wait
    for the pages of whoever waits for it.
    """
    connection = db.session.connection()
    around = contents(connection, thing_ids)
    connection.execute(
        update(_passports).where(among(_passports.c.thing_id, around)).values(stale=True)
    )


def _speaking(connection: Connection, thing_id: int) -> Any:
    """The row of the passport that tells of this thing; only `thing_id` where there is none yet."""
    row = _read(connection, thing_id)
    if row is None:
        raise NotFound
    if row.kind != "unit" or row.lot_id is None:
        return row
    lives = connection.execute(select(has_own_history(literal(thing_id)))).scalar()
    return row if lives else _read(connection, row.lot_id)


def _read(connection: Connection, thing_id: int) -> Any:
    return connection.execute(
        select(_things.c.id.label("thing_id"), _things.c.kind, _things.c.lot_id, *_KEPT)
        .outerjoin_from(_things, _passports, _passports.c.thing_id == _things.c.id)
        .where(_things.c.id == thing_id)
    ).one_or_none()


def has_own_history(thing: ColumnElement[int]) -> ColumnElement[int]:
    """1 for a unit that something else than its making names, else 0 (an expression of SQL)."""
    made = or_(EventThing.role == OUTPUT, and_(EventThing.role == EPC, Event.action == "ADD"))
    named = exists(
        select(EventThing.event_id)
        .join(Event, Event.id == EventThing.event_id)
        .where(EventThing.thing_id == thing, not_(made))
    )
    return case((named, 1), else_=0)


def _rebuilt(connection: Connection, row: Any, at: datetime) -> PassportRead:
    while True:
        if _claim(connection, row, at):
            try:
                built = _build(connection, row, at)
            except Exception:
                _give_back(connection, row.thing_id, at)  # or others would wait for nothing
                raise
            if built is not None:
                return built
            row = _read(connection, row.thing_id)
            continue
        if row.document is None:
            row = _waited_for(connection, row)
        if row.document is not None:
            return PassportRead(row.thing_id, row.version, inflated(row.document))
        at = max(at, row.building_until or at)  # who has it is taken for lost


def _waited_for(connection: Connection, row: Any) -> Any:
    """The row with what another reader is building, or as it is when his claim ends."""
    end = time.monotonic() + CLAIM.total_seconds()
    while time.monotonic() < end:
        connection.rollback()
        time.sleep(WAIT_STEP)
        row = _read(connection, row.thing_id)
        if row.document is not None or row.building_until is None:
            break
    return row


def _claim(connection: Connection, row: Any, at: datetime) -> bool:
    """Step 1: True for the one reader who may build."""
    columns = _passports.c
    if row.version is None:
        dialect = sqlite.insert if is_sqlite() else postgresql.insert
        connection.execute(
            dialect(_passports)
            .values(thing_id=row.thing_id, version=0, stale=True)
            .on_conflict_do_nothing(index_elements=["thing_id"])
        )
    won = connection.execute(
        update(_passports)
        .where(
            columns.thing_id == row.thing_id,
            or_(
                columns.building_until <= at,
                and_(
                    columns.building_until.is_(None),
                    or_(columns.stale, columns.document.is_(None), columns.valid_until <= at),
                ),
            ),
        )
        .values(stale=False, building_until=at + CLAIM)
    )
    connection.commit()
    return won.rowcount == 1


def _claimed(thing_id: int, at: datetime) -> ColumnElement[bool]:
    """The row, while the claim made `at` stands."""
    return and_(_passports.c.thing_id == thing_id, _passports.c.building_until == at + CLAIM)


def _give_back(connection: Connection, thing_id: int, at: datetime) -> None:
    """Ends a claim that came to nothing: the next reader may try."""
    connection.rollback()
    connection.execute(
        update(_passports).where(_claimed(thing_id, at)).values(stale=True, building_until=None)
    )
    connection.commit()


def _build(connection: Connection, row: Any, at: datetime) -> PassportRead | None:
    """Steps 2 and 3; None where the claim ended meanwhile."""
    # Asked before anything is read: who has ended by now is read.
    turns = [] if row.version or not _others_mark(connection) else [at + UNSETTLED]
    document = build_document(connection, row.thing_id, at=at, id_base=current_settings().id_base)
    connection.rollback()  # nothing is held from the reading to the writing
    if document["valid_until"] is not None:
        turns.append(datetime.fromisoformat(document["valid_until"]))
    version = connection.execute(
        update(_passports)
        .where(_claimed(row.thing_id, at))
        .values(
            version=_passports.c.version + 1,
            building_until=None,
            valid_until=min(turns, default=None),
            document=zlib.compress(orjson.dumps(document), 6),
        )
        .returning(_passports.c.version)
    ).scalar_one_or_none()
    connection.commit()
    return None if version is None else PassportRead(row.thing_id, version, document)


def _others_mark(connection: Connection) -> bool:
    """Whether somebody may have marked pages and has not committed it."""
    return not is_sqlite() and bool(connection.execute(_MARKING).scalar())


def inflated(document: bytes) -> JsonObject:
    """What a row keeps, as it was built."""
    found: JsonObject = orjson.loads(zlib.decompress(document))
    return found

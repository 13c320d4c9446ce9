"""Parts of tables made ahead, and emptied when their time is over (PostgreSQL only).

Which tables are partitioned and why no others: docs/explanation/sharding.md. The migration made
the first part of each and one for all that no other takes; here the parts to come are made. A part
is made beside the table and hung on: whoever writes goes on meanwhile. Where a lock is not to be
had within two seconds nothing is done; an hour later it is tried again, and until then the part for
the rest takes what comes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Final

import structlog
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from trace.extensions import db
from trace.models.types import to_millis
from trace.services.sets import is_sqlite

logger = structlog.get_logger()
SCHEMA: Final = "parts"
DAY: Final = timedelta(days=1)
ROOM: Final = 2  # parts by number that are made ahead


@dataclass(frozen=True, slots=True)
class Part:
    """A part's name and the values it takes: `begin` ≤ column < `end`, as PostgreSQL writes
    them."""

    name: str
    begin: str
    end: str


@dataclass(frozen=True, slots=True)
class Parted:
    """A partitioned table: its column, and what a part holds: a day, a month, a month of
    milliseconds, or so many numbers."""

    table: str
    column: str
    by: str
    step: int = 0


PARTED: Final = (
    Parted("scan_visits", "day", "day"),
    Parted("scans", "day", "month"),
    Parted("sensor_readings", "time", "month-millis"),
    Parted("audit", "id", "number", 10_000_000),
    Parted("event_things", "event_id", "number", 1 << 24),
)


def make_ahead(*, at: datetime) -> int:
    """Makes the parts of the next days and months, and of the next numbers; how many. Commits by
    itself."""
    if is_sqlite():
        return 0
    made = 0
    for parted in PARTED:
        for part in _wanted(parted, at):
            try:
                with db.engine.begin() as connection:
                    made += _make(connection, parted, part)
            except DBAPIError as error:
                logger.warning("no-part-made", part=part.name, error=type(error.orig).__name__)
                break
    return made


def empty_before(table: str, day: date) -> int:
    """Empties and removes the parts of a table by days that end on or before `day`; how many.
    Emptying waits for nobody but who reads that very part. Commits by itself."""
    if is_sqlite():
        return 0
    gone = 0
    for name in _names(table):
        told = name.removeprefix(f"{table}_")
        if not told.isdigit() or date.fromisoformat(told) >= day:
            continue
        try:
            with db.engine.begin() as connection:
                connection.exec_driver_sql("SET LOCAL lock_timeout = '2s'")
                connection.exec_driver_sql(f"TRUNCATE {SCHEMA}.{name}")
            with db.engine.begin() as connection:
                connection.exec_driver_sql("SET LOCAL lock_timeout = '2s'")
                connection.exec_driver_sql(f"DROP TABLE {SCHEMA}.{name}")
        except DBAPIError as error:
            logger.warning("part-stays", part=name, error=type(error.orig).__name__)
            continue
        gone += 1
    return gone


def _wanted(parted: Parted, at: datetime) -> Iterator[Part]:
    today = at.astimezone(UTC).date()
    if parted.by == "day":
        for ahead in range(1, 8):
            day = today + ahead * DAY
            yield Part(f"{parted.table}_{day:%Y%m%d}", f"{day}", f"{day + DAY}")
    elif parted.by == "number":
        first = _highest(parted) // parted.step
        for number in range(first, first + 1 + ROOM):
            ends = str(number * parted.step), str((number + 1) * parted.step)
            yield Part(f"{parted.table}_n{number}", *ends)
    else:
        month = today.replace(day=1)
        for _ in range(3):
            after = (month + 32 * DAY).replace(day=1)
            begin, end = (
                (f"{month}", f"{after}")
                if parted.by == "month"
                else (str(_millis(month)), str(_millis(after)))
            )
            yield Part(f"{parted.table}_{month:%Y%m}", begin, end)
            month = after


def _millis(day: date) -> int:
    return to_millis(datetime(day.year, day.month, day.day, tzinfo=UTC))


def _highest(parted: Parted) -> int:
    with db.engine.connect() as connection:
        found = connection.exec_driver_sql(
            f"SELECT max({parted.column}) FROM {parted.table}"  # noqa: S608 (names of ours)
        ).scalar()
    return int(found or 0)


def _names(table: str) -> list[str]:
    """The parts of a table by name."""
    with db.engine.connect() as connection:
        rows = connection.exec_driver_sql(
            "SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid "
            "WHERE i.inhparent = to_regclass(%s) ORDER BY 1",
            (table,),
        )
        return [name for (name,) in rows]


def _make(connection: Connection, parted: Parted, part: Part) -> int:
    table, column = parted.table, parted.column
    run = connection.exec_driver_sql
    run("SET LOCAL lock_timeout = '2s'")
    ends = run(
        # Where the first part, or another one, reaches beyond the beginning, there is no room.
        "SELECT pg_get_expr(c.relpartbound, c.oid) FROM pg_inherits i "
        "JOIN pg_class c ON c.oid = i.inhrelid WHERE i.inhparent = to_regclass(%s)",
        (table,),
    ).scalars()
    if any(_reaches(bound, part.begin) for bound in ends):
        return 0
    fresh = f"{SCHEMA}.{part.name}"
    run(f"CREATE TABLE {fresh} (LIKE {table} INCLUDING DEFAULTS INCLUDING STORAGE)")
    # What came before there was room lies with the rest.
    where = f"{column} >= '{part.begin}' AND {column} < '{part.end}'"
    rest = f"{SCHEMA}.{table}_rest"
    if run(f"SELECT EXISTS (SELECT 1 FROM {rest} WHERE {where})").scalar():  # noqa: S608
        _move(connection, table, rest, fresh, where)
    run(
        f"ALTER TABLE {table} ATTACH PARTITION {fresh} "
        f"FOR VALUES FROM ('{part.begin}') TO ('{part.end}')"
    )
    return 1


def _move(connection: Connection, table: str, rest: str, fresh: str, where: str) -> None:
    """Moves rows between two parts; a guard against deleting knows no such thing, so it is away
    for the moment in which nobody else can write there."""
    run = connection.exec_driver_sql
    run(f"LOCK TABLE {rest} IN ACCESS EXCLUSIVE MODE")
    run(f"ALTER TABLE {rest} DISABLE TRIGGER USER")
    run(
        f"WITH moved AS (DELETE FROM {rest} WHERE {where} RETURNING *) "  # noqa: S608
        f"INSERT INTO {fresh} SELECT * FROM moved"
    )
    run(f"ALTER TABLE {rest} ENABLE TRIGGER USER")


def _reaches(bound: str, begin: str) -> bool:
    """Whether a part "FOR VALUES FROM (…) TO ('…')" ends after `begin`, or begins there."""
    if bound == "DEFAULT":
        return False
    first, _, last = bound.removeprefix("FOR VALUES FROM (").removesuffix(")").partition(") TO (")
    low, high = first.strip("'"), last.strip("'")
    if begin.lstrip("-").isdigit():
        return int(high) > int(begin) if low == "MINVALUE" else int(low) <= int(begin) < int(high)
    return high > begin if low == "MINVALUE" else low <= begin < high

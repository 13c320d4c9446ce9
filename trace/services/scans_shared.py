"""Scans of many machines, gathered in Redis and brought to the database by one worker at a time.

Web processes append what they saw to a stream, some hundred scans an entry; whichever worker is
first locks the row of the stream's cursor, stores what comes after it, and moves it, all in one
transaction of the database. Then the stream is cut. So, wherever anything is killed:

1. before the commit: nothing is stored, the entries are still there;
2. after the commit, before the cut: the cursor says that they are stored; they are only cut;
3. of two workers the second finds the row locked and goes away;
4. an entry whose arrival was not confirmed is stored by the process itself, and perhaps twice: a
   visitor counts once for a thing and a day all the same (services.scans, rule 2).

A Redis that comes back empty begins another stream with a cursor of its own; what it had taken and
lost, a second or so of scans, is lost: numbers may be short.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

import orjson
import structlog
from sqlalchemy import select, update
from sqlalchemy.dialects import postgresql, sqlite

from trace.extensions import db
from trace.models import ScanCursor
from trace.services import scans
from trace.services.scans import Seen
from trace.services.sets import is_sqlite
from trace.services.shared import Shared

logger = structlog.get_logger()
STREAM: Final = "scans"
EPOCH: Final = "scans:epoch"
ENTRY: Final = 250  # scans
ROOM: Final = 4000  # entries: a million scans, some 250 MB; older ones go first
TAKEN: Final = 40  # entries stored in one transaction
MINUTE_MS: Final = 60_000
START: Final = "0-0"


def push(shared: Shared, seen: Sequence[Seen], per_minute: int) -> bool:
    """Appends scans to the stream, of each sender as many as all machines together count in a
    minute; False while Redis is away, and then nothing is known to have arrived."""
    kept = _within(shared, seen, per_minute)
    if kept is None:
        return False
    entries = [kept[start : start + ENTRY] for start in range(0, len(kept), ENTRY)]

    def act(client: Any) -> bool:
        with client.pipeline(transaction=True) as line:
            for entry in entries:
                line.xadd(shared.key(STREAM), {"s": pack(entry)}, maxlen=ROOM, approximate=True)
            line.execute()
        return True

    return not entries or bool(shared.ask(act))


def _within(shared: Shared, seen: Sequence[Seen], per_minute: int) -> list[Seen] | None:
    keys = [shared.key(f"seen:{one.at // MINUTE_MS}:{one.sender.hex()}") for one in seen]

    def act(client: Any) -> list[int]:
        with client.pipeline(transaction=False) as line:
            for key in keys:
                line.incr(key)
                line.expire(key, 120)
            return [int(count) for count in line.execute()[::2]]

    counts = shared.ask(act)
    if counts is None:
        return None
    return [one for one, count in zip(seen, counts, strict=True) if count <= per_minute]


def pack(seen: Sequence[Seen]) -> bytes:
    """Scans as JSON. Who sent them is not among it."""
    return orjson.dumps(
        [[one.texts, one.unit, one.at, one.mark.hex(), one.place, one.again] for one in seen]
    )


def unpack(data: bytes) -> list[Seen]:
    """The scans of an entry."""
    return [
        Seen(tuple(texts), tuple(unit) if unit else None, at, bytes.fromhex(mark), place, again)
        for texts, unit, at, mark, place, again in orjson.loads(data)
    ]


def store_waiting(shared: Shared, *, at: datetime) -> int:
    """Stores what waits in the stream, some entries at a time; how many entries. Commits."""
    count = 0
    while taken := _store_some(shared, at):
        count += taken
    return count


def waiting(shared: Shared) -> int | None:
    """How many entries are in the stream; None while Redis is away."""
    return shared.ask(lambda client: int(client.xlen(shared.key(STREAM))))


def _store_some(shared: Shared, at: datetime) -> int:
    if not waiting(shared):
        return 0  # an idle worker asks the database nothing
    epoch = _epoch(shared)
    last = _locked(epoch, at) if epoch else None
    entries = _read(shared, last) if last else []
    if epoch is None or not entries:
        db.session.rollback()
        if last:
            _cut(shared, last)
        return 0
    try:
        scans.store([seen for _, data in entries for seen in unpack(data)])
        _move(epoch, entries[-1][0], at)
        db.session.commit()
    except (ValueError, TypeError, KeyError):
        # What cannot be read is passed over rather than tried for ever; the log says so.
        db.session.rollback()
        logger.exception("scans-lost", count=len(entries))
        _move(epoch, entries[-1][0], at)
        db.session.commit()
    _cut(shared, entries[-1][0])
    return len(entries)


def _epoch(shared: Shared) -> str | None:
    def act(client: Any) -> str:
        with client.pipeline(transaction=True) as line:
            line.setnx(shared.key(EPOCH), secrets.token_hex(16))
            line.get(shared.key(EPOCH))
            return str(line.execute()[1].decode())

    return shared.ask(act)


def _locked(epoch: str, at: datetime) -> str | None:
    """The cursor of a stream, its row locked until the end of the transaction; None where another
    worker has it."""
    insert = sqlite.insert if is_sqlite() else postgresql.insert
    first = insert(ScanCursor).values(epoch=epoch, last=START, stored_at=at)
    if is_sqlite() or db.session.get(ScanCursor, epoch) is None:
        # On SQLite this takes the write lock; on PostgreSQL it waits for who inserts it first.
        db.session.execute(first.on_conflict_do_nothing())
    query = select(ScanCursor.last).where(ScanCursor.epoch == epoch)
    return db.session.scalar(query if is_sqlite() else query.with_for_update(skip_locked=True))


def _read(shared: Shared, last: str) -> list[tuple[str, bytes]]:
    found = shared.ask(
        lambda client: client.xrange(shared.key(STREAM), min=f"({last}", count=TAKEN)
    )
    return [(name.decode(), fields[b"s"]) for name, fields in found or ()]


def _move(epoch: str, last: str, at: datetime) -> None:
    db.session.execute(
        update(ScanCursor)
        .where(ScanCursor.epoch == epoch)
        .values(last=last, stored_at=at)
        .execution_options(synchronize_session=False)
    )


def _cut(shared: Shared, last: str) -> None:
    """Takes away all entries up to the one of this name."""

    def act(client: Any) -> None:
        with client.pipeline(transaction=True) as line:
            line.xtrim(shared.key(STREAM), minid=last, approximate=False)
            line.xdel(shared.key(STREAM), last)
            line.execute()

    shared.ask(act)

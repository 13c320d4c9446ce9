"""Appending to the log: one row lock, taken last; record time and index are given under it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import bindparam, select, text, update

from trace.core.tlog import origin_of
from trace.errors import TraceError
from trace.extensions import db
from trace.models import LogState
from trace.models.types import from_millis
from trace.services.bulk import insert_rows
from trace.services.log_guard import check_holds
from trace.services.sets import is_sqlite
from trace.services.settings import current_settings


class NoLog(TraceError):
    code = "no-log"
    status = 503
    message = "The log has not been created."
    next_step = "Run: flask --app wsgi trace log init"


class OtherIdBase(TraceError):
    code = "other-id-base"
    status = 503
    message = "The log was created for %(frozen)s, but TRACE_ID_BASE is %(given)s."
    next_step = "Set TRACE_ID_BASE back: identities are signed and printed and never change."


@dataclass(frozen=True, slots=True)
class Locked:
    """The log's state while its lock is held, until the transaction ends."""

    number: int
    origin: str
    start: int  # the place of this origin's index 0
    size: int
    last_time: datetime
    latest: datetime | None = None  # no entry made now is later: see record_time


# How far a machine's clock may be ahead of the database's before it is not believed. More than
# clocks that are kept by NTP ever differ, less than anybody would notice in a record.
AHEAD = timedelta(seconds=10)


# An update, not a select: the same words take the row lock on PostgreSQL and the write lock on
# SQLite, where reading alone would hold nothing.
_LOCK = text(
    "UPDATE log_state SET size = size "
    "WHERE id = (SELECT max(id) FROM log_state) "
    "RETURNING id, origin, id_base, start, size, last_time"
)
# PostgreSQL tells its own clock along, read once the lock is held.
_LOCK_AND_CLOCK = text(_LOCK.text + ", clock_timestamp() AS told")


# Asked anew under the lock: who waited for it while the log was begun anew holds the old one's.
_NEWEST = text("SELECT max(id) FROM log_state")


_GROWN = (
    update(LogState)
    .where(LogState.id == bindparam("number"))
    .values(size=bindparam("grown"), last_time=bindparam("moment"))
    .execution_options(synchronize_session=False)
)


def lock() -> Locked:
    """Takes the log lock until the transaction ends. Raises NoLog, OtherIdBase, and LogForked or
    LogRestored where an older backup was restored (trace.services.log_guard)."""
    asked = _LOCK if is_sqlite() else _LOCK_AND_CLOCK
    while True:
        row = db.session.execute(asked).one_or_none()
        if row is None:
            raise NoLog
        if db.session.scalar(_NEWEST) == row.id:
            break
    settings = current_settings()
    if row.id_base != settings.id_base:
        raise OtherIdBase(frozen=row.id_base, given=settings.id_base)
    check_holds(row.id, row.size - row.start)
    last = from_millis(row.last_time)
    # Tests set their clock as they please, and the database's knows nothing of it.
    latest = None if is_sqlite() or settings.testing else _whole(row.told) + AHEAD
    return Locked(row.id, row.origin, row.start, row.size, last, latest)


def _whole(moment: datetime) -> datetime:
    """In milliseconds, as all record times are."""
    return moment.astimezone(UTC).replace(microsecond=moment.microsecond // 1000 * 1000)


def record_time(state: Locked, at: datetime) -> datetime:
    """The record time of entries made now: never before the last one (formats §3), which is why one
    that was too late could never be mended. So a machine whose clock runs ahead is not believed
    beyond the database's own clock, where that is another one."""
    if state.latest is not None:
        at = min(at, state.latest)
    return max(at, state.last_time)


def append(state: Locked, entries: Sequence[tuple[bytes, int | None]], at: datetime) -> int:
    """Writes (entry, event id or None) in order and returns the index of the first.

    The caller holds the lock (`state`) and made the entries with `record_time(state, at)`.
    """
    insert_rows(
        "log_entries",
        ("idx", "entry", "event_id"),
        [(state.size + i, entry.decode(), event_id) for i, (entry, event_id) in enumerate(entries)],
    )
    values = {
        "number": state.number,
        "grown": state.size + len(entries),
        "moment": record_time(state, at),
    }
    db.session.execute(_GROWN, values)
    return state.size


def create_log(*, at: datetime) -> bool:
    """Creates the log's state row for the settings' identity base; False where there is one."""
    if db.session.scalar(select(LogState.id).limit(1)) is not None:
        return False
    id_base = current_settings().id_base
    db.session.add(
        LogState(
            id=1, origin=origin_of(id_base), id_base=id_base, size=0, integrated=0, last_time=at
        )
    )
    db.session.flush()
    return True


def current_state() -> LogState:
    """The newest origin's row. Raises NoLog."""
    state = db.session.scalar(select(LogState).order_by(LogState.id.desc()).limit(1))
    if state is None:
        raise NoLog
    return state

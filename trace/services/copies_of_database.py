"""The replicas of the database as the primary sees them: who follows, how far behind, and whether
one holds what is acknowledged before it is (PostgreSQL, pg_stat_replication).

Who may not read the states of others' connections sees that there are some, and nothing of them:
`GRANT pg_read_all_stats TO` the application's role.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from trace.extensions import db
from trace.services.replicas import Replica, read_from
from trace.services.sets import is_sqlite

SYNCHRONOUS: Final = ("sync", "quorum")
_ASKED: Final = text(
    "SELECT application_name, host(client_addr), state, sync_state, "
    "CASE WHEN pg_is_in_recovery() THEN NULL "
    "ELSE pg_wal_lsn_diff(pg_current_wal_lsn(), replay_lsn) END, "
    "extract(epoch FROM replay_lag) "
    "FROM pg_stat_replication WHERE state IS NULL OR state IN ('streaming', 'catchup') "
    "ORDER BY application_name, client_addr, pid"
)


@dataclass(frozen=True, slots=True)
class Copy:
    """One replica: its name (with its address, where two are called alike), whether it is
    synchronous, and how far behind it shows what was written; None: not known."""

    name: str
    synchronous: bool
    bytes_behind: int | None
    seconds_behind: float | None


@dataclass(frozen=True, slots=True)
class Copies:
    """`wanted`: the primary waits for a synchronous one. `hidden`: so many are there, of which this
    role may know nothing."""

    wanted: bool
    copies: tuple[Copy, ...]
    hidden: int

    @property
    def synchronous(self) -> int:
        """How many hold what is acknowledged before it is."""
        return sum(one.synchronous for one in self.copies)


@dataclass(frozen=True, slots=True)
class Seen:
    """What readers get: how old it is in seconds, and whether it is shown."""

    age: float
    believed: bool


def as_readers_see(copy: Replica, now: datetime) -> Seen | None:
    """What the way to replicas leads to; None where it leads nowhere. Leaves the session with the
    primary."""
    read_from(copy.engine)
    try:
        believed = copy.is_current(now)
        return Seen(max(0.0, (now - copy.as_of()).total_seconds()), believed)
    except SQLAlchemyError:
        return None
    finally:
        db.session.rollback()
        read_from(None)


def read_copies() -> Copies | None:
    """As the primary sees them now; None where there can be none: on SQLite, or when a replica
    answers in the primary's place."""
    if is_sqlite() or db.session.scalar(text("SELECT pg_is_in_recovery()")):
        return None
    wanted = db.session.scalar(text("SELECT current_setting('synchronous_standby_names')"))
    found: list[Copy] = []
    names: set[str] = set()
    hidden = 0
    for name, address, state, sync, behind, late in db.session.execute(_ASKED):
        if state is None:
            hidden += 1
            continue
        called = name if name not in names else f"{name} {address or len(names)}"
        names.add(called)
        size = None if behind is None else max(0, int(behind))
        # Who was sent nothing new for a while has nothing to be late with; one that only receives
        # shows nothing at all.
        seconds = None if size is None else 0.0 if size == 0 else late
        found.append(
            Copy(called, sync in SYNCHRONOUS, size, None if seconds is None else float(seconds))
        )
    return Copies(bool(wanted), tuple(found), hidden)

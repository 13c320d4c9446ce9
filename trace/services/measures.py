"""Figures of the state of an installation, for machines that watch it: sums, no names, no codes.

What needs a look at whole tables is read at most once a minute in each process.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Lock
from typing import Final

from sqlalchemy import func, select

from trace.core.statements import parse_entry
from trace.extensions import db
from trace.models import Job, LogCheckpoint, LogEntry, LogState, Passport, Recall
from trace.models.types import from_millis
from trace.services import backups, heartbeats, jobs_aside, readiness, tidied
from trace.services.copies_of_database import as_readers_see, read_copies
from trace.services.replicas import replica
from trace.services.scans_shared import waiting
from trace.services.settings import current_settings
from trace.services.shared import shared

SLOW_FOR: Final = timedelta(seconds=60)
RECENT_RECALLS: Final = 20


@dataclass(frozen=True, slots=True)
class Measure:
    """One gauge with its values by the values of its labels."""

    name: str
    help: str
    labels: tuple[str, ...]
    values: tuple[tuple[tuple[str, ...], float], ...]


def plain(name: str, text: str, value: float) -> Measure:
    """A gauge without labels."""
    return Measure(name, text, (), (((), value),))


def read_measures(*, now: datetime) -> list[Measure]:
    """What the database tells; the caller ends the transaction. Raises SQLAlchemyError."""
    return [*_log(now), _sign(now), *_jobs(now), *SLOW.read(now), *_copies(now), _tidied(now)]


def read_own(*, now: datetime) -> list[Measure]:
    """What is known without the database: of this machine, and of what it shares with others."""
    return [*_workers(now), *_disk(), *_backup(now), *_shared()]


def read_ready() -> list[Measure]:
    """Whether this server can serve, and whether the primary answers. Nobody who watches waits for
    a primary that is known to be away; the caller ends the transaction."""
    reading = readiness.examine("reading")
    there = reading.checks["database"] == readiness.OK
    writing = there and readiness.examine("writing").holds
    return [
        plain("trace_up", "1: the database (its primary) answers.", there),
        Measure(
            "trace_ready",
            "1: requests for this purpose can be served here, as /readyz says.",
            ("purpose",),
            ((("reading",), reading.holds), (("writing",), writing)),
        ),
    ]


def _log(now: datetime) -> list[Measure]:
    state = db.session.execute(
        select(LogState.start, LogState.size, LogState.integrated, LogState.last_time)
        .order_by(LogState.id.desc())
        .limit(1)
    ).one_or_none()
    if state is None:
        return [plain("trace_log_exists", "1 where the log has been created.", 0)]
    delay = 0.0
    if state.integrated < state.size:
        entry = db.session.scalar(select(LogEntry.entry).where(LogEntry.index == state.integrated))
        if entry is not None:
            delay = max(0.0, (now - parse_entry(entry.encode()).t).total_seconds())
    made = db.session.scalar(
        select(LogCheckpoint.created_at).order_by(LogCheckpoint.size.desc()).limit(1)
    )
    found = [
        plain("trace_log_exists", "1 where the log has been created.", 1),
        plain("trace_log_entries", "Entries committed to the log, all origins.", state.size),
        plain(
            "trace_log_waiting_entries",
            "Entries committed and not yet under a signed checkpoint.",
            state.size - state.integrated,
        ),
        plain(
            "trace_log_integration_delay_seconds",
            "Age of the oldest entry that is not yet under a signed checkpoint; 0 without any.",
            delay,
        ),
        plain(
            "trace_log_ahead_seconds",
            "How far the newest record time is ahead of this machine's clock; 0 as a rule.",
            max(0.0, (state.last_time - now).total_seconds()),
        ),
    ]
    if made is not None:
        age = (now - made).total_seconds()
        found.append(plain("trace_log_checkpoint_age_seconds", "Age of the newest one.", age))
    return found


def _sign(now: datetime) -> Measure:
    left = heartbeats.last_sign() or from_millis(0)
    return plain(
        "trace_worker_sign_age_seconds",
        "Since a worker of any machine left its sign in the database; since 1970 if none ever did.",
        abs((now - left).total_seconds()),  # one from the future is as little a sign
    )


def _jobs(now: datetime) -> list[Measure]:
    waiting = db.session.execute(
        select(Job.kind, Job.state, func.count())
        .where(Job.state.in_(("queued", "running")))
        .group_by(Job.kind, Job.state)
    )
    oldest = db.session.scalar(
        select(func.min(Job.run_after)).where(Job.state == "queued", Job.run_after <= now)
    )
    failed = db.session.scalar(
        select(func.count()).where(Job.state == "failed", Job.run_after > now - timedelta(days=1))
    )
    return [
        Measure(
            "trace_jobs",
            "Jobs queued or running, by kind.",
            ("kind", "state"),
            tuple(((kind, state), count) for kind, state, count in waiting),
        ),
        plain(
            "trace_jobs_oldest_due_seconds",
            "For how long the oldest due job has been waiting; 0 without any.",
            0.0 if oldest is None else (now - oldest).total_seconds(),
        ),
        plain("trace_jobs_failed_day", "Jobs of the last 24 hours that failed.", failed or 0),
        Measure(
            "trace_jobs_aside",
            "Jobs set aside until somebody looks: they killed their worker, or failed each time.",
            ("kind",),
            tuple(((kind,), count) for kind, count in jobs_aside.count_aside()),
        ),
    ]


def _tidied(now: datetime) -> Measure:
    last = tidied.last()
    age = () if last is None else (((), max(0.0, (now - last).total_seconds())),)
    text = "Since all steps of the hourly tidying last went well."
    return Measure("trace_tidied_seconds", text, (), age)


def _copies(now: datetime) -> list[Measure]:
    """The replicas as the primary sees them, and what is read from them as readers do."""
    found = read_copies()
    copies, hidden = ((), 0) if found is None else (found.copies, found.hidden)
    copy = replica()
    followed = bool(copies) or hidden > 0
    expected = copy is not None or (found is not None and (found.wanted or followed))
    measures = [
        plain("trace_replicas_expected", "1 where there should be replicas.", expected),
        plain("trace_replicas", "Replicas that follow the primary.", len(copies) + hidden),
        Measure(
            "trace_replicas_synchronous",
            "Replicas that hold what is acknowledged before it is; nothing where that is hidden.",
            (),
            () if hidden else (((), 0 if found is None else found.synchronous),),
        ),
        Measure(
            "trace_replica_lag_bytes",
            "What the primary wrote and this replica does not show yet.",
            ("replica",),
            tuple(((c.name,), c.bytes_behind) for c in copies if c.bytes_behind is not None),
        ),
        Measure(
            "trace_replica_lag_seconds",
            "For how long.",
            ("replica",),
            tuple(((c.name,), c.seconds_behind) for c in copies if c.seconds_behind is not None),
        ),
    ]
    age: tuple[tuple[tuple[str, ...], float], ...] = ()
    believed = age
    if copy is not None:
        told = as_readers_see(copy, now)
        believed = (((), told is not None and told.believed),)
        age = () if told is None else (((), told.age),)
    measures += [
        Measure("trace_replica_believed", "1: pages are read from a replica.", (), believed),
        Measure(
            "trace_replica_age_seconds", "How old what readers get from a replica is.", (), age
        ),
    ]
    return measures


def _shared() -> list[Measure]:
    redis = shared()
    entries = None if redis is None else waiting(redis)
    return [
        Measure(
            "trace_scan_bundles_waiting",
            "Bundles of scans in Redis that no worker took yet.",
            (),
            () if entries is None else (((), entries),),
        ),
        Measure(
            "trace_redis_up",
            "1: the Redis that is configured answers.",
            (),
            () if redis is None else (((), entries is not None),),
        ),
    ]


def _workers(now: datetime) -> list[Measure]:
    signs = heartbeats.signs(current_settings().instance)
    found = [
        plain(
            "trace_workers_alive",
            "Workers of this machine that gave a sign of life within the last minute.",
            heartbeats.alive(current_settings().instance, now=now),
        )
    ]
    if signs:
        age = (now - max(signs.values())).total_seconds()
        found.append(plain("trace_worker_heartbeat_age_seconds", "Since the newest sign.", age))
    return found


def _backup(now: datetime) -> list[Measure]:
    """Nothing before the first one: what was never there has no age."""
    try:
        made = backups.last_made()
    except (OSError, ValueError):
        return []
    return [
        plain(
            "trace_backup_age_seconds",
            "Since the last backup by `trace backup`.",
            max(0.0, (now - made).total_seconds()),
        )
    ]


def _disk() -> list[Measure]:
    usage = shutil.disk_usage(current_settings().instance)
    return [
        plain("trace_disk_free_bytes", "Free where the instance folder is.", usage.free),
        plain("trace_disk_bytes", "Size of the disk of the instance folder.", usage.total),
    ]


def _stale(now: datetime) -> list[Measure]:
    count = db.session.scalar(select(func.count()).where(Passport.stale.is_(True)))
    return [
        plain("trace_passports_stale", "Passports that are built anew when next read.", count or 0)
    ]


def _recalls(now: datetime) -> list[Measure]:
    """From the signature until every holder is listed and told."""
    signed = (
        select(Recall.signed_at, Recall.followed_at, Recall.state)
        .where(Recall.signed_at.is_not(None), Recall.rehearsal.is_(False))
        .order_by(Recall.id.desc())
        .limit(RECENT_RECALLS)
    )
    took, open_ages = [0.0], [0.0]
    for signed_at, followed_at, state in db.session.execute(signed):
        if signed_at is None:
            continue
        if followed_at is not None:
            took.append((followed_at - signed_at).total_seconds())
        elif state == "open":
            open_ages.append((now - signed_at).total_seconds())
    return [
        plain(
            "trace_recall_propagation_seconds",
            f"The longest of the newest {RECENT_RECALLS} recalls, from the signature until all "
            "holders were listed and told.",
            max(took),
        ),
        plain(
            "trace_recall_unpropagated_seconds",
            "Age of the oldest signed recall whose holders are not all told yet; 0 without any.",
            max(open_ages),
        ),
    ]


class Slow:
    """Figures kept for a minute."""

    def __init__(self, *readers: Callable[[datetime], list[Measure]]) -> None:
        self._readers = readers
        self._lock = Lock()
        self._kept: tuple[str, datetime, list[Measure]] | None = None

    def read(self, now: datetime) -> list[Measure]:
        """As kept for this database, or anew."""
        settings = current_settings()
        whose = f"{settings.instance} {settings.database_url}"
        with self._lock:
            kept = self._kept
        if kept is not None and kept[0] == whose and timedelta() <= now - kept[1] < SLOW_FOR:
            return kept[2]
        found = [measure for reader in self._readers for measure in reader(now)]
        with self._lock:
            self._kept = (whose, now, found)
        return found


SLOW: Final = Slow(_stale, _recalls)

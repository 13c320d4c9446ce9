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
from trace.services import backups, heartbeats
from trace.services.settings import current_settings

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
    """Everything; the caller ends the transaction. Raises OperationalError without a database."""
    return [*_log(now), *_jobs(now), *_workers(now), *_disk(), *_backup(now), *SLOW.read(now)]


def _log(now: datetime) -> list[Measure]:
    state = db.session.execute(
        select(LogState.start, LogState.size, LogState.integrated)
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
    ]
    if made is not None:
        age = (now - made).total_seconds()
        found.append(plain("trace_log_checkpoint_age_seconds", "Age of the newest one.", age))
    return found


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
    ]


def _workers(now: datetime) -> list[Measure]:
    signs = heartbeats.signs(current_settings().instance)
    found = [
        plain(
            "trace_workers_alive",
            "Workers that gave a sign of life within the last minute.",
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

"""The lease of a job, held for as long as its handler works, whatever the handler does.

Rules.
1. Every EVERY seconds the lease is made as long as it was at first, on a connection of its own,
   where the job is still this worker's and under way. A handler may hold it longer or shorter
   itself; where it does so at the same moment, its word counts (PostgreSQL: nobody waits for it).
2. A renewal that fails is tried again the next time: the database was away, or busy.
3. After LONGEST nothing is renewed any more: a handler that hangs must not keep its job for ever.
   One that works for longer holds the lease itself, step by step.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Final

import structlog
from sqlalchemy import Engine, select, update

from trace import clock
from trace.extensions import db
from trace.models import Job

logger = structlog.get_logger()
EVERY: Final = 10.0  # seconds: half of the shortest lease that a handler takes
LONGEST: Final = 3600.0  # seconds
LAST_WORD: Final = 1.0  # seconds that a renewal under way is waited for: it does no harm later
NAME: Final = "job-lease"


@contextmanager
def held(job_id: int, worker: str | None, lease: timedelta) -> Iterator[None]:
    """Holds a claimed job for `worker` until the end of the block."""
    ended = threading.Event()
    holder = threading.Thread(
        target=_hold, args=(db.engine, job_id, worker, lease, ended), name=NAME, daemon=True
    )
    holder.start()
    try:
        yield
    finally:
        ended.set()
        holder.join(timeout=LAST_WORD)


def _hold(
    engine: Engine, job_id: int, worker: str | None, lease: timedelta, ended: threading.Event
) -> None:
    for _ in range(int(LONGEST / EVERY)):
        if ended.wait(EVERY):
            return
        try:
            _renew(engine, job_id, worker, lease)
        except Exception as error:
            logger.warning("lease-not-renewed", job=job_id, error=type(error).__name__)


def _renew(engine: Engine, job_id: int, worker: str | None, lease: timedelta) -> None:
    mine = select(Job.id).where(Job.id == job_id, Job.leased_by == worker, Job.state == "running")
    if engine.dialect.name != "sqlite":
        mine = mine.with_for_update(skip_locked=True)
    with engine.begin() as connection:
        connection.execute(
            update(Job)
            .where(Job.id == mine.scalar_subquery())
            .values(lease_until=clock.now() + lease)
        )

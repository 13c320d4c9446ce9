"""The worker: publishes the log every half second and runs jobs, each under a lease.

What somebody waits for is done beside long work (trace.jobs.urgent). The lease is held while the
job is worked on (trace.jobs.holding). A worker that dies leaves one that runs out; another takes
the job up again, until it is plain that the job is what kills them (services.jobs_aside).
"""

from __future__ import annotations

import os
import signal
import socket
import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from types import FrameType
from typing import Any

import orjson
import structlog
from flask import Flask, current_app
from sqlalchemy import ColumnElement, case, or_, select, update
from sqlalchemy.orm import InstrumentedAttribute

from trace import clock
from trace.allocator import trim_always
from trace.errors import TraceError
from trace.extensions import db
from trace.jobs.apart import ForkServer
from trace.jobs.figures import Counting, keep_up
from trace.jobs.following import Following
from trace.jobs.handlers import APART, HANDLERS
from trace.jobs.holding import held
from trace.jobs.passports import build_until
from trace.jobs.registry import load_handlers
from trace.jobs.scans import store_until
from trace.jobs.subscriptions import deliver_until
from trace.jobs.tidying import Tidying
from trace.jobs.urgent import URGENT, Groups
from trace.jobs.witnesses import ask_until, check_start
from trace.models import Job
from trace.services import replicas, sequencer
from trace.services.heartbeats import Heart
from trace.services.jobs_aside import AWAY, DEATHS, INTERNAL, WORKER_DIED, set_aside
from trace.services.outages import DatabaseAway, is_outage
from trace.services.sets import is_sqlite
from trace.services.settings import current_settings

logger = structlog.get_logger()
LEASE = timedelta(seconds=120)
PAUSE = 0.3
URGENT_PAUSE = 0.5  # seconds
REST = timedelta(seconds=30)  # before the job of a process that died is taken up again
ATTEMPTS = 5
LONGEST_PAUSE = 300  # seconds before another try; must stay below UNBELIEVABLE
# Tries while what a job needs (files, keys, the log) is away: with these pauses, about a day.
ATTEMPTS_AWAY = 300
# No lease and no pause before another try is as long as this: one that seems longer was given while
# the clock was wrong, and nobody waits for a time that was never meant.
UNBELIEVABLE = timedelta(minutes=10)


def worker_name() -> str:
    """Host, process and a random part: a restarted process is another worker."""
    return f"{socket.gethostname()}-{os.getpid()}-{os.urandom(3).hex()}"


def claim(worker: str, groups: Groups = ()) -> Job | None:
    """Takes the next due job under a lease and commits; None when there is none. Of the first of
    these groups of kinds that has any; without groups, of any kind. Jobs that killed their workers
    often enough are set aside on the way."""
    while (job := _claim(worker, groups)) is not None and job.deaths >= DEATHS:
        logger.error("job-set-aside", job=job.id, kind=job.kind, tries=job.deaths)
        set_aside(job.id, worker, WORKER_DIED, at=clock.now())
        db.session.commit()
    return job


def _claim(worker: str, groups: Groups) -> Job | None:
    now = clock.now()
    ranks = {kind: rank for rank, kinds in enumerate(groups) for kind in kinds}
    due = (
        select(Job.id)
        .where(
            Job.kind.in_(sorted(ranks or HANDLERS)),
            or_(
                (Job.state == "queued") & _is_due(now),
                (Job.state == "running") & _come(Job.lease_until, now),
            ),
        )
        .order_by(*_first(ranks), Job.run_after, Job.id)
        .limit(1)
    )
    if not is_sqlite():
        due = due.with_for_update(skip_locked=True)
    if is_sqlite() and db.session.scalar(due) is None:
        return None  # looking takes no write lock
    job = db.session.scalar(
        update(Job)
        .where(Job.id == due.scalar_subquery())
        .values(
            state="running",
            leased_by=worker,
            lease_until=now + LEASE,
            attempts=Job.attempts + 1,
            # Still running and free to be taken: the last try never said how it ended.
            deaths=Job.deaths + case((Job.state == "running", 1), else_=0),
        )
        .returning(Job)
        .execution_options(synchronize_session=False)
    )
    db.session.commit()
    return job


def _first(ranks: dict[str, int]) -> list[ColumnElement[int]]:
    return [case(ranks, value=Job.kind)] if ranks else []


def _is_due(now: datetime) -> ColumnElement[bool]:
    """Whether a job waits no longer. One may be put off for days, but not by a clock that was ahead
    when it was asked for, or when it was tried before."""
    wrong = (Job.created_at > now + UNBELIEVABLE) | (
        (Job.attempts > 0) & (Job.run_after > now + UNBELIEVABLE)
    )
    return (Job.run_after <= now) | wrong


def _come(column: InstrumentedAttribute[Any], now: datetime) -> ColumnElement[bool]:
    """Whether a time has come, or cannot have been meant."""
    return or_(column <= now, column > now + UNBELIEVABLE)


def run(job: Job) -> None:
    """Runs one claimed job to its end, holding its lease, and records how it ended."""
    job_id, kind, worker, attempts = job.id, job.kind, job.leased_by, job.attempts
    try:
        with held(job_id, worker, LEASE):
            result = HANDLERS[kind](job)
        state = "done"
    except TraceError as error:
        db.session.rollback()
        if error.passes:  # a full disk, a bucket away
            _wait_for(job_id, worker, attempts, kind, error)
            return
        logger.warning("job-refused", job=job_id, kind=kind, error=error.code)
        result, state = {"error": error.code, "detail": error.detail, "path": error.path}, "failed"
    except Exception as error:
        db.session.rollback()
        if is_outage(error):  # nobody's fault, however often
            _again(job_id, worker, attempts, always=True)
            return
        logger.exception("job-failed", job=job_id, kind=kind)
        if not _again(job_id, worker, attempts):
            set_aside(job_id, worker, INTERNAL, at=clock.now())
            db.session.commit()
        return
    db.session.execute(
        update(Job)
        # A lease that ran out may have been taken by another worker: how it ends is its to say.
        .where(Job.id == job_id, Job.leased_by == worker)
        .values(
            state=state,
            result=orjson.dumps(result).decode(),
            finished_at=clock.now(),
            payload=None,
            lease_until=None,
        )
        .execution_options(synchronize_session=False)
    )
    db.session.commit()


def _wait_for(job_id: int, worker: str | None, attempts: int, kind: str, error: TraceError) -> None:
    """Tries again for about a day; then somebody has to look, and what was asked for is kept."""
    if attempts < ATTEMPTS_AWAY:
        logger.warning("job-waits", job=job_id, kind=kind, error=error.code, tries=attempts)
        _again(job_id, worker, attempts, always=True)
        return
    logger.error("job-set-aside", job=job_id, kind=kind, error=error.code, tries=attempts)
    set_aside(job_id, worker, AWAY, at=clock.now())
    db.session.commit()


def _again(job_id: int, worker: str | None, attempts: int, *, always: bool = False) -> bool:
    """Puts a job back for a later try; False when it has been tried often enough. That it was
    answered for ends the row of deaths. One that another worker has taken meanwhile is its."""
    if attempts >= ATTEMPTS and not always:
        return False
    pause = timedelta(seconds=min(2 ** min(attempts, 10), LONGEST_PAUSE))
    _put_back(job_id, worker, clock.now() + pause)
    return True


def _put_back(job_id: int, worker: str | None, due: datetime) -> None:
    db.session.execute(
        update(Job)
        .where(Job.id == job_id, Job.leased_by == worker, Job.state == "running")
        .values(state="queued", deaths=0, run_after=due)
        .execution_options(synchronize_session=False)
    )
    db.session.commit()


def give_back(job_id: int, worker: str) -> None:
    """A job whose end could not be told when it came, told now: the database was away, and this
    worker is alive."""
    _put_back(job_id, worker, clock.now())


def free_later(job_id: int, worker: str) -> None:
    """The job of a process that died, or could not say how it ended, is free after REST: a death
    like that of a worker."""
    db.session.execute(
        update(Job)
        .where(Job.id == job_id, Job.leased_by == worker, Job.state == "running")
        .values(lease_until=clock.now() + REST)
        .execution_options(synchronize_session=False)
    )
    db.session.commit()


class Hands:
    """Takes up one job after another (`claim`); large ones are done apart. Remembers what is still
    to be told of one whose end could not be: the database was away."""

    def __init__(
        self, worker: str, groups: Groups = (), *, apart: ForkServer | None = None
    ) -> None:
        self._worker = worker
        self._groups = groups
        self._apart = apart
        self._owed: Callable[[], None] | None = None

    def take_up(self) -> bool:
        """Does the next job; False when none is due. Raises what kept it from being told how one
        ended."""
        if self._owed is not None:
            self._owed()
            self._owed = None
        job = claim(self._worker, self._groups)
        if job is None:
            db.session.rollback()
            return False
        job_id, kind = job.id, job.kind
        self._owed = partial(give_back, job_id, self._worker)
        try:
            if self._apart is None or kind not in APART or not self._do_apart(job_id, self._apart):
                run(job)
        except Exception as error:
            if not is_outage(error):  # nothing that waiting mends: it counts as a death
                self._owed = partial(free_later, job_id, self._worker)
            raise
        self._owed = None
        return True

    def _do_apart(self, job_id: int, server: ForkServer) -> bool:
        """False when there is nobody to do it. Raises DatabaseAway when its end could not be
        told."""
        db.session.rollback()  # no connection is held while another process works
        match server.work(job_id):
            case "untold":
                raise DatabaseAway
            case "died":
                logger.error("job-process-died", job=job_id)
                self._owed = partial(free_later, job_id, self._worker)
                self._owed()
            case "gone":
                logger.error("fork-server-gone")
                self._apart = None
                return False
        return True


def publish(worker: str) -> None:
    """Publishes the log if this worker holds, or can take, the sequencer's lease.

    The lease is committed by itself: whoever wants to append must not wait for the hashing. Who
    takes the lease anew compares the log with witnesses and mirrors first.
    """
    started: dict[str, bool] = current_app.extensions.setdefault("trace.log.started", {})
    if not sequencer.has_news():
        db.session.rollback()
        return
    if not sequencer.take_lease(worker, now=clock.now()):
        db.session.rollback()
        started.pop(worker, None)
        return
    db.session.commit()
    if worker not in started:
        check_start()
        started[worker] = True
    while sequencer.publish(now=clock.now()) is not None:
        db.session.commit()
    db.session.rollback()


def give_sign() -> None:
    """Touches the beat that replicas are held against, where there are any."""
    if current_settings().database_read_url:
        replicas.beat(at=clock.now())
        db.session.commit()


def run_pending(worker: str = "inline") -> int:
    """Publishes and runs everything due, in this process; returns the number of jobs run."""
    load_handlers()
    publish(worker)
    count = 0
    while (job := claim(worker)) is not None:
        run(job)
        count += 1
    publish(worker)
    keep_up(at=clock.now())
    return count


def work() -> None:
    """Works until told to stop (SIGTERM or SIGINT), finishing the job in hand."""
    load_handlers()
    stop = threading.Event()

    def ask(_signal: int, _frame: FrameType | None) -> None:
        stop.set()

    signal.signal(signal.SIGTERM, ask)
    signal.signal(signal.SIGINT, ask)
    worker, busy = worker_name(), threading.Event()
    app = current_app._get_current_object()  # type: ignore[attr-defined]  # a proxy's own way
    apart = ForkServer(app, worker, run)  # before the first thread
    beside = [
        threading.Thread(target=target, args=args, daemon=True)
        for target, args in (
            (_publish_until, (app, worker, stop)),
            (ask_until, (app, worker, stop)),
            (deliver_until, (app, stop)),
            (store_until, (app, stop)),
            (build_until, (app, stop)),
        )
    ]
    hurrying = threading.Thread(target=_hurry_until, args=(app, worker, busy, stop), daemon=True)
    hurrying.start()
    for one in beside:
        one.start()
    trim_always()
    logger.info("worker-started", worker=worker)
    tidying, counting, following = Tidying(worker), Counting(worker), Following()
    hands = Hands(worker, apart=apart)
    while not stop.is_set():
        try:
            busy.set()
            tidying.run(at=clock.now())
            counting.run(at=clock.now())
            following.run(at=clock.now())
            if not hands.take_up():
                busy.clear()
                stop.wait(PAUSE)
        except Exception as error:
            # The database, a full disk, a file server: the worker outlives it and tries again.
            _wait_out(error, stop)
        finally:
            db.session.remove()
    apart.close()
    hurrying.join()  # it finishes the job in hand, too
    for one in beside:
        one.join(timeout=10)


def _wait_out(error: Exception, stop: threading.Event) -> None:
    """After something that a loop must outlive: a moment's rest, and a line in the log."""
    db.session.rollback()
    if is_outage(error):
        logger.warning("database-unavailable")
    else:
        logger.error("worker-failed", exc_info=error)
    stop.wait(2)


def _hurry_until(app: Flask, worker: str, busy: threading.Event, stop: threading.Event) -> None:
    """Urgent jobs, while the worker is about something else."""
    with app.app_context():
        hands = Hands(f"{worker}-urgent", URGENT)  # what one hand took up the other does not end
        while not stop.wait(URGENT_PAUSE):
            try:
                while busy.is_set() and not stop.is_set() and hands.take_up():
                    db.session.remove()
            except Exception as error:
                _wait_out(error, stop)
            finally:
                db.session.remove()


def _publish_until(app: Flask, worker: str, stop: threading.Event) -> None:
    with app.app_context():
        heart = Heart(current_settings().instance, worker)
        while not stop.is_set():
            heart.beat(at=clock.now())
            try:
                give_sign()
                publish(worker)
            except TraceError as error:
                db.session.rollback()
                logger.warning("cannot-publish", code=error.code, detail=error.detail)
                stop.wait(10)
            except Exception as error:
                # A disk that takes no file: what was acknowledged is in the database, and the next
                # try publishes it.
                _wait_out(error, stop)
            finally:
                db.session.remove()
            stop.wait(0.5)
        heart.stop()

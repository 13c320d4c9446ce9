"""Reading from replicas of the database: when a copy is good enough, and what to do when not.

Two rows travel to every replica with everything else (models.Pulse): a beat that a worker touches
every second, and a count of the notices put on goods. Whoever reads a page from a replica reads
them in the same statement, so it does not matter which of several replicas answered. Rules:

1. A replica whose beat is older than `TRACE_REPLICA_LAG` is not believed: the primary is asked.
2. A recall does not wait for that. A transaction that writes notices ends only when every
   synchronous replica shows it (`remote_apply`), and each process asks the primary twice a second
   how many notices there are: a replica that knows fewer is not believed, however fresh.
3. Nobody reads "unknown" from a replica: what it does not know is asked of the primary.
4. Where the primary has not answered for `AWAY`, nobody waits for it any more: the replica's answer
   is given and says as of when. Until then no more than `TURNS` requests of a process wait.
5. A replica that did not answer rests for `RESTS`: meanwhile the primary is asked, and then one
   request tries whether it is back. Only where the primary is away, everybody asks.

Beats are told by the clock of the machine the worker runs on; machines of one installation keep
their clocks together (NTP), as signatures demand anyway. A beat from the future tells nothing: it
is not believed, and the next one replaces it.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any, Final

import structlog
from flask import current_app, g
from sqlalchemy import Engine, event, or_, select, text, update
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import SessionTransaction

from trace import clock
from trace.extensions import RoutedSession, db
from trace.models.pulses import BEAT, NOTICES, Pulse
from trace.models.types import from_millis, to_millis
from trace.services.bulk import insert_rows
from trace.services.sets import is_sqlite

logger = structlog.get_logger()
EVERY: Final = timedelta(seconds=1)
AHEAD: Final = timedelta(seconds=10)  # no two clocks that are kept together differ by that
ASKED_EVERY: Final = 0.5  # seconds
AWAY: Final = 3.0  # seconds: more than a slow answer, less than anybody waits
# Requests of a process that may wait for the primary instead of a replica. Where it dies in silence
# they are those who get no answer; where it is well but busy, the others wait for them.
TURNS: Final = 3
RESTS: Final = 5.0  # seconds
ON_REPLICA: Final = "on_replica"  # an option of the replica's engine
TOLD: Final = "trace.notices"
_COUNT_ONE_UP: Final = (
    "ON CONFLICT (id) DO UPDATE SET at = excluded.at, count = pulses.count + excluded.count"
)


def beat(*, at: datetime) -> bool:
    """A worker's sign, once a second whoever gives it; the caller commits. True where it was
    due."""
    touched = db.session.execute(
        update(Pulse)
        .where(Pulse.id == BEAT, or_(Pulse.at <= at - EVERY, Pulse.at > at + AHEAD))
        .values(at=at)
        .execution_options(synchronize_session=False)
    )
    if touched.rowcount:  # type: ignore[attr-defined]  # every cursor result has it
        return True
    row = (BEAT, to_millis(at), 1)
    return bool(insert_rows("pulses", ("id", "at", "count"), [row], "ON CONFLICT (id) DO NOTHING"))


def announce_notices() -> None:
    """The session's transaction puts notices on goods: its end is counted (rule 2)."""
    db.session.info[TOLD] = True


@event.listens_for(RoutedSession, "before_commit")
def _count_notice(session: Any) -> None:
    """At the very end, when the log's lock is held: two that write notices never wait for one
    another crosswise."""
    if session.in_nested_transaction() or TOLD not in session.info:
        return
    del session.info[TOLD]
    if is_sqlite():
        return
    session.execute(text("SET LOCAL synchronous_commit TO remote_apply"))
    row = (NOTICES, to_millis(clock.now()), 1)
    insert_rows("pulses", ("id", "at", "count"), [row], _COUNT_ONE_UP)


@event.listens_for(RoutedSession, "after_soft_rollback")
def _forget_notice(session: Any, ended: SessionTransaction) -> None:
    """A savepoint that was given up ends no transaction: what was written before it stays."""
    if ended.parent is None:
        session.info.pop(TOLD, None)


class Replica:
    """The replicas of one application, seen by one process."""

    def __init__(self, engine: Engine, *, lag: timedelta, testing: bool = False) -> None:
        self.engine = engine
        self._lag = lag // timedelta(milliseconds=1)
        self._known: int | None = None
        self._heard = float("inf")  # patience begins with the first question
        # A test asks itself, and is not to depend on how busy the machine is.
        self._asks, self._patience = testing, float("inf") if testing else AWAY
        self._starting = threading.Lock()
        self._turns = threading.BoundedSemaphore(TURNS)
        self._rests_until = 0.0
        self._trying = threading.Lock()

    def accepts(self, beat: int, notices: int, now: int) -> bool:
        """Whether what was read together with these two may be shown as it is (rules 1 and 2); all
        in milliseconds."""
        known, fresh = self._known, abs(now - beat) <= self._lag
        return known is not None and notices >= known and fresh and not self.away

    def rests(self) -> bool:
        """Whether it is not to be asked now (rule 5). Who hears no after a rest is the one to try;
        it says how that went (`rest`, `answered`)."""
        if not self._rests_until or self.away:
            return False
        with self._trying:
            resting = time.monotonic() < self._rests_until
            if not resting:
                self._rests_until = time.monotonic() + RESTS  # for the others
            return resting

    def rest(self) -> None:
        """It was asked and did not answer."""
        self._rests_until = time.monotonic() + RESTS
        logger.warning("replica-away")

    def answered(self) -> None:
        """It was asked and did answer."""
        self._rests_until = 0.0

    @contextmanager
    def turn(self, seconds: float) -> Iterator[bool]:
        """Whether this request may ask the primary, at most so long after it wanted to. In the
        moments before a dead primary is known to be away, some wait for it: the others must not."""
        mine = self._turns.acquire(timeout=seconds)
        try:
            yield mine
        finally:
            if mine:
                self._turns.release()

    @property
    def away(self) -> bool:
        """Whether nobody should wait for the primary (rule 4)."""
        return time.monotonic() - self._heard > self._patience

    @property
    def hears(self) -> bool:
        """Whether the primary answered lately."""
        return self._known is not None and not self.away

    def ask(self, primary: Engine) -> None:
        """Asks the primary how many notices there are; what fails leaves all as it is."""
        try:
            with primary.connect() as connection:
                count = connection.execute(select(Pulse.count).where(Pulse.id == NOTICES)).scalar()
        except SQLAlchemyError as error:
            logger.warning("primary-away", error=type(error).__name__)
            return
        self._known, self._heard = count or 0, time.monotonic()

    def lose(self) -> None:
        """As if the primary had not answered for long."""
        self._heard, self._patience = 0.0, -1.0

    def start(self, primary: Engine) -> Replica:
        """Asks from now on, in a thread of this process; costs a look when it does already."""
        if not self._asks:
            with self._starting:
                if not self._asks:
                    self._heard = time.monotonic()
                    run = threading.Thread(target=self._run, args=(primary,), daemon=True)
                    run.start()
                    self._asks = True
        return self

    def _run(self, primary: Engine) -> None:
        while True:
            self.ask(primary)
            time.sleep(ASKED_EVERY)

    def is_current(self, now: datetime) -> bool:
        """The same question about the session, which reads from the replica (`read_from`)."""
        found = db.session.execute(select(Pulse.id, Pulse.at, Pulse.count)).all()
        signs = {number: (at, count) for number, at, count in found}
        if BEAT not in signs:
            return False
        notices = signs[NOTICES][1] if NOTICES in signs else 0
        return self.accepts(to_millis(signs[BEAT][0]), notices, to_millis(now))

    def as_of(self) -> datetime:
        """Until when the record is on the replica that the session reads from."""
        found = db.session.scalar(select(Pulse.at).where(Pulse.id == BEAT))
        return found if found is not None else from_millis(0)


def replica() -> Replica | None:
    """The replicas of the running application; None where there are none."""
    found: Replica | None = current_app.extensions["trace.replica"]
    return None if found is None else found.start(db.engine)


def read_from(engine: Engine | None) -> None:
    """From here on the session of this request reads from there; None: from the primary. What it
    had read is forgotten."""
    db.session.remove()
    g.read_from = engine

"""What a worker does at its start and every hour: takedowns are obeyed, what is over is forgotten,
closed days of the audit log go into the public log.

Each step is a transaction of its own: one that fails waits an hour, undoes nothing of the others,
and is named in the log. When all went well is noted (services.tidied).

A backup restored at the same size of the log needs no refill, so nobody would think of takedowns:
the journal outside the database is compared whenever a worker starts.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final, Protocol

import structlog

from trace.errors import TraceError
from trace.extensions import db
from trace.services import (
    audit_days,
    directive_reminders,
    exports,
    follows,
    imports,
    keeping,
    leases,
    links,
    notifications,
    public_copies,
    requests,
    retention,
    scheduled_reports,
    sensors_folding,
    sensors_readings,
    subjects_desk,
    sweeping,
    takedowns,
    tidied,
    weekly,
)
from trace.services.applications import forget_papers
from trace.services.citizen_reports import days, photos
from trace.services.clock_check import clocks_agree
from trace.services.closing import ask_for_ends, let_go
from trace.services.inspections_risks import ask_when_due
from trace.services.outages import OUTAGES, is_outage
from trace.services.reminders import remind
from trace.services.scans import forget_over as forget_scans

logger = structlog.get_logger()
EVERY: Final = timedelta(hours=1)
LEASE: Final = timedelta(minutes=55)
EXPECTED: Final = (*OUTAGES, TraceError, OSError)  # what a step may meet without being wrong
AWAY: Final = 2  # steps in a row that found no database: the others would not, either


class Step(Protocol):
    """One of the things that are done; the moment in, how many out. The caller commits."""

    def __call__(self, *, at: datetime) -> int: ...


def _drop_exports(*, at: datetime) -> int:
    return exports.drop_old(at)


STEPS: Final[Mapping[str, Step]] = {
    "takedowns": takedowns.replay,
    "requests": requests.forget_closed,
    "photos": takedowns.forget_photos,
    "scans": forget_scans,
    "followers": follows.forget_over,
    "exports": _drop_exports,
    "imports": imports.forget_old,
    "papers": forget_papers,
    "over": retention.forget,
    "deliveries": public_copies.forget_old,
    "reports": days.pass_time,
    "report_photos": photos.forget_left,
    "recall_holders": subjects_desk.forget_recalls,
    "directive_texts": keeping.forget_directives,
    "authority_reports": keeping.forget_reports,
    "closings": ask_for_ends,
    "members_let_go": let_go,
    "notifications": notifications.forget_old,
    "reminded": remind,
    "sensors": sensors_folding.ask_when_due,
    "readings": sensors_readings.forget_old,
    "risks": ask_when_due,
    "links": links.ask_when_due,
    "weeks": weekly.ask,
    "directives": directive_reminders.remind,
    "reports_asked": scheduled_reports.ask,
    "sweeps": sweeping.ask_when_due,
    "audit_days": audit_days.log_days,
}
TURN: Final[Mapping[str, Step]] = {"parts": retention.make_room, **STEPS}


class Tidying:
    """A worker's share in it: remembers when it is due; `run` is cheap in between."""

    def __init__(self, worker: str) -> None:
        self._worker = worker
        self._due: datetime | None = None

    def run(self, *, at: datetime) -> None:
        """Does it when it is due; what fails waits an hour."""
        if self._due is not None and timedelta() < self._due - at <= EVERY:
            return  # due later than that: the clock went back
        begins, self._due = self._due is None, at + EVERY
        try:
            if clocks_agree() and leases.take("tidying", self._worker, LEASE, at=at):
                told = tidy(at=at, steps=TURN)
                tidied.note(well=len(told) == len(TURN), at=at)
                db.session.commit()
            elif begins:
                # Another worker tidies for all; the journal is each machine's own.
                takedowns.replay(at=at)
                db.session.commit()
        except EXPECTED as error:
            db.session.rollback()
            logger.warning("cannot-tidy", step="", error=type(error).__name__)


def tidy(*, at: datetime, steps: Mapping[str, Step] = STEPS) -> dict[str, int]:
    """By step how many takedowns were done again, closed requests forgotten, photos deleted, files
    of "my data" and of imports dropped, people reminded, weeks told, days of the audit log logged;
    commits after each. A step that failed is not in it."""
    told: dict[str, int] = {}
    away = 0
    for name, step in steps.items():
        try:
            done = step(at=at)
            db.session.commit()
        except Exception as error:
            db.session.rollback()
            _complain(name, error)
            away = away + 1 if is_outage(error) else 0
            if away == AWAY:
                break
        else:
            told[name], away = done, 0
    if any(told.values()):
        logger.info("tidied", **told)
    return told


def _complain(step: str, error: Exception) -> None:
    unforeseen = None if isinstance(error, EXPECTED) else error
    logger.warning("cannot-tidy", step=step, error=type(error).__name__, exc_info=unforeseen)

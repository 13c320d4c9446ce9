"""What a worker does at its start and every hour: takedowns are obeyed, what is over is forgotten,
closed days of the audit log go into the public log.

A backup restored at the same size of the log needs no refill, so nobody would think of takedowns:
the journal outside the database is compared whenever a worker starts.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

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
    weekly,
)
from trace.services.after_commit import after_commit
from trace.services.applications import forget_papers
from trace.services.citizen_reports import days, photos
from trace.services.closing import ask_for_ends, let_go
from trace.services.inspections_risks import ask_when_due
from trace.services.outages import OUTAGES
from trace.services.reminders import remind
from trace.services.scans import forget_over as forget_scans

logger = structlog.get_logger()
EVERY: Final = timedelta(hours=1)
LEASE: Final = timedelta(minutes=55)


class Tidying:
    """A worker's share in it: remembers when it is due; `run` is cheap in between."""

    def __init__(self, worker: str) -> None:
        self._worker = worker
        self._due: datetime | None = None

    def run(self, *, at: datetime) -> None:
        """Does it when it is due, in a transaction of its own; a failure waits an hour."""
        if self._due is not None and timedelta() < self._due - at <= EVERY:
            return  # due later than that: the clock went back
        begins, self._due = self._due is None, at + EVERY
        try:
            if leases.take("tidying", self._worker, LEASE, at=at):
                retention.make_room(at=at)
                tidy(at=at)
            elif begins:
                # Another worker tidies for all; the journal is each machine's own.
                takedowns.replay(at=at)
                db.session.commit()
        except (*OUTAGES, TraceError, OSError) as error:
            db.session.rollback()
            logger.warning("cannot-tidy", error=type(error).__name__)


def tidy(*, at: datetime) -> dict[str, int]:
    """How many takedowns were done again, closed requests forgotten, photos deleted, files of "my
    data" and of imports dropped, people reminded, weeks told, days of the audit log logged;
    commits."""
    told = {
        "takedowns": takedowns.replay(at=at),
        "requests": requests.forget_closed(at=at),
        "photos": takedowns.forget_photos(at=at),
        "scans": forget_scans(at=at),
        "followers": follows.forget_over(at=at),
        "exports": exports.drop_old(at),
        "imports": imports.forget_old(at=at),
        "papers": forget_papers(at=at),
        "over": retention.forget(at=at),
        "deliveries": public_copies.forget_old(at=at),
        "reports": days.pass_time(at=at),
        "report_photos": photos.forget_left(at=at),
        "recall_holders": subjects_desk.forget_recalls(at=at),
        "directive_texts": keeping.forget_directives(at=at),
        "authority_reports": keeping.forget_reports(at=at),
        "closings": ask_for_ends(at=at),
        "members_let_go": let_go(at=at),
        "notifications": notifications.forget_old(at=at),
        "reminded": remind(at=at),
        "sensors": sensors_folding.ask_when_due(at=at),
        "readings": sensors_readings.forget_old(at=at),
        "risks": ask_when_due(at=at),
        "links": links.ask_when_due(at=at),
        "weeks": weekly.ask(at=at),
        "directives": directive_reminders.remind(at=at),
        "reports_asked": scheduled_reports.ask(at=at),
        "sweeps": sweeping.ask_when_due(at=at),
        "audit_days": audit_days.log_days(at=at),  # last: it takes the log lock
    }
    if any(told.values()):
        after_commit(lambda: logger.info("tidied", **told))
    db.session.commit()
    return told

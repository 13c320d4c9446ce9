"""Passports on their way to the portal."""

from __future__ import annotations

import orjson

from trace import clock
from trace.extensions import db
from trace.jobs.handlers import handles
from trace.models import Job
from trace.services.portal import KIND, call, note, take


@handles(KIND)
def deliver_passport(job: Job) -> dict[str, str]:
    """Sends one passport, or asks what became of it; what is due again is another job."""
    due = take(orjson.loads(job.argument)["delivery"], at=clock.now())
    db.session.rollback()  # nothing is held while the portal takes its time
    if due is None:
        return {"state": "nothing"}
    outcome = call(due)
    state = note(due, outcome, at=clock.now())
    db.session.commit()
    return {"state": state}

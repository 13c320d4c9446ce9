"""Units of a directive are told: that it was sent, is due, is overdue, was withdrawn."""

from __future__ import annotations

from typing import Final

import orjson

from trace import clock
from trace.extensions import db
from trace.jobs.handlers import handles
from trace.models import Directive, Job
from trace.models.directives import OWED, UNIT_STATES
from trace.services import directives
from trace.services.notifications import notify

# A withdrawal concerns whoever has not been told that its answer was taken.
_TOLD: Final = {"directive-withdrawn": tuple(s for s in UNIT_STATES if s != "accepted")}


@handles(directives.KIND)
def tell_units(job: Job) -> dict[str, int]:
    """Run again it tells nobody twice."""
    argument = orjson.loads(job.argument)
    word, now = argument["word"], clock.now()
    people = directives.tell(argument["directive"], word, _TOLD.get(word, OWED), at=now)
    one = db.session.get(Directive, argument["directive"])
    if word == "directive-overdue" and one is not None and people:
        notify(
            one.authority,
            "directive-units-late",
            {"what": one.title},
            at=now,
            address=f"/inspection/directives/{one.id}?state=overdue",
            subject=f"directive-late:{one.id}",
        )
    db.session.commit()
    return {"people": people}

"""The end of an organisation, when its day has come."""

from __future__ import annotations

import orjson

from trace import clock
from trace.extensions import db
from trace.jobs.handlers import handles
from trace.models import Job
from trace.services import closing


@handles(closing.JOB_KIND)
def end(job: Job) -> dict[str, str]:
    """Ends it, or says why not; asked again every hour while it waits."""
    state = closing.end(orjson.loads(job.argument)["closing"], at=clock.now())
    db.session.commit()
    return {"state": state}

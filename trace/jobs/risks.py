"""Counts why organisations should be inspected: everybody's reasons hourly, one's after a case."""

from __future__ import annotations

from datetime import timedelta

import orjson
from sqlalchemy import update

from trace import clock
from trace.extensions import db
from trace.jobs.handlers import handles
from trace.models import Job
from trace.services import inspections_risks

LEASE = timedelta(seconds=120)


@handles(inspections_risks.KIND)
def count_risks(job: Job) -> dict[str, int]:
    """Some organisations at a time, each in a transaction of its own."""
    asked, job_id, counted = orjson.loads(job.argument)["organisations"], job.id, 0
    for some in inspections_risks.chunks(asked):
        now = clock.now()
        inspections_risks.count(some, at=now)
        counted += len(some)
        db.session.execute(
            update(Job)
            .where(Job.id == job_id)
            .values(lease_until=now + LEASE)
            .execution_options(synchronize_session=False)
        )
        db.session.commit()
    return {"organisations": counted}

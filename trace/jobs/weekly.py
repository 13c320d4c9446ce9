"""On Mondays every organisation is told of its week."""

from __future__ import annotations

from datetime import date, timedelta

import orjson
from sqlalchemy import update

from trace import clock
from trace.extensions import db
from trace.jobs.handlers import handles
from trace.models import Job
from trace.services import weekly

LEASE = timedelta(seconds=120)


@handles(weekly.KIND)
def tell_of_the_week(job: Job) -> dict[str, int]:
    """Each organisation in a transaction of its own; run again, it tells nobody twice."""
    monday = date.fromisoformat(orjson.loads(job.argument)["monday"])
    job_id, people = job.id, 0
    for organisation_id in weekly.organisations():
        now = clock.now()
        people += weekly.tell(organisation_id, monday, at=now)
        db.session.execute(
            update(Job)
            .where(Job.id == job_id)
            .values(lease_until=now + LEASE)
            .execution_options(synchronize_session=False)
        )
        db.session.commit()
    return {"people": people}

"""Reports of a period, for every authority or for the one that asked."""

from __future__ import annotations

from datetime import timedelta

import orjson
from sqlalchemy import update

from trace import clock
from trace.extensions import db
from trace.jobs.figures import keep_up
from trace.jobs.handlers import handles
from trace.models import Job
from trace.services import figures, scheduled_reports
from trace.services.dashboards import Period

LEASE = timedelta(seconds=120)


@handles(scheduled_reports.KIND, apart=True)
def make_reports(job: Job) -> dict[str, int]:
    """Each authority in a transaction of its own; run again, none is made twice."""
    argument = orjson.loads(job.argument)
    kind, first, job_id = argument["period"], argument["first"], job.id
    wanted = [argument["authority"]] if "authority" in argument else None
    keep_up(at=clock.now())
    last = {"week": first + 6}.get(kind) or _end(kind, first)
    for authority_id in wanted or scheduled_reports.authorities():
        now = clock.now()
        scheduled_reports.make(authority_id, kind, Period(first, last), at=now)
        db.session.execute(
            update(Job)
            .where(Job.id == job_id)
            .values(lease_until=now + LEASE)
            .execution_options(synchronize_session=False)
        )
        db.session.commit()
    return {"authorities": len(wanted or scheduled_reports.authorities())}


def _end(kind: str, first: int) -> int:
    """The last day of a month or quarter that begins on a day."""
    months = 1 if kind == "month" else 3
    start = figures.day_of(first)
    month = start.month - 1 + months
    end = start.replace(year=start.year + month // 12, month=month % 12 + 1)
    return (end - figures.EPOCH).days - 1

"""Events of others are told to those they concern."""

from __future__ import annotations

import orjson

from trace import clock
from trace.extensions import db
from trace.jobs.handlers import handles
from trace.models import Job
from trace.services import news, news_telling


@handles(news.KIND)
def tell_of_events(job: Job) -> dict[str, int]:
    """Writes the notifications that events call for; run again, it tells nothing twice."""
    argument = orjson.loads(job.argument)
    events = argument["events"]
    # Asked for by the release before, one list held both.
    inherited = argument.get("inherited", events)
    people = news_telling.tell(events, inherited, at=clock.now(), but=job.person_id)
    db.session.commit()
    return {"people": people}

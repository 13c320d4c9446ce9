"""Asks whether links that organisations added still lead anywhere."""

from __future__ import annotations

from datetime import timedelta

import orjson
from sqlalchemy import update

from trace import clock
from trace.extensions import db
from trace.jobs.handlers import handles
from trace.models import Job
from trace.services import links, links_reaching

CHUNK = 16
LEASE = timedelta(seconds=300)


@handles(links.KIND)
def check_links(job: Job) -> dict[str, int]:
    """Some at a time, in a transaction of their own; nothing is locked while servers answer."""
    asked, job_id = orjson.loads(job.argument)["links"], job.id
    told: dict[str, int] = {}
    for first in range(0, len(asked), CHUNK):
        addresses = links.addresses_of(asked[first : first + CHUNK])
        db.session.rollback()
        answers = links_reaching.reach_each(list(addresses.values()))
        found = {
            link: (href, *answer)
            for (link, href), answer in zip(addresses.items(), answers, strict=True)
        }
        now = clock.now()
        for state, count in links.write_checks(found, at=now).items():
            told[state] = told.get(state, 0) + count
        db.session.execute(
            update(Job)
            .where(Job.id == job_id)
            .values(lease_until=now + LEASE)
            .execution_options(synchronize_session=False)
        )
        db.session.commit()
    return told

"""Messages to people leave here: one-time codes, and what notifications say."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

import orjson
from sqlalchemy import update

from trace import clock
from trace.extensions import db
from trace.jobs.handlers import handles
from trace.models import Job
from trace.services import deliveries, notifications
from trace.services.senders import JOB_KIND, deliver

# Longer than the slowest of senders takes to give up.
LEASE = timedelta(seconds=120)


@handles(JOB_KIND)
def send_message(job: Job) -> dict[str, str]:
    """Sends one message; what could not be sent waits as another job."""
    outcome = deliver(job, at=clock.now())
    db.session.commit()
    return {"outcome": outcome}


@handles(notifications.JOB_KIND)
def send_notifications(job: Job) -> dict[str, int]:
    """Sends notifications by the channels their people want, each delivery committed by itself: a
    worker that dies sends nothing twice. Returns counts by state."""
    told = orjson.loads(job.argument)
    wanted = told.get("notifications") or [told["notification"]]  # as earlier releases wrote it
    job_id = job.id
    counts: Counter[str] = Counter()
    for delivery_id in deliveries.due(wanted, at=clock.now()):
        counts[deliveries.attempt(delivery_id, at=clock.now())] += 1
        db.session.execute(
            update(Job)
            .where(Job.id == job_id)
            .values(lease_until=clock.now() + LEASE)
            .execution_options(synchronize_session=False)
        )
        db.session.commit()
    return dict(counts)

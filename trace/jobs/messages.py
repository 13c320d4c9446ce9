"""Messages to people leave here: one-time codes, and what notifications say."""

from __future__ import annotations

import orjson

from trace import clock
from trace.extensions import db
from trace.jobs.handlers import handles
from trace.models import Job
from trace.services import notifications
from trace.services.senders import JOB_KIND, deliver


@handles(JOB_KIND)
def send_message(job: Job) -> dict[str, str]:
    """Sends one message; what could not be sent waits as another job."""
    outcome = deliver(job, at=clock.now())
    db.session.commit()
    return {"outcome": outcome}


@handles(notifications.JOB_KIND)
def send_notification(job: Job) -> dict[str, int]:
    """Sends a notification by the channels its person wants."""
    return notifications.deliver(orjson.loads(job.argument)["notification"], at=clock.now())

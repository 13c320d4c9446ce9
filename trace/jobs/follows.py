"""Followers of lots are sent what notices say."""

from __future__ import annotations

import orjson

from trace import clock
from trace.extensions import db
from trace.jobs.handlers import handles
from trace.models import Job
from trace.services import follows, follows_sending


@handles(follows.KIND)
def send_to_followers(job: Job) -> dict[str, int]:
    """One turn of a notice's messages; the next turn is a job of its own. No transaction is open
    while others answer."""
    event, now = orjson.loads(job.argument)["event"], clock.now()
    outgoing = follows_sending.due(event, at=now)
    db.session.commit()
    follows_sending.send(event, outgoing)
    told = follows_sending.note(event, outgoing, at=now)
    db.session.commit()
    return told

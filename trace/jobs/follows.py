"""Followers of lots are sent what notices say."""

from __future__ import annotations

import orjson

from trace import clock
from trace.jobs.handlers import handles
from trace.models import Job
from trace.services import follows
from trace.services.follows_sending import send_turn


@handles(follows.KIND)
def send_to_followers(job: Job) -> dict[str, int]:
    """One turn of a notice's messages; the next turn is a job of its own."""
    return send_turn(orjson.loads(job.argument)["event"], at=clock.now())

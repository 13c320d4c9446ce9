"""After a recall was signed, and when goods of it are made or handed over: who must answer, and
telling."""

from __future__ import annotations

import orjson

from trace import clock
from trace.extensions import db
from trace.jobs.handlers import handles
from trace.models import Job, Recall
from trace.services.recalls.signing import FOLLOW
from trace.services.recalls.telling import follow


@handles(FOLLOW)
def follow_recall(job: Job) -> dict[str, int]:
    """Lists and tells the holders of one case."""
    # One after another: what the one before listed is read, not listed once more. Who answers
    # meanwhile does not wait.
    number = orjson.loads(job.argument)["recall"]
    recall = db.session.get(Recall, number, with_for_update={"key_share": True})
    fresh = 0 if recall is None else follow(recall, at=clock.now())
    db.session.commit()
    return {"holders": fresh}

"""Files follow their rows: what was erased goes once more, what no row names goes after a day."""

from __future__ import annotations

import orjson

from trace import clock
from trace.extensions import db
from trace.jobs.handlers import handles
from trace.models import Job
from trace.services import sweeping
from trace.services.attachments import remove_file
from trace.services.erasures import FORGET_FILES


@handles(FORGET_FILES)
def forget_files(job: Job) -> dict[str, int]:
    """Takes the photos of an erased record away, where that was not done at its commit."""
    photos = orjson.loads(job.argument)["photos"]
    for digest in photos:
        remove_file(digest)
    return {"photos": len(photos)}


@handles(sweeping.KIND)
def sweep_files(_job: Job) -> dict[str, int]:
    """Takes away what killed processes left."""
    found = sweeping.sweep(at=clock.now())
    db.session.rollback()
    return found

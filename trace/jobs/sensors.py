"""Readings of loggers and stations become events."""

from __future__ import annotations

from datetime import datetime

import structlog

from trace import clock
from trace.errors import TraceError
from trace.extensions import db
from trace.jobs.handlers import handles
from trace.models import Job
from trace.services import sensors_folding

logger = structlog.get_logger()


@handles(sensors_folding.KIND)
def fold_readings(job: Job) -> dict[str, int]:
    """Run again, it tells nothing twice."""
    return tell_all(at=clock.now())


def tell_all(*, at: datetime) -> dict[str, int]:
    """Every sensor that has something to tell, each in a transaction of its own: one that cannot
    (a key that is not the server's to use) keeps nobody waiting."""
    events = failed = 0
    for sensor_id in sensors_folding.due(at=at):
        try:
            events += sensors_folding.tell(sensor_id, at=at)
            db.session.commit()
        except TraceError as error:
            db.session.rollback()
            failed += 1
            logger.warning("sensor-untold", sensor=sensor_id, error=error.code)
    return {"events": events, "failed": failed}

"""What waited for approval and expired is forgotten: it may hold personal data."""

from __future__ import annotations

from trace import clock
from trace.extensions import db
from trace.jobs.handlers import handles
from trace.models import Job
from trace.services.approvals import KIND, forget_expired


@handles(KIND)
def forget(_job: Job) -> dict[str, int]:
    """Drops everything that expired, also what an earlier job missed."""
    dropped = forget_expired(at=clock.now())
    db.session.commit()
    return {"dropped": dropped}

"""What inspections found wrong in an area and a time, in sums."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select

from trace.extensions import db
from trace.models import Finding, Organisation
from trace.services.deadlines import local_day
from trace.services.jurisdictions import Scope


@dataclass(frozen=True, slots=True)
class Figures:
    """Findings made in the time, how many of them critical; how many of all are open at its end
    and overdue; how many were closed in it. Withdrawn ones do not count."""

    new: int
    critical: int
    open: int
    overdue: int
    closed: int


def figures(scope: Scope, since: datetime, until: datetime) -> Figures:
    """Of the authorities that sit in the area."""
    before = Finding.created_at < until
    still = (Finding.closed_at.is_(None)) | (Finding.closed_at >= until)
    row = db.session.execute(
        select(
            func.count().filter(Finding.created_at >= since),
            func.count().filter(Finding.created_at >= since, Finding.severity == "critical"),
            func.count().filter(still),
            func.count().filter(still, Finding.due_on < local_day(until)),
            func.count().filter(Finding.closed_at >= since, Finding.closed_at < until),
        )
        .join(Organisation, Organisation.id == Finding.authority_id)
        .where(scope.organisations(), Finding.state != "withdrawn", before)
    ).one()
    return Figures(*row)

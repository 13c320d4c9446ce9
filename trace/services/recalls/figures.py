"""Recalls, holds and advice of an area and a time, in sums."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from sqlalchemy import func, select

from trace.extensions import db
from trace.models import Organisation, Recall
from trace.services.jurisdictions import Scope
from trace.services.medians import median_hours


@dataclass(frozen=True, slots=True)
class Figures:
    """Cases signed in the time, how many of all are open at its end, how many were closed in it,
    and the hours from determined to signed. Rehearsals do not count."""

    started: int
    open: int
    closed: int
    median_warn_hours: Decimal | None


def figures(scope: Scope, since: datetime, until: datetime) -> Figures:
    """Of whoever runs a case and sits in the area: authorities and producers."""
    cases = (
        select(Recall)
        .join(Organisation, Organisation.id == Recall.organisation_id)
        .where(
            scope.organisations(),
            Recall.rehearsal.is_(False),
            Recall.signed_at.is_not(None),
            Recall.signed_at < until,
        )
    )
    started, still, closed = db.session.execute(
        cases.with_only_columns(
            func.count().filter(Recall.signed_at >= since),
            func.count().filter((Recall.ended_at.is_(None)) | (Recall.ended_at >= until)),
            func.count().filter(Recall.ended_at >= since, Recall.ended_at < until),
        )
    ).one()
    warned = median_hours(Recall.determined_at, Recall.signed_at, cases, Recall.signed_at >= since)
    return Figures(started, still, closed, warned)

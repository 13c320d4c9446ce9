"""What buyers and other people asked about an organisation's goods and data: one list, whatever the
door it came by. What is not routed to the organisation is not here: reports of abusive photos and
texts are judged by others, and it hears only of what they took down.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from trace.extensions import db
from trace.models import Event, Report, Request, Takedown
from trace.models.requests import SUBJECT_KINDS


@dataclass(frozen=True, slots=True)
class Asked:
    """`kind` is a kind of request, `takedown`, or a problem that was reported with goods; `address`
    is where it is answered, "" where there is nothing to answer."""

    kind: str
    at: datetime
    state: str
    address: str = ""


def asked_of(organisation_id: int, *, since: datetime, until: datetime) -> list[Asked]:
    """What came in between two moments, the newest first."""
    requests = db.session.execute(
        select(Request.id, Request.kind, Request.received_at, Request.state).where(
            Request.organisation_id == organisation_id,
            Request.kind.in_(SUBJECT_KINDS),
            Request.received_at >= since,
            Request.received_at < until,
        )
    )
    found = [
        Asked(row.kind, row.received_at, row.state, f"/producer/requests/{row.id}")
        for row in requests
    ]
    taken = db.session.execute(
        select(Takedown.created_at, Takedown.lifted_at)
        .join(Event, Event.id == Takedown.event_id)
        .where(
            Event.issuer_id == organisation_id,
            Takedown.created_at >= since,
            Takedown.created_at < until,
        )
    )
    found += [
        Asked("takedown", row.created_at, "lifted" if row.lifted_at else "done") for row in taken
    ]
    reports = db.session.execute(
        select(Report.id, Report.problem, Report.received_at, Report.state).where(
            Report.maker_id == organisation_id,
            Report.held.is_(False),
            Report.received_at >= since,
            Report.received_at < until,
        )
    )
    found += [
        Asked(row.problem, row.received_at, row.state, f"/producer/citizen-reports/{row.id}")
        for row in reports
    ]
    return sorted(found, key=lambda one: one.at, reverse=True)

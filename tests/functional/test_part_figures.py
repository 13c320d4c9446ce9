"""Sums of recalls and findings on an authority's board: of its own area and time only."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from itertools import count

import pytest

from tests.support.factories import make_actor
from tests.support.farms import make_farm, thing_id
from tests.support.members import START
from trace.extensions import db
from trace.models import Event, Finding, Organisation, Recall
from trace.services import dashboards
from trace.services.dashboards import last_days, numbers, part
from trace.services.jurisdictions import Scope, scope_of

NOW = START + timedelta(days=20)
HOURS = timedelta(hours=1)
_codes = count(1)

pytestmark = pytest.mark.usefixtures("db_session")


def area(jurisdiction: str, ward: str) -> Scope:
    actor = make_actor(START, "Cơ quan", "authority", "confirmed", "supervisor", jurisdiction)
    actor.organisation.ward_code = ward
    db.session.commit()
    return scope_of(actor)


def case(office: Organisation, signed: timedelta | None, took: int = 0, **more: object) -> Recall:
    """A recall signed so long ago, so many hours after it was determined."""
    at = None if signed is None else NOW - signed
    told = {
        "code": f"RC{next(_codes):07}",
        "organisation_id": office.id,
        "kind": "recall",
        "state": "open",
        "created_at": START,
        "signed_at": at,
        "determined_at": at - took * HOURS if at else None,
    }
    row = Recall(**{**told, **more})
    db.session.add(row)
    return row


def test_recalls_are_counted_where_and_when_they_were_signed() -> None:
    here, there = area("01", "00070"), area("46", "19774")
    office, day = here.authority, timedelta(days=1)
    case(office, day, 2)
    case(office, 2 * day, 6, ended_at=NOW - day, state="closed")
    case(office, 3 * day, 10, ended_at=NOW - 2 * day, state="withdrawn")
    case(office, 15 * day, 90)  # before the time, and still open
    case(office, None)  # a draft
    case(office, day, 1, rehearsal=True)
    case(there.authority, day, 500)
    db.session.commit()
    week = last_days(7, at=NOW)
    assert numbers(part("recalls", here, week)) == {
        "started": 3,
        "open": 2,
        "closed": 2,
        "median_warn_hours": 6.0,
    }
    assert part("recalls", there, week).median_warn_hours == Decimal(500)
    assert part("recalls", area("48", "20194"), week).median_warn_hours is None


def test_findings_are_counted_as_they_stood_at_the_end_of_the_time() -> None:
    here, there = area("01", "00070"), area("46", "19774")
    farm = make_farm(START)
    thing_id(farm.register(10))
    event = db.session.query(Event.id).limit(1).scalar()

    def found(days: int, severity: str, **more: object) -> None:
        told = {
            "code": f"FN{next(_codes):07}",
            "authority_id": here.authority.id,
            "organisation_id": farm.organisation.id,
            "rule": "label",
            "severity": severity,
            "words": "Nhãn thiếu ngày",
            "event_id": event,
            "created_at": NOW - timedelta(days=days),
        }
        db.session.add(Finding(**{**told, **more}))

    found(1, "critical", due_on=date(2026, 12, 30))
    found(2, "minor", due_on=date(2026, 11, 2))
    found(2, "major", state="closed", closed_at=NOW - timedelta(days=1))
    found(2, "major", state="withdrawn")
    found(15, "minor")
    found(1, "minor", authority_id=there.authority.id)
    db.session.commit()
    week = last_days(7, at=NOW)
    expected = {"new": 3, "critical": 1, "open": 3, "overdue": 1, "closed": 1}
    assert numbers(part("findings", here, week)) == expected
    assert part("findings", there, week).new == 1
    assert set(dashboards.PARTS) == {"recalls", "findings", "reports"}

"""What nobody does, but time: certificates and access tokens about to end, approvals about to
expire, days of requests and of findings coming and gone. Looked for every hour; each is told once.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import select

from trace.extensions import db
from trace.models import Certificate, Finding, Organisation, PendingApproval, Request, Token
from trace.models.requests import CLOSED
from trace.services.certificates import name_of
from trace.services.deadlines import local_day
from trace.services.notifications import notify, notify_each
from trace.services.requests import day_of, desks_of, next_day, overdue

CERTIFICATE_DAYS: Final = 30
TOKEN_DAYS: Final = 7
APPROVAL_HOURS: Final = 4
REQUEST_DAYS: Final = 1
FINDING_DAYS: Final = 3
# What has been late for longer was told long ago.
LATE_DAYS: Final = 60


def remind(*, at: datetime) -> int:
    """Tells what is due; how many people. The caller commits."""
    return _certificates(at) + _tokens(at) + _approvals(at) + _requests(at) + _findings(at)


def _certificates(at: datetime) -> int:
    """In force now, with its last day within CERTIFICATE_DAYS; another last day is told anew."""
    today = local_day(at)
    rows = db.session.scalars(
        select(Certificate).where(
            Certificate.valid_until >= today,
            Certificate.valid_until <= today + timedelta(days=CERTIFICATE_DAYS),
            Certificate.valid_from <= today,
            Certificate.withdrawn_on.is_(None),
            Certificate.decision != "rejected",
        )
    )
    return sum(
        notify(
            one.organisation,
            "certificate-ending",
            {"what": name_of(one), "day": f"{one.valid_until:%d/%m/%Y}"},
            at=at,
            address=f"/producer/certificates/{one.id}",
            subject=f"ending:{one.id}:{one.valid_until.isoformat()}",
        )
        for one in rows
    )


def _tokens(at: datetime) -> int:
    rows = db.session.scalars(
        select(Token).where(
            Token.expires_at > at, Token.expires_at <= at + timedelta(days=TOKEN_DAYS)
        )
    )
    return sum(
        notify(
            one.organisation,
            "token-ending",
            {"what": one.name, "day": f"{local_day(one.expires_at):%d/%m/%Y}"},
            at=at,
            address="/producer/organisation/",
            subject=f"token:{one.id}",
        )
        for one in rows
        if one.expires_at is not None
    )


def _approvals(at: datetime) -> int:
    rows = db.session.scalars(
        select(PendingApproval).where(
            PendingApproval.expires_at > at,
            PendingApproval.expires_at <= at + timedelta(hours=APPROVAL_HOURS),
        )
    )
    return sum(
        notify(
            db.session.get_one(Organisation, one.organisation_id),
            "approval-ending",
            at=at,
            address="/producer/approvals/",
            subject=f"approval:{one.id}",
        )
        for one in rows
    )


def _requests(at: datetime) -> int:
    """The day before the next day of a request, and once it has passed, to all who handle it."""
    today = local_day(at)
    count = 0
    for one in db.session.scalars(select(Request).where(Request.state.not_in(CLOSED))):
        late = bool(overdue(one, today))
        if not late and next_day(one) > today + timedelta(days=REQUEST_DAYS):
            continue
        word = "request-late" if late else "request-due"
        day = day_of(one)
        told = {organisation: ({"day": day}, address) for organisation, address in desks_of(one)}
        subject = f"{word}:{one.id}:{next_day(one).isoformat()}"
        count += notify_each(told, word, at=at, subject=subject)
    return count


def _findings(at: datetime) -> int:
    """Some days before the day by which a finding must be put right, and once it has passed; then
    its authority as well. Another day is told anew."""
    today = local_day(at)
    count = 0
    rows = db.session.scalars(
        select(Finding).where(
            Finding.state == "open",
            Finding.due_on <= today + timedelta(days=FINDING_DAYS),
            Finding.due_on >= today - timedelta(days=LATE_DAYS),
        )
    )
    for one in rows:
        assert one.due_on is not None  # noqa: S101 (the query's own condition)
        late = one.due_on < today
        word, day = "finding-late" if late else "finding-due", f"{one.due_on:%d/%m/%Y}"
        subject = f"{word}:{one.id}:{one.due_on.isoformat()}"
        address = f"/producer/inspections/findings/{one.id}"
        count += notify(
            one.organisation, word, {"day": day}, at=at, address=address, subject=subject
        )
        if late:
            count += notify(
                one.authority,
                "finding-late-desk",
                {"name": one.organisation.name, "day": day},
                at=at,
                address=f"/inspection/findings/{one.id}",
                subject=f"desk-{subject}",
            )
    return count

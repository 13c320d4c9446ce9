"""What time does to reports, every hour: up to the next authority, closed when all is quiet, the
contact forgotten (rules 1 to 3)."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import and_, or_, select, update
from sqlalchemy.orm import joinedload

from trace.extensions import db
from trace.models import Report
from trace.services.audit import write_audit
from trace.services.citizen_reports.acts import move
from trace.services.citizen_reports.intake import KEPT_DAYS, desk_page, step, tell_desk, what
from trace.services.citizen_reports.reading import next_deadline, sealed_for, subject_of
from trace.services.citizen_reports.routing import above, deadlines_for, route
from trace.services.deadlines import local_day
from trace.services.notifications import notify
from trace.services.sealing import reseal

QUIET_DAYS: Final = 14  # after an answer nobody added anything to
AT_ONCE: Final = 500


def pass_time(*, at: datetime) -> int:
    """How many reports went up, found a desk, were closed or had a contact forgotten. The caller
    commits; run twice it does it once."""
    return place_waiting(at=at) + escalate(at=at) + close_quiet(at=at) + forget_contacts(at=at)


def place_waiting(*, at: datetime) -> int:
    """Reports that no authority covered go to the one that does now."""
    rows = db.session.scalars(
        select(Report)
        .where(Report.authority_id.is_(None), Report.closed_at.is_(None))
        .order_by(Report.id)
        .limit(AT_ONCE)
    ).all()
    count = 0
    for one in rows:
        category = one.product.category if one.product else ""
        found = route(one.ward_code, one.problem, category)
        if found.authority is None:
            continue
        one.authority, one.sector = found.authority, found.sector
        one.look_by, one.answer_by = deadlines_for(found.authority, one.problem, at=at)
        step(one, "forwarded", at=at, seen="reporter", by=found.authority)
        db.session.flush()
        tell_desk(one, at=at, maker=False)
        count += 1
    return count


def escalate(*, at: datetime) -> int:
    """Past one of its days, a report goes to the next wider authority: one of a burst too, held
    apart there as well. At the top it stays, and the desk is told once a day."""
    passed = or_(
        and_(Report.looked_at.is_(None), Report.look_by < at),
        and_(Report.looked_at.is_not(None), Report.answer_by < at),
    )
    rows = db.session.scalars(
        select(Report)
        .where(
            Report.closed_at.is_(None),
            Report.answered_at.is_(None),
            Report.merged_into_id.is_(None),
            Report.authority_id.is_not(None),
            passed,
        )
        .options(joinedload(Report.authority))
        .order_by(Report.id)
        .limit(AT_ONCE)
    ).all()
    count = 0
    for one in rows:
        left = one.authority
        assert left is not None  # noqa: S101 (asked for above)
        if not one.held:
            day = f"{local_day(next_deadline(one)):%d/%m/%Y}"
            notify(
                left,
                "report-late",
                {"day": day, "what": what(one)},
                at=at,
                address=desk_page(one),
                subject=f"report-late:{one.id}:{local_day(at)}",
            )
        to = above(left, one.ward_code, one.sector)
        if to is None:
            continue
        one.escalated_at = at
        move(one, to, "escalated", "", at=at)
        write_audit(None, "report.escalate", subject_of(one), at=at, to=to.code, former=left.code)
        count += 1
    return count


def close_quiet(*, at: datetime) -> int:
    """Answered and nothing added since: closed."""
    rows = db.session.scalars(
        select(Report)
        .where(
            Report.closed_at.is_(None),
            Report.state == "answered",
            Report.answered_at < at - timedelta(days=QUIET_DAYS),
        )
        .order_by(Report.id)
        .limit(AT_ONCE)
    ).all()
    for one in rows:
        one.state, one.closed_at = "closed", at
        step(one, "closed", at=at, seen="reporter", by=one.authority)
    return len(rows)


def forget_contacts(*, at: datetime) -> int:
    """Contacts of reports closed KEPT_DAYS ago; returns how many."""
    done = db.session.execute(
        update(Report)
        .where(Report.contact.is_not(None), Report.closed_at < at - timedelta(days=KEPT_DAYS))
        .values(contact=None)
        .execution_options(synchronize_session=False)
        .returning(Report.id)
    )
    return len(done.all())


def rewrap(old: bytes, new: bytes) -> int:
    """Seals contacts anew under another key-encryption key; returns how many."""
    rows = db.session.scalars(select(Report).where(Report.contact.is_not(None))).all()
    for row in rows:
        if row.contact is not None:
            row.contact = reseal(row.contact, sealed_for(row), old, new)
    return len(rows)

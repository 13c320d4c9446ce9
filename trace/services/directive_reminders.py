"""Directives that are due soon or overdue: which units are reminded, and when (rule 4 of
`services.directives`)."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from sqlalchemy import or_, select

from trace.extensions import db
from trace.models import Directive
from trace.services.deadlines import local_day
from trace.services.directives import KIND
from trace.services.jobs import enqueue
from trace.services.platform_settings import number_of


def remind(*, at: datetime) -> int:
    """Asks for today's reminders (rule 4); how many directives. Twice a day asks once. The caller
    commits; called every hour."""
    today = local_day(at)
    ahead = number_of("remind_days")
    rows = db.session.scalars(
        select(Directive).where(
            Directive.state == "open",
            Directive.due_on <= today + timedelta(days=ahead),
            or_(Directive.reminded_on.is_(None), Directive.reminded_on < today),
        )
    )
    asked = 0
    for one in rows:
        word = _reminder(one, today, ahead)
        one.reminded_on = today
        if word:
            enqueue(KIND, {"directive": one.id, "word": word}, at=at)
            asked += 1
    return asked


def _reminder(one: Directive, today: date, ahead: int) -> str:
    left = (one.due_on - today).days
    if left < 0:
        return "directive-overdue" if (-left - 1) % 7 == 0 else ""
    # A worker that was away on the day reminds when it is back.
    first = one.reminded_on is None or one.reminded_on < one.due_on - timedelta(days=ahead)
    return "directive-due" if left == 0 or first else ""

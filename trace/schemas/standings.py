"""What the forms of the platform's desk ask for: decisions, accreditations, prefixes, two records
of one."""

from __future__ import annotations

from trace.models.standings import SAME_KINDS
from trace.schemas.base import Choice, Day, FormSchema, Text

REASON = 500


class ReasonForm(FormSchema):
    """Why; public where an organisation is suspended."""

    reason = Text(REASON, lines=True)


class AccreditationForm(FormSchema):
    """Of whom, for what, from when to when."""

    organisation = Text(200, required=True)
    person = Text(20)
    number = Text(60)
    scope = Text(300)
    valid_from = Day(required=True)
    valid_until = Day(required=True)


class PrefixForm(FormSchema):
    """Whether a claim is believed, and what that rests on."""

    decision = Choice(("confirmed", "declined"), required=True)
    evidence = Text(REASON, lines=True)


class SameForm(FormSchema):
    """Which record is kept, and which is the same as it."""

    kind = Choice(SAME_KINDS, required=True)
    kept = Text(40, required=True)
    other = Text(40, required=True)
    reason = Text(REASON, required=True)


class AuditForm(FormSchema):
    """What to look for in the audit log."""

    who = Text(200)
    action = Text(40)
    subject = Text(200)
    since = Day()
    until = Day()

"""The form of an inspector's judgement on a code scanned in too many places."""

from __future__ import annotations

from trace.schemas.base import Choice, FormSchema, Text


class JudgementSchema(FormSchema):
    """What it is, and what was found."""

    state = Choice(("cleared", "confirmed"), required=True)
    words = Text(300, required=True)

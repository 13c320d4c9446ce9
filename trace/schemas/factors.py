"""What is asked when an administrator wants somebody's second step taken away."""

from __future__ import annotations

from trace.schemas.base import FormSchema, Text

REASON = 500


class ResetForm(FormSchema):
    """Whose, and how the administrator made sure who asks for it."""

    login = Text(254, required=True)
    reason = Text(REASON, required=True, lines=True)

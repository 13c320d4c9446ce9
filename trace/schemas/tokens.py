"""What the form of a token asks for."""

from __future__ import annotations

from trace.schemas.base import FormSchema, Several, Text, Whole
from trace.services.tokens import SCOPES


class TokenForm(FormSchema):
    """A token for scripts; `days` until it ends, empty for no end."""

    name = Text(100, required=True)
    scopes = Several(SCOPES, required=True)
    days = Whole(least=1, most=3650)

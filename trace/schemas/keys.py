"""What the forms of keys ask for."""

from __future__ import annotations

from trace.schemas.base import FormSchema, Text


class OwnKeyForm(FormSchema):
    """A public key and, in the second step, its record signed: one JWS a line."""

    public_key = Text(20_000, lines=True, required=True)
    jws = Text(40_000, lines=True)


class SignedRecordForm(FormSchema):
    """A key record signed outside: one JWS a line."""

    jws = Text(40_000, lines=True)

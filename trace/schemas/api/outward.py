"""Bodies and answers about what leaves the house: credentials, the portal, subscriptions."""

from __future__ import annotations

from typing import Any, Final

from marshmallow import Schema, fields

from trace.models.credentials import KINDS
from trace.schemas.api.answers import Moment
from trace.schemas.api.bodies import json_body
from trace.schemas.base import Choice, FormSchema


class CredentialSchema(FormSchema):
    """Which credential: the product's passport, or its traceability events."""

    kind = Choice(KINDS, required=True)


CREDENTIAL: Final = json_body(CredentialSchema, "NewCredential")


class CredentialOut(Schema):
    """A credential that was handed out: `state` is valid, suspended (a recall or hold stands) or
    revoked. `address` is where anybody reads it."""

    id = fields.String(required=True)
    thing = fields.Integer(required=True)
    kind = fields.String(required=True)
    state = fields.String(required=True)
    address = fields.String(required=True)
    issued_at = Moment(required=True)
    revoked_at = Moment(required=True, allow_none=True)


class DeliveryOut(Schema):
    """A passport on its way to the portal: `state` is queued, sent, accepted, refused or failed;
    `reason` is the portal's, or why it was not reached."""

    id = fields.String(required=True)
    thing = fields.Integer(required=True)
    state = fields.String(required=True)
    reason = fields.String(required=True)
    receipt = fields.String(required=True)
    attempts = fields.Integer(required=True)
    created_at = Moment(required=True)
    answered_at = Moment(required=True, allow_none=True)
    due_at = Moment(required=True, allow_none=True)


class SubscriptionOut(Schema):
    """Who is told what is new in a named query. `failure` is why the last message was not taken, or
    why it rests; it rests while `paused_at` is set."""

    id = fields.String(required=True)
    query = fields.String(required=True)
    dest = fields.String(required=True)
    schedule = fields.Raw(required=True, allow_none=True, metadata={"type": ["object", "null"]})
    made_with = fields.String(required=True)
    created_at = Moment(required=True)
    last_notified_at = Moment(required=True, allow_none=True)
    paused_at = Moment(required=True, allow_none=True)
    attempts = fields.Integer(required=True)
    failure = fields.String(required=True)


class LetterOut(Schema):
    """Events that a subscriber did not take: what was recorded at the places [first, end) of the
    log. `replay_at` is set while it waits to be sent again."""

    id = fields.Integer(required=True)
    subscription = fields.String(required=True)
    first = fields.Integer(required=True)
    end = fields.Integer(required=True)
    reason = fields.String(required=True)
    attempts = fields.Integer(required=True)
    created_at = Moment(required=True)
    replay_at = Moment(required=True, allow_none=True)


def told(row: Any, schema: Schema, **more: Any) -> dict[str, Any]:
    """A row's members by the schema's names; `more` are those that are called otherwise."""
    names = [name for name in schema.fields if name not in more]
    return {**{name: getattr(row, name) for name in names}, **more}

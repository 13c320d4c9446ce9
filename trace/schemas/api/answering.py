"""Bodies and answers about findings answered, samples received, lines that wait, rehearsals."""

from __future__ import annotations

from typing import Final

from marshmallow import Schema, fields

from trace.schemas.api.acts import ShortOrganisationOut
from trace.schemas.api.answers import Moment
from trace.schemas.api.bodies import json_body
from trace.schemas.base import Text, YesNo
from trace.schemas.inspections import AnswerSchema
from trace.schemas.recalls import ConsentSchema
from trace.schemas.records import Moment as MomentField
from trace.schemas.records import RecordSchema


class ReceiptSchema(RecordSchema):
    """A sample arrived at the laboratory: with its seal as it was, or not."""

    when = MomentField()
    intact = YesNo()
    note = Text(1000, lines=True)


FINDING_ANSWER: Final = json_body(AnswerSchema, "FindingAnswer", photos=True)
RECEIPT: Final = json_body(ReceiptSchema, "SampleReceipt", photos=True)
CONSENT: Final = json_body(ConsentSchema, "RehearsalConsent")


class SaidOut(Schema):
    """What the organisation said to a finding."""

    words = fields.String(required=True)
    photos = fields.List(fields.String(), required=True)
    at = Moment(required=True)


class AnsweredOut(Schema):
    """The answers to a finding, oldest first."""

    items = fields.List(fields.Nested(SaidOut), required=True)


class SampleOut(Schema):
    """A sample an authority sealed: `state` is taken, sent, received, resulted or lost."""

    id = fields.Integer(required=True)
    authority = fields.Nested(ShortOrganisationOut, required=True)
    seal = fields.String(required=True)
    address = fields.String(required=True)
    state = fields.String(required=True)
    laboratory = fields.String(required=True)
    taken_at = Moment(required=True)


class WaitingOut(Schema):
    """Lines that wait for the approval of a passkey; `events` as they will be signed."""

    id = fields.Integer(required=True)
    created_at = Moment(required=True)
    expires_at = Moment(required=True)


class WaitingEventsOut(WaitingOut):
    """The same with its events."""

    events = fields.List(fields.Dict(), required=True)


class ConsentOut(Schema):
    """Whether the organisation takes part in rehearsals of recalls."""

    agrees = fields.Boolean(required=True)

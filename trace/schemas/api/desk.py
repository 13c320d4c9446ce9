"""Bodies and answers about warnings, inspections, findings, chains and reports."""

from __future__ import annotations

from typing import Final

from marshmallow import Schema, fields

from trace.models.recalls import FATES
from trace.schemas.api.acts import ShortOrganisationOut
from trace.schemas.api.answers import Moment, Quantity
from trace.schemas.api.bodies import json_body
from trace.schemas.base import Choice, FormSchema, Text
from trace.schemas.records import Quantity as QuantityField
from trace.schemas.records import RecordSchema, Reference, Rows


class FateRow(RecordSchema):
    """What became of how much: of a lot, where its holder has several."""

    fate = Choice(FATES, required=True)
    uom = Text(3)
    thing = Reference()
    quantity = QuantityField(zero=True, required=True)


class FatesSchema(RecordSchema):
    """What became of the goods a warning is about."""

    lines = Rows(FateRow, required=True)
    note = Text(300)


class WordsSchema(FormSchema):
    """Words to an authority."""

    words = Text(1000, lines=True, required=True)


FATES_BODY: Final = json_body(FatesSchema, "RecallAnswer")
WORDS: Final = json_body(WordsSchema, "Words")


class DueOut(Schema):
    """What must be accounted for in one unit, and what is left of it."""

    uom = fields.String(required=True, attribute="unit")
    had = Quantity(required=True, metadata={"type": "number"})
    sold = Quantity(required=True, metadata={"type": "number"})
    answered = Quantity(required=True, metadata={"type": "number"})
    left = Quantity(required=True, metadata={"type": "number"})


class RecallOut(Schema):
    """A case: a recall, a hold or advice."""

    id = fields.Integer(required=True)
    code = fields.String(required=True)
    kind = fields.String(required=True)
    rehearsal = fields.Boolean(required=True)
    state = fields.String(required=True)
    hazard = fields.String(required=True)
    grade = fields.Integer(required=True)
    reason = fields.String(required=True)
    instructions = fields.String(required=True)
    reached = fields.Integer(required=True)
    signed_at = Moment(required=True, allow_none=True)
    answer_by = Moment(required=True, allow_none=True)
    ended_at = Moment(required=True, allow_none=True)


class WarningOut(Schema):
    """A case that asks this organisation what became of goods it had; `id` is what it answers."""

    id = fields.Integer(required=True)
    state = fields.String(required=True)
    recall = fields.Nested(RecallOut, required=True)
    due = fields.List(fields.Nested(DueOut), required=True)


class ShareOut(Schema):
    """How much of one unit."""

    uom = fields.String(required=True)
    quantity = Quantity(required=True, metadata={"type": "number"})


class BoardOut(Schema):
    """How a case stands."""

    warned = fields.Integer(required=True)
    holders = fields.Integer(required=True)
    told = fields.Integer(required=True)
    answered = fields.Integer(required=True)
    part = fields.Integer(required=True)
    silent = fields.Integer(required=True)
    had = fields.List(fields.Nested(ShareOut), required=True)
    accounted = fields.List(fields.Nested(ShareOut), required=True)


class CaseOut(RecallOut):
    """A case with how it stands."""

    board = fields.Nested(BoardOut, required=True)


class InspectionOut(Schema):
    """An inspection: whom it concerns, when, how it ended."""

    id = fields.Integer(required=True)
    code = fields.String(required=True)
    authority = fields.Nested(ShortOrganisationOut, required=True)
    organisation = fields.Nested(ShortOrganisationOut, required=True)
    state = fields.String(required=True)
    planned_on = fields.Date(required=True)
    begun_at = Moment(required=True, allow_none=True)
    conclusion = fields.String(required=True)
    words = fields.String(required=True)
    concluded_at = Moment(required=True, allow_none=True)


class FindingOut(Schema):
    """What was found wrong, how grave, and by when it must be put right."""

    id = fields.Integer(required=True)
    code = fields.String(required=True)
    authority = fields.Nested(ShortOrganisationOut, required=True)
    organisation = fields.Nested(ShortOrganisationOut, required=True)
    inspection_id = fields.Integer(required=True, allow_none=True)
    rule = fields.String(required=True)
    severity = fields.String(required=True)
    words = fields.String(required=True)
    action = fields.String(required=True)
    due_on = fields.Date(required=True, allow_none=True)
    state = fields.String(required=True)
    created_at = Moment(required=True)
    closed_at = Moment(required=True, allow_none=True)
    closed_words = fields.String(required=True)


class ChainOut(Schema):
    """A chain: stations, flows between them, events. Amounts are texts; what is outside the
    authority's reach is told as outside."""

    v = fields.Integer(required=True)
    subject = fields.String(required=True)
    more = fields.Boolean(required=True)
    sources = fields.Integer(required=True)
    places = fields.Integer(required=True)
    stations = fields.List(fields.Dict(), required=True)
    flows = fields.List(fields.Dict(), required=True)
    events = fields.List(fields.Dict(), required=True)


class AuditOut(Schema):
    """A chain judged by every rule: what was found, what is sound, what could not be judged."""

    v = fields.Integer(required=True)
    identity = fields.String(required=True)
    at = fields.String(required=True)
    findings = fields.List(fields.Dict(), required=True)
    judged = fields.List(fields.Dict(), required=True)
    not_judged = fields.List(fields.Dict(), required=True)
    counts = fields.Dict(required=True)
    truncated = fields.Boolean(required=True)
    descendants = fields.Boolean(required=True)
    took = fields.Integer(required=True)


class StepOut(Schema):
    """What happened to a report, and what was said then."""

    at = Moment(required=True)
    kind = fields.String(required=True)
    by = fields.String(required=True)
    text = fields.String(required=True)


class ReportOut(Schema):
    """A shopper's report about this organisation's goods, without anything of the reporter's."""

    id = fields.Integer(required=True)
    problem = fields.String(required=True)
    day = fields.Date(required=True)
    lot = fields.String(required=True)
    product = fields.String(required=True)
    path = fields.String(required=True)
    province = fields.String(required=True)
    authority = fields.String(required=True)
    state = fields.String(required=True)
    outcome = fields.String(required=True)
    passed = fields.Boolean(required=True)
    steps = fields.List(fields.Nested(StepOut), required=True)

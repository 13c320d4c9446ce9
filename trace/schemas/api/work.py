"""Bodies and answers about work ahead, weighing sheets, stamps, sensors, links, results,
directives."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from marshmallow import Schema, ValidationError, fields, validates_schema

from trace.schemas.api.acts import ShortOrganisationOut
from trace.schemas.api.answers import Moment, Quantity, Record
from trace.schemas.api.bodies import json_body
from trace.schemas.base import Choice, FormSchema, Whole, YesNo
from trace.schemas.batches import LotRow, MergeSchema
from trace.schemas.cycles import LotSchema
from trace.schemas.group import GroupSchema, GroupSowingSchema, References
from trace.schemas.labels import AgainSchema, BindSchema, StampsSchema, VoidSchema
from trace.schemas.laboratory import ResultSchema
from trace.schemas.papers import ACTS
from trace.schemas.plans import JottingSchema, PlanSchema
from trace.schemas.records import Moment as MomentField
from trace.schemas.records import Quantity as QuantityField
from trace.schemas.records import RecordSchema, Reference, Rows
from trace.schemas.sensors import ArrivalForm, SensorForm
from trace.schemas.weighing import SheetSchema
from trace.services.acts.together import STARTS, TREATMENTS, WORK
from trace.services.refusals import NothingChosen

_MAYBE: Final[dict[str, Any]] = {"type": ["number", "null"]}


class PourSchema(MergeSchema):
    """What a stall pours together: lots of it, and goods that came without a code."""

    lots = Rows(LotRow)
    uncoded = YesNo()  # type: ignore[assignment]  # a box there, true or false here


class TogetherSchema(GroupSchema):
    """A job of many plantings; of fertilising and spraying, what was used is the point."""

    step = Choice(WORK, required=True)

    @validates_schema
    def used(self, data: Mapping[str, Any], **_: Any) -> None:
        """A treatment names what was used."""
        if data.get("step") in TREATMENTS and not data.get("inputs"):
            raise ValidationError({"inputs": [NothingChosen()]})


class SowTogetherSchema(GroupSowingSchema):
    """The same crop begins on many plots."""

    step = Choice(STARTS, required=True)


class WeightRow(RecordSchema):
    """What a household brought; nothing takes its line away."""

    household = Reference(required=True)
    kilograms = QuantityField()


class WeightsSchema(RecordSchema):
    """Weights of some households; the others' stay."""

    lines = Rows(WeightRow, required=True)


class JourneySchema(FormSchema):
    """With which goods a sensor goes, and from when."""

    since = MomentField()
    goods = References()


class DoneSchema(FormSchema):
    """Which event the job was recorded as."""

    event = Whole(least=1, most=2**53, required=True)


class SpreadsheetSchema(FormSchema):
    """Which form of spreadsheet."""

    format = Choice(tuple(one[5:] for one in ACTS if one.startswith("fsma-")), required=True)


PLAN: Final = json_body(PlanSchema, "Plan")
JOTTING: Final = json_body(JottingSchema, "NewJotting", photos=True)
DONE: Final = json_body(DoneSchema, "PlanDone")
SHEET: Final = json_body(SheetSchema, "NewWeighingSheet")
WEIGHTS: Final = json_body(WeightsSchema, "Weights")
WEIGHED_LOT: Final = json_body(LotSchema, "WeighedLot", photos=True, without=("quantity", "unit"))
POUR: Final = json_body(PourSchema, "Pouring", photos=True)
TOGETHER: Final = json_body(TogetherSchema, "GroupEntry", photos=True)
SOW_TOGETHER: Final = json_body(SowTogetherSchema, "GroupSowing", photos=True)
RESULT: Final = json_body(ResultSchema, "NewResult", photos=True)
STAMPS: Final = json_body(StampsSchema, "NewStamps")
AGAIN: Final = json_body(AgainSchema, "StampsAgain")
VOID: Final = json_body(VoidSchema, "StampsVoided")
BIND: Final = json_body(BindSchema, "StampsBound", photos=True)
SENSOR: Final = json_body(SensorForm, "Sensor")
JOURNEY: Final = json_body(JourneySchema, "Journey")
ARRIVAL: Final = json_body(ArrivalForm, "Arrival")
SPREADSHEET: Final = json_body(SpreadsheetSchema, "Spreadsheet")


class PlanOut(Record):
    """A job ahead: done when `event` says as what, or dropped."""

    thing = fields.Integer(required=True, attribute="thing_id")
    step = fields.String(required=True)
    due = fields.Date(required=True)
    note = fields.String(required=True)
    event = fields.Integer(required=True, allow_none=True, attribute="event_id")
    dropped_at = Moment(required=True, allow_none=True)


class JottingOut(Schema):
    """A photo and a sentence that wait to be told in full."""

    id = fields.Integer(required=True)
    at = Moment(required=True)
    thing = fields.Integer(required=True, allow_none=True)
    sentence = fields.String(required=True)
    photos = fields.List(fields.String(), required=True)


class PresetOut(Schema):
    """An entry saved in the console to be used again; `content` is what its boxes are filled
    with."""

    id = fields.Integer(required=True)
    name = fields.String(required=True)
    step = fields.String(required=True)
    product = fields.Integer(required=True, allow_none=True)
    season = fields.String(required=True)
    content = fields.Dict(required=True)


class WeightOut(Schema):
    """What a household brought; `typed` is how it was typed."""

    household = fields.Integer(required=True)
    code = fields.String(required=True)
    kilograms = Quantity(required=True, metadata={"type": "number"})
    typed = fields.String(required=True)


class WeighingOut(Schema):
    """A weighing sheet; closed once it became a lot (`thing`)."""

    id = fields.Integer(required=True)
    product = fields.Integer(required=True)
    place = fields.Integer(required=True, allow_none=True)
    day = fields.Date(required=True)
    thing = fields.Integer(required=True, allow_none=True)
    kilograms = Quantity(required=True, metadata={"type": "number"})
    lines = fields.List(fields.Nested(WeightOut), required=True)
    created_at = Moment(required=True)


class BindingOut(Schema):
    """Numbers of a roll that belong to a lot, by an event."""

    first = fields.Integer(required=True)
    last = fields.Integer(required=True)
    thing = fields.Integer(required=True, attribute="lot_id")
    event = fields.Integer(required=True, attribute="event_id")


class RollOut(Schema):
    """A roll of numbered stamps, and how many are where."""

    id = fields.Integer(required=True)
    code = fields.String(required=True)
    product = fields.Integer(required=True, allow_none=True)
    thing = fields.Integer(required=True, allow_none=True)
    count = fields.Integer(required=True)
    bound = fields.Integer(required=True)
    voided = fields.Integer(required=True)
    bindings = fields.List(fields.Nested(BindingOut), required=True)
    created_at = Moment(required=True)


class VoidedOut(Schema):
    """How many stamps went out of use."""

    voided = fields.Integer(required=True)


class LimitOut(Schema):
    """Between what a measure is to lie."""

    measure = fields.String(required=True)
    low = Quantity(required=True, allow_none=True, metadata=_MAYBE)
    high = Quantity(required=True, allow_none=True, metadata=_MAYBE)


class JourneyOut(Schema):
    """With which goods a sensor goes or went."""

    since = Moment(required=True)
    until = Moment(required=True, allow_none=True)
    goods = fields.List(fields.Integer(), required=True)


class SensorOut(Record):
    """A logger or station; `device` is its name in events."""

    name = fields.String(required=True)
    device = fields.String(required=True)
    place = fields.Integer(required=True, allow_none=True)
    limits = fields.List(fields.Nested(LimitOut), required=True)
    has_token = fields.Boolean(required=True)
    last_reading_at = Moment(required=True, allow_none=True)
    retired_at = Moment(required=True, allow_none=True)
    journey = fields.Nested(JourneyOut, required=True, allow_none=True)


class ReadingOut(Schema):
    """One value in the measure's unit (UN/ECE Recommendation 20)."""

    time = Moment(required=True)
    measure = fields.String(required=True)
    value = Quantity(required=True, metadata={"type": "number"})
    uom = fields.String(required=True)


class ReadingsOut(Schema):
    """Readings, oldest first."""

    items = fields.List(fields.Nested(ReadingOut), required=True)


class TakenOut(Schema):
    """How many readings were kept now, how many were known."""

    kept = fields.Integer(required=True)
    known = fields.Integer(required=True)


class DeviceTokenOut(Schema):
    """What the device sends its readings with, shown this once."""

    token = fields.String(required=True)


class LinkOut(Record):
    """A link that the resolver gives out; `why_not` says why it does not, "" where it does."""

    product = fields.Integer(required=True)
    lot = fields.Integer(required=True, allow_none=True)
    link_type = fields.String(required=True)
    href = fields.String(required=True)
    title = fields.String(required=True)
    languages = fields.List(fields.String(), required=True)
    media_type = fields.String(required=True)
    context = fields.String(required=True)
    state = fields.String(required=True)
    check = fields.String(required=True)
    why_not = fields.String(required=True)


class LinkVersionOut(Schema):
    """What a link said from a moment on."""

    number = fields.Integer(required=True)
    at = Moment(required=True)
    action = fields.String(required=True)
    content = fields.Dict(required=True)


class LinkVersionsOut(Schema):
    """Everything a link ever said, newest first."""

    items = fields.List(fields.Nested(LinkVersionOut), required=True)


class ResultOut(Schema):
    """What a laboratory signed about a lot."""

    id = fields.Integer(required=True)
    statement = fields.String(required=True)
    at = Moment(required=True)
    address = fields.String(required=True)
    sampled = fields.Date(required=True, allow_none=True)
    passes = fields.Boolean(required=True)
    findings = fields.List(fields.Dict(), required=True)


class IssuedOut(Record):
    """A certificate that carries the certifier's name, and what it answered."""

    organisation = fields.Nested(ShortOrganisationOut, required=True)
    standard = fields.String(required=True)
    number = fields.String(required=True)
    valid_from = fields.Date(required=True)
    valid_until = fields.Date(required=True)
    decision = fields.String(required=True)
    reason = fields.String(required=True)
    state = fields.String(required=True)


class PaperOut(Schema):
    """A paper of a directive."""

    id = fields.Integer(required=True)
    name = fields.String(required=True)
    media_type = fields.String(required=True)
    size = fields.Integer(required=True)


class DirectiveOut(Schema):
    """What an authority asked, and how the answer stands."""

    id = fields.Integer(required=True)
    version = fields.Integer(required=True)
    authority = fields.Nested(ShortOrganisationOut, required=True)
    number = fields.String(required=True)
    title = fields.String(required=True)
    text = fields.String(required=True)
    due_on = fields.Date(required=True)
    open = fields.Boolean(required=True)
    state = fields.String(required=True)
    answer = fields.String(required=True)
    answered_at = Moment(required=True, allow_none=True)
    remark = fields.String(required=True)
    papers = fields.List(fields.Nested(PaperOut), required=True)
    answer_papers = fields.List(fields.Nested(PaperOut), required=True)

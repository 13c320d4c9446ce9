"""Bodies of what happened, and what is answered when it was recorded."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from marshmallow import Schema, ValidationError, fields, validates_schema

from trace.schemas.api.answers import Moment, Quantity
from trace.schemas.api.bodies import JsonBody, json_body
from trace.schemas.base import Choice, FormSchema
from trace.schemas.batches import (
    CorrectSchema,
    DestroySchema,
    PackSchema,
    ProcessSchema,
    SaleSchema,
    StoreSchema,
    UnpackSchema,
    VoidSchema,
)
from trace.schemas.cycles import (
    CycleSchema,
    EntrySchema,
    HarvestSchema,
    NoneUsedSchema,
    RegisterSchema,
)
from trace.schemas.handovers import (
    BackSchema,
    ExternalSchema,
    ReceiveSchema,
    ReturnSchema,
    ShipSchema,
)
from trace.services.acts.growing import ALL_STEPS, BEGINNINGS, TREATMENTS
from trace.services.refusals import NothingChosen


class BeginSchema(CycleSchema):
    """What begins, where, since when."""

    beginning = Choice(BEGINNINGS, required=True)


class DoneSchema(EntrySchema):
    """One thing done to a cycle; of fertilising, spraying, feeding and vaccinating, what was used
    is the point."""

    step = Choice(ALL_STEPS, required=True)

    @validates_schema
    def used(self, data: Mapping[str, Any], **_: Any) -> None:
        """A treatment names what was used."""
        if data.get("step") in TREATMENTS and not data.get("inputs"):
            raise ValidationError({"inputs": [NothingChosen()]})


def _recorded(form: type[FormSchema], name: str, *without: str) -> JsonBody:
    return json_body(form, name, photos=True, without=without)


BEGIN: Final = _recorded(BeginSchema, "NewCycle")
DONE: Final = _recorded(DoneSchema, "DiaryEntry", "preset_name", "preset_season")
NONE_USED: Final = _recorded(NoneUsedSchema, "NoneUsed")
HARVEST: Final = _recorded(HarvestSchema, "Harvest")
REGISTER: Final = _recorded(RegisterSchema, "NewBatch")
STORE: Final = _recorded(StoreSchema, "Storage")
SALE: Final = _recorded(SaleSchema, "Sale")
END: Final = _recorded(DestroySchema, "End")
PROCESS: Final = _recorded(ProcessSchema, "Processing")
PACK: Final = _recorded(PackSchema, "Packing")
UNPACK: Final = _recorded(UnpackSchema, "Unpacking")
SHIP: Final = _recorded(ShipSchema, "Shipping")
RECEIVE: Final = _recorded(ReceiveSchema, "Receipt")
RETURN: Final = _recorded(ReturnSchema, "GivingBack")
BACK: Final = _recorded(BackSchema, "ComingHome")
EXTERNAL: Final = _recorded(ExternalSchema, "UnrecordedGoods")
CORRECT: Final = _recorded(CorrectSchema, "Correction")
VOID: Final = json_body(VoidSchema, "Voiding")


# -- answers ---------------------------------------------------------------------------------------


class AmountOut(Schema):
    """A quantity with the unit code events carry; "" counts items."""

    quantity = Quantity(required=True, metadata={"type": "number"})
    uom = fields.String(required=True)


class ThingOut(Schema):
    """A thing an event names. `address` is what is printed and what events carry."""

    role = fields.String(required=True)
    id = fields.Integer(required=True)
    kind = fields.String(required=True)
    code = fields.String(required=True)
    address = fields.String(required=True)
    quantity = Quantity(required=True, allow_none=True, metadata={"type": ["number", "null"]})
    uom = fields.String(required=True)


class OneRecordedOut(Schema):
    """An event just recorded: its statement, and its place in the public log."""

    id = fields.Integer(required=True)
    event_id = fields.String(required=True)
    statement = fields.String(required=True)
    index = fields.Integer(required=True)
    step = fields.String(required=True)
    things = fields.List(fields.Nested(ThingOut), required=True)


class RecordedOut(Schema):
    """What was recorded, or that it waits for an approval by passkey (status 202)."""

    events = fields.List(fields.Nested(OneRecordedOut), required=True)
    waiting = fields.Integer(required=True, allow_none=True)


class ShortOrganisationOut(Schema):
    """Who."""

    code = fields.String(required=True)
    name = fields.String(required=True)


class EventOut(Schema):
    """An event as this reader may see it: `document` lacks what is in `withheld`."""

    id = fields.Integer(required=True)
    statement = fields.String(required=True)
    step = fields.String(required=True)
    event_time = Moment(required=True)
    record_time = Moment(required=True, allow_none=True)
    index = fields.Integer(required=True, allow_none=True)
    issuer = fields.Nested(ShortOrganisationOut, required=True)
    mine = fields.Boolean(required=True)
    document = fields.Dict(required=True)
    withheld = fields.List(fields.String(), required=True)
    things = fields.List(fields.Nested(ThingOut), required=True)
    marks = fields.List(fields.String(), required=True)
    late_days = fields.Integer(required=True, allow_none=True)
    stands = fields.Boolean(required=True)
    voided = fields.Boolean(required=True)
    replaced_by = fields.List(fields.Integer(), required=True)
    replaces = fields.List(fields.Integer(), required=True)


class ShortProductOut(Schema):
    """A product, by its number in the catalogue of whoever owns it."""

    id = fields.Integer(required=True)
    name = fields.String(required=True)
    gtin = fields.String(required=True, allow_none=True)


class BatchOut(Schema):
    """A lot or crate: what is left of it, where, and under which alert."""

    id = fields.Integer(required=True)
    kind = fields.String(required=True)
    code = fields.String(required=True)
    identity = fields.String(required=True)
    address = fields.String(required=True)
    product = fields.Nested(ShortProductOut, required=True, allow_none=True)
    mine = fields.Boolean(required=True)
    held = fields.List(fields.Nested(AmountOut), required=True)
    place = fields.String(required=True, allow_none=True)
    state = fields.String(required=True)
    alert = fields.String(required=True)
    created_at = Moment(required=True)


class BatchDetailOut(BatchOut):
    """A lot with what the events that made it say of it."""

    name = fields.String(required=True)
    lot_number = fields.String(required=True)
    variety = fields.String(required=True)
    harvested_from = fields.Date(required=True, allow_none=True)
    harvested_until = fields.Date(required=True, allow_none=True)
    use_by = fields.Date(required=True, allow_none=True)
    best_before = fields.Date(required=True, allow_none=True)
    made = fields.List(fields.Nested(AmountOut), required=True)
    inside = fields.List(fields.Nested(ThingOut), required=True)


class CycleOut(BatchOut):
    """A cycle with what was done to it last."""

    begun = Moment(required=True, allow_none=True)
    last_step = fields.String(required=True, allow_none=True)
    last_time = Moment(required=True, allow_none=True)
    events = fields.Integer(required=True)
    harvests = fields.Integer(required=True)
    may_harvest_from = fields.Date(
        allow_none=True,
        metadata={"description": "What the labels of what was used still ask to wait for."},
    )


class LineOut(Schema):
    """A line of a delivery note."""

    thing = fields.Integer(required=True)
    kind = fields.String(required=True)
    code = fields.String(required=True)
    address = fields.String(required=True)
    product = fields.Nested(ShortProductOut, required=True, allow_none=True)
    quantity = Quantity(required=True, allow_none=True, metadata={"type": ["number", "null"]})
    uom = fields.String(required=True)


class HandoverOut(Schema):
    """A delivery note, or the receipt that answers one."""

    id = fields.Integer(required=True)
    event_time = Moment(required=True)
    giver = fields.Nested(ShortOrganisationOut, required=True, allow_none=True)
    taker = fields.Nested(ShortOrganisationOut, required=True, allow_none=True)
    note = fields.String(required=True, allow_none=True)
    received = fields.Boolean(required=True)
    state = fields.String(required=True)
    voided = fields.Boolean(required=True)
    answered_by = fields.Integer(required=True, allow_none=True)
    lines = fields.List(fields.Nested(LineOut), required=True)

"""Bodies and answers about private books, catalogues, weighed units, crates and prefixes."""

from __future__ import annotations

from typing import Any, Final

from marshmallow import Schema, fields

from trace.models.plans import SEASONS
from trace.schemas.api.answers import Moment, Quantity
from trace.schemas.api.bodies import JsonBody, json_body
from trace.schemas.base import Choice, FormSchema, Text, Whole
from trace.schemas.books import SCHEMAS
from trace.schemas.cycles import InputRow
from trace.schemas.labels import AgainSchema, CratesSchema, NotePaperSchema, PrefixSchema
from trace.schemas.plans import PLANNED_STEPS, WeightSchema
from trace.schemas.records import RecordSchema, Reference, Rows

_MAYBE: Final[dict[str, Any]] = {"type": ["number", "null"]}


class CrateAgainSchema(AgainSchema):
    """Labels of a run on paper; why, where they were printed before."""

    def __init__(self) -> None:
        super().__init__(first_time=True)


class PresetSchema(RecordSchema):
    """An entry of the diary under a name, to be used again."""

    name = Text(100, required=True)
    step = Choice(PLANNED_STEPS, required=True)
    product = Reference()
    season = Choice(SEASONS)
    inputs = Rows(InputRow)
    place = Reference()
    household = Reference()


class ToldSchema(FormSchema):
    """Which event a jotting was told as."""

    event = Whole(least=1, most=2**53, required=True)


LINES: Final[dict[str, JsonBody]] = {
    book: json_body(schema, f"New{book.capitalize()}Line") for book, schema in SCHEMAS.items()
}
WEIGHT: Final = json_body(WeightSchema, "UnitWeight")
CRATES: Final = json_body(CratesSchema, "NewCrates")
CRATES_AGAIN: Final = json_body(CrateAgainSchema, "CratesAgain")
PREFIX: Final = json_body(PrefixSchema, "CompanyPrefix")
NOTE: Final = json_body(NotePaperSchema, "NotePaper")
PRESET: Final = json_body(PresetSchema, "NewPreset")
TOLD: Final = json_body(ToldSchema, "JottingTold")


class BookLineOut(Schema):
    """A line of a private book: struck through where it was wrong, never rewritten. `content` has
    the book's further columns."""

    id = fields.Integer(required=True)
    book = fields.String(required=True)
    day = fields.Date(required=True)
    item = fields.String(required=True)
    kind = fields.String(required=True)
    quantity = Quantity(required=True, allow_none=True, metadata=_MAYBE)
    unit = fields.String(required=True)
    expiry = fields.Date(required=True, allow_none=True)
    place = fields.Integer(required=True, allow_none=True, attribute="place_id")
    content = fields.Dict(required=True)
    created_at = Moment(required=True)
    struck_at = Moment(required=True, allow_none=True)


class StockOut(Schema):
    """What should be on the shelf of one input: counted, bought and used since, left."""

    name = fields.String(required=True)
    unit = fields.String(required=True)
    counted = Quantity(required=True, allow_none=True, metadata=_MAYBE)
    counted_on = fields.Date(required=True, allow_none=True)
    bought = Quantity(required=True, metadata={"type": "number"})
    used = Quantity(required=True, metadata={"type": "number"})
    left = Quantity(required=True, metadata={"type": "number"})
    expiry = fields.Date(required=True, allow_none=True)


class StocksOut(Schema):
    """The stock of every input, by name."""

    items = fields.List(fields.Nested(StockOut), required=True)


class UnitWeightOut(Schema):
    """What one of a unit of a product weighs here."""

    unit = fields.String(required=True)
    kilograms = Quantity(required=True, metadata={"type": "number"})
    weighed_on = fields.Date(required=True)


class UnitWeightsOut(Schema):
    """The weighed units of a product."""

    items = fields.List(fields.Nested(UnitWeightOut), required=True)


class CatalogueOut(Schema):
    """A crop or an input. `intervals` is days by crop ("" for any); `own`: not everybody's."""

    name = fields.String(required=True)
    name_en = fields.String(required=True)
    category = fields.String(required=True)
    active_ingredient = fields.String(required=True)
    registration = fields.String(required=True)
    intervals = fields.Dict(required=True)
    banned = fields.Boolean(required=True)
    own = fields.Boolean(required=True)
    demonstration = fields.Boolean(required=True)
    as_of = fields.Date(required=True, allow_none=True)


class CataloguesOut(Schema):
    """A catalogue, by name; all of it."""

    items = fields.List(fields.Nested(CatalogueOut), required=True)


class BroughtOut(Schema):
    """How many lines were taken over."""

    lines = fields.Integer(required=True)


class RunOut(Schema):
    """Labels of crates that were asked for in one go; `packed`: how many were packed under."""

    run = fields.Integer(required=True)
    count = fields.Integer(required=True)
    packed = fields.Integer(required=True)
    at = Moment(required=True)


class RunsOut(Schema):
    """The newest runs."""

    items = fields.List(fields.Nested(RunOut), required=True)


class CrateLabelOut(Schema):
    """A label of a run; `thing` is the crate once something was packed under it."""

    number = fields.Integer(required=True)
    code = fields.String(required=True)
    address = fields.String(required=True)
    thing = fields.Integer(required=True, allow_none=True)


class RunDetailOut(RunOut):
    """A run with its labels."""

    labels = fields.List(fields.Nested(CrateLabelOut), required=True)


class PrefixOut(Schema):
    """The GS1 company prefix crates' numbers are made of; null while there is none, or while
    others claim the same digits (`claimed` says which digits, `state` how the claim stands)."""

    prefix = fields.String(required=True, allow_none=True)
    extension = fields.Integer(required=True, allow_none=True)
    issued = fields.Integer(required=True)
    claimed = fields.String(required=True)


class NoteLinkOut(Schema):
    """The link that answers a delivery note without an account: whoever has it may answer once."""

    address = fields.String(required=True)
    created_at = Moment(required=True)


class FoundOut(Schema):
    """What a printed code stands for, of what this organisation may open: `kind` is lot, cycle,
    logistic, note (`id` is the shipment's event), stamp (`id` is the lot it is bound to) or
    crate (a label nothing was packed under yet)."""

    kind = fields.String(required=True)
    id = fields.Integer(required=True, allow_none=True)
    code = fields.String(required=True)

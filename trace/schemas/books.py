"""Forms of the private books: one schema a book, and the catalogue's file."""

from __future__ import annotations

from trace.models.books import INPUT_KINDS
from trace.schemas.base import Choice, Day, Text, Whole
from trace.schemas.records import PastDay, Quantity, RecordSchema, Reference


class LineSchema(RecordSchema):
    """What every line has."""

    day = PastDay(required=True)
    note = Text(500)


class PurchaseSchema(LineSchema):
    """Bought: what, how much, from whom; VietGAP asks for the seller's name and address."""

    kind = Choice(INPUT_KINDS, required=True)
    item = Text(200, required=True)
    quantity = Quantity(required=True)
    unit = Text(20, required=True)
    seller = Text(200, required=True)
    seller_address = Text(300)
    crop = Text(200)
    expiry = Day()


class CountSchema(LineSchema):
    """Counted on the shelf."""

    kind = Choice(INPUT_KINDS)
    item = Text(200, required=True)
    quantity = Quantity(zero=True, required=True)
    unit = Text(20, required=True)
    expiry = Day()


class LandSchema(LineSchema):
    """Work on the land, and why."""

    place = Reference()
    crop = Text(200)
    work = Text(300, required=True)
    reason = Text(300)
    method = Text(300)


class CompostSchema(LineSchema):
    """Manure composted: what, how much, how, how long."""

    item = Text(200, required=True)
    quantity = Quantity()
    unit = Text(20)
    method = Text(300)
    days = Whole(least=1, most=1000)


class EquipmentSchema(LineSchema):
    """A tool checked, cleaned, mended."""

    item = Text(200, required=True)
    work = Text(300, required=True)
    result = Text(300)


class WasteSchema(LineSchema):
    """Packaging and other waste: what, where it is kept, what becomes of it."""

    item = Text(200, required=True)
    quantity = Quantity()
    unit = Text(20)
    store = Text(200)
    treatment = Text(300, required=True)


class AssessmentSchema(LineSchema):
    """A fault found at home, and how it was put right."""

    item = Text(300, required=True)
    fix = Text(500, required=True)


SCHEMAS: dict[str, type[LineSchema]] = {
    "purchase": PurchaseSchema,
    "count": CountSchema,
    "land": LandSchema,
    "compost": CompostSchema,
    "equipment": EquipmentSchema,
    "waste": WasteSchema,
    "assessment": AssessmentSchema,
}

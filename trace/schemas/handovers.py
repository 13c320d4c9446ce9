"""Forms of a handover: shipping, receiving, goods that came without a code."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from marshmallow import ValidationError, validates_schema

from trace.schemas.base import Choice, Day, FieldMissing, Text
from trace.schemas.batches import LotRow
from trace.schemas.records import (
    UNIT_KEYS,
    CircumstancesSchema,
    LotName,
    PastDay,
    Quantity,
    RecordSchema,
    Reference,
    Rows,
)


class ShipRow(LotRow):
    """What goes: a lot with its amount, or a crate."""

    thing = Reference(required=True)
    quantity = Quantity()


class ShipSchema(CircumstancesSchema):
    """Who gets what; someone without an account here is named in the note to carry along."""

    lots = Rows(ShipRow, required=True)
    taker = Text(200)
    taker_name = Text(200)


class ReceiveRow(RecordSchema):
    """One line counted."""

    thing = Reference(required=True)
    quantity = Quantity(zero=True)
    unit = Choice(UNIT_KEYS, load_default="kg")
    reason = Text(300)


class ReceiveSchema(CircumstancesSchema):
    """Everything as sent, or line by line."""

    answer = Choice(("all", "lines"), required=True)
    lines = Rows(ReceiveRow)


class ExternalSchema(CircumstancesSchema):
    """Goods without a code: what they are, and what is known of where they come from."""

    product = Reference()
    product_name = Text(200)
    quantity = Quantity(required=True)
    unit = Choice(UNIT_KEYS, load_default="kg")
    supplier = Text(200)
    supplier_place = Text(200)
    bought = PastDay()
    foreign_code = Text(100)
    lot = LotName()
    use_by = Day()

    @validates_schema
    def named(self, data: Mapping[str, Any], **_: Any) -> None:
        """Something must have come."""
        if not data.get("product") and not data.get("product_name"):
            raise ValidationError({"product": [FieldMissing()]})

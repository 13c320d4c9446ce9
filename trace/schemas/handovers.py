"""Forms of a handover: shipping, receiving, goods that came without a code."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from marshmallow import ValidationError, validates_schema

from trace.schemas.base import Choice, Day, Text
from trace.schemas.batches import LotRow
from trace.schemas.places import Market
from trace.schemas.records import (
    PREFILLED,
    UNIT_KEYS,
    CircumstancesSchema,
    LotName,
    PastDay,
    Quantity,
    RecordSchema,
    Reference,
    Rows,
)
from trace.services.refusals import FieldMissing


class ShipRow(LotRow):
    """What goes: a lot with its amount, or a crate."""

    thing = Reference(required=True)
    quantity = Quantity()


class ShipSchema(CircumstancesSchema):
    """Who gets what; someone without an account here is named in the note to carry along."""

    # A crate is chosen and has no amount.
    prefilled = PREFILLED - {"thing"}

    lots = Rows(ShipRow, required=True)
    taker = Text(200)
    taker_name = Text(200)
    market = Market()


class ReceiveRow(RecordSchema):
    """One line counted."""

    thing = Reference(required=True)
    quantity = Quantity(zero=True)
    unit = Choice(UNIT_KEYS, load_default="kg")
    reason = Text(300)
    missing = Text(10)  # a crate that did not come


class ReceiveSchema(CircumstancesSchema):
    """Everything as sent; line by line; a part, more is to come; or nothing was taken, and why."""

    answer = Choice(("all", "lines", "part", "refused"), required=True)
    lines = Rows(ReceiveRow)
    refuse_reason = Text(300)


class ReturnSchema(CircumstancesSchema):
    """What goes back, and why."""

    lines = Rows(ReceiveRow)
    reason = Text(300, required=True)


class BackSchema(CircumstancesSchema):
    """Refused goods came home."""


class LinkRow(RecordSchema):
    """One line counted by whoever holds the paper."""

    thing = Reference(required=True)
    quantity = Quantity(zero=True)
    unit = Choice(UNIT_KEYS, load_default="kg")
    reason = Text(300)
    missing = Text(10)


class LinkSchema(RecordSchema):
    """An answer without an account, and by whom. Name, phone, plate stay with the giver."""

    answer = Choice(("all", "lines", "refused"), required=True)
    lines = Rows(LinkRow)
    refuse_reason = Text(300)
    name = Text(120, required=True)
    phone = Text(20)
    plate = Text(20)


class ExternalSchema(CircumstancesSchema):
    """Goods without a code: what they are, and what is known of where they come from."""

    product = Reference()
    product_name = Text(200)
    quantity = Quantity(required=True)
    unit = Choice(UNIT_KEYS, load_default="kg")
    supplier = Text(200)
    supplier_place = Text(200)
    bought = PastDay()
    foreign_code = Text(300)  # somebody else's code, whole addresses too: text, never followed
    lot = LotName()
    use_by = Day()

    @validates_schema
    def named(self, data: Mapping[str, Any], **_: Any) -> None:
        """Something must have come."""
        if not data.get("product") and not data.get("product_name"):
            raise ValidationError({"product": [FieldMissing()]})

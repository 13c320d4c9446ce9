"""Forms of production cycles: beginning one, its diary, its harvest."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from marshmallow import ValidationError, validates_schema

from trace.models.plans import SEASONS
from trace.schemas.base import Choice, Day, Several, Text, Whole
from trace.schemas.records import (
    UNIT_KEYS,
    CircumstancesSchema,
    LotName,
    PastDay,
    Quantity,
    RecordSchema,
    Reference,
    Rows,
    WrongOrder,
)
from trace.services.refusals import FieldMissing
from trace.services.vocabulary import AREA_UNITS, DECLARATIONS


def _needs_product(data: Mapping[str, Any]) -> None:
    if not data.get("product") and not data.get("product_name"):
        raise ValidationError({"product": [FieldMissing()]})


class CycleSchema(CircumstancesSchema):
    """What grows (a product of the catalogue, or just its name), where, since when."""

    product = Reference()
    product_name = Text(200)
    quantity = Quantity()
    unit = Choice(UNIT_KEYS)
    variety = Text(200)
    area = Quantity()
    area_unit = Choice(AREA_UNITS)
    seed_source = Text(300)

    @validates_schema
    def named(self, data: Mapping[str, Any], **_: Any) -> None:
        """A cycle of nothing is no cycle."""
        _needs_product(data)


class InputRow(RecordSchema):
    """One thing put on a crop or given to animals."""

    name = Text(200, required=True)
    amount = Quantity()
    unit = Text(20)
    active_ingredient = Text(200)
    interval_days = Whole(least=0, most=365)
    reason = Text(300)
    method = Text(200)
    equipment = Text(200)


class EntrySchema(CircumstancesSchema):
    """A diary entry; steps that put something on the crop have rows. With `preset_name` it is also
    saved to be used again."""

    inputs = Rows(InputRow)
    preset_name = Text(100)
    preset_season = Choice(SEASONS)


class TreatmentSchema(EntrySchema):
    """Fertilising, spraying, vaccinating: what was used is the point of it."""

    inputs = Rows(InputRow, required=True)


class NoneUsedSchema(CircumstancesSchema):
    """ "Khai: không dùng"."""

    kinds = Several(tuple(DECLARATIONS), required=True)


class LotSchema(CircumstancesSchema):
    """What is asked of any new lot."""

    product = Reference()
    product_name = Text(200)
    quantity = Quantity(required=True)
    unit = Choice(UNIT_KEYS, load_default="kg")
    lot = LotName()
    variety = Text(200)
    first_day = PastDay()
    last_day = PastDay()
    use_by = Day()
    best_before = Day()

    @validates_schema
    def in_order(self, data: Mapping[str, Any], **_: Any) -> None:
        """The harvest ends when it ends."""
        first, last = data.get("first_day"), data.get("last_day")
        if first and last and last < first:
            raise ValidationError({"last_day": [WrongOrder()]})


class HarvestSchema(LotSchema):
    """From a cycle to a lot; the product is the cycle's where none is chosen."""


class RegisterSchema(LotSchema):
    """A lot without a diary."""

    @validates_schema
    def named(self, data: Mapping[str, Any], **_: Any) -> None:
        """A lot of nothing is no lot."""
        _needs_product(data)

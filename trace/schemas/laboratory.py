"""Forms of laboratories' results and of the authority's release."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from marshmallow import ValidationError, post_load, validates_schema

from trace.schemas.base import Text, YesNo
from trace.schemas.records import (
    CircumstancesSchema,
    PastDay,
    Quantity,
    RecordSchema,
    Reference,
    Rows,
)
from trace.services.refusals import FieldMissing
from trace.services.samples_units import WrongUnit, check_unit


class FindingRow(RecordSchema):
    """One substance of a result. Detected needs its value and the limit it is held against."""

    substance = Text(200, required=True)
    missing = YesNo()  # not detected
    value = Quantity(zero=True)
    unit = Text(20)
    limit = Quantity(zero=True)
    method = Text(200)

    @post_load
    def right_unit(self, data: dict[str, Any], **_: Any) -> dict[str, Any]:
        """The unit as it is kept, whatever spelling was typed."""
        if data.get("unit"):
            data["unit"] = check_unit(data["substance"], data["unit"])
        return data

    @validates_schema
    def measured(self, data: Mapping[str, Any], **_: Any) -> None:
        """What was found was measured against something."""
        if not data.get("missing") or data.get("unit"):
            check_row_unit(data)
        if data.get("missing"):
            return
        absent = {name: [FieldMissing()] for name in ("value", "limit") if data.get(name) is None}
        if absent:
            raise ValidationError(absent)


def check_row_unit(data: Mapping[str, Any]) -> None:
    """Raises WrongUnit, as an error of the row's unit."""
    try:
        check_unit(str(data.get("substance", "")), str(data.get("unit") or ""))
    except WrongUnit as error:
        raise ValidationError({"unit": [error]}) from None


class ResultSchema(CircumstancesSchema):
    """A result about one lot."""

    lot = Text(2000, required=True)
    sample = Text(40)  # the seal of a sample an authority sent
    sampled = PastDay(required=True)
    findings = Rows(FindingRow, required=True)


class ReleaseSchema(RecordSchema):
    """Which result a release rests on, and why."""

    result = Reference(required=True)
    words = Text(300, required=True)

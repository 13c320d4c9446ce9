"""Forms of laboratories' results and of the authority's release."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from marshmallow import ValidationError, validates_schema

from trace.schemas.base import FieldMissing, Text, YesNo
from trace.schemas.records import (
    CircumstancesSchema,
    PastDay,
    Quantity,
    RecordSchema,
    Reference,
    Rows,
)


class FindingRow(RecordSchema):
    """One substance of a result. Detected needs its value and the limit it is held against."""

    substance = Text(200, required=True)
    missing = YesNo()  # not detected
    value = Quantity(zero=True)
    unit = Text(20)
    limit = Quantity(zero=True)
    method = Text(200)

    @validates_schema
    def measured(self, data: Mapping[str, Any], **_: Any) -> None:
        """What was found was measured against something."""
        if data.get("missing"):
            return
        absent = {name: [FieldMissing()] for name in ("value", "limit") if data.get(name) is None}
        if absent:
            raise ValidationError(absent)


class ResultSchema(CircumstancesSchema):
    """A result about one lot."""

    lot = Text(2000, required=True)
    sampled = PastDay(required=True)
    findings = Rows(FindingRow, required=True)


class ReleaseSchema(RecordSchema):
    """Which result a release rests on, and why."""

    result = Reference(required=True)
    words = Text(300, required=True)

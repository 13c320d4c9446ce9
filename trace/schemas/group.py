"""Forms of a co-operative's group entry: which plantings, what was used, for how much."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from marshmallow import ValidationError, fields, missing, validates_schema

from trace.schemas.base import Choice, Text
from trace.schemas.cycles import InputRow
from trace.schemas.records import CircumstancesSchema, Reference, Rows
from trace.services.group import PER
from trace.services.refusals import FieldMissing, NothingChosen


class References(fields.Field[Any]):
    """Numbers of rows that were ticked; none is refused. Whether each was offered is the view's to
    say: what was not is not used."""

    def deserialize(
        self, value: Any, attr: str | None = None, data: Any = None, **kwargs: Any
    ) -> Any:
        given = [] if value is missing or value is None else value
        chosen = [given] if isinstance(given, str) else list(given)
        found = [int(one) for one in chosen if one.isdecimal() and len(one) < 16]
        if not found:
            raise ValidationError([NothingChosen()])
        return frozenset(found)


class SharedRow(InputRow):
    """One thing used by all: the amount, and what the amount is for."""

    per = Choice(PER, load_default="household")


class GroupSchema(CircumstancesSchema):
    """A job of many households."""

    chosen = References()
    inputs = Rows(SharedRow)


class GroupTreatmentSchema(GroupSchema):
    """Fertilising, spraying: what was used is the point of it."""

    inputs = Rows(SharedRow, required=True)


class GroupSowingSchema(CircumstancesSchema):
    """The same crop begins on many plots."""

    chosen = References()
    product = Reference()
    product_name = Text(200)
    variety = Text(200)
    seed_source = Text(300)

    @validates_schema
    def named(self, data: Mapping[str, Any], **_: Any) -> None:
        """A planting of nothing is none."""
        if not data.get("product") and not data.get("product_name"):
            raise ValidationError({"product": [FieldMissing()]})

"""What is typed in from a page somebody wrote by hand: several lines at once."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from marshmallow import ValidationError, validates_schema

from trace.schemas.base import Choice, Text, Whole
from trace.schemas.records import Moment, Quantity, RecordSchema, Reference, Rows
from trace.services.refusals import FieldMissing
from trace.services.vocabulary import FIELD_STEPS

PAPER_STEPS = tuple(dict.fromkeys(step for steps in FIELD_STEPS.values() for step in steps))
TREATMENTS = frozenset({"fertilising", "spraying", "feeding", "vaccinating"})


class PaperLine(RecordSchema):
    """One line of the page: when, what, with what."""

    when = Moment()
    step = Choice(PAPER_STEPS, required=True)
    name = Text(200)
    amount = Quantity()
    unit = Text(20)
    interval_days = Whole(least=0, most=365)
    note = Text(500)

    @validates_schema
    def named(self, data: Mapping[str, Any], **_: Any) -> None:
        """Who sprayed, sprayed something."""
        if data.get("step") in TREATMENTS and not data.get("name"):
            raise ValidationError({"name": [FieldMissing()]})


class PaperSchema(RecordSchema):
    """A page: its lines, and whose they are."""

    lines = Rows(PaperLine, required=True)
    household = Reference()


def oldest_first(lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The lines in the order things happened."""

    def when(line: dict[str, Any]) -> datetime:
        found: datetime = line["when"]
        return found

    return sorted(lines, key=when)

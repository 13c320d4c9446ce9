"""Forms of inspectors: plans, visits, findings, samples, conclusions, check-lists, weights."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from marshmallow import ValidationError, fields, missing, validates_schema

from trace.models.authorities import SECTORS
from trace.models.inspections import CONCLUSIONS, SEVERITIES
from trace.schemas.base import Choice, Day, Number, Several, Text, Whole, YesNo
from trace.schemas.laboratory import FindingRow
from trace.schemas.records import (
    PREFILLED,
    UNIT_KEYS,
    Moment,
    Quantity,
    RecordSchema,
    Reference,
    Rows,
)
from trace.services.findings import RULES
from trace.services.inspections_risks import FACTORS, MOST_WEIGHT
from trace.services.refusals import FieldMissing
from trace.services.samples import STEPS

KINDS: Final = (
    *("producer", "co-operative", "trader", "processor", "carrier", "retailer", "laboratory"),
    "certifier",
)
_DIGITS: Final = 15
_MANY: Final = 60


class Numbers(fields.Field[Any]):
    """Check boxes of rows: their numbers; what is no number is left out, nobody typed it."""

    def deserialize(
        self, value: Any, attr: str | None = None, data: Any = None, **kwargs: Any
    ) -> tuple[int, ...]:
        given = [] if value is missing or value is None else value
        told = [given] if isinstance(given, str) else list(given)[:_MANY]
        return tuple(
            int(one) for one in told if str(one).isdecimal() and 0 < len(str(one)) <= _DIGITS
        )


class SiteSchema(RecordSchema):
    """What everything recorded on site may say: when, a remark, where the inspector stood."""

    when = Moment()
    note = Text(1000, lines=True)
    latitude = Number(least=-90, most=90, decimals=8, grouped=False)
    longitude = Number(least=-180, most=180, decimals=8, grouped=False)

    @validates_schema
    def both(self, data: Mapping[str, Any], **_: Any) -> None:
        """Half a position is none."""
        told = [data.get("latitude") is not None, data.get("longitude") is not None]
        if any(told) and not all(told):
            raise ValidationError({"longitude" if told[0] else "latitude": [FieldMissing()]})


class PlanSchema(RecordSchema):
    """A case: whom, what, when, by whom, with which list."""

    organisation = Text(200)
    lots = Text(4000, lines=True)
    planned_on = Day(required=True)
    assigned = Reference()
    reason = Text(500, lines=True)
    sector = Choice(SECTORS, load_default="")
    check_list = Text(30)


class PlanChangeSchema(RecordSchema):
    """What may change of a plan."""

    planned_on = Day(required=True)
    assigned = Reference()
    reason = Text(500, lines=True)


class AnswerRow(RecordSchema):
    """One question of a check-list."""

    key = Text(10, required=True)
    answer = Choice(("yes", "no", "na"))
    note = Text(500, lines=True)
    photo = Text(43)

    @validates_schema
    def answered(self, data: Mapping[str, Any], **_: Any) -> None:
        """A remark or a photo belongs to an answer."""
        if (data.get("note") or data.get("photo")) and not data.get("answer"):
            raise ValidationError({"answer": [FieldMissing()]})


class VisitSchema(SiteSchema):
    """What was seen on site. A question without an answer is not asked yet."""

    prefilled = PREFILLED | {"key"}
    items = Rows(AnswerRow)


class FindingSchema(SiteSchema):
    """What was found wrong."""

    things = Numbers()
    itself = YesNo()
    lots = Text(4000, lines=True)
    organisation = Text(200)
    rule = Choice(RULES, required=True)
    severity = Choice(SEVERITIES, required=True)
    words = Text(1000, lines=True, required=True)
    action = Text(1000, lines=True)
    due_on = Day()
    evidence = Text(2000, lines=True)


class FindingChangeSchema(RecordSchema):
    """A finding said otherwise."""

    rule = Choice(RULES, required=True)
    severity = Choice(SEVERITIES, required=True)
    words = Text(1000, lines=True, required=True)
    action = Text(1000, lines=True)
    due_on = Day()


class ClosingSchema(SiteSchema):
    """How a finding was put right, or why it is withdrawn."""

    words = Text(1000, lines=True, required=True)


class FollowUpSchema(SiteSchema):
    """What was seen since, and another day."""

    words = Text(1000, lines=True, required=True)
    due_on = Day()


class SampleSchema(SiteSchema):
    """A sealed sample of one lot."""

    thing = Reference()
    lots = Text(2000)
    seal = Text(40, required=True)
    quantity = Quantity()
    unit = Choice(UNIT_KEYS, load_default="kg")
    laboratory = Reference()
    laboratory_name = Text(200)


class CustodySchema(SiteSchema):
    """A sample went through hands."""

    step = Choice(STEPS, required=True)
    intact = YesNo()


class CopiedResultSchema(SiteSchema):
    """A laboratory's paper, copied."""

    findings = Rows(FindingRow, required=True)


class ConclusionSchema(SiteSchema):
    """How a case ends."""

    conclusion = Choice(CONCLUSIONS, required=True)
    words = Text(1000, lines=True)
    without = Text(500, lines=True)


class AnswerSchema(RecordSchema):
    """What the inspected organisation says to a finding."""

    when = Moment()
    words = Text(2000, lines=True, required=True)


class CheckListSchema(RecordSchema):
    """The next version of a check-list."""

    name = Text(200, required=True)
    kinds = Several(KINDS)
    items = Text(20_000, lines=True, required=True)
    seen = Whole(least=0, most=100_000, required=True)


class WeightsSchema(RecordSchema):
    """How much each reason counts."""


WEIGHT_FIELDS: Final = {f"w_{factor.replace('-', '_')}": factor for factor in FACTORS}


def weights_schema() -> WeightsSchema:
    """The form with a box for each reason."""
    boxes = {name: Whole(least=0, most=MOST_WEIGHT, required=True) for name in WEIGHT_FIELDS}
    made: type[WeightsSchema] = type("WeightsSchema", (WeightsSchema,), boxes)
    return made()

"""Forms of recalls: choosing, classifying, signing, ending, answering."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from marshmallow import ValidationError, validates_schema

from trace.models.authorities import SECTORS
from trace.models.recalls import FATES, GRADES, HAZARDS, KINDS
from trace.schemas.base import Choice, FormSchema, Number, Text, YesNo
from trace.schemas.records import Moment, Quantity, RecordSchema, Reference, Rows, WrongOrder
from trace.services.refusals import FieldMissing

REFERENCES = 500


class ChooseSchema(FormSchema):
    """What to recall: codes one a line, or a place and a time."""

    kind = Choice(KINDS, load_default="recall")
    rehearsal = YesNo()
    sector = Choice(SECTORS, load_default="")
    codes = Text(20_000, lines=True)
    place = Text(2000)
    since = Moment(required=False)
    until = Moment(required=False)

    @validates_schema
    def ordered(self, data: Mapping[str, Any], **_: Any) -> None:
        """The window begins before it ends."""
        if data.get("since") and data.get("until") and data["since"] > data["until"]:
            raise ValidationError({"until": [WrongOrder()]})


class ClassSchema(FormSchema):
    """Why, how bad, what to do, since when it is known."""

    hazard = Choice(HAZARDS, load_default="")
    grade = Choice([str(grade) for grade in GRADES], load_default="")
    reason = Text(500, lines=True, required=True)
    instructions = Text(500, lines=True)
    determined_at = Moment(required=True)


class RecallClassSchema(ClassSchema):
    """The same of a recall, which has a hazard and a class."""

    @validates_schema
    def classified(self, data: Mapping[str, Any], **_: Any) -> None:
        """A recall says what hazard, and how grave."""
        absent = {name: [FieldMissing()] for name in ("hazard", "grade") if not data.get(name)}
        if absent:
            raise ValidationError(absent)


class SignSchema(FormSchema):
    """The number of things, where it is asked for."""

    count = Number(least=0, most=10**9, decimals=0)


class ReasonSchema(FormSchema):
    """Why a proposal is refused, or a case ends."""

    reason = Text(500, lines=True, required=True)


class AnswerRow(RecordSchema):
    """What became of how much."""

    fate = Choice(FATES, required=True)
    unit = Text(3)
    thing = Text(18)  # the lot, where its holder has several
    quantity = Quantity(zero=True)


class AnswerSchema(RecordSchema):
    """An answer: lines, and whoever tells it where that is no member."""

    prefilled = frozenset({"fate", "unit", "thing"})

    lines = Rows(AnswerRow)
    note = Text(300)
    name = Text(120)


class OpenAnswerSchema(AnswerSchema):
    """The same by a link or a telephone: with the teller's name."""

    name = Text(120, required=True)


class ConsentSchema(FormSchema):
    """Whether an organisation takes part in rehearsals."""

    agrees = YesNo()


__all__ = [
    "REFERENCES",
    "AnswerSchema",
    "ChooseSchema",
    "ClassSchema",
    "ConsentSchema",
    "OpenAnswerSchema",
    "ReasonSchema",
    "RecallClassSchema",
    "Reference",
    "SignSchema",
]

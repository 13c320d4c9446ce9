"""Forms of plans, jottings and weighed units."""

from __future__ import annotations

from trace.schemas.base import Choice, Day, Number, Text
from trace.schemas.records import Moment, PastDay, Quantity, RecordSchema, Reference
from trace.services.vocabulary import FIELD_STEPS
from trace.services.weights import WEIGHABLE

PLANNED_STEPS = tuple(
    dict.fromkeys([*(step for steps in FIELD_STEPS.values() for step in steps), "harvesting"])
)


class PlanSchema(RecordSchema):
    """A job ahead: what, when, a word."""

    thing = Reference(required=True)
    step = Choice(PLANNED_STEPS, required=True)
    due = Day(required=True)
    note = Text(300)


class JottingSchema(RecordSchema):
    """A photo and a sentence; the position only where the person asked for it."""

    when = Moment()
    sentence = Text(500)
    thing = Reference()
    latitude = Number(least=-90, most=90, decimals=7, grouped=False)
    longitude = Number(least=-180, most=180, decimals=7, grouped=False)


class TellSchema(RecordSchema):
    """What a jotting was about."""

    thing = Reference(required=True)
    step = Choice(PLANNED_STEPS, required=True)


class WeightSchema(RecordSchema):
    """What one of a unit weighs."""

    unit = Choice(WEIGHABLE, required=True)
    kilograms = Quantity(required=True)
    weighed_on = PastDay()

"""What a form of an entry is filled with before anybody types: the last entry, a plan, a saved
entry, a jotting. It is what this organisation itself said before; nothing else is filled in.

`?plan=`, `?preset=` and `?jotting=` say from where; they stay in the form's address, so that an
entry a phone sends later still finishes the plan it began with.
"""

from __future__ import annotations

from dataclasses import dataclass

from flask import request

from trace.errors import NotFound
from trace.models import Jotting, Plan, Preset, Thing
from trace.schemas.records import local_moment
from trace.services import choices, plans
from trace.services.batches import address_of
from trace.services.capture import Captured
from trace.services.records import JsonObject
from trace.services.timelines import Line, timeline
from trace.web.access import actor
from trace.web.producer.recording import plain

UNITS_OF_STEP = {"spraying": "lít", "vaccinating": "ml"}


def entry_start(thing: Thing, step: str, lines: list[Line] | None = None) -> dict[str, object]:
    """What was used last time, so that a repeat is one tap; the place of the last entry."""
    found: dict[str, object] = {}
    told = timeline(actor(), thing) if lines is None else lines
    last = next((line for line in told if line.mine and line.stands and line.step == step), None)
    found["inputs-0-unit"] = UNITS_OF_STEP.get(step, "kg")
    for number, one in enumerate(last.document.get("trace:inputs") or () if last else ()):
        found |= input_values(f"inputs-{number}", one)
    like = last or next((line for line in told if line.mine and line.stands), None)
    return found | circumstance_values(like)


def input_values(prefix: str, one: JsonObject) -> dict[str, object]:
    """An element of `trace:inputs` as a form's boxes show it."""
    return {
        f"{prefix}-name": one.get("name", ""),
        f"{prefix}-amount": plain(one.get("amount")),
        f"{prefix}-unit": one.get("unit", ""),
        f"{prefix}-active_ingredient": one.get("activeIngredient", ""),
        f"{prefix}-interval_days": one.get("intervalDays"),
        f"{prefix}-reason": one.get("reason", ""),
        f"{prefix}-method": one.get("method", ""),
        f"{prefix}-equipment": one.get("equipment", ""),
    }


def circumstance_values(line: Line | None) -> dict[str, object]:
    """Place and household of an earlier event, for the next form."""
    if line is None:
        return {}
    at = str((line.document.get("readPoint") or {}).get("id", ""))
    by = line.document.get("trace:performedBy", "")
    places = {address_of(place.identity): place.id for place in choices.places(actor())}
    households = {one.code: one.id for one in choices.households(actor())}
    return {"place": places.get(at), "household": households.get(str(by))}


@dataclass(frozen=True, slots=True)
class Origin:
    """What an entry begins with, where it was not just the cycle's page."""

    plan: Plan | None = None
    preset: Preset | None = None
    jotting: Jotting | None = None

    def values(self) -> dict[str, object]:
        """The form's first values."""
        found: dict[str, object] = {}
        if self.plan is not None:
            found |= plans.content_of(self.plan)
        if self.preset is not None:
            found |= plans.content_of(self.preset)
        if self.jotting is not None:
            found["when"] = local_moment(self.jotting.at)
            found["note"] = self.jotting.sentence
        return found

    @property
    def photos(self) -> list[str]:
        """Digests of photos that are there already."""
        return plans.photos_of(self.jotting) if self.jotting is not None else []

    def finish(self, captured: Captured | None) -> None:
        """The plan and the jotting are done by what was recorded."""
        event_id = captured.events[0].event_id if captured is not None else None
        if self.plan is not None:
            plans.finish_plan(actor(), self.plan, event_id)
        if self.jotting is not None:
            plans.finish_jotting(actor(), self.jotting, event_id)


def origin_of(thing: Thing, step: str) -> Origin:
    """What the address of a form names. Raises NotFound for another organisation or cycle."""
    plan_id = request.args.get("plan", type=int)
    preset_id = request.args.get("preset", type=int)
    jotting_id = request.args.get("jotting", type=int)
    plan = plans.get_plan(actor(), plan_id) if plan_id else None
    if plan is not None and (plan.thing_id != thing.id or plan.step != step):
        raise NotFound
    return Origin(
        plan,
        plans.get_preset(actor(), preset_id) if preset_id else None,
        plans.get_jotting(actor(), jotting_id) if jotting_id else None,
    )

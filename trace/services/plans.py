"""Jobs ahead, jottings from the field, and entries saved to be used again: private working data.

A plan is no event: nobody may be held to what he meant to do. It is done when its job is recorded
(`event_id`), late when its day has passed, and may be dropped. A jotting is a photo and a sentence
with the time of the button; it becomes an event when somebody says what was done, or is dropped.
Nothing of either is ever filled in for the person who records.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final

import orjson
from sqlalchemy import select

from trace.errors import Conflict, NotFound
from trace.extensions import db
from trace.models import Jotting, Plan, Preset, Product, Thing
from trace.services.actors import Actor
from trace.services.audit import write_audit
from trace.services.versions import check_version

KEPT_OF_ROW: Final = (
    *("name", "amount", "unit", "active_ingredient", "interval_days", "reason", "method"),
    "equipment",
)
OPEN_LIMIT: Final = 200
PRESET_LIMIT: Final = 200


class PresetExists(Conflict):
    code = "preset-exists"
    message = "There is an entry saved under “%(name)s” already. Choose another name."


class PlanDone(Conflict):
    code = "plan-done"
    message = "This job was recorded or dropped already."


@dataclass(frozen=True, slots=True)
class Due:
    """An open plan and by how many days it is late (0: today or ahead)."""

    plan: Plan
    late: int

    @property
    def today(self) -> bool:
        """Whether it is for today or should have been done before."""
        return self.late >= 0


def season_of(day: date) -> str:
    """The season of planting a day falls into, by the calendar of the northern delta: spring from
    February, summer from May, autumn from August, winter from November."""
    return ("spring", "summer", "autumn", "winter")[((day.month - 2) % 12) // 3]


# -- plans -----------------------------------------------------------------------------------------


def make_plan(actor: Actor, thing: Thing, clean: Mapping[str, Any], *, at: datetime) -> Plan:
    """Notes a job ahead. `clean` has step, due, note and content (values of the entry form)."""
    actor.check("record")
    plan = Plan(
        organisation_id=actor.organisation.id,
        thing_id=thing.id,
        step=clean["step"],
        due=clean["due"],
        note=clean.get("note") or "",
        content=orjson.dumps(clean.get("content") or {}).decode(),
        person_id=actor.person.id if actor.person else None,
        created_at=at,
    )
    db.session.add(plan)
    db.session.flush()
    return plan


def list_plans(actor: Actor, *, today: date, thing: Thing | None = None) -> list[Due]:
    """The open plans, the longest due first. The day of a plan is counted on the field's calendar;
    `late` below nought counts the days still to go."""
    actor.check("read")
    query = select(Plan).where(
        Plan.organisation_id == actor.organisation.id,
        Plan.event_id.is_(None),
        Plan.dropped_at.is_(None),
    )
    if thing is not None:
        query = query.where(Plan.thing_id == thing.id)
    rows = db.session.scalars(query.order_by(Plan.due, Plan.id).limit(OPEN_LIMIT))
    return [Due(row, (today - row.due).days) for row in rows]


def get_plan(actor: Actor, plan_id: int) -> Plan:
    """One of the organisation's plans. Raises NotFound."""
    actor.check("read")
    plan = db.session.get(Plan, plan_id)
    if plan is None or plan.organisation_id != actor.organisation.id:
        raise NotFound
    return plan


def change_plan(actor: Actor, plan: Plan, clean: Mapping[str, Any], *, version: int) -> None:
    """Another day or note. Raises ChangedMeanwhile, PlanDone."""
    actor.check("record")
    _check_open(plan)
    check_version(plan, version)
    plan.step, plan.due, plan.note = clean["step"], clean["due"], clean.get("note") or ""


def drop_plan(actor: Actor, plan: Plan, *, at: datetime) -> None:
    """The job will not be done. Raises PlanDone."""
    actor.check("record")
    _check_open(plan)
    plan.dropped_at = at
    write_audit(actor, "plan.drop", str(plan.id), at=at, step=plan.step)


def finish_plan(actor: Actor, plan: Plan, event_id: int | None) -> None:
    """The job was recorded as this event. A plan that is done or dropped already stays so: what was
    done was recorded all the same."""
    actor.check("record")
    if plan.event_id is None and plan.dropped_at is None:
        plan.event_id = event_id


def _check_open(plan: Plan) -> None:
    if plan.event_id is not None or plan.dropped_at is not None:
        raise PlanDone


def content_of(row: Plan | Preset) -> dict[str, Any]:
    """The values of the entry form that were kept."""
    found = orjson.loads(row.content)
    return found if isinstance(found, dict) else {}


def kept_of(clean: Mapping[str, Any], amount: Callable[[Decimal], str]) -> dict[str, object]:
    """What a saved entry keeps of an entry: the inputs with their boxes' names (an amount as its
    box shows it), place, household; never its time, note or photos."""
    found: dict[str, object] = {}
    for number, row in enumerate(clean.get("inputs") or ()):
        for name in KEPT_OF_ROW:
            value = row.get(name)
            if value not in (None, ""):
                found[f"inputs-{number}-{name}"] = amount(value) if name == "amount" else value
    for name in ("place", "household"):
        if clean.get(name) is not None:
            found[name] = clean[name]
    return found


# -- jottings --------------------------------------------------------------------------------------


def jot(
    actor: Actor, clean: Mapping[str, Any], photos: Sequence[Mapping[str, Any]], *, at: datetime
) -> Jotting:
    """Keeps a photo and a sentence of a moment. `clean` has when, sentence, thing (a Thing or
    None), latitude and longitude (None unless the person asked for them)."""
    actor.check("record")
    thing = clean.get("thing")
    row = Jotting(
        organisation_id=actor.organisation.id,
        person_id=actor.person.id if actor.person else None,
        thing_id=thing.id if thing is not None else None,
        at=clean["when"],
        sentence=clean.get("sentence") or "",
        photos=orjson.dumps([dict(one) for one in photos]).decode(),
        latitude=_degrees(clean.get("latitude")),
        longitude=_degrees(clean.get("longitude")),
        created_at=at,
    )
    db.session.add(row)
    db.session.flush()
    return row


def _degrees(value: Decimal | None) -> float | None:
    return None if value is None else float(value)


def list_jottings(actor: Actor) -> list[Jotting]:
    """Jottings that wait to be told in full, oldest first."""
    actor.check("read")
    return list(
        db.session.scalars(
            select(Jotting)
            .where(
                Jotting.organisation_id == actor.organisation.id,
                Jotting.event_id.is_(None),
                Jotting.dropped_at.is_(None),
            )
            .order_by(Jotting.at, Jotting.id)
            .limit(OPEN_LIMIT)
        )
    )


def get_jotting(actor: Actor, jotting_id: int) -> Jotting:
    """One of the organisation's jottings. Raises NotFound."""
    actor.check("read")
    row = db.session.get(Jotting, jotting_id)
    if row is None or row.organisation_id != actor.organisation.id:
        raise NotFound
    return row


def photos_of(row: Jotting) -> list[str]:
    """Digests of its photos."""
    return [str(one["digest"]) for one in orjson.loads(row.photos)]


def drop_jotting(actor: Actor, row: Jotting, *, at: datetime) -> None:
    """It will not be made an event. Raises PlanDone."""
    actor.check("record")
    if row.event_id is not None or row.dropped_at is not None:
        raise PlanDone
    row.dropped_at = at
    write_audit(actor, "jotting.drop", str(row.id), at=at)


def finish_jotting(actor: Actor, row: Jotting, event_id: int | None) -> None:
    """It was told in full as this event."""
    actor.check("record")
    if row.event_id is None and row.dropped_at is None:
        row.event_id = event_id


# -- presets ---------------------------------------------------------------------------------------


def save_preset(
    actor: Actor,
    name: str,
    step: str,
    content: Mapping[str, Any],
    *,
    product: Product | None = None,
    season: str = "",
    at: datetime,
) -> Preset:
    """Keeps the values of an entry under a name. Raises PresetExists."""
    actor.check("record")
    known = select(Preset.id).where(
        Preset.organisation_id == actor.organisation.id, Preset.step == step, Preset.name == name
    )
    if db.session.scalar(known) is not None:
        raise PresetExists(path="preset_name", name=name)
    row = Preset(
        organisation_id=actor.organisation.id,
        name=name,
        step=step,
        product_id=product.id if product is not None else None,
        season=season,
        content=orjson.dumps(dict(content)).decode(),
        created_at=at,
    )
    db.session.add(row)
    db.session.flush()
    return row


def list_presets(
    actor: Actor, step: str = "", *, product_id: int | None = None, season: str = ""
) -> list[Preset]:
    """The saved entries, by name; with `step`, those that fit it, the crop and the season."""
    actor.check("read")
    query = select(Preset).where(Preset.organisation_id == actor.organisation.id)
    if step:
        query = query.where(
            Preset.step == step,
            Preset.season.in_(("", season)),
            Preset.product_id.is_(None) | (Preset.product_id == product_id),
        )
    return list(db.session.scalars(query.order_by(Preset.name).limit(PRESET_LIMIT)))


def get_preset(actor: Actor, preset_id: int) -> Preset:
    """One of the organisation's saved entries. Raises NotFound."""
    actor.check("read")
    row = db.session.get(Preset, preset_id)
    if row is None or row.organisation_id != actor.organisation.id:
        raise NotFound
    return row


def drop_preset(actor: Actor, row: Preset, *, at: datetime) -> None:
    """Forgets a saved entry."""
    actor.check("record")
    write_audit(actor, "preset.drop", row.name, at=at, step=row.step)
    db.session.delete(row)

"""What is at hand today: harvests that should wait, and what was written down last."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import aliased

from trace.extensions import db
from trace.models import Event, EventThing, Jotting, Thing
from trace.services.actors import Actor
from trace.services.batches import select_things
from trace.services.cycles import Waiting, waiting_until
from trace.services.plans import Due, list_jottings, list_plans
from trace.services.sets import among
from trace.services.timelines import Line, read_events
from trace.services.vocabulary import FIELD_STEPS, step

LATEST: Final = 8
DUE: Final = 12
# Labels ask for at most a season; what was sprayed earlier holds nothing back.
LOOK_BACK: Final = timedelta(days=90)
SPRAYINGS: Final = 50
CYCLES: Final = 500  # newest: more than anybody tends at once


@dataclass(frozen=True, slots=True)
class Hold:
    """A cycle that should not be harvested yet."""

    cycle: Thing
    waiting: Waiting


@dataclass(frozen=True, slots=True)
class Work:
    """What the day's page tells: harvests that should wait, jobs planned and late, what was jotted
    down, and the newest lines."""

    holds: tuple[Hold, ...]
    latest: tuple[Line, ...]
    due: tuple[Due, ...] = ()
    jottings: tuple[Jotting, ...] = ()


def work_of(actor: Actor, *, now: datetime, today: date) -> Work:
    """What the organisation's people want to see first. A handful of queries, whatever its size."""
    actor.check("read")
    mine = actor.organisation.id
    newest = db.session.scalars(
        select(Event.id).where(Event.issuer_id == mine).order_by(Event.id.desc()).limit(LATEST)
    ).all()
    sprayed = db.session.scalars(
        select(Event.id)
        .where(
            Event.issuer_id == mine,
            Event.biz_step == step("spraying"),
            Event.event_time > now - LOOK_BACK,
        )
        .order_by(Event.id.desc())
        .limit(SPRAYINGS)
    ).all()
    lines = {line.event_id: line for line in read_events(actor, {*newest, *sprayed})}
    return Work(
        holds=_holds([lines[number] for number in sprayed], today),
        latest=tuple(lines[number] for number in newest),
        due=tuple(list_plans(actor, today=today)[:DUE]),
        jottings=tuple(list_jottings(actor)[:DUE]),
    )


def last_field_work(actor: Actor) -> tuple[int, str] | None:
    """(thing, bizStep) of the newest work in the field that the organisation recorded and did not
    declare an error, None before there is any. Looked for on its newest cycles: whoever grows
    nothing has none, however much else it recorded."""
    actor.check("read")
    mine = actor.organisation.id
    cycles = db.session.scalars(
        select_things(actor, "cycle")
        .with_only_columns(Thing.id)
        .order_by(Thing.id.desc())
        .limit(CYCLES)
    ).all()
    if not cycles:
        return None
    declared = aliased(Event)
    row = db.session.execute(
        select(EventThing.thing_id, Event.biz_step)
        .join(Event, Event.id == EventThing.event_id)
        .where(
            among(EventThing.thing_id, cycles),
            Event.issuer_id == mine,
            Event.biz_step.in_({step(one) for steps in FIELD_STEPS.values() for one in steps}),
            Event.corrects.is_(None),
            ~select(declared.id)
            .where(declared.corrects == Event.statement_id, declared.issuer_id == mine)
            .exists(),
        )
        .order_by(Event.id.desc())
        .limit(1)
    ).one_or_none()
    return None if row is None else (row.thing_id, str(row.biz_step))


def _holds(sprayings: list[Line], today: date) -> tuple[Hold, ...]:
    by_cycle: dict[int, tuple[Thing, list[Line]]] = {}
    for line in sprayings:
        for named in line.named("epc"):
            if named.thing.kind == "cycle":
                by_cycle.setdefault(named.thing.id, (named.thing, []))[1].append(line)
    found = []
    for thing, lines in by_cycle.values():
        waiting = waiting_until(lines, today)
        if waiting is not None:
            found.append(Hold(thing, waiting))
    return tuple(sorted(found, key=lambda hold: hold.waiting.until))

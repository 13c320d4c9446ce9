"""What is at hand today: goods that wait, harvests that should wait, what was written down last."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from sqlalchemy import select

from trace.extensions import db
from trace.models import Event, Thing
from trace.services.actors import Actor
from trace.services.cycles import Waiting, waiting_until
from trace.services.handovers import count_incoming
from trace.services.timelines import Line, read_events
from trace.services.vocabulary import FIELD_STEPS, step

LATEST: Final = 8
# Labels ask for at most a season; what was sprayed earlier holds nothing back.
LOOK_BACK: Final = timedelta(days=90)
SPRAYINGS: Final = 50


@dataclass(frozen=True, slots=True)
class Hold:
    """A cycle that should not be harvested yet."""

    cycle: Thing
    waiting: Waiting


@dataclass(frozen=True, slots=True)
class Work:
    """The day's page: `repeat` is the last diary entry, with its cycle."""

    incoming: int
    holds: tuple[Hold, ...]
    latest: tuple[Line, ...]
    repeat: tuple[Line, Thing] | None


def work_of(actor: Actor, *, now: datetime, today: date) -> Work:
    """What the organisation's people want to see first. Four queries, whatever its size."""
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
    latest = tuple(lines[number] for number in newest)
    return Work(
        incoming=count_incoming(actor),
        holds=_holds([lines[number] for number in sprayed], today),
        latest=latest,
        repeat=next(filter(None, map(_diary, latest)), None),
    )


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


def _diary(line: Line) -> tuple[Line, Thing] | None:
    """The entry and its cycle, where it is one that can be made again."""
    if line.declares_error or line.document.get("trace:declaredNone"):
        return None
    if line.step not in {one for steps in FIELD_STEPS.values() for one in steps}:
        return None
    cycle = next((named.thing for named in line.things if named.thing.kind == "cycle"), None)
    return (line, cycle) if cycle is not None else None

"""Production cycles of an organisation: what grows where, since when, and what was done last."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import ScalarSelect, func, select

from trace.core.history import Treatment
from trace.core.history.intervals import BEFORE, EGGS, HARVESTING, SPRAYING
from trace.extensions import db
from trace.models import Event, EventThing, Place, Thing
from trace.models.events import ROLES
from trace.services.actors import Actor
from trace.services.batches import Batch, batches_of, list_things, read_batches, select_things
from trace.services.choices import place_names
from trace.services.records import LOCAL_ZONE
from trace.services.sets import among
from trace.services.timelines import Line, fact_of

TREATING = frozenset[str]().union(*BEFORE.values())


@dataclass(frozen=True, slots=True)
class Cycle:
    """A cycle as the list shows it; times are of the events, not of their recording."""

    batch: Batch
    begun: datetime | None
    place: Place | None
    last_step: str | None
    last_time: datetime | None
    events: int
    harvests: int

    @property
    def state(self) -> str:
        """`harvested` once something was taken from it, otherwise `growing`."""
        return "harvested" if self.harvests else "growing"


def list_cycles(actor: Actor) -> list[Cycle]:
    """The organisation's cycles, newest first; three queries however many."""
    return cycles_of(list_things(actor, "cycle"))


def own_cycles(
    actor: Actor, *, limit: int | None = None, since: datetime | None = None
) -> list[Cycle]:
    """The cycles that it owns, newest first; with `since` those of which the event recorded last is
    of later."""
    query = select_things(actor, "cycle").where(Thing.owner_id == actor.organisation.id)
    if since is not None:
        query = query.join(Event, Event.id == _newest()).where(Event.event_time > since)
    return cycles_of(
        batches_of(actor, db.session.scalars(query.order_by(Thing.id.desc()).limit(limit)))
    )


def latest_cycles(actor: Actor, limit: int) -> list[Cycle]:
    """Those of its cycles that something was recorded of last, the latest first."""
    latest = db.session.scalars(
        select_things(actor, "cycle")
        .with_only_columns(Thing.id)
        .order_by(func.coalesce(_newest(), 0).desc(), Thing.id.desc())
        .limit(limit)
    ).all()
    found = cycles_of(read_batches(actor, latest))
    return sorted(
        (one for one in found if one.last_time is not None),
        key=lambda one: (one.last_time, one.batch.thing_id),
        reverse=True,
    )


def _newest() -> ScalarSelect[int]:
    """The event of a thing that was recorded last."""
    return (
        select(func.max(EventThing.event_id))
        .where(EventThing.thing_id == Thing.id)
        .scalar_subquery()
    )


def cycles_of(batches: Sequence[Batch]) -> list[Cycle]:
    """Cycles with what was done to them."""
    ids = [batch.thing_id for batch in batches]
    totals = {
        row.thing_id: row
        for row in db.session.execute(
            select(
                EventThing.thing_id,
                func.count(func.distinct(EventThing.event_id)).label("events"),
                func.min(EventThing.event_id).label("first"),
                func.max(EventThing.event_id).label("last"),
            )
            .where(among(EventThing.thing_id, ids))
            .group_by(EventThing.thing_id)
        )
    }
    taken = db.session.execute(
        select(EventThing.thing_id, func.count())
        .where(among(EventThing.thing_id, ids), EventThing.role == ROLES.index("input"))
        .group_by(EventThing.thing_id)
    )
    harvests: dict[int, int] = {thing_id: count for thing_id, count in taken}  # noqa: C416 (rows)
    wanted = {event for row in totals.values() for event in (row.first, row.last)}
    events = {
        row.id: row
        for row in db.session.execute(
            select(Event.id, Event.event_time, Event.biz_step, Event.read_point).where(
                among(Event.id, wanted)
            )
        )
    }
    known = place_names([row.read_point for row in events.values() if row.read_point])
    found = []
    for batch in batches:
        row = totals.get(batch.thing_id)
        first = events.get(row.first) if row else None
        last = events.get(row.last) if row else None
        found.append(
            Cycle(
                batch=batch,
                begun=first.event_time if first else None,
                place=known.get(first.read_point) if first and first.read_point else None,
                last_step=last.biz_step if last else None,
                last_time=last.event_time if last else None,
                events=row.events if row else 0,
                harvests=harvests.get(batch.thing_id, 0),
            )
        )
    return found


@dataclass(frozen=True, slots=True)
class Waiting:
    """The day from which a harvest keeps every label's interval, and the use that sets it: `step`
    tells a spraying from a flock's medicine."""

    until: date
    sprayed: date
    treatment: Treatment
    step: str = SPRAYING


def waiting_until(lines: list[Line], today: date) -> Waiting | None:
    """What still forbids taking by the labels of what was used, None when nothing does.

    Arithmetic for the farmer's page: the date of use plus the label's days (VietGAP).
    """
    found: Waiting | None = None
    for line in lines:
        if line.step not in TREATING or not line.stands:
            continue
        used = line.event_time.astimezone(LOCAL_ZONE).date()
        for treatment in fact_of(line).treatments:
            if treatment.interval_days is None:
                continue
            until = date.fromordinal(used.toordinal() + treatment.interval_days)
            if until > today and (found is None or until > found.until):
                found = Waiting(until, used, treatment, line.step)
    return found


def last_treatment(lines: list[Line], *, eggs: bool = False) -> tuple[date, Treatment] | None:
    """Day and treatment of the newest spraying that stands, or of a flock's newest medicine whose
    label asks for days; of several treatments the one that asks for most."""
    found: tuple[date, Treatment] | None = None
    for line in lines:
        if line.step not in BEFORE[EGGS if eggs else HARVESTING] or not line.stands:
            continue
        used = line.event_time.astimezone(LOCAL_ZONE).date()
        for treatment in fact_of(line).treatments:
            if eggs and treatment.interval_days is None:
                continue
            rank = (used, treatment.interval_days or -1)
            if found is None or rank > (found[0], found[1].interval_days or -1):
                found = (used, treatment)
    return found

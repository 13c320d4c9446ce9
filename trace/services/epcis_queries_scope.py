"""Which events an organisation may ask about: its own, those it is a side of, and those one step up
or down: about things it made, has, or was told of.

The rule is that of timelines (`visible`, `read_events`); here it is three ways of walking the
events in order, so that a page costs what it shows and not what there is:

own     recorded by the organisation, or by those for all of which it speaks: read whole
side    a handover in which it gives or takes: read whole
known   another's event that shows, to anybody, a thing known to the organisation: what is public

place   another's measurement of no goods, at a place of the organisation or where goods of its lie,
        unless that place is withheld: what is public

For an authority that inspects there is a fifth (`epcis_queries_reach`):

reached another's event about a thing within its reach, or a measurement of no goods at a place in
        its area: read whole
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, or_, select, union, union_all
from sqlalchemy.orm import aliased

from trace.models import Event, EventThing, Handover, Holding, Place, Thing
from trace.models.events import PUBLIC
from trace.services.actors import Actor
from trace.services.epcis_queries_reach import (
    PLACES_OF,
    Area,
    Measured,
    area_of,
    measurements,
)
from trace.services.successors import made_by_or_for, predecessors, taken_from
from trace.services.timelines import known_to


@dataclass(frozen=True, slots=True)
class Scope:
    """Whose events are read whole: `speakers` all of them, `by_name` those about things taken over
    by name (timelines decides which)."""

    organisation: int
    speakers: tuple[int, ...]
    by_name: tuple[int, ...]
    area: Area | None = None


def scope_of(actor: Actor) -> Scope:
    """The scope of a caller. Raises NotAllowed."""
    actor.check("read")
    mine = actor.organisation.id
    return Scope(
        mine,
        tuple(sorted({mine, *predecessors(mine)})),
        tuple(sorted(taken_from(mine))),
        area_of(actor),
    )


def is_own(scope: Scope) -> ColumnElement[bool]:
    """Events recorded by the organisation or for it."""
    if len(scope.speakers) == 1:
        return Event.issuer_id == scope.speakers[0]
    return Event.issuer_id.in_(scope.speakers)


def sides(scope: Scope) -> Select[Any]:
    """Ids of the events that hand something from or to the organisation."""
    mine = scope.organisation
    return select(Handover.event_id).where(
        or_(Handover.giver_id == mine, Handover.taker_id == mine)
    )


def known_things(scope: Scope) -> Select[Any]:
    """Ids of the things the organisation made, has, or said or was told something about: those of
    timelines.visible, all at once."""
    named = (
        select(EventThing.thing_id)
        .join(Event, Event.id == EventThing.event_id)
        .where(Event.issuer_id == scope.organisation)
    )
    told = select(EventThing.thing_id).where(EventThing.event_id.in_(sides(scope)))
    found = union(
        select(Thing.id.label("id")).where(made_by_or_for(scope.organisation)),
        select(Holding.thing_id).where(Holding.holder_id == scope.organisation),
        named,
        told,
    ).subquery("known")
    return select(found.c.id)


def read_whole(scope: Scope) -> ColumnElement[bool]:
    """Events of which the caller reads every member, whatever they keep from the public (and, where
    things were taken over by name, of whoever gave them: timelines decides which)."""
    found = or_(is_own(scope), Event.id.in_(sides(scope)))
    if scope.area is not None:
        found = or_(found, scope.area.event())
    return or_(found, Event.issuer_id.in_(scope.by_name)) if scope.by_name else found


def shows(member: str, scope: Scope) -> ColumnElement[bool]:
    """The condition that a member which has a column is shown to the caller: a filter on what is
    withheld finds nothing."""
    return or_(~Event.private.contains(f'"{member}"', autoescape=True), read_whole(scope))


def tells_of_known(scope: Scope) -> ColumnElement[bool]:
    """Events that show, to anybody, a thing known to the organisation: found from its things."""
    seen = aliased(EventThing)
    return Event.id.in_(
        select(seen.event_id).where(
            seen.visibility == PUBLIC, seen.thing_id.in_(known_things(scope))
        )
    )


def tells_of_known_each(scope: Scope) -> ColumnElement[bool]:
    """The same, asked of one event at a time: for a short stretch of events."""
    seen = aliased(EventThing)
    return (
        select(seen.event_id)
        .join(Thing, Thing.id == seen.thing_id)
        .where(
            seen.event_id == Event.id,
            seen.visibility == PUBLIC,
            known_to(scope.organisation),
        )
        .exists()
    )


def measured_nearby(scope: Scope) -> ColumnElement[bool]:
    """Measurements of no goods at a place of the organisation, or where goods of its lie, that say
    so to anybody."""
    mine = scope.organisation
    places = union(
        select(Place.identity.label("place")).where(Place.organisation_id.in_(scope.speakers)),
        select(Holding.place.label("place")).where(
            Holding.holder_id == mine, Holding.quantity != 0, Holding.place.is_not(None)
        ),
    ).subquery("nearby")
    return Event.id.in_(
        union_all(
            *(
                measurements(member, select(places.c.place)).where(
                    ~Measured.private.contains(f'"{member}"', autoescape=True),
                )
                for member in PLACES_OF
            )
        )
    )


def told_things(scope: Scope) -> Select[Any]:
    """Ids of the things that events show to the organisation, known to it or not."""
    whole = read_whole(scope)
    shown = and_(EventThing.visibility == PUBLIC, tells_of_known(scope))
    return (
        select(EventThing.thing_id)
        .join(Event, Event.id == EventThing.event_id)
        .where(or_(whole, shown))
    )

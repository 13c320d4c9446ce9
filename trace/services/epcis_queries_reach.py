"""What an authority asks by EPCIS: by jurisdiction, as on its desk (`services.jurisdictions`).

Rules. They hold for a confirmed authority whose token may inspect; any other token of an authority
is a partner's.
1. Events that name a thing within reach are read whole, but for amounts of goods out of reach that
   the public is not told, and never open cases of other authorities. So are measurements of no
   goods at a place in the area.
2. Of what lies outside, the public part of events that name things the query names: as whoever
   opens a chain there. A query that names nothing finds what is within reach alone.
3. What is filtered on is what is shown: a member or an amount that is not, is not there.
4. Every page that shows what is not *own* leaves one line in the audit log.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    CompoundSelect,
    Select,
    false,
    literal_column,
    or_,
    select,
    union_all,
)
from sqlalchemy.orm import aliased

from trace.extensions import db
from trace.models import Event, EventThing, Place, Thing
from trace.services import jurisdictions
from trace.services.actors import Actor
from trace.services.chains import close
from trace.services.chains_cases import cases_of_others
from trace.services.chains_events import without_amounts
from trace.services.chains_walk import KEPT_FROM, Walked
from trace.services.jurisdictions import LED, look, own_things, reach, things_within
from trace.services.sets import among
from trace.services.timelines import Line, read_events

# Of an area with no more things than this, events are found from its things; of a larger one every
# event is asked about, which soon finds enough of them.
FEW: Final = 2_000
NAMED: Final = 10  # things that one line of the audit log names


@dataclass(frozen=True, slots=True)
class Area:
    """What an authority reaches; `few` are all the things, where there are few."""

    scope: jurisdictions.Scope
    few: tuple[int, ...] | None

    def thing(self, column: Any) -> ColumnElement[bool]:
        """Whether the thing with this id is within reach."""
        if self.few is not None:
            return among(column, self.few) if self.few else false()
        if self.scope.everywhere:
            found: ColumnElement[bool] = column.is_not(None)
            return found
        thing = aliased(Thing)
        own = own_things(self.scope, thing).where(thing.id == column).exists()
        return or_(own, *(column.in_(led(self.scope.authority.id)) for led in LED))

    def event(self) -> ColumnElement[bool]:
        """Whether an event names a thing within reach, or measures a place of the area."""
        return or_(self._names(), Event.id.in_(self.measured()))

    def _names(self) -> ColumnElement[bool]:
        rows = aliased(EventThing)
        if self.few is not None:
            return Event.id.in_(select(rows.event_id).where(self.thing(rows.thing_id)))
        named = select(rows.event_id).where(rows.event_id == Event.id, self.thing(rows.thing_id))
        return named.exists()

    def measured(self) -> CompoundSelect[Any]:
        """Ids of the measurements of no goods at places of the area."""
        return measured_within(self.scope)


Measured: Final[Any] = aliased(Event, name="measured")
PLACES_OF: Final[dict[str, Any]] = {
    "readPoint": Measured.read_point,
    "bizLocation": Measured.biz_location,
}


def measurements(member: str, places: Select[Any]) -> Select[Any]:
    """Ids of the measurements that name no goods, and one of these places in that member."""
    named = aliased(EventThing)
    goods = select(named.event_id).where(named.event_id == Measured.id).exists()
    # In words, not as a parameter: the index of measurements is chosen by it.
    measures = Measured.biz_step == literal_column("'sensor_reporting'")
    return select(Measured.id).where(measures, PLACES_OF[member].in_(places), ~goods)


def measured_within(scope: jurisdictions.Scope) -> CompoundSelect[Any]:
    """Ids of the measurements of no goods at places of an area."""
    places = select(Place.identity).where(scope.organisations(Place.ward_code))
    return union_all(*(measurements(member, places) for member in PLACES_OF))


def inspects(actor: Actor) -> bool:
    """Whether these rules hold for this caller."""
    organisation = actor.organisation
    return (
        organisation.kind == "authority"
        and organisation.status == "confirmed"
        and actor.may("inspect")
    )


def area_of(actor: Actor) -> Area | None:
    """What the caller reaches as an authority; None for everybody else."""
    if not inspects(actor):
        return None
    scope = jurisdictions.scope_of(actor)
    few = things_within(scope, FEW)
    return Area(scope, None if few is None else tuple(sorted(few)))


@dataclass(frozen=True, slots=True)
class Reached:
    """Events as the authority may read them, and the things that each shows from outside."""

    lines: list[Line]
    outside: dict[int, tuple[str, ...]]


def read_reached(actor: Actor, event_ids: Collection[int]) -> Reached:
    """Rule 1. Raises NotAllowed."""
    walked = Walked(frozenset())
    walked.read_events(event_ids)
    walked.forget(cases_of_others(actor.organisation, list(walked.events.values())))
    within = reach(actor, sorted(walked.things))
    closed = close(walked, within) - _measured(actor, walked)
    lines = read_events(actor, list(walked.events), whole=set(walked.events) - closed)
    shown, outside = [], {}
    for line in lines:
        told = walked.events[line.event_id]
        kept = {walked.things[use.thing].identity for use in told.uses if use.unit == KEPT_FROM}
        partly = bool(kept) and not line.mine
        shown.append(
            replace(line, document=without_amounts(line.document, kept)) if partly else line
        )
        ways = {named.thing.identity: within.get(named.thing.id) for named in line.things}
        if not line.mine and "own" not in ways.values():
            outside[line.event_id] = tuple(sorted(ways))
    return Reached(shown, outside)


def _measured(actor: Actor, walked: Walked) -> set[int]:
    """Those of the events that measure a place of the area."""
    bare = [told.id for told in walked.events.values() if not told.uses]
    if not bare:
        return set()
    within = measured_within(jurisdictions.scope_of(actor)).subquery()
    return set(db.session.scalars(select(within.c.id).where(among(within.c.id, bare))))


def note(actor: Actor, things: Iterable[str], *, at: datetime) -> bool:
    """Rule 4: these things were shown; whether there was anything to write. The caller commits."""
    named = sorted(set(things))
    if not named:
        return False
    more = f" +{len(named) - NAMED}" if len(named) > NAMED else ""
    look(actor, " ".join(named[:NAMED])[:480] + more, "epcis", at=at)
    return True

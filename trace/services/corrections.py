"""Corrections: the EPCIS error declaration, with or without the event that stands instead.

The declaration repeats the original event with its eventID (EPCIS 2.0, section 7.4.1.3) and names
by `trace:corrects` the statement it is about. Only the original's issuer may make one.

Whether an error was mended in time is `core.history.in_time`; `went_out` reads what it asks for:
whether the goods that an event is about, or anything made of them or holding them, had got a label
or had changed hands by the time of the declaration.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, NamedTuple, cast

from sqlalchemy import Connection, Table, and_, func, or_, select
from sqlalchemy.orm import aliased

from trace.core.history import Fact, WentOut
from trace.models import Event, EventThing, Handover, LogEntry, Thing
from trace.models.events import ROLES
from trace.services.sets import among

REASONS: Final = {
    "incorrect_data": "Ghi sai",
    "did_not_occur": "Việc này không xảy ra",
}
EPC, PARENT, CHILD, INPUT, OUTPUT = range(len(ROLES))
# Goods change hands, or are offered to whoever comes by.
GOING_OUT: Final = (
    "shipping",
    "consigning",
    "departing",
    "receiving",
    "accepting",
    "arriving",
    "retail_selling",
)
_things = cast("Table", Thing.__table__)


class Way(NamedTuple):
    """To what came of a thing, by an event at a place in the log; to its unit, since a moment."""

    far: int
    place: int | None
    at: datetime | None


@dataclass(slots=True)
class _Walk:
    """How far the goods of one event were followed. `moment` is the time and the place in the log
    of the declaration about it; `found` says what happened no later than that."""

    moment: tuple[datetime, int]
    frontier: set[int]
    seen: set[int]
    found: WentOut = field(default_factory=WentOut)

    def look(self, labelled: Mapping[int, datetime], handed: Mapping[int, int]) -> bool:
        """Whether any of the frontier had gone out; the walk is over then."""
        at, index = self.moment
        self.found = WentOut(
            min((labelled[one] for one in self.frontier & labelled.keys()), default=None),
            min((handed[one] for one in self.frontier & handed.keys()), default=None),
        )
        label, handover = self.found.labelled, self.found.handed
        return (label is not None and label <= at) or (handover is not None and handover <= index)

    def step(self, ways: Mapping[int, Collection[Way]]) -> bool:
        """Goes on to what had come of the frontier by then. False where nothing had."""
        at, index = self.moment
        far = {
            way.far
            for here in self.frontier
            for way in ways.get(here, ())
            if (way.place is None or way.place <= index) and (way.at is None or way.at <= at)
        }
        self.frontier = far - self.seen
        self.seen |= self.frontier
        return bool(self.frontier)


def went_out(
    connection: Connection, declared: Mapping[int, Fact], page_of: int | None = None
) -> dict[int, WentOut]:
    """For each of these events, by the error declaration about it: whether the goods it is about
    had gone out by then.

    What an event made counts, not what it was made of, unless that is the thing `page_of` on whose
    page the event is told. A label or handover of anything downstream counts: a lot of the cycle, a
    box around the lot, a unit, what was made of it; of what had come of it by then, since what came
    later was never told of the error. The walk ends where one is found. Set-based: four queries a
    step downstream.
    """
    walks = {
        event: _Walk((error.record_time, error.index), set(), set())
        for event, error in declared.items()
        if error.record_time is not None and error.index is not None
    }
    for event, start in _starts(connection, walks.keys(), page_of).items():
        walks[event].frontier, walks[event].seen = start, set(start)
    going = [one for one in walks.values() if one.frontier]
    while going:
        every = {thing for one in going for thing in one.frontier}
        labelled, handed = _labelled(connection, every), _handed(connection, every)
        going = [one for one in going if not one.look(labelled, handed)]
        if going:
            ways = _ways(connection, going)
            going = [one for one in going if one.step(ways)]
    return {event: walks[event].found if event in walks else WentOut() for event in declared}


def _starts(
    connection: Connection, events: Collection[int], page_of: int | None
) -> dict[int, set[int]]:
    about = or_(EventThing.role != INPUT, EventThing.thing_id == (page_of or 0))
    query = select(EventThing.event_id, EventThing.thing_id).where(
        among(EventThing.event_id, sorted(set(events))), about
    )
    found: dict[int, set[int]] = {}
    for event, thing in connection.execute(query):
        found.setdefault(event, set()).add(thing)
    return found


def _ways(connection: Connection, walks: Collection[_Walk]) -> dict[int, list[Way]]:
    """What came of each thing of the frontiers, as of the latest declaration. Private and voided
    edges too."""
    frontier = sorted({thing for one in walks for thing in one.frontier})
    here, there = aliased(EventThing), aliased(EventThing)
    small = select(Thing.id).where(Thing.kind.in_(("unit", "logistic")))
    edges = (
        select(here.thing_id, there.thing_id, func.min(LogEntry.index))
        .join(there, there.event_id == here.event_id)
        .join(LogEntry, LogEntry.event_id == here.event_id)
        .where(
            among(here.thing_id, frontier),
            or_(
                (here.role == INPUT) & (there.role == OUTPUT),
                (here.role == CHILD) & (there.role == PARENT),
                (here.role == PARENT) & (there.role == CHILD) & there.thing_id.in_(small),
            ),
            LogEntry.index <= max(one.moment[1] for one in walks),
        )
        .group_by(here.thing_id, there.thing_id)
    )
    units = select(_things.c.lot_id, _things.c.id, _things.c.created_at).where(
        among(_things.c.lot_id, frontier),
        _things.c.created_at <= max(one.moment[0] for one in walks),
    )
    ways: dict[int, list[Way]] = {}
    for near, far, index in connection.execute(edges):
        ways.setdefault(near, []).append(Way(far, index, None))
    for near, far, at in connection.execute(units):
        ways.setdefault(near, []).append(Way(far, None, at))
    return ways


def _labelled(connection: Connection, things: Collection[int]) -> dict[int, datetime]:
    query = select(_things.c.id, _things.c.labelled_at).where(
        among(_things.c.id, sorted(things)), _things.c.labelled_at.is_not(None)
    )
    return {row.id: row.labelled_at for row in connection.execute(query)}


def _handed(connection: Connection, things: Collection[int]) -> dict[int, int]:
    """The place in the log of each thing's first handover or offer.

    Goods that came without a record of their own begin by a receipt (ADD): nobody saw them here
    before. Who moves his own goods between his own places hands nothing over.
    """
    within = and_(Handover.giver_id.is_not(None), Handover.giver_id == Handover.taker_id)
    query = (
        select(EventThing.thing_id, func.min(LogEntry.index))
        .join(Event, Event.id == EventThing.event_id)
        .join(LogEntry, LogEntry.event_id == Event.id)
        .outerjoin(Handover, Handover.event_id == Event.id)
        .where(
            among(EventThing.thing_id, sorted(things)),
            EventThing.role.in_((EPC, PARENT, CHILD)),
            Event.biz_step.in_(GOING_OUT),
            func.coalesce(Event.action, "") != "ADD",
            Event.notice.is_(None),
            or_(Handover.event_id.is_(None), ~func.coalesce(within, False)),
        )
        .group_by(EventThing.thing_id)
    )
    return {row[0]: row[1] for row in connection.execute(query)}

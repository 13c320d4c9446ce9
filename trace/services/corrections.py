"""Corrections: the EPCIS error declaration, with or without the event that stands instead.

The declaration repeats the original event with its eventID (EPCIS 2.0, section 7.4.1.3) and names
by `trace:corrects` the statement it is about. Only the original's issuer may make one.

Whether an error was mended in time is `core.history.in_time`; `went_out` reads what it asks for:
when the goods that an event is about, or anything made of them or holding them, first got a label
or first changed hands.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Final, cast

from sqlalchemy import Connection, Table, and_, func, or_, select
from sqlalchemy.orm import aliased

from trace.core.history.corrections import WentOut
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


def went_out(
    connection: Connection, events: Collection[int], page_of: int | None = None
) -> dict[int, WentOut]:
    """For each of these events: when the goods it is about first went out.

    What an event made counts, not what it was made of, unless that is the thing `page_of` on whose
    page the event is told. A label or handover of anything downstream counts: a lot of the cycle, a
    box around the lot, a unit, what was made of it. Set-based: two queries a step downstream.
    """
    starts = _starts(connection, events, page_of)
    ways = _downstream(connection, {thing for some in starts.values() for thing in some})
    every = {*ways, *(far for some in ways.values() for far in some)}
    labelled, handed = _labelled(connection, every), _handed(connection, every)
    found = {}
    for event in events:
        reached = _reached(starts.get(event, set()), ways)
        found[event] = WentOut(
            min((labelled[thing] for thing in reached & labelled.keys()), default=None),
            min((handed[thing] for thing in reached & handed.keys()), default=None),
        )
    return found


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


def _downstream(connection: Connection, start: Collection[int]) -> dict[int, set[int]]:
    """What came of each thing and what came of that, private and voided edges too."""
    here, there = aliased(EventThing), aliased(EventThing)
    small = select(Thing.id).where(Thing.kind.in_(("unit", "logistic")))
    ways: dict[int, set[int]] = {thing: set() for thing in start}
    frontier = set(start)
    while frontier:
        edges = (
            select(here.thing_id, there.thing_id)
            .join(there, there.event_id == here.event_id)
            .where(
                among(here.thing_id, sorted(frontier)),
                or_(
                    (here.role == INPUT) & (there.role == OUTPUT),
                    (here.role == CHILD) & (there.role == PARENT),
                    (here.role == PARENT) & (there.role == CHILD) & there.thing_id.in_(small),
                ),
            )
            .distinct()
        )
        units = select(_things.c.lot_id, _things.c.id).where(
            among(_things.c.lot_id, sorted(frontier))
        )
        new: set[int] = set()
        for query in (edges, units):
            for near, far in connection.execute(query):
                ways[near].add(far)
                new.add(far)
        frontier = new - ways.keys()
        ways.update((thing, set()) for thing in frontier)
    return ways


def _reached(start: Collection[int], ways: Mapping[int, Collection[int]]) -> set[int]:
    found, todo = set(start), list(start)
    while todo:
        for far in ways[todo.pop()]:
            if far not in found:
                found.add(far)
                todo.append(far)
    return found


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

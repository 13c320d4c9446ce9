"""What lies downstream of a thing: every edge, voided events' edges as well (formats §2)."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Final, cast

from sqlalchemy import (
    ColumnElement,
    Select,
    case,
    func,
    literal,
    or_,
    select,
    true,
)
from sqlalchemy.orm import aliased

from trace.extensions import db
from trace.models import Event, EventThing, LabelBinding, Thing
from trace.models.events import ROLES
from trace.services.edges import Edge, believed
from trace.services.sets import among, is_sqlite, raw_rows, unnested

_, PARENT, CHILD, INPUT, OUTPUT = range(len(ROLES))
SINGLE: Final = ("unit", "logistic")  # nothing is a unit of these
Reached = dict[int, bool]  # thing id: reached only through mixes ("may contain")
# Target, source, whether it is a mix, the target's kind and its owner; and the event where somebody
# else than that owner says so, else 0.
Way = tuple[int, int, bool, str, int | None, int]


def descendants(
    start: Mapping[int, bool],
    *,
    spoken: bool = False,
    sources: dict[int, int] | None = None,
    seen: dict[int, tuple[str, int | None]] | None = None,
) -> Reached:
    """Everything downstream of `start`, itself included, breadth first and set-based.

    Edges: transformation input to output; content to the container it was put in; container to
    the units and containers in it; lot to its units. With `spoken` only edges count whose issuer
    may speak of what they lead to (services.edges): what notices travel along. `sources` holds for
    each start what it came from, and is completed for all that is reached; `seen` is filled with
    the kind and the owner of what is reached beyond `start`.
    """
    reached: Reached = dict(start)
    frontier: Reached = dict(start)
    lots: Collection[int] = start.keys()  # of the frontier: what may have units
    while frontier:
        ways = [*_edges(sorted(frontier), spoken=spoken), *_units(sorted(lots))]
        told = {way[0]: (way[3], way[4]) for way in ways}
        if seen is not None:
            seen |= told
        frontier = _onward(ways, frontier, reached, sources)
        lots = [thing for thing in frontier if told[thing][0] not in SINGLE]
        reached |= frontier
    return reached


def after(start: Mapping[int, bool], events: Collection[int], sources: dict[int, int]) -> Reached:
    """What newer events lead to that `start` did not hold, or held as "may contain" only: what came
    after a snapshot, with all downstream of it. The edges are the new ones, however large `start`;
    `sources` as in `descendants`."""
    if not events:
        return {}
    edges = _edges(events=events, spoken=True)
    named = select(EventThing.thing_id).where(among(EventThing.event_id, events))
    bound = select(LabelBinding.lot_id).where(
        LabelBinding.lot_id.in_(named), among(LabelBinding.event_id, events)
    )
    units = select(Thing.id, Thing.lot_id).where(Thing.lot_id.is_not(None))
    # The units these events name, and those that had a name before they got their lot by them.
    for which in (Thing.id.in_(named), Thing.lot_id.in_(bound)):
        edges += [
            (unit, lot, False, "unit", None, 0)
            for unit, lot in db.session.execute(units.where(which))
            if lot is not None
        ]
    first = _onward([edge for edge in edges if edge[1] in start], start, start, sources)
    return descendants(first, spoken=True, sources=sources) if first else {}


def _onward(
    ways: Collection[Way],
    frontier: Mapping[int, bool],
    reached: Mapping[int, bool],
    sources: dict[int, int] | None,
) -> Reached:
    """What the ways lead to that is not reached yet. A thing reached again by an unmixed way is
    worse off than known: it is walked on from anew."""
    sure = {way[0]: way[1] for way in ways if not (way[2] or frontier[way[1]])}
    via = {way[0]: way[1] for way in ways} | sure
    found = {thing: False for thing in sure if reached.get(thing, True)}
    if len(sure) < len(via):
        found |= {thing: True for thing in via.keys() - sure.keys() if thing not in reached}
    if sources is not None:
        for thing in found:
            sources.setdefault(thing, sources[via[thing]])
    return found


def _units(lots: Collection[int]) -> list[Way]:
    """To all units of these lots."""
    if not lots:
        return []
    units = select(
        Thing.id, Thing.lot_id, literal(0).label("mixed"), Thing.kind, Thing.owner_id, literal(0)
    )
    return cast("list[Way]", raw_rows(_one_by_one(units, Thing.lot_id, lots)))


def _edges(
    things: Collection[int] = (), *, events: Collection[int] = (), spoken: bool
) -> list[Way]:
    """The ways from these things, or of these events."""
    here, there, inputs = aliased(EventThing), aliased(EventThing), aliased(EventThing)
    many = (
        select(func.count())
        .select_from(inputs)
        .where(inputs.event_id == here.event_id, inputs.role == INPUT)
        .scalar_subquery()
    )
    # The event where its issuer is not the owner of what it leads to; 0 where nobody need ask.
    doubt: ColumnElement[int] = literal(0)
    if spoken:
        doubt = case((Event.issuer_id == Thing.owner_id, 0), else_=here.event_id)
    query = (
        select(
            there.thing_id.label("target"),
            here.thing_id.label("source"),
            ((here.role == INPUT) & (many > 1)).label("mixed"),
            Thing.kind.label("kind"),
            Thing.owner_id.label("owner"),
            doubt.label("doubt"),
        )
        .select_from(here)
        .join(there, there.event_id == here.event_id)
        .join(Thing, Thing.id == there.thing_id)
        .where(
            or_(
                (here.role == INPUT) & (there.role == OUTPUT),
                (here.role == CHILD) & (there.role == PARENT),
                (here.role == PARENT)
                & (there.role == CHILD)
                & Thing.kind.in_(("unit", "logistic")),
            ),
        )
    )
    if spoken:
        query = query.join(Event, Event.id == here.event_id)
    if events:
        query = query.where(among(here.event_id, events))
    else:
        query = _one_by_one(query, here.thing_id, things)
    ways = cast("list[Way]", raw_rows(query))
    asked = {Edge(way[5], way[1], way[0]) for way in ways if way[5]}
    if not asked:
        return ways
    told = believed(asked)
    return [way for way in ways if not way[5] or Edge(way[5], way[1], way[0]) in told]


def _one_by_one(
    query: Select[*tuple[Any, ...]], column: Any, things: Collection[int]
) -> Select[*tuple[Any, ...]]:
    """The query for each of the things, by index. PostgreSQL would rather read whole tables: it
    takes every thing of a long list for one that has many events."""
    each = unnested(things, "each")
    if is_sqlite():
        return query.where(column == each.c.id)
    inner = query.where(column == each.c.id).offset(0).lateral("ways")
    return select(*inner.c).select_from(each).join(inner, true())

"""What lies downstream of a thing: every edge, voided events' edges as well (formats §2)."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from sqlalchemy import ColumnElement, case, func, literal, or_, select
from sqlalchemy.orm import aliased

from trace.extensions import db
from trace.models import Event, EventThing, Thing
from trace.models.events import ROLES
from trace.services.edges import Edge, believed
from trace.services.sets import among

_, PARENT, CHILD, INPUT, OUTPUT = range(len(ROLES))
Reached = dict[int, bool]  # thing id: reached only through mixes ("may contain")


def descendants(
    start: Mapping[int, bool], *, spoken: bool = False, sources: dict[int, int] | None = None
) -> Reached:
    """Everything downstream of `start`, itself included, breadth first and set-based.

    Edges: transformation input to output; content to the container it was put in; container to
    the units and containers in it; lot to its units. With `spoken` only edges count whose issuer
    may speak of what they lead to (services.edges): what notices travel along. `sources` holds for
    each start what it came from, and is completed for all that is reached.
    """
    reached: Reached = dict(start)
    frontier: Reached = dict(start)
    while frontier:
        frontier = _onward(_step(frontier, spoken), frontier, reached, sources)
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
    units = select(Thing.id, Thing.lot_id).where(Thing.id.in_(named), Thing.lot_id.is_not(None))
    edges += [(unit, lot, False) for unit, lot in db.session.execute(units) if lot is not None]
    first = _onward([edge for edge in edges if edge[1] in start], start, start, sources)
    return descendants(first, spoken=True, sources=sources) if first else {}


def _onward(
    edges: Iterable[tuple[int, int, bool]],
    frontier: Mapping[int, bool],
    reached: Mapping[int, bool],
    sources: dict[int, int] | None,
) -> Reached:
    """What the edges lead to that is not reached yet. A thing reached again by an unmixed way is
    worse off than known: it is walked on from anew."""
    found: Reached = {}
    via: dict[int, int] = {}
    for target, source, mixed in edges:
        through = frontier[source] or mixed
        known = found.get(target)
        if known is None or (known and not through):
            found[target] = through
            via[target] = source
    onward = {
        thing: mixed
        for thing, mixed in found.items()
        if thing not in reached or (reached[thing] and not mixed)
    }
    if sources is not None:
        for thing in onward:
            sources.setdefault(thing, sources[via[thing]])
    return onward


def _step(frontier: Collection[int], spoken: bool) -> list[tuple[int, int, bool]]:
    rows = _edges(frontier, spoken=spoken)
    units = select(Thing.id, Thing.lot_id).where(among(Thing.lot_id, frontier))
    rows += [(unit, lot, False) for unit, lot in db.session.execute(units) if lot is not None]
    return rows


def _edges(
    things: Collection[int] = (), *, events: Collection[int] = (), spoken: bool
) -> list[tuple[int, int, bool]]:
    """(target, source, mixed) of the edges from these things, or of these events."""
    here, there = aliased(EventThing), aliased(EventThing)
    inputs = aliased(EventThing)
    many = (
        select(func.count())
        .select_from(inputs)
        .where(inputs.event_id == here.event_id, inputs.role == INPUT)
        .scalar_subquery()
    )
    small = select(Thing.id).where(Thing.kind.in_(("unit", "logistic")))
    # The event where its issuer is not the owner of what it leads to; 0 where nobody need ask.
    doubt: ColumnElement[int] = literal(0)
    if spoken:
        doubt = case((Event.issuer_id == Thing.owner_id, 0), else_=here.event_id)
    query = (
        select(there.thing_id, here.thing_id, (here.role == INPUT) & (many > 1), doubt)
        .join(there, there.event_id == here.event_id)
        .where(
            among(here.event_id, events) if events else among(here.thing_id, things),
            or_(
                (here.role == INPUT) & (there.role == OUTPUT),
                (here.role == CHILD) & (there.role == PARENT),
                (here.role == PARENT) & (there.role == CHILD) & there.thing_id.in_(small),
            ),
        )
        .distinct()
    )
    if spoken:
        query = query.join(Event, Event.id == here.event_id)
        query = query.join(Thing, Thing.id == there.thing_id)
    edges = db.session.execute(query).all()
    asked = {Edge(event, source, target) for target, source, _, event in edges if event}
    told = believed(asked) if asked else set()
    return [
        (target, source, bool(mixed))
        for target, source, mixed, event in edges
        if not event or Edge(event, source, target) in told
    ]

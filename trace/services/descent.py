"""What lies downstream of a thing: every edge, voided events' edges as well (formats §2)."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from itertools import chain
from typing import Any

from sqlalchemy import (
    ColumnElement,
    case,
    func,
    literal,
    or_,
    select,
    true,
)
from sqlalchemy.orm import aliased

from trace.extensions import db
from trace.models import Event, EventThing, Thing
from trace.models.events import ROLES
from trace.services.edges import Edge, believed
from trace.services.sets import among, is_sqlite, unnested

_, PARENT, CHILD, INPUT, OUTPUT = range(len(ROLES))
Reached = dict[int, bool]  # thing id: reached only through mixes ("may contain")


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
    single: set[int] = set()  # units, which have no units
    while frontier:
        edges = _edges(frontier, spoken=spoken)
        units = _units(frontier.keys() - single)
        single.update(unit[0] for unit in units)
        if seen is not None:
            seen.update((edge[0], edge[3:]) for edge in chain(edges, units))
        frontier = _onward(chain(edges, units), frontier, reached, sources)
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
    edges += [
        (unit, lot, False, "unit", None)
        for unit, lot in db.session.execute(units)
        if lot is not None
    ]
    first = _onward([edge for edge in edges if edge[1] in start], start, start, sources)
    return descendants(first, spoken=True, sources=sources) if first else {}


def _onward(
    edges: Iterable[tuple[int, int, bool, str, int | None]],
    frontier: Mapping[int, bool],
    reached: Mapping[int, bool],
    sources: dict[int, int] | None,
) -> Reached:
    """What the edges lead to that is not reached yet. A thing reached again by an unmixed way is
    worse off than known: it is walked on from anew."""
    found: Reached = {}
    via: dict[int, int] = {}
    for target, source, mixed, _, _ in edges:
        through = frontier[source] or bool(mixed)
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


def _units(lots: Collection[int]) -> list[tuple[int, int, bool, str, int | None]]:
    """The same of all units of these lots."""
    if not lots:
        return []
    query = select(Thing.id, Thing.lot_id, literal(0), Thing.kind, Thing.owner_id).where(
        among(Thing.lot_id, lots)
    )
    return [tuple(row) for row in db.session.execute(query)]  # type: ignore[misc]  # five columns


def _edges(
    things: Collection[int] = (), *, events: Collection[int] = (), spoken: bool
) -> list[tuple[int, int, bool, str, int | None]]:
    """(target, source, mixed, target's kind, its owner) of the edges from these things, or of these
    events."""
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
            doubt.label("doubt"),
            Thing.kind.label("kind"),
            Thing.owner_id.label("owner"),
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
    elif is_sqlite():
        query = query.where(among(here.thing_id, things))
    else:
        query = _one_by_one(query, here.thing_id, things)
    edges = db.session.execute(query).all()
    asked = {Edge(row.doubt, row.source, row.target) for row in edges if row.doubt}
    told = believed(asked) if asked else set()
    return [
        (target, source, bool(mixed), kind, owner)
        for target, source, mixed, event, kind, owner in edges
        if not event or Edge(event, source, target) in told
    ]


def _one_by_one(query: Any, column: Any, things: Collection[int]) -> Any:
    """The query for each of the things, by index. PostgreSQL would rather read whole tables: it
    takes every thing of a long list for one that has many events."""
    each = unnested(things, "each")
    inner = query.where(column == each.c.id).offset(0).lateral("edges")
    return select(*inner.c).select_from(each).join(inner, true())

"""What lies downstream of a thing: every edge, voided events' edges as well (formats §2)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from sqlalchemy import ColumnElement, case, func, literal, or_, select
from sqlalchemy.orm import aliased

from trace.extensions import db
from trace.models import Event, EventThing, LogEntry, Thing
from trace.models.events import ROLES
from trace.services.edges import Edge, believed
from trace.services.sets import among

_, PARENT, CHILD, INPUT, OUTPUT = range(len(ROLES))
Reached = dict[int, bool]  # thing id: reached only through mixes ("may contain")


def descendants(
    start: Mapping[int, bool], since_index: int | None = None, *, spoken: bool = False
) -> Reached:
    """Everything downstream of `start`, itself included, breadth first and set-based.

    Edges: transformation input to output; content to the container it was put in; container to
    the units and containers in it; lot to its units. With `since_index` the first step looks only
    at events logged from that index on (what came after a snapshot). With `spoken` only edges count
    whose issuer may speak of what they lead to (services.edges): what notices travel along.
    """
    reached: Reached = dict(start)
    frontier: Reached = dict(start)
    first = since_index
    while frontier:
        found: Reached = {}
        for target, source, mixed in _step(frontier, first, spoken):
            through = frontier[source] or mixed
            found[target] = found.get(target, True) and through
        first = None
        # A thing reached again by an unmixed way is worse off than known: walk on from it anew.
        frontier = {
            thing: mixed
            for thing, mixed in found.items()
            if thing not in reached or (reached[thing] and not mixed)
        }
        reached |= frontier
    return reached


def _step(
    frontier: Iterable[int], since_index: int | None, spoken: bool
) -> list[tuple[int, int, bool]]:
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
            among(here.thing_id, frontier),
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
    if since_index is not None:
        query = query.join(LogEntry, LogEntry.event_id == here.event_id).where(
            LogEntry.index >= since_index
        )
    edges = db.session.execute(query).all()
    asked = {Edge(event, source, target) for target, source, _, event in edges if event}
    told = believed(asked) if asked else set()
    rows = [
        (target, source, bool(mixed))
        for target, source, mixed, event in edges
        if not event or Edge(event, source, target) in told
    ]
    if since_index is None:
        units = select(Thing.id, Thing.lot_id).where(among(Thing.lot_id, frontier))
        rows += [(unit, lot, False) for unit, lot in db.session.execute(units) if lot is not None]
    return rows

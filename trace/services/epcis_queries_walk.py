"""The events that may answer a query, in order, by keyset: a page costs what it shows.

Along things, where a query names some: the index of things holds each thing's events in order.
Otherwise along the organisation's own events, stretch by stretch, with what it may see of others'
in the same stretch; behind its own last event, from its things to what others said of them.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, NamedTuple

from sqlalchemy import ColumnElement, Select, and_, or_, select
from sqlalchemy.orm import aliased

from trace.core.epcis.query import Query
from trace.extensions import db
from trace.models import Event, EventThing, LogEntry
from trace.models.events import PUBLIC
from trace.models.types import from_millis, to_millis
from trace.services.actors import Actor
from trace.services.epcis_queries_scope import (
    Scope,
    is_own,
    measured_nearby,
    read_whole,
    scope_of,
    sides,
    tells_of_known,
    tells_of_known_each,
)
from trace.services.epcis_queries_sql import (
    Named,
    columns,
    earliest_id,
    named_in,
    recorded,
)
from trace.services.log_times import id_before
from trace.services.sets import is_sqlite
from trace.services.timelines import visible

SEPARATELY: Final = 8  # so many things are walked each in its own order, more of them together
MOST_AT_ONCE: Final = 500


class Position(NamedTuple):
    """Where a walk stands: the value it is ordered by and the event's row, both whole numbers."""

    key: int
    event_id: int


@dataclass(frozen=True, slots=True)
class Walk:
    """In which order events are walked: `by` id (as they were captured), time (eventTime) or index
    (recordTime: the log's order)."""

    by: str
    descending: bool = False

    def rank(self, at: Position) -> tuple[int, int]:
        """What sorts positions in this order."""
        return (-at.key, -at.event_id) if self.descending else (at.key, at.event_id)


def walk_of(query: Query) -> Walk:
    """The order a query asks for; without one, as events were captured."""
    if query.order is None or query.order.by_extension:
        return Walk("id")
    return Walk("time" if query.order.by == "eventTime" else "index", query.order.descending)


def candidates(
    actor: Actor, query: Query, walk: Walk, after: Position | None, batch: int
) -> Iterator[Position]:
    """The events that may answer, each once, beginning behind `after`. Raises NotAllowed,
    QueryTooComplex."""
    scope = scope_of(actor)
    named = named_in(query, scope)
    floor = _floor(query, walk, after)
    if any(not one.things for one in named):
        return
    if not named:
        yield from _stretches(scope, query, walk, after, batch, floor)
        return
    # An authority may look at what it names, wherever that is.
    known = set(named[0].things) if scope.area else visible(actor, named[0].things)
    streams = [
        _stream(_along(scope, query, walk, drive, named[1:], known, floor), walk, after, batch)
        for drive in _drives(named[0], known)
    ]
    last = None
    for at in heapq.merge(*streams, key=walk.rank):
        if at != last:
            yield at
        last = at


def _floor(query: Query, walk: Walk, after: Position | None) -> int | None:
    """A row up to which no event can answer behind this position: it keeps a walk that is ordered
    by something else from reading a long history from its beginning."""
    if walk.by == "id":
        return earliest_id(query) if after is None else None
    if walk.by == "index" and not walk.descending and after is not None:
        return id_before(after.key)
    return earliest_id(query)


def _drives(named: Named, known: set[int]) -> list[Named]:
    """The things to walk along: few of them one by one, many in two heaps."""
    if len(named.things) <= SEPARATELY:
        return [Named((thing,), named.roles) for thing in named.things]
    heaps = ([t for t in named.things if t in known], [t for t in named.things if t not in known])
    return [Named(tuple(heap), named.roles) for heap in heaps if heap]


def _along(
    scope: Scope,
    query: Query,
    walk: Walk,
    drive: Named,
    rest: Sequence[Named],
    known: set[int],
    floor: int | None,
) -> Select[Any]:
    """The events that name the things of `drive` (and those of `rest`), as far as they are the
    caller's to see. Whether a mention is shown is a column of the index."""
    rows = aliased(EventThing)
    by_id = walk.by == "id"
    found = (
        select(
            (rows.event_id if by_id else _key(walk)).label("key"),
            (rows.event_id if by_id else Event.id).label("event_id"),
        )
        .select_from(rows)
        .join(Event, Event.id == rows.event_id)
        .where(*drive.on(rows))
    )
    if floor is not None:
        found = found.where(rows.event_id > floor, Event.id > floor)
    whole = read_whole(scope)
    if known.issuperset(drive.things):
        found = found.where(or_(rows.visibility == PUBLIC, whole))
    else:
        found = found.where(or_(and_(rows.visibility == PUBLIC, tells_of_known(scope)), whole))
    for one in rest:
        more = aliased(EventThing)
        told = select(more.event_id).where(more.event_id == Event.id, *one.on(more))
        found = found.where(told.where(or_(more.visibility == PUBLIC, whole)).exists())
    return _narrowed(found, scope, query, walk)


def _narrowed(found: Select[Any], scope: Scope, query: Query, walk: Walk) -> Select[Any]:
    if walk.by == "index" or query.of("recordTime"):
        found = found.join(LogEntry, LogEntry.event_id == Event.id).where(*recorded(query))
    return found.where(*columns(scope, query))


def _stream(
    statement: Select[Any], walk: Walk, after: Position | None, batch: int
) -> Iterator[Position]:
    """Its rows, batch by batch; each batch begins where the last one ended."""
    size = batch
    while True:
        rows = _fetch(statement, walk, after, None, size)
        yield from rows
        if len(rows) < size:
            return
        after, size = rows[-1], min(size * 4, MOST_AT_ONCE)


def _stretches(
    scope: Scope,
    query: Query,
    walk: Walk,
    after: Position | None,
    batch: int,
    floor: int | None,
) -> Iterator[Position]:
    """Without a thing to walk along: own events of a stretch, and what else may be seen there."""
    base = _narrowed(
        select(_key(walk).label("key"), Event.id.label("event_id")), scope, query, walk
    )
    if floor is not None:
        base = base.where(Event.id > floor)
    mine = is_own(scope)
    size = batch
    while True:
        found: set[Position] = set()
        end: Position | None = None
        ways: list[ColumnElement[bool]] = [mine, and_(~mine, Event.id.in_(sides(scope)))]
        for way in ways:
            rows = _fetch(base.where(way), walk, after, end, size)
            found.update(rows)
            end = rows[-1] if len(rows) == size else end
        told = tells_of_known(scope) if end is None else tells_of_known_each(scope)
        others = [told, measured_nearby(scope)]
        if scope.area is not None:
            others.append(scope.area.event())
        for way in others:
            rows = _fetch(base.where(~mine, way), walk, after, end, size)
            found.update(rows)
            end = rows[-1] if len(rows) == size else end
        limit = None if end is None else walk.rank(end)
        yield from sorted(
            (at for at in found if limit is None or walk.rank(at) <= limit), key=walk.rank
        )
        if end is None:
            return
        after, size = end, min(size * 4, MOST_AT_ONCE)


def _fetch(
    statement: Select[Any], walk: Walk, after: Position | None, end: Position | None, size: int
) -> list[Position]:
    """At most `size` rows behind `after`, up to `end`, in order, each event once."""
    key, identifier = statement.selected_columns.key, statement.selected_columns.event_id
    key, identifier = key.element, identifier.element
    if after is not None:
        statement = statement.where(_behind(key, identifier, walk, after))
        if walk.by == "id" and not is_sqlite():
            # Or a merge would read the other side's rows from the first one on.
            statement = statement.where(Event.id > after.event_id)
    if end is not None:
        statement = statement.where(_up_to(key, walk, end))
    ordered = [key.desc(), identifier.desc()] if walk.descending else [key, identifier]
    rows = db.session.execute(
        statement.order_by(*(ordered[:1] if walk.by == "id" else ordered)).limit(size)
    )
    return [Position(_whole(row.key), row.event_id) for row in rows]


def _key(walk: Walk) -> Any:
    if walk.by == "index":
        return LogEntry.index
    return Event.event_time if walk.by == "time" else Event.id


def _whole(key: Any) -> int:
    return to_millis(key) if isinstance(key, datetime) else int(key)


def _behind(key: Any, identifier: Any, walk: Walk, after: Position) -> ColumnElement[bool]:
    if walk.by != "time":
        found: ColumnElement[bool] = key < after.key if walk.descending else key > after.key
        return found
    value = from_millis(after.key)
    if walk.descending:
        return and_(key <= value, or_(key < value, identifier < after.event_id))
    return and_(key >= value, or_(key > value, identifier > after.event_id))


def _up_to(key: Any, walk: Walk, end: Position) -> ColumnElement[bool]:
    value: Any = from_millis(end.key) if walk.by == "time" else end.key
    found: ColumnElement[bool] = key >= value if walk.descending else key <= value
    return found

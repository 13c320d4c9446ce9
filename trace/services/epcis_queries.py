"""EPCIS queries: what a caller may see of what it asks for, page by page.

Candidates come in order from the index (`epcis_queries_walk`), are opened as their reader may see
them (`timelines`), and judged by the query language on what is then there: a filter on a member
that is withheld behaves as if the member were absent. Work is bounded: where nearly nothing of what
must be opened answers, a page comes back short, with the token to go on.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any, Final

from sqlalchemy import select

from trace.clock import rfc3339
from trace.core.epcis import JsonObject, named_things
from trace.core.epcis.query import Condition, Query, QueryTooComplex, QueryTooLarge
from trace.core.epcis.query_matching import (
    Subject,
    extension_values,
    matches,
    moment_of,
    no_master_data,
    number_of,
)
from trace.core.epcis.query_names import same_thing
from trace.errors import NotFound
from trace.extensions import db
from trace.models import Event, LogEntry
from trace.services.actors import Actor
from trace.services.epcis_master_data import MasterData
from trace.services.epcis_queries_reach import inspects, note, read_reached
from trace.services.epcis_queries_tokens import Place, open_token, seal_token
from trace.services.epcis_queries_walk import Position, Walk, candidates, walk_of
from trace.services.log_times import log_size
from trace.services.settings import current_settings
from trace.services.timelines import Line, open_event, read_events, recorded_at, visible

MOST_PER_PAGE: Final = 1000
# Statements opened for one page: a quarter of a millisecond each.
MOST_OPENED: Final = 2000
# For an order by an extension, or a count of all that answers: everything must be looked at.
MOST_SORTED: Final = 5000
THING_LISTS: Final = frozenset(
    {
        *("epcList", "quantityList", "childEPCs", "childQuantityList"),
        *("inputEPCList", "inputQuantityList", "outputEPCList", "outputQuantityList"),
    }
)


class NoSuchEvent(NotFound):
    code = "no-such-event"
    message = "No event with this eventID is known to you."


@dataclass(frozen=True, slots=True)
class Answer:
    """One event that answers: where it stands in the walk, and what its reader may see of it."""

    at: Position
    document: JsonObject
    index: int | None
    outside: tuple[str, ...] = ()  # things out of an authority's own reach that it shows


@dataclass(frozen=True, slots=True)
class Page:
    """Events of one page; the token of the next one and until when it holds (None: the last)."""

    documents: list[JsonObject]
    next_token: str | None = None
    expires: datetime | None = None
    looked: bool = False  # outside: there is a line of the audit log to be committed


def run(actor: Actor, query: Query, *, at: datetime, per_page: int = 30, token: str = "") -> Page:
    """One page of what the caller may see of the query's answer.

    Raises NotAllowed, BadPageToken, QueryTooLarge, QueryTooComplex.
    """
    actor.check("read")
    place = open_token(actor, query, token, at=at) if token else Place(None, 0)
    if not token and query.max_event_count is not None:
        _check_count(actor, query, query.max_event_count)
    wanted = min(per_page, MOST_PER_PAGE)
    if query.event_count_limit is not None:
        wanted = min(wanted, query.event_count_limit - place.told)
    if query.order is not None and query.order.by_extension:
        found, rest = _sorted_page(actor, query, place, wanted)
    else:
        found, rest = _page(actor, query, walk_of(query), place.position, wanted)
    told = place.told + len(found)
    if query.event_count_limit is not None and told >= query.event_count_limit:
        rest = None
    documents = [answer.document for answer in found]
    looked = _noted(actor, found, at)
    if rest is None:
        return Page(documents, looked=looked)
    return Page(documents, *seal_token(actor, query, Place(rest, told), at=at), looked=looked)


def _noted(actor: Actor, found: Iterable[Answer], at: datetime) -> bool:
    return note(actor, (thing for answer in found for thing in answer.outside), at=at)


def since(
    actor: Actor, query: Query, *, after: int, at: datetime, limit: int = 100
) -> tuple[list[tuple[int, JsonObject]], int]:
    """What came into the log behind the index `after` and answers the query, in the log's order, as
    (index, event) pairs, and the index up to which everything was looked at: for subscriptions.

    Orders and limits of the query do not count. Raises NotAllowed.
    """
    end = log_size() - 1
    found, rest = _page(actor, query, Walk("index"), Position(after, 0), limit)
    looked = max(end, after) if rest is None else rest.key
    _noted(actor, found, at)
    return [(answer.at.key, answer.document) for answer in found], looked


def get_events(actor: Actor, event_id: str, *, at: datetime) -> list[JsonObject]:
    """The event with this eventID and, where there is one, the declaration that it was an error.
    The caller commits what an authority's look leaves. Raises NoSuchEvent."""
    asked = Query((Condition("EQ_eventID", "eventID", "in", (event_id,)),))
    found, _ = _page(actor, asked, Walk("id"), None, MOST_PER_PAGE)
    if not found:
        raise NoSuchEvent
    _noted(actor, found, at)
    return [answer.document for answer in found]


def recorded_event(event_id: int) -> JsonObject:
    """The event of a row, whole, as its own issuer reads it: what a capture answers."""
    query = select(Event, LogEntry.entry).outerjoin(LogEntry, LogEntry.event_id == Event.id)
    row, entry = db.session.execute(query.where(Event.id == event_id)).one()
    return _with_record_time(open_event(row)[0], recorded_at(entry))


def any_answers(actor: Actor, query: Query, *, at: datetime) -> bool:
    """Whether the caller may see any event that answers, as far as one page's work goes. The caller
    commits what an authority's look leaves."""
    found, _ = _page(actor, query, Walk("id"), None, 1)
    _noted(actor, found, at)
    return bool(found)


# -- pages ---------------------------------------------------------------------------------------


def _page(
    actor: Actor, query: Query, walk: Walk, after: Position | None, wanted: int
) -> tuple[list[Answer], Position | None]:
    """At most `wanted` answers behind `after`, and where to go on (None: nothing is left)."""
    found: list[Answer] = []
    looked = after
    opened = 0
    places = candidates(actor, query, walk, after, wanted + 1)
    for some in _growing(places, wanted + 1):
        for at, answer in _judged(actor, query, some):
            if answer is not None and len(found) == wanted:
                return found, looked
            if answer is not None:
                found.append(answer)
            looked = at
        opened += len(some)
        if opened >= MOST_OPENED:
            return found, looked
    return found, None


def _growing(places: Iterator[Position], first: int) -> Iterator[list[Position]]:
    """In lists, each twice as long as the one before: what is rare costs fewer queries."""
    size = first
    while some := list(islice(places, size)):
        yield some
        if len(some) < size:
            return
        size = min(size * 2, 500)


def _judged(
    actor: Actor, query: Query, places: Sequence[Position]
) -> Iterator[tuple[Position, Answer | None]]:
    """Each event, opened for this reader, with whether it answers."""
    id_base = current_settings().id_base
    wanted = [at.event_id for at in places]
    outside: dict[int, tuple[str, ...]] = {}
    if inspects(actor):
        reached = read_reached(actor, wanted)
        read, outside = reached.lines, reached.outside
    else:
        read = read_events(actor, wanted)
    lines = {line.event_id: line for line in read}
    named = bool(query.of("thing") or query.of("transformationID"))
    # What an authority names is judged below, on what is shown.
    known = {} if named and inspects(actor) else _still_known(actor, lines.values(), id_base)
    master = MasterData(actor) if query.of("attribute") else no_master_data
    for at in places:
        line = lines.get(at.event_id)
        answer = None
        if line is not None and known.get(at.event_id, True):
            subject = Subject(
                line.document, id_base=id_base, record_time=line.record_time, master=master
            )
            if matches(query, subject):
                told = outside.get(at.event_id, ())
                answer = Answer(at, document_of(line), line.index, told)
        yield at, answer


def document_of(line: Line) -> JsonObject:
    """The event as its reader may see it, with the log's record time."""
    return _with_record_time(line.document, line.record_time)


def _with_record_time(document: JsonObject, at: datetime | None) -> JsonObject:
    return dict(document) if at is None else {**document, "recordTime": rfc3339(at)}


def _still_known(actor: Actor, lines: Iterable[Line], id_base: str) -> dict[int, bool]:
    """Events that hide single elements of their lists of things are seen for what they show: an
    older row of the index may tell of an element that its event withholds."""
    hiding = [line for line in lines if not line.mine and _hides_elements(line.withheld)]
    if not hiding:
        return {}
    things = {named.thing.id for line in hiding for named in line.things}
    known = visible(actor, things)
    found = {}
    for line in hiding:
        shown = {same_thing(uri, id_base) for _, uri, _, _ in named_things(line.document)}
        found[line.event_id] = any(
            named.thing.id in known and named.thing.identity in shown for named in line.things
        )
    return found


def _hides_elements(withheld: Iterable[str]) -> bool:
    return any("/" in path and path.partition("/")[0] in THING_LISTS for path in withheld)


# -- counts and orders for which all answers are needed ------------------------------------------


def _check_count(actor: Actor, query: Query, limit: int) -> None:
    if len(_all(actor, query, min(limit + 1, MOST_SORTED))) > limit:
        raise QueryTooLarge(path="maxEventCount", limit=limit)


def _all(actor: Actor, query: Query, most: int) -> list[Answer]:
    """All answers, or the first `most`. Raises QueryTooComplex when too much must be opened."""
    found: list[Answer] = []
    opened = 0
    for some in _growing(candidates(actor, query, Walk("id"), None, 200), 200):
        found += [answer for _, answer in _judged(actor, query, some) if answer is not None]
        opened += len(some)
        if len(found) >= most:
            return found[:most]
        if opened >= MOST_SORTED:
            raise QueryTooComplex(reason="too many events must be looked at to count or sort them")
    return found


def _sorted_page(
    actor: Actor, query: Query, place: Place, wanted: int
) -> tuple[list[Answer], Position | None]:
    """By the values of an extension; the token names the event to go on behind."""
    found = _all(actor, query, MOST_SORTED)
    if len(found) >= MOST_SORTED:
        raise QueryTooComplex(path="orderBy", reason="too many events answer to be sorted")
    ordered = sorted(found, key=lambda answer: _value_of(query, answer))
    if query.order is not None and query.order.descending:
        ordered.reverse()
    start = 0
    if place.position is not None:
        names = [answer.at.event_id for answer in ordered]
        gone_behind = place.position.event_id
        start = names.index(gone_behind) + 1 if gone_behind in names else len(names)
    page = ordered[start : start + wanted]
    more = start + wanted < len(ordered)
    return page, page[-1].at if page and more else None


def _value_of(query: Query, answer: Answer) -> tuple[Any, ...]:
    """Numbers before moments before texts; what lacks the field comes first."""
    order = query.order
    if order is None:
        raise AssertionError("sorted by nothing")
    subject = Subject(answer.document, id_base=current_settings().id_base)
    values = extension_values(order.by, order.where, False, subject)
    value = values[0] if values else None
    number = number_of(value) if isinstance(value, str | int | float) else None
    if number is not None:
        return 1, number, answer.at.event_id
    moment = moment_of(value) if isinstance(value, str) else None
    if moment is not None:
        return 2, moment, answer.at.event_id
    return (0 if value is None else 3), str(value), answer.at.event_id


__all__ = [
    "MOST_PER_PAGE",
    "NoSuchEvent",
    "Page",
    "any_answers",
    "get_events",
    "run",
    "since",
]

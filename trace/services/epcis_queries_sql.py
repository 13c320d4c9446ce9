"""A query as conditions on rows: what has a column or an index row narrows the candidates that
`core.epcis.query_matching` then judges on the documents.

The conditions let through a superset of the answers, and nothing that the caller may not see
(`epcis_queries_scope`): the number of candidates tells no more than the answers do. What stands
only inside documents is judged on the documents.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, cast

from sqlalchemy import ColumnElement, and_, false, func, or_, select

from trace.core.epcis import vocabulary as words
from trace.core.epcis.query import ANYTHING, Condition, Pattern, Query, QueryTooComplex
from trace.core.epcis.rules import CLOCK_TOLERANCE
from trace.core.epcis.vocabulary import WordList
from trace.extensions import db
from trace.models import Event, EventKey, LogEntry, Thing
from trace.models.events import ROLES, TYPES
from trace.services.capture.prepare import event_key_digest
from trace.services.epcis_queries_scope import Scope, shows, told_things
from trace.services.log_times import first_index_at, row_before
from trace.services.sets import among

MAX_THINGS: Final = 1000  # that one pattern may stand for
EPC, PARENT, CHILD, INPUT, OUTPUT = range(len(ROLES))
ROLES_OF: Final = {
    "epc": (EPC, CHILD),
    "parentID": (PARENT,),
    "inputEPC": (INPUT,),
    "outputEPC": (OUTPUT,),
    "anyEPC": (),
    "epcClass": (EPC, CHILD),
    "inputEPCClass": (INPUT,),
    "outputEPCClass": (OUTPUT,),
    "anyEPCClass": (),
    ANYTHING: (),
}


# -- what narrows --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Named:
    """Things an event must name in one of these roles (any without one)."""

    things: tuple[int, ...]
    roles: tuple[int, ...]

    def on(self, rows: Any) -> list[ColumnElement[bool]]:
        """The conditions on rows of event_things."""
        found: list[ColumnElement[bool]] = [
            rows.thing_id == self.things[0]
            if len(self.things) == 1
            else rows.thing_id.in_(self.things)
        ]
        if self.roles:
            found.append(rows.role.in_(self.roles))
        return found


def named_in(query: Query, scope: Scope) -> list[Named]:
    """The things that must be named, the most telling first; one without things finds nothing."""
    wanted = []
    for condition in query.conditions:
        if condition.kind == "thing":
            wanted.append(Named(_thing_ids(condition, scope), ROLES_OF[condition.argument]))
        elif condition.kind == "transformationID":
            wanted.append(Named(_thing_ids(condition, scope), (INPUT, OUTPUT)))
    return sorted(wanted, key=lambda one: len(one.things))


def _thing_ids(condition: Condition, scope: Scope) -> tuple[int, ...]:
    """The rows of the things a condition may mean. How many a pattern fits is counted among those
    that events show to the caller: a refusal must not tell how much others have."""
    texts = [value for value in condition.values if isinstance(value, str)]
    found = set(db.session.scalars(select(Thing.id).where(among(Thing.identity, texts))))
    starts = [start for one in condition.values if isinstance(one, Pattern) for start in one.starts]
    if starts:
        alike = or_(*(Thing.identity.startswith(start, autoescape=True) for start in starts))
        fitting = select(Thing.id).where(alike).limit(MAX_THINGS + 1)
        fits = set(db.session.scalars(fitting))
        if len(fits) > MAX_THINGS:
            fits = set(db.session.scalars(fitting.where(Thing.id.in_(told_things(scope)))))
        if len(fits) > MAX_THINGS:
            raise QueryTooComplex(path=condition.name, reason="the pattern fits too many things")
        found |= fits
    return tuple(sorted(found))


def columns(scope: Scope, query: Query) -> list[ColumnElement[bool]]:
    """The conditions on what events have columns for."""
    found: list[ColumnElement[bool]] = []
    for condition in query.conditions:
        made = _COLUMNS.get(condition.kind)
        if made is not None:
            found += made(condition, scope)
    return found


def _type(condition: Condition, scope: Scope) -> list[ColumnElement[bool]]:
    known = [TYPES.index(str(one)) for one in condition.values if one in TYPES]
    return [Event.type.in_(known) if known else false()]


def _time(condition: Condition, scope: Scope) -> list[ColumnElement[bool]]:
    """The column holds whole milliseconds, rounded down."""
    moment = cast("datetime", condition.values[0])
    if condition.test == "ge":
        return [Event.event_time >= moment]
    return [Event.event_time <= moment]


def _action(condition: Condition, scope: Scope) -> list[ColumnElement[bool]]:
    return [Event.action.in_(condition.values)]


def _word(column: Any, listed: WordList) -> Any:
    def narrow(condition: Condition, scope: Scope) -> list[ColumnElement[bool]]:
        exact, ends = [], []
        for value in condition.values:
            text = str(value)
            bare = text.removeprefix(listed.address)
            if bare != text and bare in listed.words:
                exact.append(bare)
            else:  # as an address, or with whatever prefix its event declares
                exact.append(text[:100])
                ends.append(column.endswith(text[-1:], autoescape=True))
                ends.append(func.length(column) >= 100)  # cut off there
        return [or_(column.in_(exact), and_(column.contains(":"), or_(*ends)) if ends else false())]

    return narrow


def _place(condition: Condition, scope: Scope) -> list[ColumnElement[bool]]:
    column: Any = Event.read_point if condition.argument == "readPoint" else Event.biz_location
    texts = [str(value)[:300] for value in condition.values]
    found = column.in_(texts)
    if condition.test == "within":
        inside = [column.startswith(f"{text[:298]}/", autoescape=True) for text in texts]
        found = or_(found, *inside)
    return [found, shows(condition.argument, scope)]


def _event_id(condition: Condition, scope: Scope) -> list[ColumnElement[bool]]:
    keys = [event_key_digest(str(value)) for value in condition.values]
    # The key of the index begins with the issuer: whose eventIDs may be asked for is in the scope.
    return [
        Event.id.in_(select(EventKey.event_id).where(among(EventKey.event_key, keys))),
        shows("eventID", scope),
    ]


_COLUMNS: Final[dict[str, Any]] = {
    "eventType": _type,
    "eventTime": _time,
    "action": _action,
    "bizStep": _word(Event.biz_step, words.BIZ_STEPS),
    "disposition": _word(Event.disposition, words.DISPOSITIONS),
    "place": _place,
    "eventID": _event_id,
}


# -- record time ---------------------------------------------------------------------------------


def recorded(query: Query) -> list[ColumnElement[bool]]:
    """Bounds of record time as bounds of the log's index: entries are in order of time."""
    found: list[ColumnElement[bool]] = []
    for condition in query.of("recordTime"):
        index = first_index_at(cast("datetime", condition.values[0]))
        # `t` is in milliseconds: of a moment between two, the later one's entry is the first.
        found.append(LogEntry.index >= index if condition.test == "ge" else LogEntry.index <= index)
    return found


def earliest_id(query: Query) -> int | None:
    """A row below which no event can have happened as late as the query asks: what happened at a
    moment was recorded after it, or at most a clock's difference before (core.epcis.rules, rule 3),
    and rows are numbered as they are recorded. None where nothing can be said."""
    moments = [cast("datetime", c.values[0]) for c in query.of("eventTime", "ge")]
    if not moments:
        return None
    try:
        return row_before(max(moments) - CLOCK_TOLERANCE)
    except OverflowError:
        return None

"""A query as conditions on rows: what has a column or an index row narrows the candidates that
`core.epcis.query_matching` then judges on the documents.

The conditions let through a superset of the answers, and nothing that the caller may not see
(`epcis_queries_scope`): the number of candidates tells no more than the answers do. What stands
only inside documents is judged on the documents.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, cast

import orjson
from sqlalchemy import ColumnElement, and_, bindparam, false, func, or_, select

from trace.core.epcis import vocabulary as words
from trace.core.epcis.query import ANYTHING, Condition, Pattern, Query, QueryTooComplex
from trace.core.epcis.rules import CLOCK_TOLERANCE
from trace.core.epcis.vocabulary import WordList
from trace.extensions import db
from trace.models import Event, EventKey, LogEntry, Thing
from trace.models.events import ROLES, TYPES
from trace.services.capture.prepare import event_key_digest
from trace.services.epcis_queries_scope import Scope, shows, told_things
from trace.services.sets import among

MAX_THINGS: Final = 1000  # that one pattern may stand for
# From the moment a capture calls its own to the numbering of its rows, amply.
LONGEST_CAPTURE: Final = timedelta(hours=1)
EVEN_TRIES: Final = 3  # what was recorded evenly is found by then
NEAR: Final = 512  # entries of the log more or less cost nothing beside another look-up
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
        before = max(moments) - CLOCK_TOLERANCE - LONGEST_CAPTURE
    except OverflowError:
        return None
    return _event_before(first_index_at(before, near=NEAR))


def id_before(index: int) -> int | None:
    """A row up to which no event stands in the log behind `index`: two captures at once may number
    their rows in one order and enter them in the other, but not an hour apart."""
    row = db.session.execute(_FROM, {"index": index}).one_or_none()
    if row is None or row.place != index:
        return None
    return _event_before(first_index_at(_time_of(row) - LONGEST_CAPTURE, near=NEAR))


def _event_before(index: int) -> int | None:
    row = db.session.execute(_EVENT_BEFORE, {"index": index}).one_or_none()
    return None if row is None else int(row.event_id)


def first_index_at(moment: datetime, *, near: int = 0) -> int:
    """The place of the first entry recorded at or after `moment`, the log's size where there is
    none yet; or a place at most `near` before it. Looks first where it were if times grew evenly,
    then halves what is left."""
    newest = db.session.execute(_NEWEST).one_or_none()
    oldest = db.session.execute(_FROM, {"index": 0}).one_or_none()
    if newest is None or oldest is None:
        return 0
    first, last = _time_of(oldest), _time_of(newest)
    # Entries below low lie before the moment, those from high on do not.
    low, high = 0, int(newest.place) + 1
    if last < moment:
        return high
    tries = 0
    while high - low > near:
        steps = [(low + high) // 2]
        if tries < EVEN_TRIES and first < moment < last:
            guess = low + int((moment - first) / (last - first) * (high - low))
            steps = [guess - NEAR // 2, guess + NEAR // 2]
        tries += 1
        for step in steps:
            if low == high:
                break
            middle = min(max(step, low), high - 1)
            row = db.session.execute(_FROM, {"index": middle}).one_or_none()
            told = last if row is None else _time_of(row)
            if told >= moment:
                high, last = middle, told
            else:
                low, first = middle + 1, told
    return low


def _time_of(row: Any) -> datetime:
    return datetime.fromisoformat(orjson.loads(row.entry)["t"])


def log_size() -> int:
    """One more than the place of the newest entry."""
    newest = db.session.execute(_NEWEST).one_or_none()
    return 0 if newest is None else int(newest.place) + 1


_PLACE: Final = select(LogEntry.index.label("place"), LogEntry.entry).limit(1)
_NEWEST: Final = _PLACE.order_by(LogEntry.index.desc())
_FROM: Final = _PLACE.where(LogEntry.index >= bindparam("index")).order_by(LogEntry.index)
_EVENT_BEFORE: Final = (
    select(LogEntry.event_id)
    .where(LogEntry.index < bindparam("index"), LogEntry.event_id.is_not(None))
    .order_by(LogEntry.index.desc())
    .limit(1)
)

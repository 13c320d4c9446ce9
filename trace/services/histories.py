"""From rows to facts: everything a history may be told from, in a fixed number of queries.

The closure is read from `event_things` by recursive queries: outputs to inputs, containers to
contents, units to their lots; then the containers that any of these ever lay in. Edges the public
may not see are not followed: an ancestor nobody disclosed stays undisclosed. What belongs to the
page is chosen afterwards, by `trace.core.history`, among the facts this module loads.

Queries are built once (`among_given`): building one takes longer than answering it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cache
from hashlib import sha256
from typing import Any, Final, cast
from uuid import UUID

import orjson
from sqlalchemy import Connection, Select, Table, and_, bindparam, case, or_, select
from sqlalchemy.orm import aliased

from trace.core.gs1 import canonical_uri, parse_identity
from trace.core.history import Fact, Standing, Use, ends_of, minutes_of
from trace.core.signing import JsonObject, b64url
from trace.core.statements import (
    thing_uris,
)
from trace.errors import TraceError
from trace.models import Event, EventKey, EventThing, Handover, Key, LogEntry, Organisation, Thing
from trace.models.events import PUBLIC, ROLES, TYPES
from trace.services.event_rows import EventRow, open_public, payload_of
from trace.services.sets import among_given, batched, given, is_sqlite
from trace.services.settings import current_settings
from trace.services.successors import SILENT, Voices, voices_of
from trace.services.vocabulary import bare_step

EPC, PARENT, CHILD, INPUT, OUTPUT = range(len(ROLES))
# A page is for people: beyond this many events the earliest are told, and that there are more.
MAX_EVENTS: Final = 4000
THING_LISTS: Final = frozenset(
    {
        "epcList",
        "quantityList",
        "childEPCs",
        "childQuantityList",
        "inputEPCList",
        "inputQuantityList",
        "outputEPCList",
        "outputQuantityList",
    }
)
COMPETENT: Final = frozenset({"authority", "platform"})
ACCREDITED: Final = frozenset({"laboratory", "certifier"})

_things = cast("Table", Thing.__table__)


@dataclass(frozen=True, slots=True)
class ThingRow:
    id: int
    identity: str
    kind: str
    lot_id: int | None
    product_id: int | None
    owner_id: int | None


@dataclass(slots=True)
class Loaded:
    """Everything around one thing. Facts know organisations by code and things by identity."""

    target: ThingRow
    facts: list[Fact]
    events: dict[str, EventRow]  # by statement
    things: dict[str, ThingRow]  # by identity
    organisations: dict[str, Organisation]  # by code
    standing: Standing
    voices: Voices = SILENT
    truncated: bool = False
    subjects: dict[str, JsonObject] = field(default_factory=dict)  # core members, by statement
    # (issuer's row, eventID) of the corrective events that are recorded, whatever they are about.
    arrived: set[tuple[int, str]] = field(default_factory=set)


def ancestors(connection: Connection, start: Collection[int]) -> set[int]:
    """`start` and everything upstream of it that the public may know of."""
    family = set(start)
    while True:
        family |= _walk(connection, family, ((OUTPUT, INPUT), (PARENT, CHILD)))
        lots = connection.execute(_lots(is_sqlite()), {"things": given(family)})
        found = {lot for (lot,) in lots} - family
        if not found:
            return family
        family |= found


@cache
def _lots(sqlite: bool) -> Select[*tuple[Any, ...]]:
    inside = among_given(_things.c.id, "things", sqlite=sqlite)
    return select(_things.c.lot_id).where(inside, _things.c.lot_id.is_not(None))


def containers(connection: Connection, start: Collection[int]) -> set[int]:
    """Everything `start` was ever packed in, and what that was packed in."""
    return _walk(connection, start, ((CHILD, PARENT),))


def contents(connection: Connection, start: Collection[int]) -> set[int]:
    """`start` and everything that was ever packed in it, however deep."""
    return _walk(connection, start, ((PARENT, CHILD),))


def _walk(
    connection: Connection, start: Collection[int], edges: tuple[tuple[int, int], ...]
) -> set[int]:
    return set(connection.execute(_walked(edges, is_sqlite()), {"start": given(start)}).scalars())


@cache
def _walked(edges: tuple[tuple[int, int], ...], sqlite: bool) -> Select[*tuple[Any, ...]]:
    here, there = aliased(EventThing), aliased(EventThing)
    begin = select(_things.c.id).where(among_given(_things.c.id, "start", sqlite=sqlite))
    walked = begin.cte("walked", recursive=True)
    ways = [and_(here.role == near, there.role == far) for near, far in edges]
    walked = walked.union(
        select(there.thing_id)
        .select_from(walked)
        .join(here, here.thing_id == walked.c.id)
        .join(there, there.event_id == here.event_id)
        .where(or_(*ways), here.visibility == PUBLIC, there.visibility == PUBLIC)
    )
    return select(walked.c.id)


def load(connection: Connection, thing_id: int) -> Loaded:
    """All facts around a thing, for the public. The thing must exist."""
    family = ancestors(connection, [thing_id])
    around = family | containers(connection, family)
    ids = _event_ids(connection, around, thing_id)
    events = _events(connection, ids[:MAX_EVENTS])
    uses, things = _uses(connection, [row.id for row, _ in events], around)
    organisations = _organisations(connection, events, things.values())
    codes = {row.id: row.code for row in organisations.values()}
    voices = voices_of((thing.owner_id for thing in things.values()), connection)
    by_id = {row.id: row for row in things.values()}
    loaded = Loaded(
        target=by_id[thing_id],
        facts=[],
        events={},
        things=things,
        organisations=organisations,
        standing=standing_of(things, by_id, organisations, codes, voices),
        voices=voices,
        truncated=len(ids) > MAX_EVENTS,
    )
    parties = _parties(connection, [row.id for row, _ in events])
    shown = _shown_elements(connection, [row for row, _ in events])
    for row, statement in events:
        subject = payload_of(row.jwt)["credentialSubject"]
        named = uses.get(row.id, ())
        if row.id in shown:
            named = tuple(use for use in named if (use.role, use.thing) in shown[row.id])
        loaded.facts.append(_fact(row, statement, subject, named, parties.get(row.id), codes))
        loaded.events[statement] = row
        loaded.subjects[statement] = subject
    loaded.facts = _with_event_ids(connection, loaded)
    return loaded


def disclosures_of_events(connection: Connection, ids: Collection[int]) -> dict[int, str]:
    """The stored disclosures of events, by row id."""
    rows = connection.execute(_disclosures(is_sqlite()), {"events": given(ids)})
    return {row.id: row.disclosures for row in rows}


@cache
def _disclosures(sqlite: bool) -> Select[*tuple[Any, ...]]:
    inside = among_given(Event.id, "events", sqlite=sqlite)
    return select(Event.id, Event.disclosures).where(inside)


def _shown_elements(
    connection: Connection, rows: Collection[EventRow]
) -> dict[int, set[tuple[str, str]]]:
    """For events that hide single elements of their lists of things: what they show."""
    hiding = {row.id: row for row in rows if _hides_elements(row.private)}
    if not hiding:
        return {}
    id_base = current_settings().id_base
    shown = {}
    for event_id, text in disclosures_of_events(connection, hiding).items():
        event = open_public(hiding[event_id], text).event
        shown[event_id] = {(role, canonical(uri, id_base)) for role, uri in thing_uris(event)}
    return shown


def _hides_elements(private: str) -> bool:
    return private != "[]" and any(
        path.partition("/")[0] in THING_LISTS and "/" in path for path in orjson.loads(private)
    )


def canonical(uri: str, id_base: str) -> str:
    """The identity text a URI means; a URI of no known scheme stands for itself."""
    try:
        identity = parse_identity(uri, id_base)
    except TraceError:
        return uri
    return uri if identity is None else canonical_uri(identity, id_base)


def _with_event_ids(connection: Connection, loaded: Loaded) -> list[Fact]:
    """Corrective events are named by their eventID, of which the index keeps a hash."""
    wanted = {
        b64url(sha256(event_id.encode()).digest()[:16]): event_id
        for fact in loaded.facts
        for event_id in fact.corrective
    }
    if not wanted:
        return loaded.facts
    found: dict[int, str] = {}
    for some in batched(sorted(wanted), 500):
        query = select(EventKey.event_key, EventKey.event_id, EventKey.issuer_id).where(
            EventKey.event_key.in_(some), EventKey.error_declaration.is_(False)
        )
        for key, row_id, issuer in connection.execute(query):
            found[row_id] = wanted[key]
            loaded.arrived.add((issuer, wanted[key]))
    return [
        replace(fact, event_id=found[loaded.events[fact.statement].id])
        if loaded.events[fact.statement].id in found
        else fact
        for fact in loaded.facts
    ]


def _event_ids(connection: Connection, around: Collection[int], thing_id: int) -> list[int]:
    """The events about these things, the earliest first; but before all others those by who made
    the thing and by authorities: nobody crowds them out by naming it a thousand times."""
    rows = connection.execute(
        _event_ids_query(is_sqlite()), {"around": given(around), "thing": thing_id}
    )
    return [row.event_id for row in rows]


@cache
def _event_ids_query(sqlite: bool) -> Select[*tuple[Any, ...]]:
    things, organisations = _things, cast("Table", Organisation.__table__)
    target = bindparam("thing", type_=things.c.id.type)
    lot = select(things.c.lot_id).where(things.c.id == target).scalar_subquery()
    makers = select(things.c.owner_id).where(or_(things.c.id == target, things.c.id == lot))
    competent = select(organisations.c.id).where(
        organisations.c.kind.in_(sorted(COMPETENT)), organisations.c.status == "confirmed"
    )
    last = case((Event.issuer_id.in_(makers), 0), (Event.issuer_id.in_(competent), 0), else_=1)
    return (
        select(EventThing.event_id, last.label("last"), Event.event_time)
        .join(Event, Event.id == EventThing.event_id)
        .where(among_given(EventThing.thing_id, "around", sqlite=sqlite))
        .distinct()
        .order_by("last", Event.event_time, EventThing.event_id)
        .limit(MAX_EVENTS + 1)
    )


def _events(connection: Connection, ids: Collection[int]) -> list[tuple[EventRow, str]]:
    rows: list[Any] = list(connection.execute(_events_query(is_sqlite()), {"events": given(ids)}))
    return [(EventRow(*row[:-1]), f"urn:uuid:{UUID(bytes=bytes(row[-1]))}") for row in rows]


@cache
def _events_query(sqlite: bool) -> Select[*tuple[Any, ...]]:
    return (
        select(
            Event.id,
            Event.issuer_id,
            Event.jwt,
            Event.read_point,
            Event.biz_location,
            Event.private,
            LogEntry.index,
            LogEntry.entry,
            Key.kid,
            Key.jwk,
            # Only an approved statement's entry holds `a` (formats, section 3).
            case((LogEntry.entry.like('%,"a":%'), "passkey"), else_=Key.custody),
            Key.active_from,
            Key.revoked_from,
            Event.statement_id,
        )
        .join(Key, Key.id == Event.key_id)
        .outerjoin(LogEntry, LogEntry.event_id == Event.id)
        .where(among_given(Event.id, "events", sqlite=sqlite))
    )


def _uses(
    connection: Connection, ids: Collection[int], around: Collection[int]
) -> tuple[dict[int, tuple[Use, ...]], dict[str, ThingRow]]:
    """What each event names, and everything named; `around` is among it even where no event names
    it (a lot of which only the units are named).

    Two queries: a history names the same few things again and again, each is read once.
    """
    named = connection.execute(_named(is_sqlite()), {"events": given(ids)}).all()
    wanted = {row.thing_id for row in named}.union(around)
    found = connection.execute(_things_query(is_sqlite()), {"things": given(wanted)})
    rows: list[Any] = list(found)
    by_id = {row.id: ThingRow(*row) for row in rows}
    uses: dict[int, list[Use]] = {}
    for event_id, thing_id, role, quantity, unit in named:
        use = Use(ROLES[role], by_id[thing_id].identity, quantity, unit or "")
        uses.setdefault(event_id, []).append(use)
    things = {thing.identity: thing for thing in by_id.values()}
    return {event_id: tuple(sorted(some, key=_by_name)) for event_id, some in uses.items()}, things


@cache
def _named(sqlite: bool) -> Select[*tuple[Any, ...]]:
    columns = cast("Table", EventThing.__table__).c
    return select(
        columns.event_id, columns.thing_id, columns.role, columns.quantity, columns.unit
    ).where(among_given(columns.event_id, "events", sqlite=sqlite), columns.visibility == PUBLIC)


@cache
def _things_query(sqlite: bool) -> Select[*tuple[Any, ...]]:
    return select(*_columns()).where(among_given(_things.c.id, "things", sqlite=sqlite))


def _by_name(use: Use) -> tuple[str, str]:
    return use.role, use.thing


def _columns() -> tuple[Any, ...]:
    columns = _things.c
    return (
        columns.id,
        columns.identity,
        columns.kind,
        columns.lot_id,
        columns.product_id,
        columns.owner_id,
    )


def _organisations(
    connection: Connection, events: Collection[tuple[EventRow, str]], things: Iterable[ThingRow]
) -> dict[str, Any]:
    wanted = {row.issuer_id for row, _ in events}
    wanted |= {thing.owner_id for thing in things if thing.owner_id is not None}
    rows = connection.execute(_organisations_query(is_sqlite()), {"wanted": given(wanted)})
    return {row.code: row for row in rows}


@cache
def _organisations_query(sqlite: bool) -> Select[*tuple[Any, ...]]:
    columns = cast("Table", Organisation.__table__).c
    return select(
        columns.id,
        columns.code,
        columns.gln,
        columns.name,
        columns.name_en,
        columns.kind,
        columns.status,
        columns.demonstration,
        columns.ward_code,
        columns.phone,
        columns.phone_public,
        columns.closed_at,
    ).where(among_given(columns.id, "wanted", sqlite=sqlite))


def standing_of(
    things: dict[str, ThingRow],
    by_id: dict[int, ThingRow],
    organisations: dict[str, Any],
    codes: dict[int, str],
    voices: Voices,
) -> Standing:
    confirmed = [o for o in organisations.values() if o.status == "confirmed"]
    return Standing(
        owners={
            identity: codes[thing.owner_id]
            for identity, thing in things.items()
            if thing.owner_id in codes
        },
        lot_of={
            identity: by_id[thing.lot_id].identity
            for identity, thing in things.items()
            if thing.lot_id in by_id
        },
        accredited=frozenset(o.code for o in confirmed if o.kind in ACCREDITED),
        authorities=frozenset(o.code for o in confirmed if o.kind in COMPETENT),
        successors={
            identity: spoken
            for identity, thing in things.items()
            if (spoken := _spoken_for(thing, voices, codes))
        },
    )


def _spoken_for(thing: ThingRow, voices: Voices, codes: dict[int, str]) -> dict[str, int]:
    found = voices.of(thing.owner_id, thing.id, thing.lot_id)
    return {codes[taker]: place for taker, place in found.items() if taker in codes}


def _parties(
    connection: Connection, ids: Collection[int]
) -> dict[int, tuple[str | None, str | None]]:
    rows = connection.execute(_parties_query(is_sqlite()), {"events": given(ids)})
    return {event_id: (gave, took) for event_id, gave, took in rows}


@cache
def _parties_query(sqlite: bool) -> Select[*tuple[Any, ...]]:
    giver, taker = aliased(Organisation), aliased(Organisation)
    return (
        select(Handover.event_id, giver.code, taker.code)
        .outerjoin(giver, giver.id == Handover.giver_id)
        .outerjoin(taker, taker.id == Handover.taker_id)
        .where(among_given(Handover.event_id, "events", sqlite=sqlite))
    )


def _fact(
    row: EventRow,
    statement: str,
    subject: JsonObject,
    uses: tuple[Use, ...],
    parties: tuple[str | None, str | None] | None,
    codes: dict[int, str],
) -> Fact:
    gave, took = parties or (None, None)
    declaration = subject.get("errorDeclaration")
    notice = subject.get("trace:notice")
    kind = notice.get("kind") if isinstance(notice, dict) else notice
    return Fact(
        statement=statement,
        issuer=codes[row.issuer_id],
        type=subject["type"],
        event_time=datetime.fromisoformat(subject["eventTime"]),
        uses=uses,
        step=bare_step(subject.get("bizStep")),
        action=subject.get("action"),
        index=row.index,
        record_time=_record_time(row.entry),
        offset=minutes_of(subject.get("eventTimeZoneOffset", "+00:00")),
        sources=frozenset({gave} if gave else ()),
        destinations=frozenset({took} if took else ()),
        declares_error=declaration is not None,
        corrects=subject.get("trace:corrects"),
        corrective=tuple((declaration or {}).get("correctiveEventIDs", ())),
        notice=kind,
        ends=ends_of(notice),
        members=frozenset(subject.get("trace:members", ())),
    )


def _record_time(entry: str | None) -> datetime | None:
    if entry is None:
        return None
    return datetime.fromisoformat(orjson.loads(entry)["t"])


__all__ = [
    "MAX_EVENTS",
    "TYPES",
    "Loaded",
    "ThingRow",
    "ancestors",
    "containers",
    "contents",
    "load",
    "minutes_of",
]

"""A thing's events as one organisation may read them: its own whole, others' as far as shown.

Whoever issued an event reads all of it; so does the other side of a handover. Everybody else reads
what the issuer left public. Nothing is hidden because it is wrong: what was corrected or voided
stays in its place, with what stands instead; `mended` says which errors were put right before the
goods went out, so that nobody else needs to read of them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import ColumnElement, and_, exists, or_, select

from trace.core.history import (
    Fact,
    Use,
    beyond_limits,
    declared_none_of,
    ends_of,
    find_marks,
    late_days,
    minutes_of,
    settle,
    spans,
    treatments_of,
)
from trace.core.history.corrections import Settled, in_time
from trace.core.statements import (
    EventEntry,
    Statement,
    disclosures_of,
    kept_texts,
    open_statement,
    parse_entry,
    present,
)
from trace.errors import NotFound, TraceError
from trace.extensions import db
from trace.models import Event, EventThing, Handover, Holding, LogEntry, Organisation, Thing
from trace.models.events import PUBLIC, ROLES, TYPES
from trace.services.actors import Actor
from trace.services.corrections import went_out
from trace.services.event_rows import with_event_id
from trace.services.records import JsonObject
from trace.services.sets import among
from trace.services.successors import made_by_or_for, predecessors, taken_from
from trace.services.vocabulary import bare_step, line_label

# A lot has tens of events, a cycle some hundreds; a stranger's lot may have any number.
LINE_LIMIT = 500


@dataclass(frozen=True, slots=True)
class Named:
    """A thing an event names, and how much of it."""

    role: str
    thing: Thing
    quantity: Decimal | None
    unit: str


@dataclass(frozen=True, slots=True)
class Declared:
    """The error declaration about a line: its row, who signed it, when, and its place in the log
    (None: not yet)."""

    event_id: int
    issuer: Organisation
    at: datetime
    index: int | None


@dataclass(frozen=True, slots=True)
class Line:
    """One event as its reader may see it.

    `document` lacks what is in `withheld`; `kept` are the paths that its issuer keeps from the
    public, whoever reads. `marks` are codes of `core.history.findings`.
    `replaced_by` are the row ids of what stands instead; `voided` when nothing does. `declared` is
    who declared the error and when; `mended` that it was before the first label and handover.
    """

    event_id: int
    statement_id: str
    issuer: Organisation
    document: JsonObject
    withheld: tuple[str, ...]
    event_time: datetime
    index: int | None
    record_time: datetime | None
    mine: bool
    things: tuple[Named, ...]
    kept: tuple[str, ...] = ()
    marks: tuple[str, ...] = ()
    late_days: int | None = None
    replaced_by: tuple[int, ...] = ()
    replaces: tuple[int, ...] = ()
    voided: bool = False
    declares_error: bool = False
    declared: Declared | None = None
    mended: bool = False

    @property
    def step(self) -> str:
        """The bare step ("harvesting"), "" where the event has none."""
        return bare_step(self.document.get("bizStep"))

    @property
    def label(self) -> str:
        """What people call it (a msgid)."""
        return line_label(self.document)

    @property
    def stands(self) -> bool:
        """Whether it is neither voided nor replaced."""
        return not (self.voided or self.replaced_by or self.declares_error)

    def named(self, *roles: str) -> list[Named]:
        """The things in any of these roles (all of them without one)."""
        return [named for named in self.things if not roles or named.role in roles]


def known_to(organisation_id: int) -> ColumnElement[bool]:
    """The things (a condition on Thing) that the organisation made or has, or about which it said
    or was told something."""
    named = (
        select(EventThing.event_id)
        .join(Event, Event.id == EventThing.event_id)
        .outerjoin(Handover, Handover.event_id == Event.id)
        .where(
            EventThing.thing_id == Thing.id,
            or_(
                Event.issuer_id == organisation_id,
                Handover.taker_id == organisation_id,
                Handover.giver_id == organisation_id,
            ),
        )
    )
    held = select(Holding.thing_id).where(
        Holding.thing_id == Thing.id, Holding.holder_id == organisation_id
    )
    return or_(made_by_or_for(organisation_id), exists(held), exists(named))


def visible(actor: Actor, thing_ids: Collection[int]) -> set[int]:
    """Those of the things that are known to the organisation."""
    query = select(Thing.id).where(
        among(Thing.id, sorted(set(thing_ids))), known_to(actor.organisation.id)
    )
    return set(db.session.scalars(query))


def may_see(actor: Actor, thing: Thing) -> bool:
    """Whether the thing is among those the organisation may open."""
    return thing.id in visible(actor, [thing.id])


def get_thing(actor: Actor, thing_id: int, *kinds: str) -> Thing:
    """A thing of one of these kinds that the organisation may see. Raises NotFound."""
    actor.check("read")
    thing = db.session.get(Thing, thing_id)
    if thing is None or (kinds and thing.kind not in kinds) or not may_see(actor, thing):
        raise NotFound
    return thing


def get_event(actor: Actor, event_id: int) -> Line:
    """One event of the organisation's own, or of a handover it is a side of, or about a thing it
    may see. Raises NotFound."""
    actor.check("read")
    row = db.session.get(Event, event_id)
    if row is None:
        raise NotFound
    if row.issuer_id != actor.organisation.id:
        things = db.session.scalars(
            select(Thing)
            .join(EventThing, EventThing.thing_id == Thing.id)
            .where(EventThing.event_id == event_id)
            .limit(20)
        )
        if not any(may_see(actor, thing) for thing in things):
            raise NotFound
    # What its issuer said about the same things: corrections among them, and what bears on marks.
    things_named = select(EventThing.thing_id).where(EventThing.event_id == event_id)
    related = db.session.scalars(
        select(EventThing.event_id)
        .join(Event, Event.id == EventThing.event_id)
        .where(EventThing.thing_id.in_(things_named), Event.issuer_id == row.issuer_id)
        .distinct()
        .order_by(EventThing.event_id.desc())
        .limit(LINE_LIMIT)
    )
    ids = {event_id, *related}
    found = [line for line in _marked(read_events(actor, ids)) if line.event_id == event_id]
    if not found:
        raise NotFound
    return found[0]


def timeline(actor: Actor, thing: Thing) -> list[Line]:
    """The thing's events, newest first, with marks from all the events that bear on it. What
    happened to a crate while the thing was in it happened to the thing."""
    own = _events_of([thing.id])
    lines = read_events(actor, own)
    crates = {
        named.thing.id
        for line in lines
        if any(child.thing.id == thing.id for child in line.named("child"))
        for named in line.named("parent")
    }
    cycles = {
        named.thing.id
        for line in lines
        for named in line.named("input")
        if named.thing.kind == "cycle" and named.thing.id != thing.id
    }
    around = _events_of(crates) - own
    lines += read_events(actor, around | (_events_of(cycles) - own))
    facts = {line.event_id: fact_of(line) for line in lines}
    stays = [stay for stay in spans(facts.values()) if stay.thing == thing.identity]
    shown = own | {
        event_id
        for event_id in around & facts.keys()
        if any(
            stay.holds(facts[event_id].event_time) and stay.container in facts[event_id].things()
            for stay in stays
        )
    }
    told = [line for line in _marked(lines, thing.id) if line.event_id in shown]
    return sorted(told, key=lambda line: (line.event_time, line.event_id), reverse=True)


def lines_that_made(actor: Actor, things: Collection[Thing]) -> list[Line]:
    """The events that brought any of the things into being and stand. An error declaration repeats
    what it is about, and is read with it."""
    makes = or_(
        EventThing.role == ROLES.index("output"),
        and_(EventThing.role == ROLES.index("epc"), Event.action == "ADD"),
    )
    ids = db.session.scalars(
        select(EventThing.event_id)
        .join(Event, Event.id == EventThing.event_id)
        .where(among(EventThing.thing_id, sorted(thing.id for thing in things)), makes)
        .distinct()
    )
    lines = read_events(actor, set(ids))
    live = {fact.statement for fact in settle(map(fact_of, lines)).live}
    return [line for line in lines if line.statement_id in live]


def _events_of(thing_ids: Collection[int]) -> set[int]:
    """The newest events that name any of the things."""
    if not thing_ids:
        return set()
    found = db.session.scalars(
        select(EventThing.event_id)
        .where(among(EventThing.thing_id, sorted(thing_ids)))
        .distinct()
        .order_by(EventThing.event_id.desc())
        .limit(LINE_LIMIT)
    )
    return set(found)


def read_events(
    actor: Actor, event_ids: Collection[int], *, whole: Collection[int] = ()
) -> list[Line]:
    """The events opened for this reader, in the order they were captured; none of another's that
    shows this reader nothing it is about. Those of `whole` are read whole, for a reason that the
    caller knows."""
    wanted = sorted(set(event_ids))
    if not wanted:
        return []
    rows = db.session.execute(
        select(Event, LogEntry.index, LogEntry.entry, Organisation)
        .join(Organisation, Organisation.id == Event.issuer_id)
        .outerjoin(LogEntry, LogEntry.event_id == Event.id)
        .where(among(Event.id, wanted))
        .order_by(Event.id)
    ).all()
    named: dict[int, list[tuple[int, Named]]] = {event_id: [] for event_id in wanted}
    for about, thing in db.session.execute(
        select(EventThing, Thing)
        .join(Thing, Thing.id == EventThing.thing_id)
        .where(among(EventThing.event_id, wanted))
        .order_by(EventThing.event_id, EventThing.role, Thing.identity)
    ):
        told = Named(ROLES[about.role], thing, about.quantity, about.unit or "")
        named[about.event_id].append((about.visibility, told))
    mine = actor.organisation.id
    sides = set(
        db.session.scalars(
            select(Handover.event_id).where(
                among(Handover.event_id, wanted),
                or_(Handover.giver_id == mine, Handover.taker_id == mine),
            )
        )
    )
    if any(row.issuer_id != mine for row, *_ in rows):
        sides |= _inherited(mine, rows, named)
    sides |= set(whole)
    return [
        _line(row, index, entry, issuer, named[row.id], mine=mine, side=row.id in sides)
        for row, index, entry, issuer in rows
        if row.issuer_id == mine or row.id in sides or not _hides_all(named[row.id])
    ]


def _hides_all(named: Sequence[tuple[int, Named]]) -> bool:
    """Whether an event shows others none of the things it names: then that it names them is nobody
    else's business either (an inspection under way, say)."""
    return bool(named) and all(seen != PUBLIC for seen, _ in named)


def _inherited(
    mine: int, rows: Iterable[Any], named: dict[int, list[tuple[int, Named]]]
) -> set[int]:
    """The events whose records were handed on to this organisation: all of the issuer's, or about
    nothing but things that were named."""
    whole, by_name = predecessors(mine), taken_from(mine)
    found = set()
    for row, *_ in rows:
        about = {one.thing.id for _, one in named[row.id]}
        if row.issuer_id in whole or (about and about <= by_name.get(row.issuer_id, set())):
            found.add(row.id)
    return found


def open_event(row: Event, withhold: Collection[str] = ()) -> tuple[JsonObject, tuple[str, ...]]:
    """The event in a statement without the members at these paths, and what is then withheld: also
    an eventID that is the hash of what is left out."""
    statement = Statement(row.jwt, disclosures_of(row.jwt, kept_texts(row.disclosures)))
    opened = open_statement(present(statement, with_event_id(statement, withhold)))
    return opened.event, opened.withheld


def recorded_at(entry: str | None) -> datetime | None:
    """When the log took an event up, by its entry; None while it has none."""
    if entry is None:
        return None
    parsed = parse_entry(entry.encode())
    return parsed.t if isinstance(parsed, EventEntry) else None


def _line(
    row: Event,
    index: int | None,
    entry: str | None,
    issuer: Organisation,
    named: Sequence[tuple[int, Named]],
    *,
    mine: int,
    side: bool,
) -> Line:
    all_of_it = row.issuer_id == mine or side
    document, withheld = open_event(row, () if all_of_it else orjson.loads(row.private))
    return Line(
        event_id=row.id,
        statement_id=f"urn:uuid:{UUID(bytes=bytes(row.statement_id))}",
        issuer=issuer,
        document=document,
        withheld=withheld,
        event_time=row.event_time,
        index=index,
        record_time=recorded_at(entry),
        mine=row.issuer_id == mine,
        things=tuple(one for seen, one in named if all_of_it or seen == PUBLIC),
        kept=tuple(orjson.loads(row.private)),
        declares_error="errorDeclaration" in document,
    )


def _marked(lines: Sequence[Line], page_of: int | None = None) -> list[Line]:
    """The lines with what history finds about them together."""
    facts = {line.statement_id: fact_of(line) for line in lines}
    settled = settle(facts.values())
    marks = find_marks(settled.live)
    rows = {line.statement_id: line.event_id for line in lines}
    past = settled.past_of
    voided = {fact.statement for fact in settled.voided}
    mended = _mended(settled, facts, rows, page_of)
    issuers = {line.event_id: line.issuer for line in lines}
    return [
        replace(
            line,
            marks=marks.get(line.statement_id, ()),
            late_days=late_days(facts[line.statement_id]),
            replaced_by=tuple(rows[one] for one in settled.replaced.get(line.statement_id, ())),
            replaces=tuple(rows[one] for one in past.get(line.statement_id, ())),
            voided=line.statement_id in voided,
            declared=_declared(settled.declared.get(line.statement_id), rows, issuers),
            mended=line.statement_id in mended,
        )
        for line in lines
    ]


def _mended(
    settled: Settled, facts: Mapping[str, Fact], rows: Mapping[str, int], page_of: int | None
) -> set[str]:
    """The statements in error that were mended before the goods went out."""
    about = settled.declared
    if not about:
        return set()
    out = went_out(
        db.session.connection(), {rows[one]: error for one, error in about.items()}, page_of
    )
    return {
        one
        for one, error in about.items()
        if in_time(facts[one], error, out[rows[one]])
        and (one in settled.replaced or not error.corrective)
    }


def _declared(
    error: Fact | None, rows: Mapping[str, int], issuers: Mapping[int, Organisation]
) -> Declared | None:
    if error is None:
        return None
    row = rows[error.statement]
    return Declared(row, issuers[row], error.record_time or error.event_time, error.index)


def fact_of(line: Line) -> Fact:
    """The line as history reads it."""
    document = line.document
    declaration: dict[str, Any] = document.get("errorDeclaration") or {}
    notice = document.get("trace:notice")
    return Fact(
        statement=line.statement_id,
        issuer=line.issuer.code,
        type=str(document.get("type", TYPES[0])),
        event_time=line.event_time,
        uses=tuple(
            Use(named.role, named.thing.identity, named.quantity, named.unit)
            for named in line.things
        ),
        step=line.step,
        action=document.get("action"),
        index=line.index,
        record_time=line.record_time,
        offset=minutes_of(document.get("eventTimeZoneOffset")),
        event_id=str(document.get("eventID", "")),
        sources=_parties(document.get("sourceList"), "source"),
        destinations=_parties(document.get("destinationList"), "destination"),
        declares_error=line.declares_error,
        corrects=document.get("trace:corrects"),
        corrective=tuple(declaration.get("correctiveEventIDs") or ()),
        notice=notice.get("kind") if isinstance(notice, dict) else notice,
        ends=ends_of(notice),
        treatments=treatments_of(document),
        declared_none=declared_none_of(document),
        beyond_limits=beyond_limits(document),
        members=frozenset(document),
        withheld=frozenset(line.withheld),
    )


def _parties(ends: object, member: str) -> frozenset[str]:
    """Codes of the owners named, so that they compare with issuers' codes."""
    listed = ends if isinstance(ends, list) else []
    return frozenset(
        str(end.get(member, "")).rpartition("/")[2]
        for end in listed
        if isinstance(end, dict) and str(end.get("type", "")).endswith("owning_party")
    )


class NotYours(TraceError):
    code = "not-yours"
    status = 403
    message = "Only the organisation that recorded this can correct it."


class AlreadyCorrected(TraceError):
    code = "already-corrected"
    status = 409
    message = "This was corrected before. Correct what stands instead."


def get_correctable(actor: Actor, event_id: int) -> Line:
    """An own event that stands. Raises NotFound, NotYours, AlreadyCorrected."""
    actor.check("record")
    line = get_event(actor, event_id)
    if not line.mine:
        raise NotYours
    if not line.stands:
        raise AlreadyCorrected
    return line

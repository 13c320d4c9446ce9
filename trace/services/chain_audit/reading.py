"""A chain as recorded: things, statements and whoever speaks in it, in a fixed number of queries
for each layer, private members too. Nearest layers first: what is too large is cut far away, and
that it was cut is told.

Upstream: outputs to inputs, containers to contents, units to their lots. Downstream, if asked: the
other way round. Beside them the crates in which any of it ever lay. Voided edges are followed as
well (formats, section 2).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property
from typing import Any, Final, cast
from uuid import UUID

from sqlalchemy import Table, or_, select

from trace.core.history import Fact, Settled, Use, fact_of, heard, settle
from trace.core.signing import JsonObject
from trace.core.statements import (
    Opened,
    Statement,
    disclosures_of,
    kept_texts,
    open_statement,
    present,
)
from trace.errors import NotFound, TraceError
from trace.extensions import db
from trace.models import EventThing, Handover, LogEntry, Organisation, Thing
from trace.models.events import ROLES
from trace.models.types import from_micro
from trace.services import histories
from trace.services.audits import stored_events
from trace.services.audits.rows import StoredEvent
from trace.services.sets import among
from trace.services.successors import voices_of

MOST_EVENTS: Final = 4000
MOST_THINGS: Final = 4000
MOST_UNIT_ENTRIES: Final = 20_000
_, PARENT, CHILD, INPUT, OUTPUT = range(len(ROLES))
UP: Final = ((OUTPUT, INPUT), (PARENT, CHILD))
DOWN: Final = ((INPUT, OUTPUT), (CHILD, PARENT))
AROUND: Final = ((CHILD, PARENT),)
_things = cast("Table", Thing.__table__)


@dataclass(frozen=True, slots=True)
class ThingRow:
    """A thing with its chain in the log."""

    id: int
    identity: str
    kind: str
    lot_id: int | None
    product_id: int | None
    owner_id: int | None
    salt: bytes | None
    head: int


@dataclass(slots=True)
class Walked:
    """Row ids by how they were reached, and the events that name any of them."""

    up: set[int]
    down: set[int] = field(default_factory=set)
    around: set[int] = field(default_factory=set)
    events: set[int] = field(default_factory=set)
    cut: bool = False

    @property
    def things(self) -> set[int]:
        """All of them."""
        return self.up | self.down | self.around


@dataclass
class Chain:
    """Everything that is judged. `documents` are events as their statements show them, by row id;
    `opened` those of them whose signature and disclosures hold (filled by the proof)."""

    target: ThingRow
    things: dict[int, ThingRow]
    family: frozenset[int]  # the target, what it came of, and if asked what came of it
    rows: list[StoredEvent]
    organisations: dict[int, Any]
    parties: dict[int, tuple[int | None, int | None]]
    descendants: bool
    truncated: bool
    documents: dict[int, JsonObject] = field(default_factory=dict)
    opened: dict[int, Opened] = field(default_factory=dict)

    @cached_property
    def by_id(self) -> dict[int, StoredEvent]:
        """Rows of events by their ids."""
        return {row.id: row for row in self.rows}

    @cached_property
    def by_identity(self) -> dict[str, ThingRow]:
        """Things by identity."""
        return {one.identity: one for one in self.things.values()}

    @cached_property
    def family_names(self) -> frozenset[str]:
        """Identities of the family."""
        return frozenset(self.things[one].identity for one in self.family if one in self.things)

    @cached_property
    def statements(self) -> dict[str, int]:
        """Statements' urn:uuid to row ids."""
        return {urn_of(row): row.id for row in self.rows}

    @cached_property
    def facts(self) -> list[Fact]:
        """Every statement that reads, as history sees it; parties by organisations' codes."""
        codes = {row.id: row.code for row in self.organisations.values()}
        return [
            self._fact(row, document, codes)
            for row in self.rows
            if (document := self.documents.get(row.id)) is not None and row.issuer_id in codes
        ]

    def _fact(self, row: StoredEvent, document: JsonObject, codes: dict[int, str]) -> Fact:
        gave, took = self.parties.get(row.id, (None, None))
        opened = self.opened.get(row.id)
        fact = fact_of(
            document,
            statement=urn_of(row),
            issuer=codes[row.issuer_id],
            event_time=row.event_time,
            uses=[
                Use(ROLES[role], identity, None if micro is None else from_micro(micro), unit or "")
                for role, identity, micro, unit, _ in sorted(row.things, key=lambda one: one[:2])
            ],
            index=row.place,
            record_time=_record_time(row.entry),
            withheld=opened.withheld if opened else (),
        )
        return replace(
            fact,
            sources=frozenset({codes[gave]} if gave in codes else ()),
            destinations=frozenset({codes[took]} if took in codes else ()),
        )

    @cached_property
    def heard(self) -> list[Fact]:
        """What those say who may speak of these goods (formats, section 7)."""
        codes = {row.id: row.code for row in self.organisations.values()}
        named = {
            one.identity: histories.ThingRow(
                one.id, one.identity, one.kind, one.lot_id, one.product_id, one.owner_id
            )
            for one in self.things.values()
        }
        by_id = {one.id: one for one in named.values()}
        voices = voices_of((one.owner_id for one in named.values()), db.session.connection())
        by_code = {row.code: row for row in self.organisations.values()}
        return heard(self.facts, histories.standing_of(named, by_id, by_code, codes, voices))

    @cached_property
    def settled(self) -> Settled:
        """The same after every correction."""
        return settle(self.heard)

    @property
    def live(self) -> tuple[Fact, ...]:
        """The facts that stand, oldest first."""
        return self.settled.live

    def row_of(self, fact: Fact) -> int:
        """The row id of a fact's statement."""
        return self.statements[fact.statement]

    def document_of(self, fact: Fact) -> JsonObject:
        """What a fact's statement shows."""
        return self.documents.get(self.statements[fact.statement], {})

    def rows_of(self, statements: Iterable[str]) -> list[int]:
        """Row ids of statements."""
        return [self.statements[one] for one in statements if one in self.statements]


def urn_of(row: StoredEvent) -> str:
    """The statement's urn:uuid."""
    return f"urn:uuid:{UUID(bytes=row.statement_id)}"


def _record_time(entry: str | None) -> datetime | None:
    text = (entry or "").partition('"t":"')[2][:24]
    try:
        return datetime.fromisoformat(text) if text else None
    except ValueError:  # an entry out of its form is named where the log is judged
        return None


def read_chain(
    thing_id: int,
    *,
    descendants: bool = False,
    most_events: int = MOST_EVENTS,
    most_things: int = MOST_THINGS,
) -> Chain:
    """The chain of a thing. Raises NotFound."""
    target = db.session.execute(select(_things.c.id).where(_things.c.id == thing_id)).first()
    if target is None:
        raise NotFound
    walked = _walk(thing_id, descendants, most_events, most_things)
    rows = stored_events(sorted(walked.events))
    named = {identity for row in rows for _, identity, *_ in row.things}
    things = _read_things(walked.things, named)
    organisations = _organisations(rows, things.values())
    return Chain(
        target=things[thing_id],
        things=things,
        family=frozenset(walked.up | walked.down),
        rows=rows,
        organisations=organisations,
        parties=_parties([row.id for row in rows]),
        descendants=descendants,
        truncated=walked.cut,
    )


def _walk(thing_id: int, descendants: bool, most_events: int, most_things: int) -> Walked:
    walked = Walked(up={thing_id}, down={thing_id} if descendants else set())
    kinds: dict[int, tuple[str, int | None]] = {}
    up, down, around = {thing_id}, set(walked.down), set[int]()
    while frontier := up | down | around:
        _learn(kinds, frontier)
        # A trade item is not goods: all that was ever sold of it is not one chain.
        items = {one for one in frontier if kinds.get(one, ("", None))[0] == "product"}
        up, down, around, frontier = (part - items for part in (up, down, around, frontier))
        walked.up -= items - {thing_id}
        walked.down -= items - {thing_id}
        edges = _edges(frontier, walked, most_events)
        lots = {lot for one in up | down if (lot := kinds.get(one, ("", None))[1]) is not None}
        next_up = _step(edges, up, UP) | lots
        small = {one for one in down if kinds.get(one, ("", None))[0] != "cycle"}
        next_down = _step(edges, down, DOWN) | _contents(edges, small) | _units(down)
        # A cycle's own harvests lie downstream of it, never of what was harvested.
        next_around = _step(edges, up | down | around, AROUND)
        up = next_up - walked.up
        down = next_down - walked.down
        around = next_around - walked.things - up - down
        walked.up |= up
        walked.down |= down
        walked.around |= around
        if len(walked.things) > most_things or walked.cut:
            walked.cut = True
            break
    return walked


Edges = dict[int, list[tuple[int, int]]]  # event: (role, thing)


def _edges(frontier: Collection[int], walked: Walked, most: int) -> Edges:
    """The events that name any of these, each with all that it names."""
    here = select(EventThing.event_id).where(among(EventThing.thing_id, sorted(frontier)))
    room = most - len(walked.events)
    found = set(db.session.scalars(here.distinct().order_by(EventThing.event_id).limit(most + 1)))
    new = sorted(found - walked.events)
    walked.cut = walked.cut or len(found) > most
    if len(new) > room:
        walked.cut = True
        new = new[: max(room, 0)]
    walked.events.update(new)
    edges: Edges = {}
    for event, role, thing in db.session.execute(
        select(EventThing.event_id, EventThing.role, EventThing.thing_id).where(
            among(EventThing.event_id, sorted(found & walked.events))
        )
    ):
        edges.setdefault(event, []).append((role, thing))
    return edges


def _step(edges: Edges, near: Collection[int], ways: Iterable[tuple[int, int]]) -> set[int]:
    found: set[int] = set()
    for named in edges.values():
        for here, there in ways:
            if any(role == here and thing in near for role, thing in named):
                found.update(thing for role, thing in named if role == there)
    return found


def _contents(edges: Edges, near: Collection[int]) -> set[int]:
    """Packages in containers that lie downstream; other lots in the same crate do not."""
    inside = _step(edges, near, ((PARENT, CHILD),))
    if not inside:
        return inside
    query = select(_things.c.id).where(
        among(_things.c.id, sorted(inside)), _things.c.kind.in_(("unit", "logistic"))
    )
    return set(db.session.scalars(query))


def _units(lots: Collection[int]) -> set[int]:
    if not lots:
        return set()
    query = select(_things.c.id).where(among(_things.c.lot_id, sorted(lots)))
    return set(db.session.scalars(query.limit(MOST_THINGS + 1)))


def _learn(kinds: dict[int, tuple[str, int | None]], things: Collection[int]) -> None:
    query = select(_things.c.id, _things.c.kind, _things.c.lot_id)
    wanted = sorted(set(things) - kinds.keys())
    for row in db.session.execute(query.where(among(_things.c.id, wanted))):
        kinds[row.id] = (row.kind, row.lot_id)


def _read_things(ids: Collection[int], named: Collection[str]) -> dict[int, ThingRow]:
    columns = _things.c
    query = select(
        columns.id,
        columns.identity,
        columns.kind,
        columns.lot_id,
        columns.product_id,
        columns.owner_id,
        columns.salt,
        columns.head,
    ).where(or_(among(columns.id, sorted(ids)), among(columns.identity, sorted(named))))
    return {
        row.id: ThingRow(*row[:6], None if row.salt is None else bytes(row.salt), row.head)
        for row in db.session.execute(query)
    }


def _organisations(rows: Iterable[StoredEvent], things: Iterable[ThingRow]) -> dict[int, Any]:
    table = cast("Table", Organisation.__table__)
    wanted = {row.issuer_id for row in rows}
    wanted |= {one.owner_id for one in things if one.owner_id is not None}
    parties = select(Handover.giver_id, Handover.taker_id).where(
        among(Handover.event_id, sorted({row.id for row in rows}))
    )
    wanted |= {one for pair in db.session.execute(parties) for one in pair if one is not None}
    query = select(table).where(among(table.c.id, sorted(wanted)))
    return {row.id: row for row in db.session.execute(query)}


def _parties(ids: Collection[int]) -> dict[int, tuple[int | None, int | None]]:
    query = select(Handover.event_id, Handover.giver_id, Handover.taker_id)
    rows = db.session.execute(query.where(among(Handover.event_id, ids)))
    return {row.event_id: (row.giver_id, row.taker_id) for row in rows}


def open_unproven(row: StoredEvent) -> JsonObject | None:
    """What a statement says whose signature does not hold; None where it does not read."""
    try:
        texts = kept_texts(row.disclosures)
        statement = Statement(row.jwt, disclosures_of(row.jwt, texts))
        return open_statement(present(statement, ())).event
    except (TraceError, ValueError, TypeError, AttributeError, KeyError):
        return None


def unit_entries(lots: Collection[int], known: Collection[int]) -> list[tuple[int, str]] | None:
    """(place, entry) of events that name units of these lots, beyond those known; None where there
    are more than are read."""
    query = (
        select(LogEntry.index, LogEntry.entry, LogEntry.event_id)
        .where(
            LogEntry.event_id.in_(
                select(EventThing.event_id)
                .join(Thing, Thing.id == EventThing.thing_id)
                .where(among(Thing.lot_id, sorted(lots)))
            )
        )
        .limit(MOST_UNIT_ENTRIES + 1)
    )
    rows = db.session.execute(query).all()
    if len(rows) > MOST_UNIT_ENTRIES:
        return None
    inside = set(known)
    return [(place, entry) for place, entry, event in rows if event not in inside]

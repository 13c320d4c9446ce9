"""What a bundle is made of, read from the database: a fixed number of queries, whatever its size.

Places count through all origins; an origin's own index is its place less where it starts.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final
from uuid import UUID

import orjson
from sqlalchemy import and_, or_, select, union
from sqlalchemy.orm import aliased

from trace.core.tlog import Interiors, inclusion_proof
from trace.errors import TraceError
from trace.extensions import db
from trace.models import (
    Alert,
    Attachment,
    Erasure,
    Event,
    EventThing,
    Household,
    Key,
    LogEntry,
    LogTile,
    Organisation,
    Place,
    Thing,
)
from trace.models.events import ROLES
from trace.services.sequencer import LEVELS
from trace.services.sets import among, batched

# An entry with its path takes about a kilobyte: more than this cannot be a bundle of 20 MB.
MAX_ENTRIES: Final = 30_000
TILE: Final = 256


class BundleTooLarge(TraceError):
    code = "bundle-too-large"
    status = 413
    message = "The proof of this history would be larger than %(limit)s."
    next_step = "Read the log itself: flask --app wsgi trace log export, or /log/tile/entries/…"


class NoChain(TraceError):
    code = "no-chain"
    status = 404
    message = "There is no chain in the log for this: only lots, cycles, packages and their units."


@dataclass(frozen=True, slots=True)
class ThingRow:
    """A thing with its chain; `salt` is None where it has none of its own."""

    id: int
    identity: str
    lot_id: int | None
    salt: bytes | None
    head: int


@dataclass(frozen=True)
class StatementRow:
    """A stored statement with its place in the log."""

    id: int
    statement: str
    issuer_id: int
    jwt: str
    disclosures: str
    private: str
    read_point: str | None
    biz_location: str | None
    place: int
    entry: str


@dataclass(frozen=True)
class EntryRow:
    """A log entry verbatim. `event_id` is None where it is no statement's."""

    place: int
    entry: str
    event_id: int | None = None

    @cached_property
    def links(self) -> list[str]:
        links: list[str] = orjson.loads(self.entry).get("links", [])
        return links


_THING = (Thing.id, Thing.identity, Thing.lot_id, Thing.salt, Thing.head)
_STATEMENT = (
    Event.id,
    Event.statement_id,
    Event.issuer_id,
    Event.jwt,
    Event.disclosures,
    Event.private,
    Event.read_point,
    Event.biz_location,
    LogEntry.index,
    LogEntry.entry,
)


def chain_of(thing_id: int) -> ThingRow:
    """The thing whose chain tells of this one: itself, or a unit's lot. Raises NoChain."""
    rows = things_where(Thing.id == thing_id)
    if rows and rows[0].salt is None and rows[0].lot_id is not None:
        rows = things_where(Thing.id == rows[0].lot_id)
    if not rows or rows[0].salt is None:
        raise NoChain
    return rows[0]


def things_where(condition: Any) -> list[ThingRow]:
    """Things with their chains."""
    rows: list[Any] = list(db.session.execute(select(*_THING).where(condition)))
    return [ThingRow(*row) for row in rows]


def things_named(identities: Collection[str]) -> dict[str, ThingRow]:
    """Things by their identity texts."""
    return {row.identity: row for row in things_where(among(Thing.identity, sorted(identities)))}


def statements_by_uuid(urns: Iterable[str]) -> dict[str, StatementRow]:
    """Logged statements by their urn:uuid, and the error declarations about them."""
    found: dict[str, StatementRow] = {}
    raw = sorted(UUID(urn.removeprefix("urn:uuid:")).bytes for urn in set(urns))
    for some in batched(raw, 500):
        found |= _statements(or_(Event.statement_id.in_(some), Event.corrects.in_(some)))
    return found


def statements_by_id(ids: Collection[int]) -> dict[str, StatementRow]:
    """Logged statements by row id."""
    return _statements(among(Event.id, sorted(ids))) if ids else {}


def _statements(condition: Any) -> dict[str, StatementRow]:
    query = (
        select(*_STATEMENT)
        .join(LogEntry, LogEntry.event_id == Event.id)
        .where(condition)
        .limit(MAX_ENTRIES)
    )
    found = {}
    for row_id, raw, *rest in db.session.execute(query):
        urn = f"urn:uuid:{UUID(bytes=bytes(raw))}"
        found[urn] = StatementRow(row_id, urn, *rest)
    return found


def alerting(thing_ids: Collection[int]) -> set[int]:
    """Events that alert these things, and those that lifted such alerts."""
    rows = db.session.execute(
        select(Alert.event_id, Alert.lifted_by).where(among(Alert.thing_id, thing_ids))
    )
    return {event_id for row in rows for event_id in row if event_id is not None}


def edges_of(event_ids: Collection[int]) -> dict[int, list[tuple[str, str, str]]]:
    """For each event: (role, identity, identity of the lot of a unit or "") of what it names."""
    lot = aliased(Thing)
    query = (
        select(EventThing.event_id, EventThing.role, Thing.identity, lot.identity)
        .join(Thing, Thing.id == EventThing.thing_id)
        .outerjoin(lot, and_(lot.id == Thing.lot_id, Thing.salt.is_(None)))
        .where(among(EventThing.event_id, event_ids))
    )
    found: dict[int, list[tuple[str, str, str]]] = {}
    for event_id, role, identity, of in db.session.execute(query):
        found.setdefault(event_id, []).append((ROLES[role], identity, of or ""))
    return found


def entries_naming(thing_ids: Collection[int]) -> list[EntryRow]:
    """The entries of all events that name these things or units of theirs, in the log's order.

    Raises BundleTooLarge.
    """
    direct = select(EventThing.event_id).where(among(EventThing.thing_id, thing_ids))
    through = (
        select(EventThing.event_id)
        .join(Thing, Thing.id == EventThing.thing_id)
        .where(among(Thing.lot_id, thing_ids))
    )
    events = union(direct, through).subquery()
    query = (
        select(LogEntry.index, LogEntry.entry, LogEntry.event_id)
        .where(LogEntry.event_id.in_(select(events.c[0])))
        .order_by(LogEntry.index)
        .limit(MAX_ENTRIES + 1)
    )
    found = _entries(query)
    if len(found) > MAX_ENTRIES:
        raise BundleTooLarge(limit=f"{MAX_ENTRIES} entries")
    return found


def issued_by(organisation_id: int, event_ids: Collection[int]) -> set[int]:
    """Which of these events the organisation signed."""
    query = select(Event.id).where(
        among(Event.id, sorted(event_ids)), Event.issuer_id == organisation_id
    )
    return set(db.session.scalars(query))


def entries_at(places: Collection[int]) -> list[EntryRow]:
    """The entries at these places, in the log's order."""
    if not places:
        return []
    query = select(LogEntry.index, LogEntry.entry, LogEntry.event_id)
    return _entries(query.where(among(LogEntry.index, sorted(places))).order_by(LogEntry.index))


def _entries(query: Any) -> list[EntryRow]:
    return [EntryRow(*row) for row in db.session.execute(query)]


def key_places(codes: Collection[str]) -> dict[str, set[int]]:
    """By organisation's code: the places of all its key entries."""
    query = (
        select(Organisation.code, Key.active_from, Key.revoked_from)
        .join(Key, Key.organisation_id == Organisation.id)
        .where(among(Organisation.code, sorted(codes)))
    )
    found: dict[str, set[int]] = {}
    for code, *places in db.session.execute(query):
        found.setdefault(code, set()).update(place for place in places if place is not None)
    return found


def codes_of(organisation_ids: Collection[int]) -> dict[int, str]:
    """Organisations' codes by row id."""
    query = select(Organisation.id, Organisation.code).where(
        among(Organisation.id, sorted(organisation_ids))
    )
    return {row.id: row.code for row in db.session.execute(query)}


def erasure_places(event_ids: Collection[int]) -> set[int]:
    """Places of the erasure entries about these events."""
    query = select(Erasure.index).where(among(Erasure.event_id, sorted(event_ids)))
    return set(db.session.scalars(query))


@dataclass(frozen=True, slots=True)
class PublicWords:
    """What the public may be told of besides what issuers keep private: household codes that are
    registered, pictures that are public, places that are not."""

    households: frozenset[tuple[int, str]]
    pictures: frozenset[str]
    hidden_places: frozenset[str]


def public_words(rows: Collection[StatementRow]) -> PublicWords:
    """Three queries."""
    issuers = {row.issuer_id for row in rows}
    places = {place for row in rows for place in (row.read_point, row.biz_location) if place}
    households = db.session.execute(
        select(Household.organisation_id, Household.code).where(
            among(Household.organisation_id, issuers)
        )
    )
    pictures = db.session.scalars(
        select(Attachment.digest).where(
            among(Attachment.organisation_id, issuers), Attachment.public
        )
    )
    hidden = db.session.scalars(
        select(Place.identity).where(among(Place.identity, sorted(places)), ~Place.public)
    )
    return PublicWords(
        frozenset((row[0], row[1]) for row in households), frozenset(pictures), frozenset(hidden)
    )


class TilesAtOnce:
    """Every tile that paths of some indexes need, in one query (`TileStore`)."""

    def __init__(self, number: int, size: int, indexes: Collection[int]) -> None:
        shift = LEVELS * (number - 1)
        wanted: dict[int, set[int]] = {}
        level = 0
        while size >> (8 * level):
            edge = (size >> (8 * level)) // TILE
            wanted[level] = {index >> (8 * (level + 1)) for index in indexes} | {edge}
            level += 1
        rows = db.session.execute(
            select(LogTile.level, LogTile.index, LogTile.nodes).where(
                or_(
                    *(
                        and_(LogTile.level == level + shift, among(LogTile.index, sorted(some)))
                        for level, some in wanted.items()
                    )
                )
            )
        )
        self._tiles = {(level - shift, index): bytes(nodes) for level, index, nodes in rows}

    def read(self, level: int, index: int, width: int) -> bytes:
        """The first `width` hashes of a tile."""
        return self._tiles.get((level, index), b"")[: 32 * width]


def paths(
    number: int, size: int, indexes: Collection[int], interiors: Interiors
) -> Iterator[tuple[int, tuple[bytes, ...]]]:
    """(index, audit path to the log of `size`) for each index."""
    store = TilesAtOnce(number, size, indexes)
    for index in indexes:
        yield index, tuple(inclusion_proof(index, size, store, interiors))

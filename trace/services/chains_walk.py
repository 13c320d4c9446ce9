"""What lies up and down of a thing, with every event about it, read level by level: set-based.

1. Down: inputs to outputs; content to the container it lay in, and on from there only while it lay
   there; lots to their units. Up: outputs to inputs; units to their lot; a container to what lay
   in it when it was used up, and the container asked about to all that ever lay in it.
2. Events that were declared in error are followed as well (formats, section 2): whoever reads is
   told. The declarations themselves lead nowhere.
3. Containers that anything of this lay in come along, for the journeys they made with it.
4. A level is three queries however wide. Each thing is read once, so that circles end; beyond
   `most_things`, `most_events` or MOST_LEVELS reading stops and `more` says so.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

import orjson
from sqlalchemy import select

from trace.extensions import db
from trace.models import Event, EventThing, Key, LogEntry, Thing
from trace.models.events import PUBLIC, ROLES, TYPES
from trace.services.sets import among
from trace.services.vocabulary import bare_step

EPC, PARENT, CHILD, INPUT, OUTPUT = range(len(ROLES))
# The unit of an amount that is kept from the reader: its goods are out of his reach.
KEPT_FROM: Final = "?"
MOST_THINGS: Final = 4_000
MOST_EVENTS: Final = 8_000
MOST_LEVELS: Final = 60
NESTED: Final = 5  # crates on pallets in containers: deeper is a mistake or a loop
AGGREGATION: Final = TYPES.index("AggregationEvent")
CONTAINING: Final = frozenset({AGGREGATION, TYPES.index("AssociationEvent")})


@dataclass(frozen=True, slots=True)
class ThingFacts:
    """A row of `things`."""

    id: int
    identity: str
    kind: str
    lot_id: int | None
    product_id: int | None
    owner_id: int | None


@dataclass(frozen=True, slots=True)
class Use:
    """A thing an event names."""

    role: int
    thing: int
    quantity: Decimal | None
    unit: str
    visibility: int


@dataclass(slots=True)
class Told:
    """One event: who said what, when, and how it was signed. `custody` is server, passkey or own;
    `counted` whether the key was valid at the event's place in the log."""

    id: int
    statement: bytes
    type: int
    action: str | None
    step: str
    at: datetime
    issuer: int
    corrects: bytes | None
    notice: str | None
    disposition: str | None
    custody: str
    index: int | None
    recorded: datetime | None
    counted: bool
    uses: list[Use] = field(default_factory=list)

    def named(self, *roles: int) -> list[Use]:
        return [use for use in self.uses if use.role in roles]


@dataclass(frozen=True, slots=True)
class Stay:
    """`content` lay in a container from `begin` to `end` (None: still)."""

    content: int
    begin: datetime
    end: datetime | None
    quantity: Decimal | None
    unit: str

    def holds(self, moment: datetime) -> bool:
        return self.begin <= moment and (self.end is None or moment <= self.end)


@dataclass(slots=True)
class Walked:
    """What was read. `up` and `down` hold thing ids, the subject in both; `around` are containers
    that came along."""

    subject: frozenset[int]
    things: dict[int, ThingFacts] = field(default_factory=dict)
    events: dict[int, Told] = field(default_factory=dict)
    up: set[int] = field(default_factory=set)
    down: set[int] = field(default_factory=set)
    around: set[int] = field(default_factory=set)
    more: bool = False
    most_things: int = field(default_factory=lambda: MOST_THINGS)
    most_events: int = field(default_factory=lambda: MOST_EVENTS)
    levels: int = MOST_LEVELS
    about: dict[int, list[Told]] = field(default_factory=lambda: defaultdict(list))
    _read: set[int] = field(default_factory=set)
    _stays: dict[int, list[Stay]] = field(default_factory=dict)

    def stays(self, container: int) -> list[Stay]:
        """Who lay in a container that was read, when; the earliest first."""
        if container not in self._stays:
            self._stays[container] = _stays_in(container, self.about.get(container, ()))
        return self._stays[container]

    def read(self, things: Collection[int]) -> None:
        """Reads the events about these things, and what those name."""
        fresh = [thing for thing in things if thing not in self._read]
        if len(self._read) + len(fresh) > self.most_things:
            self.more = True
            fresh = fresh[: max(0, self.most_things - len(self._read))]
        if not fresh:
            return
        self._read |= set(fresh)
        named = select(EventThing.event_id).where(among(EventThing.thing_id, fresh))
        rows = db.session.execute(
            _EVENTS.where(Event.id.in_(named)).limit(self.most_events + 1)
        ).all()
        told = [_told(row) for row in rows if row.id not in self.events]
        room = self.most_events - len(self.events)
        self.more = self.more or len(told) > room
        self._take(told[:room], fresh)

    def read_event(self, event_id: int) -> Told | None:
        """One event with what it names, whatever it is about."""
        self.read_events([event_id])
        return self.events.get(event_id)

    def read_events(self, event_ids: Collection[int]) -> None:
        """Events with what they name, whatever they are about."""
        rows = db.session.execute(_EVENTS.where(among(Event.id, sorted(event_ids))))
        self._take([_told(row) for row in rows], ())

    def forget(self, events: Collection[int]) -> None:
        """Leaves out events that this reader is told nothing of."""
        for one in events:
            del self.events[one]
        for told in self.about.values() if events else ():
            told[:] = [one for one in told if one.id not in events]

    def withhold(self, event: int, things: Collection[int]) -> None:
        """Takes the amounts of these things out of what an event tells."""
        told = self.events[event]
        told.uses = [
            replace(use, quantity=Decimal(0), unit=KEPT_FROM)
            if use.thing in things
            and use.visibility != PUBLIC
            and (use.quantity is not None or self.things[use.thing].kind == "unit")
            else use
            for use in told.uses
        ]
        for use in told.named(PARENT):
            self._stays[use.thing] = [
                replace(stay, quantity=Decimal(0), unit=KEPT_FROM)
                if stay.content in things and stay.quantity is not None
                else stay
                for stay in self.stays(use.thing)
            ]

    def _take(self, told: list[Told], fresh: Collection[int]) -> None:
        self.events.update({one.id: one for one in told})
        for event, role, thing, quantity, unit, visibility in db.session.execute(
            _USES.where(among(EventThing.event_id, [one.id for one in told]))
        ):
            use = Use(role, thing, quantity, unit or "", visibility)
            self.events[event].uses.append(use)
        met = {use.thing for one in told for use in one.uses}
        self._know((met | set(fresh)) - set(self.things))
        for one in told:
            for thing in {use.thing for use in one.uses}:
                self.about[thing].append(one)
                self._stays.pop(thing, None)

    def _know(self, things: Collection[int]) -> None:
        if things:
            rows = db.session.execute(_THINGS.where(among(Thing.id, sorted(things))))
            self.things.update({row.id: ThingFacts(*row) for row in rows})

    def units_of(self, lots: Collection[int]) -> list[int]:
        """The units of these lots, as many as there is room for."""
        if not lots:
            return []
        room = self.most_things - len(self._read)
        rows = db.session.execute(
            _THINGS.where(among(Thing.lot_id, sorted(lots))).order_by(Thing.id).limit(room + 1)
        ).all()
        self.more = self.more or len(rows) > room
        self.things.update({row.id: ThingFacts(*row) for row in rows[:room]})
        return [row.id for row in rows[:room]]


_EVENTS = (
    select(
        Event.id,
        Event.statement_id,
        Event.type,
        Event.action,
        Event.biz_step,
        Event.event_time,
        Event.issuer_id,
        Event.corrects,
        Event.notice,
        Event.disposition,
        Key.custody,
        Key.active_from,
        Key.revoked_from,
        LogEntry.index,
        LogEntry.entry,
    )
    .join(Key, Key.id == Event.key_id)
    .outerjoin(LogEntry, LogEntry.event_id == Event.id)
)
_USES = select(
    EventThing.event_id,
    EventThing.role,
    EventThing.thing_id,
    EventThing.quantity,
    EventThing.unit,
    EventThing.visibility,
)
_THINGS = select(
    Thing.id, Thing.identity, Thing.kind, Thing.lot_id, Thing.product_id, Thing.owner_id
)


def _told(row: Any) -> Told:
    entry = orjson.loads(row.entry) if row.entry else {}
    index, since, until = row.index, row.active_from, row.revoked_from
    return Told(
        id=row.id,
        statement=bytes(row.statement_id),
        type=row.type,
        action=row.action,
        step=bare_step(row.biz_step),
        at=row.event_time,
        issuer=row.issuer_id,
        corrects=None if row.corrects is None else bytes(row.corrects),
        notice=row.notice,
        disposition=row.disposition,
        # Only an approved statement's entry holds `a` (formats, section 3).
        custody="passkey" if "a" in entry else row.custody,
        index=index,
        recorded=datetime.fromisoformat(entry["t"]) if "t" in entry else None,
        counted=index is not None
        and since is not None
        and since <= index
        and (until is None or index < until),
    )


def _stays_in(container: int, told: Iterable[Told]) -> list[Stay]:
    """DELETE without contents empties the container; packed twice, it stays from the first time."""
    lying: dict[int, Stay] = {}
    ended: list[Stay] = []
    for one in sorted(told, key=lambda one: (one.at, one.id)):
        if one.type not in CONTAINING or one.corrects is not None:
            continue
        if not any(use.thing == container for use in one.named(PARENT)):
            continue
        inside = one.named(CHILD)
        if one.action == "ADD":
            for use in inside:
                known = lying.get(use.thing)
                begin, amount = one.at, use.quantity
                if known is not None:
                    begin = known.begin
                    amount = (
                        (known.quantity or 0) + amount if amount is not None else known.quantity
                    )
                lying[use.thing] = Stay(use.thing, begin, None, amount, use.unit)
        elif one.action == "DELETE":
            for content in [use.thing for use in inside] or list(lying):
                if content in lying:
                    stay = lying.pop(content)
                    ended.append(Stay(content, stay.begin, one.at, stay.quantity, stay.unit))
    return sorted([*ended, *lying.values()], key=lambda stay: (stay.begin, stay.content))


def walk(
    subject: Collection[int],
    *,
    up: bool = True,
    down: bool = True,
    walked: Walked | None = None,
) -> Walked:
    """Everything around the subject. The things must exist. `walked` is a walk of one's own: with
    other limits, or one that keeps from its reader what is not his."""
    walked = walked or Walked(frozenset(subject))
    walked.read(sorted(subject))
    walked.up, walked.down = set(subject), set(subject)
    if up:
        _walk_up(walked)
    if down:
        _walk_down(walked)
    _walk_around(walked)
    return walked


def _walk_up(walked: Walked) -> None:
    # thing -> when it was used; None: at any time.
    frontier: dict[int, set[datetime | None]] = {one: {None} for one in sorted(walked.subject)}
    followed: dict[int, set[datetime | None]] = defaultdict(set)
    for _ in range(walked.levels):
        walked.read(list(frontier))
        found: dict[int, set[datetime | None]] = defaultdict(set)
        for thing, moments in frontier.items():
            followed[thing] |= moments
            for source, at in _sources(walked, thing, moments):
                found[source].add(at)
        frontier = {
            thing: fresh
            for thing, moments in found.items()
            if None not in followed[thing] and (fresh := moments - followed[thing])
        }
        walked.up |= set(frontier)
        if not frontier:
            return
    walked.more = walked.more or walked.levels == MOST_LEVELS


def _sources(
    walked: Walked, thing: int, moments: Collection[datetime | None]
) -> Iterator[tuple[int, datetime | None]]:
    """What a thing came of, and when that was used up."""
    facts = walked.things.get(thing)
    if facts is not None and facts.lot_id is not None:
        yield facts.lot_id, None
    for told in walked.about.get(thing, ()):
        if told.corrects is None and any(use.thing == thing for use in told.named(OUTPUT)):
            for use in told.named(INPUT):
                # A lot is looked at whole; only what lay in a container depends on when.
                lots = walked.things[use.thing].kind in ("lot", "cycle")
                yield use.thing, None if lots else told.at
    for stay in walked.stays(thing):
        if None in moments or any(at is not None and stay.holds(at) for at in moments):
            yield stay.content, None


Way = tuple[int, datetime] | None  # what a container is followed for, from when; None: all of it


def _walk_down(walked: Walked) -> None:
    frontier: dict[int, set[Way]] = {one: {None} for one in sorted(walked.subject)}
    followed: dict[int, set[Way]] = defaultdict(set)
    for _ in range(walked.levels):
        walked.read(list(frontier))
        found: dict[int, set[Way]] = defaultdict(set)
        for thing, ways in frontier.items():
            followed[thing] |= ways
            for other, way in _results(walked, thing, ways):
                found[other].add(way)
        lots = [t for t in frontier if t in walked.things and walked.things[t].kind == "lot"]
        for unit in walked.units_of(lots):
            found[unit].add(None)
        frontier = {
            thing: fresh
            for thing, ways in found.items()
            if None not in followed[thing] and (fresh := ways - followed[thing])
        }
        walked.down |= set(frontier)
        if not frontier:
            return
    walked.more = walked.more or walked.levels == MOST_LEVELS


def _results(walked: Walked, thing: int, ways: Collection[Way]) -> Iterator[tuple[int, Way]]:
    """What became of a thing, and what it was put in."""
    stays = _while(walked, thing, ways)
    for told in walked.about.get(thing, ()):
        if told.corrects is not None:
            continue
        if stays is not None and not any(stay.holds(told.at) for stay in stays):
            continue
        roles = {use.role for use in told.uses if use.thing == thing}
        if INPUT in roles:
            yield from ((use.thing, None) for use in told.named(OUTPUT))
        if CHILD in roles and told.action == "ADD":
            yield from ((use.thing, (thing, told.at)) for use in told.named(PARENT))
    if thing in walked.subject:
        for stay in walked.stays(thing):
            if walked.things[stay.content].kind in ("unit", "logistic"):
                yield stay.content, None


def _while(walked: Walked, thing: int, ways: Collection[Way]) -> list[Stay] | None:
    """When what is followed lay in a container; None where all of its life counts."""
    if None in ways:
        return None
    told = {way for way in ways if way is not None}
    return [
        stay
        for stay in walked.stays(thing)
        if any(stay.content == content and stay.holds(begin) for content, begin in told)
    ]


def _walk_around(walked: Walked) -> None:
    """The containers anything of this ever lay in, and what those lay in."""
    frontier = walked.up | walked.down
    for _ in range(NESTED):
        outer = {
            parent.thing
            for thing in frontier
            for told in walked.about.get(thing, ())
            if told.corrects is None
            and told.type in CONTAINING
            and any(use.thing == thing for use in told.named(CHILD))
            for parent in told.named(PARENT)
        }
        frontier = outer - walked.around - walked.up - walked.down
        if not frontier:
            return
        walked.around |= frontier
        walked.read(sorted(frontier))

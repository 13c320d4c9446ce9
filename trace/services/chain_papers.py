"""Events around a lot, up and down, as one reader may have them on paper.

1. A member of an organisation follows the edges it may see: those of its own events and of
   handovers it is a side of, and those that are public. Up it reads on to the origin, as anybody
   may, and of the lot itself what its maker says; down only what it said itself or was told: where
   others' goods went is their affair (formats, section 9).
2. An authority reads whole what is within its reach, but for amounts of goods that are not, and the
   public part of the rest; nothing of other authorities' open cases (services.chains).
3. What was declared in error and what declares it are left out: papers tell what stands. So is
   what became of an ancestor's other portions: it leads neither up nor down.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

import orjson
from sqlalchemy import or_, select

from trace.errors import NotFound, TraceError
from trace.extensions import db
from trace.models import Event, Handover, Thing
from trace.models.events import PUBLIC
from trace.services.actors import Actor
from trace.services.batches import address_of
from trace.services.chains import close
from trace.services.chains_cases import cases_of_others
from trace.services.chains_events import without_amounts
from trace.services.chains_walk import INPUT, KEPT_FROM, OUTPUT, Told, Walked, walk
from trace.services.jurisdictions import look, reach, scope_of
from trace.services.records import JsonObject
from trace.services.sets import among, batched
from trace.services.successors import predecessors
from trace.services.timelines import get_thing, open_event, read_events

KINDS: Final = ("lot", "unit", "logistic", "cycle")
MOST_EVENTS: Final = 20_000
MOST_THINGS: Final = 20_000
AT_ONCE: Final = 200  # events opened at a time: what bounds the memory


@dataclass(slots=True)
class _Followed(Walked):
    """A walk that keeps from its reader the things an event hides from him."""

    reader: int = 0
    whole: set[int] = field(default_factory=set)
    _before: frozenset[int] | None = None

    def _take(self, told: list[Told], fresh: Collection[int]) -> None:
        Walked._take(self, told, fresh)
        if self._before is None:
            self._before = frozenset(predecessors(self.reader))
        mine = {one.id for one in told if one.issuer in {self.reader, *self._before}}
        asked = sorted({one.id for one in told} - mine)
        mine |= set(
            db.session.scalars(
                select(Handover.event_id).where(
                    among(Handover.event_id, asked),
                    or_(Handover.giver_id == self.reader, Handover.taker_id == self.reader),
                )
            )
        )
        self.whole |= mine
        for one in told:
            if one.id in mine:
                continue
            hidden = {use.thing for use in one.uses if use.visibility != PUBLIC}
            one.uses = [use for use in one.uses if use.visibility == PUBLIC]
            for thing in hidden - {use.thing for use in one.uses}:
                self.about[thing] = [other for other in self.about[thing] if other is not one]


@dataclass(frozen=True, slots=True)
class Around:
    """What was found: the walk, the events that stand in the order they happened, and those read
    whole; `more` when there was more than fits."""

    actor: Actor
    thing: Thing
    walked: Walked
    order: list[int]
    whole: frozenset[int]

    @property
    def more(self) -> bool:
        return self.walked.more

    def side(self, thing_id: int) -> str:
        """`here` for the lot asked about, `up` for what it came from, `down` for what came of
        it."""
        if thing_id in self.walked.subject:
            return "here"
        return "up" if thing_id in self.walked.up else "down"


def around(actor: Actor, thing_id: int, *, up: bool = True, down: bool = True) -> Around:
    """The events around a thing. Raises NotFound for what the reader may not see."""
    if actor.organisation.kind == "authority":
        return _of_authority(actor, thing_id, up=up, down=down)
    thing = get_thing(actor, thing_id, *KINDS)
    followed = _Followed(
        frozenset([thing_id]),
        most_things=MOST_THINGS,
        most_events=MOST_EVENTS,
        reader=actor.organisation.id,
    )
    walk([thing_id], up=up, down=down, walked=followed)
    kept = [
        told
        for told in followed.events.values()
        if told.id in followed.whole or _leads_up(told, followed)
    ]
    return Around(actor, thing, followed, _standing(kept, followed), frozenset(followed.whole))


def _of_authority(actor: Actor, thing_id: int, *, up: bool, down: bool) -> Around:
    authority = scope_of(actor).authority
    thing = db.session.get(Thing, thing_id)
    if thing is None or thing.kind not in KINDS:
        raise NotFound
    walked = Walked(frozenset([thing_id]), most_things=MOST_THINGS, most_events=MOST_EVENTS)
    walk([thing_id], up=up, down=down, walked=walked)
    walked.forget(cases_of_others(authority, walked.events.values()))
    closed = close(walked, reach(actor, sorted(walked.things)))
    order = _standing(list(walked.events.values()), walked)
    return Around(actor, thing, walked, order, frozenset(walked.events) - closed)


def note_look(actor: Actor, thing: Thing, why: str, *, at: datetime) -> None:
    """Writes down that an authority takes papers of goods that are not its own (services.chains,
    rule 2). The caller commits."""
    if actor.organisation.kind == "authority" and reach(actor, [thing.id])[thing.id] != "own":
        look(actor, address_of(thing), why, at=at)


def _leads_up(told: Told, walked: Walked) -> bool:
    """Whether an event is of where the lot came from: of its ancestors, of its making, or what its
    maker says of it."""
    if told.named(INPUT, OUTPUT):
        return _made(told, walked.up)
    named = {use.thing for use in told.uses} & walked.up
    makers = {walked.things[one].owner_id for one in walked.subject}
    return bool(named - walked.subject) or (bool(named) and told.issuer in makers)


def _made(told: Told, things: Collection[int]) -> bool:
    return any(use.thing in things for use in told.named(OUTPUT))


def _sideways(told: Told, walked: Walked) -> bool:
    """Whether a transformation made something else of an ancestor than what is asked about."""
    if not told.named(INPUT, OUTPUT) or _made(told, walked.up):
        return False
    return not any(use.thing in walked.down for use in told.named(INPUT))


def _standing(kept: list[Told], walked: Walked) -> list[int]:
    declared = {
        (told.issuer, told.corrects) for told in walked.events.values() if told.corrects is not None
    }
    standing = [
        told
        for told in kept
        if told.corrects is None
        and told.uses
        and not _sideways(told, walked)
        and (told.issuer, told.statement) not in declared
    ]
    return [told.id for told in sorted(standing, key=lambda told: (told.at, told.id))]


def documents(found: Around) -> Iterator[tuple[Told, JsonObject]]:
    """Every event with what of it the reader may read, in the order they happened. What is no
    statement any more is passed over."""
    for some in batched(found.order, AT_ONCE):
        opened = open_some(found, some)
        for event_id in some:
            if event_id in opened:
                yield found.walked.events[event_id], opened[event_id]


def open_some(found: Around, some: Collection[int]) -> dict[int, JsonObject]:
    """These events as the reader may read them, by row."""
    if found.actor.organisation.kind != "authority":
        return {line.event_id: line.document for line in read_events(found.actor, some)}
    opened = {}
    for row in db.session.scalars(select(Event).where(among(Event.id, sorted(some)))):
        hidden = () if row.id in found.whole else orjson.loads(row.private)
        told = found.walked.events[row.id]
        try:
            document = open_event(row, hidden)[0]
        except TraceError:
            continue
        kept = {
            found.walked.things[use.thing].identity for use in told.uses if use.unit == KEPT_FROM
        }
        opened[row.id] = without_amounts(document, kept) if kept else document
    return opened

"""Notices (recall, hold, release, advice): whom they reach, and what later events inherit.

Alerts follow every edge downstream that its issuer may speak of (formats §7), voided events' edges
as well: neither a correction nor a void ever lifts an alert (formats §2; lifting them is
`releases`). What is computed before the log lock is completed under it, so that a recall and a
concurrent mixing cannot miss each other (formats §3).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final

from sqlalchemy import Select, func, or_, select
from sqlalchemy.orm import aliased

from trace.errors import NotAllowed
from trace.extensions import db
from trace.models import Alert, Event, EventThing, LogEntry, LogState, Organisation, Thing
from trace.services.actors import Actor
from trace.services.bulk import Row, insert_rows
from trace.services.capture.prepare import CHILD, EPC, INPUT, OUTPUT, PARENT, Prepared
from trace.services.capture.releases import ALERTING
from trace.services.descent import Reached, after, descendants
from trace.services.histories import contents
from trace.services.replicas import announce_notices
from trace.services.sets import among, among_given, given, is_sqlite
from trace.services.successors import voices_of

COLUMNS: Final = ("thing_id", "event_id", "source_id", "kind", "hazard", "mixed", "lifted_by")
MIXED: Final = COLUMNS.index("mixed")


def may_notify(issuer: Organisation, owner_id: int | None) -> bool:
    """Whether an organisation's notice about a thing reaches pages: its creator, or an authority
    that has been confirmed (formats §7). Whoever succeeded the creator is asked in `reach_of`."""
    if owner_id == issuer.id or issuer.kind == "platform":
        return True
    return issuer.kind == "authority" and issuer.status == "confirmed"


class NoticeByProgram(NotAllowed):
    code = "notice-by-program"
    message = "A program may not recall, hold, warn or release in an authority's name."
    next_step = "Sign it at the authority's desk: there its powers and a second person are asked."


def check_speaker(actor: Actor, prepared: Iterable[Prepared]) -> None:
    """An authority's notices reach goods of everybody's: a person decides, at its desk, by the
    powers and the number of signatures that are asked there (services.recalls). A token, which may
    be stolen or lent, records events only. Raises NoticeByProgram."""
    if actor.organisation.kind == "authority" and actor.role == "token":
        for event in prepared:
            if event.notice is not None:
                raise NoticeByProgram


@dataclass(frozen=True, slots=True)
class Walk:
    """What is downstream of some things, walked already in this transaction: as of a size of the
    log, what it reached, and from which of the things each came. Whoever thought a recall through
    before it is signed hands it on, so that it is not walked twice."""

    since: int
    start: frozenset[int]
    things: Reached
    sources: Mapping[int, int]


@dataclass(slots=True)
class Reach:
    """What a notice reaches: things, whether only through mixes, and which of the things it names
    each comes of. `new` are those whose alerts are still to be written."""

    things: Reached = field(default_factory=dict)
    sources: dict[int, int] = field(default_factory=dict)
    new: Reached = field(default_factory=dict)
    written: bool = False

    def name(self, things: Collection[int]) -> None:
        """These are named by the notice itself."""
        for thing in things:
            self.things[thing], self.sources[thing] = False, thing
        found = descendants(dict.fromkeys(things, False), spoken=True, sources=self.sources)
        self._take(found)

    def follow(self, walk: Walk) -> None:
        """The same of things whose closure is known."""
        self.sources |= walk.sources
        self._take(walk.things)

    def complete(self, events: Collection[int]) -> None:
        """What these events, newer than the closure, lead to."""
        self._take(after(self.things, events, self.sources))

    def _take(self, found: Reached) -> None:
        self.new |= found
        self.things |= found


@dataclass(frozen=True, slots=True)
class Foreseen:
    """The reach of each alerting notice (by its place in the capture) as of a size of the log."""

    since: int = 0
    reaches: Mapping[int, Reach] = field(default_factory=dict)


def foresee(
    issuer: Organisation, events: Sequence[Prepared], walks: Sequence[Walk] = ()
) -> Foreseen:
    """Everything downstream of what these notices name, read before anything is written: on SQLite
    others record meanwhile. What comes after is caught up with under the log lock. `walks` are
    closures that need not be walked again, where a notice speaks of exactly their things."""
    alerting = {
        place: event
        for place, event in enumerate(events)
        if event.notice in ALERTING and not event.error_declaration
    }
    if not alerting:
        return Foreseen()
    known = {walk.start: walk for walk in walks}
    since = min((log_size(), *(walk.since for walk in walks)))
    reaches = {}
    for place, event in alerting.items():
        reach = reaches[place] = Reach()
        named = _speaking(issuer, event, _known(event))
        walk = known.get(frozenset(named))
        if walk is None:
            reach.name(named)
        else:
            reach.follow(walk)
    return Foreseen(since, reaches)


def log_size() -> int:
    """How many entries the log has."""
    return db.session.scalar(select(func.max(LogState.size))) or 0


def _known(event: Prepared) -> dict[str, tuple[int, int | None]]:
    identities = {mention.name.identity for mention in event.things}
    rows = db.session.execute(
        select(Thing.identity, Thing.id, Thing.owner_id).where(
            among(Thing.identity, sorted(identities))
        )
    )
    return {identity: (thing, owner) for identity, thing, owner in rows}


def _speaking(
    issuer: Organisation, event: Prepared, ids: Mapping[str, tuple[int, int | None]]
) -> list[int]:
    """The things a notice names that exist and that its issuer may put words on; `ids` maps
    identities to (thing id, owner id)."""
    named = [
        ids[mention.name.identity]
        for mention in event.things
        if mention.role in (EPC, PARENT, CHILD, OUTPUT) and mention.name.identity in ids
    ]
    voices = voices_of({owner for _, owner in named if not may_notify(issuer, owner)})
    return [
        thing
        for thing, owner in dict.fromkeys(named)
        if may_notify(issuer, owner) or voices.speak(issuer.id, owner, thing, None)
    ]


def reach_of(
    issuer: Organisation,
    event: Prepared,
    ids: Mapping[str, tuple[int, int | None]],
    foreseen: Reach,
) -> Reach:
    """The reach with those things the notice names that came into being with it."""
    fresh = [one for one in _speaking(issuer, event, ids) if one not in foreseen.sources]
    if fresh:
        foreseen.name(fresh)
    return foreseen


def write_alerts(event: Prepared, event_id: int, reach: Reach) -> None:
    """Writes what was not written yet. Most of it before the log lock: nobody waits for that."""
    rows = [
        (thing, event_id, reach.sources[thing], event.notice, event.hazard, mixed, None)
        for thing, mixed in reach.new.items()
    ]
    if rows:
        announce_notices()
    if reach.written:
        _write(rows)
    else:  # a new notice has no alerts to meet: the quickest way in
        insert_rows("alerts", COLUMNS, rows)
    reach.new, reach.written = {}, True


def newer_events(since: int, own: Collection[int]) -> list[int]:
    """Under the log lock: events logged from a size of the log on, and those being recorded."""
    logged = select(LogEntry.event_id).where(
        LogEntry.index >= since, LogEntry.event_id.is_not(None)
    )
    return [*(row for row in db.session.scalars(logged) if row is not None), *own]


@lru_cache(maxsize=2)
def _standing(sqlite: bool) -> Select[Any]:
    return select(Alert).where(among_given(Alert.thing_id, "things", sqlite=sqlite))


def inherit_alerts(sources: Iterable[int]) -> set[int]:
    """Under the log lock: alerts standing on things that have just been used reach what came of
    them, however far that has travelled already. Returns the notices (event ids) that stand on
    them: whoever has the goods now must know."""
    standing = db.session.scalars(_standing(is_sqlite()), {"things": given(set(sources))})
    groups: dict[tuple[int, int], tuple[Alert, Reached]] = {}
    for alert in standing:
        _, start = groups.setdefault((alert.event_id, alert.source_id), (alert, {}))
        start[alert.thing_id] = alert.mixed
    _write(
        (
            thing,
            alert.event_id,
            alert.source_id,
            alert.kind,
            alert.hazard,
            mixed,
            alert.lifted_by,
        )
        for alert, start in groups.values()
        for thing, mixed in descendants(start, spoken=True).items()
        if _is_news(thing, mixed, start)
    )
    return {alert.event_id for alert, _ in groups.values() if alert.lifted_by is None}


def doubted_sources(moved: Collection[int]) -> set[int]:
    """Under the log lock: what others than the owners said to lie in the things moved here, or with
    them in something. Who holds a thing from now on may have spoken of it before: a packing may be
    recorded ahead of the receipt that makes it believed, and notices travel along it then."""
    here, there = aliased(EventThing), aliased(EventThing)
    boxes = contents(db.session.connection(), moved)
    query = (
        select(there.thing_id)
        .select_from(here)
        .join(there, there.event_id == here.event_id)
        .join(Event, Event.id == here.event_id)
        .join(Thing, Thing.id == here.thing_id)
        .where(
            among(here.thing_id, boxes),
            or_(
                (here.role == PARENT) & (there.role == CHILD),
                (here.role == CHILD) & (there.role == PARENT),
            ),
            Event.issuer_id != Thing.owner_id,
        )
        .distinct()
    )
    return set(db.session.scalars(query))


def sources_heard_now(owners: Collection[int]) -> set[int]:
    """Under the log lock: what bears a notice, and others than its maker said to have gone into
    something of these owners: whose word counts by more than events has just changed."""
    here, there = aliased(EventThing), aliased(EventThing)
    query = (
        select(here.thing_id)
        .join(there, there.event_id == here.event_id)
        .join(Event, Event.id == here.event_id)
        .join(Thing, Thing.id == there.thing_id)
        .join(Alert, Alert.thing_id == here.thing_id)
        .where(
            among(Thing.owner_id, owners),
            Event.issuer_id != Thing.owner_id,
            Alert.lifted_by.is_(None),
            or_(
                (here.role == INPUT) & (there.role == OUTPUT),
                (here.role == CHILD) & (there.role == PARENT),
                (here.role == PARENT) & (there.role == CHILD),
            ),
        )
        .distinct()
    )
    return set(db.session.scalars(query))


def _is_news(thing: int, mixed: bool, known: Reached) -> bool:
    """Whether a thing was not reached yet, or through mixes only ("may contain") and now surely."""
    return thing not in known or (known[thing] and not mixed)


def _write(rows: Iterable[Row]) -> None:
    """Rows of COLUMNS. "May contain" gives way to "is"; never the other way round."""
    wanted: dict[Any, Row] = {}
    for row in rows:
        known = wanted.get(row[:2])
        if known is None or (known[MIXED] and not row[MIXED]):
            wanted[row[:2]] = row
    if wanted:
        announce_notices()
    insert_rows(
        "alerts",
        COLUMNS,
        list(wanted.values()),
        "ON CONFLICT (thing_id, event_id) DO UPDATE SET mixed = excluded.mixed "
        "WHERE alerts.mixed AND NOT excluded.mixed",
    )


__all__ = [
    "Walk",
    "check_speaker",
    "descendants",
    "doubted_sources",
    "foresee",
    "inherit_alerts",
    "log_size",
    "may_notify",
    "newer_events",
    "reach_of",
    "sources_heard_now",
    "write_alerts",
]

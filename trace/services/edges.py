"""Whose word an edge is, and who had goods: a notice travels only along what somebody said who may
say it, and stamps are bound by who was given the goods.

That X went into Y is believed of whoever made Y, of whoever holds Y, and of a competent authority
(formats, section 7); anybody else could put a recall on a competitor's goods by naming them as made
from something of his own. That somebody has goods is believed where who had them sent them to him,
or to nobody by name. The judgement is that of pages (`core.history.speakers`), here on all that is
recorded, private members too.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import case, select

from trace.core.history import Fact, Standing, Use, heard, holders
from trace.extensions import db
from trace.models import Event, EventThing, Handover, LogEntry, Organisation, Thing
from trace.models.events import ROLES, TYPES
from trace.services.histories import ACCREDITED, COMPETENT
from trace.services.sets import among
from trace.services.successors import voices_of
from trace.services.vocabulary import bare_step

_, PARENT, CHILD, _, _ = range(len(ROLES))
# What is told of one thing and its containers; whoever buries a thing under more gets no hearing.
MOST = 4000


@dataclass(frozen=True, slots=True)
class Edge:
    """An event's word that `source` went into `target` (row ids)."""

    event: int
    source: int
    target: int


def believed(edges: Collection[Edge]) -> set[Edge]:
    """Those of the edges whose issuer may speak of the target. Asked only where the issuer is not
    the target's registered owner: rare, so each target is judged by itself."""
    found: set[Edge] = set()
    for target in {edge.target for edge in edges}:
        mine = [edge for edge in edges if edge.target == target]
        spoken = _heard_events(target)
        found.update(edge for edge in mine if edge.event in spoken)
    return found


def holders_of(things: Collection[int], most: int = MOST) -> dict[int, set[int]]:
    """The organisations that made or were ever given each thing, by row ids; judged by `most`
    events of all of them together."""
    if not things:
        return {}
    told = _told(_around(things), most)
    found = holders(told.facts, told.standing)
    return {thing: {int(one) for one in found.get(str(thing), ())} for thing in things}


def _heard_events(target: int) -> set[int]:
    """The events that may join the history of a thing, naming it as what others went into."""
    told = _told(_around([target]))
    name = str(target)
    return {
        told.rows[fact.statement]
        for fact in heard(told.facts, told.standing)
        # A declaration of an error repeats its event: that one is asked itself.
        if not fact.declares_error and name in fact.things("parent", "child", "output")
    }


@dataclass(frozen=True, slots=True)
class _Told:
    """Facts about some things, their events' row ids by statement, and who may say what."""

    facts: list[Fact]
    rows: dict[str, int]
    standing: Standing


def _told(around: Collection[int], most: int = MOST) -> _Told:
    """What is told of these things; beyond `most` events by their owners before all others."""
    owners = select(Thing.owner_id).where(among(Thing.id, around), Thing.owner_id.is_not(None))
    rows = db.session.execute(
        select(
            Event.id,
            Event.statement_id,
            Event.issuer_id,
            Event.type,
            Event.action,
            Event.event_time,
            Event.biz_step,
            Event.corrects,
            Event.notice,
            LogEntry.index.label("place"),
            Handover.taker_id,
        )
        .outerjoin(LogEntry, LogEntry.event_id == Event.id)
        .outerjoin(Handover, Handover.event_id == Event.id)
        .where(Event.id.in_(select(EventThing.event_id).where(among(EventThing.thing_id, around))))
        .order_by(case((Event.issuer_id.in_(owners), 0), else_=1), Event.id)
        .limit(most)
    ).all()
    uses = _uses([row.id for row in rows])
    facts = [
        Fact(
            statement=_urn(row.statement_id),
            issuer=str(row.issuer_id),
            type=TYPES[row.type],
            event_time=row.event_time,
            uses=uses.get(row.id, ()),
            step=bare_step(row.biz_step),
            action=row.action,
            index=row.place,
            destinations=frozenset({str(row.taker_id)} if row.taker_id else ()),
            declares_error=row.corrects is not None,
            corrects=None if row.corrects is None else _urn(row.corrects),
            notice=row.notice,
        )
        for row in rows
    ]
    return _Told(
        facts,
        {fact.statement: row.id for fact, row in zip(facts, rows, strict=True)},
        _standing(around, {row.issuer_id for row in rows}),
    )


def _urn(statement: bytes) -> str:
    return f"urn:uuid:{UUID(bytes=bytes(statement))}"


def _around(targets: Collection[int]) -> list[int]:
    """The things, their lots, and every container any of them was ever said to lie in."""
    lots = select(Thing.lot_id).where(among(Thing.id, targets), Thing.lot_id.is_not(None))
    found = {*targets, *db.session.scalars(lots)}
    frontier = set(found)
    while frontier and len(found) < MOST:
        inside = select(EventThing.event_id).where(
            among(EventThing.thing_id, sorted(frontier)), EventThing.role == CHILD
        )
        outer = select(EventThing.thing_id).where(
            EventThing.event_id.in_(inside), EventThing.role == PARENT
        )
        frontier = set(db.session.scalars(outer.limit(MOST))) - found
        found |= frontier
    return sorted(found)


def _uses(events: Collection[int]) -> dict[int, tuple[Use, ...]]:
    found: dict[int, list[Use]] = {}
    rows = db.session.execute(
        select(EventThing.event_id, EventThing.role, EventThing.thing_id).where(
            among(EventThing.event_id, events)
        )
    )
    for event, role, thing in rows:
        found.setdefault(event, []).append(Use(ROLES[role], str(thing)))
    return {event: tuple(some) for event, some in found.items()}


def _standing(around: Iterable[int], issuers: Collection[int]) -> Standing:
    owners: dict[str, str] = {}
    lots: dict[str, str] = {}
    rows = db.session.execute(
        select(Thing.id, Thing.owner_id, Thing.lot_id).where(among(Thing.id, around))
    ).all()
    voices = voices_of(row.owner_id for row in rows)
    for thing, owner, lot in rows:
        if owner is not None:
            owners[str(thing)] = str(owner)
        if lot is not None:
            lots[str(thing)] = str(lot)
    confirmed = db.session.execute(
        select(Organisation.id, Organisation.kind).where(
            among(Organisation.id, sorted(issuers)), Organisation.status == "confirmed"
        )
    ).all()
    return Standing(
        owners=owners,
        lot_of=lots,
        accredited={str(row.id) for row in confirmed if row.kind in ACCREDITED},
        authorities={str(row.id) for row in confirmed if row.kind in COMPETENT},
        successors={
            str(row.id): {str(taker): place for taker, place in found.items()}
            for row in rows
            if (found := voices.of(row.owner_id, row.id, row.lot_id))
        },
    )

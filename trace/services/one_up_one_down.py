"""One step up, one step down: from whom goods came and to whom they went (Regulation (EC) 178/2002,
article 18; Circular 02/2024/TT-BKHCN, first principle).

A line is what one side of a handover recorded: of goods received the supplier's name, address and
code, place and time, kind, weight and code of the goods; of goods delivered the recipient's. Own
records come first: where the organisation recorded nothing itself, what the other side said of it
stands, and says so. Keyset paging by the event's row; a page is a fixed number of queries.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, Final

from sqlalchemy import and_, exists, or_, select
from sqlalchemy.orm import aliased

from trace.extensions import db
from trace.models import Event, EventThing, Handover, Organisation
from trace.services.actors import Actor
from trace.services.batches import address_of, short_name
from trace.services.handovers import ARRIVING, LEAVING
from trace.services.paper_names import Names, ends, place_of
from trace.services.records import LOCAL_ZONE, JsonObject
from trace.services.timelines import Line, read_events
from trace.services.vocabulary import step, uom_name

PAGE: Final = 200  # events read at a time
UP, DOWN = "up", "down"
COLUMNS: Final = (
    *("direction", "time", "party", "party_code", "address", "place", "product", "lot"),
    *("lot_address", "quantity", "unit", "note", "answer", "stated_by"),
)


@dataclass(frozen=True, slots=True)
class Step:
    """One lot that came or went. `answer` is how the other side answered so far ("" waits, for
    goods that went); `stated_by` is "own", or "other" where only the other side recorded it."""

    event_id: int
    direction: str
    time: datetime
    party: str
    party_code: str
    address: str
    place: str
    product: str
    lot: str
    lot_address: str
    quantity: Decimal | None
    unit: str
    note: str
    answer: str
    stated_by: str

    def row(self) -> list[object]:
        """The cells by COLUMNS."""
        return [getattr(self, name) for name in COLUMNS]


@dataclass(frozen=True, slots=True)
class Span:
    """Which handovers: local days, both in it, and a thing (None: all)."""

    since: date | None = None
    until: date | None = None
    thing_id: int | None = None


def steps(actor: Actor, span: Span | None = None) -> Iterator[Step]:
    """All lines of the span, the earliest recorded first."""
    actor.check("read")
    after = 0
    while True:
        page = page_of(actor, span or Span(), after=after)
        if not page:
            return
        yield from page[1]
        after = page[0]


def page_of(
    actor: Actor, span: Span, *, after: int = 0, limit: int = PAGE
) -> tuple[int, list[Step]] | None:
    """(the last event's row, the lines) of the next events after a row; None when there are no
    more."""
    actor.check("read")
    rows = db.session.execute(_query(actor.organisation.id, span, after).limit(limit)).all()
    if not rows:
        return None
    lines = {line.event_id: line for line in read_events(actor, [row.event_id for row in rows])}
    names = Names(actor.organisation.id)
    names.learn((line.document for line in lines.values()), {row.issuer_id for row in rows})
    names.learn_issuers({one for row in rows for one in (row.giver_id, row.taker_id) if one})
    things = [named.thing for line in lines.values() for named in line.things]
    names.learn_products({thing.product_id for thing in things if thing.product_id})
    told = [
        one
        for row in rows
        if row.event_id in lines
        for one in _steps(actor, row, lines[row.event_id], names, span)
    ]
    return rows[-1].event_id, told


def _query(mine: int, span: Span, after: int) -> Any:
    other, other_event, declaration = aliased(Handover), aliased(Event), aliased(Event)
    handed = [step(word) for word in sorted(LEAVING | ARRIVING)]
    ours = or_(
        Event.issuer_id == mine,
        # What the other side said counts where we said nothing: neither under the same note, nor
        # of the same goods between the same two.
        and_(
            or_(Handover.giver_id == mine, Handover.taker_id == mine),
            Handover.answered_by.is_(None),
            ~exists()
            .where(other_event.id == other.event_id, other_event.issuer_id == mine)
            .where(or_(other.note == Handover.note, _same_goods(other))),
        ),
    )
    query = (
        select(
            Event.id.label("event_id"),
            Handover.giver_id,
            Handover.taker_id,
            Handover.note,
            Handover.state,
            Event.issuer_id,
        )
        # Goods that came without a code, from somebody who is not registered, have no row there.
        .outerjoin(Handover, Handover.event_id == Event.id)
        .where(Event.id > after, Event.biz_step.in_(handed), Event.corrects.is_(None), ours)
        .where(
            ~exists()
            .where(declaration.corrects == Event.statement_id)
            .where(declaration.issuer_id == Event.issuer_id)
        )
        .order_by(Event.id)
    )
    if span.thing_id is not None:
        named = select(EventThing.event_id).where(EventThing.thing_id == span.thing_id)
        query = query.where(Event.id.in_(named))
    if span.since is not None:
        query = query.where(Event.event_time >= _midnight(span.since))
    if span.until is not None:
        query = query.where(Event.event_time < _midnight(span.until + timedelta(days=1)))
    return query


def _same_goods(other: Any) -> Any:
    here, there = aliased(EventThing), aliased(EventThing)
    return and_(
        other.giver_id == Handover.giver_id,
        other.taker_id == Handover.taker_id,
        other.received != Handover.received,
        exists()
        .where(here.event_id == Handover.event_id, there.event_id == other.event_id)
        .where(here.thing_id == there.thing_id),
    )


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), LOCAL_ZONE)


def _steps(actor: Actor, row: Any, line: Line, names: Names, span: Span) -> Iterator[Step]:
    mine = actor.organisation.id
    if line.step not in LEAVING | ARRIVING:
        return
    coming = line.step in ARRIVING if row.issuer_id == mine else row.taker_id == mine
    other_id = row.giver_id if coming else row.taker_id
    member = "source" if coming else "destination"
    other = names.issuer(other_id) if other_id is not None else None
    party, code, address = _other(line.document, member, other, names)
    where = names.describe_place(place_of(line.document))
    for named in line.named("epc", "output", "child"):
        if span.thing_id is not None and named.thing.id != span.thing_id:
            continue
        yield Step(
            event_id=row.event_id,
            direction=UP if coming else DOWN,
            time=line.event_time,
            party=party,
            party_code=code,
            address=address,
            place=where,
            product=named.thing.product.name if named.thing.product else "",
            lot=short_name(named.thing.identity),
            lot_address=address_of(named.thing),
            quantity=named.quantity,
            unit=uom_name(named.unit),
            note=(row.note or "").rpartition("/")[2],
            answer=row.state or "",
            stated_by="own" if row.issuer_id == mine else "other",
        )


def _other(
    document: JsonObject, member: str, other: Organisation | None, names: Names
) -> tuple[str, str, str]:
    """(name, code, address) of the other side; what the taker says of a supplier without a code."""
    if other is not None:
        described = names.describe_organisation(other)
        return other.name, other.gln or other.code, described.partition(", ")[2]
    told = document.get("trace:externalSource")
    if member == "source" and isinstance(told, dict):
        return str(told.get("supplier", "")), str(told.get("code", "")), str(told.get("place", ""))
    named = ends(document, "owning_party", member)
    places = [names.describe_place(one) for one in ends(document, "location", member)]
    return "; ".join(names.describe_party(one) for one in named), "", "; ".join(places)

"""What an answer writes into the holder's own book: facts of the chain, signed by its organisation.

1. A holder that answers signed in says of a lot of its own how much is destroyed, returned or still
   held: that is an event about the lot (`destroying`; the house's return, a handover back to who
   gave it, of which the giver must account from then on; `holding` with the disposition
   `recalled`). Everything else, and what is answered by a link or a telephone, stays a row of the
   case: one side's word, unsigned.
2. Only what the book says is still there is written into it. What is more was recorded there
   before, or never came in: the answer counts, the book is left as it is. Nothing is taken twice.
3. Goods on which a hold stands end with a witness and a photo, and go back by their own page: no
   event is made of an answer about them. A rehearsal writes nothing.
4. A line is taken back by whoever gave it, together with its event (declared in error); an event
   that is declared in error in the book takes its line back at the next look (`settle`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from sqlalchemy import BigInteger, cast, select
from sqlalchemy.orm import aliased

from trace.extensions import db
from trace.models import (
    Alert,
    Event,
    EventKey,
    EventThing,
    Handover,
    Holding,
    Organisation,
    Recall,
    RecallAnswer,
    RecallHolder,
    RecallNotice,
    Thing,
)
from trace.models.types import from_micro
from trace.services import holds
from trace.services.actors import Actor
from trace.services.batches import address_of, organisation_address
from trace.services.capture.prepare import urn_of
from trace.services.recalls.reaching import EPC, NOT_TAKEN
from trace.services.records import Draw, Item, JsonObject, Record, declare_error, observed
from trace.services.sets import among
from trace.services.settings import current_settings
from trace.services.shipments import Parties, give_back
from trace.services.storage import destroy
from trace.services.timelines import get_correctable
from trace.services.vocabulary import Amount

BOOKED: Final = ("held", "returned", "destroyed")
# So many lots are asked about one by one; of more the amounts are told together.
MOST_LOTS: Final = 6
LEAVES: Final = ("returned", "destroyed")


@dataclass(frozen=True, slots=True)
class Lot:
    """A recalled lot of the holder's, and how much of it its book says is there."""

    thing: Thing
    unit: str
    there: Decimal


@dataclass(frozen=True, slots=True)
class Line:
    """What became of how much, of which lot where one was named."""

    fate: str
    unit: str
    quantity: Decimal
    note: str = ""
    thing_id: int | None = None


@dataclass(slots=True)
class Book:
    """The events that an answer makes, and for each line (by its place) its lot and eventID."""

    events: list[JsonObject]
    lines: dict[int, tuple[int, str]]


def lots_of(holder: RecallHolder, recall: Recall) -> list[Lot]:
    """The recalled lots in the holder's book, at most MOST_LOTS; none of a rehearsal (rule 3), of
    who has no account, or where there are more."""
    if recall.rehearsal or holder.organisation_id is None:
        return []
    notices = select(RecallNotice.event_id).where(RecallNotice.recall_id == recall.id)
    warned = (
        select(Alert.thing_id)
        .where(Alert.thing_id == Holding.thing_id, Alert.event_id.in_(notices))
        .exists()
    )
    rows = db.session.execute(
        select(Thing, Holding.unit, cast(Holding.quantity, BigInteger))
        .join(Holding, Holding.thing_id == Thing.id)
        .where(
            Holding.holder_id == holder.organisation_id,
            Thing.kind == "lot",
            cast(Holding.quantity, BigInteger) > 0,
            warned,
        )
        .order_by(Thing.id)
        .limit(MOST_LOTS + 1)
    ).all()
    if len(rows) > MOST_LOTS:
        return []
    return [Lot(thing, unit, from_micro(int(micro))) for thing, unit, micro in rows]


def write_up(
    actor: Actor,
    holder: RecallHolder,
    recall: Recall,
    lines: Iterable[tuple[int, Line]],
    draw: Draw,
    *,
    at: datetime,
) -> Book:
    """The events of these lines (rules 1 to 3)."""
    book = Book([], {})
    lots = {(one.thing.id, one.unit): one for one in lots_of(holder, recall)}
    left = {key: one.there for key, one in lots.items()}
    held = holds.held([one.thing.id for one in lots.values()])
    givers = _givers(actor.organisation.id, [one.thing.id for one in lots.values()])
    base = Record(
        id_base=current_settings().id_base,
        event_id="",
        event_time=at,
        recorded_by=organisation_address(actor.organisation),
        note=f"Trả lời thu hồi {recall.code[:5]}-{recall.code[5:]}",
    )
    for place, line in lines:
        key = (line.thing_id or 0, line.unit)
        if line.fate not in BOOKED or key not in lots or line.quantity > left[key]:
            continue
        thing = lots[key].thing
        if thing.id in held or (line.fate == "returned" and thing.id not in givers):
            continue
        record = base.another(draw.event_id())
        item = Item(address_of(thing), Amount(line.quantity, line.unit))
        book.events.append(_event(record, item, line.fate, actor, givers.get(thing.id)))
        book.lines[place] = (thing.id, record.event_id)
        if line.fate in LEAVES:
            left[key] -= line.quantity
    return book


def _event(
    record: Record, item: Item, fate: str, actor: Actor, giver: Organisation | None
) -> JsonObject:
    if fate == "destroyed":
        return destroy(record, [item])
    if fate == "returned" and giver is not None:
        ends = Parties(
            giver=organisation_address(actor.organisation), taker=organisation_address(giver)
        )
        return give_back(record, [item], ends, record.note)
    return observed(record, "holding", [item], disposition="recalled")


def _givers(taker_id: int, things: Collection[int]) -> dict[int, Organisation]:
    """Who gave each of these lots to this organisation, the newest receipt counts."""
    rows = db.session.execute(
        select(EventThing.thing_id, Organisation)
        .join(Handover, Handover.event_id == EventThing.event_id)
        .join(Organisation, Organisation.id == Handover.giver_id)
        .where(
            among(EventThing.thing_id, list(things)),
            EventThing.role == EPC,
            Handover.taker_id == taker_id,
            Handover.giver_id != taker_id,
            Handover.received,
            ~Handover.voided,
            Handover.state.not_in(NOT_TAKEN),
            Organisation.closed_at.is_(None),
        )
        .order_by(Handover.event_id)
    )
    return {row[0]: row[1] for row in rows}


# -- what stands in the book -----------------------------------------------------------------------


def states_of(answers: Sequence[RecallAnswer]) -> dict[int, str]:
    """Of the lines that made an event: `signed`; `waits` for its approval; `void`."""
    return {
        row.id: "void" if row.void else "signed" if row.event else "waits"
        for row in db.session.execute(
            _found().where(among(RecallAnswer.id, [one.id for one in answers]))
        )
    }


def signed_as(recall: Recall) -> dict[int, str]:
    """The statements of the case's signed lines, those declared in error left out."""
    rows = db.session.execute(_found().where(RecallHolder.recall_id == recall.id))
    events = {row.id: row.event for row in rows if row.event and not row.void}
    statements = {
        event: urn_of(bytes(statement))
        for event, statement in db.session.execute(
            select(Event.id, Event.statement_id).where(among(Event.id, sorted(events.values())))
        )
    }
    return {line: statements[event] for line, event in events.items()}


def left_by_answers(recall: Recall) -> dict[tuple[int, str], Decimal]:
    """By holder and unit: how much left the books by answers that stand there."""
    return _sums(recall, LEAVES)


def came_back(recall: Recall) -> dict[str, Decimal]:
    """By unit: what went back by signed answers; it is to be accounted for by who took it back."""
    found: dict[str, Decimal] = {}
    for (_, unit), quantity in _sums(recall, ("returned",)).items():
        found[unit] = found.get(unit, Decimal(0)) + quantity
    return found


def _sums(recall: Recall, fates: Sequence[str]) -> dict[tuple[int, str], Decimal]:
    found: dict[tuple[int, str], Decimal] = {}
    rows = db.session.execute(
        _found().where(RecallHolder.recall_id == recall.id, RecallAnswer.fate.in_(fates))
    )
    for row in rows:
        if row.event and not row.void:
            key = (row.holder_id, row.unit)
            found[key] = found.get(key, Decimal(0)) + row.quantity
    return found


def declared_in_error(recall: Recall) -> list[int]:
    """Lines whose event was declared in error in the book and that still count."""
    undone = select(RecallAnswer.undoes_id).where(RecallAnswer.undoes_id.is_not(None))
    rows = db.session.execute(
        _found().where(RecallHolder.recall_id == recall.id, RecallAnswer.id.not_in(undone))
    )
    return [row.id for row in rows if row.void]


def _found() -> Any:
    """Lines that made an event, with the event and the declaration that it was an error."""
    made, error = aliased(EventKey), aliased(EventKey)
    return (
        select(
            RecallAnswer.id,
            RecallAnswer.holder_id,
            RecallAnswer.unit,
            RecallAnswer.quantity,
            made.event_id.label("event"),
            error.event_id.label("void"),
        )
        .join(RecallHolder, RecallHolder.id == RecallAnswer.holder_id)
        .outerjoin(
            made,
            (made.issuer_id == RecallHolder.organisation_id)
            & (made.event_key == RecallAnswer.event_key)
            & made.error_declaration.is_(False),
        )
        .outerjoin(
            error,
            (error.issuer_id == RecallHolder.organisation_id)
            & (error.event_key == RecallAnswer.event_key)
            & error.error_declaration.is_(True),
        )
        .where(RecallAnswer.event_key.is_not(None), RecallAnswer.undoes_id.is_(None))
    )


def declaration(actor: Actor, row: RecallAnswer, *, at: datetime) -> JsonObject | None:
    """The declaration that a line's event was an error; None where there is none to declare."""
    found = db.session.execute(_found().where(RecallAnswer.id == row.id)).one_or_none()
    if found is None or not found.event or found.void:
        return None
    line = get_correctable(actor, found.event)
    return declare_error(
        line.document,
        line.statement_id,
        id_base=current_settings().id_base,
        at=at,
        reason="incorrect_data",
    )


__all__ = [
    "BOOKED",
    "LEAVES",
    "MOST_LOTS",
    "Book",
    "Line",
    "Lot",
    "came_back",
    "declaration",
    "declared_in_error",
    "left_by_answers",
    "lots_of",
    "signed_as",
    "states_of",
    "write_up",
]

"""Delivery notes: goods leave, arrive, are refused, come back; or came without a code."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from flask_babel import gettext

from trace.errors import NotFound
from trace.models import Handover
from trace.services import choices
from trace.services.actors import Actor
from trace.services.acts.common import Told, circumstances, items_of_rows, lot_amount, new_lot
from trace.services.acts.mending import void
from trace.services.answers import NothingLeft, Remaining, claim, remaining
from trace.services.batches import (
    address_of,
    find_things,
    new_note_address,
    organisation_address,
    short_name,
)
from trace.services.choices import NotOffered
from trace.services.handovers import (
    TAKEN,
    TO_COME_BACK,
    Shipment,
    ShipmentLine,
    get_handover,
    line_item,
    refused_lines,
    shipments,
)
from trace.services.records import Item, JsonObject
from trace.services.refusals import FieldMissing, NothingChosen
from trace.services.shipments import (
    External,
    Line,
    Parties,
    give_back,
    receive,
    receive_unrecorded,
    refuse,
    ship,
    take_back,
)
from trace.services.timelines import get_correctable


def send(actor: Actor, told: Told) -> list[JsonObject]:
    """Goods leave: what, to whom, when. Raises UnknownOrganisation, SeveralOrganisations."""
    base = circumstances(actor, told)
    taker = choices.find_organisation(actor, told["taker"])
    parties = Parties(
        giver=organisation_address(actor.organisation),
        taker=organisation_address(taker) if taker else "",
        from_place=base.place,
        note=new_note_address(told.draw),
    )
    items = items_of_rows(actor, told["lots"])
    return [ship(base, items, parties, market=told["market"])]


def to_receive(actor: Actor, event_id: int) -> Handover:
    """A note that names this organisation as who receives. Raises NotFound."""
    handover = get_handover(actor, event_id)
    if handover.received or handover.taker_id != actor.organisation.id:
        raise NotFound
    return handover


def take(actor: Actor, handover: Handover, told: Told) -> list[JsonObject]:
    """Everything came, or line by line with differences, or a part, or nothing was taken. Takes the
    note's row first: who answers second is told. Raises AlreadyAnswered, NoteCancelled,
    NothingLeft."""
    (shipment,) = shipments([handover])
    claim(shipment.event_id)
    # What came meanwhile by another receipt is counted under the lock.
    left = {one.thing_id: one for one in remaining(shipment)}
    base = circumstances(actor, told)
    parties = _parties(actor, handover, base.place)
    answer = told["answer"]
    if answer == "refused":
        if not told["refuse_reason"]:
            raise FieldMissing(path="refuse_reason")
        items = [
            line_item(line, address_of(line.identity), left[line.thing_id].amount)
            for line in shipment.lines
            if _open(line, left)
        ]
        return [refuse(base, items, parties, told["refuse_reason"])]
    clean = told.clean
    lines = everything(shipment, left) if answer == "all" else counted(shipment, left, clean)
    return receive(base, lines, parties, new_event_id=told.draw.event_id, answer=answer)


def _open(line: ShipmentLine, left: Mapping[int, Remaining]) -> bool:
    known = left.get(line.thing_id)
    return known is not None and (known.amount is None or known.amount.quantity > 0)


def everything(shipment: Shipment, left: Mapping[int, Remaining]) -> list[Line]:
    """All that has not come before. Raises NothingLeft."""
    found = []
    for line in shipment.lines:
        if _open(line, left):
            amount = left[line.thing_id].amount
            found.append(Line(line_item(line, address_of(line.identity), amount), amount))
    if not found:
        raise NothingLeft
    return found


def counted(
    shipment: Shipment, left: Mapping[int, Remaining], clean: Mapping[str, Any]
) -> list[Line]:
    """The lines as counted; a crate's line has no amount: it came or it did not. Raises NotOffered,
    NothingChosen."""
    more_to_come = clean["answer"] == "part"
    known = {line.thing_id: line for line in shipment.lines}
    found: list[Line] = []
    typed = set()
    for row in clean["lines"] or ():
        line = known.get(row["thing"])
        if line is None:
            raise NotOffered(path=f"lines-{row['row']}-quantity")
        typed.add(line.thing_id)
        amount = lot_amount(row)
        nothing = amount is not None and amount.quantity == 0
        if row["missing"] or line.thing_id not in left or (more_to_come and nothing):
            continue
        sent = left[line.thing_id].amount
        if amount is None and sent is not None:
            raise FieldMissing(path=f"lines-{row['row']}-quantity")
        item = line_item(line, address_of(line.identity), amount)
        found.append(Line(item, sent, row["reason"], open=more_to_come))
    found += [
        Line(line_item(line, address_of(line.identity), None))
        for line in shipment.lines
        if line.thing_id not in typed and line.amount is None and line.thing_id in left
    ]
    if not found:
        raise NothingChosen(path="lines-0-quantity")
    return _without_crates(shipment, clean, found) if not more_to_come else found


def _without_crates(shipment: Shipment, clean: Mapping[str, Any], found: list[Line]) -> list[Line]:
    """Crates that did not come are said on a line that did: nothing else can say so."""
    gone = {row["thing"] for row in clean["lines"] or () if row["missing"]}
    names = [short_name(line.identity) for line in shipment.lines if line.thing_id in gone]
    if not names:
        return found
    first = found[0]
    words = gettext("không đến: %(what)s", what=", ".join(names))
    reason = f"{first.reason}; {words}" if first.reason else str(words)
    return [Line(first.item, first.sent, reason), *found[1:]]


def _parties(actor: Actor, handover: Handover, place: str) -> Parties:
    return Parties(
        giver=organisation_address(handover.giver) if handover.giver else "",
        taker=organisation_address(actor.organisation),
        to_place=place,
        note=address_of(handover.note) if handover.note else "",
    )


# -- afterwards ------------------------------------------------------------------------------------


def to_return(actor: Actor, event_id: int) -> Handover:
    """A receipt whose goods may go back to who gave them. Raises NotFound."""
    handover = get_handover(actor, event_id)
    mine = handover.taker_id == actor.organisation.id
    if not mine or not handover.received or handover.voided or handover.giver is None:
        raise NotFound
    if handover.state not in TAKEN:
        raise NotFound
    return handover


def give(actor: Actor, handover: Handover, told: Told) -> list[JsonObject]:
    """Goods that were received go back to who gave them: a handover with a note of its own."""
    if handover.giver is None:
        raise NotFound
    (shipment,) = shipments([handover])
    base = circumstances(actor, told)
    parties = Parties(
        giver=organisation_address(actor.organisation),
        taker=organisation_address(handover.giver),
        from_place=base.place,
        note=new_note_address(told.draw),
    )
    items = _returned(actor, shipment, told.clean)
    return [give_back(base, items, parties, told["reason"])]


def _returned(actor: Actor, shipment: Shipment, clean: Mapping[str, Any]) -> list[Item]:
    known = {line.thing_id: line for line in shipment.lines}
    find_things(actor, list(known), "lot", "logistic")
    found = []
    for row in clean["lines"] or ():
        line = known.get(row["thing"])
        if line is None:
            raise NotOffered(path=f"lines-{row['row']}-quantity")
        amount = lot_amount(row)
        if row["missing"] or (amount is not None and amount.quantity == 0):
            continue
        found.append(line_item(line, address_of(line.identity), amount))
    typed = {row["thing"] for row in clean["lines"] or ()}
    found += [
        line_item(line, address_of(line.identity), None)
        for line in shipment.lines
        if line.thing_id not in typed and line.kind == "logistic"
    ]
    if not found:
        raise NothingChosen(path="lines-0-quantity")
    return found


def own_shipment(actor: Actor, event_id: int) -> Handover:
    """A note this organisation wrote. Raises NotFound."""
    handover = get_handover(actor, event_id)
    mine = handover.giver_id == actor.organisation.id == handover.event.issuer_id
    if handover.received or not mine:
        raise NotFound
    return handover


def to_come_back(actor: Actor, event_id: int) -> Handover:
    """A note of ours whose goods were refused and are still to come home. Raises NotFound."""
    handover = own_shipment(actor, event_id)
    if handover.state not in TO_COME_BACK:
        raise NotFound
    return handover


def bring_home(actor: Actor, handover: Handover, told: Told) -> list[JsonObject]:
    """Refused goods are in the giver's hands again."""
    base = circumstances(actor, told)
    parties = Parties(
        giver=organisation_address(actor.organisation),
        note=address_of(handover.note) if handover.note else "",
    )
    refused = refused_lines(handover.event_id)
    items = [line_item(one, address_of(one.identity), one.amount) for one in refused]
    return [take_back(base, items, parties)]


def cancel(actor: Actor, handover: Handover, reason: str, *, at: datetime) -> list[JsonObject]:
    """A note that nobody answered is declared void by who wrote it. Raises AlreadyAnswered."""
    line = get_correctable(actor, handover.event_id)
    claim(handover.event_id)
    return void(line, reason, at=at)


def take_unrecorded(actor: Actor, told: Told) -> list[JsonObject]:
    """Goods that came without a code become a lot of declared origin."""
    base = circumstances(actor, told)
    lot, facts = new_lot(told.clean, choices.get_product(actor, told["product"]), told.draw)
    source = External(
        supplier=told["supplier"],
        place=told["supplier_place"],
        date=told["bought"],
        code=told["foreign_code"],
    )
    parties = Parties(taker=organisation_address(actor.organisation), to_place=base.place)
    return [receive_unrecorded(base, lot, facts, source, parties)]

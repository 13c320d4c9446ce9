"""Answering a delivery note: everything came, line by line, a part of it, or refused. And what may
follow: refused goods are the giver's again, goods go back, a note nobody answered is cancelled."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from trace import clock
from trace.core.gs1 import Gs1Error, Identity, canonical_uri, check_code
from trace.errors import NotFound
from trace.models import Handover
from trace.schemas.batches import VoidSchema
from trace.schemas.handovers import BackSchema, ReceiveSchema, ReturnSchema
from trace.schemas.records import CircumstancesSchema
from trace.services.actors import Actor
from trace.services.answers import (
    AlreadyAnswered,
    NoteCancelled,
    NothingLeft,
    Remaining,
    claim,
    make_link,
    remaining,
)
from trace.services.batches import (
    address_of,
    find_things,
    new_note_address,
    organisation_address,
    short_name,
)
from trace.services.choices import NotOffered
from trace.services.corrections import REASONS
from trace.services.handovers import (
    PART,
    TAKEN,
    TO_COME_BACK,
    Shipment,
    ShipmentLine,
    answers_to,
    find_by_note,
    get_handover,
    line_item,
    refused_lines,
    shipments,
)
from trace.services.records import Item, JsonObject, declare_error
from trace.services.refusals import FieldMissing, NothingChosen
from trace.services.settings import current_settings
from trace.services.shipments import Line, Parties, give_back, receive, refuse, take_back
from trace.services.timelines import get_correctable
from trace.services.vocabulary import Amount
from trace.web.access import actor, needs
from trace.web.producer.recording import (
    RecordForm,
    circumstances,
    common_choices,
    lot_amount,
    plain,
    record,
    show_amount,
    unit_key,
)


def add_receipts(blueprint: Blueprint) -> None:
    """Puts these pages under the blueprint of shipments."""
    for rule, view in (
        ("/note/<code>/receive", take_by_note),
        ("/<int:event_id>/receive", take),
        ("/<int:event_id>/return", give),
        ("/<int:event_id>/back", back),
        ("/<int:event_id>/cancel", cancel),
    ):
        blueprint.add_url_rule(rule, view_func=view, methods=["GET", "POST"])
    blueprint.add_url_rule("/<int:event_id>/link", view_func=link, methods=["POST"])


def by_note(code: str) -> Handover | None:
    """The shipment a note's code opens for the reader."""
    return find_by_note(actor(), canonical_uri(Identity("n", code), current_settings().id_base))


@needs("record")
def take_by_note(code: str) -> ResponseReturnValue:
    """Whoever was handed the note answers it, also when it names nobody."""
    try:
        handover = by_note(check_code(code))
    except Gs1Error:
        raise NotFound from None
    if handover is None or handover.giver_id == actor().organisation.id:
        raise NotFound
    return _receipt(handover)


@needs("record")
def take(event_id: int) -> ResponseReturnValue:
    """Everything came, or line by line with differences, or a part, or nothing was taken."""
    handover = get_handover(actor(), event_id)
    if handover.received or handover.taker_id != actor().organisation.id:
        raise NotFound
    return _receipt(handover)


def _receipt(handover: Handover) -> ResponseReturnValue:
    (shipment,) = shipments([handover])
    if request.method == "GET" and (shipment.answered_by is not None or shipment.voided):
        return _closed(shipment)
    left = {one.thing_id: one for one in remaining(shipment)}
    form = RecordForm(ReceiveSchema(), {"answer": "all", **_line_start(shipment, left)})
    if form.sent:
        with form.attempt():
            clean = form.load()
            claim(shipment.event_id)
            # What came meanwhile by another receipt is counted under the lock.
            left = {one.thing_id: one for one in remaining(shipment)}
            events = _answer(form, shipment, left, clean, handover)
            record(form, events)
            return form.done(url_for("shipments.index", view="arrived"), _said(clean["answer"]))
    return form.page(
        "producer/shipments/receive.html",
        shipment=shipment,
        left=left,
        note=short_name(shipment.note) if shipment.note else "",
        short_name=short_name,
        begun=shipment.state in PART,
        **common_choices(),
    )


def _closed(shipment: Shipment) -> ResponseReturnValue:
    """The reader's own answer, or that somebody else gave one. Raises AlreadyAnswered."""
    if shipment.voided:
        raise NoteCancelled
    mine = [one for one in answers_to(shipment.event_id) if one.taker_id == actor().organisation.id]
    if not mine:
        raise AlreadyAnswered
    return redirect(url_for("shipments.show", event_id=mine[-1].event_id), 303)


def _said(answer: str) -> str:
    words = {
        "part": gettext("Đã ghi phần đã đến. Phiếu còn mở cho phần còn lại."),
        "refused": gettext("Đã ghi từ chối. Hàng vẫn là của bên giao."),
    }
    return words.get(answer) or str(gettext("Đã ghi nhận hàng."))


def _answer(
    form: RecordForm,
    shipment: Shipment,
    left: Mapping[int, Remaining],
    clean: Mapping[str, Any],
    handover: Handover,
) -> list[JsonObject]:
    answer, draw = clean["answer"], form.draw()
    base = circumstances(form, clean, draw)
    parties = _parties(handover, base.place)
    if answer == "refused":
        if not clean["refuse_reason"]:
            raise FieldMissing(path="refuse_reason")
        items = [
            line_item(line, address_of(line.identity), left[line.thing_id].amount)
            for line in shipment.lines
            if _open(line, left)
        ]
        return [refuse(base, items, parties, clean["refuse_reason"])]
    lines = everything(shipment, left) if answer == "all" else counted(shipment, left, clean)
    return receive(base, lines, parties, new_event_id=draw.event_id, answer=answer)


def _line_start(shipment: Shipment, left: Mapping[int, Remaining]) -> dict[str, object]:
    found: dict[str, object] = {}
    for number, line in enumerate(shipment.lines):
        found[f"lines-{number}-thing"] = line.thing_id
        known = left.get(line.thing_id)
        if known is not None and known.amount is not None:
            found[f"lines-{number}-quantity"] = plain(known.amount.quantity)
            found[f"lines-{number}-unit"] = unit_key(known.amount.uom)
    return found


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


def _parties(handover: Handover, place: str) -> Parties:
    return Parties(
        giver=organisation_address(handover.giver) if handover.giver else "",
        taker=organisation_address(actor().organisation),
        to_place=place,
        note=address_of(handover.note) if handover.note else "",
    )


# -- afterwards ------------------------------------------------------------------------------------


@needs("record")
def give(event_id: int) -> ResponseReturnValue:
    """Goods that were received go back to who gave them: a handover with a note of its own."""
    handover = get_handover(actor(), event_id)
    mine = handover.taker_id == actor().organisation.id
    if not mine or not handover.received or handover.voided or handover.giver is None:
        raise NotFound
    if handover.state not in TAKEN:
        raise NotFound
    (shipment,) = shipments([handover])
    left = {one.thing_id: Remaining(one.thing_id, one.amount, None) for one in shipment.lines}
    form = RecordForm(ReturnSchema(), _line_start(shipment, left))
    if form.sent:
        with form.attempt():
            clean, draw = form.load(), form.draw()
            base = circumstances(form, clean, draw)
            parties = Parties(
                giver=organisation_address(actor().organisation),
                taker=organisation_address(handover.giver),
                from_place=base.place,
                note=new_note_address(draw),
            )
            items = _returned(shipment, clean)
            captured = record(form, [give_back(base, items, parties, clean["reason"])])
            sent = get_handover(actor(), captured.events[0].event_id)
            make_link(actor(), sent, at=clock.now())
            address = url_for("shipments.show", event_id=sent.event_id)
            return form.done(address, gettext("Đã ghi trả hàng. Đưa phiếu cho người chở."))
    return form.page(
        "producer/shipments/return.html",
        shipment=shipment,
        short_name=short_name,
        **common_choices(),
    )


def _returned(shipment: Shipment, clean: Mapping[str, Any]) -> list[Item]:
    known = {line.thing_id: line for line in shipment.lines}
    find_things(actor(), list(known), "lot", "logistic")
    found = []
    for row in clean["lines"] or ():
        line = known.get(row["thing"])
        if line is None:
            raise NotOffered(path=f"lines-{row['row']}-quantity")
        amount: Amount | None = lot_amount(row)
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


def _own_shipment(actor_: Actor, event_id: int) -> Handover:
    handover = get_handover(actor_, event_id)
    mine = handover.giver_id == actor_.organisation.id == handover.event.issuer_id
    if handover.received or not mine:
        raise NotFound
    return handover


@needs("record")
def back(event_id: int) -> ResponseReturnValue:
    """Refused goods are in the giver's hands again."""
    handover = _own_shipment(actor(), event_id)
    if handover.state not in TO_COME_BACK:
        raise NotFound
    (shipment,) = shipments([handover])
    refused = refused_lines(event_id)
    form = RecordForm(BackSchema())
    if form.sent:
        with form.attempt():
            clean, draw = form.load(), form.draw()
            base = circumstances(form, clean, draw)
            parties = Parties(
                giver=organisation_address(actor().organisation),
                note=address_of(handover.note) if handover.note else "",
            )
            items = [line_item(one, address_of(one.identity), one.amount) for one in refused]
            record(form, [take_back(base, items, parties)])
            address = url_for("shipments.show", event_id=event_id)
            return form.done(address, gettext("Đã ghi hàng về."))
    return form.page(
        "producer/shipments/back.html",
        shipment=shipment,
        lines=refused,
        short_name=short_name,
        **common_choices(),
    )


@needs("record")
def cancel(event_id: int) -> ResponseReturnValue:
    """A note that nobody answered is declared void by who wrote it."""
    handover = _own_shipment(actor(), event_id)
    line = get_correctable(actor(), event_id)
    (shipment,) = shipments([handover])
    form = RecordForm(VoidSchema(), {"reason": "did_not_occur"})
    if form.sent:
        with form.attempt():
            reason = form.load()["reason"]
            claim(event_id)
            declared = declare_error(
                line.document,
                line.statement_id,
                id_base=current_settings().id_base,
                at=clock.now(),
                reason=reason,
            )
            record(form, [declared])
            address = url_for("shipments.index", view="outgoing")
            return form.done(address, gettext("Đã huỷ phiếu. Dòng ghi cũ vẫn xem được."))
    return form.page(
        "producer/shipments/cancel.html",
        shipment=shipment,
        note=short_name(shipment.note) if shipment.note else "",
        reasons=[(key, gettext(words)) for key, words in REASONS.items()],
        short_name=short_name,
        show_amount=show_amount,
        act=gettext("Huỷ phiếu này"),
        cancel=url_for("shipments.show", event_id=event_id),
        danger=True,
    )


@needs("record")
def link(event_id: int) -> ResponseReturnValue:
    """A fresh link for the paper; one that was lost ends."""
    handover = _own_shipment(actor(), event_id)
    form = RecordForm(CircumstancesSchema())
    make_link(actor(), handover, at=clock.now())
    address = url_for("shipments.show", event_id=event_id)
    return form.done(address, gettext("Đã tạo đường dẫn mới. Đường dẫn in trước đó hết dùng được."))

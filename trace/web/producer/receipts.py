"""Answering a delivery note: everything came, line by line, a part of it, or refused. And what may
follow: refused goods are the giver's again, goods go back, a note nobody answered is cancelled."""

from __future__ import annotations

from collections.abc import Mapping

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
from trace.services.acts import notes
from trace.services.answers import (
    AlreadyAnswered,
    NoteCancelled,
    Remaining,
    make_link,
    remaining,
)
from trace.services.batches import (
    short_name,
)
from trace.services.corrections import REASONS
from trace.services.handovers import (
    PART,
    Shipment,
    answers_to,
    find_by_note,
    get_handover,
    refused_lines,
    shipments,
)
from trace.services.settings import current_settings
from trace.services.timelines import get_correctable
from trace.web.access import actor, needs
from trace.web.producer.recording import (
    RecordForm,
    as_told,
    common_choices,
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
    return _receipt(notes.to_receive(actor(), event_id))


def _receipt(handover: Handover) -> ResponseReturnValue:
    (shipment,) = shipments([handover])
    if request.method == "GET" and (shipment.answered_by is not None or shipment.voided):
        return _closed(shipment)
    left = {one.thing_id: one for one in remaining(shipment)}
    form = RecordForm(ReceiveSchema(), {"answer": "all", **_line_start(shipment, left)})
    if form.sent:
        with form.attempt():
            clean = form.load()
            record(form, notes.take(actor(), handover, as_told(form, clean, form.draw())))
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


def _line_start(shipment: Shipment, left: Mapping[int, Remaining]) -> dict[str, object]:
    found: dict[str, object] = {}
    for number, line in enumerate(shipment.lines):
        found[f"lines-{number}-thing"] = line.thing_id
        known = left.get(line.thing_id)
        if known is not None and known.amount is not None:
            found[f"lines-{number}-quantity"] = plain(known.amount.quantity)
            found[f"lines-{number}-unit"] = unit_key(known.amount.uom)
    return found


# -- afterwards ------------------------------------------------------------------------------------


@needs("record")
def give(event_id: int) -> ResponseReturnValue:
    """Goods that were received go back to who gave them: a handover with a note of its own."""
    handover = notes.to_return(actor(), event_id)
    (shipment,) = shipments([handover])
    left = {one.thing_id: Remaining(one.thing_id, one.amount, None) for one in shipment.lines}
    form = RecordForm(ReturnSchema(), _line_start(shipment, left))
    if form.sent:
        with form.attempt():
            clean, draw = form.load(), form.draw()
            captured = record(form, notes.give(actor(), handover, as_told(form, clean, draw)))
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


@needs("record")
def back(event_id: int) -> ResponseReturnValue:
    """Refused goods are in the giver's hands again."""
    handover = notes.to_come_back(actor(), event_id)
    (shipment,) = shipments([handover])
    refused = refused_lines(event_id)
    form = RecordForm(BackSchema())
    if form.sent:
        with form.attempt():
            said = as_told(form, form.load(), form.draw())
            record(form, notes.bring_home(actor(), handover, said))
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
    handover = notes.own_shipment(actor(), event_id)
    get_correctable(actor(), event_id)
    (shipment,) = shipments([handover])
    form = RecordForm(VoidSchema(), {"reason": "did_not_occur"})
    if form.sent:
        with form.attempt():
            reason = form.load()["reason"]
            record(form, notes.cancel(actor(), handover, reason, at=clock.now()))
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
    handover = notes.own_shipment(actor(), event_id)
    form = RecordForm(CircumstancesSchema())
    make_link(actor(), handover, at=clock.now())
    address = url_for("shipments.show", event_id=event_id)
    return form.done(address, gettext("Đã tạo đường dẫn mới. Đường dẫn in trước đó hết dùng được."))

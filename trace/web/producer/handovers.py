"""Handovers: what is on its way here, what was sent, and both sides' words about it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from flask import Blueprint, Response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from sqlalchemy import Select

from trace.core.gs1 import Gs1Error, Identity, canonical_uri, check_code
from trace.core.labels import label_payload, qr_svg
from trace.errors import NotFound, TraceError
from trace.extensions import db
from trace.models import Handover, Organisation, Product
from trace.schemas.handovers import ExternalSchema, ReceiveSchema, ShipSchema
from trace.schemas.records import NothingChosen
from trace.services import choices
from trace.services.actors import Actor
from trace.services.batches import (
    address_of,
    list_things,
    new_note_address,
    organisation_address,
    short_name,
)
from trace.services.choices import NotOffered
from trace.services.handovers import (
    Shipment,
    arrived,
    find_by_note,
    get_handover,
    incoming,
    line_item,
    outgoing,
    shipments,
)
from trace.services.labels import printed_address
from trace.services.settings import current_settings
from trace.services.shipments import External, Line, Parties, receive, receive_unrecorded, ship
from trace.services.timelines import get_event
from trace.web.access import actor, needs
from trace.web.lists import Listing
from trace.web.problems import translated
from trace.web.producer.batches import start_rows
from trace.web.producer.processing import asked_things, items_of_rows
from trace.web.producer.recording import (
    RecordForm,
    batch_options,
    circumstances,
    common_choices,
    lot_amount,
    new_lot,
    plain,
    product_options,
    record,
    show_amount,
    unit_key,
)

blueprint = Blueprint("shipments", __name__, url_prefix="/producer/shipments")

LIST_LIMIT = 2000
Query = Callable[[Actor], Select[Handover]]
VIEWS: dict[str, Query] = {"incoming": incoming, "outgoing": outgoing, "arrived": arrived}


@blueprint.get("/")
def index() -> ResponseReturnValue:
    """On its way here; sent; received."""
    view = request.args.get("view", "incoming")
    if view not in VIEWS:
        raise NotFound
    return _list(view)


def _list(view: str, error: TraceError | None = None) -> ResponseReturnValue:
    rows = list(db.session.scalars(VIEWS[view](actor()).limit(LIST_LIMIT)))
    found = shipments(rows)
    listing = Listing(found, words=_words, filters={"view": lambda _: view})
    if listing.wants_csv:
        head = ["Phiếu giao", "Lúc", "Từ", "Đến", "Hàng", "Đã nhận"]
        return listing.csv("giao-nhan", [gettext(word) for word in head], _csv_line)
    page = render_template(
        "producer/shipments/index.html",
        listing=listing,
        error=translated(error) if error else "",
        failed=error is not None,
        typed=request.args.get("code", ""),
        view=view,
        note_name=lambda note: short_name(note) if note else "",
        goods=goods_words,
    )
    return page, 200 if error is None else error.status


class UnknownNote(TraceError):
    code = "unknown-note"
    status = 404
    message = "No delivery note with this code waits for you. Check the code with the sender."


def goods_words(shipment: Shipment) -> str:
    """ "Cải ngọt L2611 480 kg, …": what a row says of its goods."""
    words = [
        " ".join(
            part
            for part in (
                line.product.name if line.product else "",
                short_name(line.identity),
                show_amount(line.amount),
            )
            if part
        )
        for line in shipment.lines[:3]
    ]
    more = len(shipment.lines) - 3
    return ", ".join(words) + (gettext(" và %(count)s dòng nữa", count=more) if more > 0 else "")


def _words(shipment: Shipment) -> tuple[str, ...]:
    return (
        short_name(shipment.note) if shipment.note else "",
        shipment.giver.name if shipment.giver else "",
        shipment.taker.name if shipment.taker else "",
        goods_words(shipment),
    )


def _csv_line(shipment: Shipment) -> list[object]:
    return [
        short_name(shipment.note) if shipment.note else "",
        shipment.event_time,
        shipment.giver.name if shipment.giver else "",
        shipment.taker.name if shipment.taker else "",
        goods_words(shipment),
        shipment.answered_by is not None,
    ]


@blueprint.get("/<int:event_id>")
def show(event_id: int) -> ResponseReturnValue:
    """The delivery note, to be shown, printed or scanned at the other end."""
    handover = get_handover(actor(), event_id)
    (shipment,) = shipments([handover])
    return render_template(
        "producer/shipments/show.html",
        shipment=shipment,
        mine=handover.giver_id == actor().organisation.id,
        note=short_name(shipment.note) if shipment.note else "",
        public=printed_address(shipment.note) if shipment.note else "",
        short_name=short_name,
        show_amount=show_amount,
        received=handover.received,
    )


@blueprint.get("/<int:event_id>/code.svg")
def code(event_id: int) -> ResponseReturnValue:
    """The note's code, for the other side to scan."""
    handover = get_handover(actor(), event_id)
    if handover.note is None or not printed_address(handover.note):
        raise NotFound
    address = printed_address(handover.note)
    return Response(
        qr_svg(label_payload(address), title=address),
        content_type="image/svg+xml; charset=utf-8",
    )


@blueprint.route("/new", methods=["GET", "POST"])
@needs("record")
def send() -> ResponseReturnValue:
    """Goods leave: what, to whom, when."""
    form = RecordForm(ShipSchema(), start_rows(asked_things()))
    if form.sent and not form.more_rows:
        with form.attempt():
            clean, draw = form.load(), form.draw()
            base = circumstances(form, clean, draw)
            taker = choices.find_organisation(actor(), clean["taker"])
            parties = Parties(
                giver=organisation_address(actor().organisation),
                taker=organisation_address(taker) if taker else "",
                from_place=base.place,
                note=new_note_address(draw),
            )
            captured = record(form, [ship(base, items_of_rows(clean["lots"]), parties)])
            address = url_for("shipments.show", event_id=captured.events[0].event_id)
            return form.done(address, gettext("Đã ghi giao hàng. Đưa phiếu cho người chở."))
    lots = list_things(actor(), "lot", held_only=True)
    crates = list_things(actor(), "logistic")
    return form.page(
        "producer/shipments/send.html",
        lots=batch_options([*lots, *crates]),
        partners=_partner_words(choices.partners(actor())),
        **common_choices(),
    )


def _partner_words(partners: Sequence[Organisation]) -> list[str]:
    return [f"{partner.name} ({partner.code})" for partner in partners]


@blueprint.get("/note")
def find() -> ResponseReturnValue:
    """A note's code, typed or scanned, leads to its shipment."""
    text = request.args.get("code", "")
    try:
        code = check_code(text.rpartition("/")[2])
    except Gs1Error as error:
        return _list("incoming", error)
    handover = _by_note(code)
    if handover is None:
        return _list("incoming", UnknownNote())
    if handover.giver_id == actor().organisation.id:
        return redirect(url_for("shipments.show", event_id=handover.event_id), 303)
    return redirect(url_for("shipments.take_by_note", code=code), 303)


def _by_note(code: str) -> Handover | None:
    return find_by_note(actor(), canonical_uri(Identity("n", code), current_settings().id_base))


@blueprint.route("/note/<code>/receive", methods=["GET", "POST"])
@needs("record")
def take_by_note(code: str) -> ResponseReturnValue:
    """Whoever was handed the note answers it, also when it names nobody."""
    try:
        handover = _by_note(check_code(code))
    except Gs1Error:
        raise NotFound from None
    if handover is None or handover.giver_id == actor().organisation.id:
        raise NotFound
    return _receipt(handover)


@blueprint.route("/<int:event_id>/receive", methods=["GET", "POST"])
@needs("record")
def take(event_id: int) -> ResponseReturnValue:
    """Everything came, or line by line with differences."""
    handover = get_handover(actor(), event_id)
    if handover.received or handover.taker_id != actor().organisation.id:
        raise NotFound
    return _receipt(handover)


def _receipt(handover: Handover) -> ResponseReturnValue:
    (shipment,) = shipments([handover])
    form = RecordForm(ReceiveSchema(), {"answer": "all", **_line_start(shipment)})
    if form.sent:
        with form.attempt():
            clean, draw = form.load(), form.draw()
            base = circumstances(form, clean, draw)
            lines = _all(shipment) if clean["answer"] == "all" else _counted(shipment, clean)
            parties = _parties(handover, base.place)
            events = receive(base, lines, parties, new_event_id=draw.event_id)
            record(form, events)
            address = url_for("shipments.index", view="arrived")
            return form.done(address, gettext("Đã ghi nhận hàng."))
    return form.page(
        "producer/shipments/receive.html",
        shipment=shipment,
        note=short_name(shipment.note) if shipment.note else "",
        short_name=short_name,
        **common_choices(),
    )


def _line_start(shipment: Shipment) -> dict[str, object]:
    found: dict[str, object] = {}
    for number, line in enumerate(shipment.lines):
        found[f"lines-{number}-thing"] = line.thing_id
        if line.amount is not None:
            found[f"lines-{number}-quantity"] = plain(line.amount.quantity)
            found[f"lines-{number}-unit"] = unit_key(line.amount.uom)
    return found


def _all(shipment: Shipment) -> list[Line]:
    return [
        Line(line_item(line, address_of(line.identity), line.amount), line.amount)
        for line in shipment.lines
    ]


def _counted(shipment: Shipment, clean: Mapping[str, Any]) -> list[Line]:
    """The lines as counted; a crate's line has no amount. Raises NotOffered, NothingChosen."""
    known = {line.thing_id: line for line in shipment.lines}
    found = []
    for row in clean["lines"] or ():
        line = known.get(row["thing"])
        if line is None:
            raise NotOffered(path=f"lines-{row['row']}-quantity")
        amount = lot_amount(row)
        item = line_item(line, address_of(line.identity), amount)
        found.append(Line(item, line.amount, row["reason"]))
    # A crate that is there has no number to type: its line was not sent, and it came.
    counted = {row["thing"] for row in clean["lines"] or ()}
    found += [
        Line(line_item(line, address_of(line.identity), None))
        for line in shipment.lines
        if line.thing_id not in counted and line.amount is None
    ]
    if not found:
        raise NothingChosen(path="lines-0-quantity")
    return found


def _parties(handover: Handover, place: str) -> Parties:
    return Parties(
        giver=organisation_address(handover.giver) if handover.giver else "",
        taker=organisation_address(actor().organisation),
        to_place=place,
        note=address_of(handover.note) if handover.note else "",
    )


@blueprint.route("/receive", methods=["GET", "POST"])
@needs("record")
def take_unrecorded() -> ResponseReturnValue:
    """Goods that came without a code become a lot of declared origin."""
    form = RecordForm(ExternalSchema(), {"unit": "kg"})
    if form.sent:
        with form.attempt():
            clean, draw = form.load(), form.draw()
            base = circumstances(form, clean, draw)
            product: Product | None = choices.get_product(actor(), clean["product"])
            lot, facts = new_lot(clean, product, draw)
            source = External(
                supplier=clean["supplier"],
                place=clean["supplier_place"],
                date=clean["bought"],
                code=clean["foreign_code"],
            )
            parties = Parties(taker=organisation_address(actor().organisation), to_place=base.place)
            captured = record(form, [receive_unrecorded(base, lot, facts, source, parties)])
            made = get_event(actor(), captured.events[0].event_id).things[0].thing
            address = url_for("batches.show", thing_id=made.id)
            said = gettext("Đã ghi. Lô này mang dòng “nguồn do người nhận khai”.")
            return form.done(address, said)
    return form.page(
        "producer/shipments/unrecorded.html", products=product_options(), **common_choices()
    )

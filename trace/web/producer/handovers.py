"""Handovers: what is on its way here, what was sent, and both sides' words about it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from flask import Blueprint, Response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from sqlalchemy import Select, select

from trace import clock
from trace.core.gs1 import Gs1Error, check_code
from trace.core.labels import label_payload, qr_svg
from trace.errors import NotFound, TraceError
from trace.extensions import db
from trace.models import Handover, Organisation
from trace.schemas.handovers import ExternalSchema, ShipSchema
from trace.services import choices
from trace.services.actors import Actor
from trace.services.acts import notes
from trace.services.answers import bridged, find_link, make_link, remaining
from trace.services.batches import (
    short_name,
)
from trace.services.handovers import (
    TAKEN,
    TO_COME_BACK,
    Shipment,
    answers_to,
    arrived,
    get_handover,
    incoming,
    outgoing,
    shipments,
)
from trace.services.labels import printed_address
from trace.services.note_labels import code_of, link_address
from trace.services.sets import among
from trace.services.timelines import get_event
from trace.web.access import actor, needs
from trace.web.forms import Form
from trace.web.lists import Listing
from trace.web.problems import translated
from trace.web.producer.batches import start_rows
from trace.web.producer.consignments import consignment_of_event, consignment_of_form
from trace.web.producer.note_paper import SIZES, both, papers, party_words
from trace.web.producer.processing import asked_things
from trace.web.producer.receipts import add_receipts, by_note
from trace.web.producer.recording import (
    RecordForm,
    as_told,
    batch_options,
    common_choices,
    product_options,
    record,
    show_amount,
)

blueprint = Blueprint("shipments", __name__, url_prefix="/producer/shipments")
add_receipts(blueprint)

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
    later: dict[int, Organisation] = {}

    def load(event_ids: Sequence[int]) -> list[Shipment]:
        rows = db.session.scalars(select(Handover).where(among(Handover.event_id, event_ids)))
        found = {one.event_id: one for one in shipments(list(rows))}
        if view == "outgoing":
            later.update(bridged(list(found.values())))
        return [found[one] for one in event_ids]

    ids = VIEWS[view](actor()).with_only_columns(Handover.event_id).limit(LIST_LIMIT)
    listing = Listing(
        db.session.scalars(ids),
        load=load,
        words=_words,
        filters={"state": lambda one: state_of(one, later)},
        which={"view": view},
    )
    if listing.wants_csv:
        head = ["Phiếu giao", "Lúc", "Từ", "Đến", "Hàng", "Tình trạng"]
        return listing.csv("giao-nhan", [gettext(word) for word in head], _csv_line(later))
    page = render_template(
        "producer/shipments/index.html",
        listing=listing,
        error=translated(error) if error else "",
        failed=error is not None,
        typed=request.args.get("code", ""),
        view=view,
        note_name=lambda note: short_name(note) if note else "",
        goods=goods_words,
        state_of=lambda one: state_of(one, later),
        states=state_words(),
        offered=OFFERED[view],
        later=later,
    )
    return page, 200 if error is None else error.status


OFFERED = {
    "incoming": ("waiting", "part", "part-differs", "link"),
    "outgoing": (
        *("waiting", "part", "part-differs", "accepted", "differs", "refused", "rest-refused"),
        *("back", "rest-back", "link", "link-refused", "bridged", "cancelled"),
    ),
    "arrived": (
        *("accepted", "differs", "part", "part-differs", "you-refused", "alone", "cancelled"),
    ),
}


# States of a note that somebody may still answer.
ASKING = frozenset({"waiting", "part", "part-differs", "bridged"})


def state_words() -> dict[str, tuple[str, str]]:
    """(kind of tag, words) of each state."""
    return {
        "waiting": ("info", gettext("mới có bên giao khai")),
        "part": ("wait", gettext("đã nhận một phần")),
        "part-differs": ("warn", gettext("đã nhận một phần, có chênh lệch")),
        "accepted": ("ok", gettext("hai bên đã khai")),
        "differs": ("warn", gettext("đã nhận, có chênh lệch")),
        "refused": ("warn", gettext("bị từ chối")),
        "rest-refused": ("warn", gettext("đã nhận một phần, phần còn lại bị từ chối")),
        "you-refused": ("neutral", gettext("bạn đã từ chối")),
        "back": ("neutral", gettext("bị từ chối, hàng đã về")),
        "rest-back": ("neutral", gettext("đã nhận một phần, phần bị từ chối đã về")),
        "link": ("info", gettext("nhận qua đường dẫn, không có tài khoản")),
        "link-refused": ("warn", gettext("từ chối qua đường dẫn")),
        "bridged": ("info", gettext("nơi sau đã ghi nhận lô")),
        "alone": ("info", gettext("mới có bên nhận khai")),
        "cancelled": ("neutral", gettext("đã huỷ")),
    }


def state_of(one: Shipment, later: Mapping[int, Organisation]) -> str:
    """A key of `state_words`."""
    if one.voided:
        return "cancelled"
    if one.received:
        if one.state == "refused":
            return "you-refused"
        return "alone" if one.answered_by is None else one.state or "accepted"
    if one.event_id in later:
        return "bridged"
    return one.state or "waiting"


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


def _csv_line(later: Mapping[int, Organisation]) -> Callable[[Shipment], list[object]]:
    def line(shipment: Shipment) -> list[object]:
        return [
            short_name(shipment.note) if shipment.note else "",
            shipment.event_time,
            shipment.giver.name if shipment.giver else "",
            shipment.taker.name if shipment.taker else "",
            goods_words(shipment),
            state_words()[state_of(shipment, later)][1],
        ]

    return line


@blueprint.get("/<int:event_id>")
def show(event_id: int) -> ResponseReturnValue:
    """The delivery note, to be shown, printed or scanned at the other end."""
    handover = get_handover(actor(), event_id)
    (shipment,) = shipments([handover])
    mine = handover.giver_id == actor().organisation.id
    wrote = mine and not handover.received and handover.event.issuer_id == handover.giver_id
    later = bridged([shipment]) if wrote else {}
    state = state_of(shipment, later)
    link = find_link(event_id) if wrote else None
    answered = link is not None and link.answered_at is not None
    return render_template(
        "producer/shipments/show.html",
        shipment=shipment,
        mine=mine,
        wrote=wrote,
        note=short_name(shipment.note) if shipment.note else "",
        public=printed_address(shipment.note) if shipment.note else "",
        link=link,
        link_address=link_address,
        asks=bool(shipment.note) and wrote and state in ASKING and not answered,
        to_come_back=wrote and handover.state in TO_COME_BACK,
        may_return=handover.received and not mine and _stays(handover),
        arrived={one.thing_id: one.arrived for one in remaining(shipment)},
        answers=answers_to(shipment.event_id),
        state=state,
        states=state_words(),
        later=later.get(event_id),
        short_name=short_name,
        show_amount=show_amount,
        received=handover.received,
        form=Form(),
        **consignment_of_event(handover),
    )


def _stays(handover: Handover) -> bool:
    return handover.state in TAKEN and not handover.voided


@blueprint.get("/<int:event_id>/paper")
def paper(event_id: int) -> ResponseReturnValue:
    """The note on paper, A5 or A4, in both languages."""
    handover = get_handover(actor(), event_id)
    if handover.note is None:
        raise NotFound
    size = request.args.get("size", SIZES[0])
    if size not in SIZES:
        raise NotFound
    return render_template(
        "producer/shipments/paper.html",
        papers=papers([handover], actor().organisation.id),
        note=short_name(handover.note),
        event_id=event_id,
        size=size,
        sizes=SIZES,
        N_=both,
        party_words=party_words,
    )


@blueprint.get("/<int:event_id>/code.svg")
def code(event_id: int) -> ResponseReturnValue:
    """The code on the paper: the link that answers it, for the giver alone while nobody has; the
    public address otherwise."""
    handover = get_handover(actor(), event_id)
    address, _ = code_of(handover, mine=handover.giver_id == actor().organisation.id)
    if not address:
        raise NotFound
    title = printed_address(handover.note or "") or address
    return Response(
        qr_svg(label_payload(address), title=title),
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
            captured = record(form, notes.send(actor(), as_told(form, clean, draw)))
            sent = get_handover(actor(), captured.events[0].event_id)
            make_link(actor(), sent, at=clock.now())
            address = url_for("shipments.show", event_id=captured.events[0].event_id)
            return form.done(address, gettext("Đã ghi giao hàng. Đưa phiếu cho người chở."))
    return form.page(
        "producer/shipments/send.html",
        lots=batch_options(crates=True),
        partners=_partner_words(choices.partners(actor())),
        **consignment_of_form(form),
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
    handover = by_note(code)
    if handover is None:
        return _list("incoming", UnknownNote())
    if handover.giver_id == actor().organisation.id:
        return redirect(url_for("shipments.show", event_id=handover.event_id), 303)
    return redirect(url_for("shipments.take_by_note", code=code), 303)


@blueprint.route("/receive", methods=["GET", "POST"])
@needs("record")
def take_unrecorded() -> ResponseReturnValue:
    """Goods that came without a code become a lot of declared origin."""
    form = RecordForm(ExternalSchema(), {"unit": "kg"})
    if form.sent:
        with form.attempt():
            clean, draw = form.load(), form.draw()
            captured = record(form, notes.take_unrecorded(actor(), as_told(form, clean, draw)))
            made = get_event(actor(), captured.events[0].event_id).things[0].thing
            address = url_for("batches.show", thing_id=made.id)
            said = gettext("Đã ghi. Lô này mang dòng “nguồn do người nhận khai”.")
            return form.done(address, said)
    return form.page(
        "producer/shipments/unrecorded.html", products=product_options(), **common_choices()
    )

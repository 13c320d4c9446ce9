"""Lots: the list, one lot's page, registering, keeping, selling, ending."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from flask import Blueprint, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from trace import clock
from trace.models import Place, Thing
from trace.schemas.batches import DestroySchema, SaleSchema, StoreSchema
from trace.schemas.cycles import RegisterSchema
from trace.schemas.records import local_moment
from trace.services import choices, holds
from trace.services.acts import goods
from trace.services.batches import (
    Batch,
    batch_of,
    containers_of,
    facts_of,
    list_thing_ids,
    products_of,
    read_batches,
    short_name,
)
from trace.services.labels import printed_address
from trace.services.records import JsonObject
from trace.services.storage import USES
from trace.services.timelines import get_event, get_thing, timeline
from trace.services.vocabulary import STEP_LABELS, STORE_STEPS, measured_label
from trace.web.access import actor, needs
from trace.web.badges import badge_snippet
from trace.web.hold_words import use_words
from trace.web.lists import Listing
from trace.web.pages import page_language
from trace.web.producer.recording import (
    RecordForm,
    as_told,
    common_choices,
    place_options,
    plain,
    product_options,
    record,
    show_amounts,
    unit_key,
)
from trace.web.producer.telling import tell

blueprint = Blueprint("batches", __name__, url_prefix="/producer/batches")

KINDS = ("lot", "logistic")
SELLING_PLACES = ("stall", "shop", "market")


@blueprint.get("/")
def index() -> ResponseReturnValue:
    """What the organisation made or has."""
    places: dict[str, Place] = {}

    def load(some: Sequence[int]) -> list[Batch]:
        rows = read_batches(actor(), some)
        unknown = {row.place for row in rows if row.place} - places.keys()
        places.update(choices.place_names(sorted(unknown)))
        return rows

    listing = Listing(
        list_thing_ids(actor(), *KINDS),
        load=load,
        words=lambda batch: _words(batch, places),
        filters={
            "state": lambda batch: batch.state,
            "product": lambda batch: str(batch.product.id) if batch.product else "",
        },
    )
    if listing.wants_csv:
        head = ["Mã", "Sản phẩm", "Còn", "Nơi", "Tình trạng", "Ghi lúc", "Của mình"]
        return listing.csv("lo-hang", [gettext(word) for word in head], _csv_line(places))
    return render_template(
        "producer/batches/index.html",
        listing=listing,
        places=places,
        products=[(str(row), name) for row, name in products_of(actor(), *KINDS)],
        states=state_words(),
        show_amounts=show_amounts,
    )


def state_words() -> dict[str, str]:
    """What a lot's state is called."""
    return {
        "held": gettext("còn hàng"),
        "on-sale": gettext("đang bày bán"),
        "gone": gettext("đã hết"),
        "alert": gettext("có cảnh báo"),
    }


def _words(batch: Batch, places: dict[str, Place]) -> tuple[str, ...]:
    place = places.get(batch.place or "")
    return (
        batch.name,
        batch.name.replace("-", ""),
        batch.product.name if batch.product else "",
        place.name if place else "",
    )


def _csv_line(places: dict[str, Place]) -> Callable[[Batch], list[object]]:
    states = state_words()

    def line(batch: Batch) -> list[object]:
        place = places.get(batch.place or "")
        return [
            batch.name,
            batch.product.name if batch.product else "",
            show_amounts(batch.held),
            place.name if place else "",
            states[batch.state],
            batch.created_at,
            batch.mine,
        ]

    return line


@blueprint.route("/new", methods=["GET", "POST"])
@needs("record")
def new() -> ResponseReturnValue:
    """A lot of someone who keeps no diary."""
    form = RecordForm(RegisterSchema(), {"unit": "kg"})
    if form.sent:
        with form.attempt():
            clean, draw = form.load(), form.draw()
            captured = record(form, goods.register(actor(), as_told(form, clean, draw)))
            made = get_event(actor(), captured.events[0].event_id).things[0].thing
            address = url_for("batches.show", thing_id=made.id)
            return form.done(address, gettext("Đã đăng ký lô. In nhãn được ngay."))
    return form.page("producer/batches/new.html", products=product_options(), **common_choices())


@blueprint.get("/<int:thing_id>")
def show(thing_id: int) -> ResponseReturnValue:
    """A lot, crate or pallet with everything that is known of it."""
    thing = get_thing(actor(), thing_id, *KINDS)
    lines = timeline(actor(), thing)
    lot = facts_of(lines, thing)
    batch = batch_of(actor(), thing)
    place = choices.place_names([batch.place]).get(batch.place) if batch.place else None
    return render_template(
        "producer/batches/show.html",
        batch=batch,
        thing=thing,
        lot=lot,
        facts_name=lot.name,
        facts_lot_number=lot.lot_number,
        short_name=short_name,
        told=tell(lines, thing),
        place=place,
        states=state_words(),
        public=printed_address(thing.identity),
        badge=badge_snippet(thing.identity, gettext("Xem hồ sơ truy xuất"), page_language()),
        containers=containers_of(actor(), thing) if thing.kind == "lot" else [],
        show_amounts=show_amounts,
    )


def _page(form: RecordForm, template: str, thing: Thing, **context: Any) -> ResponseReturnValue:
    batch = batch_of(actor(), thing)
    return form.page(template, batch=batch, **{**common_choices(), **context})


def _start(thing: Thing) -> dict[str, object]:
    """What a form about a lot begins with: all that is left of it, where it is."""
    batch = batch_of(actor(), thing)
    held = next((amount for amount in batch.held if amount.quantity > 0), None)
    place = choices.place_names([batch.place]).get(batch.place) if batch.place else None
    mine = place is not None and place.organisation_id == actor().organisation.id
    return {
        "quantity": plain(held.quantity) if held else "",
        "unit": unit_key(held.uom) if held else "kg",
        "place": place.id if place is not None and mine else None,
    }


def _done(form: RecordForm, thing: Thing, events: list[JsonObject]) -> ResponseReturnValue:
    record(form, events)
    address = url_for("batches.show", thing_id=thing.id)
    return form.done(address, gettext("Đã ghi. Vào sổ công khai trong giây lát."))


@blueprint.route("/<int:thing_id>/store", methods=["GET", "POST"])
@needs("record")
def store(thing_id: int) -> ResponseReturnValue:
    """Cold storage, with one reading or many."""
    thing = get_thing(actor(), thing_id, *KINDS)
    start = {**_start(thing), "step": "storing"}
    start |= {f"readings-{row}-time": local_moment(clock.now()) for row in range(1)}
    form = RecordForm(StoreSchema(), start)
    if form.sent and not form.more_rows:
        with form.attempt():
            said = as_told(form, form.load(), form.draw())
            return _done(form, thing, goods.store(actor(), thing, said))
    # The readings of this form are degrees.
    labels = {**STEP_LABELS, "sensor_reporting": measured_label(["temperature"])}
    steps = [(step, gettext(labels[step])) for step in STORE_STEPS]
    return _page(form, "producer/batches/store.html", thing, steps=steps)


@blueprint.route("/<int:thing_id>/sale", methods=["GET", "POST"])
@needs("record")
def sale(thing_id: int) -> ResponseReturnValue:
    """On sale at a stall, or sold."""
    thing = get_thing(actor(), thing_id, *KINDS)
    form = RecordForm(SaleSchema(), {**_start(thing), "act": "on-sale"})
    if form.sent:
        with form.attempt():
            said = as_told(form, form.load(), form.draw())
            return _done(form, thing, goods.offer(actor(), thing, said))
    return _page(
        form,
        "producer/batches/sale.html",
        thing,
        stalls=place_options(*SELLING_PLACES),
        acts=[
            ("on-sale", gettext("Bày bán tại đây")),
            ("sold", gettext("Đã bán cho người mua lẻ")),
        ],
    )


@blueprint.route("/<int:thing_id>/destroy", methods=["GET", "POST"])
@needs("record")
def end(thing_id: int) -> ResponseReturnValue:
    """Destroyed, or used for something else, and why; of held goods with a witness and a photo."""
    thing = get_thing(actor(), thing_id, *KINDS)
    held = bool(holds.held([thing.id]))
    form = RecordForm(DestroySchema(), lambda: {**_start(thing), "end": "destroyed"})
    if form.sent:
        with form.attempt():
            said = as_told(form, form.load(), form.draw())
            return _done(form, thing, goods.end(actor(), thing, said))
    ends = [("destroyed", gettext("Tiêu huỷ")), *((one, _headed(use_words(one))) for one in USES)]
    return _page(form, "producer/batches/destroy.html", thing, ends=ends, held=held)


def _headed(words: str) -> str:
    return words[:1].upper() + words[1:]


def start_rows(things: list[Thing], prefix: str = "lots") -> dict[str, object]:
    """Lines of a form about several lots, each with all that is left of it."""
    found: dict[str, object] = {}
    for number, thing in enumerate(things):
        start = _start(thing)
        found[f"{prefix}-{number}-thing"] = thing.id
        if thing.kind == "lot":
            found[f"{prefix}-{number}-quantity"] = start["quantity"]
            found[f"{prefix}-{number}-unit"] = start["unit"]
    return found

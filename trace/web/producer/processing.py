"""The packhouse: into crates and out again, several lots in and several out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from flask import Blueprint, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from trace.core.gs1 import Gs1Error, Identity, check_code, local_uri
from trace.errors import TraceError
from trace.models import Thing
from trace.schemas.batches import PackSchema, ProcessSchema
from trace.schemas.records import CircumstancesSchema
from trace.services import choices
from trace.services.batches import (
    batch_of,
    find_things,
    get_things,
    item_of,
    list_things,
    new_logistic_address,
)
from trace.services.inheriting import facts_of_sources, inherit
from trace.services.processing import Output, pack, process, unpack
from trace.services.records import Draw, Item
from trace.services.settings import current_settings
from trace.services.timelines import get_event, get_thing
from trace.services.vocabulary import PROCESS_STEPS, STEP_LABELS
from trace.web.access import actor, needs
from trace.web.producer.batches import start_rows
from trace.web.producer.merging import add_merging
from trace.web.producer.recording import (
    RecordForm,
    batch_options,
    circumstances,
    common_choices,
    lot_amount,
    new_lot,
    product_options,
    record,
)

blueprint = Blueprint("processing", __name__, url_prefix="/producer/batches")
add_merging(blueprint)


class NotACrate(TraceError):
    code = "not-a-crate"
    message = "“%(text)s” is not the code of a crate or pallet. Leave this empty for a new one."


# Decimal digits that surely fit a row id: 64 bits.
LONGEST_ID = 18


def asked_things() -> list[Thing]:
    """The lots a link named (`?thing=1&thing=2`) that the organisation made or has."""
    asked = request.args.getlist("thing")
    numbers = [int(text) for text in asked if text.isdecimal() and len(text) <= LONGEST_ID]
    known = find_things(actor(), numbers[:50], "lot", "logistic")
    return [known[number] for number in dict.fromkeys(numbers) if number in known]


def items_of_rows(rows: Sequence[Mapping[str, Any]]) -> list[Item]:
    """The lots of a form's lines as an event names them. Raises NotFound for what is not theirs."""
    things = get_things(actor(), [row["thing"] for row in rows], "lot", "logistic")
    return [item_of(things[row["thing"]], lot_amount(row)) for row in rows]


@blueprint.route("/pack", methods=["GET", "POST"])
@needs("record")
def crate() -> ResponseReturnValue:
    """Into a crate or pallet."""
    form = RecordForm(PackSchema(), start_rows(asked_things()))
    if form.sent and not form.more_rows:
        with form.attempt():
            clean, draw = form.load(), form.draw()
            base = circumstances(form, clean, draw)
            parent = _crate_address(clean["parent"], draw)
            captured = record(form, [pack(base, parent, items_of_rows(clean["lots"]))])
            made = get_event(actor(), captured.events[0].event_id).named("parent")[0].thing
            address = url_for("batches.show", thing_id=made.id)
            return form.done(address, gettext("Đã xếp vào thùng. In nhãn cho thùng được ngay."))
    return form.page(
        "producer/batches/pack.html",
        lots=batch_options(list_things(actor(), "lot", held_only=True)),
        **common_choices(),
    )


def _crate_address(text: str, draw: Draw) -> str:
    """A new crate, or the one whose code or SSCC was typed. Raises NotACrate."""
    if not text:
        return new_logistic_address(draw)
    digits = text.replace(" ", "")
    try:
        if digits.isdecimal() and len(digits) == 18:
            identity = Identity("00", digits)
        else:
            identity = Identity("h", check_code(text))
    except Gs1Error:
        raise NotACrate(path="parent", text=text) from None
    return local_uri(identity, current_settings().id_base)


@blueprint.route("/<int:thing_id>/unpack", methods=["GET", "POST"])
@needs("record")
def out(thing_id: int) -> ResponseReturnValue:
    """Everything is taken out of a crate or pallet."""
    thing = get_thing(actor(), thing_id, "logistic")
    form = RecordForm(CircumstancesSchema())
    if form.sent:
        with form.attempt():
            clean, draw = form.load(), form.draw()
            base = circumstances(form, clean, draw)
            record(form, [unpack(base, item_of(thing).uri)])
            address = url_for("batches.show", thing_id=thing.id)
            return form.done(address, gettext("Đã dỡ hết hàng ra."))
    return form.page(
        "producer/batches/unpack.html", batch=batch_of(actor(), thing), **common_choices()
    )


@blueprint.route("/process", methods=["GET", "POST"])
@needs("record")
def work() -> ResponseReturnValue:
    """Processing, milling, splitting, mixing, retail packing: several lots in, several out."""
    asked = request.args.get("step", "processing")
    step = asked if asked in PROCESS_STEPS else "processing"
    things = asked_things()
    start = {"step": step, **start_rows(things), **_outputs(things, step)}
    form = RecordForm(ProcessSchema(), start)
    if form.sent and not form.more_rows:
        with form.attempt():
            clean, draw = form.load(), form.draw()
            base = circumstances(form, clean, draw)
            outputs = _outputs_made(clean, draw)
            inputs = items_of_rows(clean["lots"])
            events = process(base, clean["step"], inputs, outputs, new_event_id=draw.event_id)
            captured = record(form, events)
            made = get_event(actor(), captured.events[-1].event_id).named("output")
            address = url_for("batches.show", thing_id=made[0].thing.id)
            if len(made) > 1:
                address = url_for("batches.index")
            return form.done(address, gettext("Đã ghi. In nhãn cho lô mới được ngay."))
    steps = [(one, gettext(STEP_LABELS[one])) for one in PROCESS_STEPS]
    return form.page(
        "producer/batches/process.html",
        step=step,
        steps=steps,
        lots=batch_options(list_things(actor(), "lot", held_only=True)),
        products=product_options(),
        **common_choices(),
    )


def _outputs(things: list[Thing], step: str) -> dict[str, object]:
    """What comes out is, until said otherwise, the same product."""
    mine = {product.id for product in choices.products(actor())}
    known = next((thing.product_id for thing in things if thing.product_id in mine), None)
    if known is None:
        return {}
    count = 2 if step == "splitting" else 1
    return {f"outputs-{number}-product": known for number in range(count)}


def _outputs_made(clean: Mapping[str, Any], draw: Draw) -> list[Output]:
    """What comes out, with the days of what went in: packing makes nothing younger."""
    things = get_things(actor(), [row["thing"] for row in clean["lots"]], "lot", "logistic")
    sources = facts_of_sources(actor(), list(things.values()))
    found = []
    for row in clean["outputs"]:
        made = _output(row, draw)
        facts = inherit(clean["step"], made.facts, sources, f"outputs-{row['row']}-")
        found.append(Output(made.item, facts))
    return found


def _output(row: Mapping[str, Any], draw: Draw) -> Output:
    path = f"outputs-{row['row']}"
    product = choices.get_product(actor(), row["product"], f"{path}-product")
    try:
        item, facts = new_lot(row, product, draw)
    except TraceError as error:
        error.path = f"{path}-{error.path}"
        raise
    return Output(item, facts)

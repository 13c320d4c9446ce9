"""The packhouse: several lots in and several out; crates and mixing beside it."""

from __future__ import annotations

from flask import Blueprint, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from trace.models import Thing
from trace.schemas.batches import ProcessSchema
from trace.services import choices
from trace.services.acts import goods
from trace.services.timelines import get_event
from trace.services.vocabulary import PROCESS_STEPS, STEP_LABELS
from trace.web.access import actor, needs
from trace.web.producer.batches import start_rows
from trace.web.producer.merging import add_merging
from trace.web.producer.packing import add_packing, asked_things
from trace.web.producer.recording import (
    RecordForm,
    as_told,
    batch_options,
    common_choices,
    product_options,
    record,
)

__all__ = ["asked_things", "blueprint"]

blueprint = Blueprint("processing", __name__, url_prefix="/producer/batches")
add_merging(blueprint)
add_packing(blueprint)


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
            captured = record(form, goods.work(actor(), as_told(form, clean, draw)))
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
        lots=batch_options(),
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

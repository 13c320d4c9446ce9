"""Rolls of stamps: printed blank, bound to a lot by their first and last, printed again, voided."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from trace import clock
from trace.core.labels import LAYOUTS, Label
from trace.schemas.labels import (
    AgainSchema,
    BindSchema,
    StampsSchema,
    VoidSchema,
    sheet_from,
    stretch_of,
)
from trace.services import choices
from trace.services.acts import stamping
from trace.services.acts.stamping import draw_stamps
from trace.services.labels import Sheet, prints_of
from trace.services.stamps import list_rolls
from trace.services.units import Stretch, bindings_of, counts, get_range, issue, void
from trace.web.access import actor, needs
from trace.web.forms import Form
from trace.web.producer.labels import stock_choices
from trace.web.producer.recording import (
    as_told,
    batch_options,
    common_choices,
    product_options,
    record,
)
from trace.web.producer.scanning import ScanForm

blueprint = Blueprint("stamps", __name__, url_prefix="/producer/stamps")


@blueprint.get("")
def index() -> ResponseReturnValue:
    """All rolls, newest first."""
    return Form().page("producer/labels/stamps.html", rolls=list_rolls(actor()))


@blueprint.route("/new", methods=["GET", "POST"])
@needs("record")
def new() -> ResponseReturnValue:
    """Blank stamps, printed ahead of the goods."""
    start = {"layout": "4x10", "count": LAYOUTS["4x10"].per_page, "format": "pdf"}
    form = Form(StampsSchema(), start)
    if form.sent:
        with form.attempt():
            clean = form.load()
            product = choices.get_product(actor(), clean["product"])
            now = clock.now()
            roll = issue(actor(), clean["count"], at=now, product=product)
            sheet = _print(clean, Stretch(roll, 1, roll.count), "new", "")
            return form.done(url_for("labels.progress", public_id=sheet))
    return form.page(
        "producer/labels/stamps_new.html", products=product_options(), **stock_choices()
    )


def _print(clean: dict[str, Any], stretch: Stretch, kind: str, reason: str) -> str:
    """Asks for the sheet of a stretch; the public id of its job."""

    def drawn(label: Label, numbered: bool) -> Sheet:
        return sheet_from(
            clean,
            label,
            stretch.count,
            range_id=stretch.range.id,
            first=stretch.first,
            numbered=numbered,
        )

    now = clock.now()
    return draw_stamps(actor(), stretch, drawn, kind=kind, reason=reason, at=now).public_id


@blueprint.get("/<int:range_id>")
def show(range_id: int) -> ResponseReturnValue:
    """One roll: what it is bound to, what was printed when and by whom."""
    roll = get_range(actor(), range_id)
    return Form().page(
        "producer/labels/roll.html",
        roll=roll,
        counts=counts([roll.id])[roll.id],
        bindings=bindings_of([roll.id]),
        prints=prints_of(actor(), roll=roll),
    )


@blueprint.route("/<int:range_id>/again", methods=["GET", "POST"])
@needs("record")
def again(range_id: int) -> ResponseReturnValue:
    """The same serials once more; who asked, how many and why is kept."""
    roll = get_range(actor(), range_id)
    start = {"layout": "4x10", "format": "pdf", "first": 1, "last": roll.count}
    form = Form(AgainSchema(), start)
    if form.sent:
        with form.attempt():
            clean = form.load()
            job = _print(clean, stretch_of(roll, clean), "again", clean["reason"])
            return form.done(url_for("labels.progress", public_id=job))
    return form.page("producer/labels/again.html", roll=roll, **stock_choices())


@blueprint.route("/<int:range_id>/void", methods=["GET", "POST"])
@needs("record")
def void_some(range_id: int) -> ResponseReturnValue:
    """Unused stamps go out of use for good."""
    roll = get_range(actor(), range_id)
    form = Form(VoidSchema(), {"first": 1, "last": roll.count})
    if form.sent:
        with form.attempt():
            clean = form.load()
            done = void(actor(), stretch_of(roll, clean), clean["reason"], at=clock.now())
            text = gettext("Đã hủy %(count)s tem chưa dùng.", count=done)
            return form.done(url_for("stamps.show", range_id=roll.id), text)
    return form.page("producer/labels/void.html", roll=roll, counts=counts([roll.id])[roll.id])


@blueprint.route("/bind", methods=["GET", "POST"])
@needs("record")
def bind() -> ResponseReturnValue:
    """A stretch of a roll belongs to a lot from now on; works from a phone's outbox too."""
    start = {"first": request.args.get("first", ""), "lot": request.args.get("lot", "")}
    form = ScanForm(BindSchema(), ("first", "last"), start)
    if form.sent:
        with form.attempt():
            told = as_told(form, form.load(), form.draw())
            stretch, events = stamping.bind(actor(), told)
            record(form, events)
            text = gettext(
                "Đã gắn %(count)s tem, số %(first)s đến %(last)s.",
                count=stretch.count,
                first=stretch.first,
                last=stretch.last,
            )
            return form.done(url_for("stamps.show", range_id=stretch.range.id), text)
    return form.page(
        "producer/labels/bind.html",
        lots=batch_options(),
        **common_choices(),
    )

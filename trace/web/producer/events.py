"""One event in full; correcting it; voiding it. Nothing is overwritten: the original stays."""

from __future__ import annotations

from flask import Blueprint, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from trace import clock
from trace.schemas.batches import CorrectSchema, VoidSchema
from trace.schemas.records import local_moment
from trace.services.acts import mending
from trace.services.acts.mending import is_counted
from trace.services.corrections import REASONS
from trace.services.rectifying import may_rectify
from trace.services.timelines import Line, get_correctable, get_event, visible
from trace.web.access import actor, needs
from trace.web.deciding import decides
from trace.web.producer.recording import (
    RecordForm,
    as_told,
    common_choices,
    input_unit_options,
    plain,
    record,
    unit_key,
)
from trace.web.producer.starting import circumstance_values, input_values
from trace.web.producer.telling import tell, thing_href

blueprint = Blueprint("events", __name__, url_prefix="/producer/events")


@blueprint.get("/<int:event_id>")
def show(event_id: int) -> ResponseReturnValue:
    """One event: who said what, when, and what became of it."""
    line = get_event(actor(), event_id)
    (told,) = tell([line])
    return render_template(
        "producer/events/show.html",
        line=line,
        told=told,
        back=_page_of(line),
        rectifies=may_rectify(actor(), line),
    )


def _page_of(line: Line) -> str:
    """The page of the thing the event is about: what came out of it before what went in."""
    open_to = visible(actor(), {named.thing.id for named in line.things})
    for roles in (("output", "parent"), ("epc", "child"), ("input",)):
        for named in line.named(*roles):
            href = thing_href(named.thing)
            if href and named.thing.id in open_to:
                return href
    return url_for("batches.index")


@blueprint.route("/<int:event_id>/correct", methods=["GET", "POST"])
@needs("record")
@decides
def correct(event_id: int) -> ResponseReturnValue:
    """What was meant, beside what was written."""
    line = get_correctable(actor(), event_id)
    form = RecordForm(CorrectSchema(), _start(line))
    if form.sent and not form.more_rows:
        with form.attempt():
            clean, draw = form.load(), form.draw()
            said = as_told(form, clean, draw)
            record(form, mending.correct(actor(), line, said, at=clock.now()))
            return form.done(_page_of(line), gettext("Đã sửa. Bản cũ vẫn xem được."))
    (told,) = tell([line])
    return form.page(
        "producer/events/correct.html",
        line=line,
        told=told,
        rows=[
            (number, named) for number, named in enumerate(line.things) if is_counted(line, number)
        ],
        input_units=input_unit_options(),
        has_inputs="trace:inputs" in line.document,
        has_dates="ilmd" in line.document,
        **common_choices(),
    )


def _start(line: Line) -> dict[str, object]:
    document = line.document
    found: dict[str, object] = {
        "when": local_moment(line.event_time),
        "note": document.get("trace:note", ""),
        "reason": "incorrect_data",
        **circumstance_values(line),
    }
    ilmd = document.get("ilmd") or {}
    found["use_by"] = str(ilmd.get("cbvmda:itemExpirationDate", ""))[:10]
    found["best_before"] = str(ilmd.get("cbvmda:bestBeforeDate", ""))[:10]
    for number, named in enumerate(line.things):
        found[f"things-{number}-quantity"] = plain(named.quantity)
        found[f"things-{number}-unit"] = unit_key(named.unit)
    for number, one in enumerate(document.get("trace:inputs") or ()):
        found |= input_values(f"inputs-{number}", one)
    return found


@blueprint.route("/<int:event_id>/void", methods=["GET", "POST"])
@needs("record")
@decides
def void(event_id: int) -> ResponseReturnValue:
    """The event did not happen; it is struck through, never removed."""
    line = get_correctable(actor(), event_id)
    form = RecordForm(VoidSchema(), {"reason": "did_not_occur"})
    if form.sent:
        with form.attempt():
            record(form, mending.void(line, form.load()["reason"], at=clock.now()))
            return form.done(_page_of(line), gettext("Đã huỷ dòng ghi. Dòng cũ vẫn xem được."))
    (told,) = tell([line])
    return form.page(
        "producer/events/void.html",
        line=line,
        told=told,
        reasons=[(key, gettext(words)) for key, words in REASONS.items()],
        act=gettext("Huỷ dòng ghi này"),
        cancel=url_for("events.show", event_id=event_id),
        danger=True,
    )

"""One event in full; correcting it; voiding it. Nothing is overwritten: the original stays."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from flask import Blueprint, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from trace import clock
from trace.schemas.batches import CorrectSchema, VoidSchema
from trace.schemas.records import local_moment
from trace.services.batches import address_of
from trace.services.corrections import REASONS
from trace.services.diary import Input
from trace.services.records import Item, JsonObject, Record, declare_error, local_time, quantity
from trace.services.rectifying import may_rectify
from trace.services.settings import current_settings
from trace.services.timelines import Line, get_correctable, get_event, visible
from trace.services.vocabulary import context
from trace.web.access import actor, needs
from trace.web.producer.recording import (
    RecordForm,
    circumstances,
    common_choices,
    input_unit_options,
    lot_amount,
    plain,
    record,
    unit_key,
)
from trace.web.producer.starting import circumstance_values, input_values
from trace.web.producer.telling import tell, thing_href

blueprint = Blueprint("events", __name__, url_prefix="/producer/events")

# Where an event keeps its things: list of classes by role, and what belongs to both.
QUANTITY_LISTS = {
    "epc": "quantityList",
    "child": "childQuantityList",
    "input": "inputQuantityList",
    "output": "outputQuantityList",
}


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
def correct(event_id: int) -> ResponseReturnValue:
    """What was meant, beside what was written."""
    line = get_correctable(actor(), event_id)
    form = RecordForm(CorrectSchema(), _start(line))
    if form.sent and not form.more_rows:
        with form.attempt():
            clean, draw = form.load(), form.draw()
            base = circumstances(form, clean, draw)
            if not base.attachments:
                base = replace(
                    base, attachments=tuple(line.document.get("trace:attachments") or ())
                )
            instead = corrected(line, base, clean)
            declared = declare_error(
                line.document,
                line.statement_id,
                id_base=current_settings().id_base,
                at=clock.now(),
                reason=clean["reason"],
                corrective=[base.event_id],
            )
            record(form, [instead, declared])
            return form.done(_page_of(line), gettext("Đã sửa. Bản cũ vẫn xem được."))
    (told,) = tell([line])
    return form.page(
        "producer/events/correct.html",
        line=line,
        told=told,
        rows=[
            (number, named) for number, named in enumerate(line.things) if _counted(line, number)
        ],
        input_units=input_unit_options(),
        has_inputs="trace:inputs" in line.document,
        has_dates="ilmd" in line.document,
        **common_choices(),
    )


def _counted(line: Line, number: int) -> bool:
    """Whether a thing's amount can be corrected: lots that the event gave an amount."""
    named = line.things[number]
    return named.role in QUANTITY_LISTS and named.thing.kind == "lot"


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


def corrected(line: Line, base: Record, clean: Mapping[str, Any]) -> JsonObject:
    """The event that stands instead: the original with what the form changed, under a new id."""
    dropped = ("recordTime", "errorDeclaration", "trace:members", "trace:corrects")
    found = {name: value for name, value in line.document.items() if name not in dropped}
    found["@context"] = line.document.get("@context") or context(base.id_base)
    found["eventID"] = base.event_id
    found["eventTime"] = local_time(base.event_time)
    own = {
        "readPoint": {"id": base.place} if base.place else None,
        "bizLocation": {"id": base.location} if base.location else None,
        "trace:performedBy": base.performed_by,
        "trace:recordedBy": base.recorded_by,
        "trace:note": base.note,
        "trace:attachments": list(base.attachments),
    }
    for name, value in own.items():
        found.pop(name, None)
        if value:
            found[name] = value
    _amounts(found, line, clean)
    if "trace:inputs" in found:
        rows = [
            {name: value for name, value in row.items() if name != "row" and value is not None}
            for row in clean["inputs"] or ()
        ]
        found["trace:inputs"] = [Input(**row).to_json() for row in rows]
    if "ilmd" in found:
        ilmd = dict(found["ilmd"])
        for name, value in (
            ("cbvmda:itemExpirationDate", clean["use_by"]),
            ("cbvmda:bestBeforeDate", clean["best_before"]),
        ):
            ilmd.pop(name, None)
            if value is not None:
                ilmd[name] = value.isoformat()
        found["ilmd"] = ilmd
    return found


def _amounts(found: JsonObject, line: Line, clean: Mapping[str, Any]) -> None:
    """Puts the corrected amounts into the event's lists."""
    typed = {row["row"]: row for row in clean["things"] or ()}
    for number, named in enumerate(line.things):
        if not _counted(line, number):
            continue
        amount = lot_amount(typed.get(number, {}))
        member = QUANTITY_LISTS[named.role]
        uri = address_of(named.thing)
        found[member] = [
            quantity(Item(one["epcClass"], amount))
            if address_of_uri(one["epcClass"]) == uri
            else one
            for one in found.get(member) or ()
        ]


def address_of_uri(uri: str) -> str:
    """An address as an event wrote it, in our printed form."""
    return address_of(uri)


@blueprint.route("/<int:event_id>/void", methods=["GET", "POST"])
@needs("record")
def void(event_id: int) -> ResponseReturnValue:
    """The event did not happen; it is struck through, never removed."""
    line = get_correctable(actor(), event_id)
    form = RecordForm(VoidSchema(), {"reason": "did_not_occur"})
    if form.sent:
        with form.attempt():
            declared = declare_error(
                line.document,
                line.statement_id,
                id_base=current_settings().id_base,
                at=clock.now(),
                reason=form.load()["reason"],
            )
            record(form, [declared])
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

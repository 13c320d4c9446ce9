"""Pages of approving by passkey: what waits, what exactly is signed, and the touch itself."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import orjson
from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from trace import clock
from trace.core.epcis import JsonObject, ThingRef, check_event, thing_refs
from trace.extensions import db
from trace.services import approvals
from trace.services.batches import short_name
from trace.services.passkeys import request_options
from trace.services.vocabulary import Amount, step_label
from trace.web.access import actor
from trace.web.forms import Form
from trace.web.producer.recording import show_amount

SHOWN = 20  # of a file's rows; the file's page has all of them

blueprint = Blueprint("approvals", __name__, url_prefix="/producer/approvals")


@dataclass(frozen=True, slots=True)
class Shown:
    """An event before it is recorded: in words, and whole as it will be signed."""

    title: str
    time: datetime
    things: list[tuple[str, str]]
    text: str


def show_event(event: JsonObject) -> Shown:
    """What the page says of an event; the whole stands below for whoever wants to read it."""
    roles = {
        "epc": gettext("Hàng"),
        "parent": gettext("Thùng"),
        "child": gettext("Hàng trong thùng"),
        "input": gettext("Đầu vào"),
        "output": gettext("Làm ra"),
    }
    things = [
        (
            roles[ref.role],
            " · ".join(filter(None, (short_name(ref.uri), show_amount(_amount(ref))))),
        )
        for ref in thing_refs(check_event(event, now=clock.now()))
    ]
    step = str(event.get("bizStep", event.get("type", "")))
    title = (
        gettext("Sửa hoặc huỷ dòng cũ")
        if "errorDeclaration" in event
        else gettext(step_label(step))
    )
    return Shown(
        title,
        datetime.fromisoformat(str(event["eventTime"])),
        things,
        orjson.dumps(event, option=orjson.OPT_INDENT_2).decode(),
    )


def _amount(ref: ThingRef) -> Amount | None:
    return None if ref.quantity is None else Amount(ref.quantity, ref.uom or "")


@blueprint.get("/")
def index() -> ResponseReturnValue:
    """Everything that waits."""
    waiting = approvals.list_waiting(actor(), at=clock.now())
    return render_template("producer/keys/waiting.html", waiting=waiting)


@blueprint.route("/<int:waiting_id>", methods=["GET", "POST"])
def show(waiting_id: int) -> ResponseReturnValue:
    """What is to be approved, and its approval."""
    waiting = approvals.get_waiting(actor(), waiting_id, at=clock.now())
    form = Form()
    if form.sent:
        with form.attempt():
            answer = request.form.get("assertion", "")
            approvals.approve(actor(), waiting, answer, at=clock.now())
            message = gettext("Đã duyệt và ghi. Vào sổ công khai trong giây lát.")
            return form.done(after(waiting), message)
    return form.page(
        "producer/keys/approve.html",
        events=[show_event(event) for event in waiting.events[:SHOWN]],
        count=len(waiting.events),
        file=waiting.then[1].get("import") if waiting.then else None,
        options=request_options(waiting.challenge, approvals.allowed_credentials(actor())),
        until=waiting.row.expires_at,
        waiting_id=waiting_id,
    )


def after(waiting: approvals.Waiting) -> str:
    """Where people go from here: to the file these lines came from, or home."""
    file = waiting.then[1].get("import") if waiting.then else None
    return url_for("imports.show", public_id=file) if file else url_for("today.show")


@blueprint.post("/<int:waiting_id>/discard")
def discard(waiting_id: int) -> ResponseReturnValue:
    """Nothing of it is recorded."""
    at = clock.now()
    waiting = approvals.get_waiting(actor(), waiting_id, at=at)
    address = after(waiting)
    approvals.discard(actor(), waiting, at=at)
    db.session.commit()
    flash(gettext("Đã bỏ, không ghi gì."))
    return redirect(address, 303)

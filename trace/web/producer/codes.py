"""A label before the camera opens its lot: the phone's own detector, or a photo read here."""

from __future__ import annotations

from flask import Blueprint, redirect, request, url_for
from flask.typing import ResponseReturnValue

from trace.models import Handover
from trace.schemas.base import FormSchema, Text
from trace.services.codes import find_printed, find_things, read_codes
from trace.services.refusals import NothingChosen
from trace.web.access import actor
from trace.web.forms import Form
from trace.web.producer.telling import thing_href

blueprint = Blueprint("codes", __name__, url_prefix="/producer/scan")


class CodeSchema(FormSchema):
    """A code as typed, or as the camera read it."""

    code = Text(2000)


@blueprint.route("/", methods=["GET", "POST"])
def scan() -> ResponseReturnValue:
    """Reads a code and leads to its page. It changes nothing, so anybody who reads may scan."""
    form = Form(CodeSchema())
    typed = request.args.get("code", "") or request.form.get("code", "")
    if form.sent or typed:
        with form.attempt():
            photo = request.files.get("photo")
            if photo is not None and photo.filename:
                texts = read_codes(photo.stream)
            elif typed.strip():
                texts = [typed]
            else:
                raise NothingChosen(path="code")
            printed = find_printed(actor(), texts)
            if printed is not None:
                return redirect(printed_href(*printed), 303)
            found = find_things(actor(), texts)
            if isinstance(found, Handover):
                mine = found.giver_id == actor().organisation.id
                endpoint = "shipments.show" if mine or found.received else "shipments.take"
                return redirect(url_for(endpoint, event_id=found.event_id), 303)
            return redirect(thing_href(found), 303)
    return form.page("producer/codes/scan.html", typed=typed)


def printed_href(kind: str, text: str, lot: int | None) -> str:
    """Where a label of ours leads: to its batch, or to the form that gives it one."""
    if lot is not None:
        return url_for("batches.show", thing_id=lot)
    if kind == "crate":
        return url_for("processing.crate", crate=text)
    return url_for("stamps.bind", first=text)

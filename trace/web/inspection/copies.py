"""Codes of single packages that were scanned in too many places: the queue, and one of them."""

from __future__ import annotations

from collections.abc import Sequence

from flask import Blueprint, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from trace import clock
from trace.core.gs1 import format_code
from trace.errors import NotFound
from trace.schemas.copies import JudgementSchema
from trace.services.copies import get_suspect, latest_scans, settle, suspects
from trace.services.units import unit_identity
from trace.web.access import actor
from trace.web.copy_words import place_name, reason_words
from trace.web.forms import Form

blueprint = Blueprint("copies", __name__, url_prefix="/inspection/copies")


@blueprint.get("/")
def index() -> ResponseReturnValue:
    """Packages nobody has judged yet, the most suspicious first."""
    return render_template(
        "inspection/copies/index.html",
        found=suspects(actor()),
        spoken=spoken,
        names=names,
        reason_words=reason_words,
    )


@blueprint.route("/<path:unit>", methods=["GET", "POST"])
def show(unit: str) -> ResponseReturnValue:
    """One package: `b/{code}/{serial}` or `01/{gtin}/{serial}`."""
    letter, _, rest = unit.partition("/")
    value, _, serial = rest.partition("/")
    if "\0" in unit:  # which no text of PostgreSQL may hold
        raise NotFound
    suspect = get_suspect(actor(), f"{letter}/{value}", serial)
    form = Form(JudgementSchema())
    if form.sent:
        with form.attempt():
            clean = form.load()
            settle(actor(), suspect, clean["state"], clean["words"], at=clock.now())
            return form.done(url_for("copies.index"), gettext("Đã ghi kết luận."))
    return form.page(
        "inspection/copies/show.html",
        suspect=suspect,
        scans=latest_scans(suspect),
        page=f"/t{unit_identity(suspect.row.key, suspect.row.serial).path}",
        spoken=spoken,
        names=names,
        place_name=place_name,
        reason_words=reason_words,
    )


def spoken(key: str, serial: str) -> str:
    """A package's code as it is printed."""
    letter, _, value = key.partition("/")
    return f"{format_code(value) if letter == 'b' else value} {serial}"


def names(places: Sequence[str]) -> str:
    """Provinces by name."""
    return ", ".join(map(place_name, places))

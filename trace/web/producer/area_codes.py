"""Pages of a place's planting-area and packing-house codes, under the place."""

from __future__ import annotations

from flask import Blueprint, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from trace import clock
from trace.models import AreaCode
from trace.schemas.places import AreaCodeForm
from trace.services import area_codes, places
from trace.web.access import actor, needs
from trace.web.forms import Form
from trace.web.producer.place_words import kind_options, market_options, state_options


def add_codes(blueprint: Blueprint) -> None:
    """The routes below `/producer/places/<place_id>/codes`."""
    blueprint.add_url_rule(
        "/<int:place_id>/codes/new", "new_code", new_code, methods=["GET", "POST"]
    )
    blueprint.add_url_rule(
        "/<int:place_id>/codes/<int:code_id>", "edit_code", edit_code, methods=["GET", "POST"]
    )
    blueprint.add_url_rule(
        "/<int:place_id>/codes/<int:code_id>/remove",
        "remove_code",
        remove_code,
        methods=["GET", "POST"],
    )


def _values(row: AreaCode) -> dict[str, object]:
    return {
        name: getattr(row, name)
        for name in ("kind", "code", "market", "crop", "state", "issued", "expires", "area_m2")
    }


def _options(form: Form) -> dict[str, object]:
    return {
        "kinds": kind_options(),
        "states": state_options(),
        "markets": market_options(form.value("market").upper()),
    }


@needs("record")
def new_code(place_id: int) -> ResponseReturnValue:
    """A code more for this place; one place may have several, for several markets."""
    place = places.get_place(actor(), place_id)
    kind = "packing" if place.kind == "packhouse" else "planting"
    form = Form(AreaCodeForm(), {"kind": kind, "state": "active"})
    form.outbox = True
    if form.sent:
        with form.attempt():
            row = area_codes.add_code(actor(), place, form.load(), at=clock.now())
            said = gettext("Đã thêm mã %(code)s.", code=row.code)
            return form.done(url_for("places.show", place_id=place_id), said)
    return form.page("producer/places/code.html", place=place, row=None, **_options(form))


@needs("record")
def edit_code(place_id: int, code_id: int) -> ResponseReturnValue:
    """Corrects a code."""
    row = area_codes.get_code(actor(), place_id, code_id)
    form = Form(AreaCodeForm(), _values(row), version=row.version)
    if form.sent:
        with form.attempt():
            values = form.load()
            area_codes.change_code(actor(), row, values, version=form.version, at=clock.now())
            return form.done(url_for("places.show", place_id=place_id), gettext("Đã lưu."))
    return form.page("producer/places/code.html", place=row.place, row=row, **_options(form))


@needs("record")
def remove_code(place_id: int, code_id: int) -> ResponseReturnValue:
    """Asks once, then takes a code away that was entered by mistake."""
    row = area_codes.get_code(actor(), place_id, code_id)
    form = Form()
    if form.sent:
        with form.attempt():
            code = row.code
            area_codes.remove_code(actor(), row, at=clock.now())
            said = gettext("Đã xoá mã %(code)s.", code=code)
            return form.done(url_for("places.show", place_id=place_id), said)
    return form.page("producer/places/remove_code.html", place=row.place, row=row)

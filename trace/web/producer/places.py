"""Pages of places, and the printed card of a stall or shop."""

from __future__ import annotations

import io

import qrcode
import qrcode.constants
from flask import Blueprint, Response, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from qrcode.image.svg import SvgPathImage

from trace import clock
from trace.models import Place
from trace.schemas.places import NewPlaceForm, PlaceForm
from trace.services import places
from trace.services.households import list_households
from trace.services.wards import ward_name
from trace.web import words
from trace.web.access import actor, needs
from trace.web.forms import Form
from trace.web.lists import Listing

blueprint = Blueprint("places", __name__, url_prefix="/producer/places")


def _ward(code: str | None) -> str:
    return ward_name(code) if code else ""


def _values(place: Place) -> dict[str, object]:
    return {
        "name": place.name,
        "name_en": place.name_en,
        "kind": place.kind,
        "ward_code": _ward(place.ward_code),
        "address": place.address,
        "household_id": place.household_id,
        "latitude": place.latitude,
        "longitude": place.longitude,
        "area_m2": place.area_m2,
        "planting_area_code": place.planting_area_code,
        "public": place.public,
    }


def _context() -> dict[str, object]:
    members = list_households(actor(), active=True)
    return {
        "kinds": words.place_kinds(),
        "members": [(one.id, f"{one.code} {one.name}".strip()) for one in members],
    }


@blueprint.get("/")
def index() -> ResponseReturnValue:
    """All places; `?format=csv` for a spreadsheet."""
    listing = Listing(
        places.list_places(actor()),
        words=lambda one: (
            one.name,
            one.name_en,
            one.code,
            _ward(one.ward_code),
            one.planting_area_code,
            words.place_kind(one.kind),
        ),
        filters={"kind": lambda one: one.kind},
    )
    if listing.wants_csv:
        return _csv(listing)
    return render_template("producer/places/index.html", listing=listing, kinds=words.place_kinds())


def _csv(listing: Listing[Place]) -> Response:
    head = [gettext("Mã"), gettext("Tên"), gettext("Loại"), gettext("Xã, phường"), "GLN"]
    head += [gettext("Mã vùng trồng"), gettext("Diện tích (m²)")]
    head += [gettext("Vĩ độ"), gettext("Kinh độ"), gettext("Công khai")]
    return listing.csv(
        "places",
        head,
        lambda one: [
            one.code,
            one.name,
            words.place_kind(one.kind),
            _ward(one.ward_code),
            one.gln,
            one.planting_area_code,
            one.area_m2,
            one.latitude,
            one.longitude,
            one.public,
        ],
    )


@blueprint.route("/new", methods=["GET", "POST"])
@needs("record")
def new() -> ResponseReturnValue:
    """A place more."""
    home = _ward(actor().organisation.ward_code)
    form = Form(NewPlaceForm(), {"kind": "plot", "ward_code": home, "public": True})
    if form.sent:
        with form.attempt():
            place = places.register_place(actor(), form.load(), at=clock.now())
            address = url_for("places.show", place_id=place.id)
            return form.done(address, gettext("Đã thêm %(name)s.", name=place.name))
    return form.page("producer/places/form.html", place=None, **_context())


@blueprint.get("/<int:place_id>")
def show(place_id: int) -> ResponseReturnValue:
    """One place."""
    place = places.get_place(actor(), place_id)
    return render_template(
        "producer/places/show.html",
        place=place,
        kind=words.place_kind(place.kind),
        card=places.card_uri(place),
    )


@blueprint.get("/<int:place_id>/card.svg")
def card(place_id: int) -> Response:
    """The printed card's code: it leads to `/p/{code}`, for good."""
    place = places.get_place(actor(), place_id)
    drawn = qrcode.QRCode(error_correction=qrcode.constants.ERROR_CORRECT_Q, border=4)
    drawn.add_data(places.card_uri(place))
    file = io.BytesIO()
    drawn.make_image(image_factory=SvgPathImage).save(file)
    return Response(file.getvalue(), content_type="image/svg+xml")


@blueprint.route("/<int:place_id>/edit", methods=["GET", "POST"])
@needs("record")
def edit(place_id: int) -> ResponseReturnValue:
    """Changes to one place."""
    place = places.get_place(actor(), place_id)
    form = Form(PlaceForm(), _values(place), version=place.version)
    if form.sent:
        with form.attempt():
            places.update_place(actor(), place, form.load(), version=form.version, at=clock.now())
            return form.done(url_for("places.show", place_id=place_id), gettext("Đã lưu."))
    return form.page("producer/places/form.html", place=place, **_context())

"""Pages of places, and the printed card of a stall or shop."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence

import qrcode
import qrcode.constants
from flask import Blueprint, Response, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from qrcode.image.svg import SvgPathImage

from trace import clock
from trace.core.geo import geojson, kml
from trace.models import AreaCode, Place
from trace.schemas.places import NewPlaceForm, PlaceForm
from trace.services import area_codes, geometry, places
from trace.services.households import list_households
from trace.services.records import LOCAL_ZONE
from trace.services.wards import ward_name
from trace.web import words
from trace.web.access import actor, needs
from trace.web.lists import Listing
from trace.web.producer.area_codes import add_codes
from trace.web.producer.outlines import OutlineForm
from trace.web.producer.place_words import (
    kind_options,
    mark_words,
    market_word,
    scheme_word,
    source_word,
    state_options,
)

blueprint = Blueprint("places", __name__, url_prefix="/producer/places")
add_codes(blueprint)

BESIDE_DEGREES = 0.002  # two hundred metres: who lies beside it is drawn too
Codes = Mapping[int, Sequence[AreaCode]]


def _ward(code: str | None) -> str:
    return ward_name(code) if code else ""


def _values(place: Place) -> dict[str, object]:
    return {
        "name": place.name,
        "name_en": place.name_en,
        "kind": place.kind,
        "ward_code": _ward(place.ward_code),
        "address": place.address,
        "household": place.household_id,
        "latitude": place.latitude,
        "longitude": place.longitude,
        "area_m2": place.area_m2,
        "outline": geometry.outline_text(place),
        "outline_source": place.outline_source,
        "outline_accuracy": place.outline_accuracy,
        "public": place.public,
        "position_public": place.position_public,
    }


def _context(place: Place | None = None) -> dict[str, object]:
    members = list_households(actor(), active=True)
    home = place.ward_code if place is not None else actor().organisation.ward_code
    start = geometry.start_of(place, home)
    return {
        "around": geometry.neighbours_json(actor().organisation.id, place, start),
        "kinds": words.place_kinds(),
        "members": [(one.id, f"{one.code} {one.name}".strip()) for one in members],
    }


@blueprint.get("/")
def index() -> ResponseReturnValue:
    """All places; `?format=` csv for a spreadsheet, geojson or kml for a map."""
    wanted = request.args.get("format", "")
    mine = places.list_places(actor(), shapes=wanted in ("geojson", "kml"))
    codes = area_codes.codes_at(place.id for place in mine)
    listing = Listing(
        mine,
        words=lambda one: (
            one.name,
            one.name_en,
            one.code,
            _ward(one.ward_code),
            *(row.code for row in codes.get(one.id, ())),
            words.place_kind(one.kind),
        ),
        filters={"kind": lambda one: one.kind, "shape": _shape},
    )
    if listing.wants_csv:
        return _csv(listing, codes)
    if wanted in ("geojson", "kml"):
        return _shapes("places", wanted, list(listing.found), codes)
    return render_template(
        "producer/places/index.html",
        listing=listing,
        kinds=words.place_kinds(),
        shape_of=_shape,
        shapes=_shape_words(),
        codes=codes,
    )


def _shape(place: Place) -> str:
    """What is known of where a place lies."""
    if place.west is not None:
        return "outline"
    return "none" if place.latitude is None else "point"


def _shape_words() -> list[tuple[str, str]]:
    return [
        ("outline", gettext("có ranh giới")),
        ("point", gettext("chỉ có vị trí")),
        ("none", gettext("chưa có vị trí")),
    ]


def _csv(listing: Listing[Place], codes: Codes) -> Response:
    head = [gettext("Mã"), gettext("Tên"), gettext("Loại"), gettext("Xã, phường"), "GLN"]
    head += [gettext("Mã vùng trồng"), gettext("Mã cơ sở đóng gói"), gettext("Diện tích (m²)")]
    head += [gettext("Diện tích đo được (m²)"), gettext("Vĩ độ"), gettext("Kinh độ")]
    head += [gettext("Công khai")]

    def told(place: Place, kind: str) -> str:
        return ", ".join(row.code for row in codes.get(place.id, ()) if row.kind == kind)

    return listing.csv(
        "places",
        head,
        lambda one: [
            one.code,
            one.name,
            words.place_kind(one.kind),
            _ward(one.ward_code),
            one.gln,
            told(one, "planting"),
            told(one, "packing"),
            one.area_m2,
            one.outline_area,
            one.latitude,
            one.longitude,
            one.public,
        ],
    )


def _shapes(name: str, wanted: str, rows: Sequence[Place], codes: Codes) -> Response:
    """Outlines and positions for a map; only the organisation's own people open this."""
    features = geometry.features_of(rows, codes)
    if wanted == "kml":
        text, mimetype = (
            kml(actor().organisation.name, features),
            "application/vnd.google-earth.kml+xml",
        )
    else:
        text, mimetype = geojson(features), "application/geo+json"
    return Response(
        text,
        content_type=f"{mimetype}; charset=utf-8" if wanted == "kml" else mimetype,
        headers={"Content-Disposition": f'attachment; filename="{name}.{wanted}"'},
    )


@blueprint.route("/new", methods=["GET", "POST"])
@needs("record")
def new() -> ResponseReturnValue:
    """A place more."""
    home = _ward(actor().organisation.ward_code)
    form = OutlineForm(NewPlaceForm(), {"kind": "plot", "ward_code": home, "public": True})
    if form.sent:
        with form.attempt():
            place = places.register_place(actor(), form.load(), at=clock.now())
            address = url_for("places.show", place_id=place.id)
            return form.done(address, gettext("Đã thêm %(name)s.", name=place.name))
    return form.page("producer/places/form.html", place=None, **_context())


@blueprint.get("/<int:place_id>")
def show(place_id: int) -> ResponseReturnValue:
    """One place: its facts, its shape with what is to know of it, its codes, its card."""
    place = places.get_place(actor(), place_id)
    around = geometry.places_around(place, BESIDE_DEGREES)
    codes = area_codes.codes_at([place.id]).get(place.id, [])
    today = clock.now().astimezone(LOCAL_ZONE).date()
    return render_template(
        "producer/places/show.html",
        place=place,
        kind=words.place_kind(place.kind),
        card=places.card_uri(place),
        sketch=geometry.sketch(place, around),
        marks=geometry.marks_of(place, around),
        codes=[(row, area_codes.marks_of(row, place, today=today)) for row in codes],
        mark_words=mark_words,
        market_word=market_word,
        scheme_word=scheme_word,
        source=source_word(place.outline_source, place.outline_accuracy),
        code_kinds=dict(kind_options()),
        code_states=dict(state_options()),
    )


@blueprint.get("/<int:place_id>/shape.<any(geojson, kml):wanted>")
def shape(place_id: int, wanted: str) -> Response:
    """One place as GeoJSON or KML."""
    place = places.get_place(actor(), place_id)
    codes = area_codes.codes_at([place.id])
    return _shapes(f"place-{place.code}", wanted, [place], codes)


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
    form = OutlineForm(PlaceForm(), _values(place), version=place.version)
    if form.sent:
        with form.attempt():
            places.update_place(actor(), place, form.load(), version=form.version, at=clock.now())
            return form.done(url_for("places.show", place_id=place_id), gettext("Đã lưu."))
    return form.page("producer/places/form.html", place=place, **_context(place))

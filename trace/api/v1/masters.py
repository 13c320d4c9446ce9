"""The organisation and what it keeps: places with their codes, products, households,
certificates, photos."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any, Final

from flask import request

from trace import clock
from trace.api.v1.door import Answer, NotJsonType, operation
from trace.api.v1.nouns import Noun, declare
from trace.models import AreaCode, Certificate, Household, Place, Product
from trace.schemas.api.answers import (
    AreaCodeOut,
    CertificateOut,
    HouseholdOut,
    OrganisationOut,
    PhotoOut,
    PlaceOut,
    ProductOut,
    listed,
)
from trace.schemas.api.bodies import json_body
from trace.schemas.certificates import CertificateForm
from trace.schemas.households import HouseholdForm
from trace.schemas.organisations import OrganisationForm
from trace.schemas.places import AreaCodeForm, NewPlaceForm, PlaceForm
from trace.schemas.products import NewProductForm, ProductForm
from trace.services import (
    area_codes,
    certificates,
    households,
    organisations,
    places,
    products,
)
from trace.services.actors import Actor
from trace.services.attachments import keep_photo, reference
from trace.services.records import LOCAL_ZONE

MADE: Final = {"id": 7, "version": 1, "created_at": "2026-11-20T00:30:00Z"}
CODE: Final = "7K3QMP2XV4"

# -- the organisation ------------------------------------------------------------------------------

ORGANISATION: Final = {
    "name": "HTX Rau Đan Phượng",
    "name_en": "Dan Phuong Vegetable Co-operative",
    "kind": "co-operative",
    "ward_code": "09784",
    "address": "Thôn Demo",
    "phone": "+84912345678",
    "phone_public": False,
}
ORGANISATION_ANSWER: Final = {
    "code": CODE,
    "gln": None,
    **ORGANISATION,
    "status": "unconfirmed",
    "demonstration": True,
    "closed_at": None,
    "version": 1,
}


@operation(
    "GET",
    "/organisation",
    tag="organisation",
    summary="The organisation whose token this is",
    scope="query",
    out=OrganisationOut(),
    answer=ORGANISATION_ANSWER,
)
def show_organisation(actor: Actor) -> Answer:
    actor.check("read")
    return Answer(actor.organisation, version=actor.organisation.version)


@operation(
    "PUT",
    "/organisation",
    tag="organisation",
    summary="What the organisation says about itself",
    scope="manage",
    body=json_body(OrganisationForm, "Organisation"),
    out=OrganisationOut(),
    changes=True,
    example=ORGANISATION,
    answer={**ORGANISATION_ANSWER, "version": 2},
)
def change_organisation(actor: Actor, clean: dict[str, Any], version: int) -> Answer:
    changed = organisations.update_organisation(actor, clean, version=version, at=clock.now())
    return Answer(changed, version=changed.version)


# -- places ----------------------------------------------------------------------------------------

PLACE: Final = {
    "name": "Thửa 3, bãi ven đê",
    "name_en": "Plot 3 by the dyke",
    "kind": "plot",
    "ward_code": "09784",
    "public": True,
    "position_public": False,
    "latitude": 21.0912,
    "longitude": 105.6704,
    "area_m2": 1440,
}
PLACE_ANSWER: Final = {
    **MADE,
    **PLACE,
    "code": CODE,
    "gln": None,
    "identity": f"https://id.example/l/{CODE}",
    "address": "",
    "household": None,
    "outline_area": None,
    "outline_source": "",
}

declare(
    Noun(
        "place",
        "places",
        Place,
        PlaceOut(),
        add=json_body(NewPlaceForm, "NewPlace", defaults={"public": True}),
        change=json_body(PlaceForm, "Place", defaults={"public": True}),
        get=places.get_place,
        register=places.register_place,
        update=places.update_place,
        example=PLACE,
        answer=PLACE_ANSWER,
    )
)

AREA_CODE_BODY: Final = json_body(AreaCodeForm, "AreaCode")
AREA_CODE: Final = {
    "kind": "planting",
    "code": "VN-HN-0001",
    "market": "CHN",
    "crop": "Cải ngọt",
    "state": "active",
    "issued": "2026-01-15",
}
AREA_CODE_ANSWER: Final = {
    **MADE,
    **AREA_CODE,
    "place_id": 7,
    "expires": None,
    "area_m2": None,
}


@operation(
    "GET",
    "/places/<int:place_id>/codes",
    tag="places",
    summary="Codes of a place: planting areas and packing houses",
    scope="query",
    out=listed(AreaCodeOut(), "AreaCodePage"),
    answer={"items": [AREA_CODE_ANSWER], "next": None},
)
def list_area_codes(actor: Actor, place_id: int) -> dict[str, Any]:
    place = places.get_place(actor, place_id)
    return {"items": area_codes.codes_at([place.id]).get(place.id, []), "next": None}


@operation(
    "POST",
    "/places/<int:place_id>/codes",
    tag="places",
    summary="A new code of a place",
    scope="capture",
    body=AREA_CODE_BODY,
    out=AreaCodeOut(),
    status=201,
    example=AREA_CODE,
    answer=AREA_CODE_ANSWER,
)
def add_area_code(actor: Actor, place_id: int, clean: dict[str, Any]) -> Answer:
    row = area_codes.add_code(actor, places.get_place(actor, place_id), clean, at=clock.now())
    address = f"/api/v1/places/{place_id}/codes/{row.id}"
    return Answer(row, location=address, version=row.version)


@operation(
    "GET",
    "/places/<int:place_id>/codes/<int:code_id>",
    tag="places",
    summary="One code of a place",
    scope="query",
    out=AreaCodeOut(),
    answer=AREA_CODE_ANSWER,
)
def show_area_code(actor: Actor, place_id: int, code_id: int) -> Answer:
    row = area_codes.get_code(actor, place_id, code_id)
    return Answer(row, version=row.version)


@operation(
    "PUT",
    "/places/<int:place_id>/codes/<int:code_id>",
    tag="places",
    summary="All that is known of a code; what is absent becomes empty",
    scope="capture",
    body=AREA_CODE_BODY,
    out=AreaCodeOut(),
    changes=True,
    example=AREA_CODE,
    answer={**AREA_CODE_ANSWER, "version": 2},
)
def change_area_code(
    actor: Actor, place_id: int, code_id: int, clean: dict[str, Any], version: int
) -> Answer:
    row: AreaCode = area_codes.get_code(actor, place_id, code_id)
    area_codes.change_code(actor, row, clean, version=version, at=clock.now())
    return Answer(row, version=row.version)


@operation(
    "DELETE",
    "/places/<int:place_id>/codes/<int:code_id>",
    tag="places",
    summary="Take a code away",
    scope="capture",
    status=204,
)
def remove_area_code(actor: Actor, place_id: int, code_id: int) -> Answer:
    row = area_codes.get_code(actor, place_id, code_id)
    area_codes.remove_code(actor, row, at=clock.now())
    return Answer(None, status=204)


# -- products --------------------------------------------------------------------------------------

PRODUCT: Final = {
    "name": "Cải ngọt",
    "name_en": "Choy sum",
    "category": "leaf-vegetable",
    "unit": "kg",
    "shelf_life_days": 5,
    "use_by": False,
}
declare(
    Noun(
        "product",
        "products",
        Product,
        ProductOut(),
        add=json_body(NewProductForm, "NewProduct"),
        change=json_body(ProductForm, "Product"),
        get=products.get_product,
        register=products.register_product,
        update=products.update_product,
        example=PRODUCT,
        answer={
            **MADE,
            **PRODUCT,
            "code": CODE,
            "gtin": None,
            "gtin_confirmed": False,
            "identity": f"https://id.example/q/{CODE}",
            "description": "",
            "unit": "KGM",
            "net_weight": None,
            "picture": None,
        },
    )
)

# -- households ------------------------------------------------------------------------------------

HOUSEHOLD_BODY: Final = json_body(HouseholdForm, "Household", defaults={"active": True})
HOUSEHOLD: Final = {
    "code": "H07",
    "name": "Hộ demo số bảy",
    "phone": "+84912345670",
    "hamlet": "Thôn Demo",
    "ward_code": "09784",
    "active": True,
}
declare(
    Noun(
        "household",
        "households",
        Household,
        HouseholdOut(),
        add=HOUSEHOLD_BODY,
        change=HOUSEHOLD_BODY,
        get=households.get_household,
        register=households.register_household,
        update=households.update_household,
        example=HOUSEHOLD,
        answer={**MADE, **HOUSEHOLD},
    )
)

# -- certificates ----------------------------------------------------------------------------------

CERTIFICATE_BODY: Final = json_body(CertificateForm, "Certificate")
CERTIFICATE: Final = {
    "standard": "VietGAP",
    "number": "VG-DEMO-001",
    "issuer_name": "Tổ chức chứng nhận Demo",
    "valid_from": "2026-01-01",
    "valid_until": "2027-12-31",
    "products": [],
    "places": [],
    "members": [],
}


def _certificate(row: Certificate) -> dict[str, Any]:
    return _covering(row, certificates.covers_of(row))


def _certificates(rows: Sequence[Certificate]) -> list[dict[str, Any]]:
    covers = certificates.covers_of_each(rows)
    return [_covering(row, covers[row.id]) for row in rows]


def _covering(row: Certificate, covers: certificates.Covers) -> dict[str, Any]:
    names = ["id", "version", "created_at", "standard", "number", "issuer_id", "issuer_name"]
    names += ["valid_from", "valid_until", "decision", "reason", "yearly_yield"]
    return {
        **{name: getattr(row, name) for name in names},
        "state": certificates.state_of(row, clock.now().astimezone(LOCAL_ZONE).date()),
        "products": [one.id for one in covers.products],
        "places": [one.id for one in covers.places],
        "members": [one.id for one in covers.members],
    }


declare(
    Noun(
        "certificate",
        "certificates",
        Certificate,
        CertificateOut(),
        add=CERTIFICATE_BODY,
        change=CERTIFICATE_BODY,
        get=certificates.get_certificate,
        register=certificates.register_certificate,
        update=certificates.update_certificate,
        remove=certificates.remove_certificate,
        shown=_certificate,
        page_shown=_certificates,
        example=CERTIFICATE,
        answer={
            **MADE,
            **CERTIFICATE,
            "issuer_id": None,
            "decision": "",
            "reason": "",
            "state": "valid",
            "yearly_yield": None,
        },
    )
)

# -- photos ----------------------------------------------------------------------------------------


@operation(
    "POST",
    "/photos",
    tag="photos",
    summary="A photo, kept without its metadata; records name it by its digest",
    scope="capture",
    takes="image/jpeg",
    out=PhotoOut(),
    status=201,
    answer={"digest": "b1946ac9…", "mediaType": "image/jpeg", "bytes": 48211},
    query={
        "private": {
            "type": "string",
            "enum": ["true"],
            "description": "Never shown to the public, whatever names it: for answers to findings.",
        },
    },
    description="JPEG, PNG or WebP. The photo is public once a record that names it is.",
)
def add_photo(actor: Actor, asked: dict[str, Any]) -> dict[str, Any]:
    if request.mimetype not in ("image/jpeg", "image/png", "image/webp"):
        raise NotJsonType(expected="image/jpeg, image/png or image/webp")
    public = asked["private"] != "true"
    kept = keep_photo(actor, io.BytesIO(request.get_data()), at=clock.now(), public=public)
    return reference(kept)

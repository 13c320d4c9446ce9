"""The demo world's master data as rows. Writing twice writes once: codes tell what is there."""

from __future__ import annotations

import io
import os
from collections.abc import Iterable, Mapping
from datetime import datetime
from decimal import Decimal

from sqlalchemy import select

from trace.extensions import db
from trace.models import AreaCode, Certificate, Household, Organisation, Place, Product
from trace.services import area_codes, geometry
from trace.services.actors import Actor
from trace.services.attachments import keep_photo, reference
from trace.services.demo.pictures import PICTURES, picture
from trace.services.demo.plans import Cast, identity_text
from trace.services.keys import create_key
from trace.services.records import JsonObject
from trace.services.sets import among


def write_organisations(casts: Iterable[Cast], *, at: datetime) -> dict[str, Organisation]:
    """Every organisation of the world by its key, each with a signing key in the log."""
    found: dict[str, Organisation] = {}
    for cast in casts:
        plans = cast.organisations.values()
        known = _by_code(Organisation, [plan.code for plan in plans])
        for plan in plans:
            row = known.get(plan.code)
            if row is None:
                row = Organisation(
                    code=plan.code,
                    gln=plan.gln,
                    name=plan.name,
                    name_en=plan.name_en,
                    kind=plan.kind,
                    status=plan.status,
                    demonstration=True,
                    ward_code=plan.ward,
                    use_salt=os.urandom(32),
                    jurisdiction=plan.jurisdiction,
                    created_at=at,
                    confirmed_at=at if plan.status == "confirmed" else None,
                )
                db.session.add(row)
                db.session.flush()
                create_key(row, at=at)
            found[plan.key] = row
    return found


def write_pictures(organisation: Organisation, *, at: datetime) -> dict[str, JsonObject]:
    """The drawn pictures as attachments: what an event says of each, by name."""
    actor = Actor(organisation, None, "owner")
    return {
        name: reference(keep_photo(actor, io.BytesIO(picture(name)), at=at)) for name in PICTURES
    }


def write_belongings(
    casts: Iterable[Cast],
    organisations: Mapping[str, Organisation],
    pictures: Mapping[str, JsonObject],
    *,
    at: datetime,
) -> None:
    """Households, places, products and certificates of every organisation."""
    for cast in casts:
        households = _write_households(cast, organisations, at)
        _write_places(cast, organisations, households, at)
        products = _write_products(cast, organisations, pictures, at)
        _write_certificates(cast, organisations, products, at)


def _by_code(model: type[Organisation], codes: list[str]) -> dict[str, Organisation]:
    return {
        row.code: row for row in db.session.scalars(select(model).where(among(model.code, codes)))
    }


def _write_households(
    cast: Cast, organisations: Mapping[str, Organisation], at: datetime
) -> dict[tuple[str, str], int]:
    found = {}
    for plan in (plan for plans in cast.households.values() for plan in plans):
        owner = organisations[plan.organisation]
        row = db.session.scalar(
            select(Household).filter_by(organisation_id=owner.id, code=plan.code)
        )
        if row is None:
            row = Household(
                organisation_id=owner.id,
                code=plan.code,
                name=plan.name,
                ward_code=plan.ward,
                created_at=at,
            )
            db.session.add(row)
            db.session.flush()
        found[plan.organisation, plan.code] = row.id
    return found


def _write_places(
    cast: Cast,
    organisations: Mapping[str, Organisation],
    households: Mapping[tuple[str, str], int],
    at: datetime,
) -> None:
    codes = [plan.code for plan in cast.places.values()]
    known = set(db.session.scalars(select(Place.code).where(among(Place.code, codes))))
    for plan in cast.places.values():
        if plan.code in known:
            continue
        owner = organisations[plan.organisation]
        household = households[plan.organisation, plan.household] if plan.household else None
        db.session.add(
            Place(
                organisation_id=owner.id,
                household_id=household,
                code=plan.code,
                gln=plan.gln,
                identity=identity_text(plan.identity, cast.id_base),
                name=plan.name,
                name_en=plan.name_en,
                kind=plan.kind,
                ward_code=plan.ward,
                latitude=plan.latitude,
                longitude=plan.longitude,
                area_m2=None if plan.area_m2 is None else Decimal(plan.area_m2),
                created_at=at,
                **geometry.shape_values(plan.outline, "drawn"),
                area_codes=[
                    AreaCode(
                        organisation_id=owner.id,
                        folded=area_codes.folded(told["code"]),
                        created_at=at,
                        **told,
                    )
                    for told in plan.codes
                ],
            )
        )
    db.session.flush()


def _write_products(
    cast: Cast,
    organisations: Mapping[str, Organisation],
    pictures: Mapping[str, JsonObject],
    at: datetime,
) -> dict[str, Product]:
    codes = [plan.code for plan in cast.products.values()]
    rows = db.session.scalars(select(Product).where(among(Product.code, codes)))
    known = {row.code: row for row in rows}
    found = {}
    for plan in cast.products.values():
        row = known.get(plan.code)
        if row is None:
            owner = organisations[plan.organisation]
            row = Product(
                organisation_id=owner.id,
                code=plan.code,
                gtin=plan.gtin,
                # Nobody can own a prefix for demonstrations: these stay unconfirmed.
                gtin_confirmed=False,
                identity=identity_text(plan.identity, cast.id_base),
                name=plan.name,
                name_en=plan.name_en,
                category=plan.category,
                description="Sản phẩm trình diễn, không có thật.",
                unit=plan.unit,
                net_weight=None if plan.grams is None else Decimal(plan.grams) / 1000,
                shelf_life_days=plan.shelf_life_days,
                use_by=plan.use_by,
                picture=pictures.get(plan.picture, {}).get("digest"),
                created_at=at,
            )
            db.session.add(row)
        found[plan.key] = row
    db.session.flush()
    return found


def _write_certificates(
    cast: Cast,
    organisations: Mapping[str, Organisation],
    products: Mapping[str, Product],
    at: datetime,
) -> None:
    for plan in cast.certificates:
        owner = organisations[plan.organisation]
        known = db.session.scalar(
            select(Certificate.id).filter_by(organisation_id=owner.id, standard=plan.standard)
        )
        if known is not None:
            continue
        confirmed_by = organisations[plan.confirmed_by] if plan.confirmed_by else None
        db.session.add(
            Certificate(
                organisation_id=owner.id,
                product_id=products[plan.product].id if plan.product else None,
                standard=plan.standard,
                number=plan.number,
                issuer_name=plan.issuer_name,
                valid_from=plan.valid_from,
                valid_until=plan.valid_until,
                confirmed_by_id=confirmed_by.id if confirmed_by else None,
                created_at=at,
            )
        )
    db.session.flush()

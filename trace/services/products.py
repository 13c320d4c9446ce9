"""Products (trade items), with or without a GTIN; one is never invented."""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import datetime
from typing import IO, Any

from sqlalchemy import select

from trace.core.gs1 import Identity, canonical_uri, local_uri, new_code
from trace.errors import NotFound, TraceError
from trace.extensions import db
from trace.models import Product
from trace.services import freshness, prefixes
from trace.services.actors import Actor
from trace.services.attachments import NotAPhoto, PhotoTooLarge, keep_photo
from trace.services.audit import apply, write_audit
from trace.services.settings import current_settings
from trace.services.versions import check_version


class GtinTaken(TraceError):
    code = "gtin-taken"
    status = 409
    message = "The GTIN %(value)s is already registered. A GTIN belongs to one organisation."


def product_identity(product: Product) -> Identity:
    """The identity of a product: its GTIN where it has one, else its code."""
    return Identity("01", product.gtin) if product.gtin else Identity("q", product.code)


def product_uri(product: Product) -> str:
    """What events say: `{id_base}/01/{gtin14}` or `{id_base}/q/{code}`."""
    return local_uri(product_identity(product), current_settings().id_base)


def list_products(actor: Actor) -> list[Product]:
    """The organisation's products by name."""
    actor.check("read")
    query = select(Product).where(Product.organisation_id == actor.organisation.id)
    return sorted(db.session.scalars(query), key=lambda product: product.name.casefold())


def get_product(actor: Actor, product_id: int) -> Product:
    """One of the organisation's products. Raises NotFound."""
    actor.check("read")
    product = db.session.get(Product, product_id)
    if product is None or product.organisation_id != actor.organisation.id:
        raise NotFound
    return product


def register_product(
    actor: Actor, values: Mapping[str, Any], *, at: datetime, picture: IO[bytes] | None = None
) -> Product:
    """Adds a product. With a GTIN its identity is `/01/{gtin14}`, else `/q/{code}`, for good.
    Raises NotAllowed, GtinTaken, GtinOfOther, NotAPhoto, PhotoTooLarge."""
    actor.check("record")
    gtin = values.get("gtin") or None
    if gtin and db.session.scalar(select(Product.id).where(Product.gtin == gtin)) is not None:
        raise GtinTaken(path="gtin", value=gtin)
    confirmed = bool(gtin) and prefixes.check_gtin(actor.organisation, str(gtin))
    code = new_code(os.urandom)
    product = Product(
        organisation_id=actor.organisation.id,
        code=code,
        created_at=at,
        **{**values, "gtin": gtin, "gtin_confirmed": confirmed},
    )
    product.identity = canonical_uri(product_identity(product), current_settings().id_base)
    if picture is not None:
        product.picture = _keep(actor, picture, at=at)
    db.session.add(product)
    db.session.flush()
    write_audit(actor, "product.create", f"product:{code}", at=at)
    return product


def update_product(
    actor: Actor,
    product: Product,
    values: Mapping[str, Any],
    *,
    version: int,
    at: datetime,
    picture: IO[bytes] | None = None,
) -> None:
    """Changes a product; code and GTIN stay, because labels and events name them. Raises
    NotAllowed, ChangedMeanwhile, NotAPhoto, PhotoTooLarge."""
    actor.check("record")
    check_version(product, version)
    kept = {name: value for name, value in values.items() if name not in ("gtin", "code")}
    if picture is not None:
        kept["picture"] = _keep(actor, picture, at=at)
    changed = apply(product, kept)
    if changed:
        write_audit(actor, "product.change", f"product:{product.code}", at=at, fields=changed)
        freshness.product_changed(product, at=at)


def _keep(actor: Actor, picture: IO[bytes], *, at: datetime) -> str:
    try:
        return keep_photo(actor, picture, at=at).digest
    except (NotAPhoto, PhotoTooLarge) as error:
        raise error.at("picture") from None

"""What goods a report is about: from the address that was scanned, or the code that was typed."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select

from trace.core.gs1 import Identity, canonical_uri
from trace.errors import TraceError
from trace.extensions import db
from trace.models import Holding, Organisation, Place, Product, Thing
from trace.services.reports import identity_of
from trace.services.settings import current_settings
from trace.services.units import key_of, printed

_LOTS = ("lot", "cycle", "logistic")


@dataclass(frozen=True, slots=True)
class Goods:
    """`about` is the path of the page, or what was typed where that is no code. `place` is the
    stall whose card was scanned."""

    about: str
    lot: Thing | None = None
    product: Product | None = None
    maker: Organisation | None = None
    place: Place | None = None

    @property
    def known(self) -> bool:
        """Whether anybody registered what it says."""
        return bool(self.lot or self.product or self.maker or self.place)


def find_goods(typed: str) -> Goods:
    """The goods of a code or an address; whatever is not known stays as it was typed."""
    try:
        identity = identity_of(typed)
    except (TraceError, ValueError):
        return Goods(typed.strip())
    about = identity.path
    if identity.key in ("p", "l", "414"):
        return Goods(about, place=_place(identity))
    if identity.key in ("o", "417"):
        column = Organisation.code if identity.key == "o" else Organisation.gln
        return Goods(
            about,
            maker=db.session.scalar(select(Organisation).where(column == identity.value)),
        )
    lot = _lot(identity)
    product = lot.product if lot is not None else _product(identity)
    maker = lot.owner if lot is not None else None
    if maker is None and product is not None:
        maker = product.organisation
    return Goods(about, lot, product, maker)


def _lot(identity: Identity) -> Thing | None:
    base = current_settings().id_base
    wanted = [canonical_uri(level, base) for level in identity.levels()]
    things = list(db.session.scalars(select(Thing).where(Thing.identity.in_(wanted))))
    found = min(things, key=lambda one: wanted.index(one.identity), default=None)
    if found is not None and found.kind == "unit" and found.lot_id is not None:
        return db.session.get(Thing, found.lot_id)
    if found is not None and found.kind in _LOTS:
        return found
    serial = identity.get("21") or identity.get("serial")
    stamp = (
        printed([(key_of(identity), serial)]).get((key_of(identity), serial)) if serial else None
    )
    if stamp is None or not stamp.lot:
        return None
    return db.session.scalar(select(Thing).where(Thing.identity == stamp.lot))


def _product(identity: Identity) -> Product | None:
    wanted = [canonical_uri(one, current_settings().id_base) for one in identity.levels()]
    return db.session.scalar(select(Product).where(Product.identity.in_(wanted)))


def _place(identity: Identity) -> Place | None:
    if identity.key == "414":
        return db.session.scalar(select(Place).where(Place.gln == identity.value))
    return db.session.scalar(select(Place).where(Place.code == identity.value))


def ward_of_sale(goods: Goods) -> str | None:
    """The ward of the card that was scanned, or the one ward where the lot is on sale in public;
    None where there are several or none."""
    if goods.place is not None:
        return goods.place.ward_code if goods.place.public else None
    if goods.lot is None:
        return None
    wards = set(
        db.session.scalars(
            select(Place.ward_code)
            .join(Holding, Holding.place == Place.identity)
            .where(
                Holding.thing_id == goods.lot.id,
                Holding.on_sale,
                Holding.quantity > 0,
                Place.public,
                Place.ward_code.is_not(None),
            )
            .distinct()
            .limit(2)
        )
    )
    return wards.pop() if len(wards) == 1 else None

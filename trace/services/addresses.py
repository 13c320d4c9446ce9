"""What a printed address stands for: one read over things, products, places and organisations.

Levels are walked inside one request, the most specific first (Resolver 1.2, section 2.5.9): a unit
nobody recorded answers as its lot, a lot nobody recorded as its product.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, case, func, literal, select, union_all

from trace.core.gs1 import Identity, canonical_uri
from trace.extensions import db
from trace.models import (
    Alert,
    Handover,
    Holding,
    Organisation,
    Place,
    Product,
    Succession,
    SuccessionItem,
    Thing,
    Unit,
)
from trace.services.edges import holders_of
from trace.services.sets import among
from trace.services.settings import current_settings
from trace.services.successors import one_with

HISTORIES = frozenset({"lot", "unit", "cycle", "logistic", "asset", "other"})


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing known at one level of an address."""

    what: str  # thing | product | place | organisation | note
    level: int
    identity: Identity
    row_id: int
    name: str
    name_en: str


def resolve(identity: Identity) -> list[Entry]:
    """Everything known of the identity and its higher levels, the most specific first; one query.

    A bare key of ours that is also a card (`/p`) answers as its place.
    """
    id_base = current_settings().id_base
    levels = list(identity.levels())
    texts = [canonical_uri(level, id_base) for level in levels]
    value, empty = identity.value, literal("")
    selects: list[Select[Any]] = []
    if identity.kind in HISTORIES or identity.key in ("01", "8006", "b"):
        named = _row("thing", Thing.id, Thing.identity, empty, empty)
        selects.append(named.where(Thing.identity.in_(texts), Thing.kind != "product"))
    if identity.kind == "unit":
        # A stamp answers as itself, whatever became of it: its page says so.
        serial = identity.get("21") or identity.get("serial") or ""
        stamp: Any = select(
            literal("thing"), func.coalesce(Unit.lot_id, 0), literal(texts[0]), empty, empty
        )
        key = f"{identity.key}/{identity.value}"
        selects.append(stamp.where(Unit.key == key, Unit.serial == serial))
    if identity.kind in ("product", "lot", "unit"):
        named = _row("product", Product.id, Product.identity, Product.name, Product.name_en)
        selects.append(named.where(Product.identity.in_(texts)))
    if identity.kind in ("place", "stall"):
        named = _row("place", Place.id, literal(texts[-1]), Place.name, Place.name_en)
        selects.append(named.where(Place.code == value if identity.is_own else Place.gln == value))
    if identity.kind == "party":
        party = Organisation
        named = _row("organisation", party.id, literal(texts[-1]), party.name, party.name_en)
        selects.append(named.where(party.code == value if identity.is_own else party.gln == value))
    if identity.kind == "note":
        named = _row("note", Handover.event_id, Handover.note, empty, empty)
        selects.append(named.where(Handover.note == texts[0]).limit(1))
    if not selects:
        return []
    query: Any = union_all(*selects) if len(selects) > 1 else selects[0]
    rows: list[Any] = list(db.session.execute(query))
    found = []
    for what, row_id, text, name, name_en in rows:
        level = texts.index(text) if text in texts else len(texts) - 1
        found.append(Entry(what, level, levels[level], row_id, name, name_en))
    return sorted(found, key=lambda entry: (entry.level, entry.what != "thing"))


def _row(what: str, row_id: Any, identity: Any, name: Any, name_en: Any) -> Select[Any]:
    return select(literal(what).label("what"), row_id, identity, name, name_en)


@dataclass(frozen=True, slots=True)
class OnSale:
    """A lot that is on sale now, by the last word of whoever offers it."""

    thing_id: int
    identity: str
    kind: str
    name: str
    name_en: str


# More than a stall has; what stands under a notice is listed before all else.
LISTED_AT_PLACE = 200
# Of a product, lots older than this many newer ones are not on sale any more.
RECENT_LOTS = 200
LISTED = 12
# Of how many lots it is asked whether who offers them was given them, and by how many events: a
# card is made anew for every reader.
JUDGED = 2 * LISTED
JUDGED_BY = 1000


def on_sale_at(place: Place) -> list[OnSale]:
    """What lies on sale at a place, by name. Only what whose place it is put there: never a guess,
    and no stranger's goods on anybody's card."""
    warned = select(Alert.thing_id).where(
        Alert.thing_id == Holding.thing_id, Alert.lifted_by.is_(None)
    )
    newest = (
        select(Holding.thing_id)
        .where(
            Holding.place == place.identity,
            Holding.on_sale,
            among(Holding.holder_id, sorted(one_with(place.organisation_id))),
        )
        .group_by(Holding.thing_id)
        .order_by(case((warned.exists(), 0), else_=1), Holding.thing_id.desc())
        .limit(LISTED_AT_PLACE)
    )
    return _listed(db.session.scalars(newest).all())


def on_sale_of(product: Product) -> list[OnSale]:
    """Lots of a product that are on sale now, the newest first; not where. Only those of whose
    product it is or was, by the word of who made them or was given them."""
    makers = _makers(product)
    recent = (
        select(Thing.id)
        .where(
            Thing.product_id == product.id,
            Thing.kind == "lot",
            among(Thing.owner_id, sorted(makers)),
        )
        .order_by(Thing.id.desc())
        .limit(RECENT_LOTS)
    )
    offers: dict[int, set[int]] = {}
    for thing, holder in db.session.execute(
        select(Holding.thing_id, Holding.holder_id)
        .where(Holding.thing_id.in_(recent), Holding.on_sale)
        .order_by(Holding.thing_id.desc())
    ):
        offers.setdefault(thing, set()).add(holder)
    others = [thing for thing, holders in offers.items() if not holders & makers][:JUDGED]
    given = holders_of(others, JUDGED_BY)
    heard = [thing for thing, who in offers.items() if who & (makers | given.get(thing, set()))]
    return sorted(_listed(heard[:LISTED]), key=lambda one: -one.thing_id)


def _makers(product: Product) -> set[int]:
    """Whose the product is, and whose it was before it was handed on."""
    before = db.session.scalars(
        select(Succession.giver_id)
        .join(SuccessionItem, SuccessionItem.succession_id == Succession.id)
        .where(SuccessionItem.product_id == product.id, Succession.place.is_not(None))
    )
    return one_with(product.organisation_id) | set(before)


def _listed(things: Sequence[int]) -> list[OnSale]:
    """These lots, by name."""
    rows: list[Any] = list(
        db.session.execute(
            select(Thing.id, Thing.identity, Thing.kind, Product.name, Product.name_en)
            .outerjoin(Product, Product.id == Thing.product_id)
            .where(among(Thing.id, things))
            .order_by(Product.name, Thing.identity)
        )
    )
    return [
        OnSale(thing, text, kind, name or "", name_en or "")
        for thing, text, kind, name, name_en in rows
    ]


def place_named(identity: Identity) -> Place | None:
    """The place behind `/l`, `/p` or `/414`."""
    wanted = Place.code == identity.value if identity.is_own else Place.gln == identity.value
    return db.session.scalar(select(Place).where(wanted))


def organisation_named(identity: Identity) -> Organisation | None:
    """The organisation behind `/o` or `/417`."""
    wanted = (
        Organisation.code == identity.value
        if identity.is_own
        else Organisation.gln == identity.value
    )
    return db.session.scalar(select(Organisation).where(wanted))


def product_named(identity: Identity) -> Product | None:
    """The product behind `/01` or `/q`."""
    text = canonical_uri(Identity(identity.key, identity.value), current_settings().id_base)
    return db.session.scalar(select(Product).where(Product.identity == text))


def products_of(organisation: Organisation, limit: int = 20) -> Sequence[Product]:
    """What an organisation makes, by name."""
    return db.session.scalars(
        select(Product)
        .where(Product.organisation_id == organisation.id)
        .order_by(Product.name)
        .limit(limit)
    ).all()

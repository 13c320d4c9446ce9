"""What a succession names, and what becomes of it when it is accepted."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import select, update

from trace.core.gs1 import local_uri, parse_identity
from trace.errors import TraceError
from trace.extensions import db
from trace.models import (
    AreaCode,
    Household,
    Organisation,
    Place,
    Product,
    Succession,
    SuccessionItem,
    Thing,
)
from trace.services.descent import descendants
from trace.services.sets import among
from trace.services.settings import current_settings
from trace.services.successors import made_by_or_for

MOST_NAMED: Final = 500  # things of one offer by name; more is better handed on whole
KINDS: Final = ("cycle", "lot", "logistic")


class NothingNamed(TraceError):
    code = "nothing-handed-on"
    message = "Choose what is handed on, or hand on everything."


class TooMuchNamed(TraceError):
    code = "too-much-named"
    message = "At most %(most)d cycles and lots in one offer. Hand on everything, or make several."


class NotYours(TraceError):
    code = "not-yours-to-hand-on"
    message = "Something that was chosen is not this organisation's any more."
    next_step = "Open the page anew and choose again."


@dataclass(frozen=True, slots=True)
class Named:
    """What an offer names: row ids. Empty and whole means everything."""

    whole: bool
    things: tuple[int, ...] = ()
    products: tuple[int, ...] = ()
    places: tuple[int, ...] = ()


def items_of(giver: Organisation, named: Named) -> list[SuccessionItem]:
    """What an offer names, as rows. Raises NothingNamed, TooMuchNamed, NotYours."""
    things = _own_things(giver, named.things)
    products = _own(Product, giver, named.products)
    places = _own(Place, giver, named.places)
    if not things and not products and not places:
        raise NothingNamed(path="items")
    if len(things) > MOST_NAMED:
        raise TooMuchNamed(path="items", most=MOST_NAMED)
    return [
        *(SuccessionItem(thing_id=one) for one in things),
        *(SuccessionItem(product_id=one) for one in products),
        *(SuccessionItem(place_id=one) for one in places),
    ]


def _own(
    model: type[Product] | type[Place], giver: Organisation, ids: Collection[int]
) -> Sequence[int]:
    if not ids:
        return ()
    found = db.session.scalars(
        select(model.id)
        .where(model.organisation_id == giver.id, among(model.id, sorted(set(ids))))
        .order_by(model.id)
    ).all()
    if len(found) != len(set(ids)):
        raise NotYours(path="items")
    return found


def _own_things(giver: Organisation, ids: Collection[int]) -> Sequence[int]:
    """The things named and what came of them alone (rule 1)."""
    if not ids:
        return ()
    mine = made_by_or_for(giver.id)
    asked = set(
        db.session.scalars(
            select(Thing.id).where(among(Thing.id, sorted(set(ids))), mine, Thing.kind.in_(KINDS))
        )
    )
    if asked != set(ids):
        raise NotYours(path="items")
    came = {one for one, mixed in descendants(dict.fromkeys(ids, False)).items() if not mixed}
    found = db.session.scalars(
        select(Thing.id)
        .where(among(Thing.id, sorted(came | asked)), mine, Thing.kind.in_(KINDS))
        .order_by(Thing.id)
        .limit(MOST_NAMED + 1)
    )
    return list(found)


def uris_of(row: Succession) -> list[str]:
    """The printed addresses of what a succession names."""
    base = current_settings().id_base
    ids = [one.thing_id for one in row.items if one.thing_id is not None]
    identities = list(db.session.scalars(select(Thing.identity).where(among(Thing.id, ids))))
    for model, name in ((Product, "product_id"), (Place, "place_id")):
        ids = [getattr(one, name) for one in row.items if getattr(one, name) is not None]
        identities += db.session.scalars(select(model.identity).where(among(model.id, ids)))
    found = []
    for text in sorted(identities):
        identity = parse_identity(text, base)
        found.append(text if identity is None else local_uri(identity, base))
    return found


def take(row: Succession, *, at: datetime) -> None:
    """Products and places become the taker's, with the codes of places. A GTIN is unconfirmed anew:
    GS1 says whose it is. Raises NotYours for what the giver has parted with since the offer."""
    giver, taker = row.giver_id, row.taker_id
    if row.whole:
        for model, name in ((Product, "product_id"), (Place, "place_id")):
            for one in db.session.scalars(select(model.id).where(model.organisation_id == giver)):
                row.items.append(SuccessionItem(**{name: one}))
        db.session.flush()
    products = [one.product_id for one in row.items if one.product_id is not None]
    places = [one.place_id for one in row.items if one.place_id is not None]
    households = _households(row, at) if row.whole else {}
    for product in db.session.scalars(select(Product).where(among(Product.id, products))):
        if product.organisation_id != giver:
            raise NotYours
        product.organisation_id, product.gtin_confirmed = taker, False
    for place in db.session.scalars(select(Place).where(among(Place.id, places))):
        if place.organisation_id != giver:
            raise NotYours
        place.organisation_id = taker
        place.household_id = households.get(place.household_id or 0)
    db.session.execute(
        update(AreaCode)
        .where(among(AreaCode.place_id, places))
        .values(organisation_id=taker)
        .execution_options(synchronize_session=False)
    )


def _households(row: Succession, at: datetime) -> dict[int, int]:
    """The member households once more under the successor, by their rows before: the old lines
    keep naming the old ones."""
    known = {
        one.code: one.id
        for one in db.session.scalars(
            select(Household).where(Household.organisation_id == row.taker_id)
        )
    }
    found: dict[int, int] = {}
    for one in db.session.scalars(
        select(Household).where(Household.organisation_id == row.giver_id, Household.active)
    ).all():
        if one.code in known:
            continue  # another household's code there: whoever took over decides
        copy = Household(
            organisation_id=row.taker_id,
            code=one.code,
            name=one.name,
            phone=one.phone,
            hamlet=one.hamlet,
            ward_code=one.ward_code,
            created_at=at,
        )
        db.session.add(copy)
        db.session.flush()
        found[one.id] = copy.id
    return found

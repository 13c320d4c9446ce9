"""What a form offers: the organisation's own places, products and households, and its partners.

A number sent back by a form is looked up among what was offered: another organisation's place is
"not one of the choices", never used.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from sqlalchemy import func, or_, select

from trace.core.folding import fold
from trace.core.gs1 import format_code
from trace.errors import TraceError
from trace.extensions import db
from trace.models import Handover, Household, Organisation, Place, Preset, Product
from trace.services.actors import Actor

PARTNER_LIMIT = 200


class NotOffered(TraceError):
    code = "not-offered"
    message = "This is not one of the choices. Choose again."


class UnknownOrganisation(TraceError):
    code = "unknown-organisation"
    message = "No organisation here is called “%(text)s”. Check the name or the code."


class NameAlone(TraceError):
    code = "name-alone"
    message = "A name alone is not enough here: if %(name)s is meant, write its code %(code)s."
    next_step = "Ask whoever is meant for the code; anybody may register under a similar name."


class SeveralOrganisations(TraceError):
    code = "several-organisations"
    message = "%(count)d organisations fit “%(text)s”. Type the code instead: %(codes)s."


def places(actor: Actor, *kinds: str) -> Sequence[Place]:
    """The organisation's places, by name; only some kinds when given."""
    query = select(Place).where(Place.organisation_id == actor.organisation.id)
    if kinds:
        query = query.where(Place.kind.in_(kinds))
    return db.session.scalars(query.order_by(Place.name, Place.id)).all()


def products(actor: Actor) -> Sequence[Product]:
    """The organisation's products, by name."""
    query = select(Product).where(Product.organisation_id == actor.organisation.id)
    return db.session.scalars(query.order_by(Product.name, Product.id)).all()


def households(actor: Actor) -> Sequence[Household]:
    """The active member households, by code."""
    query = select(Household).where(
        Household.organisation_id == actor.organisation.id, Household.active
    )
    return db.session.scalars(query.order_by(Household.code)).all()


def mark(actor: Actor) -> str:
    """A text that changes whenever a form would offer something else. One query."""
    mine = actor.organisation.id
    asked = [
        select(figure).where(model.organisation_id == mine).scalar_subquery()
        for model in (Place, Product, Household, Preset)
        for figure in (func.count(model.id), func.max(model.id))
    ]
    asked += [
        select(func.sum(model.version)).where(model.organisation_id == mine).scalar_subquery()
        for model in (Place, Product, Household)
    ]
    return "-".join(str(figure or 0) for figure in db.session.execute(select(*asked)).one())


def partners(actor: Actor) -> Sequence[Organisation]:
    """Organisations this one has traded with, the latest first."""
    mine = actor.organisation.id
    latest = (
        select(Handover.giver_id, Handover.taker_id)
        .where(or_(Handover.giver_id == mine, Handover.taker_id == mine))
        .order_by(Handover.event_id.desc())
        .limit(PARTNER_LIMIT)
    )
    found: dict[int, None] = {}
    for giver, taker in db.session.execute(latest):
        other = taker if giver == mine else giver
        if other is not None and other != mine:
            found[other] = None
    rows = {
        row.id: row
        for row in db.session.scalars(select(Organisation).where(Organisation.id.in_(found)))
    }
    return [rows[one] for one in found if one in rows]


Own = TypeVar("Own", Place, Product, Household)


def _own(actor: Actor, model: type[Own], number: int | None, path: str) -> Own | None:
    if number is None:
        return None
    found = db.session.get(model, number)
    if found is None or found.organisation_id != actor.organisation.id:
        raise NotOffered(path=path)
    return found


def get_place(actor: Actor, number: int | None, path: str = "place") -> Place | None:
    """The place chosen, None for no choice. Raises NotOffered."""
    return _own(actor, Place, number, path)


def get_product(actor: Actor, number: int | None, path: str = "product") -> Product | None:
    """The product chosen, None for no choice. Raises NotOffered."""
    return _own(actor, Product, number, path)


def get_household(actor: Actor, number: int | None, path: str = "household") -> Household | None:
    """The household chosen, None for no choice. Raises NotOffered."""
    return _own(actor, Household, number, path)


def find_organisation(actor: Actor, text: str, path: str = "taker") -> Organisation | None:
    """The organisation meant by a code or a name, None for nothing typed. What the box offers is
    "name (code)"; a name may be typed without diacritics. Raises UnknownOrganisation,
    SeveralOrganisations."""
    actor.check("read")
    if not text:
        return None
    code = text.rpartition("(")[2].rstrip(") ").replace("-", "").upper()
    by_code = db.session.scalar(
        select(Organisation).where(or_(Organisation.code == code, Organisation.gln == code))
    )
    if by_code is not None:
        return by_code
    wanted = fold(text)
    everyone = db.session.execute(
        select(Organisation.id, Organisation.name, Organisation.name_en, Organisation.code).where(
            Organisation.id != actor.organisation.id, Organisation.kind != "platform"
        )
    ).all()
    fitting = [row for row in everyone if wanted in fold(f"{row.name} | {row.name_en}")]
    exact = [row for row in fitting if fold(row.name) == wanted] or fitting
    if not exact:
        raise UnknownOrganisation(path=path, text=text[:60])
    if len(exact) > 1:
        codes = ", ".join(row.code for row in exact[:5])
        raise SeveralOrganisations(path=path, text=text[:60], count=len(exact), codes=codes)
    return db.session.get(Organisation, exact[0].id)


def organisation_by_code(actor: Actor, text: str, path: str = "taker") -> Organisation:
    """The organisation meant where a mistake cannot be mended: its code or GLN must be there,
    with its name or without. Raises UnknownOrganisation, SeveralOrganisations, NameAlone."""
    found = find_organisation(actor, text, path)
    if found is None:
        raise UnknownOrganisation(path=path, text=text)
    typed = text.replace("-", "").upper()
    if found.code not in typed and not (found.gln and found.gln in typed):
        raise NameAlone(path=path, name=found.name, code=format_code(found.code))
    return found


def place_names(identities: Sequence[str]) -> dict[str, Place]:
    """Registered places by their canonical identity, whoever owns them."""
    rows = db.session.scalars(select(Place).where(Place.identity.in_(sorted(set(identities)))))
    return {row.identity: row for row in rows}


def organisation_names(identities: Sequence[str]) -> dict[str, Organisation]:
    """Registered organisations by the canonical identities given (`…/o/{code}`, `/417/{gln}`)."""
    ends = {identity.rpartition("/")[2]: identity for identity in identities}
    rows = db.session.scalars(
        select(Organisation).where(
            or_(Organisation.code.in_(sorted(ends)), Organisation.gln.in_(sorted(ends)))
        )
    )
    found = {}
    for row in rows:
        for end in (row.code, row.gln):
            if end in ends:
                found[ends[end]] = row
    return found

"""Whom and what a case is about: organisations and goods as an inspector types or scans them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from sqlalchemy import or_, select

from trace.core.folding import fold
from trace.core.gs1 import canonical_uri
from trace.errors import TraceError
from trace.extensions import db
from trace.models import Organisation, Thing
from trace.services.actors import Actor
from trace.services.batches import short_name
from trace.services.codes import identities_of
from trace.services.jurisdictions import look, reach, scope_of
from trace.services.laboratory import UnknownLot
from trace.services.settings import current_settings

KINDS: Final = ("lot", "cycle", "logistic", "unit")
THING_LIMIT: Final = 30


class OfNothing(TraceError):
    code = "inspection-of-nothing"
    message = "Say whom or what this is about: an organisation, or the code of a lot."


class UnknownOrganisation(TraceError):
    code = "organisation-not-in-area"
    message = "No organisation of your area is called “%(text)s” or has this code."


class SeveralOrganisations(TraceError):
    code = "organisations-in-area"
    message = "Several organisations fit “%(text)s”: %(names)s. Type the code of one."


class OutsideArea(TraceError):
    code = "outside-area"
    message = "%(name)s lies outside your area, and no open case leads there."
    next_step = "Ask the authority of that area, or have it lend you the right."


class TooManyThings(TraceError):
    code = "too-many-things"
    message = "At most %(limit)d codes go with one case."


def find_organisation(actor: Actor, text: str, path: str = "organisation") -> Organisation:
    """An organisation by its code, its printed address or its name. Raises UnknownOrganisation,
    SeveralOrganisations."""
    scope = scope_of(actor)
    codes = {one.value for one in identities_of(text, current_settings().id_base)}
    tail = text.rstrip("/").rpartition("/")[2].replace("-", "").upper()
    codes |= {tail} if 0 < len(tail) <= 13 else set()
    row = db.session.scalar(
        select(Organisation).where(
            or_(Organisation.code.in_(sorted(codes)), Organisation.gln.in_(sorted(codes))),
            Organisation.kind != "platform",
        )
    )
    if row is not None:
        return row
    wanted = fold(text).strip()
    if len(wanted) >= 2:  # a letter fits everybody
        rows = db.session.scalars(
            select(Organisation)
            .where(
                Organisation.folded.contains(wanted, autoescape=True),
                Organisation.kind.not_in(("platform", "authority")),
                scope.organisations(),
            )
            .order_by(Organisation.id)
            .limit(6)
        ).all()
        exact = [one for one in rows if fold(one.name) == wanted]
        if len(exact) == 1 or len(rows) == 1:
            return (exact or rows)[0]
        if rows:
            names = "; ".join(f"{one.name} ({one.code})" for one in rows)
            raise SeveralOrganisations(path=path, text=text[:60], names=names)
    raise UnknownOrganisation(path=path, text=text[:60])


def find_goods(text: str, path: str = "lots") -> list[Thing]:
    """The lots, plantings and packages whose codes stand in a box, one on each line or apart by
    commas. Raises UnknownLot, TooManyThings."""
    id_base = current_settings().id_base
    told = [part for line in text.splitlines() for part in line.replace(";", ",").split(",")]
    told = [part.strip() for part in told if part.strip()]
    if len(told) > THING_LIMIT:
        raise TooManyThings(path=path, limit=THING_LIMIT)
    found: dict[int, Thing] = {}
    for part in told:
        wanted = [canonical_uri(one, id_base) for one in identities_of(part[:2000], id_base)]
        row = db.session.scalar(
            select(Thing).where(Thing.identity.in_(wanted), Thing.kind.in_(KINDS))
        )
        if row is None:
            raise UnknownLot(path=path, text=part[:60])
        found[row.id] = row
    return list(found.values())


def owner_of(things: Sequence[Thing]) -> Organisation | None:
    """Who made the first of the things, or its lot."""
    for thing in things:
        lot = db.session.get(Thing, thing.lot_id) if thing.lot_id else None
        owner = thing.owner or (lot.owner if lot else None)
        if owner is not None:
            return owner
    return None


def check_reach(
    actor: Actor,
    concerned: Organisation,
    things: Sequence[Thing],
    path: str = "organisation",
    *,
    at: datetime,
) -> None:
    """Every thing is within reach, whomever it is asked of, and the organisation lies in the area
    or things lead to it. Raises OutsideArea."""
    check_goods(actor, things, at=at)
    if not things and not scope_of(actor).covers(concerned.ward_code):
        raise OutsideArea(path=path, name=concerned.name)


def check_goods(actor: Actor, things: Sequence[Thing], path: str = "lots", *, at: datetime) -> None:
    """Goods made, held or lying in the area, or led to by an open case: those are written down as a
    look outside. Raises OutsideArea, which names the first that is neither."""
    within = reach(actor, [thing.id for thing in things])
    for thing in things:
        if within[thing.id] is None:
            raise OutsideArea(path=path, name=short_name(thing.identity))
    for thing in things:
        if within[thing.id] == "led":
            look(actor, thing.identity, "case", at=at)

"""GS1 company prefixes: claimed by anybody, believed once a desk has confirmed them.

Rules.
1. Anybody may say which digits GS1 gave it. An unconfirmed claim keeps nobody else from claiming
   the same digits, more or fewer of them; only digits that are confirmed for another are refused.
2. SSCCs are made of a prefix that is confirmed, or that nobody else claims in any length: two
   registers must never give one number twice.
3. The desk (platform) confirms on evidence, or declines with the reason. Where confirmed prefixes
   lie in one another the longest counts: GS1 gives long ones inside short ones it keeps.
4. A product's GTIN is confirmed while the longest confirmed prefix of it is its organisation's.
   Every decision settles all GTINs under its digits in one statement.
5. GTIN-8 (GS1 General Specifications, 1.4.2) carries no company prefix: never confirmed this way.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, and_, delete, func, or_, select, update
from sqlalchemy.orm import aliased

from trace.errors import Conflict, NotFound, TraceError
from trace.extensions import db
from trace.models import CompanyPrefix, Organisation, PrefixClaim, Product
from trace.services import freshness
from trace.services.actors import Actor
from trace.services.audit import write_audit
from trace.services.notifications import notify
from trace.services.platform import platform_organisation
from trace.services.platform_statements import organisation_identity, say
from trace.services.sets import among
from trace.services.versions import check_version

SHORTEST: Final = 4
LIST: Final = 2_000
SHOWN: Final = 50  # products of others under a claim


class PrefixTaken(Conflict):
    code = "prefix-taken"
    message = "The prefix %(prefix)s is confirmed for another organisation."
    next_step = "Look it up in the letter from GS1; if it is yours, tell the operator."


class GtinOfOther(Conflict):
    code = "gtin-of-other"
    message = "%(value)s lies under a company prefix that is confirmed for another organisation."
    next_step = "Use the number GS1 gave you; if the prefix is yours, claim it with your letter."


class AlreadyDecided(Conflict):
    code = "prefix-decided"
    message = "This claim was decided already."


class EvidenceMissing(TraceError):
    code = "evidence-missing"
    message = "Say what the decision rests on: the letter's number and day, or why not."


def claim(actor: Actor, prefix: str, extension: int, *, at: datetime) -> PrefixClaim:
    """Writes down what an organisation says; its claims that waited give way. The desk hears.
    Raises NotAllowed, PrefixTaken."""
    actor.check("manage")
    mine = actor.organisation.id
    taken = select(PrefixClaim.id).where(
        PrefixClaim.prefix == prefix,
        PrefixClaim.state == "confirmed",
        PrefixClaim.organisation_id != mine,
    )
    if db.session.scalar(taken.limit(1)) is not None:
        raise PrefixTaken(path="prefix", prefix=prefix)
    db.session.execute(
        delete(PrefixClaim).where(
            PrefixClaim.organisation_id == mine,
            PrefixClaim.state == "waiting",
            PrefixClaim.prefix != prefix,
        )
    )
    known = db.session.scalar(
        select(PrefixClaim).where(PrefixClaim.organisation_id == mine, PrefixClaim.prefix == prefix)
    )
    if known is None:
        known = PrefixClaim(organisation_id=mine, prefix=prefix, created_at=at)
        db.session.add(known)
    elif known.state == "declined":
        known.state, known.decided_at, known.decided_by_id = "waiting", None, None
    known.extension = extension
    db.session.flush()
    if known.state == "waiting":
        told = {"name": actor.organisation.name, "prefix": prefix}
        address = f"/admin/prefixes/{known.id}"
        notify(platform_organisation(), "prefix-waiting", told, at=at, address=address, once=True)
    return known


def overlapping(prefix: str) -> ColumnElement[bool]:
    """A condition on claims: the same digits, more of them or fewer."""
    starts = [prefix[:length] for length in range(SHORTEST, len(prefix) + 1)]
    return or_(among(PrefixClaim.prefix, starts), PrefixClaim.prefix.startswith(prefix))


def disputed(prefix: str, organisation_id: int) -> bool:
    """Whether somebody else says (or was given) digits that overlap (rule 2)."""
    claims = select(PrefixClaim.id).where(
        overlapping(prefix),
        PrefixClaim.organisation_id != organisation_id,
        PrefixClaim.state != "declined",
    )
    starts = [prefix[:length] for length in range(SHORTEST, len(prefix) + 1)]
    used = select(CompanyPrefix.prefix).where(
        or_(among(CompanyPrefix.prefix, starts), CompanyPrefix.prefix.startswith(prefix)),
        CompanyPrefix.organisation_id != organisation_id,
    )
    confirmed = is_confirmed(prefix, organisation_id)
    return not confirmed and any(db.session.scalar(q.limit(1)) is not None for q in (claims, used))


def is_confirmed(prefix: str, organisation_id: int) -> bool:
    """Whether these digits are confirmed for an organisation."""
    query = select(PrefixClaim.id).where(
        PrefixClaim.prefix == prefix,
        PrefixClaim.organisation_id == organisation_id,
        PrefixClaim.state == "confirmed",
    )
    return db.session.scalar(query.limit(1)) is not None


def claim_of(organisation: Organisation) -> PrefixClaim | None:
    """The newest claim of an organisation."""
    query = select(PrefixClaim).where(PrefixClaim.organisation_id == organisation.id)
    return db.session.scalar(query.order_by(PrefixClaim.id.desc()).limit(1))


# -- GTINs -----------------------------------------------------------------------------------------


def _digits(gtin: str) -> str | None:
    """The GTIN-13 form in which prefixes are looked for; None for GTIN-8 (rule 5)."""
    return None if gtin.startswith("000000") else gtin[1:]


def owner_of(gtin: str) -> int | None:
    """The organisation whose confirmed prefix is the longest of a GTIN-14; None where none is."""
    digits = _digits(gtin)
    if digits is None:
        return None
    starts = [digits[:length] for length in range(SHORTEST, 13)]
    return db.session.scalar(
        select(PrefixClaim.organisation_id)
        .where(among(PrefixClaim.prefix, starts), PrefixClaim.state == "confirmed")
        .order_by(func.length(PrefixClaim.prefix).desc())
        .limit(1)
    )


def check_gtin(organisation: Organisation, gtin: str, *, path: str = "gtin") -> bool:
    """Whether a GTIN is confirmed for an organisation from the start. Raises GtinOfOther."""
    owner = owner_of(gtin)
    if owner is not None and owner != organisation.id:
        raise GtinOfOther(path=path, value=gtin)
    return owner == organisation.id


def settle(where: ColumnElement[bool]) -> list[int]:
    """Rule 4 for the products a condition means, in one statement; the ids that changed."""
    longer, standing = aliased(PrefixClaim), aliased(PrefixClaim)

    def under(table: Any) -> ColumnElement[bool]:
        return and_(
            table.state == "confirmed",
            func.substr(Product.gtin, 2, func.length(table.prefix)) == table.prefix,
        )

    owned = (
        select(standing.id)
        .where(
            under(standing),
            standing.organisation_id == Product.organisation_id,
            ~select(longer.id)
            .where(under(longer), func.length(longer.prefix) > func.length(standing.prefix))
            .exists(),
        )
        .correlate(Product)
        .exists()
    )
    right = and_(~Product.gtin.startswith("000000"), owned)
    changed = db.session.scalars(
        update(Product)
        .where(where, Product.gtin.is_not(None), Product.gtin_confirmed != right)
        .values(gtin_confirmed=~Product.gtin_confirmed, version=Product.version + 1)
        .returning(Product.id)
        .execution_options(synchronize_session=False)
    ).all()
    db.session.expire_all()
    return sorted(changed)


def under_prefix(prefix: str) -> ColumnElement[bool]:
    """Products whose GTIN begins with these digits (after the packaging digit)."""
    return func.substr(Product.gtin, 2, len(prefix)) == prefix


# -- the desk --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Case:
    """A claim, with others' overlapping claims and others' products under it."""

    claim: PrefixClaim
    claims: Sequence[PrefixClaim]
    products: Sequence[Product]
    own_products: int


def list_claims(actor: Actor, *, state: str = "") -> Sequence[PrefixClaim]:
    """Claims, those that wait first, the oldest first. Raises NotAllowed."""
    actor.check("administer")
    query = select(PrefixClaim)
    if state:
        query = query.where(PrefixClaim.state == state)
    query = query.order_by(PrefixClaim.state != "waiting", PrefixClaim.id).limit(LIST)
    return db.session.scalars(query).all()


def conflicting(claims: Collection[PrefixClaim]) -> set[int]:
    """Which of these claims overlap another organisation's, by id."""
    found = set()
    ordered = sorted((one for one in claims if one.state != "declined"), key=lambda one: one.prefix)
    for place, one in enumerate(ordered):
        for other in ordered[place + 1 :]:
            if not other.prefix.startswith(one.prefix):
                break
            if other.organisation_id != one.organisation_id:
                found |= {one.id, other.id}
    return found


def get_case(actor: Actor, claim_id: int) -> Case:
    """A claim and what speaks against it. Raises NotAllowed, NotFound."""
    actor.check("administer")
    found = db.session.get(PrefixClaim, claim_id)
    if found is None:
        raise NotFound
    others = db.session.scalars(
        select(PrefixClaim)
        .where(
            overlapping(found.prefix),
            PrefixClaim.organisation_id != found.organisation_id,
            PrefixClaim.state != "declined",
        )
        .order_by(PrefixClaim.prefix)
        .limit(SHOWN)
    ).all()
    products = db.session.scalars(
        select(Product)
        .where(under_prefix(found.prefix), Product.organisation_id != found.organisation_id)
        .order_by(Product.gtin)
        .limit(SHOWN)
    ).all()
    own = db.session.scalar(
        select(func.count(Product.id)).where(
            under_prefix(found.prefix), Product.organisation_id == found.organisation_id
        )
    )
    return Case(found, others, products, own or 0)


def decide(
    actor: Actor, one: PrefixClaim, confirmed: bool, evidence: str, *, version: int, at: datetime
) -> int:
    """Confirms a claim, or declines it (also one that was confirmed before); returns how many
    products changed. Raises NotAllowed, AlreadyDecided, EvidenceMissing, PrefixTaken,
    ChangedMeanwhile."""
    actor.check("administer")
    check_version(one, version)
    if one.state == "declined" or (one.state == "confirmed" and confirmed):
        raise AlreadyDecided
    if not evidence:
        raise EvidenceMissing(path="evidence")
    if confirmed:
        _check_free(one)
    word = "confirmed" if confirmed else "declined"
    one.state, one.evidence = word, evidence
    one.decided_at, one.decided_by_id = at, actor.organisation.id
    one.statement = say(
        [organisation_identity(one.organisation)],
        {"decision": f"prefix-{word}", "prefix": one.prefix},
        by=actor.organisation,
        conforms=confirmed,
        at=at,
    )
    db.session.flush()
    _hand_numbers(one, confirmed, at)
    changed = settle(under_prefix(one.prefix))
    for product in db.session.scalars(select(Product).where(among(Product.id, changed))):
        freshness.product_changed(product, at=at)
    write_audit(actor, f"prefix.{word}", f"prefix:{one.prefix}", at=at, products=len(changed))
    notify(
        one.organisation,
        f"prefix-{word}",
        {"prefix": one.prefix, "reason": evidence},
        at=at,
        address="/producer/crates/prefix",
    )
    return len(changed)


def _check_free(one: PrefixClaim) -> None:
    other = select(PrefixClaim.id).where(
        PrefixClaim.prefix == one.prefix,
        PrefixClaim.state == "confirmed",
        PrefixClaim.organisation_id != one.organisation_id,
    )
    if db.session.scalar(other.limit(1)) is not None:
        raise PrefixTaken(prefix=one.prefix)


def _hand_numbers(one: PrefixClaim, confirmed: bool, at: datetime) -> None:
    """Rule 2: whose register gives SSCCs from now on. Numbers given out stay where they are; the
    next ones come after them."""
    issued = 0
    row = db.session.get(CompanyPrefix, one.prefix)
    if row is not None and (row.organisation_id != one.organisation_id) == confirmed:
        issued = row.issued
        db.session.delete(row)
        db.session.flush()
    if not confirmed:
        return
    has = db.session.scalar(
        select(CompanyPrefix).where(CompanyPrefix.organisation_id == one.organisation_id)
    )
    if has is None:
        db.session.add(
            CompanyPrefix(
                prefix=one.prefix,
                organisation_id=one.organisation_id,
                extension=one.extension,
                issued=issued,
                created_at=at,
            )
        )
        db.session.flush()


def count_waiting(actor: Actor) -> int:
    """How many claims wait for the desk."""
    actor.check("administer")
    query = select(func.count(PrefixClaim.id)).where(PrefixClaim.state == "waiting")
    return db.session.scalar(query) or 0

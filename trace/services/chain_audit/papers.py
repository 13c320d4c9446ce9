"""The rules of papers: whether what is claimed of these goods was certified, then, and for them.

A claim is a standard that the product's name promises (data/claims.tsv), or a certificate that a
statement names. It is judged on the day of the harvest, among the certificates of who gathered the
goods: in force then, for that product and place; a number that somebody else holds as well, and
that its issuer confirmed for the other alone, is borrowed.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.orm import joinedload

from trace.core.history import find_sources
from trace.extensions import db
from trace.models import Certificate, CertificateCover, Household, Organisation, Place, Product
from trace.services.accredited import covers, spans_of
from trace.services.certificates import backs, claims_in, name_of, state_of
from trace.services.chain_audit.found import Book
from trace.services.chain_audit.reading import Chain
from trace.services.sets import among

MOST_NAMED = 50
LABORATORY = "laboratory"


@dataclass(frozen=True, slots=True)
class Origin:
    """Who gathered what, when and where, and by whose word."""

    thing: str
    organisation_id: int
    name: str
    day: date
    places: frozenset[str]
    households: frozenset[str]
    events: tuple[int, ...]


def judge_papers(chain: Chain, book: Book) -> None:
    """All of them."""
    origins = _origins(chain)
    named = _named(chain)
    claims = _claims(chain)
    growers = {one.organisation_id for one in origins}
    rows = _certificates(growers, [number for _, number, _ in named])
    _judge_claims(origins, claims, rows, chain, book)
    _judge_holders(rows, growers, origins, book)
    _judge_named(named, rows, chain, book)
    _judge_laboratories(chain, book)


def _judge_laboratories(chain: Chain, book: Book) -> None:
    """A result counts as an accredited laboratory's if it was one on the day it signed."""
    laboratories = {row.code: row for row in chain.organisations.values() if row.kind == LABORATORY}
    told = [
        fact
        for fact in chain.facts
        if fact.issuer in laboratories
        and not chain.family_names.isdisjoint(fact.things())
        and chain.document_of(fact).get("trace:results")
    ]
    if not told:
        book.miss("laboratory", "no-result", applies=False)
        return
    spans = spans_of({row.id for row in laboratories.values()})
    for fact in told:
        book.saw("laboratory")
        laboratory = laboratories[fact.issuer]
        if not covers(spans, laboratory.id, fact.day):
            book.find(
                "laboratory",
                "low",
                "laboratory",
                events=[chain.row_of(fact)],
                things=sorted(fact.things() & chain.family_names),
                who=laboratory.name,
                day=fact.day.isoformat(),
            )


def _claims(chain: Chain) -> list[str]:
    """What the names of the chain's products promise."""
    products = {one.product_id for one in chain.things.values() if one.id in chain.family}
    found: dict[str, None] = {}
    for row in db.session.execute(
        select(Product.name, Product.name_en).where(
            among(Product.id, sorted(one for one in products if one is not None))
        )
    ):
        found.update(dict.fromkeys(claims_in(f"{row.name} {row.name_en}")))
    return list(found)


def _named(chain: Chain) -> list[tuple[int, str, date]]:
    """(row id, number, day) of every certificate that a statement names."""
    found: list[tuple[int, str, date]] = []
    for fact in chain.live:
        told = chain.document_of(fact).get("certificationInfo")
        for one in told if isinstance(told, list) else [told]:
            text = str(one or "").strip()
            number = text.rpartition("/")[2].rpartition(":")[2].strip()
            if number and len(found) < MOST_NAMED:
                found.append((chain.row_of(fact), number[:60], fact.day))
    return found


def _origins(chain: Chain) -> list[Origin]:
    ids = {row.code: row for row in chain.organisations.values()}
    found = []
    for source in find_sources(chain.live, chain.family_names):
        if source.last is None or source.issuer not in ids:
            continue
        facts = [fact for fact in chain.live if source.thing in fact.things()]
        rows = [chain.by_id[chain.row_of(fact)] for fact in facts]
        grower = ids[source.issuer]
        households = {chain.document_of(fact).get("trace:performedBy") for fact in facts}
        found.append(
            Origin(
                source.thing,
                grower.id,
                grower.name,
                source.last,
                frozenset(t for row in rows for t in (row.read_point, row.biz_location) if t),
                frozenset(one for one in households if isinstance(one, str)),
                tuple(row.id for row in rows),
            )
        )
    return found


def _certificates(growers: Collection[int], numbers: Iterable[str]) -> list[Certificate]:
    """The growers', and everybody's with a number of theirs or with one that was named."""
    own = list(
        db.session.scalars(
            select(Certificate).where(among(Certificate.organisation_id, sorted(growers)))
        )
    )
    wanted = sorted({*(one.number for one in own if one.number), *numbers})
    if not wanted:
        return own
    query = select(Certificate).options(joinedload(Certificate.confirmed_by))
    query = query.where(
        or_(among(Certificate.organisation_id, sorted(growers)), among(Certificate.number, wanted))
    )
    return list(db.session.scalars(query.order_by(Certificate.id)))


def _judge_claims(
    origins: Collection[Origin],
    claims: Collection[str],
    rows: Collection[Certificate],
    chain: Chain,
    book: Book,
) -> None:
    if not claims:
        for rule in ("certificate-force", "claim-unbacked"):
            book.miss(rule, "no-claim", applies=False)
        return
    if not origins:
        for rule in ("certificate-force", "claim-unbacked"):
            book.miss(rule, "no-harvest-day", claim=", ".join(claims))
        return
    covers = _covers(rows)
    products = {one.product_id for one in chain.things.values() if one.id in chain.family}
    for origin in origins:
        mine = [one for one in rows if one.organisation_id == origin.organisation_id]
        for claim in claims:
            fitting = [
                one
                for one in mine
                if backs(one.standard, claim)
                and one.decision != "rejected"
                and _covers_it(covers.get(one.id, []), one, origin, products)
            ]
            book.saw("claim-unbacked")
            if not fitting:
                book.find(
                    "claim-unbacked",
                    "medium",
                    "claim-unbacked",
                    events=origin.events,
                    things=[origin.thing],
                    claim=claim,
                    who=origin.name,
                )
                continue
            book.saw("certificate-force")
            states = {one.id: state_of(one, origin.day) for one in fitting}
            if "valid" in states.values():
                continue
            one = max(fitting, key=lambda row: row.valid_until)
            book.find(
                "certificate-force",
                "medium",
                f"certificate-{states[one.id]}",
                events=origin.events,
                things=[origin.thing],
                certificate=name_of(one),
                who=origin.name,
                day=origin.day.isoformat(),
                first=one.valid_from.isoformat(),
                last=one.valid_until.isoformat(),
            )


def _covers(rows: Collection[Certificate]) -> dict[int, list[Any]]:
    """What each certificate lists: (product id, place's identity, household's code)."""
    query = (
        select(
            CertificateCover.certificate_id,
            CertificateCover.product_id,
            Place.identity,
            Household.code,
        )
        .outerjoin(Place, Place.id == CertificateCover.place_id)
        .outerjoin(Household, Household.id == CertificateCover.household_id)
        .where(among(CertificateCover.certificate_id, sorted(one.id for one in rows)))
    )
    found: dict[int, list[Any]] = {}
    for row in db.session.execute(query):
        found.setdefault(row[0], []).append(row)
    return found


def _covers_it(
    covers: Collection[Any], one: Certificate, origin: Origin, products: Collection[int | None]
) -> bool:
    """None listed of a kind means all of that kind (services.certificates)."""
    goods = {row[1] for row in covers if row[1]} | ({one.product_id} - {None})
    places = {row[2] for row in covers if row[2]}
    if one.place is not None:
        places.add(one.place.identity)
    members = {row[3] for row in covers if row[3]}
    return (
        (not goods or not goods.isdisjoint(products))
        and (not places or not places.isdisjoint(origin.places))
        and (not members or not members.isdisjoint(origin.households))
    )


def _judge_holders(
    rows: Collection[Certificate],
    growers: Collection[int],
    origins: Collection[Origin],
    book: Book,
) -> None:
    """One number, one holder."""
    mine = [one for one in rows if one.organisation_id in growers and one.number]
    if not mine:
        book.miss("certificate-holder", "no-certificate", applies=bool(growers))
        return
    for one in mine:
        book.saw("certificate-holder")
        if one.vouched:
            continue
        others = [
            other
            for other in rows
            if other.number == one.number
            and other.organisation_id != one.organisation_id
            and _same_standard(one, other)
        ]
        if not others:
            continue
        confirmed = [other for other in others if other.vouched]
        other = (confirmed or others)[0]
        book.find(
            "certificate-holder",
            "high" if confirmed else "medium",
            "certificate-borrowed" if confirmed else "certificate-twice",
            events=_events_of(origins, one.organisation_id),
            certificate=name_of(one),
            who=_organisation(one.organisation_id),
            holder=_organisation(other.organisation_id),
        )


def _events_of(origins: Collection[Origin], organisation_id: int) -> list[int]:
    return [e for one in origins if one.organisation_id == organisation_id for e in one.events]


def _same_standard(one: Certificate, other: Certificate) -> bool:
    claims = claims_in(one.standard)
    return one.standard.casefold() == other.standard.casefold() or any(
        backs(other.standard, claim) for claim in claims
    )


def _organisation(row_id: int) -> str:
    row = db.session.get(Organisation, row_id)
    return row.name if row is not None else ""


def _judge_named(
    named: Collection[tuple[int, str, date]],
    rows: Collection[Certificate],
    chain: Chain,
    book: Book,
) -> None:
    """A certificate that a statement names belongs to somebody who speaks in the chain, and was in
    force on the day of the statement."""
    here = set(chain.organisations)
    for event, number, day in named:
        known = [one for one in rows if one.number == number]
        if not known:
            book.miss("certificate-force", "unknown-number", certificate=number)
            continue
        own = [one for one in known if one.organisation_id in here]
        if not own:
            book.saw("certificate-holder")
            book.find(
                "certificate-holder",
                "high",
                "certificate-stranger",
                events=[event],
                certificate=name_of(known[0]),
                holder=_organisation(known[0].organisation_id),
            )
            continue
        book.saw("certificate-force")
        states = {one.id: state_of(one, day) for one in own}
        if "valid" not in states.values():
            one = own[0]
            book.find(
                "certificate-force",
                "medium",
                f"certificate-{states[one.id]}",
                events=[event],
                certificate=name_of(one),
                who=_organisation(one.organisation_id),
                day=day.isoformat(),
                first=one.valid_from.isoformat(),
                last=one.valid_until.isoformat(),
            )

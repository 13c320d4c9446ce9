"""Certificates an organisation says it has; unless its issuer confirmed one, that is said too.

A certificate counts on a day when the day lies between its first and last day, it was not withdrawn
by then, and it was not suspended then. What it covers are products, places and member households;
none listed of a kind means all of that kind. `services.certifying` is the issuer's side.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any, Final, Literal, cast

from sqlalchemy import select
from sqlalchemy.orm import joinedload
from sqlalchemy.orm.attributes import flag_modified

from trace.core.folding import fold
from trace.errors import NotFound, TraceError
from trace.extensions import db
from trace.models import (
    Certificate,
    CertificateCover,
    Household,
    Organisation,
    Place,
    Product,
)
from trace.services import freshness
from trace.services.actors import Actor
from trace.services.audit import apply, write_audit
from trace.services.notifications import notify
from trace.services.sets import among
from trace.services.versions import check_version

State = Literal["valid", "future", "past", "suspended", "withdrawn"]


COVERED: Final[dict[str, type[Product | Place | Household]]] = {
    "products": Product,
    "places": Place,
    "members": Household,
}


class EndsBeforeStart(TraceError):
    code = "ends-before-start"
    message = "The last day comes before the first day."


class NotYours(TraceError):
    code = "not-your-own"
    message = "Choose one of your own."


class AlreadyConfirmed(TraceError):
    code = "already-confirmed"
    status = 409
    message = "The issuer has confirmed this certificate; it can no longer be changed here."


def state_of(certificate: Certificate, today: date) -> State:
    """Whether a certificate is in force on a day; both its days count."""
    if certificate.withdrawn_on is not None and certificate.withdrawn_on <= today:
        return "withdrawn"
    if today < certificate.valid_from:
        return "future"
    if suspended_on(certificate.suspended_from, certificate.suspended_until, today):
        return "suspended"
    return "past" if today > certificate.valid_until else "valid"


def suspended_on(first: date | None, last: date | None, day: date) -> bool:
    """Whether a suspension covers the day; without a last day it has no end yet."""
    return first is not None and first <= day and (last is None or day <= last)


def list_certificates(actor: Actor) -> list[Certificate]:
    """The organisation's certificates, those that last longest first."""
    actor.check("read")
    query = (
        select(Certificate)
        .where(Certificate.organisation_id == actor.organisation.id)
        .order_by(Certificate.valid_until.desc(), Certificate.id)
    )
    return list(db.session.scalars(query))


def get_certificate(actor: Actor, certificate_id: int) -> Certificate:
    """One of the organisation's certificates. Raises NotFound."""
    actor.check("read")
    certificate = db.session.get(Certificate, certificate_id)
    if certificate is None or certificate.organisation_id != actor.organisation.id:
        raise NotFound
    return certificate


def register_certificate(actor: Actor, values: Mapping[str, Any], *, at: datetime) -> Certificate:
    """Adds a certificate, not yet confirmed. Raises NotAllowed, EndsBeforeStart, NotYours."""
    actor.check("record")
    _check(actor, values)
    kept, covers = _apart(values)
    certificate = Certificate(organisation_id=actor.organisation.id, created_at=at, **kept)
    _ask(certificate)
    db.session.add(certificate)
    db.session.flush()
    _cover(certificate, covers)
    write_audit(actor, "certificate.create", f"certificate:{certificate.id}", at=at)
    _tell_issuer(actor, certificate, at)
    freshness.organisation_changed(actor.organisation, at=at)
    return certificate


def update_certificate(
    actor: Actor, certificate: Certificate, values: Mapping[str, Any], *, version: int, at: datetime
) -> None:
    """Changes a certificate nobody confirmed yet. Raises NotAllowed, AlreadyConfirmed,
    ChangedMeanwhile, EndsBeforeStart, NotYours."""
    actor.check("record")
    _check_open(certificate)
    check_version(certificate, version)
    _check(actor, values)
    kept, covers = _apart(values)
    changed = apply(certificate, kept)
    if _cover(certificate, covers):
        changed = [*changed, "covers"]
        flag_modified(certificate, "standard")  # a new version, though its own row says the same
    if changed:
        _ask(certificate)
        write_audit(
            actor, "certificate.change", f"certificate:{certificate.id}", at=at, fields=changed
        )
        _tell_issuer(actor, certificate, at)
        freshness.organisation_changed(actor.organisation, at=at)


def remove_certificate(actor: Actor, certificate: Certificate, *, at: datetime) -> None:
    """Removes a certificate nobody confirmed yet. Raises NotAllowed, AlreadyConfirmed."""
    actor.check("record")
    _check_open(certificate)
    write_audit(
        actor,
        "certificate.remove",
        f"certificate:{certificate.id}",
        at=at,
        standard=certificate.standard,
        number=certificate.number,
    )
    _cover(certificate, {})
    db.session.delete(certificate)
    freshness.organisation_changed(actor.organisation, at=at)


def _check_open(certificate: Certificate) -> None:
    if certificate.confirmed_by_id is not None:
        raise AlreadyConfirmed


def _check(actor: Actor, values: Mapping[str, Any]) -> None:
    if values["valid_until"] < values["valid_from"]:
        raise EndsBeforeStart(path="valid_until")
    issuer_id = values.get("issuer_id")
    if issuer_id is not None:
        issuer = db.session.get(Organisation, issuer_id)
        if issuer is None or issuer.kind != "certifier":
            raise NotYours(path="issuer_id")
    for path, model in COVERED.items():
        for chosen in values.get(path) or ():
            found = cast("Product | Place | Household | None", db.session.get(model, chosen))
            if found is None or found.organisation_id != actor.organisation.id:
                raise NotYours(path=path)


def _apart(values: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, list[int]]]:
    """The columns, and what is covered. The columns of earlier releases are emptied: what they
    said comes back through the form's ticked boxes."""
    covers = {path: sorted(values.get(path) or ()) for path in COVERED}
    kept = {name: value for name, value in values.items() if name not in COVERED}
    if kept.get("issuer_id"):
        issuer = db.session.get(Organisation, kept["issuer_id"])
        kept["issuer_name"] = issuer.name if issuer is not None else ""
    return {**kept, "product_id": None, "place_id": None}, covers


def _ask(certificate: Certificate) -> None:
    """Changed words are asked about anew, where the issuer can answer here."""
    certificate.decision = "asked" if certificate.issuer_id is not None else ""
    certificate.reason = ""


def _tell_issuer(actor: Actor, certificate: Certificate, at: datetime) -> None:
    """The certifier, where it is here, learns that somebody claims its certificate."""
    issuer = db.session.get(Organisation, certificate.issuer_id or 0)
    if issuer is not None and certificate.decision == "asked":
        context = {"by": actor.organisation.name, "what": name_of(certificate)}
        address = f"/producer/certifying/{certificate.id}"
        notify(issuer, "certificate-asked", context, at=at, address=address)


def name_of(certificate: Certificate) -> str:
    """ "VietGAP VG-2026-0001"."""
    return f"{certificate.standard} {certificate.number}".strip()


def _cover(certificate: Certificate, covers: Mapping[str, Sequence[int]]) -> bool:
    """Makes the covers those given; whether anything changed."""
    wanted = {(path, one) for path, chosen in covers.items() for one in chosen}
    known: dict[tuple[str, int], CertificateCover] = {}
    for row in _rows(certificate):
        known[_path_of(row)] = row
    for key, row in known.items():
        if key not in wanted:
            db.session.delete(row)
    for path, one in sorted(wanted - known.keys()):
        column = {"products": "product_id", "places": "place_id", "members": "household_id"}[path]
        db.session.add(CertificateCover(certificate_id=certificate.id, **{column: one}))
    db.session.flush()
    return wanted != known.keys()


def _rows(certificate: Certificate) -> Sequence[CertificateCover]:
    return db.session.scalars(
        select(CertificateCover)
        .where(CertificateCover.certificate_id == certificate.id)
        .order_by(CertificateCover.id)
    ).all()


def _path_of(row: CertificateCover) -> tuple[str, int]:
    if row.product_id is not None:
        return "products", row.product_id
    if row.place_id is not None:
        return "places", row.place_id
    return "members", row.household_id or 0


@dataclass(frozen=True, slots=True)
class Covers:
    """What a certificate is for; an empty tuple means all."""

    products: tuple[Product, ...] = ()
    places: tuple[Place, ...] = ()
    members: tuple[Household, ...] = ()


def covers_of_each(certificates: Sequence[Certificate]) -> dict[int, Covers]:
    """What each covers, by its id; two statements."""
    ids = [one.id for one in certificates]
    rows: dict[int, list[CertificateCover]] = {one: [] for one in ids}
    sides = (CertificateCover.product, CertificateCover.place, CertificateCover.household)
    query = select(CertificateCover).where(among(CertificateCover.certificate_id, ids))
    query = query.options(*(joinedload(one) for one in sides))
    for row in db.session.scalars(query.order_by(CertificateCover.id)):
        rows[row.certificate_id].append(row)
    return {one.id: _covers(one, rows[one.id]) for one in certificates}


def covers_of(certificate: Certificate) -> Covers:
    """What it covers, as rows and as earlier releases kept it."""
    return _covers(certificate, _rows(certificate))


def _covers(certificate: Certificate, rows: Sequence[CertificateCover]) -> Covers:
    products = {row.product.id: row.product for row in rows if row.product is not None}
    places = {row.place.id: row.place for row in rows if row.place is not None}
    if certificate.product is not None:
        products.setdefault(certificate.product.id, certificate.product)
    if certificate.place is not None:
        places.setdefault(certificate.place.id, certificate.place)
    return Covers(
        tuple(products.values()),
        tuple(places.values()),
        tuple(row.household for row in rows if row.household is not None),
    )


def list_certifiers() -> list[Organisation]:
    """The certifiers here: those who can answer for a certificate."""
    query = select(Organisation).where(Organisation.kind == "certifier")
    return sorted(db.session.scalars(query), key=lambda one: one.name.casefold())


# -- names that promise a certificate --------------------------------------------------------------


@lru_cache(maxsize=1)
def claim_words() -> tuple[tuple[str, str], ...]:
    """(word as folded text, standard it promises), from data/claims.tsv."""
    file = Path(__file__).parents[1] / "data" / "claims.tsv"
    rows = [line.split("\t") for line in file.read_text(encoding="utf-8").splitlines()]
    return tuple((fold(row[0]), row[1]) for row in rows if len(row) > 1 and row[0][:1] != "#")


def claims_in(name: str) -> list[str]:
    """The standards that a product's name promises: "Rau hữu cơ VietGAP" promises two."""
    told = f" {fold(name)} "
    return list(dict.fromkeys(standard for word, standard in claim_words() if f" {word} " in told))


def backs(standard: str, claim: str) -> bool:
    """Whether a certificate of this standard is one for the claim."""
    return claim in claims_in(standard)


def unbacked_claims(actor: Actor, product: Product, today: date) -> list[str]:
    """What the product's name promises without a certificate in force that covers it."""
    claims = claims_in(f"{product.name} {product.name_en}")
    if not claims:
        return []
    standing = [
        one
        for one in list_certificates(actor)
        if one.decision != "rejected" and state_of(one, today) == "valid"
    ]
    backed = {
        claim
        for one in standing
        for claim in claims
        if backs(one.standard, claim) and _for_product(one, product)
    }
    return [claim for claim in claims if claim not in backed]


def _for_product(certificate: Certificate, product: Product) -> bool:
    covered = covers_of(certificate).products
    return not covered or product.id in {one.id for one in covered}

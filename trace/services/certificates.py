"""Certificates an organisation says it has; unless its issuer confirmed one, that is said too."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, Literal

from sqlalchemy import select

from trace.errors import NotFound, TraceError
from trace.extensions import db
from trace.models import Certificate, Place, Product
from trace.services import freshness
from trace.services.actors import Actor
from trace.services.audit import apply, write_audit
from trace.services.versions import check_version

State = Literal["valid", "future", "past"]


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
    if today < certificate.valid_from:
        return "future"
    return "past" if today > certificate.valid_until else "valid"


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
    certificate = Certificate(organisation_id=actor.organisation.id, created_at=at, **values)
    db.session.add(certificate)
    db.session.flush()
    write_audit(actor, "certificate.create", f"certificate:{certificate.id}", at=at)
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
    changed = apply(certificate, dict(values))
    if changed:
        write_audit(
            actor, "certificate.change", f"certificate:{certificate.id}", at=at, fields=changed
        )
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
    db.session.delete(certificate)
    freshness.organisation_changed(actor.organisation, at=at)


def _check_open(certificate: Certificate) -> None:
    if certificate.confirmed_by_id is not None:
        raise AlreadyConfirmed


def _check(actor: Actor, values: Mapping[str, Any]) -> None:
    if values["valid_until"] < values["valid_from"]:
        raise EndsBeforeStart(path="valid_until")
    product_id, place_id = values.get("product_id"), values.get("place_id")
    if product_id is not None:
        _check_owner(actor, db.session.get(Product, product_id), "product_id")
    if place_id is not None:
        _check_owner(actor, db.session.get(Place, place_id), "place_id")


def _check_owner(actor: Actor, chosen: Product | Place | None, path: str) -> None:
    if chosen is None or chosen.organisation_id != actor.organisation.id:
        raise NotYours(path=path)

"""The issuer's side of certificates: a certifier confirms, rejects, suspends or withdraws what
carries its name, each time by a signed and logged event (formats, sections 5 and 7).

The event is about the certificate: an object of its own (`urn:uuid:`, drawn from the holder's code
and the row, the same for every answer), with `trace:certificate` saying what is confirmed, for whom
and from when. Days are the certifier's word; they count at harvest, not on the day of the answer.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from sqlalchemy import Select, select

from trace.errors import Conflict, NotAllowed, NotFound, TraceError
from trace.extensions import db
from trace.models import Certificate
from trace.services import freshness
from trace.services.actors import Actor
from trace.services.audit import write_audit
from trace.services.batches import organisation_address, place_address, product_address
from trace.services.capture import capture
from trace.services.certificates import covers_of, name_of
from trace.services.notifications import notify
from trace.services.records import Draw, Item, JsonObject, Record, observed
from trace.services.settings import current_settings
from trace.services.versions import check_version


class NotConfirmedYet(Conflict):
    code = "certificate-not-confirmed"
    message = "Only a certificate you confirmed can be suspended, resumed or withdrawn."


class AlreadyWithdrawn(Conflict):
    code = "certificate-withdrawn"
    message = "This certificate was withdrawn; nothing more can be said of it."


class UntilBeforeDay(TraceError):
    code = "until-before-day"
    message = "The last day of the suspension comes before its first."


def check_certifier(actor: Actor) -> None:
    """Raises NotAllowed for whoever is not a certifier."""
    actor.check("read")
    if actor.organisation.kind != "certifier":
        raise NotAllowed


def select_issued(actor: Actor) -> Select[Certificate]:
    """The certificates that carry the certifier's name, in no order. Raises NotAllowed."""
    check_certifier(actor)
    return select(Certificate).where(Certificate.issuer_id == actor.organisation.id)


def list_issued(actor: Actor) -> list[Certificate]:
    """The same, those that wait for an answer first."""
    query = select_issued(actor).order_by(Certificate.id.desc())
    return sorted(db.session.scalars(query), key=lambda one: one.decision != "asked")


def get_issued(actor: Actor, certificate_id: int) -> Certificate:
    """One of them. Raises NotAllowed, NotFound."""
    check_certifier(actor)
    found = db.session.get(Certificate, certificate_id)
    if found is None or found.issuer_id != actor.organisation.id:
        raise NotFound
    return found


def decide(
    actor: Actor,
    certificate: Certificate,
    values: Mapping[str, Any],
    *,
    version: int,
    draw: Draw,
    at: datetime,
) -> None:
    """Signs and logs the issuer's answer and makes the holder's pages say it. Raises NotAllowed,
    ChangedMeanwhile (the holder changed it since the page was opened), NotConfirmedYet,
    AlreadyWithdrawn, UntilBeforeDay."""
    check_certifier(actor)
    actor.check("record")
    check_version(certificate, version)
    decision, day, until = values["decision"], values.get("day"), values.get("until")
    _check(certificate, decision, day, until)
    event = _event(actor, certificate, values, draw, at)
    captured = capture(actor, [event], at=at)
    _keep(actor, certificate, decision, day, until)
    certificate.reason = values.get("reason") or ""
    certificate.decided_at = at
    certificate.event_id = captured.events[0].event_id
    write_audit(actor, f"certificate.{decision}", f"certificate:{certificate.id}", at=at)
    notify(
        certificate.organisation,
        f"certificate-{decision}",
        {
            "by": actor.organisation.name,
            "what": name_of(certificate),
            "day": f"{day:%d/%m/%Y}" if day is not None else "",
        },
        at=at,
        address=f"/producer/certificates/{certificate.id}",
    )
    freshness.organisation_changed(certificate.organisation, at=at)


def _check(certificate: Certificate, decision: str, day: date | None, until: date | None) -> None:
    if certificate.withdrawn_on is not None:
        raise AlreadyWithdrawn(path="decision")
    if decision in ("suspended", "resumed", "withdrawn") and certificate.decision != "confirmed":
        raise NotConfirmedYet(path="decision")
    if day is not None and until is not None and until < day:
        raise UntilBeforeDay(path="until")


def _keep(
    actor: Actor, certificate: Certificate, decision: str, day: date | None, until: date | None
) -> None:
    if decision == "confirmed":
        certificate.decision, certificate.confirmed_by_id = "confirmed", actor.organisation.id
    elif decision == "rejected":
        certificate.decision, certificate.confirmed_by_id = "rejected", None
    elif decision == "suspended":
        certificate.suspended_from, certificate.suspended_until = day, until
    elif decision == "resumed" and day is not None:
        # In force again from that day: the day before is the suspension's last.
        certificate.suspended_until = date.fromordinal(day.toordinal() - 1)
    elif decision == "withdrawn":
        certificate.withdrawn_on = day


def certificate_uri(certificate: Certificate) -> str:
    """What its events are about."""
    settings = current_settings()
    name = f"{settings.id_base}/o/{certificate.organisation.code}/certificates/{certificate.id}"
    return f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, name)}"


def _event(
    actor: Actor, certificate: Certificate, values: Mapping[str, Any], draw: Draw, at: datetime
) -> JsonObject:
    covers = covers_of(certificate)
    told: JsonObject = {
        "standard": certificate.standard,
        "number": certificate.number,
        "holder": organisation_address(certificate.organisation),
        "decision": values["decision"],
        "validFrom": certificate.valid_from.isoformat(),
        "validUntil": certificate.valid_until.isoformat(),
        "day": values["day"].isoformat() if values.get("day") else "",
        "until": values["until"].isoformat() if values.get("until") else "",
        "reason": values.get("reason") or "",
        "products": [product_address(one) for one in covers.products],
        "places": [place_address(one) for one in covers.places if one.public],
        "members": [one.code for one in covers.members],
    }
    record = Record(
        id_base=current_settings().id_base,
        event_id=draw.event_id(),
        event_time=at,
        recorded_by=organisation_address(actor.organisation),
    )
    item = Item(certificate_uri(certificate), single=True)
    kept = {name: value for name, value in told.items() if value not in ("", [])}
    return observed(record, "inspecting", [item], parts={"trace:certificate": kept})

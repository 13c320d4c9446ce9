"""Accreditation of laboratories, certifiers and inspectors: by the platform, from a day to a day,
said in the log. What an accredited organisation states while that is in force is marked as an
accredited third party's.

An inspector is a person of an authority; his name is in our table only, never in the log.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any, Final

from sqlalchemy import select

from trace.errors import Conflict, NotFound, TraceError
from trace.extensions import db
from trace.models import Accreditation, Membership, Organisation, Person
from trace.services import freshness
from trace.services.actors import Actor
from trace.services.audit import write_audit
from trace.services.deadlines import local_day
from trace.services.notifications import notify
from trace.services.platform_statements import organisation_identity, say
from trace.services.versions import check_version

# Kind of organisation -> as what it, or a person of it, is accredited.
ROLES: Final = {"laboratory": "laboratory", "certifier": "certifier", "authority": "inspector"}
LIST: Final = 2_000


class NotToBeAccredited(TraceError):
    code = "not-to-be-accredited"
    message = "Only laboratories, certifiers and inspectors of authorities are accredited."


class NotConfirmedFirst(Conflict):
    code = "not-confirmed-first"
    message = "Confirm %(name)s first; then accredit it."


class DaysReversed(TraceError):
    code = "days-reversed"
    message = "The last day comes before the first."


class NoSuchInspector(TraceError):
    code = "no-such-inspector"
    message = "Choose an inspector or supervisor of this authority."


class AlreadyAccredited(Conflict):
    code = "already-accredited"
    message = "An accreditation for these days stands already. Withdraw it first."


class AlreadyWithdrawn(Conflict):
    code = "accreditation-withdrawn"
    message = "This accreditation was withdrawn already."


def list_accreditations(actor: Actor) -> Sequence[Accreditation]:
    """All of them, the newest first. Raises NotAllowed."""
    actor.check("administer")
    query = select(Accreditation).order_by(Accreditation.id.desc()).limit(LIST)
    return db.session.scalars(query).all()


def get(actor: Actor, accreditation_id: int) -> Accreditation:
    """One of them. Raises NotAllowed, NotFound."""
    actor.check("administer")
    found = db.session.get(Accreditation, accreditation_id)
    if found is None:
        raise NotFound
    return found


def inspectors_of(organisation: Organisation) -> list[Person]:
    """The people of an authority who inspect, by name."""
    query = (
        select(Person)
        .join(Membership, Membership.person_id == Person.id)
        .where(
            Membership.organisation_id == organisation.id,
            Membership.role.in_(("inspector", "supervisor")),
            Person.active,
        )
    )
    return list(db.session.scalars(query.order_by(Person.name)))


def state_of(one: Accreditation, today: date) -> str:
    """in-force | ahead | over | withdrawn."""
    if one.withdrawn_on is not None:
        return "withdrawn"
    if today < one.valid_from:
        return "ahead"
    return "over" if today > one.valid_until else "in-force"


def grant(
    actor: Actor, organisation: Organisation, values: Mapping[str, Any], *, at: datetime
) -> Accreditation:
    """Accredits: `number`, `scope`, `valid_from`, `valid_until`, for an authority `person`. Raises
    NotAllowed, NotToBeAccredited, NotConfirmedFirst, DaysReversed, NoSuchInspector,
    AlreadyAccredited."""
    actor.check("administer")
    kind = ROLES.get(organisation.kind)
    if kind is None:
        raise NotToBeAccredited(path="organisation")
    if organisation.status != "confirmed":
        raise NotConfirmedFirst(name=organisation.name)
    first, last = values["valid_from"], values["valid_until"]
    if last < first:
        raise DaysReversed(path="valid_until")
    person_id = None
    if kind == "inspector":
        wanted = str(values.get("person") or "")
        person_id = next((p.id for p in inspectors_of(organisation) if str(p.id) == wanted), None)
        if person_id is None:
            raise NoSuchInspector(path="person")
    standing = select(Accreditation.id).where(
        Accreditation.organisation_id == organisation.id,
        Accreditation.person_id.is_(None)
        if person_id is None
        else Accreditation.person_id == person_id,
        Accreditation.withdrawn_on.is_(None),
        Accreditation.valid_from <= last,
        Accreditation.valid_until >= first,
    )
    if db.session.scalar(standing.limit(1)) is not None:
        raise AlreadyAccredited(path="valid_from")
    told = {
        "decision": "accredited",
        "role": kind,
        "number": values.get("number") or "",
        "scope": values.get("scope") or "",
        "validFrom": first.isoformat(),
        "validUntil": last.isoformat(),
    }
    made = Accreditation(
        organisation_id=organisation.id,
        person_id=person_id,
        kind=kind,
        number=told["number"],
        scope=told["scope"],
        valid_from=first,
        valid_until=last,
        by_id=actor.organisation.id,
        at=at,
        statement=_say(actor, organisation, told, True, at),
    )
    db.session.add(made)
    db.session.flush()
    write_audit(
        actor, "accreditation.grant", f"organisation:{organisation.code}", at=at, id=made.id
    )
    freshness.organisation_changed(organisation, at=at)
    notify(
        organisation,
        "accredited",
        {"by": actor.organisation.name, "day": f"{last:%d/%m/%Y}"},
        at=at,
        address="/producer/organisation/",
    )
    return made


def withdraw(actor: Actor, one: Accreditation, reason: str, *, version: int, at: datetime) -> None:
    """Withdraws from today on: what was stated before stays marked. Raises NotAllowed,
    AlreadyWithdrawn, ChangedMeanwhile."""
    actor.check("administer")
    check_version(one, version)
    if one.withdrawn_on is not None:
        raise AlreadyWithdrawn
    one.withdrawn_on, one.reason = local_day(at), reason
    told = {"decision": "accreditation-withdrawn", "role": one.kind, "reason": reason}
    _say(actor, one.organisation, {**told, "about": one.statement}, False, at)
    write_audit(
        actor, "accreditation.withdraw", f"organisation:{one.organisation.code}", at=at, id=one.id
    )
    db.session.flush()
    freshness.organisation_changed(one.organisation, at=at)
    notify(
        one.organisation,
        "accreditation-withdrawn",
        {"by": actor.organisation.name, "reason": reason},
        at=at,
        address="/producer/organisation/",
    )


def _say(
    actor: Actor, organisation: Organisation, told: dict[str, Any], conforms: bool, at: datetime
) -> str:
    about = [organisation_identity(organisation)]
    return say(about, told, by=actor.organisation, conforms=conforms, at=at)


def of_organisation(organisation: Organisation) -> Sequence[Accreditation]:
    """What an organisation, and people of it, were accredited for; the newest first."""
    query = select(Accreditation).where(Accreditation.organisation_id == organisation.id)
    return db.session.scalars(query.order_by(Accreditation.id.desc())).all()

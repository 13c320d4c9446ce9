"""Organisations: who signs. Anyone may register one; it is unconfirmed until an authority says."""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from sqlalchemy import select, update

from trace.core.gs1 import new_code
from trace.errors import Conflict, NotAllowed, NotFound, TraceError
from trace.extensions import db
from trace.models import Membership, Organisation, Person
from trace.models.organisations import KINDS
from trace.services import applications, freshness, log
from trace.services.actors import MAY, Actor
from trace.services.audit import apply, write_audit
from trace.services.keys import create_key
from trace.services.versions import check_version
from trace.services.wards import ward_name

# Authorities and the platform are set up by the platform, not by whoever says so.
OPEN_KINDS: Final = tuple(kind for kind in KINDS if kind not in ("authority", "platform"))


# What an authority looked at when it confirmed; all pages say "confirmed" of these words.
CONFIRMED_AS: Final = ("name", "name_en", "kind", "ward_code")


class KindNotOpen(TraceError):
    code = "kind-not-open"
    message = "An organisation of this kind is set up by the platform."


class ConfirmedAs(Conflict):
    code = "confirmed-as"
    message = "The organisation was confirmed under this name, kind and ward."
    next_step = "Say that it is to be confirmed anew; until then it is shown as unconfirmed."


class SuspendedAs(Conflict):
    code = "suspended-as"
    message = "Name, kind and ward stay as they are while the organisation is suspended."


def create_organisation(
    values: Mapping[str, Any],
    *,
    at: datetime,
    owner: Person | None = None,
    role: str = "owner",
    demonstration: bool = False,
) -> Organisation:
    """A new organisation, unconfirmed, with its code, its chain and its signing key in the log.

    `values`: name, kind; optional name_en, ward_code, address, phone, phone_public, gln,
    jurisdiction. With an `owner` it may be of the open kinds only (KindNotOpen).
    """
    if owner is not None and values["kind"] not in OPEN_KINDS:
        raise KindNotOpen(path="kind")
    organisation = Organisation(
        code=new_code(os.urandom),
        use_salt=os.urandom(32),
        demonstration=demonstration,
        created_at=at,
        **values,
    )
    db.session.add(organisation)
    db.session.flush()
    if owner is not None:
        add_member(organisation, owner, role, at=at)
    create_key(organisation, at=at)
    write_audit(
        None,
        "organisation.create",
        f"organisation:{organisation.code}",
        at=at,
        organisation=organisation,
        person=owner,
    )
    return organisation


def add_member(
    organisation: Organisation, person: Person, role: str, *, at: datetime
) -> Membership:
    """Makes a person a member in a role."""
    membership = Membership(
        person_id=person.id, organisation_id=organisation.id, role=role, created_at=at
    )
    db.session.add(membership)
    db.session.flush()
    write_audit(
        None,
        "membership.add",
        f"person:{person.id}",
        at=at,
        organisation=organisation,
        person=person,
        role=role,
    )
    return membership


def hold_members(organisation_id: int) -> None:
    """Until this transaction ends, nobody else gives, takes or uses the right to manage this
    organisation. An update that changes nothing: on SQLite reading alone would hold nothing."""
    db.session.execute(
        update(Organisation)
        .where(Organisation.id == organisation_id)
        .values(name=Organisation.name)
        .execution_options(synchronize_session=False)
    )


def check_still_manages(actor: Actor) -> None:
    """Raises NotAllowed for a person who was taken out, or given another role, since the request
    began: what they give out now would outlive it."""
    if actor.person is None:
        return
    hold_members(actor.organisation.id)
    role = db.session.scalar(
        select(Membership.role).where(
            Membership.person_id == actor.person.id,
            Membership.organisation_id == actor.organisation.id,
        )
    )
    if "manage" not in MAY.get(role or "", frozenset()):
        raise NotAllowed


def find_organisation(code: str) -> Organisation | None:
    """The organisation with this code."""
    return db.session.scalar(select(Organisation).where(Organisation.code == code))


def get_organisation(code: str) -> Organisation:
    """The organisation with this code. Raises NotFound."""
    found = find_organisation(code)
    if found is None:
        raise NotFound
    return found


def list_members(actor: Actor) -> list[Membership]:
    """Who is a member of the actor's organisation, by name."""
    actor.check("read")
    query = (
        select(Membership)
        .join(Person)
        .where(Membership.organisation_id == actor.organisation.id)
        .order_by(Person.name)
    )
    return list(db.session.scalars(query))


def update_organisation(
    actor: Actor, values: Mapping[str, Any], *, version: int, at: datetime
) -> Organisation:
    """Changes what the organisation says about itself; its code stays. Its status does, too, unless
    what it was confirmed as changes: that is refused, or with `confirm_anew` among the values makes
    it unconfirmed, and its file waits for the desk again. Raises NotAllowed, ChangedMeanwhile,
    KindNotOpen, ConfirmedAs, SuspendedAs."""
    actor.check("manage")
    organisation = actor.organisation
    check_version(organisation, version)
    values = dict(values)
    anew = bool(values.pop("confirm_anew", False))
    kind = values.get("kind", organisation.kind)
    if kind != organisation.kind and kind not in OPEN_KINDS:
        raise KindNotOpen(path="kind")
    unsettled = _unsettled(organisation, values, anew)
    if any(getattr(organisation, name) != value for name, value in values.items()):
        log.lock()  # captures take it before they mark pages
    changed = apply(organisation, values)
    if unsettled:
        applications.ask_anew(actor, unsettled, at=at)
    if changed:
        write_audit(
            actor,
            "organisation.change",
            f"organisation:{organisation.code}",
            at=at,
            fields=changed,
        )
        freshness.organisation_changed(organisation, at=at)
    return organisation


def _unsettled(organisation: Organisation, values: Mapping[str, Any], anew: bool) -> str:
    """What changes of that which it was confirmed as, in words; "" for nothing."""
    if organisation.kind == "platform" or organisation.status == "unconfirmed":
        return ""
    words = {name: getattr(organisation, name) for name in CONFIRMED_AS}
    changes = [name for name in CONFIRMED_AS if values.get(name, words[name]) != words[name]]
    if not changes:
        return ""
    if organisation.status == "suspended":
        raise SuspendedAs(path=changes[0])
    if not anew:
        raise ConfirmedAs(path=changes[0])
    told = (f"{_said(name, words[name])} → {_said(name, values[name])}" for name in changes)
    return "; ".join(told)


def _said(name: str, value: Any) -> str:
    return ward_name(value) if name == "ward_code" and value else str(value or "–")

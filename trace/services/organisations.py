"""Organisations: who signs. Anyone may register one; it is unconfirmed until an authority says."""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from sqlalchemy import select

from trace.core.gs1 import new_code
from trace.errors import NotFound, TraceError
from trace.extensions import db
from trace.models import Membership, Organisation, Person
from trace.models.organisations import KINDS
from trace.services import freshness
from trace.services.actors import Actor
from trace.services.audit import apply, write_audit
from trace.services.keys import create_key
from trace.services.versions import check_version

# Authorities and the platform are set up by the platform, not by whoever says so.
OPEN_KINDS: Final = tuple(kind for kind in KINDS if kind not in ("authority", "platform"))


class KindNotOpen(TraceError):
    code = "kind-not-open"
    message = "An organisation of this kind is set up by the platform."


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
    """Changes what the organisation says about itself; its code and status stay. Raises
    NotAllowed, ChangedMeanwhile, KindNotOpen."""
    actor.check("manage")
    organisation = actor.organisation
    check_version(organisation, version)
    kind = values.get("kind", organisation.kind)
    if kind != organisation.kind and kind not in OPEN_KINDS:
        raise KindNotOpen(path="kind")
    changed = apply(organisation, dict(values))
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

"""What ordinary tables hold of a person, by the number or address they give; and erasing it.

Found are accounts, member households, organisations' public numbers, and what people without an
account wrote when they answered a delivery note: those by number, by plate, or by the note's code,
which is all that some of them left; what the desk holds of people (`subjects_desk`), and what was
typed into links and names of loggers (`subjects_machines`). Copies of the public record go with the
record (`public_copies`). What statements hold is found by statement or by code (services.erasures):
the log knows no persons.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, TypeVar
from uuid import UUID

from sqlalchemy import ColumnElement, and_, func, or_, select

from trace.core.gs1 import Identity, canonical_uri, check_code
from trace.errors import Conflict, NotFound, TraceError
from trace.extensions import db
from trace.models import (
    Event,
    EventThing,
    Follow,
    Handover,
    Household,
    Membership,
    NoteLink,
    Organisation,
    Person,
    Thing,
)
from trace.services import (
    factor_resets,
    factors,
    follows,
    freshness,
    subjects_desk,
    subjects_machines,
)
from trace.services.actors import Actor
from trace.services.audit import write_audit
from trace.services.follows_words import goods_of
from trace.services.people import parse_login
from trace.services.reports import identity_of
from trace.services.settings import current_settings
from trace.services.web_push import forget, list_devices

MOST_STATEMENTS: Final = 200
# What somebody without an account wrote of himself, and what people put between a plate's digits.
NOTE_FIELDS: Final = ("name", "phone", "plate")
PLATE_MARKS: Final = " .-"
T = TypeVar("T", Person, Household, Organisation, NoteLink, Follow)


class SoleOwner(Conflict):
    code = "sole-owner"
    message = "%(organisation)s has no other owner; nobody could act for it any more."
    next_step = "Make another member the owner first, or close the organisation."


@dataclass(frozen=True, slots=True)
class Held:
    """One row about a person: `key` names it (`person:7`), `fields` are the names of what it
    holds, `where` whose it is."""

    key: str
    label: str
    where: str
    fields: tuple[str, ...]


_PAGE: Final = re.compile(r"://|/[a-z]+/")  # a code may be all digits


def is_contact(text: str) -> bool:
    """Whether a text is a phone number or an e-mail address, and no address of a page."""
    if _PAGE.search(text):
        return False
    try:
        parse_login(text)
    except TraceError:
        return False
    return True


def held_about(actor: Actor, contact: str) -> list[Held]:
    """What accounts, households, organisations, recalls and reports hold under a number or an
    address; answers to delivery notes under a number, a plate or the note's code; recalls and
    findings under their code. Raises NotAllowed."""
    actor.check("administer")
    if not is_contact(contact):
        return _answered(_note_or_plate(contact)) + _at_desk(contact)
    login = parse_login(contact)
    found = []
    person = db.session.scalar(
        select(Person).where(or_(Person.phone == login.value, Person.email == login.value))
    )
    if person is not None:
        fields = [f for f in ("name", "phone", "email") if getattr(person, f)]
        places = ", ".join(one.organisation.name for one in person.memberships)
        found.append(Held(f"person:{person.id}", person.name, places, tuple(fields)))
    followed = follows.by_address(login.value) if login.kind == "email" else []
    if followed:
        where = ", ".join(goods_of(one.thing).code for one in followed)
        found.append(Held(f"follow:{followed[0].id}", login.value, where, ("email",)))
    if login.kind == "phone":
        for one in db.session.scalars(select(Household).where(Household.phone == login.value)):
            fields = [f for f in ("name", "phone", "ward_code") if getattr(one, f)]
            where = f"{one.organisation.name}, {one.code}"
            found.append(Held(f"household:{one.id}", one.name, where, tuple(fields)))
        query = select(Organisation).where(Organisation.phone == login.value)
        found += [
            Held(f"organisation:{one.id}", one.name, one.code, ("phone",))
            for one in db.session.scalars(query)
        ]
        # As people type it where it is no number of ours to understand (`answers.spend_link`).
        typed = (login.value, f"0{login.value.removeprefix('+84')}")
        found += _answered(NoteLink.phone.in_(typed))
        found += [Held(*one) for one in subjects_desk.by_number(typed)]
        found += [Held(*one) for one in subjects_machines.by_text(typed)]
    else:
        found += [Held(*one) for one in subjects_machines.by_text([login.value])]
    return found + [Held(*one) for one in subjects_desk.by_contact(login.value)]


def _at_desk(text: str) -> list[Held]:
    """What cases with this code hold."""
    try:
        code = check_code(text.rpartition("/")[2])
    except TraceError:
        return []
    return [Held(*one) for one in subjects_desk.by_code(code)]


def _note_or_plate(text: str) -> ColumnElement[bool]:
    """Answers to the note with this code or address, or by whoever drove the vehicle."""
    plate: ColumnElement[str] = func.upper(NoteLink.plate)
    for mark in PLATE_MARKS:
        plate = func.replace(plate, mark, "")
    typed = text.upper().translate(dict.fromkeys(map(ord, PLATE_MARKS)))
    by_plate = and_(plate == typed, NoteLink.plate != "")
    try:
        code = check_code(text.rpartition("/")[2])
    except TraceError:
        return by_plate
    note = canonical_uri(Identity("n", code), current_settings().id_base)
    return or_(by_plate, Handover.note == note)


def _answered(which: ColumnElement[bool]) -> list[Held]:
    rows = db.session.execute(
        select(NoteLink, Handover.note, Organisation.name)
        .join(Handover, Handover.event_id == NoteLink.event_id)
        .join(Organisation, Organisation.id == Handover.giver_id)
        .where(which, NoteLink.answered_at.is_not(None))
        .order_by(NoteLink.event_id)
        .limit(MOST_STATEMENTS)
    ).all()
    found = []
    for link, note, giver in rows:
        fields = tuple(name for name in NOTE_FIELDS if getattr(link, name))
        if fields:
            label = " · ".join(getattr(link, name) for name in fields)
            found.append(Held(f"note:{link.event_id}", label, f"{giver}, {note or ''}", fields))
    return found


def erase_record(actor: Actor, key: str, *, at: datetime) -> None:
    """Empties one row that `held_about` found. The row itself stays, without a person in it:
    others refer to it. Raises NotAllowed, NotFound, SoleOwner, RecallRunning."""
    actor.check("administer")
    kind, _, number = key.partition(":")
    if not number.isdecimal() or len(number) > 15:
        raise NotFound
    if kind == "person":
        _erase_person(int(number))
    elif kind == "household":
        household = _get(Household, int(number))
        household.name, household.phone, household.ward_code = "", "", None
    elif kind == "organisation":
        organisation = _get(Organisation, int(number))
        organisation.phone, organisation.phone_public = "", False
        freshness.organisation_changed(organisation, at=at)
    elif kind == "note":
        link = _get(NoteLink, int(number))
        for name in NOTE_FIELDS:
            setattr(link, name, "")
        subjects_desk.empty_shipment(link.event_id)
    elif kind == "follow":
        follows.forget_address(_get(Follow, int(number)))
    elif not (
        subjects_desk.erase(kind, int(number), at=at) or subjects_machines.erase(kind, int(number))
    ):
        raise NotFound
    write_audit(actor, f"{kind}.erase", key, at=at)
    db.session.flush()


def _erase_person(number: int) -> None:
    person = _get(Person, number)
    for one in person.memberships:
        others = select(func.count()).where(
            Membership.organisation_id == one.organisation_id,
            Membership.role == one.role,
            Membership.person_id != person.id,
        )
        if one.organisation.closed_at is not None:
            continue  # nobody acts for it any more
        if one.role in ("owner", "admin") and not db.session.scalar(others):
            raise SoleOwner(organisation=one.organisation.name)
    person.name, person.email, person.phone, person.active = "", None, None, False
    person.password_hash = f"!{secrets.token_hex(8)}"  # no hash at all: nothing fits it
    for device in list_devices(person):
        forget(device)
    factors.forget(person)
    factor_resets.forget(person)


def _get(model: type[T], number: int) -> T:
    found = db.session.get(model, number)
    if found is None:
        raise NotFound
    return found


def statements_about(actor: Actor, typed: str) -> Sequence[Event]:
    """Events by what the desk types: a statement's urn, or the address or code of a lot, a cycle or
    a package; the newest first. Raises NotAllowed, NotFound, and errors of gs1."""
    actor.check("administer")
    text = typed.strip()
    if text.startswith("urn:uuid:"):
        try:
            raw = UUID(text.removeprefix("urn:uuid:")).bytes
        except ValueError as error:
            raise NotFound from error
        return db.session.scalars(select(Event).where(Event.statement_id == raw)).all()
    base = current_settings().id_base
    if "/" in text:
        identity = canonical_uri(identity_of(text), base)
        condition = Thing.identity == identity
    else:
        condition = Thing.identity.in_([f"{base}/{k}/{check_code(text)}" for k in "bch"])
    named = select(EventThing.event_id).join(Thing, Thing.id == EventThing.thing_id)
    return db.session.scalars(
        select(Event)
        .where(Event.id.in_(named.where(condition)))
        .order_by(Event.id.desc())
        .limit(MOST_STATEMENTS)
    ).all()

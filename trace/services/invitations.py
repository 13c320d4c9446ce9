"""Members of an organisation: invited by a link or its QR code, renewed, given roles, removed.

Rules.
1. A link is used once, within seven days; only the SHA-256 of its token is kept. Looking at it
   uses nothing up.
2. An owner (on the platform the administrator) invites, changes
   roles and removes; the roles are those of the kind of organisation. The last one who manages
   neither leaves nor gives the role up. Who manages no more leaves no open link behind, and no
   token of theirs unless who takes them out says so: what a program may do, who made it may do.
3. A renewal lets a member of this organisation alone set a new password: somebody who is in
   another organisation too would open that one along.
4. Using a renewal ends every sign-in of the person, and the owner is written down as who gave it.
"""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import delete, func, select, update

from trace.errors import Conflict, NotFound, TraceError
from trace.extensions import db
from trace.models import Invitation, Membership, Person, Session
from trace.services.actors import MAY, Actor
from trace.services.audit import write_audit
from trace.services.notifications import notify, notify_people
from trace.services.organisations import add_member, check_still_manages, hold_members
from trace.services.people import Login, check_password_rules, register_person, reset_password
from trace.services.sessions import TOKEN_LENGTH, token_digest
from trace.services.settings import current_settings
from trace.services.tokens import end_token, made_by

LIFE: Final = timedelta(days=7)


class LinkUsedUp(TraceError):
    code = "link-used-up"
    status = 410
    message = "This link was used, withdrawn, or is over seven days old."
    next_step = "Ask the owner of the organisation for a new one."


class AlreadyMember(Conflict):
    code = "already-member"
    message = "You are a member of this organisation already."


class LastOwner(Conflict):
    code = "last-owner"
    message = "This is the last person who manages the organisation."
    next_step = "Give somebody else that role first."


class NotThisRole(TraceError):
    code = "not-this-role"
    message = "There is no such role in this kind of organisation."


class MemberElsewhere(TraceError):
    code = "member-elsewhere"
    status = 403
    message = "This person belongs to another organisation too."
    next_step = "They renew their own access by e-mail or passkey, or ask the platform."


def roles_of(kind: str) -> tuple[str, ...]:
    """The roles in an organisation of this kind, the one that manages first."""
    if kind == "authority":
        return ("owner", "supervisor", "inspector", "viewer")
    if kind == "platform":
        return ("admin", "viewer")
    return ("owner", "recorder", "viewer")


def invite(actor: Actor, role: str, name: str, *, at: datetime) -> tuple[Invitation, str]:
    """A new invitation and the address to open, which is kept nowhere. Raises NotAllowed,
    NotThisRole."""
    actor.check("manage")
    check_still_manages(actor)
    return invite_first(actor, role, name, at=at)


def invite_first(actor: Actor, role: str, name: str, *, at: datetime) -> tuple[Invitation, str]:
    """The same by who sets an organisation up and is no member of it (services.authorities)."""
    actor.check("manage")
    if role not in roles_of(actor.organisation.kind):
        raise NotThisRole(path="role")
    return _make(actor, "join", at, role=role, name=name)


def renew(actor: Actor, person_id: int, *, at: datetime) -> tuple[Invitation, str]:
    """A link by which a member sets a new password. Raises NotAllowed, NotFound,
    MemberElsewhere."""
    actor.check("manage")
    member = get_member(actor, person_id)
    others = select(func.count()).where(Membership.person_id == person_id)
    if (db.session.scalar(others) or 0) > 1:
        raise MemberElsewhere
    check_still_manages(actor)
    return _make(actor, "reset", at, name=member.person.name, person_id=person_id)


def withdraw(actor: Actor, invitation_id: int, *, at: datetime) -> None:
    """Makes a link worth nothing. Raises NotAllowed, NotFound."""
    actor.check("manage")
    found = db.session.get(Invitation, invitation_id)
    if found is None or found.organisation_id != actor.organisation.id:
        raise NotFound
    if found.used_at is None and found.revoked_at is None:
        found.revoked_at = at
        write_audit(actor, "invitation.withdraw", f"invitation:{found.id}", at=at)


def list_open(actor: Actor, *, at: datetime) -> list[Invitation]:
    """Links that may still be used, the newest first. Raises NotAllowed."""
    actor.check("manage")
    query = (
        select(Invitation)
        .where(
            Invitation.organisation_id == actor.organisation.id,
            Invitation.used_at.is_(None),
            Invitation.revoked_at.is_(None),
            Invitation.expires_at > at,
        )
        .order_by(Invitation.id.desc())
    )
    return list(db.session.scalars(query))


def find_by_token(token: str, *, at: datetime) -> Invitation:
    """The usable link of a token. Raises LinkUsedUp, also for one that never was."""
    found = None
    if len(token) == TOKEN_LENGTH:
        query = select(Invitation).where(Invitation.token_hash == token_digest(token))
        found = db.session.scalar(query)
    if found is None or found.used_at or found.revoked_at or found.expires_at <= at:
        raise LinkUsedUp
    return found


def accept(invitation: Invitation, person: Person, *, at: datetime) -> Membership:
    """A person joins. Raises LinkUsedUp, AlreadyMember."""
    if invitation.kind != "join":
        raise LinkUsedUp
    if db.session.get(Membership, (person.id, invitation.organisation_id)) is not None:
        raise AlreadyMember
    _use(invitation, person, at)
    member = add_member(invitation.organisation, person, invitation.role, at=at)
    notify(
        invitation.organisation,
        "member-joined",
        {"name": person.name},
        at=at,
        address="/producer/members/",
        but=person,
    )
    return member


def accept_as_new(
    invitation: Invitation, name: str, login: Login, password: str, *, at: datetime, locale: str
) -> Person:
    """Somebody without an account joins. The owner who handed the link over vouches for the person,
    nobody for the contact: until it is proven by a code it recovers nothing and gets no messages
    (services.contacts). Raises LinkUsedUp, LoginTaken and what check_password_rules raises."""
    person = register_person(name, login, password, at=at, locale=locale)
    accept(invitation, person, at=at)
    return person


def use_renewal(invitation: Invitation, password: str, *, at: datetime) -> Person:
    """Sets the new password of the person of a renewal and ends all their sign-ins. Raises
    LinkUsedUp and what check_password_rules raises, naming `password`."""
    person = invitation.person
    if invitation.kind != "reset" or person is None or not person.active:
        raise LinkUsedUp
    memberships = db.session.scalars(
        select(Membership.organisation_id).where(Membership.person_id == person.id)
    ).all()
    # They may have joined another organisation, or left this one, since the link was made.
    if list(memberships) != [invitation.organisation_id]:
        raise LinkUsedUp
    try:
        check_password_rules(password)
    except TraceError as error:
        raise error.at("password") from None
    _use(invitation, person, at)
    reset_password(person, password, at=at)
    notify_people([person], "access-renewed", {}, at=at)
    return person


def get_member(actor: Actor, person_id: int) -> Membership:
    """A member of the actor's organisation. Raises NotFound."""
    actor.check("read")
    found = db.session.get(Membership, (person_id, actor.organisation.id))
    if found is None:
        raise NotFound
    return found


def change_role(
    actor: Actor, person_id: int, role: str, *, at: datetime, keep_tokens: bool = False
) -> None:
    """Gives a member another role; the tokens of who manages no more end unless kept. Raises
    NotAllowed, NotFound, NotThisRole, LastOwner."""
    actor.check("manage")
    member = get_member(actor, person_id)
    if role not in roles_of(actor.organisation.kind):
        raise NotThisRole(path="role")
    if role == member.role:
        return
    if "manage" not in MAY[role]:
        _check_not_last(member, path="role")
        _withdraw_all(member, at)
        if not keep_tokens:
            _end_tokens(actor, member, at)
    member.role = role
    write_audit(actor, "membership.role", f"person:{person_id}", at=at, role=role)
    db.session.flush()


def remove_member(actor: Actor, person_id: int, *, at: datetime, keep_tokens: bool = False) -> None:
    """Takes a member out, or lets them leave by themselves; what they recorded stays. Their tokens
    end; who takes somebody else out may keep them. Raises NotAllowed, NotFound, LastOwner."""
    leaving = actor.person is not None and actor.person.id == person_id
    if not leaving:
        actor.check("manage")
    member = get_member(actor, person_id)
    _check_not_last(member)
    _withdraw_all(member, at)
    if leaving or not keep_tokens:
        _end_tokens(actor, member, at)
    db.session.execute(
        update(Session)
        .where(Session.person_id == person_id, Session.organisation_id == actor.organisation.id)
        .values(organisation_id=None)
        .execution_options(synchronize_session=False)
    )
    action = "membership.leave" if leaving else "membership.remove"
    write_audit(actor, action, f"person:{person_id}", at=at)
    db.session.execute(
        delete(Membership).where(
            Membership.person_id == person_id,
            Membership.organisation_id == actor.organisation.id,
        )
    )
    db.session.expire_all()


# -- inside ----------------------------------------------------------------------------------------


def _make(
    actor: Actor,
    kind: str,
    at: datetime,
    *,
    role: str = "",
    name: str = "",
    person_id: int | None = None,
) -> tuple[Invitation, str]:
    token = secrets.token_urlsafe(32)
    made = Invitation(
        kind=kind,
        token_hash=token_digest(token),
        organisation_id=actor.organisation.id,
        role=role,
        name=name,
        person_id=person_id,
        invited_by_id=actor.person.id if actor.person else None,
        created_at=at,
        expires_at=at + LIFE,
    )
    db.session.add(made)
    db.session.flush()
    write_audit(actor, f"invitation.{kind}", f"invitation:{made.id}", at=at, role=role)
    return made, f"{current_settings().public_url}/invitation/{token}"


def _withdraw_all(member: Membership, at: datetime) -> None:
    """The open links that a member has given out: they would be a way back in."""
    db.session.execute(
        update(Invitation)
        .where(
            Invitation.organisation_id == member.organisation_id,
            Invitation.invited_by_id == member.person_id,
            Invitation.used_at.is_(None),
            Invitation.revoked_at.is_(None),
        )
        .values(revoked_at=at)
    )


def _end_tokens(actor: Actor, member: Membership, at: datetime) -> None:
    for token in made_by(member.organisation_id, member.person_id):
        write_audit(actor, "token.revoke", f"token:{token.id}", at=at)
        end_token(token, at=at)


def _use(invitation: Invitation, person: Person, at: datetime) -> None:
    """Marks a link used, once even when it is opened twice at the same moment, and not when it is
    withdrawn at that moment."""
    done = db.session.execute(
        update(Invitation)
        .where(
            Invitation.id == invitation.id,
            Invitation.used_at.is_(None),
            Invitation.revoked_at.is_(None),
            Invitation.expires_at > at,
        )
        .values(used_at=at, used_by_id=person.id)
        .returning(Invitation.id)
        .execution_options(synchronize_session=False)
    ).one_or_none()
    if done is None:
        raise LinkUsedUp
    write_audit(
        None,
        "invitation.use",
        f"invitation:{invitation.id}",
        at=at,
        organisation=invitation.organisation,
        person=person,
    )


def _check_not_last(member: Membership, *, path: str = "") -> None:
    """Two who leave at once leave one after the other."""
    if "manage" not in MAY.get(member.role, frozenset()):
        return
    hold_members(member.organisation_id)
    managing = [role for role, acts in MAY.items() if "manage" in acts]
    count = db.session.scalar(
        select(func.count()).where(
            Membership.organisation_id == member.organisation_id, Membership.role.in_(managing)
        )
    )
    if (count or 0) <= 1:
        raise LastOwner(path=path)

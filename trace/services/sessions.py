"""Sign-ins: random tokens in cookies, their SHA-256 in the database, ended by either side.

A sign-in ends by itself when it was not used for its lifetime, and however much it was used when it
is as old as the longest: after half a year somebody who records shows again who they are, after a
day somebody who decides.
"""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import delete, select
from sqlalchemy.orm import joinedload

from trace.errors import NotFound
from trace.extensions import db
from trace.models import Membership, Organisation, Person, Session
from trace.services.actors import Actor

# A farmer's phone stays signed in over a season of use; an inspector's decides things.
LIFETIME: Final = timedelta(days=30)
SHORT_LIFETIME: Final = timedelta(hours=12)
LONGEST: Final = timedelta(days=180)
SHORT_LONGEST: Final = timedelta(hours=24)
SHORT_ROLES: Final = frozenset({"inspector", "supervisor", "admin"})
# The end moves with use, but is written at most once in this part of a lifetime.
SLIDE_PART: Final = 30
FRESH: Final = timedelta(minutes=10)
TOKEN_LENGTH: Final = 43


def token_digest(token: str) -> bytes:
    """What is kept of a token: 256 random bits need no slow hash."""
    return hashlib.sha256(token.encode("utf-8", "replace")).digest()


def open_session(person: Person, *, at: datetime, factor: bool = False) -> tuple[Session, str]:
    """A new sign-in and its token, which is kept nowhere; `factor` when a second step was shown.
    Someone with one organisation acts for it at once; with several, after choosing."""
    memberships = memberships_of(person)
    only = memberships[0] if len(memberships) == 1 else None
    token = secrets.token_urlsafe(32)
    session = Session(
        token_hash=token_digest(token),
        person_id=person.id,
        organisation_id=only.organisation_id if only else None,
        created_at=at,
        expires_at=at + _lifetime(only.role if only else ""),
        factor_at=at if factor else None,
    )
    person.seen_at = at
    db.session.add(session)
    db.session.flush()
    return session, token


def find_session(token: str, *, at: datetime) -> Session | None:
    """The running sign-in of a token, with its person and organisation."""
    if len(token) != TOKEN_LENGTH:
        return None
    query = (
        select(Session)
        .where(Session.token_hash == token_digest(token))
        .options(joinedload(Session.person), joinedload(Session.organisation))
    )
    session = db.session.scalar(query)
    if session is None or session.expires_at <= at or not session.person.active:
        return None
    return session


def actor_of(session: Session) -> Actor | None:
    """Who acts in this sign-in: None until an organisation is chosen, or once it is left."""
    if session.organisation_id is None or session.organisation is None:
        return None
    membership = db.session.get(Membership, (session.person_id, session.organisation_id))
    if membership is None:
        return None
    return Actor(session.organisation, session.person, membership.role)


def slide(session: Session, role: str, *, at: datetime) -> bool:
    """Moves the end of a sign-in in use; True when there is something to commit. Who begins to act
    in a role of a shorter lifetime has the shorter from then on."""
    lifetime = _lifetime(role)
    end = min(at + lifetime, session.created_at + _longest(role))
    if timedelta(0) <= end - session.expires_at < lifetime / SLIDE_PART:
        return False
    session.expires_at = end
    session.person.seen_at = at
    return True


def is_over(session: Session, role: str, *, at: datetime) -> bool:
    """Whether the sign-in is too old for somebody of this role, however much it was used."""
    return session.created_at + _longest(role) <= at


def choose_organisation(session: Session, organisation_id: int) -> Organisation:
    """Acts for this organisation from now on. Raises NotFound when the person is not in it."""
    membership = db.session.get(Membership, (session.person_id, organisation_id))
    if membership is None:
        raise NotFound
    session.organisation_id = organisation_id
    return membership.organisation


def is_fresh(session: Session, *, at: datetime) -> bool:
    """Whether the sign-in, or the last time that both steps were shown again in it, is recent
    enough for acts that matter (recall, keys, roles, tokens)."""
    return at - max(session.created_at, session.factor_at or session.created_at) <= FRESH


def end_session(session: Session) -> None:
    """Signs out: the token opens nothing any more."""
    db.session.delete(session)


def end_other_sessions(person: Person, kept: Session | None) -> None:
    """Ends every sign-in of a person but one."""
    query = delete(Session).where(Session.person_id == person.id)
    if kept is not None:
        query = query.where(Session.id != kept.id)
    db.session.execute(query)


def list_sessions(person: Person, *, at: datetime) -> list[Session]:
    """A person's running sign-ins, the newest first."""
    query = (
        select(Session)
        .where(Session.person_id == person.id, Session.expires_at > at)
        .options(joinedload(Session.organisation))
        .order_by(Session.created_at.desc(), Session.id.desc())
    )
    return list(db.session.scalars(query))


def forget_expired(*, at: datetime) -> None:
    """Drops sign-ins that ended by themselves."""
    db.session.execute(delete(Session).where(Session.expires_at <= at))


def memberships_of(person: Person) -> list[Membership]:
    """A person's memberships with their organisations, by name."""
    query = (
        select(Membership)
        .where(Membership.person_id == person.id)
        .options(joinedload(Membership.organisation))
    )
    return sorted(db.session.scalars(query), key=lambda m: m.organisation.name)


def _lifetime(role: str) -> timedelta:
    return SHORT_LIFETIME if role in SHORT_ROLES else LIFETIME


def _longest(role: str) -> timedelta:
    return SHORT_LONGEST if role in SHORT_ROLES else LONGEST

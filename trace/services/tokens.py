"""Tokens for scripts: act as one organisation, within scopes; shown once, kept as SHA-256."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import exists, or_, select, update
from sqlalchemy.orm import joinedload

from trace.errors import NotFound, TraceError
from trace.extensions import db
from trace.models import Organisation, Person, Subscription, Token
from trace.services.actors import Actor
from trace.services.audit import write_audit
from trace.services.organisations import check_still_manages
from trace.services.sessions import token_digest

# `capture` records and `query` reads; each other is an act of that name (services.actors.MAY).
SCOPES: Final = ("capture", "query", "manage", "export", "inspect")
ACTS: Final = frozenset({"manage", "export", "inspect"})
# Recognisable in a log or a repository, so that a leaked one is noticed.
PREFIX: Final = "trace_"
USE_NOTED_EVERY: Final = timedelta(hours=1)
# Why a subscription rests: its token was taken back, or its time is over.
REVOKED: Final = "token-revoked"
EXPIRED: Final = "token-expired"


class NotAScope(TraceError):
    code = "not-a-scope"
    message = "The scopes of a token are some of: %(scopes)s."

    def __init__(self, *, path: str = "scopes", **params: object) -> None:
        super().__init__(path=path, **params)


def create_token(
    actor: Actor,
    name: str,
    scopes: Sequence[str],
    *,
    at: datetime,
    expires_at: datetime | None = None,
) -> tuple[Token, str]:
    """A new token and its text, which is kept nowhere. Raises NotAllowed, NotAScope."""
    actor.check("manage")
    check_still_manages(actor)
    return issue_token(
        actor.organisation, name, scopes, at=at, person=actor.person, expires_at=expires_at
    )


def issue_token(
    organisation: Organisation,
    name: str,
    scopes: Sequence[str],
    *,
    at: datetime,
    person: Person | None = None,
    expires_at: datetime | None = None,
) -> tuple[Token, str]:
    """A token without anybody signed in: the command line and the demo. Raises NotAScope."""
    if not scopes or set(scopes) - set(offered_scopes(organisation)):
        raise NotAScope(scopes=", ".join(offered_scopes(organisation)))
    text = PREFIX + secrets.token_urlsafe(32)
    token = Token(
        token_hash=token_digest(text),
        organisation_id=organisation.id,
        person_id=person.id if person else None,
        name=name,
        scopes=" ".join(scope for scope in SCOPES if scope in scopes),
        created_at=at,
        expires_at=expires_at,
    )
    db.session.add(token)
    db.session.flush()
    write_audit(
        None,
        "token.create",
        f"token:{token.id}",
        at=at,
        organisation=organisation,
        person=person,
        scopes=token.scopes,
    )
    return token, text


def actor_of(token: Token) -> Actor:
    """Who acts by a token."""
    also = ACTS & frozenset(token.scopes.split())
    return Actor(token.organisation, None, "token", also)


def offered_scopes(organisation: Organisation) -> tuple[str, ...]:
    """The scopes a token of this organisation may have: only authorities inspect."""
    return tuple(one for one in SCOPES if one != "inspect" or organisation.kind == "authority")


def find_token(text: str, *, at: datetime) -> Token | None:
    """The valid token with this text, with its organisation."""
    if not text.startswith(PREFIX):
        return None
    query = (
        select(Token)
        .where(Token.token_hash == token_digest(text))
        .options(joinedload(Token.organisation))
    )
    token = db.session.scalar(query)
    if token is None or (token.expires_at is not None and token.expires_at <= at):
        return None
    return token


def note_use(token: Token, *, at: datetime) -> bool:
    """Remembers that a token is in use; True when there is something to commit."""
    if token.last_used_at is not None and at - token.last_used_at < USE_NOTED_EVERY:
        return False
    token.last_used_at = at
    return True


def list_tokens(actor: Actor) -> list[Token]:
    """The organisation's tokens, newest first, with who made them."""
    actor.check("manage")
    query = select(Token).where(Token.organisation_id == actor.organisation.id)
    made = query.options(joinedload(Token.person)).order_by(Token.id.desc())
    return list(db.session.scalars(made))


def get_token(actor: Actor, token_id: int) -> Token:
    """One of the organisation's tokens. Raises NotFound."""
    actor.check("manage")
    token = db.session.get(Token, token_id)
    if token is None or token.organisation_id != actor.organisation.id:
        raise NotFound
    return token


def revoke_token(actor: Actor, token: Token, *, at: datetime) -> None:
    """The token opens nothing any more, and what it subscribed to rests."""
    actor.check("manage")
    write_audit(actor, "token.revoke", f"token:{token.id}", at=at)
    end_token(token, at=at)


def made_by(organisation_id: int, person_id: int) -> list[Token]:
    """The tokens of an organisation that one person made, oldest first."""
    query = select(Token).where(
        Token.organisation_id == organisation_id, Token.person_id == person_id
    )
    return list(db.session.scalars(query.order_by(Token.id)))


def end_token(token: Token, *, at: datetime) -> None:
    """Deletes a token. Subscriptions made with one of its name rest until somebody resumes them:
    who took a token may have had events sent elsewhere, which the token's end alone would not
    stop."""
    db.session.execute(
        update(Subscription)
        .where(
            Subscription.organisation_id == token.organisation_id,
            Subscription.made_with == token.name[:100],
            Subscription.paused_at.is_(None),
        )
        .values(paused_at=at, failure=REVOKED)
        .execution_options(synchronize_session="fetch")
    )
    db.session.delete(token)


def rest_expired(*, at: datetime) -> int:
    """Subscriptions made with a token that has expired rest, as those of a revoked one do, unless a
    valid one has its name; how many. The caller commits."""
    named = (
        Token.organisation_id == Subscription.organisation_id,
        Token.name == Subscription.made_with,
    )
    expired = exists().where(*named, Token.expires_at <= at)
    valid = exists().where(*named, or_(Token.expires_at.is_(None), Token.expires_at > at))
    due = select(Subscription.id).where(Subscription.paused_at.is_(None), expired, ~valid)
    found = list(db.session.scalars(due))  # looks first: a look takes no lock
    if found:
        db.session.execute(
            update(Subscription)
            .where(Subscription.id.in_(found), Subscription.paused_at.is_(None))
            .values(paused_at=at, failure=EXPIRED)
            .execution_options(synchronize_session="fetch")
        )
    return len(found)

"""A second step of signing in: for those who decide about others, and for whoever wants it.

Rules.
1. A password is one factor. A passkey is two: the device, and the finger or code that opens it. So
   a passkey alone signs in; a password is followed by a code of an application on the phone
   (core.totp), or by one of ten recovery codes.
2. Asked is whoever has an application, and whoever decides and has a passkey (for all others a
   passkey is a convenience beside the password).
3. Those who decide: inspectors, supervisors, administrators of the platform; who manages an
   authority, since they make supervisors; and who signs for a laboratory or a certifier. Who has
   neither passkey nor application is told at signing in. After `factor_days` days (a setting of the
   platform) from the first time, pages that decide are closed until one is there; recording goes
   on. Nobody is asked for having a token: it was made after a whole sign-in.
4. A code counts once: a step of the application's, a recovery code. That it was used is written by
   itself, at once: what the page refuses for another reason is rolled back, and a code that was
   seen must not count again.
5. Tries are limited by the pages (trace.web.throttle); a sign-in that waits has TRIES.
6. Nothing tells a stranger who has a second step: it is looked at after the password was right.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal

from sqlalchemy import delete, exists, func, or_, select, update

from trace.core import totp
from trace.core.gs1 import Gs1Error, check_code, format_code, new_code
from trace.core.signing import b64url, unb64url
from trace.errors import TraceError
from trace.extensions import db
from trace.models import (
    Authenticator,
    HalfSignIn,
    Membership,
    Person,
    PersonPasskey,
    RecoveryCode,
    Session,
)
from trace.models.types import EPOCH
from trace.services import people
from trace.services.actors import Actor
from trace.services.audit import write_audit
from trace.services.platform_settings import number_of
from trace.services.sealing import SealedTextBroken, reseal, seal, unseal
from trace.services.sessions import end_other_sessions, memberships_of, token_digest

ISSUER: Final = "Trace"
DECIDING_ROLES: Final = frozenset({"inspector", "supervisor", "admin"})
# They speak about other people's goods under their own name.
SIGNING_KINDS: Final = frozenset({"laboratory", "certifier"})
SIGNING_ROLES: Final = frozenset({"owner", "recorder"})
RECOVERY_CODES: Final = 10
HALF_LIFE: Final = timedelta(minutes=10)
TRIES: Final = 5
DRAFT_LIFE: Final = timedelta(minutes=30)
# A sign-in of somebody who decides is at most a day old (services.sessions).
YOUNG: Final = timedelta(hours=24)
# So long before the end of their time, people are led to setting it up at each sign-in, and pages
# that decide say until when they open.
LED: Final = timedelta(days=14)
# When the first asking is so long ago that no number of days is left: whose second step was taken
# away has no time without one.
NO_TIME_LEFT: Final = EPOCH

How = Literal["application", "recovery"]


class WrongFactor(TraceError):
    code = "wrong-factor"
    message = "This code is not right, or was used already. Wait for the next one and try again."


class FactorNeeded(TraceError):
    code = "second-step-needed"
    status = 403
    message = "Who decides about others needs a second step of signing in."
    next_step = "Set it up under Account, Second step; recording goes on meanwhile."


class PasskeyAsked(TraceError):
    code = "passkey-asked"
    message = "This act needs your passkey again; a password alone does not do."
    next_step = "Use the link at the field to show it; what you typed here stays."


class SetUpOver(TraceError):
    code = "set-up-over"
    message = "This page was open for too long. Here is a new code to scan."


class NoFactor(TraceError):
    code = "no-second-step"
    message = "There is no second step to have recovery codes for."


@dataclass(frozen=True, slots=True)
class Factors:
    """What a person has."""

    application: Authenticator | None
    passkeys: int
    codes_left: int
    codes_made: datetime | None

    @property
    def any(self) -> bool:
        """Whether there is a second step at all."""
        return self.application is not None or self.passkeys > 0


@dataclass(frozen=True, slots=True)
class Standing:
    """How a sign-in stands before a page that decides: `fine`, `again` (the person has a second
    step and this sign-in did not show it), `grace` (until `until`, where it is known) or
    `closed`."""

    state: Literal["fine", "again", "grace", "closed"]
    until: datetime | None = None


# -- who is asked ----------------------------------------------------------------------------------


def role_decides(role: str, kind: str) -> bool:
    """Whether a role in an organisation of this kind decides about others (rule 3)."""
    if kind == "authority" and role == "owner":
        return True
    return role in DECIDING_ROLES or (kind in SIGNING_KINDS and role in SIGNING_ROLES)


def actor_decides(actor: Actor | None) -> bool:
    """The same of who acts."""
    return actor is not None and role_decides(actor.role, actor.organisation.kind)


def decides(person: Person, memberships: Iterable[Membership] | None = None) -> bool:
    """Whether a person decides in any organisation."""
    mine = memberships_of(person) if memberships is None else memberships
    return any(role_decides(one.role, one.organisation.kind) for one in mine)


def has_application(person: Person) -> bool:
    """Whether an application makes codes for this person."""
    found = select(Authenticator.person_id).where(Authenticator.person_id == person.id)
    return db.session.scalar(found) is not None


def has_any(person: Person) -> bool:
    """Whether the person has an application or a passkey; one query."""
    mine = exists().where(Authenticator.person_id == person.id)
    keys = exists().where(PersonPasskey.person_id == person.id)
    return bool(db.session.scalar(select(or_(mine, keys))))


def asked_after_password(person: Person) -> bool:
    """Whether a right password is not enough to sign in (rule 2)."""
    if has_application(person):
        return True
    return has_any(person) and decides(person)


def begin(person: Person, *, at: datetime) -> datetime | None:
    """At a sign-in without a second step: when the time to set one up ends, for who decides. It
    begins with the first sign-in. None for all others."""
    if not decides(person):
        return None
    if person.factor_asked_at is None:
        person.factor_asked_at = at
    return _end(person.factor_asked_at)


def standing(person: Person, session: Session, *, at: datetime) -> Standing:
    """How this sign-in stands before a page that decides. May begin the time of somebody whose
    sign-in is older than this rule (`factor_asked_at`): the caller commits then."""
    if session.factor_at is not None:
        return Standing("fine")
    if has_any(person):
        return Standing("again")
    if person.factor_asked_at is None:
        if at - session.created_at <= YOUNG:
            return Standing("grace")
        person.factor_asked_at = at
    until = _end(person.factor_asked_at)
    return Standing("closed" if at >= until else "grace", until)


def _end(begun: datetime) -> datetime:
    return begun + timedelta(days=number_of("factor_days"))


# -- what a person has -----------------------------------------------------------------------------


def factors_of(person: Person) -> Factors:
    """All of it, for the page of the account."""
    passkeys = select(func.count()).where(PersonPasskey.person_id == person.id)
    codes = db.session.execute(
        select(func.count(), func.min(RecoveryCode.created_at)).where(
            RecoveryCode.person_id == person.id, RecoveryCode.used_at.is_(None)
        )
    ).one()
    return Factors(
        db.session.get(Authenticator, person.id),
        int(db.session.scalar(passkeys) or 0),
        codes[0],
        codes[1],
    )


def draft(person: Person, session: Session, *, at: datetime) -> str:
    """A new secret, sealed for this sign-in alone: the page carries it until a code proves that
    the application has it. Nothing is kept."""
    told = {"secret": b64url(totp.new_secret(os.urandom)), "at": at.isoformat()}
    return b64url(seal(told, _draft_place(person, session)))


def draft_secret(person: Person, session: Session, sealed: str, *, at: datetime) -> bytes:
    """The secret of a draft. Raises SetUpOver."""
    try:
        told = unseal(unb64url(sealed[:400]), _draft_place(person, session))
    except (SealedTextBroken, TraceError):
        raise SetUpOver from None
    if at - datetime.fromisoformat(told["at"]) > DRAFT_LIFE:
        raise SetUpOver
    return unb64url(told["secret"])


def add_application(
    person: Person, session: Session, secret: bytes, typed: str, *, at: datetime
) -> list[str]:
    """Keeps an application that proved itself by a code; an earlier one ends, and so does every
    other sign-in. Returns new recovery codes. Raises WrongFactor."""
    step = totp.matching_step(secret, _digits(typed), at, after=0)
    if step is None:
        raise WrongFactor(path="code")
    db.session.execute(delete(Authenticator).where(Authenticator.person_id == person.id))
    db.session.add(
        Authenticator(
            person_id=person.id,
            sealed=seal(b64url(secret), _place(person.id)),
            last_step=step,
            created_at=at,
            used_at=at,
        )
    )
    write_audit(None, "person.factor-add", f"person:{person.id}", at=at, person=person)
    shown_in(session, at=at)
    end_other_sessions(person, session)
    return renew_codes(person, at=at)


def shown_in(session: Session, *, at: datetime) -> None:
    """A second step was made or shown in this sign-in."""
    session.factor_at = at
    db.session.flush()


def remove_application(person: Person, session: Session, *, at: datetime) -> None:
    """Forgets the application; with no passkey left, the recovery codes too. Every other sign-in
    ends."""
    db.session.execute(delete(Authenticator).where(Authenticator.person_id == person.id))
    write_audit(None, "person.factor-remove", f"person:{person.id}", at=at, person=person)
    end_other_sessions(person, session)
    lost_one(person, session)


def lost_one(person: Person, session: Session) -> None:
    """After a factor was taken away: without any, this sign-in counts as one step and there is
    nothing to recover."""
    db.session.flush()
    if not has_any(person):
        session.factor_at = None
        db.session.execute(delete(RecoveryCode).where(RecoveryCode.person_id == person.id))
        db.session.flush()


def renew_codes(person: Person, *, at: datetime) -> list[str]:
    """Ten new recovery codes, as people write them; the earlier ones end. They are in this answer
    and nowhere else. Raises NoFactor."""
    db.session.flush()
    if not has_any(person):
        raise NoFactor
    db.session.execute(delete(RecoveryCode).where(RecoveryCode.person_id == person.id))
    made: dict[str, str] = {}
    while len(made) < RECOVERY_CODES:
        code = new_code(os.urandom)
        made.setdefault(code[0], code)
    for place, code in made.items():
        kept = people.HASHER.hash(code)
        db.session.add(
            RecoveryCode(person_id=person.id, place=place, code_hash=kept, created_at=at)
        )
    write_audit(None, "person.factor-codes", f"person:{person.id}", at=at, person=person)
    db.session.flush()
    return [format_code(code) for code in made.values()]


# -- showing it ------------------------------------------------------------------------------------


def use_factor(person: Person, typed: str, *, at: datetime) -> How:
    """Uses up the code that was typed: of the application, or one for recovery. Raises WrongFactor.

    Written by itself, at once (rule 4): never while the caller has written something.
    """
    digits = _digits(typed)
    if len(digits) == totp.DIGITS and digits == _plain(typed):
        if _use_step(person, digits, at):
            return "application"
    elif _use_recovery(person, typed, at):
        return "recovery"
    raise WrongFactor(path="factor")


def _use_step(person: Person, digits: str, at: datetime) -> bool:
    row = db.session.get(Authenticator, person.id, populate_existing=True)
    if row is None:
        return False
    secret = unb64url(unseal(row.sealed, _place(person.id)))
    step = totp.matching_step(secret, digits, at, after=row.last_step)
    if step is None:
        return False
    with db.engine.begin() as connection:
        used = connection.execute(
            update(Authenticator)
            .where(Authenticator.person_id == person.id, Authenticator.last_step < step)
            .values(last_step=step, used_at=at)
            .returning(Authenticator.person_id)
        ).one_or_none()
    return used is not None


def _use_recovery(person: Person, typed: str, at: datetime) -> bool:
    try:
        code = check_code(_plain(typed)[:40])
    except Gs1Error:
        return False
    row = db.session.scalar(
        select(RecoveryCode).where(
            RecoveryCode.person_id == person.id,
            RecoveryCode.place == code[0],
            RecoveryCode.used_at.is_(None),
        )
    )
    if row is None or not people.matches(row.code_hash, code):
        return False
    with db.engine.begin() as connection:
        used = connection.execute(
            update(RecoveryCode)
            .where(RecoveryCode.id == row.id, RecoveryCode.used_at.is_(None))
            .values(used_at=at)
            .returning(RecoveryCode.id)
        ).one_or_none()
    return used is not None


def freshen(session: Session, *, at: datetime) -> None:
    """The whole sign-in was shown again in this session, which is fresh from now on. Written by
    itself, as the code that was used up for it."""
    with db.engine.begin() as connection:
        connection.execute(update(Session).where(Session.id == session.id).values(factor_at=at))


# -- sign-ins that wait for it ---------------------------------------------------------------------


def open_half(person: Person, *, at: datetime) -> str:
    """A sign-in that waits for its second step; returns its token, which is kept nowhere."""
    db.session.execute(delete(HalfSignIn).where(HalfSignIn.expires_at <= at))
    token = secrets.token_urlsafe(32)
    db.session.add(
        HalfSignIn(token_hash=token_digest(token), person_id=person.id, expires_at=at + HALF_LIFE)
    )
    db.session.flush()
    return token


def find_half(token: str, *, at: datetime) -> HalfSignIn | None:
    """The sign-in that waits under a token and may still be tried."""
    row = db.session.scalar(select(HalfSignIn).where(HalfSignIn.token_hash == token_digest(token)))
    if row is None or row.expires_at <= at or row.tries >= TRIES or not row.person.active:
        return None
    return row


def count_try(half: HalfSignIn) -> int | None:
    """Counts one, by itself; returns how many are left after it, None where there was none.
    Before anything is written."""
    with db.engine.begin() as connection:
        tried = connection.execute(
            update(HalfSignIn)
            .where(HalfSignIn.id == half.id, HalfSignIn.tries < TRIES)
            .values(tries=HalfSignIn.tries + 1)
            .returning(HalfSignIn.tries)
        ).scalar_one_or_none()
    return None if tried is None else TRIES - int(tried)


def close_half(half: HalfSignIn) -> None:
    """It is done, or given up."""
    db.session.delete(half)


# -- taking it away --------------------------------------------------------------------------------


def forget(person: Person) -> None:
    """Takes every second step of a person away, and every sign-in: application, recovery codes,
    passkeys."""
    for model in (Authenticator, RecoveryCode, PersonPasskey, HalfSignIn):
        db.session.execute(delete(model).where(model.person_id == person.id))
    end_other_sessions(person, None)


def rewrap(old: bytes, new: bytes) -> int:
    """Seals every secret anew under another key-encryption key; returns how many."""
    rows = db.session.scalars(select(Authenticator)).all()
    for row in rows:
        row.sealed = reseal(row.sealed, _place(row.person_id), old, new)
    return len(rows)


def _place(person_id: int) -> str:
    return f"authenticator:{person_id}"


def _draft_place(person: Person, session: Session) -> str:
    return f"authenticator draft:{person.id}:{session.id}"


def _plain(typed: str) -> str:
    return "".join(typed.split())


def _digits(typed: str) -> str:
    return "".join(one for one in typed[:40] if one in "0123456789")

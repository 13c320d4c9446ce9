"""Proving a phone number or an e-mail address by a one-time code.

Rules.
1. Six random digits, kept as an HMAC, good for ten minutes, five tries and one use, and only in
   the browser that asked: whoever asks again elsewhere neither learns nor ends this one.
2. A contact is sent a code at most once a minute, five times an hour and PER_DAY times a day,
   whether it has an account or not: who asks for codes of many contacts and guesses has to find
   one of a million with TRIES times as many tries a day. How often one sender may ask is the
   page's to count.
3. Asking gets the same answer whether the contact has an account or not, after the same work: where
   there is nothing to say, a message to nobody is sent.
4. Whoever proves a contact and says that the account on it is another's takes the contact (never
   the account) from one that never proved it, and a number from one that has not been used for
   LONG_UNUSED: numbers are given out again.
5. A phone number alone recovers an account only where it is the account's one way in and the
   account was used within RECENTLY; otherwise an e-mail address, a passkey, or the owner of the
   organisation does.
6. A contact that was never proven recovers nothing: whoever joined by an invitation typed it, and
   it may be a stranger's.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from datetime import datetime, timedelta
from typing import Final
from urllib.parse import urlsplit

from sqlalchemy import delete, select, update

from trace.errors import TraceError
from trace.extensions import db
from trace.models import ContactCode, Person, PersonPasskey
from trace.services import senders
from trace.services.audit import write_audit
from trace.services.people import Login, LoginTaken, find_person
from trace.services.settings import current_settings

LIFE: Final = timedelta(minutes=10)
TRIES: Final = 5
BETWEEN: Final = timedelta(minutes=1)
PER_HOUR: Final = 5
PER_DAY: Final = 15
HOUR: Final = timedelta(hours=1)
DAY: Final = timedelta(days=1)
RECENTLY: Final = timedelta(days=30)
LONG_UNUSED: Final = timedelta(days=180)


class ChannelOff(TraceError):
    code = "channel-off"
    status = 503
    message = "This platform cannot send codes this way at the moment."
    next_step = "Use the other way (phone number or e-mail address), or ask the platform."


class CodeTooSoon(TraceError):
    code = "code-too-soon"
    status = 429
    message = "A code was sent just now. Wait %(seconds)d seconds before asking for another."


class CodeTooOften(TraceError):
    code = "code-too-often"
    status = 429
    message = "Too many codes were asked for this contact. Try again in an hour, or tomorrow."


class WrongCode(TraceError):
    code = "wrong-code"
    message = "This is not the code that was sent, or it is over ten minutes old."
    next_step = "Check the digits, or ask for a new code."


class CodeSpent(TraceError):
    code = "code-spent"
    message = "This code was tried too often and is no longer good."
    next_step = "Ask for a new code."


class NotByPhone(TraceError):
    code = "not-by-phone"
    status = 403
    message = "This number alone cannot renew the access to its account."
    next_step = (
        "Numbers change hands. Use your e-mail address or your passkey, or ask the owner of your "
        "organisation for a renewal code."
    )


class NotProven(NotByPhone):
    code = "contact-not-proven"
    message = "This contact was never proven, so it recovers nothing by itself."
    next_step = (
        "Ask the owner of your organisation for a renewal code, then prove your contact in your "
        "account."
    )


def ask_code(
    login: Login, purpose: str, *, at: datetime, locale: str = "vi", person: Person | None = None
) -> ContactCode:
    """Sends a code and returns its row, whose id the page keeps for the browser.

    `purpose` is register, recover (sends nothing where nobody has the contact) or prove (by
    `person`, their own contact). Raises ChannelOff, CodeTooSoon, CodeTooOften.
    """
    channel: senders.Channel = "sms" if login.kind == "phone" else "email"
    if not senders.is_on(channel):
        raise ChannelOff(path="login")
    contact = _contact_hash(login)
    _check_pace(contact, at)
    db.session.execute(delete(ContactCode).where(ContactCode.created_at <= at - DAY))
    digits = f"{secrets.randbelow(1_000_000):06d}"
    known = find_person(login)
    row = ContactCode(
        purpose=purpose,
        contact_hash=contact,
        person_id=person.id if person is not None else None,
        code_hash=_code_hash(contact, purpose, at, digits),
        created_at=at,
        expires_at=at + LIFE,
    )
    db.session.add(row)
    db.session.flush()
    reaches = purpose != "recover" or known is not None
    subject, text = _words(channel, digits, locale)
    senders.post(channel, login.value if reaches else "", subject, text, at=at, until=at + LIFE)
    return row


def check_code(code_id: int, login: Login, purpose: str, typed: str, *, at: datetime) -> None:
    """Uses up the code of this row. Raises WrongCode, CodeSpent.

    A try is counted by itself, at once: the caller rolls back what it refuses, and must not have
    written anything before.
    """
    contact = _contact_hash(login)
    with db.engine.begin() as connection:
        row = connection.execute(
            update(ContactCode)
            .where(
                ContactCode.id == code_id,
                ContactCode.contact_hash == contact,
                ContactCode.purpose == purpose,
                ContactCode.tries < TRIES,
                ContactCode.used_at.is_(None),
                ContactCode.expires_at > at,
            )
            .values(tries=ContactCode.tries + 1)
            .returning(ContactCode.code_hash, ContactCode.created_at)
        ).one_or_none()
    if row is None:
        spent = db.session.scalar(select(ContactCode.tries).where(ContactCode.id == code_id))
        if spent is not None and spent >= TRIES:
            raise CodeSpent(path="code")
        raise WrongCode(path="code")
    digits = "".join(character for character in typed if character.isdigit())
    if not hmac.compare_digest(_code_hash(contact, purpose, row[1], digits), row[0]):
        raise WrongCode(path="code")
    used = db.session.execute(
        update(ContactCode)
        .where(ContactCode.id == code_id, ContactCode.used_at.is_(None))
        .values(used_at=at)
        .returning(ContactCode.id)
        .execution_options(synchronize_session=False)
    ).one_or_none()
    if used is None:  # the same code, sent at the same moment, was first
        raise WrongCode(path="code")


def may_pass_on(holder: Person, login: Login, *, at: datetime) -> bool:
    """Whether this account gives the contact up to whoever has just proven it (rule 4)."""
    proven = holder.phone_proven_at if login.kind == "phone" else holder.email_proven_at
    seen = holder.seen_at or holder.created_at
    return proven is None or (login.kind == "phone" and at - seen >= LONG_UNUSED)


def pass_on(login: Login, *, at: datetime, claimed: bool) -> None:
    """Frees a contact that was just proven, when its holder `claimed` that the account on it is
    somebody else's. Raises LoginTaken where there is an account and it keeps its contact."""
    holder = find_person(login)
    if holder is None:
        return
    if not (claimed and may_pass_on(holder, login, at=at)):
        raise LoginTaken
    setattr(holder, login.kind, None)
    setattr(holder, f"{login.kind}_proven_at", None)
    write_audit(None, "person.contact-passed-on", f"person:{holder.id}", at=at, person=holder)
    db.session.flush()


def mark_proven(person: Person, login: Login, *, at: datetime) -> None:
    """The person has shown that this contact is theirs now."""
    setattr(person, login.kind, login.value)
    setattr(person, f"{login.kind}_proven_at", at)


def check_recoverable(person: Person, login: Login, *, at: datetime) -> None:
    """Raises NotByPhone where a number alone recovers nothing (rule 5), NotProven (rule 6)."""
    proven = person.phone_proven_at if login.kind == "phone" else person.email_proven_at
    if proven is None:
        raise NotProven
    if login.kind == "email":
        return
    seen = person.seen_at or person.created_at
    other = person.email is not None or has_passkey(person)
    if other or at - seen > RECENTLY:
        raise NotByPhone


def has_passkey(person: Person) -> bool:
    """Whether the person can sign in by passkey."""
    found = select(PersonPasskey.id).where(PersonPasskey.person_id == person.id).limit(1)
    return db.session.scalar(found) is not None


def _check_pace(contact: bytes, at: datetime) -> None:
    sent = db.session.scalars(
        select(ContactCode.created_at).where(
            ContactCode.contact_hash == contact, ContactCode.created_at > at - DAY
        )
    ).all()
    if sent and at - max(sent) < BETWEEN:
        left = max(1, round((BETWEEN - (at - max(sent))).total_seconds()))
        raise CodeTooSoon(path="login", seconds=left)
    if len(sent) >= PER_DAY or sum(one > at - HOUR for one in sent) >= PER_HOUR:
        raise CodeTooOften(path="login")


def _words(channel: str, digits: str, locale: str) -> tuple[str, str]:
    """Subject and text. An SMS has no diacritics (a segment of 160 characters rather than 70) and
    ends as browsers read it (the origin-bound one-time codes of the Web Platform Incubator Group).
    """
    host = urlsplit(current_settings().public_url).netloc
    if locale != "vi":
        text = f"Trace: your code is {digits}, good for 10 minutes. Give it to nobody."
        subject = "Your Trace code"
    elif channel == "sms":
        text = f"Trace: ma xac nhan {digits}, dung trong 10 phut. Khong dua ma cho ai."
        subject = ""
    else:
        text = f"Mã xác nhận của bạn là {digits}, dùng trong 10 phút. Không đưa mã cho ai."
        subject = "Mã xác nhận Trace"
    return subject, f"{text}\n\n@{host} #{digits}" if channel == "sms" else f"{text}\n"


def _contact_hash(login: Login) -> bytes:
    return _hmac(f"contact\n{login.kind}\n{login.value}")


def _code_hash(contact: bytes, purpose: str, at: datetime, digits: str) -> bytes:
    return _hmac(f"code\n{contact.hex()}\n{purpose}\n{int(at.timestamp() * 1000)}\n{digits}")


def _hmac(text: str) -> bytes:
    secret = current_settings().secret_key.encode()
    return hmac.new(secret, b"trace one-time code\n" + text.encode(), hashlib.sha256).digest()

"""Telling people: one model whatever the channel.

    notify(organisation, "handover-waiting", {"by": …, "what": …}, at=now, address="/producer/…")

writes, in the transaction of what happened, one row a person and one delivery for each channel they
want, and asks for a job; the worker sends them. In the application everything is shown, always.

Rules.
1. Words and kinds are those of `notification_words`. The context holds what fills the sentence and
   nothing more; `organisation` is filled in here.
2. Owners are told what concerns the organisation, recorders what concerns goods as well
   (`RECEIVERS`).
3. Preferences are a person's, per kind and channel; DEFAULTS stand until they say otherwise.
4. A delivery that fails is tried again, each time after twice as long, eight times; then it is
   given up and says why. A contact that was never proven gets nothing: it may be a stranger's.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Final

import orjson
from sqlalchemy import func, select, update

from trace.extensions import db
from trace.models import Delivery, Membership, Notification, Organisation, Person, Preference
from trace.models.notifications import CHANNELS, KINDS
from trace.services import senders
from trace.services.jobs import enqueue
from trace.services.notification_words import check_word, say
from trace.services.senders import Message, NotSent
from trace.services.settings import current_settings

JOB_KIND: Final = "notify"
ATTEMPTS: Final = 8
FIRST_PAUSE: Final = timedelta(seconds=30)
OWNERS: Final = ("owner", "admin", "supervisor")
RECORDERS: Final = (*OWNERS, "recorder", "inspector")
RECEIVERS: Final = {
    "application": OWNERS,
    "members": OWNERS,
    "handover": RECORDERS,
    "alert": RECORDERS,
    "key": OWNERS,
    "weekly": RECORDERS,
}
# An SMS costs money and interrupts: only for what cannot wait.
DEFAULTS: Final = {
    ("application", "email"),
    ("members", "email"),
    ("alert", "email"),
    ("alert", "sms"),
    ("alert", "push"),
    ("handover", "push"),
    ("key", "email"),
    ("application", "push"),
}


def notify(
    organisation: Organisation,
    word: str,
    context: Mapping[str, object] | None = None,
    *,
    at: datetime,
    address: str = "",
    but: Person | None = None,
) -> int:
    """Tells the people of an organisation whom a kind concerns, except `but` (who did it); returns
    how many. The caller commits. Raises NoSuchWord."""
    filled = {**(context or {}), "organisation": organisation.name}
    kind = check_word(word, filled)
    query = (
        select(Person)
        .join(Membership, Membership.person_id == Person.id)
        .where(
            Membership.organisation_id == organisation.id,
            Membership.role.in_(RECEIVERS[kind]),
            Person.active,
        )
    )
    told = [person for person in db.session.scalars(query) if person is not but]
    return notify_people(told, word, filled, at=at, address=address, organisation=organisation)


def notify_people(
    people: Iterable[Person],
    word: str,
    context: Mapping[str, object],
    *,
    at: datetime,
    address: str = "",
    organisation: Organisation | None = None,
) -> int:
    """Tells these people; returns how many. The caller commits. Raises NoSuchWord."""
    kind = check_word(word, context)
    text = orjson.dumps({name: str(value) for name, value in context.items()}).decode()
    count = 0
    for person in people:
        row = Notification(
            person_id=person.id,
            organisation_id=organisation.id if organisation is not None else None,
            kind=kind,
            word=word,
            context=text,
            address=address,
            created_at=at,
        )
        db.session.add(row)
        db.session.flush()
        count += 1
        wanted = [channel for channel in CHANNELS if wants(person, kind, channel)]
        for channel in wanted:
            db.session.add(Delivery(notification_id=row.id, channel=channel, due_at=at))
        db.session.flush()
        if wanted:
            enqueue(JOB_KIND, {"notification": row.id}, at=at)
    return count


def words_of(row: Notification, locale: str) -> tuple[str, str]:
    """(title, body) of a notification in a language."""
    return say(row.word, orjson.loads(row.context), locale)


# -- in the application ----------------------------------------------------------------------------


def list_notifications(person: Person, *, limit: int = 100) -> list[Notification]:
    """A person's notifications, the newest first."""
    query = (
        select(Notification)
        .where(Notification.person_id == person.id)
        .order_by(Notification.id.desc())
        .limit(limit)
    )
    return list(db.session.scalars(query))


def count_unread(person: Person) -> int:
    """How many a person has not seen."""
    query = select(func.count()).where(
        Notification.person_id == person.id, Notification.read_at.is_(None)
    )
    return db.session.scalar(query) or 0


def mark_read(person: Person, *, at: datetime, notification_id: int | None = None) -> None:
    """Marks one, or all, as seen."""
    which = [Notification.person_id == person.id, Notification.read_at.is_(None)]
    if notification_id is not None:
        which.append(Notification.id == notification_id)
    db.session.execute(
        update(Notification)
        .where(*which)
        .values(read_at=at)
        .execution_options(synchronize_session=False)
    )


# -- preferences -----------------------------------------------------------------------------------


def wants(person: Person, kind: str, channel: str) -> bool:
    """Whether a person wants a kind through a channel."""
    row = db.session.get(Preference, (person.id, kind, channel))
    return row.wanted if row is not None else (kind, channel) in DEFAULTS


def preferences_of(person: Person) -> set[tuple[str, str]]:
    """The (kind, channel) a person wants."""
    return {
        (kind, channel) for kind in KINDS for channel in CHANNELS if wants(person, kind, channel)
    }


def set_preferences(person: Person, wanted: Iterable[tuple[str, str]]) -> None:
    """Sets every kind and channel at once."""
    chosen = set(wanted)
    for kind in KINDS:
        for channel in CHANNELS:
            _set(person, kind, channel, (kind, channel) in chosen)


def unsubscribe_token(person_id: int, kind: str) -> str:
    """What an e-mail's link carries: it can do nothing but stop this kind by e-mail."""
    return f"{person_id}.{kind}.{_signed(person_id, kind)}"


def unsubscribe(token: str) -> str | None:
    """Stops e-mails of the token's kind; returns the kind, None for a token that is not ours."""
    parts = token.split(".")
    if len(parts) != 3 or not parts[0].isdecimal() or len(parts[0]) > 18:
        return None
    person_id, kind, signed = int(parts[0]), parts[1], parts[2]
    if not hmac.compare_digest(_signed(person_id, kind).encode(), signed.encode()):
        return None
    person = db.session.get(Person, person_id)
    if person is None or kind not in KINDS:
        return None
    _set(person, kind, "email", False)
    return kind


def _set(person: Person, kind: str, channel: str, wanted: bool) -> None:
    row = db.session.get(Preference, (person.id, kind, channel))
    if row is None:
        db.session.add(Preference(person_id=person.id, kind=kind, channel=channel, wanted=wanted))
    else:
        row.wanted = wanted


def _signed(person_id: int, kind: str) -> str:
    secret = current_settings().secret_key.encode()
    made = hmac.new(secret, f"trace unsubscribe\n{person_id}\n{kind}".encode(), hashlib.sha256)
    return made.hexdigest()[:32]


# -- the worker ------------------------------------------------------------------------------------


def deliver(notification_id: int, *, at: datetime) -> dict[str, int]:
    """Sends what is due of a notification, each channel committed by itself, so that a worker that
    dies sends nothing twice; asks for another job for what must wait. Returns counts by state."""
    rows = db.session.scalars(
        select(Delivery).where(
            Delivery.notification_id == notification_id,
            Delivery.state == "queued",
            Delivery.due_at <= at,
        )
    ).all()
    counts: dict[str, int] = {}
    for row in rows:
        _deliver(row, at)
        counts[row.state] = counts.get(row.state, 0) + 1
        if row.state == "queued":
            enqueue(JOB_KIND, {"notification": notification_id}, at=at).run_after = row.due_at
        db.session.commit()
    return counts


def _deliver(row: Delivery, at: datetime) -> None:
    message = _message(row)
    if isinstance(message, str):
        row.state, row.reason = "dropped", message
        return
    row.attempts += 1
    try:
        senders.send(message)
    except NotSent as error:
        row.reason = error.reason[:40]
        if error.lasting or row.attempts >= ATTEMPTS:
            row.state = "failed"
        else:
            row.due_at = at + FIRST_PAUSE * 2 ** (row.attempts - 1)
        return
    row.state, row.reason, row.sent_at = "sent", "", at


def _message(row: Delivery) -> Message | str:
    """The message of a delivery, or why there is none."""
    told = row.notification
    person = told.person
    if not person.active:
        return "closed"
    if not wants(person, told.kind, row.channel):  # they said so since
        return "unwanted"
    title, body = words_of(told, person.locale)
    link = current_settings().public_url + told.address if told.address else ""
    key = f"notification-{told.id}-{row.channel}"
    if row.channel == "email":
        if not person.email or person.email_proven_at is None:
            return "no-address"
        base = f"{current_settings().public_url}/notifications/unsubscribe"
        leave = f"{base}/{unsubscribe_token(person.id, told.kind)}"
        text = "\n\n".join(part for part in (body, link, _leaving(person.locale, leave)) if part)
        return Message("email", person.email, f"Trace: {title}", text + "\n", key, leave)
    if row.channel == "sms":
        if not person.phone or person.phone_proven_at is None:
            return "no-number"
        return Message("sms", person.phone, "", f"Trace: {title}. {body}", key)
    return "no-browser"


def _leaving(locale: str, address: str) -> str:
    if locale == "en":
        return f"No more e-mails of this kind: {address}"
    return f"Không nhận thư loại này nữa: {address}"

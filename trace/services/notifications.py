"""Telling people: one model whatever the channel.

    notify(organisation, "handover-waiting", {"by": …, "what": …}, at=now, address="/producer/…")

writes, in the transaction of what happened, one row a person and one delivery for each channel they
want, and asks for a job; the worker sends them (`deliveries`). In the application everything is
shown, always.

Rules.
1. Words and kinds are those of `notification_words`. The context holds what fills the sentence and
   nothing more; `organisation` is filled in here.
2. Owners are told what concerns the organisation, recorders what concerns goods as well
   (`RECEIVERS`).
3. Preferences are a person's, per kind and channel; DEFAULTS stand until they say otherwise.
4. A `subject` names what is told: whatever runs twice, a person hears of it once for each of their
   organisations. `once` tells nothing while the same word to the same person is still unread.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

import orjson
from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from trace.extensions import db
from trace.models import (
    Delivery,
    Membership,
    Notification,
    Organisation,
    Person,
    Preference,
    PushSubscription,
)
from trace.models.notifications import CHANNELS, KINDS
from trace.services.jobs import enqueue
from trace.services.notification_words import check_word, say
from trace.services.sets import among, is_sqlite
from trace.services.settings import current_settings

JOB_KIND: Final = "notify"
PER_JOB: Final = 50  # messages of one job: a minute's work where each takes a second
KEPT: Final = timedelta(days=400)  # a season and the one before it
OWNERS: Final = ("owner", "admin", "supervisor")
RECORDERS: Final = (*OWNERS, "recorder", "inspector")
RECEIVERS: Final = {
    "application": OWNERS,
    "members": OWNERS,
    "handover": RECORDERS,
    "alert": RECORDERS,
    "key": OWNERS,
    "certificate": RECORDERS,
    "request": OWNERS,
    "weekly": RECORDERS,
    "directive": RECORDERS,
    "desk": OWNERS,
}
# An SMS costs money and interrupts: only for what cannot wait. Push is asked for on each device.
DEFAULTS: Final = {
    ("application", "email"),
    ("members", "email"),
    ("alert", "email"),
    ("alert", "sms"),
    ("key", "email"),
    ("certificate", "email"),
    ("request", "email"),
    ("weekly", "email"),
    ("directive", "email"),
    ("desk", "email"),
    *((kind, "push") for kind in KINDS if kind != "weekly"),
}

Context = Mapping[str, object]


def notify(
    organisation: Organisation,
    word: str,
    context: Context | None = None,
    *,
    at: datetime,
    address: str = "",
    but: Person | None = None,
    subject: str = "",
    once: bool = False,
) -> int:
    """Tells the people of an organisation whom a kind concerns, except `but` (who did it); returns
    how many. The caller commits. Raises NoSuchWord."""
    told = {organisation: (context or {}, address)}
    return notify_each(
        told, word, at=at, but=but.id if but is not None else None, subject=subject, once=once
    )


def notify_each(
    told: Mapping[Organisation, tuple[Context, str]],
    word: str,
    *,
    at: datetime,
    but: int | None = None,
    subject: str = "",
    once: bool = False,
    inside_only: bool = False,
) -> int:
    """The same word to many organisations, each with its own context and address; a handful of
    statements however many they are. Returns how many people. With `inside_only` nothing leaves
    the application. Raises NoSuchWord."""
    kind, texts = "", {}
    for organisation, (context, address) in told.items():
        filled = {**context, "organisation": organisation.name}
        kind = check_word(word, filled)
        texts[organisation.id] = (_text(filled), address)
    if not texts:
        return 0
    rows = db.session.execute(
        select(Membership.person_id, Membership.organisation_id)
        .join(Person, Person.id == Membership.person_id)
        .where(
            among(Membership.organisation_id, sorted(texts)),
            Membership.role.in_(RECEIVERS[kind]),
            Person.active,
        )
        .order_by(Membership.organisation_id, Membership.person_id)
    )
    wanted = [
        _row(person_id, organisation_id, kind, word, *texts[organisation_id], at, subject)
        for person_id, organisation_id in rows
        if person_id != but
    ]
    return _tell(wanted, kind, at=at, once=once, inside_only=inside_only)


def notify_people(
    people: Iterable[Person],
    word: str,
    context: Context,
    *,
    at: datetime,
    address: str = "",
    organisation: Organisation | None = None,
    inside_only: bool = False,
) -> int:
    """Tells these people; returns how many. With `inside_only` nothing leaves the application. The
    caller commits. Raises NoSuchWord."""
    kind, text = check_word(word, context), _text(context)
    where = organisation.id if organisation is not None else None
    rows = [_row(person.id, where, kind, word, text, address, at, "") for person in people]
    return _tell(rows, kind, at=at, inside_only=inside_only)


def _text(context: Context) -> str:
    return orjson.dumps({name: str(value) for name, value in context.items()}).decode()


def _row(
    person_id: int,
    organisation_id: int | None,
    kind: str,
    word: str,
    text: str,
    address: str,
    at: datetime,
    subject: str,
) -> dict[str, Any]:
    return {
        "person_id": person_id,
        "organisation_id": organisation_id,
        "kind": kind,
        "word": word,
        "context": text,
        "address": address,
        "created_at": at,
        "subject": subject or None,
    }


def _tell(
    rows: Sequence[dict[str, Any]],
    kind: str,
    *,
    at: datetime,
    once: bool = False,
    inside_only: bool = False,
) -> int:
    """Writes notifications and their deliveries, and asks for the jobs that send them."""
    if once:
        unread = _unread(rows)
        rows = [one for one in rows if (one["person_id"], one["organisation_id"]) not in unread]
    if not rows:
        return 0
    db.session.flush()
    dialect = sqlite.insert if is_sqlite() else postgresql.insert
    made = db.session.execute(
        dialect(Notification)
        .on_conflict_do_nothing()
        .returning(Notification.id, Notification.person_id),
        list(rows),
    ).all()
    if inside_only:
        return len(made)
    sent = _deliveries({row.id: row.person_id for row in made}, kind, at)
    for start in range(0, len(sent), PER_JOB):
        enqueue(JOB_KIND, {"notifications": sent[start : start + PER_JOB]}, at=at)
    return len(made)


def _unread(rows: Sequence[dict[str, Any]]) -> set[tuple[int, int | None]]:
    """(person, organisation) of those who have not read this word yet."""
    if not rows:
        return set()
    found = db.session.execute(
        select(Notification.person_id, Notification.organisation_id).where(
            among(Notification.person_id, [one["person_id"] for one in rows]),
            Notification.word == rows[0]["word"],
            Notification.read_at.is_(None),
        )
    )
    return {(row.person_id, row.organisation_id) for row in found}


def _deliveries(people: Mapping[int, int], kind: str, at: datetime) -> list[int]:
    """Writes what is to leave for each notification (id: whose); returns the ids of those that
    leave by any channel."""
    channels = _wanted(set(people.values()), kind)
    devices = _devices([one for one, named in channels.items() if "push" in named])
    rows: list[dict[str, Any]] = []
    for notification_id, person_id in sorted(people.items()):
        ways = [(one, None) for one in CHANNELS if one in channels[person_id] and one != "push"]
        pushed = [("push", device) for device in devices.get(person_id, ())]
        rows += [
            {
                "notification_id": notification_id,
                "channel": channel,
                "subscription_id": device,
                "state": "queued",
                "due_at": at,
            }
            for channel, device in (*ways, *pushed)
        ]
    if rows:
        db.session.execute(insert(Delivery), rows)
    return list(dict.fromkeys(row["notification_id"] for row in rows))


def _wanted(people: Collection[int], kind: str) -> dict[int, set[str]]:
    """The channels by which each of them wants a kind."""
    usual = {channel for named, channel in DEFAULTS if named == kind}
    found = {person_id: set(usual) for person_id in people}
    said = db.session.execute(
        select(Preference.person_id, Preference.channel, Preference.wanted).where(
            among(Preference.person_id, sorted(people)), Preference.kind == kind
        )
    )
    for row in said:
        (found[row.person_id].add if row.wanted else found[row.person_id].discard)(row.channel)
    return found


def _devices(people: Sequence[int]) -> dict[int, list[int]]:
    found: dict[int, list[int]] = {}
    if people:
        rows = db.session.execute(
            select(PushSubscription.person_id, PushSubscription.id)
            .where(among(PushSubscription.person_id, sorted(people)))
            .order_by(PushSubscription.id)
        )
        for row in rows:
            found.setdefault(row.person_id, []).append(row.id)
    return found


def words_of(row: Notification, locale: str) -> tuple[str, str]:
    """(title, body) of a notification in a language."""
    return say(row.word, orjson.loads(row.context), locale)


# -- in the application ----------------------------------------------------------------------------


def list_notifications(person: Person, *, limit: int = 1000) -> list[Notification]:
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


def forget_old(*, at: datetime) -> int:
    """Drops what is older than KEPT, read or not, and how it was sent; returns how many."""
    old = select(Notification.id).where(Notification.created_at < at - KEPT)
    db.session.execute(
        delete(Delivery)
        .where(Delivery.notification_id.in_(old))
        .execution_options(synchronize_session=False)
    )
    gone = db.session.execute(
        delete(Notification)
        .where(Notification.created_at < at - KEPT)
        .execution_options(synchronize_session=False)
        .returning(Notification.id)
    )
    return len(gone.all())


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

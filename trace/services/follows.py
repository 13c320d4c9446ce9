"""Following a lot for notices, without an account: by e-mail or by a browser's own messages.

Rules.
1. An e-mail address gets a letter that asks; nothing else before it was confirmed there. A browser
   asked its person itself (Push API), so it needs none.
2. Told are the notices that reach the lot (recall, hold, advice), its own and inherited ones, and
   their release: each once. `tell` writes who is to be told in one statement however many follow;
   `follows_sending` sends.
3. Where messages go is sealed, and found again by keyed digests only. Whoever leaves is forgotten
   at once, an unconfirmed address after a day, everybody KEPT_AFTER_USE after the use-by date, or
   after a year. Nobody is told who follows: not even how many.
4. Whoever asks is answered alike, whether the address follows already, was written to too often, or
   is new. Of one address, and for one lot, no more than a few letters are written.
"""

from __future__ import annotations

import hashlib
import secrets
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final

from sqlalchemy import ColumnElement, delete, literal, select
from sqlalchemy.dialects import postgresql, sqlite

from trace.errors import NotFound, TraceError
from trace.extensions import db, limiter
from trace.models import Alert, Event, Follow, FollowMessage
from trace.services import counters, follows_words, senders, web_push
from trace.services.jobs import enqueue
from trace.services.passports import passport_of
from trace.services.people import EMAIL
from trace.services.sealing import reseal, seal, unseal
from trace.services.sets import is_sqlite

KIND: Final = "follow"  # of the job that sends
ALERTING: Final = ("recall", "hold", "advice")
UNCONFIRMED: Final = timedelta(days=1)
LONGEST: Final = timedelta(days=365)
KEPT_AFTER_USE: Final = timedelta(days=30)
# Letters that ask: of one address in a day whatever the lots, of one lot in an hour.
LETTERS: Final = 5
A_DAY: Final = timedelta(days=1)
ASKED_OF_LOT: Final = 300
AN_HOUR: Final = timedelta(hours=1)
_PLACE: Final = "follow"


class NoEmailAddress(TraceError):
    code = "no-email-address"
    message = "This is not an e-mail address. Write it like ten@example.com."


class NotFollowed(NotFound):
    code = "not-followed"
    message = "This address is no longer good. A letter that asks is good for one day."
    next_step = "Open the page of the lot and follow it again."


class TooManyFollow(TraceError):
    code = "too-many-follow"
    status = 429
    message = "Very many people want to follow this lot just now. Try again in an hour."


class TooOldToFollow(TraceError):
    code = "too-old-to-follow"
    message = "The use-by date of this lot has long passed: nothing more will be told of it."


class MailIsOff(TraceError):
    code = "mail-is-off"
    status = 503
    message = "This platform cannot send e-mails at the moment."


# -- asking and leaving ----------------------------------------------------------------------------


def forget_at(thing_id: int, *, at: datetime) -> datetime:
    """When whoever follows the lot from now on is forgotten. Raises TooOldToFollow, NotFound."""
    use_by = passport_of(thing_id, at=at).document["facts"]["use_by"]
    end = at + LONGEST
    if use_by:
        day = date.fromisoformat(use_by[:10])
        end = min(end, datetime.combine(day, time(), UTC) + KEPT_AFTER_USE)
    if end <= at:
        raise TooOldToFollow
    return end


def ask(thing_id: int, typed: str, *, locale: str, at: datetime) -> None:
    """Writes the letter that asks an address whether it wants to follow; one that follows already
    is told so there. Says nothing about which it was. The caller commits; nothing may be unwritten
    in the session before. Raises NoEmailAddress, MailIsOff, TooManyFollow, TooOldToFollow."""
    address = typed.strip().lower()
    plain = address.isascii() and address.isprintable() and len(address) <= 254
    if not plain or not EMAIL.fullmatch(address):
        raise NoEmailAddress(path="email")
    if not senders.is_on("email"):
        raise MailIsOff(path="email")
    forget_at(thing_id, at=at)
    _count_lot(thing_id, at)
    contact = _contact("email", address)
    written = _counted(LETTERS, A_DAY, "contact", contact.hex(), at=at)
    row = _find(thing_id, contact, at)
    if row is None and written:
        row = _add(thing_id, "email", contact, {"to": address}, locale, at, at + UNCONFIRMED)
    code = opened(row)["code"] if row is not None else secrets.token_urlsafe(18)
    follows_already = row is not None and row.confirmed_at is not None
    title, text = follows_words.asking(thing_id, code, locale, confirmed=follows_already)
    # One letter too many is written to nobody: it takes as long, and nobody hears of it.
    senders.post(
        "email",
        address if written else "",
        title,
        text,
        at=at,
        until=at + UNCONFIRMED,
        unsubscribe=follows_words.leave_address(code, locale),
    )


def follow_by_push(
    thing_id: int, endpoint: str, p256dh: str, auth: str, *, locale: str, at: datetime
) -> str:
    """Follows with a browser (PushSubscription.toJSON); returns the code of its pages. The same
    browser again is the same row. Raises BadSubscription, TooManyFollow, TooOldToFollow."""
    web_push.check_subscription(endpoint, p256dh, auth)
    end = forget_at(thing_id, at=at)
    _count_lot(thing_id, at)
    contact, where = _contact("push", endpoint), [endpoint, p256dh, auth]
    row = _find(thing_id, contact, at)
    if row is None:
        row = _add(thing_id, "push", contact, {"to": where}, locale, at, end)
    row.confirmed_at = row.confirmed_at or at
    code = str(opened(row)["code"])
    row.sealed = seal({"to": where, "code": code}, _PLACE)
    db.session.flush()
    return code


def confirm(code: str, *, at: datetime) -> Follow:
    """The address wants it. Twice is once. The caller commits. Raises NotFollowed."""
    row = find(code, at=at)
    if row.confirmed_at is None:
        row.forget_at = forget_at(row.thing_id, at=at)
        row.confirmed_at = at
    return row


def find(code: str, *, at: datetime) -> Follow:
    """The row of a code. Raises NotFollowed."""
    row = db.session.scalar(
        select(Follow).where(Follow.code_hash == _code_hash(code), Follow.forget_at > at)
    )
    if row is None:
        raise NotFollowed
    return row


def leave(code: str, *, at: datetime) -> None:
    """Forgets a follower, who may have left already. The caller commits."""
    try:
        db.session.delete(find(code, at=at))
    except NotFollowed:
        return
    db.session.flush()


def by_address(address: str) -> list[Follow]:
    """What follows by this e-mail address, confirmed or not; for who asks what is held of them."""
    contact = _contact("email", address)
    return list(
        db.session.scalars(select(Follow).where(Follow.contact_hash == contact).order_by(Follow.id))
    )


def forget_address(row: Follow) -> None:
    """Forgets everything that follows by the address of this row. The caller commits."""
    db.session.execute(
        delete(Follow)
        .where(Follow.contact_hash == row.contact_hash)
        .execution_options(synchronize_session="fetch")
    )


def forget_over(*, at: datetime) -> int:
    """Forgets everybody whose time is over; returns how many. The caller commits."""
    gone = db.session.execute(
        delete(Follow)
        .where(Follow.forget_at <= at)
        .returning(Follow.id)
        .execution_options(synchronize_session=False)
    )
    return len(gone.all())


def rewrap(old: bytes, new: bytes) -> int:
    """Seals everybody's address anew under another key-encryption key; returns how many."""
    rows = db.session.scalars(select(Follow)).all()
    for row in rows:
        row.sealed = reseal(row.sealed, _PLACE, old, new)
    return len(rows)


def opened(row: Follow) -> dict[str, Any]:
    """`to` (an address, or [endpoint, p256dh, auth]) and `code`. Raises SealedTextBroken."""
    found: dict[str, Any] = unseal(row.sealed, _PLACE)
    return found


# -- who is to be told -----------------------------------------------------------------------------


def tell(event: Event, *, at: datetime) -> int:
    """Notes whom a notice, or a release, is to be sent to, and asks for the sending; returns how
    many. One statement; done twice, it notes nothing twice. The caller commits."""
    if event.notice in ALERTING:
        reached: ColumnElement[bool] = (Alert.event_id == event.id) & Alert.lifted_by.is_(None)
    elif event.notice == "release":
        reached = Alert.lifted_by == event.id
    else:
        return 0
    wanted = (
        select(Follow.id, literal(event.id), literal("queued"), literal(0), _moment(at))
        .join(Alert, Alert.thing_id == Follow.thing_id)
        .where(reached, Follow.confirmed_at.is_not(None), Follow.forget_at > at)
        .distinct()
    )
    columns = ["follow_id", "event_id", "state", "attempts", "due_at"]
    dialect = sqlite.insert if is_sqlite() else postgresql.insert
    db.session.flush()
    made = db.session.execute(
        dialect(FollowMessage)
        .from_select(columns, wanted)
        .on_conflict_do_nothing()
        .returning(FollowMessage.follow_id)
    ).all()
    if made:
        enqueue(KIND, {"event": event.id}, at=at)
    return len(made)


def _moment(at: datetime) -> Any:
    return literal(at, FollowMessage.due_at.type)


# -- rows ------------------------------------------------------------------------------------------


def _find(thing_id: int, contact: bytes, at: datetime) -> Follow | None:
    """The row that lives; one whose time is over makes room."""
    row = db.session.scalar(
        select(Follow).where(Follow.thing_id == thing_id, Follow.contact_hash == contact)
    )
    if row is not None and row.forget_at <= at:
        db.session.delete(row)
        db.session.flush()
        return None
    return row


def _add(
    thing_id: int,
    channel: str,
    contact: bytes,
    told: dict[str, Any],
    locale: str,
    at: datetime,
    until: datetime,
) -> Follow:
    code = secrets.token_urlsafe(18)
    row = Follow(
        thing_id=thing_id,
        channel=channel,
        contact_hash=contact,
        code_hash=_code_hash(code),
        sealed=seal({**told, "code": code}, _PLACE),
        locale=locale,
        created_at=at,
        forget_at=until,
    )
    db.session.add(row)
    db.session.flush()
    return row


def _contact(channel: str, text: str) -> bytes:
    return counters.counter_key("follow", channel, text)


def _code_hash(code: str) -> bytes:
    return hashlib.sha256(b"trace follow\n" + code.encode("utf-8", "replace")).digest()


def _count_lot(thing_id: int, at: datetime) -> None:
    if not _counted(ASKED_OF_LOT, AN_HOUR, "lot", str(thing_id), at=at):
        raise TooManyFollow


def _counted(most: int, window: timedelta, *names: str, at: datetime) -> bool:
    """Counts one more; False where there were as many as may be."""
    if not limiter.enabled:
        return True
    key = counters.counter_key("follow", *names)
    if counters.tries(key, at=at, window=window)[0] >= most:
        return False
    counters.hit(key, window, at=at)
    return True

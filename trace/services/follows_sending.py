"""Sending followers what notices say: some at a time, letters over one connection, messages to
browsers side by side; no transaction is open meanwhile.

What was sent is written after each turn. A worker that dies in one sends its few again: a warning
twice is better than none, and mail programs and browsers know it by its number. A failure is tried
again, each time after twice as long; a browser or an address that is gone is forgotten.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import and_, delete, func, select, update
from sqlalchemy.orm import joinedload

from trace.extensions import db
from trace.models import Alert, Event, Follow, FollowMessage, Organisation, Thing
from trace.services import follows, follows_words, web_push
from trace.services.follows_words import Alerted, Goods, Said
from trace.services.jobs import enqueue
from trace.services.senders import Message, NotSent, mailing
from trace.services.sets import among
from trace.services.web_push import PushRequest

# Of one turn: with slow push services it still ends within the lease of a job.
TURN: Final = 48
ATTEMPTS: Final = 8
LEASE: Final = timedelta(minutes=5)  # longer than a turn takes
FIRST_PAUSE: Final = timedelta(seconds=30)


@dataclass(slots=True)
class Outgoing:
    """One message with all that sending it needs; `error` is why it was not sent."""

    follow_id: int
    channel: str
    to: Any
    code: str
    locale: str
    said: Said
    request: PushRequest | None = None
    error: NotSent | None = None


def send(event_id: int, outgoing: Sequence[Outgoing]) -> None:
    """Sends these messages and notes at each why it was not sent. The database is not asked."""
    _post_letters([one for one in outgoing if one.channel == "email"], event_id)
    asked = [(one, one.request) for one in outgoing if one.request is not None]
    errors = web_push.post_each([request for _, request in asked])
    for (one, _), error in zip(asked, errors, strict=True):
        one.error = error


def due(event_id: int, *, at: datetime) -> list[Outgoing]:
    """The next few messages of a notice, with all that sending them needs: taken for LEASE, so that
    another worker takes others. The caller commits."""
    waiting = and_(
        FollowMessage.event_id == event_id,
        FollowMessage.state == "queued",
        FollowMessage.due_at <= at,
    )
    few = (
        select(FollowMessage.follow_id)
        .where(waiting)
        .order_by(FollowMessage.due_at, FollowMessage.follow_id)
        .limit(TURN)
    )
    taken = db.session.scalars(
        update(FollowMessage)
        .where(waiting, FollowMessage.follow_id.in_(few))
        .values(due_at=at + LEASE)
        .returning(FollowMessage.follow_id)
        .execution_options(synchronize_session=False)
    ).all()
    rows = db.session.scalars(
        select(FollowMessage)
        .where(FollowMessage.event_id == event_id, among(FollowMessage.follow_id, taken))
        .options(
            joinedload(FollowMessage.follow).joinedload(Follow.thing).joinedload(Thing.product)
        )
        .order_by(FollowMessage.follow_id)
    ).all()
    if not rows:
        return []
    event = db.session.get_one(Event, event_id)
    issuer = db.session.get_one(Organisation, event.issuer_id)
    alerts = _alerts(event, [row.follow.thing_id for row in rows])
    goods: dict[int, Goods] = {}
    found = []
    for row in rows:
        follow = row.follow
        named = goods.setdefault(follow.thing_id, follows_words.goods_of(follow.thing))
        opened = follows.opened(follow)
        said = follows_words.said(event, issuer, alerts[follow.thing_id], named, follow.locale)
        found.append(
            Outgoing(follow.id, follow.channel, opened["to"], opened["code"], follow.locale, said)
        )
    _ask([one for one in found if one.channel == "push"], event_id, at)
    return found


def _alerts(event: Event, things: Sequence[int]) -> dict[int, Alerted]:
    """How the notice stands, or stood, on each thing."""
    kind = event.notice or ""
    found = {thing: Alerted(kind, "", mixed=False) for thing in things}
    rows = db.session.execute(
        select(Alert.thing_id, Alert.kind, Alert.hazard, Alert.mixed).where(
            Alert.event_id == event.id, among(Alert.thing_id, sorted(set(things)))
        )
    )
    return found | {row[0]: Alerted(row[1], row[2], mixed=bool(row[3])) for row in rows}


def _post_letters(letters: Sequence[Outgoing], event_id: int) -> None:
    if not letters:
        return
    with mailing() as mail:
        for one in letters:
            title, text = follows_words.letter(one.said, one.code, one.locale)
            leave = follows_words.leave_address(one.code, one.locale)
            key = f"follow-{one.follow_id}-{event_id}"
            try:
                mail(Message("email", one.to, title, text, key, leave))
            except NotSent as error:
                one.error = error


def _ask(messages: Sequence[Outgoing], event_id: int, at: datetime) -> None:
    """Encrypts and signs what goes to browsers."""
    for one in messages:
        payload = {
            "title": one.said.title,
            "address": one.said.path,
            "tag": f"f{event_id}-{one.follow_id}",
            "lang": one.locale,
        }
        endpoint, p256dh, auth = one.to
        try:
            one.request = web_push.request_for(
                endpoint, p256dh, auth, payload, urgency="high", at=at
            )
        except NotSent as why:
            one.error = why


def note(event_id: int, outgoing: Sequence[Outgoing], *, at: datetime) -> dict[str, int]:
    """Writes how each went, forgets whoever is gone, and asks for the next turn where there are
    more. Returns counts by state. The caller commits."""
    counts: Counter[str] = Counter()
    gone: list[int] = []
    rows = {
        row.follow_id: row
        for row in db.session.scalars(
            select(FollowMessage).where(
                FollowMessage.event_id == event_id,
                among(FollowMessage.follow_id, [one.follow_id for one in outgoing]),
            )
        )
    }
    for one in outgoing:
        row = rows.get(one.follow_id)
        if row is None:  # left meanwhile
            continue
        row.attempts += 1
        if one.error is None:
            row.state = "sent"
        elif isinstance(one.error, web_push.DeviceGone):
            row.state = "failed"
            gone.append(one.follow_id)
        elif one.error.lasting or row.attempts >= ATTEMPTS:
            row.state = "failed"
        else:
            row.due_at = at + FIRST_PAUSE * 2 ** (row.attempts - 1)
        counts["sent" if one.error is None else row.state] += 1
    db.session.flush()
    db.session.execute(
        delete(Follow).where(among(Follow.id, gone)).execution_options(synchronize_session=False)
    )
    waiting = db.session.scalar(
        select(func.min(FollowMessage.due_at)).where(
            FollowMessage.event_id == event_id, FollowMessage.state == "queued"
        )
    )
    if waiting is not None:
        enqueue(follows.KIND, {"event": event_id}, at=at, due=waiting)
    return dict(counts)

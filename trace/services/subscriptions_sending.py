"""Telling subscribers: at least once, in the order of the log.

Rules.
1. Of one subscription one message is under way at a time; what it covers is a stretch of the log
   [first, end). Once it is taken (2xx) the cursor moves to its end. A worker that dies between
   sending and noting sends again: `Trace-Delivery` names the stretch, so that a receiver knows.
2. What is not taken is sent again, each time after twice as long (PAUSE to LONGEST), ATTEMPTS
   times: about a day. Then all that waits goes to the dead letters, owners are told, and what is
   recorded later is tried again; a receiver that still takes nothing adds to them.
3. 413 asks for less at once: half as many events, and no attempt is counted. A single event that is
   too large becomes a dead letter by itself. 410 says that nobody wants it: the subscription rests.
4. Dead letters are sent again when somebody asks for it, as their events look then, before
   anything newer.
5. What a subscriber gets is what the organisation may see at that moment.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from urllib.parse import urlsplit

import orjson
from sqlalchemy import ColumnElement, and_, exists, or_, select, update

from trace.clock import rfc3339
from trace.core.epcis import JsonObject
from trace.core.epcis.xml import write_exception, write_xml
from trace.errors import TraceError
from trace.extensions import db
from trace.models import DeadLetter, Organisation, Subscription
from trace.services import webhooks
from trace.services.actors import Actor
from trace.services.epcis_forms import DEFAULT, written
from trace.services.epcis_queries import since
from trace.services.named_queries import parsed
from trace.services.notifications import notify
from trace.services.sets import among
from trace.services.subscriptions import head, next_due, place_at, secret_of
from trace.services.webhooks import Outcome, Posting

ATTEMPTS: Final = 14
PAUSE: Final = timedelta(seconds=10)
LONGEST: Final = timedelta(hours=6)
# Longer than the slowest exchange: 20 s after the handshake, and what looking up takes.
LEASE: Final = timedelta(seconds=90)
# Nothing that was not taken is put off for longer, and no lease is given for as long: who seems to
# wait longer was told to by a clock that was wrong.
UNBELIEVABLE: Final = LONGEST + timedelta(minutes=10)
AT_ONCE: Final = 16
# A body is cut before it grows beyond what receivers take: events of a mix are large.
MOST_BYTES: Final = 2_000_000
CONTEXT: Final = "https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld"


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A message and the stretch of the log that it tells of; `letter` when it is sent again."""

    subscription: int
    posting: Posting
    first: int
    end: int
    events: int
    more: bool = False
    letter: int | None = None
    problem: str = ""  # why no event could be told: the stretch stays to be told


def is_due(at: datetime) -> bool:
    """Whether there is anything to do: one look that takes no lock."""
    return db.session.scalar(select(Subscription.id).where(_due(at)).limit(1)) is not None


def _due(at: datetime) -> ColumnElement[bool]:
    letters = exists().where(
        DeadLetter.subscription_id == Subscription.id,
        DeadLetter.replay_at <= at,
        DeadLetter.done_at.is_(None),
    )
    closed = exists().where(
        Organisation.id == Subscription.organisation_id, Organisation.closed_at.is_not(None)
    )
    new = (
        Subscription.schedule != "",
        Subscription.cursor.is_(None),
        Subscription.cursor < head(),
    )
    never_meant = and_(
        Subscription.schedule == "",
        Subscription.cursor.is_not(None),
        Subscription.due_at > at + UNBELIEVABLE,
    )
    return and_(
        Subscription.paused_at.is_(None),
        or_(
            Subscription.lease_until.is_(None),
            Subscription.lease_until < at,
            Subscription.lease_until > at + UNBELIEVABLE,
        ),
        or_(letters, and_(or_(Subscription.due_at <= at, never_meant), or_(*new))),
        ~closed,
    )


def claim(at: datetime) -> list[int]:
    """Takes subscriptions that are due under a lease; the caller commits."""
    due = select(Subscription.id).where(_due(at)).order_by(Subscription.due_at).limit(AT_ONCE)
    wanted = list(db.session.scalars(due.with_for_update(skip_locked=True)))
    claimed = db.session.scalars(
        update(Subscription)
        .where(among(Subscription.id, wanted), _due(at))
        .values(lease_until=at + LEASE)
        .returning(Subscription.id)
        .execution_options(synchronize_session=False)
    ).all()
    return sorted(claimed)


# -- what is sent ----------------------------------------------------------------------------------


def prepare(subscription: int, at: datetime) -> Outgoing | None:
    """The next message of a claimed subscription; None when there is nothing to tell, which is
    noted, and when it was deleted meanwhile. The caller commits."""
    row = db.session.get(Subscription, subscription, populate_existing=True)
    if row is None:
        return None
    letter = _waiting(row, at)
    if letter is not None:
        stretch = letter.first, letter.end
    elif _waits(row, at) or not _has_begun(row, at):
        row.lease_until = None
        return None
    else:
        stretch = row.cursor or 0, head()
    first, end = stretch
    try:
        found, looked = _new(row, first, end, at)
    except TraceError as error:
        sent = _posting(row, problem_body(row, error), stretch)
        return None if sent is None else Outgoing(row.id, sent, first, end, 0, problem=error.code)
    kept = _fitting(found)
    reached = looked if len(kept) == len(found) else kept[-1][0] + 1
    if not kept and (letter is not None or reached < end or not _reports_nothing(row)):
        _pass_over(row, letter, reached, end, at)
        return None
    told = written([event for _, event in kept], row.epc_format or DEFAULT)
    sent = _posting(row, body_of(row, told, at), (first, reached))
    if sent is None:
        return None
    return Outgoing(
        row.id,
        sent,
        first,
        reached,
        len(kept),
        more=reached < end,
        letter=None if letter is None else letter.id,
    )


def _new(
    row: Subscription, first: int, end: int, at: datetime
) -> tuple[list[tuple[int, JsonObject]], int]:
    """What [first, end) of the log holds for the subscriber, at most a batch of it, with each
    event's place, and the place up to which that is all. Raises what asking the query raises."""
    actor = Actor(row.organisation, None, "token", frozenset(row.acts.split()))
    found, looked = since(actor, parsed(row.query), after=first - 1, at=at, limit=row.batch + 1)
    inside = [(place, event) for place, event in found if first <= place < end]
    if len(inside) > row.batch:
        inside = inside[: row.batch]
        return inside, inside[-1][0] + 1
    return inside, min(max(looked + 1, first), end)


def _reports_nothing(row: Subscription) -> bool:
    return row.report_if_empty and bool(row.schedule)


def _pass_over(
    row: Subscription, letter: DeadLetter | None, reached: int, end: int, at: datetime
) -> None:
    """There is nothing to tell up to `reached`."""
    row.lease_until = None
    if letter is not None:
        letter.first = reached
        letter.done_at = at if reached >= end else None
        return
    row.cursor = reached
    if reached >= end:
        row.due_at = next_due(row, after=at)


def _waits(row: Subscription, at: datetime) -> bool:
    """Whether its time is to come, and can have been meant: a stream that has begun is put off only
    after something was not taken."""
    began_stream = not row.schedule and row.cursor is not None
    return row.due_at > at and not (began_stream and row.due_at > at + UNBELIEVABLE)


def _has_begun(row: Subscription, at: datetime) -> bool:
    """Whether the subscription's time has come; sets where it begins."""
    if row.cursor is not None:
        return True
    since = row.initial_record_time
    if since is not None and since > at:
        row.due_at = since
        return False
    row.cursor = head() if since is None else place_at(since)
    return True


def _waiting(row: Subscription, at: datetime) -> DeadLetter | None:
    """The oldest dead letter that somebody asked to be sent again."""
    found: DeadLetter | None = db.session.scalar(
        select(DeadLetter)
        .where(
            DeadLetter.subscription_id == row.id,
            DeadLetter.replay_at <= at,
            DeadLetter.done_at.is_(None),
        )
        .order_by(DeadLetter.id)
        .limit(1)
    )
    return found


def _fitting(found: Sequence[tuple[int, JsonObject]]) -> Sequence[tuple[int, JsonObject]]:
    """As many as fit into one message, at least one."""
    size = 0
    for count, (_, event) in enumerate(found):
        size += len(orjson.dumps(event))
        if count and size > MOST_BYTES:
            return found[:count]
    return found


def document(row: Subscription, events: list[JsonObject], at: datetime) -> JsonObject:
    """An EPCISQueryDocument for a subscriber; each event keeps its own context."""
    return {
        "@context": [CONTEXT],
        "type": "EPCISQueryDocument",
        "schemaVersion": "2.0",
        "creationDate": rfc3339(at),
        "epcisBody": {
            "queryResults": {
                "queryName": row.query.name,
                "subscriptionID": row.public_id,
                "resultsBody": {"eventList": events},
            }
        },
    }


def problem(error: TraceError) -> JsonObject:
    """What is told when a query can no longer be answered: the form of our 4xx and 5xx answers."""
    kind = getattr(error, "exception", "ImplementationException")
    return {
        "type": f"epcisException:{kind}",
        "title": error.code,
        "status": error.status,
        "detail": error.detail,
    }


def body_of(row: Subscription, events: list[JsonObject], at: datetime) -> bytes:
    """The message in the form that was asked for when the subscription was made."""
    if not row.form:
        return orjson.dumps(document(row, events, at))
    return write_xml(
        events,
        created=rfc3339(at),
        kind="query",
        form="web" if row.form == "xml-web" else "urn",
        query_name=row.query.name,
        subscription_id=row.public_id,
    )


def problem_body(row: Subscription, error: TraceError) -> bytes:
    """A problem in the subscription's form."""
    told = problem(error)
    return write_exception(told) if row.form else orjson.dumps(told)


def _posting(row: Subscription, body: bytes, stretch: tuple[int, int]) -> Posting | None:
    """A signed message; None, and the subscription rests, where its address or seal is good no
    more."""
    headers = {
        "Content-Type": "application/xml; charset=utf-8" if row.form else "application/json",
        "GS1-EPCIS-Version": "2.0.0",
        "GS1-CBV-Version": "2.0.0",
        "Trace-Delivery": f"{row.public_id}/{stretch[0]}-{stretch[1]}",
        "User-Agent": "trace",
    }
    try:
        return webhooks.posting(row.dest, body, headers, secret_of(row))
    except TraceError as error:
        row.failure, row.paused_at, row.lease_until = error.code, row.due_at, None
        _tell(row, "subscription-resting", row.due_at)
        return None


# -- how it went -----------------------------------------------------------------------------------


def settle(sent: Outgoing, outcome: Outcome, at: datetime) -> None:
    """Notes how it went, and when to go on; the caller commits."""
    row = db.session.get(Subscription, sent.subscription, populate_existing=True)
    if row is None:  # deleted meanwhile
        return
    row.lease_until = None
    letter = None if sent.letter is None else db.session.get(DeadLetter, sent.letter)
    if sent.problem:
        _failed(row, letter, Outcome(0, sent.problem), at)
    elif outcome.taken:
        _taken(row, letter, sent, at)
    elif outcome.status == 413 and sent.events > 1:
        row.batch = max(1, sent.events // 2)
    elif outcome.status == 413 and letter is None and sent.events == 1:
        _bury(row, sent.first, sent.end, "http-413", at)
        row.cursor, row.due_at = sent.end, at
    else:
        _failed(row, letter, outcome, at)


def put_off(subscription: int, at: datetime) -> None:
    """Notes that its message could not even be written: as if it had not been taken. The caller
    commits."""
    row = db.session.get(Subscription, subscription, populate_existing=True)
    if row is not None:
        row.lease_until = None
        _failed(row, _waiting(row, at), Outcome(0, "no-message"), at)


def _taken(row: Subscription, letter: DeadLetter | None, sent: Outgoing, at: datetime) -> None:
    row.attempts, row.failure, row.last_notified_at = 0, "", at
    if letter is not None:
        letter.first = sent.end
        letter.done_at = None if sent.more else at
        return
    row.cursor = sent.end
    row.due_at = at if sent.more else next_due(row, after=at)


def _failed(row: Subscription, letter: DeadLetter | None, outcome: Outcome, at: datetime) -> None:
    reason = outcome.reason or f"http-{outcome.status}"
    row.failure = reason[:100]
    if letter is not None:  # back to whoever asked for it
        letter.replay_at, letter.reason = None, reason[:100]
        letter.attempts += 1
        return
    if outcome.status == 410:
        row.paused_at = at
        _tell(row, "subscription-resting", at)
        return
    row.attempts += 1
    if row.attempts >= ATTEMPTS:
        end = head()
        _bury(row, row.cursor or 0, end, reason, at)
        row.cursor, row.attempts = end, ATTEMPTS - 1
    row.due_at = at + pause(row.attempts)


def pause(attempts: int) -> timedelta:
    """How long to wait after so many attempts that failed: twice as long each time."""
    factor: int = 2 ** min(attempts - 1, 20)
    return min(PAUSE * factor, LONGEST)


def _bury(row: Subscription, first: int, end: int, reason: str, at: datetime) -> None:
    """A dead letter more, or a longer one where the last ends here and waits."""
    last: Any = db.session.scalar(
        select(DeadLetter)
        .where(
            DeadLetter.subscription_id == row.id,
            DeadLetter.end == first,
            DeadLetter.done_at.is_(None),
            DeadLetter.replay_at.is_(None),
            DeadLetter.reason == reason[:100],
        )
        .limit(1)
    )
    if last is not None:
        last.end = end
        return
    db.session.add(
        DeadLetter(subscription_id=row.id, first=first, end=end, reason=reason[:100], created_at=at)
    )
    _tell(row, "subscription-unsent", at)


def _tell(row: Subscription, word: str, at: datetime) -> None:
    """Owners hear of it; not again while they have not read it."""
    what = f"{row.query.name} → {urlsplit(row.dest).hostname or row.dest}"
    address = "/producer/subscriptions/"
    notify(row.organisation, word, {"what": what[:150]}, at=at, address=address, once=True)

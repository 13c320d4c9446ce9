"""Subscriptions: an organisation asks to be told what is new in a named query (EPCIS 2.0 §8.2.5).

Rules.
1. A subscription has `stream: true` or a schedule, never both. Fields of a schedule are Viet Nam's
   wall clock unless its member `timeZone` names another zone; the standard leaves this open.
2. It begins with what is recorded from `initialRecordTime` on; from now on where that is not given.
3. It may see what the organisation may see when an event is sent, no more. It ends with the
   organisation, with its query, or when it is deleted.
4. The secret (`signatureToken`) is sealed, and never told again.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta, tzinfo
from typing import Any, Final
from zoneinfo import ZoneInfo

import orjson
from sqlalchemy import delete, func, select
from sqlalchemy.orm import joinedload

from trace.clock import rfc3339
from trace.core.epcis import JsonObject, JsonValue
from trace.core.epcis.schedule import Schedule, parse_schedule
from trace.core.statements import parse_entry
from trace.errors import NotFound, Refused, TraceError
from trace.extensions import db
from trace.models import DeadLetter, LogEntry, NamedQuery, Subscription
from trace.services.actors import Actor
from trace.services.audit import write_audit
from trace.services.epcis_forms import FORMS
from trace.services.records import LOCAL_ZONE
from trace.services.sealing import reseal, seal, unseal
from trace.services.webhooks import check_destination

MOST: Final = 50  # of one organisation
BATCH: Final = 100  # events sent at once, until a receiver says that they are too many
SECRET_SIZE: Final = 500  # characters
MEMBERS: Final = frozenset(
    {"dest", "signatureToken", "reportIfEmpty", "initialRecordTime", "stream", "schedule"}
)


class BadSubscription(TraceError):
    code = "bad-epcis-subscription"
    message = "The subscription's %(name)s is not right: %(reason)s."
    exception = "SubscriptionControlsException"


class SubscriptionRefused(Refused):
    code = "epcis-subscription-refused"
    exception = "SubscriptionControlsException"


class TooManySubscriptions(TraceError):
    code = "too-many-subscriptions"
    message = "An organisation keeps at most %(limit)d subscriptions."
    next_step = "Delete those that are not used any more."
    exception = "SubscriptionControlsException"


def subscribe(
    actor: Actor,
    query: NamedQuery,
    body: JsonValue,
    *,
    at: datetime,
    epc_format: str = "",
    form: str = "",
    made_with: str = "",
) -> Subscription:
    """Subscribes the organisation's address `dest` to a query; `form` is how it is written to ("",
    xml-urn or xml-web). Raises SubscriptionRefused with what is wrong, TooManySubscriptions."""
    actor.check("read")
    given = _checked(body, epc_format)
    mine = select(func.count()).where(Subscription.organisation_id == actor.organisation.id)
    if (db.session.scalar(mine) or 0) >= MOST:
        raise TooManySubscriptions(limit=MOST)
    public_id = str(uuid.uuid4())
    secret, since = given.get("signatureToken"), given.get("initialRecordTime")
    schedule = given.get("schedule")
    row = Subscription(
        public_id=public_id,
        query_id=query.id,
        organisation_id=actor.organisation.id,
        dest=given["dest"],
        secret=seal(secret, _place(public_id)) if secret else None,
        schedule=orjson.dumps(schedule).decode() if schedule else "",
        report_if_empty=bool(given.get("reportIfEmpty", False)),
        initial_record_time=since,
        epc_format=epc_format,
        form=form,
        acts="inspect" if actor.may("inspect") else "",
        made_with=made_with[:100],
        created_at=at,
        cursor=None if since else head(),
        batch=BATCH,
        due_at=at,
    )
    row.query = query
    if schedule:
        row.due_at = next_due(row, after=at)
    db.session.add(row)
    db.session.flush()
    write_audit(actor, "subscription.create", f"subscription:{public_id}", at=at)
    return row


def _checked(body: JsonValue, epc_format: str) -> JsonObject:
    """The members, read. Raises SubscriptionRefused with an error for each that is wrong."""
    if not isinstance(body, dict):
        raise SubscriptionRefused([BadSubscription(name="body", reason="it is no object")])
    errors: list[TraceError] = [
        _wrong(name[:100], "it is not known") for name in body if name not in MEMBERS
    ]
    read: JsonObject = {}
    for name, reader in _READERS.items():
        if name in body or name == "dest":
            try:
                read[name] = reader(body.get(name))
            except Refused as refused:
                errors += refused.errors
            except TraceError as error:
                error.path = error.path or f"/{name}"
                errors.append(error)
    if body.get("stream") is True and "schedule" in body:
        errors.append(_wrong("stream", "a stream has no schedule"))
    if body.get("stream") is not True and "schedule" not in body:
        errors.append(_wrong("stream", "give “stream”: true or a schedule"))
    if epc_format and epc_format not in FORMS:
        errors.append(_wrong("GS1-EPC-Format", f"it is one of {', '.join(FORMS)}"))
    if errors:
        raise SubscriptionRefused(errors)
    return read


def _wrong(name: str, reason: str) -> BadSubscription:
    return BadSubscription(path=f"/{name}", name=name, reason=reason)


def _dest(value: object) -> str:
    if not isinstance(value, str) or not value:
        raise _wrong("dest", "an address is expected")
    check_destination(value)
    return value


def _secret(value: object) -> str:
    if not isinstance(value, str) or len(value) > SECRET_SIZE:
        raise _wrong("signatureToken", f"a text of at most {SECRET_SIZE} characters is expected")
    return value


def _flag(name: str, value: object) -> bool:
    if not isinstance(value, bool):
        raise _wrong(name, "true or false is expected")
    return value


def _moment(value: object) -> datetime:
    try:
        found = (
            datetime.fromisoformat(value) if isinstance(value, str) and value.isascii() else None
        )
        if found is not None and found.tzinfo is not None and 1970 < found.year < 9990:
            return found
    except ValueError:
        pass
    raise _wrong("initialRecordTime", "a date and time with its time zone is expected")


def _schedule(value: object) -> JsonObject:
    if not isinstance(value, dict):
        raise _wrong("schedule", "an object is expected")
    try:
        _zone(value.get("timeZone"))
    except (ValueError, KeyError, OSError):
        raise _wrong(
            "schedule/timeZone", "the name of a time zone is expected, such as Asia/Tokyo"
        ) from None
    parse_schedule({name: text for name, text in value.items() if name != "timeZone"})
    return value


_READERS: Final[dict[str, Any]] = {
    "dest": _dest,
    "signatureToken": _secret,
    "reportIfEmpty": lambda value: _flag("reportIfEmpty", value),
    "initialRecordTime": _moment,
    "stream": lambda value: _flag("stream", value),
    "schedule": _schedule,
}


# -- places in the log -----------------------------------------------------------------------------


def head() -> int:
    """The place that the next entry of the log will have."""
    newest = db.session.scalar(select(func.max(LogEntry.index)))
    return 0 if newest is None else newest + 1


def place_at(moment: datetime) -> int:
    """The place of the first entry recorded at `moment` or later: record times never fall, so the
    log is halved until it is found."""
    low, high = 0, head()
    while low < high:
        middle = (low + high) // 2
        row = db.session.execute(
            select(LogEntry.index.label("idx"), LogEntry.entry)
            .where(LogEntry.index >= middle)
            .order_by(LogEntry.index)
            .limit(1)
        ).one_or_none()
        if row is None or parse_entry(row.entry.encode()).t >= moment:
            high = middle
        else:
            low = row.idx + 1
    return low


# -- schedules -------------------------------------------------------------------------------------


def _zone(name: object) -> tzinfo:
    """Raises ValueError, KeyError or OSError where there is no such zone."""
    return LOCAL_ZONE if name is None else ZoneInfo(str(name)[:60])


def schedule_of(row: Subscription) -> tuple[Schedule, tzinfo] | None:
    """A subscription's schedule and its zone; None for a stream."""
    if not row.schedule:
        return None
    fields: JsonObject = orjson.loads(row.schedule)
    zone = _zone(fields.pop("timeZone", None))
    return parse_schedule(fields), zone


def next_due(row: Subscription, *, after: datetime) -> datetime:
    """When a subscription is looked at next: a stream at once."""
    read = schedule_of(row)
    if read is None:
        return after
    schedule, zone = read
    # None never happens: a schedule that is never due was refused.
    return schedule.next_after(after, zone) or after + timedelta(days=365)


# -- an organisation's subscriptions ---------------------------------------------------------------


def get_subscription(actor: Actor, query: NamedQuery, public_id: str) -> Subscription:
    """One of a query's subscriptions. Raises NotFound."""
    row = find_subscription(actor, public_id)
    if row.query_id != query.id:
        raise NotFound
    return row


def find_subscription(actor: Actor, public_id: str) -> Subscription:
    """One of the organisation's subscriptions. Raises NotFound."""
    actor.check("read")
    row = None
    if len(public_id) == 36 and "\x00" not in public_id:
        row = db.session.scalar(
            select(Subscription).where(
                Subscription.public_id == public_id,
                Subscription.organisation_id == actor.organisation.id,
            )
        )
    if row is None:
        raise NotFound
    return row


def list_subscriptions(
    actor: Actor, query: NamedQuery | None = None, *, before: int | None = None, limit: int = MOST
) -> list[Subscription]:
    """Of one query, or all of the organisation's: the newest first, with an id below `before`."""
    actor.check("read")
    rows = select(Subscription).where(Subscription.organisation_id == actor.organisation.id)
    if query is not None:
        rows = rows.where(Subscription.query_id == query.id)
    if before is not None:
        rows = rows.where(Subscription.id < before)
    rows = rows.options(joinedload(Subscription.query))
    return list(db.session.scalars(rows.order_by(Subscription.id.desc()).limit(limit)))


def unsubscribe(actor: Actor, row: Subscription, *, at: datetime) -> None:
    """Nothing more is sent."""
    actor.check("read")
    db.session.execute(delete(DeadLetter).where(DeadLetter.subscription_id == row.id))
    write_audit(actor, "subscription.delete", f"subscription:{row.public_id}", at=at)
    db.session.delete(row)
    db.session.flush()


def pause(actor: Actor, row: Subscription, *, at: datetime) -> None:
    """Nothing is sent until it is resumed; what is recorded meanwhile is sent then."""
    actor.check("manage")
    row.paused_at = row.paused_at or at
    write_audit(actor, "subscription.pause", f"subscription:{row.public_id}", at=at)


def resume(actor: Actor, row: Subscription, *, at: datetime) -> None:
    """Goes on where it stopped, at once. One that rested with its token is the organisation's own
    from now on: its token does not come back."""
    actor.check("manage")
    if row.failure.startswith("token-"):
        row.made_with = row.failure = ""
    row.paused_at, row.attempts, row.due_at = None, 0, at
    write_audit(actor, "subscription.resume", f"subscription:{row.public_id}", at=at)


def told(row: Subscription) -> JsonObject:
    """A subscription in the standard's members; the secret is not among them."""
    body: JsonObject = {
        "subscriptionID": row.public_id,
        "queryName": row.query.name,
        "dest": row.dest,
        "createdAt": rfc3339(row.created_at),
        "reportIfEmpty": row.report_if_empty,
    }
    if row.schedule:
        body["schedule"] = orjson.loads(row.schedule)
    else:
        body["stream"] = True
    if row.initial_record_time is not None:
        body["initialRecordTime"] = rfc3339(row.initial_record_time)
    if row.last_notified_at is not None:
        body["lastNotifiedAt"] = rfc3339(row.last_notified_at)
    body["minRecordTime"] = rfc3339(least_record_time(row))
    if row.epc_format:
        body["epcFormat"] = row.epc_format
    if row.form:
        body["mediaType"] = "application/xml"
    return body


def least_record_time(row: Subscription) -> datetime:
    """From when on what is sent next may have been recorded (GS1-Query-Min-Record-Time): where the
    subscription began, then when something was taken last."""
    return row.last_notified_at or row.initial_record_time or row.created_at


# -- what could not be delivered -------------------------------------------------------------------


def list_dead_letters(actor: Actor) -> list[DeadLetter]:
    """What the organisation's subscribers did not take, the newest first; without what was."""
    actor.check("read")
    rows = (
        select(DeadLetter)
        .join(Subscription, Subscription.id == DeadLetter.subscription_id)
        .where(Subscription.organisation_id == actor.organisation.id, DeadLetter.done_at.is_(None))
    )
    return list(db.session.scalars(rows.order_by(DeadLetter.id.desc()).limit(200)))


def get_dead_letter(actor: Actor, letter_id: int) -> DeadLetter:
    """Raises NotFound."""
    row = db.session.get(DeadLetter, letter_id)
    if row is None or row.subscription.organisation_id != actor.organisation.id:
        raise NotFound
    return row


def replay(actor: Actor, letter: DeadLetter, *, at: datetime) -> None:
    """Sends it again, as the events look now."""
    actor.check("manage")
    letter.replay_at = at
    write_audit(actor, "dead-letter.replay", f"dead-letter:{letter.id}", at=at)


def put_aside(actor: Actor, letter: DeadLetter, *, at: datetime) -> None:
    """It is not sent any more: the receiver has the events otherwise, or does not need them."""
    actor.check("manage")
    letter.done_at = at
    write_audit(actor, "dead-letter.put-aside", f"dead-letter:{letter.id}", at=at)


# -- secrets ---------------------------------------------------------------------------------------


def secret_of(row: Subscription) -> str:
    """The secret that messages are signed with; empty where none was given."""
    return "" if row.secret is None else str(unseal(row.secret, _place(row.public_id)))


def rewrap(old: bytes, new: bytes) -> int:
    """Seals the secrets under another key-encryption key; returns how many there are."""
    rows: Sequence[Subscription] = db.session.scalars(
        select(Subscription).where(Subscription.secret.is_not(None))
    ).all()
    for row in rows:
        row.secret = reseal(row.secret or b"", _place(row.public_id), old, new)
    return len(rows)


def _place(public_id: str) -> str:
    return f"epcis-subscription:{public_id}"

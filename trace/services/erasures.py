"""Erasure: personal members of an event go for good; that they went is in the log, by digest.

What goes: the disclosures (value and salt), the eventID where it was made of them, every column
copied from them, the passport and the files. What stays: the signed JWT, which holds digests only,
and everything else it says. A backup older than the erasure is made to forget again by `replay`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import delete, select, update

from trace.core.signing import unb64url
from trace.core.statements import (
    Disclosure,
    Statement,
    disclosures_of,
    erased_paths,
    erasure_entry,
    parse_entry,
)
from trace.core.statements.entries import ErasureEntry
from trace.errors import NotFound
from trace.extensions import db
from trace.models import (
    Erasure,
    Event,
    EventKey,
    EventThing,
    IdempotencyKey,
    LogEntry,
    Passport,
    Thing,
)
from trace.services import log
from trace.services.actors import Actor
from trace.services.attachments import remove_file
from trace.services.audit import write_audit
from trace.services.descent import descendants
from trace.services.sets import among

# Columns of `events` that copy a member.
COPIES = {"readPoint": "read_point", "bizLocation": "biz_location"}


def erase(
    actor: Actor, statement_id: str, paths: Collection[str], *, reason: str, at: datetime
) -> Erasure:
    """Erases personal members of one statement, for the platform. The caller commits.

    Raises NotAllowed, NotFound, NotErasable (not personal, or not there).
    """
    actor.check("administer")
    event = get_event(statement_id)
    known = disclosures_of(event.jwt, orjson.loads(event.disclosures))
    gone_paths = set(erased_paths(Statement(event.jwt, known), paths))
    gone = [d for d in known if d.path in gone_paths]
    state = log.lock()
    digests = sorted(d.digest for d in gone)
    entry = erasure_entry(log.record_time(state, at), digests)
    index = log.append(state, [(entry, None)], at)
    _forget(event, gone)
    row = Erasure(
        event_id=event.id,
        index=index,
        digests=orjson.dumps(digests).decode(),
        reason=reason[:200],
        person_id=actor.person.id if actor.person else None,
        created_at=at,
    )
    db.session.add(row)
    write_audit(actor, "erase", statement_id, at=at, members=sorted(gone_paths))
    db.session.flush()
    return row


def get_event(statement_id: str) -> Event:
    """The event of a statement's urn:uuid. Raises NotFound."""
    try:
        raw = UUID(statement_id.removeprefix("urn:uuid:")).bytes
    except ValueError as error:
        raise NotFound from error
    event = db.session.scalar(select(Event).where(Event.statement_id == raw))
    if event is None:
        raise NotFound
    return event


def replay() -> int:
    """Does again, on a restored database, every erasure the log tells of; returns how many
    statements forgot something. The caller commits."""
    wanted: set[str] = set()
    for entry in db.session.scalars(
        select(LogEntry.entry).where(LogEntry.entry.contains('"type":"erasure"'))
    ):
        parsed = parse_entry(entry.encode())
        if isinstance(parsed, ErasureEntry):
            wanted.update(parsed.digests)
    if not wanted:
        return 0
    count = 0
    for event in db.session.scalars(select(Event).order_by(Event.id)).yield_per(500):
        known = disclosures_of(event.jwt, orjson.loads(event.disclosures))
        gone = [d for d in known if d.digest in wanted]
        if gone:
            _forget(event, gone)
            count += 1
    return count


def _forget(event: Event, gone: Sequence[Disclosure]) -> None:
    paths = {d.path for d in gone}
    texts = {d.text for d in gone}
    stored: list[str | None] = orjson.loads(event.disclosures)
    values: dict[str, Any] = {
        "disclosures": orjson.dumps([None if t in texts else t for t in stored]).decode()
    }
    values |= {column: None for member, column in COPIES.items() if member in paths}
    for digest in _attached(gone):
        remove_file(digest)
    db.session.execute(
        update(Event)
        .where(Event.id == event.id)
        .values(**values)
        .execution_options(synchronize_session=False)
    )
    if "eventID" in paths:
        _forget_event_id(event)
    _forget_pages(event.id)


def _attached(gone: Iterable[Disclosure]) -> list[str]:
    """Digests of the files named in erased attachments."""
    found = []
    for disclosure in gone:
        if disclosure.path.partition("/")[0] == "trace:attachments":
            value = orjson.loads(unb64url(disclosure.text))[-1]
            found += [
                one["digest"]
                for one in (value if isinstance(value, list) else [value])
                if isinstance(one, dict) and isinstance(one.get("digest"), str)
            ]
    return found


def _forget_event_id(event: Event) -> None:
    db.session.execute(delete(EventKey).where(EventKey.event_id == event.id))
    urn = f"urn:uuid:{UUID(bytes=event.statement_id)}"
    # The first answer to an idempotency key holds the eventID too.
    for row in db.session.scalars(
        select(IdempotencyKey).where(
            IdempotencyKey.organisation_id == event.issuer_id, IdempotencyKey.response.contains(urn)
        )
    ):
        answered = [[s, "" if s == urn else k] for s, k in orjson.loads(row.response)]
        row.response = orjson.dumps(answered).decode()


def _forget_pages(event_id: int) -> None:
    """Passports that may show it are emptied, downstream as well."""
    named = db.session.scalars(select(EventThing.thing_id).where(EventThing.event_id == event_id))
    reached = set(descendants(dict.fromkeys(named, False)))
    lots = db.session.scalars(
        select(Thing.lot_id).where(among(Thing.id, sorted(reached)), Thing.lot_id.is_not(None))
    )
    reached |= {lot for lot in lots if lot is not None}
    db.session.execute(
        update(Passport)
        .where(among(Passport.thing_id, sorted(reached)))
        .values(stale=True, document=None)
        .execution_options(synchronize_session=False)
    )

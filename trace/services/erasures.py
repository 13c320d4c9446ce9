"""Erasure: personal members of an event go for good; that they went is in the log, by digest.

What goes: the disclosures (value and salt), the eventID where it was made of them, every column
copied from them, the passport, copies of it (services.public_copies) and the files. What stays: the
signed JWT, which holds digests only, and everything else it says. A backup older than the erasure
is made to forget again by `replay`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import delete, or_, select, update

from trace.core.signing import unb64url
from trace.core.statements import (
    Disclosure,
    Statement,
    disclosures_of,
    erased_paths,
    erasure_entry,
    keep_changed,
    kept_texts,
    parse_entry,
)
from trace.core.statements.entries import ErasureEntry
from trace.core.statements.erasure import ERASABLE
from trace.errors import NotFound
from trace.extensions import db
from trace.models import (
    Erasure,
    Event,
    EventKey,
    EventThing,
    Holding,
    IdempotencyKey,
    LogEntry,
    Passport,
    Request,
    Takedown,
    Thing,
)
from trace.services import log
from trace.services.actors import Actor
from trace.services.after_commit import after_commit
from trace.services.attachments import remove_file
from trace.services.audit import write_audit
from trace.services.descent import descendants
from trace.services.jobs import enqueue
from trace.services.public_copies import forget_copies
from trace.services.sealing import unseal
from trace.services.sets import among

FORGET_FILES = "forget-files"
FORGET_PAGES = "forget-pages"
# Columns of `events` that copy a member.
COPIES = {"readPoint": "read_point", "bizLocation": "biz_location"}


@dataclass(frozen=True, slots=True)
class Preview:
    """What an erasure would do: the paths of the disclosures that go, with what they say (the
    eventID goes with any of them), the photos whose files go, how many pages are told anew."""

    statement: str
    gone: tuple[tuple[str, str], ...]
    photos: tuple[str, ...]
    pages: int


def erase(
    actor: Actor,
    statement_id: str,
    paths: Collection[str],
    *,
    reason: str,
    at: datetime,
    kind: str = "subject",
    request: Request | None = None,
) -> Erasure:
    """Erases personal members of one statement, for the platform. The caller commits.

    `kind`: `subject`, because the person asked; `takedown`, because the text was abusive. Raises
    NotAllowed, NotFound, NotErasable (not personal, or not there).
    """
    actor.check("administer")
    event = lock_event(get_event(statement_id))
    gone = _going(event, paths)
    gone_paths = {d.path for d in gone}
    digests = sorted(d.digest for d in gone)
    _forget(event, gone, at)
    pages = forget_page_copies(event.id, at=at)
    state = log.lock()
    empty_pages(pages)  # under the lock, as captures mark them
    entry = erasure_entry(log.record_time(state, at), digests)
    index = log.append(state, [(entry, None)], at)
    row = Erasure(
        event_id=event.id,
        index=index,
        digests=orjson.dumps(digests).decode(),
        members=orjson.dumps(sorted(gone_paths)).decode(),
        reason=reason[:200],
        kind=kind,
        request_id=request.id if request is not None else None,
        person_id=actor.person.id if actor.person else None,
        created_at=at,
    )
    db.session.add(row)
    write_audit(actor, "erase", statement_id, at=at, members=sorted(gone_paths))
    db.session.flush()
    return row


def lock_event(event: Event) -> Event:
    """The event as it is now, held until the transaction ends: two who change its disclosures at
    once do so one after the other. A write that changes nothing locks on both databases."""
    db.session.execute(
        update(Event)
        .where(Event.id == event.id)
        .values(private=Event.private)
        .execution_options(synchronize_session=False)
    )
    db.session.refresh(event)
    return event


def preview(statement_id: str, paths: Collection[str]) -> Preview:
    """What erasing these members would do; nothing is changed. Raises NotFound, NotErasable."""
    event = get_event(statement_id)
    gone = _going(event, paths)
    return Preview(
        statement_id,
        tuple((d.path, _said(d)) for d in gone),
        tuple(attached(gone)),
        len(_pages(event.id)),
    )


def erasable_members(event: Event) -> list[tuple[str, str]]:
    """(path, what it says) of the personal members that a statement still has; not the eventID,
    which goes with them. A list is named as a whole."""
    told: dict[str, list[str]] = {}
    known = disclosures_of(event.jwt, _whole(event))
    for disclosure in known:
        top = disclosure.path.partition("/")[0]
        if top in ERASABLE - {"eventID"}:
            below = told.setdefault(top, [])
            if "/" in disclosure.path or not any(d.path.startswith(f"{top}/") for d in known):
                below.append(_said(disclosure))
    return [(top, "; ".join(said)) for top, said in told.items()]


def _said(disclosure: Disclosure) -> str:
    value = orjson.loads(unb64url(disclosure.text))[-1]
    return value if isinstance(value, str) else orjson.dumps(value).decode()


def _whole(event: Event) -> list[str | None]:
    """The disclosures with the texts that were taken down: they are withheld, not erased."""
    texts = kept_texts(event.disclosures)
    for row in _kept(event):
        if row.kept is not None:
            kept = unseal(row.kept, f"takedown:{row.digest}")
            texts[kept["at"]] = kept["text"]
    return texts


def _kept(event: Event) -> Sequence[Takedown]:
    return db.session.scalars(
        select(Takedown)
        .where(Takedown.event_id == event.id, Takedown.kept.is_not(None))
        .execution_options(populate_existing=True)
    ).all()


def _going(event: Event, paths: Collection[str]) -> list[Disclosure]:
    known = disclosures_of(event.jwt, _whole(event))
    gone_paths = set(erased_paths(Statement(event.jwt, known), paths))
    return [d for d in known if d.path in gone_paths]


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
    statements forgot something. Entries that came back from a copy of the log get their rows, so
    that pages and bundles say "erased". The caller commits."""
    wanted: dict[str, tuple[int, datetime]] = {}
    for index, entry in db.session.execute(
        select(LogEntry.index, LogEntry.entry).where(LogEntry.entry.contains('"type":"erasure"'))
    ):
        parsed = parse_entry(entry.encode())
        if isinstance(parsed, ErasureEntry):
            wanted |= dict.fromkeys(parsed.digests, (index, parsed.t))
    if not wanted:
        return 0
    known = {(row.index, row.event_id) for row in db.session.scalars(select(Erasure))}
    count = 0
    for event in db.session.scalars(select(Event).order_by(Event.id)).yield_per(500):
        gone = [d for d in disclosures_of(event.jwt, _whole(event)) if d.digest in wanted]
        if gone:
            moment = max(wanted[d.digest][1] for d in gone)
            _forget(event, gone, moment)
            forget_pages(event.id, copies_at=moment)
            _keep_rows(event, gone, wanted, known)
            count += 1
    db.session.flush()
    return count


def _keep_rows(
    event: Event,
    gone: Sequence[Disclosure],
    wanted: Mapping[str, tuple[int, datetime]],
    known: Collection[tuple[int, int]],
) -> None:
    """Why a person asked was in the part of the database that is lost; that it was, is not."""
    for index, at in sorted({wanted[d.digest] for d in gone}):
        if (index, event.id) not in known:
            of_it = [d for d in gone if wanted[d.digest][0] == index]
            row = Erasure(
                event_id=event.id,
                index=index,
                digests=orjson.dumps(sorted(d.digest for d in of_it)).decode(),
                members=orjson.dumps(sorted(d.path for d in of_it)).decode(),
                reason="replay",
                created_at=at,
            )
            db.session.add(row)


def _forget(event: Event, gone: Sequence[Disclosure], at: datetime) -> None:
    paths = {d.path for d in gone}
    texts = {d.text for d in gone}
    stored = kept_texts(event.disclosures)
    values: dict[str, Any] = {
        "disclosures": keep_changed(event.disclosures, [None if t in texts else t for t in stored])
    }
    values |= {column: None for member, column in COPIES.items() if member in paths}
    for row in _kept(event):
        if row.digest in {d.digest for d in gone}:
            row.kept = None
    photos = attached(gone)
    for digest in photos:
        after_commit(partial(remove_file, digest))
    if photos:  # and once more, should this process end between its commit and the files
        enqueue(FORGET_FILES, {"photos": photos}, at=at)
    where = {getattr(event, column) for member, column in COPIES.items() if member in paths}
    _forget_where(event, where - {None})
    db.session.execute(
        update(Event)
        .where(Event.id == event.id)
        .values(**values)
        .execution_options(synchronize_session=False)
    )
    if "eventID" in paths:
        _forget_event_id(event)


def _forget_where(event: Event, places: Collection[str]) -> None:
    """What the issuer holds is no longer said to be where only this event said it was."""
    named = select(EventThing.thing_id).where(EventThing.event_id == event.id)
    others = (
        select(Event.id)
        .join(EventThing, EventThing.event_id == Event.id)
        .where(
            EventThing.thing_id == Holding.thing_id,
            Event.id != event.id,
            Event.issuer_id == event.issuer_id,
            or_(Event.biz_location == Holding.place, Event.read_point == Holding.place),
        )
    )
    db.session.execute(
        update(Holding)
        .where(
            Holding.holder_id == event.issuer_id,
            among(Holding.place, sorted(places)),
            Holding.thing_id.in_(named),
            ~others.exists(),
        )
        .values(place=None, on_sale=False)
        .execution_options(synchronize_session=False)
    )


def attached(gone: Iterable[Disclosure]) -> list[str]:
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


def forget_pages(event_id: int, *, copies_at: datetime | None = None) -> None:
    """Passports that may show an event are emptied, downstream as well; with `copies_at` also what
    was copied from them goes."""
    if copies_at is None:
        empty_pages(_pages(event_id))
    else:
        empty_pages(forget_page_copies(event_id, at=copies_at))


def forget_page_copies(event_id: int, *, at: datetime) -> set[int]:
    """What was copied from passports that may show an event goes; whose they are, to be emptied.

    A job empties them again after the commit: who opened one of them for the first time before it
    made a row that is not emptied here (services.passports)."""
    pages = _pages(event_id)
    forget_copies(pages, at=at)
    enqueue(FORGET_PAGES, {"event": event_id}, at=at)
    return pages


def empty_pages(pages: Collection[int]) -> None:
    """Empties passports; what is being built for them is not kept."""
    db.session.execute(
        update(Passport)
        .where(among(Passport.thing_id, sorted(pages)))
        .values(stale=True, document=None, building_until=None)
        .execution_options(synchronize_session=False)
    )


def _pages(event_id: int) -> set[int]:
    """The things whose passports may show an event."""
    named = db.session.scalars(select(EventThing.thing_id).where(EventThing.event_id == event_id))
    reached = set(descendants(dict.fromkeys(named, False)))
    lots = db.session.scalars(
        select(Thing.lot_id).where(among(Thing.id, sorted(reached)), Thing.lot_id.is_not(None))
    )
    return reached | {lot for lot in lots if lot is not None}

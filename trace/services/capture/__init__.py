"""The one way in: everything recorded, whatever the door, goes through `capture`.

1. check syntax and authority (our own rules mark on reading, they never refuse)
2. build and sign a statement per event: no lock held
3. one transaction: events, index rows, holdings, jobs, audit; last, under the log lock: key
   checked again, alerts inherited, record time, index and tags
4. passports of the things named are marked stale; a job does the same for their descendants
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Sequence
from contextlib import nullcontext, suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from trace.core.epcis import JsonObject
from trace.core.signing import PublicKey
from trace.core.statements import kept_texts
from trace.errors import Conflict, TraceError
from trace.extensions import db
from trace.models import Event, IdempotencyKey, LogEntry
from trace.services import holds, units
from trace.services.actors import Actor
from trace.services.capture.given import open_given
from trace.services.capture.notices import Walk, check_speaker, foresee, inherit_alerts
from trace.services.capture.prepare import Prepared, prepare, sign
from trace.services.capture.store import Approval, store
from trace.services.capture.things import name_stamps
from trace.services.collecting import collector_resting
from trace.services.keys import NamedKey, NoKey, signing_key
from trace.services.platform import platform_organisation


class KeyReused(Conflict):
    code = "idempotency-key-reused"
    message = "This idempotency key was used before for a different request."
    next_step = "Use a new key for a new request."


@dataclass(frozen=True, slots=True)
class CapturedEvent:
    """One accepted event: our row, the statement's urn:uuid, its eventID and its log index."""

    event_id: int
    statement_id: str
    event_key: str
    index: int


@dataclass(frozen=True, slots=True)
class Captured:
    """What capture answers; `repeated` when an idempotency key gave the first answer again."""

    events: tuple[CapturedEvent, ...]
    repeated: bool = False


def capture(
    actor: Actor,
    events: Sequence[JsonObject],
    *,
    at: datetime,
    idempotency_key: str = "",
    private: Collection[str] | None = None,
    paths: Sequence[str] | None = None,
    walks: Sequence[Walk] = (),
) -> Captured:
    """Records events for the actor's organisation; the caller commits.

    `events` are EPCIS 2.0 JSON-LD objects, each with its `@context`. `private` names the member
    paths kept from the public (None: the default policy); `paths` says where each event stood in
    the document it came in; `walks` are closures of
    notices among them that the caller knows already. Raises Refused with a JSON Pointer per error,
    KeyReused, NotAllowed.
    """
    actor.check("record")
    digest = _digest(events) if idempotency_key else b""
    if idempotency_key:
        known = _first_answer(actor, idempotency_key, digest)
        if known is not None:
            return known

    def act() -> Captured:  # what it holds is gone before the collector looks again
        prepared = prepare(actor, events, at=at, private=private, paths=paths)
        key = signing_key(actor.organisation)
        signed = sign(actor, prepared, key, at=at)
        return _record(
            actor,
            signed,
            key,
            at=at,
            idempotency_key=idempotency_key,
            digest=digest,
            walks=walks,
        )

    with collector_resting() if len(events) >= MANY_EVENTS else nullcontext():
        # Another process may have rotated the key since this one opened it. Nothing is written then
        # and the old one is forgotten: the new one signs, or that there is none is said again.
        with suppress(NoKey):
            return act()
        return act()


# Documents from this size on are worth it; a form's one event is not.
MANY_EVENTS = 100


def capture_statements(
    actor: Actor,
    statements: Sequence[str],
    key: NamedKey,
    public: PublicKey,
    *,
    at: datetime,
    idempotency_key: str = "",
    paths: Sequence[str] | None = None,
    approval: Approval | None = None,
) -> Captured:
    """Records statements that are signed already, as SD-JWT with every disclosure; the caller
    commits.

    All are signed with `key`, whose public half is `public`. Raises what `capture` raises, and
    Refused with what is wrong with a statement's form or signature.
    """
    actor.check("record")
    digest = hashlib.sha256("\n".join(statements).encode()).digest()
    if idempotency_key:
        known = _first_answer(actor, idempotency_key, digest)
        if known is not None:
            return known
    signed = open_given(actor, statements, key, public, at=at, paths=paths)
    return _record(
        actor,
        signed,
        key,
        at=at,
        idempotency_key=idempotency_key,
        digest=digest,
        approval=approval,
    )


class Sheaf:
    """Many events checked and signed piece by piece, to be recorded in one transaction.

    Adding writes nothing and holds no lock, so that a page may hear how far it is; `record` writes
    all of them or none. Raises NotAllowed, NoKey when made.
    """

    def __init__(self, actor: Actor, *, at: datetime) -> None:
        actor.check("record")
        self.actor = actor
        self.at = at
        self.key = signing_key(actor.organisation)
        self._signed: list[Prepared] = []

    def __len__(self) -> int:
        return len(self._signed)

    def add(self, events: Sequence[JsonObject], paths: Sequence[str] | None = None) -> None:
        """Signs these as well. Raises what `capture` raises, and then none of them is added."""
        if not events:
            return
        prepared = prepare(self.actor, events, at=self.at, paths=paths)
        self._signed += sign(self.actor, prepared, self.key, at=self.at)

    def statements(self) -> list[str]:
        """Each as SD-JWT with every disclosure."""
        return [
            "~".join([event.jwt, *filter(None, kept_texts(event.disclosures)), ""])
            for event in self._signed
        ]

    def record(self) -> Captured:
        """Records all; the caller commits. Raises what `capture` raises, among it NoKey where the
        key ended meanwhile."""
        return _record(
            self.actor, self._signed, self.key, at=self.at, idempotency_key="", digest=b""
        )


def _record(
    actor: Actor,
    signed: Sequence[Prepared],
    key: NamedKey,
    *,
    at: datetime,
    idempotency_key: str,
    digest: bytes,
    approval: Approval | None = None,
    walks: Sequence[Walk] = (),
) -> Captured:
    check_speaker(actor, signed)
    # Before anything is written: on SQLite nobody waits while a large recall is thought through.
    foreseen = foresee(actor.organisation, signed, walks)
    # A savepoint: the loser of a race must not take what the caller did before with it.
    try:
        with db.session.begin_nested():
            claims, freed = _claim_units(actor, signed)
            name_stamps(mention.name for event in signed for mention in event.things)
            indexes = store(actor, signed, key, at=at, approval=approval, foreseen=foreseen)
            rows = [(row, one.step) for one, (row, _) in zip(signed, indexes, strict=True)]
            for stretch in freed:
                units.part(stretch)
            bound = {
                claimed.lot_id
                for place, claimed in claims
                if units.confirm(claimed, indexes[place][0], at=at)
            }
            if bound:  # units that events named before they had a lot share its alerts now
                inherit_alerts(bound)
            if idempotency_key:
                db.session.add(_answer(actor, idempotency_key, digest, signed, at))
            _hold(rows, at)
    except IntegrityError as error:
        if idempotency_key:
            known = _first_answer(actor, idempotency_key, digest)
            if known is not None:
                return known
        raise Conflict from error
    return Captured(
        tuple(
            CapturedEvent(row_id, event.statement_id, event.event_key, index)
            for event, (row_id, index) in zip(signed, indexes, strict=True)
        )
    )


def _hold(rows: Sequence[tuple[int, str]], at: datetime) -> None:
    """Holds what our rules on harvests hold, whatever the door it came by, before anybody can print
    a label for it (`services.holds`, rule 5). What cannot be held here and now is a job's."""
    bearing, moved = holds.concerned(rows), holds.moving(rows)
    if bearing and len(bearing) <= holds.AT_ONCE:
        try:
            with db.session.begin_nested():
                due = holds.review(bearing, at=at)
                if due:
                    capture(Actor(platform_organisation(), None, "admin"), due, at=at)
            bearing = []
        except TraceError:  # the truth is recorded all the same
            pass
    holds.ask_for_review(bearing, moved, at=at)


def _claim_units(
    actor: Actor, signed: Sequence[Prepared]
) -> tuple[list[tuple[int, units.Claimed]], list[units.Stretch]]:
    """Label ranges bound by these events (the event's place, what it takes), and those freed,
    before anything is written: the log's lock is not held over thousands of rows."""
    found, freed = list[tuple[int, units.Claimed]](), list[units.Stretch]()
    for place, event in enumerate(signed):
        if event.error_declaration:
            if event.corrects is not None:
                stretch = units.release(event.corrects)
                freed += [stretch] if stretch is not None else []
            continue
        member = event.document.get(units.MEMBER)
        if member is None:
            continue
        lots = [one.name.identity for one in event.things if one.name.kind == "lot"]
        lot = lots[0] if len(lots) == 1 else ""
        found.append((place, units.claim(actor, member, lot, f"/{place}")))
    return found, freed


def _digest(events: Sequence[JsonObject]) -> bytes:
    return hashlib.sha256(orjson.dumps(list(events), option=orjson.OPT_SORT_KEYS)).digest()


def _answer(
    actor: Actor, key: str, digest: bytes, signed: Sequence[Prepared], at: datetime
) -> IdempotencyKey:
    body: list[Any] = [[event.statement_id, event.event_key] for event in signed]
    return IdempotencyKey(
        organisation_id=actor.organisation.id,
        key=key,
        request_hash=digest,
        response=orjson.dumps(body).decode(),
        created_at=at,
    )


def _first_answer(actor: Actor, key: str, digest: bytes) -> Captured | None:
    row = db.session.get(IdempotencyKey, (actor.organisation.id, key))
    if row is None:
        return None
    if row.request_hash != digest:
        raise KeyReused
    answered: list[list[str]] = orjson.loads(row.response)
    wanted = [UUID(statement_id[9:]).bytes for statement_id, _ in answered]
    found = {
        bytes(statement): (event_id, index)
        for statement, event_id, index in db.session.execute(
            select(Event.statement_id, Event.id, LogEntry.index)
            .join(LogEntry, LogEntry.event_id == Event.id)
            .where(Event.statement_id.in_(wanted))
        )
    }
    return Captured(
        tuple(
            CapturedEvent(found[raw][0], statement_id, event_key, found[raw][1])
            for raw, (statement_id, event_key) in zip(wanted, answered, strict=True)
        ),
        repeated=True,
    )


__all__ = [
    "Approval",
    "Captured",
    "CapturedEvent",
    "KeyReused",
    "Sheaf",
    "capture",
    "capture_statements",
]

"""One event of a chain, opened for an authority: whole where any of its things is within reach,
else with what its issuer left public; and whether its signature and its place in the log stand."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import select

from trace.core.gs1 import canonical_uri, parse_identity
from trace.core.signing import JsonObject, PublicKey
from trace.core.statements import EventEntry, parse_entry, statement_hash, verify_signature
from trace.errors import NotFound, TraceError
from trace.extensions import db
from trace.models import Event, Key, LogEntry, Organisation
from trace.models.events import ROLES
from trace.services.accredited import covers, spans_of
from trace.services.actors import Actor
from trace.services.chains import Named, close, named
from trace.services.chains_cases import cases_of_others
from trace.services.chains_walk import KEPT_FROM, Told, Walked
from trace.services.deadlines import local_day
from trace.services.jurisdictions import Reach, look, reach, scope_of
from trace.services.naming import issuer_of
from trace.services.settings import current_settings
from trace.services.timelines import open_event


@dataclass(frozen=True, slots=True)
class Opened:
    """One event as this authority may read it. `things` are (role, thing, quantity, unit);
    `declared` is the event that declares this one an error; `fault` says what does not stand:
    unreadable | bad-signature | not-in-log | key-not-valid-then, "" where all of it does."""

    row: Event
    told: Told
    issuer: Organisation
    document: JsonObject
    withheld: tuple[str, ...]
    things: list[tuple[str, Named, Any, str]]
    reach: Reach | None
    declared: int | None
    fault: str
    unaccredited: bool = False  # a laboratory that was not, that day


def open_told(actor: Actor, event_id: int, *, at: datetime) -> Opened:
    """One event. Raises NotFound, NotAllowed. A look at what is not the authority's own is
    written down."""
    authority = scope_of(actor).authority
    row = db.session.get(Event, event_id)
    walked = Walked(frozenset())
    told = walked.read_event(event_id)
    if row is None or told is None or cases_of_others(authority, [told]):
        raise NotFound
    within = reach(actor, sorted(walked.things))
    ways = set(within.values())
    mine: Reach | None = "own" if "own" in ways else "led" if "led" in ways else None
    if mine != "own":
        look(actor, f"event:{event_id}", "search" if mine is None else "case", at=at)
    close(walked, within)
    document, withheld = _opened(row, whole=mine is not None)
    kept = {walked.things[use.thing].identity for use in told.uses if use.unit == KEPT_FROM}
    if kept:
        document = without_amounts(document, kept)
    names = named(walked, {use.thing for use in told.uses})
    declared = db.session.scalar(
        select(Event.id)
        .where(Event.corrects == row.statement_id, Event.issuer_id == row.issuer_id)
        .limit(1)
    )
    return Opened(
        row=row,
        told=told,
        issuer=row.issuer,
        document=document,
        withheld=withheld,
        things=[(ROLES[use.role], names[use.thing], use.quantity, use.unit) for use in told.uses],
        reach=mine,
        declared=declared,
        fault=_fault(row, told),
        unaccredited=row.issuer.kind == "laboratory"
        and not covers(spans_of([row.issuer_id]), row.issuer_id, local_day(row.event_time)),
    )


def _opened(row: Event, *, whole: bool) -> tuple[JsonObject, tuple[str, ...]]:
    try:
        return open_event(row, () if whole else orjson.loads(row.private))
    except TraceError:
        return {}, ()  # `fault` says that it is no statement any more


def without_amounts(document: JsonObject, things: Collection[str]) -> JsonObject:
    """The event without how much there was of these."""
    id_base = current_settings().id_base
    shown: JsonObject = {}
    for member, value in document.items():
        if member.lower().endswith("quantitylist") and isinstance(value, list):
            shown[member] = [
                {"epcClass": one["epcClass"]}
                if isinstance(one, dict) and _identity(one.get("epcClass"), id_base) in things
                else one
                for one in value
            ]
        elif member != "trace:difference":  # of what is not in reach, perhaps
            shown[member] = value
    return shown


def _identity(uri: object, id_base: str) -> str:
    try:
        found = parse_identity(str(uri), id_base)
    except TraceError:
        found = None
    return str(uri) if found is None else canonical_uri(found, id_base)


def _fault(row: Event, told: Told) -> str:
    """Signature, entry, key: the first that does not stand."""
    key = db.session.get_one(Key, row.key_id)
    entry = db.session.scalar(select(LogEntry.entry).where(LogEntry.event_id == row.id))
    try:
        issuer = issuer_of(row.issuer.code)
        verify_signature(row.jwt, PublicKey.from_jwk(orjson.loads(key.jwk)), issuer=issuer)
        open_event(row)
    except TraceError:
        return "bad-signature"
    parsed = parse_entry(entry.encode()) if entry is not None else None
    if not isinstance(parsed, EventEntry) or parsed.h != statement_hash(row.jwt):
        return "not-in-log"
    return "" if told.counted else "key-not-valid-then"

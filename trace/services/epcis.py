"""EPCIS events out: put together again from their statements."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

import orjson
from sqlalchemy import Select, select

from trace.clock import rfc3339
from trace.core.epcis import JsonObject
from trace.core.gs1 import canonical_uri, parse_identity
from trace.core.statements import open_statement, parse_entry
from trace.errors import NotFound
from trace.extensions import db
from trace.models import Event, EventKey, EventThing, LogEntry, Thing
from trace.models.events import ROLES, TYPES
from trace.services.actors import Actor
from trace.services.capture.prepare import event_key_digest
from trace.services.settings import current_settings


class NoSuchEvent(NotFound):
    code = "no-such-event"
    message = "No event with this eventID is known to you."


@dataclass(frozen=True, slots=True)
class Page:
    """Events of one page, and where the next one starts (None after the last)."""

    events: list[JsonObject]
    next_after: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """What an events query may ask so far; every list is "one of"."""

    event_types: tuple[str, ...] = ()
    actions: tuple[str, ...] = ()
    biz_steps: tuple[str, ...] = ()
    dispositions: tuple[str, ...] = ()
    read_points: tuple[str, ...] = ()
    biz_locations: tuple[str, ...] = ()
    event_ids: tuple[str, ...] = ()
    things: tuple[tuple[frozenset[str], tuple[str, ...]], ...] = ()  # roles, URIs
    event_time_from: datetime | None = None
    event_time_before: datetime | None = None


def find_events(actor: Actor, query: Query, *, after: int = 0, limit: int = 30) -> Page:
    """The organisation's own events in log order, complete as it recorded them."""
    actor.check("read")
    rows = db.session.execute(
        _filtered(actor, query)
        .where(LogEntry.index >= after)
        .order_by(LogEntry.index)
        .limit(limit + 1)
    ).all()
    events = [_document_of(event, entry) for event, entry, _ in rows[:limit]]
    return Page(events, rows[limit][2] if len(rows) > limit else None)


def get_events(actor: Actor, event_id: str) -> list[JsonObject]:
    """The event with this eventID and, where there is one, the declaration that it was an error.

    Raises NoSuchEvent.
    """
    page = find_events(actor, Query(event_ids=(event_id,)))
    if not page.events:
        raise NoSuchEvent
    return page.events


def _filtered(actor: Actor, query: Query) -> Select[Event, str, int]:
    found = (
        select(Event, LogEntry.entry, LogEntry.index)
        .join(LogEntry, LogEntry.event_id == Event.id)
        .where(Event.issuer_id == actor.organisation.id)
    )
    if query.event_types:
        known = [TYPES.index(kind) for kind in query.event_types if kind in TYPES]
        found = found.where(Event.type.in_(known))
    for column, values in (
        (Event.action, query.actions),
        (Event.biz_step, query.biz_steps),
        (Event.disposition, query.dispositions),
    ):
        if values:
            found = found.where(column.in_(values))
    for place, uris in (
        (Event.read_point, query.read_points),
        (Event.biz_location, query.biz_locations),
    ):
        if uris:
            found = found.where(place.in_([_canonical(uri) for uri in uris]))
    if query.event_time_from is not None:
        found = found.where(Event.event_time >= query.event_time_from)
    if query.event_time_before is not None:
        found = found.where(Event.event_time < query.event_time_before)
    if query.event_ids:
        keys = select(EventKey.event_id).where(
            EventKey.issuer_id == actor.organisation.id,
            EventKey.event_key.in_([event_key_digest(text) for text in query.event_ids]),
        )
        found = found.where(Event.id.in_(keys))
    for roles, uris in query.things:
        named = (
            select(EventThing.event_id)
            .join(Thing, Thing.id == EventThing.thing_id)
            .where(
                Thing.identity.in_([_canonical(uri) for uri in uris]),
                EventThing.role.in_([ROLES.index(role) for role in roles]),
            )
        )
        found = found.where(Event.id.in_(named))
    return found


def _canonical(uri: str) -> str:
    id_base = current_settings().id_base
    identity = parse_identity(uri, id_base)
    return uri if identity is None else canonical_uri(identity, id_base)


def _document_of(event: Event, entry: str) -> JsonObject:
    """The event as it was recorded, with the log's record time."""
    disclosures: Iterable[str | None] = orjson.loads(event.disclosures)
    shown = "~".join(text for text in disclosures if text is not None)
    found = open_statement(f"{event.jwt}~{shown}~" if shown else f"{event.jwt}~").event
    found["recordTime"] = rfc3339(parse_entry(entry.encode()).t)
    return found

"""Taking a document in: strict JSON, the envelope, and each event with its own context.

Rules (EPCIS 2.0 §10, formats §2 “Taking an event in”):
1. strict JSON (strict_json)
2. an EPCISDocument, an EPCISQueryDocument, or one bare event; the envelope passes its schema
3. at most `max_events` events
4. a document's `@context` becomes each event's own `@context` member, before what the event itself
   declares; `recordTime` is dropped
Events are not judged here: that is check_event's, so that a job can report event by event.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from trace.core.epcis import errors
from trace.core.epcis.context import check_size, merged
from trace.core.epcis.gate import envelope_errors
from trace.core.epcis.schema import EVENT_TYPES
from trace.core.epcis.strict_json import JsonObject, JsonValue, load
from trace.errors import Refused, TraceError

DocumentType = Literal["EPCISDocument", "EPCISQueryDocument", "event"]


@dataclass(frozen=True, slots=True)
class Limits:
    """How much is taken at once: bytes, levels of nesting, events."""

    max_bytes: int = 20 * 1024 * 1024
    max_depth: int = 64
    max_events: int = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A document taken apart. `paths[i]` is the JSON Pointer of `events[i]` in what was sent."""

    type: DocumentType
    context: JsonValue
    events: list[JsonObject]
    paths: list[str]
    schema_version: str | None = None
    creation_date: str | None = None
    id: str | None = None
    sender: str | None = None
    receiver: str | None = None
    instance_identifier: str | None = None
    master_data: list[JsonObject] = field(default_factory=list)
    query_name: str | None = None
    subscription_id: str | None = None
    extensions: JsonObject = field(default_factory=dict)


DEFAULT_LIMITS = Limits()
# Where the events are in a document of each type.
_PLACES: dict[str, tuple[DocumentType, tuple[str, ...]]] = {
    "EPCISDocument": ("EPCISDocument", ("epcisBody",)),
    "EPCISQueryDocument": ("EPCISQueryDocument", ("epcisBody", "queryResults", "resultsBody")),
}


def parse_document(data: bytes, *, limits: Limits = DEFAULT_LIMITS) -> Document:
    """The document in `data`; raises Refused with every error found, each with its path."""
    value = load(data, max_bytes=limits.max_bytes, max_depth=limits.max_depth)
    if not isinstance(value, dict):
        raise Refused([errors.NotADocument()])
    kind = value.get("type")
    if not isinstance(kind, str):
        raise Refused([errors.NotADocument(path="/type")])
    if kind in EVENT_TYPES:
        return Document(
            type="event",
            context=value.get("@context"),
            events=[_taken(value, None, "")],
            paths=[""],
        )
    if kind not in _PLACES:
        raise Refused([errors.NotADocument(path="/type")])
    document_type, place = _PLACES[kind]
    found = envelope_errors(_without_events(value, place))
    if found:
        raise Refused(found)
    return _document(value, document_type, place, limits)


def _without_events(value: JsonObject, place: tuple[str, ...]) -> JsonObject:
    """The envelope alone: a copy of what lies on the way to the events, the events left out."""
    if not place:
        return {**value, "eventList": []} if isinstance(value.get("eventList"), list) else value
    inner = value.get(place[0])
    if not isinstance(inner, dict):
        return value
    return {**value, place[0]: _without_events(inner, place[1:])}


def _document(
    value: JsonObject, kind: DocumentType, place: tuple[str, ...], limits: Limits
) -> Document:
    body, path = value, ""
    for step in place:
        body, path = body[step], f"{path}/{step}"
    if ("eventList" in body) == ("event" in body):
        raise Refused([errors.MissingMember(path=f"{path}/eventList", name="eventList")])
    if "eventList" in body:
        given = body["eventList"]
        paths = [f"{path}/eventList/{index}" for index in range(len(given))]
    else:
        given, paths = [body["event"]], [f"{path}/event"]
    if len(given) > limits.max_events:
        raise Refused(
            [
                errors.TooManyEvents(
                    path=f"{path}/eventList", count=len(given), limit=limits.max_events
                )
            ]
        )
    wrong: list[TraceError] = [
        errors.WrongType(path=where, expected="an object")
        for where, event in zip(paths, given, strict=True)
        if not isinstance(event, dict)
    ]
    if wrong:
        raise Refused(wrong)
    context = value.get("@context")
    check_size(context, "/@context")
    results = value["epcisBody"].get("queryResults", {})
    header = value.get("epcisHeader", {}).get("epcisMasterData", {})
    lists = (header.get("vocabularyList"), results.get("resultsBody", {}).get("vocabularyList"))
    return Document(
        type=kind,
        context=context,
        events=[_taken(event, context, where) for where, event in zip(paths, given, strict=True)],
        paths=paths,
        schema_version=value.get("schemaVersion"),
        creation_date=value.get("creationDate"),
        id=value.get("id"),
        sender=value.get("sender"),
        receiver=value.get("receiver"),
        instance_identifier=value.get("instanceIdentifier"),
        master_data=[one for each in lists if isinstance(each, list) for one in each],
        query_name=results.get("queryName"),
        subscription_id=results.get("subscriptionID"),
        extensions={name: member for name, member in value.items() if ":" in name},
    )


def _taken(event: JsonObject, context: JsonValue, path: str) -> JsonObject:
    """The event as it is kept: its own context first, the record time left to the log."""
    inner = event.get("@context")
    if inner is not None:
        check_size(inner, f"{path}/@context")
    own = merged(context, inner)
    if own is None:
        taken = dict(event)
    else:
        taken = {"@context": own, **event}
        taken["@context"] = own
    taken.pop("recordTime", None)
    return taken

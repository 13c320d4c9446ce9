"""From a checked JSON object to a typed event, by tables (EPCIS 2.0 §10, JSON binding)."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any, cast

from trace.core.epcis.events import (
    AggregationEvent,
    AssociationEvent,
    Event,
    ObjectEvent,
    TransactionEvent,
    TransformationEvent,
)
from trace.core.epcis.parts import (
    BizTransaction,
    Destination,
    ErrorDeclaration,
    Location,
    PersistentDisposition,
    Quantity,
    SensorElement,
    SensorMetadata,
    SensorReport,
    Source,
    Timestamp,
    members,
)
from trace.core.epcis.strict_json import JsonObject, JsonValue

Reader = Callable[[Any], Any]

EVENT_CLASSES: dict[str, type[Event]] = {
    event.type: event
    for event in (
        ObjectEvent,
        AggregationEvent,
        TransactionEvent,
        TransformationEvent,
        AssociationEvent,
    )
}


def _part(part: type) -> Reader:
    def read_one(value: JsonObject) -> Any:
        return read_part(part, value)

    return read_one


def _parts(part: type) -> Reader:
    def read_all(values: list[JsonObject]) -> Any:
        return tuple([read_part(part, value) for value in values])

    return read_all


def _certification(value: JsonValue) -> JsonValue:
    return tuple(value) if isinstance(value, list) else value


# What needs more than being taken over, by JSON name; `time` and `type` mean the same everywhere.
READERS: dict[str, Reader] = {
    "eventTime": Timestamp.read,
    "declarationTime": Timestamp.read,
    "time": Timestamp.read,
    "startTime": Timestamp.read,
    "endTime": Timestamp.read,
    "epcList": tuple,
    "childEPCs": tuple,
    "inputEPCList": tuple,
    "outputEPCList": tuple,
    "correctiveEventIDs": tuple,
    "set": tuple,
    "unset": tuple,
    "certificationInfo": _certification,
    "quantityList": _parts(Quantity),
    "childQuantityList": _parts(Quantity),
    "inputQuantityList": _parts(Quantity),
    "outputQuantityList": _parts(Quantity),
    "readPoint": _part(Location),
    "bizLocation": _part(Location),
    "bizTransactionList": _parts(BizTransaction),
    "sourceList": _parts(Source),
    "destinationList": _parts(Destination),
    "persistentDisposition": _part(PersistentDisposition),
    "errorDeclaration": _part(ErrorDeclaration),
    "sensorElementList": _parts(SensorElement),
    "sensorMetadata": _part(SensorMetadata),
    "sensorReport": _parts(SensorReport),
}


@lru_cache(maxsize=64)
def table(part: type) -> dict[str, tuple[str, Reader | None]]:
    """JSON name -> (attribute, reader or None) of a part or an event type."""
    return {name: (attribute, READERS.get(name)) for attribute, name in members(part)}


def read_part(part: type, value: JsonObject) -> Any:
    """One part of an object that passed the schema; unknown names become extensions."""
    known = table(part)
    given: dict[str, Any] = {}
    extensions: dict[str, JsonValue] = {}
    for name, member in value.items():
        if name in known:
            attribute, reader = known[name]
            given[attribute] = member if reader is None else reader(member)
        else:
            extensions[name] = member
    if extensions:
        given["extensions"] = extensions
    return part(**given)


def read_event(obj: JsonObject) -> Event:
    """The typed event of an object that passed the schema; recordTime is not kept."""
    members_of = {
        name: member for name, member in obj.items() if name not in ("type", "recordTime")
    }
    return cast("Event", read_part(EVENT_CLASSES[obj["type"]], members_of))

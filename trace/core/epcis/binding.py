"""From a checked JSON object to a typed event, by tables (EPCIS 2.0 §10, JSON binding)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

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
    members,
    read_time,
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


def _part(part: type[Any]) -> Reader:
    def read_one(value: JsonObject) -> Any:
        return read_part(part, value)

    return read_one


def _parts(part: type[Any]) -> Reader:
    def read_all(values: list[JsonObject]) -> Any:
        return tuple([read_part(part, value) for value in values])

    return read_all


def _certification(value: JsonValue) -> JsonValue:
    return tuple(value) if isinstance(value, list) else value


# What needs more than being taken over, by JSON name; `time` and `type` mean the same everywhere.
READERS: dict[str, Reader] = {
    "eventTime": read_time,
    "declarationTime": read_time,
    "time": read_time,
    "startTime": read_time,
    "endTime": read_time,
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


_TABLES: dict[type, dict[str, tuple[str, Reader | None]]] = {}


def table(part: type[Any]) -> dict[str, tuple[str, Reader | None]]:
    """JSON name -> (attribute, reader or None) of a part or an event type."""
    if part not in _TABLES:
        _TABLES[part] = {name: (attr, READERS.get(name)) for attr, name in members(part)}
    return _TABLES[part]


def read_part(part: type[Any], value: JsonObject) -> Any:
    """One part of an object that passed the schema; unknown names become extensions."""
    known = table(part)
    given: dict[str, Any] = {}
    extensions: dict[str, JsonValue] = {}
    for name, member in value.items():
        found = known.get(name)
        if found is None:
            extensions[name] = member
        else:
            attribute, reader = found
            given[attribute] = member if reader is None else reader(member)
    if extensions:
        given["extensions"] = extensions
    return part(**given)


def read_event(obj: JsonObject) -> Event:
    """The typed event of an object that passed the schema; recordTime is not kept."""
    event_class = EVENT_CLASSES[obj["type"]]
    known = table(event_class)
    given: dict[str, Any] = {}
    extensions: dict[str, JsonValue] = {}
    for name, member in obj.items():
        found = known.get(name)
        if found is not None:
            attribute, reader = found
            given[attribute] = member if reader is None else reader(member)
        elif name not in ("type", "recordTime"):
            extensions[name] = member
    return event_class(**given, extensions=extensions)

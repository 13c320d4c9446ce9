"""The five EPCIS 2.0 event types (EPCIS 2.0 §7.4, JSON binding §10) as frozen, typed objects.

An object holds exactly what the JSON held: times remember how they were written, numbers stay the
double or integer they were, absent members are None, members the standard does not know are in
`extensions`. `to_json` gives the same JSON object back (member order aside, which has no meaning).
Only `recordTime` is not kept: it is the log's to say.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from trace.core.epcis.parts import (
    BizTransaction,
    Destination,
    ErrorDeclaration,
    Extensions,
    Location,
    PersistentDisposition,
    Quantity,
    SensorElement,
    Source,
    Timestamp,
    write,
)
from trace.core.epcis.strict_json import JsonObject, JsonValue


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """What every event has. `context` is its JSON-LD `@context`, as given."""

    type: ClassVar[str] = ""

    context: JsonValue
    event_time: Timestamp
    event_time_zone_offset: str
    event_id: str | None = None
    certification_info: str | tuple[str, ...] | None = None
    error_declaration: ErrorDeclaration | None = None
    biz_step: str | None = None
    disposition: str | None = None
    persistent_disposition: PersistentDisposition | None = None
    read_point: Location | None = None
    biz_location: Location | None = None
    biz_transaction_list: tuple[BizTransaction, ...] | None = None
    source_list: tuple[Source, ...] | None = None
    destination_list: tuple[Destination, ...] | None = None
    sensor_element_list: tuple[SensorElement, ...] | None = None
    extensions: Extensions = field(default_factory=dict)

    def to_json(self) -> JsonObject:
        """The event as a JSON-LD object with its own `@context`."""
        return {"type": self.type, **write(self)}


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectEvent(Event):
    """Something happened to things as they are (§7.4.2)."""

    type: ClassVar[str] = "ObjectEvent"

    action: str
    epc_list: tuple[str, ...] | None = None
    quantity_list: tuple[Quantity, ...] | None = None
    ilmd: Extensions | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AggregationEvent(Event):
    """Children were put in or taken out of a parent (§7.4.3)."""

    type: ClassVar[str] = "AggregationEvent"

    action: str
    parent_id: str | None = None
    child_epcs: tuple[str, ...] | None = None
    child_quantity_list: tuple[Quantity, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TransactionEvent(Event):
    """Things were linked with business documents (§7.4.4)."""

    type: ClassVar[str] = "TransactionEvent"

    action: str
    parent_id: str | None = None
    epc_list: tuple[str, ...] | None = None
    quantity_list: tuple[Quantity, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TransformationEvent(Event):
    """Inputs became outputs (§7.4.5)."""

    type: ClassVar[str] = "TransformationEvent"

    input_epc_list: tuple[str, ...] | None = None
    input_quantity_list: tuple[Quantity, ...] | None = None
    output_epc_list: tuple[str, ...] | None = None
    output_quantity_list: tuple[Quantity, ...] | None = None
    transformation_id: str | None = None
    ilmd: Extensions | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AssociationEvent(Event):
    """Things were attached to an asset or a place (§7.4.6)."""

    type: ClassVar[str] = "AssociationEvent"

    action: str
    parent_id: str
    child_epcs: tuple[str, ...] | None = None
    child_quantity_list: tuple[Quantity, ...] | None = None

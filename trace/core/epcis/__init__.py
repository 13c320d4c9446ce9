"""EPCIS 2.0 and CBV 2.0: events, vocabulary, JSON-LD, rules, schema, event hash.

`parse_document` takes bytes apart, `check_event` judges an event and types it, `thing_refs` names
what it is about, `event_hash` gives its CBV 2.0 identifier. Refusals carry JSON Pointers.
"""

from trace.core.epcis.check import Checker, check_event
from trace.core.epcis.document import Document, Limits, parse_document
from trace.core.epcis.errors import EpcisError
from trace.core.epcis.events import (
    AggregationEvent,
    AssociationEvent,
    Event,
    ObjectEvent,
    TransactionEvent,
    TransformationEvent,
)
from trace.core.epcis.hashing import EventHasher, event_hash, hash_document
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
)
from trace.core.epcis.strict_json import JsonObject, JsonValue, pointer
from trace.core.epcis.things import ThingRef, amount_of, named_things, thing_refs
from trace.core.epcis.vocabulary import VOCABULARY, event_context, own_namespace, own_word

__all__ = [
    "VOCABULARY",
    "AggregationEvent",
    "AssociationEvent",
    "BizTransaction",
    "Checker",
    "Destination",
    "Document",
    "EpcisError",
    "ErrorDeclaration",
    "Event",
    "EventHasher",
    "JsonObject",
    "JsonValue",
    "Limits",
    "Location",
    "ObjectEvent",
    "PersistentDisposition",
    "Quantity",
    "SensorElement",
    "SensorMetadata",
    "SensorReport",
    "Source",
    "ThingRef",
    "Timestamp",
    "TransactionEvent",
    "TransformationEvent",
    "amount_of",
    "check_event",
    "event_context",
    "event_hash",
    "hash_document",
    "named_things",
    "own_namespace",
    "own_word",
    "parse_document",
    "pointer",
    "thing_refs",
]

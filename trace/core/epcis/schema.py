"""The JSON Schema of EPCIS 2.0 events and documents, generated from our own tables.

It says what the standard's JSON binding (EPCIS 2.0 §10 and its published schema) says about shape:
which members each event type has, what they hold, which words are known. Where it differs from the
published schema the reason stands beside the line; docs/reference/events.md lists them all.
Rules that compare members with each other, with the clock or with a check digit are in rules.py.
"""

from __future__ import annotations

from typing import Any, Final

from trace.core.epcis import vocabulary as words

Schema = dict[str, Any]

# Any scheme, at least one character after it, nothing that could end an address in running text.
# Lenient on purpose: blank nodes ("_:document1") and geo: URIs pass, bare words do not.
URI: Final = r"^[A-Za-z_][A-Za-z0-9+.\-]*:[^\s<>\"{}|\\^`]+$"
# An extension's name: prefix:name or a full address.
EXTENSION_NAME: Final = r"^[A-Za-z_][A-Za-z0-9_+.\-]*:[^\s]+$"
# RFC 3339 date-time; a leap second is nowhere representable and refused.
DATE_TIME: Final = (
    r"^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])[Tt]([01][0-9]|2[0-3])"
    r":[0-5][0-9]:[0-5][0-9](\.[0-9]+)?([Zz]|[+\-]([01][0-9]|2[0-3]):[0-5][0-9])$"
)
OFFSET: Final = r"^[+\-]((0[0-9]|1[0-3]):[0-5][0-9]|14:00)$"
UOM: Final = r"^[A-Z0-9]{2,3}$"
HEX: Final = r"^[A-Fa-f0-9]+$"


def _ref(name: str) -> Schema:
    return {"$ref": f"#/$defs/{name}"}


def _list(item: str, **more: Any) -> Schema:
    return {"type": "array", "items": _ref(item), **more}


def _extensible(properties: Schema, required: tuple[str, ...] = ()) -> Schema:
    """An object with these members and extensions; any other bare name is an error."""
    return {
        "type": "object",
        "properties": properties,
        "patternProperties": {EXTENSION_NAME: {}},
        "additionalProperties": False,
        "required": list(required),
    }


def _closed(properties: Schema, required: tuple[str, ...] = ()) -> Schema:
    return {
        "type": "object",
        "properties": properties,
        "additionalProperties": False,
        "required": list(required),
    }


def _word(words_of: words.WordList, foreign_not: str) -> Schema:
    """A word of the list in any accepted form, or an address outside the list's namespaces."""
    known = sorted(words_of.words)
    forms = [start + word for start in (words_of.address, words_of.short) for word in known]
    return {
        "type": "string",
        "anyOf": [
            {"enum": [*known, *forms]},
            {"allOf": [{"pattern": URI}, {"not": {"pattern": foreign_not}}]},
        ],
    }


# Words of CBV are known words or refused. The published schema lets unknown
# https://ref.gs1.org/cbv/ and cbv: words pass; they would mean nothing.
_CBV_ADDRESS: Final = (
    r"^(urn:epcglobal:cbv|https?://ns\.gs1\.org/cbv/|https?://ref\.gs1\.org/cbv/|cbv:)"
)
# The GS1 web vocabulary is larger than the standard's list of measurement types: its terms pass.
_NO_ADDRESS: Final = r"^urn:epcglobal:cbv"


def _definitions() -> Schema:
    time, uri, number = _ref("time"), _ref("uri"), {"type": "number"}
    return {
        "uri": {"type": "string", "pattern": URI},
        "time": {"type": "string", "pattern": DATE_TIME},
        "offset": {"type": "string", "pattern": OFFSET},
        "uom": {"type": "string", "pattern": UOM},
        "hex": {"type": "string", "pattern": HEX},
        "action": {"enum": list(words.ACTIONS)},
        "context": {
            "anyOf": [
                uri,
                {"type": "object"},
                {"type": "array", "items": {"anyOf": [uri, {"type": "object"}]}, "minItems": 1},
            ]
        },
        "bizStep": _word(words.BIZ_STEPS, _CBV_ADDRESS),
        "disposition": _word(words.DISPOSITIONS, _CBV_ADDRESS),
        "bizTransactionType": _word(words.BIZ_TRANSACTION_TYPES, _CBV_ADDRESS),
        "sourceOrDestinationType": _word(words.SOURCE_DESTINATION_TYPES, _CBV_ADDRESS),
        "errorReason": _word(words.ERROR_REASONS, _CBV_ADDRESS),
        "component": _word(words.COMPONENTS, _CBV_ADDRESS),
        "measurementType": _word(words.MEASUREMENT_TYPES, _NO_ADDRESS),
        "sensorAlertType": _word(words.ALERT_TYPES, _NO_ADDRESS),
        "quantityElement": _closed(
            {"epcClass": uri, "quantity": number, "uom": _ref("uom")}, ("epcClass",)
        ),
        "location": _extensible({"id": uri}, ("id",)),
        "bizTransaction": _closed(
            {"type": _ref("bizTransactionType"), "bizTransaction": uri}, ("bizTransaction",)
        ),
        "source": _closed(
            {"type": _ref("sourceOrDestinationType"), "source": uri}, ("type", "source")
        ),
        "destination": _closed(
            {"type": _ref("sourceOrDestinationType"), "destination": uri}, ("type", "destination")
        ),
        "persistentDisposition": {
            **_closed(
                {
                    "set": _list("disposition", minItems=1, uniqueItems=True),
                    "unset": _list("disposition", minItems=1, uniqueItems=True),
                }
            ),
            "minProperties": 1,
        },
        "errorDeclaration": _extensible(
            {
                "declarationTime": time,
                "reason": _ref("errorReason"),
                "correctiveEventIDs": _list("uri"),
            },
            ("declarationTime",),
        ),
        "sensorMetadata": _extensible(
            {
                "time": time,
                "startTime": time,
                "endTime": time,
                **dict.fromkeys(
                    ("deviceID", "deviceMetadata", "rawData", "dataProcessingMethod", "bizRules"),
                    uri,
                ),
            }
        ),
        "sensorReport": _sensor_report(time, uri, number),
        "sensorElement": _extensible(
            {
                "sensorMetadata": _ref("sensorMetadata"),
                "sensorReport": _list("sensorReport", minItems=1),
            },
            ("sensorReport",),
        ),
        "ilmd": _extensible({}),
    }


def _sensor_report(time: Schema, uri: Schema, number: Schema) -> Schema:
    addresses = (
        "deviceID",
        "deviceMetadata",
        "rawData",
        "dataProcessingMethod",
        "bizRules",
        "microorganism",
        "chemicalSubstance",
        "coordinateReferenceSystem",
        "uriValue",
    )
    numbers = (
        "value",
        "minValue",
        "maxValue",
        "meanValue",
        "sDev",
        "percRank",
        "percValue",
    )
    return _extensible(
        {
            "type": _ref("measurementType"),
            "exception": _ref("sensorAlertType"),
            "time": time,
            **dict.fromkeys(addresses, uri),
            **dict.fromkeys(numbers, number),
            "component": _ref("component"),
            "stringValue": {"type": "string"},
            "booleanValue": {"type": "boolean"},
            "hexBinaryValue": _ref("hex"),
            # The published schema takes any text; CBV asks for the same unit codes as quantities.
            "uom": _ref("uom"),
        },
        ("type",),
    )


_COMMON_REQUIRED: Final = ("type", "@context", "eventTime", "eventTimeZoneOffset")


def _common() -> Schema:
    return {
        "@context": _ref("context"),
        "eventTime": _ref("time"),
        "recordTime": _ref("time"),
        "eventTimeZoneOffset": _ref("offset"),
        "eventID": _ref("uri"),
        "certificationInfo": {"anyOf": [_ref("uri"), _list("uri")]},
        "errorDeclaration": _ref("errorDeclaration"),
        "bizStep": _ref("bizStep"),
        "disposition": _ref("disposition"),
        # The published schema forbids it on three types by omission; the standard's model has it
        # on all five (EPCIS 2.0 §7.4.1).
        "persistentDisposition": _ref("persistentDisposition"),
        "readPoint": _ref("location"),
        "bizLocation": _ref("location"),
        "bizTransactionList": _list("bizTransaction"),
        "sourceList": _list("source"),
        "destinationList": _list("destination"),
        "sensorElementList": _list("sensorElement"),
    }


# Own members of each event type, and which of them are required.
_EPCS: Final = {"type": "array", "items": {"$ref": "#/$defs/uri"}, "uniqueItems": True}
_QUANTITIES: Final = {"type": "array", "items": {"$ref": "#/$defs/quantityElement"}}
_URI: Final = {"$ref": "#/$defs/uri"}
_ACTION: Final = {"$ref": "#/$defs/action"}
_ILMD: Final = {"$ref": "#/$defs/ilmd"}
_CHILDREN: Final[Schema] = {
    "action": _ACTION,
    "parentID": _URI,
    "childEPCs": _EPCS,
    "childQuantityList": _QUANTITIES,
}
EVENT_TYPES: Final[dict[str, tuple[Schema, tuple[str, ...]]]] = {
    "ObjectEvent": (
        {"action": _ACTION, "epcList": _EPCS, "quantityList": _QUANTITIES, "ilmd": _ILMD},
        ("action",),
    ),
    "AggregationEvent": (_CHILDREN, ("action",)),
    "TransactionEvent": (
        {"action": _ACTION, "parentID": _URI, "epcList": _EPCS, "quantityList": _QUANTITIES},
        ("action", "bizTransactionList"),
    ),
    "TransformationEvent": (
        {
            "inputEPCList": _EPCS,
            "inputQuantityList": _QUANTITIES,
            "outputEPCList": _EPCS,
            "outputQuantityList": _QUANTITIES,
            "transformationID": _URI,
            "ilmd": _ILMD,
        },
        (),
    ),
    "AssociationEvent": (_CHILDREN, ("action", "parentID")),
}


def event_schema(event_type: str) -> Schema:
    """The schema (draft 2020-12) of one event with its own `@context`."""
    own, required = EVENT_TYPES[event_type]
    properties = {"type": {"const": event_type}, **_common(), **own}
    if event_type == "TransactionEvent":
        properties["bizTransactionList"] = _list("bizTransaction", minItems=1)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": event_type,
        **_extensible(properties, (*_COMMON_REQUIRED, *required)),
        "$defs": _definitions(),
    }


def envelope_schema() -> Schema:
    """The schema of what surrounds the events of a document (events are checked one by one)."""
    events = {"type": "array"}
    header = _extensible({"epcisMasterData": {"type": "object"}})
    results = _extensible(
        {
            "queryName": {"type": "string"},
            "subscriptionID": {"type": "string"},
            "resultsBody": _extensible(
                {"eventList": events, "vocabularyList": {"type": "array"}}, ("eventList",)
            ),
        },
        ("queryName", "resultsBody"),
    )
    common = {
        "@context": _ref("context"),
        "id": _ref("uri"),
        "schemaVersion": {"type": "string", "pattern": r"^[0-9]+(\.[0-9]+)*$"},
        "creationDate": _ref("time"),
        "instanceIdentifier": {"type": "string"},
        "sender": {"type": "string"},
        "receiver": {"type": "string"},
        "epcisHeader": header,
    }
    body = _extensible({"eventList": events, "event": {"type": "object"}})
    document = _extensible(
        {**common, "type": {"const": "EPCISDocument"}, "epcisBody": body},
        ("@context", "type", "schemaVersion", "creationDate", "epcisBody"),
    )
    query = _extensible(
        {
            **common,
            "type": {"const": "EPCISQueryDocument"},
            "epcisBody": _extensible({"queryResults": results}, ("queryResults",)),
        },
        ("@context", "type", "epcisBody"),
    )
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "if": {"properties": {"type": {"const": "EPCISQueryDocument"}}},
        "then": query,
        "else": document,
        "$defs": _definitions(),
    }

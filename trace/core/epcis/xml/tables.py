"""The members of events in both forms, and what of a JSON member plain XML can say.

`natural` gives the value that comes back when a member is written in the XML binding (EPCIS 2.0 §9)
and read again: standard words bare, lists that the binding cannot hold left out. Where that is not
the member itself, the member is also written as W3C's XML form of JSON beside it; a reader takes
that one only when its natural value is what the plain elements say.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final

from trace.core.epcis import vocabulary as words
from trace.core.epcis.strict_json import JsonObject, JsonValue

KINDS: Final[dict[str, str]] = {
    "eventTime": "text",
    "recordTime": "text",
    "eventTimeZoneOffset": "text",
    "eventID": "text",
    "action": "text",
    "parentID": "text",
    "transformationID": "text",
    "bizStep": "word",
    "disposition": "word",
    "epcList": "epcs",
    "childEPCs": "epcs",
    "inputEPCList": "epcs",
    "outputEPCList": "epcs",
    "quantityList": "quantities",
    "childQuantityList": "quantities",
    "inputQuantityList": "quantities",
    "outputQuantityList": "quantities",
    "readPoint": "location",
    "bizLocation": "location",
    "bizTransactionList": "pairs",
    "sourceList": "pairs",
    "destinationList": "pairs",
    "persistentDisposition": "persistent",
    "errorDeclaration": "error",
    "certificationInfo": "certification",
    "sensorElementList": "sensors",
    "ilmd": "ilmd",
}
WORDS: Final = {"bizStep": words.BIZ_STEPS, "disposition": words.DISPOSITIONS}
METADATA: Final = (
    "time",
    "deviceID",
    "deviceMetadata",
    "rawData",
    "startTime",
    "endTime",
    "bizRules",
    "dataProcessingMethod",
)
REPORT: Final = (
    "type",
    "value",
    "component",
    "stringValue",
    "booleanValue",
    "hexBinaryValue",
    "uriValue",
    "uom",
    "minValue",
    "maxValue",
    "sDev",
    "chemicalSubstance",
    "microorganism",
    "deviceID",
    "deviceMetadata",
    "rawData",
    "time",
    "meanValue",
    "percRank",
    "percValue",
    "dataProcessingMethod",
    "coordinateReferenceSystem",
    "exception",
    "bizRules",
)
NUMBERS: Final = frozenset(
    {"value", "minValue", "maxValue", "meanValue", "sDev", "percRank", "percValue"}
)
REPORT_WORDS: Final = {
    "type": words.MEASUREMENT_TYPES,
    "exception": words.ALERT_TYPES,
    "component": words.COMPONENTS,
}
# What XML 1.0 cannot hold, not even as a reference (§2.2 Char).
NOT_XML: Final = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

ABSENT: Final = object()
Sayable = Callable[[str], object]


def clean(text: str) -> str:
    """Text without what XML cannot hold."""
    return NOT_XML.sub("\ufffd", text)


def plain_word(known: words.WordList, text: str) -> str:
    """The bare word; a term of the GS1 vocabulary beyond the list (`gs1:EffectiveDoseRate`) is its
    address, which is also what an event hash is made of."""
    found = known.bare(text)
    if found is text and known.address == words.GS1 and text.startswith(known.short):
        return known.address + text[len(known.short) :]
    return found


def natural(name: str, value: JsonValue, *, old: bool, sayable: Sayable) -> Any:
    """What comes back of a standard member of an event; ABSENT when nothing does. `old`: 1.x, whose
    empty lists only fill a place. `sayable`: whether XML can say an extension's name."""
    read: Any = _NATURAL[KINDS[name]]
    try:
        if name == "sensorElementList":
            return _sensors(value, sayable)
        return read(name, value, old)
    except (AttributeError, TypeError, KeyError):  # no such member as the standard has
        return ABSENT


def _text(_: str, value: str, old: bool) -> Any:
    return clean(value).strip()


def _word(name: str, value: str, old: bool) -> Any:
    return WORDS[name].bare(clean(value).strip())


def _epcs(_: str, value: list[str], old: bool) -> Any:
    return [clean(one).strip() for one in value] if value or not old else ABSENT


def _quantities(_: str, value: list[JsonObject], old: bool) -> Any:
    if not value and old:
        return ABSENT
    return [
        {
            name: clean(given).strip() if isinstance(given, str) else given
            for name in ("epcClass", "quantity", "uom")
            if (given := one.get(name, ABSENT)) is not ABSENT
        }
        for one in value
    ]


def _pairs(name: str, value: list[JsonObject], old: bool) -> Any:
    second, known = words.PAIRS[name]
    found = []
    for one in value:
        pair = {"type": known.bare(clean(one["type"]).strip())} if "type" in one else {}
        found.append({**pair, second: clean(one[second]).strip()})
    return found or ABSENT


def _location(_: str, value: JsonObject, old: bool) -> Any:
    return {**value, "id": clean(value["id"]).strip()}


def _persistent(_: str, value: JsonObject, old: bool) -> Any:
    return {
        name: [words.DISPOSITIONS.bare(clean(one).strip()) for one in value[name]]
        for name in ("set", "unset")
        if value.get(name)
    }


def _error(_: str, value: JsonObject, old: bool) -> Any:
    found = dict(value)
    found["declarationTime"] = clean(value["declarationTime"]).strip()
    if "reason" in value:
        found["reason"] = words.ERROR_REASONS.bare(clean(value["reason"]).strip())
    if "correctiveEventIDs" in value:
        found["correctiveEventIDs"] = [clean(one).strip() for one in value["correctiveEventIDs"]]
    return found


def _certification(_: str, value: JsonValue, old: bool) -> Any:
    if isinstance(value, str):
        return clean(value).strip()
    each = [clean(one).strip() for one in value]
    return each[0] if each else ABSENT  # the published schema has at most one


def _sensors(value: list[JsonObject], sayable: Sayable) -> Any:
    found = []
    for one in value:
        element = dict(one)
        if "sensorMetadata" in one:
            element["sensorMetadata"] = attributes_of(one["sensorMetadata"], METADATA, sayable)
        element["sensorReport"] = [
            attributes_of(each, REPORT, sayable) for each in one["sensorReport"]
        ]
        found.append(element)
    return found or ABSENT


def _ilmd(_: str, value: JsonObject, old: bool) -> Any:
    return value


def attributes_of(part: JsonObject, order: tuple[str, ...], sayable: Sayable) -> JsonObject:
    """Sensor metadata or a report as attributes can say it: extensions are texts."""
    found: JsonObject = {}
    for name, value in part.items():
        if name in REPORT_WORDS and order is REPORT:
            found[name] = plain_word(REPORT_WORDS[name], clean(value).strip())
        elif name in order:
            found[name] = clean(value) if isinstance(value, str) else value
        elif not sayable(name):
            continue
        elif isinstance(value, str):
            found[name] = clean(value)
        elif isinstance(value, bool):
            found[name] = "true" if value else "false"
        elif isinstance(value, int | float):
            found[name] = repr(value)
    return found


_NATURAL: Final = {
    "text": _text,
    "word": _word,
    "epcs": _epcs,
    "quantities": _quantities,
    "location": _location,
    "pairs": _pairs,
    "persistent": _persistent,
    "error": _error,
    "certification": _certification,
    "sensors": None,
    "ilmd": _ilmd,
}

"""The event hash: an identifier two parties compute from the same event (CBV 2.0 §8.9).

It is for interoperability and for recognising repeats, never the thing that is signed: times of
record, error declarations and the event's own identifier lie outside it by design.

Rules, as the published reference generator applies them:
1. The text hashed is a run of `name=value` and names of containers, without separators, in the
   order of the tables below; lists are sorted by code point; what is empty is left out.
2. Values are written canonically (hash_text); standard words become their full address.
3. Names with a declared prefix become `{namespace}name`, values with one the plain address. Only
   prefixes the document itself declares count.
4. Business transactions, sources, destinations, ilmd and the event's extensions follow the ordered
   members, sorted among themselves; in each pair the type comes first.
5. Extensions inside a part stand at the end of that part. When their namespace does not end in `/`
   (or a name of the part speaks of an action or an event time), they instead follow at the end,
   under the names of what they hang below; so do a part's only member when it is an extension, and
   `bizRules` of a sensor report.
6. Not hashed: `@context`, `type` of the event beyond its name, `eventID`, `recordTime`,
   `errorDeclaration`, comments.
7. `ni:///sha-256;` + SHA-256 of the text in UTF-8, hexadecimal + `?ver=CBV2.0`.

Where the reference stops with an error (a business transaction without type, a rounded moment in
the next second, a query document) the rules are followed. Words equal to a standard word in an
extension stay as they are, also when the same document uses that standard word.
"""

from __future__ import annotations

import hashlib
from functools import lru_cache
from typing import Any, Final

from trace.core.epcis import context as contexts
from trace.core.epcis import vocabulary as words
from trace.core.epcis.document import DEFAULT_LIMITS, Limits, parse_document
from trace.core.epcis.errors import NotHashable
from trace.core.epcis.gate import event_errors
from trace.core.epcis.hash_text import canonical, canonical_time
from trace.core.epcis.strict_json import JsonObject, JsonValue
from trace.errors import Refused, TraceError

# What follows the action, in the order of the standard's table; lists of things come before it.
_BEFORE: Final = (
    ("parentID", "value"),
    ("epcList", "epcs"),
    ("inputEPCList", "epcs"),
    ("childEPCs", "epcs"),
    ("quantityList", "quantities"),
    ("childQuantityList", "quantities"),
    ("inputQuantityList", "quantities"),
    ("outputEPCList", "epcs"),
    ("outputQuantityList", "quantities"),
    ("action", "value"),
    ("transformationID", "value"),
)
_PAIRS: Final = {
    "bizTransactionList": ("bizTransaction", words.BIZ_TRANSACTION_TYPES),
    "sourceList": ("source", words.SOURCE_DESTINATION_TYPES),
    "destinationList": ("destination", words.SOURCE_DESTINATION_TYPES),
}
_METADATA: Final = (
    "time",
    "startTime",
    "endTime",
    "deviceID",
    "deviceMetadata",
    "rawData",
    "dataProcessingMethod",
    "bizRules",
)
_REPORT: Final = (
    "type",
    "exception",
    "deviceID",
    "deviceMetadata",
    "rawData",
    "dataProcessingMethod",
    "time",
    "microorganism",
    "chemicalSubstance",
    "value",
    "component",
    "stringValue",
    "booleanValue",
    "hexBinaryValue",
    "uriValue",
    "minValue",
    "maxValue",
    "meanValue",
    "sDev",
    "percRank",
    "percValue",
    "uom",
    "coordinateReferenceSystem",
)
_TIMES: Final = frozenset({"time", "startTime", "endTime"})
_REPORT_WORDS: Final = {
    "type": words.MEASUREMENT_TYPES,
    "exception": words.ALERT_TYPES,
    "component": words.COMPONENTS,
}
_ORDERED: Final = frozenset(
    {
        "eventTime",
        "eventTimeZoneOffset",
        "certificationInfo",
        "bizStep",
        "disposition",
        "persistentDisposition",
        "readPoint",
        "bizLocation",
        "sensorElementList",
        *(name for name, _ in _BEFORE),
    }
)
_NOT_HASHED: Final = frozenset({"@context", "type", "eventID", "recordTime", "errorDeclaration"})
_COMMENTS: Final = frozenset({"#text", "rdfs:comment", "comment"})
# JSON runs the elements of a list under the list's name; these are what XML calls one of them.
_ELEMENTS: Final = {
    "inputEPC": "epc",
    "outputEPC": "epc",
    "childQuantity": "quantityElement",
    "inputQuantity": "quantityElement",
    "outputQuantity": "quantityElement",
}


@lru_cache(maxsize=8192)
def _canonical(text: str) -> str:
    return canonical(text)


def event_hash(obj: JsonObject) -> str:
    """`ni:///sha-256;…?ver=CBV2.0` of a JSON-LD event object with its `@context`.

    Raises Refused with what the schema finds wrong when the object is not shaped like an event.
    """
    digest = hashlib.sha256(pre_hash(obj).encode()).hexdigest()
    return f"ni:///sha-256;{digest}?ver=CBV2.0"


def hash_document(data: bytes, *, limits: Limits = DEFAULT_LIMITS) -> list[str]:
    """One event hash per event of a document (or of one bare event), in its order.

    Raises Refused with the path of everything that is not strict JSON or not shaped like EPCIS.
    Rules that need a clock or a check digit are not applied: any event can be named.
    """
    document = parse_document(data, limits=limits)
    found: list[TraceError] = []
    for path, event in zip(document.paths, document.events, strict=True):
        found += [error.at(path) for error in event_errors(event)]
    if found:
        raise Refused(found)
    return [event_hash(event) for event in document.events]


def pre_hash(obj: JsonObject) -> str:
    """The text that is hashed; raises Refused as event_hash does."""
    try:
        text = _Text(contexts.declared(obj.get("@context"))).event(obj)
        text.encode()
    except (KeyError, TypeError, AttributeError, ValueError, RecursionError):
        raise Refused(event_errors(obj) or [NotHashable()]) from None
    return text


class _Text:
    """Writes one event; `names` are the prefixes its document declares."""

    __slots__ = ("names",)

    def __init__(self, names: dict[str, str]) -> None:
        self.names = names

    # --- single values ---

    def name(self, name: str) -> str:
        prefix, colon, rest = name.partition(":")
        if colon and prefix in self.names:
            return "{" + self.names[prefix] + "}" + rest
        return name

    def value(self, value: JsonValue) -> str:
        """`=` and the canonical value, or nothing for blank text."""
        if isinstance(value, str):
            text = value
            if ":" in text:
                prefix, _, rest = text.partition(":")
                if prefix in self.names:
                    text = self.names[prefix] + rest
        elif value is None or isinstance(value, bool | int | float):
            text = str(value)
        else:
            raise TypeError("not a single value")
        text = text.strip()
        return "=" + _canonical(text) if text else ""

    def word(self, value: str, known: words.WordList) -> str:
        return "=" + known.address + value if value in known.words else self.value(value)

    def time(self, value: str) -> str:
        return "=" + canonical_time(value.strip())

    def member(self, name: str, value: JsonValue) -> str:
        """`name=value`, or nothing."""
        text = self.value(value)
        return name + text if text else ""

    # --- the event, in order ---

    def event(self, obj: JsonObject) -> str:
        out = [f"eventType={obj['type']}"]
        out.append("eventTime" + self.time(obj["eventTime"]))
        out.append(self.member("eventTimeZoneOffset", obj["eventTimeZoneOffset"]))
        if "certificationInfo" in obj:
            given = obj["certificationInfo"]
            each = given if isinstance(given, list) else [given]
            out += sorted([self.member("certificationInfo", one) for one in each])
        for name, kind in _BEFORE:
            if name not in obj:
                continue
            if kind == "value":
                out.append(self.member(name, obj[name]))
            elif kind == "epcs":
                out.append(self.listed(name, [self.member("epc", one) for one in obj[name]]))
            else:
                out.append(self.listed(name, [self.quantity(one) for one in obj[name]]))
        return "".join([*out, *self.why_and_where(obj)])

    def why_and_where(self, obj: JsonObject) -> list[str]:
        """What follows the action; the last element holds all that follows the ordered members."""
        out: list[str] = []
        later = self.unordered(obj)
        if "bizStep" in obj:
            out.append("bizStep" + self.word(obj["bizStep"], words.BIZ_STEPS))
        if "disposition" in obj:
            out.append("disposition" + self.word(obj["disposition"], words.DISPOSITIONS))
        if "persistentDisposition" in obj:
            out.append(self.persistent(obj["persistentDisposition"]))
        for name in ("readPoint", "bizLocation"):
            if name in obj:
                text, rest = self.location(obj[name])
                out.append(name + text if text else "")
                if rest:
                    later.append(name + "".join(sorted(rest)))
        if "sensorElementList" in obj:
            text, rest = self.sensors(obj["sensorElementList"])
            out.append(text)
            later += rest
        return [*out, *sorted(later)]

    @staticmethod
    def listed(name: str, elements: list[str]) -> str:
        text = "".join(sorted(elements))
        return name + text if text else ""

    def quantity(self, one: JsonObject) -> str:
        text = "".join(
            [
                self.member(name, one[name])
                for name in ("epcClass", "quantity", "uom")
                if name in one
            ]
        )
        return "quantityElement" + text if text else ""

    def persistent(self, given: JsonObject) -> str:
        text = "".join(
            [
                part
                for name in ("set", "unset")
                for part in sorted(
                    [name + self.word(one, words.DISPOSITIONS) for one in given.get(name, ())]
                )
            ]
        )
        return "persistentDisposition" + text if text else ""

    def unordered(self, obj: JsonObject) -> list[str]:
        """Pairs, ilmd and extensions of the event: rule 4."""
        rest: JsonObject = {}
        out: list[str] = []
        for name, value in obj.items():
            if name in _ORDERED or name in _NOT_HASHED:
                continue
            if name in _PAIRS:
                if value:
                    out.append(self.pairs(name, value))
            else:
                rest[name] = value
        return out + self.members(rest) if rest else out

    def pairs(self, name: str, given: list[JsonObject]) -> str:
        second, known = _PAIRS[name]
        texts = [
            ("type" + self.word(one["type"], known) if "type" in one else "")
            + self.member(second, one[second])
            for one in given
        ]
        return name + "".join(sorted(texts))

    # --- parts with extensions ---

    def location(self, part: JsonObject) -> tuple[str, list[str]]:
        extensions = {name: value for name, value in part.items() if name != "id"}
        inner, rest = self.extensions(extensions, ["id"]) if extensions else ("", [])
        return self.member("id", part["id"]) + inner, rest

    def sensors(self, elements: list[JsonObject]) -> tuple[str, list[str]]:
        texts: list[str] = []
        later: list[str] = []
        for element in elements:
            text, rest = self.sensor(element)
            if text:
                texts.append("sensorElement" + text)
            if rest:
                later.append("sensorElement" + "".join(sorted(rest)))
        return (
            self.listed("sensorElementList", texts),
            ["sensorElementList" + "".join(sorted(later))] if later else [],
        )

    def sensor(self, element: JsonObject) -> tuple[str, list[str]]:
        out: list[str] = []
        later: list[str] = []
        extensions = dict(element)
        standard: list[str] = []
        metadata = extensions.pop("sensorMetadata", None)
        if metadata is not None:
            standard.append("sensorMetadata")
            text, rest = self.part(metadata, _METADATA)
            out.append("sensorMetadata" + text if text else "")
            if rest:
                later.append("sensorMetadata" + "".join(sorted(rest)))
        reports: list[str] = []
        for report in extensions.pop("sensorReport"):
            standard.append("sensorReport")
            text, rest = self.part(report, _REPORT)
            if text:
                reports.append("sensorReport" + text)
            if rest:
                later.append("sensorReport" + "".join(sorted(rest)))
        out += sorted(reports)
        inner, rest = self.extensions(extensions, standard)
        return "".join(out) + inner, later + rest

    def part(self, part: JsonObject, order: tuple[str, ...]) -> tuple[str, list[str]]:
        """Metadata or a report: its members in order, and what rule 5 sends to the end."""
        out: list[str] = []
        for name in order:
            if name not in part:
                continue
            value = part[name]
            if name in _TIMES:
                out.append(name + self.time(value))
            elif name in _REPORT_WORDS:
                out.append(name + self.word(value, _REPORT_WORDS[name]))
            else:
                out.append(self.member(name, value))
        if len(out) == len(part):
            return "".join(out), []
        extensions = {name: value for name, value in part.items() if name not in order}
        inner, rest = self.extensions(extensions, [name for name in part if name in order])
        return "".join(out) + inner, rest

    def extensions(self, given: JsonObject, standard: list[str]) -> tuple[str, list[str]]:
        """Rule 5: what stands at the end of the part, and what follows at the end of the event."""
        named = self.named_members(given)
        every = [*standard, *(name for name, _ in named)]
        here: list[str] = []
        if len(every) > 1 and not any("eventTime" in n or "action" in n for n in every):
            here = [text for name, text in named if "{" in name and "/}" in name]
            rest = [text for name, text in named if not ("{" in name and "/}" in name)]
        else:
            rest = [text for _, text in named]
        return "".join(sorted(here)), rest

    # --- anything else ---

    def members(self, given: JsonObject) -> list[str]:
        return [text for _, text in self.named_members(given)]

    def named_members(self, given: JsonObject) -> list[tuple[str, str]]:
        """(name, text) of the members of an object; a list gives one for each of its elements."""
        out: list[tuple[str, str]] = []
        for raw, value in given.items():
            if raw in _COMMENTS:
                continue
            name = self.name(raw)
            if name.endswith("List"):
                inner = self.elements(name[:-4], value)
                if inner:
                    out.append((name, name + "".join(sorted(inner))))
            elif name == "childEPCs":
                inner = self.elements("epc", value)
                if inner:
                    out.append((name, name + "".join(sorted(inner))))
            else:
                out += [(name, text) for text in self.elements(name, value)]
        return out

    def elements(self, name: str, value: JsonValue) -> list[str]:
        if isinstance(value, list):
            return [self.element(name, one) for one in value]
        return [self.element(name, value)]

    def element(self, name: str, value: Any) -> str:
        shown = _ELEMENTS.get(name, name)
        if isinstance(value, dict):
            inner = "".join(sorted(self.members(value)))
            if name == "quantity" and inner:
                shown = "quantityElement"
            return shown + self.value(value.get("#text", "")) + inner
        if isinstance(value, list):
            return shown + "".join(sorted([self.element("", one) for one in value]))
        return shown + self.value(value)

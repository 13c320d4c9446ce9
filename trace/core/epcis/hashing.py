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
from collections.abc import Sequence
from typing import Any, Final

from trace.core.epcis import context as contexts
from trace.core.epcis import vocabulary as words
from trace.core.epcis.document import DEFAULT_LIMITS, Document, Limits, parse_document
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


def event_hash(obj: JsonObject) -> str:
    """`ni:///sha-256;…?ver=CBV2.0` of a JSON-LD event object with its `@context`.

    Raises Refused with what the schema finds wrong when the object is not shaped like an event.
    """
    return _named(pre_hash(obj))


def hash_document(data: bytes, *, limits: Limits = DEFAULT_LIMITS) -> list[str]:
    """One event hash per event of a document (or of one bare event), in its order.

    Raises Refused with the path of everything that is not strict JSON or not shaped like EPCIS.
    Rules that need a clock or a check digit are not applied: any event can be named.
    """
    return hash_events(parse_document(data, limits=limits))


def hash_events(document: Document) -> list[str]:
    """The same for a document that was read already, from whichever form."""
    found: list[TraceError] = []
    hashes: list[str] = []
    hasher = EventHasher()
    for path, event in zip(document.paths, document.events, strict=True):
        try:
            hashes.append(hasher.hash(event))
        except Refused as refused:
            found += [error.at(path) for error in refused.errors]
    if found:
        raise Refused(found)
    return hashes


class EventHasher:
    """event_hash for the events of one document: what comes again under their common `@context`
    (places, units, words) is written once."""

    __slots__ = ("_writer",)

    def __init__(self) -> None:
        self._writer: _Text | None = None

    def hash(self, obj: JsonObject) -> str:
        """event_hash of one of the events."""
        context = obj.get("@context")
        writer = self._writer
        if writer is None or writer.context is not context:
            writer = self._writer = _Text(context)
        return _named(writer.checked(obj))


def pre_hash(obj: JsonObject) -> bytes:
    """The text that is hashed, in UTF-8; raises Refused as event_hash does."""
    return _Text(obj.get("@context")).checked(obj)


def _named(text: bytes) -> str:
    return f"ni:///sha-256;{hashlib.sha256(text).hexdigest()}?ver=CBV2.0"


# What a value of another shape than an event's leads to; the schema then says what it was.
_NOT_AN_EVENT: Final = (
    KeyError,
    TypeError,
    AttributeError,
    ValueError,
    OverflowError,
    RecursionError,
)


def _list(value: JsonValue) -> list[Any]:
    if not isinstance(value, list):
        raise TypeError("not a list")
    return value


class _Text:
    """Writes events of one context."""

    __slots__ = ("context", "names", "plain", "prefixes", "values")

    def __init__(self, context: JsonValue) -> None:
        self.context = context
        self.prefixes = contexts.declared(context)
        # As written -> as hashed. Within a document places, units, dates and words come again.
        self.names: dict[str, str] = {}
        self.values: dict[str, str] = {}
        self.plain: dict[str, str] = {}  # names that stand for themselves before a text

    def checked(self, obj: JsonObject) -> bytes:
        """The text of an event in UTF-8; of anything else, what is wrong with it."""
        try:
            return self.event(obj).encode()
        except _NOT_AN_EVENT:
            raise Refused(event_errors(obj) or [NotHashable()]) from None

    # --- single values ---

    def name(self, name: str) -> str:
        found = self.names.get(name)
        if found is None:
            prefix, colon, rest = name.partition(":")
            found = name
            if colon and prefix in self.prefixes:
                found = "{" + self.prefixes[prefix] + "}" + rest
            self.names[name] = found
        return found

    def value(self, value: JsonValue) -> str:
        """`=` and the canonical value, or nothing for blank text."""
        if isinstance(value, str):
            found = self.values.get(value)
            if found is None:
                found = self.values[value] = self.text(value)
            return found
        if isinstance(value, float):
            whole = int(value)  # infinite and NaN: ValueError or OverflowError, no JSON number
            return f"={whole}" if whole == value else f"={value!r}"
        if value is None or isinstance(value, bool | int):
            return "=" + canonical(str(value))
        raise TypeError("not a single value")

    def text(self, text: str) -> str:
        if ":" in text:
            prefix, _, rest = text.partition(":")
            if prefix in self.prefixes:
                text = self.prefixes[prefix] + rest
        text = text.strip()
        return "=" + canonical(text) if text else ""

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
                out.append(self.listed(name, [self.member("epc", one) for one in _list(obj[name])]))
            else:
                out.append(self.listed(name, [self.quantity(one) for one in _list(obj[name])]))
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
                    [
                        name + self.word(one, words.DISPOSITIONS)
                        for one in _list(given.get(name, []))
                    ]
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
            if name in words.PAIRS:
                if value:
                    out.append(self.pairs(name, value))
            else:
                rest[name] = value
        return out + self.members(rest) if rest else out

    def pairs(self, name: str, given: list[JsonObject]) -> str:
        second, known = words.PAIRS[name]
        texts = [
            ("type" + self.word(one["type"], known) if "type" in one else "")
            + self.member(second, one[second])
            for one in _list(given)
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
        out: list[str] = []
        for name, value in given.items():
            shown = self.plain.get(name)
            if shown is not None and isinstance(value, str):
                out.append(shown + self.value(value))
            else:
                out += self.member_texts(name, value)
        return out

    def named_members(self, given: JsonObject) -> list[tuple[str, str]]:
        return [
            (self.name(name), text)
            for name, value in given.items()
            for text in self.member_texts(name, value)
        ]

    def member_texts(self, raw: str, value: JsonValue) -> Sequence[str]:
        """The texts of one member of an object; a list gives one for each of its elements."""
        if raw in _COMMENTS:
            return ()
        name = self.names.get(raw) or self.name(raw)
        if name.endswith("List"):
            inner = self.elements(name[:-4], value)
            return (name + "".join(sorted(inner)),) if inner else ()
        if name == "childEPCs":
            inner = self.elements("epc", value)
            return (name + "".join(sorted(inner)),) if inner else ()
        if isinstance(value, str):
            shown = self.plain[raw] = _ELEMENTS.get(name, name)
            return (shown + self.value(value),)
        return self.elements(name, value)

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

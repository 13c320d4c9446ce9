"""Events as an EPCIS XML document, 2.0 or 1.2 (EPCIS 2.0 §9, 1.2 §9.5 and its schema's nests).

Rules:
1. Elements stand in the order of the schemas, and what is written is valid by them.
2. Standard words are CBV's names of 1.2 (`urn:epcglobal:cbv:…`) or their web addresses; identifiers
   stay as the event has them.
3. 1.2 has quantities, sources, destinations and ilmd in `extension`, what 2.0 added one `extension`
   deeper, eventID and errorDeclaration in `baseExtension`, and the later event types likewise.
4. A member that the binding cannot say exactly is written as near as it can, and whole as W3C's
   XML form of JSON among the event's extensions, so that nothing is lost between our documents.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any, Final, Literal

from trace.core.epcis import vocabulary as words
from trace.core.epcis.strict_json import JsonObject, JsonValue
from trace.core.epcis.xml import tables
from trace.core.epcis.xml.json_form import (
    Scope,
    attribute,
    keyed,
    member,
    standard_declarations,
    text,
)

Version = Literal["2.0", "1.2"]
Kind = Literal["document", "query", "event"]
Form = Literal["urn", "web"]

MEDIA_TYPES: Final = ("application/xml", "text/xml")

_HEAD: Final = ("eventTime", "recordTime", "eventTimeZoneOffset")
_HEAD2: Final = (*_HEAD, "eventID", "errorDeclaration", "certificationInfo")
_WHY: Final = ("bizStep", "disposition", "readPoint", "bizLocation")
_ENDS: Final = ("sourceList", "destinationList")
_NEW: Final = ("sensorElementList", "persistentDisposition")
_IO: Final = (
    "inputEPCList",
    "inputQuantityList",
    "outputEPCList",
    "outputQuantityList",
    "transformationID",
)
# Plain members of each type, in order; in 1.2 then those in `extension`, and one deeper.
_ORDER2: Final[dict[str, tuple[str, ...]]] = {
    "ObjectEvent": (
        *("epcList", "action", *_WHY, "bizTransactionList", "quantityList"),
        *(*_ENDS, *_NEW, "ilmd"),
    ),
    "AggregationEvent": (
        *("parentID", "childEPCs", "action", *_WHY, "bizTransactionList", "childQuantityList"),
        *(*_ENDS, *_NEW),
    ),
    "TransactionEvent": (
        *("bizTransactionList", "parentID", "epcList", "action", *_WHY, "quantityList"),
        *(*_ENDS, *_NEW),
    ),
    "TransformationEvent": (*_IO, *_WHY, "bizTransactionList", *_ENDS, *_NEW, "ilmd"),
    "AssociationEvent": (
        *("parentID", "childEPCs", "childQuantityList", "action", *_WHY, "bizTransactionList"),
        *(*_ENDS, *_NEW),
    ),
}
_ORDER1: Final[dict[str, tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]]] = {
    "ObjectEvent": (
        ("epcList", "action", *_WHY, "bizTransactionList"),
        ("quantityList", *_ENDS, "ilmd"),
        _NEW,
    ),
    "AggregationEvent": (
        ("parentID", "childEPCs", "action", *_WHY, "bizTransactionList"),
        ("childQuantityList", *_ENDS),
        _NEW,
    ),
    "TransactionEvent": (
        ("bizTransactionList", "parentID", "epcList", "action", *_WHY),
        ("quantityList", *_ENDS),
        _NEW,
    ),
    "TransformationEvent": ((*_IO, *_WHY, "bizTransactionList", *_ENDS, "ilmd"), _NEW, ()),
    "AssociationEvent": (_ORDER2["AssociationEvent"], (), ()),
}
# Lists that 1.2 asks for even when they are empty.
_ASKED1: Final = {
    "ObjectEvent": "epcList",
    "TransactionEvent": "epcList",
    "AggregationEvent": "childEPCs",
}
_NESTS1: Final = {"TransformationEvent": 1, "AssociationEvent": 2}


def write_xml(
    events: Iterable[JsonObject],
    *,
    created: str = "",
    version: Version = "2.0",
    kind: Kind = "document",
    form: Form = "urn",
    query_name: str = "SimpleEventQuery",
    subscription_id: str | None = None,
) -> bytes:
    """Event objects, each with its own `@context`, as a document in UTF-8.

    `created` is the document's moment (RFC 3339 text); a single event has none. `query` gives an
    EPCISQueryDocument with the name and, where there is one, the subscription. Members may be
    missing (withheld ones are), and `recordTime` may be there.
    """
    return _Writer(list(events), version, form).document(
        kind, created, tables.clean(query_name), subscription_id
    )


class _Writer:
    """Writes one document."""

    def __init__(self, events: list[JsonObject], version: Version, form: Form) -> None:
        self.events = events
        self.old = version == "1.2"
        self.web = form == "web"
        self.used: set[str] = set()
        self.out: list[str] = []
        self._scopes: dict[int, Scope] = {}
        self.scope = Scope([words.EPCIS_CONTEXT], self.used)

    def document(
        self, kind: Kind, created: str, query_name: str, subscription_id: str | None
    ) -> bytes:
        shared = self._shared()
        declared = shared.declarations() if shared and kind != "event" else ""
        version, number = ("1.2", 1) if self.old else ("2.0", 2)
        for event in self.events:
            self._one(event, shared, kind)
        listed = "".join(self.out)
        if kind == "event":
            return f"{_DECLARATION}{listed}".encode()
        about = f'schemaVersion="{version}" creationDate="{attribute(created)}"'
        if kind == "document":
            start = f'epcis:EPCISDocument xmlns:epcis="urn:epcglobal:epcis:xsd:{number}"'
            body = f"<EPCISBody><EventList>{listed}</EventList></EPCISBody>"
        else:
            start = (
                f'epcisq:EPCISQueryDocument xmlns:epcisq="urn:epcglobal:epcis-query:xsd:{number}"'
            )
            named = f"<queryName>{text(query_name)}</queryName>"
            if subscription_id is not None:
                said = text(tables.clean(subscription_id))
                named += f"<subscriptionID>{said}</subscriptionID>"
            body = (
                f"<EPCISBody><epcisq:QueryResults>{named}<resultsBody><EventList>{listed}"
                "</EventList></resultsBody></epcisq:QueryResults></EPCISBody>"
            )
        namespaces = standard_declarations(self.used) + declared
        name = start.partition(" ")[0]
        return f"{_DECLARATION}<{start}{namespaces} {about}>{body}</{name}>\n".encode()

    def _shared(self) -> Scope | None:
        """The scope of all events, when they have one context."""
        if not self.events:
            return None
        context = self.events[0].get("@context")
        if all(event.get("@context") == context for event in self.events[1:]):
            return Scope(context, self.used)
        return None

    def _one(self, event: JsonObject, shared: Scope | None, kind: Kind) -> None:
        context = event.get("@context")
        scope = shared or self._scopes.get(id(context))
        if scope is None:
            scope = self._scopes[id(context)] = Scope(context, self.used)
        self.scope = scope
        nests = _NESTS1.get(event["type"], 0) if self.old and kind != "event" else 0
        self.out.append("\n" + "<extension>" * nests)
        self._event(event, "" if shared and kind != "event" else scope.declarations(), kind)
        self.out.append("</extension>" * nests)

    def _event(self, event: JsonObject, declared: str, kind: Kind) -> None:
        name = event["type"]
        plain: JsonObject = {}
        whole: JsonObject = {}
        extensions: JsonObject = {}
        for key, value in event.items():
            if key in tables.KINDS:
                said = tables.natural(key, value, old=self.old, sayable=self.scope.name)
                if said is not tables.ABSENT:
                    plain[key] = said
                if said is tables.ABSENT or said != value:
                    whole[key] = value
            elif key not in ("@context", "type"):
                extensions[key] = value
        at = len(self.out)
        if self.old:
            self._members1(name, plain)
        else:
            self._members(plain, _HEAD2)
            self._members(plain, _ORDER2[name])
        for key, value in extensions.items():
            member(self.out, self.scope, key, value)
        for key, value in whole.items():
            keyed(self.out, self.scope, value, key)
        if kind == "event":
            number = 1 if self.old else 2
            space = f' xmlns:epcis="urn:epcglobal:epcis:xsd:{number}"'
            declared = f"{space}{standard_declarations(self.used)}{declared}"
            name = f"epcis:{name}"
        self.out.insert(at, f"<{name}{declared}>")
        self.out.append(f"</{name}>")

    def _members1(self, name: str, plain: JsonObject) -> None:
        """The nests of 1.2 (rule 3)."""
        self._members(plain, _HEAD)
        certified = self._nested(plain, ("certificationInfo",))
        self._nest("baseExtension", self._nested(plain, ("eventID", "errorDeclaration")), certified)
        asked = _ASKED1.get(name)
        first, second, third = _ORDER1[name]
        self._members({asked: [], **plain} if asked else plain, first)
        self._nest("extension", self._nested(plain, second), self._nested(plain, third))

    def _nested(self, plain: JsonObject, order: tuple[str, ...]) -> list[str]:
        out, self.out = self.out, []
        self._members(plain, order)
        out, self.out = self.out, out
        return out

    def _nest(self, name: str, inner: list[str], deeper: list[str]) -> None:
        if inner or deeper:
            more = ["<extension>", *deeper, "</extension>"] if deeper else []
            self.out += [f"<{name}>", *inner, *more, f"</{name}>"]

    # --- the standard's members ---

    def _members(self, plain: JsonObject, order: tuple[str, ...]) -> None:
        for name in order:
            if name in plain:
                _WRITERS[tables.KINDS[name]](self, name, plain[name])

    def leaf(self, name: str, value: str) -> None:
        self.out.append(f"<{name}>{text(value)}</{name}>")

    def word(self, name: str, value: str) -> None:
        self.leaf(name, self._said(tables.WORDS[name], value))

    def _said(self, known: words.WordList, value: str) -> str:
        if value not in known.words:
            return value
        return (known.address if self.web or not known.urn else known.urn) + value

    def epcs(self, name: str, value: list[str]) -> None:
        self.out.append(f"<{name}>")
        for one in value:
            self.leaf("epc", one)
        self.out.append(f"</{name}>")

    def quantities(self, name: str, value: list[JsonObject]) -> None:
        self.out.append(f"<{name}>")
        for one in value:
            self.out.append("<quantityElement>")
            if "epcClass" in one:
                self.leaf("epcClass", one["epcClass"])
            if "quantity" in one:
                self.leaf("quantity", _decimal(one["quantity"]))
            elif "uom" in one:
                self.used.add("xsi")
                self.out.append('<quantity xsi:nil="true"/>')
            if "uom" in one:
                self.leaf("uom", one["uom"])
            self.out.append("</quantityElement>")
        self.out.append(f"</{name}>")

    def pairs(self, name: str, value: list[JsonObject]) -> None:
        second, known = words.PAIRS[name]
        self.out.append(f"<{name}>")
        for one in value:
            said = f' type="{attribute(self._said(known, one["type"]))}"' if "type" in one else ""
            self.out.append(f"<{second}{said}>{text(one[second])}</{second}>")
        self.out.append(f"</{name}>")

    def persistent(self, name: str, value: JsonObject) -> None:
        self.out.append(f"<{name}>")
        for part in ("unset", "set"):
            for one in value.get(part, ()):
                self.leaf(part, self._said(words.DISPOSITIONS, one))
        self.out.append(f"</{name}>")

    def location(self, name: str, value: JsonObject) -> None:
        self._extensible(name, value, ("id",))

    def error(self, name: str, value: JsonObject) -> None:
        self._extensible(name, value, ("declarationTime", "reason", "correctiveEventIDs"))

    def ilmd(self, name: str, value: JsonObject) -> None:
        self._extensible(name, value, ())

    def _extensible(self, name: str, value: JsonObject, known: tuple[str, ...]) -> None:
        self.out.append(f"<{name}>")
        for one in known:
            if one not in value:
                continue
            if one == "correctiveEventIDs":
                self.out.append(f"<{one}>")
                for each in value[one]:
                    self.leaf("correctiveEventID", each)
                self.out.append(f"</{one}>")
            elif one == "reason":
                self.leaf(one, self._said(words.ERROR_REASONS, value[one]))
            else:
                self.leaf(one, value[one])
        for key, extension in value.items():
            if key not in known:
                member(self.out, self.scope, key, extension)
        self.out.append(f"</{name}>")

    def sensors(self, name: str, value: list[JsonObject]) -> None:
        self.out.append(f"<{name}>")
        for one in value:
            self.out.append("<sensorElement>")
            if "sensorMetadata" in one:
                self._attributes("sensorMetadata", one["sensorMetadata"], tables.METADATA)
            for report in one["sensorReport"]:
                self._attributes("sensorReport", report, tables.REPORT)
            for key, extension in one.items():
                if key not in ("sensorMetadata", "sensorReport"):
                    member(self.out, self.scope, key, extension)
            self.out.append("</sensorElement>")
        self.out.append(f"</{name}>")

    def _attributes(self, name: str, part: JsonObject, order: tuple[str, ...]) -> None:
        said = [f"<{name}"]
        for key, value in part.items():
            written = key if key in order else self.scope.name(key)
            if written is not None:
                said.append(f' {written}="{attribute(self._attribute(key, value))}"')
        self.out.append("".join([*said, "/>"]))

    def _attribute(self, name: str, value: JsonValue) -> str:
        if isinstance(value, bool):
            return "true" if value else "false"
        if not isinstance(value, str):
            return repr(value)
        known = tables.REPORT_WORDS.get(name)
        if known is None or value not in known.words:
            return value
        short = self.scope.prefixes.get("gs1", words.GS1) == words.GS1
        if known.address == words.GS1 and short and not self.web:
            self.scope.use("gs1")
            return f"{known.short}{value}"
        return known.address + value


def _decimal(value: JsonValue) -> str:
    """A number without an exponent, which xsd:decimal has not; a double stays a double."""
    if not isinstance(value, float):
        return str(value)
    plain = format(Decimal(repr(value)), "f")
    return plain if "." in plain else f"{plain}.0"


_DECLARATION: Final = '<?xml version="1.0" encoding="UTF-8"?>\n'
_WRITERS: Final[dict[str, Any]] = {
    "text": _Writer.leaf,
    "word": _Writer.word,
    "epcs": _Writer.epcs,
    "quantities": _Writer.quantities,
    "location": _Writer.location,
    "pairs": _Writer.pairs,
    "persistent": _Writer.persistent,
    "error": _Writer.error,
    "certification": _Writer.leaf,
    "sensors": _Writer.sensors,
    "ilmd": _Writer.ilmd,
}

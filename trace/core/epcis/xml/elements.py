"""Events, headers and master data from their elements (EPCIS 2.0 §9, 1.2 §9.5).

Rules:
1. `extension` and `baseExtension`, at whatever depth, are looked through: 1.x hides in them what
   came later, 2.0 what others add.
2. Elements in EPCIS's own namespaces count like the unqualified ones the schemas ask for.
3. Texts of the standard's members lose blanks around them; standard words become bare words.
4. What the binding knows but is written wrongly stays as it is written: check_event then says what
   is wrong, event by event. Only what no JSON could say (a member given twice, text between
   elements, digits that are lost) is refused here.
5. A QuantityEvent of 1.x is the observation of a quantity (EPCIS 1.1 §7.2.11 deprecates it so).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

from trace.core.epcis import vocabulary as words
from trace.core.epcis.errors import DuplicateKey, InexactNumber, TooDeep, UnknownMember
from trace.core.epcis.strict_json import JsonObject, JsonValue, pointer
from trace.core.epcis.xml import names as ns
from trace.core.epcis.xml import tables
from trace.core.epcis.xml.errors import ContradictingMember
from trace.core.epcis.xml.json_form import Scope
from trace.core.epcis.xml.values import BLANK, Values, attributes_of, number, technical
from trace.errors import Refused, TraceError

if TYPE_CHECKING:
    from lxml.etree import _Element as Element

Read = Callable[["EventReader", Any, str, str], Any]
_NIL: Final = f"{{{ns.XSI}}}nil"
_EXTENSIONS: Final = ("extension", "baseExtension")
MOST_NESTED: Final = 8  # `extension`s in one another: 1.2 has two


class EventReader:
    """Reads the events of one document; `old` is EPCIS 1.x. `found` collects what is wrong."""

    def __init__(self, found: list[TraceError], *, max_depth: int) -> None:
        self.found = found
        self.old = False
        self.values = Values(ns.Names([words.EPCIS_CONTEXT]), found, max_depth=max_depth)

    def event(self, element: Element, path: str, names: ns.Names) -> JsonObject:
        """The JSON-LD event object of an event element, with its own `@context`."""
        values = self.values
        values.names = names
        namespace, local = ns.split(str(element.tag))
        named = not namespace or namespace in ns.EPCIS
        event: JsonObject = {"@context": None, "type": local if named else values.name(element)}
        overrides: JsonObject = {}
        handlers = _QUANTITY_EVENT if self.old and local == "QuantityEvent" else _EVENT
        self.part(element, event, path, handlers, overrides=overrides)
        if handlers is _QUANTITY_EVENT:
            _observed(event)
        if self.old:  # where its schema asks for a list, an empty one says nothing
            for name in [name for name in event if name in tables.KINDS and event[name] == []]:
                del event[name]
        if overrides:
            self._override(event, overrides, path)
        event.pop("recordTime", None)
        event["@context"] = names.taken_context()
        return event

    def _override(self, event: JsonObject, overrides: JsonObject, path: str) -> None:
        scope = Scope(self.values.names.context, set())
        for name, value in overrides.items():
            if name not in tables.KINDS:
                if name in event:
                    self.found.append(DuplicateKey(path=path + pointer(name), name=name))
            else:
                plain = tables.natural(name, value, old=self.old, sayable=scope.name)
                if plain != event.get(name, tables.ABSENT):
                    where = path + pointer(name)
                    self.found.append(ContradictingMember(path=where, name=name))
            event[name] = value

    # --- parts ---

    def part(
        self,
        element: Element,
        out: JsonObject,
        path: str,
        handlers: Mapping[str, Read],
        overrides: JsonObject | None = None,
        repeated: set[str] | None = None,
        level: int = 0,
    ) -> None:
        """The members of a part with extensions; those the standard knows by `handlers`."""
        values = self.values
        if level > MOST_NESTED:
            raise Refused([TooDeep(path=path, limit=MOST_NESTED)])
        repeated = set() if repeated is None else repeated
        if element.attrib:
            self._unqualified(element, path)
            values.attributes(element, out, path)
        values.nothing_in(element, path)
        for child in element:
            namespace, local = ns.split(str(child.tag))
            if namespace and namespace not in ns.EPCIS:
                target = overrides if overrides is not None and namespace == ns.FN else out
                values.add(target, repeated, child, path)
            elif local in _EXTENSIONS:
                self.part(child, out, path, handlers, overrides, repeated, level + 1)
            elif local in handlers:
                self._known(local, child, out, path, handlers[local])
            elif local in out:
                self.found.append(UnknownMember(path=path + pointer(local), name=local))
            else:
                values.add(out, repeated, child, path)

    def _known(self, name: str, child: Element, out: JsonObject, path: str, read: Read) -> None:
        where = f"{path}/{name}"
        if name == "sensorReport":
            reports = out.setdefault(name, [])
            reports.append(read(self, child, f"{where}/{len(reports)}", name))
        elif name not in out:
            out[name] = read(self, child, where, name)
        elif name == "certificationInfo":
            if not isinstance(out[name], list):
                out[name] = [out[name]]
            given: list[Any] = out[name]
            given.append(read(self, child, f"{where}/{len(given)}", name))
        else:
            self.found.append(DuplicateKey(path=where, name=name))

    def text(self, element: Element, path: str, name: str = "") -> str:
        """The text of a leaf, without the blanks around it."""
        for child in element:
            unknown = self.values.name(child)
            self.found.append(UnknownMember(path=path + pointer(unknown), name=unknown))
        self._no_attributes(element, path)
        return (element.text or "").strip(BLANK)

    def word(self, element: Element, path: str, name: str) -> str:
        known = words.ERROR_REASONS if name == "reason" else tables.WORDS[name]
        return known.bare(self.text(element, path))

    def number(self, element: Element, path: str, name: str = "") -> JsonValue:
        """A number, or the text that is none, for check_event to refuse."""
        return self._number_of(self.text(element, path), path)

    def _number_of(self, text: str, path: str) -> JsonValue:
        try:
            found = number(text.strip(BLANK))
        except InexactNumber as error:
            self.found.append(error.at(path))
            return 0
        return text if found is None else found

    def _unqualified(self, element: Element, path: str) -> None:
        """A part's attributes are extensions, all with a namespace; others are taken off."""
        for key, _ in attributes_of(element):
            if key[:1] != "{":
                self.found.append(UnknownMember(path=path + pointer(key), name=key))
                del element.attrib[key]

    def _no_attributes(self, element: Element, path: str, besides: str = "") -> None:
        if not element.attrib:
            return
        for key, _ in attributes_of(element):
            if key != besides and not technical(key):
                name = self.values.names.name(key, None)
                self.found.append(UnknownMember(path=path + pointer(name), name=name))

    def each(self, element: Element, path: str, local: str) -> list[Element]:
        """The children of a list, all of which have to be called `local`."""
        self._no_attributes(element, path)
        self.values.nothing_in(element, path)
        found = []
        for child in element:
            namespace, name = ns.split(str(child.tag))
            if name == local and (not namespace or namespace in ns.EPCIS):
                found.append(child)
            elif name not in _EXTENSIONS or len(child):
                unknown = self.values.name(child)
                self.found.append(UnknownMember(path=path + pointer(unknown), name=unknown))
        return found

    def epcs(self, element: Element, path: str, name: str) -> Any:
        return [
            self.text(one, f"{path}/{at}") for at, one in enumerate(self.each(element, path, "epc"))
        ]

    def corrective(self, element: Element, path: str, name: str) -> list[str]:
        each = self.each(element, path, "correctiveEventID")
        return [self.text(one, f"{path}/{at}") for at, one in enumerate(each)]

    def quantities(self, element: Element, path: str, name: str) -> list[JsonObject]:
        each = self.each(element, path, "quantityElement")
        return [self._quantity(one, f"{path}/{at}") for at, one in enumerate(each)]

    def _quantity(self, element: Element, path: str) -> JsonObject:
        out: JsonObject = {}
        self.part(element, out, path, _QUANTITY)
        if out.get("quantity") is tables.ABSENT:
            del out["quantity"]
        return out

    def amount(self, element: Element, path: str, name: str) -> Any:
        if (element.get(_NIL) or "").strip(BLANK) in ("true", "1"):
            self.values.nothing_in(element, path)
            return tables.ABSENT
        return self.number(element, path)

    def pairs(self, element: Element, path: str, name: str) -> list[JsonObject]:
        second, known = words.PAIRS[name]
        found = []
        for at, one in enumerate(self.each(element, path, second)):
            pair: JsonObject = {}
            where = f"{path}/{at}"
            kind = one.get("type")
            if kind is not None:
                pair["type"] = known.bare(kind.strip(BLANK))
            self._no_attributes(one, where, besides="type")
            pair[second] = (one.text or "").strip(BLANK)
            for child in one:
                unknown = self.values.name(child)
                self.found.append(UnknownMember(path=where + pointer(unknown), name=unknown))
            found.append(pair)
        return found

    def location(self, element: Element, path: str, name: str) -> JsonObject:
        return self._of(element, path, _LOCATION)

    def error(self, element: Element, path: str, name: str) -> JsonObject:
        return self._of(element, path, _ERROR)

    def ilmd(self, element: Element, path: str, name: str) -> JsonObject:
        return self._of(element, path, {})

    def _of(self, element: Element, path: str, handlers: Mapping[str, Read]) -> JsonObject:
        out: JsonObject = {}
        self.part(element, out, path, handlers)
        return out

    def persistent(self, element: Element, path: str, name: str) -> JsonObject:
        out: JsonObject = {}
        self._no_attributes(element, path)
        self.values.nothing_in(element, path)
        for child in element:
            namespace, local = ns.split(str(child.tag))
            if local in ("set", "unset") and (not namespace or namespace in ns.EPCIS):
                given = out.setdefault(local, [])
                text = self.text(child, f"{path}/{local}/{len(given)}")
                given.append(words.DISPOSITIONS.bare(text))
            else:
                unknown = self.values.name(child)
                self.found.append(UnknownMember(path=path + pointer(unknown), name=unknown))
        return out

    # --- sensors ---

    def sensors(self, element: Element, path: str, name: str) -> list[JsonObject]:
        each = self.each(element, path, "sensorElement")
        return [self._of(one, f"{path}/{at}", _SENSOR) for at, one in enumerate(each)]

    def metadata(self, element: Element, path: str, name: str) -> JsonObject:
        return self._attributes(element, path, report=False)

    def report(self, element: Element, path: str, name: str) -> JsonObject:
        return self._attributes(element, path, report=True)

    def _attributes(self, element: Element, path: str, *, report: bool) -> JsonObject:
        out: JsonObject = {}
        self.values.nothing_in(element, path)
        self.values.attributes(element, out, path)
        for child in element:
            unknown = self.values.name(child)
            self.found.append(UnknownMember(path=path + pointer(unknown), name=unknown))
        for name, text in out.items():
            if ":" in name or name == "stringValue":
                continue
            stripped = text.strip(BLANK)
            if report and name in tables.NUMBERS:
                out[name] = self._number_of(stripped, f"{path}/{name}")
            elif report and name == "booleanValue":
                out[name] = {"true": True, "1": True, "false": False, "0": False}.get(
                    stripped, stripped
                )
            elif report and name in tables.REPORT_WORDS:
                out[name] = tables.plain_word(tables.REPORT_WORDS[name], stripped)
            else:
                out[name] = stripped
        return out


def _observed(event: JsonObject) -> None:
    """A QuantityEvent of 1.x as the ObjectEvent that took its place."""
    one = {"epcClass": event.pop("epcClass", "")}
    if event.get("quantity", tables.ABSENT) is not tables.ABSENT:
        one["quantity"] = event["quantity"]
    event.pop("quantity", None)
    event.update(type="ObjectEvent", action="OBSERVE", quantityList=[one])


_READERS: Final[dict[str, Read]] = {
    "text": EventReader.text,
    "word": EventReader.word,
    "epcs": EventReader.epcs,
    "quantities": EventReader.quantities,
    "location": EventReader.location,
    "pairs": EventReader.pairs,
    "persistent": EventReader.persistent,
    "error": EventReader.error,
    "certification": EventReader.text,
    "sensors": EventReader.sensors,
    "ilmd": EventReader.ilmd,
}
_EVENT: Final = {name: _READERS[kind] for name, kind in tables.KINDS.items()}
_QUANTITY: Final[dict[str, Read]] = {
    "epcClass": EventReader.text,
    "quantity": EventReader.amount,
    "uom": EventReader.text,
}
_QUANTITY_EVENT: Final[dict[str, Read]] = {
    **_EVENT,
    "epcClass": EventReader.text,
    "quantity": EventReader.amount,
}
_LOCATION: Final[dict[str, Read]] = {"id": EventReader.text}
_ERROR: Final[dict[str, Read]] = {
    "declarationTime": EventReader.text,
    "reason": EventReader.word,
    "correctiveEventIDs": EventReader.corrective,
}
_SENSOR: Final[dict[str, Read]] = {
    "sensorMetadata": EventReader.metadata,
    "sensorReport": EventReader.report,
}

"""Taking an XML document in, event by event, into the Document that its JSON twin gives.

Rules (EPCIS 2.0 §9, 1.2 §9; formats §2 “Taking an event in”):
1. characters, encoding and document type as in source.py; so nothing can be expanded or fetched
2. well-formed with namespaces; no more levels, nodes and events than the limits say. The tree of
   one event (or of the header) is held at a time
3. an EPCISDocument or EPCISQueryDocument of 1.0 to 1.2 or 2.0, or one bare event
4. the namespaces in an event's scope become its `@context`; `recordTime` is dropped
Events are not judged here: that is check_event's, so that a job can report event by event. Paths
are JSON Pointers of the twin, whatever the elements are nested in.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from lxml import etree

from trace.core.epcis import errors
from trace.core.epcis.document import Document, DocumentType, Limits, parse_document
from trace.core.epcis.gate import envelope_errors
from trace.core.epcis.hashing import EventHasher, hash_document
from trace.core.epcis.schema import EVENT_TYPES
from trace.core.epcis.strict_json import JsonObject, JsonValue, load
from trace.core.epcis.xml import names as ns
from trace.core.epcis.xml.elements import EventReader
from trace.core.epcis.xml.errors import BadXml, TooManyNodes, UnexpectedText
from trace.core.epcis.xml.headers import master_data, standard_header
from trace.core.epcis.xml.source import is_xml, text_of
from trace.core.epcis.xml.values import BLANK, inner_text, technical
from trace.errors import Refused, TraceError

if TYPE_CHECKING:
    from lxml.etree import _Element as Element

__all__ = ["XmlLimits", "hash_any", "hash_xml", "is_xml", "parse_xml", "take_in"]


@dataclass(frozen=True, slots=True)
class XmlLimits(Limits):
    """Limits, and how many elements and attributes one event or header may have."""

    max_nodes: int = 200_000


DEFAULT_XML_LIMITS: Final = XmlLimits()
_CHUNK: Final = 1 << 16
# XML names what JSON nests: a leaf is an element, and 1.x has two `extension`s more.
_MORE_LEVELS: Final = 4
_MOST_ERRORS: Final = 1000
_VERSIONS: Final = {ns.EPCIS2: "2.0", ns.EPCIS1: "1.x", ns.QUERY2: "2.0", ns.QUERY1: "1.x"}
_ROOTS: Final[dict[str, DocumentType]] = {
    "EPCISDocument": "EPCISDocument",
    "EPCISQueryDocument": "EPCISQueryDocument",
}
# Elements that are walked through; all others below them are read whole at their end.
_WALKED: Final = {
    "EPCISDocument": {"EPCISBody"},
    "EPCISQueryDocument": {"EPCISBody"},
    "EPCISBody": {"EventList", "QueryResults"},
    "QueryResults": {"resultsBody"},
    "resultsBody": {"EventList"},
    "EventList": {"extension"},
    "extension": {"extension"},
}
_CONTEXT: Final = f"{{{ns.LD}}}context"


def parse_xml(data: bytes, *, limits: Limits = DEFAULT_XML_LIMITS) -> Document:
    """The document in `data`, as parse_document gives its JSON twin.

    Raises Refused with every error found, each with its JSON Pointer in the twin.
    """
    text = text_of(data, max_bytes=limits.max_bytes)
    reader = _Reader(limits)
    parser = etree.XMLPullParser(
        events=("start", "end"),
        encoding="utf-8",
        resolve_entities=False,
        load_dtd=False,
        dtd_validation=False,
        no_network=True,
        huge_tree=False,
        recover=False,
        remove_comments=True,
        remove_pis=True,
        collect_ids=False,
    )
    try:
        for at in range(0, len(text), _CHUNK):
            parser.feed(text[at : at + _CHUNK].encode("utf-8"))
            reader.take(parser.read_events())
        parser.close()
        reader.take(parser.read_events())
    except etree.XMLSyntaxError as error:
        line, column = error.position
        message = (error.msg or "it ends too early").split(", line ")[0][:200]
        problem = f"{message} (line {line or 1}, column {column or 1})"
        raise Refused([BadXml(problem=problem)]) from None
    return reader.document()


def take_in(data: bytes, *, limits: Limits = DEFAULT_XML_LIMITS) -> Document:
    """parse_xml or parse_document, by what the bytes look like."""
    if is_xml(data):
        return parse_xml(data, limits=limits)
    return parse_document(data, limits=limits)


def hash_xml(data: bytes, *, limits: Limits = DEFAULT_XML_LIMITS) -> list[str]:
    """hash_document for an XML document: one event hash per event, in its order."""
    document = parse_xml(data, limits=limits)
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


def hash_any(data: bytes, *, limits: Limits = DEFAULT_XML_LIMITS) -> list[str]:
    """hash_xml or hash_document, by what the bytes look like."""
    return hash_xml(data, limits=limits) if is_xml(data) else hash_document(data, limits=limits)


@dataclass(slots=True)
class _Envelope:
    """What surrounds the events."""

    type: DocumentType = "event"
    attributes: JsonObject = field(default_factory=dict)
    header: JsonObject = field(default_factory=dict)
    master_data: list[JsonObject] = field(default_factory=list)
    texts: dict[str, str] = field(default_factory=dict)
    extensions: JsonObject = field(default_factory=dict)
    listed: bool = False


class _Reader:
    """The state between the parser's events."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.max_nodes = limits.max_nodes if isinstance(limits, XmlLimits) else 200_000
        self.max_depth = limits.max_depth + _MORE_LEVELS
        self.found: list[TraceError] = []
        self.envelope = _Envelope()
        self.events: list[JsonObject] = []
        self.paths: list[str] = []
        self.reader = EventReader(self.found, old=False)
        self.base = ns.Names(None)
        self._scopes: dict[Any, ns.Names] = {}
        self._walked: list[str] = []
        self._depth = 0
        self._unit = 0  # depth of the element that is being gathered, 0 for none
        self._nodes = 0
        self._carried = False

    def take(self, happened: Iterator[Any]) -> None:
        """What the parser came across."""
        for action, element in happened:
            if action == "start":
                self._started(element)
            else:
                self._ended(element)

    def _started(self, element: Element) -> None:
        self._depth += 1
        if self._depth > self.max_depth:
            raise Refused([errors.TooDeep(limit=self.limits.max_depth)])
        self._nodes += 1 + len(element.attrib)
        if self._nodes > self.max_nodes:
            raise Refused([TooManyNodes(limit=self.max_nodes, path=self._next_path())])
        if self._unit:
            return
        namespace, local = ns.split(str(element.tag))
        known = not namespace or namespace in ns.EPCIS
        if self._depth == 1:
            self._root(element, namespace, local)
        elif known and local in _WALKED[self._walked[-1]]:
            if local == "EventList":
                self.envelope.listed = True
            self._walked.append(local)
            self._nodes = 0
            self._drop_before(element)
        else:
            self._unit = self._depth
            self._drop_before(element)
            self._nodes = 1 + len(element.attrib)

    def _ended(self, element: Element) -> None:
        depth, self._depth = self._depth, self._depth - 1
        if self._unit:
            if depth == self._unit:
                self._unit = 0
                self._gathered(element)
                element.clear(keep_tail=True)  # type: ignore[call-arg]  # newer than the stubs
            return
        name = self._walked.pop()
        last = element[-1].tail if len(element) else None
        self._no_text(element.text, last, name)

    def _drop_before(self, element: Element) -> None:
        """Lets go of what was read before this element; text between is refused."""
        before = element.getprevious()
        parent = element.getparent()
        if before is not None and parent is not None:
            self._no_text(before.tail, None, self._walked[-1])
            parent.remove(before)

    def _no_text(self, text: str | None, more: str | None, name: str) -> None:
        if (text and text.strip(BLANK)) or (more and more.strip(BLANK)):
            self._wrong(UnexpectedText(path=self._place(name)))

    def _wrong(self, error: TraceError) -> None:
        self.found.append(error)
        if len(self.found) > _MOST_ERRORS:
            raise Refused(self.found)

    # --- the envelope ---

    def _root(self, element: Element, namespace: str, local: str) -> None:
        if local in _ROOTS and namespace in _VERSIONS:
            query = local == "EPCISQueryDocument"
            if (namespace in (ns.QUERY1, ns.QUERY2)) != query:
                raise Refused([errors.NotADocument()])
            self.envelope.type = _ROOTS[local]
            self.reader.old = _VERSIONS[namespace] != "2.0"
            self._walked.append(local)
        elif local in EVENT_TYPES and namespace in ("", ns.EPCIS1, ns.EPCIS2):
            self.reader.old = namespace == ns.EPCIS1
            self._unit = 1
        else:
            raise Refused([errors.NotADocument()])
        self.base = self._scope(element)
        self._carried = element.get(_CONTEXT) is not None  # and counts for all its events
        if not self._unit:
            for key, text in element.attrib.items():
                if not technical(str(key)):
                    self.envelope.attributes[self.base.name(str(key), None)] = text

    def _scope(self, element: Element) -> ns.Names:
        """The names in an element's scope; the same object while nothing new is declared."""
        said = element.get(_CONTEXT)
        if said is None and self._carried:
            return self.base
        namespaces = {prefix or "": address for prefix, address in element.nsmap.items()}
        key = (said or tuple(namespaces.items()),)
        known = self._scopes.get(key)
        if known is None:
            context = ns.context_of(namespaces) if said is None else self._context(said)
            known = self._scopes[key] = ns.Names(context)
        return known

    def _context(self, said: str) -> JsonValue:
        """A context that is carried whole (names.py, rule 4)."""
        limit = self.limits
        try:
            return load(said.encode(), max_bytes=limit.max_bytes, max_depth=limit.max_depth)
        except Refused as refused:
            raise Refused([one.at("/@context") for one in refused.errors]) from None

    def _gathered(self, element: Element) -> None:
        namespace, local = ns.split(str(element.tag))
        parent = self._walked[-1] if self._walked else ""
        if parent in ("", "EventList", "extension"):
            self._event(element)
        elif parent == "QueryResults" and local in ("queryName", "subscriptionID"):
            self.envelope.texts[local] = inner_text(element).strip(BLANK)
        elif local == "EPCISHeader":
            self.envelope.header, more = standard_header(element, self.base)
            self.envelope.master_data += more
        elif parent == "resultsBody" and local == "VocabularyList":
            self.envelope.master_data += master_data(element, self.base)
            self.envelope.listed = True
        elif namespace and namespace not in ns.EPCIS:
            if parent in _ROOTS:
                self.reader.values.names = self.base
                name = self.base.name(str(element.tag), element.prefix)
                self.envelope.extensions[name] = self.reader.values.value(element, "")
        elif local != "extension":
            path = f"{self._place(parent)}/{local}"
            self._wrong(errors.UnknownMember(path=path, name=local))

    def _event(self, element: Element) -> None:
        if len(self.events) >= self.limits.max_events:
            count = len(self.events) + 1
            path = self._place("EventList")
            raise Refused(
                [errors.TooManyEvents(path=path, count=count, limit=self.limits.max_events)]
            )
        path = self._next_path()
        names = self._scope(element) if element.nsmap or element.attrib else self.base
        self.events.append(self.reader.event(element, path, names))
        self.paths.append(path)
        if len(self.found) > _MOST_ERRORS:
            raise Refused(self.found)

    def _next_path(self) -> str:
        if self.envelope.type == "event":
            return ""
        return f"{self._place('EventList')}/{len(self.events)}"

    def _place(self, name: str) -> str:
        """The JSON Pointer of a walked element in the twin."""
        body = "/epcisBody"
        if self.envelope.type == "EPCISQueryDocument":
            results = f"{body}/queryResults"
            places = {"QueryResults": results, "resultsBody": f"{results}/resultsBody"}
            listed = f"{results}/resultsBody/eventList"
        else:
            places, listed = {}, f"{body}/eventList"
        places |= {"EPCISBody": body, "EventList": listed, "extension": listed}
        return places.get(name, "")

    def document(self) -> Document:
        """The document, once the parser is done. Raises Refused."""
        envelope = self.envelope
        if envelope.type == "event":
            if self.found:
                raise Refused(self.found)
            context = self.events[0]["@context"]
            return Document(type="event", context=context, events=self.events, paths=[""])
        self.found += self._envelope_errors()
        if self.found:
            raise Refused(self.found)
        given = envelope.attributes
        return Document(
            type=envelope.type,
            context=self.base.context,
            events=self.events,
            paths=self.paths,
            schema_version=given["schemaVersion"],
            creation_date=given["creationDate"],
            master_data=envelope.master_data,
            query_name=envelope.texts.get("queryName"),
            subscription_id=envelope.texts.get("subscriptionID"),
            extensions={
                **{name: text for name, text in given.items() if ":" in name},
                **envelope.extensions,
            },
            **envelope.header,
        )

    def _envelope_errors(self) -> list[TraceError]:
        """What is wrong around the events, by the schema of the twin's envelope."""
        envelope = self.envelope
        twin: JsonObject = {
            "@context": self.base.context,
            "type": envelope.type,
            **envelope.attributes,
        }
        results = envelope.type == "EPCISQueryDocument"
        inner: JsonObject = {"eventList": []} if envelope.listed or not results else {}
        if results:
            name = envelope.texts.get("queryName")
            query = {"resultsBody": inner} if envelope.listed else {}
            inner = {"queryResults": {**query, **({"queryName": name} if name else {})}}
        twin["epcisBody"] = inner
        found = envelope_errors(twin)
        at = {error.path for error in found}
        found += [
            errors.MissingMember(path=f"/{name}", name=name)
            for name in ("schemaVersion", "creationDate")
            if name not in twin and f"/{name}" not in at
        ]
        said = envelope.attributes.get("schemaVersion", "")
        known = ("1.0", "1.1", "1.2", "1") if self.reader.old else ("2.0", "2.0.0", "2")
        if said and said not in known and "/schemaVersion" not in at:
            found.append(errors.BadValue(path="/schemaVersion"))
        return found

"""Taking an XML document in, event by event, into the Document that its JSON twin gives.

Rules (EPCIS 2.0 §9, 1.2 §9; formats §2 “Taking an event in”):
1. characters, encoding and document type as in source.py; so nothing can be expanded or fetched
2. well-formed with namespaces; no more levels, nodes and events than the limits say. Events leave
   the parser's tree as they become whole
3. an EPCISDocument or EPCISQueryDocument of 1.0 to 1.2 or 2.0, or one bare event
4. the namespaces in an event's scope become its `@context`; `recordTime` is dropped
Events are not judged here: that is check_event's, so that a job can report event by event. Paths
are JSON Pointers of the twin, whatever the elements are nested in.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from lxml import etree

from trace.core.epcis import errors
from trace.core.epcis import vocabulary as words
from trace.core.epcis.context import check_size
from trace.core.epcis.document import Document, DocumentType, Limits, parse_document
from trace.core.epcis.gate import envelope_errors
from trace.core.epcis.hashing import hash_events
from trace.core.epcis.schema import EVENT_TYPES
from trace.core.epcis.strict_json import JsonObject, JsonValue, load
from trace.core.epcis.xml import names as ns
from trace.core.epcis.xml.elements import EventReader
from trace.core.epcis.xml.errors import BadXml, Found, TooManyNodes, UnexpectedText
from trace.core.epcis.xml.headers import master_data, standard_header
from trace.core.epcis.xml.source import is_xml, text_of
from trace.core.epcis.xml.values import BLANK, attributes_of, inner_text, technical
from trace.errors import Refused, TraceError

if TYPE_CHECKING:
    from lxml.etree import _Element as Element

__all__ = ["XmlLimits", "hash_any", "is_xml", "parse_xml", "take_in"]


@dataclass(frozen=True, slots=True)
class XmlLimits(Limits):
    """Limits, and how many elements and attributes a document has: 20 MB of `<a/>` would be five
    million, at a hundred bytes each and more."""

    max_nodes: int = 600_000


DEFAULT_XML_LIMITS: Final = XmlLimits()
_CHUNK: Final = 1 << 16
_ROOTS: Final[dict[tuple[str, str], tuple[DocumentType, bool]]] = {
    ("EPCISDocument", ns.EPCIS2): ("EPCISDocument", False),
    ("EPCISDocument", ns.EPCIS1): ("EPCISDocument", True),
    ("EPCISQueryDocument", ns.QUERY2): ("EPCISQueryDocument", False),
    ("EPCISQueryDocument", ns.QUERY1): ("EPCISQueryDocument", True),
}
# What is stepped into from the root down to the events, and what the twin calls it.
_STEPS: Final = {
    "EPCISDocument": {"EPCISBody": "/epcisBody"},
    "EPCISQueryDocument": {"EPCISBody": "/epcisBody"},
    "EPCISBody": {"EventList": "/eventList", "QueryResults": "/queryResults"},
    "QueryResults": {"resultsBody": "/resultsBody"},
    "resultsBody": {"EventList": "/eventList"},
}
_LISTS_IN: Final = {
    ("EPCISBody", "EPCISDocument"),
    ("resultsBody", "QueryResults", "EPCISBody", "EPCISQueryDocument"),
}
_NO_ZONE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]+)?")
_CONTEXT: Final = f"{{{ns.LD}}}context"


def parse_xml(data: bytes, *, limits: Limits = DEFAULT_XML_LIMITS) -> Document:
    """The document in `data`, as parse_document gives its JSON twin.

    Raises Refused with every error found, each with its JSON Pointer in the twin.
    """
    text = text_of(data, max_bytes=limits.max_bytes)
    _check_nodes(text, limits)
    reader = _Reader(limits)
    parser = etree.XMLPullParser(
        events=("start",),
        tag="{*}EventList",
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
        root = parser.close()
    except etree.XMLSyntaxError as error:
        if "depth" in (error.msg or ""):
            raise Refused([errors.TooDeep(limit=limits.max_depth)]) from None
        line, column = error.position
        message = (error.msg or "it ends too early").split(", line ")[0][:200]
        problem = f"{message} (line {line or 1}, column {column or 1})"
        raise Refused([BadXml(problem=problem)]) from None
    return reader.finish(root)


def _check_nodes(text: str, limits: Limits) -> None:
    """Counts before anything is built: every element has a `<`, every attribute a `=`."""
    limit = limits.max_nodes if isinstance(limits, XmlLimits) else DEFAULT_XML_LIMITS.max_nodes
    if text.count("<") - text.count("</") + text.count("=") > limit:
        raise Refused([TooManyNodes(limit=limit)])


def take_in(data: bytes, *, limits: Limits = DEFAULT_XML_LIMITS) -> Document:
    """parse_xml or parse_document, by what the bytes look like."""
    if is_xml(data):
        return parse_xml(data, limits=limits)
    return parse_document(data, limits=limits)


def hash_any(data: bytes, *, limits: Limits = DEFAULT_XML_LIMITS) -> list[str]:
    """hash_document for a document of either form: one event hash per event, in its order.

    Raises Refused with the path of everything that is not XML or JSON, or not shaped like EPCIS.
    """
    return hash_events(take_in(data, limits=limits))


@dataclass(slots=True)
class _Envelope:
    """What surrounds the events."""

    type: DocumentType = "event"
    attributes: JsonObject = field(default_factory=dict)
    header: JsonObject = field(default_factory=dict)
    master_data: list[JsonObject] = field(default_factory=list)
    texts: dict[str, str] = field(default_factory=dict)
    extensions: JsonObject = field(default_factory=dict)
    bodied: bool = False
    listed: bool = False


class _Reader:
    """What the parser has read so far: events are taken off its tree as soon as they are whole."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.found: list[TraceError] = Found()
        self.envelope = _Envelope()
        self.events: list[JsonObject] = []
        self.paths: list[str] = []
        self.reader = EventReader(self.found, max_depth=limits.max_depth)
        self.base = ns.Names([words.EPCIS_CONTEXT])
        self._scopes: dict[Any, ns.Names] = {}
        self._carried = False
        self._known_root = False
        self._list: Element | None = None

    # --- while the document comes in ---

    def take(self, happened: Iterator[Any]) -> None:
        """The lists of events that have begun, and the events of the last that are whole."""
        for _, element in happened:
            if self._list is None and self._is_event_list(element):
                self._root(element.getroottree().getroot())
                self._list = element
        if self._list is not None:
            self._drain(self._list, done=False)

    @staticmethod
    def _is_event_list(element: Element) -> bool:
        above = [ns.split(str(one.tag)) for one in element.iterancestors()]
        if any(namespace and namespace not in ns.EPCIS for namespace, _ in above):
            return False
        return tuple(local for _, local in above) in _LISTS_IN

    def _drain(self, events: Element, *, done: bool) -> None:
        """Reads the children of an EventList and lets go of them; the last may not be whole yet."""
        if events.text and events.text.strip(BLANK):
            self.found.append(UnexpectedText(path=self._place()))
            events.text = None
        child = next(iter(events), None)
        while child is not None:
            following = child.getnext()
            if following is None and not done:
                return
            if child.tail and child.tail.strip(BLANK):
                self.found.append(UnexpectedText(path=self._place()))
            self._listed(child)
            # Emptied first: taken out whole, the library compares each of its declarations of a
            # namespace with every other (two seconds for two megabytes, and so on with the square).
            child.clear()
            events.remove(child)
            child = following

    def _listed(self, element: Element) -> None:
        """One child of an EventList: an event, or an `extension` with events."""
        namespace, local = ns.split(str(element.tag))
        if local != "extension" or (namespace and namespace not in ns.EPCIS):
            self._event(element)
            return
        # 1.x hides later event types one or two levels down.
        inside = list(reversed(element))
        while inside:
            child = inside.pop()
            namespace, local = ns.split(str(child.tag))
            if local == "extension" and (not namespace or namespace in ns.EPCIS):
                inside += reversed(child)
            else:
                self._event(child)

    def _event(self, element: Element) -> None:
        path = "" if self.envelope.type == "event" else f"{self._place()}/{len(self.events)}"
        if len(self.events) >= self.limits.max_events:
            limit = self.limits.max_events
            raise Refused([errors.TooManyEvents(path=self._place(), count=limit + 1, limit=limit)])
        self.events.append(self.reader.event(element, path, self._scope(element)))
        self.paths.append(path)

    def _place(self) -> str:
        """The JSON Pointer of the list of events in the twin."""
        query = self.envelope.type == "EPCISQueryDocument"
        return "/epcisBody/queryResults/resultsBody/eventList" if query else "/epcisBody/eventList"

    # --- the envelope ---

    def _root(self, element: Element) -> None:
        """What the root element says: the kind of document, its version, its namespaces."""
        if self._known_root:
            return
        self._known_root = True
        namespace, local = ns.split(str(element.tag))
        if (local, namespace) in _ROOTS:
            self.envelope.type, self.reader.old = _ROOTS[local, namespace]
        elif local in EVENT_TYPES and namespace in ("", ns.EPCIS1, ns.EPCIS2):
            self.reader.old = namespace == ns.EPCIS1
        else:
            raise Refused([errors.NotADocument()])
        self.base = self._scope(element)
        self._carried = element.get(_CONTEXT) is not None  # and counts for all its events
        if self.envelope.type != "event":
            for key, text in attributes_of(element):
                if not technical(key):
                    self.envelope.attributes[self.base.name(key, None)] = text.strip(BLANK)

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
            found = load(said.encode(), max_bytes=limit.max_bytes, max_depth=limit.max_depth)
            check_size(found, "")
        except Refused as refused:
            raise Refused([one.at("/@context") for one in refused.errors]) from None
        return found

    def finish(self, root: Element) -> Document:
        """The document, once the parser has read it to its end. Raises Refused."""
        self._root(root)
        if self.envelope.type == "event":
            self._event(root)
        else:
            self._below(root, "")
        return self.document()

    def _below(self, element: Element, path: str) -> None:
        """What is in the elements around the events."""
        name = ns.split(str(element.tag))[1]
        self.reader.values.nothing_in(element, path)
        for child in element:
            namespace, local = ns.split(str(child.tag))
            if namespace and namespace not in ns.EPCIS:
                if not path:
                    self._extension(child)
            elif local in _STEPS.get(name, ()):
                if local == "EventList":
                    self.envelope.listed = True
                    self._drain(child, done=True)
                else:
                    self.envelope.bodied = True
                    self._below(child, path + _STEPS[name][local])
            elif local in ("queryName", "subscriptionID") and name == "QueryResults":
                self.envelope.texts[local] = inner_text(child).strip(BLANK)
            elif local == "EPCISHeader" and not path:
                self.envelope.header, more = standard_header(child, self.base)
                self.envelope.master_data += more
            elif local == "VocabularyList" and name == "resultsBody":
                self.envelope.master_data += master_data(child, self.base)
                self.envelope.listed = True
            elif local == "extension":
                self._below(child, path)
            else:
                self.found.append(errors.UnknownMember(path=f"{path}/{local}", name=local))

    def _extension(self, element: Element) -> None:
        values = self.reader.values
        values.names = self.base
        name = values.name(element)
        self.envelope.extensions[name] = values.value(element, "")

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
        if envelope.bodied:
            twin["epcisBody"] = inner
        if _NO_ZONE.fullmatch(twin.get("creationDate", "")):
            twin["creationDate"] += "Z"  # the XML schema lets a document's date lack its zone
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

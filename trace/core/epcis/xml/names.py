"""Names between XML and JSON-LD: namespaces with their prefixes, and what is technical.

Rules:
1. A name in a namespace is `prefix:name`; the prefix is the document's own where it can be one in
   JSON. The namespaces of an event's scope become the prefixes of its `@context`.
2. Namespaces the standard's own context knows keep the standard's prefix and are not declared.
3. The namespaces of EPCIS itself, of XML Schema and of the header are technical: no prefix.
4. Where a context cannot be had from namespaces alone it is carried whole, as the attribute
   `context` of JSON-LD's namespace on the document or the event; it then stands first.
"""

from __future__ import annotations

import re
from typing import Any, Final

from trace.core.epcis import context as contexts
from trace.core.epcis import vocabulary as words
from trace.core.epcis.errors import TooManyNamespaces
from trace.core.epcis.strict_json import JsonValue
from trace.core.remembering import remembered
from trace.errors import Refused

EPCIS2: Final = "urn:epcglobal:epcis:xsd:2"
EPCIS1: Final = "urn:epcglobal:epcis:xsd:1"
QUERY2: Final = "urn:epcglobal:epcis-query:xsd:2"
QUERY1: Final = "urn:epcglobal:epcis-query:xsd:1"
XSI: Final = "http://www.w3.org/2001/XMLSchema-instance"
XSD: Final = "http://www.w3.org/2001/XMLSchema"
SBDH: Final = "http://www.unece.org/cefact/namespaces/StandardBusinessDocumentHeader"
# W3C's own XML form of JSON (XPath Functions 3.1 §17.4): for values and names that plain elements
# cannot say, such as a number or a list of one.
FN: Final = "http://www.w3.org/2005/xpath-functions"
# W3C's name for "the JSON-LD context of this" is this namespace's `context` (JSON-LD 1.1 §6.1).
LD: Final = "http://www.w3.org/ns/json-ld#"
XML: Final = "http://www.w3.org/XML/1998/namespace"
_XMLNS: Final = "http://www.w3.org/2000/xmlns/"

EPCIS: Final = frozenset({EPCIS1, EPCIS2, QUERY1, QUERY2})
TECHNICAL: Final = frozenset(
    {
        *EPCIS,
        XSI,
        XSD,
        SBDH,
        FN,
        LD,
        XML,
        _XMLNS,
        "urn:epcglobal:xsd:1",
        "urn:epcglobal:epcis-masterdata:xsd:1",
        "urn:epcglobal:epcis-masterdata:xsd:2",
    }
)
# XML writes the namespace of CBV's master data without the colon that JSON-LD needs.
MASTER_DATA_XML: Final = words.CBV_MASTER_DATA.rstrip(":")
STANDARD: Final[dict[str, str]] = {
    **{address: prefix for prefix, address in words.STANDARD_PREFIXES.items()},
    MASTER_DATA_XML: "cbvmda",
}

MOST_NAMESPACES: Final = 256  # of a document or an event; a hostile one may have 100,000

# What an XML name may be here: ASCII, as prefixes in our JSON are; any local part of XML.
PREFIX: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_.\-]*")
_START: Final = (
    r"A-Z_a-z\u00C0-\u00D6\u00D8-\u00F6\u00F8-\u02FF\u0370-\u037D\u037F-\u1FFF\u200C-\u200D"
    r"\u2070-\u218F\u2C00-\u2FEF\u3001-\uD7FF\uF900-\uFDCF\uFDF0-\uFFFD\U00010000-\U000EFFFF"
)
LOCAL: Final = re.compile(rf"[{_START}][{_START}\-.0-9\u00B7\u0300-\u036F\u203F-\u2040]*")
# Prefixes that would read as something else in JSON, or that XML keeps for itself.
_NEVER: Final = frozenset({"urn", "http", "https"})


@remembered(4096)
def split(tag: str) -> tuple[str, str]:
    """`{namespace}local` -> (namespace or "", local)."""
    if tag[:1] == "{":
        namespace, _, local = tag[1:].partition("}")
        return namespace, local
    return "", tag


def may_be_prefix(prefix: str) -> bool:
    """Whether a namespace prefix can be one in both forms."""
    return (
        PREFIX.fullmatch(prefix) is not None
        and prefix not in _NEVER
        and prefix[:3].lower() != "xml"
    )


def context_of(namespaces: dict[str, str]) -> list[Any]:
    """The context that the namespaces in scope say (rules 1 to 3)."""
    if len(namespaces) > MOST_NAMESPACES:
        raise Refused([TooManyNamespaces(limit=MOST_NAMESPACES)])
    own = {
        prefix: address
        for prefix, address in namespaces.items()
        if may_be_prefix(prefix) and address not in TECHNICAL and address not in STANDARD
    }
    return [words.EPCIS_CONTEXT, own] if own else [words.EPCIS_CONTEXT]


class Names:
    """The names of one scope. `more` are namespaces met below it, in the event at hand."""

    __slots__ = ("_found", "_known", "_more", "_prefixes", "_taken", "context", "more")

    def __init__(self, context: JsonValue) -> None:
        self.context = context
        self._known = contexts.declared(context)
        self._prefixes = {address: prefix for prefix, address in reversed(self._known.items())}
        self._found: dict[tuple[str, str | None], str] = {}
        self.more: dict[str, str] = {}
        self._more: dict[str, str] = {}  # the same, by address
        self._taken = {*words.STANDARD_PREFIXES, *self._known, ""}

    def name(self, tag: str, prefix: str | None) -> str:
        """The JSON name of an element or attribute."""
        found = self._found.get((tag, prefix))
        if found is None:
            namespace, local = split(tag)
            if not namespace:
                found = local
            else:
                found = f"{self._prefix(namespace, prefix)}:{local}"
            if not self.more:
                self._found[tag, prefix] = found
        return found

    def _prefix(self, namespace: str, written: str | None) -> str:
        if written is not None and self._known.get(written) == namespace:
            return written
        known = self._prefixes.get(namespace)
        if known is None and STANDARD.get(namespace, "") not in self._known:
            known = STANDARD.get(namespace)
        return known or self._more.get(namespace) or self._declare(namespace, written)

    def _declare(self, namespace: str, written: str | None) -> str:
        if len(self.more) >= MOST_NAMESPACES:
            raise Refused([TooManyNamespaces(limit=MOST_NAMESPACES)])
        chosen, number = written or "", 0
        while chosen in self._taken or chosen in self.more or not may_be_prefix(chosen):
            number += 1
            chosen = f"ns{number}"
        self.more[chosen] = namespace
        self._more[namespace] = chosen
        return chosen

    def taken_context(self) -> JsonValue:
        """The context of the event just read; forgets what was met in it."""
        if not self.more:
            return self.context
        context = contexts.merged(self.context, self.more)
        self.more, self._more = {}, {}
        return context

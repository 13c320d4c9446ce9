"""Extension values as elements (values.py says how they are read), and escaping.

`Scope` knows which names an XML document can say under one `@context`; what it cannot say is
written in W3C's XML form of JSON: elements of the namespace `fn`, the name in their `key`.
"""

from __future__ import annotations

import re
from typing import Any, Final

import orjson

from trace.core.epcis import context as contexts
from trace.core.epcis import vocabulary as words
from trace.core.epcis.strict_json import JsonObject, JsonValue
from trace.core.epcis.xml import names as ns
from trace.core.epcis.xml.tables import NOT_XML

_TEXT: Final = re.compile(r"[&<>\r]")
_ATTRIBUTE: Final = re.compile(r"[&<>\"\t\n\r]")
_REFERENCES: Final = {
    "&": "&amp;",
    "<": "&lt;",
    ">": "&gt;",
    '"': "&quot;",
    "\t": "&#9;",
    "\n": "&#10;",
    "\r": "&#13;",
}
# Addresses that every parser takes for a namespace: some refuse one that is no URI by RFC 3986.
_PATH: Final = r"[A-Za-z0-9\-._~:/@!$&'()*+,;=]*"
_NAMESPACE: Final = re.compile(
    rf"(?:https?://[A-Za-z0-9\-.]+(?::[0-9]{{1,5}})?(?:/{_PATH})?(?:\?{_PATH})?"
    rf"|(?!https?:)[A-Za-z][A-Za-z0-9+.\-]*:[A-Za-z0-9\-._~:@!$'()*+,;=]{_PATH})(?:#{_PATH})?"
)
# Prefixes the documents written here use themselves.
OWN_PREFIXES: Final = {"fn": ns.FN, "ld": ns.LD, "xsi": ns.XSI}
_TAKEN: Final = frozenset({*OWN_PREFIXES, "epcis", "epcisq"})
_STANDARD: Final = {**words.STANDARD_PREFIXES, "cbvmda": ns.MASTER_DATA_XML}


def _reference(found: re.Match[str]) -> str:
    return _REFERENCES[found[0]]


def text(value: str) -> str:
    """Character data."""
    return _TEXT.sub(_reference, value)


def attribute(value: str) -> str:
    """An attribute's value, between double quotes."""
    return _ATTRIBUTE.sub(_reference, value)


def _escaped(value: str) -> str:
    """A backslash and four digits for what XML cannot hold."""
    return NOT_XML.sub(lambda found: f"\\u{ord(found[0]):04x}", value.replace("\\", "\\\\"))


class Scope:
    """The names of one context. `used` are the prefixes a document has to declare for them."""

    __slots__ = ("_known", "_names", "carried", "prefixes", "used")

    def __init__(self, context: JsonValue, used: set[str]) -> None:
        self._known = contexts.declared(context)
        self.used = used
        self.prefixes = {
            prefix: address
            for prefix, address in self._known.items()
            if ns.may_be_prefix(prefix)
            and prefix not in _TAKEN
            and _NAMESPACE.fullmatch(address)
            and address not in ns.TECHNICAL
        }
        # The context itself, where a reader would not have it from the namespaces.
        self.carried = ""
        if ns.context_of(self.prefixes) != context:
            self.carried = orjson.dumps(context).decode()
        self._names: dict[str, str | None] = {}

    def declarations(self) -> str:
        """The namespaces of this context, as attributes of the element it counts for."""
        found = "".join(
            f' xmlns:{prefix}="{attribute(address)}"' for prefix, address in self.prefixes.items()
        )
        if self.carried:
            self.used.add("ld")
            found += f' ld:context="{attribute(self.carried)}"'
        return found

    def name(self, name: str) -> str | None:
        """How a member is called in XML; None when no element can be called so."""
        if name not in self._names:
            self._names[name] = self._name(name)
        found = self._names[name]
        if found and ":" in found:
            self.use(found.partition(":")[0])
        return found

    def use(self, prefix: str) -> None:
        """Has the document declare a standard prefix, unless this context does."""
        if prefix not in self.prefixes:
            self.used.add(prefix)

    def _name(self, name: str) -> str | None:
        prefix, colon, local = name.rpartition(":")
        if not ns.LOCAL.fullmatch(local):
            return None
        if not colon:
            return name
        if prefix in self.prefixes:
            return name
        standard = prefix in _STANDARD and prefix not in self._known and prefix not in _TAKEN
        return name if standard else None


def standard_declarations(used: set[str]) -> str:
    """The namespaces of the standard's and our own prefixes that a document uses."""
    known = {**_STANDARD, **OWN_PREFIXES}
    return "".join(f' xmlns:{one}="{known[one]}"' for one in sorted(used) if one in known)


def member(out: list[str], scope: Scope, name: str, value: JsonValue) -> None:
    """One member of an object with extensions."""
    written = scope.name(name)
    if written is None:
        keyed(out, scope, value, name)
    elif isinstance(value, list) and len(value) > 1:
        for one in value:
            _named(out, scope, written, one)
    else:
        _named(out, scope, written, value)


def members(out: list[str], scope: Scope, given: JsonObject) -> None:
    """All members of an object below an extension."""
    beside = given.get("#text")
    plain = (
        isinstance(beside, str)
        and len(given) > 1
        and beside
        and beside == beside.strip(" \t\r\n")
        and not NOT_XML.search(beside)
    )
    if plain:
        out.append(text(str(beside)))
    for name, value in given.items():
        if not (plain and name == "#text"):
            member(out, scope, name, value)


def _named(out: list[str], scope: Scope, name: str, value: JsonValue) -> None:
    if isinstance(value, str):
        if NOT_XML.search(value):
            scope.used.add("fn")
            said = ' fn:type="string" fn:escaped="true"'
            out.append(f"<{name}{said}>{text(_escaped(value))}</{name}>")
        else:
            out.append(f"<{name}>{text(value)}</{name}>")
    elif isinstance(value, dict) and value:
        out.append(f"<{name}>")
        members(out, scope, value)
        out.append(f"</{name}>")
    else:
        scope.used.add("fn")
        out.append(f'<{name} fn:type="{_kind(value)}">')
        _inside(out, scope, value)
        out.append(f"</{name}>")


def keyed(
    out: list[str],
    scope: Scope,
    value: JsonValue,
    key: str | None = None,
    *,
    names: bool = True,
) -> None:
    """A value in W3C's form: under a name, or as an element of a list. Below it, names XML can say
    are elements of that name; without `names` all is in the form."""
    scope.used.add("fn")
    kind = _kind(value)
    said = ""
    if key is not None:
        if NOT_XML.search(key):
            said = f' escaped-key="true" key="{attribute(_escaped(key))}"'
        else:
            said = f' key="{attribute(key)}"'
    if isinstance(value, str) and NOT_XML.search(value):
        said, value = f'{said} escaped="true"', _escaped(value)
    out.append(f"<fn:{kind}{said}>")
    if isinstance(value, dict) and not names:
        for name, one in value.items():
            keyed(out, scope, one, name, names=False)
    else:
        _inside(out, scope, value, names=names)
    out.append(f"</fn:{kind}>")


def _inside(out: list[str], scope: Scope, value: JsonValue, *, names: bool = True) -> None:
    if isinstance(value, dict):
        members(out, scope, value)
    elif isinstance(value, list):
        for one in value:
            keyed(out, scope, one, names=names)
    elif isinstance(value, bool):
        out.append("true" if value else "false")
    elif value is not None:
        out.append(text(value) if isinstance(value, str) else repr(value))


def _kind(value: Any) -> str:
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, str):
        return "string"
    if value is None:
        return "null"
    if isinstance(value, dict):
        return "map"
    return "array" if isinstance(value, list) else "number"

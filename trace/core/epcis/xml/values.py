"""Values of extensions: any JSON value as elements, and back (the extension rules of EPCIS §9.4).

Rules for reading:
1. an element with text alone is that text; what repeats is a list; what has attributes or children
   is an object of them, text beside them its `#text`
2. `xsi:nil` is null; the attribute `type` of W3C's XML form of JSON (`fn:type="number"`, boolean,
   null, array, map, string) says the JSON type. `xsi:type` is not looked at, as in the published
   JSON twins, save in our own vocabulary, whose members are numbers where they measure. (A type of
   our own in `xsi:type` would make a document invalid for everyone who lacks its schema.)
3. elements of that form itself (`fn:string key="…"` …) stand where a name is none in XML
4. a number is kept exactly or refused, as in JSON
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from trace.core.epcis import vocabulary as words
from trace.core.epcis.errors import (
    DuplicateKey,
    InexactNumber,
    TooDeep,
    UnknownMember,
    WrongType,
)
from trace.core.epcis.strict_json import SAFE_INTEGER, JsonObject, JsonValue
from trace.core.epcis.strict_json import pointer as pointer_of
from trace.core.epcis.xml import names as ns
from trace.core.epcis.xml.errors import BadXml, TooManyNodes, UnexpectedText
from trace.core.remembering import remembered
from trace.errors import Refused, TraceError

if TYPE_CHECKING:
    from lxml.etree import _Element as Element

pointer = remembered(4096)(pointer_of)  # the same names come again and again
BLANK: Final = " \t\r\n"
_NUMBER: Final = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,9})?")
_INTEGER: Final = re.compile(r"[+-]?[0-9]+")
MOST_ATTRIBUTES: Final = 256  # a sensor report has 24, and extensions
_LONGEST_NUMBER: Final = 1100  # the smallest double, written out
_ESCAPED: Final = re.compile(r"\\(\\|u[0-9A-Fa-f]{4}|.?)", re.DOTALL)
_NIL, _XSI_TYPE = f"{{{ns.XSI}}}nil", f"{{{ns.XSI}}}type"
_TYPE, _ESCAPE = f"{{{ns.FN}}}type", f"{{{ns.FN}}}escaped"
_XSD_KINDS: Final = {
    **dict.fromkeys(
        ("integer", "int", "long", "short", "decimal", "double", "float", "nonNegativeInteger"),
        "number",
    ),
    "boolean": "boolean",
}


def number(text: str) -> float | None:
    """The integer or double a literal says; None when it is no number. Raises InexactNumber."""
    if len(text) > _LONGEST_NUMBER or not _NUMBER.fullmatch(text):
        return None
    if _INTEGER.fullmatch(text):
        if len(text) > 40 or abs(int(text)) > SAFE_INTEGER:
            raise InexactNumber(number=text[:40])
        return int(text)
    value = float(text)
    try:
        exact = value - value == 0 and Decimal(repr(value)) == Decimal(text)
    except ArithmeticError:
        exact = False
    if not exact:
        raise InexactNumber(number=text[:40])
    return value


def technical(name: str) -> bool:
    """Whether an attribute is XML's own business and no member."""
    return ns.split(name)[0] in (ns.XSI, ns.LD, ns.XML, ns.FN)


def attributes_of(element: Element) -> list[tuple[str, str]]:
    """The attributes of an element, in order. The tree finds each anew from the first, so that many
    would take long. Raises Refused."""
    given = element.attrib
    if len(given) > MOST_ATTRIBUTES:
        raise Refused([TooManyNodes(limit=MOST_ATTRIBUTES)])
    return [(str(key), str(text)) for key, text in given.items()]


def inner_text(element: Element) -> str:
    """All text directly in an element."""
    text = element.text or ""
    for child in element:
        if child.tail:
            text += child.tail
    return text


class Values:
    """Reads extension values; `found` collects what is wrong."""

    __slots__ = ("found", "max_depth", "names")

    def __init__(self, names: ns.Names, found: list[TraceError], *, max_depth: int) -> None:
        self.names = names
        self.found = found
        self.max_depth = max_depth

    def _deeper(self, path: str) -> None:
        """A pointer has as many steps as there are objects and lists around what it points to."""
        if path.count("/") >= self.max_depth:
            raise Refused([TooDeep(path=path, limit=self.max_depth)])

    def name(self, element: Element) -> str:
        return self.names.name(str(element.tag), element.prefix)

    def value(self, element: Element, path: str, *, own: bool = False) -> JsonValue:
        """The value of one element; `own`: it lies in our own vocabulary."""
        namespace, local = ns.split(str(element.tag))
        if namespace == ns.FN:
            return self._of_kind(local, element, path, element.get("escaped"), own)
        own = own or (namespace.endswith(words.OWN_PATH) and element.prefix == words.OWN_PREFIX)
        given = element.attrib
        if not given:
            if not len(element):
                return element.text or ""
        else:
            if (given.get(_NIL) or "").strip(BLANK) in ("true", "1"):
                self.nothing_in(element, path)
                return None
            kind = self._said_kind(element, own)
            if kind:
                return self._of_kind(kind, element, path, element.get(_ESCAPE), own)
            if not len(element) and all(technical(key) for key, _ in attributes_of(element)):
                return element.text or ""
        return self.members(element, path, own=own)

    def members(self, element: Element, path: str, *, own: bool = False) -> JsonObject:
        """An object of an element's attributes and children."""
        self._deeper(path)
        out: JsonObject = {}
        repeated: set[str] = set()
        if ns.split(str(element.tag))[0] != ns.FN:  # whose attributes are about the form
            self.attributes(element, out, path)
        for child in element:
            self.add(out, repeated, child, path, own=own)
        text = inner_text(element).strip(BLANK)
        if text:
            if "#text" in out:
                self.found.append(DuplicateKey(path=path + pointer("#text"), name="#text"))
            out["#text"] = text
        return out

    def attributes(self, element: Element, out: JsonObject, path: str) -> None:
        """The attributes of an element as members of `out`."""
        for key, text in attributes_of(element):
            if technical(key):
                continue
            name = self.names.name(key, None)
            if name in out:
                self.found.append(DuplicateKey(path=path + pointer(name), name=name))
            out[name] = text

    def add(
        self, out: JsonObject, repeated: set[str], child: Element, path: str, *, own: bool = False
    ) -> None:
        """One child as a member of `out`; the names that stand for lists are in `repeated`."""
        if ns.split(str(child.tag))[0] == ns.FN:
            name = self.key_of(child, path)
            if name is None:
                return
            if name in out:
                self.found.append(DuplicateKey(path=path + pointer(name), name=name))
            out[name] = self.value(child, path + pointer(name), own=own)
            return
        name = self.name(child)
        where = path + pointer(name)
        if name not in out:
            out[name] = self.value(child, where, own=own)
        elif name in repeated:
            out[name].append(self.value(child, f"{where}/{len(out[name])}", own=own))
        else:
            out[name] = [out[name], self.value(child, f"{where}/1", own=own)]
            repeated.add(name)

    def key_of(self, element: Element, path: str) -> str | None:
        """The member name that an element of W3C's form carries; None, and an error, without."""
        key = element.get("key")
        if key is None:
            self.found.append(UnknownMember(path=path, name=ns.split(str(element.tag))[1]))
            return None
        return self.unescaped(key, path) if self._is_true(element.get("escaped-key")) else key

    def nothing_in(self, element: Element, path: str) -> None:
        """What has to be empty, or hold elements alone, holds no text."""
        if inner_text(element).strip(BLANK):
            self.found.append(UnexpectedText(path=path))

    @staticmethod
    def _is_true(text: str | None) -> bool:
        return text is not None and text.strip(BLANK) in ("true", "1")

    def _said_kind(self, element: Element, own: bool) -> str:
        said = element.get(_TYPE)
        if said is not None:
            return said.strip(BLANK)
        said = element.get(_XSI_TYPE) if own else None
        if said is None:
            return ""
        prefix, _, local = said.strip(BLANK).rpartition(":")
        return _XSD_KINDS.get(local, "") if element.nsmap.get(prefix or None) == ns.XSD else ""

    def _of_kind(
        self, kind: str, element: Element, path: str, escaped: str | None, own: bool
    ) -> JsonValue:
        if kind == "map":
            return self.members(element, path, own=own)
        if kind == "array":
            self._deeper(path)
            self.nothing_in(element, path)
            return [self.value(one, f"{path}/{n}", own=own) for n, one in enumerate(element)]
        text = element.text or ""
        if len(element):
            self.found.append(BadXml(path=path, problem="a single value holds elements"))
        if kind == "string":
            return self.unescaped(text, path) if self._is_true(escaped) else text
        return self._single(kind, text.strip(BLANK), path)

    def _single(self, kind: str, text: str, path: str) -> JsonValue:
        if kind == "number":
            try:
                found = number(text)
            except InexactNumber as error:
                self.found.append(error.at(path))
                return 0
            if found is None:
                self.found.append(WrongType(path=path, expected="a number"))
            return found
        if kind == "boolean":
            if text not in ("true", "false", "1", "0"):
                self.found.append(WrongType(path=path, expected="true or false"))
            return text in ("true", "1")
        if kind != "null":
            self.found.append(BadXml(path=path, problem=f"there is no JSON type {kind[:40]!a}"))
        elif text:
            self.found.append(UnexpectedText(path=path))
        return None

    def unescaped(self, text: str, path: str) -> str:
        """Text in which a backslash and four digits say a character XML cannot hold."""

        def one(found: re.Match[str]) -> str:
            escape = found[1]
            character = chr(int(escape[1:], 16)) if len(escape) == 5 else escape
            if escape == "\\" or (len(escape) == 5 and not "\ud800" <= character <= "\udfff"):
                return character
            self.found.append(BadXml(path=path, problem="an escape is not as it should be"))
            return ""

        return _ESCAPED.sub(one, text)

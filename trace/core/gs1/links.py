"""GS1 Digital Link URIs: read, write, canonical form (URI Syntax 1.7).

The rules, in the order they are applied:

1. `http` or `https`, all small or all capital; a host of letters, digits, dots, hyphens, colons
   and brackets; only the characters of RFC 3986 anywhere; a fragment is ignored.
2. The path is read from its end in pairs /identifier/value; the right-most pair whose identifier
   is a primary key is the key, what stands before it is the stem. A trailing slash is refused
   here; `parse_path` (what a resolver sees) forgives one.
3. Pairs after the key are its qualifiers, each at most once and in the grammar's order.
4. Values are percent-decoded; `+` stands for itself in the path and for a space (which no value
   may hold) in the query. A malformed or zero byte is refused.
5. In the query, names of digits only are application identifiers: known, allowed as attributes,
   with a value, none repeated, none a qualifier that could stand in this path. All other names
   and names without `=` belong to others and are ignored. `&` and `;` separate and may repeat.
6. Every value fits its form; then the whole set fits together (companions, exclusions).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Final
from urllib.parse import unquote

from trace.core.gs1.application_identifiers import ALPHA_NAMES, KEYS
from trace.core.gs1.codes import check_code, check_serial
from trace.core.gs1.epc import parse_epc
from trace.core.gs1.errors import (
    AttributeInPath,
    BadCharacter,
    BadHost,
    BadPercentEncoding,
    BadQualifier,
    BadScheme,
    EmptyValue,
    Gs1Error,
    MixedScheme,
    NotALink,
    NotAnAttribute,
    OddSegments,
    QualifierInQuery,
    QualifierOrder,
    Repeated,
    TrailingSlash,
    UnknownIdentifier,
    UnknownKey,
    UriTooLong,
)
from trace.core.gs1.identity import GS1_BASE, OWN_LETTERS, SERIAL, Identity, escape
from trace.core.gs1.table import AIS, SEQUENCES, check_companions, check_value

MAX_URI: Final = 4096
REMEMBERED: Final = 200  # longest text of an identity that is kept in memory once read

_URI: Final = re.compile(
    r"(?:https?|HTTPS?)://[A-Za-z0-9.:\[\]-]+(/[A-Za-z0-9._~:/@!$&'()*+,;=%\[\]-]*)"
    r"(?:\?([A-Za-z0-9._~:/?@!$&'()*+,;=%\[\]-]*))?"
    r"(?:#[A-Za-z0-9._~:/?#@!$&'()*+,;=%\[\]-]*)?"
)
_PATH: Final = re.compile(
    r"(/[A-Za-z0-9._~:/@!$&'()*+,;=%\[\]-]*)(?:\?([A-Za-z0-9._~:/?@!$&'()*+,;=%\[\]-]*))?"
)
_ILLEGAL: Final = re.compile(r"[^A-Za-z0-9._~:/?#@!$&'()*+,;=%\[\]-]")
_GOOD_PERCENT: Final = re.compile(r"(?:[^%]|%(?!00)[0-9A-Fa-f]{2})*")


@dataclass(frozen=True, slots=True)
class DigitalLink:
    """A parsed URI: the identity, the attributes as given (pairs of identifier and decoded
    value), and the stem before the key as written, scheme and host included when there were."""

    identity: Identity
    attributes: tuple[tuple[str, str], ...] = ()
    stem: str = ""

    @property
    def elements(self) -> tuple[tuple[str, str], ...]:
        """Key, qualifiers and attributes as pairs of identifier and value."""
        one = self.identity
        return ((one.key, one.value), *one.qualifiers, *self.attributes)

    def uri(self, base: str = GS1_BASE) -> str:
        """The canonical form (URI Syntax, section 4.12): attributes sorted, no trailing slash."""
        path = base + self.identity.path
        if not self.attributes:
            return path
        return path + "?" + "&".join(f"{ai}={escape(v)}" for ai, v in sorted(self.attributes))


def _decode(text: str, where: str) -> str:
    if _GOOD_PERCENT.fullmatch(text) is None:
        raise BadPercentEncoding(value=text)
    return unquote(text, encoding="latin-1")


def _refuse_shape(text: str, segments: list[str]) -> Gs1Error:
    """Why no key was found at the end of this path."""
    if segments[-1] == "" and len(segments) > 2:
        before = segments[-2]
        return EmptyValue(ai=before) if before in AIS else TrailingSlash()
    keys = [place for place, name in enumerate(segments[:-1]) if name in KEYS]
    if not keys:
        return UnknownKey()
    rest = segments[keys[-1] + 2 :]
    if len(rest) % 2:
        return OddSegments()
    wrong = next((name for name in rest[::2] if name not in AIS), rest[0] if rest else "")
    if wrong.isdigit():
        return UnknownIdentifier(ai=wrong)
    return BadQualifier(ai=wrong, key=segments[keys[-1]])


def _refuse_sequence(sequence: tuple[str, ...]) -> Gs1Error:
    key, rest = sequence[0], sequence[1:]
    alternatives = KEYS[key]
    for place, ai in enumerate(rest):
        if ai in rest[:place]:
            return Repeated(ai=ai)
        if not any(ai in alternative for alternative in alternatives):
            if AIS[ai].attribute:
                return AttributeInPath(ai=ai)
            return BadQualifier(ai=ai, key=key)
    for alternative in alternatives:
        if set(rest) <= set(alternative):
            places = [alternative.index(ai) for ai in rest]
            late = next(n for n in range(1, len(places)) if places[n] < places[n - 1])
            return QualifierOrder(ai=rest[late], key=key, order=", ".join(alternative))
    return BadQualifier(ai=rest[-1], key=key)


def _could_stand_in_path(sequence: tuple[str, ...], ai: str) -> bool:
    return any(
        (*sequence[:place], ai, *sequence[place:]) in SEQUENCES
        for place in range(1, len(sequence) + 1)
    )


def _attributes(
    query: str, sequence: tuple[str, ...], *, legacy: bool
) -> tuple[tuple[str, str], ...]:
    found: list[tuple[str, str]] = []
    if ";" in query:
        query = query.replace(";", "&")
    for item in query.split("&"):
        ai, equals, value = item.partition("=")
        if not equals or not ai.isdigit():
            continue
        spec = AIS.get(ai)
        if spec is None:
            raise UnknownIdentifier(ai=ai)
        if not value:
            raise EmptyValue(ai=ai)
        if ai in sequence or any(ai == other for other, _ in found):
            raise Repeated(ai=ai)
        if _could_stand_in_path(sequence, ai):
            raise QualifierInQuery(ai=ai, key=sequence[0])
        if not spec.attribute:
            raise NotAnAttribute(ai=ai)
        if "+" in value:
            value = value.replace("+", " ")
        if "%" in value:
            value = _decode(value, ai)
        if legacy and ai == "01" and len(value) in {8, 12, 13}:
            value = value.zfill(14)
        check_value(spec, value)
        found.append((ai, value))
    return tuple(found)


def _key_place(segments: list[str]) -> int:
    """Index of the right-most primary key read in pairs from the end; 0 when there is none."""
    place = len(segments) - 2
    while place > 0:
        name = segments[place]
        if name in KEYS:
            return place
        if name not in AIS:
            return 0
        place -= 2
    return 0


def _read(segments: list[str], place: int, query: str | None, legacy: bool) -> DigitalLink:
    names = segments[place::2]
    sequence = tuple(names)
    if sequence not in SEQUENCES:
        raise _refuse_sequence(sequence)
    values = segments[place + 1 :: 2]
    for index, ai in enumerate(names):
        value = values[index]
        if "%" in value:
            values[index] = value = _decode(value, ai)
        if legacy and ai == "01" and len(value) in {8, 12, 13}:
            values[index] = value = value.zfill(14)
        check_value(AIS[ai], value)
    if query:
        attributes = _attributes(query, sequence, legacy=legacy)
        check_companions(sequence + tuple([ai for ai, _ in attributes]))
    else:
        attributes = ()
        check_companions(sequence)
    return DigitalLink(
        Identity(names[0], values[0], tuple(zip(names[1:], values[1:], strict=True))),
        attributes,
        "/".join(segments[:place]),
    )


def _refuse_uri(uri: str) -> Gs1Error:
    scheme, colon, rest = uri.partition("://")
    if not colon or scheme.lower() not in {"http", "https"}:
        return BadScheme()
    if scheme not in {"http", "https", "HTTP", "HTTPS"}:
        return MixedScheme(scheme=scheme)
    illegal = _ILLEGAL.search(uri)
    if illegal is not None:
        return BadCharacter(character=illegal[0], where="URI")
    host, slash, _ = rest.partition("/")
    if not host or not slash or "?" in host or "#" in host:
        return NotALink()
    if re.fullmatch(r"[A-Za-z0-9.:\[\]-]+", host) is None:
        return BadHost(host=host)
    return NotALink()


def parse_digital_link(
    uri: str, *, id_base: str | None = None, legacy: bool = False
) -> DigitalLink:
    """Read a Digital Link URI of any host. With `id_base`, our own addresses under it as well.

    `legacy` also reads what older versions of the syntax wrote: alphabetic names (gtin, lot, ser)
    and GTINs of 8, 12 or 13 digits. Raises a Gs1Error that says which rule was broken."""
    if len(uri) > MAX_URI:
        raise UriTooLong(length=len(uri), limit=MAX_URI)
    if id_base is not None:
        own = _own_tail(uri, id_base)
        if own is not None:
            return _own(own, id_base.rstrip("/"))
    found = _URI.fullmatch(uri)
    if found is None:
        raise _refuse_uri(uri)
    path, query = found.groups()
    segments = path.split("/")
    if legacy:
        for index in range(len(segments) - 2, 0, -2):
            segments[index] = ALPHA_NAMES.get(segments[index], segments[index])
    place = _key_place(segments)
    if not place:
        raise _refuse_shape(path, segments)
    link = _read(segments, place, query, legacy)
    return DigitalLink(link.identity, link.attributes, uri[: found.start(1)] + link.stem)


def _own_segments(segments: list[str]) -> bool:
    return len(segments) in {2, 3} and segments[0].lower() in OWN_LETTERS and len(segments[0]) == 1


def _own_tail(uri: str, id_base: str) -> list[str] | None:
    """The segments of our own address under `id_base`, or None when this is not one. Scheme and
    host are compared without regard to case (labels are printed in capitals)."""
    base = id_base.rstrip("/") + "/"
    if not uri.startswith(base) and uri[: len(base)].lower() != base.lower():
        return None
    tail = uri[len(base) :].partition("?")[0].partition("#")[0].rstrip("/").split("/")
    return tail if _own_segments(tail) else None


def _own(segments: list[str], stem: str) -> DigitalLink:
    return DigitalLink(_own_identity(segments), (), stem)


def _own_identity(segments: list[str]) -> Identity:
    letter, code = segments[0].lower(), check_code(segments[1])
    if len(segments) == 2:
        return Identity(letter, code)
    if letter != "b":
        raise OddSegments()
    return Identity("b", code, ((SERIAL, check_serial(segments[2])),))


def parse_path(path: str) -> DigitalLink:
    """Read a request's raw path (still percent-encoded, `?query` allowed): a GS1 key or, when
    the path begins with one of our letters, our own code. One trailing slash is forgiven."""
    if len(path) > MAX_URI:
        raise UriTooLong(length=len(path), limit=MAX_URI)
    found = _PATH.fullmatch(path)
    if found is None:
        illegal = _ILLEGAL.search(path)
        raise (NotALink() if illegal is None else BadCharacter(character=illegal[0], where="URI"))
    bare, query = found.groups()
    segments = bare.split("/")
    if segments[-1] == "" and len(segments) > 2:
        segments.pop()
    if _own_segments(segments[1:]):
        return _own(segments[1:], "")
    place = _key_place(segments)
    if not place:
        raise _refuse_shape(bare, segments)
    return _read(segments, place, query, legacy=False)


def _resembles_key(segments: list[str], place: int) -> bool:
    """Whether what follows a key's number in a foreign address looks like its value: enough digits
    to be meant as one. `/2021/01/15` is a date in somebody's path, not a broken GTIN."""
    key, value = segments[place], unquote(segments[place + 1])
    digits = len(value) - len(value.lstrip("0123456789"))
    return digits >= (4 if key in {"401", "8004", "8010", "8013"} else 8)


def parse_identity(uri: str, id_base: str) -> Identity | None:
    """The identity a URI names: Digital Link of any host, EPC URN, or ours under `id_base`.

    None for a foreign URI that names no GS1 key (it stays opaque). Raises a Gs1Error when a URI
    of a known scheme is broken. Attributes are checked and dropped; one trailing slash is
    forgiven, `#…` ignored."""
    # Long texts are not remembered: 8,192 of them would fill the memory.
    if len(uri) > REMEMBERED:
        return _parse_identity(uri, id_base)
    return _remembered_identity(uri, id_base)


def _parse_identity(uri: str, id_base: str) -> Identity | None:
    scheme = uri[:8].lower()
    if scheme == "urn:epc:":
        return parse_epc(uri)
    if not scheme.startswith(("http://", "https://")):
        return None
    own = _own_tail(uri, id_base)
    if own is not None:
        return _own_identity(own)
    bare = uri.partition("#")[0]
    path, _, _ = bare.partition("?")
    segments = path.split("/")
    if segments[-1] == "":
        segments.pop()
        bare = path[:-1] + bare[len(path) :]
    place = _key_place(segments)
    if place < 3 or not _resembles_key(segments, place):
        return None
    return parse_digital_link(bare).identity


# An event's identifiers are asked for several times on its way in (rules, index, hash, places).
_remembered_identity = lru_cache(maxsize=4096)(_parse_identity)


def build_digital_link(elements: Iterable[tuple[str, str]], *, base: str = GS1_BASE) -> str:
    """Write a URI from pairs of identifier and value in any order.

    The first primary key among them leads; of its alternatives the one with most qualifiers
    present is taken; the rest are attributes, those of predefined length first, otherwise in the
    order given. A pair given twice alike counts once. Raises a Gs1Error for whatever could not be
    read back."""
    pairs = list(dict.fromkeys(elements))
    names = [ai for ai, _ in pairs]
    for ai in names:
        if ai not in AIS:
            raise UnknownIdentifier(ai=ai)
        if names.count(ai) > 1:
            raise Repeated(ai=ai)
    key = next((ai for ai in names if ai in KEYS), None)
    if key is None:
        raise UnknownKey()
    values = dict(pairs)
    chosen = max(
        (*KEYS[key], ()), key=lambda alternative: len([ai for ai in alternative if ai in values])
    )
    qualifiers = tuple((ai, values[ai]) for ai in chosen if ai in values)
    used = {key, *(ai for ai, _ in qualifiers)}
    rest = [(ai, value) for ai, value in pairs if ai not in used]
    rest.sort(key=lambda pair: not AIS[pair[0]].predefined)
    text = base.rstrip("/") + Identity(key, values[key], qualifiers).path
    if rest:
        text += "?" + "&".join(f"{ai}={escape(value)}" for ai, value in rest)
    for ai, value in pairs:
        check_value(AIS[ai], value)
    parse_digital_link(text)
    return text

"""Names and addresses as queries compare them: on what they mean, never on how they are written.

- A thing, place or party is compared on its GS1 identity (EPC URN, Digital Link on any host); a
  unit named with its lot is the same unit without it; an address of no known scheme is itself.
- A standard word is the same bare, as `cbv:BizStep-shipping`, as an address and as a CBV URN; a
  word or member of another vocabulary is compared on its full address, whatever prefix stands for
  it. `{namespace}#{local}` (EPCIS 1.2) and `{namespace}/{local}` are one name.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from trace.core.epcis import vocabulary as words
from trace.core.epcis.context import declared
from trace.core.epcis.query import Pattern
from trace.core.epcis.strict_json import JsonValue
from trace.core.epcis.vocabulary import WordList
from trace.core.gs1 import Gs1Error, Identity, canonical_uri, parse_identity
from trace.core.remembering import remembered

# The same vocabulary under the names it was published by.
_SAME: Final = (
    (("https://ns.gs1.org/cbv/", "http://ns.gs1.org/cbv/", "http://ref.gs1.org/cbv/"), words.CBV),
    (
        (
            "http://gs1.org/voc/",
            "https://www.gs1.org/voc/",
            "http://www.gs1.org/voc/",
            "https://ref.gs1.org/voc/",
        ),
        words.GS1,
    ),
)
_PATTERN: Final = re.compile(r"urn:epc:idpat:([a-z]+):(.+)", re.DOTALL)
_LAST_SEPARATOR: Final = re.compile(r"[#/:]+(?=[^#/:]*$)")


@remembered(65536)
def same_thing(uri: str, id_base: str) -> str:
    """The text that is equal for two addresses exactly when they mean one thing."""
    try:
        identity = parse_identity(uri, id_base)
    except Gs1Error:
        return uri
    return uri if identity is None else canonical_uri(_finest(identity), id_base)


def _finest(identity: Identity) -> Identity:
    """(gtin, serial) is unique: what else the address of a unit says is not needed."""
    serial = identity.get("21") if identity.key == "01" else None
    return identity if serial is None else Identity("01", identity.value, (("21", serial),))


@remembered(16384)
def levels_of(uri: str, id_base: str) -> tuple[str, ...]:
    """The address and those of what it is a part of (a GLN with its extension is a part of the
    GLN), as `same_thing` writes them."""
    try:
        identity = parse_identity(uri, id_base)
    except Gs1Error:
        return (uri,)
    if identity is None:
        return (uri,)
    return tuple(canonical_uri(level, id_base) for level in identity.levels())


def parse_pattern(text: str) -> Pattern | None:
    """An EPC pattern with open fields at its end; None for anything else.

    What is known of the schemes: sgtin, lgtin, sscc, grai, giai, sgln (TDS 1.13 §6 and §8).
    """
    found = _PATTERN.fullmatch(text)
    if found is None or "*" not in found[2]:
        return None
    scheme, fields = found[1], found[2].split(".")
    prefix = fields[0]
    if not prefix.isascii() or not prefix.isdigit() or not 6 <= len(prefix) <= 12:
        return None
    closed = [field for field in fields if field != "*"]
    if fields[len(closed) :] != ["*"] * (len(fields) - len(closed)):
        return None  # an open field with a closed one behind it
    if not all(re.fullmatch(r"[0-9A-Za-z._%-]+", field) for field in closed):
        return None
    made = _starts(scheme, prefix, closed[1:], len(fields))
    return None if made is None else Pattern(text, *made)


def _starts(
    scheme: str, prefix: str, closed: list[str], count: int
) -> tuple[tuple[str, ...], str] | None:
    base = "https://id.gs1.org"
    if scheme in ("sgtin", "lgtin") and count == 3:
        inside = "/21/" if scheme == "sgtin" else "/10/"
        if not closed:
            return tuple(f"{base}/01/{digit}{prefix}" for digit in range(10)), inside
        if len(prefix) + len(closed[0]) == 13 and closed[0].isdigit():
            return (f"{base}/01/{closed[0][0]}{prefix}{closed[0][1:]}",), inside
    elif scheme == "sscc" and count == 2 and not closed:
        return tuple(f"{base}/00/{digit}{prefix}" for digit in range(10)), ""
    elif scheme == "giai" and count == 2 and not closed:
        return (f"{base}/8004/{prefix}",), ""
    elif scheme in ("grai", "sgln") and count == 3:
        numbers = prefix + "".join(closed)
        if not closed or (len(closed) == 1 and len(numbers) == 12 and numbers.isdigit()):
            key = "8003/0" if scheme == "grai" else "414/"
            return (f"{base}/{key}{numbers}",), ""
    return None


def is_like(pattern: Pattern, text: str) -> bool:
    """Whether a canonical address answers the pattern."""
    return text.startswith(pattern.starts) and pattern.inside in text


# -- words and member names ----------------------------------------------------------------------


def full_name(text: str, prefixes: tuple[tuple[str, str], ...]) -> str:
    """The address a word or member name stands for; a text that is none is itself."""
    for old, new in _SAME:
        if text.startswith(old):
            start = next(one for one in old if text.startswith(one))
            return new + text[len(start) :]
    prefix, colon, rest = text.partition(":")
    if colon and not rest.startswith("//"):
        for known, namespace in prefixes:
            if known == prefix:
                return namespace + rest
    return text


def member_name(text: str, prefixes: tuple[tuple[str, str], ...]) -> str:
    """A member's name, the same for both ways of joining a namespace with it."""
    return _LAST_SEPARATOR.sub("#", full_name(text, prefixes))


def attribute_name(text: str, prefixes: tuple[tuple[str, str], ...]) -> str:
    """The name of an attribute of master data, in whatever form: a bare one is the CBV's."""
    return member_name(text if ":" in text else words.CBV_MASTER_DATA + text, prefixes)


def word_address(text: str, listed: WordList, prefixes: tuple[tuple[str, str], ...]) -> str:
    """The address of a word, for any of its forms."""
    if text in listed.words:
        return listed.address + text
    full = full_name(text, prefixes)
    if full.startswith(listed.urn) and listed.urn:
        return listed.address + full[len(listed.urn) :]
    return full


def known_prefixes(
    id_base: str, context: JsonValue | None = None, extra: Mapping[str, str] | None = None
) -> tuple[tuple[str, str], ...]:
    """(prefix, namespace) pairs: the standard's, ours, those of a JSON-LD context, and others."""
    found = {
        **words.STANDARD_PREFIXES,
        words.OWN_PREFIX: words.own_namespace(id_base),
        **(declared(context) if context is not None else {}),
        **(extra or {}),
    }
    return tuple(sorted(found.items()))

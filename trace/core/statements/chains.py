"""Chains: unlinkable tags, and which chain a thing's events are linked to.

Rules (docs/reference/formats.md, "Log entry").
1. A chain exists per lot, production cycle and logistic unit; per organisation's use of its keys
   (`{issuer}#use`); per organisation's keyring (`{issuer}#keyring`).
2. tag = base64url(first 16 bytes of HMAC-SHA-256(salt, identity ‖ LF ‖ n in decimal)), n from 0.
3. Salts have 32 bytes; the keyring's is all zero, so anyone may follow an organisation's keys.
4. An event about a unit links its lot's chain, once.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from hashlib import sha256
from typing import Any, Final

from trace.core.gs1 import Identity
from trace.core.signing import JsonObject, Unreadable, b64url

KEYRING_SALT: Final = bytes(32)
_INNER: Final = bytes(value ^ 0x36 for value in range(256))
_OUTER: Final = bytes(value ^ 0x5C for value in range(256))
# What pads a salt to the hash's block of 64 bytes.
_INNER_END: Final = b"\x36" * 32
_OUTER_END: Final = b"\x5c" * 32
_LISTS: Final = (
    ("epcList", "epc"),
    ("childEPCs", "child"),
    ("inputEPCList", "input"),
    ("outputEPCList", "output"),
)
_QUANTITY_LISTS: Final = (
    ("quantityList", "epc"),
    ("childQuantityList", "child"),
    ("inputQuantityList", "input"),
    ("outputQuantityList", "output"),
)
# Members that name things, with the role of what they name.
THING_MEMBERS: Final = {"parentID": "parent", **dict(_LISTS), **dict(_QUANTITY_LISTS)}


def tag(salt: bytes, identity: str, n: int) -> str:
    """The tag of link `n` of a chain; 22 characters (rules 2, 3). Raises Unreadable."""
    return tags(salt, identity, n, 1)[0]


def tags(salt: bytes, identity: str, start: int, count: int) -> list[str]:
    """The tags of links start, start + 1, … of a chain. Raises Unreadable."""
    if len(salt) != 32 or start < 0 or "\n" in identity:
        raise Unreadable(
            "a salt of 32 bytes, an identity of one line, n from 0",
            f"{len(salt)} bytes, {identity!r}, {start}",
        )
    # HMAC by its definition (RFC 2104, section 2): one call for it costs three times two hashes.
    inner = salt.translate(_INNER) + _INNER_END + f"{identity}\n".encode()
    outer = salt.translate(_OUTER) + _OUTER_END
    return _texts(
        [
            sha256(outer + sha256(inner + b"%d" % n).digest()).digest()
            for n in range(start, start + count)
        ]
    )


def tags_of(links: Sequence[tuple[bytes, str, int]]) -> list[str]:
    """The tag of each (salt, identity, n), in order: of many chains at less cost than one by one.

    Raises Unreadable.
    """
    digests = []
    for salt, identity, n in links:
        if len(salt) != 32 or n < 0 or "\n" in identity:
            return [tags(*link, 1)[0] for link in links]  # which says what is wrong
        inner = salt.translate(_INNER) + _INNER_END + f"{identity}\n{n}".encode()
        outer = salt.translate(_OUTER) + _OUTER_END
        digests.append(sha256(outer + sha256(inner).digest()).digest())
    return _texts(digests)


def _texts(digests: Sequence[bytes]) -> list[str]:
    """Each digest's first 16 bytes as a tag. With two zero bytes they are a group of 24 characters
    of their own, so that all are encoded at once; the last two characters are the zero bytes'."""
    text = b64url(b"".join([digest[:16] + b"\0\0" for digest in digests]))
    return [text[at : at + 22] for at in range(0, 24 * len(digests), 24)]


def use_identity(issuer: str) -> str:
    """The identity of the chain that counts an organisation's uses of its keys."""
    return f"{issuer}#use"


def keyring_identity(issuer: str) -> str:
    """The identity of the chain that an organisation's key entries form."""
    return f"{issuer}#keyring"


def chain_identity(identity: Identity) -> Identity | None:
    """The lot, production cycle or logistic unit whose chain events about this thing link.

    None for products, places, parties, assets, and for a unit named by GTIN and serial alone: which
    lot it belongs to is information held with the unit.
    """
    if identity.key in ("00", "h", "c"):
        return Identity(identity.key, identity.value)
    if identity.key == "b":
        return Identity("b", identity.value)
    if identity.key == "01" and any(ai == "10" for ai, _ in identity.qualifiers):
        kept = tuple((ai, value) for ai, value in identity.qualifiers if ai != "21")
        return Identity("01", identity.value, kept)
    return None


def thing_uris(event: JsonObject) -> list[tuple[str, str]]:
    """(role, URI) of every thing an event names, in the event's order by member.

    Roles are epc, parent, child, input, output. Works on partly withheld events; members of another
    shape than EPCIS 2.0 gives them are passed over.
    """
    return list(_things(event))


def _things(event: JsonObject) -> Iterator[tuple[str, str]]:
    parent = event.get("parentID")
    if isinstance(parent, str):
        yield "parent", parent
    for member, role in _LISTS:
        for uri in _list(event, member):
            if isinstance(uri, str):
                yield role, uri
    for member, role in _QUANTITY_LISTS:
        for element in _list(event, member):
            if isinstance(element, dict) and isinstance(element.get("epcClass"), str):
                yield role, element["epcClass"]


def _list(event: JsonObject, member: str) -> list[Any]:
    value = event.get(member)
    return value if isinstance(value, list) else []

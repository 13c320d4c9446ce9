"""Addresses in an answer as its reader wants them: GS1 Digital Links or EPC URNs.

Rules (EPCIS 2.0 §12.4, header GS1-EPC-Format; TDS 1.13 §6 and §8):
1. What names a thing, a place, a party or a business document is translated, nothing else.
2. An URN always has its Digital Link (`https://id.gs1.org/…`). The way back needs to know where the
   company prefix ends; without that, and for what has no URN (our own codes), it stays as it was.
3. A translation that does not lead back to the same identity is not made.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from typing import Any, Final
from urllib.parse import quote

from trace.core.epcis.strict_json import JsonObject
from trace.core.gs1 import Gs1Error, Identity, canonical_uri, parse_epc, parse_identity

_LISTS: Final = ("epcList", "childEPCs", "inputEPCList", "outputEPCList")
_QUANTITIES: Final = (
    "quantityList",
    "childQuantityList",
    "inputQuantityList",
    "outputQuantityList",
)
_INNER: Final = {
    "bizTransactionList": "bizTransaction",
    "sourceList": "source",
    "destinationList": "destination",
    **dict.fromkeys(_QUANTITIES, "epcClass"),
}
_SHORTEST, _LONGEST = 6, 12  # digits of a company prefix in an EPC


def translated(event: JsonObject, change: Callable[[str], str]) -> JsonObject:
    """The event with every address of a thing, place, party or document changed."""
    found = dict(event)
    for name, value in event.items():
        if name in _LISTS and isinstance(value, list):
            found[name] = [change(one) if isinstance(one, str) else one for one in value]
        elif name == "parentID" and isinstance(value, str):
            found[name] = change(value)
        elif name in ("readPoint", "bizLocation"):
            found[name] = _with(value, "id", change)
        elif name in _INNER and isinstance(value, list):
            found[name] = [_with(one, _INNER[name], change) for one in value]
    return found


def _with(value: Any, name: str, change: Callable[[str], str]) -> Any:
    if isinstance(value, dict) and isinstance(value.get(name), str):
        return {**value, name: change(value[name])}
    return value


def digital_link_of(uri: str, id_base: str) -> str:
    """The Digital Link of an EPC URN; any other address as it is."""
    if not uri.lower().startswith("urn:epc:"):
        return uri
    try:
        identity = parse_identity(uri, id_base)
    except Gs1Error:
        return uri
    return uri if identity is None else canonical_uri(identity, id_base)


def epc_urn_of(uri: str, id_base: str, prefixes: Collection[str]) -> str:
    """The EPC URN of an address, where one of these company prefixes is its own; else as it is."""
    if uri.lower().startswith("urn:"):
        return uri
    try:
        identity = parse_identity(uri, id_base)
    except Gs1Error:
        return uri
    if identity is None or identity.is_own:
        return uri
    digits = company_digits(identity)
    own = [one for one in prefixes_of(digits) if one in prefixes]
    if not own:
        return uri
    made = _urn(identity, max(own, key=len), digits)
    try:
        return made if made is not None and parse_epc(made) == identity else uri
    except Gs1Error:
        return uri


def company_digits(identity: Identity) -> str:
    """The digits of a key that begin with the company prefix; "" for keys without one."""
    value = identity.value
    if identity.key in ("01", "00"):
        return value[1:-1]
    if identity.key in ("414", "417", "253"):
        return value[:12]
    if identity.key == "8003":
        return value[1:13]
    return value[:_LONGEST] if identity.key == "8004" else ""


def prefixes_of(digits: str) -> Iterator[str]:
    """Every company prefix these digits may begin with."""
    return (digits[:length] for length in range(_SHORTEST, min(_LONGEST, len(digits)) + 1))


def _urn(identity: Identity, prefix: str, digits: str) -> str | None:
    value, rest = identity.value, digits[len(prefix) :]
    qualifiers = dict(identity.qualifiers)
    if identity.key == "01":
        item = f"{prefix}.{value[0]}{rest}"
        if set(qualifiers) == {"21"}:
            return f"urn:epc:id:sgtin:{item}.{_quoted(qualifiers['21'])}"
        if set(qualifiers) == {"10"}:
            return f"urn:epc:class:lgtin:{item}.{_quoted(qualifiers['10'])}"
        return None if qualifiers else f"urn:epc:idpat:sgtin:{item}.*"
    if identity.key == "00":
        return f"urn:epc:id:sscc:{prefix}.{value[0]}{rest}"
    if identity.key == "414":
        return f"urn:epc:id:sgln:{prefix}.{rest}.{_quoted(qualifiers.get('254', '0'))}"
    if identity.key == "417" and not qualifiers:
        return f"urn:epc:id:pgln:{prefix}.{rest}"
    if identity.key in ("8003", "253"):
        scheme, tail = ("grai", value[14:]) if identity.key == "8003" else ("gdti", value[13:])
        return f"urn:epc:id:{scheme}:{prefix}.{rest}.{_quoted(tail)}" if tail else None
    if identity.key == "8004" and not qualifiers:
        return f"urn:epc:id:giai:{prefix}.{_quoted(value[len(prefix) :])}"
    return None


def _quoted(value: str) -> str:
    return quote(value, safe="!'()*+,-.:;=_")

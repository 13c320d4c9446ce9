"""EPC URNs to identities (EPC Tag Data Standard 2.1, sections 6 and 7; EPCIS 2.0 class URNs).

A URN splits the company prefix from what follows and leaves out check digits; a GS1 key joins
them and computes the digit. `urn:epc:id:` names one thing, `urn:epc:class:` a lot, `urn:epc:idpat:`
with `*` at the end whatever is named by the rest: the product of a GTIN, the type of an asset.
Patterns that leave more open, and schemes without a GS1 key (bic, imovn, adi, usdod, gid), map to
nothing and stay opaque.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final
from urllib.parse import unquote

from trace.core.gs1.codes import check_digit
from trace.core.gs1.errors import BadEpc, Gs1Error
from trace.core.gs1.identity import Identity
from trace.core.gs1.table import AIS, check_companions, check_value

_OPEN: Final = "*"
# No two branches fit one text: with %2F in two of them, each one in a long reference doubled the
# time that a wrong one took.
_ESCAPED: Final = re.compile(r"(?:[!'()*+,\-.:;=A-Za-z0-9_]|%(?:2[2356Ff]|3[CEFcef]))+")


def _joined(prefix: str, rest: str, length: int) -> str:
    """Company prefix (6 to 12 digits) and reference, together `length` digits."""
    if not (prefix.isdigit() and 6 <= len(prefix) <= 12 and (rest.isdigit() or not rest)):
        raise ValueError
    if len(prefix) + len(rest) != length:
        raise ValueError
    return prefix + rest


def _checked(digits: str) -> str:
    return digits + str(check_digit(digits))


def _gtin(prefix: str, item: str) -> str:
    # The item reference begins with the indicator digit, which leads the GTIN.
    return _checked(item[:1] + _joined(prefix, item[1:], 12))


def _key13(prefix: str, rest: str) -> str:
    return _checked(_joined(prefix, rest, 12))


def _tail(value: str) -> tuple[str, ...]:
    return () if value == _OPEN else (value,)


def _sgtin(prefix: str, item: str, serial: str) -> Identity:
    return Identity("01", _gtin(prefix, item), tuple(("21", one) for one in _tail(serial)))


def _lgtin(prefix: str, item: str, lot: str) -> Identity:
    return Identity("01", _gtin(prefix, item), tuple(("10", one) for one in _tail(lot)))


def _upui(prefix: str, item: str, extension: str) -> Identity:
    return Identity("01", _gtin(prefix, item), tuple(("235", one) for one in _tail(extension)))


def _itip(prefix: str, item: str, piece: str, total: str, serial: str) -> Identity:
    if len(piece) != 2 or len(total) != 2:
        raise ValueError
    value = _gtin(prefix, item) + piece + total
    return Identity("8006", value, tuple(("21", one) for one in _tail(serial)))


def _sscc(prefix: str, serial: str) -> Identity:
    return Identity("00", _checked(serial[:1] + _joined(prefix, serial[1:], 16)))


def _sgln(prefix: str, place: str, extension: str) -> Identity:
    # Extension 0 means the place as a whole (Tag Data Standard 6.3.3).
    closed = () if extension in {"0", _OPEN} else (("254", extension),)
    return Identity("414", _key13(prefix, place), closed)


def _pgln(prefix: str, party: str) -> Identity:
    return Identity("417", _key13(prefix, party))


def _grai(prefix: str, asset: str, serial: str) -> Identity:
    return Identity("8003", "0" + _key13(prefix, asset) + "".join(_tail(serial)))


def _giai(prefix: str, reference: str) -> Identity:
    if not (prefix.isdigit() and 6 <= len(prefix) <= 12):
        raise ValueError
    return Identity("8004", prefix + reference)


def _gdti(prefix: str, kind: str, serial: str) -> Identity:
    return Identity("253", _key13(prefix, kind) + "".join(_tail(serial)))


def _sgcn(prefix: str, coupon: str, serial: str) -> Identity:
    return Identity("255", _key13(prefix, coupon) + "".join(_tail(serial)))


def _gsrn(prefix: str, service: str) -> Identity:
    return Identity("8018", _checked(_joined(prefix, service, 17)))


def _gsrnp(prefix: str, service: str) -> Identity:
    return Identity("8017", _checked(_joined(prefix, service, 17)))


def _cpi(prefix: str, part: str, serial: str) -> Identity:
    if not (prefix.isdigit() and 6 <= len(prefix) <= 12):
        raise ValueError
    return Identity("8010", prefix + part, tuple(("8011", one) for one in _tail(serial)))


def _ginc(prefix: str, reference: str) -> Identity:
    if not (prefix.isdigit() and 6 <= len(prefix) <= 12):
        raise ValueError
    return Identity("401", prefix + reference)


def _gsin(prefix: str, reference: str) -> Identity:
    return Identity("402", _checked(_joined(prefix, reference, 16)))


# Scheme: the builder, its number of fields (the last may itself hold dots), whether its last
# field may be left open in a pattern.
_Builder = Callable[..., Identity]
_SCHEMES: Final[dict[str, tuple[_Builder, int, bool]]] = {
    "sgtin": (_sgtin, 3, True),
    "itip": (_itip, 5, True),
    "upui": (_upui, 3, True),
    "sscc": (_sscc, 2, False),
    "sgln": (_sgln, 3, True),
    "pgln": (_pgln, 2, False),
    "grai": (_grai, 3, True),
    "giai": (_giai, 2, False),
    "gdti": (_gdti, 3, True),
    "sgcn": (_sgcn, 3, True),
    "gsrn": (_gsrn, 2, False),
    "gsrnp": (_gsrnp, 2, False),
    "cpi": (_cpi, 3, True),
    "ginc": (_ginc, 2, False),
    "gsin": (_gsin, 2, False),
}
_CLASS_SCHEMES: Final[dict[str, tuple[_Builder, int, bool]]] = {"lgtin": (_lgtin, 3, False)}
_PATTERNS: Final = _SCHEMES | {"lgtin": (_lgtin, 3, True)}


def parse_epc(uri: str) -> Identity | None:
    """The identity an EPC URN names; None for kinds and schemes that name no GS1 key.

    Raises BadEpc, or the Gs1Error of the part that is wrong."""
    parts = uri.split(":", 4)
    if len(parts) != 5 or [part.lower() for part in parts[:2]] != ["urn", "epc"]:
        return None
    kind, scheme, body = parts[2], parts[3], parts[4]
    schemes = {"id": _SCHEMES, "class": _CLASS_SCHEMES, "idpat": _PATTERNS}.get(kind)
    if schemes is None or scheme not in schemes:
        return None
    builder, count, may_open = schemes[scheme]
    fields = body.split(".", count - 1)
    if kind == "idpat":
        if _OPEN in fields[:-1] or any(field.startswith("[") for field in fields):
            return None
    elif _OPEN in fields:
        # A serial may hold an asterisk but not be one: that is how a pattern is written.
        raise BadEpc(value=uri, scheme=scheme)
    if len(fields) != count or not all(_ESCAPED.fullmatch(f) or not f for f in fields):
        raise BadEpc(value=uri, scheme=scheme)
    if fields[-1] == _OPEN and not may_open:
        return None
    try:
        identity = builder(*(unquote(field) for field in fields))
    except (ValueError, Gs1Error) as error:
        raise BadEpc(value=uri, scheme=scheme) from error
    check_value(AIS[identity.key], identity.value)
    for ai, value in identity.qualifiers:
        check_value(AIS[ai], value)
    check_companions((identity.key, *(ai for ai, _ in identity.qualifiers)))
    return identity

"""Canonical text of one value for the event hash (CBV 2.0 §8.9).

Rules:
1. blanks around it are dropped
2. old CBV names become addresses: `urn:epcglobal:cbv:bizstep:x` -> `https://ref.gs1.org/cbv/BizStep-x`
3. what reads as a number is written as one: no leading `+` or zeros, no trailing zeros
4. EPC URNs and Digital Links of any host become constrained canonical Digital Links: host
   `id.gs1.org`, no query, finest level only (serial without lot, no consumer variant), GTIN with
   14 digits
5. moments are UTC with three decimals and `Z`; the fourth decimal rounds (half to even)

Two generators must agree to the byte or the hash is worthless, so these rules go exactly as far as
the published reference generator does, its narrowness included: a value it would not recognise
(a serial with `%2F` in a link, a key qualifier it does not know) stays as it was written.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final

from trace.core.remembering import remembered

_BASE: Final = "https://id.gs1.org/"
_OLD_WORDS: Final = (
    ("urn:epcglobal:cbv:bizstep:", "https://ref.gs1.org/cbv/BizStep-"),
    ("urn:epcglobal:cbv:disp:", "https://ref.gs1.org/cbv/Disp-"),
    ("urn:epcglobal:cbv:btt:", "https://ref.gs1.org/cbv/BTT-"),
    ("urn:epcglobal:cbv:sdt:", "https://ref.gs1.org/cbv/SDT-"),
    ("urn:epcglobal:cbv:er:", "https://ref.gs1.org/cbv/ER-"),
)
# First characters of what float() reads: digits, sign, point, inf, nan (other scripts' digits too).
_NUMBER_STARTS: Final = frozenset("+-.0123456789iInN")


def canonical(text: str) -> str:
    """Rules 2 to 4 for a text without blanks around it, at least one character long."""
    if "urn:epcglobal:cbv:" in text:
        for old, new in _OLD_WORDS:
            text = text.replace(old, new)
    if text[0] in _NUMBER_STARTS or text[0] > "\x7f":
        text = canonical_number(text)
    return canonical_identifier(text) if "." in text else text


@remembered(8192)
def canonical_identifier(text: str) -> str:
    """Rule 4; a text that is no identifier of a known form is left alone."""
    if text.startswith("urn:epc:"):
        return _from_urn(text) or text
    if text.startswith(("http:", "https:")):
        if not _KEY_LIKE.search(text):  # our own addresses, mostly: nothing to take apart
            return text
        usual = _USUAL_LINK.fullmatch(text)
        return _BASE + usual[1] if usual else _from_link(text) or text
    return text


def canonical_number(text: str) -> str:
    """Rule 3; text that is no finite number is left alone."""
    if text[4:5] == "-" and text[:4].isdecimal():  # a date: not worth an exception
        return text
    try:
        number = float(text)
        whole = int(number)
    except (ValueError, OverflowError):
        return text
    return str(whole) if whole == number else str(number)


_CANONICAL_TIME: Final = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z"
)


def _moment(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return datetime.fromisoformat(text.upper())  # "t" and "z" are allowed too


@remembered(4096)
def canonical_time(text: str) -> str:
    """Rule 5; text that is no date with a time is left alone."""
    try:
        moment = _moment(text)
        if _CANONICAL_TIME.fullmatch(text):
            return text
        moment = moment.astimezone(UTC)
        finer = moment.microsecond % 1000
        if finer:
            rounded = round(moment.microsecond, -3)
            moment += timedelta(microseconds=rounded - moment.microsecond)
    except (ValueError, OverflowError):
        return text
    return moment.isoformat(timespec="milliseconds")[:-6] + "Z"


# --- EPC URNs (TDS 1.13 §6 to §8) -------------------------------------------------------------

_ESCAPED: Final = str.maketrans(
    {"!": "%21", "(": "%28", ")": "%29", "*": "%2A", "+": "%2B", ",": "%2C", ":": "%3A"}
)
_TAIL: Final = re.compile(
    r"(?:%2[125-9A-Fa-f]|%3[0-9A-Fa-f]|%4[1-9A-Fa-f]|%5[0-9AaFf]|%6[1-9A-Fa-f]|%7[0-9Aa]"
    r"|[!')(*+,.0-9:;=A-Za-z_-])+"
)
_PART: Final = re.compile(r"(?:%2[3dfDF]|%3[0-9]|%4[1-9A-Fa-f]|%5[0-9Aa]|[0-9A-Z-])+")


def _tail(text: str, longest: int) -> str | None:
    """A serial, lot or reference as the Digital Link writes it; None when it is not one."""
    if not _TAIL.fullmatch(text):
        return None
    if len(text) - 2 * text.count("%") > longest:
        return None
    return text.translate(_ESCAPED)


def _check_digit(digits: str) -> str:
    total = 3 * sum(map(int, digits[::-2])) + sum(map(int, digits[-2::-2]))
    return digits + str(-total % 10)


def _digits(prefix: str, rest: str, length: int) -> bool:
    return (
        6 <= len(prefix) <= 12
        and len(prefix) + len(rest) == length
        and prefix.isdecimal()
        and (not rest or rest.isdecimal())
        and (prefix + rest).isascii()
    )


def _gtin(prefix: str, item: str) -> str | None:
    return _check_digit(item[0] + prefix + item[1:]) if _digits(prefix, item, 13) else None


def _key13(prefix: str, rest: str) -> str | None:
    return _check_digit(prefix + rest) if _digits(prefix, rest, 12) else None


def _gtin_with(ai: str, longest: int) -> Callable[[str], str | None]:
    def read(text: str) -> str | None:
        prefix, item, tail = text.split(".", 2)
        gtin, value = _gtin(prefix, item), _tail(tail, longest)
        return f"01/{gtin}/{ai}/{value}" if gtin and value else None

    return read


def _any_gtin(text: str) -> str | None:
    prefix, item, tail = text.split(".", 2)
    gtin = _gtin(prefix, item)
    return f"01/{gtin}" if gtin and tail == "*" else None


def _itip(text: str) -> str | None:
    prefix, item, piece, total, tail = text.split(".", 4)
    gtin = _gtin(prefix, item)
    if not gtin or not re.fullmatch(r"[0-9]{2}/[0-9]{2}", f"{piece}/{total}"):
        return None
    value = _tail(tail, 20)
    return f"8006/{gtin}{piece}{total}/21/{value}" if value else None


def _any_itip(text: str) -> str | None:
    prefix, item, piece, total, tail = text.split(".", 4)
    gtin = _gtin(prefix, item)
    if not gtin or not re.fullmatch(r"[0-9]{2}/[0-9]{2}", f"{piece}/{total}") or tail != "*":
        return None
    return f"8006/{gtin}{piece}{total}"


def _sscc(text: str) -> str | None:
    prefix, serial = text.split(".")
    return (
        f"00/{_check_digit(serial[0] + prefix + serial[1:])}"
        if _digits(prefix, serial, 17)
        else None
    )


def _numbered(ai: str, length: int) -> Callable[[str], str | None]:
    def read(text: str) -> str | None:
        prefix, rest = text.split(".")
        return f"{ai}/{_check_digit(prefix + rest)}" if _digits(prefix, rest, length) else None

    return read


def _sgln(text: str) -> str | None:
    prefix, place, tail = text.split(".", 2)
    gln, value = _key13(prefix, place), _tail(tail, 20)
    if not gln or not value:
        return None
    return f"414/{gln}" if tail == "0" else f"414/{gln}/254/{value}"


def _typed(
    ai: str, longest: int, *, twelve: bool, any_of: bool = False
) -> Callable[[str], str | None]:
    """A 13-digit key of a kind of asset, document or coupon, and a serial run on to it."""

    def read(text: str) -> str | None:
        prefix, kind, tail = text.split(".", 2)
        # The reference does not read these with a 12-digit company prefix; nor do we.
        key = _key13(prefix, kind) if kind or twelve else None
        if not key:
            return None
        if any_of:
            return ai + key if tail == "*" else None
        value = _tail(tail, longest)
        return f"{ai}{key}{value}" if value else None

    return read


def _coupon(text: str) -> str | None:
    prefix, kind, tail = text.split(".", 2)
    key = _key13(prefix, kind)
    return f"255/{key}{tail}" if key and re.fullmatch(r"[0-9]{1,12}", tail) else None


def _run_on(ai: str) -> Callable[[str], str | None]:
    """Company prefix and a reference of together at most 30 characters."""

    def read(text: str) -> str | None:
        prefix, reference = text.split(".", 1)
        value = _tail(reference, 30 - len(prefix)) if _digits(prefix, "", len(prefix)) else None
        return f"{ai}/{prefix}{value}" if value else None

    return read


def _component(text: str) -> str | None:
    prefix, rest = text.split(".", 1)
    part, _, serial = rest.rpartition(".")
    if not _digits(prefix, "", len(prefix)) or not _PART.fullmatch(part):
        return None
    if len(part) - 2 * part.count("%") > 30 - len(prefix):
        return None
    if serial == "*":
        return f"8010/{prefix}{part}"
    return f"8010/{prefix}{part}/8011/{serial}" if re.fullmatch(r"[0-9]{1,12}", serial) else None


_URNS: Final[dict[str, Callable[[str], str | None]]] = {
    "id:sgtin": _gtin_with("21", 20),
    "id:upui": _gtin_with("235", 28),
    "class:lgtin": _gtin_with("10", 20),
    "idpat:sgtin": _any_gtin,
    "idpat:upui": _any_gtin,
    "id:itip": _itip,
    "idpat:itip": _any_itip,
    "id:sscc": _sscc,
    "id:gsrn": _numbered("8018", 17),
    "id:gsrnp": _numbered("8017", 17),
    "id:gsin": _numbered("402", 16),
    "id:pgln": _numbered("417", 12),
    "id:sgln": _sgln,
    "id:grai": _typed("8003/0", 16, twelve=False),
    "idpat:grai": _typed("8003/0", 0, twelve=False, any_of=True),
    "id:gdti": _typed("253/", 19, twelve=True),
    "idpat:gdti": _typed("253/", 0, twelve=False, any_of=True),
    "id:sgcn": _coupon,
    "idpat:sgcn": _typed("255/", 0, twelve=False, any_of=True),
    "id:giai": _run_on("8004"),
    "id:ginc": _run_on("401"),
    "id:cpi": _component,
    "idpat:cpi": _component,
}


def _from_urn(uri: str) -> str | None:
    level, _, rest = uri.removeprefix("urn:epc:").partition(":")
    scheme, _, text = rest.partition(":")
    read = _URNS.get(f"{level}:{scheme}")
    if read is None:
        return None
    try:
        found = read(text)
    except (ValueError, IndexError):  # fewer parts, or characters, than the scheme has
        return None
    return _BASE + found if found else None


# --- Digital Links ----------------------------------------------------------------------------

# In this order a key is looked for; the first found anywhere in the address begins the path.
_KEYS: Final = (
    "00 01 253 255 401 402 414 417 8003 8004 8006 8010 8017 8018".split()  # noqa: SIM905
)
_OLD_NAMES: Final = {
    "gtin": "01",
    "itip": "8006",
    "cpid": "8010",
    "gln": "414",
    "party": "417",
    "gsrnp": "8017",
    "gsrn": "8018",
    "gcn": "255",
    "sscc": "00",
    "gdti": "253",
    "ginc": "401",
    "gsin": "402",
    "grai": "8003",
    "giai": "8004",
    "cpv": "22",
    "lot": "10",
    "ser": "21",
}
_NAMED: Final = "|".join(
    [*_KEYS, *(name for name in _OLD_NAMES if name not in ("cpv", "lot", "ser"))]
)
_LINK: Final = re.compile(rf"https?:[^?#]*/(?:{_NAMED})/[0-9]{{4}}[^/]+")
# What every link with a key holds: four digits after a slash.
_KEY_LIKE: Final = re.compile(r"/[0-9]{4}")
# Most links are of this shape; the host has a point, so that it cannot look like a key itself.
_USUAL_LINK: Final = re.compile(
    r"https?://[^/?#.]*\.[^/?#]*/"
    r"(01/[0-9]{14}(?:/(?:10|21)/[\"'\-.0-9;<=>A-Z_a-z]{1,20})?|41[47]/[0-9]{13}|00/[0-9]{18})"
)
_OLD_NAME: Final = re.compile(r"/(" + "|".join(_OLD_NAMES) + r")(?=/)")
_ON_GS1: Final = re.compile(rf"https://id.gs1.org/(?:{'|'.join(_KEYS)})/[0-9]{{4}}[^/]+")
_SHORT_GTIN: Final = re.compile(r"https://id.gs1.org/01/([0-9]{8,13})")
_X: Final = r"[\"'\-.0-9;<=>?A-Z_a-z]"
_VARIANT: Final = re.compile(
    rf"(https://id.gs1.org/(?:8006/[0-9]{{18}}|01/[0-9]{{14}}))/22/({_X}{{0,20}})"
)
_VARIANT_MORE: Final = re.compile(
    rf"(https://id.gs1.org/(?:8006/[0-9]{{18}}|01/[0-9]{{14}}))/22/(?=[/\"'\-.0-9;<=>?A-Z_a-z]{{0,20}}$){_X}*(/.*)"
)
_LOT_SERIAL: Final = re.compile(
    rf"(https://id.gs1.org/(?:8006/[0-9]{{18}}|01/[0-9]{{14}}))/10/{_X}{{0,20}}(/21/{_X}{{0,20}})"
)
_WHOLE: Final = re.compile(
    "https://id.gs1.org/(?:"
    + "|".join(
        (
            r"00/[0-9]{18}",
            rf"01/[0-9]{{14}}(?:/(?:21|10)/{_X}{{0,20}}|/235/{_X}{{0,28}})?",
            rf"253/[0-9]{{13}}{_X}{{0,17}}",
            r"255/[0-9]{13,25}",
            rf"401/{_X}{{0,30}}",
            r"402/[0-9]{17}",
            rf"414/[0-9]{{13}}(?:/254/{_X}{{0,20}})?",
            r"417/[0-9]{13}",
            rf"8003/[0-9]{{14}}{_X}{{0,16}}",
            rf"8004/{_X}{{0,30}}",
            rf"8006/[0-9]{{18}}(?:/(?:21|10)/{_X}{{0,20}})?",
            r"8010/[#\-/0-9A-Z]{0,30}(?:/8011/[0-9]{0,12})?",
            r"801[78]/[0-9]{18}",
        )
    )
    + ")"
)


def _from_link(uri: str) -> str | None:
    if not _LINK.match(uri):
        return None
    uri = uri.partition("?")[0]
    if _OLD_NAME.search(uri):
        uri = _OLD_NAME.sub(lambda found: f"/{_OLD_NAMES[found[1]]}", uri)
    if not _ON_GS1.match(uri):
        for key in _KEYS:
            place = uri.find(f"/{key}/")
            if place >= 0:
                uri = "https://id.gs1.org" + uri[place:]
                break
    if "/01/" in uri:
        uri = _padded(uri)
    if "/22/" in uri:
        uri = _without_variant(uri)
    found = _LOT_SERIAL.fullmatch(uri)
    if found:
        uri = found[1] + found[2]
    return uri if _WHOLE.fullmatch(uri) else None


def _padded(uri: str) -> str:
    found = _SHORT_GTIN.match(uri)
    if (
        found
        and (len(found[1]) in (8, 12) or len(found[1]) == 13)
        and not uri[found.end() : found.end() + 1].isdecimal()
    ):
        return f"https://id.gs1.org/01/{found[1].zfill(14)}{uri[found.end() :]}"
    return uri


def _without_variant(uri: str) -> str:
    alone = _VARIANT.fullmatch(uri)
    if alone:
        return alone[1]
    more = _VARIANT_MORE.fullmatch(uri)
    return more[1] + more[2] if more else uri

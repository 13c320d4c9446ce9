"""What the value of an application identifier must look like beyond its characters and length.

Each check takes (identifier, part of the value it is about) and returns nothing or raises.
Sources: GS1 General Specifications, section 3 (formats) and 7.9 to 7.12 (check digits, dates).
`date_of` and `measure_of` turn checked values into days and weights.
"""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Final

from trace.core.gs1.codes import check_digit
from trace.core.gs1.errors import (
    BadCountry,
    BadCurrency,
    BadDate,
    BadTime,
    BadValue,
    CheckCharacters,
    CheckDigit,
    CompanyPrefix,
)
from trace.core.gs1.iso import COUNTRIES, COUNTRIES_ALPHA2, CURRENCIES

Check = Callable[[str, str], None]

CSET82: Final = (
    "!\"%&'()*+,-./0123456789:;<=>?ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz"
)
_CSET32: Final = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
_PRIMES: Final = (
    2,
    3,
    5,
    7,
    11,
    13,
    17,
    19,
    23,
    29,
    31,
    37,
    41,
    43,
    47,
    53,
    59,
    61,
    67,
    71,
    73,
    79,
    83,
)
_DAYS: Final = (0, 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_SIXTY: Final = frozenset(f"{n:02}" for n in range(60))
_HOURS: Final = frozenset(f"{n:02}" for n in range(24))


def _csum(ai: str, part: str) -> None:
    raw = part.encode("ascii")
    # The whole number with its check digit, weights 1, 3, 1 … from the right, is a multiple of 10;
    # the codes of the characters are 48 above the digits.
    light, heavy = raw[-1::-2], raw[-2::-2]
    if (sum(light) + 3 * sum(heavy) - 48 * (len(light) + 3 * len(heavy))) % 10:
        raise CheckDigit(ai=ai, value=part, got=part[-1], expected=check_digit(part[:-1]))


def alpha_check(text: str) -> str:
    """The pair of check characters of a GMN given without it (General Specifications 7.9.5)."""
    total = sum(
        CSET82.index(character) * weight
        for character, weight in zip(reversed(text), _PRIMES, strict=False)
    )
    return _CSET32[total % 1021 >> 5] + _CSET32[total % 1021 & 31]


def _csumalpha(ai: str, part: str) -> None:
    if len(part) < 2 or part[-2:] != alpha_check(part[:-2]):
        expected = alpha_check(part[:-2]) if len(part) > 2 else "?"
        raise CheckCharacters(ai=ai, got=part[-2:], expected=expected)


def _prefix(start: int) -> Check:
    def check(ai: str, part: str) -> None:
        digits = part[start : start + 4]
        if len(digits) < 4 or not digits.isdigit():
            raise CompanyPrefix(ai=ai)

    return check


def _check_day(ai: str, part: str, month: int, day: int, *, leap: bool, zero: bool) -> None:
    last = 28 if month == 2 and not leap else _DAYS[month] if 0 < month < 13 else -1
    if day > last or (day == 0 and not zero):
        raise BadDate(ai=ai, value=part)


def _yymmd0(ai: str, part: str) -> None:
    # 1951 to 2050: every fourth year is a leap year.
    _check_day(ai, part, int(part[2:4]), int(part[4:]), leap=int(part[:2]) % 4 == 0, zero=True)


def _yymmdd(ai: str, part: str) -> None:
    _check_day(ai, part, int(part[2:4]), int(part[4:]), leap=int(part[:2]) % 4 == 0, zero=False)


def _yyyymmdd(ai: str, part: str) -> None:
    year = int(part[:4])
    leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    _check_day(ai, part, int(part[4:6]), int(part[6:]), leap=leap, zero=False)


def _hhmi(ai: str, part: str) -> None:
    if part[:2] not in _HOURS or part[2:] not in _SIXTY:
        raise BadTime(ai=ai, value=part)


def _one_of(
    allowed: frozenset[str], error: type[BadTime | BadCountry | BadCurrency | BadValue]
) -> Check:
    def check(ai: str, part: str) -> None:
        if part not in allowed:
            raise error(ai=ai, value=part)

    return check


def _matching(pattern: str) -> Check:
    found = re.compile(pattern).fullmatch

    def check(ai: str, part: str) -> None:
        if found(part) is None:
            raise BadValue(ai=ai, value=part)

    return check


def _pieceoftotal(ai: str, part: str) -> None:
    piece, total = int(part[:2]), int(part[2:])
    if not 0 < piece <= total:
        raise BadValue(ai=ai, value=part)


def _place_in_sequence(ai: str, part: str) -> None:
    if part[0] > part[2]:
        raise BadValue(ai=ai, value=part)


def _degrees(limit: int) -> Check:
    def check(ai: str, part: str) -> None:
        if int(part) > limit * 10_000_000:
            raise BadValue(ai=ai, value=part)

    return check


def _iban(ai: str, part: str) -> None:
    turned = part[4:] + part[:4]
    if not re.fullmatch(r"[A-Z]{2}[0-9]{2}[A-Z0-9]+", part) or part[:2] not in COUNTRIES_ALPHA2:
        raise BadValue(ai=ai, value=part)
    if int("".join(str(int(character, 36)) for character in turned)) % 97 != 1:
        raise BadValue(ai=ai, value=part)


# Names of the checks in the rows of trace.core.gs1.application_identifiers. Coupon contents
# (8110, 8112) are read by character and length only.
CHECKS: Final[dict[str, tuple[Check, ...]]] = {
    "csum": (_csum,),
    "key": (_csum,),
    "key2": (_csum,),
    "gcppos1": (_prefix(0),),
    "csumalpha": (_csumalpha,),
    "hasnondigit": (_matching(r".*[^0-9].*"),),
    "yymmd0": (_yymmd0,),
    "yymmdd": (_yymmdd,),
    "yyyymmdd": (_yyyymmdd,),
    "hhmi": (_hhmi,),
    "hh": (_one_of(_HOURS, BadTime),),
    "mi": (_one_of(_SIXTY, BadTime),),
    "ss": (_one_of(_SIXTY, BadTime),),
    "iso3166": (_one_of(COUNTRIES, BadCountry),),
    "iso3166999": (_one_of(COUNTRIES | {"999"}, BadCountry),),
    "iso3166alpha2": (_one_of(COUNTRIES_ALPHA2, BadCountry),),
    "iso4217": (_one_of(CURRENCIES, BadCurrency),),
    "iso5218": (_one_of(frozenset("0129"), BadValue),),
    "pcenc": (_matching(r"(?:[^%]|%[0-9A-Fa-f]{2})*"),),
    "yesno": (_one_of(frozenset("01"), BadValue),),
    "zero": (_one_of(frozenset("0"), BadValue),),
    "nonzero": (_matching(r"[0-9]*[1-9][0-9]*"),),
    "nozeroprefix": (_matching(r"0|[1-9][0-9]*"),),
    "winding": (_one_of(frozenset("019"), BadValue),),
    "hyphen": (_one_of(frozenset("-"), BadValue),),
    "pieceoftotal": (_pieceoftotal,),
    "posinseqslash": (_matching(r"[1-9]/[1-9]"), _place_in_sequence),
    "latitude": (_degrees(180),),
    "longitude": (_degrees(360),),
    "mediatype": (_matching(r"0[1-9]|10|[89][0-9]"),),
    "iban": (_iban,),
    "importeridx": (_matching(r"[0-9A-Za-z_-]"),),
    "packagetype": (),
    "couponcode": (),
    "couponposoffer": (),
}


def date_of(value: str, *, today: date) -> date:
    """The day that six digits YYMMDD mean, in Gregorian years (General Specifications 7.12).

    The year is the one nearest to `today`: 51 to 99 above the present two digits lie in the
    century before, 50 to 99 below in the one after. Day 00 is the last day of the month.
    Raises BadDate."""
    _yymmd0("date", value)
    ahead = int(value[:2]) - today.year % 100
    century = today.year // 100 * 100 + (-100 if ahead >= 51 else 100 if ahead <= -50 else 0)
    year, month, day = century + int(value[:2]), int(value[2:4]), int(value[4:6])
    last = monthrange(year, month)[1]
    if day > last:
        raise BadDate(ai="date", value=value)
    return date(year, month, day or last)


# UN/ECE Recommendation 20 units of the measures that food carries.
_UNITS: Final = {
    "310": "KGM",
    "315": "LTR",
    "316": "MTQ",
    "320": "LBR",
    "330": "KGM",
    "335": "LTR",
    "336": "MTQ",
    "340": "LBR",
}


def measure_of(ai: str, value: str) -> tuple[Decimal, str] | None:
    """The amount and its UN/ECE unit of a weight or volume: ("3103", "000500") is 0.500 KGM.

    The last digit of the identifier gives the decimals. None for other identifiers."""
    unit = _UNITS.get(ai[:3]) if len(ai) == 4 else None
    return None if unit is None else (Decimal(value).scaleb(-int(ai[3])), unit)

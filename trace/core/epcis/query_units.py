"""Units of measure that queries compare across (UN/ECE Recommendation 20): exact, or not at all.

A condition such as GE_value_CEL is asked in one unit and a reading may be told in another of the
same kind. The table holds what the chain of food measures; two units that are not both in one row
do not compare, rather than by a guess.
"""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import Final

# Unit -> (kind, factor to the kind's base unit, zero point in the base unit).
_KINDS: Final[dict[str, dict[str, tuple[str, str]]]] = {
    "temperature": {"KEL": ("1", "0"), "CEL": ("1", "273.15"), "FAH": ("5/9", "45967/180")},
    "mass": {
        "KGM": ("1", "0"),
        "GRM": ("1/1000", "0"),
        "MGM": ("1/1000000", "0"),
        "MC": ("1/1000000000", "0"),
        "TNE": ("1000", "0"),
        "DTN": ("100", "0"),
        "LBR": ("45359237/100000000", "0"),
        "ONZ": ("45359237/1600000000", "0"),
    },
    "length": {
        "MTR": ("1", "0"),
        "CMT": ("1/100", "0"),
        "MMT": ("1/1000", "0"),
        "KMT": ("1000", "0"),
        "INH": ("254/10000", "0"),
        "FOT": ("3048/10000", "0"),
    },
    "volume": {
        "LTR": ("1", "0"),
        "MLT": ("1/1000", "0"),
        "CLT": ("1/100", "0"),
        "HLT": ("100", "0"),
        "MTQ": ("1000", "0"),
    },
    "time": {"SEC": ("1", "0"), "MIN": ("60", "0"), "HUR": ("3600", "0"), "DAY": ("86400", "0")},
    "pressure": {
        "PAL": ("1", "0"),
        "A97": ("100", "0"),
        "KPA": ("1000", "0"),
        "MBR": ("100", "0"),
        "BAR": ("100000", "0"),
    },
    "speed": {"MTS": ("1", "0"), "KMH": ("5/18", "0")},
    "area": {"MTK": ("1", "0"), "HAR": ("10000", "0"), "KMK": ("1000000", "0")},
}
_UNITS: Final = {
    unit: (kind, Fraction(factor), Fraction(zero))
    for kind, units in _KINDS.items()
    for unit, (factor, zero) in units.items()
}


def convert(
    number: Decimal, unit: str, wanted: str, *, difference: bool = False
) -> Fraction | None:
    """The number told in `unit` as it reads in `wanted`; None where they do not compare. A
    `difference` (a standard deviation) has no zero point."""
    here, there = _UNITS.get(unit), _UNITS.get(wanted)
    if here is None or there is None or here[0] != there[0]:
        return None
    base = Fraction(number) * here[1]
    if not difference:
        base += here[2] - there[2]
    return base / there[1]

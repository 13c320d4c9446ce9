"""Serial shipping container codes (SSCC, AI 00): 18 digits that name one crate, pallet or parcel.

GS1 General Specifications, section 2.2.1 and 3.3.1: an extension digit 0 to 9, the company prefix,
a serial reference that fills 17 digits, a check digit. A number is not given to another logistic
unit within a year; ours is never given again.
"""

from __future__ import annotations

from typing import Final

from trace.core.gs1.codes import check_digit
from trace.core.gs1.errors import BadCharacter, NoNumbersLeft, PrefixLength, PrefixNotCompany

_DIGITS: Final = 16  # of prefix and serial reference together
# Not company prefixes (General Specifications, section 1.4, table 1.4-1): numbers for use inside a
# shop, coupons, refund receipts, serials, books and music.
_OTHERS: Final = ("02", "04", "2", "05", "98", "99", "977", "978", "979")


def check_prefix(text: str) -> str:
    """The digits of a company prefix, as typed with spaces or hyphens. Raises BadCharacter,
    PrefixLength, PrefixNotCompany."""
    digits = "".join(c for c in text if c not in " .-\u00a0")
    wrong = next((c for c in digits if not "0" <= c <= "9"), None)
    if wrong is not None:
        raise BadCharacter(character=wrong, where="0–9")
    if not 4 <= len(digits) <= 12:
        raise PrefixLength(got=len(digits))
    if digits.startswith(_OTHERS) or not digits.strip("0"):
        raise PrefixNotCompany(prefix=digits[:3])
    return digits


def sscc(prefix: str, extension: int, number: int) -> str:
    """SSCC number `number` (from 0) of a prefix: its serial references with this extension digit,
    then those with the next one. Raises NoNumbersLeft."""
    width = _DIGITS - len(prefix)
    ahead, reference = divmod(number, 10**width)
    if extension + ahead > 9:
        raise NoNumbersLeft(prefix=prefix)
    digits = f"{extension + ahead}{prefix}{reference:0{width}}"
    return f"{digits}{check_digit(digits)}"


def format_sscc(text: str) -> str:
    """For people: groups of three and four from the extension digit on, as on logistic labels."""
    return f"{text[0]} {text[1:5]} {text[5:9]} {text[9:13]} {text[13:17]} {text[17:]}"

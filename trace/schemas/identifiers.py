"""GS1 numbers typed into forms: digits, length, check digit; each refusal names the field.

GTIN: 8, 12, 13 or 14 digits, kept as 14 (GS1 General Specifications, section 3.3.2). Numbers for
restricted circulation (GTIN-13 beginning 02, 04 or 20 to 29; section 1.4) mean another thing in
every shop, so they name no product here. GLN: 13 digits.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from trace.core.gs1 import check_digit
from trace.errors import TraceError
from trace.schemas.base import Text, refuse

_SEPARATORS: Final = re.compile(r"[\s.\-\u00a0]")
_RESTRICTED: Final = re.compile(r"0(?:02|04|2\d)\d{11}|00000[2]\d{8}")


class NotDigits(TraceError):
    code = "not-digits"
    message = "A %(kind)s has digits only; “%(character)s” is not one."


class WrongDigitCount(TraceError):
    code = "wrong-digit-count"
    message = "A %(kind)s has %(expected)s digits; this has %(got)d."


class WrongCheckDigit(TraceError):
    code = "wrong-check-digit"
    message = "The last digit should be %(expected)d, not %(got)s: one of the digits is mistyped."


class RestrictedNumber(TraceError):
    code = "restricted-number"
    message = (
        "Numbers that begin with %(prefix)s are for use inside one shop and name no product"
        " elsewhere. Leave the box empty; the product gets a code of ours."
    )


class _Digits(Text):
    kind = ""
    lengths: tuple[int, ...] = ()

    def __init__(self, **options: Any) -> None:
        options.setdefault("load_default", None)
        super().__init__(40, **options)

    def read(self, typed: str, attr: str, data: Mapping[str, Any]) -> str:
        digits = _SEPARATORS.sub("", typed)
        for character in digits:
            if not "0" <= character <= "9":
                refuse(NotDigits(kind=self.kind, character=character))
        if len(digits) not in self.lengths:
            expected = "/".join(map(str, self.lengths))
            refuse(WrongDigitCount(kind=self.kind, expected=expected, got=len(digits)))
        expected_digit = check_digit(digits[:-1])
        if int(digits[-1]) != expected_digit:
            refuse(WrongCheckDigit(expected=expected_digit, got=digits[-1]))
        return digits


class Gtin(_Digits):
    """A GTIN as 14 digits, or None."""

    kind = "GTIN"
    lengths = (8, 12, 13, 14)

    def read(self, typed: str, attr: str, data: Mapping[str, Any]) -> str:
        digits = super().read(typed, attr, data).zfill(14)
        if not digits.strip("0"):
            refuse(WrongDigitCount(kind=self.kind, expected="8/12/13/14", got=0))
        if _RESTRICTED.fullmatch(digits):
            refuse(RestrictedNumber(prefix=digits.lstrip("0")[:2]))
        return digits


class Gln(_Digits):
    """A GLN of 13 digits, or None."""

    kind = "GLN"
    lengths = (13,)

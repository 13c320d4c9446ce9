"""Our own codes, check digits of GS1 keys, and lot names that we print.

A code (formats, section 1) is 9 random characters of Crockford's base 32 and one check
character: the number the nine spell, modulo 37. Crockford writes the values 32 to 36 as
``*~$=U``; a draw that ends there is thrown away, so codes are letters and digits only.
Reading forgives what people mistype: small letters, hyphens and spaces, O for 0, I and L for 1.
A unit's serial is 16 such characters (80 bits) without a check character.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from typing import Final

from trace.core.gs1.errors import BadCharacter, CodeCharacter, CodeCheck, CodeLength, LotText

ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
CODE_LENGTH: Final = 10
SERIAL_LENGTH: Final = 16
LOT_LENGTH: Final = 10

_VALUES: Final = {character: value for value, character in enumerate(ALPHABET)}
_FORGIVEN: Final = str.maketrans({"O": "0", "I": "1", "L": "1", "-": None, " ": None})
# Python counts in base 32 with 0–9 and A–V.
_AS_PYTHON: Final = str.maketrans(ALPHABET, "0123456789ABCDEFGHIJKLMNOPQRSTUV")
_PRINTED: Final = re.compile(f"[{ALPHABET}]*")
_LOT_CHARACTERS: Final = frozenset("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ.-")


def check_digit(digits: str) -> int:
    """The GS1 check digit of `digits` (given without it): weights 3, 1, 3 … from the right,
    modulo 10 (General Specifications, section 7.9). Raises BadCharacter for anything but digits."""
    if not (digits.isascii() and digits.isdigit()):
        wrong = next((c for c in digits if c not in "0123456789"), "")
        raise BadCharacter(character=wrong, where="0–9")
    raw = digits.encode("ascii")
    heavy, light = raw[-1::-2], raw[-2::-2]
    return -(3 * (sum(heavy) - 48 * len(heavy)) + sum(light) - 48 * len(light)) % 10


def _spell(number: int, length: int) -> str:
    return "".join(ALPHABET[(number >> 5 * place) & 31] for place in range(length - 1, -1, -1))


def _number(text: str) -> int:
    return int(text.translate(_AS_PYTHON), 32)


def new_code(randbytes: Callable[[int], bytes]) -> str:
    """A fresh code of 10 characters. `randbytes(n)` gives n random bytes (secrets.token_bytes)."""
    while True:
        number = int.from_bytes(randbytes(6), "big") & ((1 << 45) - 1)
        check = number % 37
        if check < 32:
            return _spell(number, CODE_LENGTH - 1) + ALPHABET[check]


def new_serial(randbytes: Callable[[int], bytes]) -> str:
    """A fresh unit serial: 80 random bits as 16 characters."""
    return _spell(int.from_bytes(randbytes(10), "big"), SERIAL_LENGTH)


def _normalised(text: str, length: int) -> str:
    if len(text) == length and _PRINTED.fullmatch(text):
        return text
    plain = text.strip().upper().translate(_FORGIVEN)
    for character in plain:
        if character not in _VALUES:
            raise CodeCharacter(character=character)
    if len(plain) != length:
        raise CodeLength(expected=length, got=len(plain))
    return plain


def check_code(text: str) -> str:
    """The code in its one printed form, or CodeLength, CodeCharacter, CodeCheck."""
    plain = _normalised(text, CODE_LENGTH)
    if _number(plain[:-1]) % 37 != _VALUES[plain[-1]]:
        raise CodeCheck(value=format_code(plain))
    return plain


def check_serial(text: str) -> str:
    """A unit's serial in its one printed form, or CodeLength, CodeCharacter."""
    return _normalised(text, SERIAL_LENGTH)


def format_code(code: str) -> str:
    """For people: 7K3QMP2XV4 becomes 7K3QM-P2XV4, a serial four groups of four."""
    size = 4 if len(code) == SERIAL_LENGTH else 5
    return "-".join(code[start : start + size] for start in range(0, len(code), size))


def suggest_lot(text: str) -> str:
    """The nearest lot name that we print: no diacritics, capitals, at most 10 characters."""
    spread = unicodedata.normalize("NFD", text.replace("đ", "d").replace("Đ", "D").upper())
    kept = "".join(
        c if c in _LOT_CHARACTERS else "-" for c in spread if not unicodedata.combining(c)
    )
    while "--" in kept:
        kept = kept.replace("--", "-")
    return kept.strip("-")[:LOT_LENGTH].rstrip("-")


def check_lot(text: str) -> str:
    """A lot name as we issue it (formats, section 1), or LotText with a suggestion. Lot names
    of others may use all that GS1 allows; this is only for those we print ourselves."""
    if not 0 < len(text) <= LOT_LENGTH or not _LOT_CHARACTERS.issuperset(text):
        raise LotText(suggestion=suggest_lot(text) or "LOT-1")
    return text

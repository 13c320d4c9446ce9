"""What an RFID tag holds, to an identity (EPC Tag Data Standard 1.13 and 2.1, section 14).

Rules.
1. The first eight bits name the scheme; each scheme has one length. Bits beyond it fill the last
   byte, or the last word of 16 bits of the tag's memory, and are zero.
2. Three bits of filter say what kind of packaging it is; they are no part of the identity.
3. Three bits of partition divide what follows between company prefix and reference: 6 to 12 digits
   of prefix, the reference takes the rest of the key's digits. More digits than bits could hold
   are no key. Partition 7 means nothing.
4. A serial is a whole number without leading zeros (96 bits), or characters of seven bits each, of
   which zeros at the end are none (the longer forms).
What is read so is written as the EPC URN of its scheme, and read by the rules of URNs.

Schemes that name no GS1 key (gid, usdod, adi, bic, imovn) and the `+` schemes of version 2, which
hold the key's digits as they are printed, are not read here.
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

from trace.core.gs1.epc import parse_epc
from trace.core.gs1.errors import BadEpcBinary
from trace.core.gs1.identity import Identity

_PREFIX_BITS: Final = (40, 37, 34, 30, 27, 24, 20)  # by partition: 12 to 6 digits
_HEX: Final = re.compile(r"[0-9A-Fa-f]{24,64}")
_BASE64: Final = re.compile(r"[A-Za-z0-9_-]{16,43}={0,2}")
# In a URN, as the EPC Tag Data Standard writes characters (table A-1).
_PLAIN: Final = "!'()*+,-.:;=_"


@dataclass(frozen=True, slots=True)
class _Scheme:
    """`digits` of prefix and reference together; `joined` bits of both; `serial` bits of a number,
    or of `characters` of seven bits; 0: what is left is reserved and zero. `open` references have
    no fixed number of digits."""

    name: str
    bits: int
    digits: int
    joined: int
    serial: int = 0
    characters: bool = False
    open: bool = False


_SCHEMES: Final[dict[int, _Scheme]] = {
    0x30: _Scheme("sgtin", 96, 13, 44, 38),
    0x36: _Scheme("sgtin", 198, 13, 44, 140, characters=True),
    0x31: _Scheme("sscc", 96, 17, 58),
    0x32: _Scheme("sgln", 96, 12, 41, 41),
    0x39: _Scheme("sgln", 195, 12, 41, 140, characters=True),
    0x33: _Scheme("grai", 96, 12, 44, 38),
    0x37: _Scheme("grai", 170, 12, 44, 112, characters=True),
    0x34: _Scheme("giai", 96, 0, 82, open=True),
    0x2D: _Scheme("gsrn", 96, 17, 58),
    0x2E: _Scheme("gsrnp", 96, 17, 58),
    0x2C: _Scheme("gdti", 96, 12, 41, 41),
    0x3E: _Scheme("gdti", 174, 12, 41, 119, characters=True),
}


class _Bits:
    """Bits from the left, and how many are left of them."""

    def __init__(self, data: bytes, length: int) -> None:
        spare = len(data) * 8 - length
        self.value = int.from_bytes(data)
        if self.value & ((1 << spare) - 1):
            raise BadEpcBinary(reason="padding")
        self.value >>= spare
        self.left = length

    def take(self, count: int) -> int:
        self.left -= count
        found = self.value >> self.left
        self.value &= (1 << self.left) - 1
        return found


def looks_like_epc(form: str, text: str) -> bool:
    """Whether a text could be a tag's content: `eh` hexadecimal, `ex` base64url."""
    return (_HEX if form == "eh" else _BASE64).fullmatch(text) is not None


def parse_epc_binary(form: str, text: str) -> Identity:
    """The identity a tag holds, written in hexadecimal (`eh`) or in base64url (`ex`). Raises
    BadEpcBinary naming what is wrong with the bits, or the Gs1Error of the key in them."""
    if not looks_like_epc(form, text):
        raise BadEpcBinary(reason="form")
    try:
        if form == "eh":
            data = bytes.fromhex(text)
        else:
            bare = text.rstrip("=")
            data = base64.urlsafe_b64decode(bare + "=" * (-len(bare) % 4))
    except (ValueError, binascii.Error):
        raise BadEpcBinary(reason="form") from None
    scheme = _SCHEMES.get(data[0])
    if scheme is None:
        raise BadEpcBinary(reason="scheme")
    if not scheme.bits <= len(data) * 8 < scheme.bits + 16:
        raise BadEpcBinary(reason="length")
    return _read(scheme, _Bits(data, scheme.bits))


def _read(scheme: _Scheme, bits: _Bits) -> Identity:
    bits.take(8 + 3)  # the scheme, the filter
    partition = bits.take(3)
    if partition == 7:
        raise BadEpcBinary(reason="partition")
    width, length = _PREFIX_BITS[partition], 12 - partition
    prefix = _digits(bits.take(width), length)
    rest = bits.take(scheme.joined - width)
    fields = [prefix, str(rest) if scheme.open else _digits(rest, scheme.digits - length)]
    if scheme.serial:
        fields.append(_text(bits) if scheme.characters else str(bits.take(scheme.serial)))
    elif bits.take(bits.left):
        raise BadEpcBinary(reason="padding")
    identity = parse_epc(f"urn:epc:id:{scheme.name}:{'.'.join(fields)}")
    if identity is None:
        raise BadEpcBinary(reason="scheme")
    return identity


def _digits(number: int, length: int) -> str:
    text = str(number).zfill(length) if length else ""
    if len(text) > length or (not length and number):
        raise BadEpcBinary(reason="digits")
    return text


def _text(bits: _Bits) -> str:
    """Characters of seven bits until the first zero; after it there are only zeros."""
    found = []
    while bits.left >= 7 and (character := bits.take(7)):
        found.append(chr(character))
    if bits.take(bits.left) or not found:
        raise BadEpcBinary(reason="serial")
    return quote("".join(found), safe=_PLAIN)

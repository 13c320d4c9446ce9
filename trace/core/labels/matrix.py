"""QR code matrices (ISO/IEC 18004) behind one function, from either of two encoders.

`zxing` (zxing-cpp, compiled) draws sheets of thousands; `qrcode` (pure Python) draws the code on a
page. They may choose different masks and segments, so matrices differ, but both decode to the same
text, which is what tests hold. Error correction M (15 %) is the default: printed labels get dirty,
and H would cost two versions of size.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, Literal, cast

import qrcode
import zxingcpp
from qrcode.exceptions import DataOverflowError

from trace.core.labels.errors import TextTooLong

Engine = Literal["zxing", "qrcode"]
Level = Literal["L", "M", "Q", "H"]

QUIET_ZONE: Final = 4  # modules, ISO/IEC 18004 section 9.1

# zxing-cpp draws dark modules as 0 and light ones as 255.
_DIGITS: Final = bytes(0x31 if value < 128 else 0x30 for value in range(256))
_LEVELS: Final = {
    "L": qrcode.ERROR_CORRECT_L,
    "M": qrcode.ERROR_CORRECT_M,
    "Q": qrcode.ERROR_CORRECT_Q,
    "H": qrcode.ERROR_CORRECT_H,
}


@dataclass(frozen=True, slots=True)
class Matrix:
    """`size` by `size` modules without quiet zone. `rows` holds one row each: bits from the left,
    1 is dark, filled up with zeros to whole bytes."""

    size: int
    rows: tuple[bytes, ...]

    def dark(self, x: int, y: int) -> bool:
        return bool(self.rows[y][x >> 3] & 0x80 >> (x & 7))

    def runs(self) -> Iterator[tuple[int, int, int]]:
        """(x, y, length) of every horizontal run of dark modules."""
        for y in range(self.size):
            start = -1
            for x in range(self.size + 1):
                dark = x < self.size and self.dark(x, y)
                if dark and start < 0:
                    start = x
                elif not dark and start >= 0:
                    yield start, y, x - start
                    start = -1


def _packed(rows: list[bytes], size: int) -> Matrix:
    """Rows of the characters 0 and 1 to rows of bits."""
    width = (size + 7) // 8
    fill = width * 8 - size
    return Matrix(size, tuple((int(row, 2) << fill).to_bytes(width, "big") for row in rows))


def _zxing(text: str, level: Level) -> Matrix:
    try:
        code = zxingcpp.create_barcode(text, zxingcpp.BarcodeFormat.QRCode, ec_level=level)
    except ValueError as error:
        raise TextTooLong(length=len(text)) from error
    image = code.to_image(scale=1, add_quiet_zones=False)
    size = image.shape[0]
    # The image is a buffer of bytes, which its type stub does not say.
    digits = bytes(memoryview(cast("Any", image))).translate(_DIGITS)
    return _packed([digits[start : start + size] for start in range(0, size * size, size)], size)


def _qrcode(text: str, level: Level) -> Matrix:
    code = qrcode.QRCode(error_correction=_LEVELS[level], border=0)
    code.add_data(text)
    try:
        code.make(fit=True)
    except (DataOverflowError, ValueError) as error:
        raise TextTooLong(length=len(text)) from error
    rows = [bytes(0x31 if dark else 0x30 for dark in row) for row in code.modules]
    return _packed(rows, len(rows))


def qr_matrix(text: str, *, level: Level = "M", engine: Engine = "zxing") -> Matrix:
    """The code of `text` (URLs in capitals come out smallest). Raises TextTooLong."""
    if not text or len(text) > 4296:  # ISO/IEC 18004 table 7: most alphanumeric characters
        raise TextTooLong(length=len(text))
    return _zxing(text, level) if engine == "zxing" else _qrcode(text, level)

"""Photos for tests, good and bad."""

from __future__ import annotations

import io
import struct
import zlib
from typing import Any

from PIL import Image

from trace.core.labels import qr_png


def a_photo(width: int = 64, height: int = 48, form: str = "JPEG", **options: Any) -> bytes:
    """A plain picture; `options` go to the encoder."""
    file = io.BytesIO()
    Image.new("RGB", (width, height), (30, 120, 60)).save(file, form, **options)
    return file.getvalue()


def bomb(width: int = 60_000, height: int = 60_000) -> bytes:
    """A small PNG that claims to be enormous, with a valid header and checksums."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        checksum = zlib.crc32(kind + data)
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", checksum)

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    pixels = zlib.compress(bytes(1000))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        (chunk(b"IHDR", header), chunk(b"IDAT", pixels), chunk(b"IEND", b""))
    )


def photo_of_codes(*texts: str) -> bytes:
    """A picture of printed QR codes side by side, on paper."""
    codes: list[Image.Image] = []
    for text in texts:
        with Image.open(io.BytesIO(qr_png(text, scale=6))) as code:
            codes.append(code.convert("L"))
    paper = Image.new(
        "L", (sum(c.width for c in codes) + 80, max(c.height for c in codes) + 80), 240
    )
    left = 40
    for one in codes:
        paper.paste(one, (left, 40))
        left += one.width
    file = io.BytesIO()
    paper.save(file, "PNG")
    return file.getvalue()

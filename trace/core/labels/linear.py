"""GS1-128 bars of a logistic label (GS1 General Specifications, sections 5.4, 6.6).

The symbol of an SSCC is 156 modules of 0.495 mm at least, at least 32 mm high, with ten modules of
quiet zone on both sides. Where the stock is too small for that there is no symbol: one that no
scanner at a warehouse door reads would be worse than none, and the QR code says the same.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, cast

import zxingcpp

MODULE: Final = 0.495  # mm, the least for general distribution (table 5.12.3-1, SSCC)
MODULE_MOST: Final = 0.94  # beyond this a symbol is wider than most scanners' view
HEIGHT: Final = 32.0  # mm
QUIET: Final = 10  # modules on each side
# Beside the symbol there must be room for the code and the words.
_LEFT: Final = 29.0  # mm


@dataclass(frozen=True, slots=True)
class Bars:
    """A symbol: its width in modules, and (from the left, how wide) each bar."""

    modules: int
    bars: tuple[tuple[int, int], ...]


@lru_cache(maxsize=16)
def gs1_128(element_string: str) -> Bars:
    """The bars of `(00)…`: start, FNC1, data, check, stop; digits two by two (subset C)."""
    code = zxingcpp.create_barcode(element_string, zxingcpp.BarcodeFormat.Code128, gs1=True)
    image = code.to_image(scale=1, add_quiet_zones=False, add_hrt=False)
    width = image.shape[1]
    row = bytes(memoryview(cast("Any", image)))[:width]
    dark = "".join("1" if value < 128 else "0" for value in row)
    return Bars(width, tuple((found.start(), len(found[0])) for found in re.finditer("1+", dark)))


def module_of(modules: int, width: float, height: float) -> float:
    """How wide a module may be, in mm, on a label with `width` × `height` mm inside its padding;
    0 where the symbol does not fit."""
    module = min(width / (modules + 2 * QUIET), MODULE_MOST)
    return module if module >= MODULE and height - HEIGHT >= _LEFT else 0.0

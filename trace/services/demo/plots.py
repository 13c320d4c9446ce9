"""Outlines and codes of the demo world's plots: made up, near the middle of real wards. Pure.

Plots of one organisation in one ward lie beside one another, so that drawings have neighbours. One
is declared a good deal larger than it is, and one code has expired: pages show what marks say.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from math import cos, radians, sin, sqrt
from random import Random
from typing import Any, Final

from trace.core import geo
from trace.core.geo import Outline

OUTLINED: Final = ("plot", "greenhouse", "pond")
_TILT: Final = radians(14)
_ACROSS: Final = 1.4  # how much longer than wide
_GAP: Final = 3.0  # metres of bank between plots
# What was measured of what was declared; one plot does not fit.
_SHARES: Final = (0.99, 1.02, 0.97)
_MISFIT: Final = 7


def plot_outline(
    middle: tuple[float, float], area: float, number: int, plot: int, rng: Random
) -> Outline:
    """The `number`th plot from a middle (latitude, longitude): four crooked corners and one in the
    long side, about as large as declared (m²). `plot` counts all plots of the world."""
    wanted = area * (0.78 if plot == _MISFIT else _SHARES[plot % len(_SHARES)])
    wide = sqrt(area / _ACROSS)
    long = wide * _ACROSS
    corners = [(0.0, 0.0), (wide, 0.0), (wide, long * 0.55), (wide, long), (0.0, long)]
    crooked = [
        (x + rng.uniform(-0.04, 0.04) * wide, y + rng.uniform(-0.04, 0.04) * wide)
        for x, y in corners
    ]
    # A row of at most five, then the next row.
    step = sqrt(max(1920.0, area * 1.25) / _ACROSS) + _GAP
    east, north = (number % 5) * step, -(number // 5) * step * 1.6
    scale_x, scale_y = geo.scales(middle[0])

    def at(factor: float) -> list[tuple[float, float]]:
        placed = []
        for x, y in crooked:
            px, py = east + x * factor, north + y * factor
            turned = px * cos(_TILT) - py * sin(_TILT), px * sin(_TILT) + py * cos(_TILT)
            lon = middle[1] + turned[0] / scale_x
            placed.append((lon, middle[0] + turned[1] / scale_y))
        return placed

    factor = sqrt(wanted / geo.area(at(1.0)))
    points = (geo.position(f"{lon:.7f}", f"{lat:.7f}") for lon, lat in at(factor))
    return Outline(tuple(points))


def plot_codes(
    organisation: str, kind: str, province: str, number: int, crop: str, start: date
) -> Iterator[dict[str, Any]]:
    """Codes as columns. No range is kept for demonstrations: these say DEMO, or begin with a
    province that does not exist."""
    issued, expires = start - timedelta(days=300), start + timedelta(days=5 * 365)
    common = {"state": "active", "issued": issued, "expires": expires}
    if organisation == "dragon" and kind == "plot":
        code = f"00-PUC-DEMO-{number:05}-CHN"
        yield {"kind": "planting", "code": code, "market": "CHN", "crop": crop, **common}
    elif organisation == "exporter" and kind == "packhouse":
        code = f"00-PHC-DEMO-{number:05}-CHN"
        yield {"kind": "packing", "code": code, "market": "CHN", "crop": crop, **common}
    elif kind == "plot":
        if number == 3:
            common["expires"] = start - timedelta(days=20)
        code = f"DEMO-{province}-{number:03}"
        yield {"kind": "planting", "code": code, "market": "", "crop": "", **common}

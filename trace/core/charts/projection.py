"""From degrees to a drawing: equirectangular, true to scale at the middle latitude. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import cos, radians
from typing import Final

Point = tuple[float, float]
EDGE: Final = 16  # units kept free around what is drawn
CLOSEST: Final = 0.08  # degrees: no picture is closer
KM_PER_DEGREE: Final = 111.2  # of latitude: 40,030 km / 360
SCALES: Final = (1, 2, 5, 10, 20, 50, 100, 200, 500)
LONGEST_BAR: Final = 70


@dataclass(frozen=True, slots=True)
class Frame:
    """Degrees to units: equirectangular, true to scale at the middle latitude."""

    left: float
    top: float
    narrow: float
    scale: float
    at: Point = (0.0, 0.0)

    @classmethod
    def around(cls, points: Sequence[Point], size: Point, at: Point = (0.0, 0.0)) -> Frame:
        """The frame of this size at `at` in whose middle all (lon, lat) stand."""
        west, east = min(x for x, _ in points), max(x for x, _ in points)
        south, north = min(y for _, y in points), max(y for _, y in points)
        narrow = cos(radians((south + north) / 2))
        wide = max((east - west) * narrow, CLOSEST)
        high = max(north - south, CLOSEST)
        scale = min((size[0] - 2 * EDGE) / wide, (size[1] - 2 * EDGE) / high)
        left = (west + east) / 2 - size[0] / 2 / scale / narrow
        return cls(left, (south + north) / 2 + size[1] / 2 / scale, narrow, scale, at)

    def __call__(self, point: Point) -> Point:
        x = (point[0] - self.left) * self.narrow * self.scale + self.at[0]
        return round(x, 1), round((self.top - point[1]) * self.scale + self.at[1], 1)

    def bar(self) -> tuple[int, float]:
        """(kilometres, units) of the scale's bar."""
        unit = self.scale / KM_PER_DEGREE
        km = max((one for one in SCALES if one * unit <= LONGEST_BAR), default=SCALES[0])
        return km, round(km * unit, 1)

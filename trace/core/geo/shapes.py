"""Shapes as read, and what makes one an outline.

An outline is one ring of at least three points in WGS 84 degrees, longitude before latitude, that
does not touch itself, has no holes and is closed in the text it came from (RFC 7946, section
3.1.6). Positions keep the digits they were written with, at most eight decimals (a millimetre);
nothing is rounded, thinned or turned round silently. What can be mended is offered: `fixes` holds
what the person agreed to ("swap", "close", "thin").

Crossing is decided on whole numbers of 10^-8 degree: exactly, without a tolerance.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final, NamedTuple

from trace.core.geo import errors as wrong
from trace.core.geo.measures import area, distance
from trace.errors import Refused, TraceError

POINT_LIMIT: Final = 2000
HECTARES_LIMIT: Final = 10_000
FIXES: Final = ("swap", "close", "thin")
# Longitudes and latitudes around the mainland, Hoàng Sa and Trường Sa.
VIET_NAM: Final = (Decimal(102), Decimal(6), Decimal(118), Decimal(24))
DECIMALS: Final = 8


class Position(NamedTuple):
    """WGS 84 degrees with the digits they were written with."""

    lon: Decimal
    lat: Decimal

    @property
    def degrees(self) -> tuple[float, float]:
        return float(self.lon), float(self.lat)

    @property
    def swapped(self) -> Position:
        return Position(self.lat, self.lon)


@dataclass(frozen=True, slots=True)
class Drawn:
    """A shape as a file or a box holds it, not yet checked. `points` of a ring are as written: a
    closed one ends with its first."""

    kind: str  # point | ring | line
    points: tuple[Position, ...]
    holes: int = 0
    name: str = ""


@dataclass(frozen=True, slots=True)
class Outline:
    """A checked ring: every point once, the last is joined to the first."""

    points: tuple[Position, ...]

    @property
    def ring(self) -> list[tuple[float, float]]:
        """(longitude, latitude) of each point."""
        return [point.degrees for point in self.points]

    @property
    def decimals(self) -> int:
        """The decimals of the most precise number in it."""
        return max(decimals_of(number) for point in self.points for number in point)

    def to_json(self) -> str:
        """`[[105.671100,21.093100],…]`, digits kept, the first point not repeated."""
        return f"[{','.join(f'[{lon:f},{lat:f}]' for lon, lat in self.points)}]"


def decimals_of(number: Decimal) -> int:
    """Digits after the point, as written."""
    exponent = number.as_tuple().exponent
    return -exponent if isinstance(exponent, int) and exponent < 0 else 0


def in_viet_nam(point: Position) -> bool:
    """Whether it lies in the box around the country; neighbours are in it too."""
    west, south, east, north = VIET_NAM
    return west <= point.lon <= east and south <= point.lat <= north


def on_earth(point: Position) -> bool:
    """Whether it is a longitude and a latitude at all."""
    return abs(point.lon) <= 180 and abs(point.lat) <= 90


def check_position(point: Position, *, number: int = 1) -> None:
    """Raises SwappedAxes where only the other order lies in Viet Nam, NotDegrees where it is no
    position. Abroad is a place too."""
    if not in_viet_nam(point) and in_viet_nam(point.swapped):
        raise wrong.SwappedAxes(point=number, value=shown(point))
    if not on_earth(point):
        raise wrong.NotDegrees(point=number, value=shown(point))


def shown(point: Position) -> str:
    """ "21.0931, 105.6711": latitude first, as phones show it."""
    return f"{point.lat:f}, {point.lon:f}"


def check_outline(drawn: Drawn, fixes: Collection[str] = ()) -> Outline:
    """The outline of a ring or line. Raises Refused with all that is wrong with it, in the order
    in which it is best mended."""
    errors: list[TraceError] = []
    points = list(drawn.points)
    if "swap" in fixes:
        points = [point.swapped for point in points]
    points = _in_order(points, errors)
    points = _closed(points, fixes, errors)
    if drawn.holes:
        errors.append(wrong.HasHoles(count=drawn.holes))
    points = _thinned(points, fixes, errors)
    if len(points) > POINT_LIMIT:
        raise Refused([wrong.TooManyPoints(got=len(points), limit=POINT_LIMIT)])
    if len(set(points)) < 3:
        errors.append(wrong.TooFewPoints(got=len(set(points))))
    else:
        crossing = _crossing(points)
        errors += [crossing] if crossing is not None else _size(points)
    if errors:
        raise Refused(errors)
    return Outline(tuple(points))


def _closed(
    points: list[Position], fixes: Collection[str], errors: list[TraceError]
) -> list[Position]:
    """Without the first point at the end."""
    if len(points) > 1 and points[0] == points[-1]:
        return points[:-1]
    if "close" not in fixes and len(set(points)) > 2:
        metres = round(distance(points[-1].degrees, points[0].degrees))
        errors.append(wrong.OpenRing(last=len(points), metres=metres))
    return points


def _thinned(
    points: list[Position], fixes: Collection[str], errors: list[TraceError]
) -> list[Position]:
    """Without points that stand twice in a row."""
    repeated = [n for n in range(len(points)) if n and points[n] == points[n - 1]]
    if len(points) > 1 and points[0] == points[-1]:
        repeated.append(len(points) - 1)
    if repeated and "thin" not in fixes:
        errors.append(wrong.RepeatedPoint(point=repeated[0] + 1, count=len(set(repeated))))
    return [point for n, point in enumerate(points) if n not in set(repeated)]


def _in_order(points: list[Position], errors: list[TraceError]) -> list[Position]:
    for number, point in enumerate(points, 1):
        try:
            check_position(point, number=number)
        except wrong.SwappedAxes as error:
            errors.append(error)
            return [one.swapped for one in points]
        except wrong.NotDegrees as error:
            raise Refused([error]) from None
    return points


def _size(points: Sequence[Position]) -> list[TraceError]:
    inside = area([point.degrees for point in points])
    if inside < 1:
        return [wrong.NoArea()]
    if inside > HECTARES_LIMIT * 10_000:
        hectares = f"{inside / 10_000:.0f}"
        return [wrong.OutlineTooLarge(hectares=hectares, limit=HECTARES_LIMIT)]
    return []


# -- crossing --------------------------------------------------------------------------------------

Whole = tuple[int, int]


def _crossing(points: Sequence[Position]) -> TraceError | None:
    """The first pair of sides that meet where they should not."""
    scale = 10**DECIMALS
    at: list[Whole] = [(int(p.lon * scale), int(p.lat * scale)) for p in points]
    count = len(at)
    sides = [(at[n], at[(n + 1) % count], n) for n in range(count)]
    sides.sort(key=lambda side: min(side[0][0], side[1][0]))
    active: list[tuple[Whole, Whole, int]] = []
    found: list[tuple[int, int]] = []
    for side in sides:
        west = min(side[0][0], side[1][0])
        active = [other for other in active if max(other[0][0], other[1][0]) >= west]
        found += [
            (min(side[2], other[2]), max(side[2], other[2]))
            for other in active
            if _meet(side, other, count)
        ]
        if found:
            break
        active.append(side)
    if not found:
        return None
    first, second = min(found)
    return wrong.CrossesItself(
        a=f"{first + 1}–{(first + 1) % count + 1}",
        b=f"{second + 1}–{(second + 1) % count + 1}",
        near=_near(points, first, second),
    )


def _near(points: Sequence[Position], first: int, second: int) -> str:
    ends = (first, (first + 1) % len(points), second, (second + 1) % len(points))
    lon = sum(points[n].lon for n in ends) / 4
    lat = sum(points[n].lat for n in ends) / 4
    return f"{lat:.5f}, {lon:.5f}"


def _turn(a: Whole, b: Whole, c: Whole) -> int:
    cross = (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])
    return (cross > 0) - (cross < 0)


def _on(a: Whole, b: Whole, c: Whole) -> bool:
    """Whether c, on the line through a and b, lies between them."""
    return min(a[0], b[0]) <= c[0] <= max(a[0], b[0]) and min(a[1], b[1]) <= c[1] <= max(a[1], b[1])


def _meet(one: tuple[Whole, Whole, int], other: tuple[Whole, Whole, int], count: int) -> bool:
    a, b, n = one
    c, d, m = other
    if max(a[1], b[1]) < min(c[1], d[1]) or max(c[1], d[1]) < min(a[1], b[1]):
        return False
    turns = _turn(a, b, c), _turn(a, b, d), _turn(c, d, a), _turn(c, d, b)
    if (n + 1) % count == m or (m + 1) % count == n:
        # Neighbours share one point; they meet elsewhere only when one runs back over the other.
        first, second = (one, other) if (n + 1) % count == m else (other, one)
        far, near = second[1], first[0]
        return not any(turns) and (_on(first[0], first[1], far) or _on(second[0], far, near))
    if turns[0] != turns[1] and turns[2] != turns[3]:
        return True
    return (
        (turns[0] == 0 and _on(a, b, c))
        or (turns[1] == 0 and _on(a, b, d))
        or (turns[2] == 0 and _on(c, d, a))
        or (turns[3] == 0 and _on(c, d, b))
    )

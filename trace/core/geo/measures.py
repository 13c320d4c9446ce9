"""Areas and lengths on the WGS 84 ellipsoid, without a map projection.

Area: each latitude is replaced by its authalic latitude, which turns the ellipsoid into a sphere of
equal area (J. P. Snyder, "Map Projections: A Working Manual", USGS Professional Paper 1395, 1987,
equations 3-11 to 3-13). On that sphere the area under each side is its spherical excess,

    tan(E/2) = tan(dlon/2) * (tan(b1/2) + tan(b2/2)) / (1 + tan(b1/2) * tan(b2/2))

(C. F. F. Karney, "Algorithms for geodesics", Journal of Geodesy 87, 2013, section 6), and the sum
over all sides is the polygon's. Sides are great circles of that sphere instead of geodesics of the
ellipsoid: 0.01 % of the area at a hundred kilometres, nothing that can be measured on a plot. Not
for polygons around a pole or across the 180th meridian.

Lengths over a few kilometres: the meridian's and the parallel's radius at the middle latitude.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import asin, atan2, atanh, cos, hypot, pi, radians, sin, sqrt, tan
from typing import Final

Degrees = tuple[float, float]  # longitude, latitude
Metres = tuple[float, float]  # east, north of some origin

A: Final = 6378137.0  # semi-major axis, metres (NIMA TR8350.2)
F: Final = 1 / 298.257223563
_E2: Final = F * (2 - F)
_E: Final = sqrt(_E2)


def _q(latitude: float) -> float:
    s = sin(latitude)
    return (1 - _E2) * (s / (1 - _E2 * s * s) + atanh(_E * s) / _E)


_Q_POLE: Final = _q(pi / 2)
_RADIUS_2: Final = A * A * _Q_POLE / 2  # of the sphere of equal area, squared


def _half_tan(latitude: float) -> float:
    """tan of half the authalic latitude."""
    return tan(asin(max(-1.0, min(1.0, _q(radians(latitude)) / _Q_POLE))) / 2)


def area(ring: Sequence[Degrees]) -> float:
    """Square metres inside a ring of (longitude, latitude), whichever way round; the last point is
    joined to the first."""
    return abs(signed_area(ring))


def signed_area(ring: Sequence[Degrees]) -> float:
    """As `area`; positive when the ring runs counter-clockwise."""
    halves = [(radians(lon), _half_tan(lat)) for lon, lat in ring]
    excess = 0.0
    for (lon1, t1), (lon2, t2) in zip(halves, [*halves[1:], *halves[:1]], strict=True):
        excess -= 2 * atan2(tan((lon2 - lon1) / 2) * (t1 + t2), 1 + t1 * t2)
    return excess * _RADIUS_2


def scales(latitude: float) -> tuple[float, float]:
    """Metres in one degree of longitude and of latitude, at this latitude."""
    s2 = sin(radians(latitude)) ** 2
    east = A * cos(radians(latitude)) / sqrt(1 - _E2 * s2)
    north = A * (1 - _E2) / (1 - _E2 * s2) ** 1.5
    return radians(east), radians(north)


def distance(a: Degrees, b: Degrees) -> float:
    """Metres between two points a few kilometres apart."""
    east, north = scales((a[1] + b[1]) / 2)
    return hypot((b[0] - a[0]) * east, (b[1] - a[1]) * north)


def perimeter(ring: Sequence[Degrees]) -> float:
    """Metres around a ring."""
    return sum(distance(a, b) for a, b in zip(ring, [*ring[1:], *ring[:1]], strict=True))


def to_metres(points: Sequence[Degrees], origin: Degrees) -> list[Metres]:
    """Points as metres east and north of the origin: for drawing and comparing, not for areas."""
    east, north = scales(origin[1])
    return [((lon - origin[0]) * east, (lat - origin[1]) * north) for lon, lat in points]


def box(points: Sequence[Degrees]) -> tuple[float, float, float, float]:
    """West, south, east, north."""
    lons, lats = [lon for lon, _ in points], [lat for _, lat in points]
    return min(lons), min(lats), max(lons), max(lats)


def inside_point(ring: Sequence[Degrees]) -> Degrees:
    """The centre of gravity where it lies inside the ring, else the middle of the widest stretch
    inside at its height: one point that stands for the place."""
    x0, y0 = ring[0]
    twice = cx = cy = 0.0
    for (x1, y1), (x2, y2) in zip(ring, [*ring[1:], *ring[:1]], strict=True):
        part = (x1 - x0) * (y2 - y0) - (x2 - x0) * (y1 - y0)
        twice += part
        cx += (x1 + x2 - 2 * x0) * part
        cy += (y1 + y2 - 2 * y0) * part
    if not twice:
        return x0, y0
    x, y = x0 + cx / (3 * twice), y0 + cy / (3 * twice)
    stretches = row(ring, y)
    if not stretches or any(west <= x <= east for west, east in stretches):
        return x, y
    west, east = max(stretches, key=lambda one: one[1] - one[0])
    return (west + east) / 2, y


def row(ring: Sequence[tuple[float, float]], y: float) -> list[tuple[float, float]]:
    """The stretches of a horizontal line that lie inside the ring, from west to east."""
    found = sorted(
        x1 + (y - y1) * (x2 - x1) / (y2 - y1)
        for (x1, y1), (x2, y2) in zip(ring, [*ring[1:], *ring[:1]], strict=True)
        if (y1 > y) != (y2 > y)
    )
    return list(zip(found[::2], found[1::2], strict=True))


ROWS: Final = 200


def overlap(a: Sequence[Degrees], b: Sequence[Degrees]) -> float:
    """Square metres that two rings share, within about one part in a hundred of the smaller: read
    off two hundred rows, which needs no clipping and cannot fail on rings that touch."""
    box_a, box_b = box(a), box(b)
    south, north = max(box_a[1], box_b[1]), min(box_a[3], box_b[3])
    if north <= south or max(box_a[0], box_b[0]) >= min(box_a[2], box_b[2]):
        return 0.0
    origin = (box_a[0], (south + north) / 2)
    ring_a, ring_b = to_metres(a, origin), to_metres(b, origin)
    _, scale = scales(origin[1])
    bottom, height = (south - origin[1]) * scale, (north - south) * scale / ROWS
    shared = 0.0
    for number in range(ROWS):
        y = bottom + (number + 0.5) * height
        shared += _shared(row(ring_a, y), row(ring_b, y))
    return shared * height


def _shared(a: Sequence[Metres], b: Sequence[Metres]) -> float:
    """The length that two rows of (west, east) share; each goes eastward and does not touch itself,
    so that both are walked through once."""
    found, at, other = 0.0, 0, 0
    while at < len(a) and other < len(b):
        found += max(0.0, min(a[at][1], b[other][1]) - max(a[at][0], b[other][0]))
        if a[at][1] < b[other][1]:
            at += 1
        else:
            other += 1
    return found


def simplified(ring: Sequence[Degrees], metres: float) -> list[Degrees]:
    """Fewer points, none further than `metres` from where it was (Douglas and Peucker, 1973). For
    drawing only: what is stored, measured and exported keeps every point."""
    if len(ring) < 5:
        return list(ring)
    flat = to_metres(ring, ring[0])
    far = max(range(len(flat)), key=lambda n: hypot(*flat[n]))
    closed = [*flat, flat[0]]
    kept = {0, far}
    stack = [(0, far), (far, len(flat))]
    while stack:
        start, end = stack.pop()
        worst, at = metres, 0
        for number in range(start + 1, end):
            off = _off(closed[number], closed[start], closed[end])
            if off > worst:
                worst, at = off, number
        if at:
            kept.add(at)
            stack += [(start, at), (at, end)]
    # Three points at least: a sliver would become a line.
    return [ring[number] for number in sorted(kept)] if len(kept) > 2 else list(ring)


def _off(p: Metres, a: Metres, b: Metres) -> float:
    dx, dy = b[0] - a[0], b[1] - a[1]
    length_2 = dx * dx + dy * dy
    along = ((p[0] - a[0]) * dx + (p[1] - a[1]) * dy) / length_2 if length_2 else 0.0
    along = max(0.0, min(1.0, along))
    return hypot(p[0] - a[0] - along * dx, p[1] - a[1] - along * dy)

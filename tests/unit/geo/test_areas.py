"""Areas against published figures, lengths, points inside, overlaps and drawings."""

from __future__ import annotations

from math import cos, pi, radians, sin
from time import monotonic

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trace.core import geo
from trace.core.geo.measures import signed_area

# (ring of (longitude, latitude), square metres). The first two are Planimeter2 and Planimeter3 of
# GeographicLib's tests (C. F. F. Karney), exact on the ellipsoid. The others, of sizes from a seed
# bed to a district at the latitudes of Viet Nam, were computed with GeographicLib 2.1.
PUBLISHED = (
    (((-1, 0), (0, -1), (1, 0), (0, 1)), 24619419146.0),
    (((0, 90), (0, 0), (90, 0)), 63758202715511.0),
    (((105.67, 21.09), (105.6701, 21.09), (105.6701, 21.0901), (105.67, 21.0901)), 115.04497110),
    (
        ((105.67, 21.09), (105.672, 21.0905), (105.6715, 21.0925), (105.6695, 21.092)),
        48893.72698735,
    ),
    (((107.99, 11.10), (108.01, 11.105), (108.0, 11.13), (107.985, 11.12)), 5437936.09667790),
    (((102.9, 22.1), (103.2, 22.15), (103.1, 22.5), (102.8, 22.4)), 1198260354.744),
    (((104.9, 8.6), (105.1, 8.62), (105.0, 8.9)), 353033507.674),
)


@pytest.mark.parametrize(("ring", "published"), PUBLISHED)
def test_areas_are_those_published(ring: tuple[tuple[float, float], ...], published: float) -> None:
    assert geo.area(ring) == pytest.approx(published, rel=1e-5)
    assert geo.area(ring[::-1]) == pytest.approx(published, rel=1e-5), "whichever way round"


@given(
    st.floats(102, 118),
    st.floats(6, 24),
    st.floats(1e-5, 0.05),
    st.integers(3, 24),
)
def test_a_polygon_of_equal_corners_has_the_area_of_its_triangles(
    lon: float, lat: float, size: float, corners: int
) -> None:
    ring = [
        (lon + size * cos(2 * pi * n / corners), lat + size * sin(2 * pi * n / corners))
        for n in range(corners)
    ]
    parts = sum(
        geo.area([(lon, lat), a, b]) for a, b in zip(ring, ring[1:] + ring[:1], strict=True)
    )
    assert geo.area(ring) == pytest.approx(parts, rel=1e-6)
    assert signed_area(ring) > 0, "counter-clockwise is positive"
    inside = geo.inside_point(ring)
    assert inside == pytest.approx((lon, lat), abs=size / 10)


def test_a_degree_is_as_long_as_tables_say() -> None:
    # One degree of latitude and longitude at 45 degrees: 111.132 and 78.847 km (WGS 84).
    east, north = geo.scales(45)
    assert (round(north / 1000, 3), round(east / 1000, 3)) == (111.132, 78.847)
    assert geo.distance((105, 21), (105, 21.001)) == pytest.approx(110.7, abs=0.1)


def test_the_point_of_a_horseshoe_lies_inside_it() -> None:
    shoe = [(0, 0), (9, 0), (9, 9), (8, 9), (8, 1), (1, 1), (1, 9), (0, 9)]
    ring = [(105 + x / 1e4, 21 + y / 1e4) for x, y in shoe]
    lon, lat = geo.inside_point(ring)
    x, y = (lon - 105) * 1e4, (lat - 21) * 1e4
    assert 0 < x < 1 or 8 < x < 9 or y < 1


def square(lon: float, lat: float, metres: float) -> list[tuple[float, float]]:
    east, north = geo.scales(lat)
    x, y = metres / east, metres / north
    return [(lon, lat), (lon + x, lat), (lon + x, lat + y), (lon, lat + y)]


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 1.0])
def test_what_two_plots_share_is_measured(share: float) -> None:
    one = square(105.67, 21.09, 100)
    east, _ = geo.scales(21.09)
    other = [(lon + (1 - share) * 100 / east, lat) for lon, lat in one]
    assert geo.overlap(one, other) == pytest.approx(10_000 * share, abs=60)
    assert geo.overlap(one, other) == pytest.approx(geo.overlap(other, one), abs=60)


def test_a_drawing_has_fewer_points_and_nearly_the_same_shape() -> None:
    ring = [(105.67 + 0.001 * cos(radians(n)), 21.09 + 0.001 * sin(radians(n))) for n in range(360)]
    drawn = geo.simplified(ring, 1.0)
    assert 8 < len(drawn) < 60
    assert set(drawn) <= set(ring)
    assert geo.area(drawn) == pytest.approx(geo.area(ring), rel=0.02)
    assert geo.simplified(ring[:4], 1000) == ring[:4], "a triangle is never made of a plot"


def comb(east: float, teeth: int) -> list[tuple[float, float]]:
    """A ring each of whose teeth every row crosses; half of its box is inside."""
    wide = 0.001 / teeth
    ring = []
    for n in range(teeth):
        west = 105.67 + east + n * wide
        ring += [(west, 21.0), (west, 21.001), (west + wide / 2, 21.001), (west + wide / 2, 21.0)]
    return [*ring, (105.671 + east, 20.9999), (105.67 + east, 20.9999)]


def test_what_two_combs_share_is_told_at_once_however_many_teeth_they_have() -> None:
    for east, share in ((0.0, 1.0), (0.0005, 0.5)):
        few, many = comb(0.0, 4), comb(east, 480)
        began = monotonic()
        shared = geo.overlap(many, comb(0.0, 480))
        assert monotonic() - began < 10
        assert shared == pytest.approx(geo.area(many) * share, rel=0.1)
        assert geo.overlap(few, many) > 0

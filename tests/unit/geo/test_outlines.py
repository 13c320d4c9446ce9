"""What a text draws, what is wrong with it; giving it out and reading it back changes nothing."""

from __future__ import annotations

import json
from contextlib import suppress
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trace.core import geo
from trace.core.geo import Drawn, Feature, Outline, Position
from trace.errors import Refused, TraceError

RING = ((105.671, 21.093), (105.672, 21.093), (105.672, 21.094), (105.671, 21.094))


def ring(*points: tuple[float, float], closed: bool = True, holes: int = 0) -> Drawn:
    told = tuple(geo.position(*point) for point in points)
    return Drawn("ring", (*told, told[0]) if closed else told, holes)


def refused(drawn: Drawn, *fixes: str) -> list[str]:
    with pytest.raises(Refused) as found:
        geo.check_outline(drawn, fixes)
    for error in found.value.errors:
        assert error.path == "outline"
        assert "%" not in error.detail
    return [error.code for error in found.value.errors]


SWAPPED = [(lat, lon) for lon, lat in RING]
BOW = [RING[0], RING[2], RING[1], RING[3]]


@pytest.mark.parametrize(
    ("drawn", "codes"),
    [
        (ring(*BOW), ["crosses-itself"]),
        (ring(*SWAPPED), ["swapped-axes"]),
        (ring(*RING, closed=False), ["open-ring"]),
        (ring(*RING, holes=2), ["has-holes"]),
        (ring(RING[0], RING[0], *RING[1:]), ["repeated-point"]),
        (ring(*RING[:2]), ["too-few-points"]),
        (ring(RING[0]), ["too-few-points"]),
        (ring((105, 21), (106, 21), (106, 22), (105, 22)), ["outline-too-large"]),
        (ring((105, 21), (105.000001, 21), (105, 21.000001)), ["no-area"]),
        (ring((587000, 2334000), (588000, 2334000), (588000, 2335000)), ["not-degrees"]),
        # A side that runs back over the one before it, and a corner that touches another side.
        (ring(RING[0], RING[1], (105.6715, 21.093)), ["crosses-itself"]),
        (ring((105, 21), (105.002, 21), (105.001, 21.001), (105.001, 21), (105, 21.001)),
         ["crosses-itself"]),
        (ring(*[(lat, lon) for lon, lat in BOW], closed=False, holes=1),
         ["swapped-axes", "open-ring", "has-holes", "crosses-itself"]),
    ],
)  # fmt: skip
def test_what_is_wrong_with_an_outline_is_named(drawn: Drawn, codes: list[str]) -> None:
    assert refused(drawn) == codes


@pytest.mark.parametrize(
    ("drawn", "fixes"),
    [
        (ring(*SWAPPED), ["swap"]),
        (ring(*RING, closed=False), ["close"]),
        (ring(RING[0], RING[0], *RING[1:]), ["thin"]),
        (ring(*SWAPPED[:2], *SWAPPED[1:], closed=False), ["swap", "close", "thin"]),
    ],
)
def test_what_can_be_mended_is_mended_only_when_asked(drawn: Drawn, fixes: list[str]) -> None:
    assert len(refused(drawn)) == len(fixes)
    assert geo.check_outline(drawn, fixes).ring == list(RING)


def test_a_place_abroad_is_a_place_and_swapping_twice_is_not_offered() -> None:
    abroad = ring((113.2, 2.1), (113.21, 2.1), (113.2, 2.11))
    assert len(geo.check_outline(abroad).points) == 3
    assert refused(ring(*RING), "swap") == ["swapped-axes"]


def test_two_thousand_points_are_kept_and_one_more_is_not() -> None:
    rng = [(105 + n / 1e6, 21.0) for n in range(1999)]
    assert len(geo.check_outline(ring(*rng, (105.001, 21.01))).points) == 2000
    assert refused(ring(*rng, (105.002, 21.005), (105.001, 21.01))) == ["too-many-points"]


GEOJSON = (
    '{"type":"Polygon","coordinates":[[[105.671000,21.093000],[105.672,21.093],[105.672,21.094],'
    "[105.671,21.094],[105.671000,21.093000]]]}"
)
NOTHING = '{"type":"Feature","geometry":null,"properties":{}}'
KML = (
    '<?xml version="1.0"?><kml xmlns="http://www.opengis.net/kml/2.2"><Document><Placemark>'
    "<name>Vườn B2</name><Polygon><outerBoundaryIs><LinearRing><coordinates>"
    "105.671000,21.093000,0 105.672,21.093,0 105.672,21.094 105.671,21.094,5 105.671,21.093"
    "</coordinates></LinearRing></outerBoundaryIs></Polygon></Placemark></Document></kml>"
)


@pytest.mark.parametrize(
    "text",
    [
        GEOJSON,
        f'{{"type":"Feature","properties":null,"geometry":{GEOJSON}}}',
        f'{{"type":"FeatureCollection","features":[{{"type":"Feature","geometry":{GEOJSON}}},{NOTHING}]}}',
        GEOJSON.replace('"Polygon","coordinates":[', '"MultiPolygon","coordinates":[[').replace(
            "]]]}", "]]]]}"
        ),
        "\ufeff" + GEOJSON,
        KML,
        KML.replace("<Polygon>", "<MultiGeometry><Polygon>").replace(
            "</Polygon>", "</Polygon></MultiGeometry>"
        ),
        "21.093000, 105.671000\n21.093 105.672\n21,094 105,672\n21.094,105.671\n21.093, 105.671",
        "21.093000, 105.671000; 21.093, 105.672; 21.094, 105.672; 21.094, 105.671; 21.093, 105.671",
    ],
)  # fmt: skip
def test_the_same_plot_is_read_from_every_form(text: str) -> None:
    shape = geo.choose(geo.read_shapes(text))
    outline = geo.check_outline(shape)
    assert outline.ring == list(RING)
    assert outline.decimals == 6, "zeros at the end are digits too"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "no-shape"),
        ("{}", "outline-unreadable"),
        ("[1,2]", "outline-unreadable"),
        ('{"type":["Point"],"coordinates":[105,21]}', "outline-unreadable"),
        ('{"type":{"a":1}}', "outline-unreadable"),
        ('{"type":"Polygon","coordinates":[[["105","21"]]]}', "outline-unreadable"),
        ('{"type":"Polygon","coordinates":[[[NaN,21]]]}', "outline-unreadable"),
        ('{"type":"Polygon","coordinates":[[[1e999999,21]]]}', "outline-unreadable"),
        ('{"type":"Polygon","coordinates":[]}', "too-few-points"),
        ('{"type":"Feature","geometry":null}', "no-shape"),
        ("[" * 100_000, "outline-unreadable"),
        ('{"features":' * 500 + "1", "outline-unreadable"),
        ("<kml><a></kml>", "outline-unreadable"),
        ("<kml/>", "no-shape"),
        ('<!DOCTYPE k [<!ENTITY a "b">]><kml>&a;</kml>', "outline-unreadable"),
        ('<!DOCTYPE k SYSTEM "file:///etc/passwd"><kml/>', "outline-unreadable"),
        ("<a>" * 5000, "outline-unreadable"),
        ("<kml><Placemark><Point><coordinates>x,y</coordinates></Point></Placemark></kml>",
         "outline-unreadable"),
        ("Vườn sau nhà", "outline-unreadable"),
        ("21.09 105.67 3", "outline-unreadable"),
        ("x" * 400_000, "outline-too-long"),
        (GEOJSON[:-1] + ',"crs":{"type":"name","properties":{"name":"EPSG:3405"}}}',
         "foreign-coordinates"),
        (f'{{"type":"GeometryCollection","geometries":[{GEOJSON},{GEOJSON}]}}', "several-shapes"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_says_so(text: str, code: str) -> None:
    with pytest.raises(TraceError) as found:
        geo.choose(geo.read_shapes(text))
    assert found.value.code == code
    assert len(found.value.detail) < 300


def test_one_of_several_shapes_is_chosen_by_its_number() -> None:
    mark = KML[KML.index("<Placemark>") : KML.index("</Document>")]
    shapes = geo.read_shapes(KML.replace(mark, mark + mark.replace("B2", "B3")))
    assert [one.name for one in shapes] == ["Vườn B2", "Vườn B3"]
    assert geo.choose(shapes, 1).name == "Vườn B3"
    with pytest.raises(geo.SeveralShapes) as found:
        geo.choose(shapes, 2)
    assert found.value.names == ("Vườn B2", "Vườn B3")


@given(st.text(max_size=200))
def test_any_text_is_read_or_refused(text: str) -> None:
    for start in ("", "{", "<kml>", '{"type":"Polygon","coordinates":'):
        with suppress(TraceError):
            assert geo.read_shapes(start + text) != []


NUMBERS = st.integers(0, 10**7).map(lambda n: Decimal(n).scaleb(-7))


@given(st.lists(st.tuples(NUMBERS, NUMBERS), min_size=3, max_size=12, unique=True), st.text())
def test_what_is_given_out_is_read_back_digit_by_digit(
    corners: list[tuple[Decimal, Decimal]], name: str
) -> None:
    drawn = ring(*[(float(105 + x / 100), float(21 + y / 100)) for x, y in corners])
    try:
        outline = geo.check_outline(drawn)
    except Refused:
        return  # corners at random cross: that they are refused is another test
    feature = Feature(name, "https://trace.example/l/X", outline, {"area_m2": 1.5})
    for text in (geo.geojson([feature]), geo.kml(name, [feature])):
        again = geo.check_outline(geo.choose(geo.read_shapes(text)))
        assert set(again.points) == set(outline.points)
        assert geo.area(again.ring) == pytest.approx(geo.area(outline.ring), rel=1e-9)


def test_geojson_runs_counter_clockwise_and_says_what_has_no_shape() -> None:
    clockwise = Outline(tuple(geo.position(*point) for point in RING[::-1]))
    point = Position(Decimal("105.67"), Decimal("21.09"))
    rows = [Feature("a", "u:a", clockwise), Feature("b", "u:b", point), Feature("c", "u:c", None)]
    told: dict[str, Any] = json.loads(geo.geojson(rows))
    polygon, dot, nothing = (one["geometry"] for one in told["features"])
    corners = polygon["coordinates"][0]
    assert corners[0] == corners[-1]
    turns = sum(a[0] * b[1] - b[0] * a[1] for a, b in pairwise(corners))
    assert turns > 0
    assert dot == {"type": "Point", "coordinates": [105.67, 21.09]}
    assert nothing is None
    assert geo.kml("x", rows).count("<Placemark>") == 2

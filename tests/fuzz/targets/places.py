"""Places and labels: shapes of plots (GeoJSON, KML, lines), what goes into a code on a label."""

# What inputs are made of stands on lines of its own.
# ruff: noqa: E501

from __future__ import annotations

import json
from typing import Final

from tests.fuzz.target import broken, refused, same, target, text_of
from trace.core.folding import fold
from trace.core.geo import reading, shapes, writing
from trace.core.geo.shapes import Drawn, Outline
from trace.core.labels import payload, qr_matrix
from trace.core.labels.sheets import plain_text
from trace.services.geometry import parse_outline, read_shape

RING: Final = "[[105.6711,21.0931],[105.6721,21.0931],[105.6721,21.0941],[105.6711,21.0941],[105.6711,21.0931]]"
GEOJSON: Final = (
    '{"type":"Feature","id":"a","properties":{"name":"Ruộng"},"geometry":{"type":"Polygon","coordinates":['
    + RING
    + "]}}"
)
KML: Final = (
    '<kml xmlns="http://www.opengis.net/kml/2.2"><Document><Placemark><name>A</name><Polygon><outerBoundaryIs><LinearRing>'
    "<coordinates>105.67,21.09,0 105.68,21.09,0 105.68,21.1,0 105.67,21.09,0</coordinates></LinearRing></outerBoundaryIs></Polygon>"
    "</Placemark><Placemark><Point><coordinates>105.67,21.09</coordinates></Point></Placemark></Document></kml>"
)


@target(
    *(
        reading.read_shapes,
        reading.choose,
        reading.position,
        shapes.check_outline,
        shapes.check_position,
    ),
    *(writing.kml, writing.geojson, read_shape, parse_outline),
    seeds=(
        GEOJSON.encode(),
        KML.encode(),
        b"21.0931, 105.6711\n21.0931, 105.6721\n21.0941, 105.6721",
        b"21,0931 105,6711; 21,0941 105,6711;21,0941 105,68",
        ('{"type":"FeatureCollection","features":[' + GEOJSON + "]}").encode(),
        b'{"type":"MultiPolygon","coordinates":[[[]]],"crs":{"type":"name","properties":{"name":"EPSG:4326"}}}',
        b'<kml><Placemark><gx:Track xmlns:gx="a"><gx:coord>105.67 21.09 0</gx:coord></gx:Track></Placemark></kml>',
        b'{"type":"GeometryCollection","geometries":[{"type":"Point","coordinates":[1e5,2]}]}',
    ),
    words=(
        b'"type":',
        b'"Polygon"',
        b'"coordinates":',
        b'"features":[',
        b'"geometry":',
        b'"crs":',
        b"[105.6711,21.0931],",
        b"<Placemark>",
        b"</Placemark>",
        b"<coordinates>",
        b"<Polygon>",
        b"<!DOCTYPE a>",
        b"1e9",
        b"1E-99",
        b"-0",
        b"105.6711",
        b"21.0931",
        b",",
        b";",
        b"innerBoundaryIs",
        "²".encode(),
    ),
    longest=reading.TEXT_LIMIT,
    patterns=(
        (b'{"type":"LineString","coordinates":[', b"[105.6711,21.0931],", b"[1,2]]}"),
        (
            b'{"type":"GeometryCollection","geometries":[',
            b'{"type":"Point","coordinates":[1,2]},',
            b"{}]}",
        ),
        (b"", b"21.0931 105.6711\n", b""),
        (
            b"<kml>",
            b"<Placemark><Point><coordinates>1,2</coordinates></Point></Placemark>",
            b"</kml>",
        ),
        (b"<coordinates>", b"1,2 ", b"</coordinates>"),
        (b"", b"<a>", b""),
        (b"", b'{"type":"Feature","geometry":', b"1"),
        (b"", b"1.", b""),
        (b"", b"1 ", b""),
        (b"<a>", b"&amp;", b"</a>"),
        (b"<kml>", b"x\n", b"<"),
        (b'{"a":"', b"\\u0041", b'"}'),
        (b"", b"9", b" 1"),
    ),
    usual=700,
)
def outlines(data: bytes) -> None:
    text = text_of(data)
    for fixes in ((), ("swap", "close", "thin")):
        found = refused(read_shape, text, fixes=fixes, chosen=0)
        if isinstance(found, Outline):
            _written_again(found)
    for drawn in (refused(reading.read_shapes, text) or [])[:3]:
        if not all(number.is_finite() for point in drawn.points for number in point):
            broken("a place that is nowhere", drawn)


def _written_again(found: Outline) -> None:
    same("kept and read", parse_outline(found.to_json()), found)
    feature = writing.Feature("Tên", "a", found, {"b": 1})
    for written in (writing.geojson([feature]), writing.kml("x", [feature])):
        (drawn,) = reading.read_shapes(written)
        again = shapes.check_outline(Drawn(drawn.kind, drawn.points, drawn.holes, drawn.name))
        same("given out and read", set(again.points), set(found.points))
    json.loads(writing.geojson([feature]))


@target(
    *(payload.label_payload, payload.short_domain, fold, plain_text, qr_matrix),
    seeds=(
        b"https://trace.example/b/7K3QMP2XV4",
        b"https://trace.example/01/09520123456788/10/AB-1",
        "Đan Phượng – Rau muống".encode(),
        b"HTTP://A/",
        b"Qhttps://trace.example/b/7K3QMP2XV4",
    ),
    words=(
        b"https://",
        b"/b/",
        b"/01/",
        b"-",
        "đ".encode(),
        "ế".encode(),
        b"\xe2\x80\x8b",
        b"A" * 40,
    ),
    longest=4_000,
    patterns=((b"https://a/", b"/", b"b"), (b"https://a/b/", b"A", b"a"), (b"", "ế".encode(), b"")),
    usual=60,
)
def label_texts(data: bytes) -> None:
    text = text_of(data)
    for own in (False, True):
        printed = payload.label_payload(text, own_letters=own)
        same("only capitals are changed", printed.lower(), text.lower())
    payload.short_domain(text)
    folded = fold(text)
    same("folded once", fold(folded), folded)
    plain_text(text)
    if data[:1] == b"Q":  # a matrix takes a thousand times as long
        refused(qr_matrix, text[1:])

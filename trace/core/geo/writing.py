"""Shapes to text: GeoJSON (RFC 7946: WGS 84, longitude first, rings closed and counter-clockwise)
and KML 2.3. The digits are those that were stored."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from xml.sax.saxutils import escape

from trace.core.geo.measures import signed_area
from trace.core.geo.shapes import Outline, Position


@dataclass(frozen=True, slots=True)
class Feature:
    """A place with its shape: an outline, else a position, else none. `properties` hold text and
    numbers that JSON knows."""

    name: str
    identity: str
    shape: Outline | Position | None
    properties: Mapping[str, str | int | float] = field(default_factory=dict)


def closed_ring(outline: Outline) -> Sequence[Position]:
    """The ring counter-clockwise, its first point again at the end."""
    points = list(outline.points)
    if signed_area(outline.ring) < 0:
        points = [points[0], *reversed(points[1:])]
    return [*points, points[0]]


def geojson(features: Iterable[Feature]) -> str:
    """A FeatureCollection; a feature without a shape has the geometry null."""
    parts = ",\n".join(_feature(one) for one in features)
    return f'{{"type":"FeatureCollection","features":[{parts}]}}'


def _feature(one: Feature) -> str:
    told = _json({"name": one.name, **one.properties})
    shape = _geometry(one.shape)
    return f'{{"type":"Feature","id":{_json(one.identity)},"geometry":{shape},"properties":{told}}}'


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _geometry(shape: Outline | Position | None) -> str:
    if shape is None:
        return "null"
    if isinstance(shape, Position):
        return f'{{"type":"Point","coordinates":{_pair(shape)}}}'
    ring = ",".join(_pair(point) for point in closed_ring(shape))
    return f'{{"type":"Polygon","coordinates":[[{ring}]]}}'


def _pair(point: Position) -> str:
    return f"[{point.lon:f},{point.lat:f}]"


def kml(title: str, features: Iterable[Feature]) -> str:
    """A document with a placemark for each feature that has a shape."""
    marks = "\n".join(_placemark(one) for one in features if one.shape is not None)
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<kml xmlns="http://www.opengis.net/kml/2.2"><Document>'
        f"<name>{_text(title)}</name>\n{marks}\n</Document></kml>\n"
    )


def _placemark(one: Feature) -> str:
    told = "".join(
        f'<Data name="{_text(name)}"><value>{_text(str(value))}</value></Data>'
        for name, value in {"id": one.identity, **one.properties}.items()
    )
    if isinstance(one.shape, Position):
        shape = f"<Point><coordinates>{_triple(one.shape)}</coordinates></Point>"
    elif one.shape is not None:
        ring = " ".join(_triple(point) for point in closed_ring(one.shape))
        shape = (
            "<Polygon><outerBoundaryIs><LinearRing>"
            f"<coordinates>{ring}</coordinates></LinearRing></outerBoundaryIs></Polygon>"
        )
    else:
        shape = ""
    return (
        f"<Placemark><name>{_text(one.name)}</name>"
        f"<ExtendedData>{told}</ExtendedData>{shape}</Placemark>"
    )


def _triple(point: Position) -> str:
    return f"{point.lon:f},{point.lat:f}"


def _text(value: str) -> str:
    # XML 1.0 knows no control characters but these.
    kept = "".join(char for char in value if char >= " " or char in "\t\n\r")
    return escape(kept, {'"': "&quot;"})

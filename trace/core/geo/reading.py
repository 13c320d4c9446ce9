"""Shapes from text: GeoJSON (RFC 7946), KML 2.3 (OGC 12-007r2), or lines of "latitude, longitude".

What is read is what stands there: digits are kept, heights are dropped, nothing is closed, turned
or put in order. Several shapes are told apart by their names; which one is meant is the person's to
say. XML is read by expat alone, without a document type, entities or anything fetched.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from decimal import ROUND_HALF_EVEN, Decimal, InvalidOperation
from typing import Any, Final, NoReturn
from xml.parsers import expat

from trace.core.geo import errors as wrong
from trace.core.geo.shapes import DECIMALS, Drawn, Position, decimals_of

TEXT_LIMIT: Final = 300_000  # a form's own limit is half a megabyte
SHAPES_LIMIT: Final = 5000
DEPTH_LIMIT: Final = 60
_LARGEST: Final = Decimal(10) ** 9  # metres of another system still get a fitting answer
_NUMBER: Final = re.compile(r"[+-]?\d+(?:[.,]\d+)?")
_WGS84: Final = ("CRS84", "EPSG::4326", "EPSG:4326", "WGS84", "WGS 84")


def read_shapes(text: str) -> list[Drawn]:
    """All shapes of a text, in its order. Raises GeoError classes; at least one is returned."""
    if len(text) > TEXT_LIMIT:
        raise wrong.OutlineTooLong(got=len(text), limit=TEXT_LIMIT)
    text = text.lstrip("\ufeff").strip()
    if text.startswith(("{", "[")):
        found = _geojson(text)
    elif text.startswith("<"):
        found = _kml(text)
    else:
        found = [_lines(text)]
    if not found:
        raise wrong.NoShape
    return found


def choose(shapes: Sequence[Drawn], chosen: int | None = None) -> Drawn:
    """The only shape, or the one chosen by its number from 0. Raises SeveralShapes."""
    if len(shapes) == 1:
        return shapes[0]
    if chosen is None or not 0 <= chosen < len(shapes):
        raise wrong.SeveralShapes(count=len(shapes), names=tuple(one.name for one in shapes[:50]))
    return shapes[chosen]


def position(lon: object, lat: object) -> Position:
    """A position of two written numbers. Raises OutlineUnreadable where one is not a number."""
    return Position(_decimal(lon), _decimal(lat))


def _decimal(value: object) -> Decimal:
    try:
        number = value if isinstance(value, Decimal) else Decimal(str(value).replace(",", "."))
    except InvalidOperation:
        _stop(str(value))
    if not number.is_finite() or abs(number) > _LARGEST:
        _stop(str(value))
    if decimals_of(number) > DECIMALS:
        number = number.quantize(Decimal(1).scaleb(-DECIMALS), ROUND_HALF_EVEN)
    return number


def _stop(at: object) -> NoReturn:
    raise wrong.OutlineUnreadable(at=_shown(at))


def _shown(value: object) -> str:
    return "".join(char if char.isprintable() else " " for char in str(value)[:60]).strip() or "…"


# -- lines -----------------------------------------------------------------------------------------


def _lines(text: str) -> Drawn:
    points = []
    for line in text.replace(";", "\n").splitlines():
        if not line.strip():
            continue
        numbers = _NUMBER.findall(line)
        rest = re.sub(r"[\s,]", "", _NUMBER.sub("", line))
        # "21,0931 105,6711" has decimal commas; "21.0931,105.6711" parts its numbers by one.
        if len(numbers) == 1 or ("." in line and "," in line):
            numbers = re.findall(r"[+-]?\d+(?:\.\d+)?", line)
        if len(numbers) != 2 or rest:
            _stop(line)
        points.append(position(numbers[1], numbers[0]))
    if not points:
        raise wrong.NoShape
    return Drawn("point" if len(points) == 1 else "line", tuple(points))


# -- GeoJSON ---------------------------------------------------------------------------------------


def _geojson(text: str) -> list[Drawn]:
    try:
        document = json.loads(text, parse_float=Decimal, parse_int=Decimal, parse_constant=_stop)
    except json.JSONDecodeError as error:
        _stop(text[max(0, error.pos - 10) : error.pos + 30])
    except (RecursionError, InvalidOperation):
        _stop(text[:40])
    found = []
    for shape in _of_object(document, ""):
        found.append(shape)
        if len(found) > SHAPES_LIMIT:
            raise wrong.SeveralShapes(count=len(found), names=())
    return found


# What holds further objects, and under which name.
_HOLDERS: Final = {"FeatureCollection": "features", "GeometryCollection": "geometries"}


def _of_object(value: Any, name: str, depth: int = 0) -> Iterator[Drawn]:
    if not isinstance(value, dict) or depth > DEPTH_LIMIT:
        _stop(value)
    crs = value.get("crs")
    if crs is not None and not any(known in str(crs) for known in _WGS84):
        raise wrong.ForeignCoordinates(name=_shown(_crs_name(crs)))
    kind = value.get("type")
    if not isinstance(kind, str):
        _stop(kind if kind is not None else value.get("coordinates"))
    if kind in _HOLDERS:
        for part in _list(value.get(_HOLDERS[kind])):
            yield from _of_object(part, name, depth + 1)
    elif kind == "Feature":
        if value.get("geometry") is not None:
            yield from _of_object(value["geometry"], _name_of(value) or name, depth + 1)
    else:
        yield from _geometry(kind, value.get("coordinates"), name)


def _geometry(kind: str, coordinates: Any, name: str) -> Iterator[Drawn]:
    if kind == "MultiPolygon":
        for part in _list(coordinates):
            yield _polygon(part, name)
    elif kind == "Polygon":
        yield _polygon(coordinates, name)
    elif kind == "LineString":
        yield Drawn("line", _positions(coordinates), name=name)
    elif kind == "Point":
        yield Drawn("point", (_position(coordinates),), name=name)
    else:
        _stop(kind)


def _crs_name(crs: Any) -> object:
    properties = crs.get("properties") if isinstance(crs, dict) else None
    return properties.get("name", crs) if isinstance(properties, dict) else crs


def _name_of(feature: dict[str, Any]) -> str:
    properties = feature.get("properties")
    if isinstance(properties, dict):
        for name in ("name", "Name", "NAME", "ten", "Tên", "code", "id"):
            if properties.get(name) not in (None, ""):
                return _shown(properties[name])
    return _shown(feature["id"]) if feature.get("id") else ""


def _polygon(rings: Any, name: str) -> Drawn:
    told = _list(rings)
    if not told:
        raise wrong.TooFewPoints(got=0)
    return Drawn("ring", _positions(told[0]), holes=len(told) - 1, name=name)


def _list(value: Any) -> list[Any]:
    if not isinstance(value, list):
        _stop(value)
    return value


def _positions(value: Any) -> tuple[Position, ...]:
    return tuple(_position(one) for one in _list(value))


def _position(value: Any) -> Position:
    told = _list(value)
    if len(told) < 2 or not all(isinstance(number, Decimal) for number in told[:2]):
        _stop(value)
    return position(told[0], told[1])


# -- KML -------------------------------------------------------------------------------------------


class _Kml:
    """Collects the shapes of placemarks; expat calls it element by element."""

    def __init__(self) -> None:
        self.path: list[str] = []
        self.text: list[str] = []
        self.found: list[Drawn] = []
        self.mark: list[Drawn] = []
        self.name = ""
        self.ring: tuple[Position, ...] = ()
        self.holes = 0
        self.track: list[Position] = []

    def start(self, name: str, _: dict[str, str]) -> None:
        self.path.append(name.rpartition(":")[2])
        if len(self.path) > DEPTH_LIMIT:
            _stop("/".join(self.path[-3:]))
        self.text = []
        if self.path[-1] == "Placemark":
            self.mark, self.name = [], ""
        elif self.path[-1] == "Polygon":
            self.ring, self.holes = (), 0

    def data(self, text: str) -> None:
        self.text.append(text)

    def end(self, name: str) -> None:
        word = self.path.pop()
        text, self.text = "".join(self.text), []
        around = self.path[-1] if self.path else ""
        if word == "name" and around == "Placemark":
            self.name = _shown(text)
        elif word == "coordinates":
            self._coordinates(_tuples(text), around)
        elif word == "coord" and around == "Track":
            lon, lat, *_ = *text.split(), "", ""
            self.track.append(position(lon, lat))
        elif word == "Track":
            self.mark.append(Drawn("line", tuple(self.track)))
            self.track = []
        elif word == "Polygon":
            self.mark.append(Drawn("ring", self.ring, holes=self.holes))
        elif word == "Placemark":
            self.found += [Drawn(s.kind, s.points, s.holes, self.name) for s in self.mark]
            self.mark = []
        if len(self.found) + len(self.mark) > SHAPES_LIMIT:
            raise wrong.SeveralShapes(count=len(self.found), names=())

    def _coordinates(self, points: tuple[Position, ...], around: str) -> None:
        if "innerBoundaryIs" in self.path:
            self.holes += 1
        elif "outerBoundaryIs" in self.path:
            self.ring = points
        elif around == "Point":
            self.mark.append(Drawn("point", points[:1]))
        elif around in ("LineString", "LinearRing"):
            self.mark.append(Drawn("line", points))


def _tuples(text: str) -> tuple[Position, ...]:
    points = []
    for word in text.split():
        parts = word.split(",")
        if len(parts) < 2:
            _stop(word)
        points.append(position(parts[0], parts[1]))
    if not points:
        _stop(text)
    return tuple(points)


def _kml(text: str) -> list[Drawn]:
    reader = _Kml()
    parser = expat.ParserCreate("UTF-8")
    parser.SetParamEntityParsing(expat.XML_PARAM_ENTITY_PARSING_NEVER)

    def no_doctype(*_: object) -> None:
        _stop("<!DOCTYPE")

    parser.StartDoctypeDeclHandler = no_doctype
    parser.StartElementHandler = reader.start
    parser.EndElementHandler = reader.end
    parser.CharacterDataHandler = reader.data
    try:
        parser.Parse(text.encode(), True)
    except expat.ExpatError as error:
        lines = text.splitlines() or [""]
        _stop(lines[min(error.lineno, len(lines)) - 1][max(0, error.offset - 10) :])
    except UnicodeEncodeError:
        _stop("�")
    # A shape outside any placemark is a shape too.
    return [*reader.found, *reader.mark]

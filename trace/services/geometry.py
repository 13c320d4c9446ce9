"""Shapes of places: read, kept, marked, drawn and given out. The rules of geometry are core.geo's.

What is kept is what came, digit by digit; simplified is only what is drawn. Marks never refuse.
Where a rule is ours or somebody's, docs/explanation/places.md says.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.orm import undefer

from trace.core import geo
from trace.core.geo import Drawn, Feature, Outline, Position
from trace.extensions import db
from trace.models import Place
from trace.services.area_codes import Mark
from trace.services.wards import find_ward, ward_name

GROWING: Final = ("plot", "greenhouse", "pond", "barn")
# Declared and computed may differ by so much without a word: a hand-held receiver is off by metres,
# a red book leaves out banks and ditches.
AREA_TOLERANCE: Final = Decimal("0.10")
AREA_SLACK: Final = Decimal(50)  # m²: a tenth of a seed bed is nothing
# EUDR (EU) 2023/1115, article 2(28): above four hectares a polygon, up to four a point will do.
POINT_LIMIT_M2: Final = 40_000
DECIMALS_WANTED: Final = 6
# Neighbours walked by phone overlap by a metre or two all along their border.
OVERLAP_SHARE: Final = 0.05
OVERLAP_LEAST: Final = 20.0
OVERLAP_POINTS: Final = 12_000  # looked at for one page; two hundred plots of thirty corners
NEAR_DEGREES: Final = 0.01  # about a kilometre: what is drawn around
WARD_DEGREES: Final = 0.3  # about thirty kilometres: further from the ward's middle is a mistake
ROUGH_METRES: Final = 10
DRAWN_METRES: Final = 1.0


def read_shape(
    text: str, *, fixes: Iterable[str] = (), chosen: int | None = None
) -> Outline | Position:
    """What a text draws: an outline, or a position where it holds a single point. Raises GeoError
    classes, several together as Refused."""
    drawn: Drawn = geo.choose(geo.read_shapes(text), chosen)
    agreed = frozenset(fixes)
    if drawn.kind == "point":
        point = drawn.points[0].swapped if "swap" in agreed else drawn.points[0]
        geo.check_position(point)
        return point
    return geo.check_outline(drawn, agreed)


def outline_of(place: Place) -> Outline | None:
    """The stored outline, its digits as they came."""
    return parse_outline(place.outline)


def parse_outline(text: str | None) -> Outline | None:
    """What `Outline.to_json` wrote."""
    if not text:
        return None
    told = json.loads(text, parse_float=Decimal, parse_int=Decimal)
    return Outline(tuple(Position(lon, lat) for lon, lat in told))


def position_of(place: Place) -> Position | None:
    """The stored position."""
    if place.latitude is None or place.longitude is None:
        return None
    return Position(Decimal(str(place.longitude)), Decimal(str(place.latitude)))


# The columns of a place that an outline fills.
SHAPE_COLUMNS: Final = (
    *("outline", "outline_source", "outline_accuracy", "outline_area"),
    *("west", "south", "east", "north"),
)


def shape_values(
    outline: Outline | None, source: str = "", accuracy: int | None = None
) -> dict[str, Any]:
    """The columns of an outline by name; all empty without one."""
    if outline is None:
        return {**dict.fromkeys(SHAPE_COLUMNS), "outline_source": ""}
    ring = outline.ring
    area = Decimal(str(round(geo.area(ring), 2)))
    told = (outline.to_json(), source, accuracy, area, *geo.box(ring))
    return dict(zip(SHAPE_COLUMNS, told, strict=True))


def middle_of(outline: Outline) -> tuple[float, float]:
    """(latitude, longitude) that stand for an outline, to seven decimals."""
    lon, lat = geo.inside_point(outline.ring)
    return round(lat, 7), round(lon, 7)


# -- marks -----------------------------------------------------------------------------------------


def marks_of(place: Place, around: Sequence[Place] = ()) -> list[Mark]:
    """What to know of a place's shape; `around` are the organisation's places beside it."""
    outline, position = outline_of(place), position_of(place)
    found = [*_area_marks(place, outline)]
    if outline is not None:
        if outline.decimals < DECIMALS_WANTED:
            told = {"got": outline.decimals, "wanted": DECIMALS_WANTED}
            found.append(Mark("few-decimals", told))
        if (place.outline_accuracy or 0) > ROUGH_METRES:
            found.append(Mark("rough", {"metres": place.outline_accuracy}, "info"))
        found += _overlaps(place, outline, around)
    elif position is not None and place.kind in GROWING:
        got = max(geo.decimals_of(position.lon), geo.decimals_of(position.lat))
        if got < DECIMALS_WANTED:
            found.append(Mark("few-decimals", {"got": got, "wanted": DECIMALS_WANTED}, "info"))
    return [*found, *_where(place, outline, position)]


def _area_marks(place: Place, outline: Outline | None) -> list[Mark]:
    declared = place.area_m2
    if outline is None:
        if declared and declared > POINT_LIMIT_M2 and place.kind in GROWING:
            return [Mark("point-only", {"hectares": declared / 10_000})]
        return []
    computed = place.outline_area or Decimal(0)
    if not declared:
        return []
    differs = abs(declared - computed)
    if differs <= max(AREA_SLACK, declared * AREA_TOLERANCE):
        return []
    percent = round((computed - declared) / declared * 100)
    told = {"declared": declared, "computed": computed, "percent": percent}
    return [Mark("area-differs", told)]


def _overlaps(place: Place, outline: Outline, around: Sequence[Place]) -> list[Mark]:
    ring = outline.ring
    mine = geo.area(ring)
    found = []
    left = OVERLAP_POINTS
    for other in around:
        theirs = outline_of(other) if other.id != place.id else None
        if theirs is None:
            continue
        left -= len(ring) + len(theirs.points)
        if left < 0:
            break  # marks are hints: nobody waits for minutes to be told them
        shared = geo.overlap(ring, theirs.ring)
        smaller = min(mine, float(other.outline_area or 0))
        if shared > OVERLAP_LEAST and shared > smaller * OVERLAP_SHARE:
            share = min(100, round(shared / smaller * 100))
            told = {"place": other, "area": Decimal(round(shared)), "percent": share}
            found.append(Mark("overlaps", told))
    return found


def _where(place: Place, outline: Outline | None, position: Position | None) -> list[Mark]:
    point = position or (outline.points[0] if outline else None)
    if point is None:
        return []
    if not geo.in_viet_nam(point):
        return [Mark("abroad", level="info")]
    found = []
    ward = find_ward(place.ward_code or "")
    if ward and max(abs(float(point.lat) - ward.lat), abs(float(point.lon) - ward.lon)) > (
        WARD_DEGREES
    ):
        found.append(Mark("far-from-ward", {"ward": ward.full_name}))
    if outline and position and None not in (place.west, place.south, place.east, place.north):
        lon, lat = position.degrees
        slack = 0.0005  # fifty metres: the gate of a field is its position too
        west, south = place.west or 0, place.south or 0
        east, north = place.east or 0, place.north or 0
        inside = west - slack <= lon <= east + slack and south - slack <= lat <= north + slack
        if not inside:
            found.append(Mark("point-outside"))
    return found


def places_around(place: Place, degrees: float = 0.0) -> list[Place]:
    """The organisation's other places with an outline whose box comes within `degrees` of this
    one's; with their outlines."""
    if place.west is None and place.longitude is None:
        return []
    west = place.west if place.west is not None else place.longitude or 0
    east = place.east if place.east is not None else place.longitude or 0
    south = place.south if place.south is not None else place.latitude or 0
    north = place.north if place.north is not None else place.latitude or 0
    box = (west - degrees, south - degrees, east + degrees, north + degrees)
    return _within(place.organisation_id, box, place.id)


def _within(
    organisation_id: int, box: tuple[float, float, float, float], but: int = 0, limit: int = 200
) -> list[Place]:
    west, south, east, north = box
    query = (
        select(Place)
        .where(
            Place.organisation_id == organisation_id,
            Place.id != but,
            Place.outline.is_not(None),
            Place.west <= east,
            Place.east >= west,
            Place.south <= north,
            Place.north >= south,
        )
        .options(undefer(Place.outline))
        .order_by(Place.id)
        .limit(limit)
    )
    return list(db.session.scalars(query))


# -- drawing ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Sketch:
    """A drawing without a map: paths in a box of `width` by `height`, north up."""

    width: int
    height: int
    own: str  # SVG path data, "" without an outline
    others: tuple[tuple[str, str], ...]  # (name, path data)
    dot: tuple[float, float] | None
    bar: float  # length of the scale bar in the drawing
    metres: int  # and on the ground


SIZE: Final = 320
PADDING: Final = 16
SURROUNDINGS: Final = 56  # room for who lies beside it


def sketch(place: Place, around: Sequence[Place] = ()) -> Sketch | None:
    """The place among its neighbours; None where there is nothing to draw."""
    outline, position = outline_of(place), position_of(place)
    if outline is None:
        return None
    return draw(outline, position, [(one.name, outline_of(one)) for one in around])


def draw(
    outline: Outline,
    position: Position | None = None,
    around: Sequence[tuple[str, Outline | None]] = (),
) -> Sketch:
    """An outline drawn; neighbours are cut off at the edge of the box around it."""
    ring = geo.simplified(outline.ring, DRAWN_METRES)
    west, south, east, north = geo.box(ring)
    scale_x, scale_y = geo.scales((south + north) / 2)
    wide, high = (east - west) * scale_x, (north - south) * scale_y
    padding = SURROUNDINGS if around else PADDING
    unit = (SIZE - 2 * padding) / max(wide, high, 1.0)
    height = max(120, round(high * unit) + 2 * padding)

    def at(point: tuple[float, float]) -> tuple[float, float]:
        x = (SIZE - wide * unit) / 2 + (point[0] - west) * scale_x * unit
        y = (height - high * unit) / 2 + (north - point[1]) * scale_y * unit
        return round(x, 1), round(y, 1)

    def path(points: Sequence[tuple[float, float]]) -> str:
        return "M" + "L".join(f"{x:g} {y:g}" for x, y in map(at, points)) + "Z"

    metres = _round_length(SIZE / 3 / unit)
    return Sketch(
        SIZE,
        height,
        path(ring),
        tuple(
            (name, path(geo.simplified(other.ring, DRAWN_METRES)))
            for name, other in around
            if other is not None
        ),
        at(position.degrees) if position else None,
        round(metres * unit, 1),
        metres,
    )


def _round_length(metres: float) -> int:
    """The largest of 1, 2, 5, 10, 20, 50 … that is no longer."""
    best = 1
    for power in range(6):
        for step in (1, 2, 5):
            if step * 10**power <= metres:
                best = step * 10**power
    return best


def neighbours_json(organisation_id: int, place: Place | None, start: Position | None) -> str:
    """What the drawing on the phone shows around: simplified rings of the organisation's own
    places, and where to begin."""
    rows: list[Place] = []
    if place is not None and (place.west is not None or place.longitude is not None):
        rows = places_around(place, NEAR_DEGREES)
    elif start is not None:
        lon, lat = start.degrees
        box = (lon - WARD_DEGREES, lat - WARD_DEGREES, lon + WARD_DEGREES, lat + WARD_DEGREES)
        rows = _within(organisation_id, box)
    told = [
        {
            "name": row.name,
            "ring": [[round(lon, 6), round(lat, 6)] for lon, lat in _display(row)],
        }
        for row in rows
    ]
    begin = [float(start.lon), float(start.lat)] if start else None
    return json.dumps({"start": begin, "around": told}, ensure_ascii=False, separators=(",", ":"))


def _display(place: Place) -> list[tuple[float, float]]:
    outline = outline_of(place)
    return geo.simplified(outline.ring, DRAWN_METRES) if outline else []


def start_of(place: Place | None, ward_code: str | None) -> Position | None:
    """Where a drawing begins: at the place, else in the middle of its ward."""
    if place is not None and (known := position_of(place)) is not None:
        return known
    ward = find_ward(ward_code or "")
    return Position(Decimal(str(ward.lon)), Decimal(str(ward.lat))) if ward else None


# -- giving out ------------------------------------------------------------------------------------


def features_of(places: Iterable[Place], codes: Mapping[int, Sequence[Any]]) -> list[Feature]:
    """Places as GeoJSON and KML tell them: their shape, and what was declared."""
    found = []
    for place in places:
        told: dict[str, str | int | float] = {
            "code": place.code,
            "kind": place.kind,
            "ward": ward_name(place.ward_code) if place.ward_code else "",
        }
        if place.area_m2 is not None:
            told["declared_area_m2"] = float(place.area_m2)
        if place.outline_area is not None:
            told["area_m2"] = float(place.outline_area)
        for kind in ("planting", "packing"):
            mine = [row.code for row in codes.get(place.id, ()) if row.kind == kind]
            if mine:
                told[f"{kind}_codes"] = ", ".join(mine)
        found.append(
            Feature(place.name, place.identity, outline_of(place) or position_of(place), told)
        )
    return found


def outline_text(place: Place) -> str:
    """The outline as the box of the form shows it."""
    outline = outline_of(place)
    if outline is None:
        return ""
    ring = ",".join(f"[{p.lon:f},{p.lat:f}]" for p in (*outline.points, outline.points[0]))
    return f'{{"type":"Polygon","coordinates":[[{ring}]]}}'

"""The map of a journey: our own small outline of the country, the wards where something was said to
happen, and lines between them in the order it was said. Drawn on the server as SVG; nothing is
fetched from anywhere.

A dot is the middle of a ward, never a place's own position. A line joins two wards when one and the
same thing was told of first in the one and next in the other: what lies between was not told, so
lines are straight and broken, and goods from several farms never look like one long trip.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Final

from trace.core.charts.projection import EDGE, Frame, Point
from trace.core.signing import JsonObject
from trace.services.outline import outline
from trace.services.wards import Ward, find_ward

# Sizes in units of the drawing; a phone shows about one a pixel.
WIDTH, TALL, LOW, COUNTRY = 320, 330, 180, 92
FOOT = 18  # below the drawing, for the scale
NEAR = 15
FAR = 3.0  # degrees: a longer trip is shown on the whole country
# Islands far from everything else, which a dot alone would not tell.
NAMED: Final = frozenset({"Hoàng Sa", "Trường Sa"})


def journey(document: JsonObject) -> JsonObject | None:
    """What the template draws; None where fewer than two wards are told of publicly."""
    told = [line for line in reversed(document["lines"]) if _ward_of(line)]
    wards: dict[str, Ward] = {}
    for line in told:
        ward = _ward_of(line)
        if ward is not None:
            wards.setdefault(ward.code, ward)
    if len(wards) < 2:
        return None
    points = {code: (ward.lon, ward.lat) for code, ward in wards.items()}
    rings, islands = outline()
    everything = [point for _, point in (*rings, *islands)]
    latitudes = [lat for _, lat in points.values()]
    far = max(latitudes) - min(latitudes) > FAR
    size = (WIDTH, TALL) if far else (WIDTH - COUNTRY, LOW)
    whole = Frame.around(everything, (WIDTH, TALL) if far else (COUNTRY + EDGE, LOW))
    frame = whole if far else Frame.around(list(points.values()), size, (COUNTRY, 0.0))
    km, bar = frame.bar()
    return {
        "width": WIDTH,
        "height": (TALL if far else LOW) + FOOT,
        "outline": " ".join(f"{x:g},{y:g}" for x, y in (whole(point) for _, point in rings)),
        "islands": [
            (*whole(point), name if far and name in NAMED else "") for name, point in islands
        ],
        "region": None if far else whole(_middle(list(points.values()))),
        "legs": [(*frame(points[a]), *frame(points[b])) for a, b in _legs(told)],
        "dots": _dots([frame(point) for point in points.values()]),
        "stops": [ward.full_name for ward in wards.values()],
        "km": km,
        "bar": bar,
        "bar_from": (WIDTH - EDGE - bar, (TALL if far else LOW) + FOOT - 6),
    }


def _ward_of(line: JsonObject) -> Ward | None:
    code = (line.get("where") or {}).get("ward_code")
    return find_ward(code) if code else None


def _legs(told: Sequence[JsonObject]) -> list[tuple[str, str]]:
    """Pairs of wards, each once, in the order first told."""
    seen: dict[str, list[str]] = {}
    for line in told:
        for thing in line["things"]:
            seen.setdefault(thing["thing"], []).append(line["where"]["ward_code"])
    pairs = (pair for codes in seen.values() for pair in pairwise(codes))
    return list(dict.fromkeys((a, b) for a, b in pairs if a != b))


def _dots(points: Sequence[Point]) -> list[tuple[float, float, str]]:
    """(x, y, numbers) of what is drawn: stops too near to tell apart share a dot."""
    groups: list[list[int]] = []
    for number, (x, y) in enumerate(points):
        for group in groups:
            other = points[group[0]]
            if abs(x - other[0]) < NEAR and abs(y - other[1]) < NEAR:
                group.append(number)
                break
        else:
            groups.append([number])
    return [(*points[group[0]], _numbers(group)) for group in groups]


def _numbers(group: Sequence[int]) -> str:
    """`1–3` for neighbours, `1, 4` otherwise; counted from 1."""
    if len(group) > 1 and group[-1] - group[0] == len(group) - 1:
        return f"{group[0] + 1}–{group[-1] + 1}"
    return ", ".join(str(number + 1) for number in group)


def _middle(points: Sequence[Point]) -> Point:
    xs, ys = [x for x, _ in points], [y for _, y in points]
    return (min(xs) + max(xs)) / 2, (min(ys) + max(ys)) / 2

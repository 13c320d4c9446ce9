"""How unlike one package a code's scans are, in tenths of a point; pure.

What one package can do: be scanned again and again, by several people, and be carried away, once.
What it hardly does: be here, then far away, then here again. Signals, in the order of what they
tell (docs/explanation/copies.md has the reasons and the figures):

1. `returns`: scans go from one province to another and come back, and more than one phone saw the
   page for the first time. 2 points each; 3 for the first one when it took a week at most, the
   provinces lie 100 km apart or more, and neither is where the other's mobile networks come out:
   one phone that changes its network is told to be here, then there.
2. `phones`: ten phones that saw it for the first time, on four days or more: 3 points. Six on three
   days: 1 point. It is all that can be seen where nobody says where scans come from.
3. `fast`: from one such province to another faster than a plane flies: 1 point, once.
4. `many`: three provinces within a day: 1 point.

From 2 points on an inspector sees it, from 3 on the package's page says so too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from math import asin, cos, radians, sin, sqrt
from typing import Final

from trace.services.wards import find_ward, provinces

QUEUED: Final = 20
SAID: Final = 30
HOUR: Final = 3_600_000
DAY: Final = 24 * HOUR
NEAR_KM: Final = 100.0
SOON: Final = 7 * DAY
PLANE_KMH: Final = 900.0
MANY_PHONES: Final = ((10, 4, 30), (6, 3, 10))  # phones, days, tenths
VIETNAM: Final = 7 * HOUR
# Mobile networks of the north are often taken for Hà Nội, those of the south for Hồ Chí Minh.
NORTH, SOUTH, MIDDLE = "01", "79", 16.0


@dataclass(frozen=True, slots=True)
class Sighting:
    """One scan of a package: `at` in milliseconds, `place` a ward's or province's code or "",
    `mark` the visitor's of that day, `again` when the phone had the page already."""

    at: int
    place: str
    mark: bytes
    again: bool


@dataclass(frozen=True, slots=True)
class Judgement:
    """`tenths` of a point; `reasons` are (signal, how often); `places` the provinces, in
    the order in which they were seen."""

    tenths: int
    reasons: tuple[tuple[str, int], ...]
    places: tuple[str, ...]


def province_of(place: str) -> str:
    """The province's code of a place; "" for none or an unknown one."""
    if len(place) != 5:
        return place
    ward = find_ward(place)
    return ward.province.code if ward else ""


@cache
def kilometres(one: str, other: str) -> float:
    """Between the middles of two provinces, along the ground; 0 where one is not known."""
    places = {province.code: province for province in provinces()}
    if one not in places or other not in places:
        return 0.0
    a, b = places[one], places[other]
    across = sin(radians(b.lat - a.lat) / 2) ** 2
    along = sin(radians(b.lon - a.lon) / 2) ** 2
    return 12_742 * asin(sqrt(across + cos(radians(a.lat)) * cos(radians(b.lat)) * along))


@cache
def exit_of(province: str) -> str:
    """Where a province's mobile networks come out."""
    north = any(one.code == province and one.lat > MIDDLE for one in provinces())
    return NORTH if north else SOUTH


@cache
def are_apart(one: str, other: str) -> bool:
    """Whether a phone that stays in one of these provinces is hardly ever taken to be in the
    other."""
    mixed_up = exit_of(one) == other or exit_of(other) == one
    return not mixed_up and kilometres(one, other) >= NEAR_KM


def judge_scans(scans: Sequence[Sighting]) -> Judgement:
    """The judgement on one package's latest scans, in the order of time."""
    first = [one for one in scans if not one.again]
    travels = [(one.at, place) for one in scans if (place := province_of(one.place))]
    reasons: list[tuple[str, int]] = []
    tenths = 0
    if len(first) > 1:
        tenths, returns = _returns(travels)
        reasons += [("returns", returns)] if returns else []
    days = len({(one.at + VIETNAM) // DAY for one in first})
    for phones, least_days, worth in MANY_PHONES:
        if len(first) >= phones and days >= least_days:
            reasons.append(("phones", len(first)))
            tenths += worth
            break
    fast = sum(_is_fast(*pair) for pair in pairwise(travels))
    if fast:
        reasons.append(("fast", fast))
        tenths += 10
    many = _most_in_a_day(travels)
    if many >= 3:
        reasons.append(("many", many))
        tenths += 10
    return Judgement(tenths, tuple(reasons), tuple(dict.fromkeys(place for _, place in travels)))


def _returns(travels: Sequence[tuple[int, str]]) -> tuple[int, int]:
    """(tenths, how many times a province was come back to)."""
    last: dict[str, int] = {}  # when somebody was last seen in each
    tenths = count = 0
    before = ""
    for at, place in travels:
        if place != before and place in last:
            count += 1
            strong = at - last[place] <= SOON and are_apart(place, before)
            tenths += 30 if strong and count == 1 else 20
        last[place] = at
        before = place
    return tenths, count


def _is_fast(one: tuple[int, str], other: tuple[int, str]) -> bool:
    hours = max(other[0] - one[0], 1) / HOUR
    return are_apart(one[1], other[1]) and kilometres(one[1], other[1]) / hours > PLANE_KMH


def _most_in_a_day(travels: Sequence[tuple[int, str]]) -> int:
    return max(
        (len({place for at, place in travels if 0 <= at - start <= DAY}) for start, _ in travels),
        default=0,
    )

"""The map of a journey: only wards that were told, joined only as goods were told to go."""

from __future__ import annotations

from typing import Any

import pytest

from trace.core.charts.projection import Frame
from trace.web.scan.journey import journey

DAN_PHUONG, CAU_GIAY, HAI_AN, HAM_THUAN = "09784", "00166", "11413", "23059"


def line(thing: str, ward: str | None, kind: str = "plot") -> dict[str, Any]:
    where = None if ward is None else {"ward_code": ward, "kind": kind, "name": "x", "ward": "x"}
    return {"where": where, "things": [{"thing": thing}]}


def told(*lines: dict[str, Any]) -> dict[str, Any] | None:
    """The map of these lines, given oldest first as people tell them."""
    return journey({"lines": list(reversed(lines))})


def test_one_ward_or_none_is_no_journey() -> None:
    assert told() is None
    assert told(line("a", None), line("a", None)) is None
    assert told(line("a", DAN_PHUONG), line("a", None), line("a", DAN_PHUONG)) is None


def test_stops_are_named_and_numbered_in_the_order_told() -> None:
    drawn = told(line("a", DAN_PHUONG), line("a", None), line("a", CAU_GIAY))
    assert drawn is not None
    assert drawn["stops"] == ["Xã Đan Phượng, Hà Nội", "Phường Cầu Giấy, Hà Nội"]
    assert [numbers for _, _, numbers in drawn["dots"]] == ["1", "2"]
    assert len(drawn["legs"]) == 1


def test_two_farms_are_not_joined_by_a_trip_nobody_told_of() -> None:
    drawn = told(line("a", DAN_PHUONG), line("b", HAI_AN), line("a", CAU_GIAY), line("b", CAU_GIAY))
    assert drawn is not None
    (first, second, third) = [(x, y) for x, y, _ in drawn["dots"]]
    # Order told: Đan Phượng, Hải An, Cầu Giấy. Both went to Cầu Giấy, neither to the other.
    assert {(a, b, c, d) for a, b, c, d in drawn["legs"]} == {(*first, *third), (*second, *third)}


def test_a_ward_that_is_not_known_is_left_out() -> None:
    assert told(line("a", DAN_PHUONG), line("a", "99999")) is None


def test_a_trip_within_a_city_is_drawn_near_and_one_across_the_country_on_all_of_it() -> None:
    near, far = (
        told(line("a", DAN_PHUONG), line("a", CAU_GIAY)),
        told(line("a", HAM_THUAN), line("a", HAI_AN)),
    )
    assert near is not None
    assert far is not None
    assert near["region"] is not None
    assert far["region"] is None
    assert near["km"] < 20
    assert far["km"] > 100


@pytest.mark.parametrize("wards", [(DAN_PHUONG, CAU_GIAY), (HAM_THUAN, HAI_AN, CAU_GIAY)])
def test_everything_lies_inside_the_drawing(wards: tuple[str, ...]) -> None:
    drawn = told(*(line("a", ward) for ward in wards))
    assert drawn is not None
    corners = [tuple(map(float, pair.split(","))) for pair in drawn["outline"].split()]
    points = [*corners, *[(x, y) for x, y, _ in (*drawn["islands"], *drawn["dots"])]]
    points += [(x, y) for leg in drawn["legs"] for x, y in (leg[:2], leg[2:])]
    assert len(corners) > 50
    for x, y in points:
        assert 0 <= x <= drawn["width"]
        assert 0 <= y <= drawn["height"]


def test_the_islands_of_the_country_are_on_it() -> None:
    drawn = told(line("a", HAM_THUAN), line("a", HAI_AN))
    assert drawn is not None
    assert {name for _, _, name in drawn["islands"]} >= {"Hoàng Sa", "Trường Sa"}


def test_the_scale_is_true() -> None:
    """Đan Phượng to Hải An by great circle on a sphere of 6,371 km is 116.4 km."""
    frame = Frame.around([(105.6740, 21.0870), (106.7590, 20.8250)], (300, 300))
    (ax, ay), (bx, by) = frame((105.6740, 21.0870)), frame((106.7590, 20.8250))
    km, bar = frame.bar()
    assert ((ax - bx) ** 2 + (ay - by) ** 2) ** 0.5 * km / bar == pytest.approx(116.4, rel=0.01)


def test_stops_too_near_to_tell_apart_share_a_dot() -> None:
    drawn = told(line("a", HAM_THUAN), line("a", DAN_PHUONG), line("a", CAU_GIAY))
    assert drawn is not None
    assert [numbers for _, _, numbers in drawn["dots"]] == ["1", "2–3"]

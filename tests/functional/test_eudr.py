"""Plots of a lot for the EU's rule on deforestation: shapes, checks, and whose positions these
are."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy.orm import scoped_session

from tests.support.farms import Farm, make_farm, thing_id
from trace.core.geo import Outline, Position
from trace.extensions import db
from trace.services import eudr
from trace.services.actors import Actor
from trace.services.chain_papers import around
from trace.services.eudr import check_plot
from trace.services.geometry import shape_values

START = datetime(2026, 11, 8, 1, 0, tzinfo=UTC)
pytestmark = pytest.mark.usefixtures("now")
SQUARE = [("105.600100", "21.100100"), ("105.600900", "21.100100"), ("105.600900", "21.100900")]


def outline(points: list[tuple[str, str]]) -> Outline:
    return Outline(tuple(Position(Decimal(lon), Decimal(lat)) for lon, lat in points))


def point(lon: str = "105.600100", lat: str = "21.100100") -> Position:
    return Position(Decimal(lon), Decimal(lat))


@pytest.mark.parametrize(
    ("shape", "position", "area", "codes"),
    [
        (outline(SQUARE), None, None, []),
        (None, point(), 10_000, []),
        (None, point(), 40_000, []),
        (None, point(), 40_001, ["point-too-large"]),
        (None, point(), None, ["area-unknown"]),
        (None, point("105.6", "21.1"), 100, ["few-decimals"]),
        (None, point("21.100100", "105.600100"), 100, ["abroad"]),
        (None, None, 100, ["no-shape"]),
        (outline([*SQUARE[:2], ("105.6009", "21.100900")]), None, 90_000, ["few-decimals"]),
    ],
)
def test_a_plot_is_held_against_the_rule(
    shape: Outline | None, position: Position | None, area: int | None, codes: list[str]
) -> None:
    found = check_plot(shape, position, None if area is None else Decimal(area), code="X")
    assert [one.code for one in found] == codes
    assert all(one.fails for one in found) or codes == ["area-unknown"]


@pytest.fixture
def farm(db_session: scoped_session[Any]) -> Farm:
    return make_farm(START)


def test_the_plots_of_a_mixed_lot_are_drawn_for_who_may_have_them(farm: Farm) -> None:
    for name, value in shape_values(outline(SQUARE), "drawn").items():
        setattr(farm.plot, name, value)
    db.session.commit()
    other = make_farm(START, "HTX Demo Hai")
    other.plot.latitude, other.plot.longitude = 21.2001, 105.7001
    db.session.commit()
    lots = [one.wait(5).reap(one.sow()) for one in (farm, other)]
    other.send(lots[1], farm, kilos=100)
    farm.wait(2).take(lots[1], other, kilos=100)
    mixed = thing_id(farm.mix(lots, 200))
    plots = eudr.plots_of(around(farm.actor, mixed, down=False))
    told = json.loads(plots.geojson)
    # Ours is drawn, closed, longitude first, with the digits that were stored.
    assert [one["properties"]["ProductionPlace"] for one in told["features"]] == [farm.plot.name]
    (ring,) = told["features"][0]["geometry"]["coordinates"]
    assert ring[0] == ring[-1] == [105.6001, 21.1001]
    assert "105.600100" in plots.geojson
    assert told["features"][0]["properties"]["ProducerCountry"] == "VN"
    # The other's position is its own affair: named, not drawn.
    assert [(one.code, one.name) for one in plots.checks] == [("not-disclosed", other.plot.name)]
    assert not plots.passes
    assert "105.7001" not in plots.geojson
    other.plot.position_public = True
    db.session.commit()
    plots = eudr.plots_of(around(farm.actor, mixed, down=False))
    assert len(plots.features) == 2
    assert [one.code for one in plots.checks] == ["area-unknown", "few-decimals"]
    other.plot.position_public = False
    other.plot.public = False
    db.session.commit()
    authority = make_farm(START, "Sở Demo", kind="authority", status="confirmed")
    inspector = Actor(authority.organisation, None, "inspector")
    assert len(eudr.plots_of(around(inspector, mixed, down=False)).features) == 2
    far = make_farm(START, "Sở xa Demo", kind="authority", status="confirmed", jurisdiction="79")
    stranger = Actor(far.organisation, None, "inspector")
    assert eudr.plots_of(around(stranger, mixed, down=False)).features == []


def test_how_many_private_places_lie_behind_a_lot_is_not_told(farm: Farm) -> None:
    others = [make_farm(START, f"HTX Demo {name}") for name in ("Hai", "Ba")]
    lots = [one.wait(5).reap(one.sow()) for one in others]
    for one, lot in zip(others, lots, strict=True):
        one.plot.public = False
        one.send(lot, farm, kilos=100)
        farm.wait(2).take(lot, one, kilos=100)
    db.session.commit()
    for lot in (lots[0], farm.mix(lots, 100)):
        plots = eudr.plots_of(around(farm.actor, thing_id(lot), down=False))
        told = [(one.code, one.place, one.name) for one in plots.checks]
        assert told == [("not-disclosed", "", "")]


def test_a_lot_of_unknown_origin_has_no_plot_and_none_is_made_up(farm: Farm) -> None:
    lot = thing_id(farm.take_unrecorded("Ông Tư Demo"))
    plots = eudr.plots_of(around(farm.actor, lot, down=False))
    assert plots.features == []
    assert [one.code for one in plots.checks] == ["no-plot"]
    assert json.loads(plots.geojson)["features"] == []

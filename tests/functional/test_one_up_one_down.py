"""One step up, one step down: what an organisation must be able to say of whom it bought from and
sold to."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest
from sqlalchemy.orm import scoped_session

from tests.support.farms import Farm, make_farm, thing_id
from trace.services.actors import Actor
from trace.services.one_up_one_down import COLUMNS, Span, Step, page_of, steps

START = datetime(2026, 11, 8, 1, 0, tzinfo=UTC)
pytestmark = pytest.mark.usefixtures("now")


@pytest.fixture
def farm(db_session: scoped_session[Any]) -> Farm:
    return make_farm(START)


def short(found: list[Step]) -> list[tuple[str, str, str, str]]:
    return [(one.direction, one.party, f"{one.quantity:g}", one.stated_by) for one in found]


def test_goods_received_and_delivered_are_told_with_the_other_side(farm: Farm) -> None:
    shop = make_farm(START, "Cửa hàng Demo", kind="retailer")
    shop.organisation.address = "12 phố Demo"
    bought = farm.take_unrecorded("Ông Tư Demo", kilos=20)
    lot = farm.register()
    farm.send(lot, shop, kilos=30)
    shop.wait(0.5).take(lot, farm, kilos=30)
    told = list(steps(farm.actor))
    # The shop's receipt adds no second line: the farm said it itself.
    assert short(told) == [
        ("up", "Ông Tư Demo", "20", "own"),
        ("down", "Cửa hàng Demo", "30", "own"),
    ]
    up, down = told
    assert up.lot_address == bought
    assert up.address == "chợ đầu mối"
    assert down.party_code == shop.organisation.code
    # Its street address is the shop's own affair.
    assert "12 phố Demo" not in down.address
    assert down.place.startswith(farm.plot.name)
    assert len(down.row()) == len(COLUMNS)
    assert short(list(steps(shop.actor)))[0][:2] == ("up", farm.organisation.name)


def test_what_only_the_other_side_recorded_stands_and_says_so(farm: Farm) -> None:
    shop = make_farm(START, "Cửa hàng Demo", kind="retailer")
    lot = farm.register()
    farm.send(lot, shop, kilos=30)
    (told,) = steps(shop.actor)
    assert (told.direction, told.party, told.stated_by) == ("up", farm.organisation.name, "other")


def test_a_voided_delivery_is_gone_and_a_span_of_days_or_a_lot_narrows(farm: Farm) -> None:
    one, other = farm.register(), farm.register()
    sent = farm.send(one, None, kilos=5)
    farm.wait(2).send(other, None, kilos=6)
    assert [told.lot_address for told in steps(farm.actor)] == [one, other]
    first = Span(until=date(2026, 11, 9))
    assert [told.lot_address for told in steps(farm.actor, first)] == [one]
    only = Span(thing_id=thing_id(other))
    assert [told.lot_address for told in steps(farm.actor, only)] == [other]
    farm.correct(sent, farm.told[2])
    assert [told.lot_address for told in steps(farm.actor)] == [other]


def test_pages_follow_one_another_by_the_events_row(farm: Farm) -> None:
    lot = farm.register()
    for kilos in (1, 2, 3):
        farm.send(lot, None, kilos=kilos)
    found, after = [], 0
    while page := page_of(farm.actor, Span(), after=after, limit=2):
        after, told = page
        assert len(told) <= 2
        found += [int(one.quantity or 0) for one in told]
    assert found == [1, 2, 3]
    viewer = Actor(farm.organisation, None, "viewer")
    assert len(list(steps(viewer))) == 3

"""Bindings of single packages at the one way in: whatever the door, only what was issued."""

from __future__ import annotations

from datetime import UTC, datetime
from time import perf_counter
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select
from sqlalchemy.orm import scoped_session

from tests.support.farms import Farm, id_base, make_farm, make_product
from tests.support.stamps import (
    bind_stamps,
    binding,
    make_stamps,
    serial_of,
    stamp_page,
    stretch_of,
    void_stamps,
)
from trace.errors import TraceError
from trace.extensions import db
from trace.models import Event, LabelBinding, Product, Unit
from trace.services import units
from trace.services.capture import capture

START = datetime(2026, 11, 8, 1, 0, tzinfo=UTC)
pytestmark = pytest.mark.usefixtures("now")


@pytest.fixture
def farm(db_session: scoped_session[Any]) -> Farm:
    return make_farm(START)


def refused(farm: Farm, event: dict[str, Any]) -> str:
    """The code of what capture refuses; nothing is kept of it."""
    before = db.session.scalar(select(func.count(Event.id)))
    with pytest.raises(TraceError) as caught:
        capture(farm.actor, [event], at=farm.at)
    db.session.rollback()
    assert db.session.scalar(select(func.count(Event.id))) == before
    assert db.session.scalar(select(func.count(LabelBinding.id))) == 0
    return caught.value.code


def test_the_event_commits_to_the_serials_in_order_and_shows_none(farm: Farm) -> None:
    from hashlib import sha256

    from trace.core.signing import b64url

    lot = farm.register(10)
    roll = make_stamps(farm.actor, 5)
    told = binding(farm, roll, 2, 4, lot)["trace:units"]
    listed = "\n".join(serial_of(roll, number) for number in (2, 3, 4))
    assert told["digest"] == b64url(sha256(listed.encode()).digest())  # type: ignore[index]
    assert (told["first"], told["last"], told["count"]) == (2, 4, 3)  # type: ignore[index]


def test_ranges_never_issued_or_of_others_or_altered_are_refused(farm: Farm) -> None:
    lot, roll = farm.register(10), make_stamps(farm.actor, 5)
    other = make_stamps(make_farm(START, "HTX Demo khác").actor, 5)
    good = binding(farm, roll, 1, 5, lot)
    member = good["trace:units"]
    assert isinstance(member, dict)
    foreign = binding(farm, other, 1, 2, lot)
    assert refused(farm, foreign) == "label-range-unknown"
    for change in ({"range": "0000000000"}, {"last": 6}, {"first": 0}, {"count": 4}):
        event = {**good, "trace:units": {**member, **change}}
        assert refused(farm, event) in ("label-range-unknown", "label-range-mismatch")
    event = {**good, "trace:units": {**member, "digest": "A" * 43}}
    assert refused(farm, event) == "label-range-mismatch"
    assert db.session.scalar(select(func.count(Unit.lot_id))) == 0


def test_what_is_bound_or_voided_is_not_bound_again(farm: Farm) -> None:
    lot, later = farm.register(10), farm.register(20)
    roll = make_stamps(farm.actor, 6)
    void_stamps(farm.actor, roll, 6, 6)
    assert refused(farm, binding(farm, roll, 5, 6, lot)) == "labels-voided"
    bind_stamps(farm, roll, 1, 3, lot)
    with pytest.raises(units.UnitsTaken) as caught:
        capture(farm.actor, [binding(farm, roll, 3, 5, later)], at=farm.at)
    db.session.rollback()
    assert caught.value.params["number"] == 3
    assert db.session.scalar(select(func.count(Unit.lot_id))) == 3


def test_a_binding_declared_an_error_frees_its_units(farm: Farm, client: FlaskClient) -> None:
    lot, right = farm.register(10), farm.register(20)
    roll = make_stamps(farm.actor, 4)
    event = binding(farm, roll, 1, 4, lot)
    captured = farm.tell(event)
    assert client.get(stamp_page(roll, 1)).status_code == 200
    farm.correct(captured, event)
    text = client.get(stamp_page(roll, 1)).get_data(as_text=True)
    assert "chưa gắn với lô hàng" in text
    bind_stamps(farm, roll, 1, 4, right)
    assert "Tem riêng của một gói" in client.get(stamp_page(roll, 1)).get_data(as_text=True)


def test_a_serial_under_another_lot_is_called_out(farm: Farm, client: FlaskClient) -> None:

    make_product(farm.organisation, "Gạo Demo", START, gtin="08936000000011", category="rice")
    db.session.commit()
    base = f"{id_base()}/01/08936000000011"
    for name in ("L1", "L2"):
        farm.register(10, lot=f"{base}/10/{name}", lot_number=name)

    product = db.session.scalar(select(Product).where(Product.gtin == "08936000000011"))
    roll = make_stamps(farm.actor, 1, product)
    bind_stamps(farm, roll, 1, 1, f"{base}/10/L1")
    serial = serial_of(roll, 1)
    wrong = client.get(f"/t/01/08936000000011/10/L2/21/{serial}").get_data(as_text=True)
    right = client.get(f"/t/01/08936000000011/10/L1/21/{serial}").get_data(as_text=True)
    bare = client.get(f"/t/01/08936000000011/21/{serial}").get_data(as_text=True)
    assert "Số trên tem không thuộc lô này" in wrong
    for text in (right, bare):
        assert "không thuộc lô này" not in text
        assert "Tem riêng của một gói" in text


def test_ten_thousand_units_are_bound_in_two_seconds(farm: Farm) -> None:
    lot = farm.register(3000)
    roll = make_stamps(farm.actor, 10_000)
    event = binding(farm, roll, 1, 10_000, lot)
    start = perf_counter()
    capture(farm.actor, [event], at=farm.at)
    db.session.commit()
    assert perf_counter() - start <= 2.0
    bound = select(func.count(Unit.lot_id)).where(*stretch_of(roll, 1, 10_000).where())
    assert db.session.scalar(bound) == 10_000

"""More out than in: marked at once, held by the platform when it stays so, released by truth."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
import time_machine
from flask import Flask
from sqlalchemy import select

from tests.support.factories import make_actor, new_lot, notice, registered, transformed
from trace.extensions import db
from trace.jobs.worker import run_pending
from trace.models import Alert, Event
from trace.services.actors import Actor
from trace.services.capture import capture
from trace.services.platform import platform_organisation


def holds() -> list[bool]:
    """For every alert: whether it stands."""
    return [lifted is None for lifted in db.session.scalars(select(Alert.lifted_by))]


def after(moment: datetime, **delta: int) -> datetime:
    """Lets that much time pass and the worker do what is due."""
    later = moment + timedelta(**delta)
    with time_machine.travel(later, tick=False):
        run_pending()
    return later


def test_a_lot_overdrawn_beyond_tolerance_is_held_by_the_platform_after_an_hour(
    app: Flask, now: datetime
) -> None:
    with app.app_context():
        actor, lot, out = make_actor(now), new_lot(), new_lot()
        capture(actor, [registered(lot, 100), transformed({lot: 150}, {out: 150})], at=now)
        db.session.commit()
        run_pending()
        assert holds() == []
        after(now, hours=2)
        assert holds() == [True, True]  # the lot, and what was made of it
        issuer = db.session.scalars(select(Event.issuer_id).where(Event.notice == "hold")).one()
        assert issuer == platform_organisation().id


def test_the_missing_record_arriving_late_ends_the_hold(app: Flask, now: datetime) -> None:
    with app.app_context():
        actor, lot, out = make_actor(now), new_lot(), new_lot()
        capture(actor, [registered(lot, 100), transformed({lot: 150}, {out: 150})], at=now)
        db.session.commit()
        later = after(now, hours=2)
        more = registered(lot, 60, eventTime="2026-11-20T05:00:00.000Z")
        capture(actor, [more], at=later)
        db.session.commit()
        after(later, hours=2)
        assert holds() == [False, False]


def test_every_hold_that_stands_for_it_ends_when_the_missing_record_arrives(
    app: Flask, now: datetime
) -> None:
    with app.app_context():
        actor, lot, out = make_actor(now), new_lot(), new_lot()
        capture(actor, [registered(lot, 100), transformed({lot: 150}, {out: 150})], at=now)
        for name in ("urn:x:1", "urn:x:2"):
            held = notice("hold", lot, reason="balance") | {"eventID": name}
            capture(Actor(platform_organisation(), None, "admin"), [held], at=now)
        db.session.commit()
        assert holds() == [True] * 4
        capture(actor, [registered(lot, 60, eventTime="2026-11-20T05:00:00.000Z")], at=now)
        db.session.commit()
        after(now, hours=2)
        assert holds() == [False] * 4
        released = select(Event.id).where(Event.notice == "release")
        assert len(db.session.scalars(released).all()) == 1


@pytest.mark.parametrize("used", [101, 100])
def test_a_difference_of_scales_holds_nothing(app: Flask, now: datetime, used: int) -> None:
    with app.app_context():
        actor, lot, out = make_actor(now), new_lot(), new_lot()
        capture(actor, [registered(lot, 100), transformed({lot: used}, {out: 100})], at=now)
        db.session.commit()
        after(now, hours=2)
        assert holds() == []


def test_an_order_of_arrival_that_settles_within_the_hour_holds_nothing(
    app: Flask, now: datetime
) -> None:
    with app.app_context():
        actor, lot, out = make_actor(now), new_lot(), new_lot()
        capture(actor, [transformed({lot: 80}, {out: 80})], at=now)
        capture(actor, [registered(lot, 100)], at=now)
        db.session.commit()
        after(now, hours=2)
        assert holds() == []


def test_who_only_sold_what_others_never_recorded_shipping_is_not_punished(
    app: Flask, now: datetime
) -> None:
    with app.app_context():
        farmer, shop = make_actor(now), make_actor(now, "Cửa hàng Demo", "retailer")
        lot = new_lot()
        capture(farmer, [registered(lot, 100)], at=now)
        sold = registered(lot, 20, action="OBSERVE", bizStep="retail_selling")
        del sold["ilmd"]
        capture(shop, [sold | {"disposition": "retail_sold"}], at=now)
        db.session.commit()
        after(now, hours=2)
        assert holds() == []


def test_more_out_of_a_step_than_can_have_come_of_it_is_held_and_released_when_mended(
    app: Flask, now: datetime
) -> None:
    with app.app_context():
        actor, lot, out = make_actor(now), new_lot(), new_lot()
        mixed = transformed({lot: 80}, {out: 100})
        done = capture(actor, [registered(lot, 100), mixed], at=now)
        db.session.commit()
        later = after(now, hours=2)
        assert holds() == [True]  # what came out; of what went in nothing is missing
        declared = mixed | {
            "eventID": done.events[1].event_key,
            "errorDeclaration": {
                "declarationTime": "2026-11-22T05:00:00.000Z",
                "reason": "incorrect_data",
            },
            "trace:corrects": done.events[1].statement_id,
        }
        capture(actor, [declared, transformed({lot: 80}, {out: 79})], at=later)
        db.session.commit()
        after(later, hours=2)
        assert holds() == [False]


@pytest.mark.parametrize(
    ("step", "out", "held"),
    [
        ("trace:milling", 102, 0),  # within what scales differ
        ("trace:milling", 110, 1),
        ("trace:washing", 105, 0),  # leaves hold water
        ("trace:processing", 250, 0),  # cooked with water
        ("trace:processing", 400, 1),
        ("trace:grading", 60, 0),  # the rest was thrown away
    ],
)
def test_each_kind_of_step_has_a_range_of_its_own(
    app: Flask, now: datetime, step: str, out: int, held: int
) -> None:
    with app.app_context():
        actor, lot, made = make_actor(now), new_lot(), new_lot()
        event = transformed({lot: 100}, {made: out}) | {"bizStep": step}
        capture(actor, [registered(lot, 100), event], at=now)
        db.session.commit()
        after(now, hours=2)
        assert holds() == [True] * held


def test_a_step_with_an_amount_untold_is_not_judged(app: Flask, now: datetime) -> None:
    with app.app_context():
        actor, lot, other, made = make_actor(now), new_lot(), new_lot(), new_lot()
        event = transformed({lot: 10, other: 1}, {made: 100})
        del event["inputQuantityList"][1]["quantity"], event["inputQuantityList"][1]["uom"]
        capture(actor, [registered(lot, 100), event], at=now)
        db.session.commit()
        after(now, hours=2)
        assert holds() == []

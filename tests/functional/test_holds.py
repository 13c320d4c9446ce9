"""Harvested too early, or treated with what is banned: recorded, held, and what ends it."""

from __future__ import annotations

import io
import uuid
from datetime import datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from tests.support.factories import make_actor
from tests.support.farms import Farm, item, make_farm, new
from tests.support.fields import Console, open_console
from tests.support.pages import PageClient
from tests.support.photos import a_photo
from trace.core.epcis import JsonObject
from trace.extensions import db
from trace.jobs.worker import run_pending
from trace.models import Alert, CatalogueItem, Event, Membership, Notification, Thing
from trace.services import held_goods, people
from trace.services.actors import Actor
from trace.services.batches import address_of
from trace.services.capture import capture
from trace.services.diary import Input, diary_entry
from trace.services.harvests import harvest
from trace.services.held_goods import movements
from trace.services.holds import AT_ONCE, held, notice_event, reason_of
from trace.services.laboratory import Finding, held_lots, result_event
from trace.services.platform import platform_organisation
from trace.services.timelines import timeline


def notices() -> list[str]:
    """Reasons of the hold notices there are."""
    return [
        reason_of(jwt)
        for jwt in db.session.scalars(select(Event.jwt).where(Event.notice == "hold"))
    ]


def thing(uri: str) -> Thing:
    return next(one for one in db.session.scalars(select(Thing)) if address_of(one) == uri)


def ban(name: str, ingredient: str = "", *, demonstration: bool = False, at: datetime) -> None:
    db.session.add(
        CatalogueItem(
            kind="input",
            name=name,
            folded=name,
            active_ingredient=ingredient,
            banned=True,
            demonstration=demonstration,
            created_at=at,
        )
    )
    db.session.commit()


@pytest.fixture
def farm(app: Flask, now: datetime) -> Any:
    with app.app_context():
        yield make_farm(now - timedelta(days=20))


def test_a_harvest_before_the_labels_days_is_recorded_and_held_by_the_platform(farm: Farm) -> None:
    cycle = farm.sow()
    farm.spray(cycle, interval=7)
    lot = farm.wait(3).reap(cycle)
    made = farm.mix([lot, farm.register()], 500)
    run_pending()
    assert notices() == ["interval"]
    assert held([thing(lot).id]) == {thing(lot).id}
    issuer = db.session.scalars(select(Event.issuer_id).where(Event.notice == "hold")).one()
    assert issuer == platform_organisation().id
    assert held([thing(made).id]) == set()  # may contain, is not surely
    run_pending()
    assert notices() == ["interval"]


@pytest.mark.parametrize("days", [7, 8, 30])
def test_a_harvest_that_keeps_the_label_is_not_held(farm: Farm, days: int) -> None:
    cycle = farm.sow()
    farm.spray(cycle, interval=7)
    farm.wait(days).reap(cycle)
    run_pending()
    assert notices() == []


def test_a_spraying_recorded_after_the_harvest_holds_it_all_the_same(farm: Farm) -> None:
    cycle = farm.sow()
    sprayed = farm.at
    farm.wait(2)
    lot = farm.reap(cycle)
    run_pending()
    assert notices() == []
    farm.at, later = sprayed, farm.at
    farm.spray(cycle, interval=7)
    farm.at = later
    run_pending()
    assert held([thing(lot).id])


@pytest.mark.parametrize(
    ("name", "ingredient"), [("Chất Cấm Minh Họa 50EC", ""), ("x", "CHAT CAM minh hoa")]
)
def test_a_banned_substance_is_recorded_and_the_lot_held(
    farm: Farm, name: str, ingredient: str
) -> None:
    ban("chất cấm minh họa", at=farm.at)
    cycle = farm.sow()
    farm.tell(
        diary_entry(
            farm.record(),
            cycle,
            "spraying",
            inputs=[Input(name, active_ingredient=ingredient, interval_days=1)],
        )
    )
    farm.wait(9).reap(cycle)
    run_pending()
    assert notices() == ["banned-substance"]


def test_lines_marked_as_demonstration_and_parts_of_words_hold_nothing(farm: Farm) -> None:
    ban("Thuốc Demo", demonstration=True, at=farm.at)
    ban("ốc", at=farm.at)
    cycle = farm.sow()
    farm.spray(cycle, interval=1)
    farm.wait(9).reap(cycle)
    run_pending()
    assert notices() == []


def test_the_hold_stands_before_anybody_can_print_a_label(farm: Farm) -> None:
    cycle = farm.sow()
    farm.spray(cycle, interval=7)
    lot = farm.wait(1).reap(cycle)  # straight into capture, as an interface does; no job has run
    assert held([thing(lot).id]) == {thing(lot).id}
    run_pending()
    assert notices() == ["interval"]


def test_what_bears_on_many_harvests_is_left_to_a_job(farm: Farm) -> None:
    cycle = farm.sow()
    farm.spray(cycle, interval=7)
    farm.wait(1)
    lots = [new("b") for _ in range(AT_ONCE + 1)]
    farm.tell(*(harvest(farm.record(), [cycle], item(lot, 10), farm.facts()) for lot in lots))
    assert notices() == []
    run_pending()
    assert notices() == ["interval"] * len(lots)


@pytest.mark.parametrize("step", ["vaccinating", "feeding"])
@pytest.mark.parametrize(("days", "expected"), [(3, ["interval"]), (7, [])])
def test_eggs_are_held_for_a_flocks_medicine(
    farm: Farm, days: int, expected: list[str], step: str
) -> None:
    flock = farm.sow()
    medicine = Input("Thuốc Demo", interval_days=7)
    feed = Input("Cám Demo")
    farm.tell(diary_entry(farm.record(), flock, step, inputs=[medicine, feed]))
    farm.wait(days)
    eggs = item(new("b"), 300)
    farm.tell(harvest(farm.record(), [flock], eggs, farm.facts(), biz_step="egg_collecting"))
    assert notices() == expected


def test_held_goods_that_move_by_another_door_are_recorded_marked_and_told(farm: Farm) -> None:
    office = authority(farm)
    inspector = people.register_person(
        "Thanh tra Minh họa", people.parse_login("0901234567"), "vườn rau sau nhà", at=farm.at
    )
    db.session.add(
        Membership(
            person=inspector, organisation=office.organisation, role="inspector", created_at=farm.at
        )
    )
    lot, _ = hold_a_lot(farm)
    shop = make_farm(farm.at, name="Cửa hàng Minh họa")
    sent = farm.send(lot, shop, 100)
    shop.at = farm.at
    shop.send(lot, farm, 20)  # home again
    run_pending()
    told = db.session.scalars(select(Notification).where(Notification.word == "held-moved")).all()
    assert [one.person_id for one in told] == [inspector.id]
    assert told[0].address.startswith("/inspection/holds/")
    lines = timeline(farm.actor, thing(lot))
    marked = [one for one in lines if "moved-while-held" in one.marks]
    assert [one.event_id for one in marked] == [sent.events[0].event_id]
    (hold,) = held_lots(office)
    assert [str(one.amount.quantity) for one in movements(hold.thing.id) if one.amount] == [
        "20",
        "100",
    ]
    held_goods.tell([sent.events[0].event_id], at=farm.at)
    again = db.session.scalars(select(Notification).where(Notification.word == "held-moved")).all()
    assert len(again) == 1


# -- what ends it ----------------------------------------------------------------------------------


def hold_a_lot(farm: Farm) -> tuple[str, str]:
    """A held lot and the statement of its hold."""
    cycle = farm.sow()
    farm.spray(cycle, interval=7)
    lot = farm.wait(1).reap(cycle)
    run_pending()
    return lot, hold_of(lot)


def hold_of(lot: str) -> str:
    raw = db.session.scalars(select(Event.statement_id).where(Event.notice == "hold")).one()
    return f"urn:uuid:{uuid.UUID(bytes=bytes(raw))}"


def release(actor: Actor, lot: str, ends: str, *results: str, at: datetime) -> None:
    content: JsonObject = {"kind": "release", "reason": "kết quả đạt", "ends": [ends]}
    if results:
        content["results"] = list(results)
    capture(actor, [notice_event(thing(lot), "inspecting", content, at)], at=at)
    db.session.commit()


def laboratory(at: datetime, *, confirmed: bool = True) -> Actor:
    actor = make_actor(at, name="Phòng kiểm nghiệm Minh họa", kind="laboratory")
    actor.organisation.status = "confirmed" if confirmed else "unconfirmed"
    db.session.commit()
    return actor


def authority(farm: Farm, jurisdiction: str = "*") -> Actor:
    actor = make_actor(farm.at, name="Chi cục Minh họa", kind="authority")
    actor.organisation.status = "confirmed"
    actor.organisation.jurisdiction = jurisdiction
    db.session.commit()
    return actor


def sign_result(actor: Actor, farm: Farm, lot: str, verdict: str = "within") -> str:
    event = result_event(
        farm.record(),
        lot,
        [Finding("hoạt chất Demo", verdict, None, "mg/kg", None, "LC-MS/MS")],
        farm.at.date(),
    )
    captured = capture(actor, [event], at=farm.at)
    db.session.commit()
    return captured.events[0].statement_id


def test_an_authoritys_release_on_a_laboratorys_result_of_that_lot_ends_it(farm: Farm) -> None:
    lot, ends = hold_a_lot(farm)
    result = sign_result(laboratory(farm.at), farm, lot)
    release(authority(farm), lot, ends, result, at=farm.at)
    assert not held([thing(lot).id])
    farm.spray(farm.sow())
    run_pending()
    assert notices() == ["interval"]  # what was released is not held again


def test_nothing_else_ends_it(farm: Farm) -> None:
    lot, ends = hold_a_lot(farm)
    other = farm.register()
    lab, office = laboratory(farm.at), authority(farm)
    good, bad = sign_result(lab, farm, lot), sign_result(lab, farm, other)
    release(office, lot, ends, at=farm.at)  # without a result
    release(office, lot, ends, bad, at=farm.at)  # a result about another lot
    release(Actor(platform_organisation(), None, "admin"), lot, ends, good, at=farm.at)
    release(farm.actor, lot, ends, good, at=farm.at)  # its own maker
    release(authority(farm, "79"), lot, ends, good, at=farm.at)  # not competent there
    above = sign_result(laboratory(farm.at), farm, lot, "above")
    release(office, lot, ends, good, above, at=farm.at)
    foreign = sign_result(laboratory(farm.at, confirmed=False), farm, lot)
    release(office, lot, ends, foreign, at=farm.at)
    made_up = sign_result(farm.actor, farm, lot)  # no laboratory
    release(office, lot, ends, made_up, at=farm.at)
    assert held([thing(lot).id])
    release(office, lot, ends, good, at=farm.at)
    assert not held([thing(lot).id])


def test_a_correction_of_the_spraying_does_not_end_it(farm: Farm) -> None:
    cycle = farm.sow()
    sprayed = farm.spray(cycle, interval=7)
    original = farm.told[-1]
    lot = farm.wait(1).reap(cycle)
    run_pending()
    farm.correct(sprayed, original)
    run_pending()
    assert held([thing(lot).id])


# -- the console -----------------------------------------------------------------------------------


@pytest.fixture
def console(app: Flask, pages: PageClient, now: datetime) -> Console:
    return open_console(app, pages)


def test_while_it_is_held_the_console_prints_no_label_and_starts_no_handover(
    console: Console,
) -> None:
    pages = console.pages
    told = {"product": str(console.greens), "when": "2026-11-01T07:00"}
    pages.submit(pages.get("/producer/cycles/new/sowing"), told)
    (cycle,) = console.things("cycle")
    spray = {"inputs-0-name": "Thuốc Minh họa", "inputs-0-interval_days": "7"}
    pages.submit(pages.get(f"/producer/cycles/{cycle}/diary/spraying"), spray)
    form = pages.get(f"/producer/cycles/{cycle}/harvest")
    assert "Lô thu sớm bị tạm giữ" in form.text
    page = pages.submit(form, {"quantity": "20"})
    assert "Lô bị tạm giữ: chưa in tem" in page.text
    assert "Lô này đang tạm dừng bán" in page.text
    (lot,) = console.things("lot")
    label = pages.get(f"/producer/labels/{lot}")
    refused = pages.submit(label, {"count": "3"}, status=409)
    assert "đang bị tạm giữ" in refused.text
    ship = pages.get(f"/producer/shipments/new?thing={lot}")
    refused = pages.submit(ship, {}, status=409)
    assert "đang bị tạm giữ" in refused.text
    assert [line.step for line in console.events()][-2:] == ["harvesting", "holding"]
    end = pages.get(f"/producer/batches/{lot}/destroy")
    seen = {"witness": "Trưởng thôn", "photos": (io.BytesIO(a_photo()), "anh.jpg")}
    pages.submit(end, {"quantity": "20", "note": "ủ phân", **seen})
    assert console.events()[-1].step == "destroying"
    with console.app.app_context():
        assert len(db.session.scalars(select(Alert)).all()) == 1
        run_pending()
        assert len(db.session.scalars(select(Alert)).all()) == 1


def test_a_harvest_in_time_shows_its_arithmetic_before_confirming(console: Console) -> None:
    pages = console.pages
    told = {"product": str(console.greens), "when": "2026-10-01T07:00"}
    pages.submit(pages.get("/producer/cycles/new/sowing"), told)
    (cycle,) = console.things("cycle")
    spray = {
        "inputs-0-name": "Thuốc Minh họa",
        "inputs-0-interval_days": "7",
        "when": "2026-11-12T07:00",
    }
    pages.submit(pages.get(f"/producer/cycles/{cycle}/diary/spraying"), spray)
    form = pages.get(f"/producer/cycles/{cycle}/harvest")
    assert "ngày 12/11/2026, đến nay 10 ngày (nhãn yêu cầu 7)" in form.text
    page = pages.submit(form, {"quantity": "20"})
    assert "In nhãn được ngay" in page.text

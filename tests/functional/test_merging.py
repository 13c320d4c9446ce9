"""Dồn lô, and days that repacking cannot move."""

from __future__ import annotations

from datetime import datetime

import pytest
from flask import Flask

from tests.support.fields import Console, errors, open_console
from tests.support.members import make_member, sign_in
from tests.support.pages import PageClient
from trace import clock
from trace.clock import rfc3339
from trace.core.gs1 import parse_identity
from trace.extensions import db
from trace.models import Holding, Thing
from trace.services.passports import passport_of
from trace.services.settings import current_settings


@pytest.fixture
def console(app: Flask, pages: PageClient, now: datetime) -> Console:
    return open_console(app, pages)


def left(console: Console, thing: int) -> int:
    with console.app.app_context():
        rows = db.session.scalars(db.select(Holding.quantity).where(Holding.thing_id == thing))
        return int(sum(rows))


def facts(console: Console, thing: int) -> dict[str, object]:
    with console.app.app_context():
        found: dict[str, object] = passport_of(thing, at=clock.now()).document["facts"]
        return found


def public(console: Console, thing: int) -> str:
    with console.app.app_context():
        row = db.session.get_one(Thing, thing)
        found = parse_identity(row.identity, current_settings().id_base)
        assert found is not None
        return f"/t{found.path}"


def repack(console: Console, lot: int, step: str = "repackaging", **entries: str) -> int:
    before = set(console.things("lot"))
    form = console.pages.get(f"/producer/batches/process?step={step}&thing={lot}")
    console.pages.submit(form, {"outputs-0-quantity": "10", "lots-0-quantity": "10", **entries})
    (made,) = set(console.things("lot")) - before
    return made


# -- dồn lô ----------------------------------------------------------------------------------------


def test_a_stalls_lot_of_the_day_is_one_press_and_keeps_every_source(console: Console) -> None:
    first = console.lot("30", lot="A1", use_by="2026-11-25")
    second = console.lot("20", lot="A2", use_by="2026-11-24")
    form = console.pages.get("/producer/batches/merge")
    assert form.find("//input[@name='quantity']")[0].get("value") == "50"
    page = console.pages.submit(form, {"quantity": "49"})  # everything else is filled in
    mixed = next(line for line in console.events() if line.step == "mixing")
    assert {named.thing.id for named in mixed.named("input")} == {first, second}
    assert mixed.document["bizLocation"]["id"].startswith("https://trace.example/l/")
    (made,) = mixed.named("output")
    assert made.quantity == 49
    assert left(console, first) == left(console, second) == 0
    assert mixed.document["ilmd"]["cbvmda:itemExpirationDate"] == "2026-11-24"
    assert "49 kg" in page.text
    assert "Gộp từ 2" in console.pages.get(public(console, made.thing.id)).text


def test_a_trader_finds_it_at_hand_every_day_and_a_farmer_does_not(
    app: Flask, console: Console
) -> None:
    client = app.test_client()
    sign_in(app, client, make_member(app, name="Vựa Minh họa", kind="trader"))
    trader = PageClient(client)
    assert trader.get("/producer/today").link("Dồn lô").endswith("/producer/batches/merge")
    trader.get("/producer/batches/merge")
    console.lot("30")
    assert "Dồn lô" not in console.pages.get("/producer/today").texts("//main//a")


def test_poured_again_at_the_same_stall_on_the_same_day_the_same_lot_goes_on(
    console: Console,
) -> None:
    console.lot("30", lot="A1")
    form = console.pages.get("/producer/batches/merge")
    console.pages.submit(form, {})
    (first,) = next(line for line in console.events() if line.step == "mixing").named("output")
    later = console.lot("20", lot="A2")
    form = console.pages.get("/producer/batches/merge")
    numbers = {
        field.get("value"): field.get("name") for field in form.find("//input[@type='hidden']")
    }
    own = numbers[str(first.thing.id)].replace("-thing", "-take")  # already in the lot of the day
    console.pages.submit(form, {own: None, "quantity": "20"})
    again = [line for line in console.events() if line.step == "mixing"][-1]
    assert [named.thing.id for named in again.named("input")] == [later]
    assert [named.thing.id for named in again.named("output")] == [first.thing.id]
    assert left(console, first.thing.id) == 50
    assert facts(console, first.thing.id)["sources"] == 2


def test_goods_without_a_code_are_a_source_and_the_page_says_so(console: Console) -> None:
    console.lot("30", lot="A1")
    form = console.pages.get("/producer/batches/merge")
    entries = {"uncoded": "yes", "uncoded_quantity": "10", "quantity": "40", "supplier": "Chợ Demo"}
    console.pages.submit(form, entries)
    mixed = next(line for line in console.events() if line.step == "mixing")
    assert len(mixed.named("input")) == 2
    outside = next(line for line in console.events() if line.step == "receiving")
    assert outside.document["trace:externalSource"] == {"supplier": "Chợ Demo"}
    page = console.pages.get(public(console, mixed.named("output")[0].thing.id))
    assert "Nguồn do người nhận khai, không có hồ sơ gốc" in page.text


def test_nothing_chosen_is_asked_about_and_nothing_typed_is_lost(console: Console) -> None:
    console.lot("30", lot="A1")
    before = len(console.events())
    form = console.pages.get("/producer/batches/merge")
    page = console.pages.submit(form, {"lots-0-take": None, "quantity": "29"}, status=400)
    assert "Chọn ít nhất một" in page.find("//*[@id='e-lots-0-take']//text()")[-1]
    assert page.find("//input[@name='quantity']")[0].get("value") == "29"
    assert page.find("//input[@name='lots-0-take']")[0].get("checked") is None
    assert len(console.events()) == before


# -- days ------------------------------------------------------------------------------------------


def test_a_repacked_lot_keeps_the_days_of_what_it_was_packed_from(console: Console) -> None:
    dates = {"use_by": "2026-11-24", "first_day": "2026-11-18", "last_day": "2026-11-18"}
    lot = console.lot("30", None, **dates)
    made = repack(console, lot)
    ilmd = console.events()[-1].document["ilmd"]
    assert ilmd["cbvmda:itemExpirationDate"] == "2026-11-24"
    assert ilmd["cbvmda:harvestStartDate"] == "2026-11-18"
    assert facts(console, made)["use_by"] == "2026-11-24"
    again = repack(console, made)
    assert facts(console, again)["use_by"] == "2026-11-24"


def test_a_repacked_lot_cannot_be_made_younger(console: Console) -> None:
    lot = console.lot("30", use_by="2026-11-24")
    form = console.pages.get(f"/producer/batches/process?step=repackaging&thing={lot}")
    entries = {
        "outputs-0-quantity": "10",
        "lots-0-quantity": "10",
        "outputs-0-use_by": "2026-12-24",
    }
    page = console.pages.submit(form, entries, status=400)
    assert "24/11/2026" in errors(page)["outputs-0-use_by"]
    assert page.find("//input[@name='outputs-0-use_by']")[0].get("value") == "2026-12-24"
    made = repack(console, lot, **{"outputs-0-use_by": "2026-11-23"})  # an earlier day stands
    assert facts(console, made)["use_by"] == "2026-11-23"


def test_processing_makes_a_new_product_with_a_day_of_its_own(console: Console) -> None:
    lot = console.lot("30", use_by="2026-11-24")
    made = repack(console, lot, "processing", **{"outputs-0-use_by": "2027-05-01"})
    assert facts(console, made)["use_by"] == "2027-05-01"


def test_a_later_day_through_another_door_shows_the_sources_day(
    app: Flask, console: Console
) -> None:
    from tests.support.factories import new_lot, transformed
    from trace.models import Organisation
    from trace.services.actors import Actor
    from trace.services.capture import capture

    lot = console.lot("30", use_by="2026-11-24", best_before="2026-11-23")
    with app.app_context():
        actor = Actor(db.session.get_one(Organisation, console.organisation), None, "owner")
        identity = db.session.get_one(Thing, lot).identity
        out = new_lot()
        event = transformed({identity: 10}, {out: 10})
        event["bizStep"] = "repackaging"
        event["eventTime"] = rfc3339(clock.now())
        event["ilmd"] = {"cbvmda:itemExpirationDate": "2027-11-24"}
        capture(actor, [event], at=clock.now())
        db.session.commit()
    made = console.things("lot")[-1]
    assert facts(console, made)["use_by"] == "2026-11-24"
    assert facts(console, made)["best_before"] == "2026-11-23"


# -- goods from outside the system -----------------------------------------------------------------


def test_a_foreign_code_is_kept_as_text_and_leads_nowhere(console: Console) -> None:
    foreign = "https://elsewhere.example/q?x=<script>alert(1)</script>&lot=1"
    form = console.pages.get("/producer/shipments/receive")
    entries = {
        "product": str(console.herbs),
        "quantity": "30",
        "supplier": "Chợ Demo",
        "supplier_place": "Hà Đông",
        "bought": "2026-11-21",
        "foreign_code": foreign,
    }
    page = console.pages.submit(form, entries)
    (line,) = console.events()
    assert line.document["trace:externalSource"]["code"] == foreign
    assert foreign in page.text
    shown = console.pages.get(public(console, console.things("lot")[0]))
    assert "Nguồn do người nhận khai, không có hồ sơ gốc: Chợ Demo, Hà Đông" in shown.text
    for one in (page, shown):
        links = [link for link in one.find("//@href | //@src") if "elsewhere.example" in link]
        assert links == []
        assert not one.find("//script[contains(., 'alert')]")


def test_a_foreign_code_too_long_is_named_and_nothing_is_lost(console: Console) -> None:
    form = console.pages.get("/producer/shipments/receive")
    entries = {"product_name": "Rau ngót", "quantity": "3", "foreign_code": "x" * 301}
    page = console.pages.submit(form, entries, status=400)
    assert "foreign_code" in errors(page)
    assert page.find("//input[@name='foreign_code']")[0].get("value") == "x" * 301
    assert console.events() == []

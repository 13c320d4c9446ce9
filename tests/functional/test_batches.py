"""Lots: registered, packed, processed, kept, sold; lists that are searched and taken away."""

from __future__ import annotations

from datetime import datetime

import pytest
from flask import Flask
from sqlalchemy import select

from tests.support.fields import Console, errors, open_console
from tests.support.members import make_member, sign_in
from tests.support.pages import PageClient
from trace.extensions import db
from trace.models import Event, Holding, Product
from trace.web import lists


@pytest.fixture
def console(app: Flask, pages: PageClient, now: datetime) -> Console:
    return open_console(app, pages)


def held(console: Console, thing: int) -> list[tuple[str, str]]:
    with console.app.app_context():
        rows = db.session.scalars(select(Holding).where(Holding.thing_id == thing))
        return [(f"{row.quantity:f}", row.unit) for row in rows]


def test_a_lot_without_a_diary_is_registered_in_the_standards_units(console: Console) -> None:
    lot = console.lot("1,2", unit="tan", lot="L2611", first_day="2026-11-20")
    (line,) = console.events()
    assert line.document["bizStep"] == "creating_class_instance"
    assert line.document["quantityList"] == [
        {
            "epcClass": "https://trace.example/01/08936012340013/10/L2611",
            "quantity": 1200,
            "uom": "KGM",
        }
    ]
    assert line.document["ilmd"]["cbvmda:harvestEndDate"] == "2026-11-20"
    page = console.pages.get(f"/producer/batches/{lot}")
    assert "1.200 kg" in page.text
    assert held(console, lot) == [("1200", "KGM")]


def test_a_product_without_a_gtin_gets_a_code_of_its_own(console: Console) -> None:
    console.lot("30", console.herbs)
    (line,) = console.events()
    (element,) = line.document["quantityList"]
    assert element["epcClass"].startswith("https://trace.example/b/")
    assert line.document["ilmd"]["trace:product"].startswith("https://trace.example/q/")
    (named,) = line.things
    assert named.thing.product_id == console.herbs


def test_a_lot_of_something_not_in_the_catalogue_needs_only_its_name(console: Console) -> None:
    form = console.pages.get("/producer/batches/new")
    console.pages.submit(form, {"product_name": "Mướp hương", "quantity": "12"})
    assert console.events()[0].document["ilmd"]["trace:productName"] == "Mướp hương"
    page = console.pages.submit(
        console.pages.get("/producer/batches/new"), {"quantity": "12"}, status=400
    )
    assert "product" in errors(page)


def test_a_lot_name_is_used_once_in_a_gtin(console: Console) -> None:
    console.lot("10", lot="L1")
    form = console.pages.get("/producer/batches/new")
    entries = {"product": str(console.greens), "quantity": "5", "lot": "l1"}
    page = console.pages.submit(form, entries, status=409)
    assert "đã có lô L1" in errors(page)["lot"]


def test_two_people_registering_the_same_lot_are_told_apart(console: Console, app: Flask) -> None:
    mine = console.pages.get("/producer/batches/new")
    theirs = console.pages.get("/producer/batches/new")
    entries = {"product": str(console.greens), "quantity": "5", "lot": "L7"}
    console.pages.submit(mine, entries)
    page = console.pages.submit(theirs, {**entries, "quantity": "6"}, status=409)
    assert page.form().fields["quantity"] == "6"
    assert len(console.events()) == 1


def test_a_crate_is_packed_found_again_and_unpacked(console: Console) -> None:
    lot = console.lot("480")
    form = console.pages.get(f"/producer/batches/pack?thing={lot}")
    assert form.form().fields["lots-0-quantity"] == "480"
    page = console.pages.submit(form, {"lots-0-quantity": "12"})
    (crate,) = console.things("logistic")
    assert page.h1.startswith("Thùng, kiện · ")
    code = page.h1.rpartition(" ")[2]
    again = console.pages.get(f"/producer/batches/pack?thing={lot}")
    console.pages.submit(again, {"lots-0-quantity": "8", "parent": code})
    assert console.things("logistic") == [crate]
    form = console.pages.get(f"/producer/batches/{crate}/unpack")
    page = console.pages.submit(form, {})
    assert console.events()[-1].document["action"] == "DELETE"
    assert "Dỡ hàng" in page.text


def test_what_happens_to_a_crate_happens_to_what_is_in_it(console: Console) -> None:
    lot = console.lot("480", when="2026-11-20T06:00")
    form = console.pages.get(f"/producer/batches/pack?thing={lot}")
    console.pages.submit(form, {"lots-0-quantity": "12", "when": "2026-11-20T07:00"})
    (crate,) = console.things("logistic")
    for celsius, when in (("3", "2026-11-20T06:30"), ("4", "2026-11-20T08:00")):
        cold = console.pages.get(f"/producer/batches/{crate}/store")
        console.pages.submit(cold, {"celsius": celsius, "when": when})
    unpack = console.pages.get(f"/producer/batches/{crate}/unpack")
    console.pages.submit(unpack, {"when": "2026-11-20T09:00"})
    cold = console.pages.get(f"/producer/batches/{crate}/store")
    console.pages.submit(cold, {"celsius": "5", "when": "2026-11-20T10:00"})
    page = console.pages.get(f"/producer/batches/{lot}")
    assert "4 °C" in page.text
    assert "3 °C" not in page.text
    assert "5 °C" not in page.text
    assert "Dỡ hàng" in page.text


def test_a_wrong_crate_code_is_refused_beside_its_field(console: Console) -> None:
    lot = console.lot("480")
    form = console.pages.get(f"/producer/batches/pack?thing={lot}")
    entries = {"lots-0-quantity": "8", "parent": "7K3QM-P2XV5"}
    page = console.pages.submit(form, entries, status=400)
    assert "parent" in errors(page)
    assert page.form().fields["parent"] == "7K3QM-P2XV5"


def test_mixing_keeps_every_source(console: Console) -> None:
    one, two = console.lot("30", console.herbs), console.lot("20", console.herbs)
    form = console.pages.get(f"/producer/batches/process?thing={one}&thing={two}&step=mixing")
    page = console.pages.submit(form, {"outputs-0-quantity": "50"})
    line = console.events()[-1]
    assert line.step == "mixing"
    assert len(line.named("input")) == 2
    assert held(console, one) == [("0", "KGM")]
    assert "Gộp lô" in page.text


def test_a_split_makes_several_lots_in_one_event(console: Console) -> None:
    lot = console.lot("30", console.herbs)
    form = console.pages.get(f"/producer/batches/process?thing={lot}&step=splitting")
    entries = {"outputs-0-quantity": "10", "outputs-1-quantity": "20"}
    console.pages.submit(form, entries)
    assert [line.step for line in console.events()] == ["creating_class_instance", "splitting"]
    assert len(console.events()[-1].named("output")) == 2


def test_outputs_of_different_products_are_each_introduced(console: Console) -> None:
    lot = console.lot("100", console.herbs)
    form = console.pages.get(f"/producer/batches/process?thing={lot}&step=processing")
    form = console.pages.submit(form, {"more": "outputs"})
    console.pages.submit(
        form,
        {
            "outputs-0-product": str(console.greens),
            "outputs-0-quantity": "60",
            "outputs-0-lot": "G1",
            "outputs-1-product": str(console.herbs),
            "outputs-1-quantity": "30",
        },
    )
    lines = console.events()
    assert [line.document["type"] for line in lines[1:]] == [
        "ObjectEvent",
        "ObjectEvent",
        "TransformationEvent",
    ]
    with console.app.app_context():
        names = {
            named.thing.product_id: db.session.get_one(Product, named.thing.product_id).name
            for named in lines[-1].named("output")
        }
    assert set(names.values()) == {"Cải ngọt", "Rau mùi"}


def test_an_error_in_a_line_names_the_field_of_that_line(console: Console) -> None:
    lot = console.lot("30", console.herbs)
    form = console.pages.get(f"/producer/batches/process?thing={lot}")
    entries = {"lots-0-quantity": "-3", "outputs-0-quantity": "abc", "outputs-0-lot": "lô một"}
    page = console.pages.submit(form, entries, status=400)
    assert list(errors(page)) == ["lots-0-quantity", "outputs-0-quantity", "outputs-0-lot"]
    assert page.form().fields | entries == page.form().fields


def test_more_out_than_in_is_recorded_and_marked(console: Console) -> None:
    lot = console.lot("10", console.herbs)
    form = console.pages.get(f"/producer/batches/process?thing={lot}&step=washing")
    console.pages.submit(form, {"lots-0-quantity": "15", "outputs-0-quantity": "15"})
    assert held(console, lot) == [("-5", "KGM")]
    page = console.pages.get(f"/producer/batches/{lot}")
    assert "Ra nhiều hơn vào" in page.text
    assert "ra nhiều hơn vào" in console.pages.get("/producer/batches/").text


def test_cold_storage_keeps_every_reading(console: Console) -> None:
    lot = console.lot("480")
    form = console.pages.get(f"/producer/batches/{lot}/store")
    form = console.pages.submit(form, {"more": "readings"})
    page = console.pages.submit(
        form,
        {
            "celsius": "4,5",
            "place": str(console.store),
            "readings-0-time": "2026-11-22T07:00",
            "readings-0-celsius": "6",
            "readings-1-time": "2026-11-22T08:00",
            "readings-1-celsius": "-1,5",
            "readings-2-time": "",
            "readings-3-time": "",
        },
    )
    elements = console.events()[-1].document["sensorElementList"]
    values = [element["sensorReport"][0]["value"] for element in elements]
    assert values == [6, -1.5, 4.5]
    assert "-1,5–6 °C (3 lần đo)" in page.text


def test_a_reading_after_its_event_is_refused(console: Console) -> None:
    lot = console.lot("480")
    form = console.pages.get(f"/producer/batches/{lot}/store")
    entries = {
        "when": "2026-11-22T06:00",
        "readings-0-time": "2026-11-22T07:00",
        "readings-0-celsius": "4",
    }
    page = console.pages.submit(form, entries, status=400)
    assert "readings-0-time" in errors(page)


def test_goods_on_sale_stand_on_the_stall_and_sold_goods_are_gone(console: Console) -> None:
    lot = console.lot("30")
    form = console.pages.get(f"/producer/batches/{lot}/sale")
    page = console.pages.submit(form, {"place": ""}, status=400)
    assert "place" in errors(page)
    page = console.pages.submit(page, {"place": str(console.stall)})
    assert "đang bày bán" in page.text
    form = console.pages.get(f"/producer/batches/{lot}/sale")
    page = console.pages.submit(form, {"act": "sold", "quantity": "30"})
    assert "đã hết" in page.text


def test_destroying_asks_why(console: Console) -> None:
    lot = console.lot("30")
    form = console.pages.get(f"/producer/batches/{lot}/destroy")
    page = console.pages.submit(form, {"quantity": "5"}, status=400)
    assert "note" in errors(page)
    console.pages.submit(page, {"note": "Dập nát, ủ phân"})
    assert held(console, lot) == [("25", "KGM")]


def test_the_list_is_searched_filtered_and_taken_away(console: Console) -> None:
    console.lot("10", lot="L1")
    console.lot("20", console.herbs)
    page = console.pages.get("/producer/batches/?q=rau+mui")
    assert "Rau mùi" in page.text
    assert "L1" not in page.text
    page = console.pages.get(f"/producer/batches/?product={console.greens}&state=held")
    assert "L1" in page.text
    assert "Không có dòng nào khớp" in console.pages.get("/producer/batches/?state=alert").text
    answer = console.pages.client.get("/producer/batches/?format=csv")
    assert "L1" in answer.get_data(as_text=True)


def test_a_long_list_is_read_in_pieces_and_searched_whole(
    console: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lists, "PAGE_SIZE", 2)
    monkeypatch.setattr(lists, "LOADED", 2)
    for number in range(5):
        console.lot("10", lot=f"DOT-{number}")
    named = "//tbody/tr/td[1]//a"
    pages = [console.pages.get(f"/producer/batches/?page={page}") for page in (1, 2, 3)]
    found = [text.rpartition("DOT-")[2] for page in pages for text in page.texts(named)]
    assert found == ["4", "3", "2", "1", "0"]
    (oldest,) = console.pages.get("/producer/batches/?q=dot-0").texts(named)
    assert oldest.endswith("DOT-0")
    answer = console.pages.client.get("/producer/batches/?format=csv&state=held")
    text = answer.get_data(as_text=True)
    assert [f"DOT-{number}" in text for number in range(5)] == [True] * 5


def test_another_organisations_lot_is_not_found_by_any_address(
    console: Console, app: Flask
) -> None:
    lot = console.lot("10")
    stranger = app.test_client()
    sign_in(app, stranger, make_member(app, name="Người lạ"))
    for tail in ("", "/store", "/sale", "/destroy"):
        assert stranger.get(f"/producer/batches/{lot}{tail}").status_code == 404
    for tail in ("", ".svg", ".png"):
        assert stranger.get(f"/producer/labels/{lot}{tail}").status_code == 404
    page = PageClient(stranger).get(f"/producer/batches/process?thing={lot}")
    assert "Cải ngọt" not in page.text
    form = page.form().filled({"outputs-0-quantity": "1"})
    answer = stranger.post(
        "/producer/batches/process", data={**form, "lots-0-thing": lot, "lots-0-quantity": "1"}
    )
    assert answer.status_code == 404
    with app.app_context():
        assert db.session.query(Event).count() == 1


def test_a_viewer_reads_and_does_not_record(console: Console, app: Flask) -> None:
    lot = console.lot("10")
    viewer = app.test_client()
    sign_in(app, viewer, make_member(app, role="viewer", inside=console.organisation))
    assert "Ghi việc tiếp theo" not in PageClient(viewer).get(f"/producer/batches/{lot}").text
    assert viewer.get(f"/producer/batches/{lot}/store").status_code == 403
    token = PageClient(viewer).get("/producer/batches/").form("//header//form").fields["csrf_token"]
    data = {"csrf_token": token, "product_name": "Rau", "quantity": "1"}
    assert viewer.post("/producer/batches/new", data=data).status_code == 403
    assert len(console.events()) == 1

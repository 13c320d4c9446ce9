"""Handovers: sent, received whole or with differences, and goods that came without a code."""

from __future__ import annotations

from datetime import datetime

import pytest
from flask import Flask

from tests.support.fields import Console, errors, open_console
from tests.support.members import make_member, sign_in
from tests.support.pages import PageClient
from trace.extensions import db
from trace.models import Handover, Place


@pytest.fixture
def console(app: Flask, pages: PageClient, now: datetime) -> Console:
    return open_console(app, pages)


@pytest.fixture
def shop(app: Flask, console: Console) -> PageClient:
    """Somebody of another organisation before their own console."""
    client = app.test_client()
    sign_in(app, client, make_member(app, name="Cửa hàng Minh họa", kind="retailer"))
    return PageClient(client)


def send(console: Console, quantity: str = "100", **entries: str) -> int:
    lot = console.lot("480", lot="L2611")
    form = console.pages.get(f"/producer/shipments/new?thing={lot}")
    told = {"lots-0-quantity": quantity, "taker": "cửa hàng minh họa", **entries}
    console.pages.submit(form, told)
    return console.events()[-1].event_id


def test_a_shipment_makes_a_note_and_waits_at_the_other_side(
    console: Console, shop: PageClient
) -> None:
    event = send(console)
    document = console.events()[-1].document
    assert [end["type"] for end in document["sourceList"]] == ["owning_party"]
    assert document["destinationList"][0]["destination"].startswith("https://trace.example/o/")
    page = console.pages.get(f"/producer/shipments/{event}")
    assert page.h1.startswith("Phiếu giao ")
    assert "mới có bên giao khai" in page.text
    assert console.pages.client.get(f"/producer/shipments/{event}/code.svg").status_code == 200
    waiting = shop.get("/producer/shipments/")
    assert "Cải ngọt L2611 100 kg" in waiting.text
    assert "chờ bạn nhận" in waiting.text


def test_receiving_all_answers_the_note_and_both_sides_are_told(
    console: Console, shop: PageClient
) -> None:
    event = send(console)
    form = shop.get(f"/producer/shipments/{event}/receive")
    assert form.h1 == "Nhận hàng từ HTX Minh họa?"
    page = shop.submit(form, {"answer": "all"})
    assert "hai bên đã khai" in page.text
    received = console.events()[-1]
    assert received.step == "receiving"
    assert received.document["quantityList"][0]["quantity"] == 100
    assert "trace:difference" not in received.document
    assert "hai bên đã khai" in console.pages.get("/producer/shipments/?view=outgoing").text
    assert "Không có gì ở đây" in shop.get("/producer/shipments/").text


def test_a_difference_is_an_event_with_its_reason(console: Console, shop: PageClient) -> None:
    event = send(console)
    form = shop.get(f"/producer/shipments/{event}/receive")
    entries = {"answer": "lines", "lines-0-quantity": "95,5", "lines-0-reason": "dập nát"}
    shop.submit(form, entries)
    received = console.events()[-1].document
    assert received["trace:difference"] == {"reason": "dập nát", "quantity": -4.5, "uom": "KGM"}
    assert received["quantityList"][0]["quantity"] == 95.5
    seen = shop.get(f"/producer/events/{console.events()[-1].event_id}")
    assert "thiếu 4,5 kg, dập nát" in seen.text


def test_a_line_that_did_not_come_is_counted_as_nought(console: Console, shop: PageClient) -> None:
    event = send(console)
    form = shop.get(f"/producer/shipments/{event}/receive")
    shop.submit(form, {"answer": "lines", "lines-0-quantity": "0"})
    received = console.events()[-1].document
    assert received["trace:difference"]["quantity"] == -100


def test_received_before_it_was_shipped_is_recorded_and_marked(
    console: Console, shop: PageClient
) -> None:
    event = send(console)
    form = shop.get(f"/producer/shipments/{event}/receive")
    shop.submit(form, {"answer": "all", "when": "2026-11-21T06:00"})
    received = console.events()[-1]
    page = shop.get(f"/producer/events/{received.event_id}")
    assert "Vào sổ lúc" in page.text
    lot = shop.get(f"/producer/batches/{received.things[0].thing.id}")
    assert "Nhận trước khi giao" in lot.text


def test_the_partner_reads_the_note_and_not_what_its_owner_keeps_private(
    console: Console, shop: PageClient, app: Flask
) -> None:
    lot = console.lot("480", lot="L1", household=str(console.household))
    registered = console.events()[-1].event_id
    form = console.pages.get(f"/producer/shipments/new?thing={lot}")
    console.pages.submit(form, {"lots-0-quantity": "5", "taker": "Cửa hàng Minh họa"})
    shipped = console.events()[-1].event_id
    assert "Phiếu giao" in shop.get(f"/producer/events/{shipped}").text
    hidden = shop.get(f"/producer/events/{registered}").text
    assert "Không công khai" in hidden
    assert "trace:recordedBy" in hidden


def test_the_partner_reads_where_a_lot_comes_from_but_is_led_to_no_closed_page(
    console: Console, shop: PageClient
) -> None:
    form = console.pages.get("/producer/cycles/new/sowing")
    console.pages.submit(form, {"product": str(console.greens)})
    (cycle,) = console.things("cycle")
    harvest = console.pages.get(f"/producer/cycles/{cycle}/harvest")
    console.pages.submit(harvest, {"quantity": "10"})
    (lot,) = console.things("lot")
    form = console.pages.get(f"/producer/shipments/new?thing={lot}")
    console.pages.submit(form, {"taker": "Cửa hàng Minh họa"})
    page = shop.get(f"/producer/batches/{lot}")
    assert "Thu hoạch" in page.text
    assert page.find(f"//a[@href='/producer/cycles/{cycle}']") == []
    shop.get(f"/producer/cycles/{cycle}", status=404)
    harvested = next(line for line in console.events() if line.step == "harvesting")
    event = shop.get(f"/producer/events/{harvested.event_id}")
    assert shop.get(event.link("Quay lại")).h1 == page.h1


def test_a_third_organisation_finds_nothing(console: Console, shop: PageClient, app: Flask) -> None:
    event = send(console)
    third = app.test_client()
    sign_in(app, third, make_member(app, name="Bên thứ ba"))
    for tail in ("", "/receive", "/code.svg"):
        assert third.get(f"/producer/shipments/{event}{tail}").status_code == 404
    assert console.pages.client.get(f"/producer/shipments/{event}/receive").status_code == 404


def test_nobody_answering_leaves_it_one_sided_and_blocks_nothing(console: Console) -> None:
    event = send(console, taker="")
    page = console.pages.get(f"/producer/shipments/{event}")
    assert "mới có bên giao khai" in page.text
    assert "không nêu tên: ai cầm phiếu nhận được" in page.text


def test_an_unknown_or_ambiguous_receiver_is_asked_about(
    console: Console, shop: PageClient, app: Flask
) -> None:
    make_member(app, name="Cửa hàng Minh họa 2", kind="retailer")
    lot = console.lot("480")
    form = console.pages.get(f"/producer/shipments/new?thing={lot}")
    page = console.pages.submit(form, {"taker": "siêu thị không có"}, status=400)
    assert "Không có tổ chức nào" in errors(page)["taker"]
    page = console.pages.submit(page, {"taker": "cua hang minh"}, status=400)
    assert "2 tổ chức" in errors(page)["taker"]


def test_whoever_was_handed_a_note_without_a_name_answers_it(
    console: Console, shop: PageClient
) -> None:
    event = send(console, taker="")
    code = console.pages.get(f"/producer/shipments/{event}").h1.rpartition(" ")[2]
    page = shop.get(f"/producer/shipments/note?code={code.lower()}")
    assert page.h1 == "Nhận hàng từ HTX Minh họa?"
    page = shop.submit(page, {"answer": "all"})
    assert "hai bên đã khai" in page.text
    own = console.pages.get(f"/producer/shipments/note?code={code}")
    assert own.h1 == f"Phiếu giao {code}"


def test_a_note_for_somebody_else_or_a_wrong_code_opens_nothing(
    console: Console, shop: PageClient, app: Flask
) -> None:
    event = send(console)
    code = console.pages.get(f"/producer/shipments/{event}").h1.rpartition(" ")[2]
    client = app.test_client()
    sign_in(app, client, make_member(app, name="Bên thứ ba"))
    third = PageClient(client)
    assert (
        "Không có phiếu giao nào"
        in third.get(f"/producer/shipments/note?code={code}", status=404).text
    )
    assert client.get(f"/producer/shipments/note/{code}/receive").status_code == 404
    wrong = third.get("/producer/shipments/note?code=7K3QM-P2XV5", status=400)
    assert wrong.find("//*[@id='e-code']")
    assert wrong.find("//input[@name='code']")[0].get("value") == "7K3QM-P2XV5"


def test_a_voided_shipment_no_longer_waits(console: Console, shop: PageClient, app: Flask) -> None:
    event = send(console)
    console.pages.submit(console.pages.get(f"/producer/events/{event}/void"), {})
    assert "Không có gì ở đây" in shop.get("/producer/shipments/").text
    with app.app_context():
        assert db.session.get_one(Handover, event).voided


def test_a_shipment_to_a_place_reaches_its_owner(
    console: Console, shop: PageClient, app: Flask
) -> None:
    from tests.support.factories import event, new_lot
    from trace.models import Organisation
    from trace.services.actors import Actor
    from trace.services.capture import capture

    with app.app_context():
        giver = db.session.get_one(Organisation, console.organisation)
        place = db.session.get_one(Place, console.stall)
        owner = db.session.scalars(
            db.select(Organisation).where(Organisation.name == "Cửa hàng Minh họa")
        ).one()
        place.organisation_id = owner.id
        document = event(
            "ObjectEvent",
            bizStep="shipping",
            quantityList=[{"epcClass": new_lot(), "quantity": 5, "uom": "KGM"}],
            destinationList=[{"type": "location", "destination": place.identity}],
        )
        from trace import clock

        captured = capture(Actor(giver, None, "owner"), [document], at=clock.now())
        row = db.session.get_one(Handover, captured.events[0].event_id)
        assert (row.giver_id, row.taker_id, row.note) == (giver.id, owner.id, None)
        db.session.rollback()


def test_goods_without_a_code_become_a_lot_of_declared_origin(console: Console) -> None:
    form = console.pages.get("/producer/shipments/receive")
    entries = {
        "product": str(console.herbs),
        "quantity": "30",
        "supplier": "Chợ đầu mối Minh họa",
        "bought": "2026-11-21",
    }
    page = console.pages.submit(form, entries)
    (line,) = console.events()
    assert line.document["trace:externalSource"] == {
        "supplier": "Chợ đầu mối Minh họa",
        "date": "2026-11-21",
    }
    assert "Nguồn do người nhận khai: Chợ đầu mối Minh họa, 21/11/2026" in page.text
    assert "30 kg" in page.text


def test_lists_of_handovers_are_searched_and_taken_away(console: Console, shop: PageClient) -> None:
    send(console)
    page = console.pages.get("/producer/shipments/?view=outgoing&q=cua+hang")
    assert "Cải ngọt L2611" in page.text
    answer = console.pages.client.get("/producer/shipments/?view=outgoing&format=csv")
    assert "Cửa hàng Minh họa" in answer.get_data(as_text=True)
    console.pages.get("/producer/shipments/?view=nothing", status=404)


def test_the_same_shipment_sent_twice_is_one_note(console: Console, shop: PageClient) -> None:
    lot = console.lot("480")
    form = console.pages.get(f"/producer/shipments/new?thing={lot}")
    told = {"lots-0-quantity": "5", "taker": "Cửa hàng Minh họa"}
    first = console.pages.submit(form, told)
    again = console.pages.submit(form, told)
    assert first.address == again.address
    assert len(console.events()) == 2

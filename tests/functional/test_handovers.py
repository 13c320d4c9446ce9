"""Answering a delivery note: all, by line, in parts, refused, returned, cancelled, by its link."""

from __future__ import annotations

import threading
from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select

from tests.support.fields import Console, errors, open_console
from tests.support.members import make_member, sign_in
from tests.support.pages import Page, PageClient
from trace import clock
from trace.core.gs1 import parse_identity
from trace.extensions import db
from trace.models import Event, Handover, Holding, NoteLink, Organisation
from trace.services.audits import Summary, audit
from trace.services.passports import passport_of
from trace.services.settings import current_settings

SHOP = "Cửa hàng Minh họa"


@pytest.fixture
def console(app: Flask, pages: PageClient, now: datetime) -> Console:
    return open_console(app, pages)


@pytest.fixture
def shop(app: Flask, console: Console) -> PageClient:
    return somebody(app, SHOP)


def somebody(app: Flask, name: str) -> PageClient:
    client = app.test_client()
    sign_in(app, client, make_member(app, name=name, kind="retailer"))
    return PageClient(client)


def send(console: Console, taker: str = SHOP, quantity: str = "100") -> int:
    lot = console.lot("480", lot="L2611")
    form = console.pages.get(f"/producer/shipments/new?thing={lot}")
    console.pages.submit(form, {"lots-0-quantity": quantity, "taker": taker})
    return console.events()[-1].event_id


def answer(client: PageClient, shipment: int, **entries: Any) -> Page:
    form = client.get(f"/producer/shipments/{shipment}/receive")
    return client.submit(form, entries, status=entries.pop("status", 200))


def held(console: Console) -> dict[str, Decimal]:
    """How much of the lot each organisation says it has."""
    with console.app.app_context():
        rows = db.session.execute(
            select(Organisation.name, Holding.quantity).join(
                Organisation, Organisation.id == Holding.holder_id
            )
        )
        return {row.name: row.quantity for row in rows}


def state(console: Console, shipment: int) -> str:
    with console.app.app_context():
        return db.session.get_one(Handover, shipment).state


def link_of(console: Console, shipment: int) -> NoteLink:
    with console.app.app_context():
        link = db.session.get_one(NoteLink, shipment)
        db.session.expunge(link)
        return link


def sound(console: Console) -> None:
    """What the events say is what the tables hold."""
    with console.app.app_context():
        assert list(audit(Summary(), now=clock.now())) == []


def public(console: Console) -> str:
    (lot,) = console.things("lot")
    with console.app.app_context():
        from trace.models import Thing

        found = parse_identity(db.session.get_one(Thing, lot).identity, current_settings().id_base)
        assert found is not None
        passport_of(lot, at=clock.now())
        return f"/t{found.path}"


def note_path(console: Console, shipment: int) -> str:
    with console.app.app_context():
        note = db.session.get_one(Handover, shipment).note
        found = parse_identity(note or "", current_settings().id_base)
        assert found is not None
        return found.path


def events_of(console: Console) -> int:
    with console.app.app_context():
        return db.session.scalar(select(func.count()).select_from(Event)) or 0


# -- by account ------------------------------------------------------------------------------------


def test_differences_and_holdings_balance(console: Console, shop: PageClient) -> None:
    shipment = send(console)
    answer(
        shop,
        shipment,
        answer="lines",
        **{
            "lines-0-quantity": "95,5",
            "lines-0-reason": "dập nát",
        },
    )
    assert state(console, shipment) == "differs"
    lost = console.events()[-1].document["trace:difference"]
    assert lost == {"reason": "dập nát", "quantity": -4.5, "uom": "KGM"}
    amounts = held(console)
    assert amounts == {"HTX Minh họa": 380, SHOP: Decimal("95.5")}
    assert sum(amounts.values()) - Decimal(str(lost["quantity"])) == 480
    assert "đã nhận, có chênh lệch" in console.pages.get("/producer/shipments/?view=outgoing").text
    sound(console)


def test_goods_that_come_over_days_leave_the_note_open_until_the_rest_is_here(
    console: Console, shop: PageClient
) -> None:
    shipment = send(console)
    answer(shop, shipment, answer="part", **{"lines-0-quantity": "40"})
    assert state(console, shipment) == "part"
    assert "trace:difference" not in console.events()[-1].document
    waiting = shop.get("/producer/shipments/")
    assert "đã nhận một phần" in waiting.text
    form = shop.get(f"/producer/shipments/{shipment}/receive")
    assert "đã nhận 40 kg" in form.text
    assert form.find("//input[@name='lines-0-quantity']")[0].get("value") == "60"
    answer(shop, shipment, answer="part", **{"lines-0-quantity": "25"})
    answer(shop, shipment, answer="all")
    assert state(console, shipment) == "accepted"
    assert held(console) == {"HTX Minh họa": 380, SHOP: 100}
    page = console.pages.get(f"/producer/shipments/{shipment}")
    assert "Các lần trả lời" in page.text
    assert len(page.find("//h2[.='Các lần trả lời']/following-sibling::ul[1]/li")) == 3
    sound(console)


def test_a_note_is_closed_though_the_rest_never_came(console: Console, shop: PageClient) -> None:
    shipment = send(console)
    answer(shop, shipment, answer="part", **{"lines-0-quantity": "40"})
    answer(
        shop,
        shipment,
        answer="lines",
        **{
            "lines-0-quantity": "0",
            "lines-0-reason": "mất dọc đường",
        },
    )
    assert state(console, shipment) == "differs"
    last = console.events()[-1].document
    assert last["trace:difference"] == {"reason": "mất dọc đường", "quantity": -60, "uom": "KGM"}
    assert held(console) == {"HTX Minh họa": 380, SHOP: 40}


def test_a_part_of_nothing_is_asked_about_and_nothing_is_stored(
    console: Console, shop: PageClient
) -> None:
    shipment = send(console)
    before = events_of(console)
    page = answer(
        shop,
        shipment,
        status=400,
        answer="part",
        **{
            "lines-0-quantity": "0",
            "lines-0-reason": "xe hỏng",
        },
    )
    assert "lines-0-quantity" in errors(page)
    assert page.find("//input[@name='lines-0-reason']")[0].get("value") == "xe hỏng"
    assert events_of(console) == before
    assert state(console, shipment) == ""


def test_a_refusal_is_signed_by_who_refuses_and_the_goods_are_the_givers_again(
    console: Console, shop: PageClient
) -> None:
    shipment = send(console)
    page = answer(shop, shipment, status=400, answer="refused")
    assert "refuse_reason" in errors(page)
    answer(shop, shipment, answer="refused", refuse_reason="héo úa")
    refusal = console.events()[-1]
    assert refusal.issuer.name == SHOP
    assert refusal.step == "refusing"
    assert refusal.document["trace:difference"] == {"reason": "héo úa"}
    assert state(console, shipment) == "refused"
    assert held(console) == {"HTX Minh họa": 380}  # nobody else has them
    assert (
        "bị từ chối" in console.pages.get("/producer/shipments/?view=outgoing&state=refused").text
    )
    assert "bạn đã từ chối" in shop.get("/producer/shipments/?view=arrived&state=you-refused").text
    form = console.pages.get(f"/producer/shipments/{shipment}/back")
    console.pages.submit(form, {})
    assert state(console, shipment) == "back"
    assert held(console) == {"HTX Minh họa": 480}
    console.pages.get(f"/producer/shipments/{shipment}/back", status=404)
    sound(console)


def test_a_refused_shipment_is_no_one_sided_handover_on_the_lots_page(
    console: Console, shop: PageClient
) -> None:
    shipment = send(console, quantity="480")
    assert "chỉ bên giao khai" in console.pages.get(public(console)).text
    answer(shop, shipment, answer="refused", refuse_reason="héo úa")
    page = console.pages.get(public(console))
    assert "Từ chối nhận hàng" in page.text
    assert "héo úa" in page.text
    assert "chỉ bên giao khai" not in page.text


def test_goods_go_back_with_a_note_and_a_reason_of_their_own(
    console: Console, shop: PageClient
) -> None:
    shipment = send(console)
    answer(shop, shipment, answer="all")
    receipt = console.events()[-1].event_id
    assert "Trả lại hàng" in shop.get(f"/producer/shipments/{receipt}").text
    form = shop.get(f"/producer/shipments/{receipt}/return")
    page = shop.submit(form, {"lines-0-quantity": "30"}, status=400)
    assert "reason" in errors(page)
    shop.submit(page, {"lines-0-quantity": "30", "reason": "dập nát"})
    returned = console.events()[-1]
    assert returned.document["disposition"] == "returned"
    assert returned.document["trace:difference"] == {"reason": "dập nát"}
    assert held(console) == {"HTX Minh họa": 380, SHOP: 70}
    assert "chờ bạn nhận" in console.pages.get("/producer/shipments/").text
    answer(console.pages, returned.event_id, answer="all")
    assert held(console) == {"HTX Minh họa": 410, SHOP: 70}
    sound(console)


def test_a_note_nobody_answered_is_cancelled_and_a_later_answer_is_told(
    console: Console, shop: PageClient
) -> None:
    shipment = send(console)
    typed = shop.get(f"/producer/shipments/{shipment}/receive")
    form = console.pages.get(f"/producer/shipments/{shipment}/cancel")
    console.pages.submit(form, {"reason": "did_not_occur"})
    assert held(console) == {"HTX Minh họa": 480}
    page = shop.submit(typed, {"answer": "all"}, status=409)
    assert "huỷ" in " ".join(errors(page).values())
    assert (
        "Bên giao đã huỷ phiếu này" in console.pages.get(f"/t{note_path(console, shipment)}").text
    )
    assert "đã huỷ" in console.pages.get("/producer/shipments/?view=outgoing&state=cancelled").text


def test_an_answered_note_is_not_cancelled(console: Console, shop: PageClient) -> None:
    shipment = send(console)
    form = console.pages.get(f"/producer/shipments/{shipment}/cancel")
    answer(shop, shipment, answer="all")
    page = console.pages.submit(form, {"reason": "did_not_occur"}, status=409)
    assert errors(page)
    assert held(console) == {"HTX Minh họa": 380, SHOP: 100}


def test_two_answers_to_one_note_close_it_once_and_the_second_is_told(
    app: Flask, console: Console, shop: PageClient
) -> None:
    shipment = send(console, taker="")
    code = note_path(console, shipment).rpartition("/")[2]
    other = somebody(app, "Chợ Minh họa")
    address = f"/producer/shipments/note/{code}/receive"
    forms = [(client, client.get(address)) for client in (shop, other)]
    told: list[int] = []
    start = threading.Barrier(2)

    def press(client: PageClient, form: Page) -> None:
        values = {
            field.get("name"): field.get("value", "") for field in form.find("//form//input[@name]")
        }
        chosen: dict[str, Any] = {**values, "answer": "all"}
        start.wait()
        told.append(client.client.post(address, data=chosen).status_code)

    threads = [threading.Thread(target=press, args=one) for one in forms]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(told) == [303, 409]
    assert sum(1 for line in console.events() if line.step == "receiving") == 1
    assert state(console, shipment) == "accepted"
    assert sum(held(console).values()) == 480
    sound(console)


def test_a_stranger_who_says_he_received_answers_nobodys_note(
    app: Flask, console: Console, shop: PageClient
) -> None:
    from tests.support.factories import event
    from trace.services.actors import Actor
    from trace.services.capture import capture

    shipment = send(console)
    somebody(app, "Bên thứ ba")
    with app.app_context():
        third = db.session.scalars(
            select(Organisation).where(Organisation.name == "Bên thứ ba")
        ).one()
        note = db.session.get_one(Handover, shipment).note
        document = event(
            "ObjectEvent",
            bizStep="receiving",
            quantityList=[{"epcClass": console.events()[-1].things[0].thing.identity}],
            bizTransactionList=[{"type": "desadv", "bizTransaction": note}],
        )
        capture(Actor(third, None, "owner"), [document], at=clock.now())
        db.session.commit()
    assert state(console, shipment) == ""
    assert "chờ bạn nhận" in shop.get("/producer/shipments/").text


def test_voiding_the_answer_opens_the_note_again(console: Console, shop: PageClient) -> None:
    shipment = send(console)
    answer(shop, shipment, answer="refused", refuse_reason="nhầm")
    refusal = console.events()[-1].event_id
    shop.submit(shop.get(f"/producer/events/{refusal}/void"), {})
    assert state(console, shipment) == ""
    answer(shop, shipment, answer="all")
    assert state(console, shipment) == "accepted"
    sound(console)


# -- by the link on the paper ----------------------------------------------------------------------


def test_a_driver_without_an_account_answers_once_by_the_link(app: Flask, console: Console) -> None:
    shipment = send(console, taker="", quantity="480")
    link = link_of(console, shipment)
    driver = PageClient(app.test_client())
    note = note_path(console, shipment)
    assert link.secret not in driver.get(f"/t{note}").text
    assert "Chỉ bên giao khai; chưa ai trả lời" in driver.get(f"/t{note}").text
    form = driver.get(f"/g/{link.secret}")
    assert "480 kg" in form.text
    refused = driver.submit(form, {"answer": "all"}, status=400)
    assert "name" in errors(refused)
    who = {"name": "Anh Minh Họa", "phone": "0900000001", "plate": "29C-00001"}
    page = driver.submit(refused, {"answer": "all", **who})
    assert "Phiếu đã được trả lời" in page.text
    told = console.events()[-1]
    assert told.step == "answered_by_link"
    assert told.mine  # the giver's own word
    assert "destinationList" not in told.document
    private = ("Anh Minh Họa", "29C-00001", "900000001", "00 000 001")
    for value in private:
        assert value not in str(told.document)
        assert value not in page.text
    assert state(console, shipment) == "link"
    assert held(console) == {"HTX Minh họa": 0}  # nobody is named as holder
    mine = console.pages.get(f"/producer/shipments/{shipment}")
    assert all(value in mine.text for value in ("Anh Minh Họa", "0900 000 001", "29C-00001"))
    assert "không có tài khoản" in driver.get(f"/t{note}").text
    lot = driver.get(public(console)).text
    assert "Nhận qua đường dẫn, không có tài khoản" in lot
    assert "chỉ bên giao khai" in lot
    assert not any(value in lot for value in private)
    again = driver.submit(form, {"answer": "all", **who}, status=409)
    assert "chỉ trả lời được một lần" in again.text
    assert console.events()[-1].event_id == told.event_id
    sound(console)


def test_by_the_link_differences_and_refusals_are_the_givers_word(
    app: Flask, console: Console
) -> None:
    shipment = send(console, taker="")
    driver = PageClient(app.test_client())
    form = driver.get(f"/g/{link_of(console, shipment).secret}")
    page = driver.submit(form, {"answer": "refused", "name": "Anh A"}, status=400)
    assert "refuse_reason" in errors(page)
    assert link_of(console, shipment).answered_at is None
    driver.submit(page, {"answer": "refused", "name": "Anh A", "refuse_reason": "sai hàng"})
    assert state(console, shipment) == "link-refused"
    assert console.events()[-1].document["trace:difference"] == {"reason": "sai hàng"}
    form = console.pages.get(f"/producer/shipments/{shipment}/back")
    console.pages.submit(form, {})
    assert held(console) == {"HTX Minh họa": 480}


def test_opening_the_link_spends_nothing_and_tells_nobody(app: Flask, console: Console) -> None:
    shipment = send(console, taker="")
    link = link_of(console, shipment)
    client = app.test_client()
    for _ in range(3):
        response = client.get(f"/g/{link.secret}")
        assert response.status_code == 200
        assert response.headers["Referrer-Policy"] == "same-origin"
        assert response.headers["Cache-Control"] == "no-store"
    assert link_of(console, shipment).answered_at is None
    assert client.get("/g/aaaaaaaaaaaaaaaa").status_code == 404


def test_a_form_of_another_site_answers_no_note(app: Flask, console: Console) -> None:
    shipment = send(console, taker="")
    link = link_of(console, shipment)
    entries = {"answer": "all", "name": "Anh A"}
    for origin, status in (("https://elsewhere.example", 400), ("http://localhost", 303)):
        sent = app.test_client().post(f"/g/{link.secret}", data=entries, headers={"Origin": origin})
        assert sent.status_code == status
        assert (link_of(console, shipment).answered_at is None) == (status == 400)


def test_a_lost_paper_is_answered_by_a_new_link_only(app: Flask, console: Console) -> None:
    shipment = send(console, taker="")
    old = link_of(console, shipment).secret
    page = console.pages.get(f"/producer/shipments/{shipment}")
    console.pages.submit(page, {}, which="//form[contains(@action, '/link')]")
    new = link_of(console, shipment).secret
    assert new != old
    assert app.test_client().get(f"/g/{old}").status_code == 404


def test_one_scan_leads_a_member_to_the_receipt_and_the_giver_to_the_note(
    console: Console, shop: PageClient
) -> None:
    shipment = send(console)
    secret = link_of(console, shipment).secret
    assert shop.get(f"/g/{secret}").h1 == "Nhận hàng từ HTX Minh họa?"
    assert console.pages.get(f"/g/{secret}").h1.startswith("Phiếu giao ")


def test_who_was_named_may_still_answer_after_the_driver(
    app: Flask, console: Console, shop: PageClient
) -> None:
    shipment = send(console)
    driver = PageClient(app.test_client())
    form = driver.get(f"/g/{link_of(console, shipment).secret}")
    driver.submit(form, {"answer": "all", "name": "Anh A"})
    assert state(console, shipment) == "link"
    answer(shop, shipment, answer="all")
    assert state(console, shipment) == "accepted"
    assert held(console) == {"HTX Minh họa": 380, SHOP: 100}


def test_a_later_holder_bridges_a_one_sided_handover(
    app: Flask, console: Console, shop: PageClient
) -> None:
    from tests.support.factories import event
    from trace.services.actors import Actor
    from trace.services.capture import capture

    shipment = send(console, taker="")
    assert "mới có bên giao khai" in console.pages.get("/producer/shipments/?view=outgoing").text
    with app.app_context():
        owner = db.session.scalars(select(Organisation).where(Organisation.name == SHOP)).one()
        lot = console.events()[-1].things[0].thing.identity
        document = event(
            "ObjectEvent",
            bizStep="retail_selling",
            disposition="sellable_accessible",
            quantityList=[{"epcClass": lot}],
        )
        capture(Actor(owner, None, "owner"), [document], at=clock.now())
        db.session.commit()
    assert "nơi sau đã ghi nhận lô" in console.pages.get("/producer/shipments/?view=outgoing").text
    page = console.pages.get(f"/producer/shipments/{shipment}")
    assert SHOP in page.text

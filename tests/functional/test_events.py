"""One line of the record: read in full, corrected, voided; the original stays."""

from __future__ import annotations

from datetime import datetime

import pytest
from flask import Flask
from sqlalchemy import select

from tests.support.fields import Console, errors, open_console
from tests.support.members import make_member, sign_in
from tests.support.pages import PageClient
from trace.extensions import db
from trace.models import Holding


@pytest.fixture
def console(app: Flask, pages: PageClient, now: datetime) -> Console:
    return open_console(app, pages)


def held(console: Console, thing: int) -> list[str]:
    with console.app.app_context():
        rows = db.session.scalars(select(Holding).where(Holding.thing_id == thing))
        return [f"{row.quantity:f}" for row in rows]


def test_a_line_says_who_when_and_where_in_the_log(console: Console) -> None:
    console.lot("480", household=str(console.household), place=str(console.plot))
    (line,) = console.events()
    page = console.pages.get(f"/producer/events/{line.event_id}")
    for words in ("Đăng ký lô", "ghi thay hộ H12", "Vườn B2", line.statement_id, "480 kg"):
        assert words in page.text
    assert str(line.index) in page.text


def test_a_correction_stands_beside_its_original_and_the_amount_follows(console: Console) -> None:
    lot = console.lot("480", note="cân ở vườn")
    (line,) = console.events()
    form = console.pages.get(f"/producer/events/{line.event_id}/correct")
    assert "Bản đang có" in form.text
    assert form.form().fields["things-0-quantity"] == "480"
    assert form.form().fields["note"] == "cân ở vườn"
    page = console.pages.submit(form, {"things-0-quantity": "48,5"})
    assert held(console, lot) == ["48.5"]
    original, instead, declared = console.events()
    assert declared.document["eventID"] == original.document["eventID"]
    assert declared.document["trace:corrects"] == original.statement_id
    assert declared.document["errorDeclaration"]["correctiveEventIDs"] == [
        instead.document["eventID"]
    ]
    assert instead.document["quantityList"][0]["quantity"] == 48.5
    assert "Đã sửa" in page.text
    assert "480" not in page.text  # mended in time: the present value alone
    old = console.pages.get(f"/producer/events/{original.event_id}")
    assert console.pages.get(old.link("Xem bản sửa")).h1.startswith("Đăng ký lô")


def test_a_correction_of_a_spraying_changes_what_was_used(console: Console) -> None:
    form = console.pages.get("/producer/cycles/new/sowing")
    console.pages.submit(form, {"product": str(console.greens)})
    (cycle,) = console.things("cycle")
    spray = console.pages.get(f"/producer/cycles/{cycle}/diary/spraying")
    console.pages.submit(spray, {"inputs-0-name": "Thuốc A", "inputs-0-interval_days": "3"})
    line = console.events()[-1]
    form = console.pages.get(f"/producer/events/{line.event_id}/correct")
    page = console.pages.submit(form, {"inputs-0-interval_days": "14"})
    assert "Chưa nên thu hoạch trước 06/12/2026" in page.text
    _, _, instead, _ = console.events()
    assert instead.document["trace:inputs"] == [{"name": "Thuốc A", "intervalDays": 14}]


def test_what_was_corrected_can_not_be_corrected_again(console: Console) -> None:
    console.lot("480")
    (line,) = console.events()
    address = f"/producer/events/{line.event_id}/correct"
    console.pages.submit(console.pages.get(address), {"things-0-quantity": "48"})
    page = console.pages.get(address, status=409)
    assert "đã được sửa rồi" in page.text


def test_two_people_correcting_one_line_make_one_correction(console: Console) -> None:
    console.lot("480")
    (line,) = console.events()
    address = f"/producer/events/{line.event_id}/correct"
    first, second = console.pages.get(address), console.pages.get(address)
    console.pages.submit(first, {"things-0-quantity": "48"})
    console.pages.submit(second, {"things-0-quantity": "47"}, status=409)
    assert len(console.events()) == 3


def test_a_voided_line_is_struck_through_and_gives_its_amount_back(console: Console) -> None:
    lot = console.lot("480")
    (line,) = console.events()
    sheet = console.pages.get(f"/producer/labels/{lot}").form().filled({"count": "24"})
    assert console.pages.client.post(f"/producer/labels/{lot}", data=sheet).status_code == 200
    form = console.pages.get(f"/producer/events/{line.event_id}/void")
    assert "Huỷ dòng “Đăng ký lô”?" in form.h1
    page = console.pages.submit(form, {"reason": "did_not_occur"})
    assert page.find("//h3[@class='struck']")
    assert "Đã huỷ" in page.text
    assert held(console, lot) == ["0"]
    declared = console.events()[-1].document
    assert "correctiveEventIDs" not in declared["errorDeclaration"]


def test_a_corrected_time_still_to_come_is_refused(console: Console) -> None:
    console.lot("480")
    (line,) = console.events()
    form = console.pages.get(f"/producer/events/{line.event_id}/correct")
    page = console.pages.submit(form, {"when": "2027-01-01T00:00"}, status=400)
    assert "when" in errors(page)
    assert len(console.events()) == 1


def test_only_the_issuer_corrects_and_strangers_find_nothing(console: Console, app: Flask) -> None:
    console.lot("480")
    (line,) = console.events()
    stranger = app.test_client()
    sign_in(app, stranger, make_member(app, name="Người lạ"))
    for tail in ("", "/correct", "/void"):
        assert stranger.get(f"/producer/events/{line.event_id}{tail}").status_code == 404

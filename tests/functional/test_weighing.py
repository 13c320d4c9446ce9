"""The weighing sheet: boxes kept while typing, a pasted column, one lot with shares in the end."""

from __future__ import annotations

import gzip
from datetime import datetime

import pytest
from flask import Flask

from tests.support.evenings import POSTED, send, sow_for, village
from tests.support.fields import Console, open_console
from tests.support.members import make_member, sign_in
from tests.support.pages import Page, PageClient


@pytest.fixture
def console(app: Flask, pages: PageClient, now: datetime) -> Console:
    made = open_console(app, pages)
    village(made, 4)
    return made


def open_sheet(console: Console) -> Page:
    form = console.pages.get("/producer/weighing/new")
    return console.pages.submit(form, {"product": str(console.greens)})


def boxes(page: Page) -> dict[str, str]:
    """Names of the boxes by the household's code."""
    return {
        "".join(label.itertext()).split()[0]: label.get("for")[2:]
        for label in page.find("//label[starts-with(@for, 'f-kg-')]")
    }


def token(page: Page) -> dict[str, str]:
    """What a script sends beside the boxes."""
    return {"csrf_token": page.form(POSTED).fields["csrf_token"]}


def test_a_sheet_lists_every_household_by_hamlet(console: Console) -> None:
    page = open_sheet(console)
    assert list(boxes(page)) == ["H12", "H22", "H24", "H21", "H23"]
    assert page.h1 == "Phiếu cân Cải ngọt"


def test_weights_and_sums_are_kept_with_a_total(console: Console) -> None:
    page = open_sheet(console)
    of = boxes(page)
    page = send(console, page, {of["H21"]: "12,5 + 13", of["H22"]: "40"})
    assert "65,5 kg · 2 hộ" in page.text
    assert page.form(POSTED).fields[of["H21"]] == "12,5 + 13"


def test_a_column_is_pasted_with_codes_or_in_order(console: Console) -> None:
    page = open_sheet(console)
    page = send(console, page, {"paste": "H21\t12,5\nh23; 7\n"})
    assert "19,5 kg · 2 hộ" in page.text
    page = send(console, page, {"paste": "1\n\n3"})
    of = boxes(page)
    fields = page.form(POSTED).fields
    assert (fields[of["H12"]], fields[of["H22"]], fields[of["H24"]]) == ("1", "", "3")


def test_a_wrong_column_names_its_lines_and_keeps_nothing(console: Console) -> None:
    page = open_sheet(console)
    page = send(console, page, {"paste": "H21 5\nH99 7\nH21 8"}, status=400)
    (box,) = page.texts("//*[@id='e-paste']")
    assert "Dòng 2" in box
    assert "H99" in box
    assert "Dòng 3" in box
    assert page.form(POSTED).fields["paste"].strip().startswith("H21 5")
    again = console.pages.get(page.address)
    assert "0 kg · 0 hộ" in again.text


def test_a_box_that_is_no_weight_is_named_and_what_was_typed_stays(console: Console) -> None:
    page = open_sheet(console)
    of = boxes(page)
    page = send(console, page, {of["H21"]: "mười", of["H22"]: "4"}, status=400)
    assert page.texts(f"//*[@id='e-{of['H21']}']")[0]
    assert page.form(POSTED).fields[of["H22"]] == "4"
    assert "0 kg · 0 hộ" in console.pages.get(page.address).text


def test_typing_is_kept_line_by_line_and_two_phones_do_not_wipe_each_other(
    console: Console,
) -> None:
    page = open_sheet(console)
    of = boxes(page)
    other = console.pages.get(page.address)  # a second phone opened the same sheet
    first = {of["H21"]: "10", of["H22"]: "x", **token(page)}
    answer = console.pages.client.post(page.address + "/lines", data=first).get_json()
    assert answer["count"] == 1
    assert answer["total"] == "10"
    (wrong,) = answer["wrong"].values()
    assert "x" in wrong
    later = send(console, other, {of["H23"]: "5"})
    assert "15 kg · 2 hộ" in later.text


def test_a_sheet_becomes_one_lot_with_private_shares_and_a_public_count(
    console: Console,
) -> None:
    sow_for(console)
    page = open_sheet(console)
    of = boxes(page)
    page = send(console, page, {of["H21"]: "99", of["H22"]: "77,5", "finish": "yes"})
    assert "Thành một lô Cải ngọt" in page.h1
    page = console.pages.submit(page, {})
    (event,) = [one for one in console.events() if one.step == "harvesting"]
    assert event.document["trace:shares"] == [
        {"household": "H21", "quantity": 99, "uom": "KGM"},
        {"household": "H22", "quantity": 77.5, "uom": "KGM"},
    ]
    assert event.document["ilmd"]["trace:contributors"] == {"households": 2}
    assert len(event.named("input")) == 2
    (lot,) = event.named("output")
    assert lot.quantity == 176.5
    path = lot.thing.identity.partition("://")[2].partition("/")[2]
    response = console.pages.client.get(f"/t/{path}")
    body = response.get_data()
    if response.headers.get("Content-Encoding") == "gzip":
        body = gzip.decompress(body)
    html = body.decode()
    assert response.status_code == 200
    assert "2 hộ góp" in html
    assert "77,5" not in html
    assert "H22" not in html.partition("Thu hoạch")[2].partition("Gieo")[0]


def test_without_plantings_the_lot_is_registered_and_the_silence_is_said(
    console: Console,
) -> None:
    page = open_sheet(console)
    of = boxes(page)
    page = send(console, page, {of["H21"]: "100", "finish": "yes"})
    assert "Chưa có vụ nào của sản phẩm này cho hộ: H21" in page.text
    console.pages.submit(page, {})
    (event,) = console.events()
    assert event.step == "creating_class_instance"
    sheet = console.pages.get("/producer/weighing/")
    assert "đã thành lô" in sheet.text


def test_an_empty_sheet_becomes_no_lot(console: Console) -> None:
    page = open_sheet(console)
    page = send(console, page, {"finish": "yes"})
    page = console.pages.submit(page, {}, status=400)
    assert console.events() == []


def test_a_sheet_that_is_a_lot_is_only_read(console: Console) -> None:
    page = open_sheet(console)
    address, known = page.address, token(page)
    of = boxes(page)
    page = send(console, page, {of["H21"]: "100", "finish": "yes"})
    console.pages.submit(page, {})
    assert console.pages.get(address).find("//main//input[@class='input weight']") == []
    assert (
        console.pages.client.post(f"{address}/lines", data={of["H21"]: "9", **known}).status_code
        == 409
    )
    taken = console.pages.client.get(f"{address}?format=csv").get_data(as_text=True)
    assert "H21" in taken


def test_a_sheet_is_dropped_after_asking_once(console: Console) -> None:
    page = open_sheet(console)
    page = console.pages.submit(console.pages.get(page.link("Bỏ phiếu cân")), {})
    assert "Chưa có phiếu cân nào" in page.text


def test_another_organisations_sheet_is_not_found(
    app: Flask, console: Console, pages: PageClient
) -> None:
    page = open_sheet(console)
    sent = token(page)
    sign_in(app, pages.client, make_member(app))
    assert pages.client.get(page.address).status_code == 404
    assert pages.client.post(f"{page.address}/lines", data=sent).status_code == 404

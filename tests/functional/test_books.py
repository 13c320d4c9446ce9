"""The books of VietGAP: private lines, stock, the diary to print, catalogues imported."""

from __future__ import annotations

import csv
import io
from datetime import date, datetime
from decimal import Decimal

import pytest
from flask import Flask
from sqlalchemy import select

from tests.support.fields import Console, errors, open_console
from tests.support.members import make_member, sign_in
from tests.support.pages import Page, PageClient
from trace.extensions import db
from trace.models import BookLine, CatalogueItem, Organisation
from trace.services.books import COLUMNS, Movement, balance
from trace.services.catalogue import shipped

BOOKS = "/producer/books/"
TOLD = {
    "purchase": {
        "kind": "pesticide",
        "item": "Thuốc Minh họa",
        "quantity": "2",
        "unit": "lít",
        "seller": "Cửa hàng Minh họa",
        "expiry": "2026-11-01",
    },
    "count": {"item": "Phân Minh họa", "quantity": "50", "unit": "kg"},
    "land": {"work": "bón vôi", "reason": "đất chua"},
    "compost": {"item": "phân gà", "quantity": "300", "days": "60"},
    "equipment": {"item": "bình phun", "work": "rửa ba lần"},
    "waste": {"item": "vỏ chai thuốc", "treatment": "gom vào bể"},
    "assessment": {"item": "thiếu biển báo", "fix": "đã treo biển"},
}


@pytest.fixture
def console(app: Flask, pages: PageClient, now: datetime) -> Console:
    return open_console(app, pages)


def write(console: Console, book: str, **more: str) -> Page:
    form = console.pages.get(f"{BOOKS}{book}/new")
    return console.pages.submit(form, {**TOLD[book], **more})


@pytest.mark.parametrize("book", sorted(COLUMNS))
def test_every_book_is_written_shown_exported_and_struck_through(
    console: Console, book: str
) -> None:
    page = write(console, book)
    for text in TOLD[book].values():
        if not text.isascii():
            assert text in page.text
    taken = console.pages.client.get(f"{BOOKS}{book}?format=csv").get_data(as_text=True)
    assert len(list(csv.reader(io.StringIO(taken)))) == 2
    strike = console.pages.get(page.link(page.texts("//main//li//a")[-1]))
    assert "đã gạch bỏ" in console.pages.submit(strike, {}).text
    assert console.events() == []  # a private book signs nothing


def test_an_incomplete_line_names_its_boxes_and_keeps_what_was_typed(console: Console) -> None:
    form = console.pages.get(BOOKS + "purchase/new")
    sent = {"item": "Thuốc", "quantity": "-1", "day": "2027-01-01", "kind": "seed"}
    page = console.pages.submit(form, sent, status=400)
    assert errors(page).keys() == {"quantity", "day", "seller"}
    assert page.form().fields["item"] == "Thuốc"
    with console.app.app_context():
        assert db.session.scalars(select(BookLine)).all() == []


def test_stock_is_what_was_bought_less_what_the_diary_says_was_used(console: Console) -> None:
    write(console, "purchase", day="2026-10-01")
    pages = console.pages
    told = {"product": str(console.greens), "when": "2026-10-05T07:00"}
    pages.submit(pages.get("/producer/cycles/new/sowing"), told)
    (cycle,) = console.things("cycle")
    spray = {
        "inputs-0-name": "thuốc minh họa",
        "inputs-0-amount": "300",
        "inputs-0-unit": "ml",
        "inputs-0-interval_days": "7",
        "inputs-0-reason": "sâu tơ",
        "when": "2026-11-02T07:00",
    }
    pages.submit(pages.get(f"/producer/cycles/{cycle}/diary/spraying"), spray)
    page = pages.get(BOOKS + "stock")
    assert "1,7 lít" in page.text
    assert "quá hạn" in page.text
    pages.submit(pages.get(f"/producer/cycles/{cycle}/harvest"), {"quantity": "20"})
    (lot,) = console.things("lot")
    send = pages.get(f"/producer/shipments/new?thing={lot}")
    pages.submit(send, {"lots-0-quantity": "12"})
    diary = pages.get(f"{BOOKS}diary/{cycle}")
    for words in (
        "12 kg",
        "Giao hàng",
        "Thu hoạch được từ",
        "09/11/2026",
        "sâu tơ",
        "300 ml",
        "20 kg",
    ):
        assert words in diary.text
    season = pages.get(BOOKS + "season?from=2026-11-01&to=2026-11-30")
    assert "sâu tơ" in season.text
    assert "05/10/2026" not in season.text
    taken = pages.client.get(season.link("Tải bảng tính (CSV)")).get_data(as_text=True)
    assert "sâu tơ" in taken
    pages.get(BOOKS + "season?from=x&to=&endpoint=y")
    assert pages.get(f"{BOOKS}?lang=en").h1 == "Books"


def test_a_count_settles_what_came_before_it() -> None:
    def moved(day: int, what: str, quantity: int, unit: str = "kg") -> Movement:
        return Movement("Phân", date(2026, 11, day), Decimal(quantity), unit, what)

    (stock,) = balance(
        [
            moved(1, "bought", 1, "tạ"),
            moved(3, "used", 90),
            moved(5, "counted", 12),
            moved(5, "used", 4),  # on the day of the count: counted with it
            moved(6, "used", 5000, "gam"),
            moved(7, "bought", 10),
        ]
    )
    assert (stock.left, stock.unit) == (Decimal(17), "kg")
    apart = balance([moved(1, "bought", 2, "bao"), moved(2, "used", 1)])
    assert sorted(one.left for one in apart) == [-1, 2]  # a bag is not a kilogram


def test_other_organisations_read_and_strike_nothing(console: Console, app: Flask) -> None:
    write(console, "purchase")
    client = app.test_client()
    sign_in(app, client, make_member(app, name="HTX khác"))
    assert "Thuốc Minh họa" not in PageClient(client).get(BOOKS + "purchase").text
    assert client.get(BOOKS + "lines/1/strike").status_code == 404
    assert client.get(BOOKS + "nothing").status_code == 404


# -- catalogues ------------------------------------------------------------------------------------

CATALOGUE = "/producer/catalogues/"
LINES = """Tên;Hoạt chất;Số đăng ký;Ngày cách ly;Cấm;Nguồn;Ngày
Thuốc A;chất A;123/VN;cải ngọt: 7; ;Danh mục thử;20/11/2026
Thuốc B;chất B;;14;cấm;Danh mục thử;2026-11-20
Thuốc C;chất C;;chín;;;
"""


def preview(console: Console, text: str, status: int = 200) -> Page:
    form = console.pages.get(CATALOGUE + "import/input")
    file = (io.BytesIO(text.encode()), "danh-muc.csv")
    return console.pages.submit(form, {"file": file}, status=status)


def test_the_small_catalogue_that_ships_is_marked_as_demonstration(console: Console) -> None:
    for kind in ("input", "crop"):
        page = console.pages.get(f"{CATALOGUE}?kind={kind}")
        assert "DEMO" in page.text
        assert all(one.demonstration for one in shipped(kind))
    assert len(shipped("crop")) >= 40


def test_a_csv_is_previewed_with_its_faults_and_imported_on_a_second_press(
    console: Console,
) -> None:
    page = preview(console, LINES)
    assert "Xem trước: 2 dòng" in page.text
    assert "Dòng 4, cột interval_days: “chín”" in page.text
    with console.app.app_context():
        assert db.session.scalars(select(CatalogueItem)).all() == []
    page = console.pages.submit(page, {"import": "yes"})
    assert "Đã nhập 2 dòng" in page.text
    assert "chất cấm" in page.text
    assert "DEMO" not in page.texts("//table")[0]
    with console.app.app_context():
        rows = {row.name: row for row in db.session.scalars(select(CatalogueItem))}
        assert rows["Thuốc A"].organisation_id == console.organisation
        assert rows["Thuốc A"].as_of == date(2026, 11, 20)
        assert rows["Thuốc B"].banned
    taken = console.pages.client.get(CATALOGUE + "?kind=input&format=csv").get_data(as_text=True)
    again = preview(console, taken.removeprefix("\ufeff"))
    assert "Xem trước: 2 dòng" in again.text
    assert "có lỗi" not in again.text


def test_a_crop_may_carry_the_most_a_hectare_gives(console: Console) -> None:
    text = "tên;năng suất tối đa;nguồn\nThanh long;40000;Danh mục thử\nSầu riêng;nhiều;\n"
    form = console.pages.get(CATALOGUE + "import/crop")
    file = (io.BytesIO(text.encode()), "cay.csv")
    page = console.pages.submit(form, {"file": file})
    assert "Dòng 3, cột yield_ceiling: “nhiều”" in page.text
    page = console.pages.submit(page, {"import": "yes"})
    with console.app.app_context():
        (row,) = db.session.scalars(select(CatalogueItem))
        assert row.yield_ceiling == 40_000
    assert "40.000 kg/ha" in console.pages.get(CATALOGUE + "?kind=crop").text


@pytest.mark.parametrize("text", ["", "\0\0", "tên khác\nx", "name\n" + "x\n" * 5001])
def test_a_file_that_is_no_catalogue_is_refused_whole(console: Console, text: str) -> None:
    page = preview(console, text, status=400)
    assert errors(page).keys() == {"file"}
    with console.app.app_context():
        assert db.session.scalars(select(CatalogueItem)).all() == []


def test_the_platforms_catalogue_is_everybodys(app: Flask, console: Console) -> None:
    with app.app_context():
        platform = db.session.scalars(
            select(Organisation.id).where(Organisation.kind == "platform")
        ).one()
    client = app.test_client()
    sign_in(app, client, make_member(app, role="admin", inside=platform))
    office = PageClient(client)
    form = office.get(CATALOGUE + "import/input")
    page = office.submit(form, {"file": (io.BytesIO(LINES.encode()), "a.csv")})
    assert "dùng cho mọi tổ chức" in page.text
    office.submit(page, {"import": "yes"})
    assert "Thuốc B" in console.pages.get(CATALOGUE).text
    told = {"product": str(console.greens), "when": "2026-10-05T07:00"}
    console.pages.submit(console.pages.get("/producer/cycles/new/sowing"), told)
    (cycle,) = console.things("cycle")
    spray = {"inputs-0-name": "Thuốc X 50EC", "inputs-0-active_ingredient": "CHẤT B"}
    page = console.pages.submit(
        console.pages.get(f"/producer/cycles/{cycle}/diary/spraying"), spray
    )
    assert "Thuốc B là chất cấm" in page.text
    page = console.pages.submit(
        console.pages.get(f"/producer/cycles/{cycle}/harvest"), {"quantity": "5"}
    )
    assert "Lô bị tạm giữ" in page.text

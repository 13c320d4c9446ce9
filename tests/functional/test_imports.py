"""Spreadsheets: looked at first, recorded once, undone where nothing was built on them."""

from __future__ import annotations

import io
import os
import zipfile
from datetime import datetime
from typing import Any

import openpyxl
import pytest
from flask import Flask
from sqlalchemy import select

from tests.support.api import Program
from tests.support.factories import make_actor
from tests.support.farms import make_farm
from tests.support.fields import Console, open_console
from tests.support.pages import Page, PageClient
from trace.core.gs1 import format_code
from trace.extensions import db
from trace.jobs.worker import run_pending
from trace.models import (
    Event,
    Household,
    Import,
    ImportRow,
    Job,
    Organisation,
    Place,
    Product,
    Thing,
)
from trace.schemas.import_kinds import KINDS


@pytest.fixture
def console(app: Flask, pages: PageClient, now: datetime) -> Console:
    return open_console(app, pages)


def workbook(*rows: tuple[Any, ...]) -> bytes:
    """A workbook made by another library than the one that reads it in bulk."""
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)  # type: ignore[union-attr]  # a new workbook has a sheet
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def send(console: Console, kind: str, data: bytes, name: str = "bang.xlsx") -> Page:
    """Sends a file and opens its preview."""
    page = console.pages.get(f"/producer/imports/new/{kind}")
    sent = console.pages.submit(page, {"file": (io.BytesIO(data), name)})
    with console.app.app_context():
        run_pending()
    return console.pages.get(sent.address)


def accept(console: Console, preview: Page, **entries: str) -> Page:
    sent = console.pages.submit(preview, entries)
    with console.app.app_context():
        run_pending()
    return console.pages.get(sent.address)


def count(console: Console, model: Any) -> int:
    with console.app.app_context():
        return int(db.session.query(model).count())


def cycle(console: Console) -> tuple[int, str]:
    """A planting begun by hand: its row and its code as people write it."""
    page = console.pages.get("/producer/cycles/new/sowing")
    console.pages.submit(page, {"product": str(console.greens), "when": "2026-11-01T07:00"})
    thing = console.things("cycle")[-1]
    with console.app.app_context():
        identity = db.session.get_one(Thing, thing).identity
    return thing, format_code(identity.rpartition("/")[2])


def test_places_from_a_renamed_and_reordered_sheet_are_recorded_after_a_preview(
    console: Console,
) -> None:
    before = count(console, Place)
    data = workbook(
        ("Danh sách thửa ruộng năm 2026",),
        ("DIEN TICH", "xã", "Tên thửa", "cột lạ", "Loại", "Hộ"),
        (720, "Xã Đan Phượng, Hà Nội", "Thửa số 1", "x", "ruộng", "H12"),
        ("1.250,5", "Xã Đan Phượng, Hà Nội", "@Thửa", None, "Thửa, lô đất", None),
        (None, None, None, None, None, None),
    )
    preview = send(console, "places", data)
    assert count(console, Place) == before, "a preview records nothing"
    assert "Dòng dùng được 2" in preview.text
    assert "cột lạ" in preview.text
    result = accept(console, preview, mode="all")
    assert "Đã ghi 2 dòng" in result.text
    with console.app.app_context():
        made = db.session.query(Place).filter(Place.name == "Thửa số 1").one()
        assert (str(made.area_m2), made.kind, made.household.code) == ("720", "plot", "H12")  # type: ignore[union-attr]  # it has one
        other = db.session.query(Place).filter(Place.name == "@Thửa").one()
        assert str(other.area_m2) == "1250.5"


def test_every_mistake_is_told_at_its_cell_and_good_rows_may_go_alone(console: Console) -> None:
    data = workbook(
        ("Mã hộ", "Tên hộ", "Điện thoại", "Xã, phường"),
        ("H20", "Người Mẫu", 912345678, "Xã Đan Phượng, Hà Nội"),
        ("H12", "Đã có", None, None),
        ("có dấu!", "Mã sai", None, None),
        ("H21", "Xã sai", None, "Xã Không Có Đâu"),
        ("H20", "Trùng trong tệp", None, None),
    )
    preview = send(console, "households", data)
    for cell in ("A3", "A4", "D5", "A6"):
        assert cell in preview.text
    refused = console.pages.submit(preview, {"mode": "all"}, status=409)
    assert "4" in refused.text
    result = accept(console, refused, mode="valid")
    assert "Đã ghi 1 dòng" in result.text
    with console.app.app_context():
        made = db.session.query(Household).filter(Household.code == "H20").one()
        assert made.phone == "+84912345678"
    file = console.pages.client.get(f"{result.address}/refused.xlsx")
    sheet = openpyxl.load_workbook(io.BytesIO(file.data)).active
    assert sheet is not None
    rows = list(sheet.iter_rows(values_only=True))
    assert [row[0] for row in rows[1:]] == ["H12", "có dấu!", "H21", "H20"]
    assert all(row[-1] for row in rows[1:])


def test_diary_rows_become_signed_events_whatever_way_the_days_are_written(
    console: Console,
) -> None:
    thing, code = cycle(console)
    ways = (
        datetime(2026, 11, 20, 7, 30),  # noqa: DTZ001  # a spreadsheet's clock has no zone
        "20/11/2026 07:30",
        "20-11-26 7h30",
        "ngày 20 tháng 11 năm 2026 7:30",
        "2026-11-20 07:30:00",
        46346.3125,
        "7g30 20.11.2026",
    )
    rows = [(way, code, "Phun thuốc", "Thuốc mẫu", "1,5", "lít", 7) for way in ways]
    head = ("Ngày giờ", "Mã vụ", "Việc", "Tên vật tư", "Lượng dùng", "Đơn vị", "Cách ly (ngày)")
    before = count(console, Event)
    preview = send(console, "diary", workbook(head, *rows))
    assert f"Dòng dùng được {len(ways)}" in preview.text, preview.text
    accept(console, preview, mode="all")
    lines = console.events()[before:]
    assert len(lines) == len(ways)
    assert {line.event_time.isoformat() for line in lines} == {"2026-11-20T00:30:00+00:00"}
    assert lines[0].document["trace:inputs"][0]["amount"] == 1.5
    assert {named.thing.id for line in lines for named in line.things} == {thing}


def test_another_organisations_lot_is_not_found_and_nothing_tells_that_it_exists(
    console: Console, now: datetime
) -> None:
    with console.app.app_context():
        other = make_farm(now, "HTX Demo Khác")
        lot = other.register(kilos=100)
        db.session.commit()
    code = lot.rpartition("/")[2]
    data = workbook(
        ("Ngày giờ", "Lô", "Số lượng"),
        ("20/11/2026", code, 5),
        ("20/11/2026", "7K3QMP2XV4", 5),
    )
    preview = send(console, "shipments", data)
    reasons = [words for words in preview.texts("//td") if "không" in words.lower()]
    assert "Dòng có lỗi 2" in preview.text
    assert len({reason.replace(code, "").replace("7K3QMP2XV4", "") for reason in reasons}) == 1


def test_an_import_is_undone_by_voids_and_what_was_built_on_stays(console: Console) -> None:
    data = workbook(
        ("Ngày giờ", "Sản phẩm", "Số lượng", "Đơn vị", "Tên lô"),
        ("20/11/2026 07:30", "Cải ngọt", 480, "kg", "L1"),
        ("20/11/2026 08:30", "Cải ngọt", 2, "tạ", "L2"),
    )
    result = accept(console, send(console, "lots", data), mode="all")
    assert "Đã ghi 2 dòng" in result.text
    first, second = console.things("lot")[-2:]
    page = console.pages.get(f"/producer/batches/{first}/sale")
    console.pages.submit(page, {"act": "on-sale", "place": str(console.stall)})
    undo = console.pages.get(result.link("Huỷ lần nhập này"))
    after = accept(console, undo)
    assert "Đã huỷ 1 dòng" in after.text
    assert "1 dòng được giữ lại" in after.text
    with console.app.app_context():
        states = {
            row.number: row.state for row in db.session.query(ImportRow).order_by(ImportRow.number)
        }
    assert states == {2: "kept", 3: "undone"}
    voided = [line for line in console.events() if not line.stands]
    assert {named.thing.id for line in voided for named in line.things} == {second}


def test_a_file_whose_work_was_set_aside_says_so_and_does_not_wait_for_ever(
    console: Console,
) -> None:
    page = console.pages.get("/producer/imports/new/places")
    book = workbook(("Tên", "Mã"), ("Vườn A", "A1"))
    sent = console.pages.submit(page, {"file": (io.BytesIO(book), "bang.xlsx")})
    assert sent.find("//*[@data-reload]")
    with console.app.app_context():
        job = db.session.scalars(select(Job).where(Job.kind == "import-check")).one()
        job.state, job.set_aside_at = "failed", job.created_at
        db.session.commit()
        owner = db.session.get_one(Organisation, job.organisation_id)
        program = Program(console.app.test_client(), owner)
        row = program.get(f"/imports/{sent.address.rsplit('/', 1)[1]}")
        assert (row["state"], row["errors"][0]["code"]) == ("checking", "import-aside")
    told = console.pages.get(sent.address)
    assert "dừng vì lỗi của hệ thống" in told.text
    assert not told.find("//*[@data-reload]")


def test_the_same_file_is_recognised_and_asked_about(console: Console) -> None:
    data = workbook(("Mã hộ",), ("H30",))
    accept(console, send(console, "households", data), mode="all")
    again = send(console, "households", workbook(("Mã hộ",), ("H31",)))
    accept(console, again, mode="all")
    _, code = cycle(console)
    diary = workbook(("Ngày giờ", "Mã vụ", "Việc"), ("20/11/2026", code, "Tưới"))
    accept(console, send(console, "diary", diary), mode="all")
    before = count(console, Event)
    preview = send(console, "diary", diary)
    assert "Tệp này đã ghi rồi" in preview.text
    refused = console.pages.submit(preview, {"mode": "all"}, status=409)
    assert count(console, Event) == before
    accept(console, refused, mode="all", again="yes")
    assert count(console, Event) == before + 1


def test_templates_hold_own_names_and_an_example_that_is_skipped(console: Console) -> None:
    for kind in KINDS:
        answer = console.pages.client.get(f"/producer/imports/template/{kind}.xlsx")
        book = openpyxl.load_workbook(io.BytesIO(answer.data))
        assert book.worksheets[0].max_row == 2
        assert book.worksheets[-1].max_row == len(KINDS[kind].columns) + 1
        preview = send(console, kind, answer.data)
        assert "không có dòng nào" in preview.text.lower(), kind
    answer = console.pages.client.get("/producer/imports/template/diary.xlsx")
    book = openpyxl.load_workbook(io.BytesIO(answer.data))
    assert book.worksheets[0].data_validations.count >= 2


def test_files_that_are_no_sheets_are_refused_by_name(console: Console) -> None:
    bomb = io.BytesIO()
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as package:
        package.writestr("xl/workbook.xml", "<workbook/>")
        package.writestr("xl/worksheets/sheet1.xml", b"0" * 90_000_000)
    macro = io.BytesIO()
    with zipfile.ZipFile(macro, "w") as package:
        package.writestr("xl/workbook.xml", "<workbook/>")
        package.writestr("xl/vbaProject.bin", b"x")
    entities = io.BytesIO()
    with zipfile.ZipFile(entities, "w") as package:
        package.writestr("xl/workbook.xml", '<!DOCTYPE a [<!ENTITY b "c">]><workbook/>')
    cases = (
        ("sheet-too-large", bomb.getvalue()),
        ("macro-sheet", macro.getvalue()),
        ("sheet-broken", entities.getvalue()),
        ("old-sheet", b"\xd0\xcf\x11\xe0" + bytes(100)),
        ("not-a-sheet", b"\x89PNG\r\n\x1a\n" + os.urandom(200) + b"\x00"),
        # Some programs write a web page and call it .xls.
        ("not-a-sheet", b"<html><table><tr><td>a</td></tr></table></html>"),
        ("sheet-too-long", b"a;b\n" + b"1;2\n" * 100_000),
    )
    for code, data in cases:
        page = send(console, "lots", data, "la.xlsx")
        assert "Chưa ghi gì từ tệp này" in page.text
        with console.app.app_context():
            row = db.session.query(Import).order_by(Import.id.desc()).first()
            assert row is not None
            assert f'"{code}"' in row.error, (code, row.error)


def test_merged_cells_formulas_and_doubled_headings_are_told(console: Console) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    for row in (("Mã hộ", "Tên hộ"), ("H40", "=1+1"), ("H41", "hai dòng"), (None, None)):
        sheet.append(row)
    sheet.merge_cells("A3:A4")
    out = io.BytesIO()
    book.save(out)
    page = send(console, "households", out.getvalue())
    assert "B2" in page.text
    assert "A3:A4" in page.text
    doubled = send(console, "households", workbook(("Mã hộ", "Mã hộ"), ("H42", "H43")))
    assert "A1" in doubled.text
    assert "B1" in doubled.text
    choose = console.pages.get(doubled.link("Chọn cột bằng tay"))
    preview = accept(console, choose, code="2")
    accept(console, preview, mode="all")
    with console.app.app_context():
        codes = set(db.session.scalars(db.select(Household.code)))
    assert "H43" in codes
    assert "H42" not in codes


@pytest.mark.parametrize("codec", ["utf-8", "utf-8-sig", "cp1258", "utf-16"])
def test_csv_is_read_in_the_encodings_of_vietnam(console: Console, codec: str) -> None:
    import unicodedata

    text = "Mã hộ;Tên hộ\r\nH50;Nguyễn Thị Mẫu\r\n;\r\n"
    if codec == "cp1258":
        # That code page has letters with their hats, and tones as marks of their own.
        text = "".join(char if _fits(char) else unicodedata.normalize("NFD", char) for char in text)
        text = (
            text.replace("e\u0302\u0303", "\u00ea\u0303")
            .replace("o\u0323\u0302", "\u00f4\u0323")
            .replace("o\u0302\u0323", "\u00f4\u0323")
            .replace("a\u0302\u0303", "\u00e2\u0303")
        )
    preview = send(console, "households", text.encode(codec), "ho.csv")
    accept(console, preview, mode="all")
    with console.app.app_context():
        made = db.session.query(Household).filter(Household.code == "H50").one()
        assert made.name == "Nguyễn Thị Mẫu"


def _fits(char: str) -> bool:
    try:
        char.encode("cp1258")
    except UnicodeEncodeError:
        return False
    return True


def test_products_that_were_used_survive_the_undoing(console: Console) -> None:
    data = workbook(
        ("Tên sản phẩm", "Nhóm", "Đơn vị", "Khối lượng tịnh (kg)"),
        ("Rau muống", "Rau ăn lá", "bó", 0.5),
        ("Rau dền", "Rau ăn lá", "kg", None),
    )
    result = accept(console, send(console, "products", data), mode="all")
    with console.app.app_context():
        used = db.session.query(Product).filter(Product.name == "Rau muống").one().id
    console.lot("10", used)
    after = accept(console, console.pages.get(result.link("Huỷ lần nhập này")))
    assert "Đã huỷ 1 dòng" in after.text
    with console.app.app_context():
        names = set(db.session.scalars(db.select(Product.name)))
    assert "Rau muống" in names
    assert "Rau dền" not in names


def test_another_organisations_import_is_not_found(console: Console, now: datetime) -> None:
    preview = send(console, "households", workbook(("Mã hộ",), ("H60",)))
    with console.app.app_context():
        row = db.session.query(Import).one()
        row.organisation_id = make_actor(now, "HTX Demo Khác").organisation.id
        db.session.commit()
    for address in (preview.address, f"{preview.address}/undo", f"{preview.address}/refused.xlsx"):
        assert console.pages.client.get(address).status_code == 404


def test_a_gtin_of_somebody_else_is_told_at_its_cell(console: Console, now: datetime) -> None:
    gtin = "08938505974194"
    with console.app.app_context():
        farm = make_farm(now, "HTX Demo Khác")
        product = db.session.query(Product).filter_by(organisation_id=farm.organisation.id).first()
        assert product is not None
        product.gtin = gtin
        db.session.commit()
    data = workbook(
        ("Tên sản phẩm", "Nhóm", "Đơn vị", "GTIN"),
        ("Rau muống", "Rau ăn lá", "kg", gtin.lstrip("0")),
        ("Rau dền", "Rau ăn lá", "kg", "8938505974187"),
        ("Rau ngót", "Rau ăn lá", "kg", "8938505974187"),
    )
    preview = send(console, "products", data)
    assert "D2" in preview.text
    assert "D4" in preview.text
    assert "Dòng dùng được 1" in preview.text


def test_what_is_not_read_or_not_seen_is_told_before_anything_is_recorded(
    console: Console,
) -> None:
    book = openpyxl.Workbook()
    hidden, first, second = book.active, book.create_sheet("Một"), book.create_sheet("Hai")
    assert hidden is not None
    for sheet in (hidden, first, second):
        for row in (("Mã hộ", "Tên hộ"), ("H40", "A"), ("H41", "B")):
            sheet.append(row)
    book.create_sheet("Chú thích").append(("chữ khác",))
    hidden.title, hidden.sheet_state = "Cũ", "hidden"
    first.column_dimensions["B"].hidden = True
    first.row_dimensions[3].hidden = True
    out = io.BytesIO()
    book.save(out)
    page = send(console, "households", out.getvalue())
    assert "Chỉ đọc trang tính “Một”. Chưa đọc: Hai, Cũ;" in page.text
    assert "Cột đang ẩn trong Excel vẫn được đọc: B1." in page.text
    assert "Dòng đang ẩn hoặc bị lọc trong Excel vẫn được đọc: 1." in page.text
    plain = send(console, "households", workbook(("Mã hộ",), ("H44",)))
    assert "Xem kỹ trước khi ghi" not in plain.text


def test_a_file_for_another_kind_of_sheet_is_shown_the_way(console: Console) -> None:
    page = send(console, "lots", workbook(("Mã hộ", "Tên hộ"), ("H40", "A")))
    assert page.link("Gửi vào bảng “Hộ thành viên”").endswith("/new/households")

"""The VietGAP diary to take away: a workbook and a paper with every book in it."""

from __future__ import annotations

import io
import shutil
import subprocess
from datetime import UTC, datetime

import openpyxl
import pytest
from flask import Flask

from tests.support.fields import Console, open_console
from tests.support.pages import PageClient
from trace.services.vietgap_diary import Cover, paper, workbook
from trace.web.producer.diary_tables import Table

BOOKS = "/producer/books/"
COVER = Cover("HTX Minh họa", "7K3QM-P2XV4", "vụ đông", datetime(2026, 11, 22, tzinfo=UTC))


@pytest.fixture
def console(app: Flask, pages: PageClient, now: datetime) -> Console:
    return open_console(app, pages)


def words_of(pdf: bytes) -> str:
    """What a reader of the paper sees; its bytes alone where Poppler is not installed."""
    if shutil.which("pdftotext") is None:
        pytest.skip("Poppler (pdftotext) is not installed")
    call = ["pdftotext", "-layout", "-", "-"]
    return subprocess.run(call, input=pdf, capture_output=True, check=True).stdout.decode()


def test_the_diary_comes_as_a_workbook_and_as_a_paper_with_the_private_books(
    console: Console,
) -> None:
    pages = console.pages
    sown = {"product": str(console.greens), "when": "2026-11-01T07:00"}
    pages.submit(pages.get("/producer/cycles/new/sowing"), sown)
    (cycle,) = console.things("cycle")
    spray = {
        "inputs-0-name": "=thuốc minh họa",
        "inputs-0-amount": "300",
        "inputs-0-unit": "ml",
        "inputs-0-interval_days": "7",
        "when": "2026-11-02T07:00",
    }
    pages.submit(pages.get(f"/producer/cycles/{cycle}/diary/spraying"), spray)
    told = {"item": "Phân Minh họa", "quantity": "50", "unit": "kg"}
    pages.submit(pages.get(f"{BOOKS}count/new"), told)
    page = pages.get(f"{BOOKS}diary/{cycle}")
    answer = pages.client.get(page.link("Tải sổ (Excel)"))
    book = openpyxl.load_workbook(io.BytesIO(answer.data))
    cells = {
        str(cell.value): cell.data_type
        for sheet in book
        for row in sheet.iter_rows()
        for cell in row
    }
    assert cells["=thuốc minh họa"] == "s"
    assert {"300 ml", "09/11/2026", "Phân Minh họa"} <= cells.keys()
    assert len(book.sheetnames) == 13
    answer = pages.client.get(page.link("Tải bản in (PDF)"))
    assert answer.content_type == "application/pdf"
    text = words_of(answer.data)
    assert "Nhật ký sản xuất" in text
    assert "=thuốc minh họa" in text.replace("\n", " ") or "minh họa" in text
    assert "chưa khai báo" in text
    # The span of the season goes along, and narrows the private books too.
    season = pages.get(f"{BOOKS}season?from=2026-10-01&to=2026-10-31")
    taken = pages.client.get(season.link("Tải sổ (Excel)"))
    named = [sheet.max_row for sheet in openpyxl.load_workbook(io.BytesIO(taken.data))][1:]
    assert set(named) == {1}


def test_the_same_books_give_the_same_paper_and_odd_names_still_make_sheets(app: Flask) -> None:
    books = [
        Table("a", "Sổ [1]: " + "rất " * 20, ["Ngày", "Ghi"], [["01/11/2026", "dài " * 900]]),
        Table("b", "Sổ [1]: " + "rất " * 20, ["Ngày"], []),
        Table("c", "[]:*?/\\", ["<b>&"], [["\x00\x07</para>" * 3]]),
    ]
    with app.test_request_context():
        first = paper(COVER, books, language="vi")
        assert first == paper(COVER, books, language="vi")
        assert first.startswith(b"%PDF")
        names = openpyxl.load_workbook(io.BytesIO(workbook(COVER, books))).sheetnames
    assert len(set(names)) == 4
    assert all(len(name) <= 31 for name in names)

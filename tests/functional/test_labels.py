"""Labels: what is printed is what a scan reads, whatever stock it is printed on."""

from __future__ import annotations

import io
from datetime import datetime

import pytest
import zxingcpp
from flask import Flask
from PIL import Image

from tests.support.fields import Console, errors, open_console
from tests.support.pages import PageClient
from trace.core.gs1 import canonical_uri, parse_path
from trace.extensions import db
from trace.jobs.worker import run_pending
from trace.models import Thing


@pytest.fixture
def console(app: Flask, pages: PageClient, now: datetime) -> Console:
    return open_console(app, pages)


def decoded(data: bytes) -> str:
    with Image.open(io.BytesIO(data)) as image:
        (found,) = zxingcpp.read_barcodes(image)
    return found.text


@pytest.mark.parametrize("named", [True, False])
def test_the_code_on_the_screen_reads_back_as_the_lots_own_address(
    console: Console, named: bool
) -> None:
    lot = console.lot("10", console.greens if named else console.herbs)
    answer = console.pages.client.get(f"/producer/labels/{lot}.png")
    text = decoded(answer.data)
    # Tests run on http://localhost, which is not the identity base: the address printed is where
    # a scan finds the page, the identity is the same.
    assert text.lower().startswith("http://localhost/")
    with console.app.app_context():
        identity = parse_path("/" + text.split("/", 3)[3]).identity
        stored = db.session.get_one(Thing, lot).identity
        assert canonical_uri(identity, "https://trace.example") == stored
    svg = console.pages.client.get(f"/producer/labels/{lot}.svg")
    assert svg.mimetype == "image/svg+xml"
    assert b"<svg" in svg.data


def test_a_sheet_says_what_the_lot_is_in_vietnamese(console: Console) -> None:
    lot = console.lot("10", lot="L2611", first_day="2026-11-20", use_by="2026-11-26")
    page = console.pages.get(f"/producer/labels/{lot}")
    for words in ("Cải ngọt", "Lô L2611", "Thu hoạch 20/11/2026", "HSD 26/11/2026", "300 g"):
        assert words in page.text
    form = page.form().filled({"count": "24", "layout": "3x8"})
    answer = console.pages.client.post(f"/producer/labels/{lot}", data=form)
    assert answer.mimetype == "application/pdf"
    assert answer.data.startswith(b"%PDF-")
    again = console.pages.client.post(f"/producer/labels/{lot}", data=form)
    assert again.data == answer.data


@pytest.mark.parametrize(
    ("field", "value"),
    [("count", "0"), ("count", "abc"), ("count", "999999"), ("layout", "9x9"), ("skip", "-1")],
)
def test_an_impossible_sheet_is_refused_beside_its_field(
    console: Console, field: str, value: str
) -> None:
    lot = console.lot("10")
    page = console.pages.get(f"/producer/labels/{lot}")
    refused = console.pages.submit(page, {field: value}, status=400)
    assert field in errors(refused)


def test_words_that_do_not_fit_the_stock_are_told_and_nothing_is_lost(console: Console) -> None:
    lot = console.lot("10")
    page = console.pages.get(f"/producer/labels/{lot}")
    told = {"weight": "khối lượng tịnh ghi dài", "layout": "4x10", "count": "7"}
    answer = console.pages.client.post(
        f"/producer/labels/{lot}", data=page.form().filled(told), headers={"Accept": "text/html"}
    )
    assert answer.status_code in (200, 400)
    if answer.status_code == 400:
        assert "khối lượng tịnh ghi dài" in answer.get_data(as_text=True)


def test_a_large_sheet_is_a_job_with_progress_and_then_a_file(console: Console, app: Flask) -> None:
    lot = console.lot("10")
    page = console.pages.get(f"/producer/labels/{lot}")
    waiting = console.pages.submit(page, {"count": "500", "layout": "4x10"})
    assert "Đang vẽ 500 tem" in waiting.text
    file = waiting.address + ".pdf"
    assert console.pages.client.get(file).status_code == 404
    with app.app_context():
        run_pending()
    done = console.pages.get(waiting.address)
    assert "Đã xong 500 tem" in done.text
    answer = console.pages.client.get(done.link("Mở tệp PDF"))
    assert answer.data.startswith(b"%PDF-")
    assert answer.headers["Content-Type"] == "application/pdf"
    answer.close()


def test_a_crate_has_a_label_too(console: Console) -> None:
    lot = console.lot("480")
    form = console.pages.get(f"/producer/batches/pack?thing={lot}")
    console.pages.submit(form, {"lots-0-quantity": "12"})
    (crate,) = console.things("logistic")
    page = console.pages.get(f"/producer/labels/{crate}")
    for words in ("Cải ngọt", "12 kg", "Lô "):
        assert words in page.text
    answer = console.pages.client.get(f"/producer/labels/{crate}.png")
    assert "/h/" in decoded(answer.data).lower()

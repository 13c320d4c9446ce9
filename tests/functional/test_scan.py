"""The page behind a printed code: what a shopper sees, and in which words."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event as listening
from sqlalchemy.orm import scoped_session

from tests.support.farms import (
    Farm,
    id_base,
    make_farm,
    make_product,
    path_of,
)
from tests.support.pages import PageClient
from trace.extensions import db
from trace.services import sequencer
from trace.services.diary import Input, diary_entry

START = datetime(2026, 11, 8, 1, 0, tzinfo=UTC)
LATER = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)
pytestmark = [pytest.mark.usefixtures("now"), pytest.mark.one_database]


@pytest.fixture
def farm(db_session: scoped_session[Any]) -> Farm:
    return make_farm(START)


def publish() -> None:
    """The sequencer's next checkpoint."""
    db.session.rollback()
    sequencer.publish(now=LATER)
    db.session.commit()


def grown(farm: Farm, **facts: Any) -> str:
    """A lot with a field behind it."""
    cycle = farm.sow(performed_by="H07")
    farm.wait(1)
    farm.spray(cycle, interval=7)
    farm.wait(10)
    lot = farm.reap(cycle, kilos=480, **facts)
    publish()
    return lot


@contextmanager
def counted() -> Iterator[list[str]]:
    """The statements that reach the database."""
    seen: list[str] = []

    def note(_c: Any, _cur: Any, statement: str, *_: Any) -> None:
        seen.append(statement)

    listening.listen(db.engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        listening.remove(db.engine, "before_cursor_execute", note)


# -- what is shown ---------------------------------------------------------------------------------


def test_the_page_says_what_and_who_first_then_the_record_then_the_journey(
    farm: Farm, pages: PageClient
) -> None:
    lot = grown(farm, use_by=date(2026, 11, 24))
    page = pages.get("/t" + path_of(lot))
    assert page.h1 == "Cải ngọt, gói 300 g"
    order = [
        "Cải ngọt, gói 300 g",
        "HTX Demo Đan Phượng",
        "Tổ chức chưa được xác nhận",
        "Thu hoạch 19/11/2026",
        "Hạn dùng 24/11/2026",
        "Hồ sơ chưa bị sửa từ 08/11/2026 theo sổ",
        "không thay kiểm nghiệm",
        "Phun lần cuối 10 ngày trước thu hoạch (nhãn yêu cầu 7)",
        "Bạn quét mã này",
        "Thu hoạch",
        "Phun thuốc",
        "Thuốc Demo 1.8EC (hoạt chất Demo), 30 ml",
        "Gieo",
        "HTX Demo Đan Phượng ghi thay hộ H07 · đã ký",
        "chưa khai báo",
        "Mã:",
    ]
    at = -1
    for words in order:
        found = page.text.find(words, at + 1)
        assert found > at, f"{words!r} is not after what stands before it"
        at = found


def test_the_page_never_says_what_it_cannot_know(farm: Farm, pages: PageClient) -> None:
    lot = grown(farm)
    for address in (f"/t{path_of(lot)}", f"/t{path_of(lot)}?view=proof"):
        text = pages.get(address).text.lower()
        for words in ("hàng thật", "an toàn", "nguyên vẹn", "cách ly", "giả mạo", "nhật ký"):
            assert words not in text


def test_the_same_page_in_english(farm: Farm, app: Flask) -> None:
    lot = grown(farm, use_by=date(2026, 11, 24))
    pages = PageClient(app.test_client(), language="en-GB,en;q=0.8,vi;q=0.1")
    page = pages.get("/t" + path_of(lot))
    assert page.root.get("lang") == "en"
    assert page.h1 == "Choy sum, 300 g"
    for words in ("Use by 24/11/2026", "You scanned this code", "signed", "not declared"):
        assert words in page.text
    assert "đã ký" not in page.text


def test_a_chosen_language_outweighs_the_browsers(farm: Farm, pages: PageClient) -> None:
    lot = grown(farm)
    page = pages.get(pages.get("/t" + path_of(lot)).link("English"))
    assert page.root.get("lang") == "en"
    back = pages.get(page.link("Tiếng Việt"))
    assert back.root.get("lang") == "vi"


def test_every_english_sentence_has_been_translated(farm: Farm, app: Flask) -> None:
    lot = grown(farm)
    pages = PageClient(app.test_client(), language="en")
    for address in (f"/t{path_of(lot)}?view=proof", "/t/b/0000000000", "/t/01/123"):
        status = 200 if "proof" in address else 404 if "/b/" in address else 400
        page = pages.get(address, status=status)
        named = {"HTX Demo Đan Phượng", "Tiếng Việt"}
        text = page.text
        for name in named:
            text = text.replace(name, "")
        assert not re.search(
            "[ăâđêôơưĂÂĐÊÔƠƯạảấầẩẫậắằẳẵặẹẻẽếềểễệỉịọỏốồổỗộớờởỡợụủứừửữựỳỵỷỹ]", text
        ), text


def test_a_recall_for_a_label_does_not_frighten(farm: Farm, pages: PageClient) -> None:
    lot = grown(farm)
    farm.notify("recall", lot, hazard="label")
    text = pages.get("/t" + path_of(lot)).text
    assert text.startswith("Hàng bị thu hồi")
    assert "Không ăn" not in text


def test_a_hold_is_a_pause_and_advice_is_advice(farm: Farm, pages: PageClient) -> None:
    lot = grown(farm)
    farm.notify("hold", lot)
    assert pages.get("/t" + path_of(lot)).text.startswith("Tạm dừng bán, chờ kết quả")
    other = grown(farm)
    farm.notify("advice", other, reason="Rửa kỹ trước khi ăn")
    assert "Rửa kỹ trước khi ăn" in pages.get("/t" + path_of(other)).text


def test_use_by_and_best_before_speak_differently_once_they_are_past(
    farm: Farm, pages: PageClient
) -> None:
    past = farm.register(10, use_by=date(2026, 11, 20))
    best = farm.register(10, best_before=date(2026, 11, 20))
    assert "Đã quá hạn dùng 20/11/2026" in pages.get("/t" + path_of(past)).text
    text = pages.get("/t" + path_of(best)).text
    assert "Quá ngày dùng ngon nhất 20/11/2026" in text
    assert "hạn dùng" not in text.lower()


def test_a_short_interval_is_amber_and_in_plain_words(farm: Farm, pages: PageClient) -> None:
    cycle = farm.sow()
    farm.spray(cycle, interval=7)
    farm.wait(3)
    lot = farm.reap(cycle)
    page = pages.get("/t" + path_of(lot))
    claim = page.find("//ul[@class='claims']/li[@class='warn']")
    assert "Phun lần cuối 3 ngày trước thu hoạch (nhãn yêu cầu 7)" in claim[0].xpath("string()")
    assert "thu hoạch sớm hơn nhãn thuốc yêu cầu" in page.text


def test_silences_are_grouped_lines_of_their_own(farm: Farm, pages: PageClient) -> None:
    cycle = farm.sow()
    farm.used_none(cycle, "fertiliser", "pesticide")
    lot = farm.reap(cycle)
    page = pages.get("/t" + path_of(lot))
    gaps = page.texts("//li[@class='gap']")
    assert "Tưới nước, Nơi đóng gói, Vận chuyển: chưa khai báo" in gaps
    assert "Phân bón: khai: không dùng" in gaps
    assert "Khai: không dùng thuốc bảo vệ thực vật" in page.text


def test_the_evidence_names_issuer_custody_log_number_and_statement(
    farm: Farm, pages: PageClient
) -> None:
    lot = grown(farm)
    page = pages.get(
        pages.get("/t" + path_of(lot)).find("//a[contains(@class,'strip')]")[0].get("href")
    )
    assert page.h1 == "Bằng chứng: Cải ngọt, gói 300 g"
    assert "3/3 dòng mang chữ ký" in page.text
    assert "chưa có bên ngoài nào làm chứng" in page.text
    assert "khoá do nền tảng giữ hộ" in page.text
    [index, *_] = [a.get("href") for a in page.find("//a[starts-with(@href, '/log/proof/')]")]
    assert pages.client.get(index).status_code == 200
    assert len(page.find("//code[starts-with(., 'urn:uuid:')]")) == 3


def test_forty_lines_a_page_and_the_rest_behind_links(farm: Farm, pages: PageClient) -> None:
    cycle = farm.sow()
    farm.tell(*(diary_entry(farm.record(), cycle, "irrigating") for _ in range(95)))
    page = pages.get("/t" + path_of(cycle))
    lines = "//ol[@class='tl']/li[not(@class)]"
    assert len(page.find(lines)) == 40
    assert "trang 1/3" in page.text
    second = pages.get(page.link("Dòng cũ hơn"))
    third = pages.get(second.link("Dòng cũ hơn"))
    assert (len(second.find(lines)), len(third.find(lines))) == (40, 16)
    assert "Bạn quét mã này" not in second.text
    assert pages.get("/t" + path_of(cycle) + "?page=99").text == third.text


def test_the_first_view_of_forty_rich_lines_stays_under_fourteen_kilobytes(
    farm: Farm, client: FlaskClient
) -> None:
    cycle = farm.sow()
    farm.tell(
        *(
            diary_entry(
                farm.record(note=f"Ruộng số {n}, trời {n % 7} mây, lá {n * 37 % 100} phần trăm"),
                cycle,
                "spraying",
                inputs=[
                    Input(f"Thuốc Demo {n * 7919 % 1000}EC", None, "", f"hoạt chất {n}", n % 14)
                ],
            )
            for n in range(60)
        )
    )
    lot = farm.reap(cycle)
    answer = client.get("/t" + path_of(lot), headers={"Accept-Encoding": "br"})
    assert answer.headers["Content-Encoding"] == "br"
    assert len(answer.data) + sum(len(k) + len(v) + 4 for k, v in answer.headers) <= 14_000
    zipped = client.get("/t" + path_of(lot), headers={"Accept-Encoding": "gzip"})
    assert len(zipped.data) <= 14_000


def test_a_unit_nobody_issued_says_so_and_tells_no_story(farm: Farm, pages: PageClient) -> None:
    lot = grown(farm)
    page = pages.get(f"/t{path_of(lot)}/0123456789ABCDEF", status=404)
    assert page.h1 == "Mã này chưa từng được cấp"
    assert "0123-4567-89AB-CDEF" in page.text
    for word in ("Thu hoạch", "Cải ngọt", "HTX Demo"):
        assert word not in page.text


def test_a_lot_with_a_slash_and_percent_in_its_name_has_a_page(
    farm: Farm, pages: PageClient
) -> None:
    make_product(farm.organisation, "Gạo Demo", START, gtin="08936000000011", category="rice")
    db.session.commit()
    lot = f"{id_base()}/01/08936000000011/10/A%2FB%25C"
    farm.register(10, lot=lot, lot_number="A/B%C")
    assert "Gạo Demo" in pages.get("/t" + path_of(lot)).text


# -- unknown and refused ---------------------------------------------------------------------------


def test_an_unknown_code_says_so_shows_no_product_and_offers_typing(pages: PageClient) -> None:
    page = pages.get("/t/b/0000000000", status=404)
    assert page.h1 == "Không có mã này trong sổ"
    assert page.form().names >= {"code"}
    assert not page.find("//ol")


def test_a_broken_code_says_which_rule(pages: PageClient) -> None:
    page = pages.get("/t/01/08936000000016", status=400)
    assert page.h1 == "Mã không đọc được"
    assert "check-digit" in page.text


def test_nothing_in_an_address_can_become_markup(pages: PageClient) -> None:
    for address in ("/t/b/%3Cscript%3E", "/t/01/%22%3E%3Cimg", "/t/%3Cb%3E/x?lang=%3Cb%3E"):
        page = pages.get(address, status=400)
        assert not page.find("//script | //main//b | //img")

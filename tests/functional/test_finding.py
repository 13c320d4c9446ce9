"""Finding a record by name, by a photo, and by search engines."""

from __future__ import annotations

import io
from datetime import UTC, datetime
from typing import Any
from xml.etree import ElementTree as ET

import pytest
import qrcode
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import scoped_session

from tests.support.farms import Farm, make_farm, make_product, path_of
from tests.support.pages import PageClient
from trace.extensions import db
from trace.models import Product
from trace.services.search import search

START = datetime(2026, 11, 8, 1, 0, tzinfo=UTC)
pytestmark = pytest.mark.usefixtures("now")
SITEMAP = "{http://www.sitemaps.org/schemas/sitemap/0.9}loc"


@pytest.fixture
def farm(db_session: scoped_session[Any]) -> Farm:
    found = make_farm(START)
    db.session.commit()
    return found


@pytest.mark.parametrize(
    "typed", ["Cải ngọt", "cai ngot", "NGOT  cải", "ngot 300", "cải, ngọt!", "cai%ngot"]
)
def test_a_product_is_found_however_its_name_is_typed(
    farm: Farm, pages: PageClient, typed: str
) -> None:
    page = pages.get(f"/search?q={typed.replace('%', '%25')}")
    [link] = page.root.xpath(
        "//main//a[starts-with(@href, '/t/01/') or starts-with(@href, '/t/q/')]"
    )
    assert link.text == "Cải ngọt, gói 300 g"
    assert "Tổ chức chưa được xác nhận" in page.text
    assert pages.get(link.get("href")).h1 == "Cải ngọt, gói 300 g"


def test_a_maker_is_found_and_its_card_opens(farm: Farm, pages: PageClient) -> None:
    page = pages.get("/search?q=dan phuong demo")
    [link] = page.root.xpath("//main//a[starts-with(@href, '/t/o/')]")
    assert pages.get(link.get("href")).h1 == "HTX Demo Đan Phượng"


def test_a_changed_name_is_found_and_the_old_one_is_not(farm: Farm) -> None:
    product = db.session.scalars(select(Product)).one()
    product.name = "Rau dền đỏ"
    db.session.commit()
    assert [one.id for one in search("den do").products] == [product.id]
    assert not search("cai ngot")


@pytest.mark.parametrize("typed", ["", "   ", "!!!", "_", "%", "không có hàng này"])
def test_words_that_fit_nothing_find_nothing(farm: Farm, pages: PageClient, typed: str) -> None:
    page = pages.get("/search", query_string={"q": typed})
    assert not page.root.xpath("//main//a[starts-with(@href, '/t/')]")


def test_more_than_a_page_says_so(farm: Farm, pages: PageClient) -> None:
    for number in range(21):
        make_product(farm.organisation, f"Cải bẹ {number}", START)
    db.session.commit()
    found = search("cai")
    assert (len(found.products), found.more) == (20, True)
    assert "Còn nhiều kết quả khác" in pages.get("/search?q=cai").text


def photo_of(text: str) -> io.BytesIO:
    file = io.BytesIO()
    qrcode.make(text).save(file, "PNG")
    file.seek(0)
    return file


@pytest.mark.one_database
def test_a_photo_of_a_label_opens_its_page(farm: Farm, client: FlaskClient) -> None:
    path = path_of(farm.reap(farm.sow()))
    db.session.commit()
    sent = {"photo": (photo_of(f"http://localhost{path}"), "tem.png")}
    answer = client.post("/scan", data=sent)
    assert (answer.status_code, answer.headers["Location"]) == (303, f"/t{path}")
    assert "Set-Cookie" not in answer.headers


@pytest.mark.one_database
@pytest.mark.parametrize(
    ("file", "words"),
    [
        (photo_of("https://shop.example/sale"), "không phải mã"),
        (io.BytesIO(b"not a picture"), "không phải ảnh"),
    ],
)
def test_a_photo_of_something_else_says_so(
    client: FlaskClient, file: io.BytesIO, words: str
) -> None:
    answer = client.post("/scan", data={"photo": (file, "a.png")})
    assert answer.status_code in (400, 422)
    assert words in answer.get_data(as_text=True).lower()


@pytest.mark.one_database
def test_search_engines_list_what_an_authority_confirmed_and_no_lots(
    farm: Farm, client: FlaskClient
) -> None:
    farm.reap(farm.sow())
    db.session.commit()
    assert client.get("/sitemap/products-0.xml").status_code == 404
    assert "<loc>" not in client.get("/sitemap.xml").get_data(as_text=True)
    farm.organisation.status, farm.organisation.demonstration = "confirmed", False
    db.session.commit()
    listed = [
        one.text or ""
        for file in ET.fromstring(client.get("/sitemap.xml").data).iter(SITEMAP)
        for one in ET.fromstring(client.get(file.text or "").data).iter(SITEMAP)
    ]
    product = db.session.scalars(select(Product)).one()
    assert {one.split("/t/")[1] for one in listed} == {
        f"01/{product.gtin}" if product.gtin else f"q/{product.code}",
        f"o/{farm.organisation.code}",
    }
    for address in listed:
        assert "noindex" not in client.get(address).get_data(as_text=True)
    assert "Sitemap: http://localhost/sitemap.xml" in client.get("/robots.txt").get_data(
        as_text=True
    )

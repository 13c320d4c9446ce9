"""Notices stand above everything on every kind of page; products list what is on sale; silences are
told apart; shops find a badge to copy."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from html import unescape
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from lxml import etree, html
from sqlalchemy.orm import scoped_session

from tests.support.farms import Farm, make_farm, path_of, thing_id
from tests.support.members import make_member, sign_in
from tests.support.pages import PageClient
from tests.support.stamps import bind_stamps, make_stamps, stamp_page
from trace.extensions import db
from trace.models import Organisation, Product, Thing

START = datetime(2026, 11, 8, 1, 0, tzinfo=UTC)
pytestmark = [pytest.mark.usefixtures("now"), pytest.mark.one_database]


@pytest.fixture
def farm(db_session: scoped_session[Any]) -> Farm:
    return make_farm(START)


def product_path(farm: Farm) -> str:
    return "/q/" + farm.product.identity.rpartition("/")[2]


def test_a_notice_stands_above_everything_on_every_kind_of_page(
    farm: Farm, pages: PageClient
) -> None:
    cycle = farm.sow()
    farm.wait(10)
    lot = farm.reap(cycle)
    child = farm.mix([lot, farm.register(20)], 100)
    crate = farm.box(lot, kilos=40)
    roll = make_stamps(farm.actor, 1, farm.product)
    bind_stamps(farm, roll, 1, 1, lot)
    stall = farm.place("Sạp 12, chợ Demo")
    farm.offer(lot, stall, 100)
    hidden = farm.place("Kho kín", public=False)
    farm.offer(child, hidden, 10)
    farm.notify("recall", cycle, hazard="health", reason="Dư lượng vượt mức")
    everywhere = {
        "cycle": path_of(cycle),
        "lot": path_of(lot),
        "descendant": path_of(child),
        "logistic": path_of(crate),
        "unit": stamp_page(roll, 1).removeprefix("/t"),
        "product": product_path(farm),
        "stall": f"/p/{stall.code}",
        "place": f"/l/{stall.code}",
    }
    for kind, path in everywhere.items():
        page = pages.get(f"/t{path}")
        first = page.find("//main/*")[0]
        assert first.get("class") == "al stop", kind
        words = " ".join("".join(first.itertext()).split())
        assert re.match(r"Không ăn\. Hàng bị thu hồi|Có thể chứa hàng bị thu hồi", words), kind
        english = pages.get(f"/t{path}?lang=en").find("//main/*")[0]
        assert re.match(r"\s*(Do not eat|May contain)", "".join(english.itertext())), kind
    # What lies at a place that is not public is nobody's business.
    assert "thu hồi" not in pages.get(f"/t/l/{hidden.code}").text


def test_a_product_lists_lots_on_sale_and_nothing_else(farm: Farm, pages: PageClient) -> None:
    sold, kept = farm.register(480), farm.register(20)
    assert "Các lô đang bán" not in pages.get("/t" + product_path(farm)).text
    farm.offer(sold, farm.place("Sạp 12, chợ Demo"), 480)
    page = pages.get("/t" + product_path(farm))
    links = page.find("//ul[@class='list']//a/@href")
    assert links == ["/t" + path_of(sold)]
    assert path_of(kept) not in page.response.get_data(as_text=True)
    assert "Sạp 12" not in page.text


def test_four_silences_are_told_apart(farm: Farm, pages: PageClient) -> None:
    cycle = farm.sow()
    farm.used_none(cycle, "fertiliser")
    farm.wait(10)
    text = pages.get("/t" + path_of(farm.reap(cycle))).text
    assert "Phân bón: khai: không dùng" in text
    assert "Tưới nước" in text
    assert "chưa khai báo" in text
    product = db.session.get_one(Product, farm.product.id)
    product.category = "egg"
    db.session.commit()
    text = pages.get("/t" + path_of(farm.register(10))).text
    assert re.search(r"Giống, Tưới nước, Phân bón[^:]*: không áp dụng", text), text


def test_shops_find_a_badge_that_says_what_the_record_says(
    app: Flask, farm: Farm, pages: PageClient, client: FlaskClient
) -> None:
    member = make_member(app, name="HTX Có Trang")
    lot = farm.register(480)
    thing = db.session.get_one(Thing, thing_id(lot))
    product = db.session.get_one(Product, farm.product.id)
    organisation = db.session.get_one(Organisation, member.organisation_id)
    public = unescape(
        html.tostring(pages.get("/t" + product_path(farm)).find("//details")[0]).decode()
    )
    maker = thing.owner_id
    thing.owner_id = product.organisation_id = organisation.id
    db.session.commit()
    sign_in(app, pages.client, member)
    for address, path in (
        (f"/producer/products/{product.id}", product_path(farm)),
        (f"/producer/batches/{thing.id}", path_of(lot)),
    ):
        (snippet,) = pages.get(address).texts("//pre[@class='copied']")
        link = etree.fromstring(snippet.replace('loading="lazy">', 'loading="lazy"/>'))
        assert link.get("href") == f"http://localhost/t{path}"
        (image,) = link
        assert image.get("src") == f"http://localhost/t{path}?format=badge&lang=vi"
        assert image.get("alt")
        answer = client.get(image.get("src"))
        assert answer.mimetype == "image/svg+xml"
        assert answer.headers["Cross-Origin-Resource-Policy"] == "cross-origin"
        assert "Xem hồ sơ truy xuất" in answer.get_data(as_text=True)
    assert f"http://localhost/t{product_path(farm)}?format=badge" in public
    db.session.get_one(Thing, thing_id(lot)).owner_id = maker
    db.session.get_one(Product, farm.product.id).organisation_id = farm.organisation.id
    db.session.commit()
    farm.offer(lot, farm.place("Sạp 12, chợ Demo"), 100)
    farm.notify("recall", lot, hazard="health")
    badge = client.get(f"/t{product_path(farm)}?format=badge&lang=en").get_data(as_text=True)
    assert "Do not eat. Recalled" in badge


def test_a_messenger_finds_all_that_its_preview_needs(farm: Farm, pages: PageClient) -> None:
    page = pages.get("/t" + path_of(farm.register(10)))
    told = {one.get("property") for one in page.find("//meta[@property]")}
    # ogp.me: the first four; the rest is what Zalo and Facebook show without asking again.
    assert {"og:title", "og:type", "og:image", "og:url"} <= told
    assert {"og:description", "og:image:width", "og:image:height", "og:site_name"} <= told


def test_a_link_to_a_products_card_passed_on_says_its_name(farm: Farm, pages: PageClient) -> None:
    path = f"/t{product_path(farm)}"
    page = pages.get(path)
    told = {one.get("property"): one.get("content") for one in page.find("//meta[@property]")}
    assert told["og:title"] == farm.product.name
    assert told["og:url"] == f"http://localhost{path}"

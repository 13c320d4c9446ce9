"""A handover between two phones: shipped on one, scanned and answered on the other."""

from __future__ import annotations

import io
from collections.abc import Iterator

import pytest
import zxingcpp
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from tests.support.browser import no_complaints, overflow, violations
from tests.support.fields import Console
from tests.support.members import make_member, sign_in
from tests.support.server import LiveServer
from tests.support.snapshots import enter, world
from trace.web.access import COOKIE

SHOP = "Cửa hàng Minh họa"


@pytest.fixture
def giver(live_server: LiveServer, page: Page) -> Console:
    """The first phone: a co-operative with a lot of 480 kg."""
    page.set_viewport_size({"width": 360, "height": 640})
    console, _ = world(live_server.app, "lot", lambda one: one.lot("480", lot="L2611"))
    enter(console, page, live_server.url)
    return console


@pytest.fixture
def other(browser: Browser, live_server: LiveServer) -> Iterator[Page]:
    """A second phone with nothing in it: no cookies, no storage of the first's."""
    context = browser.new_context(viewport={"width": 360, "height": 640}, locale="vi-VN")
    yield context.new_page()
    context.close()


def ship(page: Page, url: str, console: Console, taker: str) -> str:
    """Ships 100 kg by thumb; returns what the other phone reads off the paper."""
    lot = console.things("lot")[0]
    page.goto(f"{url}/producer/shipments/new?thing={lot}")
    page.fill("[name='lots-0-quantity']", "100")
    page.fill("[name=taker]", taker)
    page.get_by_role("button", name="Ghi giao hàng").click()
    expect(page.locator("h1")).to_contain_text("Phiếu giao")
    page.get_by_role("link", name="In phiếu giao").click()
    expect(page.locator(".note-paper")).to_be_visible()
    sound(page)
    shot = Image.open(io.BytesIO(page.locator(".note-code .qr").screenshot()))
    (code,) = zxingcpp.read_barcodes(shot.resize((shot.width * 3, shot.height * 3)))
    return code.text


def sound(page: Page) -> None:
    assert violations(page) == [], page.url
    assert overflow(page) == 0, page.url


def test_one_scan_answers_with_a_difference_and_the_first_phone_sees_it(
    page: Page, live_server: LiveServer, giver: Console, other: Page
) -> None:
    client = live_server.app.test_client()
    sign_in(live_server.app, client, make_member(live_server.app, name=SHOP, kind="retailer"))
    cookie = client.get_cookie(COOKIE)
    assert cookie is not None
    other.context.add_cookies([{"name": COOKIE, "value": cookie.value, "url": live_server.url}])
    with no_complaints(page), no_complaints(other):
        other.goto(ship(page, live_server.url, giver, SHOP))
        expect(other.locator("h1")).to_have_text("Nhận hàng từ HTX Minh họa?")
        sound(other)
        other.get_by_text("Nhận từng dòng, có chênh lệch").click()
        other.fill("[name='lines-0-quantity']", "95,5")
        other.fill("[name='lines-0-reason']", "dập nát")
        sound(other)
        other.get_by_role("button", name="Ghi theo từng dòng").click()
        expect(other.get_by_text("Đã ghi nhận hàng.")).to_be_visible()
        page.goto(f"{live_server.url}/producer/shipments/?view=outgoing")
        expect(page.get_by_role("cell", name="đã nhận, có chênh lệch")).to_be_visible()
        page.get_by_role("link", name="Cải ngọt L2611 100 kg").click()
        expect(page.get_by_role("cell", name="95,5 kg")).to_be_visible()
        sound(page)


def test_a_driver_without_an_account_answers_by_the_papers_code(
    page: Page, live_server: LiveServer, giver: Console, other: Page
) -> None:
    with no_complaints(page), no_complaints(other):
        address = ship(page, live_server.url, giver, "")
        other.goto(address)
        expect(other.locator("h1")).to_have_text("Nhận hàng từ HTX Minh họa?")
        other.fill("[name=name]", "Anh Minh Họa")
        other.fill("[name=plate]", "29C-000.01")
        sound(other)
        other.get_by_role("button", name="Nhận đủ").click()
        expect(other.get_by_text("Phiếu đã được trả lời")).to_be_visible()
        assert other.context.cookies() == []
        page.goto(f"{live_server.url}/producer/shipments/?view=outgoing")
        page.get_by_role("link", name="Cải ngọt L2611 100 kg").click()
        expect(page.get_by_text("29C-000.01")).to_be_visible()
        other.goto(address)
        expect(other.get_by_text("Đường dẫn chỉ trả lời được một lần")).to_be_visible()


def test_the_paper_prints_on_one_page_of_the_size_asked_for(
    page: Page, live_server: LiveServer, giver: Console
) -> None:
    ship(page, live_server.url, giver, "")
    for size, wide in (("A5", 420), ("A4", 595)):
        if size == "A4":
            page.get_by_role("link", name="A4").click()
        pdf = page.pdf(prefer_css_page_size=True, print_background=False)
        assert pdf.count(b"/Type /Page\n") == 1
        box = pdf[pdf.index(b"/MediaBox") :][:40]
        assert abs(int(float(box.split()[3])) - wide) <= 1, box

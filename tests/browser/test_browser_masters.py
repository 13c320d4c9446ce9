"""Signing in, registering and the console's lists on a cheap phone: accessible, fitting, silent."""

from __future__ import annotations

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.support.browser import no_complaints, overflow, violations
from tests.support.codes import last_code
from tests.support.fields import Console
from tests.support.members import PASSWORD, make_member
from tests.support.server import LiveServer
from tests.support.snapshots import enter, world

OPEN = (
    "/",
    "/about",
    "/sign-in",
    "/register",
    "/producer/help/",
    "/producer/help/khong-co-song",
    "/producer/help/print",
    "/producer/offline",
)
INSIDE = (
    "/producer/today",
    "/producer/catalogue",
    "/producer/organisation/",
    "/producer/organisation/edit",
    "/producer/tokens/",
    "/producer/tokens/new",
    "/producer/tokens/1/revoke",
    "/producer/households/",
    "/producer/households/new",
    "/producer/households/1",
    "/producer/households/1/edit",
    "/producer/places/",
    "/producer/places/?q=nothing",
    "/producer/places/new",
    "/producer/places/1",
    "/producer/products/",
    "/producer/products/new",
    "/producer/products/1",
    "/producer/certificates/",
    "/producer/certificates/new",
    "/producer/certificates/1",
    "/producer/certificates/1/remove",
    "/account/",
    "/account/password",
    "/account/organisation",
)


def more_masters(console: Console) -> None:
    """What the console's lists show beside products, places and households."""
    days = {"valid_from": "2020-01-01", "valid_until": "2100-01-01"}
    for noun, entries in (
        ("certificates", {"standard": "VietGAP", "issuer_name": "Minh họa", **days}),
        ("tokens", {"name": "Cân", "scopes": "query"}),
    ):
        console.pages.submit(console.pages.get(f"/producer/{noun}/new"), entries)


@pytest.fixture
def inside(live_server: LiveServer, page: Page) -> Page:
    """A browser signed in to an organisation that has one of everything."""
    console, _ = world(live_server.app, "masters", more_masters)
    enter(console, page, live_server.url)
    return page


def look(page: Page, addresses: tuple[str, ...], server: LiveServer, *rules: str) -> list[str]:
    """All that is wrong with these pages, or what these rules find."""
    wrong = []
    with no_complaints(page):
        for address in addresses:
            page.goto(server.url + address)
            wrong += [f"{address} {fault}" for fault in violations(page, *rules)]
            if overflow(page):
                wrong.append(f"{address} is {overflow(page)} px too wide")
    return wrong


def test_every_open_page_is_accessible_and_fits(page: Page, live_server: LiveServer) -> None:
    assert look(page, OPEN, live_server) == []


def test_every_page_of_the_console_is_accessible_and_fits(
    inside: Page, live_server: LiveServer
) -> None:
    assert look(inside, INSIDE, live_server) == []


def test_the_dark_theme_is_as_readable(inside: Page, live_server: LiveServer) -> None:
    inside.emulate_media(color_scheme="dark")
    addresses = ("/", "/producer/places/new", *INSIDE[:3], *INSIDE[-8:])
    # The theme changes colours and nothing else.
    assert look(inside, addresses, live_server, "color-contrast") == []


def test_targets_are_large_enough_for_a_thumb(inside: Page, live_server: LiveServer) -> None:
    inside.goto(live_server.url + "/producer/places/new")
    small = inside.evaluate(
        "[...document.querySelectorAll('button, select, .input, summary, nav a, header a')]"
        ".filter(one => one.offsetParent && one.getBoundingClientRect().height < 48)"
        ".map(one => one.outerHTML.slice(0, 80))"
    )
    assert small == []


def test_a_farmer_registers_choosing_a_ward_from_what_is_offered(
    page: Page, live_server: LiveServer
) -> None:
    make_member(live_server.app)  # the platform stands
    page.goto(live_server.url + "/register")
    page.fill("#f-login", "0987654321")
    page.get_by_role("button", name="Gửi mã").click()
    assert violations(page) == []
    page.fill("#f-code", last_code(live_server.app))
    page.get_by_role("button", name="Tiếp tục").click()
    page.fill("#f-organisation", "Hộ Minh Họa")
    page.fill("#f-ward_code", "dan phuong")
    offered = page.get_by_role("listbox").get_by_role("option")
    expect(offered.first).to_have_text("Xã Đan Phượng, Hà Nội")
    assert violations(page) == []
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.locator("#f-ward_code")).to_have_value("Xã Đan Phượng, Hà Nội")
    page.fill("#f-name", "Nguyễn Minh Họa")
    page.fill("#f-password", PASSWORD)
    page.get_by_role("button", name="Đăng ký").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Hồ sơ đăng ký")


def test_a_refused_form_is_read_from_its_errors_and_leads_to_the_field(
    inside: Page, live_server: LiveServer
) -> None:
    inside.goto(live_server.url + "/producer/places/new")
    inside.get_by_role("button", name="Lưu").click()
    summary = inside.get_by_role("alert")
    expect(summary).to_be_focused()
    assert violations(inside) == []
    summary.get_by_role("link").first.click()
    expect(inside.locator("#f-name")).to_be_focused()


def test_the_phones_position_fills_both_boxes(
    inside: Page, context: BrowserContext, live_server: LiveServer
) -> None:
    context.grant_permissions(["geolocation"], origin=live_server.url)
    context.set_geolocation({"latitude": 21.0931, "longitude": 105.6711, "accuracy": 12})
    inside.goto(live_server.url + "/producer/places/new")
    inside.get_by_role("button", name="Lấy vị trí của tôi").click()
    expect(inside.locator("#f-latitude")).to_have_value("21.093100")
    expect(inside.locator("#f-longitude")).to_have_value("105.671100")


def test_without_javascript_everything_can_still_be_done(
    live_server: LiveServer, inside: Page, context: BrowserContext
) -> None:
    browser = context.browser
    assert browser is not None
    plain = browser.new_context(java_script_enabled=False, storage_state=context.storage_state())
    try:
        page = plain.new_page()
        page.goto(live_server.url + "/producer/today")
        page.locator("details.menu summary").click()
        expect(page.get_by_role("button", name="Đăng xuất")).to_be_visible()
        page.goto(live_server.url + "/producer/places/new")
        page.fill("#f-name", "Ao sau nhà")
        page.select_option("#f-kind", "pond")
        page.fill("#f-ward_code", "Phượng")
        page.get_by_role("button", name="Lưu").click()
        page.locator("input[name=ward_code_choice]").first.check()
        page.get_by_role("button", name="Lưu").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Ao sau nhà")
    finally:
        plain.close()

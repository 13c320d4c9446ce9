"""Keys on a real phone's browser: Chromium's virtual authenticator enrols, then approves."""

from __future__ import annotations

from dataclasses import replace

import pytest
from playwright.sync_api import CDPSession, Page, expect
from sqlalchemy import select

from tests.support.browser import no_complaints, overflow, violations
from tests.support.fields import Console, open_console
from tests.support.pages import PageClient
from tests.support.server import LiveServer
from trace.core.statements import ApprovalEntry, EventEntry, parse_entry
from trace.extensions import db
from trace.models import LogEntry
from trace.web.access import COOKIE


@pytest.fixture
def console(live_server: LiveServer, page: Page) -> Console:
    return open_console(live_server.app, PageClient(live_server.app.test_client()))


@pytest.fixture
def address(live_server: LiveServer, console: Console, page: Page) -> str:
    """The server by a name: an address of numbers cannot have passkeys."""
    named = live_server.url.replace("127.0.0.1", "localhost")
    settings = live_server.app.extensions["trace.settings"]
    live_server.app.extensions["trace.settings"] = replace(settings, public_url=named)
    cookie = console.pages.client.get_cookie(COOKIE)
    assert cookie is not None
    page.context.add_cookies([{"name": COOKIE, "value": cookie.value, "url": named}])
    return named


def authenticator(page: Page, *, verified: bool = True) -> tuple[CDPSession, str]:
    """A phone's own authenticator whose user touches at once, and is recognised or not."""
    session = page.context.new_cdp_session(page)
    session.send("WebAuthn.enable")
    made = session.send(
        "WebAuthn.addVirtualAuthenticator",
        {
            "options": {
                "protocol": "ctap2",
                "transport": "internal",
                "hasResidentKey": True,
                "hasUserVerification": True,
                "isUserVerified": verified,
                "automaticPresenceSimulation": True,
            }
        },
    )
    return session, str(made["authenticatorId"])


def log(server: LiveServer) -> list[object]:
    with server.app.app_context():
        entries = db.session.scalars(select(LogEntry.entry).order_by(LogEntry.index)).all()
        return [parse_entry(entry.encode()) for entry in entries]


def checked(page: Page) -> None:
    assert violations(page) == []
    assert overflow(page) == 0


def test_a_passkey_is_enrolled_by_two_touches_and_approves_by_one(
    page: Page, live_server: LiveServer, console: Console, address: str
) -> None:
    authenticator(page)
    page.goto(f"{address}/producer/keys/")
    checked(page)
    page.get_by_role("link", name="Đăng ký vân tay trên máy này").click()
    checked(page)
    page.get_by_role("button", name="Tạo khoá trên máy này").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Ký thử bằng vân tay")
    checked(page)
    page.get_by_role("button", name="Ký thử").click()
    expect(page.get_by_text("Đã đăng ký vân tay")).to_be_visible()
    checked(page)
    page.get_by_role("link", name="Bật duyệt trước khi ghi").click()
    checked(page)
    page.get_by_role("button", name="Bật duyệt trước khi ghi").click()

    page.goto(f"{address}/producer/batches/new")
    page.get_by_label("Sản phẩm").first.select_option(str(console.greens))
    page.locator("[name=quantity]").fill("480")
    page.locator("main form button[type=submit]").last.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Duyệt trước khi ghi")
    page.locator("main details").evaluate("element => { element.open = true }")
    checked(page)
    assert not any(isinstance(one, EventEntry) for one in log(live_server))
    # The phone's own list says that it was sent and is not recorded.
    page.goto(f"{address}/producer/outbox/")
    expect(page.locator(".outbox-list .tag.wait")).to_have_text("◑ Chờ duyệt bằng khoá")
    checked(page)
    page.get_by_role("link", name="Duyệt", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Duyệt trước khi ghi")
    page.wait_for_load_state()  # the script that asks the authenticator
    page.get_by_role("button", name="Duyệt bằng vân tay").click()
    expect(page.get_by_text("Đã duyệt và ghi")).to_be_visible()
    *_, approval, event = log(live_server)
    assert isinstance(approval, ApprovalEntry)
    assert isinstance(event, EventEntry)
    assert approval.hashes == (event.h,)
    page.goto(f"{address}/producer/today")
    expect(page.locator(".outbox-line")).to_contain_text("đã gửi 1")
    page.goto(f"{address}/producer/outbox/")
    expect(page.locator("[data-outbox-list]")).to_contain_text("Không có việc nào chờ gửi")

    # Dropped at the approval, an entry comes back whole, to be sent again.
    page.goto(f"{address}/producer/batches/new")
    page.get_by_label("Sản phẩm").first.select_option(str(console.greens))
    page.locator("[name=quantity]").fill("75")
    page.locator("main form button[type=submit]").last.click()
    page.get_by_role("button", name="Bỏ, không ghi").click()
    page.goto(f"{address}/producer/outbox/")
    expect(page.get_by_text("chưa ghi vào sổ. Muốn ghi thì gửi lại")).to_be_visible()
    page.get_by_role("link", name="Sửa", exact=True).click()
    expect(page.locator("[name=quantity]")).to_have_value("75")
    page.locator("main form button[type=submit]").last.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Duyệt trước khi ghi")


def test_a_phone_that_does_not_recognise_its_user_says_so_and_can_try_again(
    page: Page, address: str
) -> None:
    session, made = authenticator(page, verified=False)
    page.goto(f"{address}/producer/keys/passkey")
    page.get_by_role("button", name="Tạo khoá trên máy này").click()
    expect(page.get_by_text("Chưa được")).to_be_visible()
    checked(page)
    session.send("WebAuthn.setUserVerified", {"authenticatorId": made, "isUserVerified": True})
    page.get_by_role("button", name="Tạo khoá trên máy này").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Ký thử bằng vân tay")


def test_pages_of_keys_write_no_complaint(page: Page, address: str) -> None:
    with no_complaints(page):
        for path in ("", "rotate", "own", "passkey"):
            page.goto(f"{address.replace('localhost', '127.0.0.1')}/producer/keys/{path}")
            page.wait_for_load_state()

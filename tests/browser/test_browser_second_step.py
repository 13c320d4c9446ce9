"""The second step of signing in on a phone's screen: with JavaScript and without, in both
languages, from the page that leads there to the account's own; and by a passkey of the device."""

from __future__ import annotations

import base64
import io
from dataclasses import replace
from urllib.parse import parse_qs, urlsplit

import pytest
import zxingcpp
from flask import Flask
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from tests.support.browser import overflow, violations
from tests.support.members import PASSWORD, Member, make_member
from tests.support.server import LiveServer
from trace import clock
from trace.core import totp

pytestmark = pytest.mark.long


def looks_right(page: Page) -> None:
    """Fits a phone and is accessible."""
    assert overflow(page) == 0, page.url
    assert violations(page) == [], page.url


def password(page: Page, site: str, member: Member) -> None:
    page.goto(f"{site}/sign-in")
    page.fill("[name=login]", member.login)
    page.fill("[name=password]", PASSWORD)
    page.click("main form button[type=submit]")


def secret_of(page: Page) -> bytes:
    """What the page shows to type, and that its QR code says the same."""
    shown = page.inner_text("p.secret").replace(" ", "").strip()
    picture = page.get_attribute("img.qr", "src") or ""
    image = Image.open(io.BytesIO(base64.b64decode(picture.partition(",")[2])))
    (code,) = zxingcpp.read_barcodes(image)
    assert parse_qs(urlsplit(code.text).query)["secret"] == [shown]
    return base64.b32decode(shown)


def code(secret: bytes, away: int = 0) -> str:
    """The digits now, or of the next step, which count already: none is waited for."""
    return totp.hotp(secret, totp.step_of(clock.now()) + away)


@pytest.mark.parametrize("script", [True, False], ids=["with-script", "without-script"])
def test_who_decides_sets_up_an_application_and_signs_in_with_its_code(
    browser: Browser, live_server: LiveServer, script: bool
) -> None:
    app: Flask = live_server.app
    site = live_server.url
    member = make_member(app, role="supervisor", kind="authority")
    context = browser.new_context(
        viewport={"width": 360, "height": 640}, locale="vi-VN", java_script_enabled=script
    )
    page = context.new_page()
    look = looks_right if script else (lambda _: None)
    password(page, site, member)
    expect(page.locator("h1")).to_have_text("Đặt xác nhận hai bước")
    look(page)
    page.click("main .buttons >> text=Ứng dụng tạo mã")
    page.wait_for_selector("p.secret")
    secret = secret_of(page)
    look(page)
    page.fill("[name=code]", "000000")
    page.click("main form button[type=submit]")
    page.wait_for_selector("#e-code")
    assert secret_of(page) == secret
    look(page)
    assert page.get_attribute("[name=code]", "autocomplete") == "one-time-code"
    page.fill("[name=code]", code(secret))
    page.click("main form button[type=submit]")
    page.wait_for_selector("text=Mã dự phòng của bạn")
    codes = page.locator("main ol .code").all_inner_texts()
    assert len(codes) == 10
    look(page)
    page.click("main .buttons a")
    page.wait_for_url("**/inspection/")
    context.clear_cookies()
    password(page, site, member)
    expect(page.locator("h1")).to_have_text("Bước thứ hai")
    assert page.get_attribute("[name=factor]", "autocomplete") == "one-time-code"
    look(page)
    page.fill("[name=factor]", code(secret, 1))
    page.click("main form button[type=submit]")
    page.wait_for_url("**/inspection/")
    for address in ("", "new", "codes", "remove"):
        for language in ("vi", "en"):
            page.goto(f"{site}/language/{language}?next=/account/second-step/{address}")
            look(page)
    page.goto(f"{site}/language/vi?next=/")
    context.clear_cookies()
    password(page, site, member)
    page.click("text=Mất điện thoại? Dùng mã dự phòng")
    page.wait_for_selector("[autocapitalize=characters]")
    look(page)
    page.fill("[name=factor]", codes[0])
    page.click("main form button[type=submit]")
    page.wait_for_url("**/inspection/")
    context.close()


def test_a_passkey_of_the_device_is_enough_and_is_asked_again_for_what_matters(
    page: Page, live_server: LiveServer
) -> None:
    app: Flask = live_server.app
    # By a name: an address of numbers cannot have passkeys.
    site = live_server.url.replace("127.0.0.1", "localhost")
    settings = app.extensions["trace.settings"]
    app.extensions["trace.settings"] = replace(settings, public_url=site)
    member = make_member(app, role="supervisor", kind="authority")
    tool = page.context.new_cdp_session(page)
    tool.send("WebAuthn.enable")
    device = {
        "protocol": "ctap2",
        "transport": "internal",
        "hasResidentKey": True,
        "hasUserVerification": True,
        "isUserVerified": True,
        "automaticPresenceSimulation": True,
    }
    tool.send("WebAuthn.addVirtualAuthenticator", {"options": device})
    password(page, site, member)
    page.click("text=Khoá vân tay trên máy này")
    page.fill("[name=name]", "Điện thoại")
    page.click("main form button[type=submit]")
    page.wait_for_url("**/account/second-step/")
    assert "1 máy" in page.inner_text("main")
    looks_right(page)
    page.context.clear_cookies()
    password(page, site, member)
    expect(page.locator("h1")).to_have_text("Bước thứ hai")
    looks_right(page)
    page.click("main form >> text=Dùng vân tay")
    page.wait_for_selector("[data-passkey=get]", state="attached")
    page.click("main form button[type=submit]")
    page.wait_for_url("**/inspection/")

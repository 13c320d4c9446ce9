"""A problem with goods, told on a phone without scripts, looked into at a desk: axe complains of
nothing, nothing is wider than the screen."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from flask import Flask
from playwright.sync_api import Browser, Page

from tests.support.browser import violations
from tests.support.members import PASSWORD, make_member
from tests.support.photos import a_photo
from tests.support.reports import DAN_PHUONG, WORDS, authority, told
from tests.support.server import LiveServer
from trace import clock

START = datetime(2026, 11, 22, 3, tzinfo=UTC)


def fits(page: Page, width: int = 360) -> None:
    assert violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("language", ["vi", "en"])
def test_a_shopper_reports_and_comes_back_without_scripts(
    browser: Browser, page: Page, live_server: LiveServer, language: str
) -> None:
    context = browser.new_context(viewport={"width": 360, "height": 640}, java_script_enabled=False)
    plain = context.new_page()
    plain.goto(f"{live_server.url}/report?lang={language}")
    plain.click("main form button[type=submit]")
    assert plain.locator(".error-summary a").count() == 1
    plain.check("[name=problem][value=illness]")
    plain.fill("[name=words]", WORDS)
    plain.set_input_files(
        "[name=photos]", {"name": "a.jpg", "mimeType": "image/jpeg", "buffer": a_photo()}
    )
    plain.click("main form button[type=submit]")
    code = plain.locator(".big-code").inner_text()
    assert context.cookies() == []
    # axe is a script: the pages themselves are looked at where scripts run.
    page.set_viewport_size({"width": 360, "height": 640})
    page.goto(f"{live_server.url}/report?lang={language}")
    fits(page)
    page.check("[name=problem][value=spoiled]")
    page.click("main form button[type=submit]")
    page.wait_for_selector(".error-summary")
    fits(page)
    page.fill("[name=words]", WORDS)
    page.click("main form button[type=submit]")
    page.wait_for_selector(".big-code")
    fits(page)
    page.goto(f"{live_server.url}/report/state?lang={language}")
    fits(page)
    page.fill("[name=code]", code)
    page.click("main form button[type=submit]")
    page.wait_for_selector("ol.timeline")
    fits(page)
    context.close()


def test_the_desk_and_the_maker_read_it_on_a_phone_and_a_wide_screen(
    page: Page, live_server: LiveServer
) -> None:
    app: Flask = live_server.app
    with app.app_context():
        desk = authority(START, "Tổ Demo Đan Phượng", DAN_PHUONG)
        at = clock.now()
        for held in (False, True):
            told(at, bought_ward=DAN_PHUONG, problem="illness", held=held)
        inside = desk.organisation.id
    member = make_member(app, role="supervisor", inside=inside)
    page.goto(f"{live_server.url}/sign-in")
    page.fill("[name=login]", member.login)
    page.fill("[name=password]", PASSWORD)
    page.click("main form button[type=submit]")
    page.wait_for_selector("main h1")
    for width in (360, 1280):
        page.set_viewport_size({"width": width, "height": 800})
        for address in (
            "",
            "?view=held",
            "?view=closed",
            "1",
            "1/answer",
            "1/forward",
            "figures",
            "rules",
        ):
            page.goto(f"{live_server.url}/inspection/citizen-reports/{address}")
            fits(page, width)

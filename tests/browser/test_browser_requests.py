"""Requests of people on a phone: asked, looked up and reported, with and without scripts."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from playwright.sync_api import Browser, Page

from tests.support.browser import violations
from tests.support.factories import make_actor, new_lot, registered
from tests.support.server import LiveServer
from trace.extensions import db
from trace.services.capture import capture

WHEN = datetime(2026, 11, 22, 3, tzinfo=UTC)


def fits(page: Page) -> None:
    """Nothing axe complains of, nothing wider than the phone."""
    assert violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= 360


@pytest.mark.parametrize("language", ["vi", "en"])
def test_a_person_asks_and_looks_up_the_answer(
    page: Page, live_server: LiveServer, language: str
) -> None:
    page.goto(f"{live_server.url}/requests/?lang={language}")
    fits(page)
    page.check("[name=kind][value=erasure]")
    page.fill("[name=words]", "Tên tôi ở hộ H03.")
    page.fill("[name=contact]", "0912 345 678")
    page.click("main form button[type=submit]")
    fits(page)
    code = page.locator("main .code").inner_text()
    page.goto(f"{live_server.url}/requests/state?lang={language}")
    fits(page)
    page.fill("[name=code]", code)
    page.click("main form button[type=submit]")
    page.wait_for_selector("ol.steps")
    fits(page)
    assert page.context.cookies() == []


def test_without_scripts_words_are_reported_from_their_page(
    browser: Browser, live_server: LiveServer
) -> None:
    with live_server.app.app_context():
        lot = new_lot()
        capture(make_actor(WHEN), [registered(lot, trace__note="Lời bậy bạ")], at=WHEN)
        db.session.commit()
    context = browser.new_context(viewport={"width": 360, "height": 640}, java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{live_server.url}/t{lot.removeprefix('https://trace.example')}")
    page.click("a[href^='/report?']")
    page.click("a[href^='/requests/report?']")
    page.locator("[name=item]").first.check()
    page.check("[name=reason][value=insult]")
    page.click("main form button[type=submit]")
    assert page.locator("main .code").count() == 1
    context.close()

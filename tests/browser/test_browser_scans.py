"""What a phone tells of a page it shows: once, when it was scanned, and nothing else."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from playwright.sync_api import Browser, Request
from sqlalchemy import func, select

from tests.support.farms import make_farm, path_of
from tests.support.server import LiveServer
from trace.extensions import db
from trace.models import ScanCount
from trace.web.scan.beacon import counting

PHONE = (
    "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 Chrome/157.0.0.0 Mobile Safari/537.36"
)


@pytest.fixture
def scanned(live_server: LiveServer) -> str:
    """The address of a lot's page, as its label leads to it."""
    with live_server.app.app_context():
        lot = make_farm(datetime(2026, 11, 8, 1, 0, tzinfo=UTC)).register(10)
        return live_server.url + path_of(lot)


def test_a_scanned_page_tells_once_that_it_was_shown_and_without_script_nothing(
    browser: Browser, live_server: LiveServer, scanned: str
) -> None:
    context = browser.new_context(user_agent=PHONE, locale="vi-VN")
    page = context.new_page()
    told: list[Request] = []
    page.on("request", lambda one: told.append(one) if one.method == "POST" else None)

    def sent() -> list[str]:
        page.wait_for_load_state("networkidle")
        found = [one.post_data or "" for one in told]
        told.clear()
        return found

    page.goto(scanned)
    (first,) = list(told) or [page.wait_for_event("request", lambda one: one.method == "POST")]
    assert first.url == page.url
    assert sent() == [""]
    page.reload()
    assert sent() == []
    page.locator("footer a[hreflang]").click()  # the other language: the same reader
    assert sent() == []
    page.locator("a[href^='/t/o/']").first.click()
    page.go_back()
    assert sent() == []
    page.goto("about:blank")
    page.goto(scanned)  # scanned again: this phone had it
    assert sent() == ["1"]
    page.goto(live_server.url + "/")
    page.fill("input[name=code]", scanned.rpartition("/")[2])
    page.keyboard.press("Enter")
    page.wait_for_url("**/t/**")
    assert len(sent()) == 1  # typed from the label
    assert context.cookies() == []
    assert page.evaluate("() => localStorage.length + sessionStorage.length") == 0
    context.close()
    with live_server.app.app_context():
        counting(live_server.app).buffer.flush()
        assert db.session.scalar(select(func.sum(ScanCount.count))) == 1

    # Without script nothing is told, and the page is whole.
    context = browser.new_context(java_script_enabled=False, user_agent=PHONE)
    page = context.new_page()
    methods: list[str] = []
    page.on("request", lambda one: methods.append(one.method))
    page.goto(scanned)
    assert page.locator("h1").inner_text()
    assert set(methods) == {"GET"}
    context.close()

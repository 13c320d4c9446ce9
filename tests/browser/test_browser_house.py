"""The browser tests stand on a real Chromium, a phone's screen and a checker that finds faults."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page

from tests.support.browser import no_complaints, overflow, violations
from tests.support.server import LiveServer


def test_the_screen_is_a_cheap_phone(page: Page, live_server: LiveServer) -> None:
    page.goto(live_server.url + "/khong-co-trang-nay")
    assert page.evaluate("innerWidth") == 360
    assert page.evaluate("navigator.language") == "vi-VN"


def test_the_error_page_is_accessible_fits_and_complains_of_nothing(
    page: Page, live_server: LiveServer
) -> None:
    answer = page.goto(live_server.url + "/khong-co-trang-nay")
    assert answer is not None
    assert answer.status == 404
    assert violations(page) == []
    assert overflow(page) == 0


FAULTY = """<html><head><meta name="viewport" content="width=device-width"></head>
<body><img src="data:,x"><p style="width:900px">x</p></body></html>"""


def test_the_checkers_find_faults(page: Page) -> None:
    page.set_content(FAULTY)
    found = [violation.split(":")[0] for violation in violations(page)]
    assert {"image-alt", "html-has-lang", "document-title"} <= set(found)
    assert overflow(page) > 0


def test_a_request_to_another_origin_is_noticed(page: Page) -> None:
    with (
        pytest.raises(AssertionError, match="another origin"),
        no_complaints(page),
        page.expect_request("**/x.png"),
    ):
        page.set_content("<img alt='' src='http://other.invalid/x.png'>")


def test_an_error_in_a_script_is_noticed(page: Page) -> None:
    with pytest.raises(AssertionError, match="nonsense is not defined"), no_complaints(page):
        page.set_content("<script>nonsense()</script>")

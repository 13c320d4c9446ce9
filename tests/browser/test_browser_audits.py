"""A chain audited on an inspector's phone and screen: pressed once, every line opened; axe finds
nothing wrong, nothing is wider than the screen."""

from __future__ import annotations

from flask import Flask
from playwright.sync_api import Page

from tests.support.audited import make_story
from tests.support.browser import overflow, unfold, violations
from tests.support.farms import path_of
from tests.support.members import PASSWORD, make_member
from tests.support.server import LiveServer
from trace.jobs.worker import publish


def test_one_press_is_read_on_a_phone_and_a_wide_screen(
    page: Page, live_server: LiveServer
) -> None:
    app: Flask = live_server.app
    with app.app_context():
        story = make_story().reap(days=3)
        path, inside = path_of(story.lot), story.inspector.organisation.id
        publish("test")
    member = make_member(app, role="supervisor", inside=inside)
    page.goto(f"{live_server.url}/sign-in")
    page.fill("[name=login]", member.login)
    page.fill("[name=password]", PASSWORD)
    page.click("main form button[type=submit]")
    page.wait_for_selector("main h1")
    page.goto(f"{live_server.url}/inspection/audits/?of={path}")
    page.click("main form button[type=submit]")
    # What must be acted on lies open, the rest opens by a press.
    page.wait_for_selector("#r-interval[open]")
    assert page.locator("#r-signature[open]").count() == 0
    page.click("#r-signature summary")
    page.wait_for_selector("#r-signature[open]")
    result = page.url
    for width in (360, 1280):
        page.set_viewport_size({"width": width, "height": 800})
        for address in (
            result,
            f"{result}?lang=en&print=1",
            f"{live_server.url}/inspection/rules/",
        ):
            page.goto(address)
            unfold(page)
            assert violations(page) == []
            assert overflow(page) == 0

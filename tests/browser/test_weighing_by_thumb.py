"""The weighing sheet filled in by thumb: four keys a household, kept while the next is typed."""

from __future__ import annotations

from time import perf_counter
from urllib.parse import urlsplit

from playwright.sync_api import Page, expect

from tests.functional.test_evening_figures import KEYS, WEIGHT
from tests.support.browser import no_complaints, overflow, violations
from tests.support.evenings import village
from tests.support.server import LiveServer
from tests.support.snapshots import enter, world

HOUSEHOLDS = 24


def test_each_household_takes_four_keys_and_no_waiting(page: Page, live_server: LiveServer) -> None:
    console, _ = world(live_server.app, "village", lambda made: village(made, HOUSEHOLDS))
    enter(console, page, live_server.url)
    opened = console.pages.submit(
        console.pages.get("/producer/weighing/new"), {"product": str(console.greens)}
    )
    with no_complaints(page):
        page.goto(live_server.url + urlsplit(opened.address).path)
        page.get_by_label("Gõ không cần dấu phẩy").check()
        page.locator("input.weight").first.focus()
        began, keys = perf_counter(), 0
        for number in range(HOUSEHOLDS):
            for key in (*f"{200 + number}", "Enter"):
                page.keyboard.press(key)
                keys += 1
        took = perf_counter() - began
        page.keyboard.press("Tab")  # away from the last box
        expect(page.locator("[data-count]")).to_have_text(str(HOUSEHOLDS))
        assert violations(page) == []
        assert overflow(page) == 0
    assert keys == KEYS * HOUSEHOLDS
    assert took < HOUSEHOLDS * WEIGHT  # a thumb is slower than the page
    # As kept by the server: 20,0 20,1 … kilos, and the choice is there the next time.
    page.reload()
    boxes = page.locator("input.weight")
    expect(boxes.nth(0)).to_have_value("20,0")
    expect(boxes.nth(HOUSEHOLDS - 1)).to_have_value(
        f"{20 + (HOUSEHOLDS - 1) / 10:.1f}".replace(".", ",")
    )
    expect(page.locator("[data-kilograms]")).to_have_text("507,6")
    expect(page.get_by_label("Gõ không cần dấu phẩy")).to_be_checked()
    # A comma that is typed stands; a sum is expanded part by part; without the choice nothing is.
    for typed, shown in (("24,5", "24,5"), ("245 + 130", "24,5 + 13,0"), ("5", "0,5")):
        boxes.nth(1).fill(typed)
        page.keyboard.press("Enter")
        expect(boxes.nth(1)).to_have_value(shown)
    page.get_by_label("Gõ không cần dấu phẩy").uncheck()
    boxes.nth(2).fill("18")
    page.keyboard.press("Enter")
    expect(boxes.nth(2)).to_have_value("18")

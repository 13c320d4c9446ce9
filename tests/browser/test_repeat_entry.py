"""The last spraying, recorded once more on a phone: taps, seconds and bytes."""

from __future__ import annotations

from datetime import timedelta

import pytest
from playwright.sync_api import Page, Request

from tests.support.browser import no_complaints
from tests.support.fields import Console, open_console
from tests.support.pages import PageClient
from tests.support.server import LiveServer
from trace import clock
from trace.web.access import COOKIE

pytestmark = pytest.mark.notebook

# A thumb that knows the way: a look at the page, then a press (milliseconds).
LOOK = 1500
TAPS, SECONDS, BYTES = 4, 30, 15_000


@pytest.fixture
def console(live_server: LiveServer, page: Page) -> Console:
    """A planting that was sprayed three days ago; the browser is signed in."""
    pages = PageClient(live_server.app.test_client())
    found = open_console(live_server.app, pages)
    day = (clock.now() - timedelta(days=3)).strftime("%Y-%m-%dT07:00")
    sown = {"product": str(found.greens), "place": str(found.plot), "when": day}
    pages.submit(pages.get("/producer/cycles/new/sowing"), sown)
    (cycle,) = found.things("cycle")
    spray = {
        "inputs-0-name": "Thuốc Minh họa 10EC",
        "inputs-0-amount": "0,25",
        "inputs-0-unit": "lít",
        "inputs-0-interval_days": "7",
        "inputs-0-reason": "sâu tơ",
        "when": day,
    }
    pages.submit(pages.get(f"/producer/cycles/{cycle}/diary/spraying"), spray)
    cookie = pages.client.get_cookie(COOKIE)
    assert cookie is not None
    page.context.add_cookies([{"name": COOKIE, "value": cookie.value, "url": live_server.url}])
    return found


def test_a_repeated_spraying_takes_at_most_four_taps_and_thirty_seconds(
    console: Console, live_server: LiveServer, page: Page
) -> None:
    sent: list[int] = []

    def count(request: Request) -> None:
        if request.method == "POST":
            sizes = request.sizes()
            sent.append(sizes["requestBodySize"] + sizes["requestHeadersSize"])

    page.set_viewport_size({"width": 360, "height": 640})
    page.on("requestfinished", count)
    with no_complaints(page):
        page.goto(live_server.url + "/producer/today")
        begun = clock.now()
        taps = 0
        page.wait_for_timeout(LOOK)
        page.get_by_role("link", name="Ghi lại: Phun thuốc").tap()
        taps += 1
        page.wait_for_load_state()
        assert page.locator("#f-inputs-0-name").input_value() == "Thuốc Minh họa 10EC"
        page.wait_for_timeout(2 * LOOK)  # reads what it says
        page.get_by_role("button", name="Ghi lại").tap()
        taps += 1
        page.get_by_text("Thu hoạch được từ").first.wait_for()
        took = (clock.now() - begun).total_seconds()
    sprayed = [line for line in console.events() if line.step == "spraying"]
    assert len(sprayed) == 2
    assert sprayed[1].document["trace:inputs"] == sprayed[0].document["trace:inputs"]
    assert sprayed[1].event_time > sprayed[0].event_time
    assert taps <= TAPS
    assert took <= SECONDS
    assert 0 < sum(sent) <= BYTES

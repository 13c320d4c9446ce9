"""On the proof page of a real history the phone checks it itself, after a tap and not before."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import Page

from tests.support.browser import no_complaints, overflow, violations
from tests.support.farms import make_farm, path_of
from tests.support.server import LiveServer
from trace.extensions import db
from trace.jobs.worker import publish


@pytest.fixture
def lot_path(live_server: LiveServer) -> str:
    """The address of a lot that was sown, tended, sprayed and harvested, in the published log."""
    with live_server.app.app_context():
        farm = make_farm(datetime.now(UTC) - timedelta(days=14))
        cycle = farm.sow()
        farm.wait(1)
        for _ in range(4):
            farm.water(cycle)
            farm.wait(1)
        farm.used_none(cycle, "fertiliser")
        path = path_of(farm.wait(5).reap(cycle))
        db.session.rollback()
        publish("test")
        db.session.rollback()
    return path


def _urls(page: Page) -> list[str]:
    found: list[str] = []
    page.on("request", lambda request: found.append(request.url))
    return found


def test_the_first_view_of_a_history_loads_no_verifier(
    page: Page, live_server: LiveServer, lot_path: str
) -> None:
    asked = _urls(page)
    answer = page.goto(f"{live_server.url}/t{lot_path}")
    assert answer is not None
    modules = [url.split("?")[0] for url in asked if ".js" in url]
    assert modules == [f"{live_server.url}/static/scan/page.js"]
    assert len(asked) <= 3  # the page, its module, and that it was seen


def test_after_a_tap_the_phone_checks_the_history_itself(
    page: Page, live_server: LiveServer, lot_path: str
) -> None:
    page.goto(f"{live_server.url}/t{lot_path}")
    asked = _urls(page)
    with no_complaints(page):
        page.click("a.strip")
        page.wait_for_selector("[data-bundle] button")
        assert not [url for url in asked if "format=bundle" in url or "verify.js" in url]
        page.click("[data-bundle] button")
        page.wait_for_selector("[data-bundle][data-result]")
    assert page.get_attribute("[data-bundle]", "data-result") == "ok"
    told = page.inner_text("[data-bundle]")
    assert "mang chữ ký của tổ chức được nêu tên và nằm trong sổ công khai" in told
    assert "Ngày giờ là theo sổ" in told
    assert "chính trang đang xem gửi tới" in told
    assert violations(page) == []
    assert overflow(page) == 0


def test_the_usual_history_needs_no_more_than_the_usual_modules(
    page: Page, live_server: LiveServer, lot_path: str
) -> None:
    page.goto(f"{live_server.url}/t{lot_path}?view=proof")
    asked = _urls(page)
    page.click("[data-bundle] button")
    page.wait_for_selector("[data-bundle][data-result=ok]")
    modules = sorted(url.rpartition("/")[2] for url in asked if url.endswith(".js"))
    assert modules == ["policy.js", "story.js", "verify.js", "words.js"]


def test_a_bundle_changed_on_its_way_is_told_with_its_step(
    page: Page, live_server: LiveServer, lot_path: str
) -> None:
    def change(route) -> None:  # type: ignore[no-untyped-def]
        answer = route.fetch()
        route.fulfill(
            response=answer, body=answer.text().replace('"sdjwt":"eyJ', '"sdjwt":"eyK', 1)
        )

    page.route("**/*format=bundle*", change)
    page.goto(f"{live_server.url}/t{lot_path}?view=proof&lang=en")
    page.click("[data-bundle] button")
    page.wait_for_selector("[data-bundle][data-result]")
    told = page.inner_text("[data-bundle]")
    assert "Does not fit at step" in told
    assert "signature and is in the public log" not in told


def test_without_a_network_the_page_says_that_nothing_was_fetched(
    page: Page, live_server: LiveServer, lot_path: str
) -> None:
    page.goto(f"{live_server.url}/t{lot_path}?view=proof")
    page.wait_for_selector("[data-bundle] button")
    page.route("**/*format=bundle*", lambda route: route.abort())
    page.click("[data-bundle] button")
    page.wait_for_selector("[data-bundle][data-result=failed]")
    assert "Không tải được bằng chứng" in page.inner_text("[data-bundle]")


def test_a_browser_that_cannot_load_the_modules_says_so(
    page: Page, live_server: LiveServer, lot_path: str
) -> None:
    page.route("**/sent/words.js", lambda route: route.fulfill(body="not a ( module"))
    page.goto(f"{live_server.url}/t{lot_path}?view=proof")
    page.click("[data-bundle] button")
    page.wait_for_function("document.querySelector('[data-bundle]').textContent.includes('Không')")
    assert page.inner_text("[data-bundle]") == "Không kiểm tra được trên máy này."

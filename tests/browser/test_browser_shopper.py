"""The shopper's page on a phone: seen again without a network, with letters twice as large, read
aloud, on paper."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from itertools import pairwise
from typing import Any

import pytest
import zxingcpp
from PIL import Image
from playwright.sync_api import Page

from tests.support.browser import no_complaints, overflow, unfold, violations
from tests.support.farms import Farm, make_farm, path_of
from tests.support.server import LiveServer
from trace.extensions import db

START = datetime(2026, 11, 8, 1, 0, tzinfo=UTC)
# What stands on another line must not cover it.
OVERLAPS = """() => {
  const found = [];
  const all = "h1, h2, h3, p, a, li > span, button, input, label, code";
  const texts = [...document.querySelectorAll(all)]
    .filter((one) => one.offsetParent && !one.closest("svg") && one.textContent.trim());
  const box = (one) => one.getBoundingClientRect();
  const said = (one) => one.textContent.trim().slice(0, 50);
  for (const one of texts) {
    const inside = one.clientWidth && one.scrollWidth > one.clientWidth + 1;
    if (box(one).right > innerWidth + 1 || inside) found.push(`cut: ${said(one)}`);
    for (const other of texts) {
      if (one === other || one.contains(other) || other.contains(one)) continue;
      const a = box(one), b = box(other);
      const wide = Math.min(a.right, b.right) - Math.max(a.left, b.left);
      const high = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
      if (wide > 2 && high > 2) found.push(`${said(one)} / ${said(other)}`);
    }
  }
  return found;
}"""


@pytest.fixture
def farm(live_server: LiveServer) -> Iterator[Farm]:
    with live_server.app.app_context():
        made = make_farm(START)
        yield made
        db.session.remove()


def told(farm: Farm, **facts: Any) -> str:
    """The path of a lot with a field behind it and something of everything on its page."""
    cycle = farm.sow(performed_by="H07")
    farm.wait(1)
    farm.spray(cycle, interval=7)
    farm.wait(10)
    lot = farm.reap(cycle, kilos=480, **{"use_by": date(2026, 12, 24), **facts})
    farm.cool(lot, 4, 5, 6, 5)
    return lot


KEPT = """async ([last, count]) => {
  for (let tries = 0; tries < 200; tries += 1) {
    const names = await (await caches.open("trace-seen-1")).keys();
    const kept = names.map((one) => new URL(one.url).pathname + new URL(one.url).search);
    const done = kept[kept.length - 1] === last && kept.length === count;
    if (done && navigator.serviceWorker.controller) return true;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return false;
}"""


def wait_until_kept(page: Page, address: str, count: int = 1) -> None:
    """Until the page is the newest of so many that this browser keeps."""
    assert page.evaluate(KEPT, [address, count])


@pytest.mark.notebook
def test_a_page_seen_before_opens_without_a_network_and_says_that_it_is_old(
    page: Page, live_server: LiveServer, farm: Farm
) -> None:
    lot = told(farm)
    path = "/t" + path_of(lot)
    asked: list[str] = []
    page.context.on("request", lambda one: asked.append(one.url.removeprefix(live_server.url)))
    page.goto(live_server.url + path)
    wait_until_kept(page, path)
    # The page itself is not fetched again: the copy is what the browser has.
    assert [one for one in asked if "worker" not in one and "/t/" in one][:1] == [path]
    page.context.set_offline(True)
    page.reload()
    first = page.locator("main > *").first
    today = page.evaluate("new Intl.DateTimeFormat('en-GB').format(new Date())")
    assert first.inner_text() == (
        f"Trang này xem lại từ máy, ngày {today}: chưa biết có thu hồi mới hay không."
    )
    assert page.locator("h1").inner_text() == "Cải ngọt, gói 300 g"
    assert page.locator("script[type=module]").count() == 0
    assert violations(page) == []
    # Recalled meanwhile: with a network the copy is of no use to anybody.
    farm.notify("recall", lot, hazard="health")
    page.context.set_offline(False)
    page.reload()
    assert page.locator("main > *").first.inner_text().startswith("Không ăn")
    assert "xem lại từ máy" not in page.locator("main").inner_text()
    page.context.set_offline(True)
    page.reload()
    told_first = page.locator("main > *").all_inner_texts()
    assert told_first[0].startswith("Trang này xem lại từ máy")
    assert told_first[1].startswith("Không ăn")
    page.context.set_offline(False)
    # What was never seen has no copy, what is no more loses it, and there are never many.
    page.evaluate(
        """caches.open("trace-seen-1").then((one) => Promise.all([...Array(40).keys()].map((n) =>
            one.put(`/t/b/X?n=${n}`, new Response("x", { headers: { "Trace-Kept": "2026" } })))))"""
    )
    page.goto(live_server.url + path + "?lang=en")
    wait_until_kept(page, path + "?lang=en", 30)


@pytest.mark.parametrize("language", ["vi", "en"])
def test_letters_twice_as_large_on_a_narrow_phone_cut_nothing(
    page: Page, live_server: LiveServer, farm: Farm, language: str
) -> None:
    lot = told(farm)
    farm.notify("hold", lot, reason="Chờ kết quả kiểm nghiệm dư lượng thuốc bảo vệ thực vật")
    page.set_viewport_size({"width": 320, "height": 640})
    # The browser's own setting: what is measured in rem grows with it.
    protocol = page.context.new_cdp_session(page)
    protocol.send("Page.enable")
    protocol.send("Page.setFontSizes", {"fontSizes": {"standard": 32, "fixed": 26}})
    product = farm.product.identity.rpartition("/")[2]
    for address in (f"/t{path_of(lot)}", f"/t/q/{product}", "/t/b/0000000000"):
        page.goto(f"{live_server.url}{address}?lang={language}")
        assert page.evaluate("parseFloat(getComputedStyle(document.body).fontSize)") > 30
        unfold(page)
        assert overflow(page) <= 0
        assert page.evaluate(OVERLAPS) == []


def test_the_first_screen_is_read_aloud_in_its_order_with_names_in_their_language(
    page: Page, live_server: LiveServer, farm: Farm
) -> None:
    lot = told(farm)
    farm.notify("recall", lot, hazard="health", reason="Dư lượng vượt mức")
    said = {
        "vi": [
            "Không ăn. Hàng bị thu hồi",
            "Cải ngọt, gói 300 g",
            "HTX Demo Đan Phượng",
            "Hạn dùng",
        ],
        "en": ["Do not eat. Recalled", "Choy sum, 300 g", "HTX Demo", "Use by"],
    }
    for language, order in said.items():
        page.goto(f"{live_server.url}/t{path_of(lot)}?lang={language}")
        tree = page.locator("body").aria_snapshot()
        at = -1
        for words in order:
            found = tree.find(words, at + 1)
            assert found > at, (words, tree[:800])
            at = found
        headings = [line.strip() for line in tree.splitlines() if "- heading" in line]
        assert headings[0].endswith("[level=1]")
        levels = [int(one.rpartition("level=")[2].rstrip("]:")) for one in headings]
        assert all(b - a <= 1 for a, b in pairwise(levels))
        assert tree.count("- list:") >= 2
        assert page.locator("time[datetime='2026-12-24']").inner_text() == "24/12/2026"
        assert page.locator(".tl time[datetime^='2026-11-']").count() > 2
        foreign = page.locator("main [lang]").evaluate_all("all => all.map((one) => one.lang)")
        assert set(foreign) == ({"vi"} if language == "en" else set())
        assert violations(page) == []


def test_paper_has_the_address_in_words_and_as_a_code_and_no_buttons(
    page: Page, live_server: LiveServer, farm: Farm
) -> None:
    path = path_of(told(farm))
    page.goto(f"{live_server.url}/t{path}")
    assert not page.locator(".pr").is_visible()
    page.emulate_media(media="print")
    assert page.locator(".pr p").inner_text() == live_server.url + path
    for nothing in (".acts", "footer a", ".go", ".you"):
        for one in page.locator(nothing).all():
            assert not one.is_visible()
    picture = Image.open(io.BytesIO(page.locator(".pr img").screenshot()))
    (code,) = zxingcpp.read_barcodes(picture)
    assert code.text.lower() == (live_server.url + path).lower()
    assert page.pdf().startswith(b"%PDF")


def test_the_page_of_followers_is_whole_without_a_script_and_with_one(
    page: Page, live_server: LiveServer, farm: Farm
) -> None:
    path = path_of(told(farm))
    extensions = live_server.app.extensions
    extensions["trace.settings"] = replace(
        extensions["trace.settings"], mail="console", push_contact="mailto:desk@example.org"
    )
    # This browser is one without workers, as those inside other applications are.
    unable = {"vi": "Trình duyệt này không nhận được", "en": "This browser cannot take"}
    for language in ("vi", "en"):
        page.goto(f"{live_server.url}/t{path}?lang={language}")
        with no_complaints(page):
            page.locator(".acts a[href*='/follow/']").click()
            page.get_by_text(unable[language]).wait_for()
        assert page.locator("#email").is_visible()
        assert not page.locator("[data-follow] button").is_visible()
        assert overflow(page) <= 0
        assert violations(page) == []
        assert page.context.cookies() == []

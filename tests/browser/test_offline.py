"""A phone in a field: entries without a network, answers that are lost, sign-ins that end."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

import pytest
from playwright.sync_api import FilePayload, Page, expect

from tests.support.browser import overflow, violations
from tests.support.cut_network import CutNetwork, cut_network
from tests.support.fields import Console, open_console
from tests.support.pages import PageClient
from tests.support.photos import a_photo
from tests.support.server import LiveServer
from trace import clock
from trace.web.access import COOKIE


@dataclass(slots=True)
class Field:
    """A phone in a field: its page, its network, the farm it belongs to."""

    page: Page
    network: CutNetwork
    console: Console
    cycle: int

    @property
    def url(self) -> str:
        return self.network.url

    def sign_in(self, page: Page | None = None) -> None:
        cookie = self.console.pages.client.get_cookie(COOKIE)
        assert cookie is not None
        (page or self.page).context.add_cookies(
            [{"name": COOKIE, "value": cookie.value, "url": self.url}]
        )

    def prepare(self) -> None:
        """Opens today with a network and waits until the day's pages are kept."""
        self.sign_in()
        self.page.goto(f"{self.url}/producer/today")
        wanted = f"/producer/cycles/{self.cycle}/none"
        self.page.evaluate(
            """async wanted => {
              await navigator.serviceWorker.ready;
              for (;;) {
                for (const name of await caches.keys()) {
                  if (!name.startsWith("trace-pages-")) continue;
                  if (await (await caches.open(name)).match(wanted)) return;
                }
                await new Promise(resolve => setTimeout(resolve, 50));
              }
            }""",
            wanted,
        )
        self.page.goto(f"{self.url}/producer/today")

    def spray(self, name: str = "Thuốc Demo 10EC") -> None:
        """Opens the spraying form and fills it in."""
        self.page.goto(f"{self.url}/producer/cycles/{self.cycle}/diary/spraying")
        self.page.fill("[name='inputs-0-name']", name)
        self.page.fill("[name='inputs-0-amount']", "20")
        self.page.fill("[name='inputs-0-interval_days']", "7")

    def send(self) -> None:
        self.page.get_by_role("button", name="Ghi lại").click()

    def sprayings(self) -> list[str]:
        """Names of what was sprayed, as recorded."""
        return [
            one["name"]
            for line in self.console.events()
            if line.step == "spraying"
            for one in line.document["trace:inputs"]
        ]


@pytest.fixture
def field(live_server: LiveServer, page: Page) -> Iterator[Field]:
    pages = PageClient(live_server.app.test_client())
    console = open_console(live_server.app, pages)
    week_ago = (clock.now() - timedelta(days=6)).strftime("%Y-%m-%dT07:00")
    begin = {"product": str(console.greens), "place": str(console.plot), "when": week_ago}
    pages.submit(pages.get("/producer/cycles/new/sowing"), begin)
    (cycle,) = console.things("cycle")
    page.set_default_timeout(15_000)
    with cut_network(live_server.url) as network:
        yield Field(page, network, console, cycle)


def sound(page: Page) -> None:
    assert violations(page) == [], page.url
    assert overflow(page) == 0, page.url


def test_an_entry_with_a_photo_is_kept_without_a_network_and_sent_with_one(field: Field) -> None:
    field.prepare()
    field.network.mode = "down"
    field.spray()
    field.page.get_by_text("Thêm: nơi làm, hộ làm, ảnh, ghi chú").click()
    photo = FilePayload(name="vuon.jpg", mimeType="image/jpeg", buffer=a_photo(2400, 1600))
    field.page.get_by_label("Ảnh", exact=False).set_input_files(photo)
    field.send()
    expect(field.page.get_by_role("heading", level=1)).to_have_text("Hôm nay")
    expect(field.page.get_by_text("Đã giữ trong máy")).to_be_visible()
    expect(field.page.locator(".outbox-line")).to_contain_text("chờ 1")
    sound(field.page)
    assert field.sprayings() == []

    field.network.mode = "up"
    field.page.get_by_role("link", name="chờ 1").click()
    field.page.get_by_role("button", name="Gửi ngay").click()
    expect(field.page.locator(".outbox-line")).to_contain_text("đã gửi 1")
    sound(field.page)
    assert field.sprayings() == ["Thuốc Demo 10EC"]
    (line,) = [one for one in field.console.events() if one.step == "spraying"]
    assert len(line.document["trace:attachments"]) == 1

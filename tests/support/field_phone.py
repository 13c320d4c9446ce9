"""A phone in a field: its page, its network, and the farm it belongs to."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

from flask import Flask
from playwright.sync_api import Page, expect
from sqlalchemy import delete, select

from tests.support.browser import overflow, violations
from tests.support.cut_network import CutNetwork, cut_network
from tests.support.fields import Console
from tests.support.members import Member, make_member, sign_in
from tests.support.snapshots import enter, world
from trace import clock
from trace.extensions import db
from trace.models import Membership, Session

# Waits until an address is kept, with a text in it where one is given.
KEPT_PAGE = """async ([wanted, text]) => {
  await navigator.serviceWorker.ready;
  const reader = document.querySelector("meta[name=trace-reader]").content;
  const pages = await caches.open(`trace-pages-${reader}`);
  for (;;) {
    const kept = await pages.match(wanted);
    if (kept && (await kept.text()).includes(text)) return;
    await new Promise(resolve => setTimeout(resolve, 50));
  }
}"""


@dataclass(slots=True)
class Field:
    """A phone in a field: its page, its network, the farm it belongs to."""

    page: Page
    network: CutNetwork
    console: Console
    cycle: int
    owner: Member

    @property
    def url(self) -> str:
        return self.network.url

    def sign_in(self, page: Page | None = None) -> None:
        enter(self.console, page or self.page, self.url)

    def prepare(self) -> None:
        """Opens today with a network and waits until the day's pages are kept."""
        self.sign_in()
        self.page.goto(f"{self.url}/producer/today")
        self.page.evaluate(KEPT_PAGE, [f"/producer/cycles/{self.cycle}/none", ""])
        self.page.goto(f"{self.url}/producer/today")

    def spray(self, name: str = "Thuốc Demo 10EC") -> None:
        """Opens the spraying form and fills it in."""
        self.page.goto(f"{self.url}/producer/cycles/{self.cycle}/diary/spraying")
        self.page.fill("[name='inputs-0-name']", name)
        self.page.fill("[name='inputs-0-amount']", "20")
        self.page.fill("[name='inputs-0-interval_days']", "7")

    def send(self) -> None:
        self.page.get_by_role("button", name="Ghi lại").click()

    def keep(self) -> None:
        """Presses the form's button where no answer can come: the entry is kept."""
        self.send()
        expect(self.page.get_by_text("Đã giữ trong máy")).to_be_visible()
        self.line("chờ 1")

    def sprayings(self) -> list[str]:
        """Names of what was sprayed, as recorded."""
        return [
            one["name"]
            for line in self.console.events()
            if line.step == "spraying"
            for one in line.document["trace:inputs"]
        ]

    def list(self) -> None:
        """Opens the page of what waits."""
        self.page.goto(f"{self.url}/producer/outbox/")
        expect(self.page.locator("[data-outbox-list]")).to_be_attached()

    def send_all(self) -> None:
        """The network is back and a page is opened: everything that can be sent is."""
        self.network.mode = "up"
        self.list()
        expect(self.page.locator("[data-outbox-list] > *")).not_to_have_count(0)
        expect(self.page.locator("[data-outbox-list] .tag.wait")).to_have_count(0)

    def line(self, text: str) -> None:
        """The line of figures says this."""
        expect(self.page.locator(".outbox-line")).to_contain_text(text)

    def end_sign_ins(self) -> None:
        """Every sign-in ends on the server; phones do not know."""
        with self.console.app.app_context():
            db.session.execute(delete(Session))
            db.session.commit()

    def sign_in_as(self, member: Member | None = None) -> None:
        """A new sign-in in this browser: of another person, or of the first."""
        if member is None:
            member = self.owner
        sign_in(self.console.app, self.console.pages.client, member)
        self.sign_in()


SHIFTED = """(() => {
  const right = Date.now;
  Date.now = () => right() + BY;
})()"""


def shift(field: Field, hours: float) -> None:
    """The phone's clock is off from the next page on."""
    field.page.context.add_init_script(SHIFTED.replace("BY", str(int(hours * 3600_000))))


def sound(page: Page) -> None:
    """The page as it stands is accessible and fits the phone."""
    found = violations(page)
    assert found == [], f"{page.url}: {found}"
    assert overflow(page) == 0, page.url


def plant(console: Console) -> int:
    """A crop in the ground for six days; its cycle."""
    pages = console.pages
    week_ago = (clock.now() - timedelta(days=6)).strftime("%Y-%m-%dT07:00")
    begin = {"product": str(console.greens), "place": str(console.plot), "when": week_ago}
    pages.submit(pages.get("/producer/cycles/new/sowing"), begin)
    (cycle,) = console.things("cycle")
    return cycle


@contextmanager
def field_phone(app: Flask, url: str, page: Page) -> Iterator[Field]:
    """A farm with a crop in the ground, and a phone whose network can fail."""
    console, cycle = world(app, "crop", plant)
    page.set_default_timeout(20_000)
    with cut_network(url) as network:
        yield Field(page, network, console, cycle, first_member(app, console))


def first_member(app: Flask, console: Console) -> Member:
    """Whom `open_console` signed in."""
    with app.app_context():
        row = db.session.scalars(
            select(Membership).where(Membership.organisation_id == console.organisation)
        ).one()
        return Member(row.person_id, row.organisation_id, "", row.role)


__all__ = ["KEPT_PAGE", "Field", "field_phone", "make_member", "shift", "sound"]

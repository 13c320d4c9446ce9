"""A phone that several people use: ended sign-ins, PINs, whose entry is whose, who changed what."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.support.field_phone import Field, field_phone, make_member, shift, sound
from tests.support.server import LiveServer

pytestmark = pytest.mark.notebook

PIN = "246810"

KEPT = """async () => {
  const texts = [];
  for (const { name } of await indexedDB.databases()) {
    const database = await new Promise((resolve) => {
      const asked = indexedDB.open(name);
      asked.onsuccess = () => resolve(asked.result);
    });
    for (const store of database.objectStoreNames) {
      const all = await new Promise((resolve) => {
        const asked = database.transaction(store).objectStore(store).getAll();
        asked.onsuccess = () => resolve(asked.result);
      });
      for (const one of all) {
        const seen = new Set();
        const walk = (value) => {
          if (value instanceof ArrayBuffer) texts.push(new TextDecoder().decode(value));
          else if (ArrayBuffer.isView(value)) texts.push(new TextDecoder().decode(value));
          else if (value && typeof value === "object" && !seen.has(value)) {
            seen.add(value);
            Object.values(value).forEach(walk);
          } else texts.push(String(value));
        };
        walk(one);
      }
    }
    database.close();
  }
  for (const name of (await caches.keys()).filter((one) => /^trace-(pages|assets)/.test(one))) {
    const cache = await caches.open(name);
    for (const request of await cache.keys()) {
      const answer = await cache.match(request);
      if (/text|html/.test(answer.headers.get("Content-Type"))) texts.push(await answer.text());
      else texts.push(request.url);
    }
  }
  return texts.join("\\n");
}"""


@pytest.fixture
def field(live_server: LiveServer, page: Page) -> Iterator[Field]:
    with field_phone(live_server.app, live_server.url, page) as phone:
        yield phone


def set_pin(field: Field) -> None:
    field.list()
    field.page.fill("#pin-new", PIN)
    field.page.get_by_role("button", name="Đặt mã PIN").click()
    expect(field.page.get_by_text("Đã đặt mã PIN")).to_be_visible()


def test_an_ended_sign_in_loses_nothing_and_the_next_one_sends(field: Field) -> None:
    field.prepare()
    field.spray()
    field.end_sign_ins()
    field.send()
    expect(field.page.get_by_text("Phiên đăng nhập đã hết")).to_be_visible()
    assert field.sprayings() == []
    field.sign_in_as()
    field.page.goto(f"{field.url}/producer/today")
    field.line("đã gửi 1")
    assert len(field.sprayings()) == 1


def test_another_persons_sign_in_never_sends_my_entries(field: Field) -> None:
    field.prepare()
    field.network.mode = "down"
    field.spray()
    field.keep()
    other = make_member(field.console.app, inside=field.console.organisation)
    field.sign_in_as(other)
    field.network.mode = "up"
    field.list()
    expect(field.page.get_by_text("1 việc của người khác trên máy này")).to_be_visible()
    field.page.goto(f"{field.url}/producer/today")
    field.line("chờ 0")
    field.page.wait_for_timeout(500)
    assert field.sprayings() == []
    field.sign_in_as()
    field.page.goto(f"{field.url}/producer/today")
    field.line("đã gửi 1")
    assert len(field.sprayings()) == 1


def test_under_a_pin_nothing_written_can_be_read_and_the_right_pin_sends(field: Field) -> None:
    field.prepare()
    field.network.mode = "down"
    field.spray("Thuốc đã ghi trước")
    field.keep()
    before: str = field.page.evaluate(KEPT)
    assert "Thuốc đã ghi trước" in before
    assert "Vườn B2" in before  # in the pages kept for the day
    set_pin(field)
    sound(field.page)
    field.spray("Thuốc bí mật")
    field.send()
    expect(field.page.get_by_text("Đã giữ trong máy")).to_be_visible()
    field.line("chờ 2")
    kept: str = field.page.evaluate(KEPT)
    assert "Thuốc" not in kept
    assert "Vườn B2" not in kept
    assert "Minh Họa" not in kept  # the household's name
    assert PIN not in kept

    field.list()
    field.page.get_by_role("button", name="Khoá ngay").click()
    expect(field.page.get_by_role("dialog")).to_be_visible()
    sound(field.page)
    # Without a network a locked page is not even there: it opens with the PIN, as it was kept.
    field.page.goto(f"{field.url}/producer/today")
    expect(field.page.get_by_role("dialog")).to_be_visible()
    assert "Vườn B2" not in field.page.content()
    sound(field.page)
    field.page.fill("#outbox-pin", PIN)
    field.page.get_by_role("button", name="Mở khoá").click()
    expect(field.page.get_by_text("Trang này được giữ trong máy")).to_be_visible()
    expect(field.page.get_by_text("Vườn B2").first).to_be_visible()
    field.line("chờ 2")
    field.list()
    field.page.get_by_role("button", name="Khoá ngay").click()
    field.network.mode = "up"
    field.page.goto(f"{field.url}/producer/today")
    expect(field.page.get_by_role("dialog")).to_be_visible()
    expect(field.page.get_by_role("heading", level=1)).to_be_hidden()
    field.page.fill("#outbox-pin", "135790")
    field.page.get_by_role("button", name="Mở khoá").click()
    expect(field.page.get_by_text("Mã PIN không đúng")).to_be_visible()
    assert field.sprayings() == []
    field.page.fill("#outbox-pin", PIN)
    field.page.get_by_role("button", name="Mở khoá").click()
    expect(field.page.get_by_role("dialog")).to_have_count(0)
    field.line("đã gửi 2")
    assert sorted(field.sprayings()) == ["Thuốc bí mật", "Thuốc đã ghi trước"]


def test_a_forgotten_pin_costs_only_what_was_not_sent_and_says_so(field: Field) -> None:
    field.prepare()
    set_pin(field)
    field.spray("Thuốc đã gửi")
    field.send()
    expect(field.page.get_by_text("Đã ghi. Vào sổ công khai")).to_be_visible()
    field.network.mode = "down"
    field.spray("Thuốc chưa gửi")
    field.keep()
    field.list()
    field.page.get_by_role("button", name="Khoá ngay").click()
    field.page.get_by_role("button", name="Quên mã PIN").click()
    expect(field.page.get_by_text("Việc đã gửi không mất gì")).to_be_visible()
    sound(field.page)
    field.page.get_by_role("button", name="Xoá việc chưa gửi").click()
    expect(field.page.get_by_text("Không có việc nào chờ gửi")).to_be_visible()
    # The pages kept under it are gone too, and the phone says so.
    field.page.goto(f"{field.url}/producer/today")
    expect(field.page.get_by_role("heading", level=1)).to_have_text("Chưa có mạng")
    field.network.mode = "up"
    field.page.goto(f"{field.url}/producer/today")
    field.line("chờ 0")
    assert field.sprayings() == ["Thuốc đã gửi"]


def test_leaving_wipes_the_kept_pages_and_keeps_what_waits(field: Field) -> None:
    field.prepare()
    field.network.mode = "down"
    field.spray()
    field.keep()
    field.network.mode = "up"
    field.page.locator("summary.header-link").click()
    field.page.get_by_role("button", name="Đăng xuất").click()
    expect(field.page.get_by_role("heading", level=1)).to_have_text("Đăng nhập")
    names: list[str] = field.page.evaluate("async () => caches.keys()")
    assert [name for name in names if name.startswith(("trace-pages-", "trace-reader"))] == []
    field.network.mode = "down"
    field.page.goto(f"{field.url}/producer/today")
    expect(field.page.get_by_role("heading", level=1)).to_have_text("Chưa có mạng")
    assert "HTX" not in field.page.locator("body").inner_text()


COPY = """async (entries) => {
  const open = (name) => new Promise((resolve) => {
    const asked = indexedDB.open(name, 1);
    asked.onsuccess = () => resolve(asked.result);
  });
  const names = (await indexedDB.databases()).map((one) => one.name);
  const database = await open(names.find((name) => name.startsWith("trace-outbox-")));
  const store = database.transaction("entries", "readwrite").objectStore("entries");
  if (entries) {
    for (const entry of entries) store.put(entry);
    return new Promise((resolve) => { store.transaction.oncomplete = () => resolve([]); });
  }
  return new Promise((resolve) => {
    const asked = store.getAll();
    asked.onsuccess = () => resolve(asked.result);
  });
}"""


def test_two_phones_that_send_the_same_outbox_make_each_entry_once(field: Field) -> None:
    field.prepare()
    field.network.mode = "down"
    for number in range(3):
        field.spray(f"Thuốc {number}")
        field.send()
        expect(field.page.get_by_text("Đã giữ trong máy")).to_be_visible()
    entries: list[dict[str, Any]] = field.page.evaluate(COPY, None)
    assert len(entries) == 3

    browser = field.page.context.browser
    assert browser is not None
    second = browser.new_context(
        viewport={"width": 360, "height": 640}, locale="vi-VN", timezone_id="Asia/Ho_Chi_Minh"
    ).new_page()
    field.network.mode = "up"
    field.sign_in(second)
    # The lists of both phones are opened before either has anything to send.
    second.goto(f"{field.url}/producer/outbox/")
    expect(second.locator("[data-outbox-list]")).to_contain_text("Không có việc nào")
    second.evaluate(COPY, entries)
    field.page.evaluate(SEND)
    second.evaluate(SEND)
    for page in (field.page, second):
        page.evaluate("() => globalThis.sending")
        page.goto(f"{field.url}/producer/outbox/")
        expect(page.locator("[data-outbox-list]")).to_contain_text("Không có việc nào")
        expect(page.get_by_text("Đã gửi, đã bỏ trên máy này")).to_be_visible()
    assert sorted(field.sprayings()) == ["Thuốc 0", "Thuốc 1", "Thuốc 2"]
    second.context.close()


# Starts sending and does not wait: the other phone is to start at the same time.
SEND = """() => {
  globalThis.sending = import("/static/app/send.js")
    .then((module) => module.sendWaiting({ force: true }));
  return null;
}"""


def test_two_tabs_send_each_entry_once_and_both_say_so(field: Field) -> None:
    field.prepare()
    field.network.mode = "down"
    field.spray()
    field.keep()
    other = field.page.context.new_page()
    other.goto(f"{field.url}/producer/today")
    expect(other.locator(".outbox-line")).to_contain_text("chờ 1")
    field.network.mode = "up"
    for page in (field.page, other):
        page.evaluate(SEND)
    for page in (field.page, other):
        page.evaluate("() => globalThis.sending")
        expect(page.locator(".outbox-line")).to_contain_text("đã gửi 1")
    assert len(field.sprayings()) == 1


def test_an_edit_of_the_phone_never_overwrites_a_newer_one_of_the_office(field: Field) -> None:
    field.prepare()
    address = f"/producer/places/{field.console.plot}/edit"
    field.page.goto(field.url + address)
    field.page.fill("[name=name]", "Vườn B2 ven đê")
    field.page.fill("[name=ward_code]", "Xã Đan Phượng, Hà Nội")
    field.network.mode = "down"
    field.page.get_by_role("button", name="Lưu").click()
    expect(field.page.get_by_text("Đã giữ trong máy")).to_be_visible()

    pages = field.console.pages
    office = {"name": "Vườn B2 mới", "ward_code": "Xã Đan Phượng, Hà Nội"}
    pages.submit(pages.get(address), office)
    field.send_all()
    expect(field.page.get_by_text("Người khác vừa sửa hồ sơ này")).to_be_visible()
    assert pages.get(f"/producer/places/{field.console.plot}").h1 == "Vườn B2 mới"
    field.page.get_by_role("link", name="Sửa", exact=True).click()
    both = field.page.get_by_role("alert")
    expect(both).to_contain_text("Vườn B2 mới")
    expect(both).to_contain_text("Vườn B2 ven đê")
    sound(field.page)
    field.page.get_by_role("button", name="Ghi bản của tôi").click()
    expect(field.page.get_by_text("Đã lưu.")).to_be_visible()
    assert pages.get(f"/producer/places/{field.console.plot}").h1 == "Vườn B2 ven đê"


def test_keeping_what_the_office_wrote_drops_the_phones_edit(field: Field) -> None:
    field.prepare()
    address = f"/producer/places/{field.console.plot}/edit"
    field.page.goto(field.url + address)
    field.page.fill("[name=name]", "Vườn B2 ven đê")
    field.page.fill("[name=ward_code]", "Xã Đan Phượng, Hà Nội")
    pages = field.console.pages
    office = {"name": "Vườn B2 mới", "ward_code": "Xã Đan Phượng, Hà Nội"}
    pages.submit(pages.get(address), office)
    # With a network both are shown at once.
    field.page.get_by_role("button", name="Lưu").click()
    expect(field.page.get_by_role("alert")).to_contain_text("Vườn B2 mới")
    field.page.get_by_role("button", name="Giữ bản đang lưu").click()
    expect(field.page.locator("[name=name]")).to_have_value("Vườn B2 mới")
    field.page.goto(f"{field.url}/producer/today")
    field.line("chờ 0")
    assert pages.get(f"/producer/places/{field.console.plot}").h1 == "Vườn B2 mới"


def test_the_application_speaks_english_too(field: Field) -> None:
    field.page.set_extra_http_headers({"Accept-Language": "en"})
    field.sign_in()
    field.page.goto(f"{field.url}/producer/outbox/?lang=en")
    expect(field.page.get_by_text("Nothing waits to be sent")).to_be_visible()
    expect(field.page.get_by_text("Do you share this phone?")).to_be_visible()
    sound(field.page)
    words: dict[str, Any] = field.page.evaluate(
        "async () => (await import('/static/app/words.js')).dictionaries"
    )

    def names(dictionary: dict[str, Any]) -> set[str]:
        return {
            f"{name}.{inner}"
            for name, value in dictionary.items()
            for inner in (value if isinstance(value, dict) else ("",))
        }

    assert names(words["vi"]) == names(words["en"])


def test_two_people_share_a_phone_without_a_network_and_each_sends_their_own(field: Field) -> None:
    field.prepare()
    other = make_member(field.console.app, inside=field.console.organisation)
    field.sign_in_as(other)
    field.prepare()
    field.sign_in_as()
    field.prepare()
    set_pin(field)
    field.network.mode = "down"
    field.page.get_by_role("button", name="Khoá ngay").click()
    field.page.get_by_role("button", name="Tôi là người khác").click()
    field.page.get_by_role("button", name=f"Người {other.login}").click()
    # The other one's own kept pages, and their own notebook.
    expect(field.page.get_by_role("heading", level=1)).to_have_text("Hôm nay")
    field.page.locator("summary.header-link").click()
    expect(field.page.locator(".menu-note strong")).to_have_text(f"Người {other.login}")
    field.spray("Thuốc của người kia")
    field.keep()

    # The network comes back to a browser in which the first person is signed in.
    field.network.mode = "up"
    field.page.goto(f"{field.url}/producer/today")
    field.page.fill("#outbox-pin", PIN)
    field.page.get_by_role("button", name="Mở khoá").click()
    expect(field.page.get_by_role("dialog")).to_have_count(0)
    field.line("chờ 0")
    field.list()
    expect(field.page.get_by_text("1 việc của người khác trên máy này")).to_be_visible()
    assert field.sprayings() == []
    field.sign_in_as(other)
    field.page.goto(f"{field.url}/producer/today")
    field.line("đã gửi 1")
    assert field.sprayings() == ["Thuốc của người kia"]


@pytest.mark.parametrize("hours", [0.2, -5])
def test_a_notebook_locks_itself_after_minutes_and_no_clock_keeps_it_open(
    field: Field, hours: float
) -> None:
    field.prepare()
    set_pin(field)
    field.page.goto(f"{field.url}/producer/today")
    expect(field.page.get_by_role("dialog")).to_have_count(0)
    shift(field, hours)
    field.page.goto(f"{field.url}/producer/today")
    expect(field.page.get_by_role("dialog")).to_be_visible()
    kept: str = field.page.evaluate(KEPT)
    assert "CryptoKey" not in kept


def test_the_pin_is_changed_by_who_knows_it(field: Field) -> None:
    field.prepare()
    set_pin(field)
    field.page.get_by_text("Đổi mã PIN").first.click()
    for old, new, said in (
        (PIN, "12345", "Mã PIN gồm 6 đến 12 chữ số"),
        ("999999", "135791", "Mã PIN không đúng"),
        (PIN, "135791", "Đã đặt mã PIN"),
    ):
        field.page.fill("#pin-old", old)
        field.page.fill("#pin-new", new)
        field.page.get_by_role("button", name="Đổi mã PIN").click()
        expect(field.page.get_by_text(said)).to_be_visible()
        sound(field.page)
    field.page.get_by_role("button", name="Khoá ngay").click()
    field.page.fill("#outbox-pin", "135791")
    field.page.get_by_role("button", name="Mở khoá").click()
    expect(field.page.get_by_role("dialog")).to_have_count(0)

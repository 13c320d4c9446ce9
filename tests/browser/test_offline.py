"""A phone in a field: entries without a network, answers that are lost, clocks that are wrong."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from playwright.sync_api import FilePayload, Page, expect

from tests.support.browser import no_complaints
from tests.support.field_phone import KEPT_PAGE, Field, field_phone, shift, sound
from tests.support.photos import a_photo
from tests.support.server import LiveServer
from trace import clock
from trace.core.gs1 import parse_identity
from trace.jobs.worker import run_pending

pytestmark = pytest.mark.notebook


@pytest.fixture
def field(live_server: LiveServer, page: Page) -> Iterator[Field]:
    with field_phone(live_server.app, live_server.url, page) as phone:
        yield phone


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

    field.page.get_by_role("link", name="chờ 1").click()
    expect(field.page.locator(".tag.wait").get_by_text("Chờ gửi")).to_be_visible()
    field.page.get_by_role("button", name="Gửi ngay").click()
    expect(field.page.get_by_role("status").get_by_text("Chưa có mạng")).to_be_visible()
    sound(field.page)
    field.network.mode = "up"
    field.page.get_by_role("button", name="Gửi ngay").click()
    expect(field.page.locator(".outbox-line")).to_contain_text("đã gửi 1")
    sound(field.page)
    assert field.sprayings() == ["Thuốc Demo 10EC"]
    (line,) = [one for one in field.console.events() if one.step == "spraying"]
    assert len(line.document["trace:attachments"]) == 1

    with field.console.app.app_context():
        run_pending()
    stranger = field.page.context.browser
    assert stranger is not None
    phone = stranger.new_context(viewport={"width": 360, "height": 640}, locale="vi-VN").new_page()
    identity = parse_identity(line.things[0].thing.identity, "https://trace.example")
    assert identity is not None
    phone.goto(field.url + identity.path)
    body = phone.locator("body").inner_text()
    assert "Thuốc Demo 10EC" in body
    assert "Phun" in body
    phone.context.close()


def test_an_answer_cut_in_the_middle_makes_no_second_event(field: Field) -> None:
    field.prepare()
    field.network.mode = "cut"
    field.spray()
    field.keep()
    assert field.network.cut >= 1
    assert len(field.sprayings()) == 1  # the server has it; the phone does not know
    field.send_all()
    expect(field.page.get_by_text("Không có việc nào chờ gửi")).to_be_visible()
    field.page.get_by_text("Đã gửi, đã bỏ trên máy này").click()
    field.page.get_by_role("link", name="Xem").click()
    expect(field.page).to_have_url(f"{field.url}/producer/cycles/{field.cycle}")
    assert len(field.sprayings()) == 1


def test_entries_sent_again_after_lost_answers_are_as_many_events_as_entries(field: Field) -> None:
    entries = 40
    field.prepare()
    field.network.mode = "down"
    field.spray()
    field.keep()
    field.page.evaluate(MULTIPLY, entries - 1)
    field.network.mode, field.network.cut_every = "cut", 2
    runs = field.page.evaluate(SEND_UNTIL_DONE, 3 * entries)
    assert runs > entries / 3
    # Half of all answers never came; no entry was lost, none was recorded twice.
    assert field.network.cut >= entries - 1
    assert len(field.sprayings()) == entries
    field.list()
    expect(field.page.get_by_text("Không có việc nào chờ gửi")).to_be_visible()


@pytest.mark.long
def test_a_thousand_entries_whose_answers_were_all_lost_are_a_thousand_events(
    field: Field,
) -> None:
    field.prepare()
    field.network.mode = "down"
    field.spray()
    field.keep()
    field.page.evaluate(MULTIPLY, 999)
    field.network.mode = "up"
    token = field.page.evaluate(TOKEN)
    field.network.mode = "cut"
    # The phone tries by itself now and then: a few may get through in the moments between.
    assert field.page.evaluate(LOSE_ALL, token) >= 950
    assert field.network.cut >= 950
    field.network.mode = "up"
    told = field.page.evaluate(SEND_ALL)
    assert (told["refused"], told["why"]) == (0, "")
    assert len(field.sprayings()) == 1000


TOKEN = """async () => (await import("/static/app/send.js")).askToken()"""
SEND_ALL = """async () => (await import("/static/app/send.js")).sendWaiting({ force: true })"""

# Sends every entry and never hears of it: how many answers were lost.
LOSE_ALL = """async ({ reader, csrf_token }) => {
  const { sendOne } = await import("/static/app/send.js");
  const { numbersIn, personOf } = await import("/static/app/store.js");
  const person = personOf(reader);
  let lost = 0;
  for (const n of await numbersIn(person, "waiting")) {
    try {
      await sendOne(person, n, reader, csrf_token, null);
    } catch (stopped) {
      lost += stopped.why === "offline";
    }
  }
  return lost;
}"""

# The one entry that waits as so many more, each with a key and a name of its own.
MULTIPLY = """async (more) => {
  const { addEntry, allEntries, drawKey, personOf } = await import("/static/app/store.js");
  const person = personOf(document.querySelector("meta[name=trace-reader]").content);
  const [{ n, body, ...rest }] = await allEntries(person);
  for (let count = 1; count <= more; count += 1) {
    const fields = body.fields.map(([name, value]) =>
      [name, name === "inputs-0-name" ? `${value} ${count}` : value]);
    await addEntry(person, { ...rest, body: { ...body, fields, key: drawKey() } });
  }
}"""

SEND_UNTIL_DONE = """async (most) => {
  const { sendWaiting } = await import("/static/app/send.js");
  for (let runs = 1; runs <= most; runs += 1) {
    const { why } = await sendWaiting({ force: true });
    if (!why) return runs;
  }
  return most;
}"""


def test_a_cafes_own_page_is_not_taken_for_an_answer(field: Field) -> None:
    field.prepare()
    field.spray()
    field.network.mode = "portal"
    field.send()
    expect(field.page.get_by_role("heading", level=1)).to_have_text("WiFi")
    field.network.mode = "down"
    field.page.goto(f"{field.url}/producer/today")
    field.line("chờ 1")
    field.send_all()
    expect(field.page.get_by_text("Không có việc nào chờ gửi")).to_be_visible()
    assert len(field.sprayings()) == 1


def test_what_the_server_refuses_is_marked_on_the_form_and_mended(field: Field) -> None:
    field.prepare()
    field.network.mode = "down"
    field.spray()
    field.page.fill("[name='inputs-0-amount']", "1.500")
    field.keep()
    field.send_all()
    expect(field.page.get_by_text("Chưa ghi được, cần sửa")).to_be_visible()
    expect(field.page.get_by_text("Lượng dùng: “1.500”")).to_be_visible()
    sound(field.page)
    field.page.get_by_role("link", name="Sửa", exact=True).click()
    expect(field.page.get_by_role("alert")).to_be_focused()
    expect(field.page.locator("[name='inputs-0-name']")).to_have_value("Thuốc Demo 10EC")
    assert field.page.title().startswith("Lỗi: ")
    sound(field.page)
    field.page.fill("[name='inputs-0-amount']", "1500")
    field.send()
    expect(field.page.get_by_text("Đã ghi. Vào sổ công khai")).to_be_visible()
    assert len(field.sprayings()) == 1


EARLIER = """async (minutes) => {
  const { allEntries, getEntry, personOf, putEntry } = await import("/static/app/store.js");
  const { boxTime } = await import("/static/app/clock.js");
  const person = personOf(document.querySelector("meta[name=trace-reader]").content);
  const [{ n }] = await allEntries(person);
  const entry = await getEntry(person, n);
  entry.written -= minutes * 60_000;
  for (const field of entry.body.fields) {
    if (field[0] === "when") field[1] = boxTime(entry.written);
  }
  await putEntry(person, entry);
}"""


def test_a_mended_entry_keeps_the_time_at_which_it_was_written(field: Field) -> None:
    field.prepare()
    field.network.mode = "down"
    field.spray()
    field.page.fill("[name='inputs-0-amount']", "1.500")
    field.keep()
    field.page.evaluate(EARLIER, 40)
    written = clock.now() - timedelta(minutes=40)
    field.send_all()
    field.page.get_by_role("link", name="Sửa", exact=True).click()
    expect(field.page.get_by_role("alert")).to_be_focused()
    field.page.fill("[name='inputs-0-amount']", "1500")
    field.send()
    expect(field.page.get_by_text("Đã ghi. Vào sổ công khai")).to_be_visible()
    (line,) = [one for one in field.console.events() if one.step == "spraying"]
    assert abs(line.event_time - written) < timedelta(minutes=2)


def test_a_form_asked_for_with_hints_opens_without_them_where_there_is_no_network(
    field: Field,
) -> None:
    field.prepare()
    field.network.mode = "down"
    address = f"/producer/cycles/{field.cycle}/diary/spraying"
    field.page.goto(f"{field.url}{address}?preset=999")
    expect(field.page.get_by_role("heading", level=1)).to_have_text("Phun thuốc")
    field.page.fill("[name='inputs-0-name']", "Thuốc Demo")
    field.keep()
    # What the hint named is not there: said, and mended by the form itself.
    field.send_all()
    expect(field.page.get_by_text("Không có gì ở địa chỉ này")).to_be_visible()
    field.page.get_by_role("link", name="Sửa", exact=True).click()
    expect(field.page.locator("[name='inputs-0-name']")).to_have_value("Thuốc Demo")
    field.send()
    expect(field.page.get_by_text("Đã ghi. Vào sổ công khai")).to_be_visible()
    assert field.sprayings() == ["Thuốc Demo"]


def test_forms_never_opened_offer_without_a_network_what_there_was_at_the_last_look(
    field: Field,
) -> None:
    field.prepare()
    new = "/producer/cycles/new/sowing"
    field.page.evaluate(KEPT_PAGE, [new, "Vườn B2"])
    # The office adds a place; the phone looks at today once more, and goes to the field.
    pages = field.console.pages
    ward = "Xã Đan Phượng, Hà Nội"
    pages.submit(pages.get("/producer/places/new"), {"name": "Ruộng ven đê", "ward_code": ward})
    field.page.goto(f"{field.url}/producer/today")
    field.page.evaluate(KEPT_PAGE, [new, "Ruộng ven đê"])
    field.network.mode = "down"
    field.page.goto(field.url + new)
    expect(field.page.get_by_text("Trang này được giữ trong máy")).to_be_visible()
    sound(field.page)
    field.page.locator("[name=product]").select_option(label="Cải ngọt")
    field.page.locator("[name=place]").select_option(label="Ruộng ven đê")
    field.page.locator("main form button[type=submit]").last.click()
    expect(field.page.get_by_text("Đã giữ trong máy")).to_be_visible()
    field.send_all()
    assert len(field.console.things("cycle")) == 2


def test_an_entry_is_discarded_after_one_question(field: Field) -> None:
    field.prepare()
    field.network.mode = "down"
    field.spray()
    field.keep()
    field.list()
    field.page.get_by_role("button", name="Bỏ", exact=True).click()
    expect(field.page.get_by_text("Nó chưa được ghi vào sổ")).to_be_visible()
    field.page.get_by_role("button", name="Giữ lại").click()
    field.page.get_by_role("button", name="Bỏ", exact=True).click()
    field.page.get_by_role("button", name="Bỏ hẳn").click()
    expect(field.page.get_by_text("Không có việc nào chờ gửi")).to_be_visible()
    field.network.mode = "up"
    field.page.goto(f"{field.url}/producer/today")
    field.line("chờ 0")
    assert field.sprayings() == []


def test_lines_are_added_to_a_form_without_a_network(field: Field) -> None:
    field.prepare()
    field.network.mode = "down"
    field.spray("Thuốc một")
    field.page.get_by_role("button", name="Thêm dòng").click()
    field.page.fill("[name='inputs-1-name']", "Thuốc hai")
    sound(field.page)
    field.keep()
    field.send_all()
    expect(field.page.get_by_text("Không có việc nào chờ gửi")).to_be_visible()
    assert field.sprayings() == ["Thuốc một", "Thuốc hai"]


def test_a_clock_known_to_be_fast_is_said_and_the_right_time_filled_in(field: Field) -> None:
    shift(field, 3)
    field.prepare()
    field.network.mode = "down"
    field.spray()
    expect(field.page.get_by_text("Đồng hồ điện thoại chạy nhanh 3 giờ")).to_be_visible()
    sound(field.page)
    field.keep()
    field.send_all()
    expect(field.page.get_by_text("Không có việc nào chờ gửi")).to_be_visible()
    (line,) = [one for one in field.console.events() if one.step == "spraying"]
    assert abs(line.event_time - clock.now()) < timedelta(minutes=3)


def test_a_clock_that_went_wrong_in_the_field_is_asked_about_before_anything_is_recorded(
    field: Field,
) -> None:
    field.prepare()
    field.network.mode = "down"
    shift(field, -26)
    field.spray()
    expect(field.page.get_by_text("Đồng hồ điện thoại vừa lùi lại")).to_be_visible()
    field.keep()
    field.send_all()
    expect(field.page.get_by_text("Chưa ghi được, cần sửa")).to_be_visible()
    assert field.sprayings() == []
    field.page.get_by_role("link", name="Sửa", exact=True).click()
    expect(field.page.get_by_role("button", name="Giữ giờ tôi đã ghi")).to_be_visible()
    sound(field.page)
    field.page.get_by_role("button", name="Dùng").click()
    field.send()
    expect(field.page.get_by_text("Đã ghi. Vào sổ công khai")).to_be_visible()
    (line,) = [one for one in field.console.events() if one.step == "spraying"]
    assert abs(line.event_time - clock.now()) < timedelta(minutes=5)


def test_a_phone_without_room_says_so_and_keeps_what_was_typed(field: Field) -> None:
    session = field.page.context.new_cdp_session(field.page)
    session.send("Storage.overrideQuotaForOrigin", {"origin": field.url, "quotaSize": 1})
    field.sign_in()
    field.spray()
    field.network.mode = "down"
    field.send()
    expect(field.page.get_by_text("CHƯA được giữ")).to_be_visible()
    expect(field.page.locator("[name='inputs-0-name']")).to_have_value("Thuốc Demo 10EC")
    sound(field.page)
    # With a network it is sent without being kept.
    field.network.mode = "up"
    field.send()
    expect(field.page.get_by_text("Đã ghi. Vào sổ công khai")).to_be_visible()
    assert len(field.sprayings()) == 1


def test_a_queue_that_is_too_long_says_so_and_keeps_what_was_typed(field: Field) -> None:
    field.prepare()
    field.network.mode = "down"
    field.spray()
    field.keep()
    field.page.evaluate(MULTIPLY, 1999)
    field.spray("Thuốc một nghìn lẻ")
    field.send()
    expect(field.page.get_by_text("việc này CHƯA được giữ")).to_be_visible()
    expect(field.page.locator("[name='inputs-0-name']")).to_have_value("Thuốc một nghìn lẻ")
    field.line("chờ 2000")


def test_a_new_build_takes_over_and_kept_pages_open_with_it(
    field: Field, monkeypatch: pytest.MonkeyPatch
) -> None:
    field.prepare()
    monkeypatch.setattr("trace.web.installed._build", lambda folder: "another")
    field.page.goto(f"{field.url}/producer/today")
    field.page.evaluate(
        """async () => {
          for (;;) {
            const names = (await caches.keys()).filter((name) => name.startsWith("trace-files-"));
            if (names.length === 1 && names[0] === "trace-files-another") return;
            await new Promise(resolve => setTimeout(resolve, 50));
          }
        }"""
    )
    field.network.mode = "down"
    field.page.goto(f"{field.url}/producer/cycles/{field.cycle}/harvest")
    expect(field.page.get_by_text("Trang này được giữ trong máy")).to_be_visible()
    sound(field.page)
    with no_complaints(field.page):
        field.page.get_by_role("link", name="Hôm nay").click()
        field.line("chờ 0")


def test_the_worker_sends_when_no_page_is_open(field: Field) -> None:
    field.prepare()
    field.network.mode = "down"
    field.spray()
    field.keep()
    session = field.page.context.new_cdp_session(field.page)
    found: list[str] = []
    session.on(
        "ServiceWorker.workerRegistrationUpdated",
        lambda told: found.extend(one["registrationId"] for one in told["registrations"]),
    )
    session.send("ServiceWorker.enable")
    field.page.wait_for_timeout(200)
    field.page.goto("about:blank")
    field.network.mode = "up"
    session.send(
        "ServiceWorker.dispatchSyncEvent",
        {
            "origin": field.url,
            "registrationId": found[-1],
            "tag": "trace-outbox",
            "lastChance": False,
        },
    )
    for _ in range(100):
        if field.sprayings():
            break
        field.page.wait_for_timeout(100)
    assert len(field.sprayings()) == 1


def quiet(field: Field) -> int:
    """How much the phone has sent once it sends nothing more."""
    before = -1
    while before != field.network.sent_bytes:
        before = field.network.sent_bytes
        field.page.wait_for_timeout(1500)
    return before


def test_a_repeated_spraying_takes_little_to_send(field: Field) -> None:
    field.prepare()
    field.spray()
    field.send()
    expect(field.page.get_by_text("Đã ghi. Vào sổ công khai")).to_be_visible()
    field.page.goto(f"{field.url}/producer/cycles/{field.cycle}/diary/spraying")
    expect(field.page.locator("[name='inputs-0-name']")).to_have_value("Thuốc Demo 10EC")
    before = quiet(field)  # the phone has kept its pages, which it does once
    field.send()
    expect(field.page.get_by_text("Đã ghi. Vào sổ công khai")).to_be_visible()
    assert quiet(field) - before <= 15_000
    assert len(field.sprayings()) == 2


def test_today_opens_without_a_network_in_less_than_a_second_on_a_slow_phone(field: Field) -> None:
    field.prepare()
    field.network.mode = "down"
    session = field.page.context.new_cdp_session(field.page)
    session.send("Emulation.setCPUThrottlingRate", {"rate": 4})
    spans = []
    for _ in range(5):
        field.page.goto("about:blank")
        field.page.goto(f"{field.url}/producer/today")
        field.line("chờ 0")
        spans.append(
            field.page.evaluate(
                "() => performance.getEntriesByName('trace-ready')[0]?.startTime ?? Infinity"
            )
        )
    # The best of five: this machine may be busy with other tests, the phone is not.
    assert min(spans) <= 1000, spans

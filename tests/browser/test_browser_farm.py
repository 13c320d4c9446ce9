"""Every page of the farm's console on a cheap phone: accessible, fitting, silent, and sendable."""

from __future__ import annotations

from datetime import timedelta

import pytest
from playwright.sync_api import FilePayload, Page, expect

from tests.support.browser import no_complaints, overflow, unfold, violations
from tests.support.fields import Console, add_partner
from tests.support.photos import a_photo
from tests.support.server import LiveServer
from tests.support.snapshots import enter, world
from trace import clock

PAGES = (
    "/producer/today",
    "/producer/cycles/",
    "/producer/cycles/new",
    "/producer/cycles/new/sowing",
    "/producer/cycles/{cycle}",
    "/producer/cycles/{cycle}/diary/spraying",
    "/producer/cycles/{cycle}/none",
    "/producer/cycles/{cycle}/harvest",
    "/producer/batches/",
    "/producer/batches/new",
    "/producer/batches/{lot}",
    "/producer/batches/{crate}",
    "/producer/batches/{crate}/unpack",
    "/producer/batches/pack?thing={lot}",
    "/producer/batches/process?thing={lot}&step=splitting",
    "/producer/batches/{lot}/store",
    "/producer/batches/{lot}/sale",
    "/producer/batches/{lot}/destroy",
    "/producer/events/{event}",
    "/producer/events/{event}/correct",
    "/producer/events/{event}/void",
    "/producer/shipments/",
    "/producer/shipments/?view=outgoing",
    "/producer/shipments/{shipment}",
    "/producer/shipments/new?thing={lot}",
    "/producer/shipments/receive",
    "/producer/labels/{lot}",
    "/producer/plans/",
    "/producer/plans/new",
    "/producer/plans/1",
    "/producer/plans/jottings/new",
    "/producer/plans/jottings/1",
    "/producer/scan/",
    "/producer/books/",
    "/producer/books/purchase",
    "/producer/books/purchase/new",
    "/producer/books/assessment/new",
    "/producer/books/stock",
    "/producer/books/diary/{cycle}",
    "/producer/books/season",
    "/producer/catalogues/",
    "/producer/catalogues/import/input",
)


def season(console: Console) -> dict[str, int]:
    """A season behind the farm: one of everything that has a page."""
    pages = console.pages
    add_partner(console.app)
    week_ago = (clock.now() - timedelta(days=6)).strftime("%Y-%m-%dT07:00")
    begin = {"product": str(console.greens), "place": str(console.plot), "when": week_ago}
    pages.submit(pages.get("/producer/cycles/new/sowing"), begin)
    (cycle,) = console.things("cycle")
    # Six days before the harvest: a lot harvested sooner than the label says is held.
    spray = {"inputs-0-name": "Thuốc Demo 10EC", "inputs-0-interval_days": "5", "when": week_ago}
    pages.submit(pages.get(f"/producer/cycles/{cycle}/diary/spraying"), spray)
    harvest = pages.get(f"/producer/cycles/{cycle}/harvest")
    pages.submit(harvest, {"quantity": "480", "lot": "L2611"})
    (lot,) = console.things("lot")
    pack = pages.get(f"/producer/batches/pack?thing={lot}")
    pages.submit(pack, {"lots-0-quantity": "12"})
    (crate,) = console.things("logistic")
    ship = pages.get(f"/producer/shipments/new?thing={lot}")
    pages.submit(ship, {"lots-0-quantity": "100", "taker": "Cửa hàng Demo"})
    plan = pages.get(f"/producer/plans/new?thing={cycle}")
    pages.submit(plan, {"step": "spraying", "due": week_ago[:10], "note": "phun phòng"})
    pages.submit(pages.get("/producer/plans/jottings/new"), {"sentence": "Lá vàng góc vườn"})
    buy = {
        "kind": "pesticide",
        "item": "Thuốc Demo 10EC",
        "quantity": "2",
        "seller": "Cửa hàng Demo",
    }
    pages.submit(pages.get("/producer/books/purchase/new"), buy)
    lines = console.events()
    return {
        "cycle": cycle,
        "lot": lot,
        "crate": crate,
        "event": lines[2].event_id,
        "shipment": lines[-1].event_id,
    }


@pytest.fixture
def farm(live_server: LiveServer, page: Page) -> tuple[Console, dict[str, int]]:
    """A farm with a season behind it; the browser is signed in."""
    console, ids = world(live_server.app, "season", season)
    enter(console, page, live_server.url)
    return console, ids


def test_every_page_is_accessible_fits_the_phone_and_complains_of_nothing(
    page: Page, live_server: LiveServer, farm: tuple[Console, dict[str, int]]
) -> None:
    faults = []
    with no_complaints(page):
        for template in PAGES:
            address = template.format(**farm[1])
            answer = page.goto(live_server.url + address)
            assert answer is not None
            if answer.status != 200:
                faults.append(f"{address}: {answer.status}")
            unfold(page)
            faults += [f"{address}: {violation}" for violation in violations(page)]
            if wide := overflow(page):
                faults.append(f"{address}: {wide} px too wide")
    assert faults == []


def test_a_harvest_is_recorded_by_thumb_and_its_error_is_read_first(
    page: Page, live_server: LiveServer, farm: tuple[Console, dict[str, int]]
) -> None:
    console, ids = farm
    page.goto(f"{live_server.url}/producer/cycles/{ids['cycle']}")
    page.get_by_role("link", name="Thu hoạch").first.click()
    page.get_by_label("Thu được bao nhiêu?: số").fill("1.250")
    page.get_by_role("button", name="Ghi thu hoạch").click()
    expect(page).to_have_title("Lỗi: Thu hoạch · Trace")
    expect(page.get_by_role("alert")).to_be_focused()
    assert violations(page) == []
    page.get_by_role("alert").get_by_role("link").click()
    expect(page.get_by_label("Thu được bao nhiêu?: số")).to_be_focused()
    page.get_by_label("Thu được bao nhiêu?: số").fill("1250")
    page.get_by_role("button", name="Ghi thu hoạch").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Cải ngọt")
    expect(page.get_by_text("1.250 kg").first).to_be_visible()
    assert len(console.things("lot")) == 2


def test_a_photo_is_shown_before_it_is_sent_and_with_its_line_after(
    page: Page, live_server: LiveServer, farm: tuple[Console, dict[str, int]]
) -> None:
    _, ids = farm
    with no_complaints(page):
        page.goto(f"{live_server.url}/producer/cycles/{ids['cycle']}/diary/field_observation")
        page.get_by_text("Thêm: nơi làm, hộ làm, ảnh, ghi chú").click()
        photo = FilePayload(name="vuon.jpg", mimeType="image/jpeg", buffer=a_photo(900, 600))
        page.get_by_label("Ảnh", exact=False).set_input_files(photo)
        expect(page.get_by_alt_text("vuon.jpg")).to_be_visible()
        page.get_by_role("button", name="Ghi lại").click()
        expect(page.get_by_alt_text("Ảnh 1 của dòng này")).to_be_visible()


def test_choosing_a_product_fills_in_the_days_of_its_label_and_replaces_nothing_typed(
    page: Page, live_server: LiveServer, farm: tuple[Console, dict[str, int]]
) -> None:
    _, ids = farm
    with no_complaints(page):
        page.goto(f"{live_server.url}/producer/cycles/{ids['cycle']}/diary/spraying")
        name, days = (page.locator(f"[name='inputs-0-{one}']") for one in ("name", "interval_days"))
        days.fill("")
        name.fill("Thuốc Demo 25WG")
        expect(days).to_have_value("14")
        expect(page.get_by_text("Theo danh mục mẫu DEMO; nhìn lại nhãn.")).to_be_visible()
        name.fill("Thuốc Demo 1.8EC")  # the line tells this crop's own days
        expect(days).to_have_value("7")
        name.fill("Thuốc không có trong danh mục")
        expect(days).to_have_value("")
        days.fill("10")
        name.fill("Thuốc Demo 25WG")
        expect(days).to_have_value("10")

"""Labels and stamps on a cheap phone: accessible, fitting, silent, in both languages."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, FilePayload, Page, expect
from sqlalchemy import select

from tests.support.browser import no_complaints, overflow, violations
from tests.support.field_phone import KEPT_PAGE, field_phone, sound
from tests.support.fields import open_console
from tests.support.pages import PageClient
from tests.support.photos import photo_of_codes
from tests.support.server import LiveServer
from trace.extensions import db
from trace.jobs.worker import run_pending
from trace.models import LabelPrint, LabelRange, Unit
from trace.web.access import COOKIE


def test_pages_of_labels_are_accessible_and_fit_a_small_screen(
    live_server: LiveServer, context: BrowserContext, page: Page
) -> None:
    console = open_console(live_server.app, PageClient(live_server.app.test_client()))
    lot = console.lot("10")
    form = console.pages.get(f"/producer/labels/{lot}")
    console.pages.submit(form, {"what": "unit", "count": "30", "reason": "thử"})
    console.pages.submit(console.pages.get("/producer/stamps/new"), {"count": "12"})
    form = console.pages.get("/producer/crates/prefix")
    console.pages.submit(form, {"prefix": "8936012", "extension": "3"})
    console.pages.submit(console.pages.get("/producer/crates/new"), {"count": "4"})
    packing = console.pages.get(f"/producer/batches/pack?thing={lot}")
    run = console.pages.submit(packing, {"lots-0-quantity": "2", "crates": "2"}).address
    crate = console.things("logistic")[0]
    shipping = console.pages.get(f"/producer/shipments/new?thing={crate}")
    note = console.pages.submit(shipping, {}).address.rpartition("/")[2]
    with live_server.app.app_context():
        first, second = db.session.scalars(select(LabelRange.id).order_by(LabelRange.id)).all()
        jobs = db.session.scalars(select(LabelPrint.job).order_by(LabelPrint.id)).all()
        keys = {
            roll: f"/t/{'%s/21/%s' if key.startswith('01') else '%s/%s'}" % (key, serial)
            for roll, key, serial in db.session.execute(
                select(Unit.range_id, Unit.key, Unit.serial).where(Unit.number == 1)
            )
        }
        run_pending()
    bad = f"{keys[second].rpartition('/')[0]}/0123456789ABCDEF"
    cookie = console.pages.client.get_cookie(COOKIE)
    assert cookie is not None
    context.add_cookies([{"name": COOKIE, "value": cookie.value, "url": live_server.url}])
    addresses = (
        f"/producer/labels/{lot}",
        f"/producer/labels/sheets/{jobs[0]}",
        "/producer/stamps",
        "/producer/stamps/new",
        "/producer/stamps/bind",
        f"/producer/stamps/{first}",
        f"/producer/stamps/{second}/again",
        f"/producer/stamps/{second}/void",
        keys[first],
        keys[second],
        "/producer/crates",
        "/producer/crates/new",
        "/producer/crates/prefix",
        run,
        f"{run}/again",
        f"/producer/batches/pack?thing={lot}",
        f"/producer/batches/{crate}/unpack",
        f"/producer/labels/{crate}",
        f"/producer/labels/notes/{note}",
        f"/producer/batches/{lot}",
        bad,
    )
    kept = os.environ.get("TRACE_SCREENS")
    for language in ("vi", "en"):
        page.goto(f"{live_server.url}/language/{language}")
        for number, full in enumerate(addresses):
            address = full.removeprefix("http://localhost")
            asked = f"{address}?lang={language}" if address.startswith("/t/") else address
            if address == bad:
                page.goto(live_server.url + asked)  # a 404 is told on the console
            else:
                with no_complaints(page):
                    page.goto(live_server.url + asked)
            assert violations(page) == [], asked
            assert overflow(page) == 0, asked
            assert page.locator("h1").count() == 1
            if kept:
                shot = Path(kept) / f"{number:02}-{language}.png"
                page.screenshot(path=str(shot), full_page=True)


# A phone whose browser reads codes itself: the camera's picture is a canvas, and what the detector
# sees is what the test holds before it.
CAMERA = """(() => {
  const canvas = document.createElement("canvas");
  canvas.getContext("2d").fillRect(0, 0, 8, 8);
  const media = { getUserMedia: async () => canvas.captureStream(5) };
  Object.defineProperty(navigator, "mediaDevices", { value: media });
  globalThis.BarcodeDetector = class {
    static async getSupportedFormats() { return ["qr_code"]; }
    async detect() { return globalThis.held ? [{ rawValue: globalThis.held }] : []; }
  };
})()"""


@pytest.mark.notebook
def test_stamps_are_bound_by_camera_and_photo_without_a_network(
    live_server: LiveServer, page: Page
) -> None:
    page.add_init_script(CAMERA)
    with field_phone(live_server.app, live_server.url, page) as field:
        console = field.console
        lot = console.lot("10", lot="L2611")
        console.pages.submit(console.pages.get("/producer/stamps/new"), {"count": "9"})
        with live_server.app.app_context():
            roll = db.session.scalar(select(LabelRange.id))
            printed = [
                f"HTTP://LOCALHOST/{key}/{serial}".upper()
                for key, serial in db.session.execute(
                    select(Unit.key, Unit.serial).order_by(Unit.number)
                )
            ]
        field.prepare()
        page.evaluate(KEPT_PAGE, ["/producer/stamps/bind", "L2611"])
        field.network.mode = "down"
        page.goto(f"{field.url}/producer/stamps/bind")
        first, last = page.locator("#f-first"), page.locator("#f-last")
        page.get_by_role("button", name="Quét: Tem đầu").click()
        expect(page.get_by_text("Đưa tem vào giữa khung hình.")).to_be_visible()
        page.evaluate("text => { globalThis.held = text; }", printed[2])
        expect(first).to_have_value(printed[2])
        expect(page.get_by_role("button", name="Quét: Tem cuối")).to_be_focused()
        # The other one goes as a photo: not every phone's browser reads codes.
        page.locator("[data-scan-into=f-last] summary").click()
        photo = FilePayload(name="tem.png", mimeType="image/png", buffer=photo_of_codes(printed[5]))
        page.locator("#f-last_photo").set_input_files(photo)
        page.locator("#f-lot").select_option(str(lot))
        sound(page)
        page.get_by_role("button", name="Gắn tem", exact=True).click()
        expect(page.get_by_text("Đã giữ trong máy")).to_be_visible()
        assert last.count() == 0
        field.send_all()
        with live_server.app.app_context():
            bound = db.session.scalars(
                select(Unit.number).where(Unit.range_id == roll, Unit.lot_id == lot)
            ).all()
        assert sorted(bound) == [3, 4, 5, 6]

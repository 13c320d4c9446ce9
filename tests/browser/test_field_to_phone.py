"""From the field to a phone: a farmer records, a label is printed, a stranger scans it."""

from __future__ import annotations

import io
import re
import subprocess
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import zxingcpp
from PIL import Image
from playwright.sync_api import Page, expect

from tests.support.browser import no_complaints, overflow, violations
from tests.support.codes import last_code
from tests.support.server import LiveServer
from trace import clock
from trace.extensions import db
from trace.jobs.worker import run_pending
from trace.services import platform

HANOI = ZoneInfo("Asia/Ho_Chi_Minh")


def local(days_ago: float) -> str:
    """A moment as the phone's date field takes it."""
    moment = datetime.now(HANOI) - timedelta(days=days_ago)
    return moment.strftime("%Y-%m-%dT%H:%M")


def send(page: Page) -> None:
    """Presses the form's main button and waits for what it leads to."""
    with page.expect_navigation():
        page.locator("main form button[type=submit]:not([name=more])").last.click()


def sound(page: Page) -> None:
    """The page as it stands is accessible and fits the phone."""
    assert violations(page) == [], page.url
    assert overflow(page) == 0, page.url


def picture() -> bytes:
    """A photo as phones make them: JPEG with EXIF, a place in it."""
    image = Image.new("RGB", (1600, 1200), (60, 140, 70))
    exif = Image.Exif()
    exif[0x010F] = "Điện thoại"
    exif.get_ifd(0x8825)[2] = (21.0, 5.0, 0.0)
    out = io.BytesIO()
    image.save(out, "JPEG", exif=exif)
    return out.getvalue()


def register(page: Page, server: LiveServer) -> None:
    page.goto(f"{server.url}/register")
    page.fill("[name=login]", "0912 345 678")
    send(page)
    page.fill("[name=code]", last_code(server.app))
    page.get_by_role("button", name="Tiếp tục").click()
    page.fill("[name=organisation]", "Hộ rau Demo Bà Mận")
    page.select_option("[name=kind]", "producer")
    page.fill("[name=ward_code]", "Đan Phượng")
    page.fill("[name=name]", "Người Demo")
    page.fill("[name=password]", "mật khẩu đủ dài 2026")
    sound(page)
    send(page)
    expect(page.locator("h1")).to_have_text("Hồ sơ đăng ký")
    sound(page)
    page.get_by_role("link", name="Bắt đầu ghi chép").click()
    expect(page.locator("h1")).to_have_text(re.compile("Hôm nay"))


def prepare_catalogue(page: Page, url: str) -> None:
    page.goto(f"{url}/producer/places/new")
    page.fill("[name=name]", "Ruộng Demo ven đê")
    page.fill("[name=ward_code]", "Đan Phượng")
    page.fill("[name=area_m2]", "720")
    send(page)
    page.goto(f"{url}/producer/products/new")
    page.fill("[name=name]", "Cải ngọt Demo")
    page.fill("[name=net_weight]", "0,3")
    page.fill("[name=shelf_life_days]", "4")
    send(page)
    expect(page.locator("h1")).to_contain_text("Cải ngọt Demo")


def grow(page: Page, url: str) -> str:
    """Sows, sprays and harvests; returns the address of the new lot's page."""
    page.goto(f"{url}/producer/cycles/new/sowing")
    page.select_option("[name=product]", label="Cải ngọt Demo")
    page.select_option("[name=place]", label="Ruộng Demo ven đê")
    page.fill("[name=when]", local(30))
    sound(page)
    send(page)
    expect(page.locator("h1")).to_contain_text("Cải ngọt Demo")
    cycle = page.url.split("?")[0]

    page.goto(f"{cycle}/diary/spraying")
    page.fill("[name='inputs-0-name']", "Thuốc sinh học Demo")
    page.fill("[name='inputs-0-amount']", "20")
    page.select_option("[name='inputs-0-unit']", "ml")
    page.fill("[name='inputs-0-interval_days']", "7")
    page.fill("[name=when]", local(12.05))  # as long before the harvest, at any hour
    send(page)
    # Sent without leaving the page: whoever goes on at once takes the answer's place.
    expect(page).to_have_url(re.compile(r"/producer/cycles/\d+(\?.*)?$"))

    page.goto(f"{cycle}/harvest")
    page.fill("[name=quantity]", "48,5")
    page.fill("[name=when]", local(0.05))
    page.locator("details summary").first.click()
    page.set_input_files(
        "[name=photos]", {"name": "anh.jpg", "mimeType": "image/jpeg", "buffer": picture()}
    )
    send(page)
    expect(page.locator("h1")).to_contain_text("Cải ngọt Demo")
    sound(page)
    return page.url.split("?")[0]


def print_labels(page: Page, lot: str, folder: Path) -> list[str]:
    """Makes an A4 sheet, rasters it as a printer would, and reads every code on it."""
    labels = lot.replace("/batches/", "/labels/")
    page.goto(labels)
    page.fill("[name=count]", "5")
    sound(page)
    fields = page.evaluate(
        "() => Object.fromEntries(new FormData(document.querySelector('main form')))"
    )
    answer = page.request.post(labels, form=fields)
    assert answer.headers["content-type"] == "application/pdf"
    sheet = folder / "sheet.pdf"
    sheet.write_bytes(answer.body())
    subprocess.run(
        ["pdftoppm", "-r", "200", "-png", str(sheet), str(folder / "sheet")],
        check=True,
    )
    [raster] = folder.glob("sheet*.png")
    return [found.text for found in zxingcpp.read_barcodes(Image.open(raster))]


@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_a_farmer_harvests_prints_and_a_stranger_reads_the_whole_history(
    page: Page, live_server: LiveServer, tmp_path: Path
) -> None:
    with live_server.app.app_context():
        platform.initialise(at=clock.now())
        db.session.commit()
    with no_complaints(page):
        register(page, live_server)
        prepare_catalogue(page, live_server.url)
        lot = grow(page, live_server.url)
        codes = print_labels(page, lot, tmp_path)
    assert len(codes) == 5
    assert len(set(codes)) == 1
    with live_server.app.app_context():
        run_pending()

    stranger = page.context.browser
    assert stranger is not None
    phone = stranger.new_context(
        viewport={"width": 360, "height": 640}, locale="vi-VN", java_script_enabled=True
    )
    scan = phone.new_page()
    with no_complaints(scan):
        answer = scan.goto(codes[0].replace("HTTP://", "http://"))
        assert answer is not None
        assert answer.status == 200
        assert "/t/" in scan.url
        body = scan.locator("body").inner_text()
        for words in (
            "Cải ngọt Demo",
            "Hộ rau Demo Bà Mận",
            "chưa được xác nhận",
            "không thay kiểm nghiệm",
            "Phun lần cuối 12 ngày trước thu hoạch (nhãn yêu cầu 7)",
            "Bạn quét mã này",
            "Thu hoạch",
            "Thuốc sinh học Demo",
            "Gieo",
            "chưa khai báo",
        ):
            assert words in body, words
        assert "0912" not in body
        assert "Người Demo" not in body
        sound(scan)
        assert scan.context.cookies() == []
        scan.goto(scan.url + "?lang=en")
        assert "Last sprayed 12 days before harvest" in scan.locator("body").inner_text()
        assert violations(scan) == []
    photo = scan.locator("img, a[href*='/photos/']").count()
    assert photo > 0
    phone.close()

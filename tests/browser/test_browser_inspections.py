"""An inspector on a farm without a network: the day opens, a visit is kept, and is sent once."""

from __future__ import annotations

from datetime import timedelta

import pytest
from playwright.sync_api import FilePayload, Page, expect
from sqlalchemy import select

from tests.support.cut_network import cut_network
from tests.support.farms import make_farm
from tests.support.field_phone import KEPT_PAGE, sound
from tests.support.members import sign_in
from tests.support.photos import a_photo
from tests.support.recalls import supervisor
from tests.support.server import LiveServer
from trace import clock
from trace.core.gs1 import format_code
from trace.extensions import db
from trace.models import InspectionEvent
from trace.web.access import COOKIE

pytestmark = pytest.mark.notebook


def test_a_visit_written_without_a_network_is_sent_once_with_its_photo(
    page: Page, live_server: LiveServer
) -> None:
    app = live_server.app
    with app.app_context():
        farm = make_farm(clock.now() - timedelta(days=20))
        lot = farm.wait(15).reap(farm.sow())
        farm.organisation.ward_code = "09895"
        db.session.commit()
        code, name = format_code(lot.rpartition("/")[2]), farm.organisation.name
    member = supervisor(app, "01")
    token = sign_in(app, app.test_client(), member)
    page.set_viewport_size({"width": 360, "height": 640})
    with cut_network(live_server.url) as network:
        page.context.add_cookies([{"name": COOKIE, "value": token, "url": network.url}])
        page.goto(f"{network.url}/inspection/inspections/new")
        page.fill("[name=lots]", code)
        page.select_option("[name=check_list]", "farm")
        page.get_by_role("button", name="Lên kế hoạch").click()
        expect(page.get_by_text("Đã lên kế hoạch.")).to_be_visible()
        case = int(page.url.rpartition("/")[2])
        visit = f"/inspection/inspections/{case}/visit"
        page.goto(f"{network.url}/inspection/today")
        page.evaluate(KEPT_PAGE, [visit, ""])
        page.evaluate(KEPT_PAGE, ["/inspection/today", ""])

        network.mode = "down"
        page.goto(f"{network.url}/inspection/today")
        expect(page.get_by_text("Trang này được giữ trong máy")).to_be_visible()
        expect(page.get_by_role("link", name=name)).to_be_visible()
        page.get_by_role("link", name="Kiểm tra tại chỗ").click()
        page.locator("[name='items-0-answer'][value=no]").check()
        page.fill("[name=note]", "Nhật ký dừng từ tuần trước")
        photo = FilePayload(name="vuon.jpg", mimeType="image/jpeg", buffer=a_photo(2400, 1600))
        page.set_input_files("[name=photos]", photo)
        page.get_by_role("button", name="Ghi và ký").click()
        expect(page.get_by_text("Đã giữ trong máy")).to_be_visible()
        expect(page).to_have_url(f"{network.url}/inspection/today")
        expect(page.locator(".outbox-line")).to_contain_text("chờ 1")
        sound(page)

        # A page that was never kept says so, and leads back to the inspector's own day.
        page.goto(f"{network.url}/inspection/rules/")
        expect(page.get_by_role("heading", level=1)).to_have_text("Chưa có mạng")
        page.get_by_role("link", name="Về Hôm nay").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Hôm nay đi kiểm tra")
        page.get_by_role("link", name="chờ 1").click()
        expect(page.locator(".tag.wait").get_by_text("Chờ gửi")).to_be_visible()
        sound(page)

        # The first answer is lost on its way: the phone sends again, and nothing is told twice.
        network.mode = "cut"
        with page.expect_event("requestfailed", lambda asked: asked.method == "POST"):
            page.get_by_role("button", name="Gửi ngay").click()
        network.mode = "up"
        page.goto(f"{network.url}/inspection/outbox/")
        expect(page.get_by_text("Không có việc nào chờ gửi")).to_be_visible()
        page.get_by_role("link", name="Hôm nay").first.click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Hôm nay đi kiểm tra")
        page.goto(f"{network.url}/inspection/inspections/{case}")
        expect(page.get_by_text("Nhật ký dừng từ tuần trước")).to_have_count(1)
        expect(page.get_by_role("img", name="Ảnh 1")).to_be_visible()
        assert network.cut >= 1
    with app.app_context():
        told = select(InspectionEvent.part).where(InspectionEvent.inspection_id == case)
        assert db.session.scalars(told).all() == ["visit"]

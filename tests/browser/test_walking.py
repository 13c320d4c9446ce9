"""A plot walked with a phone that has no signal, drawn on its screen, and mended when refused."""

from __future__ import annotations

from collections.abc import Iterator
from math import cos, pi, sin

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import select

from tests.support.browser import no_complaints
from tests.support.field_phone import KEPT_PAGE, Field, field_phone, sound
from tests.support.server import LiveServer
from trace.extensions import db
from trace.models import Place

pytestmark = pytest.mark.notebook

MIDDLE = (21.0931, 105.6711)
NEW = "/producer/places/new"


@pytest.fixture
def field(live_server: LiveServer, page: Page) -> Iterator[Field]:
    with field_phone(live_server.app, live_server.url, page) as phone:
        phone.page.context.grant_permissions(["geolocation"], origin=phone.url)
        yield phone


def stand(page: Page, step: float, accuracy: float = 4, points: int = 0) -> None:
    """The phone is at `step` of sixteen around the plot; waits until so many points are told."""
    turn = 2 * pi * step / 16
    where = {
        "latitude": MIDDLE[0] + 0.0003 * sin(turn),
        "longitude": MIDDLE[1] + 0.0003 * cos(turn),
        "accuracy": accuracy,
    }
    page.context.set_geolocation(where)  # type: ignore[arg-type]
    if points:
        expect(page.locator("[data-measure]")).to_contain_text(f"{points} điểm")


def places(field: Field, name: str) -> list[Place]:
    with field.console.app.app_context():
        rows = list(db.session.scalars(select(Place).where(Place.name == name)))
        for row in rows:
            assert row.outline != ""  # read while there is a session
        return rows


def test_a_plot_is_walked_without_a_network_and_sent_with_one(field: Field) -> None:
    page = field.page
    field.prepare()
    page.evaluate(KEPT_PAGE, [NEW, "data-outline"])
    field.network.mode = "down"
    page.goto(field.url + NEW)
    page.fill("#f-name", "Vườn đi vòng")
    stand(page, 0)
    page.get_by_role("button", name="Đi vòng quanh").click()
    expect(page.locator("[data-measure]")).to_contain_text("1 điểm")
    for step in range(1, 7):
        stand(page, step, points=step + 1)
    stand(page, 7, accuracy=60)
    expect(page.locator("[data-said]")).to_contain_text("chưa ghi")
    page.get_by_role("button", name="Tạm dừng").click()
    stand(page, 9)  # to the well and back: not on the border
    expect(page.locator("[data-measure]")).to_contain_text("7 điểm")
    stand(page, 7)
    page.get_by_role("button", name="Đi tiếp").click()
    expect(page.locator("[data-measure]")).to_contain_text("8 điểm")
    for step in range(8, 16):
        stand(page, step, points=step + 1)
    page.get_by_role("button", name="Bỏ điểm cuối").click()
    expect(page.locator("[data-measure]")).to_contain_text("15 điểm")
    page.get_by_role("button", name="Xong").click()
    expect(page.locator("[data-said]")).to_contain_text("Đã ghi ranh giới")
    sound(page)
    page.get_by_role("button", name="Lưu").click()
    expect(page.get_by_text("Đã giữ trong máy")).to_be_visible()
    assert places(field, "Vườn đi vòng") == []
    field.network.mode = "up"
    field.send_all()
    (one,) = places(field, "Vườn đi vòng")
    assert (one.outline_source, one.outline_accuracy) == ("walked", 4)
    # Fifteen of sixteen corners of a circle 33 m by 31 m across its half.
    assert 3000 < float(one.outline_area or 0) < 3300
    assert (one.outline or "").count("],[") == 14


def test_a_plot_is_drawn_and_a_refused_one_is_mended_where_it_was_typed(field: Field) -> None:
    page = field.page
    field.sign_in()
    page.goto(field.url + NEW)
    with no_complaints(page):
        page.fill("#f-name", "Vườn vẽ")
        page.get_by_role("button", name="Vẽ trên màn hình").click()
        page.locator("[data-plan]").scroll_into_view_if_needed()
        box = page.locator("[data-plan]").bounding_box()
        assert box is not None
        for x, y in ((60, 60), (200, 60), (220, 200), (60, 200)):
            page.mouse.click(box["x"] + x, box["y"] + y)
        before = page.locator("[data-measure]").inner_text()
        page.mouse.move(box["x"] + 220, box["y"] + 200)
        page.mouse.down()
        page.mouse.move(box["x"] + 205, box["y"] + 190, steps=3)
        page.mouse.up()
        expect(page.locator("[data-measure]")).to_contain_text("4 điểm")
        assert page.locator("[data-measure]").inner_text() != before
        page.get_by_role("button", name="Lưu").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Vườn vẽ")
        sound(page)
    assert places(field, "Vườn vẽ")[0].outline_source == "drawn"

    page.goto(field.url + NEW)
    page.fill("#f-name", "Vườn đảo")
    page.fill("#f-ward_code", "Phượng")
    page.get_by_text("Dán toạ độ hoặc chọn tệp", exact=True).click()
    page.fill("#f-outline", "105.671, 21.093\n105.672, 21.093\n105.672, 21.094\n105.671, 21.093")
    page.get_by_role("button", name="Lưu").click()
    expect(page.locator(".error-summary")).to_contain_text("đổi chỗ")
    page.locator("[name=meant_ward_code]").first.check()
    page.get_by_label("Đổi chỗ vĩ độ và kinh độ").check()
    page.get_by_role("button", name="Lưu").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Vườn đảo")
    (one,) = places(field, "Vườn đảo")
    assert one.west == pytest.approx(105.671)

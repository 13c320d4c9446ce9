"""The farm's part of the page "today"."""

from __future__ import annotations

from datetime import datetime

import pytest
from flask import Flask

from tests.support.fields import Console, open_console
from tests.support.members import make_member, sign_in
from tests.support.pages import PageClient

TODAY = "/producer/today"


@pytest.fixture
def console(app: Flask, pages: PageClient, now: datetime) -> Console:
    return open_console(app, pages)


def test_the_last_entry_is_offered_again_and_the_harvest_told_to_wait(console: Console) -> None:
    form = console.pages.get("/producer/cycles/new/sowing")
    console.pages.submit(form, {"product": str(console.greens), "when": "2026-11-01T07:00"})
    (cycle,) = console.things("cycle")
    spray = console.pages.get(f"/producer/cycles/{cycle}/diary/spraying")
    console.pages.submit(spray, {"inputs-0-name": "Thuốc Demo", "inputs-0-interval_days": "7"})
    page = console.pages.get(TODAY)
    assert "Cải ngọt: chưa nên thu hoạch trước 29/11/2026" in page.text
    label = next(text for text in page.texts("//a") if text.startswith("Ghi lại: Phun thuốc"))
    again = console.pages.get(page.link(label))
    assert again.form().fields["inputs-0-name"] == "Thuốc Demo"
    assert "Đã ghi gần đây" in page.text


def test_goods_on_their_way_are_told_first(console: Console, app: Flask) -> None:
    client = app.test_client()
    sign_in(app, client, make_member(app, name="Cửa hàng Minh họa", kind="retailer"))
    lot = console.lot("10")
    form = console.pages.get(f"/producer/shipments/new?thing={lot}")
    console.pages.submit(form, {"taker": "Cửa hàng Minh họa"})
    shop = PageClient(client)
    assert "1 chuyến hàng chờ bạn nhận" in shop.get(TODAY).text
    assert "chuyến hàng chờ" not in console.pages.get(TODAY).text


def test_a_new_organisation_sees_no_empty_lists(console: Console) -> None:
    page = console.pages.get(TODAY)
    assert "Đã ghi gần đây" not in page.text
    assert console.pages.get(TODAY, query_string={"lang": "en"}).h1

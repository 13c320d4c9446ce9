"""The first page of a working day: the last work by one press, what grows, what arrives."""

from __future__ import annotations

from datetime import datetime

import pytest
from flask import Flask

from tests.support.fields import Console, open_console
from tests.support.pages import PageClient

pytestmark = pytest.mark.one_database

TODAY = "/producer/today"


@pytest.fixture
def console(app: Flask, pages: PageClient, now: datetime) -> Console:
    return open_console(app, pages)


def test_nothing_grows_before_anything_is_sown(console: Console) -> None:
    page = console.pages.get(TODAY)
    assert page.h1 == "Hôm nay"
    assert "Đang trồng" not in page.text
    assert "Ghi lại" not in page.text


def test_the_last_work_is_repeated_by_one_press(console: Console) -> None:
    told = {"product": str(console.greens), "place": str(console.plot)}
    pages = console.pages
    pages.submit(pages.get("/producer/cycles/new/sowing"), told)
    (cycle,) = console.things("cycle")
    sown = pages.get(TODAY)
    assert "Cải ngọt" in sown.text
    assert "Ghi lại" not in sown.text  # a sowing is not repeated
    pages.submit(pages.get(f"/producer/cycles/{cycle}/diary/irrigating"), {})
    page = pages.get(TODAY)
    again = pages.get(page.link("Ghi lại: Tưới · Vườn B2"))
    assert again.address.endswith(f"/producer/cycles/{cycle}/diary/irrigating")
    assert "Record again" in pages.get(TODAY + "?lang=en").text

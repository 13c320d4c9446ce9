"""Paper pages: a code per planting, several lines typed in at once, consent to be signed."""

from __future__ import annotations

from datetime import datetime

import pytest
from flask import Flask

from tests.support.evenings import POSTED, sow_for, village
from tests.support.fields import Console, open_console
from tests.support.members import make_member, sign_in
from tests.support.pages import PageClient


@pytest.fixture
def console(app: Flask, pages: PageClient, now: datetime) -> Console:
    made = open_console(app, pages)
    village(made, 2)
    sow_for(made)
    return made


def typing(console: Console) -> str:
    page = console.pages.get("/producer/paper/")
    code = page.texts("//*[@class='page']//*[@class='code']")[0].replace("-", "")
    return f"/producer/paper/{code}"


LINES = {
    "lines-0-when": "2026-11-21T07:30",
    "lines-0-step": "spraying",
    "lines-0-name": "Thuốc Demo 10EC",
    "lines-0-amount": "0,3",
    "lines-0-unit": "lít",
    "lines-0-interval_days": "7",
    "lines-1-when": "20/11/2026 06:00",
    "lines-1-step": "irrigating",
}


def test_every_planting_has_a_page_with_its_code(console: Console) -> None:
    page = console.pages.get("/producer/paper/")
    assert len(page.find("//*[@class='page']//*[local-name()='svg']")) >= 2
    assert "Hộ H22" in page.text


def test_lines_of_a_page_become_events_at_their_own_times(console: Console) -> None:
    form = console.pages.get(typing(console))
    console.pages.submit(form, LINES, which=POSTED)
    watered, sprayed = console.events()[-2:]
    assert (watered.step, sprayed.step) == ("irrigating", "spraying")
    assert sprayed.document["eventTime"] == "2026-11-21T07:30:00+07:00"
    assert sprayed.document["trace:performedBy"] == watered.document["trace:performedBy"] == "H22"
    assert sprayed.document["trace:recordedBy"].startswith("https://trace.example/o/")
    assert sprayed.document["trace:inputs"][0]["intervalDays"] == 7


def test_a_wrong_line_is_named_and_nothing_is_recorded(console: Console) -> None:
    before = len(console.events())
    told = {**LINES, "lines-0-name": "", "lines-1-when": "hôm qua"}
    page = console.pages.submit(console.pages.get(typing(console)), told, which=POSTED, status=400)
    assert page.texts("//*[@id='e-lines-0-name']") != []
    assert page.texts("//*[@id='e-lines-1-when']") != []
    assert page.form(POSTED).fields["lines-1-when"] == "hôm qua"
    assert len(console.events()) == before


def test_an_unknown_code_and_another_organisations_planting_are_not_found(
    app: Flask, console: Console, pages: PageClient
) -> None:
    address = typing(console)
    pages.get("/producer/paper/7K3QMP2XV5", status=404)
    sign_in(app, pages.client, make_member(app))
    assert pages.client.get(address).status_code == 404


def test_a_sheet_of_consent_names_what_is_recorded_and_the_law(console: Console) -> None:
    page = console.pages.get("/producer/paper/consent")
    for words in ("H21", "91/2025/QH15", "Thửa H21", "ký, ghi rõ họ tên", "không công khai"):
        assert words in page.text


def test_an_evening_prints_diary_pages_of_each_household_and_labels(console: Console) -> None:
    console.lot()
    page = console.pages.get("/producer/tonight/")
    assert "Nhật ký · Hộ H21" in page.text
    assert page.find("//img[contains(@src, '/producer/labels/')]")
    empty = console.pages.get("/producer/tonight/?day=2026-10-01")
    assert "Hôm nay chưa ghi gì" in empty.text

"""A co-operative's evening: one job of many households, by one press."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

import pytest
from flask import Flask

from tests.support.evenings import POSTED, send, sow_for, village
from tests.support.fields import Console, errors, open_console
from tests.support.pages import PageClient

SPRAY = "/producer/group/spraying"
CODES = [f"H{n}" for n in range(21, 27)]
USED = {
    "inputs-0-name": "Thuốc Demo 10EC",
    "inputs-0-amount": "0,2",
    "inputs-0-unit": "lít",
    "inputs-0-per": "sao",
    "inputs-0-interval_days": "7",
}


@pytest.fixture
def console(app: Flask, pages: PageClient, now: datetime) -> Console:
    made = open_console(app, pages)
    village(made, 6)
    return made


def test_one_press_sows_on_every_household_s_plot(console: Console) -> None:
    sow_for(console)
    events = console.events()
    assert len(events) == 6
    assert sorted(one.document["trace:performedBy"] for one in events) == CODES
    assert {one.document["ilmd"]["trace:area"]["value"] for one in events} == {360, 720}
    assert len({one.document["readPoint"]["id"] for one in events}) == 6
    assert len(console.things("cycle")) == 6


def test_plots_that_are_sown_are_not_ticked_again(console: Console) -> None:
    sow_for(console)
    page = console.pages.get("/producer/group/sowing")
    (only,) = page.find("//input[@name='chosen'][@checked]")
    assert "Vườn B2" in "".join(only.getnext().itertext())


def test_amounts_an_area_are_shared_out_and_shown_before_anything_is_recorded(
    console: Console,
) -> None:
    sow_for(console)
    form = console.pages.get(SPRAY)
    page = send(console, form, {**USED, "more": "preview"})
    assert "Thuốc Demo 10EC: 0,2 lít" in page.text
    assert "Thuốc Demo 10EC: 0,4 lít" in page.text
    assert "Lượng cần lấy ra" in page.text
    assert len(console.events()) == 6
    send(console, page, {})
    told = console.events()[6:]
    amounts = {
        one.document["trace:performedBy"]: one.document["trace:inputs"][0]["amount"] for one in told
    }
    assert amounts["H21"] == 0.2
    assert amounts["H22"] == 0.4
    assert {one.document["trace:inputs"][0]["intervalDays"] for one in told} == {7}
    assert sorted(amounts) == CODES


def test_who_was_unticked_is_left_out(console: Console) -> None:
    sow_for(console)
    form = console.pages.get(SPRAY)
    keys = [box.get("value") for box in form.find("//input[@name='chosen']")]
    send(console, form, {**USED, "chosen": keys[1:]})
    assert len(console.events()) == 6 + 5


def test_a_hamlet_is_chosen_by_the_filter(console: Console) -> None:
    sow_for(console)
    page = console.pages.get(SPRAY + "?hamlet=Thôn+Hạ")
    assert len(page.find("//input[@name='chosen']")) == 3
    send(console, page, USED)
    assert [one.document["trace:performedBy"] for one in console.events()[6:]] == [
        "H22",
        "H24",
        "H26",
    ]


def test_an_amount_for_all_is_divided_by_area(console: Console) -> None:
    sow_for(console)
    form = console.pages.get(SPRAY)
    told = {**USED, "inputs-0-amount": "9", "inputs-0-per": "total"}
    send(console, form, told)
    amounts = [
        Decimal(str(one.document["trace:inputs"][0]["amount"])) for one in console.events()[6:]
    ]
    assert sum(amounts) == 9
    assert sorted(amounts) == [1, 1, 1, 2, 2, 2]


def test_a_planting_without_an_area_is_named_and_nothing_is_recorded(
    app: Flask, console: Console
) -> None:
    village(console, 1, first=41, area=None)
    sow_for(console)
    page = send(console, console.pages.get(SPRAY), USED, status=400)
    assert "H41" in errors(page)["inputs-0-per"]
    assert len(console.events()) == 7
    assert page.form(POSTED).fields["inputs-0-name"] == "Thuốc Demo 10EC"


def test_nobody_ticked_is_asked_again_with_everything_typed(console: Console) -> None:
    sow_for(console)
    form = console.pages.get(SPRAY)
    page = send(console, form, {**USED, "chosen": None}, status=400)
    assert "Chọn ít nhất một" in errors(page)["chosen"]
    assert page.form(POSTED).fields["inputs-0-amount"] == "0,2"


def test_another_organisations_planting_is_not_a_choice(console: Console) -> None:
    sow_for(console)
    form = console.pages.get(SPRAY)
    fields = form.form(POSTED).filled(USED)
    response = console.pages.client.post(SPRAY, data={**fields, "chosen": ["99999"]})
    assert response.status_code == 400
    assert len(console.events()) == 6


def test_the_same_form_sent_twice_records_once(console: Console) -> None:
    sow_for(console)
    form = console.pages.get(SPRAY)
    send(console, form, USED)
    send(console, form, USED)
    assert len(console.events()) == 12


def test_the_page_of_a_household_s_planting_says_who_wrote_for_whom(console: Console) -> None:
    sow_for(console)
    send(console, console.pages.get(SPRAY), USED)
    pages = [console.pages.get(f"/producer/cycles/{one}").text for one in console.things("cycle")]
    assert ["HTX Minh họa ghi thay hộ H21" in page for page in pages].count(True) == 1


def test_an_unknown_job_is_not_found(console: Console) -> None:
    console.pages.get("/producer/group/mining", status=404)


@pytest.mark.parametrize("language", ["vi", "en"])
def test_every_page_of_an_evening_opens(console: Console, language: str) -> None:
    sow_for(console)
    for address in (
        "/producer/group/",
        SPRAY,
        "/producer/group/sowing",
        "/producer/group/weeding",
        "/producer/paper/",
        "/producer/paper/consent",
        "/producer/tonight/",
        "/producer/weighing/",
        "/producer/weighing/new",
    ):
        console.pages.get(f"{address}?lang={language}")

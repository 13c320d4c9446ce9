"""Two hundred households: sprayed within five minutes, weighed within ten.

The server's time is measured; people's time is counted: reading a page 15 s, a box 5 s, a press
2 s. A weight is counted by keys, as the keystroke-level model for phones has them for practised
people (Holleis and others, CHI 2007): 0.39 s a key on the keypad, 0.36 s for a look from the phone
to the paper and as much back. It is four keys where the comma is left out (245 and "next", as
counted in tests/browser/test_weighing_by_thumb.py); with the comma it would be five, and the
evening two seconds too long.
"""

from __future__ import annotations

from datetime import datetime
from time import perf_counter

import pytest
from flask import Flask

from tests.support.evenings import POSTED, send, sow_for, village
from tests.support.fields import Console, open_console
from tests.support.pages import PageClient

READING, BOX, PRESS = 15.0, 5.0, 2.0
KEY, LOOK, KEYS = 0.39, 0.36, 4
WEIGHT = KEYS * KEY + 2 * LOOK
HOUSEHOLDS = 200


@pytest.fixture
def console(app: Flask, pages: PageClient, now: datetime) -> Console:
    made = open_console(app, pages)
    village(made, HOUSEHOLDS, first=100)
    sow_for(made)
    return made


@pytest.mark.long  # minutes of people's time are counted, seconds of the server's measured
@pytest.mark.one_database
def test_two_hundred_households_are_sprayed_in_five_minutes_and_weighed_in_ten(
    console: Console,
) -> None:
    began = perf_counter()
    form = console.pages.get("/producer/group/spraying")
    used = {
        "inputs-0-name": "Thuốc Demo 10EC",
        "inputs-0-amount": "0,2",
        "inputs-0-per": "sao",
        "inputs-0-interval_days": "7",
    }
    shown = send(console, form, {**used, "more": "preview"})
    unticked = [box.get("value") for box in shown.find("//input[@name='chosen'][@checked]")][5:]
    send(console, shown, {"chosen": unticked})
    machine = perf_counter() - began
    people = 3 * READING + len(used) * BOX + 5 * PRESS + 2 * PRESS
    assert len([one for one in console.events() if one.step == "spraying"]) == HOUSEHOLDS - 5
    assert machine + people <= 300

    began = perf_counter()
    page = console.pages.submit(
        console.pages.get("/producer/weighing/new"), {"product": str(console.greens)}
    )
    names = [box.get("name") for box in page.find("//input[@class='input weight']")]
    token = page.form(POSTED).fields["csrf_token"]
    saving = perf_counter()
    for place, name in enumerate(names):  # each line is kept as soon as it is typed
        answer = console.pages.client.post(
            f"{page.address}/lines", data={"csrf_token": token, name: f"{20 + place % 9},5"}
        )
        assert answer.status_code == 200
    saving = perf_counter() - saving
    assert saving < len(names) * WEIGHT  # it is done while the next weight is typed
    page = send(console, console.pages.get(page.address), {"finish": "yes"})
    page = console.pages.submit(page, {})
    machine = perf_counter() - began - saving
    people = 4 * READING + len(names) * WEIGHT + 4 * PRESS
    (lot,) = console.things("lot")
    assert f"/producer/batches/{lot}" in page.address
    assert machine + people <= 600

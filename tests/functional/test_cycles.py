"""A season as a farmer records it: beginning, diary, "not used", harvest."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import event as listening

from tests.support.fields import Console, errors, open_console
from tests.support.pages import PageClient
from trace.extensions import db

NEW = "/producer/cycles/new/sowing"


@pytest.fixture
def console(app: Flask, pages: PageClient, now: datetime) -> Console:
    return open_console(app, pages)


def begin(console: Console, **entries: Any) -> int:
    told = {"product": str(console.greens), "place": str(console.plot), **entries}
    console.pages.submit(console.pages.get(NEW), told)
    return console.things("cycle")[-1]


def test_the_empty_list_says_what_a_cycle_is_and_leads_to_the_first(console: Console) -> None:
    page = console.pages.get("/producer/cycles/")
    assert "Chưa có vụ nào" in page.text
    choice = console.pages.get(page.link("Bắt đầu vụ mới"))
    assert "Bạn vừa làm gì?" in choice.text


def test_a_sowing_is_signed_with_its_plot_variety_and_household(console: Console) -> None:
    cycle = begin(
        console, variety="Cọng xanh", area="1,5", area_unit="sao", household=str(console.household)
    )
    (line,) = console.events()
    document = line.document
    assert document["bizStep"] == "trace:sowing"
    assert document["eventTimeZoneOffset"] == "+07:00"
    assert document["ilmd"]["trace:area"] == {"value": 1.5, "unit": "sao"}
    assert document["trace:performedBy"] == "H12"
    assert document["trace:recordedBy"].startswith("https://trace.example/o/")
    assert document["readPoint"]["id"].startswith("https://trace.example/l/")
    assert line.index is not None
    page = console.pages.get(f"/producer/cycles/{cycle}")
    assert page.h1.startswith("Cải ngọt · ")
    for words in ("Vườn B2", "Cọng xanh", "1,5 sào Bắc Bộ (540 m²)", "ghi thay hộ H12"):
        assert words in page.text


@pytest.mark.parametrize("beginning", ["transplanting", "flock", "pond"])
def test_everything_that_can_begin_has_a_form(console: Console, beginning: str) -> None:
    form = console.pages.get(f"/producer/cycles/new/{beginning}")
    console.pages.submit(form, {"product": str(console.herbs), "quantity": "500"})
    (line,) = console.events()
    expected = "transplanting" if beginning == "transplanting" else "commissioning"
    assert line.step == expected


def test_what_can_not_begin_is_not_found(console: Console) -> None:
    console.pages.get("/producer/cycles/new/mining", status=404)


def test_a_spraying_warns_until_the_label_allows_the_harvest(console: Console) -> None:
    cycle = begin(console)
    form = console.pages.get(f"/producer/cycles/{cycle}/diary/spraying")
    entries = {
        "inputs-0-name": "Thuốc Demo 10EC",
        "inputs-0-amount": "0,25",
        "inputs-0-interval_days": "7",
        "inputs-0-active_ingredient": "hoạt chất demo",
    }
    page = console.pages.submit(form, entries)
    assert "Chưa nên thu hoạch trước 29/11/2026" in page.text
    (used,) = console.events()[-1].document["trace:inputs"]
    assert used["intervalDays"] == 7
    assert used["amount"] == 0.25
    assert used["unit"] == "lít"


def test_the_next_entry_of_a_kind_begins_with_the_last(console: Console) -> None:
    cycle = begin(console)
    address = f"/producer/cycles/{cycle}/diary/fertilising"
    told = {"inputs-0-name": "Phân hữu cơ Demo", "inputs-0-amount": "20"}
    console.pages.submit(console.pages.get(address), told)
    again = console.pages.get(address).form().fields
    assert again["inputs-0-name"] == "Phân hữu cơ Demo"
    assert again["inputs-0-amount"] == "20"
    assert again["place"] == str(console.plot)


def test_more_lines_are_asked_for_without_recording_anything(console: Console) -> None:
    cycle = begin(console)
    form = console.pages.get(f"/producer/cycles/{cycle}/diary/fertilising")
    page = console.pages.submit(form, {"inputs-0-name": "Phân A", "more": "inputs"})
    assert page.form().fields["inputs-0-name"] == "Phân A"
    assert "inputs-3-name" in page.form().names
    assert len(console.events()) == 1


def test_an_entry_that_is_sent_reads_no_earlier_entry(console: Console) -> None:
    cycle = begin(console)
    page = console.pages.get(f"/producer/cycles/{cycle}/diary/irrigating")
    opened: list[str] = []

    def note(_c: Any, _cur: Any, statement: str, *_: Any) -> None:
        # Whoever reads an event reads its statement: every reading of a history does.
        if statement.startswith("SELECT") and "events.jwt" in statement:
            opened.append(statement)

    with console.app.app_context():
        engine = db.engine
    listening.listen(engine, "before_cursor_execute", note)
    try:
        form = page.form()
        answer = console.pages.client.post(form.action, data=form.filled({}))
        assert opened == []
        console.pages.get(f"/producer/cycles/{cycle}/diary/irrigating")
        assert opened  # the empty form is filled from the last entry
    finally:
        listening.remove(engine, "before_cursor_execute", note)
    assert answer.status_code == 303


def test_a_treatment_without_anything_used_is_asked_again(console: Console) -> None:
    cycle = begin(console)
    form = console.pages.get(f"/producer/cycles/{cycle}/diary/spraying")
    page = console.pages.submit(form, {}, status=400)
    assert "Chọn ít nhất một" in " ".join(errors(page).values())


def test_declaring_that_nothing_was_used_is_a_line_of_its_own(console: Console) -> None:
    cycle = begin(console)
    form = console.pages.get(f"/producer/cycles/{cycle}/none")
    page = console.pages.submit(form, {"kinds": ["pesticide", "fertiliser"]})
    assert console.events()[-1].document["trace:declaredNone"] == ["fertiliser", "pesticide"]
    assert "Khai: không dùng" in page.text
    assert "phân bón, thuốc bảo vệ thực vật" in page.text


def test_a_harvest_makes_a_lot_that_can_be_labelled_at_once(console: Console) -> None:
    cycle = begin(console, variety="Cọng xanh")
    form = console.pages.get(f"/producer/cycles/{cycle}/harvest")
    page = console.pages.submit(
        form, {"quantity": "4,8", "unit": "ta", "lot": "L2611", "use_by": "2026-11-26"}
    )
    line = console.events()[-1]
    assert line.document["outputQuantityList"] == [
        {
            "epcClass": "https://trace.example/01/08936012340013/10/L2611",
            "quantity": 480,
            "uom": "KGM",
        }
    ]
    assert line.document["ilmd"]["cbvmda:harvestStartDate"] == "2026-11-22"
    assert line.document["ilmd"]["trace:variety"] == "Cọng xanh"
    assert page.h1 == "Cải ngọt · L2611"
    assert "480 kg" in page.text
    assert "26/11/2026" in page.text


def test_a_harvest_sooner_than_the_label_allows_is_recorded_and_marked(console: Console) -> None:
    cycle = begin(console, when="2026-11-01T06:00")
    spray = console.pages.get(f"/producer/cycles/{cycle}/diary/spraying")
    told = {
        "inputs-0-name": "Thuốc Demo",
        "inputs-0-interval_days": "7",
        "when": "2026-11-20T06:00",
    }
    console.pages.submit(spray, told)
    form = console.pages.get(f"/producer/cycles/{cycle}/harvest")
    assert "Chưa nên thu hoạch trước 27/11/2026" in form.text
    page = console.pages.submit(form, {"quantity": "10"})
    assert "sớm hơn số ngày nhãn thuốc yêu cầu" in page.text


def test_a_harvest_before_its_cycle_is_recorded_and_marked(console: Console) -> None:
    cycle = begin(console, when="2026-11-10T06:00")
    form = console.pages.get(f"/producer/cycles/{cycle}/harvest")
    page = console.pages.submit(form, {"quantity": "10", "when": "2026-11-01T06:00"})
    assert "Thu hoạch trước khi vụ bắt đầu" in page.text
    assert "Ghi muộn 21 ngày" in page.text


def test_bad_entries_stand_beside_their_fields_and_nothing_typed_is_lost(console: Console) -> None:
    cycle = begin(console)
    form = console.pages.get(f"/producer/cycles/{cycle}/harvest")
    entries = {
        "quantity": "-5",
        "when": "2026-12-24T08:00",
        "lot": "Lô cải",
        "first_day": "2026-11-20",
        "last_day": "2026-11-19",
        "note": "giữ nguyên",
    }
    page = console.pages.submit(form, entries, status=400)
    told = errors(page)
    assert "nhỏ hơn không" in told["quantity"]
    assert "24/12/2026 08:00" in told["when"]
    assert "LO-CAI" in told["lot"]
    kept = page.form().fields
    assert {name: kept[name] for name in entries} == entries
    assert len(console.events()) == 1


def test_a_number_that_could_mean_two_things_is_asked_about(console: Console) -> None:
    cycle = begin(console)
    form = console.pages.get(f"/producer/cycles/{cycle}/harvest")
    page = console.pages.submit(form, {"quantity": "1.250"}, status=400)
    assert "1250" in errors(page)["quantity"]
    assert "1,25" in errors(page)["quantity"]
    console.pages.submit(page, {"quantity": "1250"})
    assert console.events()[-1].document["outputQuantityList"][0]["quantity"] == 1250


def test_the_same_harvest_sent_twice_is_one_lot(console: Console) -> None:
    cycle = begin(console)
    form = console.pages.get(f"/producer/cycles/{cycle}/harvest")
    first = console.pages.submit(form, {"quantity": "10"})
    again = console.pages.submit(form, {"quantity": "10"})
    assert again.address == first.address
    assert len(console.events()) == 2


def test_another_organisations_place_is_not_a_choice(
    console: Console, app: Flask, pages: PageClient
) -> None:
    form = console.pages.get(NEW)
    entries = {**form.form().fields, "product": str(console.greens), "place": "999"}
    response = console.pages.client.post(NEW, data=entries)
    assert response.status_code == 400
    assert console.events() == []


def test_the_list_is_searched_without_diacritics_and_taken_away(console: Console) -> None:
    begin(console)
    begin(console, product=str(console.herbs))
    page = console.pages.get("/producer/cycles/?q=cai+ngot")
    assert "Cải ngọt" in page.text
    assert "Rau mùi" not in page.text
    answer = console.pages.client.get("/producer/cycles/?format=csv")
    assert answer.mimetype == "text/csv"
    assert "Rau mùi" in answer.get_data(as_text=True)


def test_pages_speak_english_too(console: Console) -> None:
    cycle = begin(console)
    for address in (
        "/producer/cycles/",
        "/producer/cycles/new",
        NEW,
        f"/producer/cycles/{cycle}",
        f"/producer/cycles/{cycle}/harvest",
        f"/producer/cycles/{cycle}/none",
        f"/producer/cycles/{cycle}/diary/spraying",
    ):
        page = console.pages.get(address + "?lang=en")
        assert not set("ăơưđạảấầẩậẻẽếềểễệỉọỏốồổỗộớờởỡợụủứừửữựỳỵỷỹ") & set(
            page.h1.lower().replace("cải ngọt", "")
        )

"""Jobs ahead, late, done; a photo and a sentence; saved entries; weighed units; scanned codes."""

from __future__ import annotations

import io
from datetime import datetime

import pytest
from flask import Flask
from sqlalchemy import select

from tests.support.fields import Console, errors, open_console
from tests.support.members import make_member, sign_in
from tests.support.pages import PageClient
from tests.support.photos import a_photo
from trace.core.labels import qr_png
from trace.extensions import db
from trace.jobs.worker import run_pending
from trace.models import Jotting, Plan, Preset

TODAY = "/producer/today"


@pytest.fixture
def console(app: Flask, pages: PageClient, now: datetime) -> Console:
    return open_console(app, pages)


@pytest.fixture
def cycle(console: Console) -> int:
    told = {"product": str(console.greens), "when": "2026-11-01T07:00"}
    console.pages.submit(console.pages.get("/producer/cycles/new/sowing"), told)
    return console.things("cycle")[0]


def plan(console: Console, cycle: int, due: str, step: str = "spraying", note: str = "") -> None:
    form = console.pages.get(f"/producer/plans/new?thing={cycle}")
    console.pages.submit(form, {"step": step, "due": due, "note": note})


def test_the_day_lists_what_is_late_what_is_for_today_and_what_is_ahead(
    console: Console, cycle: int
) -> None:
    for due, note in (("2026-11-25", "sau"), ("2026-11-21", "trễ"), ("2026-11-22", "nay")):
        plan(console, cycle, due, note=note)
    text = console.pages.get(TODAY).text
    late, today, ahead = (
        text.index(words) for words in ("quá hạn 1 ngày", "hôm nay nay", "còn 3 ngày")
    )
    assert late < today < ahead
    assert "1 day late" in console.pages.get(TODAY + "?lang=en").text


def test_a_plan_is_done_by_recording_it_and_nothing_is_recorded_before(
    console: Console, cycle: int
) -> None:
    plan(console, cycle, "2026-11-22")
    assert [line.step for line in console.events()] == ["sowing"]
    page = console.pages.get(TODAY)
    link = next(one for one in page.root.xpath("//a/@href") if "plan=" in one)
    console.pages.submit(
        console.pages.get(link), {"inputs-0-name": "Thuốc Minh họa", "inputs-0-interval_days": "3"}
    )
    assert [line.step for line in console.events()] == ["sowing", "spraying"]
    with console.app.app_context():
        row = db.session.scalars(select(Plan)).one()
        assert row.event_id == console.events()[-1].event_id
    assert "quá hạn" not in console.pages.get(TODAY).text
    assert "plan=" not in str(console.pages.get(TODAY).root.xpath("//a/@href"))


def test_a_plan_can_be_moved_and_dropped(console: Console, cycle: int) -> None:
    plan(console, cycle, "2026-11-21")
    page = console.pages.get(page_of(console, "Đổi ngày hoặc bỏ"))
    console.pages.submit(page, {"due": "2026-11-30"})
    assert "còn 8 ngày" in console.pages.get(TODAY).text
    page = console.pages.get(page_of(console, "Đổi ngày hoặc bỏ"))
    console.pages.submit(page, {"drop": "yes"})
    assert "còn 8 ngày" not in console.pages.get(TODAY).text
    assert [line.step for line in console.events()] == ["sowing"]


def page_of(console: Console, start: str) -> str:
    page = console.pages.get(TODAY)
    label = next(text for text in page.texts("//a") if text.startswith(start))
    return str(page.link(label))


def test_another_organisations_plan_cycle_and_preset_are_not_there(
    console: Console, cycle: int, app: Flask
) -> None:
    plan(console, cycle, "2026-11-21")
    client = app.test_client()
    sign_in(app, client, make_member(app, name="HTX khác"))
    other = PageClient(client)
    other.get("/producer/plans/1", status=404)
    form = console.pages.get("/producer/plans/new")
    form.form().fields["thing"] = "99999"
    page = console.pages.submit(form, {"thing": "99999", "due": "x", "step": "weeding"}, status=400)
    assert errors(page)
    assert page.form().fields["due"] == "x"  # nothing typed is lost


def test_a_photo_and_a_sentence_become_an_event_with_the_time_of_the_button(
    console: Console, cycle: int
) -> None:
    form = console.pages.get("/producer/plans/jottings/new")
    console.pages.submit(
        form,
        {
            "sentence": "Sâu tơ ăn lá",
            "when": "2026-11-21T06:50",
            "latitude": "21.0931",
            "longitude": "105.6711",
            "photos": (io.BytesIO(a_photo()), "la.jpg"),
        },
    )
    assert len(console.events()) == 1  # private until it is told in full
    assert "Sâu tơ ăn lá" in console.pages.get(TODAY).text
    tell = console.pages.get("/producer/plans/jottings/1")
    entry = console.pages.submit(tell, {"thing": str(cycle), "step": "field_observation"})
    assert entry.form().fields["when"].startswith("2026-11-21T06:50")
    assert entry.form().fields["note"] == "Sâu tơ ăn lá"
    console.pages.submit(entry, {})
    line = console.events()[-1]
    assert line.document["trace:note"] == "Sâu tơ ăn lá"
    assert line.document["eventTime"] == "2026-11-21T06:50:00+07:00"
    assert len(line.document["trace:attachments"]) == 1
    assert "105.67" not in str(line.document)  # where the phone was is nobody else's business
    with console.app.app_context():
        assert db.session.scalars(select(Jotting.event_id)).one() == line.event_id
    assert "Sâu tơ ăn lá" not in console.pages.get(TODAY).root.xpath("string(//main//ul)")


def test_an_empty_jotting_is_asked_for_a_word_or_a_photo(console: Console) -> None:
    page = console.pages.submit(
        console.pages.get("/producer/plans/jottings/new"), {"latitude": "100"}, status=400
    )
    assert errors(page)


def test_an_entry_saved_under_a_name_fills_the_next_one(console: Console, cycle: int) -> None:
    spray = f"/producer/cycles/{cycle}/diary/spraying"
    told = {
        "inputs-0-name": "Thuốc Minh họa",
        "inputs-0-amount": "30",
        "inputs-0-unit": "ml",
        "inputs-0-interval_days": "7",
        "preset_name": "Phun phòng",
        "preset_season": "winter",
    }
    console.pages.submit(console.pages.get(spray), told)
    console.pages.submit(
        console.pages.get(spray), {"inputs-0-name": "Thuốc khác", "inputs-0-interval_days": "3"}
    )
    page = console.pages.get(spray)
    assert page.form().fields["inputs-0-name"] == "Thuốc khác"
    filled = console.pages.get(page.link("Mẫu: Phun phòng"))
    assert filled.form().fields["inputs-0-name"] == "Thuốc Minh họa"
    assert filled.form().fields["inputs-0-amount"] == "30"
    again = console.pages.submit(console.pages.get(spray), told, status=409)
    assert "Phun phòng" in again.text
    assert len(console.events()) == 3  # nothing half-stored
    with console.app.app_context():
        row = db.session.scalars(select(Preset)).one()
    console.pages.submit(console.pages.get(f"/producer/plans/presets/{row.id}/drop"), {})
    assert "Mẫu: Phun phòng" not in console.pages.get(spray).text


def test_a_spraying_says_at_once_from_when_the_harvest_keeps_the_label(
    console: Console, cycle: int
) -> None:
    page = console.pages.submit(
        console.pages.get(f"/producer/cycles/{cycle}/diary/spraying"),
        {
            "inputs-0-name": "Thuốc Minh họa",
            "inputs-0-interval_days": "3",
            "when": "2026-11-22T06:00",
        },
    )
    assert "Thu hoạch được từ 25/11/2026" in page.text


def test_boxes_are_counted_weighed_by_what_one_was_weighed_at_and_both_are_kept(
    console: Console, cycle: int
) -> None:
    weigh = console.pages.get(f"/producer/products/{console.greens}/weights")
    console.pages.submit(weigh, {"unit": "thung", "kilograms": "12"})
    harvest = console.pages.get(f"/producer/cycles/{cycle}/harvest")
    page = console.pages.submit(harvest, {"quantity": "40", "unit": "thung"})
    document = console.events()[-1].document
    (output,) = document["outputQuantityList"]
    assert (output["quantity"], output["uom"]) == (480, "KGM")
    assert document["ilmd"]["trace:typed"] == {"value": 40, "unit": "thùng", "kilograms": 12}
    assert "40 thùng, mỗi thùng 12 kg" in page.text
    assert "480 kg" in page.text


def test_boxes_in_a_sheet_are_weighed_as_those_of_a_form(console: Console) -> None:
    weigh = console.pages.get(f"/producer/products/{console.greens}/weights")
    console.pages.submit(weigh, {"unit": "thung", "kilograms": "12"})
    sheet = (
        "Ngày;Sản phẩm;Số lượng;Đơn vị\n20/11/2026;Cải ngọt;40;thùng\n20/11/2026;Cải ngọt;3;bó\n"
    ).encode()
    page = console.pages.get("/producer/imports/new/lots")
    sent = console.pages.submit(page, {"file": (io.BytesIO(sheet), "lo.csv")})
    with console.app.app_context():
        run_pending()
    console.pages.submit(console.pages.get(sent.address), {})
    with console.app.app_context():
        run_pending()
    first, second = (line.document for line in console.events()[-2:])
    (made,) = first["quantityList"]
    assert (made["quantity"], made["uom"]) == (480, "KGM")
    assert first["ilmd"]["trace:typed"] == {"value": 40, "unit": "thùng", "kilograms": 12}
    assert second["quantityList"][0]["uom"] == "XBH"  # nobody weighed it


def test_a_unit_nobody_weighed_stays_a_count(console: Console, cycle: int) -> None:
    harvest = console.pages.get(f"/producer/cycles/{cycle}/harvest")
    console.pages.submit(harvest, {"quantity": "40", "unit": "bo"})
    document = console.events()[-1].document
    assert document["outputQuantityList"][0]["uom"] == "XBH"
    assert "trace:typed" not in document["ilmd"]


def test_a_photo_of_a_label_opens_its_lot(console: Console) -> None:
    lot = console.lot("10", product=console.herbs)
    address = console.events()[-1].document["quantityList"][0]["epcClass"]
    scan = console.pages.get("/producer/scan/")
    picture = io.BytesIO(qr_png(address, scale=6))
    page = console.pages.submit(scan, {"photo": (picture, "tem.png")})
    assert page.address.endswith(f"/producer/batches/{lot}")
    code = address.rpartition("/")[2]
    typed = console.pages.submit(console.pages.get("/producer/scan/"), {"code": code.lower()})
    assert typed.address.endswith(f"/producer/batches/{lot}")


@pytest.mark.parametrize(
    ("sent", "words"),
    [
        ({"photo": (b"not a photo", "a.png")}, "not-a-photo"),
        ({"code": "7K3QM-P2XV4"}, "not-our-code"),
        ({"code": ""}, "nothing-chosen"),
    ],
)
def test_what_is_no_code_of_ours_is_told_and_stays_in_the_box(
    console: Console, sent: dict[str, object], words: str
) -> None:
    entries = {
        name: (io.BytesIO(value[0]), value[1]) if isinstance(value, tuple) else value
        for name, value in sent.items()
    }
    page = console.pages.submit(console.pages.get("/producer/scan/"), entries, status=400)
    assert errors(page)
    if sent.get("code"):
        assert page.form().fields["code"] == sent["code"]


def test_the_last_field_work_is_offered_again_also_after_a_harvest(
    console: Console, cycle: int
) -> None:
    pages = console.pages
    pages.submit(pages.get(f"/producer/cycles/{cycle}/diary/irrigating"), {})
    pages.submit(pages.get(f"/producer/cycles/{cycle}/harvest"), {"quantity": "5"})
    assert any(text.startswith("Ghi lại: Tưới") for text in pages.get(TODAY).texts("//a"))

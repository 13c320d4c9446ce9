"""What a phone's outbox is answered: recorded once, refused in words, never as another's."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.test import TestResponse

from tests.conftest import FIXED_NOW
from tests.support.fields import Console, open_console
from tests.support.members import make_member, sign_in
from tests.support.pages import PageClient
from tests.support.photos import a_photo
from trace.extensions import db
from trace.models import Person
from trace.schemas.records import local_moment
from trace.web.access import COOKIE
from trace.web.outbox import parse_phone_time

KEY = "K" * 22
JSON = {"Accept": "application/json"}


@pytest.fixture
def console(app: Flask, pages: PageClient, now: datetime) -> Console:
    console = open_console(app, pages)
    begin = {"product": str(console.greens), "when": "2026-11-01T07:00"}
    pages.submit(pages.get("/producer/cycles/new/sowing"), begin)
    return console


@pytest.fixture
def spraying(console: Console) -> str:
    (cycle,) = console.things("cycle")
    return f"/producer/cycles/{cycle}/diary/spraying"


def entry(key: str = KEY, **more: str) -> dict[str, Any]:
    return {
        "form_key": key,
        "inputs-0-name": "Thuốc Demo",
        "inputs-0-interval_days": "7",
        "when": local_moment(FIXED_NOW).isoformat(timespec="minutes"),
        **more,
    }


def post(console: Console, address: str, data: Mapping[str, Any], **headers: str) -> TestResponse:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    token = str(told_token(console)["csrf_token"])
    return console.pages.client.post(
        address, data=data, headers={**JSON, "X-CSRFToken": token, **named}
    )


def told_token(console: Console) -> dict[str, Any]:
    """What the server tells an outbox before it sends."""
    told: dict[str, Any] = console.pages.client.get(
        "/producer/outbox/token", headers=JSON
    ).get_json()
    return told


def milliseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)


def clock_header(
    written: datetime, sent: datetime, offset: timedelta = timedelta(), typed: int = 0
) -> str:
    shift = int(offset.total_seconds() * 1000)
    return (
        f"written={milliseconds(written)}, sent={milliseconds(sent)}, offset={shift}, typed={typed}"
    )


def sprayings(console: Console) -> int:
    return sum(line.step == "spraying" for line in console.events())


# -- sent ------------------------------------------------------------------------------------------


def test_an_entry_is_answered_with_where_it_is_and_a_sentence(
    console: Console, spraying: str
) -> None:
    answer = post(console, spraying, entry())
    assert (answer.status_code, answer.mimetype) == (200, "application/json")
    told = answer.get_json()
    assert told["state"] == "sent"
    assert told["again"] is False
    assert told["location"] == spraying.partition("/diary")[0]
    assert told["text"].startswith("Đã ghi. Vào sổ công khai trong giây lát.")
    assert sprayings(console) == 1


def test_the_same_entry_sent_again_is_answered_with_the_first_answer(
    console: Console, spraying: str
) -> None:
    first = post(console, spraying, entry()).get_json()
    again = post(console, spraying, entry()).get_json()
    assert again["again"] is True
    assert (again["state"], again["location"]) == ("sent", first["location"])
    assert sprayings(console) == 1


def test_an_entry_with_a_photo_sent_again_is_one_event_with_one_photo(
    console: Console, spraying: str
) -> None:
    for _ in range(2):
        photo = (io.BytesIO(a_photo(80, 60)), "KKKKKKKK-1.jpg")
        answer = post(console, spraying, {**entry(), "photos": photo})
        assert answer.get_json()["state"] == "sent"
    (line,) = [one for one in console.events() if one.step == "spraying"]
    assert len(line.document["trace:attachments"]) == 1


def test_a_key_used_for_other_values_says_so_and_where_the_first_led(
    console: Console, spraying: str
) -> None:
    first = post(console, spraying, entry()).get_json()
    other = post(console, spraying, entry(note="đổi ý"))
    assert other.status_code == 409
    told = other.get_json()
    assert told["code"] == "form-already-used"
    assert told["location"] == first["location"]
    assert sprayings(console) == 1


# -- refused ---------------------------------------------------------------------------------------


def test_what_is_refused_names_each_field_in_the_persons_language(
    console: Console, spraying: str
) -> None:
    wrong = entry(**{"inputs-0-amount": "1.500", "when": "hôm qua"})
    answer = post(console, spraying, wrong)
    assert (answer.status_code, answer.mimetype) == (400, "application/problem+json")
    told = {one["path"]: one for one in answer.get_json()["errors"]}
    assert told["when"]["code"] == "not-a-time"
    assert told["when"]["sentence"].startswith("“hôm qua”")
    assert "hai cách" in told["inputs-0-amount"]["sentence"]
    assert sprayings(console) == 0
    # Nothing was used up: mended, the same entry goes through.
    assert post(console, spraying, entry()).get_json()["again"] is False


def test_the_sentences_are_english_for_who_reads_english(console: Console, spraying: str) -> None:
    with console.app.app_context():
        for person in db.session.query(Person):
            person.locale = "en"
        db.session.commit()
    answer = post(console, spraying, entry(when=""))
    assert answer.get_json()["errors"][0]["sentence"] == "Enter this."


def test_a_record_changed_meanwhile_is_answered_with_both_versions(console: Console) -> None:
    address = f"/producer/places/{console.plot}/edit"
    page = console.pages.get(address)
    ward = "Xã Đan Phượng, Hà Nội"
    mine = page.form().filled({"name": "Vườn của tôi", "ward_code": ward})
    console.pages.submit(page, {"name": "Vườn của văn phòng", "ward_code": ward})
    answer = post(console, address, {**mine, "form_key": KEY})
    assert answer.status_code == 409
    told = answer.get_json()
    assert told["theirs"] == {"name": "Vườn của văn phòng"}
    # Having seen both, the person may still record their own.
    seen = {**mine, "form_key": KEY, "version": str(told["version"])}
    assert post(console, address, seen).get_json()["state"] == "sent"
    assert "Vườn của tôi" in console.pages.get(f"/producer/places/{console.plot}").h1


def test_a_thing_that_is_not_there_is_refused_with_a_sentence(console: Console) -> None:
    answer = post(console, "/producer/cycles/999999/diary/spraying", entry())
    assert answer.status_code == 404
    assert answer.get_json()["sentence"] == "Không có gì ở địa chỉ này."


def test_who_was_second_by_a_moment_is_answered_with_the_first_answer_not_with_its_refusal(
    console: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Two phones with one outbox: both pass the door before either has written, and the name of the
    # lot is then taken, by the very same entry.
    (cycle,) = console.things("cycle")
    address = f"/producer/cycles/{cycle}/harvest"
    harvest = {
        "form_key": KEY,
        "when": local_moment(FIXED_NOW).isoformat(timespec="minutes"),
        "product": str(console.greens),
        "quantity": "48",
        "unit": "kg",
        "lot": "L2611",
    }
    first = post(console, address, harvest).get_json()
    monkeypatch.setattr("trace.web.access.answer_again", lambda: None)
    second = post(console, address, harvest).get_json()
    assert (second["state"], second["again"]) == ("sent", True)
    assert second["location"] == first["location"]
    assert len(console.things("lot")) == 1
    # Another entry with that name is refused as ever.
    other = post(console, address, {**harvest, "form_key": "L" * 22})
    assert other.get_json()["errors"][0]["code"] == "lot-exists"


# -- who -------------------------------------------------------------------------------------------


def test_an_ended_sign_in_is_told_and_nothing_is_recorded(console: Console, spraying: str) -> None:
    console.pages.client.delete_cookie(COOKIE)
    token = console.pages.client.get("/sign-in").get_data(as_text=True)
    (token,) = re.findall('name="csrf_token" value="([^"]+)"', token)
    headers = {**JSON, "X-CSRFToken": token}
    answer = console.pages.client.post(spraying, data=entry(), headers=headers)
    assert answer.status_code == 401
    assert answer.get_json()["code"] == "not-signed-in"
    assert sprayings(console) == 0


def test_an_entry_is_never_recorded_under_another_persons_name(
    app: Flask, console: Console, spraying: str
) -> None:
    reader = told_token(console)["reader"]
    assert post(console, spraying, entry(), Trace_For="0.0").status_code == 409
    other = make_member(app, inside=console.organisation)
    sign_in(app, console.pages.client, other)
    answer = post(console, spraying, entry(), Trace_For=reader)
    assert answer.get_json()["code"] == "other-sender"
    assert sprayings(console) == 0
    mine = told_token(console)
    assert mine["reader"] == f"{other.person_id}.{console.organisation}"
    assert post(console, spraying, entry(), Trace_For=mine["reader"]).status_code == 200


def test_without_a_token_an_entry_is_told_to_fetch_one(console: Console, spraying: str) -> None:
    answer = console.pages.client.post(spraying, data=entry(), headers=JSON)
    assert (answer.status_code, answer.get_json()["code"]) == (400, "stale-token")
    assert sprayings(console) == 0


def test_the_token_tells_the_time_and_asks_for_a_sign_in(app: Flask, console: Console) -> None:
    answer = console.pages.client.get("/producer/outbox/token", headers=JSON)
    assert answer.headers["Cache-Control"] == "no-store"
    told = answer.get_json()
    assert told["now"] == milliseconds(FIXED_NOW)
    assert told["may_record"] is True
    assert app.test_client().get("/producer/outbox/token", headers=JSON).status_code == 401


# -- clocks ----------------------------------------------------------------------------------------

HOUR = timedelta(hours=1)


def told_time(moment: datetime) -> dict[str, str]:
    return {"when": local_moment(moment).isoformat(timespec="minutes")}


@pytest.mark.parametrize(
    "written",
    [
        FIXED_NOW - 2 * HOUR,  # a right clock, sent two hours later
        FIXED_NOW - timedelta(days=9),
    ],
)
def test_a_right_clock_is_believed(console: Console, spraying: str, written: datetime) -> None:
    header = clock_header(written, FIXED_NOW)
    answer = post(console, spraying, entry(**told_time(written)), Trace_Clock=header)
    assert answer.get_json()["state"] == "sent"


def test_a_clock_an_hour_slow_is_asked_about_and_the_likely_time_is_offered(
    console: Console, spraying: str
) -> None:
    written = FIXED_NOW - 3 * HOUR  # by the phone; two hours ago in truth
    header = clock_header(written, FIXED_NOW - HOUR)
    answer = post(console, spraying, entry(**told_time(written)), Trace_Clock=header)
    assert answer.status_code == 400
    told = answer.get_json()
    assert told["errors"][0]["code"] == "phone-clock"
    assert told["suggested"] == told_time(FIXED_NOW - 2 * HOUR)
    assert sprayings(console) == 0
    # The person decides, either way, and what they decide is recorded as it is.
    chosen = clock_header(written, FIXED_NOW - HOUR, typed=1)
    answer = post(console, spraying, entry(**told_time(written)), Trace_Clock=chosen)
    assert answer.get_json()["state"] == "sent"
    (line,) = [one for one in console.events() if one.step == "spraying"]
    assert line.event_time == written


def test_a_clock_known_to_be_wrong_whose_time_was_corrected_is_believed(
    console: Console, spraying: str
) -> None:
    truth = FIXED_NOW - 2 * HOUR
    header = clock_header(truth - 5 * HOUR, FIXED_NOW - 5 * HOUR, offset=5 * HOUR)
    answer = post(console, spraying, entry(**told_time(truth)), Trace_Clock=header)
    assert answer.get_json()["state"] == "sent"


def test_a_clock_set_right_between_writing_and_sending_is_believed_by_what_was_known(
    console: Console, spraying: str
) -> None:
    truth = FIXED_NOW - 2 * HOUR
    header = clock_header(truth - 5 * HOUR, FIXED_NOW, offset=5 * HOUR)
    answer = post(console, spraying, entry(**told_time(truth)), Trace_Clock=header)
    assert answer.get_json()["state"] == "sent"


def test_a_fast_clock_is_refused_with_the_time_it_probably_was(
    console: Console, spraying: str
) -> None:
    written = FIXED_NOW + 2 * HOUR  # three hours fast, an hour ago in truth
    header = clock_header(written, FIXED_NOW + 3 * HOUR)
    answer = post(console, spraying, entry(**told_time(written)), Trace_Clock=header)
    told = answer.get_json()
    assert told["errors"][0]["code"] == "future-time"
    assert told["suggested"] == told_time(FIXED_NOW - HOUR)


def test_a_time_still_to_come_is_refused_whoever_chose_it(console: Console, spraying: str) -> None:
    header = clock_header(FIXED_NOW, FIXED_NOW, typed=1)
    answer = post(console, spraying, entry(**told_time(FIXED_NOW + HOUR)), Trace_Clock=header)
    assert answer.get_json()["errors"][0]["code"] == "future-time"


@pytest.mark.parametrize("text", ["", "written=1", "written=x, sent=y", "sent=9" * 90, "ngày mai"])
def test_a_clock_that_says_nothing_changes_nothing(
    console: Console, spraying: str, text: str
) -> None:
    assert post(console, spraying, entry(), Trace_Clock=text).get_json()["state"] == "sent"


@given(st.text(max_size=120), st.integers(-(10**15), 10**15), st.integers(-(10**15), 10**15))
def test_no_header_breaks_the_clock(text: str, written: int, sent: int) -> None:
    for header in (text, f"written={written}, sent={sent}, offset={sent}, typed=1"):
        phone = parse_phone_time(header, FIXED_NOW)
        if phone is not None:
            phone.check(FIXED_NOW)
            assert len(phone.suggested()) in (0, 16)


# -- what is kept ----------------------------------------------------------------------------------


def test_the_days_pages_all_open(console: Console) -> None:
    told = console.pages.client.get("/producer/outbox/pages", headers=JSON).get_json()
    (cycle,) = console.things("cycle")
    assert told["pages"][0] == "/producer/today"
    forms = set(told["forms"])
    assert {f"/producer/cycles/{cycle}/harvest", "/producer/shipments/receive"} <= forms
    # What begins something is kept too, whether it was ever opened or not.
    assert {"/producer/cycles/new/sowing", "/producer/group/spraying"} <= forms
    for address in (*told["pages"], *told["forms"]):
        page = console.pages.get(address)
        assert page.response.headers["Trace-Reader"].endswith(f".{console.organisation}")


def test_what_forms_offer_has_a_mark_that_changes_with_it(console: Console) -> None:
    def mark() -> str:
        told = console.pages.client.get("/producer/outbox/pages", headers=JSON).get_json()
        return str(told["offered"])

    seen = [mark()]
    assert mark() == seen[0]
    pages = console.pages
    pages.submit(pages.get("/producer/places/new"), {"name": "Ruộng mới"})
    seen.append(mark())
    edit = f"/producer/products/{console.herbs}/edit"
    pages.submit(pages.get(edit), {"name": "Rau mùi ta"})
    seen.append(mark())
    pages.submit(pages.get("/producer/households/new"), {"name": "Bà Mới"})
    seen.append(mark())
    assert len(set(seen)) == len(seen)


def test_who_only_reads_keeps_no_forms(app: Flask, console: Console) -> None:
    viewer = make_member(app, role="viewer", inside=console.organisation)
    sign_in(app, console.pages.client, viewer)
    told = console.pages.client.get("/producer/outbox/pages", headers=JSON).get_json()
    assert (told["pages"], told["forms"]) == (["/producer/today", "/producer/outbox/"], [])


@pytest.mark.one_database
def test_the_worker_names_its_build_and_files_that_are_there(app: Flask) -> None:
    client = app.test_client()
    answer = client.get("/producer/worker.js")
    assert answer.mimetype == "text/javascript"
    assert answer.headers["Cache-Control"] == "no-cache"
    text = answer.get_data(as_text=True)
    (listed,) = [line for line in text.splitlines() if line.startswith("const TRACE = {")]
    for name in ("/static/app/app.js", "/static/css/trace.css", "/producer/offline"):
        assert name in listed


@pytest.mark.one_database
def test_the_manifest_installs_in_both_languages(app: Flask) -> None:
    client = app.test_client()
    for language, name in (("vi", "sổ tay"), ("en", "notebook")):
        told = client.get(f"/producer/app.webmanifest?lang={language}").get_json(force=True)
        assert name in told["name"]
        assert told["lang"] == language
        sizes = {(icon["sizes"], icon["purpose"]) for icon in told["icons"]}
        assert {("192x192", "any"), ("512x512", "any"), ("512x512", "maskable")} == sizes
        for icon in told["icons"]:
            with client.get(icon["src"]) as picture:
                assert picture.status_code == 200


@pytest.mark.one_database
def test_the_fallback_page_knows_nobody(app: Flask, pages: PageClient) -> None:
    member = make_member(app)
    sign_in(app, pages.client, member)
    page = pages.get("/producer/offline")
    assert page.h1 == "Chưa có mạng"
    assert "Trace-Reader" not in page.response.headers
    assert member.login not in page.text

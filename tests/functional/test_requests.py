"""Requests of people about their data: anyone may ask, the law's days are kept, little is held."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from tests.support.factories import make_actor, new_lot, registered
from tests.support.members import make_member, sign_in
from tests.support.pages import PageClient
from tests.support.requests import (
    ASKED,
    CONTACT,
    SECRET,
    admin,
    ask,
    audited,
    everything,
    only,
    state,
)
from trace.extensions import db
from trace.models import Organisation, Request
from trace.services import requests
from trace.services.capture import capture
from trace.services.deadlines import local_day
from trace.services.platform import platform_organisation
from trace.services.sealing import SealedTextBroken

# -- whoever asks ----------------------------------------------------------------------------------


def test_anyone_asks_without_an_account_and_sees_by_code_how_it_stands(
    app: Flask, pages: PageClient, now: datetime
) -> None:
    code = ask(pages)
    page = state(pages, code)
    assert page.h1 == "Xoá dữ liệu về tôi"
    assert "Đã nhận 22/11/2026" in page.text
    assert "Trả lời chậm nhất 24/11/2026" in page.text  # a Sunday: Monday, Tuesday
    assert "Xong chậm nhất 12/12/2026" in page.text
    row = only(app)
    assert (row.reply_by, row.finish_by) == (date(2026, 11, 24), date(2026, 12, 12))


@pytest.mark.parametrize("address", ["/requests/", "/requests/state", "/requests/report?about=x"])
def test_the_public_pages_set_no_cookie(app: Flask, pages: PageClient, address: str) -> None:
    page = pages.get(address, status=400 if "about" in address else 200)
    assert "Set-Cookie" not in page.response.headers
    assert "csrf" not in page.response.text


def test_sending_sets_no_cookie_either(app: Flask, pages: PageClient, now: datetime) -> None:
    page = pages.submit(pages.get("/requests/"), ASKED, status=201)
    assert "Set-Cookie" not in page.response.headers
    assert page.response.headers["Cache-Control"] == "no-store"


def test_what_is_typed_is_sealed_and_the_code_is_not_kept(
    app: Flask, pages: PageClient, now: datetime
) -> None:
    code = ask(pages)
    kept = everything(app)
    for secret in (SECRET, "Bà Tám", CONTACT, code, code.replace("-", "")):
        assert secret not in kept
        assert secret.encode().hex() not in kept
    with app.app_context():
        told = requests.content_of(db.session.scalars(select(Request)).one())
    assert (told.words, told.contact) == (SECRET, CONTACT)


def test_nothing_of_it_is_written_to_the_logs(
    app: Flask, pages: PageClient, now: datetime, capfd: pytest.CaptureFixture[str]
) -> None:
    code = ask(pages)
    state(pages, code)
    state(pages, "7K3Q-MP2X-V4TN-08FW", status=404)
    said = "".join(capfd.readouterr())
    for secret in (SECRET, "345 678", code):
        assert secret not in said


def test_a_form_sent_twice_is_one_request_with_one_code(
    app: Flask, client: FlaskClient, pages: PageClient, now: datetime
) -> None:
    form = pages.get("/requests/").form().filled(ASKED)
    first, second = (client.post("/requests/", data=form) for _ in range(2))
    assert first.status_code == second.status_code == 201
    assert first.text == second.text
    only(app)


def test_a_form_from_another_site_is_refused(client: FlaskClient, pages: PageClient) -> None:
    form = pages.get("/requests/").form().filled(ASKED)
    answer = client.post("/requests/", data=form, headers={"Origin": "https://elsewhere.example"})
    assert answer.status_code == 400
    ours = client.post("/requests/", data=form, headers={"Origin": "http://localhost"})
    assert ours.status_code == 201


@pytest.mark.one_database
@pytest.mark.parametrize(
    ("entries", "says"),
    [
        ({"words": ""}, "#f-words"),
        ({"contact": ""}, "#f-contact"),
        ({"words": "a" * 2001}, "#f-words"),
        ({"name": "a" * 101}, "#f-name"),
        ({"contact": "a" * 201}, "#f-contact"),
        ({"about": "a" * 301}, "#f-about"),
        ({"words": "a\x00b"}, "#f-words"),
        ({"kind": "takedown"}, "#f-kind"),
        ({"kind": "nonsense"}, "#f-kind"),
    ],
)
def test_a_bad_field_is_named_and_what_was_typed_stays(
    app: Flask, pages: PageClient, entries: dict[str, str], says: str
) -> None:
    page = pages.submit(pages.get("/requests/"), {**ASKED, **entries}, status=400)
    assert page.find(f"//a[@href='{says}']")
    if "words" not in entries:
        assert SECRET in page.response.text
    with app.app_context():
        assert db.session.scalars(select(Request)).all() == []


@pytest.mark.one_database
@pytest.mark.parametrize(
    ("typed", "status"),
    [
        ("", 400),
        ("7K3Q", 400),
        ("x" * 41, 400),
        ("7K3Q-MP2X-V4TN-08F!", 400),
        ("7K3Q-MP2X-V4TN-08FW", 404),
    ],
)
def test_a_wrong_code_says_what_is_wrong_with_it(
    app: Flask, pages: PageClient, typed: str, status: int
) -> None:
    page = state(pages, typed, status=status)
    assert page.find("//*[@role='alert']")


def test_a_code_is_read_however_it_is_typed(app: Flask, pages: PageClient, now: datetime) -> None:
    code = ask(pages)
    for typed in (code.lower(), code.replace("-", " "), f"  {code.replace('-', '')} "):
        assert state(pages, typed).h1 == "Xoá dữ liệu về tôi"


@pytest.mark.one_database
@pytest.mark.throttled
def test_floods_and_guesses_are_stopped(app: Flask, client: FlaskClient, now: datetime) -> None:
    answers = [client.post("/requests/", data=ASKED).status_code for _ in range(21)]
    assert answers == [201] * 20 + [429]
    told = {"code": "7K3Q-MP2X-V4TN-08FW"}
    guesses = [client.post("/requests/state", data=told).status_code for _ in range(61)]
    assert guesses == [404] * 60 + [429]


@pytest.mark.one_database
def test_the_pages_speak_english(app: Flask, now: datetime) -> None:
    pages = PageClient(app.test_client(), language="en")
    assert pages.get("/requests/").h1 == "My personal data"
    assert state(pages, ask(pages)).h1 == "Erase the data about me"
    assert pages.get("/requests/report").h1 == "Report a photo or words that should not be here"


@pytest.mark.one_database
def test_the_foot_of_every_page_leads_there(app: Flask, pages: PageClient, now: datetime) -> None:
    with app.app_context():
        lot = new_lot()
        capture(make_actor(now), [registered(lot)], at=now)
        db.session.commit()
    scanned = "/t" + lot.removeprefix("https://trace.example")
    for address in ("/", "/about", "/sign-in", "/verify", scanned):
        page = pages.get(address)
        links = [link.get("href") or "" for link in page.find("//main//a | //footer//a")]
        assert any(link.split("?")[0] == "/report" for link in links), address
        assert any(link.split("?")[0] == "/requests/" for link in links), address


# -- the desk --------------------------------------------------------------------------------------


def test_the_desk_answers_extends_once_and_closes_and_the_asker_reads_it(
    app: Flask, pages: PageClient, now: datetime
) -> None:
    code = ask(pages, kind="objection")
    admin(app, pages)
    page = pages.get("/admin/requests/")
    assert "Phản đối việc dùng dữ liệu" in page.text
    here = f"/admin/requests/{only(app).id}"
    assert SECRET in pages.get(here).text
    pages.submit(pages.get(f"{here}/answer"), {"text": "Chúng tôi sẽ làm.", "processor": "yes"})
    assert only(app).finish_by == local_day(now) + timedelta(days=20)
    pages.submit(pages.get(f"{here}/extend"), {"text": "Phải hỏi ba nơi."})
    assert only(app).finish_by == local_day(now) + timedelta(days=35)
    again = pages.submit(pages.get(f"{here}/extend"), {"text": "Nữa."}, status=409)
    assert "đã được gia hạn một lần" in again.text
    pages.submit(pages.get(f"{here}/close"), {"outcome": "done", "text": "Đã bỏ tên bạn."})
    stranger = PageClient(app.test_client())
    told = state(stranger, code).text
    for words in ("Chúng tôi sẽ làm.", "Phải hỏi ba nơi.", "Đã bỏ tên bạn.", "Đã gia hạn ngày"):
        assert words in told
    assert audited(app, "request.%") == [
        "request.receive",
        "request.answer",
        "request.extension",
        "request.done",
    ]
    late = pages.submit(pages.get(f"{here}/answer"), {"text": "Thêm."}, status=409)
    assert "đã đóng" in late.text
    token = late.form().fields["csrf_token"]
    begun = pages.client.post(f"{here}/begin", data={"csrf_token": token}, follow_redirects=True)
    assert "Yêu cầu này đã đóng" in begun.text
    assert only(app).state == "done"


def test_what_is_late_is_marked_and_cannot_be_extended(
    app: Flask, pages: PageClient, now: datetime
) -> None:
    code = ask(pages, kind="withdrawal")
    row = only(app)
    after = datetime(2026, 11, 25, 1, tzinfo=UTC)
    with time_machine.travel(after, tick=False):
        assert "Đã quá hạn trả lời" in state(PageClient(app.test_client()), code).text
        admin(app, pages)
        assert "quá hạn 24/11/2026" in pages.get("/admin/requests/").text
        assert "Yêu cầu số" not in pages.get("/admin/requests/?late=no").text
        said = app.test_cli_runner().invoke(args=["trace", "requests"])
        assert said.exit_code == 1
        assert "OVERDUE (reply)" in said.output
        assert SECRET not in said.output
        pages.submit(pages.get(f"/admin/requests/{row.id}/answer"), {"text": "Xin lỗi."})
    with time_machine.travel(datetime(2026, 12, 8, 1, tzinfo=UTC), tick=False):
        assert "Đã quá hạn làm xong" in state(PageClient(app.test_client()), code).text
        sign_in(app, pages.client, make_member(app, role="admin", inside=_platform(app)))
        page = pages.submit(
            pages.get(f"/admin/requests/{row.id}/extend"), {"text": "Muộn."}, status=409
        )
        assert "không gia hạn được" in page.text


def _platform(app: Flask) -> int:
    with app.app_context():
        return platform_organisation().id


def test_an_organisation_sees_a_request_only_once_it_is_passed_on(
    app: Flask, pages: PageClient, now: datetime
) -> None:
    ask(pages, kind="correction")
    row = only(app)
    member = make_member(app)
    theirs = PageClient(app.test_client())
    sign_in(app, theirs.client, member)
    assert "Không có yêu cầu nào" in theirs.get("/producer/requests/").text
    theirs.get(f"/producer/requests/{row.id}", status=404)

    admin(app, pages)
    with app.app_context():
        organisation = db.session.get(Organisation, member.organisation_id)
        assert organisation is not None
        code = organisation.code
    form = pages.get(f"/admin/requests/{row.id}/assign")
    pages.submit(form, {"organisation": "nowhere"}, status=400)
    pages.submit(form, {"organisation": code})
    page = theirs.get(f"/producer/requests/{row.id}")
    assert SECRET in page.text
    assert "Tìm và xoá dữ liệu" not in page.text  # only the platform erases
    theirs.submit(theirs.get(f"/producer/requests/{row.id}/answer"), {"text": "Đã sửa."})
    assert audited(app, "request.%")[-2:] == ["request.assign", "request.answer"]

    recorder = make_member(app, role="recorder", inside=member.organisation_id)
    third = PageClient(app.test_client())
    sign_in(app, third.client, recorder)
    third.get("/producer/requests/", status=403)
    third.get("/admin/requests/", status=403)


def test_what_the_asker_typed_is_forgotten_ninety_days_after_the_end(
    app: Flask, pages: PageClient, now: datetime
) -> None:
    code = ask(pages)
    admin(app, pages)
    row = only(app)
    pages.submit(
        pages.get(f"/admin/requests/{row.id}/close"), {"outcome": "refused", "text": "Không có."}
    )
    assert "Từ chối" in state(PageClient(app.test_client()), code).text
    with app.app_context():
        assert requests.forget_closed(at=now + timedelta(days=89)) == 0
        assert requests.forget_closed(at=now + timedelta(days=90)) == 1
        db.session.commit()
    row = only(app)
    assert (row.content, row.code_hash, row.state) == (None, None, "refused")
    said = app.test_cli_runner().invoke(args=["trace", "requests", "--tidy"])
    assert said.stdout == "0 closed requests forgotten, 0 photos deleted\n"
    said = app.test_cli_runner().invoke(args=["trace", "requests"])
    assert (said.exit_code, said.output) == (0, "0 open, 0 overdue\n")
    state(PageClient(app.test_client()), code, status=404)
    assert "đã được xoá" in pages.get(f"/admin/requests/{row.id}").text


def test_a_new_request_sweeps_out_what_is_over(
    app: Flask, pages: PageClient, now: datetime
) -> None:
    ask(pages)
    with app.app_context():
        row = db.session.scalars(select(Request)).one()
        row.state, row.closed_at = "done", now - timedelta(days=91)
        db.session.commit()
    ask(pages)
    with app.app_context():
        rows = db.session.scalars(select(Request).order_by(Request.id)).all()
        assert [one.content is None for one in rows] == [True, False]


def test_sealed_texts_follow_a_new_key_encryption_key(
    app: Flask, pages: PageClient, now: datetime
) -> None:
    ask(pages)
    old, new = bytes(range(32)), bytes(reversed(range(32)))
    with app.app_context():
        assert requests.rewrap(old, new) == 1
        row = db.session.scalars(select(Request)).one()
        with pytest.raises(SealedTextBroken):
            requests.content_of(row)
        requests.rewrap(new, old)
        assert requests.content_of(row).words == SECRET

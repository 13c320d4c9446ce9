"""Requests of people about their data: anyone may ask, the law's days are kept, little is held."""

from __future__ import annotations

import io
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any
from urllib.parse import quote

import orjson
import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import inspect, select, text

from tests.support.factories import make_actor, new_lot, registered
from tests.support.members import PASSWORD, Member, make_member, sign_in
from tests.support.pages import Page, PageClient
from tests.support.photos import a_photo
from trace import clock
from trace.extensions import db, limiter
from trace.models import Audit, Erasure, Event, Household, Organisation, Person, Request, Takedown
from trace.services import requests
from trace.services.attachments import keep_photo, reference
from trace.services.capture import capture
from trace.services.deadlines import local_day
from trace.services.platform import platform_organisation
from trace.services.sealing import SealedTextBroken

SECRET = "Bà Tám ở xóm Chùa, nhà có cây khế"
CONTACT = "0912 345 678"
ASKED = {"kind": "erasure", "words": SECRET, "contact": CONTACT, "name": "Tám", "about": ""}


def ask(pages: PageClient, **entries: str) -> str:
    """Sends a request; returns its code."""
    page = pages.submit(pages.get("/requests/"), {**ASKED, **entries}, status=201)
    return page.texts("//main//*[contains(@class, 'code')]")[0]


def state(pages: PageClient, code: str, status: int = 200) -> Page:
    return pages.submit(pages.get("/requests/state"), {"code": code}, status=status)


def admin(app: Flask, pages: PageClient) -> Member:
    """Signs in somebody of the platform."""
    with app.app_context():
        make_actor(clock.now(), "Ai đó Minh họa")
        inside = platform_organisation().id
    member = make_member(app, role="admin", inside=inside)
    sign_in(app, pages.client, member)
    return member


def only(app: Flask) -> Request:
    with app.app_context():
        found = db.session.scalars(select(Request)).one()
        db.session.expunge_all()
        return found


def everything(app: Flask) -> str:
    with app.app_context():
        found = []
        for table in inspect(db.engine).get_table_names():
            for row in db.session.execute(text(f"SELECT * FROM {table}")):
                found += [repr(value) for value in row]
        return "\n".join(found)


def audited(app: Flask, like: str) -> list[str]:
    with app.app_context():
        query = select(Audit.action).where(Audit.action.like(like)).order_by(Audit.id)
        return list(db.session.scalars(query))


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


@pytest.fixture
def throttled(app: Flask) -> Iterator[None]:
    """Throttling as in production; tests run without."""
    app.config["RATELIMIT_ENABLED"] = True
    limiter.enabled = True
    limiter.init_app(app)
    yield
    limiter.reset()
    limiter.enabled = False


@pytest.mark.one_database
def test_floods_and_guesses_are_stopped(
    app: Flask, client: FlaskClient, now: datetime, throttled: None
) -> None:
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
        links = [link.get("href") for link in page.find("//footer//a")]
        assert any(link.startswith("/requests/report") for link in links), address
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
    assert said.output == "0 closed requests forgotten, 0 photos deleted\n"
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


# -- erasing ---------------------------------------------------------------------------------------


def a_statement(app: Flask, now: datetime, **members: Any) -> tuple[str, str]:
    """(statement, lot code)."""
    with app.app_context():
        lot = new_lot()
        made = registered(lot, **members)
        statement = capture(make_actor(now), [made], at=now).events[0].statement_id
        db.session.commit()
        return statement, lot.rpartition("/")[2]


def test_erasing_is_previewed_then_done_with_the_password_and_told_in_the_log(
    app: Flask, pages: PageClient, now: datetime
) -> None:
    statement, lot = a_statement(app, now, trace__note=SECRET)
    ask(pages)
    admin(app, pages)
    row = only(app)
    with time_machine.travel(now + timedelta(hours=2), tick=False):  # the sign-in is not fresh
        for written in (f"/b/{lot}", f"/t/b/{lot}?lang=vi", f"https://trace.example/b/{lot}", lot):
            found = pages.get(f"/admin/requests/{row.id}/erase?q={quote(written)}")
            assert SECRET in found.text, written
        form = "//main//form[@method='post']"
        preview = pages.submit(
            found, {"member": f"{statement} trace:note", "do": "preview"}, which=form
        )
        assert "Những gì sẽ đi mất" in preview.text
        assert "eventID" in preview.text  # it goes with what it was made of
        assert audited(app, "erase") == []
        pages.submit(preview, {"do": "erase", "password": "sai rồi"}, which=form, status=400)
        assert audited(app, "erase") == []
        pages.submit(preview, {"do": "erase", "password": PASSWORD}, which=form)
    assert audited(app, "erase") == ["erase"]
    assert SECRET not in everything(app)
    with app.app_context():
        erased = db.session.scalars(select(Erasure)).one()
        assert erased.request_id == row.id
        assert orjson.loads(erased.members) == ["eventID", "trace:note"]
        assert SECRET not in erased.reason
    assert only(app).state == "working"
    page = PageClient(app.test_client()).get(f"/t/b/{lot}")
    assert "Đã xoá theo yêu cầu ngày 22/11/2026: ghi chú" in page.text


def test_tables_are_found_by_the_contact_and_emptied(
    app: Flask, pages: PageClient, now: datetime
) -> None:
    member = make_member(app)
    with app.app_context():
        db.session.add(
            Household(
                organisation_id=member.organisation_id,
                code="H07",
                name="Bà Tám",
                phone="+84912345678",
                created_at=now,
            )
        )
        db.session.commit()
    ask(pages)
    admin(app, pages)
    row = only(app)
    page = pages.get(f"/admin/requests/{row.id}/erase")
    assert "HTX Minh họa, H07" in page.text
    household = page.find("//input[@name='record']")[0].get("value")
    form = "//main//form[@method='post']"
    preview = pages.submit(page, {"record": household, "do": "preview"}, which=form)
    pages.submit(preview, {"do": "erase"}, which=form)
    with app.app_context():
        kept = db.session.scalars(select(Household)).one()
        assert (kept.code, kept.name, kept.phone) == ("H07", "", "")
    assert audited(app, "household.erase") == ["household.erase"]


def test_an_account_is_emptied_unless_it_is_the_last_owners(
    app: Flask, pages: PageClient, now: datetime
) -> None:
    owner = make_member(app)
    recorder = make_member(app, role="recorder", inside=owner.organisation_id)
    signed_in = app.test_client()
    sign_in(app, signed_in, recorder)
    ask(pages, contact=owner.login)
    admin(app, pages)
    here = f"/admin/requests/{only(app).id}/erase"
    form = "//main//form[@method='post']"
    for login, status in ((owner.login, 409), (recorder.login, 200)):
        page = pages.get(f"{here}?q={login}")
        box = page.find("//input[@name='record']")[0].get("value")
        preview = pages.submit(page, {"record": box, "do": "preview"}, which=form)
        pages.submit(preview, {"do": "erase"}, which=form, status=status)
    with app.app_context():
        kept = db.session.get(Person, owner.person_id)
        gone = db.session.get(Person, recorder.person_id)
        assert kept is not None
        assert kept.phone
        assert gone is not None
        assert (gone.name, gone.phone, gone.email, gone.active) == ("", None, None, False)
    assert signed_in.get("/producer/today").status_code == 303  # the sign-in ended with it


@pytest.mark.one_database
@pytest.mark.parametrize(
    "entries",
    [
        {"member": "urn:uuid:nothing trace:note"},
        {"member": "nonsense"},
        {"record": "person:999999"},
        {"record": "moon:1"},
        {"record": "person:x"},
        {},
    ],
)
def test_a_choice_that_was_not_offered_erases_nothing(
    app: Flask, pages: PageClient, now: datetime, entries: dict[str, str]
) -> None:
    a_statement(app, now, trace__note=SECRET)
    ask(pages)
    admin(app, pages)
    here = f"/admin/requests/{only(app).id}/erase"
    token = pages.get(f"/admin/requests/{only(app).id}/close").form().fields["csrf_token"]
    answer = pages.client.post(here, data={"csrf_token": token, "do": "erase", **entries})
    assert answer.status_code in (400, 404)
    assert audited(app, "%erase") == []


# -- reports ---------------------------------------------------------------------------------------


def with_photo(app: Flask, now: datetime) -> tuple[str, str, str]:
    with app.app_context():
        actor = make_actor(now)
        kept = keep_photo(actor, io.BytesIO(a_photo()), at=now)
        lot = new_lot()
        made = registered(lot, trace__attachments=[reference(kept)], trace__note="Lời bậy bạ")
        statement = capture(actor, [made], at=now).events[0].statement_id
        db.session.commit()
        return statement, lot.rpartition("/")[2], kept.digest


def test_a_photo_is_reported_from_its_page_and_taken_down(
    app: Flask, pages: PageClient, now: datetime
) -> None:
    statement, lot, digest = with_photo(app, now)
    scanned = pages.get(f"/t/b/{lot}")
    page = pages.get(scanned.link("Báo vấn đề"))
    sent = pages.submit(page, {"item": f"{statement} {digest}", "reason": "indecent"}, status=201)
    code = sent.texts("//main//*[contains(@class, 'code')]")[0]
    row = only(app)
    assert (row.kind, row.digest, row.reason) == ("takedown", digest, "indecent")
    admin(app, pages)
    form = pages.get(f"/admin/requests/{row.id}/take-down")
    done = pages.submit(form, {"item": f"photo {digest}", "reason": "indecent"})
    assert "Đã gỡ" in done.text
    told = PageClient(app.test_client()).get(f"/t/b/{lot}").text
    assert "Ảnh đã bị gỡ ngày 22/11/2026: khiêu dâm, phản cảm" in told
    assert app.test_client().get(f"/photos/{digest}.jpg").status_code == 410
    assert "Đang làm" in state(PageClient(app.test_client()), code).text
    listed = pages.get("/admin/requests/takedowns")
    assert "khiêu dâm" in listed.text


def test_words_are_taken_down_and_put_back_by_the_desk(
    app: Flask, pages: PageClient, now: datetime
) -> None:
    statement, lot, _ = with_photo(app, now)
    page = pages.get(f"/requests/report?about=/b/{lot}")
    pages.submit(page, {"item": statement, "reason": "insult"}, status=201)
    row = only(app)
    assert row.digest is None
    admin(app, pages)
    form = pages.get(f"/admin/requests/{row.id}/take-down")
    pages.submit(form, {"item": "text trace:note", "reason": "insult"})
    stranger = PageClient(app.test_client())
    assert "Lời bậy bạ" not in stranger.get(f"/t/b/{lot}").text
    with app.app_context():
        taken = db.session.scalars(select(Takedown.id)).one()
    pages.submit(pages.get(f"/admin/requests/takedowns/{taken}/lift"), {})
    assert "Lời bậy bạ" in stranger.get(f"/t/b/{lot}").text


def test_a_supervisor_sees_reports_and_nothing_else(
    app: Flask, pages: PageClient, now: datetime
) -> None:
    statement, lot, digest = with_photo(app, now)
    ask(pages)
    page = pages.get(f"/requests/report?about=/b/{lot}")
    pages.submit(page, {"item": f"{statement} {digest}", "reason": "violence"}, status=201)
    supervisor = make_member(app, role="supervisor", kind="authority", name="Sở Minh họa")
    authority_id = supervisor.organisation_id
    with app.app_context():
        authority = db.session.get(Organisation, authority_id)
        assert authority is not None
        authority.jurisdiction = "*"
        mine, theirs = db.session.scalars(select(Request.id).order_by(Request.id)).all()
        db.session.commit()
    sign_in(app, pages.client, supervisor)
    page = pages.get("/inspection/reports/")
    assert "Xoá dữ liệu về tôi" not in page.text
    pages.get(f"/inspection/reports/{mine}", status=404)
    pages.get("/admin/requests/", status=403)
    form = pages.get(f"/inspection/reports/{theirs}/take-down")
    pages.submit(form, {"item": f"photo {digest}", "reason": "violence"})
    with app.app_context():
        assert (
            db.session.scalars(select(Takedown)).one().organisation_id == supervisor.organisation_id
        )


@pytest.mark.one_database
@pytest.mark.parametrize("about", ["7K3QM", "/b/!!", "https://x/y", "/01/123", "//", "a" * 300])
def test_an_address_that_is_none_is_refused_and_asked_for_again(
    app: Flask, pages: PageClient, about: str
) -> None:
    answer = pages.client.get("/requests/report", query_string={"about": about})
    assert answer.status_code in (200, 400)


@pytest.mark.one_database
def test_an_item_of_another_page_is_not_taken_for_one_of_this(
    app: Flask, pages: PageClient, now: datetime
) -> None:
    statement, _, digest = with_photo(app, now)
    _, lot = a_statement(app, now)
    page = pages.get(f"/requests/report?about=/b/{lot}")
    data = {**page.form("//main//form[@method='post']").fields, "reason": "other"}
    answer = pages.client.post("/requests/report", data={**data, "item": f"{statement} {digest}"})
    assert answer.status_code == 201
    row = only(app)
    assert (row.event_id, row.digest) == (None, None)
    with app.app_context():
        assert db.session.scalars(select(Event)).all()

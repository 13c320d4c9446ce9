"""Registering from a phone: codes that prove a contact, and the file an authority judges."""

from __future__ import annotations

import io
from collections.abc import Iterator
from datetime import timedelta
from uuid import UUID

import pytest
import time_machine
from flask import Flask
from sqlalchemy import func, select

from tests.conftest import FIXED_NOW
from tests.support.codes import REGISTRATION, last_code, messages, prove, register
from tests.support.members import PASSWORD, WARD, Member, make_member, sign_in
from tests.support.pages import PageClient
from tests.support.photos import a_photo
from trace.extensions import db
from trace.models import (
    Application,
    Audit,
    ContactCode,
    Event,
    Job,
    Membership,
    Organisation,
    Person,
    Place,
)
from trace.services.contacts import LONG_UNUSED, RECENTLY, TRIES
from trace.services.wards import find_ward

LOGIN = "0987 654 321"
E164 = "+84987654321"


@pytest.fixture
def now() -> Iterator[time_machine.Traveller]:
    """A clock that stands still until a test moves it."""
    with time_machine.travel(FIXED_NOW, tick=False) as clock:
        yield clock


@pytest.fixture
def platform(app: Flask) -> Member:
    """The platform's administrator: the platform stands."""
    return make_member(app, role="admin", kind="platform", name="Nền tảng")


def person(app: Flask, phone: str = E164) -> Person | None:
    with app.app_context():
        return db.session.scalar(select(Person).where(Person.phone == phone))


# -- the code --------------------------------------------------------------------------------------


def test_a_farmer_registers_by_code_and_can_record_at_once(
    app: Flask, pages: PageClient, platform: Member, now: time_machine.Traveller
) -> None:
    page = register(app, pages, place="Vườn B2", place_kind="greenhouse")
    assert page.h1 == "Hồ sơ đăng ký"
    assert "Đã nhận, chờ xem xét" in page.text
    assert "Bạn ghi chép được ngay" in page.text
    assert "Chưa được xác nhận" in pages.get("/producer/organisation/").text
    found = person(app)
    assert found is not None
    assert found.phone_proven_at == FIXED_NOW
    with app.app_context():
        membership = db.session.scalars(select(Membership).filter_by(person_id=found.id)).one()
        place = db.session.scalars(select(Place)).one()
        assert (membership.role, membership.organisation.status) == ("owner", "unconfirmed")
        assert (place.name, place.kind, place.ward_code) == ("Vườn B2", "greenhouse", WARD)
        assert place.organisation_id == membership.organisation_id


@pytest.mark.one_database
@pytest.mark.parametrize("typed", ["0987654321", "84987654321", "+84 987 654 321", "0987.654.321"])
def test_a_number_is_the_same_however_it_is_typed(
    app: Flask, pages: PageClient, platform: Member, typed: str
) -> None:
    pages.submit(pages.get("/register"), {"login": typed})
    assert messages(app)[-1]["to"] == E164


def test_an_address_registers_too(app: Flask, pages: PageClient, platform: Member) -> None:
    register(app, pages, "An@Rau.example")
    with app.app_context():
        found = db.session.scalars(select(Person).where(Person.email == "an@rau.example")).one()
        assert found.email_proven_at is not None
        assert found.phone is None


@pytest.mark.one_database
def test_neither_the_code_nor_the_contact_is_kept_in_the_clear(
    app: Flask, pages: PageClient, platform: Member
) -> None:
    pages.submit(pages.get("/register"), {"login": LOGIN})
    code = last_code(app)
    with app.app_context():
        row = db.session.scalars(select(ContactCode)).one()
        job = db.session.scalars(select(Job).where(Job.kind == "message")).one()
        kept = (
            b"".join((row.code_hash, row.contact_hash, job.payload or b"")) + job.argument.encode()
        )
    assert code.encode() not in kept
    assert b"987654321" not in kept


def test_a_code_is_good_for_five_tries(app: Flask, pages: PageClient, platform: Member) -> None:
    page = pages.submit(pages.get("/register"), {"login": LOGIN})
    right = last_code(app)
    wrong = "000000" if right != "000000" else "111111"
    for _ in range(TRIES):
        page = pages.submit(page, {"code": wrong}, status=400)
        assert page.texts("//*[@id='e-code']") != []
    page = pages.submit(page, {"code": right}, status=400)
    assert "đã thử quá nhiều lần" in page.text
    assert pages.get("/register/details").h1 == "Đăng ký tổ chức"


def test_a_code_is_good_for_ten_minutes(
    app: Flask, pages: PageClient, platform: Member, now: time_machine.Traveller
) -> None:
    page = pages.submit(pages.get("/register"), {"login": LOGIN})
    now.shift(timedelta(minutes=10, seconds=1))
    pages.submit(page, {"code": last_code(app)}, status=400)


def test_a_code_is_used_once_and_only_where_it_was_asked_for(
    app: Flask, pages: PageClient, platform: Member
) -> None:
    page = pages.submit(pages.get("/register"), {"login": LOGIN})
    code = last_code(app)
    stranger = PageClient(app.test_client())
    elsewhere = stranger.submit(stranger.get("/register"), {"login": "0912 345 678"})
    stranger.submit(elsewhere, {"code": code}, status=400)
    pages.submit(page, {"code": code})
    pages.submit(page, {"code": code}, status=400)


@pytest.mark.one_database
def test_a_contact_is_sent_a_code_once_a_minute_and_five_times_an_hour(
    app: Flask, pages: PageClient, platform: Member, now: time_machine.Traveller
) -> None:
    page = pages.submit(pages.get("/register"), {"login": LOGIN})
    soon = pages.submit(page, {"code": "", "again": "yes"}, status=429)
    assert "vừa được gửi" in soon.text
    for _ in range(4):
        now.shift(timedelta(minutes=2))
        page = pages.submit(page, {"code": "", "again": "yes"})
    now.shift(timedelta(minutes=2))
    often = pages.submit(pages.get("/register"), {"login": LOGIN}, status=429)
    assert often.form().fields["login"] == LOGIN
    assert len(messages(app)) == 5


@pytest.mark.one_database
def test_asking_for_a_code_tells_nobody_whether_there_is_an_account(
    app: Flask, pages: PageClient, platform: Member, now: time_machine.Traveller
) -> None:
    member = make_member(app)
    for start in ("/register", "/recover"):
        now.shift(timedelta(minutes=2))
        known = pages.submit(pages.get(start), {"login": member.login})
        strange = pages.submit(pages.get(start), {"login": "0912 345 678"})
        told = [
            page.text.replace(number, "…")
            for page, number in (
                (known, f"{member.login[:4]} {member.login[4:7]} {member.login[7:]}"),
                (strange, "0912 345 678"),
            )
        ]
        assert told[0] == told[1]
    sent = messages(app)
    assert [one["to"] != "" for one in sent] == [True, True, True, False]


@pytest.mark.one_database
def test_registering_says_everything_that_is_wrong_at_once(
    app: Flask, pages: PageClient, platform: Member
) -> None:
    page = prove(app, pages, LOGIN)
    entries = {**REGISTRATION, "organisation": "", "ward_code": "Chẳng Đâu", "password": "12345678"}
    page = pages.submit(page, entries, status=400)
    targets = [link.get("href") for link in page.find("//*[@class='error-summary']//a")]
    assert targets == ["#f-organisation", "#f-ward_code", "#f-password"]
    assert page.form().fields["name"] == REGISTRATION["name"]
    assert "value" not in page.find("//input[@type='password']")[0].attrib
    assert person(app) is None


@pytest.mark.one_database
def test_a_broken_photo_of_a_paper_stores_nothing(
    app: Flask, pages: PageClient, platform: Member
) -> None:
    page = prove(app, pages, LOGIN)
    entries = {**REGISTRATION, "papers": (io.BytesIO(b"no photo"), "giay.jpg")}
    page = pages.submit(page, entries, status=400)
    assert page.texts("//*[@id='e-papers']") != []
    assert person(app) is None
    with app.app_context():
        assert db.session.scalar(select(func.count(Application.id))) == 0


@pytest.mark.one_database
def test_nobody_makes_themselves_an_authority(
    app: Flask, pages: PageClient, platform: Member
) -> None:
    form = prove(app, pages, LOGIN).form()
    for kind in ("authority", "platform"):
        data = {**form.fields, **REGISTRATION, "kind": kind}
        assert pages.client.post("/register/details", data=data).status_code == 400
    assert person(app) is None


# -- numbers that change hands ---------------------------------------------------------------------


def test_a_number_with_an_account_in_use_registers_nobody_else(
    app: Flask, pages: PageClient, platform: Member, now: time_machine.Traveller
) -> None:
    register(app, pages)
    pages.submit(pages.get("/producer/today"), {}, which="//header//form")
    now.shift(timedelta(hours=2))
    page = prove(app, pages, LOGIN)
    assert "Đã có tài khoản" in page.text
    data = {**REGISTRATION, "claim": "yes", "csrf_token": csrf(pages)}
    assert pages.client.post("/register/details", data=data).status_code == 409
    with app.app_context():
        assert db.session.scalar(select(func.count(Person.id)).where(Person.phone == E164)) == 1


def csrf(pages: PageClient) -> str:
    return str(pages.get("/sign-in").form().fields["csrf_token"])


def test_a_number_long_unused_goes_to_its_new_owner_and_the_account_does_not(
    app: Flask, pages: PageClient, platform: Member, now: time_machine.Traveller
) -> None:
    register(app, pages)
    old = person(app)
    assert old is not None
    now.shift(LONG_UNUSED)
    stranger = PageClient(app.test_client())
    page = prove(app, stranger, LOGIN)
    refused = stranger.submit(page, REGISTRATION, status=409)
    stranger.submit(refused, {**REGISTRATION, "claim": "yes"})
    new = person(app)
    assert new is not None
    assert new.id != old.id
    with app.app_context():
        assert db.session.get_one(Person, old.id).phone is None
        mine = db.session.scalars(select(Membership).filter_by(person_id=new.id)).one()
        theirs = db.session.scalars(select(Membership).filter_by(person_id=old.id)).one()
        assert mine.organisation_id != theirs.organisation_id


def test_a_number_recovers_the_account_that_has_nothing_else_and_is_in_use(
    app: Flask, pages: PageClient, platform: Member, now: time_machine.Traveller
) -> None:
    register(app, pages)
    now.shift(timedelta(hours=2))
    other = PageClient(app.test_client())
    page = prove(app, other, LOGIN, start="/recover")
    other.submit(page, {"password": "một câu khác hẳn"})
    assert other.get("/producer/today").h1 == "Hôm nay"
    assert pages.get("/producer/today").h1 == "Đăng nhập"  # every other sign-in ended


@pytest.mark.parametrize("why", ["unused", "has an address"])
def test_a_number_alone_recovers_nothing_that_may_be_anothers(
    app: Flask, pages: PageClient, platform: Member, now: time_machine.Traveller, why: str
) -> None:
    register(app, pages)
    if why == "unused":
        now.shift(RECENTLY + timedelta(seconds=1))
    else:
        now.shift(timedelta(hours=2))
        with app.app_context():
            db.session.scalars(
                select(Person).where(Person.phone == E164)
            ).one().email = "a@b.example"
            db.session.commit()
    other = PageClient(app.test_client())
    page = prove(app, other, LOGIN, start="/recover", status=403)
    assert page.h1 == "Chưa đặt lại được mật khẩu"
    data = {"password": "một câu khác hẳn", "csrf_token": csrf(other)}
    answer = other.client.post("/recover/password", data=data)
    assert answer.status_code == 403
    assert other.get("/producer/today").h1 == "Đăng nhập"


def test_an_address_recovers_its_account(
    app: Flask, pages: PageClient, platform: Member, now: time_machine.Traveller
) -> None:
    register(app, pages, "an@rau.example")
    now.shift(timedelta(days=400))
    page = prove(app, pages, "an@rau.example", start="/recover")
    page = pages.submit(page, {"password": "ngắn"}, status=400)
    assert page.texts("//*[@id='e-password']") != []
    pages.submit(page, {"password": "một câu khác hẳn"})
    assert pages.get("/producer/today").h1 == "Hôm nay"


# -- the file --------------------------------------------------------------------------------------


def authority(app: Flask, jurisdiction: str, status: str = "confirmed") -> Member:
    member = make_member(app, role="supervisor", kind="authority", name="UBND minh họa")
    with app.app_context():
        organisation = db.session.get_one(Organisation, member.organisation_id)
        organisation.jurisdiction, organisation.status = jurisdiction, status
        db.session.commit()
    return member


def the_file(app: Flask) -> Application:
    with app.app_context():
        return db.session.scalars(select(Application)).one()


def test_an_authority_asks_the_applicant_answers_and_it_confirms(
    app: Flask, pages: PageClient, platform: Member, now: time_machine.Traveller
) -> None:
    register(app, pages)
    judge = PageClient(app.test_client())
    sign_in(app, judge.client, authority(app, WARD))
    queue = judge.get("/inspection/applications/")
    desk = judge.get(queue.link("Hộ Minh Họa"))
    empty = judge.submit(desk, {"decision": "asked"}, status=400)
    assert empty.texts("//*[@id='e-text']") != []
    judge.submit(empty, {"decision": "asked", "text": "Cần ảnh giấy tờ đất."})

    page = pages.get("/producer/application/")
    assert "Cần ảnh giấy tờ đất." in page.text
    page = pages.submit(
        pages.get(page.link("Trả lời")),
        {
            "text": "Gửi ảnh đây ạ.",
            "paper_kind": "land",
            "papers": (io.BytesIO(a_photo()), "a.jpg"),
        },
    )
    assert "Đã bổ sung, chờ xem xét" in page.text

    desk = judge.get(desk.address)
    assert "Gửi ảnh đây ạ." in desk.text
    picture = desk.find("//main//img")[0].get("src")
    shown = judge.client.get(picture)
    assert (shown.mimetype, shown.headers["Cache-Control"]) == ("image/jpeg", "no-store")
    judge.submit(desk, {"decision": "confirmed"})

    page = pages.get("/producer/application/")
    assert "UBND minh họa đã xác nhận tổ chức" in page.text
    assert "Đã được xác nhận" in pages.get("/producer/organisation/").text
    history = page.texts("//ol[@class='timeline']//h3")
    assert history == [
        "Xác nhận tổ chức",
        "Trả lời",
        "Thêm giấy tờ",
        "Yêu cầu bổ sung",
        "Nộp hồ sơ",
    ]


def test_a_confirmation_is_a_statement_of_the_platform_in_the_log(
    app: Flask, pages: PageClient, platform: Member
) -> None:
    register(app, pages)
    judge = PageClient(app.test_client())
    sign_in(app, judge.client, authority(app, "01"))
    file = the_file(app)
    judge.submit(judge.get(f"/inspection/applications/{file.id}"), {"decision": "confirmed"})
    with app.app_context():
        event = db.session.scalars(select(Event)).one()
        issuer = db.session.get_one(Organisation, event.issuer_id)
        confirmed = db.session.scalars(select(Application)).one()
        assert issuer.kind == "platform"
        assert confirmed.statement is not None
        assert confirmed.statement.endswith(str(UUID(bytes=event.statement_id)))
        actions = set(db.session.scalars(select(Audit.action)))
        assert {"organisation.confirm", "application.confirmed"} <= actions


def test_who_was_declined_reads_why_and_may_answer(
    app: Flask, pages: PageClient, platform: Member
) -> None:
    register(app, pages)
    desk = PageClient(app.test_client())
    sign_in(app, desk.client, platform)
    page = desk.get(desk.get("/admin/applications/").link("Hộ Minh Họa"))
    desk.submit(page, {"decision": "declined", "text": "Tên không khớp giấy tờ."})
    shown = pages.get("/producer/application/")
    assert "Tên không khớp giấy tờ." in shown.text
    pages.submit(pages.get(shown.link("Trả lời")), {"text": "Đã sửa tên."})
    assert the_file(app).state == "answered"
    with app.app_context():
        assert db.session.scalar(select(func.count(Event.id))) == 0


def test_an_authority_sees_the_files_of_its_wards_only(
    app: Flask, pages: PageClient, platform: Member
) -> None:
    register(app, pages)
    file = the_file(app)
    elsewhere = next(code for code in ("00004", "00008", "10507") if find_ward(code))
    for member in (authority(app, elsewhere), authority(app, WARD, status="unconfirmed")):
        judge = PageClient(app.test_client())
        sign_in(app, judge.client, member)
        assert "Không có hồ sơ nào" in judge.get("/inspection/applications/").text
        judge.get(f"/inspection/applications/{file.id}", status=404)


def test_papers_are_shown_to_nobody_else(app: Flask, pages: PageClient, platform: Member) -> None:
    register(app, pages, paper_kind="identity", papers=(io.BytesIO(a_photo()), "cccd.jpg"))
    page = pages.get("/producer/application/")
    picture = page.find("//main//img")[0].get("src")
    assert pages.client.get(picture).status_code == 200
    with app.app_context():
        digest = db.session.scalars(select(Application)).one().papers[0].digest
    stranger = app.test_client()
    assert stranger.get(f"/photos/{digest}.jpg").status_code == 404
    sign_in(app, stranger, make_member(app))
    assert stranger.get(picture).status_code == 404


@pytest.mark.one_database
def test_a_decision_asks_for_the_password_when_the_sign_in_is_old(
    app: Flask, pages: PageClient, platform: Member, now: time_machine.Traveller
) -> None:
    register(app, pages)
    judge = PageClient(app.test_client())
    sign_in(app, judge.client, authority(app, WARD))
    now.shift(timedelta(minutes=11))
    page = judge.get(f"/inspection/applications/{the_file(app).id}")
    wrong = {"decision": "confirmed", "password": "đoán mò thôi"}
    page = judge.submit(page, wrong, status=400)
    assert the_file(app).state == "received"
    judge.submit(page, {"decision": "confirmed", "password": PASSWORD})
    assert the_file(app).state == "confirmed"


# -- one's own contacts ----------------------------------------------------------------------------


def test_a_person_proves_an_address_and_may_then_recover_by_it(
    app: Flask, pages: PageClient, platform: Member, now: time_machine.Traveller
) -> None:
    register(app, pages)
    assert "Đã xác nhận." in prove(app, pages, "An@Rau.example", start="/account/contact/").text
    found = person(app)
    assert found is not None
    assert (found.email, found.email_proven_at) == ("an@rau.example", FIXED_NOW)
    now.shift(timedelta(days=400))
    other = PageClient(app.test_client())
    page = prove(app, other, "an@rau.example", start="/recover")
    other.submit(page, {"password": "một câu khác hẳn"})
    assert other.get("/producer/today").h1 == "Hôm nay"


def test_nobody_takes_a_proven_contact_of_an_account_in_use(
    app: Flask, pages: PageClient, platform: Member, now: time_machine.Traveller
) -> None:
    register(app, pages)
    now.shift(timedelta(hours=2))
    member = make_member(app)
    other = PageClient(app.test_client())
    sign_in(app, other.client, member)
    page = prove(app, other, LOGIN, start="/account/contact/", status=409)
    assert "đã có tài khoản" in page.text
    holder = person(app)
    assert holder is not None
    assert holder.id != member.person_id

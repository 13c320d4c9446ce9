"""A second step of signing in: set up, asked, used once; those who decide cannot do without."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
import time_machine
from flask import Flask
from sqlalchemy import func, select

from tests.conftest import FIXED_NOW
from tests.functional.test_passkey_sign_in import add as add_passkey
from tests.functional.test_passkey_sign_in import enter as by_passkey
from tests.support.members import PASSWORD, Member, make_member, sign_in
from tests.support.pages import PageClient
from tests.support.passkeys import Phone
from tests.support.second_steps import (
    MINE,
    SECOND,
    Application,
    by_code,
    by_password,
    by_recovery,
    set_up,
)
from trace import clock
from trace.extensions import db
from trace.models import Audit, Authenticator, Person, PlatformSetting, RecoveryCode, Session
from trace.services import factors, organisations, tokens
from trace.services.actors import Actor
from trace.services.sealing import unseal
from trace.services.subjects import erase_record
from trace.web.access import COOKIE

STEP = timedelta(seconds=30)
DESK = "/inspection/"
NEEDED = "Đặt xác nhận hai bước"


@pytest.fixture
def now() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(FIXED_NOW, tick=False) as moved:
        yield moved


@pytest.fixture
def member(app: Flask, pages: PageClient, now: time_machine.Traveller) -> Member:
    made = make_member(app)
    sign_in(app, pages.client, made)
    return made


def another(app: Flask) -> PageClient:
    return PageClient(app.test_client())


def signed_in(pages: PageClient) -> bool:
    return pages.client.get_cookie(COOKIE) is not None


def person_of(member: Member) -> Person:
    return db.session.get_one(Person, member.person_id)


def actions(member: Member) -> list[str]:
    query = select(Audit.action).where(Audit.subject == f"person:{member.person_id}")
    return list(db.session.scalars(query.order_by(Audit.id)))


def test_who_sets_up_an_application_is_asked_for_its_code_from_then_on(
    app: Flask, pages: PageClient, member: Member, now: time_machine.Traveller
) -> None:
    elsewhere = another(app)
    by_password(elsewhere, member)
    application, codes = set_up(pages, clock.now())
    assert len(set(codes)) == 10
    elsewhere.client.get("/account/")
    assert elsewhere.client.get("/account/").status_code == 303  # other sign-ins ended
    phone = another(app)
    now.shift(STEP)
    assert by_password(phone, member).h1 == "Bước thứ hai"
    assert not signed_in(phone)
    assert by_code(phone, application.code(clock.now())).h1 == "Hôm nay"
    page = pages.get(MINE)
    assert "từ 22/11/2026" in page.text
    assert "còn 10 mã" in page.text
    with app.app_context():
        row = db.session.get_one(Authenticator, member.person_id)
        assert application.secret not in row.sealed
        assert unseal(row.sealed, f"authenticator:{member.person_id}")
        kept = list(db.session.scalars(select(RecoveryCode.code_hash)))
        assert all(one.startswith("$argon2id$") for one in kept)
        assert actions(member)[-2:] == ["person.factor-add", "person.factor-codes"]
        assert all(
            code.replace("-", "") not in detail
            for detail in db.session.scalars(select(Audit.detail))
            for code in codes
        )


def test_a_wrong_first_code_keeps_the_page_and_its_secret(
    app: Flask, pages: PageClient, member: Member
) -> None:
    page = pages.get(f"{MINE}new")
    application = Application(page)
    again = pages.submit(page, {"code": application.wrong(clock.now())}, status=400)
    assert Application(again).secret == application.secret
    pages.submit(again, {"code": application.code(clock.now())}, status=201)
    foreign = another(app)
    sign_in(app, foreign.client, make_member(app))
    mine = foreign.get(f"{MINE}new").form()
    stolen = {**mine.fields, "draft": page.form().fields["draft"], "code": "000000"}
    answer = foreign.client.post(f"{MINE}new", data=stolen)
    assert answer.status_code == 400  # sealed for another's sign-in: a new secret is shown
    assert page.form().fields["draft"] not in answer.get_data(as_text=True)


def test_a_recovery_code_opens_once_and_new_ones_end_the_old(
    app: Flask, pages: PageClient, member: Member, now: time_machine.Traveller
) -> None:
    _, codes = set_up(pages, clock.now())
    phone = another(app)
    by_password(phone, member)
    typed = codes[3].lower().replace("-", " ")  # as people write it down
    assert by_recovery(phone, typed).h1 == "Hôm nay"
    thief = another(app)
    by_password(thief, member)
    by_recovery(thief, codes[3], status=400)
    assert "còn 9 mã" in phone.get(MINE).text
    fresh = phone.submit(phone.get(f"{MINE}codes"), {}, status=201).texts("//main//ol//span")
    by_recovery(thief, codes[4], status=400)
    assert by_recovery(thief, fresh[0]).h1 == "Hôm nay"


def test_acts_that_matter_ask_for_password_and_code_once_in_ten_minutes(
    app: Flask, pages: PageClient, member: Member, now: time_machine.Traveller
) -> None:
    application, _ = set_up(pages, clock.now())
    now.shift(timedelta(minutes=11))
    code = application.code(clock.now())
    page = pages.get("/account/contact/")
    asked = {"login": member.login, "password": PASSWORD}
    pages.submit(page, asked, status=400)
    pages.submit(page, {**asked, "factor": application.wrong(clock.now())}, status=400)
    pages.submit(page, {**asked, "password": "không phải", "factor": code}, status=400)
    assert pages.submit(page, {**asked, "factor": code}).h1 == "Nhập mã vừa gửi"
    assert "factor" not in pages.get("/account/contact/").form().names  # fresh again
    now.shift(timedelta(minutes=11))
    assert "factor" in pages.get("/account/contact/").form().names


def test_removing_asks_for_password_and_code_however_fresh_the_sign_in(
    app: Flask, pages: PageClient, member: Member, now: time_machine.Traveller
) -> None:
    application, _ = set_up(pages, clock.now())
    now.shift(STEP)
    page = pages.get(f"{MINE}remove")
    code = application.code(clock.now())
    pages.submit(page, {"password": PASSWORD, "factor": ""}, status=400)
    pages.submit(page, {"password": "", "factor": code}, status=400)
    assert "chưa có" in pages.submit(page, {"password": PASSWORD, "factor": code}).text
    assert by_password(another(app), member).h1 == "Hôm nay"
    with app.app_context():
        assert actions(member)[-1] == "person.factor-remove"
        assert db.session.scalar(select(func.count()).select_from(RecoveryCode)) == 0


# -- those who decide ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("role", "kind", "closed", "open_"),
    [
        ("inspector", "authority", DESK, "/producer/batches/"),
        ("supervisor", "authority", "/inspection/recalls/", "/account/"),
        ("owner", "authority", "/producer/tokens/new", "/account/"),
        ("owner", "authority", "/producer/members/invite", "/account/"),
        ("admin", "platform", "/admin/settings/", "/producer/today"),
        ("owner", "laboratory", "/producer/results/new", "/producer/today"),
        ("recorder", "certifier", "/producer/certifying/1", "/producer/certifying/"),
    ],
)
def test_who_decides_is_led_there_and_closed_out_of_deciding_when_the_time_is_over(
    app: Flask,
    pages: PageClient,
    now: time_machine.Traveller,
    role: str,
    kind: str,
    closed: str,
    open_: str,
) -> None:
    member = make_member(app, role=role, kind=kind)
    asked = by_password(pages, member)
    assert asked.h1 == NEEDED
    assert "Hạn: 06/12/2026 10:00" in asked.text
    assert pages.get(asked.link("Để sau")).h1 != NEEDED
    assert pages.client.get(closed).status_code in (200, 404)  # 404: no such certificate
    now.shift(timedelta(days=14) - timedelta(seconds=1))
    pages = another(app)
    by_password(pages, member)
    assert pages.client.get(closed).status_code in (200, 404)
    now.shift(timedelta(seconds=1))
    assert pages.client.get(closed).headers["Location"].startswith(f"{MINE}needed")
    assert pages.client.get(open_).status_code == 200
    machine = pages.client.get(closed, headers={"Accept": "application/json"})
    assert (machine.status_code, machine.json and machine.json["code"]) == (
        403,
        "second-step-needed",
    )
    app.config["WTF_CSRF_ENABLED"] = False
    assert pages.client.post(closed).status_code in (403, 405)
    set_up(pages, clock.now())
    assert pages.client.get(closed).status_code in (200, 404)


def test_farmers_are_never_asked_and_neither_are_tokens(
    app: Flask, pages: PageClient, member: Member, now: time_machine.Traveller
) -> None:
    laboratory = make_member(app, kind="laboratory")
    with app.app_context():
        _, token = tokens.issue_token(
            laboratory.actor.organisation, "máy đo", ["query"], at=clock.now()
        )
        db.session.commit()
    fresh = another(app)
    assert by_password(fresh, member).h1 == "Hôm nay"
    by_password(another(app), laboratory)
    now.shift(timedelta(days=29))
    assert fresh.get("/producer/batches/").h1 == "Lô hàng"
    machine = {"Authorization": f"Bearer {token}"}
    assert fresh.client.get("/epcis/v2/events", headers=machine).status_code == 200
    with app.app_context():
        assert person_of(member).factor_asked_at is None


def test_the_platform_sets_how_long_and_keys_and_roles_close_with_the_desk(
    app: Flask, pages: PageClient, now: time_machine.Traveller
) -> None:
    member = make_member(app, role="admin", kind="platform")
    with app.app_context():
        db.session.add(PlatformSetting(name="factor_days", value="0", at=clock.now()))
        db.session.commit()
    assert by_password(pages, member).h1 == NEEDED
    assert pages.client.get("/admin/").headers["Location"].startswith(f"{MINE}needed")
    invite = "/producer/members/invite"
    assert pages.client.get(invite).headers["Location"].startswith(f"{MINE}needed")
    app.config["WTF_CSRF_ENABLED"] = False
    assert pages.client.post(invite, data={"name": "Bình", "role": "viewer"}).status_code == 403
    set_up(pages, clock.now())
    assert pages.client.get("/admin/").status_code == 200


def test_a_sign_in_older_than_the_rule_gets_its_time_and_then_closes(
    app: Flask, pages: PageClient, now: time_machine.Traveller
) -> None:
    member = make_member(app, kind="laboratory")
    sign_in(app, pages.client, member)  # as before the release: nobody was asked
    now.shift(timedelta(days=3))
    assert pages.client.get("/producer/results/new").status_code == 200
    with app.app_context():
        assert person_of(member).factor_asked_at == clock.now()
    now.shift(timedelta(days=13))
    assert "xác nhận hai bước" in pages.get("/producer/results/new").text
    now.shift(timedelta(days=1))
    assert pages.get("/producer/results/new").h1 == NEEDED


def test_a_passkey_counts_as_both_and_its_holder_who_decides_needs_it_or_a_recovery_code(
    app: Flask, pages: PageClient, now: time_machine.Traveller
) -> None:
    member = make_member(app, role="supervisor", kind="authority")
    finger = Phone("a")
    by_password(pages, member)
    add_passkey(pages, finger)
    (code, *_) = pages.submit(pages.get(f"{MINE}codes"), {}, status=201).texts("//main//ol//span")
    phone = another(app)
    assert by_passkey(phone, finger).h1 != NEEDED
    now.shift(timedelta(days=20))
    desk = another(app)
    assert by_password(desk, member).h1 == "Bước thứ hai"
    assert not signed_in(desk)
    by_recovery(desk, code)
    assert desk.client.get(DESK).status_code == 200
    now.shift(timedelta(minutes=11))
    page = desk.get("/account/contact/")
    assert "password" not in page.form().names  # a password alone does not do
    desk.submit(page, {"login": member.login}, status=400)
    by_passkey(desk, finger)
    assert desk.submit(desk.get("/account/contact/"), {"login": member.login}).h1


def test_who_begins_to_decide_with_a_passkey_shows_it_before_the_desk(
    app: Flask, pages: PageClient, member: Member, now: time_machine.Traveller
) -> None:
    add_passkey(pages, Phone("a"))
    plain = another(app)
    assert by_password(plain, member).h1 == "Hôm nay"  # who records may do without
    make = make_member(app, role="inspector", kind="authority")
    with app.app_context():
        inside = make.actor.organisation
        organisations.add_member(inside, person_of(member), "inspector", at=clock.now())
        session = db.session.scalars(select(Session).order_by(Session.id.desc())).first()
        assert session is not None
        session.organisation_id = inside.id
        db.session.commit()
    assert plain.client.get(DESK).headers["Location"].startswith("/sign-in/passkey")
    by_passkey(plain, Phone("a"))
    assert plain.client.get(DESK).status_code == 200


def test_erasing_a_person_takes_every_second_step_along(
    app: Flask, pages: PageClient, member: Member
) -> None:
    set_up(pages, clock.now())
    make_member(app, inside=member.organisation_id)  # another owner stays
    with app.app_context():
        admin = make_member(app, role="admin", kind="platform").actor
        acting = Actor(admin.organisation, admin.person, admin.role)
        erase_record(acting, f"person:{member.person_id}", at=clock.now())
        db.session.commit()
        for model in (Authenticator, RecoveryCode, Session):
            mine = select(func.count()).where(model.person_id == member.person_id)
            assert db.session.scalar(mine) == 0


def test_the_secret_is_sealed_anew_with_the_key_encryption_key(
    app: Flask, pages: PageClient, member: Member
) -> None:
    set_up(pages, clock.now())
    place = f"authenticator:{member.person_id}"
    with app.app_context():
        row = db.session.get_one(Authenticator, member.person_id)
        before = unseal(row.sealed, place)
        assert factors.rewrap(bytes(range(32)), bytes(32)) == 1
        assert unseal(row.sealed, place, secret=bytes(32)) == before


def test_the_address_of_the_second_step_opens_nothing_without_the_first(pages: PageClient) -> None:
    assert pages.get(SECOND).h1 == "Đăng nhập"

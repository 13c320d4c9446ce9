"""Attacks on the second step of signing in: guessing, replay, another's code, half a sign-in,
recovery, and taking it away from somebody."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
import time_machine
from flask import Flask
from sqlalchemy import delete, select, update

from tests.conftest import FIXED_NOW
from tests.support.members import PASSWORD, Member, make_member, sign_in
from tests.support.pages import PageClient, checked_page
from tests.support.second_steps import (
    MINE,
    SECOND,
    SIGN_IN,
    Application,
    by_code,
    by_password,
    by_recovery,
    set_up,
)
from trace import clock
from trace.extensions import db
from trace.models import (
    Audit,
    Authenticator,
    ContactCode,
    FactorReset,
    HalfSignIn,
    Job,
    Notification,
    Person,
    RecoveryCode,
    Session,
)
from trace.services import contacts, factors, invitations, senders
from trace.services.people import Login
from trace.web.access import COOKIE

STEP = timedelta(seconds=30)
RESETS = "/admin/second-steps/"


@pytest.fixture
def now() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(FIXED_NOW, tick=False) as moved:
        yield moved


@pytest.fixture
def held(app: Flask, now: time_machine.Traveller) -> tuple[Member, Application, list[str]]:
    """Somebody with an application and recovery codes, a step later."""
    member = make_member(app)
    pages = PageClient(app.test_client())
    sign_in(app, pages.client, member)
    application, codes = set_up(pages, clock.now())
    now.shift(STEP)
    return member, application, codes


Held = tuple[Member, Application, list[str]]


def browser(app: Flask) -> PageClient:
    return PageClient(app.test_client())


def signed_in(pages: PageClient) -> bool:
    return pages.client.get_cookie(COOKIE) is not None


def test_the_password_alone_opens_nothing(app: Flask, held: Held) -> None:
    pages = browser(app)
    by_password(pages, held[0])
    assert not signed_in(pages)
    for address in ("/account/", MINE, f"{MINE}new", f"{MINE}codes", "/producer/today"):
        assert pages.client.get(address).status_code == 303, address
    half = pages.client.get_cookie("session")
    assert half is not None
    with app.app_context():
        (row,) = db.session.scalars(select(HalfSignIn))
        assert row.token_hash.hex() not in half.value
    # Whatever the browser holds of it is no sign-in's token.
    with pages.client.session_transaction() as kept:
        token = kept["half"]
    thief = app.test_client()
    thief.set_cookie(COOKIE, token)
    assert thief.get("/account/").status_code == 303


def test_a_code_is_good_once_even_for_who_sees_it_typed(
    app: Flask, held: Held, now: time_machine.Traveller
) -> None:
    member, application, _ = held
    code = application.code(clock.now())
    by_code(browser_after(app, member), code)
    thief = browser_after(app, member)
    by_code(thief, code, status=400)
    by_code(thief, application.code(clock.now(), -1), status=400)  # older than the one used
    assert not signed_in(thief)
    now.shift(STEP)
    by_code(thief, code, status=400)
    by_code(thief, application.code(clock.now()))
    assert signed_in(thief)


def browser_after(app: Flask, member: Member) -> PageClient:
    pages = browser(app)
    by_password(pages, member)
    return pages


def test_two_who_send_one_code_at_once_do_not_both_get_in(app: Flask, held: Held) -> None:
    member, application, codes = held
    for typed in (application.code(clock.now()), codes[0]):

        def use(_: int, typed: str = typed) -> bool:
            with app.app_context():
                person = db.session.get_one(Person, member.person_id)
                try:
                    factors.use_factor(person, typed, at=FIXED_NOW + STEP)
                except factors.WrongFactor:
                    return False
                return True

        with ThreadPoolExecutor(4) as pool:
            assert sum(pool.map(use, range(8))) == 1


def test_codes_of_another_account_open_nothing(app: Flask, held: Held) -> None:
    other = make_member(app)
    pages = browser(app)
    sign_in(app, pages.client, other)
    set_up(pages, clock.now())
    thief = browser_after(app, other)
    by_code(thief, held[1].code(clock.now()), status=400)
    by_recovery(thief, held[2][0], status=400)
    assert not signed_in(thief)


@pytest.mark.throttled
@pytest.mark.one_database
def test_codes_cannot_be_tried_out_and_the_person_hears_of_it(
    app: Flask, held: Held, now: time_machine.Traveller
) -> None:
    member, application, _ = held
    with app.app_context():
        person = db.session.get_one(Person, member.person_id)
        contacts.mark_proven(person, Login("phone", person.phone or ""), at=clock.now())
        db.session.commit()
    tried = 0
    for _round in range(2):
        thief = browser_after(app, member)
        for _try in range(factors.TRIES - 1):
            by_code(thief, application.wrong(clock.now()), status=400)
        # The fifth wrong one leads back to the password.
        assert by_code(thief, application.wrong(clock.now())).h1 == "Đăng nhập"
        assert thief.get(SECOND).h1 == "Đăng nhập"
        tried += factors.TRIES
    assert tried == 10
    late = browser_after(app, member)  # the password still does, and opens nothing
    by_code(late, application.code(clock.now()), status=429)
    assert not signed_in(late)
    with app.app_context():
        words = db.session.scalars(select(Notification.word)).all()
        assert words.count("factor-tried") == 1  # once a day, however often
        told = [
            senders.message_of(job)["to"]
            for job in db.session.scalars(select(Job).where(Job.kind == senders.JOB_KIND))
        ]
        assert told == [db.session.get_one(Person, member.person_id).phone]
    now.shift(timedelta(minutes=16))
    by_code(browser_after(app, member), application.code(clock.now()))
    for _ in range(6):  # forty wrong ones a day, however patient
        now.shift(timedelta(minutes=16))
        thief = browser_after(app, member)
        for _try in range(factors.TRIES):
            tried += 1
            thief.client.post(SECOND, data=thief.get(SECOND).form().filled({"factor": "1"}))
    now.shift(timedelta(minutes=16))
    by_code(browser_after(app, member), application.code(clock.now()), status=429)


@pytest.mark.throttled
@pytest.mark.one_database
def test_the_right_password_forgets_no_failures_before_the_second_step(
    app: Flask, held: Held
) -> None:
    member = held[0]
    pages = browser(app)
    for _ in range(9):
        pages.submit(
            pages.get(SIGN_IN), {"login": member.login, "password": "không phải"}, status=400
        )
    by_password(pages, member)
    page = pages.get(SIGN_IN)
    pages.submit(page, {"login": member.login, "password": "không phải"}, status=400)
    by_password(pages, member, status=429)
    assert not signed_in(pages)


def test_a_half_sign_in_ends_after_ten_minutes(
    app: Flask, held: Held, now: time_machine.Traveller
) -> None:
    pages = browser_after(app, held[0])
    now.shift(factors.HALF_LIFE)
    assert pages.get(SECOND).h1 == "Đăng nhập"


def test_until_the_password_is_right_nobody_learns_who_has_a_second_step(
    app: Flask, held: Held
) -> None:
    plain = make_member(app)
    answers = []
    for login in (held[0].login, plain.login, "0999999999"):
        pages = browser(app)
        page = pages.get(SIGN_IN)
        refused = pages.submit(page, {"login": login, "password": "không phải"}, status=400)
        answers.append(refused.text)
        assert pages.client.get_cookie(COOKIE) is None
        assert pages.get(SECOND).h1 == "Đăng nhập"
    assert len(set(answers)) == 1


def test_recovery_by_a_contact_does_not_go_around_the_second_step(
    app: Flask, held: Held, monkeypatch: pytest.MonkeyPatch
) -> None:
    member, application, codes = held
    with app.app_context():
        person = db.session.get_one(Person, member.person_id)
        contacts.mark_proven(person, Login("phone", person.phone or ""), at=clock.now())
        db.session.commit()
    monkeypatch.setattr("secrets.randbelow", lambda _: 123456)
    for finish in (codes[0], ""):
        with app.app_context():
            db.session.execute(delete(ContactCode))
            db.session.commit()
        pages = browser(app)
        page = pages.submit(pages.get("/recover"), {"login": member.login})
        page = pages.submit(page, {"code": "123456"})
        page = pages.submit(page, {"password": "một mật khẩu mới hẳn"})
        assert page.h1 == "Bước thứ hai"
        assert not signed_in(pages)
        assert pages.client.get("/account/").status_code == 303
        if finish:
            by_recovery(pages, finish)
        else:
            by_code(pages, application.code(clock.now()))
        assert signed_in(pages)


def test_an_owners_code_does_not_go_around_it_either(app: Flask, held: Held) -> None:
    member = held[0]
    owner = make_member(app, inside=member.organisation_id)
    with app.app_context():
        _, address = invitations.renew(owner.actor, member.person_id, at=clock.now())
        db.session.commit()
    pages = browser(app)
    page = pages.get(address)
    assert pages.submit(page, {"password": "một mật khẩu mới hẳn"}).h1 == "Bước thứ hai"
    assert not signed_in(pages)


def test_a_form_that_waits_for_the_sign_in_waits_for_both_steps_and_keeps_no_code(
    app: Flask, held: Held
) -> None:
    member, application, _ = held
    pages = browser(app)
    sign_in(app, pages.client, member)
    typed = {**pages.get("/account/").form().fields, "name": "Tên mới", "factor": "654321"}
    pages.client.delete_cookie(COOKIE)
    ours = {"Origin": "http://localhost"}
    sent = pages.client.post("/account/", data=typed, headers=ours)
    page = checked_page("http://localhost/account/", sent)
    page = pages.submit(page, {"login": member.login, "password": PASSWORD})
    assert page.h1 == "Bước thứ hai"
    page = pages.submit(page, {"factor": application.wrong(clock.now())}, status=400)
    page = pages.submit(page, {"factor": application.code(clock.now())})
    assert page.h1 == "Gửi lại những gì bạn đã gõ"
    assert "654321" not in page.response.get_data(as_text=True)
    assert pages.submit(page, {}).form().fields["name"] == "Tên mới"


# -- taking it away --------------------------------------------------------------------------------


def ask_for(pages: PageClient, login: str, status: int = 200) -> None:
    told = {"login": login, "reason": "Gặp ở cơ quan, đã xem thẻ"}
    pages.submit(pages.get(RESETS), told, status=status)


def administrator(app: Flask, inside: int | None = None) -> tuple[Member, PageClient]:
    member = make_member(app, role="admin", kind="platform", inside=inside)
    pages = browser(app)
    sign_in(app, pages.client, member)
    return member, pages


def test_it_takes_two_administrators_and_the_person_is_told_and_closed_out_until_set_up(
    app: Flask, held: Held, now: time_machine.Traveller
) -> None:
    member = held[0]
    with app.app_context():
        person = db.session.get_one(Person, member.person_id)
        contacts.mark_proven(person, Login("email", "a@demo.example"), at=clock.now())
        db.session.commit()
    first, asking = administrator(app)
    _, second = administrator(app, first.organisation_id)
    ask_for(asking, "0999999998", status=400)
    ask_for(asking, member.login)
    ask_for(asking, member.login, status=409)
    with app.app_context():
        (row,) = db.session.scalars(select(FactorReset))
        number = row.id
    own = asking.get(f"{RESETS}{number}")
    assert "do" not in own.form().names  # only taking it back is offered
    sent = asking.client.post(f"{RESETS}{number}", data={**own.form().fields, "do": "yes"})
    assert sent.status_code == 403
    with app.app_context():
        assert db.session.get(Authenticator, member.person_id) is not None
    second.submit(second.get(f"{RESETS}{number}"), {"do": "yes"})
    with app.app_context():
        for model in (Authenticator, RecoveryCode, Session):
            found = select(model).where(model.person_id == member.person_id)
            assert db.session.scalars(found).all() == []
        acts = db.session.scalars(select(Audit.action).order_by(Audit.id)).all()
        assert [one for one in acts if "reset" in one] == [
            "factor.reset-ask",
            "factor.reset-done",
            "person.factor-reset",
        ]
        mails = [
            senders.message_of(job)
            for job in db.session.scalars(select(Job).where(Job.kind == senders.JOB_KIND))
        ]
        assert [one["to"] for one in mails] == ["a@demo.example"] * 2
        person = db.session.get_one(Person, member.person_id)
        assert person.factor_asked_at == factors.NO_TIME_LEFT  # no time without, if they decide
    second.submit(second.get(RESETS), {"login": member.login, "reason": "x"}, status=400)


def test_neither_the_person_nor_a_second_account_of_the_asker_decides_and_it_waits_three_days(
    app: Flask, held: Held, now: time_machine.Traveller
) -> None:
    member = held[0]
    first, asking = administrator(app)
    twin, other = administrator(app, first.organisation_id)
    with app.app_context():
        db.session.execute(
            update(Person).where(Person.id == first.person_id).values(email="an@demo.example")
        )
        db.session.execute(
            update(Person).where(Person.id == twin.person_id).values(email="an+2@demo.example")
        )
        db.session.commit()
    ask_for(asking, first.login, status=400)  # not one's own: there is nothing, and one asks not
    ask_for(asking, member.login)
    page = other.get(f"{RESETS}1")
    assert page.find("//main//form") == []
    token = other.get(RESETS).form().fields["csrf_token"]
    sent = {"csrf_token": token, "do": "yes"}
    assert other.client.post(f"{RESETS}1", data=sent).status_code == 403
    now.shift(timedelta(hours=72))
    sign_in(app, other.client, twin)
    _, third = administrator(app, first.organisation_id)
    assert "xin lại" in third.get(f"{RESETS}1").text
    token = third.get(RESETS).form().fields["csrf_token"]
    assert third.client.post(f"{RESETS}1", data={**sent, "csrf_token": token}).status_code == 409


def test_a_stranger_to_the_platform_finds_no_page_of_resets(app: Flask, held: Held) -> None:
    pages = browser(app)
    sign_in(app, pages.client, make_member(app, role="supervisor", kind="authority"))
    assert pages.client.get(RESETS).status_code == 403


def test_who_holds_the_server_takes_it_away_by_command(app: Flask, held: Held) -> None:
    runner = app.test_cli_runner()
    done = runner.invoke(args=["trace", "people", "reset-second-step", held[0].login])
    assert done.exit_code == 0, done.output
    with app.app_context():
        assert db.session.get(Authenticator, held[0].person_id) is None
        assert db.session.scalars(select(Notification.word)).all() == ["factor-reset"]
    again = runner.invoke(args=["trace", "people", "reset-second-step", held[0].login])
    assert again.exit_code == 1
    assert by_password(browser(app), held[0]).h1 == "Hôm nay"

"""Signing in and out: every way of writing a number, nothing told to strangers, tokens that end."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from flask import Flask
from sqlalchemy import select

from tests.conftest import FIXED_NOW
from tests.support.members import PASSWORD, make_member, sign_in
from tests.support.pages import Page, PageClient, checked_page
from trace.extensions import db
from trace.models import Organisation, Person, Session
from trace.services import people, sessions
from trace.web.access import COOKIE

TODAY = "/producer/today"


def enter(pages: PageClient, login: str, password: str = PASSWORD, status: int = 200) -> Page:
    return pages.submit(
        pages.get("/sign-in"), {"login": login, "password": password}, status=status
    )


@pytest.mark.one_database
@pytest.mark.parametrize("shape", ["{0}", "+84{1}", "84{1}", "0084{1}", "{0:.4} {0:.7}", " {0} "])
def test_a_number_signs_in_however_it_is_written(app: Flask, pages: PageClient, shape: str) -> None:
    login = make_member(app).login
    spaced = f"{login[:4]} {login[4:7]} {login[7:]}"
    typed = spaced if ":" in shape else shape.format(login, login[1:])
    assert enter(pages, typed).h1 == "Hôm nay"


def test_an_address_signs_in_in_any_case(app: Flask, pages: PageClient) -> None:
    member = make_member(app)
    with app.app_context():
        person = db.session.get_one(Person, member.person_id)
        person.email = "an@rau.example"
        db.session.commit()
    assert enter(pages, "An@Rau.Example").h1 == "Hôm nay"


@pytest.mark.one_database
@pytest.mark.parametrize("login", ["0912345678", "nobody@rau.example", "???", "", "@"])
def test_a_stranger_and_a_wrong_password_get_the_same_answer(
    app: Flask, pages: PageClient, login: str
) -> None:
    member = make_member(app)
    wrong = enter(pages, member.login, "sai rồi nhé", status=400)
    strange = enter(pages, login, "sai rồi nhé", status=400)
    summary = "//*[@class='error-summary']"
    assert wrong.texts(summary) == strange.texts(summary) != []
    assert strange.form().fields["login"] == login
    assert pages.client.get_cookie(COOKIE) is None


def test_a_strangers_sign_in_does_as_much_work_as_a_real_one(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    member = make_member(app)
    verified: list[str] = []

    def counted(kept: str, password: str) -> bool:
        verified.append(kept)
        return False

    monkeypatch.setattr(people, "matches", counted)
    with app.app_context():
        for login in (member.login, "0912345678", "no login at all"):
            with pytest.raises(people.WrongSignIn):
                people.authenticate(login, PASSWORD)
    assert len(verified) == 3
    assert len({kept.rsplit("$", 2)[0] for kept in verified}) == 1  # the same cost


def test_whoever_was_put_out_of_use_cannot_sign_in(app: Flask, pages: PageClient) -> None:
    member = make_member(app)
    token = sign_in(app, pages.client, member)
    with app.app_context():
        db.session.get_one(Person, member.person_id).active = False
        db.session.commit()
        assert sessions.find_session(token, at=FIXED_NOW) is None
    enter(pages, member.login, status=400)


def test_the_page_asked_for_opens_after_signing_in(app: Flask, pages: PageClient) -> None:
    member = make_member(app)
    page = pages.get("/producer/products/?q=rau")
    assert page.h1 == "Đăng nhập"
    opened = pages.submit(page, {"login": member.login, "password": PASSWORD})
    assert opened.address.endswith("/producer/products/?q=rau")


@pytest.mark.one_database
@pytest.mark.parametrize(
    "target",
    [
        "https://evil.example/",
        "//evil.example/",
        "/\\evil.example",
        "\\\\evil.example",
        "/\t/evil.example",
        "javascript:alert(1)",
        "/ok\r\nX: 1",
    ],
)
def test_next_never_leads_to_another_host(app: Flask, pages: PageClient, target: str) -> None:
    member = make_member(app)
    answer = pages.client.post(
        "/sign-in",
        data={"login": member.login, "password": PASSWORD, "next": target, **csrf(pages)},
    )
    assert answer.status_code == 303
    assert answer.headers["Location"] == TODAY


def csrf(pages: PageClient) -> dict[str, str]:
    return {"csrf_token": pages.get("/sign-in").form().fields["csrf_token"]}


@pytest.mark.one_database
def test_a_form_from_elsewhere_is_refused(app: Flask, pages: PageClient) -> None:
    member = make_member(app)
    answer = pages.client.post("/sign-in", data={"login": member.login, "password": PASSWORD})
    assert answer.status_code == 400
    assert "Set-Cookie" not in answer.headers or COOKIE not in answer.headers["Set-Cookie"]


def test_the_cookie_is_kept_from_scripts_and_other_sites(app: Flask, pages: PageClient) -> None:
    member = make_member(app)
    answer = pages.client.post(
        "/sign-in", data={"login": member.login, "password": PASSWORD, **csrf(pages)}
    )
    (cookie,) = [c for c in answer.headers.getlist("Set-Cookie") if c.startswith(COOKIE)]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    token = cookie.partition("=")[2].partition(";")[0]
    with app.app_context():
        (kept,) = db.session.scalars(select(Session.token_hash))
        assert kept == sessions.token_digest(token)
        assert token.encode() not in kept


def test_every_sign_in_gets_a_token_of_its_own_and_ends_the_one_before(
    app: Flask, pages: PageClient
) -> None:
    member = make_member(app)
    first = sign_in(app, pages.client, member)
    pages.client.post(
        "/sign-in", data={"login": member.login, "password": PASSWORD, **csrf_of_sign_out(pages)}
    )
    second = pages.client.get_cookie(COOKIE)
    assert second is not None
    assert second.value != first
    with app.app_context():
        assert sessions.find_session(first, at=FIXED_NOW) is None


def csrf_of_sign_out(pages: PageClient) -> dict[str, str]:
    form = pages.get(TODAY).form("//header//form")
    return {"csrf_token": form.fields["csrf_token"]}


def test_signing_out_ends_the_token_itself(app: Flask, pages: PageClient) -> None:
    token = sign_in(app, pages.client, make_member(app))
    page = pages.submit(pages.get(TODAY), {}, which="//header//form")
    assert "Bạn đã đăng xuất." in page.text
    pages.client.set_cookie(COOKIE, token)  # somebody kept a copy
    assert pages.get(TODAY).h1 == "Đăng nhập"


@pytest.mark.one_database
def test_pages_of_the_console_are_not_kept_by_a_shared_browser(
    app: Flask, pages: PageClient
) -> None:
    sign_in(app, pages.client, make_member(app))
    assert pages.get(TODAY).response.headers["Cache-Control"] == "no-store"


def test_a_farmers_sign_in_lasts_a_month_from_its_last_use(app: Flask, pages: PageClient) -> None:
    member = make_member(app)
    with time_machine.travel(FIXED_NOW, tick=False) as clock:
        sign_in(app, pages.client, member)
        for _ in range(3):
            clock.shift(timedelta(days=29))
            assert pages.get(TODAY).h1 == "Hôm nay"
        clock.shift(timedelta(days=31))
        assert pages.get(TODAY).h1 == "Đăng nhập"


def test_an_inspectors_sign_in_lasts_half_a_day(app: Flask, pages: PageClient) -> None:
    member = make_member(app, role="inspector", kind="authority")
    with time_machine.travel(FIXED_NOW, tick=False) as clock:
        page = enter(pages, member.login)
        assert pages.get(page.link("Để sau")).h1 == "Bàn làm việc"
        clock.shift(timedelta(hours=11))
        assert pages.get(TODAY).h1 == "Hôm nay"
        clock.shift(timedelta(hours=13))
        assert pages.get(TODAY).h1 == "Đăng nhập"


@pytest.mark.one_database
@pytest.mark.throttled
def test_an_account_is_closed_to_guessing_after_ten_tries_and_others_are_not(
    app: Flask, pages: PageClient
) -> None:
    member, other = make_member(app), make_member(app)
    for _ in range(10):
        enter(pages, member.login, "đoán mò thôi", status=400)
    page = enter(pages, f"+84{member.login[1:]}", status=429)
    assert "Thử quá nhiều lần" in page.text
    assert page.form().fields["login"] == f"+84{member.login[1:]}"
    enter(pages, other.login)


@pytest.mark.one_database
@pytest.mark.throttled
def test_success_forgets_the_failures(app: Flask, pages: PageClient) -> None:
    member = make_member(app)
    for _ in range(3):
        for _ in range(6):
            enter(pages, member.login, "đoán mò thôi", status=400)
        enter(pages, member.login)
        pages.submit(pages.get(TODAY), {}, which="//header//form")


@pytest.mark.one_database
@pytest.mark.throttled
def test_many_accounts_cannot_be_tried_from_one_address(
    app: Flask, pages: PageClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(people, "matches", lambda _kept, _password: False)
    for number in range(60):
        enter(pages, f"09{number:08d}", "đoán mò thôi", status=400)
    enter(pages, "0987654321", "đoán mò thôi", status=429)


@pytest.mark.parametrize("password", ["1234567", "12345678", "aaaaaaaa", "0987654321", "matkhau1"])
def test_a_password_anyone_would_try_is_refused(password: str) -> None:
    with pytest.raises((people.PasswordTooShort, people.PasswordTooCommon)):
        people.check_password_rules(password, people.parse_login("0987654321"))


def test_who_belongs_to_several_organisations_chooses(app: Flask, pages: PageClient) -> None:
    member = make_member(app, name="HTX Một")
    other = make_member(app, name="HTX Hai")
    with app.app_context():
        from trace.services.organisations import add_member

        person = db.session.get_one(Person, member.person_id)
        organisation = db.session.get_one(Organisation, other.organisation_id)
        add_member(organisation, person, "viewer", at=FIXED_NOW)
        db.session.commit()
    page = enter(pages, member.login)
    assert page.h1 == "Bạn làm việc cho tổ chức nào?"
    assert pages.get(TODAY).h1 == "Bạn làm việc cho tổ chức nào?"
    chosen = pages.submit(page, {"organisation": str(other.organisation_id)})
    assert "HTX Hai" in chosen.text
    assert "người xem" in chosen.text


def test_nobody_chooses_an_organisation_they_are_not_in(app: Flask, pages: PageClient) -> None:
    stranger = make_member(app)
    sign_in(app, pages.client, make_member(app))
    page = pages.get("/account/organisation")
    pages.submit(page, {"organisation": str(stranger.organisation_id)}, status=404)


def test_a_changed_password_ends_every_other_sign_in(app: Flask, pages: PageClient) -> None:
    member = make_member(app)
    elsewhere = app.test_client()
    sign_in(app, elsewhere, member)
    sign_in(app, pages.client, member)
    new = "một câu khác hẳn"
    form = pages.get("/account/password")
    wrong = pages.submit(form, {"present": "không nhớ", "password": new}, status=400)
    assert wrong.texts("//*[@id='e-present']") != []
    pages.submit(wrong, {"present": PASSWORD, "password": new})
    assert elsewhere.get(TODAY).status_code == 303
    assert pages.get(TODAY).h1 == "Hôm nay"
    with app.app_context():
        assert people.authenticate(member.login, new).id == member.person_id


def test_a_password_set_by_the_administrator_ends_every_sign_in(
    app: Flask, pages: PageClient
) -> None:
    member = make_member(app)
    sign_in(app, pages.client, member)
    new = "một câu khác hẳn"
    with app.app_context():
        person = db.session.get_one(Person, member.person_id)
        with pytest.raises(people.PasswordTooShort):
            people.reset_password(person, "ngắn", at=FIXED_NOW)
        people.reset_password(person, new, at=FIXED_NOW)
        db.session.commit()
    assert pages.get(TODAY).h1 == "Đăng nhập"
    enter(pages, member.login, status=400)
    assert enter(pages, member.login, new).h1 == "Hôm nay"


def test_the_account_is_changed_but_not_how_one_signs_in(app: Flask, pages: PageClient) -> None:
    """Who finds a phone unlocked takes no address away and puts none of his own there."""
    member = make_member(app)
    sign_in(app, pages.client, member)
    with app.app_context():
        person = db.session.get_one(Person, member.person_id)
        person.email, person.email_proven_at = "an@rau.example", FIXED_NOW
        db.session.commit()
    for email in ("a@b.example", ""):
        told = {**pages.get("/account/").form().fields, "name": "Tên mới", "email": email}
        assert pages.client.post("/account/", data=told).status_code in (303, 400)
    page = pages.submit(pages.get("/account/"), {"name": "Tên mới"})
    assert "Đã lưu tài khoản." in page.text
    with app.app_context():
        person = db.session.get_one(Person, member.person_id)
        assert (person.name, person.email) == ("Tên mới", "an@rau.example")
        assert person.email_proven_at is not None


@pytest.mark.one_database
def test_the_language_is_kept_only_once_chosen(app: Flask, pages: PageClient) -> None:
    page = pages.get("/")
    assert page.root.get("lang") == "vi"
    assert page.response.headers.getlist("Set-Cookie") == []
    english = pages.get(page.link("English"))
    assert english.root.get("lang") == "en"
    assert pages.get("/about").root.get("lang") == "en"
    member = make_member(app)
    sign_in(app, pages.client, member)
    assert pages.get(TODAY).root.get("lang") == "vi"  # the person's own choice stands first
    pages.get("/language/en?next=/producer/today")
    with app.app_context():
        assert db.session.get_one(Person, member.person_id).locale == "en"


ORIGIN = {"Origin": "http://localhost", "Accept": "text/html"}


@pytest.mark.one_database
def test_a_form_sent_after_the_sign_in_ended_is_kept_through_signing_in_again(
    app: Flask, pages: PageClient
) -> None:
    member = make_member(app)
    sign_in(app, pages.client, member)
    form = pages.get("/producer/households/new").form()
    typed = {**form.fields, "name": "Bà Bảy <&>", "phone": "0912345678"}
    pages.client.delete_cookie(COOKIE)
    answer = pages.client.post(form.action, data=typed, headers=ORIGIN)
    assert answer.status_code == 401
    asked = checked_page(answer.request.url, answer)
    assert "vẫn còn" in asked.text
    wrong = pages.submit(asked, {"login": member.login, "password": "sai rồi nhé"}, status=400)
    again = pages.submit(wrong, {"login": member.login, "password": PASSWORD})
    assert again.h1 == "Gửi lại những gì bạn đã gõ"
    assert "Bà Bảy <&>" in again.text
    done = pages.submit(again, {})
    assert done.h1 == "Hộ H01"
    assert "Bà Bảy <&>" in done.text


@pytest.mark.one_database
def test_a_form_whose_token_is_stale_is_sent_again_with_one_press(
    app: Flask, pages: PageClient
) -> None:
    sign_in(app, pages.client, make_member(app))
    form = pages.get("/producer/households/new").form()
    pages.client.delete_cookie("session")  # the browser was closed meanwhile
    answer = pages.client.post(form.action, data={**form.fields, "name": "Bà Bảy"}, headers=ORIGIN)
    assert answer.status_code == 400
    assert pages.submit(checked_page(answer.request.url, answer), {}).h1 == "Hộ H01"


@pytest.mark.one_database
@pytest.mark.parametrize("origin", ["https://evil.example", "null", None])
def test_a_form_of_another_site_is_never_offered_for_sending_again(
    app: Flask, pages: PageClient, origin: str | None
) -> None:
    member = make_member(app)
    headers = {"Accept": "text/html", **({"Origin": origin} if origin else {})}
    sign_in(app, pages.client, member)
    address = "/producer/households/new"
    answer = pages.client.post(address, data={"code": "H66", "name": "Kẻ lạ"}, headers=headers)
    assert answer.status_code == 400
    assert "H66" not in answer.text
    pages.client.delete_cookie(COOKIE)
    answer = pages.client.post(address, data={"code": "H66", "name": "Kẻ lạ"}, headers=headers)
    assert "H66" not in answer.text


@pytest.mark.one_database
def test_a_waiting_form_that_we_did_not_sign_is_dropped(app: Flask, pages: PageClient) -> None:
    member = make_member(app)
    form = pages.get("/sign-in").form()
    entries = {**form.fields, "login": member.login, "password": PASSWORD, "resume": "W10.x.y"}
    assert pages.client.post("/sign-in", data=entries).headers["Location"] == TODAY


@pytest.mark.one_database
@pytest.mark.parametrize(("hours", "taken"), [(23, True), (25, False)])
def test_a_waiting_form_is_dropped_after_a_day(
    app: Flask, pages: PageClient, hours: int, taken: bool
) -> None:
    member = make_member(app)
    with time_machine.travel(FIXED_NOW, tick=False):
        sign_in(app, pages.client, member)
        form = pages.get("/producer/households/new").form()
        pages.client.delete_cookie(COOKIE)
        sent = {**form.fields, "name": "Bà Bảy"}
        answer = pages.client.post(form.action, data=sent, headers=ORIGIN)
        waiting = checked_page(answer.request.url, answer).form().fields["resume"]
    with time_machine.travel(FIXED_NOW + timedelta(hours=hours), tick=False):
        fields = pages.get("/sign-in").form().fields
        fields |= {"login": member.login, "password": PASSWORD, "resume": waiting}
        answer = pages.client.post("/sign-in", data=fields)
        assert ("Bà Bảy" in answer.text) is taken


@pytest.mark.one_database
def test_a_stale_sign_in_form_is_shown_afresh_and_carries_no_password(
    app: Flask, pages: PageClient
) -> None:
    data = {"login": "0912345678", "password": PASSWORD}
    answer = pages.client.post("/sign-in", data=data, headers=ORIGIN, follow_redirects=True)
    assert checked_page(answer.request.url, answer).h1 == "Đăng nhập"
    assert PASSWORD not in answer.text

"""Sign-ins, cookies, passwords, and what is written down of them."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Iterator
from datetime import timedelta
from http.cookies import SimpleCookie
from pathlib import Path

import pytest
import time_machine
from flask import Flask
from sqlalchemy import func, select

from tests.conftest import FIXED_NOW, create_app
from tests.support.databases import release
from tests.support.members import PASSWORD, make_member, sign_in
from tests.support.pages import PageClient
from trace.config import Settings
from trace.extensions import db
from trace.models import Organisation, Person, Token
from trace.services import organisations
from trace.services.people import Login, PasswordTooCommon, check_password_rules
from trace.services.sessions import LONGEST, SHORT_LONGEST

pytestmark = pytest.mark.one_database
HOME = "/producer/"
TEMPLATES = Path(__file__).parents[2] / "templates"


@pytest.fixture
def over_https(settings: Settings) -> Iterator[Flask]:
    """The application whose public address is https."""
    app = create_app(dataclasses.replace(settings, public_url="https://trace.example"))
    yield app
    release(app)


def test_cookies_belong_to_this_host_over_https_only(over_https: Flask) -> None:
    member = make_member(over_https)
    over_https.config["WTF_CSRF_ENABLED"] = False
    client = over_https.test_client()
    base = "https://trace.example"
    given = {"login": member.login, "password": PASSWORD}
    answers = [
        client.get("/language/en", base_url=base),
        client.get("/sign-in", base_url=base),
        client.post("/sign-in", data=given, base_url=base),
        client.get("/account/", base_url=base),
    ]
    assert answers[-1].status_code == 200
    seen = set()
    for answer in answers:
        for line in answer.headers.getlist("Set-Cookie"):
            ((name, cookie),) = SimpleCookie(line).items()
            seen.add(name)
            assert name.startswith("__Host-"), line
            assert cookie["secure"], line
            assert cookie["httponly"], line
            assert cookie["samesite"] == "Lax", line
            assert cookie["path"] == "/", line
            assert not cookie["domain"], line
    assert {"__Host-lang", "__Host-trace_session"} <= seen


def test_a_cookie_that_another_host_could_plant_is_not_read(over_https: Flask) -> None:
    member = make_member(over_https)
    token = sign_in(over_https, over_https.test_client(), member)
    client = over_https.test_client(use_cookies=False)
    base = "https://trace.example"
    plain = client.get("/account/", base_url=base, headers={"Cookie": f"trace_session={token}"})
    ours = client.get(
        "/account/", base_url=base, headers={"Cookie": f"__Host-trace_session={token}"}
    )
    assert (plain.status_code, ours.status_code) == (303, 200)


@pytest.mark.parametrize(
    ("role", "kind", "step", "longest"),
    [
        ("owner", "co-operative", timedelta(days=20), LONGEST),
        ("inspector", "authority", timedelta(hours=10), SHORT_LONGEST),
    ],
)
def test_a_sign_in_ends_for_good_however_much_it_is_used(
    app: Flask, role: str, kind: str, step: timedelta, longest: timedelta
) -> None:
    member = make_member(app, role=role, kind=kind)
    client = app.test_client()
    with time_machine.travel(FIXED_NOW, tick=False) as clock:
        sign_in(app, client, member)
        for _ in range((longest - timedelta(seconds=1)) // step):
            clock.shift(step)
            assert client.get("/account/").status_code == 200
        clock.move_to(FIXED_NOW + longest)
        assert client.get("/account/").status_code == 303


def test_who_begins_to_decide_has_the_shorter_sign_in(app: Flask) -> None:
    member = make_member(app)
    authority = make_member(app, role="inspector", kind="authority")
    with app.app_context():
        organisation = db.session.get(Organisation, authority.organisation_id)
        person = db.session.get(Person, member.person_id)
        assert organisation is not None
        assert person is not None
        organisations.add_member(organisation, person, "inspector", at=FIXED_NOW)
        db.session.commit()
    app.config["WTF_CSRF_ENABLED"] = False
    client = app.test_client()
    with time_machine.travel(FIXED_NOW, tick=False) as clock:
        sign_in(app, client, member)
        chosen = {"organisation": str(authority.organisation_id)}
        assert client.post("/account/organisation", data=chosen).status_code == 303
        assert client.get("/inspection/").status_code == 200
        clock.shift(timedelta(hours=13))
        assert client.get("/inspection/").status_code == 303


@pytest.mark.parametrize(
    "password",
    [
        "password123",
        "iloveyou1",
        "Football1",
        "1qaz2wsx3edc",
        "sunshine1",
        "qwertyuiop",
        "michelle",
    ],
)
def test_passwords_that_others_use_are_refused(password: str) -> None:
    with pytest.raises(PasswordTooCommon):
        check_password_rules(password)


@pytest.mark.parametrize(
    "password", ["nongsan2026", "VietGAP!2026", "Hợp tác xã 1", "rausach-hanoi"]
)
def test_a_password_of_our_own_words_is_refused(password: str) -> None:
    with pytest.raises(PasswordTooCommon):
        check_password_rules(password)


@pytest.mark.parametrize(
    "password",
    [
        "vườn rau sau nhà",
        "    blanks count    ",
        "k" * 30 + "trời mưa" * 8,
        "bò vàng 7 con",
        "ĂÂĐÊÔƠƯ!",
    ],
)
def test_any_other_password_will_do_whatever_its_signs(password: str) -> None:
    check_password_rules(password, Login("phone", "+84912345678"))


def test_passwords_are_typed_masked_and_may_be_pasted() -> None:
    fields = [
        field
        for path in TEMPLATES.rglob("*.html")
        for field in re.findall(r"text_field\(form, \"(?:password|present)\".*", path.read_text())
    ]
    assert len(fields) > 3
    assert [one for one in fields if 'type="password"' not in one] == []
    assert [one for one in fields if "autocomplete=" not in one] == []
    scripts = (TEMPLATES.parent / "static").rglob("*.js")
    # Weights are pasted as a column, into many boxes at once.
    listening = {one.name for one in scripts if re.search("[\"']paste[\"']", one.read_text())}
    assert listening <= {"weighing.js"}


@pytest.mark.one_database
def test_an_installation_begins_without_any_account(app: Flask) -> None:
    made = app.test_cli_runner().invoke(args=["trace", "log", "init"])
    assert made.exit_code == 0, made.output
    with app.app_context():
        assert db.session.scalar(select(func.count()).select_from(Person)) == 0
        assert db.session.scalar(select(func.count()).select_from(Token)) == 0


def test_refusals_and_sign_ins_are_written_down_without_names(
    app: Flask, pages: PageClient, capfd: pytest.CaptureFixture[str]
) -> None:
    member = make_member(app)
    capfd.readouterr()
    page = pages.get("/sign-in")
    for password in ("đoán mò thôi\r\nx", PASSWORD):
        fields = page.form("//main//form[.//input[@name='password']]").filled(
            {"login": member.login, "password": password}
        )
        pages.client.post("/sign-in", data=fields)
    pages.client.get("/admin/")
    app.test_client().get("/api/v1/batches")
    told = [
        json.loads(line) for line in capfd.readouterr().err.splitlines() if line.startswith("{")
    ]
    events = {one["event"]: one for one in told}
    assert {"sign-in-failed", "signed-in", "refused"} <= set(events)
    assert events["signed-in"]["person"] == member.person_id
    refused = [(one["status"], one["endpoint"]) for one in told if one["event"] == "refused"]
    assert (403, "admin_home.show") in refused
    assert [status for status, endpoint in refused if endpoint.startswith("api_v1.")] == [401]
    assert all(one["timestamp"].endswith("Z") and one["request"] for one in told)
    assert member.login[1:] not in json.dumps(told)
    assert "đoán mò" not in json.dumps(told, ensure_ascii=False)

"""Signing in by passkey, and the list of sign-ins."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from flask import Flask
from sqlalchemy import select

from tests.conftest import FIXED_NOW
from tests.support.members import PASSWORD, Member, make_member, sign_in
from tests.support.pages import Page, PageClient
from tests.support.passkeys import Phone
from trace.extensions import db
from trace.models import Person, PersonPasskey
from trace.web.access import COOKIE


@pytest.fixture
def now() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(FIXED_NOW, tick=False) as clock:
        yield clock


@pytest.fixture
def member(app: Flask, pages: PageClient, now: time_machine.Traveller) -> Member:
    made = make_member(app)
    sign_in(app, pages.client, made)
    return made


def options(page: Page) -> dict[str, Any]:
    (field,) = page.find("//*[@data-passkey]")
    found: dict[str, Any] = json.loads(field.get("data-options"))
    return found


def add(pages: PageClient, phone: Phone, status: int = 200) -> Page:
    page = pages.get("/account/passkeys/new")
    entries = {"name": "Điện thoại", "credential": phone.create(options(page))}
    return pages.submit(page, entries, status=status)


def enter(pages: PageClient, phone: Phone, status: int = 200, **changes: Any) -> Page:
    page = pages.get("/sign-in/passkey")
    assert options(page)["allowCredentials"] == []  # nobody is told who has an account
    return pages.submit(page, {"assertion": phone.get(options(page), **changes)}, status=status)


def test_a_passkey_signs_in_without_name_and_password(
    app: Flask, pages: PageClient, member: Member
) -> None:
    assert "Điện thoại" in add(pages, Phone("a")).text
    other = PageClient(app.test_client())
    assert enter(other, Phone("a")).h1 == "Hôm nay"
    assert other.client.get_cookie(COOKIE) is not None


def test_an_unknown_one_and_one_without_the_users_finger_open_nothing(
    app: Flask, pages: PageClient, member: Member
) -> None:
    add(pages, Phone("a"))
    other = PageClient(app.test_client())
    for phone, changes in ((Phone("b"), {}), (Phone("a"), {"flags": 0x01})):
        enter(other, phone, status=400, **changes)
    enter(other, Phone("a", origin="http://evil.example"), status=400)
    assert other.client.get_cookie(COOKIE) is None


@pytest.mark.one_database
def test_an_answer_is_good_once_and_for_five_minutes(
    app: Flask, pages: PageClient, member: Member, now: time_machine.Traveller
) -> None:
    add(pages, Phone("a"))
    other = PageClient(app.test_client())
    page = other.get("/sign-in/passkey")
    kept = other.client.get_cookie("session")
    assert kept is not None
    answer = {"assertion": Phone("a").get(options(page))}
    other.submit(page, answer)
    thief = PageClient(app.test_client())
    thief.client.set_cookie("session", kept.value)
    thief.submit(page, answer, status=400)
    late = PageClient(app.test_client())
    page = late.get("/sign-in/passkey")
    now.shift(timedelta(minutes=5, seconds=1))
    late.submit(page, {"assertion": Phone("a").get(options(page))}, status=400)


@pytest.mark.one_database
@pytest.mark.parametrize("answer", ["", "{}", "[]", "no json", '{"id": 1}', "x" * 30_000])
def test_an_unreadable_answer_is_refused(
    app: Flask, pages: PageClient, member: Member, answer: str
) -> None:
    other = PageClient(app.test_client())
    other.submit(other.get("/sign-in/passkey"), {"assertion": answer}, status=400)
    page = pages.get("/account/passkeys/new")
    page = pages.submit(page, {"name": "Máy", "credential": answer}, status=400)
    assert page.form().fields["name"] == "Máy"


def test_one_passkey_belongs_to_one_person_and_is_removed_by_them(
    app: Flask, pages: PageClient, member: Member
) -> None:
    add(pages, Phone("a"))
    second = PageClient(app.test_client())
    sign_in(app, second.client, make_member(app))
    add(second, Phone("a"), status=409)
    with app.app_context():
        (row,) = db.session.scalars(select(PersonPasskey))
        assert row.person_id == member.person_id
        number = row.id
    second.get(f"/account/passkeys/{number}/remove", status=404)
    pages.submit(pages.get(f"/account/passkeys/{number}/remove"), {})
    enter(PageClient(app.test_client()), Phone("a"), status=400)


@pytest.mark.one_database
def test_whoever_was_put_out_of_use_does_not_enter_by_passkey(
    app: Flask, pages: PageClient, member: Member
) -> None:
    add(pages, Phone("a"))
    with app.app_context():
        db.session.get_one(Person, member.person_id).active = False
        db.session.commit()
    enter(PageClient(app.test_client()), Phone("a"), status=400)


@pytest.mark.one_database
def test_adding_a_passkey_asks_for_the_password_when_the_sign_in_is_old(
    app: Flask, pages: PageClient, member: Member, now: time_machine.Traveller
) -> None:
    now.shift(timedelta(minutes=11))
    page = pages.get("/account/passkeys/new")
    made = Phone("a").create(options(page))
    page = pages.submit(
        page, {"name": "Máy", "credential": made, "password": "đoán mò thôi"}, status=400
    )
    made = Phone("a").create(options(page))
    pages.submit(page, {"name": "Máy", "credential": made, "password": PASSWORD})


def test_every_other_sign_in_is_ended_in_one_press(
    app: Flask, pages: PageClient, member: Member
) -> None:
    elsewhere = app.test_client()
    sign_in(app, elsewhere, member)
    page = pages.get("/account/sign-ins/")
    assert len(page.find("//main//tbody/tr")) == 2
    page = pages.submit(page, {})
    assert len(page.find("//main//tbody/tr")) == 1
    assert elsewhere.get("/producer/today").status_code == 303

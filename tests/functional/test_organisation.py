"""The organisation, its tokens, and the first page of its console."""

from __future__ import annotations

import re

import pytest
from flask import Flask
from sqlalchemy import select

from tests.support.members import Member, make_member, sign_in
from tests.support.pages import PageClient
from trace.extensions import db
from trace.models import Organisation, Token
from trace.services.tokens import find_token

SHOW = "/producer/organisation/"
TOKENS = "/producer/tokens/"


@pytest.fixture
def member(app: Flask, pages: PageClient) -> Member:
    made = make_member(app)
    sign_in(app, pages.client, made)
    return made


def organisation(app: Flask, member: Member) -> Organisation:
    with app.app_context():
        return db.session.get_one(Organisation, member.organisation_id)


def test_the_page_says_that_nobody_confirmed_the_organisation(
    app: Flask, pages: PageClient, member: Member
) -> None:
    page = pages.get(SHOW)
    assert page.h1 == "HTX Minh họa"
    assert "Chưa được xác nhận" in page.text
    code = organisation(app, member).code
    assert f"{code[:5]}-{code[5:]}" in page.text
    assert f"did:web:trace.example:o:{code}" in page.text


def test_the_phone_is_public_only_when_said_so(
    app: Flask, pages: PageClient, member: Member
) -> None:
    page = pages.submit(pages.get(SHOW + "edit"), {"phone": "0912345678"})
    assert "0912 345 678 · không hiện công khai" in page.text
    pages.submit(pages.get(SHOW + "edit"), {"phone_public": "yes"})
    kept = organisation(app, member)
    assert (kept.phone, kept.phone_public) == ("+84912345678", True)


def test_an_owner_cannot_turn_the_organisation_into_an_authority(
    app: Flask, pages: PageClient, member: Member
) -> None:
    form = pages.get(SHOW + "edit").form()
    answer = pages.client.post(form.action, data={**form.fields, "kind": "authority"})
    assert answer.status_code == 400
    assert organisation(app, member).kind == "co-operative"


def test_of_two_owners_the_second_sees_both_versions(
    app: Flask, pages: PageClient, member: Member
) -> None:
    mine, theirs = pages.get(SHOW + "edit"), pages.get(SHOW + "edit")
    pages.submit(theirs, {"address": "Thôn Hai"})
    page = pages.submit(mine, {"address": "Thôn Ba"}, status=409)
    assert "Thôn Hai" in page.text
    assert page.form().fields["address"] == "Thôn Ba"


def test_a_token_is_shown_once_and_kept_only_as_a_digest(
    app: Flask, pages: PageClient, member: Member
) -> None:
    form = pages.get(TOKENS + "new")
    page = pages.submit(form, {"name": "Cân", "scopes": "capture", "days": "30"})
    shown = re.findall(r"trace_[\w-]{43}", page.text)
    assert len(shown) == 1
    assert "trace_" not in pages.get(TOKENS).text
    assert (
        "trace_" not in pages.submit(form, {"name": "Cân", "scopes": "capture", "days": "30"}).text
    )
    with app.app_context():
        (token,) = db.session.scalars(select(Token))
        assert (token.scopes, token.organisation_id) == ("capture", member.organisation_id)
        assert find_token(shown[0], at=token.created_at) is token
        assert shown[0].encode() not in token.token_hash


def test_a_token_is_revoked_after_asking_once(
    app: Flask, pages: PageClient, member: Member
) -> None:
    pages.submit(pages.get(TOKENS + "new"), {"name": "Cân", "scopes": "query"})
    asked = pages.get(pages.get(TOKENS).link("Thu hồi mã Cân"))
    assert asked.h1 == "Thu hồi mã Cân?"
    pages.submit(asked, {})
    with app.app_context():
        assert db.session.scalars(select(Token)).all() == []


@pytest.mark.one_database
def test_a_token_with_no_scope_is_refused(pages: PageClient, member: Member) -> None:
    page = pages.submit(
        pages.get(TOKENS + "new"), {"name": "Cân", "scopes": None, "days": "x"}, status=400
    )
    assert page.texts("//*[@id='e-scopes']") != []
    assert page.texts("//*[@id='e-days']") != []


@pytest.mark.one_database
def test_the_first_page_leads_through_the_first_steps_one_by_one(
    app: Flask, pages: PageClient, member: Member
) -> None:
    page = pages.get("/producer/today")
    assert page.texts("//ol[@class='steps']/li/div/a") == [
        "Thêm nơi sản xuất",
        "Thêm sản phẩm",
        "Thêm hộ thành viên",
        "Bắt đầu vụ đầu tiên",
        "In tem đầu tiên",
    ]
    for step in ("places", "products", "households"):
        pages.submit(
            pages.get(f"/producer/{step}/new"), {} if step == "households" else {"name": "X"}
        )
    assert pages.get("/producer/today").texts("//ol[@class='steps']/li/div/a") == [
        "Bắt đầu vụ đầu tiên",
        "In tem đầu tiên",
    ]
    assert "1 sản phẩm" in pages.get("/producer/catalogue").text

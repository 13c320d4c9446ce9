"""Certificates: stated by whoever has them, confirmed by whoever issued them."""

from __future__ import annotations

from datetime import date

import pytest
import time_machine
from flask import Flask
from sqlalchemy import select

from tests.conftest import FIXED_NOW
from tests.support.members import Member, make_member, sign_in
from tests.support.pages import PageClient
from trace.extensions import db
from trace.models import Audit, Certificate
from trace.services.certificates import state_of
from trace.services.products import register_product

INDEX = "/producer/certificates/"
ENTRIES = {
    "standard": "VietGAP",
    "number": "VG-1",
    "issuer_name": "Trung tâm chứng nhận minh họa",
    "valid_from": "2026-01-01",
    "valid_until": "31/12/2026",
}


@pytest.fixture
def member(app: Flask, pages: PageClient) -> Member:
    made = make_member(app)
    sign_in(app, pages.client, made)
    return made


def certificates(app: Flask) -> list[Certificate]:
    with app.app_context():
        return list(db.session.scalars(select(Certificate)))


def test_a_certificate_is_added_and_said_to_be_unconfirmed(
    app: Flask, pages: PageClient, member: Member
) -> None:
    page = pages.submit(pages.get(INDEX + "new"), ENTRIES)
    assert page.h1 == "VietGAP VG-1"
    assert "Tự khai, chưa được xác nhận" in page.text
    (one,) = certificates(app)
    assert (one.valid_from, one.valid_until) == (date(2026, 1, 1), date(2026, 12, 31))
    assert one.confirmed_by_id is None


def test_a_last_day_before_the_first_is_refused(
    app: Flask, pages: PageClient, member: Member
) -> None:
    entries = {**ENTRIES, "valid_until": "2025-12-31"}
    page = pages.submit(pages.get(INDEX + "new"), entries, status=400)
    assert page.texts("//*[@id='e-valid_until']") != []
    assert certificates(app) == []


def test_another_organisations_product_cannot_be_named(
    app: Flask, pages: PageClient, member: Member
) -> None:
    stranger = make_member(app)
    with app.app_context():
        product = register_product(
            stranger.actor, {"name": "Gạo"}, at=stranger.actor.organisation.created_at
        )
        db.session.commit()
        theirs = product.id
    form = pages.get(INDEX + "new").form()
    entries = {**form.fields, **ENTRIES, "products": str(theirs)}
    assert pages.client.post(INDEX + "new", data=entries).status_code == 400
    assert certificates(app) == []


def test_a_certificate_is_removed_after_asking_once(
    app: Flask, pages: PageClient, member: Member
) -> None:
    page = pages.submit(pages.get(INDEX + "new"), ENTRIES)
    asked = pages.get(page.link("Bỏ chứng nhận này"))
    assert asked.h1 == "Bỏ chứng nhận VietGAP?"
    assert len(certificates(app)) == 1
    assert "Đã bỏ chứng nhận." in pages.submit(asked, {}).text
    assert certificates(app) == []
    with app.app_context():
        actions = list(db.session.scalars(select(Audit.action).order_by(Audit.id)))
    assert actions[-2:] == ["certificate.create", "certificate.remove"]


def test_a_confirmed_certificate_is_not_changed_any_more(
    app: Flask, pages: PageClient, member: Member
) -> None:
    page = pages.submit(pages.get(INDEX + "new"), ENTRIES)
    edit, remove = page.link("Sửa"), page.link("Bỏ chứng nhận này")
    form, asked = pages.get(edit), pages.get(remove)
    issuer = make_member(app, kind="certifier")
    with app.app_context():
        one = db.session.scalar(select(Certificate))
        assert one is not None
        one.confirmed_by_id = issuer.organisation_id
        db.session.commit()
    pages.submit(form, {"standard": "Hữu cơ"}, status=409)
    pages.submit(asked, {}, status=409)
    assert certificates(app)[0].standard == "VietGAP"
    shown = pages.get(page.address)
    assert "Tổ chức cấp đã xác nhận" in shown.text
    assert shown.find("//main//a[contains(@href, 'edit')]") == []


def test_both_days_count() -> None:
    one = Certificate(valid_from=date(2026, 1, 2), valid_until=date(2026, 1, 4))
    days = {day: state_of(one, date(2026, 1, day)) for day in range(1, 6)}
    assert days == {1: "future", 2: "valid", 3: "valid", 4: "valid", 5: "past"}


@pytest.mark.one_database
def test_the_day_is_that_of_viet_nam_and_the_first_page_warns(
    app: Flask, pages: PageClient, member: Member
) -> None:
    # 18:00 UTC on the 22nd is the 23rd in Hà Nội.
    with time_machine.travel(FIXED_NOW.replace(hour=18), tick=False):
        pages.submit(pages.get(INDEX + "new"), {**ENTRIES, "valid_until": "22/11/2026"})
        pages.submit(pages.get(INDEX + "new"), {**ENTRIES, "valid_until": "23/11/2026"})
        assert len(pages.get(INDEX + "?state=past").texts("//tbody//tr")) == 1
        assert "hết hiệu lực ngày 23/11/2026" in pages.get("/producer/today").text

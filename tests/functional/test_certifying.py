"""Who issued a certificate answers for it: signed, logged, and judged on the day of harvest."""

from __future__ import annotations

import gzip
from datetime import datetime
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from tests.support.evenings import sow_for, village
from tests.support.fields import Console, open_console
from tests.support.members import Member, make_member, sign_in
from tests.support.pages import Page, PageClient
from trace import clock
from trace.extensions import db
from trace.jobs.worker import run_pending
from trace.models import Certificate, CertificateCover, Event, Organisation, Product, Thing
from trace.services import freshness

NEW = "/producer/certificates/new"
DESK = "/producer/certifying/"
SAID = {
    "standard": "VietGAP",
    "number": "VG-7",
    "valid_from": "2026-01-01",
    "valid_until": "2027-12-31",
}


@pytest.fixture
def console(app: Flask, pages: PageClient, now: datetime) -> Console:
    return open_console(app, pages)


@pytest.fixture
def certifier(app: Flask, console: Console) -> Member:
    made = make_member(app, kind="certifier", name="Trung tâm chứng nhận Demo")
    stands(app, made, "confirmed")
    return made


def stands(app: Flask, member: Member, status: str) -> None:
    """An authority confirmed it, suspended it, or has done nothing yet."""
    with app.app_context():
        organisation = db.session.get_one(Organisation, member.organisation_id)
        organisation.status = status
        freshness.organisation_changed(organisation, at=clock.now())
        db.session.commit()
        run_pending()


def desk(app: Flask, certifier: Member) -> PageClient:
    client: FlaskClient = app.test_client()
    sign_in(app, client, certifier)
    return PageClient(client)


def stated(console: Console, certifier: Member, **more: object) -> Page:
    form = console.pages.get(NEW)
    issuer = str(certifier.organisation_id)
    fields = {**form.form().fields, **SAID, "issuer_id": issuer, **more}
    answer = console.pages.client.post(NEW, data=fields, follow_redirects=True)
    assert answer.status_code == 200, answer.get_data(as_text=True)
    return console.pages.get("/producer/certificates/1")


def answer(app: Flask, certifier: Member, *, status: int = 200, **told: Any) -> Page:
    pages = desk(app, certifier)
    return pages.submit(pages.get(f"{DESK}1"), dict(told), status=status)


def scanned(console: Console) -> str:
    with console.app.app_context():
        lot = db.session.scalars(select(Thing).where(Thing.kind == "lot")).first()
        assert lot is not None
        path = lot.identity.partition("://")[2].partition("/")[2]
    response = console.pages.client.get(f"/t/{path}")
    body = response.get_data()
    if response.headers.get("Content-Encoding") == "gzip":
        body = gzip.decompress(body)
    return body.decode()


def reap(console: Console, which: int = 0) -> None:
    cycle = console.things("cycle")[which]
    console.pages.submit(
        console.pages.get(f"/producer/cycles/{cycle}/harvest"), {"quantity": "100"}
    )


def test_the_issuer_s_answer_is_a_signed_event_and_the_page_says_it(
    app: Flask, console: Console, certifier: Member
) -> None:
    village(console, 1)
    sow_for(console)
    page = stated(console, certifier)
    assert "Chờ tổ chức cấp trả lời" in page.text
    reap(console)
    assert "VietGAP: tổ chức tự khai, chưa được xác nhận" in scanned(console)
    answer(app, certifier, decision="confirmed")
    told = scanned(console)
    assert "VietGAP: Trung tâm chứng nhận Demo xác nhận, còn hiệu lực ngày thu hoạch" in told
    with app.app_context():
        event = db.session.scalars(select(Event).order_by(Event.id.desc())).first()
        certificate = db.session.scalars(select(Certificate)).one()
        assert event is not None
        assert event.issuer_id == certifier.organisation_id
        assert certificate.event_id == event.id


@pytest.mark.parametrize("status", ["unconfirmed", "suspended"])
def test_a_certifier_that_no_authority_confirms_confirms_nothing(
    app: Flask, console: Console, certifier: Member, status: str
) -> None:
    """Anyone may register as a certifier, under any name."""
    village(console, 1)
    sow_for(console)
    stated(console, certifier)
    reap(console)
    stands(app, certifier, status)
    answer(app, certifier, decision="confirmed")
    assert "VietGAP: tổ chức tự khai, chưa được xác nhận" in scanned(console)
    assert "Trang công khai chưa nêu xác nhận của bạn" in desk(app, certifier).get(DESK).text
    for now, says in (("confirmed", True), (status, False)):
        stands(app, certifier, now)
        assert ("Trung tâm chứng nhận Demo xác nhận" in scanned(console)) is says


def test_what_the_issuer_rejects_is_not_claimed_any_more(
    app: Flask, console: Console, certifier: Member
) -> None:
    village(console, 1)
    sow_for(console)
    stated(console, certifier)
    reap(console)
    answer(app, certifier, decision="rejected", reason="Số này không phải của chúng tôi")
    assert "VietGAP" not in scanned(console)
    page = console.pages.get("/producer/certificates/1")
    assert "Tổ chức cấp không xác nhận" in page.text
    assert "Số này không phải của chúng tôi" in page.text


@pytest.mark.parametrize(
    ("told", "counts"),
    [
        ({"decision": "suspended", "day": "2026-11-01"}, False),
        ({"decision": "suspended", "day": "2026-11-01", "until": "2026-11-10"}, True),
        ({"decision": "withdrawn", "day": "2026-11-22"}, False),
        ({"decision": "withdrawn", "day": "2026-12-22"}, True),
    ],
)
def test_suspension_and_withdrawal_count_on_the_day_of_harvest(
    app: Flask, console: Console, certifier: Member, told: dict[str, Any], counts: bool
) -> None:
    village(console, 1)
    sow_for(console)
    stated(console, certifier)
    reap(console)
    answer(app, certifier, decision="confirmed")
    answer(app, certifier, reason="Đánh giá giám sát không đạt", **told)
    assert ("còn hiệu lực ngày thu hoạch" in scanned(console)) is counts


def test_a_group_certificate_covers_the_households_it_lists(
    app: Flask, console: Console, certifier: Member
) -> None:
    first, _second = village(console, 2)
    sow_for(console)
    stated(console, certifier, members=[str(first)])
    answer(app, certifier, decision="confirmed")
    with app.app_context():
        assert db.session.scalars(select(CertificateCover.household_id)).all() == [first]
    cycles = {
        one.document["trace:performedBy"]: one.things[0].thing.id
        for one in console.events()
        if "trace:performedBy" in one.document
    }
    other = console.things("cycle").index(cycles["H22"])
    reap(console, other)
    assert "VietGAP" not in scanned(console)


def test_taking_force_away_asks_for_a_day_and_a_reason(
    app: Flask, console: Console, certifier: Member
) -> None:
    stated(console, certifier)
    answer(app, certifier, decision="confirmed")
    page = answer(app, certifier, status=400, decision="withdrawn")
    assert page.texts("//*[@id='e-day']") != []
    assert page.texts("//*[@id='e-reason']") != []


def test_only_the_certifier_named_may_answer(
    app: Flask, console: Console, certifier: Member
) -> None:
    stated(console, certifier)
    other = make_member(app, kind="certifier", name="Tổ chức chứng nhận khác")
    assert desk(app, other).client.get(f"{DESK}1").status_code == 404
    assert console.pages.client.get(DESK).status_code == 403


def test_an_answer_to_words_that_changed_meanwhile_is_asked_again(
    app: Flask, console: Console, certifier: Member
) -> None:
    stated(console, certifier)
    pages = desk(app, certifier)
    opened = pages.get(f"{DESK}1")
    form = console.pages.get("/producer/certificates/1/edit")
    console.pages.submit(form, {"number": "VG-8"})
    pages.submit(opened, {"decision": "confirmed"}, status=409)


def test_a_name_that_promises_a_certificate_needs_one(
    app: Flask, console: Console, certifier: Member
) -> None:
    form = console.pages.get("/producer/products/new")
    page = console.pages.submit(form, {"name": "Rau muống hữu cơ VietGAP"})
    assert "Tên có “VietGAP”, “hữu cơ” nhưng chưa có chứng nhận" in page.text
    stated(console, certifier)
    page = console.pages.get(page.address)
    assert "Tên có “hữu cơ” nhưng chưa có chứng nhận" in page.text
    console.lot(product=_newest_product(app), first_day="22/11/2026")
    assert "Tên hàng có “hữu cơ”" in scanned(console)


def _newest_product(app: Flask) -> int:
    with app.app_context():
        found = db.session.scalars(select(Product.id).order_by(Product.id.desc())).first()
        assert found is not None
        return found

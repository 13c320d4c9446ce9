"""What is done for a request: erasing after a preview, taking down what was reported."""

from __future__ import annotations

import io
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote

import orjson
import pytest
import time_machine
from flask import Flask
from sqlalchemy import select

from tests.support.factories import make_actor, new_lot, registered
from tests.support.fields import open_console
from tests.support.members import PASSWORD, make_member, sign_in
from tests.support.pages import PageClient
from tests.support.photos import a_photo
from tests.support.reports import DAN_PHUONG
from tests.support.requests import (
    SECRET,
    admin,
    ask,
    audited,
    everything,
    only,
    state,
)
from trace.extensions import db
from trace.models import (
    Erasure,
    Event,
    Handover,
    Household,
    NoteLink,
    Organisation,
    Person,
    Request,
    Takedown,
)
from trace.services import subjects
from trace.services.attachments import keep_photo, reference
from trace.services.capture import capture

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


@pytest.mark.parametrize(
    ("text", "is_one"),
    [
        ("0912 345 678", True),
        ("ĐT: 0912.345.678", True),
        ("chi.tam@demo.example", True),
        ("/b/29X1582SPR", False),  # read as keys of a telephone: 299 158 2777
        ("29X1582SPR", False),
        ("https://trace.example/b/0912345678", False),
        ("/t/b/0912345678?lang=vi", False),
    ],
)
def test_a_page_or_a_code_is_no_telephone_number(text: str, is_one: bool) -> None:
    assert subjects.is_contact(text) == is_one


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


def test_what_a_driver_wrote_on_a_note_is_found_and_emptied(
    app: Flask, pages: PageClient, now: datetime
) -> None:
    console = open_console(app, pages)
    lot = console.lot("480")
    form = pages.get(f"/producer/shipments/new?thing={lot}")
    pages.submit(form, {"lots-0-quantity": "480"})
    with app.app_context():
        link = db.session.scalars(select(NoteLink)).one()
        shipment, secret = link.event_id, link.secret
        note = db.session.get_one(Handover, shipment).note or ""
    driver = PageClient(app.test_client())
    who = {"name": "Anh Tài", "phone": "0912 345 678", "plate": "29C-123.45"}
    driver.submit(driver.get(f"/g/{secret}"), {"answer": "all", **who})
    ask(pages)
    admin(app, pages)
    row = only(app)
    # By the asker's number at once; by the plate or the note for who left no number.
    for query in ("", "29c 12345", note.rpartition("/")[2], note):
        page = pages.get(f"/admin/requests/{row.id}/erase?q={quote(query)}")
        assert "Anh Tài" in page.text, query
        assert "Lỗi" not in page.title, query
    record = page.find("//input[@name='record']")[0].get("value")
    which = "//main//form[@method='post']"
    preview = pages.submit(page, {"record": record, "do": "preview"}, which=which)
    pages.submit(preview, {"do": "erase"}, which=which)
    with app.app_context():
        kept = db.session.get_one(NoteLink, shipment)
        assert (kept.name, kept.phone, kept.plate) == ("", "", "")
        assert kept.answer == "all"
    assert audited(app, "note.erase") == ["note.erase"]


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
    problem = pages.get(scanned.link("Báo vấn đề"))
    page = pages.get(problem.link("Báo ảnh hoặc lời không nên có"))
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
        authority.status = "confirmed"
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


@pytest.mark.parametrize(
    ("jurisdiction", "status"), [("*", "registered"), ("79", "confirmed"), ("", "confirmed")]
)
def test_a_report_of_another_area_is_not_found_nor_by_an_authority_nobody_confirmed(
    app: Flask, pages: PageClient, now: datetime, jurisdiction: str, status: str
) -> None:
    statement, lot, digest = with_photo(app, now)
    page = pages.get(f"/requests/report?about=/b/{lot}")
    pages.submit(page, {"item": f"{statement} {digest}", "reason": "violence"}, status=201)
    supervisor = make_member(app, role="supervisor", kind="authority", name="Sở Minh họa")
    with app.app_context():
        authority = db.session.get_one(Organisation, supervisor.organisation_id)
        authority.jurisdiction, authority.status = jurisdiction, status
        row = db.session.scalars(select(Request)).one()
        maker = db.session.get_one(Organisation, db.session.get_one(Event, row.event_id).issuer_id)
        maker.ward_code = DAN_PHUONG
        number = row.id
        db.session.commit()
    sign_in(app, pages.client, supervisor)
    assert f"/inspection/reports/{number}" not in pages.get("/inspection/reports/").text
    pages.get(f"/inspection/reports/{number}", status=404)
    pages.get(f"/inspection/reports/{number}/take-down", status=404)


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

"""Directives: whom they reach, what they ask back, who may read which answer, who is reminded."""

from __future__ import annotations

import io
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
import time_machine
from flask import Flask
from sqlalchemy import select

from tests.support.api import Program
from tests.support.factories import make_actor
from tests.support.members import Member, make_member, sign_in
from tests.support.pages import PageClient
from tests.support.photos import a_photo
from trace.extensions import db
from trace.jobs.worker import run_pending
from trace.models import Directive, DirectiveUnit, Notification, Organisation
from trace.services import directive_files, directive_reminders

NOW = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)
PDF = b"%PDF-1.7\n1 0 obj\n<<>>\nendobj\n"
ASKED = {"title": "Rà soát mã vùng trồng", "text": "Báo cáo theo mẫu.\nGửi ảnh sổ."}


@pytest.fixture
def office(app: Flask) -> Member:
    """A supervisor of Hà Nội."""
    member = make_member(app, role="supervisor", kind="authority", name="Sở Minh họa")
    with app.app_context():
        found = db.session.get_one(Organisation, member.organisation_id)
        found.jurisdiction, found.status = "01", "confirmed"
        make_actor(NOW, "Xã Minh họa", "authority", "confirmed", "supervisor", "09784")
        make_actor(NOW, "Tỉnh khác", "authority", "confirmed", "supervisor", "79")
        db.session.commit()
    return member


@pytest.fixture
def farm(app: Flask, office: Member) -> Member:
    """An owner of a co-operative of that city."""
    return make_member(app, name="HTX Nhận")


def enter(app: Flask, pages: PageClient, member: Member, at: datetime = NOW) -> PageClient:
    sign_in(app, pages.client, member, at=at)
    return pages


def send(pages: PageClient, **entries: object) -> None:
    form = pages.get("/inspection/directives/new")
    fields = {**ASKED, "due_on": "2026-11-30", "kinds": ["co-operative", "authority"], **entries}
    values = form.form().filled({})
    answer = pages.client.post(
        form.form().action,
        data={**values, **fields},
        content_type="multipart/form-data",
        headers={"Accept": "text/html"},
    )
    assert answer.status_code == 303, answer.get_data(as_text=True)[:3000]


@time_machine.travel(NOW, tick=False)
def test_a_directive_goes_out_is_answered_sent_back_and_taken(
    app: Flask, pages: PageClient, office: Member, farm: Member
) -> None:
    desk = enter(app, pages, office)
    send(desk, files=[(io.BytesIO(PDF), "mẫu báo cáo.pdf")], number="12/CĐ")
    with app.app_context():
        run_pending()
        one = db.session.scalars(select(Directive)).one()
        units = db.session.scalars(select(DirectiveUnit)).all()
        names = {unit.organisation.name for unit in units}
        assert names == {"HTX Nhận", "Xã Minh họa"}  # neither the other province nor oneself
        told = db.session.scalars(
            select(Notification.person_id).where(Notification.word == "directive-sent")
        ).all()
        assert told == [farm.person_id]
        unit_id = next(unit.id for unit in units if unit.organisation.name == "HTX Nhận")
        other = next(unit.id for unit in units if unit.id != unit_id)
        sent = f"/inspection/directives/{one.id}"
    member = enter(app, pages, farm)
    assert ASKED["title"] in member.get("/directives/").text
    page = member.get(f"/directives/{unit_id}")
    file = str(page.find("//a[@download]/@href")[0])
    given = member.client.get(file)
    assert given.data == PDF
    assert given.headers["Content-Disposition"].startswith("attachment")
    refused = member.submit(page, {"text": " "}, status=400)
    assert refused.find("//textarea[@aria-invalid='true']")
    values = page.form().filled({"text": "Đã rà <script>alert(1)</script>"})
    answer = member.client.post(
        page.form().action,
        data={**values, "files": [(io.BytesIO(a_photo()), "sổ.png")]},
        content_type="multipart/form-data",
    )
    assert answer.status_code == 303
    member.get(f"/directives/{other}", status=404)
    stranger = make_member(app, name="HTX Khác")
    enter(app, pages, stranger)
    pages.get(file, status=404)
    desk = enter(app, pages, office)
    answered = desk.get(f"{sent}/units/{unit_id}")
    assert "<script>" in answered.text  # as words
    paper = str(answered.find("//main//a[@download]/@href")[0])
    assert desk.client.get(paper).mimetype == "image/jpeg"
    desk.submit(answered, {"verdict": "returned", "remark": ""}, status=400)
    desk.submit(answered, {"verdict": "returned", "remark": "Thiếu diện tích"})
    desk.submit(answered, {"verdict": "accepted"}, status=409)  # somebody judged it meanwhile
    enter(app, pages, farm)
    again = pages.get(f"/directives/{unit_id}")
    assert "Thiếu diện tích" in again.text
    pages.submit(again, {"text": "Đã thêm diện tích"})
    desk = enter(app, pages, office)
    desk.submit(desk.get(f"{sent}/units/{unit_id}"), {"verdict": "accepted"})
    listed = desk.client.get(f"{sent}?format=csv").get_data(as_text=True)
    assert "Đã thêm diện tích" in listed
    desk.submit(desk.get(f"{sent}/end?withdraw=yes"), {})
    enter(app, pages, farm)
    assert pages.get(f"/directives/{unit_id}").find("//main//textarea") == []


@time_machine.travel(NOW, tick=False)
def test_a_program_adds_papers_to_an_answer_one_by_one(
    app: Flask, pages: PageClient, office: Member, farm: Member
) -> None:
    send(enter(app, pages, office))
    with app.app_context():
        organisation = db.session.get_one(Organisation, farm.organisation_id)
        program = Program(app.test_client(), organisation)
        stranger = Program(app.test_client(), make_actor(NOW, "HTX Khác").organisation)
    (unit,) = program.get("/directives")["items"]
    at = f"/directives/{unit['id']}/answer/papers"

    def add(given: bytes, kind: str, version: int, by: Program = program, **query: str) -> Any:
        headers = {"Content-Type": kind, "If-Match": f'"{version}"'}
        return by.ask("POST", at, data=given, headers=headers, query_string=query)

    made = add(PDF, "application/pdf", unit["version"], name="kết quả.pdf")
    assert made.status_code == 200, made.text
    assert (made.json["state"], made.json["answer"]) == ("answered", "")
    told = {"text": "Đã rà soát."}
    said = program.put(f"/directives/{unit['id']}/answer", told, made.json["version"])
    more = add(a_photo(), "image/png", said["version"], name="sổ.png")
    assert [one["name"] for one in more.json["answer_papers"]] == ["kết quả.pdf", "sổ.jpg"]
    assert more.json["answer"] == "Đã rà soát."
    for bad, kind, status in ((b"MZ\x90", "application/pdf", 400), (PDF, "text/html", 415)):
        assert add(bad, kind, more.json["version"], name="x").status_code == status
    assert add(PDF, "application/pdf", unit["version"]).status_code == 409
    assert add(PDF, "application/pdf", 1, stranger).status_code == 404
    version = more.json["version"]
    for number in range(4):
        last = add(PDF, "application/pdf", version, name=f"{number}.pdf")
        version = (last.json or {}).get("version", version)
    assert last.json["code"] == "too-many-files"
    with app.app_context():
        told_office = db.session.scalars(
            select(Notification.id).where(Notification.word == "directive-answered")
        ).all()
        assert len(told_office) == 2  # the first paper, and the words; not each paper


@time_machine.travel(NOW, tick=False)
@pytest.mark.parametrize(
    ("entries", "field"),
    [
        ({"due_on": "2026-11-22"}, "due_on"),
        ({"due_on": "2999-01-01"}, "due_on"),
        ({"kinds": ["retailer"]}, "kinds"),
        ({"kinds": ["platform"]}, "kinds"),
        ({"ward_code": "26737"}, "ward_code"),
        ({"title": "x" * 201}, "title"),
        ({"text": "a\x00b"}, "text"),
        ({"files": [(b"%PD", "a.pdf")]}, "files"),
        ({"files": [(b"<svg/>", "../../etc/x.svg")]}, "files"),
        ({"files": [(PDF, f"{n}.pdf") for n in range(6)]}, "files"),
        ({"files": [(PDF + bytes(10_000), "to.pdf")]}, "files"),
    ],
)
def test_what_cannot_be_sent_is_said_beside_its_field_and_kept(
    app: Flask,
    pages: PageClient,
    office: Member,
    farm: Member,
    entries: dict[str, Any],
    field: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(directive_files, "MEGABYTE", 1_000)  # a large file, quickly
    desk = enter(app, pages, office)
    form = desk.get("/inspection/directives/new").form()
    typed = {**ASKED, "due_on": "2026-11-30", "kinds": ["co-operative"], **entries}
    if "files" in entries:
        typed["files"] = [(io.BytesIO(data), name) for data, name in entries["files"]]
    answer = desk.client.post(
        form.action, data={**form.filled({}), **typed}, content_type="multipart/form-data"
    )
    assert answer.status_code in (400, 413)
    body = answer.get_data(as_text=True)
    assert f'href="#f-{field}"' in body
    assert ASKED["title"] in body or field == "title"
    with app.app_context():
        assert db.session.scalar(select(Directive.id)) is None


def test_whoever_owes_an_answer_is_reminded_once_a_day_and_weekly_when_late(
    app: Flask, pages: PageClient, office: Member, farm: Member
) -> None:
    with time_machine.travel(NOW, tick=False):
        desk = enter(app, pages, office)
        send(desk, kinds=["co-operative"])
    said: list[tuple[date, str]] = []
    for days in range(22):
        at = NOW + timedelta(days=days)
        with time_machine.travel(at, tick=False), app.app_context():
            for _ in range(2):
                directive_reminders.remind(at=at)
                db.session.commit()
            run_pending()
            words = db.session.scalars(
                select(Notification.word).where(
                    Notification.created_at == at, Notification.person_id == farm.person_id
                )
            )
            said += [(at.date(), word) for word in words if word.startswith("directive")]
            late = db.session.scalars(
                select(Notification.id).where(Notification.word == "directive-units-late")
            ).all()
            assert len(late) == (days >= 8)  # the office hears once
    assert said == [
        (date(2026, 11, 23), "directive-sent"),
        (date(2026, 11, 27), "directive-due"),
        (date(2026, 11, 30), "directive-due"),
        (date(2026, 12, 1), "directive-overdue"),
        (date(2026, 12, 8), "directive-overdue"),
    ]

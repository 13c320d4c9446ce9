"""A problem with goods is told without an account, reaches the right desk, and is answered."""

from __future__ import annotations

import io
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import IO, Any

import pytest
from flask import Flask
from limits import parse
from sqlalchemy import func, select
from time_machine import escape_hatch

from tests.support.farms import Farm, make_farm, path_of, thing_id
from tests.support.members import make_member, sign_in
from tests.support.pages import PageClient
from tests.support.photos import a_photo
from tests.support.reports import (
    CONTACT,
    DAN_PHUONG,
    START,
    WORDS,
    authority,
    code_of,
    farm,
    send,
    send_on,
    supervisor,
    ward,
    words_of,
)
from tests.support.requests import everything
from trace.extensions import db
from trace.models import Notification, Report, ReportPhoto
from trace.services.actors import Actor
from trace.services.attachments import NotAPhoto
from trace.services.citizen_reports import photos
from trace.services.files import files
from trace.web import reporting

__all__ = ["farm", "ward"]

# -- bounds ----------------------------------------------------------------------------------------


@pytest.mark.one_database
def test_of_thousands_of_pictures_of_one_form_no_more_are_decoded_than_a_report_may_have(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    decoded, asked = list[bytes](), list[str]()
    whole = a_photo()

    def keep(stream: IO[bytes], *, path: str) -> tuple[str, int]:
        decoded.append(stream.read())
        if len(decoded) % 2:
            raise NotAPhoto(path=path)
        return "a" * 43, 1

    def size(digest: str) -> int | None:
        asked.append(digest)
        return None

    monkeypatch.setattr(photos, "PHOTOS", SimpleNamespace(keep=keep, size=size))
    kept, wrong = photos.keep(
        (io.BytesIO(whole) for _ in range(500)), (f"{n:043d}" for n in range(5000))
    )
    assert len(decoded) == photos.LIMIT
    assert len(asked) == photos.LIMIT
    assert kept == [("a" * 43, 1)]
    assert isinstance(wrong[-1], photos.TooManyReportPhotos)


# -- the shopper -----------------------------------------------------------------------------------


def test_a_shopper_reports_without_an_account_and_reads_the_answer_by_the_code(
    app: Flask, farm: Farm, ward: Actor, pages: PageClient
) -> None:
    lot = farm.register()
    scanned = pages.get(f"/t{path_of(lot)}")
    page = pages.get(scanned.link("Báo vấn đề"))
    assert "Cải ngọt, gói 300 g" in page.text
    assert "115" in page.text
    desk_pages = supervisor(app, ward)
    received = send_on(
        pages,
        page,
        a_photo(),
        problem="illness",
        people="2",
        words=f"{WORDS}\n<script>alert(1)</script>",
        bought_ward=DAN_PHUONG,
    )
    assert "Set-Cookie" not in received.response.headers
    assert "Tổ Demo Đan Phượng" in received.text
    assert words_of("report-urgent") == ["Tổ Demo Đan Phượng"]
    code = code_of(received)
    row = db.session.scalars(select(Report)).one()
    assert (row.lot_id, row.placed_by, row.urgent) == (thing_id(lot), "bought", True)

    listed = desk_pages.get("/inspection/citizen-reports/")
    shown = desk_pages.get(f"/inspection/citizen-reports/{row.id}")
    assert "Có người bị bệnh sau khi ăn" in listed.text
    assert "<script>alert(1)</script>" in shown.text
    photo = shown.find("//img[contains(@src, '/photos/')]")[0].get("src")
    assert desk_pages.client.get(photo).data[:2] == b"\xff\xd8"
    assert pages.client.get(photo).status_code in (302, 303)  # to sign in
    desk_pages.submit(shown, {}, which="//form[contains(@action, '/take')]")
    asking = desk_pages.get(shown.link("Hỏi thêm người báo"))
    desk_pages.submit(asking, {"text": "Gói còn nguyên không?"})

    state = pages.get(f"/report/state/{code}")
    assert "Gói còn nguyên không?" in state.text
    assert "Tổ Demo Đan Phượng đang xem xét" in state.text
    assert state.response.headers["Cache-Control"] == "no-store"
    form = state.form().filled({"text": "Còn nguyên"})
    for _ in range(2):  # an impatient thumb
        assert pages.client.post(state.address, data=form).status_code == 303
    answering = desk_pages.get(f"/inspection/citizen-reports/{row.id}/answer")
    assert "Báo mã này cho cơ quan" in pages.get("/t/b/004106105A", 404).text
    done = desk_pages.submit(
        answering, {"outcome": "confirmed", "text": "Đã tạm giữ 40 gói.", "ends": "yes"}
    )
    assert done.text.count("Còn nguyên") == 1
    state = pages.submit(pages.get("/report/state"), {"code": f"{code[:4]}-{code[4:]}".lower()})
    assert "Đã tạm giữ 40 gói." in state.text
    assert "Phản ánh đúng, đã xử lý" in state.text
    assert not state.find("//main//form")


@pytest.mark.parametrize(
    ("entries", "field"),
    [
        ({"problem": None}, "problem"),
        ({"problem": "nonsense"}, "problem"),
        ({"words": ""}, "words"),
        ({"words": "a" * 2001}, "words"),
        ({"words": "a\x00b"}, "words"),
        ({"words": "a\x01\x7f"}, "words"),
        ({"bought_on": "2026-11-23"}, "bought_on"),
        ({"bought_on": "31/02/2026"}, "bought_on"),
        ({"bought_ward": "Xã Không Có Đâu Cả"}, "bought_ward"),
        ({"bought_ward": "\ufffe\x00"}, "bought_ward"),
        ({"people": "9" * 400}, "people"),
        ({"people": "0"}, "people"),
        ({"about": "b" * 301}, "about"),
        ({"contact": "không phải số", "tell": "yes"}, "contact"),
        ({"contact": CONTACT}, "tell"),
        ({"ask": "yes"}, "contact"),
    ],
)
@pytest.mark.one_database("postgresql")
def test_what_is_wrong_is_said_at_its_field_and_nothing_typed_is_lost(
    app: Flask, pages: PageClient, now: datetime, entries: dict[str, Any], field: str
) -> None:
    """PostgreSQL is the stricter: it keeps no zero byte."""
    kept = {"bought_at": "Chợ Demo, sạp 12"}
    page = send(pages, "/report", status=400, **{**kept, **entries})
    links = [link.get("href") for link in page.find("//*[@class='error-summary']//a")]
    assert links == [f"#f-{field}"]
    assert page.find(f"//*[@id='f-{field}']")
    assert page.find("//input[@name='bought_at']")[0].get("value") == "Chợ Demo, sạp 12"
    with app.app_context():
        assert db.session.scalar(select(func.count()).select_from(Report)) == 0


def test_a_video_is_refused_and_the_photo_beside_it_need_not_be_sent_again(
    app: Flask, pages: PageClient, now: datetime
) -> None:
    video = b"\0\0\0\x18ftypmp42" + bytes(50 * 2**20)
    page = send(pages, "/report", a_photo(), video, status=413, words="Hàng mốc")
    assert "50 MB" in page.text or "51 MB" in page.text
    assert page.find("//textarea[@name='words']")[0].text.strip() == "Hàng mốc"
    page = send_on(pages, page, b"no photo at all", status=400, words="Hàng mốc")
    assert page.form().fields["kept"]
    send_on(pages, page, words="")  # the photo that came first says enough
    with app.app_context():
        kept = db.session.scalars(select(ReportPhoto)).one()
        data = photos.PHOTOS.read(kept.digest)
        stored = files().read(photos.PHOTOS.place(kept.digest))
        assert data[:2] == b"\xff\xd8"
        assert data[:200] not in stored
        send(pages, "/report", *[a_photo(40 + n) for n in range(4)], status=400)
        later = escape_hatch.datetime.datetime.now(UTC) + timedelta(days=3)  # files have real times
        assert photos.forget_left(at=later) == 3
        db.session.commit()
        assert photos.PHOTOS.read(kept.digest) == data


@pytest.mark.throttled
def test_photos_with_forms_that_are_refused_do_not_fill_the_disk(
    app: Flask, pages: PageClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reporting, "UPLOADS", parse("2/1 hour"))
    for number in range(2):
        page = send(pages, "/report", a_photo(60 + number), status=400, problem="")
        assert page.form().fields["kept"]
    page = send(pages, "/report", a_photo(62), status=429, words="Hàng mốc")
    assert "Hàng mốc" in page.response.text
    assert "kept" not in page.form().fields
    with app.app_context():
        later = datetime.now().astimezone() + timedelta(days=3)
        assert photos.forget_left(at=later) == 2


def test_a_form_sent_twice_is_one_report_with_one_code(
    app: Flask, pages: PageClient, now: datetime
) -> None:
    page = pages.get("/report?of=00410-6105a")
    first = send_on(pages, page)
    assert code_of(send_on(pages, page)) == code_of(first)
    assert "chưa có cơ quan nào" in first.text
    with app.app_context():
        row = db.session.scalars(select(Report)).one()
        assert (row.about, row.authority_id) == ("/b/004106105A", None)
        code = code_of(first)
        assert code not in everything(app)


@pytest.mark.one_database("postgresql")
@pytest.mark.parametrize(
    "of",
    [
        *("\x00", "a\x00b", "/", "//", "/b/", "/01/123/10/x", "7K3QM", "%", "☃" * 400),
        *("/b/004106105A?x=/t/", "/417/9" * 20, "/p/004106105A", "/o/004106105A"),
        *("/414/8930000000004", "https://[x", "<b>"),
    ],
)
def test_no_code_is_so_strange_that_it_cannot_be_reported(
    pages: PageClient, now: datetime, of: str
) -> None:
    answer = pages.client.get("/report", query_string={"of": of})
    assert answer.status_code == 200
    assert "<b>" not in answer.text
    send(pages, "/report", about=of[:300].replace("\x00", ""))


@pytest.mark.one_database("postgresql")
def test_bytes_that_are_no_text_are_refused_or_shown_as_such(
    pages: PageClient, now: datetime
) -> None:
    raw = b"problem=spoiled&words=%ED%A0%80%00&bought_at=%ED%B3%BF&kept=%00&form_key=" + b"%00" * 22
    answer = pages.client.post(
        "/report", data=raw, content_type="application/x-www-form-urlencoded"
    )
    assert answer.status_code == 400
    for code in ("%00", "%ED%A0%80", "٣" * 16, "a" * 5000, "..%2F.."):
        assert pages.client.get(f"/report/state/{code}").status_code in (400, 404)
    data = {"text": "a\x00", "form_key": "x"}
    assert pages.client.post("/report/state/7K3QMP2XV4TN08FW", data=data).status_code == 404


def test_the_pages_speak_english_and_a_strange_code_is_told(pages: PageClient) -> None:
    pages.language = "en"
    assert pages.get("/report").h1 == "Report a problem with goods"
    page = pages.submit(pages.get("/report/state"), {"code": "7K3Q"}, status=400)
    assert "16 letters" in page.text
    pages.submit(pages.get("/report/state"), {"code": "7K3QMP2XV4TN08FW"}, status=404)
    assert pages.client.get("/report/state/7K3QMP2XV4TN08FW").status_code == 404


@pytest.mark.throttled
def test_five_hundred_an_hour_are_first_held_apart_then_stopped(
    app: Flask, pages: PageClient, now: datetime
) -> None:
    with app.app_context():
        farm = make_farm(START)
        mine = authority(START, "Tổ Demo Đan Phượng", DAN_PHUONG)
        lot = farm.register()
        about = path_of(lot)
        member = make_member(app, role="supervisor", inside=mine.organisation.id)
    form = pages.get(f"/report?of={about}").form()
    entries = form.filled({"problem": "spoiled", "words": WORDS, "bought_ward": DAN_PHUONG})
    answers = [
        pages.client.post("/report", data={**entries, "form_key": f"{n:022d}"}).status_code
        for n in range(61)
    ]
    assert answers == [201] * 60 + [429]
    page = send(pages, "/report", status=429, words="Chuyện thật, gấp")
    assert "Chuyện thật, gấp" in page.response.text
    assert "115" in page.find("//*[@class='error-summary']")[0].xpath("string()")
    sign_in(app, pages.client, member)
    held = pages.get("/inspection/citizen-reports/?view=held")
    assert "48 dòng" in held.text
    assert "12 dòng" in pages.get("/inspection/citizen-reports/").text
    chosen = [box.get("value") for box in held.find("//input[@name='report']")][:2]
    key = held.form("//form[contains(@action, '/held')]").fields["form_key"]
    for act, one in zip(("admit", "end"), chosen, strict=True):
        data = {"act": act, "report": one, "form_key": key[::-1] if act == "end" else key}
        token = held.form("//form[contains(@action, '/held')]").fields["csrf_token"]
        answer = pages.client.post(
            "/inspection/citizen-reports/held", data={**data, "csrf_token": token}
        )
        assert answer.status_code == 303, answer.text[:500]
    assert "46 dòng" in pages.get("/inspection/citizen-reports/?view=held").text
    with app.app_context():
        ended = db.session.get_one(Report, int(chosen[1]))
        assert (ended.state, ended.outcome) == ("closed", "repeated")
        told_makers = db.session.scalar(
            select(func.count()).where(Notification.word == "report-held")
        )
        assert told_makers == 1  # once, however many

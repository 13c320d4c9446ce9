"""A problem with goods is told without an account, reaches the right desk, and is answered."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select
from sqlalchemy.orm import scoped_session

from tests.support.farms import Farm, make_farm, path_of, thing_id
from tests.support.members import make_member, sign_in
from tests.support.pages import PageClient
from tests.support.photos import a_photo
from tests.support.reports import (
    CONTACT,
    DAN_PHUONG,
    HUE,
    WORDS,
    YEN_SO,
    Signed,
    authority,
    code_of,
    send,
    send_on,
    told,
)
from tests.support.requests import everything
from trace.errors import NotFound
from trace.extensions import db
from trace.models import Audit, Job, Notification, Organisation, Report, ReportPhoto, ReportStep
from trace.services import citizen_reports
from trace.services.actors import Actor
from trace.services.citizen_reports import acts, days, desk, photos
from trace.services.citizen_reports.cases import UnknownCase
from trace.services.citizen_reports.reading import contact_of, find_by_code
from trace.services.jurisdictions import scope_of, set_rule
from trace.services.senders import message_of

START = datetime.fromisoformat("2026-11-08T01:00:00+00:00")


@pytest.fixture
def farm(db_session: scoped_session[Any], now: datetime) -> Farm:
    return make_farm(START)


@pytest.fixture
def ward(db_session: scoped_session[Any], now: datetime) -> Actor:
    return authority(START, "Tổ Demo Đan Phượng", DAN_PHUONG)


def supervisor(app: Flask, desk_of: Actor, role: str = "supervisor") -> PageClient:
    client = app.test_client()
    sign_in(app, client, make_member(app, role=role, inside=desk_of.organisation.id))
    return Signed(client)


def words_of(kind: str) -> list[str]:
    """What people of this word were told, by organisation."""
    rows = db.session.execute(
        select(Organisation.name)
        .join(Notification, Notification.organisation_id == Organisation.id)
        .where(Notification.word == kind)
        .order_by(Notification.id)
    )
    return [name for (name,) in rows]


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
        stored = photos.PHOTOS.place(kept.digest).read_bytes()
        assert data[:2] == b"\xff\xd8"
        assert data[:200] not in stored
        send(pages, "/report", *[a_photo(40 + n) for n in range(4)], status=400)
        later = datetime.now().astimezone() + timedelta(days=3)
        assert photos.forget_left(at=later) == 3
        db.session.commit()
        assert photos.PHOTOS.read(kept.digest) == data


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


# -- where it goes ---------------------------------------------------------------------------------


def test_the_place_decides_then_the_sector_and_the_narrowest_has_it(
    farm: Farm, ward: Actor, now: datetime
) -> None:
    city = authority(START, "Chi cục Demo Hà Nội", "01", "agriculture health")
    trade = authority(START, "Quản lý thị trường Demo", "01", "trade")
    ward.organisation.sectors = "agriculture"
    suspended = authority(START, "Tổ Demo bị đình chỉ", DAN_PHUONG)
    suspended.organisation.status = "suspended"
    stall = farm.place("Sạp Demo", ward_code=YEN_SO)
    on_sale, plain = farm.register(), farm.register()
    farm.offer(on_sale, stall)

    def sent(**values: Any) -> tuple[str | None, str, str]:
        report, _ = told(now, **values)
        name = report.authority.name if report.authority else None
        return name, report.placed_by, report.sector

    by_lot = {"about": path_of(on_sale)}
    assert sent(bought_ward=DAN_PHUONG) == (ward.organisation.name, "bought", "agriculture")
    assert sent(**by_lot, bought_ward=DAN_PHUONG)[:2] == (ward.organisation.name, "bought")
    assert sent(**by_lot) == (city.organisation.name, "sale", "agriculture")
    assert sent(about=path_of(plain))[:2] == (city.organisation.name, "maker")
    assert sent(bought_ward=DAN_PHUONG, problem="measure")[0] == trade.organisation.name
    assert sent(bought_ward=DAN_PHUONG, problem="illness")[0] == city.organisation.name
    assert sent(bought_ward=HUE) == (None, "bought", "agriculture")
    assert sent(about=f"/p/{stall.code}")[:2] == (city.organisation.name, "sale")
    # A city that says whose matter weights are, says it for its wards too.
    set_rule(city, "report-routing", {"measure": "agriculture"}, at=now)
    assert sent(bought_ward=DAN_PHUONG, problem="measure")[0] == ward.organisation.name
    # Once there is an authority for the place, what waited goes there.
    hue = authority(START, "Chi cục Demo Huế", "46")
    assert (days.place_waiting(at=now), days.place_waiting(at=now)) == (1, 0)
    db.session.commit()
    moved = db.session.scalars(select(Report).where(Report.ward_code == HUE)).one()
    assert moved.authority_id == hue.organisation.id


def test_a_deadline_that_passes_takes_it_up_one_level_at_a_time(
    app: Flask, farm: Farm, ward: Actor, now: datetime
) -> None:
    city = authority(START, "Chi cục Demo Hà Nội", "01")
    nation = authority(START, "Cục Demo", "*")
    for one in (ward, city, nation):
        make_member(app, role="supervisor", inside=one.organisation.id)
    report, code = told(now, bought_ward=DAN_PHUONG)
    in_time = report.look_by - timedelta(seconds=1)
    assert days.escalate(at=in_time) == 0
    at = report.look_by + timedelta(seconds=1)
    assert (days.escalate(at=at), days.escalate(at=at)) == (1, 0)
    assert report.authority_id == city.organisation.id
    acts.take(city, report, at=at)
    late = report.answer_by + timedelta(hours=1)
    assert days.escalate(at=late) == 1
    assert (report.authority_id, report.state) == (nation.organisation.id, "received")
    top = report.look_by + timedelta(days=1)
    assert [days.escalate(at=top + timedelta(hours=n)) for n in (0, 1, 24)] == [0, 0, 0]
    db.session.commit()
    assert words_of("report-late") == [
        ward.organisation.name,
        city.organisation.name,
        *[nation.organisation.name] * 2,  # once a day
    ]
    page = PageClient(app.test_client()).get(f"/report/state/{code}")
    assert "Quá hạn, chuyển lên Chi cục Demo Hà Nội" in page.text
    assert "Quá hạn, chuyển lên Cục Demo" in page.text


# -- who may do what -------------------------------------------------------------------------------


def test_only_the_desk_that_has_it_acts_and_a_wider_one_takes_it_over(
    app: Flask, farm: Farm, ward: Actor, now: datetime
) -> None:
    city = authority(START, "Chi cục Demo Hà Nội", "01")
    elsewhere = authority(START, "Chi cục Demo Huế", "46")
    report, code = told(now, bought_ward=DAN_PHUONG, contact="+84912345678", ask=True)
    with pytest.raises(NotFound):
        desk.get_report(elsewhere, report.id)
    assert desk.get_report(city, report.id) is report
    assert desk.reachable(report, city).contact == ""
    assert desk.reachable(report, ward).contact == "+84912345678"
    with pytest.raises(acts.NotWithThisDesk):
        acts.take(city, report, at=now)
    for to, error in ((elsewhere.organisation, None), (farm.organisation, "to")):
        if error:
            with pytest.raises(acts.CannotForward):
                acts.forward(ward, report, to, "vì", typed="x", at=now)
    city_pages, hue = supervisor(app, city), supervisor(app, elsewhere)
    inspector = supervisor(app, ward, "inspector")
    address = f"/inspection/citizen-reports/{report.id}"
    assert hue.client.get(address).status_code == 404
    assert inspector.client.get(f"{address}/answer").status_code == 403
    assert supervisor(app, farm.actor, "owner").client.get(address).status_code == 403
    page = city_pages.get(city_pages.get(address).link("Đưa về cơ quan tôi"))
    city_pages.submit(page, {"text": ""}, status=400)
    city_pages.submit(page, {"text": "Nhiều xã cùng báo"})
    page = PageClient(app.test_client()).get(f"/report/state/{code}")
    assert "Chuyển tới Chi cục Demo Hà Nội" in page.text
    assert "Nhiều xã cùng báo" in page.text
    stale = inspector.client.get(f"{address}/ask")  # it sees it still, and may not act
    assert stale.status_code == 200
    with pytest.raises(acts.NotWithThisDesk):
        acts.answer(ward, report, "x", "confirmed", ends=True, version=report.version, at=now)


def test_two_who_answer_at_once_are_told_apart(
    app: Flask, farm: Farm, ward: Actor, now: datetime
) -> None:
    report, _ = told(now, bought_ward=DAN_PHUONG)
    first, second = supervisor(app, ward), supervisor(app, ward)
    address = f"/inspection/citizen-reports/{report.id}/answer"
    pages = [one.get(address) for one in (first, second)]
    typed = {"outcome": "confirmed", "text": "Đã xem."}
    first.submit(pages[0], typed)
    refused = second.submit(pages[1], {**typed, "text": "Câu khác, rất dài"}, status=409)
    assert "Câu khác, rất dài" in refused.response.text
    answered = select(func.count()).where(ReportStep.kind == "answered")
    assert db.session.scalar(answered) == 1


def test_reports_on_one_lot_are_raised_merged_and_answered_together(
    farm: Farm, ward: Actor, now: datetime
) -> None:
    lot = path_of(farm.register())
    make = {"bought_ward": DAN_PHUONG, "about": lot}
    quiet, _ = told(now - timedelta(hours=2), bought_ward=DAN_PHUONG)
    first, second, third = (told(now - timedelta(minutes=n), **make)[0] for n in (50, 40, 30))
    old, _ = told(now - timedelta(days=8), **make)
    rows = desk.list_reports(ward, "open", at=now)
    assert [(row.report.id, row.same, row.raised) for row in rows if row.report.id != old.id] == [
        (first.id, 3, True),
        (second.id, 3, True),
        (third.id, 3, True),
        (quiet.id, 0, False),
    ]
    acts.merge(ward, second, third.id, at=now)
    acts.merge(ward, third, first.id, at=now)
    with pytest.raises(acts.CannotMerge):
        acts.merge(ward, quiet, second.id, at=now)  # itself part of another
    assert {second.merged_into_id, third.merged_into_id} == {first.id}
    acts.split(ward, third, at=now)
    assert desk.count_waiting(ward) == 4
    acts.answer(ward, first, "Đã thu hồi.", "confirmed", ends=True, version=first.version, at=now)
    assert [one.state for one in (first, second, third)] == ["closed", "closed", "received"]
    with pytest.raises(UnknownCase):
        acts.link(ward, third, "00410-6105A", at=now)


# -- the maker -------------------------------------------------------------------------------------


def test_the_maker_sees_its_part_and_nothing_of_the_reporter(
    app: Flask, farm: Farm, ward: Actor, pages: PageClient, now: datetime
) -> None:
    lot = farm.register()
    other = make_farm(START, "HTX Demo khác")
    secret = "Chị Tám sạp 12"
    send(
        pages,
        f"/report?of={path_of(lot)}/AB12CD34EF56GH78",
        a_photo(),
        a_photo(80),
        words=secret,
        bought_at="Sạp 12 chợ Demo",
        bought_ward=DAN_PHUONG,
        contact=CONTACT,
        ask="yes",
    )
    report = db.session.scalars(select(Report)).one()
    assert report.lot_id == thing_id(lot)
    member = make_member(app, inside=farm.organisation.id)
    sign_in(app, pages.client, member)
    address = f"/producer/citizen-reports/{report.id}"

    def unsaid(text: str) -> None:
        for hint in (secret, "Sạp 12", "912", "Đan Phượng, Hà Nội", "AB12CD34EF56GH78"):
            assert hint not in text

    unsaid(pages.get("/producer/citizen-reports/").response.text)
    unsaid(pages.client.get("/producer/citizen-reports/?format=csv").text)
    page = pages.get(address)
    unsaid(page.response.text)
    assert not page.find("//main//form")
    assert pages.client.get(f"{address}/photos/1.jpg").status_code == 404
    acts.pass_on(ward, report, "Lô này có ai trả lại?", [2], version=report.version, at=now)
    db.session.commit()
    page = pages.get(address)
    unsaid(page.response.text)
    assert "Lô này có ai trả lại?" in page.text
    assert pages.client.get(f"{address}/photos/1.jpg").status_code == 404
    assert pages.client.get(f"{address}/photos/2.jpg").status_code == 200
    pages.submit(page, {"text": "Không có ai trả lại"})
    assert (
        "Không có ai trả lại"
        in supervisor(app, ward).get(f"/inspection/citizen-reports/{report.id}").text
    )
    stranger = supervisor(app, other.actor, "owner")
    assert stranger.client.get(address).status_code == 404


# -- what is kept ----------------------------------------------------------------------------------


def test_a_contact_is_sealed_used_for_what_was_ticked_and_forgotten(
    app: Flask, farm: Farm, ward: Actor, now: datetime
) -> None:
    report, code = told(now, bought_ward=DAN_PHUONG, contact="an@mua.example", tell=True, ask=False)
    silent, _ = told(now, bought_ward=DAN_PHUONG, contact="+84912345678", ask=True)
    for hint in ("an@mua.example", code, "912345678"):
        assert hint not in everything(app)

    def messages() -> list[str]:
        jobs = db.session.scalars(select(Job).where(Job.kind == "message").order_by(Job.id))
        return [f"{told_to['to']} {told_to['text']}" for told_to in map(message_of, jobs)]

    acts.ask(ward, report, "Câu hỏi?", version=report.version, at=now)
    assert messages() == []  # asking was not ticked
    for one in (report, silent):
        acts.answer(ward, one, "Đã xem.", "not-found", ends=False, version=one.version, at=now)
    (message,) = messages()
    assert message.startswith("an@mua.example")
    assert f"/report/state/{code}" in message
    quiet = now + timedelta(days=15)
    assert (days.close_quiet(at=quiet), days.close_quiet(at=quiet)) == (2, 0)
    db.session.commit()
    assert days.forget_contacts(at=quiet + timedelta(days=89)) == 0
    assert days.rewrap(bytes(range(32)), bytes(32)) == 2
    assert days.rewrap(bytes(32), bytes(range(32))) == 2
    assert contact_of(report).contact == "an@mua.example"
    third, third_code = told(now, contact="+84912345678", tell=True)
    page = PageClient(app.test_client()).get(f"/report/state/{third_code}")
    PageClient(app.test_client()).submit(page, {}, which="//form[contains(@action, '/forget')]")
    db.session.expire_all()
    assert third.contact is None
    assert days.forget_contacts(at=quiet + timedelta(days=91)) == 2
    db.session.commit()
    db.session.expire_all()
    assert contact_of(find_by_code(code)).contact == ""
    assert find_by_code(code).words == WORDS
    assert db.session.scalar(select(func.count()).where(Audit.action == "report.answer")) == 2


# -- figures ---------------------------------------------------------------------------------------


def test_figures_are_what_a_recount_finds_and_open_data_tells_of_nobody(
    app: Flask, farm: Farm, ward: Actor, now: datetime
) -> None:
    city = authority(START, "Chi cục Demo Hà Nội", "01")
    lot = path_of(farm.register())

    def hours(count: float) -> datetime:
        return now - timedelta(days=3) + timedelta(hours=count)

    made = [told(hours(0), bought_ward=DAN_PHUONG, about=lot)[0] for _ in range(5)]
    made += [told(hours(0), bought_ward=YEN_SO, problem="illness")[0]]
    told(hours(0), bought_ward=DAN_PHUONG, held=True)
    told(hours(0), bought_ward=HUE)
    told(now - timedelta(days=200), bought_ward=DAN_PHUONG)
    for one, after in zip(made[:4], (1, 2, 6, 30), strict=True):
        acts.answer(
            ward, one, "x", "confirmed", ends=after < 3, version=one.version, at=hours(after)
        )
    db.session.commit()

    def of(actor: Actor) -> citizen_reports.Figures:
        return citizen_reports.figures(scope_of(actor), now - timedelta(days=90), now)

    found = of(city)
    assert (found.received, found.urgent, found.held) == (6, 1, 1)
    assert (found.answered, found.closed, found.open) == (4, 2, 4)
    assert float(found.median_hours or 0) == 4.0
    assert found.by_problem == {"spoiled": 5, "illness": 1}
    assert found.by_ward == {DAN_PHUONG: 5, YEN_SO: 1}
    assert found.by_product == (("Cải ngọt, gói 300 g", 5),)
    assert of(ward).received == 5
    rows = citizen_reports.open_rows(scope_of(city), now - timedelta(days=90), now)
    assert [(row["problem"], row["outcome"], row["reports"]) for row in rows] == [
        ("illness", "open", "<5"),
        ("spoiled", "confirmed", "<5"),
        ("spoiled", "open", "<5"),
    ]
    pages = supervisor(app, city)
    assert "4 giờ" in pages.get("/inspection/citizen-reports/figures").text
    told_all = pages.client.get("/inspection/citizen-reports/figures?format=json").get_json()
    assert told_all["reports"] == rows
    sheet = pages.client.get("/inspection/citizen-reports/?format=csv").text
    assert WORDS not in sheet
    page = pages.get("/inspection/citizen-reports/rules")
    refused = pages.submit(page, {"look_days": "9" * 300, "answer_days": "-1"}, status=400)
    assert {link.get("href") for link in refused.find("//*[@class='error-summary']//a")} == {
        "#f-look_days",
        "#f-answer_days",
    }
    pages.submit(page, {"look_days": "1"})
    later, _ = told(now, bought_ward=YEN_SO)
    assert later.look_by.isoformat() == "2026-11-23T16:59:59+00:00"

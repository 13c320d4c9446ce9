"""Where citizens' reports go, who may do what with them, what is kept, and how many there are."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select

from tests.support.farms import Farm, make_farm, path_of, thing_id
from tests.support.members import make_member, sign_in
from tests.support.pages import PageClient
from tests.support.photos import a_photo
from tests.support.reports import (
    CONTACT,
    DAN_PHUONG,
    HUE,
    START,
    WORDS,
    YEN_SO,
    authority,
    farm,
    send,
    supervisor,
    told,
    ward,
    words_of,
)
from tests.support.requests import everything
from trace.errors import NotFound
from trace.extensions import db
from trace.models import Audit, Delegation, Job, Report, ReportStep, Risk
from trace.services import citizen_reports, delegations
from trace.services.actors import Actor
from trace.services.citizen_reports import acts, days, desk
from trace.services.citizen_reports.cases import UnknownCase
from trace.services.citizen_reports.reading import contact_of, find_by_code
from trace.services.jurisdictions import scope_of, set_rule
from trace.services.senders import message_of

REPORTS = "/inspection/citizen-reports/"
MONTH = datetime.fromisoformat("2026-12-20T01:00:00+00:00")
__all__ = ["farm", "ward"]

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
    apart, _ = told(now, bought_ward=DAN_PHUONG, held=True)
    in_time = report.look_by - timedelta(seconds=1)
    assert days.escalate(at=in_time) == 0
    at = report.look_by + timedelta(seconds=1)
    assert (days.escalate(at=at), days.escalate(at=at)) == (2, 0)
    assert (apart.held, apart.authority_id) == (True, city.organisation.id)  # nobody is told of it
    acts.end_burst(city, apart, at=at)
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
    # To decide elsewhere is not to decide here: a province to which looking alone was lent.
    lend = delegations.lend
    lend(city, elsewhere.organisation.code, "inspect", "Hà Nội", (), "vì", until=MONTH, at=now)
    elsewhere.organisation.jurisdiction = "46 48"
    assert desk.get_report(elsewhere, report.id) is report
    assert not desk.may_take_over(elsewhere, report)
    assert desk.may_take_over(city, report)
    lend(city, elsewhere.organisation.code, "decide", "Hà Nội", (), "vì", until=MONTH, at=now)
    assert desk.may_take_over(elsewhere, report)
    for loan in db.session.scalars(select(Delegation)):
        delegations.take_back(city, loan.id, at=now)
    db.session.commit()
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
    app: Flask, farm: Farm, ward: Actor, now: datetime
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
    # Of what is not raised the maker's risk comes before the day.
    quiet.maker_id = None
    risky = make_farm(START, "HTX nhiều điểm Demo").organisation
    later, _ = told(now, bought_ward=DAN_PHUONG)
    later.maker_id = risky.id
    db.session.add(Risk(organisation_id=risky.id, factor="findings", share=900, figure=3, at=now))
    db.session.commit()
    rows = desk.list_reports(ward, "open", at=now)
    order = [row.report.id for row in rows if not row.raised]
    assert order == [later.id, quiet.id]
    assert f"{rows[-2].points} điểm nên kiểm tra" in supervisor(app, ward).get(REPORTS).text
    acts.merge(ward, second, third.id, at=now)
    acts.merge(ward, third, first.id, at=now)
    with pytest.raises(acts.CannotMerge):
        acts.merge(ward, quiet, second.id, at=now)  # itself part of another
    assert {second.merged_into_id, third.merged_into_id} == {first.id}
    acts.split(ward, third, at=now)
    assert desk.count_waiting(ward) == 5
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

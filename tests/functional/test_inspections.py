"""Inspections from the plan to the public line: who sees what, and what two inspectors meet."""

from __future__ import annotations

import io
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
from flask import Flask
from sqlalchemy import select, update

from tests.support.farms import Farm, make_farm, make_place, thing_id
from tests.support.members import START, make_member, sign_in
from tests.support.pages import Page, PageClient
from tests.support.photos import a_photo
from trace.core.gs1 import format_code
from trace.extensions import db
from trace.jobs.worker import run_pending
from trace.models import (
    Audit,
    Event,
    EventThing,
    Finding,
    Holding,
    Inspection,
    InspectionEvent,
    Notification,
    Organisation,
    Person,
    Thing,
)
from trace.models.events import PRIVATE
from trace.services.jurisdictions import LEADS
from trace.web.inspection.menu import ITEMS

WARD = "09895"


@dataclass
class Site:
    """A farm with a lot, its owner at the console, an inspector and a supervisor of one office."""

    app: Flask
    farm: int
    code: str  # of the lot, as printed
    owner: PageClient
    inspector: PageClient
    supervisor: PageClient
    office: int

    @property
    def page(self) -> str:
        return f"/t/b/{self.code.replace('-', '')}"


def somebody(app: Flask, member: Any, name: str) -> PageClient:
    with app.app_context():
        db.session.get_one(Person, member.person_id).name = name
        db.session.commit()
    client = app.test_client()
    sign_in(app, client, member)
    return PageClient(client)


def status(who: PageClient, address: str) -> int:
    with who.client.get(address) as answer:
        return answer.status_code


@pytest.fixture
def site(app: Flask, now: datetime) -> Site:
    with app.app_context():
        farm: Farm = make_farm(now - timedelta(days=20))
        cycle = farm.sow()
        lot = farm.wait(15).reap(cycle)
        farm.organisation.ward_code = WARD
        db.session.commit()
        farm_id, code = farm.organisation.id, format_code(lot.rpartition("/")[2])
    owner = make_member(app, inside=farm_id)
    first = make_member(app, kind="authority", role="inspector", name="Chi cục Minh họa")
    second = make_member(app, role="supervisor", inside=first.organisation_id)
    with app.app_context():
        office = db.session.get_one(Organisation, first.organisation_id)
        office.status, office.jurisdiction = "confirmed", "01"
        db.session.commit()
    return Site(
        app,
        farm_id,
        code,
        somebody(app, owner, "Chủ vườn"),
        somebody(app, first, "Thanh tra Một"),
        somebody(app, second, "Phụ trách Hai"),
        first.organisation_id,
    )


def planned(site: Site, **more: str) -> str:
    """The address of a case about the lot."""
    page = site.inspector.get("/inspection/inspections/new")
    shown = site.inspector.submit(page, {"lots": site.code, "check_list": "farm", **more})
    assert shown.h1.startswith("Kiểm tra")
    return urlsplit(shown.address).path


def found(site: Site, case: str, **more: Any) -> Page:
    """Records a finding in a case; returns the case's page."""
    status = more.pop("status", 200)
    form = site.inspector.get(f"/inspection/findings/new/{case.rpartition('/')[2]}")
    told = {"rule": "record", "severity": "minor", "words": "Thiếu nhật ký ba ngày", **more}
    return site.inspector.submit(form, told, status=status)


def test_a_case_is_private_until_its_conclusion_is_one_public_line(site: Site) -> None:
    before = site.owner.client.get(site.page).data
    case = planned(site)
    visit = site.inspector.get(f"{case}/visit")
    photo = (io.BytesIO(a_photo()), "anh.jpg")
    shown = site.inspector.submit(
        visit,
        {
            "items-0-answer": "no",
            "items-0-note": "Nhật ký dừng từ tuần trước",
            "items-1-answer": "yes",
            "photos": photo,
            "latitude": "21.09",
            "longitude": "105.67",
            "note": "Có mặt chủ vườn",
        },
    )
    assert "Nhật ký dừng từ tuần trước" in shown.text
    assert "21.09" in shown.text
    picture = str(shown.root.xpath("//main//a/img/@src")[0])
    assert status(site.inspector, picture) == 200
    digest = picture.rpartition("/")[2].partition(".")[0]
    assert status(site.owner, f"/photos/{digest}.jpg") == 404
    assert status(site.owner, picture) == 403  # an authority's address
    found(site, case)
    # Nothing of it is public: the page is, byte for byte, what it was.
    assert site.owner.client.get(site.page).data == before
    with site.app.app_context():
        rows = db.session.scalars(
            select(EventThing.visibility).join(
                InspectionEvent, InspectionEvent.event_id == EventThing.event_id
            )
        ).all()
        assert rows
        assert set(rows) == {PRIVATE}
        jwt = db.session.scalars(select(Event.jwt).order_by(Event.id.desc())).first()
        assert jwt is not None
        run_pending()
    end = site.inspector.get(f"{case}/conclude")
    done = site.inspector.submit(end, {"conclusion": "partly", "words": "Ghi lại nhật ký"})
    assert "đã kết luận" in done.text
    # Nobody is asked to fill in what has ended; the result is shown.
    ended = site.inspector.get(f"{case}/visit")
    assert "đã kết luận" in ended.text
    assert not ended.find("//input[@name='items-0-key']")
    public = site.owner.get(site.page)
    line = "Đã kiểm tra ngày 22/11/2026, kết luận: đạt một phần, còn điểm phải khắc phục"
    assert line in public.text
    assert "Chi cục Minh họa" in public.text
    for secret in ("Thiếu nhật ký", "Nhật ký dừng", "Ghi lại nhật ký", "21.09", "Chủ vườn"):
        assert secret not in public.text
        assert secret.encode() not in site.owner.client.get(f"{site.page}?format=json").data
    assert "Inspected on 22/11/2026" in site.owner.get(f"{site.page}?lang=en").text


def test_other_authorities_are_told_nothing_of_an_open_case(site: Site) -> None:
    case = planned(site)
    site.inspector.submit(site.inspector.get(f"{case}/visit"), {"items-0-answer": "no"})
    found(site, case)
    below = make_member(site.app, kind="authority", role="inspector", name="Xã Minh họa")
    above = make_member(site.app, kind="authority", role="inspector", name="Bộ Minh họa")
    with site.app.app_context():
        for member, area in ((below, WARD), (above, "*")):
            office = db.session.get_one(Organisation, member.organisation_id)
            office.status, office.jurisdiction = "confirmed", area
        db.session.commit()
        events = db.session.scalars(select(InspectionEvent.event_id)).all()
    assert len(events) == 2
    chain = f"/inspection/chain/?of={site.code}"
    for who, told in ((below, 404), (above, 200)):
        pages = somebody(site.app, who, "Người khác")
        read = {one["id"] for one in pages.client.get(f"{chain}&format=json").get_json()["events"]}
        for event in events:
            assert status(pages, f"/inspection/chain/events/{event}") == told
            assert (event in read) == (told == 200)
        page = pages.get(chain)
        assert bool(page.find("//select[@name='step']/option[@value='inspecting']")) == (
            told == 200
        )
    assert status(site.inspector, f"/inspection/chain/events/{events[0]}") == 200
    end = site.inspector.get(f"{case}/conclude")
    site.inspector.submit(end, {"conclusion": "partly", "words": ""})
    with site.app.app_context():
        last = db.session.scalars(select(InspectionEvent).order_by(InspectionEvent.id.desc()))
        concluded = last.first()
        assert concluded is not None
        assert concluded.part == "conclusion"
        number = concluded.event_id
    assert (
        status(somebody(site.app, below, "Người khác"), f"/inspection/chain/events/{number}") == 200
    )


def test_the_inspected_sees_its_case_answers_and_nobody_else_does(site: Site) -> None:
    case = planned(site)
    number = case.rpartition("/")[2]
    own = f"/producer/inspections/{number}"
    assert site.owner.client.get(own).status_code == 404  # nobody is told of a plan
    due = {"action": "Ghi bù nhật ký", "due_on": "2026-11-30"}
    found(site, case, severity="critical", **due)
    shown = site.owner.get(own)
    assert "Chưa có gì công khai" in shown.text
    assert "Thiếu nhật ký ba ngày" in shown.text
    finding = site.owner.get(shown.link("Nhật ký, sổ sách không đúng"))
    photo = (io.BytesIO(a_photo()), "so.jpg")
    answered = site.owner.submit(finding, {"words": "Đã ghi bù ngày 23", "photos": photo})
    assert "Đã ghi bù ngày 23" in answered.text
    assert "chưa ký" not in answered.text
    desk = site.inspector.get("/inspection/findings/")
    page = site.inspector.get(desk.link("Nhật ký, sổ sách không đúng"))
    assert "Đã ghi bù ngày 23" in page.text
    assert page.root.xpath("//main//section//img")
    stranger = somebody(site.app, make_member(site.app), "Người ngoài")
    assert stranger.client.get(own).status_code == 404
    address = urlsplit(finding.address).path
    assert stranger.client.get(address).status_code == 404
    with site.app.app_context():
        words = db.session.scalars(select(Notification.word)).all()
        assert {"finding-opened", "finding-answered"} <= set(words)
        thing = db.session.scalars(select(Thing.id).where(Thing.kind == "lot")).one()
        assert any(thing in lead(site.office, [thing]) for lead in LEADS)
        assert not any(lead(site.office + 1, [thing]) for lead in LEADS)


def test_goods_of_another_area_join_a_case_only_where_something_leads_to_them(site: Site) -> None:
    with site.app.app_context():
        far: Farm = make_farm(START, "HTX Huế Minh họa")
        lot = far.register(40.0)
        far.organisation.ward_code = far.plot.ward_code = "19774"
        near = make_place(far.organisation, "Sạp Hà Nội", "stall", START, ward_code=WARD)
        db.session.commit()
        code, stall, thing = format_code(lot.rpartition("/")[2]), near.identity, thing_id(lot)
    with site.app.app_context():
        name = db.session.get_one(Organisation, site.farm).name
    form = site.inspector.get("/inspection/inspections/new")
    told = {"organisation": name, "lots": code, "reason": "Giữ lời tôi gõ"}
    refused = site.inspector.submit(form, told, status=400)
    assert "ở ngoài địa bàn" in refused.text
    assert refused.form("//main//form").filled({})["reason"] == "Giữ lời tôi gõ"
    case = planned(site)
    refused = found(site, case, lots=code, status=400)
    assert "ở ngoài địa bàn" in refused.text
    # An open case leads there, and the look is written down.
    LEADS.append(lambda office, things: {thing} & set(things))
    try:
        assert found(site, case, lots=code).h1.startswith("Kiểm tra")
    finally:
        LEADS.pop()
    with site.app.app_context():
        looks = select(Audit.subject, Audit.organisation_id).where(Audit.action == "look-outside")
        assert [tuple(row) for row in db.session.execute(looks)] == [(lot, site.office)]
        db.session.execute(update(Holding).where(Holding.thing_id == thing).values(place=stall))
        db.session.commit()
    # What lies at a place of the area is the authority's own to look at.
    assert found(site, case, lots=code, words="Hàng bày ở sạp").h1.startswith("Kiểm tra")


def test_a_suspended_authority_s_lists_tell_nothing_of_its_cases(site: Site) -> None:
    case = planned(site, reason="Tin báo về vườn")
    found(site, case, words="Kho để lẫn thuốc")
    with site.app.app_context():
        db.session.get_one(Organisation, site.office).status = "suspended"
        name = db.session.get_one(Organisation, site.farm).name
        db.session.commit()
    pages = [site.app.url_map.bind("").build(item[1]) for item in ITEMS]
    for address in [case, "/inspection/", *pages]:
        with site.supervisor.client.get(address) as answer:
            told = answer.get_data(as_text=True)
        assert answer.status_code in (200, 403, 404), address
        for words in (name, "Tin báo về vườn", "Kho để lẫn thuốc", site.code):
            assert words not in told, address


def test_who_moves_away_takes_its_case_from_nobody_s_hands(site: Site) -> None:
    case = planned(site)
    found(site, case, severity="critical", rule="input", words="Thuốc hết hạn")
    with site.app.app_context():
        db.session.get_one(Organisation, site.farm).ward_code = "19774"
        db.session.commit()
    desk = site.supervisor.get("/inspection/findings/")
    grave = desk.link("Vật tư không được phép hoặc quá hạn")
    site.inspector.submit(site.inspector.get(grave), {"words": "Xong"}, status=400)
    site.supervisor.submit(site.supervisor.get(grave), {"words": "Đã tiêu huỷ thuốc"})
    form = site.supervisor.get(f"{case}/conclude")
    assert site.supervisor.submit(form, {"conclusion": "partly"}).h1.startswith("Kiểm tra")
    with site.app.app_context():
        assert db.session.scalars(select(Finding.state)).all() == ["closed"]
        assert db.session.scalars(select(Inspection.state)).all() == ["concluded"]


def test_of_two_who_close_one_finding_the_second_reads_what_the_first_wrote(site: Site) -> None:
    case = planned(site)
    found(site, case, severity="minor")
    found(site, case, severity="critical", rule="input", words="Thuốc hết hạn")
    desk = site.inspector.get("/inspection/findings/")
    minor = desk.link("Nhật ký, sổ sách không đúng")
    grave = desk.link("Vật tư không được phép hoặc quá hạn")
    mine, theirs = site.inspector.get(minor), site.supervisor.get(minor)
    site.supervisor.submit(theirs, {"words": "Sổ đã đủ"})
    page = site.inspector.submit(mine, {"words": "Tôi cũng thấy đủ"}, status=409)
    assert "Phụ trách Hai" in page.text
    assert "“Sổ đã đủ”" in page.text
    assert page.form().fields["words"].strip() == "Tôi cũng thấy đủ"
    refused = site.inspector.submit(site.inspector.get(grave), {"words": "Đã bỏ"}, status=400)
    assert "người phụ trách" in refused.text.lower()
    site.supervisor.submit(site.supervisor.get(grave), {"words": "Đã tiêu huỷ thuốc"})
    with site.app.app_context():
        states = db.session.scalars(select(Finding.state)).all()
        assert states == ["closed", "closed"]
        parts = db.session.scalars(select(InspectionEvent.part)).all()
        assert sorted(parts) == ["closed", "closed", "finding", "finding"]
    # Two who conclude at once: the same.
    one, two = site.inspector.get(f"{case}/conclude"), site.supervisor.get(f"{case}/conclude")
    site.inspector.submit(one, {"conclusion": "met"}, status=400)  # a critical finding
    site.supervisor.submit(two, {"conclusion": "not-met"})
    late = site.inspector.submit(
        site.inspector.get(f"{case}/conclude"), {"conclusion": "met"}, status=400
    )
    assert "người phụ trách" in late.text.lower()
    again = site.supervisor.submit(two, {"conclusion": "met", "form_key": "x" * 22}, status=409)
    assert "Phụ trách Hai" in again.text
    assert "kết luận: không đạt" in site.owner.get(site.page).text
    site.supervisor.submit(site.supervisor.get(f"{case}/conclude"), {"conclusion": "partly"})
    public = site.owner.get(site.page).text
    assert "kết luận: đạt một phần" in public
    assert "kết luận: không đạt" not in public


def test_a_finding_is_said_otherwise_or_withdrawn_and_the_first_words_stay(site: Site) -> None:
    case = planned(site)
    found(site, case)
    page = site.inspector.get("/inspection/findings/")
    address = page.link("Nhật ký, sổ sách không đúng")
    correct = f"{address}/correct"
    told = {"words": "Thiếu hai ngày", "severity": "major", "due_on": "2026-11-25"}
    shown = site.inspector.submit(site.inspector.get(correct), told)
    assert "Thiếu hai ngày" in shown.text
    assert "Thiếu nhật ký ba ngày" in shown.text
    form = site.inspector.get(correct)
    gone = site.inspector.submit(form, {"words": "Nhầm cơ sở", "withdraw": "yes"})
    assert "đã rút lại" in gone.text
    assert "Nhầm cơ sở" in gone.text
    with site.app.app_context():
        declared = db.session.scalars(select(Event.id).where(Event.corrects.is_not(None))).all()
        assert len(declared) == 2

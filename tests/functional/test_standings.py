"""The platform's desk: suspending, accrediting, company prefixes, two records of one, keys, the
audit log, settings. Each is said in the log, shown to the public, and taken back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
import time_machine
from flask import Flask
from sqlalchemy import select

from tests.support.factories import make_actor, new_lot, registered
from tests.support.members import Member, make_member, sign_in
from tests.support.pages import PageClient
from trace.core.gs1 import check_digit
from trace.errors import NotAllowed
from trace.extensions import db
from trace.jobs.worker import run_pending
from trace.models import (
    CompanyPrefix,
    Event,
    Notification,
    Organisation,
    Product,
    Thing,
)
from trace.services import (
    accredited,
    accrediting,
    confirming,
    crates,
    delegations,
    directives,
    jurisdictions,
    prefixes,
    same_records,
)
from trace.services.actors import Actor
from trace.services.audit import write_audit
from trace.services.capture import capture
from trace.services.passports import passport_of
from trace.services.platform import platform_organisation
from trace.services.products import register_product
from trace.services.timelines import open_event

NOW = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)
PAGES = (
    "/admin/",
    "/admin/organisations/",
    "/admin/accreditations/",
    "/admin/accreditations/new",
    "/admin/prefixes/",
    "/admin/same/",
    "/admin/same/new",
    "/admin/keys/",
    "/admin/audit/",
    "/admin/settings/",
    "/admin/settings/appeal",
)


@pytest.fixture
def admin(app: Flask) -> Member:
    """Somebody of the platform's desk."""
    with app.app_context():
        make_actor(NOW, "HTX khác")
        inside = platform_organisation().id
    return make_member(app, role="admin", inside=inside)


@pytest.fixture
def desk(app: Flask, pages: PageClient, admin: Member) -> PageClient:
    with time_machine.travel(NOW, tick=False):
        sign_in(app, pages.client, admin)
    return pages


def gtin(digits: str) -> str:
    """A GTIN-14 of a GTIN-13's first twelve digits."""
    return f"0{digits}{check_digit('0' + digits)}"


def said(statement: str) -> dict[str, Any]:
    """The event of a statement."""
    event = db.session.scalar(
        select(Event).where(Event.statement_id == UUID(statement.removeprefix("urn:uuid:")).bytes)
    )
    assert event is not None
    found: dict[str, Any] = open_event(event)[0]
    return found


@time_machine.travel(NOW, tick=False)
@pytest.mark.parametrize("language", ["vi", "en"])
def test_every_page_of_the_desk_opens_searched_and_filtered(
    desk: PageClient, language: str
) -> None:
    desk.language = language
    for address in PAGES:
        desk.get(address)
    bad = "?q=%00%ED%A0%80&before=99999999999999999999&page=-1&kind=x&state=y&who=%25"
    for address in PAGES:
        answer = desk.client.get(address + bad)
        assert answer.status_code in (200, 400), address
    page = desk.get("/admin/audit/?since=31/02/2026", status=400)
    assert page.find("//input[@name='since'][@aria-invalid='true']")


@time_machine.travel(NOW, tick=False)
def test_a_suspension_is_said_in_public_with_its_reason_and_taken_back(
    app: Flask, desk: PageClient
) -> None:
    with app.app_context():
        actor = make_actor(NOW, "HTX Gian", status="confirmed")
        actor.organisation.ward_code = "09784"
        code = actor.organisation.code
        db.session.commit()
    desk.submit(desk.get("/admin/settings/"), {"appeal": "Sở Minh họa, 024 0000 0000"})
    address = f"/admin/organisations/{code}"
    refused = desk.submit(desk.get(f"{address}/suspend"), {"reason": " "}, status=400)
    assert refused.find("//textarea[@name='reason'][@aria-invalid='true']")
    page = desk.submit(desk.get(f"{address}/suspend"), {"reason": "Dùng mã vùng của người khác"})
    assert "Dùng mã vùng của người khác" in page.text
    public = desk.get(f"/t/o/{code}").text
    assert "tạm đình chỉ" in public
    assert "Dùng mã vùng của người khác" in public
    assert "Sở Minh họa, 024 0000 0000" in public
    desk.submit(desk.get(f"{address}/suspend"), {"reason": "nữa"}, status=409)
    desk.submit(desk.get(f"{address}/reinstate"), {})
    assert "tạm đình chỉ" not in desk.get(f"/t/o/{code}").text
    with app.app_context():
        organisation = db.session.scalars(
            select(Organisation).where(Organisation.code == code)
        ).one()
        assert organisation.status == "confirmed"
        back, suspended = confirming.decisions_about(organisation)
        assert said(suspended.statement)["trace:standing"]["decision"] == "suspended"
        assert said(back.statement)["disposition"].endswith("conformant")
        words = db.session.scalars(select(Notification.word)).all()
        assert set(words) <= {"standing-suspended", "standing-reinstated"}


@time_machine.travel(NOW, tick=False)
def test_an_authority_suspends_in_its_area_only_and_lifts_no_wider_ones(db_session: Any) -> None:
    ward = make_actor(NOW, "Xã", "authority", "confirmed", "supervisor", "09784")
    city = make_actor(NOW, "Sở", "authority", "confirmed", "supervisor", "01")
    farm = make_actor(NOW, "HTX", status="unconfirmed").organisation
    farm.ward_code = "09784"
    far = make_actor(NOW, "HTX xa").organisation
    far.ward_code = "26737"
    assert not confirming.may_judge(city, far)
    assert not confirming.may_judge(ward, city.organisation)
    confirming.suspend(city, farm, "vi phạm", at=NOW)
    with pytest.raises(NotAllowed):
        confirming.reinstate(ward, farm, "", at=NOW)
    confirming.reinstate(city, farm, "", at=NOW)
    assert farm.status == "unconfirmed"
    inspector = Actor(city.organisation, None, "inspector")
    with pytest.raises(NotAllowed):
        confirming.suspend(inspector, farm, "vi phạm", at=NOW)


@time_machine.travel(NOW, tick=False)
def test_who_was_lent_looking_alone_judges_and_orders_nobody_there(db_session: Any) -> None:
    giver = make_actor(NOW, "Tỉnh", "authority", "confirmed", "supervisor", "79")
    taker = make_actor(NOW, "Sở", "authority", "confirmed", "supervisor", "01")
    far = make_actor(NOW, "HTX xa").organisation
    far.ward_code = "26737"
    code = taker.organisation.code
    until = NOW + timedelta(days=30)
    asked = {"title": "T", "text": "T", "due_on": NOW.date(), "kinds": ["co-operative"]}
    asked["ward_code"] = "26737"
    for act in ("inspect", "decide"):
        delegations.lend(giver, code, act, "26737", [], "bận", until=until, at=NOW)
        assert jurisdictions.scope_of(taker, act).covers("26737")
        assert confirming.may_judge(taker, far) == (act == "decide")
        if act == "inspect":
            with pytest.raises(directives.WardOutside):
                directives.send(taker, asked, [], at=NOW)
    assert directives.send(taker, asked, [], at=NOW).units_count == 1


@time_machine.travel(NOW, tick=False)
def test_disputed_prefixes_wait_and_the_longest_confirmed_one_settles_gtins(
    app: Flask, desk: PageClient
) -> None:
    with app.app_context():
        squatter, owner = make_actor(NOW, "Chiếm chỗ"), make_actor(NOW, "Chủ thật")
        crates.register_prefix(squatter, "8936", 0, at=NOW)
        theirs = register_product(squatter, {"name": "A", "gtin": gtin("893601200001")}, at=NOW)
        mine = register_product(owner, {"name": "B", "gtin": gtin("893601200002")}, at=NOW)
        assert crates.register_prefix(owner, "8936012", 0, at=NOW) is None
        small = register_product(owner, {"name": "C", "gtin": "00000089360122"}, at=NOW)
        db.session.commit()
        ids = theirs.id, mine.id, small.id
        claims = {one.prefix: one.id for one in prefixes.list_claims(_platform())}
        owners = squatter.organisation.id, owner.organisation.id
    assert desk.get("/admin/prefixes/").text.count("trùng nhau") == 2
    address = f"/admin/prefixes/{claims['8936012']}"
    page = desk.get(address)
    assert "Chiếm chỗ" in page.text
    assert gtin("893601200001") in page.text
    desk.submit(page, {"decision": "confirmed", "evidence": ""}, status=400)
    desk.submit(page, {"decision": "confirmed", "evidence": "GCN 12345, 01/02/2026"})
    with app.app_context():
        assert _confirmed(ids) == [False, True, False]
        assert db.session.get_one(CompanyPrefix, "8936012").organisation_id == owners[1]
    # A shorter one may be confirmed as well: it takes nothing from the longer.
    other = f"/admin/prefixes/{claims['8936']}"
    desk.submit(desk.get(other), {"decision": "confirmed", "evidence": "GCN 1"})
    with app.app_context():
        assert _confirmed(ids) == [False, True, False]
        actor = Actor(db.session.get_one(Organisation, owners[0]), None, "owner")
        with pytest.raises(prefixes.GtinOfOther):
            register_product(actor, {"name": "D", "gtin": gtin("893601200003")}, at=NOW)
        new = register_product(actor, {"name": "E", "gtin": gtin("893609900003")}, at=NOW)
        assert new.gtin_confirmed
        third = make_actor(NOW, "Người thứ ba")
        with pytest.raises(prefixes.PrefixTaken):
            crates.register_prefix(third, "8936012", 0, at=NOW)
        db.session.rollback()
    desk.submit(desk.get(address), {"decision": "declined", "evidence": "giấy giả"})
    desk.submit(desk.get(other), {"decision": "declined", "evidence": "thu hồi"})
    with app.app_context():
        assert _confirmed(ids) == [False, False, False]
        assert db.session.scalar(select(CompanyPrefix).limit(1)) is None


def _platform() -> Actor:
    return Actor(platform_organisation(), None, "admin")


def _confirmed(ids: tuple[int, ...]) -> list[bool]:
    db.session.expire_all()
    return [db.session.get_one(Product, one).gtin_confirmed for one in ids]


@time_machine.travel(NOW, tick=False)
def test_two_records_of_one_maker_are_read_together_until_that_ends(
    app: Flask, desk: PageClient
) -> None:
    with app.app_context():
        one, two = make_actor(NOW, "HTX Một"), make_actor(NOW, "HTX Một (trùng)")
        lot = new_lot()
        capture(one, [registered(lot)], at=NOW)
        told = registered(lot) | {"action": "OBSERVE", "bizStep": "storing"}
        told.pop("ilmd")
        capture(two, [told], at=NOW)
        db.session.commit()
        codes = one.organisation.code, two.organisation.code
        thing = db.session.scalars(select(Thing.id).where(Thing.kind == "lot")).one()
        assert _lines(thing) == 1  # a third party's word does not join
    form = desk.get("/admin/same/new")
    desk.submit(form, {"kept": codes[0], "other": "0000000000", "reason": "x"}, status=400)
    desk.submit(form, {"kept": codes[0], "other": codes[0], "reason": "x"}, status=400)
    desk.submit(form, {"kept": codes[0], "other": codes[1], "reason": "đăng ký hai lần"})
    assert codes[1][:5] in desk.get(f"/t/o/{codes[0]}").text
    with app.app_context():
        run_pending()
        assert _lines(thing) == 2
        [pair] = same_records.list_pairs(_platform())
        issuers = set(db.session.scalars(select(Event.issuer_id)).all())
        assert {pair.kept.id, pair.other.id} < issuers  # statements stay with their issuers
        address = f"/admin/same/{pair.row.id}/end"
    desk.submit(form, {"kept": codes[1], "other": codes[0], "reason": "x"}, status=409)
    desk.submit(desk.get(address), {})
    with app.app_context():
        run_pending()
        assert _lines(thing) == 1


def _lines(thing_id: int) -> int:
    document = passport_of(thing_id, at=NOW).document
    db.session.commit()
    return len(document["lines"])


@time_machine.travel(NOW, tick=False)
def test_what_an_accredited_laboratory_states_is_marked_while_that_is_in_force(
    app: Flask, desk: PageClient
) -> None:
    with app.app_context():
        maker = make_actor(NOW, "HTX")
        laboratory = make_actor(NOW, "Phòng thử", kind="laboratory", status="confirmed")
        lot = new_lot()
        capture(maker, [registered(lot)], at=NOW)
        told = registered(lot) | {"action": "OBSERVE", "bizStep": "inspecting"}
        told.pop("ilmd")
        capture(laboratory, [told], at=NOW)
        db.session.commit()
        code, organisation_id = laboratory.organisation.code, laboratory.organisation.id
        thing = db.session.scalars(select(Thing.id).where(Thing.kind == "lot")).one()
        assert _accredited(thing) == []
    days = {"valid_from": "2026-01-01", "valid_until": "2027-01-01", "number": "VILAS 000"}
    form = desk.get(f"/admin/accreditations/new?organisation={code}")
    desk.submit(form, {**days, "valid_until": "2025-01-01"}, status=400)
    desk.submit(form, {**days, "organisation": "HTX"}, status=400)
    page = desk.submit(form, days)
    assert "VILAS 000" in page.text
    desk.submit(desk.get(f"/admin/accreditations/new?organisation={code}"), days, status=409)
    with app.app_context():
        run_pending()
        assert _accredited(thing) == ["Phòng thử"]
        spans = accredited.spans_of([organisation_id])
        [one] = accrediting.list_accreditations(_platform())
        assert accredited.covers(spans, organisation_id, one.valid_from)
        assert said(one.statement)["trace:standing"]["number"] == "VILAS 000"
        address = f"/admin/accreditations/{one.id}/withdraw"
    desk.submit(desk.get(address), {"reason": "hết năng lực"})
    with app.app_context():
        spans = accredited.spans_of([organisation_id])
        [one] = accrediting.list_accreditations(_platform())
        assert not accredited.covers(spans, organisation_id, NOW.date())
        assert accredited.covers(spans, organisation_id, one.valid_from)


def _accredited(thing_id: int) -> list[str]:
    document = passport_of(thing_id, at=NOW).document
    db.session.commit()
    return [line["who"]["name"] for line in document["lines"] if line["who"].get("accredited")]


@time_machine.travel(NOW, tick=False)
def test_settings_keep_to_their_bounds_and_remember_what_they_were(desk: PageClient) -> None:
    page = desk.get("/admin/settings/")
    for entries in (
        {"smallest_cell": "4"},
        {"remind_days": "999999999999999999999"},
        {"attachments": "năm"},
        {"licence": ""},
        {"contact": "x" * 301},
    ):
        refused = desk.submit(page, entries, status=400)
        name, typed = next(iter(entries.items()))
        assert refused.find(f"//*[@name='{name}'][@aria-invalid='true']"), name
        assert typed in (refused.find(f"//*[@name='{name}']")[0].get("value") or typed)
    desk.submit(page, {"smallest_cell": "7"})
    desk.submit(desk.get("/admin/settings/"), {"smallest_cell": "9"})
    assert desk.get("/admin/settings/smallest_cell").texts("//tbody/tr/td[2]") == ["9", "7"]
    lines = desk.get("/admin/audit/?action=setting&subject=setting:smallest_cell")
    assert len(lines.find("//tbody/tr")) == 2
    desk.get("/admin/settings/nothing", status=404)


@time_machine.travel(NOW, tick=False)
def test_the_audit_log_is_paged_by_key_and_an_office_reads_its_own(
    app: Flask, desk: PageClient
) -> None:
    with app.app_context():
        office = make_actor(NOW, "Sở", "authority", "confirmed", "supervisor", "01")
        for number in range(60):
            write_audit(office, "look-outside", f"lot:{number}", at=NOW, why="search")
        db.session.commit()
        code = office.organisation.code
    first = desk.get(f"/admin/audit/?who={code}&action=look")
    assert len(first.find("//tbody/tr")) == 50
    second = desk.get(str(first.find("//a[@rel='next']/@href")[0]))
    assert len(second.find("//tbody/tr")) == 10
    assert second.find("//a[@rel='next']") == []
    answer = desk.client.get(f"/admin/audit/?who={code}&format=csv").get_data(as_text=True)
    assert answer.count("look-outside") == 60
    with app.app_context():
        inside = db.session.scalar(select(Organisation.id).where(Organisation.code == code))
    boss = make_member(app, role="supervisor", inside=inside)
    sign_in(app, desk.client, boss, at=NOW)
    own = desk.get("/inspection/audit/?action=look&subject=lot:7")
    assert len(own.find("//tbody/tr")) == 1
    assert "setting." not in desk.get("/inspection/audit/").text

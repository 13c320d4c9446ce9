"""An organisation ends: asked, waited for, taken back or done; and what of it goes on."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest
import time_machine
from flask import Flask
from sqlalchemy import func, select

from tests.support.factories import make_actor
from tests.support.farms import Farm, make_farm
from tests.support.members import START, WARD, Member, make_member, sign_in
from tests.support.pages import PageClient
from trace.errors import NotAllowed
from trace.extensions import db
from trace.jobs.closings import end as run_job
from trace.jobs.tidying import tidy
from trace.jobs.worker import publish
from trace.models import (
    Audit,
    Closing,
    Key,
    Membership,
    Organisation,
    Person,
    Session,
    Token,
    Unit,
)
from trace.models.jobs import Job
from trace.services import closing, idle, tokens, units
from trace.services.actors import Actor, OrganisationClosed
from trace.services.audits import Summary, audit
from trace.services.capture import capture
from trace.services.invitations import find_by_token, invite
from trace.services.platform import platform_organisation
from trace.services.successors import contact_of

HOME = "/producer/closing/"
SAVED = {"saved": "yes", "reason": "giải thể"}


def days(number: float) -> timedelta:
    return timedelta(days=number)


def hour_passes(at: datetime) -> list[str]:
    """The worker's hour: what is due is asked for and done; how each closing stands afterwards."""
    tidy(at=at)
    found = []
    for job in db.session.scalars(select(Job).where(Job.kind == closing.JOB_KIND)).all():
        found.append(run_job(job)["state"])
        db.session.delete(job)
    db.session.commit()
    return found


def of_farm(app: Flask, farm: Farm, role: str = "owner") -> Member:
    """A person in the farm's organisation."""
    return make_member(app, role=role, inside=farm.organisation.id)


@pytest.fixture
def clock(now: datetime) -> Iterator[time_machine.Traveller]:
    """The clock, to be moved on; it stands at FIXED_NOW."""
    with time_machine.travel(now, tick=False) as found:
        yield found


def test_from_asking_to_the_end_and_two_years_later(
    app: Flask, pages: PageClient, now: datetime, clock: time_machine.Traveller
) -> None:
    with app.app_context():
        farm = make_farm(now - days(3))
        lot = farm.reap(farm.sow())
        farm.at = now
        member, viewer = of_farm(app, farm), of_farm(app, farm, "viewer")
        actor = Actor(farm.organisation, db.session.get(Person, member.person_id), "owner")
        units.issue(actor, 3, at=now, product=farm.product)
        tokens.create_token(actor, "Cân", ["capture"], at=now)
        _, link = invite(actor, "recorder", "Năm", at=now)
        db.session.commit()
        code, organisation_id = farm.organisation.code, farm.organisation.id
        lot_path = re.sub("^https://[^/]*", "/t", lot)
    sign_in(app, pages.client, viewer)
    assert "Chỉ chủ tổ chức xin ngừng được" in pages.get(HOME).text
    assert pages.client.get(HOME + "ask").status_code == 403
    sign_in(app, pages.client, member)
    page = pages.get(HOME)
    assert "Tem đã in, chưa gắn lô 3 · sẽ bị huỷ" in page.text
    page = pages.submit(pages.get(HOME + "ask"), {"reason": "giải thể"}, status=400)
    assert page.texts("//*[@id='e-saved']") != []
    assert page.form().fields["reason"] == "giải thể"
    asking = pages.get(HOME + "ask")
    assert "Sẽ ngừng hoạt động từ 22/12/2026" in pages.submit(asking, SAVED).text
    assert "đã được ghi rồi" in pages.submit(asking, SAVED).text
    page = pages.submit(pages.get(HOME + "back"), {})
    assert "Đã rút lại" in page.text

    pages.submit(pages.get(HOME + "ask"), SAVED)
    with app.app_context():
        assert hour_passes(now + days(29)) == []
        clock.move_to(now + days(31))
        assert hour_passes(now + days(31)) == ["closed"]
        assert hour_passes(now + days(31)) == []
        organisation = db.session.get_one(Organisation, organisation_id)
        assert organisation.closed_at == now + days(31)
        keys = db.session.scalars(select(Key).where(Key.organisation_id == organisation_id)).all()
        assert [key.revoked_from is not None for key in keys] == [True]
        assert db.session.scalar(select(func.count()).select_from(Token)) == 0
        free = select(func.count()).where(Unit.lot_id.is_(None), Unit.voided_at.is_(None))
        assert db.session.scalar(free) == 0
        with pytest.raises(OrganisationClosed):
            capture(Actor(organisation, None, "owner"), [farm.told[0]], at=now + days(31))
        with pytest.raises(NotAllowed):
            Actor(organisation, None, "viewer").check("record")
        with pytest.raises(Exception, match="used, withdrawn"):
            find_by_token(link.rpartition("/")[2], at=now + days(1))
        assert audited(now + days(31)) == []
        done = {row.action for row in db.session.scalars(select(Audit))}
        assert {"closing.ask", "closing.take-back", "organisation.close", "key.end"} <= done
    # The page lives, its lines are signed as before, and it says what has become of the maker.
    document = pages.client.get(lot_path + "?format=json").get_json()["passport"]
    assert [line["signed"] for line in document["lines"]] == [True] * len(document["lines"])
    assert document["organisation"]["closed"] == "2026-12-23"
    assert document["organisation"]["phone"] is None
    for address in (lot_path, f"/t/o/{code}"):
        assert "Tổ chức đã ngừng hoạt động từ 23/12/2026" in pages.get(address).text
        assert "has closed since" in pages.get(address + "?lang=en").text.lower()
    # The console is there to read and to take away, and for nothing else.
    sign_in(app, pages.client, member)
    assert "chỉ xem và tải hồ sơ" in pages.get("/producer/today").text
    assert "Bạn còn xem và tải hồ sơ đến 22/12/2028" in pages.get(HOME).text
    pages.submit(pages.get("/producer/my-data/"), {})
    refused = pages.client.get("/producer/places/new")
    assert refused.status_code == 403
    assert "đã ngừng hoạt động" in refused.text
    with app.app_context():
        hour_passes(now + days(31 + 729))
        assert db.session.scalar(select(func.count()).select_from(Membership)) == 2
        hour_passes(now + days(31 + 731))
        assert db.session.scalar(select(func.count()).select_from(Membership)) == 0
        assert db.session.scalar(select(func.count(Session.organisation_id))) == 0
    assert pages.client.get(lot_path).status_code == 200


def audited(at: datetime) -> list[object]:
    """What the audit of the whole database finds."""
    publish("test")
    return list(audit(Summary(), now=at))


def test_a_recall_of_ones_own_must_reach_someone_before_the_end(
    app: Flask, pages: PageClient, now: datetime
) -> None:
    with app.app_context():
        farm = make_farm(now - days(3))
        lot = farm.register()
        actor = Actor(farm.organisation, None, "owner")
        closing.ask(actor, "", at=now)
        farm.at = now
        recall = farm.notify("recall", lot, reason="sai nhãn")
        assert closing.outlook(farm.organisation).recalls == 1
        row = closing.waiting(farm.organisation)
        assert row is not None
        # Raised while the end was waited for: it goes on waiting, and nobody is locked out.
        assert closing.end(row.id, at=now + days(31)) == "waiting"
        closing.take_back(actor, version=row.version, at=now)
        with pytest.raises(closing.RecallStands):
            closing.ask(actor, "", at=now)
        farm.notify("release", lot, ends=[recall.events[0].statement_id])
        closing.ask(actor, "", at=now)
        db.session.commit()
        with pytest.raises(closing.AlreadyClosing):
            closing.ask(actor, "", at=now)


@pytest.mark.parametrize("kind", ["authority", "platform"])
@pytest.mark.one_database
def test_powers_are_not_given_up_here(app: Flask, pages: PageClient, kind: str) -> None:
    member = make_member(app, kind=kind, role="owner")
    with app.app_context(), pytest.raises(closing.NotClosable):
        closing.ask(member.actor, "", at=START)


def test_of_two_who_take_it_back_at_once_the_second_is_told(
    app: Flask, pages: PageClient, now: datetime
) -> None:
    member = make_member(app)
    with app.app_context():
        closing.ask(member.actor, "", at=now)
        db.session.commit()
    sign_in(app, pages.client, member)
    one, two = pages.get(HOME + "back"), pages.get(HOME + "back")
    pages.submit(one, {})
    assert pages.client.post(two.form().action, data=two.form().fields).status_code == 404


def test_an_organisation_nobody_uses_ends_unless_somebody_signs_in(
    app: Flask, pages: PageClient, now: datetime, clock: time_machine.Traveller
) -> None:
    silent, awake = make_member(app, name="HTX Im Lặng"), make_member(app, name="HTX Còn Đây")
    later = START + idle.UNUSED + days(1)
    with app.app_context():
        platform = platform_organisation().id
    desk = make_member(app, kind="platform", role="admin", inside=platform)
    clock.move_to(later)
    sign_in(app, pages.client, desk)
    page = pages.get("/admin/closings/")
    assert page.texts("//main//td/a") == ["HTX Im Lặng", "HTX Còn Đây"]
    for name in ("HTX Im Lặng", "HTX Còn Đây"):
        page = pages.get(pages.get("/admin/closings/").link(name))
        form = pages.get(page.link("Báo ngừng hoạt động"))
        wrong = pages.submit(form, {"reason": ""}, status=400)
        assert wrong.texts("//*[@id='e-reason']") != []
        page = pages.submit(form, {"reason": "không ai dùng"})
        assert "Nền tảng báo ngày" in page.text
    with app.app_context():
        person = db.session.get_one(Person, awake.person_id)
        person.seen_at = later + days(2)
        db.session.commit()
        end = later + closing.NOTICE + timedelta(hours=1)
        clock.move_to(end)
        assert sorted(hour_passes(end)) == ["closed", "withdrawn"]
        states = {
            row.organisation.name: row.organisation.closed_at
            for row in db.session.scalars(select(Closing))
        }
        assert states == {"HTX Im Lặng": end, "HTX Còn Đây": None}
        told = db.session.scalars(select(Closing.statement).where(Closing.state == "closed")).one()
        assert told is not None
        assert audited(end) == []
        # One that is used again is none of the desk's business.
        with pytest.raises(closing.StillUsed):
            closing.ask_for_unused(
                desk.actor, db.session.get_one(Organisation, awake.organisation_id), "x", at=end
            )
    sign_in(app, pages.client, silent)
    assert pages.client.get("/admin/closings/").status_code == 403


def test_the_contact_after_the_end_is_the_nearest_authority(app: Flask, now: datetime) -> None:
    member = make_member(app)
    with app.app_context():
        organisation = db.session.get_one(Organisation, member.organisation_id)
        assert contact_of(organisation) is None
        for name, area in (("Cả nước", "*"), ("Thành phố", "01"), ("Phường", WARD)):
            make_actor(now, name, "authority", "confirmed", "supervisor", area)
            found = contact_of(organisation)
            assert found is not None
            assert found.name == name

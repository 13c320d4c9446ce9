"""Members: invited by a link used once, given roles, renewed and removed by the owner."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from datetime import timedelta

import pytest
import time_machine
from flask import Flask
from sqlalchemy import select

from tests.conftest import FIXED_NOW
from tests.support.codes import prove
from tests.support.members import PASSWORD, Member, make_member, sign_in
from tests.support.pages import Page, PageClient
from trace.errors import NotAllowed
from trace.extensions import db
from trace.models import Audit, Invitation, Membership, Organisation, Person
from trace.services import invitations, people, tokens
from trace.services.actors import Actor
from trace.services.organisations import hold_members

NEW = {"name": "Chị Ba", "login": "0911 222 333", "password": "đồng chiêm trũng"}


@pytest.fixture
def now() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(FIXED_NOW, tick=False) as clock:
        yield clock


@pytest.fixture
def owner(app: Flask, pages: PageClient, now: time_machine.Traveller) -> Member:
    """An owner, signed in with `pages`."""
    member = make_member(app)
    sign_in(app, pages.client, member)
    return member


def path_in(page: Page) -> str:
    """The path of the link that a page shows."""
    found = re.search(r"/invitation/[\w-]{43}", page.text)
    assert found is not None
    return found[0]


def invited(pages: PageClient, role: str = "recorder") -> str:
    page = pages.submit(
        pages.get("/producer/members/invite"), {"name": "Chị Ba", "role": role}, status=201
    )
    assert page.find("//main//img[@class='qr']") != []
    return path_in(page)


def test_who_scans_the_code_joins_without_any_message(
    app: Flask, pages: PageClient, owner: Member
) -> None:
    path = invited(pages)
    guest = PageClient(app.test_client())
    assert guest.get(path).h1 == "Vào HTX Minh họa"
    guest.get(path)  # looking uses nothing up
    assert guest.submit(guest.get(path), NEW).h1 == "Hôm nay"
    assert "người ghi" in guest.get("/producer/members/").text
    guest.get(path, status=410)
    with app.app_context():
        (row,) = db.session.scalars(select(Invitation))
        assert path.rpartition("/")[2].encode() not in row.token_hash
        actions = set(db.session.scalars(select(Audit.action)))
        assert {"invitation.join", "invitation.use", "membership.add"} <= actions


def test_who_has_an_account_joins_with_it(app: Flask, pages: PageClient, owner: Member) -> None:
    path = invited(pages, "viewer")
    other = make_member(app, name="HTX Hai")
    guest = PageClient(app.test_client())
    sign_in(app, guest.client, other)
    page = guest.submit(guest.get(path), {})
    assert "HTX Minh họa" in page.text
    with app.app_context():
        roles = db.session.scalars(
            select(Membership.role).where(Membership.person_id == other.person_id)
        )
        assert sorted(roles) == ["owner", "viewer"]


@pytest.mark.one_database
def test_a_link_is_good_for_seven_days_and_until_it_is_withdrawn(
    app: Flask, pages: PageClient, owner: Member, now: time_machine.Traveller
) -> None:
    first, second = invited(pages), invited(pages)
    page = pages.get("/producer/members/")
    pages.submit(page, {})  # the newest is withdrawn
    guest = PageClient(app.test_client())
    guest.get(second, status=410)
    guest.get(first)
    now.shift(timedelta(days=7))
    guest.get(first, status=410)
    guest.get("/invitation/" + "x" * 43, status=410)


@pytest.mark.one_database
def test_joining_says_everything_that_is_wrong_and_keeps_what_was_typed(
    app: Flask, pages: PageClient, owner: Member
) -> None:
    path = invited(pages)
    guest = PageClient(app.test_client())
    entries = {**NEW, "login": "12", "password": "12345678"}
    page = guest.submit(guest.get(path), entries, status=400)
    targets = [link.get("href") for link in page.find("//*[@class='error-summary']//a")]
    assert targets == ["#f-login", "#f-password"]
    assert page.form().fields["name"] == "Chị Ba"
    taken = guest.submit(page, {**NEW, "login": owner.login}, status=409)
    assert taken.texts("//*[@id='e-login']") != []
    guest.submit(taken, NEW)


def test_the_owner_renews_a_members_access_and_never_learns_the_password(
    app: Flask, pages: PageClient, owner: Member
) -> None:
    member = make_member(app, role="recorder", inside=owner.organisation_id)
    elsewhere = app.test_client()
    sign_in(app, elsewhere, member)
    path = path_in(
        pages.submit(pages.get(f"/producer/members/{member.person_id}/renew"), {}, status=201)
    )
    guest = PageClient(app.test_client())
    weak = guest.submit(guest.get(path), {"password": "ngắn"}, status=400)
    assert weak.texts("//*[@id='e-password']") != []
    assert guest.submit(weak, {"password": "một câu khác hẳn"}).h1 == "Hôm nay"
    assert elsewhere.get("/producer/today").status_code == 303
    guest.get(path, status=410)
    with app.app_context():
        assert people.authenticate(member.login, "một câu khác hẳn").id == member.person_id


def test_nobody_renews_the_access_of_someone_who_is_elsewhere_too(
    app: Flask, pages: PageClient, owner: Member
) -> None:
    from trace.services.organisations import add_member

    other = make_member(app, name="HTX Hai")
    with app.app_context():
        person = db.session.get_one(Person, other.person_id)
        add_member(owner.actor.organisation, person, "recorder", at=FIXED_NOW)
        db.session.commit()
    pages.submit(pages.get(f"/producer/members/{other.person_id}/renew"), {}, status=403)
    pages.get(f"/producer/members/{make_member(app).person_id}/renew", status=404)


def test_a_renewal_is_void_once_the_member_joined_another_organisation(
    app: Flask, pages: PageClient, owner: Member
) -> None:
    from trace.services.organisations import add_member

    member = make_member(app, role="recorder", inside=owner.organisation_id)
    path = path_in(
        pages.submit(pages.get(f"/producer/members/{member.person_id}/renew"), {}, status=201)
    )
    other = make_member(app, name="HTX Hai")
    with app.app_context():
        person = db.session.get_one(Person, member.person_id)
        add_member(other.actor.organisation, person, "owner", at=FIXED_NOW)
        db.session.commit()
    guest = PageClient(app.test_client())
    guest.submit(guest.get(path), {"password": "một câu khác hẳn"}, status=410)
    with app.app_context():
        assert people.authenticate(member.login, PASSWORD).id == member.person_id


def test_the_last_owner_neither_leaves_nor_steps_down(
    app: Flask, pages: PageClient, owner: Member
) -> None:
    base = f"/producer/members/{owner.person_id}"
    assert "cuối cùng" in pages.submit(pages.get(f"{base}/remove"), {}, status=409).text
    page = pages.submit(pages.get(f"{base}/role"), {"role": "viewer"}, status=409)
    assert page.texts("//*[@id='e-role']") != []
    second = make_member(app, role="recorder", inside=owner.organisation_id)
    pages.submit(pages.get(f"/producer/members/{second.person_id}/role"), {"role": "owner"})
    assert pages.submit(pages.get(f"{base}/remove"), {}).h1 == "Bạn làm việc cho tổ chức nào?"


def test_a_member_taken_out_opens_nothing_more(
    app: Flask, pages: PageClient, owner: Member
) -> None:
    member = make_member(app, role="recorder", inside=owner.organisation_id)
    guest = PageClient(app.test_client())
    sign_in(app, guest.client, member)
    assert guest.get("/producer/members/").h1 == "Thành viên"
    pages.submit(pages.get(f"/producer/members/{member.person_id}/remove"), {})
    assert guest.get("/producer/today").h1 == "Bạn làm việc cho tổ chức nào?"


@pytest.mark.one_database
def test_only_an_owner_invites(app: Flask, pages: PageClient, owner: Member) -> None:
    for role in ("recorder", "viewer"):
        guest = PageClient(app.test_client())
        sign_in(app, guest.client, make_member(app, role=role, inside=owner.organisation_id))
        guest.get("/producer/members/invite", status=403)
    form = pages.get("/producer/members/invite").form()
    data = {**form.fields, "name": "Kẻ lạ", "role": "admin"}
    assert pages.client.post(form.action, data=data).status_code == 400


def test_a_contact_typed_at_joining_recovers_nothing_until_it_is_proven(
    app: Flask, pages: PageClient, owner: Member
) -> None:
    guest = PageClient(app.test_client())
    page = guest.submit(guest.get(invited(pages)), NEW)
    assert "Hãy xác nhận số điện thoại" in page.text
    thief = PageClient(app.test_client())  # the number's real owner, or its next one
    page = prove(app, thief, NEW["login"], start="/recover", status=403)
    assert "chưa được xác nhận bao giờ" in page.text
    assert thief.get("/producer/today").h1 == "Đăng nhập"
    page = guest.get("/account/")
    assert "chưa được xác nhận" in page.text
    with time_machine.travel(FIXED_NOW + timedelta(minutes=2), tick=False):
        assert "Đã xác nhận." in prove(app, guest, NEW["login"], start="/account/contact/").text
        assert "chưa được xác nhận" not in guest.get("/account/").text
    with time_machine.travel(FIXED_NOW + timedelta(minutes=4), tick=False):
        page = prove(app, thief, NEW["login"], start="/recover")
        assert page.find("//input[@name='password']") != []


@pytest.mark.one_database
@pytest.mark.parametrize("way", ["removed", "demoted", "left"])
def test_who_manages_no_more_leaves_no_open_link_behind(app: Flask, way: str) -> None:
    first = make_member(app)
    second = make_member(app, inside=first.organisation_id)
    with app.app_context():
        organisation = db.session.get_one(Organisation, first.organisation_id)
        leaving = Actor(organisation, db.session.get_one(Person, second.person_id), "owner")
        staying = Actor(organisation, db.session.get_one(Person, first.person_id), "owner")
        _, address = invitations.invite(leaving, "owner", "", at=FIXED_NOW)
        _, kept = invitations.invite(staying, "viewer", "", at=FIXED_NOW)
        _, ended = tokens.create_token(leaving, "Cân", ["capture"], at=FIXED_NOW)
        _, stays = tokens.create_token(staying, "Kho", ["capture"], at=FIXED_NOW)
        if way == "demoted":
            invitations.change_role(staying, second.person_id, "viewer", at=FIXED_NOW)
        else:
            by = leaving if way == "left" else staying
            invitations.remove_member(by, second.person_id, at=FIXED_NOW)
        db.session.commit()
        with pytest.raises(invitations.LinkUsedUp):
            invitations.find_by_token(address.rsplit("/", 1)[1], at=FIXED_NOW)
        assert invitations.find_by_token(kept.rsplit("/", 1)[1], at=FIXED_NOW).role == "viewer"
        assert tokens.find_token(ended, at=FIXED_NOW) is None
        assert tokens.find_token(stays, at=FIXED_NOW) is not None


@pytest.mark.one_database
def test_who_is_taken_out_meanwhile_gives_nothing_out(app: Flask) -> None:
    first = make_member(app)
    second = make_member(app, inside=first.organisation_id)
    third = make_member(app)
    with app.app_context():
        organisation = db.session.get_one(Organisation, first.organisation_id)
        leaving = Actor(organisation, db.session.get_one(Person, second.person_id), "owner")
        staying = Actor(organisation, db.session.get_one(Person, first.person_id), "owner")
        _, address = invitations.invite(leaving, "owner", "", at=FIXED_NOW)
        link = invitations.find_by_token(address.rsplit("/", 1)[1], at=FIXED_NOW)
        # Their page was open before; the friend's, too.
        invitations.remove_member(staying, second.person_id, at=FIXED_NOW)
        for give in (
            lambda: tokens.create_token(leaving, "Cân", ["capture"], at=FIXED_NOW),
            lambda: invitations.invite(leaving, "owner", "", at=FIXED_NOW),
        ):
            with pytest.raises(NotAllowed):
                give()
        friend = db.session.get_one(Person, third.person_id)
        with pytest.raises(invitations.LinkUsedUp):
            invitations.accept(link, friend, at=FIXED_NOW)


def test_of_two_owners_who_leave_at_once_one_stays(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = make_member(app)
    second = make_member(app, inside=first.organisation_id)
    both, ends = threading.Barrier(2), list[str]()
    hold = hold_members

    def held(organisation_id: int) -> None:
        both.wait(20)  # neither has looked how many are left
        hold(organisation_id)

    monkeypatch.setattr(invitations, "hold_members", held)

    def leave(member: Member) -> None:
        with app.app_context():
            organisation = db.session.get_one(Organisation, first.organisation_id)
            actor = Actor(organisation, db.session.get_one(Person, member.person_id), "owner")
            try:
                invitations.remove_member(actor, member.person_id, at=FIXED_NOW)
                db.session.commit()
                ends.append("left")
            except invitations.LastOwner:
                db.session.rollback()
                ends.append("stays")

    threads = [threading.Thread(target=leave, args=(one,)) for one in (first, second)]
    for one in threads:
        one.start()
    for one in threads:
        one.join(60)
    assert sorted(ends) == ["left", "stays"]
    with app.app_context():
        left = db.session.scalars(select(Membership.role)).all()
        assert list(left) == ["owner"]


def test_who_takes_a_member_out_says_what_becomes_of_the_tokens_they_made(
    app: Flask, pages: PageClient, owner: Member
) -> None:
    second = make_member(app, inside=owner.organisation_id)
    third = make_member(app, inside=owner.organisation_id)
    texts = {}
    with app.app_context():
        organisation = db.session.get_one(Organisation, owner.organisation_id)
        for member, name in ((second, "Cân"), (third, "Kho")):
            by = Actor(organisation, db.session.get_one(Person, member.person_id), "owner")
            _, texts[name] = tokens.create_token(by, name, ["capture"], at=FIXED_NOW)
        db.session.commit()
    form = pages.get(f"/producer/members/{owner.person_id}/remove")
    assert "mã truy cập" not in form.text  # made none
    form = pages.get(f"/producer/members/{second.person_id}/remove")
    assert "sẽ bị thu hồi: Cân" in form.text
    pages.submit(form, {"keep_tokens": "yes"})
    form = pages.get(f"/producer/members/{third.person_id}/role")
    assert "sẽ bị thu hồi: Kho" in form.text
    pages.submit(form, {"role": "recorder"})
    with app.app_context():
        assert tokens.find_token(texts["Cân"], at=FIXED_NOW) is not None
        assert tokens.find_token(texts["Kho"], at=FIXED_NOW) is None
        acts = db.session.scalars(select(Audit.action).where(Audit.subject.like("token:%"))).all()
        assert sorted(acts) == ["token.create", "token.create", "token.revoke"]
    assert "không còn là thành viên" in pages.get("/producer/tokens/").text

"""One organisation goes on for another: offered, accepted, and what each may say afterwards."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

import orjson
import pytest
from flask import Flask
from sqlalchemy import inspect, select

from tests.functional.test_closing import audited
from tests.support.factories import make_actor, notice
from tests.support.farms import Farm, make_farm
from tests.support.members import Member, make_member, sign_in
from tests.support.pages import PageClient
from trace.core.gs1 import canonical_uri, format_code, parse_identity
from trace.errors import NotFound
from trace.extensions import db
from trace.models import Holding, Household, Notification, Organisation, Succession, Thing
from trace.services import closing, freshness, news_telling, requests, succession
from trace.services.actors import Actor, OrganisationClosed
from trace.services.alerts import alerts_of
from trace.services.batches import find_things
from trace.services.capture import capture
from trace.services.organisations import update_organisation
from trace.services.passports import passport_of
from trace.services.platform import platform_organisation
from trace.services.settings import current_settings
from trace.services.succession_items import Named, NothingNamed, NotYours
from trace.services.successors import contact_of, predecessors, whole_successor
from trace.services.timelines import get_thing, timeline
from trace.services.versions import ChangedMeanwhile

BASE = "/producer/succession/"
WHOLE = Named(whole=True)


def thing_of(uri: str) -> Thing:
    identity = parse_identity(uri, current_settings().id_base)
    assert identity is not None
    text = canonical_uri(identity, current_settings().id_base)
    return db.session.scalars(select(Thing).where(Thing.identity == text)).one()


def path_of(uri: str) -> str:
    return re.sub("^https://[^/]*", "/t", uri)


def owner_of(farm: Farm) -> Actor:
    return Actor(farm.organisation, None, "owner")


def hand_on(giver: Farm, taker: Farm, named: Named = WHOLE, aware: bool = False) -> Succession:
    """Offered and accepted at the taker's hour."""
    at = max(giver.at, taker.at)
    row = succession.offer(owner_of(giver), taker.organisation, named, at=at)
    succession.accept(owner_of(taker), row, aware=aware, version=row.version, at=at)
    db.session.commit()
    giver.at = taker.at = at + timedelta(hours=1)
    return row


def of_farm(app: Flask, farm: Farm, pages: PageClient, role: str = "owner") -> Member:
    """A person of the farm, signed in."""
    (row_id,) = inspect(farm.organisation).identity or (0,)
    member = make_member(app, role=role, inside=row_id)
    sign_in(app, pages.client, member)
    return member


def lines_of(uri: str, at: datetime) -> list[dict[str, object]]:
    document = passport_of(thing_of(uri).id, at=at).document
    lines: list[dict[str, object]] = document["lines"]
    return lines


def test_everything_is_offered_and_taken_over_on_pages(
    app: Flask, pages: PageClient, now: datetime
) -> None:
    with app.app_context():
        giver = make_farm(now - timedelta(days=3), "HTX Cũ")
        taker = make_farm(now - timedelta(days=3), "HTX Mới")
        # The taker's code for one household, and what it had said of the lot before.
        taken = Household(organisation_id=taker.organisation.id, code="H09", created_at=now)
        db.session.add(taken)
        lot = giver.reap(giver.sow())
        made = giver.mix([lot], 400)
        taker.notify("recall", lot, reason="của người ngoài")
        giver.notify("hold", lot, reason="chờ kết quả")
        closed = make_actor(now, "HTX Tàn")
        closed.organisation.closed_at = now
        db.session.commit()
        names = {
            "chính mình": giver.organisation.code,
            "đã ngừng": closed.organisation.code,
            "không có": "không ai tên thế này",
        }
        taker_code, product, plot = taker.organisation.code, giver.product.id, giver.plot.id
        lot_id = thing_of(lot).id
    of_farm(app, giver, pages, "recorder")
    assert pages.client.get(BASE + "new").status_code == 403
    of_farm(app, giver, pages)
    for name in names.values():
        typed = {"taker": name, "extent": "whole", "note": "sáp nhập"}
        page = pages.submit(pages.get(BASE + "new"), typed, status=_any(pages, typed))
        assert page.texts("//*[@id='e-taker']") != []
        assert page.form().fields["note"] == "sáp nhập"
    # A name fits whoever registered under a like one, and what is handed on never comes back.
    named = pages.submit(
        pages.get(BASE + "new"), {"taker": "htx mới", "extent": "whole"}, status=400
    )
    assert f"HTX Mới, hãy ghi mã {format_code(taker_code)}" in named.text
    part = {"taker": taker_code, "extent": "part"}
    page = pages.submit(pages.get(BASE + "new"), part, status=400)
    assert "Hãy chọn những gì được chuyển" in page.text
    offering = pages.get(BASE + "new")
    page = pages.submit(offering, {"taker": taker_code, "extent": "whole", "note": "sáp nhập"})
    assert "Chờ trả lời" in page.text
    again = {"taker": taker_code, "extent": "whole"}
    assert (
        "Đã đề nghị với HTX Mới rồi"
        in pages.submit(pages.get(BASE + "new"), again, status=409).text
    )
    address = page.address
    assert pages.client.get(address + "/accept").status_code == 404  # it is not the giver's to take

    theirs = PageClient(app.test_client())
    of_farm(app, taker, theirs)
    page = theirs.get(theirs.get(address).link("Xem và nhận"))
    assert "tạm giữ" in page.text
    refused = theirs.submit(page, {}, status=400)
    assert refused.texts("//*[@id='e-aware']") != []
    page = theirs.submit(page, {"aware": "yes"})
    assert "Đã nhận kế thừa" in page.text
    assert theirs.client.post(f"{address}/decline", data={}).status_code in (400, 409)
    # What it took over is on its shelves, with its own name; what was printed has not moved.
    assert "Cải ngọt, gói 300 g" in theirs.get(f"/producer/products/{product}").text
    assert "Vườn B2" in theirs.get(f"/producer/places/{plot}").text
    assert theirs.get(f"/producer/batches/{lot_id}").h1 != ""
    public = pages.get(path_of(made)).text
    assert "HTX Cũ" in public
    assert "Bên kế thừa hồ sơ: HTX Mới" in public
    assert "đăng ký, không phải người tạo lô này" not in public
    assert "Successor for its records: HTX Mới" in pages.get(path_of(made) + "?lang=en").text
    with app.app_context():
        row = db.session.scalars(select(Succession)).one()
        codes = set(
            db.session.scalars(
                select(Household.code).where(Household.organisation_id == row.taker_id)
            )
        )
        assert codes == {"H07", "H09"}
        assert alerts_of([lot_id])[lot_id][0].kind == "hold"  # the stranger's recall never counted


def _any(pages: PageClient, typed: dict[str, str]) -> int:
    """The status that a form is refused with: 400 for what was typed, 409 for how things stand."""
    form = pages.get(BASE + "new").form()
    status: int = pages.client.post(form.action, data={**form.fields, **typed}).status_code
    assert status in (400, 409)
    return status


def test_a_successor_recalls_and_says_what_is_right_marked_so(
    app: Flask, pages: PageClient, now: datetime
) -> None:
    with app.app_context():
        giver = make_farm(now - timedelta(days=5), "HTX Cũ")
        taker = make_farm(now - timedelta(days=5), "HTX Mới")
        cycle = giver.sow()
        giver.spray(cycle, interval=0)
        lot = giver.reap(cycle)
        held = giver.notify("hold", lot, reason="chờ kết quả")
        downstream = giver.mix([lot], 400)
        before = {row.holder_id for row in _holdings(lot)}
        hand_on(giver, taker, aware=True)
        assert {row.holder_id for row in _holdings(lot)} == before
        # Its recall reaches what was made of the lot.
        taker.notify("recall", lot, reason="dư lượng", hazard="health")
        found = alerts_of([thing_of(downstream).id])[thing_of(downstream).id]
        assert [(one.kind, one.issuer) for one in found] == [
            ("recall", "HTX Mới"),
            ("hold", "HTX Cũ"),
        ]
        # What the old one ordered it does not lift: only its issuer or an authority does.
        taker.notify("release", lot, ends=[held.events[0].statement_id])
        kinds = {one.kind for one in alerts_of([thing_of(lot).id])[thing_of(lot).id]}
        assert kinds == {"recall", "hold"}
        # What the old one keeps private the successor reads, and nobody else.
        theirs = timeline(owner_of(taker), get_thing(owner_of(taker), thing_of(lot).id))
        assert {name for line in theirs for name in line.withheld} == set()
        stranger = make_farm(now, "Người ngoài")
        with pytest.raises(NotFound):
            get_thing(owner_of(stranger), thing_of(lot).id)
        sprayed = next(
            line for line in timeline(owner_of(taker), thing_of(cycle)) if line.step == "spraying"
        )
        event_id, lot_path = sprayed.event_id, path_of(lot)
        assert audited(taker.at) == []
    of_farm(app, taker, pages)
    page = pages.get(f"/producer/events/{event_id}")
    form = pages.get(page.link("Nói lại cho đúng"))
    assert pages.submit(form, {"text": ""}, status=400).texts("//*[@id='e-text']") != []
    told = pages.submit(form, {"text": "Hỏi ông Ba, 0912 345 678"}, status=400)
    assert told.texts("//*[@id='e-text']") != []
    page = pages.submit(form, {"text": "Đúng ra phun 40 ml."})
    assert page.h1.startswith("Bên kế thừa nói lại cho đúng")
    public = pages.get(lot_path).text
    assert "HTX Mới (bên kế thừa) thông báo" in public
    assert "Bên kế thừa nói lại cho đúng" in public
    assert "Đúng ra phun 40 ml." in public
    assert "HTX Mới (bên kế thừa)" in public
    assert "HTX Cũ" in public
    # Nobody else is offered it, and the old one mends its own words itself.
    of_farm(app, stranger, pages)
    assert pages.client.get(f"{BASE}rectify/{event_id}").status_code == 404
    of_farm(app, giver, pages)
    assert pages.client.get(f"{BASE}rectify/{event_id}").status_code == 404


def _holdings(uri: str) -> list[Holding]:
    return list(db.session.scalars(select(Holding).where(Holding.thing_id == thing_of(uri).id)))


def test_a_household_takes_its_own_diary_and_nothing_else(
    app: Flask, pages: PageClient, now: datetime
) -> None:
    with app.app_context():
        giver = make_farm(now - timedelta(days=5), "HTX Giải Thể")
        home = make_farm(now - timedelta(days=5), "Hộ Bảy")
        mine, other = giver.sow(), giver.sow()
        my_lot, other_lot = giver.reap(mine), giver.reap(other)
        mixed = giver.mix([my_lot, other_lot], 100)
        named = Named(False, (thing_of(mine).id,), (), (giver.plot.id,))
        stranger = make_farm(now, "Người ngoài")
        for bad in (
            Named(False),
            Named(False, (thing_of(home.sow()).id,)),
            Named(False, (), (home.product.id,)),
            Named(False, (10**9,)),
        ):
            with pytest.raises((NothingNamed, NotYours)):
                succession.offer(owner_of(giver), home.organisation, bad, at=giver.at)
            db.session.rollback()
        row = hand_on(giver, home, named)
        covered = {one.thing_id for one in row.items if one.thing_id}
        assert covered == {thing_of(mine).id, thing_of(my_lot).id}
        actor = owner_of(home)
        everything = [thing_of(uri).id for uri in (mine, my_lot, other, other_lot, mixed)]
        seen = find_things(actor, everything, "cycle", "lot")
        assert set(seen) == covered
        # The diary goes on under its own name, on the page of the very same planting.
        home.water(mine)
        names = {line["who"]["name"] for line in lines_of(mine, home.at)}  # type: ignore[index]
        assert names == {"HTX Giải Thể", "Hộ Bảy"}
        home.water(other)
        assert {line["who"]["name"] for line in lines_of(other, home.at)} == {  # type: ignore[index]
            "HTX Giải Thể"
        }
        # The recall of a mix is not the household's to give.
        home.notify("recall", mixed)
        assert alerts_of([thing_of(mixed).id])[thing_of(mixed).id] == []
        assert audited(home.at) == []
        place, thing, row_id = giver.plot.id, thing_of(mine).id, row.id
        another = thing_of(other).id
    of_farm(app, home, pages)
    assert "Vườn B2" in pages.get(f"/producer/places/{place}").text
    answer = pages.client.get(f"{BASE}{row_id}/things/{thing}.json")
    assert answer.mimetype == "application/vnd.trace.bundle+json"
    told = orjson.loads(answer.data)
    assert len(told["statements"]) >= 3
    assert pages.client.get(f"{BASE}{row_id}/things/{another}.json").status_code == 404
    of_farm(app, stranger, pages)
    assert pages.client.get(f"{BASE}{row_id}").status_code == 404


def test_a_chain_of_successors_ends_at_the_last(app: Flask, now: datetime) -> None:
    with app.app_context():
        first, second, third = (make_farm(now - timedelta(days=9), name) for name in "ABC")
        lot = first.reap(first.sow())
        hand_on(second, third)  # before: what the second takes over later is not the third's
        third.notify("recall", lot)
        hand_on(first, second)
        third.at = second.at
        third.notify("recall", lot)
        assert alerts_of([thing_of(lot).id])[thing_of(lot).id] == []
        assert predecessors(third.organisation.id) == {second.organisation.id}
        # The second closes in its turn, and hands on once more what it has now.
        last = make_farm(second.at, "D")
        row = hand_on(second, last)
        assert row.whole
        assert whole_successor(first.organisation).id == last.organisation.id  # type: ignore[union-attr]
        assert predecessors(last.organisation.id) == {
            first.organisation.id,
            second.organisation.id,
        }
        asked = closing.ask(owner_of(second), "", at=second.at)
        end = asked.ends_at + timedelta(hours=1)
        assert closing.end(asked.id, at=end) == "closed"
        db.session.commit()
        contact = contact_of(second.organisation)
        assert contact is not None
        assert contact.name == "D"
        last.at = end
        last.notify("recall", lot)
        assert [one.issuer for one in alerts_of([thing_of(lot).id])[thing_of(lot).id]] == ["D"]
        assert audited(end + timedelta(hours=2)) == []
        with pytest.raises(OrganisationClosed):
            succession.offer(owner_of(second), third.organisation, WHOLE, at=end)
        with pytest.raises(succession.TakerCannot):
            succession.offer(owner_of(third), second.organisation, WHOLE, at=end)


def successors_of(thing: int, at: datetime) -> list[str]:
    db.session.rollback()
    found = passport_of(thing, at=at).document["organisation"]["successors"]
    return [one["name"] for one in found]


@pytest.mark.parametrize("extent", ["whole", "part"])
def test_a_successors_new_name_stands_on_the_pages_of_what_it_took_over(
    app: Flask, now: datetime, extent: str
) -> None:
    with app.app_context():
        giver, middle, last = (make_farm(now, name) for name in ("HTX Cũ", "HTX Giữa", "HTX Mới"))
        lot = giver.reap(giver.sow())
        thing = thing_of(lot).id
        hand_on(giver, middle, WHOLE if extent == "whole" else Named(False, (thing,)))
        hand_on(middle, last)
        assert successors_of(thing, last.at) == ["HTX Giữa", "HTX Mới"]
        mine = last.organisation
        update_organisation(last.actor, {"name": "HTX Khác"}, version=mine.version, at=last.at)
        db.session.commit()
        assert successors_of(thing, last.at) == ["HTX Giữa", "HTX Khác"]
        told = freshness.named_by("organisation", mine.id)
        assert thing in {one for part in told for one in part}


def test_of_two_answers_the_second_is_told(app: Flask, now: datetime) -> None:
    with app.app_context():
        giver, taker = make_farm(now, "A"), make_farm(now, "B")
        make_member(app, inside=giver.organisation.id)
        row = succession.offer(owner_of(giver), taker.organisation, WHOLE, at=now)
        db.session.commit()
        # The other owners hear of it at once.
        assert db.session.scalars(select(Notification.word)).all() == ["succession-sent"]
        with pytest.raises(ChangedMeanwhile):
            succession.accept(owner_of(taker), row, aware=False, version=row.version + 1, at=now)
        db.session.rollback()
        succession.withdraw(owner_of(giver), row, version=row.version, at=now)
        db.session.commit()
        for answer in (succession.accept, succession.decline):
            more = {"aware": True} if answer is succession.accept else {}
            with pytest.raises(succession.OfferOver):
                answer(owner_of(taker), row, version=row.version, at=now, **more)
            db.session.rollback()
        with pytest.raises(NotFound):
            succession.accept(owner_of(giver), row, aware=True, version=row.version, at=now)


def test_the_platform_names_a_successor_on_proof_and_he_must_accept(
    app: Flask, pages: PageClient, now: datetime
) -> None:
    with app.app_context():
        gone, heir = make_farm(now, "Hộ Đã Mất"), make_farm(now, "Con Trai")
        lot = gone.reap(gone.sow())
        desk = Actor(platform_organisation(), None, "admin")
        with pytest.raises(succession.StillWorking):
            succession.offer_on_proof(desk, gone.organisation, heir.organisation, "QĐ 1", at=now)
        db.session.rollback()
        asked = closing.ask(owner_of(gone), "", at=now)
        assert closing.end(asked.id, at=asked.ends_at) == "closed"
        db.session.commit()
        code, heir_code, platform_id = (
            gone.organisation.code,
            heir.organisation.code,
            platform_organisation().id,
        )
        asker = {"name": "Bà Tư", "contact": "", "words": "xóa", "about": ""}
        one, _ = requests.submit("access", asker, at=now, once="một lần")
        requests.assign(desk, one, gone.organisation, at=now)
        db.session.commit()
        assert requests.list_requests(owner_of(heir)) == []
        end = asked.ends_at
    admin = make_member(app, kind="platform", role="admin", inside=platform_id)
    sign_in(app, pages.client, admin)
    page = pages.get("/admin/closings/")
    page = pages.get(pages.get(page.link("Hộ Đã Mất")).link("Chỉ bên kế thừa"))
    wrong = pages.submit(page, {"taker": heir_code, "proof": ""}, status=400)
    assert wrong.texts("//*[@id='e-proof']") != []
    wrong = pages.submit(page, {"taker": heir_code, "proof": "CCCD 001 090 123 456"}, status=400)
    assert wrong.texts("//*[@id='e-proof']") != []
    page = pages.submit(page, {"taker": heir_code, "proof": "Quyết định 12/QĐ ngày 01/11/2026"})
    assert "chưa có" in page.text
    with app.app_context():
        row = db.session.scalars(select(Succession)).one()
        heir.at = end + timedelta(hours=1)
        succession.accept(owner_of(heir), row, aware=False, version=row.version, at=heir.at)
        db.session.commit()
        heir.notify("recall", lot)
        assert [one.issuer for one in alerts_of([thing_of(lot).id])[thing_of(lot).id]] == [
            "Con Trai"
        ]
        assert len(requests.list_requests(owner_of(heir))) == 1
        # A recall by anybody else reaches the people of who answers now.
        make_member(app, inside=heir.organisation.id)
        city = make_actor(heir.at, "Thành phố", "authority", "confirmed", "admin")
        recalled = capture(city, [notice("recall", lot)], at=heir.at).events[0].event_id
        news_telling.tell([recalled], at=heir.at)
        told = db.session.scalars(select(Notification).where(Notification.word == "alert-closed"))
        assert [row.organisation_id for row in told] == [heir.organisation.id]
    assert "Con Trai" in pages.get(f"/t/o/{code}").text
    with app.app_context():
        stranger = make_farm(now, "Người ngoài")
        assert db.session.scalar(select(Organisation.closed_at).where(Organisation.code == code))
    of_farm(app, stranger, pages)
    assert pages.client.get(f"/admin/closings/{code}").status_code == 403

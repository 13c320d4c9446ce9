"""Recalls: from one package's label to every shelf, and back to the packet."""

from __future__ import annotations

import io
import json
from datetime import datetime, timedelta

import openpyxl
import pytest
from flask import Flask
from sqlalchemy import func, select

from tests.support.farms import item, make_farm, new, path_of, thing_id
from tests.support.fields import errors
from tests.support.members import Member, make_member
from tests.support.pages import PageClient, checked_page
from tests.support.recalls import (
    DESK,
    PROVINCE,
    WARD,
    Exercise,
    case_of,
    choose,
    classify,
    client_of,
    exercise,
    received,
    refused_by,
    sign_it,
    supervisor,
    warned,
)
from trace.extensions import db
from trace.jobs.worker import run_pending
from trace.models import (
    Alert,
    Audit,
    Delivery,
    Event,
    Notification,
    Organisation,
    Recall,
    RecallHolder,
    Thing,
)
from trace.services import jurisdictions
from trace.services.actors import Actor
from trace.services.batches import short_name
from trace.services.laboratory import held_lots
from trace.services.recalls.rules import powers_of
from trace.services.records import transformed
from trace.web.secret_links import grouped


@pytest.fixture
def city(app: Flask, now: datetime) -> Member:
    return supervisor(app, PROVINCE)


def test_the_exercise_from_one_label_to_the_packet(app: Flask, city: Member, now: datetime) -> None:
    with app.app_context():
        world = exercise(now)
        planting = thing_id(world.planting)
        everything = 1 + 40 + 40
        silent, shop = world.silent[0], world.keepers[0].organisation.id
        lot_page, unit_page = (f"/t{path_of(one)}" for one in (world.made[0], world.unit))
        clean_page, label, other = f"/t{path_of(world.other)}", world.unit, world.other
    pages = client_of(app, city, now)
    shopper = PageClient(app.test_client())
    assert "thu hồi" not in shopper.get(unit_page).text.lower()

    # One package's label; its source is the planting.
    preview = choose(pages, label, source=str(planting))
    case = case_of(preview)
    assert preview.h1 == f"Xem trước: {everything} thứ sẽ bị cảnh báo"
    assert "chỉ bên giao khai" in pages.get(f"{DESK}{case}/preview?q=cua+hang+minh+hoa+12").text
    classify(pages, case, grade="1")
    waiting = sign_it(pages, case)
    assert "Chờ chữ ký thứ hai" in waiting.text
    assert warned(app) == 0
    # The same supervisor cannot be the second.
    assert "người phụ trách khác" in pages.get(f"{DESK}{case}/second").text
    second = client_of(app, supervisor(app, PROVINCE, inside=city.organisation_id), now)
    board = second.submit(second.get(f"{DESK}{case}/second"), {"act": "sign"})
    assert "đang thực hiện" in board.text

    # Within the same minute, without any job: every descendant warns, nothing else does.
    assert warned(app) == everything
    for address in (lot_page, unit_page):
        assert "Dư lượng vượt giới hạn" in shopper.get(address).text
    # Nobody is told yet: not nobody who must be.
    assert "Đang báo cho 124 nơi" in board.text
    make_member(app, role="recorder", inside=shop)
    assert "Dư lượng" not in shopper.get(clean_page).text
    assert other

    with app.app_context():
        run_pending()
        rows = db.session.scalars(select(RecallHolder)).all()
        named = {row.organisation_id: row for row in rows}
        assert {silent, shop} <= named.keys()
        assert named[silent].one_sided
        assert len(rows) == 1 + 3 + 120
        mine, link = named[shop].id, named[silent].secret
        # Who has nobody to be told is not told: they are on the list of calls.
        assert {row.organisation_id for row in rows if row.told_at} == {shop}
        assert not db.session.scalars(select(Event.id).where(Event.notice == "release")).all()
    assert "1 trên 124" in second.get(f"{DESK}{case}").text
    phones = second.get(f"{DESK}{case}/phones").text
    assert grouped(link or "") in phones

    # A shop with an account answers in parts, one without by the link.
    keeper = client_of(app, make_member(app, role="recorder", inside=shop), now)
    page = keeper.get(f"/producer/recalls/{mine}/answer")
    refused = refused_by(keeper, page, {"lines-0-quantity": "31"})
    assert "lines-0-quantity" in errors(refused)
    keeper.submit(page, {"lines-1-quantity": "12,5"})
    keeper.submit(
        keeper.get(f"/producer/recalls/{mine}/answer"),
        {"lines-6-quantity": "17.5", "form_key": "another-key-of-22-char"},
    )
    anyone = PageClient(app.test_client())
    page = anyone.get(f"/recall/{link}")
    answered = anyone.submit(page, {"name": "Cô Minh Họa", "lines-0-quantity": "30"})
    assert "30 kg" in answered.text
    again = anyone.submit(page, {"name": "Cô Minh Họa", "lines-0-quantity": "30"})
    assert again.text.count("30 kg") == answered.text.count("30 kg")
    assert "Set-Cookie" not in answered.response.headers
    with app.app_context():
        states = {row.id: row.state for row in db.session.scalars(select(RecallHolder))}
        assert states[mine] == "done"

    _check_packet(second, case)
    second.submit(second.get(f"{DESK}{case}/close"), {"reason": "Đã xử lý xong"})
    assert warned(app) == everything  # it took two to sign, it takes two to end
    closed = pages.submit(pages.get(f"{DESK}{case}/close"), {"act": "second"})
    assert "đã kết thúc" in closed.text
    assert warned(app) == 0


def _check_packet(pages: PageClient, case: int) -> None:
    told = json.loads(pages.client.get(f"{DESK}{case}/packet.json").data)
    assert told["summary"]["Nơi phải trả lời / Holders"] == 124
    assert {row["Tên / Name"] for row in told["tables"]["Nơi giữ - Holders"]["rows"]} >= {
        "Cửa hàng Minh họa 12"
    }
    steps = told["tables"]["Trước sau - One up, one down"]["rows"]
    assert any(row["Một bên / One-sided"] for row in steps)
    evidence = told["tables"]["Bằng chứng - Evidence"]["rows"]
    assert any(row["Việc / Step"] == "recall" for row in evidence)
    assert all(isinstance(row["Số trong sổ / Log index"], int) for row in evidence)
    book = openpyxl.load_workbook(io.BytesIO(pages.client.get(f"{DESK}{case}/packet.xlsx").data))
    assert "Nơi giữ - Holders" in book.sheetnames
    assert book["Nơi giữ - Holders"].auto_filter.ref
    paper = pages.client.get(f"{DESK}{case}/packet.pdf")
    assert paper.data.startswith(b"%PDF")
    assert len(paper.data) > 10_000


# -- who decides -----------------------------------------------------------------------------------


@pytest.fixture
def small(app: Flask, now: datetime) -> Exercise:
    with app.app_context():
        world = exercise(now, lots=2, processors=1, shops=2)
        db.session.expunge_all()
        return world


def test_a_ward_proposes_and_the_city_decides_or_refuses_with_a_reason(
    app: Flask, city: Member, now: datetime, small: Exercise
) -> None:
    ward = client_of(app, supervisor(app, WARD, "Xã Minh họa"), now)
    lot = small.lots[0]
    case = case_of(choose(ward, lot))
    classify(ward, case)
    page = ward.get(f"{DESK}{case}/sign")
    assert "Sở Minh họa quyết định việc này" in page.text
    sent = ward.submit(page, {"act": "propose"})
    assert "chờ quyết định" in sent.text
    refused = ward.client.post(f"{DESK}{case}/sign", data={"act": "sign"})
    assert refused.status_code in (400, 403, 404)
    above = client_of(app, city, now)
    assert "Xã Minh họa đề xuất" in above.get(f"{DESK}{case}").text
    assert "đang thực hiện" in sign_it(above, case).text
    with app.app_context():
        recall = db.session.get_one(Recall, case)
        assert recall.proposer is not None
        assert recall.proposer.name == "Xã Minh họa"
        assert recall.decided_by == city.person_id
        assert recall.organisation_id == city.organisation_id
        audited = set(db.session.scalars(select(Audit.action)))
    assert {"recall.propose", "recall.sign", "look-outside"} <= audited

    again = case_of(choose(ward, small.lots[1]))
    classify(ward, again)
    ward.submit(ward.get(f"{DESK}{again}/sign"), {"act": "propose"})
    above.submit(above.get(f"{DESK}{again}/refuse"), {"reason": "Chưa đủ căn cứ"})
    assert "Chưa đủ căn cứ" in ward.get(f"{DESK}{again}").text
    # A hold is the ward's own to decide.
    hold = case_of(choose(ward, small.lots[1], kind="hold"))
    ward.submit(ward.get(f"{DESK}{hold}/reason"), {"reason": "Chờ kết quả mẫu"})
    assert "đang thực hiện" in sign_it(ward, hold).text


def test_two_who_sign_at_once_sign_once(
    app: Flask, city: Member, now: datetime, small: Exercise
) -> None:
    first = client_of(app, city, now)
    other = client_of(app, supervisor(app, PROVINCE, inside=city.organisation_id), now)
    case = case_of(choose(first, small.lots[0]))
    classify(first, case)
    late = other.get(f"{DESK}{case}/sign")
    sign_it(first, case)
    refused = refused_by(other, late, {"act": "sign"})
    assert "Người khác" in refused.text
    with app.app_context():
        assert db.session.scalar(select(func.count()).where(Event.notice == "recall")) == 1


def test_the_second_signature_has_a_time(
    app: Flask, city: Member, now: datetime, small: Exercise
) -> None:
    first = client_of(app, city, now)
    other = client_of(app, supervisor(app, PROVINCE, inside=city.organisation_id), now)
    case = case_of(choose(first, small.lots[0]))
    classify(first, case, grade="1")
    sign_it(first, case)
    page = other.get(f"{DESK}{case}/second")
    with app.app_context():
        db.session.get_one(Recall, case).waits_until = now - timedelta(minutes=1)
        db.session.commit()
    assert "quá giờ" in other.get(f"{DESK}{case}/second").text
    refused_by(other, page, {"act": "sign"})
    back = other.submit(page, {"act": "back", "form_key": "another-key-of-22-char"})
    assert "đang soạn" in back.text
    assert warned(app) == 0


def test_makers_recall_their_own_goods_and_no_others(
    app: Flask, now: datetime, small: Exercise
) -> None:
    with app.app_context():
        owner = make_member(app, inside=db.session.merge(small.farm.organisation).id)
    pages = client_of(app, owner, now)
    page = pages.get("/producer/recalls/new")
    refused = refused_by(pages, page, {"codes": small.made[0], "act": "look"})
    assert set(errors(refused)) == {"codes"}
    page = pages.submit(page, {"codes": small.lots[0], "act": "look"})
    page = pages.submit(page, {"act": "go", "thing": page.form().fields["thing"]})
    case = case_of(page)
    reason = pages.get(f"/producer/recalls/{case}/reason")
    pages.submit(reason, {"hazard": "quality", "grade": "1", "reason": "Dập nát khi chở"})
    done = pages.submit(pages.get(f"/producer/recalls/{case}/sign"), {"act": "sign"})
    assert "đang thực hiện" in done.text  # voluntary: nobody else holds it up
    assert warned(app) == 2
    withdrawn = pages.submit(pages.get(f"/producer/recalls/{case}/withdraw"), {"reason": "Nhầm lô"})
    assert "đã rút lại" in withdrawn.text
    assert warned(app) == 0


def test_rows_that_are_only_counted_through_name_nobody_s_goods(
    app: Flask, city: Member, now: datetime, small: Exercise
) -> None:
    with app.app_context():
        owner = make_member(app, inside=db.session.merge(small.farm.organisation).id)
        rows = [str(one) for one in db.session.scalars(select(Thing.id))]
        other = short_name(small.made[0])
        own = len(small.lots) + 2  # its planting, and the lot beside
    for pages, address, shown in (
        (client_of(app, owner, now), "/producer/recalls/new", own),
        (client_of(app, supervisor(app, "79", "Sở xa"), now), f"{DESK}new", 0),
    ):
        data = {**pages.get(address).form("//main//form").filled({}), "thing": rows}
        for act in ({"act": "go", "kind": "nothing"}, {"act": "look"}):
            answer = pages.client.post(address, data={**data, **act})
            assert answer.status_code == 400
            page = checked_page(address, answer)
            assert len(page.find("//input[@name='thing']")) == shown
            assert other not in page.text


def test_an_authority_that_was_suspended_meanwhile_neither_reads_nor_ends_its_case(
    app: Flask, city: Member, now: datetime, small: Exercise
) -> None:
    pages = client_of(app, city, now)
    case = case_of(choose(pages, small.lots[0]))
    classify(pages, case)
    sign_it(pages, case)
    ending = pages.get(f"{DESK}{case}/withdraw").form("//main//form").filled({"reason": "Nhầm"})
    with app.app_context():
        db.session.get_one(Organisation, city.organisation_id).status = "suspended"
        db.session.commit()
    for page in ("", "/preview", "/phones", "/packet.json", "/holders/1"):
        assert pages.client.get(f"{DESK}{case}{page}").status_code == 403
    assert pages.client.post(f"{DESK}{case}/withdraw", data=ending).status_code == 403
    with app.app_context():
        assert db.session.get_one(Recall, case).state == "open"
        assert held_lots(city.actor) == []


# -- rehearsals ------------------------------------------------------------------------------------


def test_a_rehearsal_touches_nothing_public_and_asks_who_agreed(
    app: Flask, city: Member, now: datetime, small: Exercise
) -> None:
    with app.app_context():
        shops = [db.session.merge(small.keepers[0].organisation).id, small.silent[0]]
        before = db.session.scalar(select(func.max(Event.id)))
    keeper = client_of(app, make_member(app, inside=shops[0]), now)
    make_member(app, inside=shops[1])
    keeper.submit(keeper.get("/producer/recalls/"), {"agrees": "yes"})
    pages = client_of(app, city, now)
    case = case_of(choose(pages, small.planting, rehearsal="yes"))
    classify(pages, case, grade="1")
    board = sign_it(pages, case)
    with app.app_context():
        run_pending()
        assert db.session.scalar(select(func.max(Event.id))) == before
        assert db.session.scalar(select(func.count()).select_from(Alert)) == 0
        told = db.session.scalars(
            select(Notification).where(Notification.word.startswith("recall"))
        ).all()
        assert {one.organisation_id for one in told} == {shops[0]}
        sent = select(Delivery.id).where(Delivery.notification_id.in_([one.id for one in told]))
        assert db.session.scalars(sent).all() == []
        holder = db.session.scalars(
            select(RecallHolder).where(RecallHolder.organisation_id == shops[0])
        ).one()
        answer, link = f"/producer/recalls/{holder.id}/answer", holder.secret
    assert "DIỄN TẬP" in board.text
    page = keeper.get(answer)
    assert "DIỄN TẬP" in page.text
    keeper.submit(page, {"lines-0-quantity": "30"})
    assert app.test_client().get(f"/recall/{link}").status_code == 404
    told_json = json.loads(pages.client.get(f"{DESK}{case}/packet.json").data)
    assert told_json["rehearsal"] is True
    assert "DIỄN TẬP" in told_json["mark"]
    book = openpyxl.load_workbook(io.BytesIO(pages.client.get(f"{DESK}{case}/packet.xlsx").data))
    assert all(name.startswith("DIỄN TẬP") for name in book.sheetnames)
    closed = pages.submit(pages.get(f"{DESK}{case}/close"), {"reason": "Xong diễn tập"})
    assert "đã kết thúc" in closed.text


# -- bad input -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("entries", "field"),
    [
        ({}, "codes"),
        ({"codes": "không có mã này"}, "codes"),
        ({"codes": "a\0b"}, "codes"),
        ({"codes": "7K3QMP2XV4"}, "codes"),
        ({"place": "nơi nào"}, "place"),
        ({"place": "x\ud800"}, "place"),
        ({"codes": "x", "since": "mai"}, "since"),
        ({"codes": "x", "since": "21/11/2026 00:00", "until": "20/11/2026 00:00"}, "until"),
        ({"codes": "x" * 20_001}, "codes"),
    ],
)
def test_what_cannot_be_chosen_is_said_beside_its_field(
    app: Flask, city: Member, now: datetime, entries: dict[str, str], field: str
) -> None:
    pages = client_of(app, city, now)
    typed = {name: value.encode("utf-8", "replace").decode() for name, value in entries.items()}
    page = refused_by(pages, pages.get(f"{DESK}new"), {**typed, "act": "look"})
    assert field in errors(page)


def test_what_may_not_be_recalled_is_refused_and_nothing_is_stored(
    app: Flask, city: Member, now: datetime, small: Exercise
) -> None:
    elsewhere = client_of(app, supervisor(app, "79", "Sở Minh họa khác"), now)
    page = refused_by(
        elsewhere, elsewhere.get(f"{DESK}new"), {"codes": small.lots[0], "act": "look"}
    )
    assert "địa bàn" in errors(page)["codes"]
    forged = elsewhere.client.get(f"{DESK}99999999999999999").status_code
    assert forged == 404

    pages = client_of(app, city, now)
    case = case_of(choose(pages, small.lots[0]))
    script = "<script>alert(1)</script>"
    page = classify(pages, case, reason=script)
    assert script in page.text
    assert not page.find("//main//script")
    number = "Gọi bác 0901 234 567 giúp"
    reason = pages.get(f"{DESK}{case}/reason")
    refused = refused_by(pages, reason, {"reason": number})
    assert "reason" in errors(refused)
    assert number in refused.form().fields["reason"]
    sign_it(pages, case)
    twice = pages.submit(pages.get(f"{DESK}new"), {"codes": small.lots[0], "act": "look"})
    refused = refused_by(pages, twice, {"act": "go"})
    assert "hồ sơ" in refused.text
    with app.app_context():
        assert db.session.scalar(select(func.count()).select_from(Recall)) == 1


def test_everything_needs_its_number_typed_and_a_ward_has_a_limit(
    app: Flask, city: Member, now: datetime, small: Exercise
) -> None:
    nation = supervisor(app, "*", "Bộ Minh họa")
    with app.app_context():
        powers = {"confirm_from": 3, "most": {"ward": 2}, "ward": {"recall": "decide"}}
        jurisdictions.set_rule(nation.actor, "recall-powers", powers, at=now)
        db.session.commit()
    ward = client_of(app, supervisor(app, WARD, "Xã Minh họa"), now)
    case = case_of(choose(ward, small.planting))
    classify(ward, case)
    assert "quyết định việc này" in ward.get(f"{DESK}{case}/sign").text  # five things, two allowed
    lot = case_of(choose(ward, small.lots[1]))
    classify(ward, lot)
    assert "đang thực hiện" in sign_it(ward, lot).text
    ward.submit(ward.get(f"{DESK}{case}/sign"), {"act": "propose"})
    above = client_of(app, city, now)
    page = above.get(f"{DESK}{case}/sign")
    for wrong in ("", "4", "nhiều"):
        refused = refused_by(above, page, {"act": "sign", "count": wrong})
        assert "count" in errors(refused)
    with app.app_context():
        assert db.session.get_one(Recall, case).state == "proposed"
        total = 1 + 2 + 2
    assert "đang thực hiện" in sign_it(above, case, count=str(total)).text


def test_nobody_sets_its_own_powers(app: Flask, city: Member, now: datetime) -> None:
    ward = supervisor(app, WARD, "Xã Minh họa")
    with app.app_context():
        jurisdictions.set_rule(ward.actor, "recall-powers", {"ward": {"recall": "decide"}}, at=now)
        db.session.commit()
        office = db.session.get_one(Organisation, ward.organisation_id)
        assert powers_of(office).may("recall") == "propose"


def test_what_is_made_later_inherits_and_its_holder_is_asked(
    app: Flask, city: Member, now: datetime, small: Exercise
) -> None:
    pages = client_of(app, city, now)
    case = case_of(choose(pages, small.lots[0]))
    classify(pages, case)
    sign_it(pages, case)
    with app.app_context():
        run_pending()
        before = db.session.scalar(select(func.count()).select_from(RecallHolder)) or 0
        shop = small.keepers[0]
        shop.actor = Actor(db.session.merge(shop.organisation), None, "owner")
        kitchen = make_farm(now - timedelta(hours=5), "Bếp Minh họa", kind="processor")
        pack, dish = small.made[0], new("b")
        kitchen.tell(*received(kitchen, pack, shop, 10))
        kitchen.tell(transformed(kitchen.record(), "processing", [item(pack, 10)], [item(dish, 9)]))
        assert db.session.scalar(select(Alert.kind).where(Alert.thing_id == thing_id(dish)))
        run_pending()
        rows = db.session.scalars(select(RecallHolder)).all()
        assert len(rows) == before + 1
        assert kitchen.organisation.id in {row.organisation_id for row in rows}

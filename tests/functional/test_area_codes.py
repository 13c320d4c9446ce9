"""Codes of places on the farm's pages, and the codes of a consignment when it is shipped."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime

import pytest
from flask import Flask
from sqlalchemy import select

from tests.support.farms import Farm, make_farm, thing_id
from tests.support.members import Member, make_member, sign_in
from tests.support.pages import PageClient
from trace.extensions import db
from trace.models import AreaCode, Audit, Place
from trace.services.area_codes import add_code
from trace.services.batches import short_name
from trace.services.consignments import check_consignment

NEW = "/producer/places/new"
AT = datetime(2026, 11, 20, 2, tzinfo=UTC)
DAY = date(2026, 11, 22)


@pytest.fixture
def member(app: Flask, pages: PageClient) -> Member:
    made = make_member(app)
    sign_in(app, pages.client, made)
    return made


def rows(app: Flask) -> list[AreaCode]:
    with app.app_context():
        return list(db.session.scalars(select(AreaCode).order_by(AreaCode.id)))


def test_a_place_has_several_codes_for_several_markets(
    app: Flask, pages: PageClient, member: Member
) -> None:
    place = pages.submit(
        pages.get(NEW), {"name": "Vườn", "planting_area_code": "01-PUC-DR-00001-CHN"}
    )
    (first,) = rows(app)
    assert (first.kind, first.market, first.state) == ("planting", "CHN", "active")
    form = pages.get(place.link("Thêm mã"))
    wrong = {"code": "VN-DNOR-0001", "issued": "2026-05-02", "expires": "2026-05-01"}
    page = pages.submit(form, wrong, status=400)
    assert page.texts("//*[@id='e-expires']") != []
    assert page.form().fields["code"] == "VN-DNOR-0001"
    place = pages.submit(page, {"market": "USA", "expires": "2026-06-01", "area_m2": "9000"})
    assert "Mã hết hạn ngày 01/06/2026" in place.text
    second = rows(app)[1]
    assert (second.market, second.code, str(second.area_m2)) == ("USA", "VN-DNOR-0001", "9000")
    assert pages.get("/producer/places/?q=DNOR").texts("//tbody//a") == ["Vườn"]

    edit = pages.get(place.link("Sửa mã VN-DNOR-0001"))
    place = pages.submit(edit, {"state": "revoked", "expires": ""})
    assert "Mã đã bị thu hồi" in place.text
    pages.submit(edit, {"state": "active"}, status=409)  # somebody else was faster
    remove = pages.get(pages.get(place.link("Sửa mã VN-DNOR-0001")).link("Xoá mã nhập nhầm"))
    assert "VN-DNOR-0001" not in pages.submit(remove, {}).texts("//article")[0]
    assert [row.code for row in rows(app)] == ["01-PUC-DR-00001-CHN"]
    with app.app_context():
        actions = set(db.session.scalars(select(Audit.action)))
    assert {"area-code.create", "area-code.change", "area-code.remove"} <= actions


def test_codes_of_others_do_not_exist_and_public_ones_say_whose_word_they_are(
    app: Flask, pages: PageClient, member: Member
) -> None:
    pages.submit(pages.get(NEW), {"name": "Vườn", "planting_area_code": "01-PUC-DR-00001"})
    (row,) = rows(app)
    with app.app_context():
        place = db.session.get_one(Place, row.place_id)
        address = f"/t/l/{place.code}"
    sign_in(app, pages.client, make_member(app))
    for path in ("", "/remove"):
        pages.get(f"/producer/places/{row.place_id}/codes/{row.id}{path}", status=404)
    pages.get(f"/producer/places/{row.place_id}/codes/new", status=404)
    public = pages.client.get(address, follow_redirects=True).get_data(as_text=True)
    assert "theo lời chủ nơi này" in public
    assert "01-PUC-DR-00001" in public


@pytest.fixture
def orchard(app: Flask) -> Iterator[tuple[Farm, str, Place]]:
    """A dragon-fruit grower, a lot harvested on a plot and packed in a packing house."""
    with app.app_context():
        farm = make_farm(AT, "Vườn Demo")
        farm.product.name = "Thanh long ruột trắng"
        house = farm.place("Nhà đóng gói", "packhouse")
        cycle = farm.sow()
        lot = farm.reap(cycle)
        db.session.commit()
        yield farm, lot, house


def check(lot: str, place: Place | None = None, market: str = "CHN") -> list[str]:
    marks = check_consignment([thing_id(lot)], market, place=place, day=DAY, reader=0)
    return [mark.key for mark in marks]


def give(farm: Farm, place: Place, code: str, **more: object) -> AreaCode:
    return add_code(farm.actor, place, {"code": code, **more}, at=AT)


def test_a_consignment_to_china_needs_both_codes_for_that_market_and_crop(
    orchard: tuple[Farm, str, Place],
) -> None:
    farm, lot, house = orchard
    assert check(lot, market="") == []
    assert check(lot) == ["no-packing-place", "no-planting-code"]
    assert check(lot, house) == ["no-planting-code", "no-packing-code"]
    assert check(lot, house, "USA") == [], "what other markets need is not guessed"
    give(farm, house, "01-PHC-DR-00001-CHN", crop="Thanh long")
    planting = give(farm, farm.plot, "01-PUC-DR-00001-USA")
    assert check(lot, house) == ["no-planting-code"]
    planting.market = "CHN"
    assert check(lot, house) == ["codes-agree"]
    planting.crop = "Sầu riêng"
    assert check(lot, house) == ["other-crop"]
    planting.crop, planting.expires = "", date(2026, 11, 1)
    assert check(lot, house) == ["not-in-force"]
    give(farm, farm.plot, "01-PUC-DR-00002-CHN")
    assert check(lot, house) == ["codes-agree"], "one of several codes that holds is enough"


def test_a_place_that_is_not_public_is_named_to_its_owner_only(
    orchard: tuple[Farm, str, Place],
) -> None:
    farm, lot, house = orchard

    def places(reader: int) -> list[object]:
        marks = check_consignment([thing_id(lot)], "CHN", place=house, day=DAY, reader=reader)
        return [mark.told["place"] for mark in marks]

    mine, stranger = farm.organisation.id, farm.organisation.id + 1
    farm.plot.name = "Vườn nhà bà Demo"
    for public, named in ((True, farm.plot.name), (False, short_name(lot))):
        farm.plot.public = house.public = public
        db.session.flush()
        assert places(mine) == [farm.plot.name, house.name]
        assert places(stranger)[0] == named
    assert house.name not in places(stranger)


def test_the_day_of_packing_decides_and_an_unknown_origin_is_said(
    orchard: tuple[Farm, str, Place],
) -> None:
    farm, lot, house = orchard
    give(farm, farm.plot, "01-PUC-DR-00001-CHN", expires=date(2026, 11, 20))
    give(farm, house, "01-PHC-DR-00001-CHN", expires=date(2026, 11, 20))
    assert check(lot, house) == ["not-in-force", "not-in-force"], "leaves on the 22nd"
    farm.plot, plot = house, farm.plot
    crate = farm.box(lot)  # packed on the 20th
    farm.plot = plot
    assert check(crate) == ["codes-agree"]
    bought = farm.take_unrecorded("Chợ Demo")
    assert check(bought, house)[0] == "no-origin"


def test_the_form_tells_before_shipping_and_the_note_afterwards_and_nothing_is_refused(
    app: Flask, pages: PageClient, member: Member
) -> None:
    with app.app_context():
        farm = make_farm(AT)
        farm.actor = member.actor
        product, plot = farm.product, farm.plot
        product.organisation_id = plot.organisation_id = member.actor.organisation.id
        db.session.commit()
        lot = farm.register(100)
        number = thing_id(lot)
    form = pages.get("/producer/shipments/new")
    line = {"lots-0-thing": str(number), "lots-0-quantity": "40", "market": "CHN"}
    asked = pages.submit(form, {**line, "more": "market"})
    assert "Đối chiếu" in asked.text
    assert "chưa biết trồng ở đâu" in asked.text
    assert asked.form().fields["lots-0-quantity"] == "40"
    note = pages.submit(asked, {})
    assert "Mã cho thị trường Trung Quốc" in note.text
    assert "chưa biết trồng ở đâu" in note.text

"""Places: addresses never change, positions stay private, numbers are not guessed."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import pytest
import zxingcpp
from flask import Flask
from lxml import etree
from PIL import Image
from sqlalchemy import select

from tests.support.members import Member, make_member, sign_in
from tests.support.pages import PageClient
from trace.core.gs1 import check_code
from trace.extensions import db
from trace.models import Audit, Place
from trace.services.households import register_household

INDEX = "/producer/places/"
GLN = "8930000000019"


def places(app: Flask) -> list[Place]:
    with app.app_context():
        return list(db.session.scalars(select(Place).order_by(Place.id)))


@pytest.fixture
def member(app: Flask, pages: PageClient) -> Member:
    made = make_member(app)
    sign_in(app, pages.client, made)
    return made


def test_a_place_without_gln_gets_a_code_of_ours(
    app: Flask, pages: PageClient, member: Member
) -> None:
    entries = {
        "name": "Vườn B2",
        "area_m2": "1080",
        "latitude": "21,0931",
        "longitude": "105.671123",
        "planting_area_code": "VN-01-0001",
    }
    page = pages.submit(pages.get(INDEX + "new"), entries)
    assert page.h1 == "Vườn B2"
    assert "1.080 m²" in page.text
    (one,) = places(app)
    assert check_code(one.code) == one.code
    assert one.identity == f"https://trace.example/l/{one.code}"
    assert (one.latitude, one.longitude) == (21.0931, 105.671123)
    with app.app_context():
        actions = db.session.scalars(select(Audit.action).filter_by(subject=f"place:{one.code}"))
        assert sorted(actions) == ["area-code.create", "place.create"]


def test_a_place_with_gln_is_known_by_it(app: Flask, pages: PageClient, member: Member) -> None:
    pages.submit(pages.get(INDEX + "new"), {"name": "Kho", "gln": "893 0000 000019"})
    assert places(app)[0].identity == f"https://id.gs1.org/414/{GLN}"
    page = pages.submit(pages.get(INDEX + "new"), {"name": "Kho 2", "gln": GLN}, status=409)
    assert GLN in page.texts("//*[@id='e-gln']")[0]


@pytest.mark.one_database
@pytest.mark.parametrize(
    ("field", "typed"),
    [
        ("name", "   "),
        ("gln", "8930000000018"),
        ("gln", "89300000000"),
        ("gln", "893000000001O"),
        ("latitude", "91"),
        ("longitude", "-180,5"),
        ("area_m2", "-1"),
        ("area_m2", "1.500"),
        ("area_m2", "một sào"),
        ("ward_code", "Phường"),
        ("name", "x" * 201),
    ],
)
def test_a_wrong_box_is_named_and_kept(
    pages: PageClient, member: Member, field: str, typed: str
) -> None:
    entries = {"name": "Vườn", "latitude": "21", "longitude": "105", field: typed}
    page = pages.submit(pages.get(INDEX + "new"), entries, status=400)
    assert page.texts(f"//*[@id='e-{field}']") != []
    assert page.find(f"//*[@class='error-summary']//a[@href='#f-{field}']") != []
    assert page.form().fields[field] == typed


def test_half_a_position_is_refused(app: Flask, pages: PageClient, member: Member) -> None:
    entries = {"name": "Vườn", "latitude": "21.09"}
    page = pages.submit(pages.get(INDEX + "new"), entries, status=400)
    assert page.texts("//*[@id='e-longitude']") != []
    assert places(app) == []


@pytest.mark.one_database
def test_several_wards_are_offered_and_one_is_chosen(
    app: Flask, pages: PageClient, member: Member
) -> None:
    form = pages.get(INDEX + "new")
    page = pages.submit(form, {"name": "Vườn", "ward_code": "Phượng"}, status=400)
    offered = page.find("//input[@name='ward_code_choice']")
    assert len(offered) > 1
    pages.submit(page, {"ward_code_choice": offered[1].get("value")})
    assert places(app)[0].ward_code == offered[1].get("value")


def test_an_edit_keeps_code_and_gln_and_writes_what_changed(
    app: Flask, pages: PageClient, member: Member
) -> None:
    page = pages.submit(pages.get(INDEX + "new"), {"name": "Kho", "gln": GLN})
    before = places(app)[0]
    edit = pages.get(page.link("Sửa"))
    assert "gln" not in edit.form().names
    pages.submit(edit, {"name": "Kho lạnh", "kind": "cold-store"})
    (after,) = places(app)
    assert (after.name, after.code, after.gln) == ("Kho lạnh", before.code, GLN)
    with app.app_context():
        detail = db.session.scalar(select(Audit.detail).filter_by(action="place.change"))
    assert detail == '{"fields":["name","kind"]}'


def test_a_plot_belongs_to_a_household_of_ours_only(
    app: Flask, pages: PageClient, member: Member
) -> None:
    stranger = make_member(app)
    with app.app_context():
        made = stranger.actor.organisation.created_at
        values = {"code": "H1", "name": "", "phone": "", "active": True}
        theirs = register_household(stranger.actor, values, at=made).id
        ours = register_household(member.actor, values, at=made).id
        db.session.commit()
    form = pages.get(INDEX + "new")
    page = pages.submit(form, {"name": "Vườn", "household": str(theirs)}, status=400)
    assert page.texts("//*[@id='e-household']") != []
    pages.submit(pages.get(INDEX + "new"), {"name": "Vườn", "household": str(ours)})
    assert places(app)[0].household_id == ours


def test_the_printed_card_leads_to_the_places_own_address(
    app: Flask, pages: PageClient, member: Member
) -> None:
    pages.submit(pages.get(INDEX + "new"), {"name": "Sạp 12", "kind": "stall", "gln": GLN})
    (one,) = places(app)
    drawn = pages.client.get(f"{INDEX}{one.id}/card.svg")
    assert drawn.mimetype == "image/svg+xml"
    assert drawn_text(drawn.get_data()) == f"https://trace.example/p/{one.code}"


def drawn_text(svg: bytes) -> str:
    """The code that a scanner reads from a drawing of unit squares in millimetres."""
    root: Any = etree.parse(BytesIO(svg)).getroot()
    size = int(float(root.get("viewBox").split()[2]))
    pixels = Image.new("L", (size, size), 255)
    path = str(root.xpath("//*[local-name()='path']/@d")[0])
    for part in path.split("M")[1:]:
        x, y = (int(float(number)) for number in part.split("H")[0].split(","))
        pixels.putpixel((x, y), 0)
    scale = 8
    found = zxingcpp.read_barcodes(
        pixels.resize((size * scale, size * scale), Image.Resampling.NEAREST)
    )
    return str(found[0].text)


def test_of_two_presses_at_the_same_moment_one_makes_a_place(
    app: Flask, pages: PageClient, member: Member, monkeypatch: pytest.MonkeyPatch
) -> None:
    form = pages.get(INDEX + "new")
    first = pages.submit(form, {"name": "Vườn"})
    # Both got past the door before either was written.
    monkeypatch.setattr("trace.web.access.answer_again", lambda: None)
    second = pages.submit(form, {"name": "Vườn"})
    assert second.address == first.address
    assert len(places(app)) == 1
    with app.app_context():
        made = db.session.scalars(select(Audit).filter_by(action="place.create")).all()
    assert len(made) == 1


def test_another_organisations_place_does_not_exist(
    app: Flask, pages: PageClient, member: Member
) -> None:
    pages.submit(pages.get(INDEX + "new"), {"name": "Vườn"})
    (one,) = places(app)
    sign_in(app, pages.client, make_member(app))
    for path in ("", "/edit"):
        pages.get(f"{INDEX}{one.id}{path}", status=404)
    assert pages.client.get(f"{INDEX}{one.id}/card.svg").status_code == 404


@pytest.mark.one_database
def test_the_list_is_filtered_by_kind_and_exported(
    app: Flask, pages: PageClient, member: Member
) -> None:
    pages.submit(pages.get(INDEX + "new"), {"name": "Vườn", "kind": "plot"})
    pages.submit(pages.get(INDEX + "new"), {"name": "Sạp", "kind": "stall"})
    assert pages.get(INDEX + "?kind=stall").texts("//tbody//a") == ["Sạp"]
    assert pages.get(INDEX + "?q=dan phuong vuon").texts("//tbody//a") == ["Vườn"]
    lines = pages.client.get(INDEX + "?format=csv").get_data().decode("utf-8-sig").splitlines()
    assert len(lines) == 3
    assert lines[0].split(",")[:2] == ["Mã", "Tên"]

"""Outlines in the form of a place: taken from text and files, mended when asked, marked, given out;
nothing typed is lost, nothing half stored, and nobody else sees where a plot lies."""

from __future__ import annotations

from io import BytesIO

import pytest
from flask import Flask
from sqlalchemy import select

from tests.support.members import Member, make_member, sign_in
from tests.support.pages import Page, PageClient
from trace.core import geo
from trace.extensions import db
from trace.models import Place

NEW = "/producer/places/new"
RING = "21.093000, 105.671000\n21.093000, 105.672000\n21.094000, 105.672000\n21.094000, 105.671000"
CLOSED = RING + "\n21.093000, 105.671000"
AREA = 11496  # m²; GeographicLib: 103.9 m by 110.7 m


@pytest.fixture
def member(app: Flask, pages: PageClient) -> Member:
    made = make_member(app)
    sign_in(app, pages.client, made)
    return made


def add(pages: PageClient, status: int = 200, **entries: object) -> Page:
    return pages.submit(pages.get(NEW), {"name": "Vườn", **entries}, status=status)


def stored(app: Flask) -> list[Place]:
    with app.app_context():
        rows = list(db.session.scalars(select(Place).order_by(Place.id)))
        for row in rows:
            assert row.outline is None or row.outline  # read while there is a session
        return rows


def test_an_outline_gives_area_and_position_and_is_kept_digit_by_digit(
    app: Flask, pages: PageClient, member: Member
) -> None:
    page = add(pages, outline=CLOSED, area_m2="11500")
    (one,) = stored(app)
    assert one.outline == (
        "[[105.671000,21.093000],[105.672000,21.093000],[105.672000,21.094000],"
        "[105.671000,21.094000]]"
    )
    assert float(one.outline_area or 0) == pytest.approx(AREA, abs=15)
    assert (one.latitude, one.longitude) == pytest.approx((21.0935, 105.6715))
    assert one.outline_source == "pasted"
    assert page.find("//*[local-name()='svg'][@class='plan']/*[@class='plan-own']") != []
    assert page.find("//section//div[contains(@class, 'notice')]") == []
    edit = pages.get(page.link("Sửa"))
    pages.submit(edit, {"name": "Vườn B"})
    (after,) = stored(app)
    assert (after.name, after.outline, after.outline_source) == ("Vườn B", one.outline, "pasted")
    pages.submit(pages.get(page.link("Sửa")), {"outline": ""})
    assert stored(app)[0].outline is None


MENDABLE = (
    (RING, "chưa khép", "close"),
    (
        "\n".join(", ".join(reversed(line.split(", "))) for line in CLOSED.splitlines()),
        "đổi chỗ",
        "swap",
    ),
    (CLOSED.replace("\n", "\n21.093000, 105.671000\n", 1), "trùng", "thin"),
)
HOPELESS = (
    (
        "21.093, 105.671\n21.094, 105.672\n21.093, 105.672\n21.094, 105.671\n21.093, 105.671",
        "tự cắt",
    ),
    ('{"type":"Polygon","coordinates":[[[105,21],[105.001,21]]]}', "ít nhất 3"),
    ("587123, 2334567\n587200, 2334567\n587200, 2334600", "VN-2000"),
    ("ngoài đồng", "Không phải GeoJSON"),
)


@pytest.mark.one_database
def test_what_can_be_mended_is_offered_and_then_saved(
    app: Flask, pages: PageClient, member: Member
) -> None:
    for count, (outline, says, fix) in enumerate(MENDABLE):
        page = add(pages, 400, outline=outline)
        assert says in page.texts("//*[@id='e-outline']")[0]
        assert page.form().fields["outline"] == outline
        assert len(stored(app)) == count
        pages.submit(page, {"outline_fix": fix})
        assert float(stored(app)[-1].outline_area or 0) == pytest.approx(AREA, abs=15)


@pytest.mark.one_database
def test_what_cannot_be_mended_names_the_place(
    app: Flask, pages: PageClient, member: Member
) -> None:
    for outline, says in HOPELESS:
        page = add(pages, 400, outline=outline)
        assert says in page.texts("//*[@id='e-outline']")[0]
        assert page.find("//*[@class='error-summary']//a[@href='#f-outline']") != []
        assert page.form().fields["outline"] == outline
    assert stored(app) == []


def test_a_file_is_read_and_stands_in_the_box_when_something_else_is_wrong(
    app: Flask, pages: PageClient, member: Member
) -> None:
    outline = geo.check_outline(geo.choose(geo.read_shapes(CLOSED)))
    north = geo.Outline(tuple(geo.position(p.lon, p.lat + 1) for p in outline.points))
    rows = [geo.Feature("Thửa A", "u:a", outline), geo.Feature("Thửa B", "u:b", north)]
    file = BytesIO(geo.kml("Hai thửa", rows).encode()), "thua.kml"
    page = add(pages, 400, outline_file=file)
    assert page.texts("//input[@name='outline_choice']/following-sibling::label") == [
        "Thửa A",
        "Thửa B",
    ]
    page = pages.submit(page, {"name": "", "outline_choice": "1"}, status=400)
    assert "<Placemark>" in page.form().fields["outline"]
    pages.submit(page, {"name": "Thửa B", "outline_choice": "1"})
    (one,) = stored(app)
    assert one.south == pytest.approx(22.093)


@pytest.mark.one_database
def test_a_packed_or_broken_file_says_what_to_do(
    app: Flask, pages: PageClient, member: Member
) -> None:
    for data in (b"PK\x03\x04\xff\xfe", b"\xff\xd8\xff\xe0", b"a\0b", b"   "):
        page = add(pages, 400, outline_file=(BytesIO(data), "thua.kmz"), area_m2="x")
        assert "KML" in page.texts("//*[@id='e-outline']")[0]
        assert page.texts("//*[@id='e-area_m2']") != [], "the other fault is told too"
    assert stored(app) == []


@pytest.mark.one_database
def test_swapped_latitude_and_longitude_are_named(
    app: Flask, pages: PageClient, member: Member
) -> None:
    page = add(pages, 400, latitude="105.67", longitude="21.09")
    assert "đổi chỗ" in page.texts("//*[@id='e-latitude']")[0]
    assert stored(app) == []


def shifted(east: float) -> str:
    return "\n".join(
        f"{lat}, {float(lon) + east:.6f}"
        for lat, lon in (line.split(", ") for line in CLOSED.splitlines())
    )


def test_marks_tell_of_area_overlap_and_a_large_point_and_refuse_nothing(
    app: Flask, pages: PageClient, member: Member
) -> None:
    def marks(page: Page) -> str:
        return " ".join(page.texts("//section//div[contains(@class, 'notice')]"))

    add(pages, name="Vườn A", outline=CLOSED, area_m2="11000")
    half = marks(add(pages, name="Vườn B", outline=shifted(0.0005), area_m2="8000"))
    assert "Chồng lên Vườn A" in half
    assert "+44 %" in half
    assert "Chồng" not in marks(add(pages, name="Vườn C", outline=shifted(-0.00098)))
    point = marks(add(pages, area_m2="50000", latitude="21.0931", longitude="105.6711"))
    assert "5 ha" in point
    rough = marks(add(pages, outline=CLOSED.replace("000", "")))
    assert "3 số lẻ" in rough
    far = marks(add(pages, latitude="10.776889", longitude="106.700806"))
    assert "30 km" in far
    assert len(stored(app)) == 6


def test_shapes_are_given_out_to_their_owner_only(
    app: Flask, pages: PageClient, member: Member
) -> None:
    page = add(pages, outline=CLOSED, planting_area_code="VN-HNOR-0001")
    (one,) = stored(app)
    for path, kind in (
        (page.link("GeoJSON"), "application/geo+json"),
        (page.link("KML"), "application/vnd.google-earth.kml+xml"),
        ("/producer/places/?format=geojson", "application/geo+json"),
        ("/producer/places/?format=kml", "application/vnd.google-earth.kml+xml"),
    ):
        answer = pages.client.get(path)
        assert answer.mimetype == kind
        text = answer.get_data(as_text=True)
        assert geo.check_outline(geo.choose(geo.read_shapes(text))).to_json() == one.outline
        assert "VN-HNOR-0001" in text
    sign_in(app, pages.client, make_member(app))
    pages.get(f"/producer/places/{one.id}/shape.geojson", status=404)
    assert one.code not in pages.client.get("/producer/places/?format=kml").get_data(as_text=True)


def test_the_public_page_shows_a_position_only_when_its_owner_publishes_it(
    app: Flask, pages: PageClient, member: Member
) -> None:
    page = add(pages, outline=CLOSED)
    (one,) = stored(app)
    for public in (f"/t/l/{one.code}", f"/t/p/{one.code}"):
        text = pages.client.get(public, follow_redirects=True).get_data(as_text=True)
        assert "21.09" not in text
        assert "<path" not in text or "plan" not in text
    pages.submit(pages.get(page.link("Sửa")), {"position_public": "yes"})
    text = pages.client.get(f"/t/l/{one.code}", follow_redirects=True).get_data(as_text=True)
    assert "21.093500, 105.671500" in text
    pages.submit(pages.get(page.link("Sửa")), {"public": None})
    text = pages.client.get(f"/t/l/{one.code}", follow_redirects=True).get_data(as_text=True)
    assert "21.09" not in text

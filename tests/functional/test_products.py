"""Products: GTINs are checked and never invented, pictures are re-encoded, dates are said."""

from __future__ import annotations

import io

import pytest
from flask import Flask
from PIL import Image
from sqlalchemy import select

from tests.support.members import Member, make_member, sign_in
from tests.support.pages import Page, PageClient, checked_page
from trace.extensions import db
from trace.models import Attachment, Product

INDEX = "/producer/products/"
GTIN = "8936000000011"


def products(app: Flask) -> list[Product]:
    with app.app_context():
        return list(db.session.scalars(select(Product).order_by(Product.id)))


def photo(*, size: tuple[int, int] = (640, 480), form: str = "JPEG") -> bytes:
    file = io.BytesIO()
    exif = Image.Exif()
    exif[0x010E] = "taken at home"
    options = {"exif": exif} if form == "JPEG" else {}
    Image.new("RGB", size, (40, 140, 60)).save(file, form, **options)
    return file.getvalue()


@pytest.fixture
def member(app: Flask, pages: PageClient) -> Member:
    made = make_member(app)
    sign_in(app, pages.client, made)
    return made


def send(pages: PageClient, page: Page, entries: dict[str, object], status: int = 200) -> Page:
    """Sends a form with a file, as a browser would."""
    data = page.form().filled(entries)
    answer = pages.client.post(
        page.form().action, data=data, content_type="multipart/form-data", follow_redirects=True
    )
    assert answer.status_code == status, answer.get_data(as_text=True)[:2000]
    return checked_page(answer.request.url, answer)


def test_a_product_without_gtin_gets_a_code_of_ours_and_no_gtin(
    app: Flask, pages: PageClient, member: Member
) -> None:
    entries = {"name": "Cải ngọt, gói 300 g", "net_weight": "0,3", "shelf_life_days": "4"}
    page = pages.submit(pages.get(INDEX + "new"), entries)
    assert page.h1 == "Cải ngọt, gói 300 g"
    assert "0,3 kg" in page.text
    assert "4 ngày (ngày dùng ngon nhất)" in page.text
    (one,) = products(app)
    assert one.gtin is None
    assert one.identity == f"https://trace.example/q/{one.code}"
    assert (one.unit, str(one.net_weight)) == ("KGM", "0.3")


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        (GTIN, "0" + GTIN),
        ("8 936000 000011", "0" + GTIN),
        ("18936000000018", "18936000000018"),
        ("40000008", "00000040000008"),
        ("036000291452", "00036000291452"),
    ],
)
@pytest.mark.one_database
def test_a_gtin_of_any_length_is_kept_as_fourteen_digits(
    app: Flask, pages: PageClient, member: Member, typed: str, kept: str
) -> None:
    pages.submit(pages.get(INDEX + "new"), {"name": "Gạo", "gtin": typed})
    (one,) = products(app)
    assert (one.gtin, one.gtin_confirmed) == (kept, False)
    assert one.identity == f"https://id.gs1.org/01/{kept}"


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ("8936000000012", "Chữ số cuối phải là 1, không phải 2"),
        ("893600000001", "Chữ số cuối"),
        ("12345", "có 8/12/13/14 chữ số"),
        ("8936OOOOOOO11", "không phải chữ số"),
        ("2000000000008", "nội bộ một cửa hàng"),
        ("0000000000000", "chữ số"),
    ],
)
@pytest.mark.one_database
def test_a_wrong_gtin_is_refused_beside_its_box(
    app: Flask, pages: PageClient, member: Member, typed: str, told: str
) -> None:
    page = pages.submit(pages.get(INDEX + "new"), {"name": "Gạo", "gtin": typed}, status=400)
    assert told in page.texts("//*[@id='e-gtin']")[0]
    assert page.form().fields["gtin"] == typed
    assert products(app) == []


def test_a_gtin_belongs_to_one_organisation(app: Flask, pages: PageClient, member: Member) -> None:
    pages.submit(pages.get(INDEX + "new"), {"name": "Gạo", "gtin": GTIN})
    sign_in(app, pages.client, make_member(app))
    page = pages.submit(pages.get(INDEX + "new"), {"name": "Của tôi", "gtin": GTIN}, status=409)
    assert page.texts("//*[@id='e-gtin']") != []
    assert len(products(app)) == 1


def test_a_picture_is_kept_re_encoded_and_shown(
    app: Flask, pages: PageClient, member: Member
) -> None:
    sent = photo()
    form = pages.get(INDEX + "new")
    page = send(pages, form, {"name": "Gạo", "picture": (io.BytesIO(sent), "gạo.jpg")})
    (one,) = products(app)
    assert one.picture is not None
    assert page.find(f"//img[@src='{INDEX}{one.id}/picture']") != []
    shown = pages.client.get(f"{INDEX}{one.id}/picture")
    assert shown.mimetype == "image/jpeg"
    assert b"taken at home" in sent
    assert b"taken at home" not in shown.get_data()
    small = Image.open(io.BytesIO(pages.client.get(f"{INDEX}{one.id}/picture?small=1").get_data()))
    assert max(small.size) <= 320
    with app.app_context():
        assert db.session.get(Attachment, one.picture) is not None
    sign_in(app, pages.client, make_member(app))
    assert pages.client.get(f"{INDEX}{one.id}/picture").status_code == 404


@pytest.mark.one_database
@pytest.mark.parametrize("sent", [b"", b"<svg/>", b"GIF89a", b"\xff\xd8\xff\xe0 cut off"])
def test_what_is_no_photo_is_refused_and_the_rest_kept(
    app: Flask, pages: PageClient, member: Member, sent: bytes
) -> None:
    form = pages.get(INDEX + "new")
    entries: dict[str, object] = {"name": "Gạo ngon", "picture": (io.BytesIO(sent), "x.jpg")}
    page = send(pages, form, entries, status=400)
    assert page.texts("//*[@id='e-picture']") != []
    assert page.form().fields["name"] == "Gạo ngon"
    assert products(app) == []


def test_an_edit_without_a_new_picture_keeps_the_old_one(
    app: Flask, pages: PageClient, member: Member
) -> None:
    form = pages.get(INDEX + "new")
    page = send(pages, form, {"name": "Gạo", "picture": (io.BytesIO(photo()), "a.jpg")})
    before = products(app)[0].picture
    edit = pages.get(page.link("Sửa"))
    assert "gtin" not in edit.form().names
    pages.submit(edit, {"name": "Gạo tẻ", "use_by": "yes"})
    (one,) = products(app)
    assert (one.name, one.picture, one.use_by) == ("Gạo tẻ", before, True)


@pytest.mark.one_database
def test_what_was_typed_stands_in_its_boxes_when_edited(
    app: Flask, pages: PageClient, member: Member
) -> None:
    entries = {"name": "Gạo <b>&", "net_weight": "1,2340", "description": "dòng 1\ndòng 2"}
    page = pages.submit(pages.get(INDEX + "new"), entries)
    edit = pages.get(page.link("Sửa"))
    fields = edit.form().fields
    assert (fields["name"], fields["net_weight"]) == ("Gạo <b>&", "1.2340")
    assert fields["description"].strip() == "dòng 1\ndòng 2"
    pages.submit(edit, {})  # sending it unchanged is possible and changes nothing
    assert products(app)[0].version == 1

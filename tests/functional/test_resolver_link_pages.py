"""Pages on which an organisation keeps the links of its products."""

from __future__ import annotations

import pytest
from flask import Flask
from sqlalchemy import select

from tests.support.members import START, Member, make_member, sign_in
from tests.support.pages import PageClient
from trace.extensions import db
from trace.models import Link, Organisation, Product
from trace.services import products

TYPED = {
    "link_type": "recipeInfo",
    "href": "https://nau.example.org/canh",
    "title": "Canh cải nấu tôm",
    "languages": ["vi", "en"],
    "context": "vn, LA",
}


@pytest.fixture
def member(app: Flask, pages: PageClient) -> Member:
    made = make_member(app)
    sign_in(app, pages.client, made)
    return made


@pytest.fixture
def product(app: Flask, member: Member) -> int:
    return new_product(app, member)


def new_product(app: Flask, member: Member) -> int:
    with app.app_context():
        values = {"name": "Cải ngọt", "category": "leaf-vegetable", "unit": "KGM"}
        made = products.register_product(member.actor, values, at=START)
        db.session.commit()
        return made.id


def kept(app: Flask) -> list[Link]:
    with app.app_context():
        return list(db.session.scalars(select(Link)))


def test_a_link_is_added_changed_removed_and_brought_back(
    app: Flask, pages: PageClient, member: Member, product: int
) -> None:
    index = f"/producer/products/{product}/links/"
    page = pages.get(pages.get(f"/producer/products/{product}").link("Liên kết ra trang khác"))
    assert "Chưa có liên kết nào" in page.text
    page = pages.submit(pages.get(page.link("Thêm liên kết đầu tiên")), TYPED)
    assert page.h1 == "Canh cải nấu tôm"
    assert "nau.example.org" in page.text
    assert "Tiếng Việt, Tiếng Anh" in page.text
    assert "Chưa đưa ra: tổ chức của bạn chưa được xác nhận." in page.text
    [link] = kept(app)
    assert (link.languages, link.context, link.check) == ("vi en", "VN LA", "waiting")
    with app.app_context():
        db.session.get_one(Organisation, member.organisation_id).status = "confirmed"
        db.session.commit()
    edit = pages.get(pages.get(page.address).link("Sửa"))
    later = pages.get(edit.address)
    page = pages.submit(edit, {"title": "Canh chua"})
    assert page.h1 == "Canh chua"
    assert "Chưa đưa ra" not in page.text
    clash = pages.submit(later, {"title": "Canh ngọt"}, status=409)
    assert "Canh chua" in clash.text
    page = pages.submit(pages.get(pages.get(page.address).link("Bỏ liên kết này")), {})
    assert "Đã bỏ." in page.text
    page = pages.get(f"{index}{link.id}")
    assert page.texts("//ol/li//strong")[0].endswith("bỏ")
    [*_, oldest] = page.find("//ol/li//a/@href")
    asked = pages.get(str(oldest))
    assert "Canh cải nấu tôm" in asked.text
    page = pages.submit(asked, {})
    assert (page.h1, "Đã lấy lại" in page.text) == ("Canh cải nấu tôm", True)
    assert [one.state for one in kept(app)] == ["shown"]
    assert "nau.example.org" in pages.get(index).text


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"href": "http://nau.example.org/"}, "https"),
        ({"href": "https://127.0.0.1/"}, "https"),
        ({"href": "\x00"}, "ký tự"),
        ({"href": ""}, "Hãy điền"),
        ({"link_type": "recallStatus"}, "Hãy chọn một mục có sẵn."),
        ({"title": "x" * 151}, "151"),
        ({"title": "\ud800".encode("utf-8", "surrogatepass").decode("latin-1")}, ""),
        ({"languages": []}, "Hãy chọn một mục có sẵn."),
        ({"languages": ["tlh"]}, "Hãy chọn một mục có sẵn."),
        ({"media_type": "text/evil"}, "Hãy chọn một mục có sẵn."),
        ({"context": "XX"}, "XX"),
        ({"context": "VN;DROP"}, "DROP"),
        ({"lot": "9" * 40}, ""),
        ({"lot": "-1"}, ""),
        ({"lot": "77"}, "không phải lô"),
    ],
)
@pytest.mark.one_database
def test_what_is_wrong_is_said_beside_its_box(
    app: Flask, pages: PageClient, product: int, change: dict[str, object], said: str
) -> None:
    form = pages.get(f"/producer/products/{product}/links/new").form()
    data = {**form.fields, **TYPED, **change}
    answer = pages.client.post(form.action, data=data, headers={"Accept-Language": "vi"})
    assert answer.status_code == 400
    assert said in answer.get_data(as_text=True)
    assert kept(app) == []


def test_links_are_the_business_of_their_own_organisation(
    app: Flask, pages: PageClient, member: Member, product: int
) -> None:
    pages.submit(pages.get(f"/producer/products/{product}/links/new"), TYPED)
    [link] = kept(app)
    own = f"/producer/products/{product}/links/{link.id}"
    second = new_product(app, member)
    for address in (
        f"/producer/products/{second}/links/{link.id}",
        f"{own}/restore/99",
        f"{own}/restore/{10**30}",
        f"/producer/products/{10**30}/links/",
        f"{own}9999999999999999999/edit",
    ):
        pages.get(address, status=404)
    viewer = make_member(app, role="viewer", inside=member.organisation_id)
    sign_in(app, pages.client, viewer)
    assert "Sửa" not in pages.get(own).texts("//main//a")
    pages.get(f"{own}/edit", status=403)
    other = make_member(app, name="HTX Hai")
    sign_in(app, pages.client, other)
    for address in (own, f"{own}/edit", f"{own}/remove", f"/producer/products/{product}/links/"):
        pages.get(address, status=404)
    with app.app_context():
        assert db.session.get_one(Product, product).organisation_id == member.organisation_id

"""Member households: listed, added, changed; forms that lose nothing and make nothing twice."""

from __future__ import annotations

from flask import Flask
from sqlalchemy import func, select

from tests.support.members import make_member, sign_in
from tests.support.pages import PageClient
from trace.extensions import db
from trace.models import Audit, Household

INDEX = "/producer/households/"


def households(app: Flask) -> list[Household]:
    with app.app_context():
        return list(db.session.scalars(select(Household).order_by(Household.id)))


def test_the_empty_list_says_what_to_do_and_leads_there(app: Flask, pages: PageClient) -> None:
    sign_in(app, pages.client, make_member(app))
    page = pages.get(INDEX)
    assert page.h1 == "Hộ thành viên"
    assert "Chưa có hộ nào" in page.text
    assert pages.get(page.link("Thêm hộ đầu tiên")).h1 == "Thêm hộ"


def test_a_household_is_added_with_the_suggested_code_and_audited(
    app: Flask, pages: PageClient
) -> None:
    sign_in(app, pages.client, make_member(app))
    form = pages.get(INDEX + "new")
    entries = {"name": "Nguyễn Thị Minh Họa", "phone": "0912 345 678", "ward_code": "Đan Phượng"}
    page = pages.submit(form, entries)
    assert page.h1 == "Hộ H01"
    assert "Đã thêm hộ H01." in page.text
    assert "Xã Đan Phượng, Hà Nội" in page.text
    (one,) = households(app)
    assert (one.code, one.phone, one.active) == ("H01", "+84912345678", True)
    assert pages.get(INDEX + "new").form().fields["code"] == "H02"
    with app.app_context():
        lines = db.session.scalars(select(Audit.action).where(Audit.subject == "household:H01"))
        assert list(lines) == ["household.create"]


def test_every_error_stands_beside_its_field_and_keeps_what_was_typed(
    app: Flask, pages: PageClient
) -> None:
    sign_in(app, pages.client, make_member(app))
    entries = {"code": "hộ 7!", "name": "Bà Bảy", "phone": "123", "ward_code": "Không Có Xã Này"}
    page = pages.submit(pages.get(INDEX + "new"), entries, status=400)
    assert page.title.startswith("Lỗi: Thêm hộ")
    targets = [link.get("href") for link in page.find("//*[@class='error-summary']//a")]
    assert targets == ["#f-code", "#f-phone", "#f-ward_code"]
    assert page.form().fields | entries == page.form().fields
    assert households(app) == []


def test_a_second_household_with_the_same_code_is_refused(app: Flask, pages: PageClient) -> None:
    sign_in(app, pages.client, make_member(app))
    pages.submit(pages.get(INDEX + "new"), {"code": "H01"})
    page = pages.submit(pages.get(INDEX + "new"), {"code": "h01", "name": "Khác"}, status=409)
    assert "H01" in page.texts("//*[@id='e-code']")[0]
    assert len(households(app)) == 1


def test_the_same_form_sent_twice_makes_one_household(app: Flask, pages: PageClient) -> None:
    sign_in(app, pages.client, make_member(app))
    form = pages.get(INDEX + "new")
    first = pages.submit(form, {"name": "Một"})
    again = pages.submit(form, {"name": "Một"})
    assert again.address == first.address
    assert "không ghi thêm lần nữa" in again.text
    assert len(households(app)) == 1


def test_a_used_form_with_other_values_asks_before_making_a_second(
    app: Flask, pages: PageClient
) -> None:
    sign_in(app, pages.client, make_member(app))
    form = pages.get(INDEX + "new")
    pages.submit(form, {"code": "H01"})
    asked = pages.submit(form, {"code": "H09", "name": "Hai"}, status=409)
    assert len(households(app)) == 1
    assert asked.form().fields["code"] == "H09"
    pages.submit(asked, {})
    assert [one.code for one in households(app)] == ["H01", "H09"]


def test_of_two_editors_the_second_sees_both_versions_and_loses_nothing(
    app: Flask, pages: PageClient
) -> None:
    member = make_member(app)
    sign_in(app, pages.client, member)
    pages.submit(pages.get(INDEX + "new"), {"code": "H01", "name": "Cũ"})
    edit = pages.get(pages.get(INDEX).link("H01")).link("Sửa")
    mine, theirs = pages.get(edit), pages.get(edit)
    pages.submit(theirs, {"name": "Tên người kia"})
    page = pages.submit(mine, {"name": "Tên của tôi"}, status=409)
    assert "Người khác vừa sửa" in page.text
    assert "Tên người kia" in page.text
    assert page.form().fields["name"] == "Tên của tôi"
    pages.submit(page, {})
    assert households(app)[0].name == "Tên của tôi"


def test_the_list_is_searched_without_diacritics_filtered_and_exported(
    app: Flask, pages: PageClient
) -> None:
    sign_in(app, pages.client, make_member(app))
    pages.submit(pages.get(INDEX + "new"), {"code": "H01", "name": "Đặng Văn Ổi"})
    pages.submit(pages.get(INDEX + "new"), {"code": "H02", "name": "=HYPERLINK(1)"})
    assert pages.get(INDEX + "?q=dang+oi").texts("//tbody//a") == ["H01"]
    assert "Không có dòng nào khớp" in pages.get(INDEX + "?state=ended").text
    answer = pages.client.get(INDEX + "?format=csv")
    assert answer.mimetype == "text/csv"
    text = answer.get_data().decode("utf-8-sig")
    assert "Đặng Văn Ổi" in text
    assert "'=HYPERLINK(1)" in text


def test_a_long_list_is_paged(app: Flask, pages: PageClient) -> None:
    member = make_member(app)
    with app.app_context():
        from trace.services.households import register_household

        for number in range(1, 31):
            values = {"code": f"H{number:02d}", "name": "", "phone": "", "active": True}
            register_household(member.actor, values, at=member.actor.organisation.created_at)
        db.session.commit()
    sign_in(app, pages.client, member)
    first = pages.get(INDEX)
    assert first.texts("//tbody//a")[::24] == ["H01", "H25"]
    assert pages.get(first.link("2")).texts("//tbody//a")[0] == "H26"
    assert pages.get(INDEX + "?page=99").texts("//tbody//a")[0] == "H26"


def test_another_organisations_household_does_not_exist(app: Flask, pages: PageClient) -> None:
    sign_in(app, pages.client, make_member(app))
    pages.submit(pages.get(INDEX + "new"), {"code": "H01"})
    (one,) = households(app)
    sign_in(app, pages.client, make_member(app))
    assert pages.get(f"{INDEX}{one.id}", status=404).h1 == "Không tìm thấy"
    pages.get(f"{INDEX}{one.id}/edit", status=404)
    with app.app_context():
        assert db.session.scalar(select(func.count(Household.id))) == 1

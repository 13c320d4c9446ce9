"""Wards of Viet Nam after July 2025, found by today's and by yesterday's names."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trace.core.folding import fold
from trace.services import wards


def codes(found: list[wards.Ward]) -> list[str]:
    return [ward.code for ward in found]


def search(text: str, province: str | None = None, limit: int = 20) -> list[wards.Ward]:
    return [match.ward for match in wards.match_wards(text, province, limit)]


def every_ward() -> list[wards.Ward]:
    return list(wards._wards().values())


def test_there_are_34_provinces_and_3321_wards() -> None:
    assert len(wards.provinces()) == 34
    assert len(every_ward()) == 3321
    assert {ward.kind for ward in every_ward()} == {"Phường", "Xã", "Đặc khu"}


def test_every_former_ward_leads_to_wards_of_today() -> None:
    former = wards._former()
    assert len(former) == 10_040
    assert all(old.now and old.province and old.district for old in former)


def test_every_position_is_in_viet_nam_and_near_its_province() -> None:
    for ward in every_ward():
        # Trường Sa, the most distant zone, lies 112 to 115 degrees east.
        assert 6 < ward.lat < 23.5, ward
        assert 102 < ward.lon < 116, ward


def test_the_communes_of_dan_phuong_are_found_by_code() -> None:
    ward = wards.find_ward("09784")
    assert ward is not None
    assert ward.full_name == "Xã Đan Phượng, Hà Nội"
    assert ward.province.full_name == "Thành phố Hà Nội"
    assert (round(ward.lat, 1), round(ward.lon, 1)) == (21.1, 105.7)


def test_an_unknown_code_is_shown_as_it_is() -> None:
    assert wards.find_ward("99999") is None
    assert wards.ward_name("99999") == "99999"
    assert wards.ward_name("09784") == "Xã Đan Phượng, Hà Nội"


@pytest.mark.parametrize(
    "text", ["Đan Phượng", "dan phuong", "ĐAN PHƯỢNG", unicodedata.normalize("NFD", "Đan Phượng")]
)
def test_diacritics_case_and_unicode_form_do_not_matter(text: str) -> None:
    assert search(text)[0].code == "09784"


def test_words_may_be_begun_and_name_the_province_too() -> None:
    assert search("xa dan phu ha noi")[0].code == "09784"


def test_an_old_district_leads_to_all_wards_made_of_it() -> None:
    found = search("huyện Đan Phượng")
    of_hanoi = [ward for ward in found if ward.province.code == "01"]
    assert "09784" in codes(of_hanoi)
    assert len(of_hanoi) > 1
    # Elsewhere a commune of another district bears the name: found too, but after it.
    assert found[: len(of_hanoi)] == of_hanoi


def test_an_old_commune_leads_to_the_ward_it_went_into() -> None:
    (old,) = wards.former_wards("xa song phuong huyen dan phuong")
    assert old.full_name == "Xã Song Phượng, Huyện Đan Phượng, Hà Nội"
    assert old.now[0] in search("song phượng đan phượng")


def test_todays_name_stands_before_an_old_one() -> None:
    found = search("Tân Lập", limit=500)
    ranks = [fold(ward.name) == "tan lap" for ward in found]
    assert ranks == sorted(ranks, reverse=True)
    assert not all(ranks)


def test_a_search_can_be_kept_to_one_province_and_one_length() -> None:
    assert {ward.province.code for ward in search("phú", "01", 500)} == {"01"}
    assert len(search("phú", limit=7)) == 7


@pytest.mark.parametrize("text", ["", "   ", "…", "%", "zzzz"])
def test_nothing_is_found_for_nothing(text: str) -> None:
    assert search(text) == []
    assert wards.former_wards(text) == []


@given(st.sampled_from(every_ward()))
def test_every_ward_is_found_by_its_own_full_name(ward: wards.Ward) -> None:
    assert ward.code in codes(search(ward.full_name, limit=500))
    assert wards.find_ward(ward.code) == ward


@given(st.text())
def test_folding_twice_is_folding_once_and_never_fails(text: str) -> None:
    once = fold(text)
    assert fold(once) == once


@pytest.mark.parametrize(
    ("text", "today", "was"),
    [
        ("P. Bến Nghé, Q.1, TPHCM", "Phường Sài Gòn, Hồ Chí Minh", "Phường Bến Nghé, Quận 1"),
        ("ben nghé q1 tp hcm", "Phường Sài Gòn, Hồ Chí Minh", "Phường Bến Nghé, Quận 1"),
        ("P5 Q3", "Phường Bàn Cờ, Hồ Chí Minh", "Phường 5, Quận 3"),
        ("phường 05 quận 03", "Phường Bàn Cờ, Hồ Chí Minh", "Phường 5, Quận 3"),
        ("TT Phùng", "Xã Đan Phượng, Hà Nội", "Thị trấn Phùng"),
        ("X. Song Phượng, H. Đan Phượng", "Xã Đan Phượng, Hà Nội", "Xã Song Phượng"),
        ("cau giay hn", "Phường Cầu Giấy, Hà Nội", ""),
        ("ĐK Phú Quốc", "Đặc khu Phú Quốc, An Giang", ""),
    ],
)
def test_addresses_are_read_as_people_shorten_them(text: str, today: str, was: str) -> None:
    first = wards.match_wards(text)[0]
    assert first.ward.full_name == today
    assert first.was.startswith(was)
    assert bool(first.was) == bool(was)
    assert not first.guessed


def test_a_number_is_not_the_beginning_of_another_number() -> None:
    olds = {one.was for one in wards.match_wards("phuong 1 quan 3 hcm", limit=50)}
    assert olds == {"Phường 1, Quận 3, Hồ Chí Minh"}


@pytest.mark.parametrize(
    "typed", ["Đan Phuợngg", "dan phuonh", "dan phuogn", "Liên Miinh ha noi", "Ngghia Do"]
)
def test_a_slip_of_the_finger_is_guessed_and_said_to_be_a_guess(typed: str) -> None:
    found = wards.match_wards(typed)
    assert found
    assert all(one.guessed for one in found)
    assert any(fold_of(one) for one in found)


def fold_of(match: wards.Match) -> bool:
    return fold(match.ward.name) in ("dan phuong", "lien minh", "nghia do")


def test_what_fits_as_typed_is_never_guessed_at() -> None:
    assert not any(one.guessed for one in wards.match_wards("dan phuong", limit=500))


@settings(max_examples=25)
@given(st.text(max_size=40), st.sampled_from(["", "quận ", "q"]))
def test_any_text_may_be_searched_for(text: str, before: str) -> None:
    assert len(wards.match_wards(before + text, limit=3)) <= 3


def test_a_raised_figure_is_no_number() -> None:
    assert wards.match_wards("phường ²") == []

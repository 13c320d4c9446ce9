"""Codes of planting areas and packing houses: shapes known, marks soft, nothing refused."""

from __future__ import annotations

from datetime import date

import pytest

from trace.models import AreaCode, Place
from trace.services.area_codes import Shape, folded, in_force, marks_of, shape_of

TODAY = date(2026, 11, 22)


@pytest.mark.parametrize(
    ("code", "shape"),
    [
        ("VN-01-271-09784-0001-22", Shape("domestic")),
        ("vn - 01 – 271 - 09784 - 1 - 23", Shape("domestic")),
        ("VN-DNOR-0001", Shape("export", "planting")),
        ("VN-TGPH-0123", Shape("export", "packing")),
        ("01-PUC-DR-00001-CHN", Shape("market", "planting", "01", "CHN")),
        ("75 PUC SR 00012", Shape("market", "planting", "75")),
        ("01-phc-dr-00001-usa", Shape("market", "packing", "01", "USA")),
        ("VG-2024/17", Shape()),
        ("", Shape()),
        ("01-PUC-DR-00001-CHINA", Shape()),
    ],
)
def test_the_three_shapes_in_circulation_are_known(code: str, shape: Shape) -> None:
    assert shape_of(code) == shape


def code(text: str = "01-PUC-DR-00001-CHN", **more: object) -> AreaCode:
    values = {"kind": "planting", "market": "CHN", "crop": "", "state": "active", **more}
    return AreaCode(code=text, folded=folded(text), **values)


def keys(row: AreaCode, ward: str = "09784") -> list[str]:
    return [mark.key for mark in marks_of(row, Place(ward_code=ward), today=TODAY)]


def test_a_sound_code_has_no_mark() -> None:
    row = code(issued=date(2025, 8, 1), expires=date(2028, 8, 1))
    assert keys(row) == []
    assert in_force(row, TODAY)


@pytest.mark.parametrize(
    ("row", "key"),
    [
        (code(expires=date(2026, 11, 21)), "code-expired"),
        (code(expires=date(2026, 12, 24)), "code-expires-soon"),
        (code(issued=date(2026, 11, 23)), "code-not-yet"),
        (code(state="suspended"), "code-suspended"),
        (code(state="revoked"), "code-revoked"),
        (code(state="pending"), "code-pending"),
        (code("mã của xã"), "code-unknown-shape"),
        (code("01-PHC-DR-00001-CHN"), "code-other-kind"),
        (code(market="USA"), "code-other-market"),
        (code("79-PUC-DR-00001-CHN"), "code-other-province"),
        (code("VN-01-271-09784-0001-22", market=""), "code-district-part"),
    ],
)
def test_each_doubt_is_one_mark(row: AreaCode, key: str) -> None:
    assert keys(row) == [key]
    doubtful = ("code-expired", "code-not-yet", "code-suspended", "code-revoked", "code-pending")
    assert in_force(row, TODAY) == (key not in doubtful)


def test_two_spellings_of_one_code_fold_alike() -> None:
    assert folded("01-puc–dr 00001.CHN") == folded("01-PUC-DR-00001-CHN") == "01PUCDR00001CHN"

"""GTIN and GLN boxes: one wrong digit is noticed, and nothing else is refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trace.core.gs1 import check_digit
from trace.errors import Refused
from trace.schemas.base import FormSchema, load
from trace.schemas.identifiers import Gln, Gtin


class Form(FormSchema):
    gtin = Gtin()
    gln = Gln()


def codes(**typed: str) -> list[str]:
    with pytest.raises(Refused) as caught:
        load(Form(), typed)
    return [error.code for error in caught.value.errors]


BODIES = st.text("0123456789", min_size=12, max_size=12).filter(lambda text: text[0] not in "02")


@given(BODIES)
def test_a_right_number_is_kept_as_fourteen_digits(body: str) -> None:
    gtin = f"{body}{check_digit(body)}"
    assert load(Form(), {"gtin": gtin})["gtin"] == f"0{gtin}"
    assert load(Form(), {"gtin": f"0{gtin}"})["gtin"] == f"0{gtin}"


@given(BODIES, st.integers(0, 12), st.integers(1, 9))
def test_one_wrong_digit_is_noticed(body: str, place: int, by: int) -> None:
    right = f"{body}{check_digit(body)}"
    wrong = right[:place] + str((int(right[place]) + by) % 10) + right[place + 1 :]
    assert codes(gtin=wrong) == ["wrong-check-digit"]
    assert codes(gln=wrong) == ["wrong-check-digit"]


@pytest.mark.parametrize("body", ["020000000000", "029999999999", "041234567890", "200000000000"])
def test_numbers_for_use_inside_one_shop_name_no_product(body: str) -> None:
    assert codes(gtin=f"{body}{check_digit(body)}") == ["restricted-number"]


@pytest.mark.parametrize(
    ("typed", "code"),
    [("12345", "wrong-digit-count"), ("893600000001X", "not-digits"), ("٨٩٣", "not-digits")],
)
def test_what_is_no_number_says_why(typed: str, code: str) -> None:
    assert codes(gtin=typed) == [code]


def test_an_empty_box_is_no_number() -> None:
    assert load(Form(), {"gtin": "", "gln": " "}) == {"gtin": None, "gln": None}

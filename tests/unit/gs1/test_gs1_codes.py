"""Check digits, our own codes, lot names."""

from __future__ import annotations

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trace.core.gs1 import (
    Gs1Error,
    check_code,
    check_digit,
    check_lot,
    check_serial,
    format_code,
    new_code,
    new_serial,
    suggest_lot,
)
from trace.core.gs1.codes import ALPHABET

DIGITS = st.text("0123456789", min_size=7, max_size=17)


def _code(raw: bytes) -> str:
    draws = iter([raw[start : start + 6] for start in range(0, len(raw), 6)])
    return new_code(lambda _: next(draws))


# Ten draws: that all of them end in a sign has a chance of one in two thousand million.
CODES = (
    st.binary(min_size=60, max_size=60)
    .filter(
        lambda raw: any(
            (int.from_bytes(raw[i : i + 6], "big") & (2**45 - 1)) % 37 < 32 for i in range(0, 60, 6)
        )
    )
    .map(_code)
)


@pytest.mark.parametrize(
    ("digits", "expected"),
    [
        ("0893601234567", 4),
        ("0952012345678", 8),
        ("00614141123456789", 0),
        ("401234500005", 4),
        ("629104150021", 3),
        ("0", 0),
        ("1", 7),
    ],
)
def test_the_check_digit_is_the_one_of_the_general_specifications(
    digits: str, expected: int
) -> None:
    assert check_digit(digits) == expected


@given(DIGITS)
def test_the_whole_number_weighs_a_multiple_of_ten(digits: str) -> None:
    whole = digits + str(check_digit(digits))
    weights = [1 if place % 2 == 0 else 3 for place in range(len(whole))]
    assert sum(int(d) * w for d, w in zip(reversed(whole), weights, strict=True)) % 10 == 0


@pytest.mark.parametrize("text", ["12a", "12 ", "١٢٣", "12²"])
def test_a_check_digit_of_anything_but_digits_is_refused(text: str) -> None:
    with pytest.raises(Gs1Error) as refused:
        check_digit(text)
    assert refused.value.code == "bad-character"


@given(CODES)
def test_a_new_code_is_ten_letters_and_digits_and_passes_its_own_check(code: str) -> None:
    assert len(code) == 10
    assert set(code) <= set(ALPHABET)
    assert check_code(code) == code


def test_codes_from_the_system_s_randomness_differ() -> None:
    assert len({new_code(os.urandom) for _ in range(2000)}) == 2000
    assert len({new_serial(os.urandom) for _ in range(2000)}) == 2000


def test_a_draw_whose_check_is_a_sign_is_drawn_again() -> None:
    # 32 mod 37 is a check character that is no letter; 5 spells 5 and is its own check.
    draws = iter([(32).to_bytes(6, "big"), (36).to_bytes(6, "big"), (5).to_bytes(6, "big")])
    assert new_code(lambda _: next(draws)) == "0000000055"
    assert next(draws, None) is None


@given(CODES, st.integers(0, 9), st.sampled_from(ALPHABET))
def test_one_changed_character_of_a_code_is_noticed(code: str, place: int, other: str) -> None:
    changed = code[:place] + other + code[place + 1 :]
    if changed == code:
        assert check_code(changed) == code
        return
    with pytest.raises(Gs1Error) as refused:
        check_code(changed)
    assert refused.value.code == "code-check"


@given(CODES, st.integers(0, 8))
def test_two_neighbours_of_a_code_swapped_are_noticed(code: str, place: int) -> None:
    swapped = code[:place] + code[place + 1] + code[place] + code[place + 2 :]
    if swapped != code:
        with pytest.raises(Gs1Error):
            check_code(swapped)


@given(CODES)
def test_what_people_mistype_is_forgiven(code: str) -> None:
    sloppy = " " + format_code(code).lower().replace("0", "o").replace("1", "l") + " "
    assert check_code(sloppy) == code
    assert check_code(code.replace("1", "i")) == code


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "code-length"),
        ("7K3QM", "code-length"),
        ("00000000555", "code-length"),
        ("000000005U", "code-character"),
        ("00000000ă5", "code-character"),
        ("00000000*5", "code-character"),
        ("0000000054", "code-check"),
    ],
)
def test_a_code_that_is_none_says_why(text: str, code: str) -> None:
    with pytest.raises(Gs1Error) as refused:
        check_code(text)
    assert refused.value.code == code


def test_codes_and_serials_are_grouped_for_people() -> None:
    assert format_code("7K3QMP2XV4") == "7K3QM-P2XV4"
    serial = new_serial(lambda n: bytes(range(n)))
    assert len(serial) == 16
    assert format_code(serial).count("-") == 3
    assert check_serial(format_code(serial).lower()) == serial


@given(st.binary(min_size=10, max_size=10))
def test_a_serial_keeps_all_its_eighty_bits(raw: bytes) -> None:
    serial = new_serial(lambda _: raw)
    number = 0
    for character in serial:
        number = number * 32 + ALPHABET.index(character)
    assert number.to_bytes(10, "big") == raw


@pytest.mark.parametrize("text", ["L2611-7", "0", "A.B-C", "ABCDEFGHIJ"])
def test_a_lot_name_of_ours_may_have_capitals_digits_dots_and_hyphens(text: str) -> None:
    assert check_lot(text) == text


@pytest.mark.parametrize(
    ("text", "suggestion"),
    [
        ("Rau cải 12/11", "RAU-CAI-12"),
        ("đậu đỏ", "DAU-DO"),
        ("lô #7", "LO-7"),
        ("ABCDEFGHIJK", "ABCDEFGHIJ"),
        ("", "LOT-1"),
        ("☺", "LOT-1"),
    ],
)
def test_a_lot_name_with_diacritics_is_refused_with_a_suggestion(
    text: str, suggestion: str
) -> None:
    with pytest.raises(Gs1Error) as refused:
        check_lot(text)
    assert refused.value.code == "lot-text"
    assert refused.value.params == {"suggestion": suggestion}


@given(st.text())
def test_a_suggested_lot_name_is_one_that_may_be_printed(text: str) -> None:
    suggestion = suggest_lot(text)
    assert suggestion == "" or check_lot(suggestion) == suggestion

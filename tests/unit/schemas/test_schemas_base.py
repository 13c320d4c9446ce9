"""What boxes of forms take, refuse and never guess."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trace.errors import Refused
from trace.schemas.base import (
    Choice,
    Day,
    FormSchema,
    Number,
    Several,
    Text,
    WardCode,
    Whole,
    YesNo,
    load,
)
from trace.web.forms import as_text


class Everything(FormSchema):
    text = Text(20)
    lines = Text(20, lines=True)
    choice = Choice(("a", "b"))
    several = Several(("a", "b", "c"))
    yes = YesNo()
    number = Number(least=0, most=1000, decimals=2)
    degrees = Number(grouped=False, decimals=8)
    whole = Whole(least=1)
    day = Day()
    ward = WardCode()


class Needed(FormSchema):
    text = Text(20, required=True)
    choice = Choice(("a",), required=True)
    several = Several(("a",), required=True)
    number = Number(required=True)
    day = Day(required=True)


def read(**typed: Any) -> dict[str, Any]:
    return load(Everything(), typed)


def refused(**typed: Any) -> list[tuple[str, str]]:
    with pytest.raises(Refused) as caught:
        read(**typed)
    return [(error.path, error.code) for error in caught.value.errors]


def test_an_empty_form_has_empty_values() -> None:
    assert read() == {
        "text": "",
        "lines": "",
        "choice": None,
        "several": (),
        "yes": False,
        "number": None,
        "degrees": None,
        "whole": None,
        "day": None,
        "ward": None,
    }


def test_everything_missing_is_told_at_once_in_the_forms_order() -> None:
    with pytest.raises(Refused) as caught:
        load(Needed(), {"text": "   ", "day": ""})
    assert [error.path for error in caught.value.errors] == list(Needed().fields)


def test_text_is_trimmed_and_composed() -> None:
    decomposed = "Ca\u0309i  ngo\u0323t\u00a0 "
    assert read(text=decomposed)["text"] == "Cải ngọt"
    assert read(lines=" một \r\n hai ")["lines"] == "một \n hai"


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        ({"text": "x" * 21}, "text-too-long"),
        ({"text": "a\x00b"}, "control-character"),
        ({"text": "a\x1b[0m"}, "control-character"),
        ({"text": "a\ud800"}, "control-character"),
        ({"lines": "a\tb"}, "control-character"),
        ({"choice": "c"}, "not-a-choice"),
        ({"several": ["a", "x"]}, "not-a-choice"),
        ({"number": "-0,01"}, "number-too-small"),
        ({"number": "1001"}, "number-too-large"),
        ({"number": "0.001"}, "too-many-decimals"),
        ({"number": "NaN"}, "not-a-number"),
        ({"number": "1e3"}, "not-a-number"),
        ({"number": "１２"}, "not-a-number"),
        ({"number": "1..2"}, "not-a-number"),
        ({"number": "9" * 500}, "not-a-number"),
        ({"whole": "1,5"}, "too-many-decimals"),
        ({"day": "2026-02-30"}, "not-a-date"),
        ({"day": "30/2/2026"}, "not-a-date"),
        ({"day": "1/2"}, "not-a-date"),
        ({"day": "0001-01-01"}, "not-a-date"),
        ({"day": "hôm qua"}, "not-a-date"),
        ({"ward": "Không Có Xã Này"}, "unknown-ward"),
        ({"ward": "Phường"}, "ambiguous-ward"),
    ],
)
def test_what_is_wrong_is_named_with_its_field(typed: dict[str, Any], code: str) -> None:
    assert refused(**typed) == [(next(iter(typed)), code)]


@pytest.mark.parametrize(
    ("typed", "value"),
    [
        ("480", "480"),
        ("480,5", "480.5"),
        ("480.5", "480.5"),
        (" 1 000 ", "1000"),
        ("0.125", "0.125"),
        ("0,125", "0.125"),
        ("1.234.567", "1234567"),
        ("1,234,567", "1234567"),
        ("1.234,5", "1234.5"),
        ("1,234.5", "1234.5"),
        ("1234.567", "1234.567"),
    ],
)
def test_a_number_is_read_as_people_write_it(typed: str, value: str) -> None:
    class Form(FormSchema):
        number = Number()

    assert load(Form(), {"number": typed}) == {"number": Decimal(value)}


@pytest.mark.parametrize(
    ("typed", "whole", "part"),
    [("1.500", "1500", "1,5"), ("1,500", "1500", "1,5"), ("12.345", "12345", "12,3450")],
)
def test_a_number_with_two_readings_is_asked_about_and_both_answers_work(
    typed: str, whole: str, part: str
) -> None:
    class Form(FormSchema):
        number = Number()

    with pytest.raises(Refused) as caught:
        load(Form(), {"number": typed})
    (error,) = caught.value.errors
    assert error.code == "ambiguous-number"
    assert (error.params["whole"], error.params["decimal"]) == (whole, part)
    load(Form(), {"number": whole})
    load(Form(), {"number": part})


def test_degrees_have_no_groups() -> None:
    assert read(degrees="21.093")["degrees"] == Decimal("21.093")
    assert refused(degrees="1.234.567") == [("degrees", "not-a-number")]


@given(st.decimals(min_value=0, max_value=10**9, places=3))
def test_what_a_box_shows_is_read_back_as_the_same_number(value: Decimal) -> None:
    class Form(FormSchema):
        number = Number()

    assert load(Form(), {"number": as_text(value.normalize())}) == {"number": value}


@given(st.dates(min_value=date(1900, 1, 1), max_value=date(2200, 12, 31)))
def test_a_date_is_read_in_both_forms(day: date) -> None:
    assert read(day=day.isoformat())["day"] == day
    assert read(day=f"{day.day}/{day.month}/{day.year}")["day"] == day


@given(st.dictionaries(st.sampled_from(list(Everything().fields)), st.text(max_size=40)))
def test_whatever_is_typed_is_read_or_refused_by_name(typed: dict[str, str]) -> None:
    refusals: set[str] = set()
    clean: dict[str, Any] = dict.fromkeys(Everything().fields)
    try:
        clean = load(Everything(), typed)
    except Refused as error:
        refusals = {one.path for one in error.errors}
    assert refusals <= set(typed)
    assert set(clean) == set(Everything().fields)


@pytest.mark.parametrize(
    "typed", ["09784", "Xã Đan Phượng, Hà Nội", "xa dan phuong ha noi", "Đan Phượng", "dan phuong"]
)
def test_a_ward_is_read_from_code_or_name(typed: str) -> None:
    assert read(ward=typed)["ward"] == "09784"


def test_a_choice_among_wards_stands_before_what_was_typed() -> None:
    assert read(ward="Phường", ward_choice="09784")["ward"] == "09784"
    assert refused(ward="Phường", ward_choice="no such code") == [("ward", "ambiguous-ward")]

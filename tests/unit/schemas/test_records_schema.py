"""What people type: numbers, times, lot names and rows, each refusal naming its field."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from marshmallow import ValidationError

from trace.errors import Refused, TraceError
from trace.schemas.base import AmbiguousNumber, Text, load
from trace.schemas.records import (
    CircumstancesSchema,
    NegativeQuantity,
    NotATime,
    Quantity,
    QuantityTooLarge,
    RecordSchema,
    Rows,
    check_quantity,
    parse_moment,
)
from trace.web.producer.recording import plain


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("12", "12"),
        ("12,5", "12.5"),
        ("12.5", "12.5"),
        ("0,250", "0.250"),
        ("1.200.000", "1200000"),
        ("1.250,5", "1250.5"),
        ("1 250", "1250"),
        ("1250", "1250"),
        ("12,3450", "12.345"),
    ],
)
def test_numbers_are_read_as_people_write_them(typed: str, meant: str) -> None:
    assert check_quantity(typed) == Decimal(meant)


@pytest.mark.parametrize("typed", ["1.250", "1,250", "12.000", "999,999"])
def test_a_number_that_could_mean_two_things_is_asked_about(typed: str) -> None:
    with pytest.raises(ValidationError) as caught:
        check_quantity(typed)
    (error,) = caught.value.messages
    assert isinstance(error, AmbiguousNumber)
    whole, part = error.params["whole"], error.params["decimal"]
    assert check_quantity(str(whole)) == Decimal(typed.replace(".", "").replace(",", ""))
    assert check_quantity(str(part)) == Decimal(typed.replace(",", "."))


def test_what_is_below_zero_or_beyond_belief_is_refused() -> None:
    with pytest.raises(NegativeQuantity):
        check_quantity("-5")
    with pytest.raises(NegativeQuantity):
        check_quantity("−0,5")
    with pytest.raises(QuantityTooLarge):
        check_quantity("9999999999")


@given(st.decimals(min_value=0, max_value=10**8, allow_nan=False, places=3))
def test_a_stored_number_shown_in_a_box_is_read_back_as_itself(value: Decimal) -> None:
    assert check_quantity(plain(value)) == value


@given(st.text(max_size=30))
def test_no_text_is_read_as_a_number_by_accident_or_breaks_the_reader(typed: str) -> None:
    try:
        found = check_quantity(typed)
    except (TraceError, ValidationError):
        return
    assert found >= 0
    assert any(character.isdigit() for character in typed)


@pytest.mark.parametrize(
    "typed", ["2026-11-22T07:30", "22/11/2026 07:30", "22-11-2026 7h30", "22.11.2026 7:30:00"]
)
def test_local_times_are_kept_as_utc(typed: str) -> None:
    assert parse_moment(typed) == datetime(2026, 11, 22, 0, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    "typed", ["", "hôm qua", "31/02/2026 07:00", "2026-11-22T25:00", "0001-01-01T00:00", "22/11"]
)
def test_what_is_not_a_time_is_refused(typed: str) -> None:
    with pytest.raises(NotATime):
        parse_moment(typed)


class _Row(RecordSchema):
    name = Text(10, required=True)
    amount = Quantity()


class _Rows(RecordSchema):
    inputs = Rows(_Row)


def test_rows_are_gathered_and_empty_ones_dropped() -> None:
    typed = {
        "inputs-0-name": "A",
        "inputs-0-amount": "1",
        "inputs-2-name": "",
        "inputs-2-unit": "kg",
    }
    assert load(_Rows(), typed)["inputs"] == [{"name": "A", "amount": Decimal(1), "row": 0}]


def test_an_error_in_a_row_names_the_rows_own_field() -> None:
    typed = {"inputs-1-amount": "x", "inputs-4-name": "much too long a name"}
    with pytest.raises(Refused) as caught:
        load(_Rows(), typed)
    paths = [error.path for error in caught.value.errors]
    assert paths == ["inputs-1-name", "inputs-1-amount", "inputs-4-name"]


def test_what_has_not_happened_yet_is_refused() -> None:
    with pytest.raises(Refused) as caught:
        load(CircumstancesSchema(), {"when": "2999-01-01T00:00"})
    (error,) = caught.value.errors
    assert (error.path, error.code) == ("when", "future-time")

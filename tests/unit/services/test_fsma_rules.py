"""Which events are tracking events of FSMA 204, what each must have, and cells that run nothing."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trace.services.fsma_files import cell
from trace.services.fsma_rules import COLUMNS, REQUIRED, not_recorded, tracking_event


@pytest.mark.parametrize(
    ("kind", "step", "action", "harvested", "found"),
    [
        ("TransformationEvent", "harvesting", None, False, "Harvesting"),
        ("ObjectEvent", "creating_class_instance", "ADD", True, "Harvesting"),
        ("ObjectEvent", "creating_class_instance", "ADD", False, None),
        ("ObjectEvent", "cooling", "OBSERVE", False, "Cooling"),
        ("AggregationEvent", "packing", "ADD", False, "Initial packing"),
        ("AggregationEvent", "packing", "OBSERVE", False, None),
        ("TransformationEvent", "packing", None, False, "Initial packing"),
        ("TransformationEvent", "mixing", None, False, "Transformation"),
        ("ObjectEvent", "shipping", "OBSERVE", False, "Shipping"),
        ("AggregationEvent", "receiving", "OBSERVE", False, "Receiving"),
        ("ObjectEvent", "spraying", "OBSERVE", False, None),
    ],
)
def test_an_event_is_the_tracking_event_that_the_regulation_means(
    kind: str, step: str, action: str | None, harvested: bool, found: str | None
) -> None:
    assert tracking_event(kind, step, action, harvested=harvested) == found


@pytest.mark.parametrize("event", sorted(REQUIRED))
def test_what_is_required_is_a_column_and_named_while_it_is_empty(event: str) -> None:
    assert set(REQUIRED[event]) <= set(COLUMNS)
    assert not_recorded(event, {}) == list(REQUIRED[event])
    assert not_recorded(event, dict.fromkeys(COLUMNS, "x")) == []
    assert "Quantity" not in not_recorded(event, {"Quantity": Decimal(0)})  # nought is an amount


@given(st.one_of(st.text(), st.decimals(allow_nan=False, allow_infinity=False), st.dates()))
def test_no_text_in_a_cell_is_a_formula_and_numbers_and_days_stay_what_they_are(
    value: str | Decimal | date,
) -> None:
    told = cell(value)
    if isinstance(value, str):
        assert told.removeprefix("'") == value or told == value
        assert not told.startswith(("=", "+", "-", "@", "\t", "\r"))
    elif isinstance(value, Decimal):
        assert Decimal(told) == value
    else:
        assert told == value.isoformat()

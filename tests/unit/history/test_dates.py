"""How long goods keep, and how much can come out of a step."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trace.core.history import Fact, Use
from trace.core.history.dates import KEEPING, last_day
from trace.core.history.findings import CONSERVING
from trace.core.history.yields import YIELDS, judge

DAY = date(2026, 11, 24)


def step(word: str, sources: str, made: str) -> Fact:
    uses = [*(Use("input", one) for one in sources), *(Use("output", one) for one in made)]
    at = datetime(2026, 11, 20, tzinfo=UTC)
    return Fact(f"{word}{sources}{made}", "a", "TransformationEvent", at, tuple(uses), step=word)


def test_repacked_again_and_again_the_first_day_stands() -> None:
    live = [step("repackaging", "a", "b"), step("packing", "b", "c"), step("mixing", "cx", "d")]
    said = {"a": DAY, "b": date(2027, 1, 1), "d": date(2028, 1, 1), "x": date(2026, 12, 1)}
    assert last_day("d", said, live) == DAY


def test_processing_ends_what_the_sources_said() -> None:
    live = [step("processing", "a", "b"), step("packing", "b", "c")]
    assert last_day("c", {"a": DAY, "b": date(2027, 5, 1)}, live) == date(2027, 5, 1)


def test_a_day_nobody_told_changes_nothing_and_a_loop_ends() -> None:
    live = [step("packing", "a", "b"), step("packing", "b", "a")]
    assert last_day("b", {}, live) is None
    assert last_day("b", {"b": DAY}, live) == DAY


@given(st.lists(st.dates(), min_size=1, max_size=8), st.sampled_from(sorted(KEEPING)))
def test_no_chain_of_packing_makes_goods_younger(days: list[date], word: str) -> None:
    names = [chr(97 + number) for number in range(len(days))]
    live = [step(word, one, other) for one, other in pairwise(names)]
    assert last_day(names[-1], dict(zip(names, days, strict=True)), live) == min(days)


@pytest.mark.parametrize(
    ("word", "out", "said"),
    [
        ("mixing", "100", ""),
        ("mixing", "102", ""),
        ("mixing", "102.1", "high"),
        ("milling", "40", "low"),
        ("processing", "300", ""),
        ("unheard_of", "900", ""),
    ],
)
def test_a_step_is_judged_by_its_own_range(word: str, out: str, said: str) -> None:
    assert judge(word, Decimal(100), Decimal(out)) == said
    assert judge(word, Decimal(0), Decimal(out)) == ""


def test_every_range_is_a_range_and_says_where_it_is_from() -> None:
    assert set(YIELDS) >= CONSERVING
    for one in YIELDS.values():
        assert 0 < one.least <= one.most
        assert one.source

"""Whose matter a problem with goods is, and by when it is looked into and answered."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from trace.models.authorities import SECTORS
from trace.models.reports import PROBLEMS
from trace.services.citizen_reports.routing import (
    DEFAULT_DEADLINES,
    DEFAULT_ROUTING,
    MOST,
    deadlines_for,
    sector_for,
)


def test_every_problem_has_a_sector_and_every_period_a_bound() -> None:
    assert set(PROBLEMS) <= set(DEFAULT_ROUTING)
    assert set(DEFAULT_ROUTING.values()) <= set(SECTORS)
    assert all(DEFAULT_DEADLINES[name] <= most for name, most in MOST.items())


@pytest.mark.parametrize(
    ("table", "problem", "category", "sector"),
    [
        (DEFAULT_ROUTING, "illness", "processed", "health"),
        (DEFAULT_ROUTING, "spoiled", "leaf-vegetable", "agriculture"),
        (DEFAULT_ROUTING, "spoiled", "processed", "trade"),
        (DEFAULT_ROUTING, "measure", "", "trade"),
        ({**DEFAULT_ROUTING, "measure": "agriculture"}, "measure", "", "agriculture"),
        ({"spoiled": "nonsense"}, "spoiled", "", "agriculture"),
        ({}, "code", "egg", "trade"),
    ],
)
def test_a_table_says_whose_matter_it_is_and_nonsense_in_it_says_nothing(
    table: dict[str, str], problem: str, category: str, sector: str
) -> None:
    assert sector_for(table, problem, category) == sector


@pytest.mark.parametrize(
    ("at", "problem", "look", "answer"),
    [
        # Sunday 10:00 in Hà Nội: Monday and Tuesday; seven working days to Tuesday of the next.
        ("2026-11-22T03:00", "spoiled", "2026-11-24T16:59:59", "2026-12-01T16:59:59"),
        # Half past midnight in Hà Nội is still the day before in UTC.
        ("2026-11-22T17:30", "other", "2026-11-25T16:59:59", "2026-12-02T16:59:59"),
        ("2026-11-20T10:00", "illness", "2026-11-21T10:00", "2026-11-25T16:59:59"),
    ],
)
def test_days_are_counted_as_the_office_works_but_illness_by_the_hour(
    at: str, problem: str, look: str, answer: str
) -> None:
    def moment(text: str) -> datetime:
        return datetime.fromisoformat(text).replace(tzinfo=UTC)

    assert deadlines_for(None, problem, at=moment(at)) == (moment(look), moment(answer))

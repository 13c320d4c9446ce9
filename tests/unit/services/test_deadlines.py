"""Deadlines of requests: working days of Viet Nam, periods of the law, one extension."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trace.models.requests import KINDS
from trace.services.deadlines import (
    PERIODS,
    add_working_days,
    finish_by,
    holidays,
    is_working_day,
    last_known_year,
    local_day,
    reply_by,
)

DAYS = st.dates(date(2026, 1, 1), date(2032, 12, 31))


@pytest.mark.parametrize(
    ("received", "reply"),
    [
        ("2026-11-18", "2026-11-20"),  # Wednesday: Thursday, Friday
        ("2026-11-20", "2026-11-24"),  # Friday: the weekend does not count
        ("2026-11-21", "2026-11-24"),  # Saturday counts as nothing: Monday, Tuesday
        ("2026-04-29", "2026-05-05"),  # 30 April, 1 May and a weekend between
        ("2026-02-13", "2026-02-24"),  # Friday before Tet: Monday the 23rd, Tuesday
        ("2026-08-31", "2026-09-04"),  # 1 and 2 September
        ("2027-02-04", "2027-02-15"),  # Tet over a weekend is made up for
        ("2026-04-24", "2026-04-29"),  # the Hung Kings' day on a Sunday is taken on Monday
    ],
)
def test_a_reply_is_due_two_working_days_after(received: str, reply: str) -> None:
    moment = datetime.fromisoformat(f"{received}T03:00:00+00:00")
    assert reply_by(moment) == date.fromisoformat(reply)


def test_the_day_is_the_one_in_viet_nam() -> None:
    evening = datetime(2026, 11, 19, 18, 0, tzinfo=UTC)  # Friday the 20th, one in the morning
    assert local_day(evening) == date(2026, 11, 20)
    assert reply_by(evening) == date(2026, 11, 24)


@pytest.mark.parametrize(
    ("kind", "processor", "extended", "days"),
    [
        ("withdrawal", False, False, 15),
        ("objection", True, False, 20),
        ("restriction", False, True, 30),
        ("restriction", True, True, 35),
        ("access", False, False, 10),
        ("correction", True, False, 10),
        ("erasure", False, False, 20),
        ("erasure", False, True, 35),
    ],
)
def test_the_periods_of_the_law(kind: str, processor: bool, extended: bool, days: int) -> None:
    received = datetime(2026, 11, 2, 3, tzinfo=UTC)
    found = finish_by(kind, received, processor=processor, extended=extended)
    assert found == date(2026, 11, 2) + timedelta(days=days)


def test_every_kind_has_a_period_and_no_extension_is_longer_than_it() -> None:
    assert set(PERIODS) == set(KINDS)
    for period in PERIODS.values():
        assert period.days <= period.with_processor
        assert period.extension <= period.with_processor


@given(DAYS, st.integers(1, 30))
def test_exactly_so_many_working_days_lie_between(day: date, count: int) -> None:
    last = add_working_days(day, count)
    between = [day + timedelta(days=n) for n in range(1, (last - day).days + 1)]
    assert sum(map(is_working_day, between)) == count
    assert is_working_day(last)


def test_each_year_of_the_table_has_tet_and_the_fixed_days_and_no_holiday_is_lost() -> None:
    assert last_known_year() == 2030
    for year in range(2026, 2031):
        of_year = {day: name for day, name in holidays().items() if day.year == year}
        assert sum(name == "tet" for name in of_year.values()) == 5
        for month, number in ((1, 1), (4, 30), (5, 1), (9, 2)):
            assert date(year, month, number) in of_year
        on_weekends = sum(day.weekday() >= 5 for day in of_year)
        made_up = sum(name.startswith("instead-of-") for name in of_year.values())
        assert made_up == on_weekends


def test_after_the_table_the_fixed_days_are_still_known() -> None:
    assert not is_working_day(date(2031, 1, 1))
    assert not is_working_day(date(2032, 9, 2))
    assert is_working_day(date(2031, 1, 2))

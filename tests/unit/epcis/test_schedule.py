"""When subscriptions by schedule are due: against the rules themselves, second by second."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trace.core.epcis.schedule import FIELDS, ScheduleError, ScheduleRefused, parse_schedule
from trace.errors import Refused

HANOI = ZoneInfo("Asia/Ho_Chi_Minh")
BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 11, 22, 3, 0, 0, tzinfo=UTC)  # a Sunday, 10:00 in Hà Nội


def next_ones(fields: dict[str, str], count: int = 2, zone: ZoneInfo = HANOI) -> list[str]:
    made, moment, found = parse_schedule(fields), NOW, []
    for _ in range(count):
        due = made.next_after(moment, zone)
        assert due is not None
        moment = due
        found.append(due.astimezone(zone).strftime("%Y-%m-%d %H:%M:%S"))
    return found


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        # The standard's own example: every morning at 1.05.
        ({"hour": "1", "minute": "5"}, ["2026-11-23 01:05:00", "2026-11-24 01:05:00"]),
        ({"second": "0/30"}, ["2026-11-22 10:00:30", "2026-11-22 10:01:00"]),
        ({"minute": "[10-11],40"}, ["2026-11-22 10:10:00", "2026-11-22 10:11:00"]),
        ({"dayOfWeek": "1"}, ["2026-11-23 00:00:00", "2026-11-30 00:00:00"]),
        ({"month": "[1-2]"}, ["2027-01-01 00:00:00", "2027-02-01 00:00:00"]),
        ({"dayOfMonth": "31", "hour": "7"}, ["2026-12-31 07:00:00", "2027-01-31 07:00:00"]),
        ({"month": "2", "dayOfMonth": "29"}, ["2028-02-29 00:00:00", "2032-02-29 00:00:00"]),
        ({"second": "0", "hour": "1"}, ["2026-11-23 01:00:00", "2026-11-23 01:01:00"]),
        ({"hour": "*", "minute": "0"}, ["2026-11-22 11:00:00", "2026-11-22 12:00:00"]),
        (
            {"month": "2", "dayOfMonth": "29", "dayOfWeek": "7"},
            ["2032-02-29 00:00:00", "2060-02-29 00:00:00"],
        ),
    ],
)
def test_a_schedule_says_when_it_is_due_next(fields: dict[str, str], expected: list[str]) -> None:
    assert next_ones(fields) == expected


def test_an_hour_that_clocks_leave_out_does_not_come_and_one_they_repeat_comes_once() -> None:
    nightly = parse_schedule({"hour": "2", "minute": "30"})
    spring = nightly.next_after(datetime(2026, 3, 28, 12, tzinfo=UTC), BERLIN)
    assert spring == datetime(2026, 3, 30, 0, 30, tzinfo=UTC)  # the 29th has no 2:30
    first = nightly.next_after(datetime(2026, 10, 24, 12, tzinfo=UTC), BERLIN)
    assert first == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    second = nightly.next_after(first, BERLIN)
    assert second == datetime(2026, 10, 26, 1, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"second": ""},
        {"second": "60"},
        {"hour": "24"},
        {"dayOfWeek": "0"},
        {"dayOfWeek": "8"},
        {"month": "13"},
        {"minute": "5-1"},
        {"minute": "[1-70]"},
        {"minute": "a"},
        {"minute": "-1"},
        {"minute": "1,,2"},
        {"minute": "0/0"},
        {"minute": "٣"},
        {"minute": "9" * 501},
        {"minute": ["1"]},
        {"minute": True},
        {"minute": 1.5},
        {"fortnight": "1"},
        {"month": "2", "dayOfMonth": "30"},
    ],
)
def test_what_is_no_schedule_is_refused_by_field(fields: dict[str, object]) -> None:
    with pytest.raises(ScheduleRefused) as refused:
        parse_schedule(fields)
    for error in refused.value.errors:
        assert isinstance(error, ScheduleError)
        assert error.path.startswith("/schedule")


def test_every_wrong_field_is_told() -> None:
    with pytest.raises(Refused) as refused:
        parse_schedule({"hour": "24", "minute": "x", "second": "1"})
    assert [error.path for error in refused.value.errors] == ["/schedule/hour", "/schedule/minute"]


def some_values(name: str) -> st.SearchStrategy[list[int]]:
    low, high = FIELDS[name]
    return st.lists(st.integers(low, high), min_size=1, max_size=3)


@settings(max_examples=60)
@given(
    st.fixed_dictionaries(
        {"second": some_values("second")},
        optional={name: some_values(name) for name in ("minute", "hour")},
    ),
    st.integers(0, 366 * 86400),
)
def test_no_moment_that_fits_is_passed_over(values: dict[str, list[int]], start: int) -> None:
    """Against looking at every second from the start on, an hour and a half of them."""
    moment = NOW + timedelta(seconds=start)
    made = parse_schedule({name: ",".join(map(str, some)) for name, some in values.items()})
    due = made.next_after(moment, UTC)
    assert due is not None
    assert due > moment
    for second in range(1, min(5400, int((due - moment).total_seconds()) + 1)):
        looked = moment + timedelta(seconds=second)
        fits = all(getattr(looked, name) in some for name, some in values.items())
        assert fits == (looked == due), looked

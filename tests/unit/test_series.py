"""Readings folded: nothing is filled in, no order matters, limits are counted in minutes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from trace.core.series import HOLDS, MEASURES, MINUTE, MOST_POINTS, Limits, Reading, fold

NOON = datetime(2026, 11, 20, 5, tzinfo=UTC)
CHILLED = Limits(Decimal(0), Decimal(8))
CELSIUS = MEASURES["temperature"]


def series(*pairs: tuple[float, str]) -> list[Reading]:
    return [Reading(NOON + timedelta(minutes=m), Decimal(value)) for m, value in pairs]


def test_the_time_above_a_limit_is_counted_and_a_limit_itself_is_kept() -> None:
    found = fold(CELSIUS, series((0, "4"), (10, "8"), (20, "9.5"), (35, "3"), (45, "3")), CHILLED)
    assert found is not None
    assert (found.least, found.most, found.outside) == (Decimal(3), Decimal("9.5"), 15)
    assert (found.minutes, found.unknown, found.count) == (45, 0, 5)
    # (4·10 + 8·10 + 9.5·15 + 3·10) / 45
    assert found.total == Decimal("6.50")


def test_what_nobody_measured_is_unknown_and_weighs_nothing() -> None:
    found = fold(CELSIUS, series((0, "4"), (300, "20"), (330, "4")), CHILLED)
    assert found is not None
    assert (found.minutes, found.unknown, found.outside) == (60, 270, 30)
    assert found.total == Decimal("12.00")


def test_half_a_minute_outside_is_told_as_one() -> None:
    found = fold(CELSIUS, series((0, "9"), (0.5, "4"), (10, "4")), CHILLED)
    assert found is not None
    assert found.outside == 1


def test_rain_is_added_up() -> None:
    found = fold(MEASURES["rainfall"], series((0, "1.2"), (60, "0"), (120, "3.4")), Limits())
    assert found is not None
    assert found.total == Decimal("4.60")
    assert found.outside == 0


def test_one_reading_is_a_point_and_no_time() -> None:
    found = fold(CELSIUS, series((0, "9")), CHILLED)
    assert found is not None
    assert (found.minutes, found.unknown, found.outside, found.total) == (0, 0, 0, Decimal("9.00"))
    assert fold(CELSIUS, [], CHILLED) is None


moments = st.integers(0, 3 * 86_400).map(lambda s: NOON + timedelta(seconds=s))
readings = st.lists(
    st.builds(Reading, moments, st.decimals(-30, 40, places=1)),
    min_size=1,
    max_size=300,
    unique_by=lambda one: one.time,
)


@given(readings, st.randoms(use_true_random=False))
def test_order_and_repetition_change_nothing(some: list[Reading], random: object) -> None:
    shuffled = [*some, *some[: len(some) // 2]]
    random.shuffle(shuffled)  # type: ignore[attr-defined]  # hypothesis gives a random.Random
    assert fold(CELSIUS, shuffled, CHILLED) == fold(CELSIUS, some, CHILLED)


@given(readings)
def test_a_fold_keeps_within_its_readings(some: list[Reading]) -> None:
    found = fold(CELSIUS, some, CHILLED)
    assert found is not None
    assert found.least <= found.most
    slack = Decimal("0.01")
    assert found.least - slack <= found.total <= found.most + slack
    whole = (found.end - found.start) // MINUTE
    assert whole - 1 <= found.minutes + found.unknown <= whole
    assert found.outside <= found.minutes + 1
    assert 1 <= len(found.points) <= MOST_POINTS
    assert min(point.least for point in found.points) == found.least
    assert max(point.most for point in found.points) == found.most
    assert all(a.end < b.start for a, b in zip(found.points, found.points[1:], strict=False))


@given(st.lists(st.integers(1, int(HOLDS / MINUTE)), min_size=1, max_size=100))
def test_a_series_without_holes_has_nothing_unknown(steps: list[int]) -> None:
    at, some = NOON, [Reading(NOON, Decimal(4))]
    for minutes in steps:
        at += timedelta(minutes=minutes)
        some.append(Reading(at, Decimal(4)))
    found = fold(CELSIUS, some, CHILLED)
    assert found is not None
    assert (found.unknown, found.outside, found.total) == (0, 0, Decimal("4.00"))

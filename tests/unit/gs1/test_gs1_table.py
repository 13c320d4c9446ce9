"""The table of application identifiers holds together, and values mean what they should."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trace.core.gs1 import Gs1Error, date_of, measure_of
from trace.core.gs1.application_identifiers import ALPHA_NAMES, KEYS
from trace.core.gs1.table import AIS, SEQUENCES, check_value
from trace.core.gs1.values import CSET82

# What food needs, form by form, written here a second time on purpose.
FOOD = {
    "00": (18, 18), "01": (14, 14), "02": (14, 14), "10": (1, 20), "11": (6, 6), "13": (6, 6),
    "15": (6, 6), "16": (6, 6), "17": (6, 6), "21": (1, 20), "22": (1, 20), "37": (1, 8),
    "251": (1, 30), "254": (1, 20), "3100": (6, 6), "3103": (6, 6), "3105": (6, 6),
    "3202": (6, 6), "3922": (1, 15), "3932": (4, 18), "410": (13, 13), "414": (13, 13),
    "416": (13, 13), "417": (13, 13), "422": (3, 3), "423": (3, 15), "424": (3, 3),
    "426": (3, 3), "7003": (10, 10), "7006": (6, 6), "7007": (6, 12), "7008": (1, 3),
    "7009": (1, 10), "7010": (1, 2), "7030": (4, 30), "7039": (4, 30), "8008": (8, 12),
}  # fmt: skip


@pytest.mark.parametrize(("ai", "lengths"), FOOD.items())
def test_food_identifiers_have_their_lengths(ai: str, lengths: tuple[int, int]) -> None:
    assert (AIS[ai].shortest, AIS[ai].longest) == lengths


def test_keys_and_their_qualifiers_are_all_in_the_table() -> None:
    named = set(KEYS) | {ai for alternatives in KEYS.values() for one in alternatives for ai in one}
    assert named <= set(AIS)
    assert set(ALPHA_NAMES.values()) <= named
    assert all(sequence[0] in KEYS for sequence in SEQUENCES)


def test_no_identifier_begins_with_another() -> None:
    assert not [(ai, other) for ai in AIS for other in AIS if ai != other and other.startswith(ai)]


def test_companions_and_exclusions_name_known_identifiers_only() -> None:
    for spec in AIS.values():
        assert spec.excludes <= set(AIS)
        assert spec.ai not in spec.excludes
        for group in spec.needs:
            for one in group:
                assert one
                assert one <= set(AIS)


@pytest.mark.parametrize(
    ("ai", "good", "bad"),
    [
        ("7040", ["1ABC"], ["ABC1", "1AB", "1ABCD", "1AB+"]),
        ("8008", ["26112107", "2611210759", "261121075959"], ["261121", "26112124", "2611210760"]),
        ("4309", ["02790858483015297971"], ["18000000013600000000", "00000000003600000001"]),
        ("4331", ["000200", "000200-"], ["000200+", "00020", "000200--"]),
        ("7258", ["1/3", "3/3"], ["4/3", "0/3", "1-3"]),
        ("7250", ["20000229", "20240229"], ["19000229", "20230229", "20230001"]),
        ("8007", ["DE89370400440532013000"], ["DE89370400440532013001", "XX89370400440532013000"]),
        ("8011", ["0", "12"], ["012"]),
        ("8030", ["aZ-_0="], ["a/b", "a+b"]),
        ("8010", ["0614141-/#A"], ["0614141a", "061"]),
        ("4300", ["C%C3%B4ng", "A+B"], ["100%", "%zz"]),
        ("4307", ["VN"], ["XX", "vn"]),
        ("3912", ["704150000"], ["000150000", "704"]),
        ("7252", ["0", "9"], ["3"]),
        ("8001", ["12345678901210"[:14]], ["00005678901210"[:14]]),
        ("7241", ["01", "80"], ["00", "11"]),
        ("8014", ["1987654Ad4X4bL5ttr2310c2K"], ["1987654Ad4X4bL5ttr2310c2L"]),
    ],
)
def test_values_with_parts_are_checked_part_by_part(
    ai: str, good: list[str], bad: list[str]
) -> None:
    for value in good:
        check_value(AIS[ai], value)
    for value in bad:
        with pytest.raises(Gs1Error):
            check_value(AIS[ai], value)


@given(st.characters(codec="utf-8"))
def test_a_text_value_may_hold_exactly_the_82_characters(character: str) -> None:
    try:
        check_value(AIS["10"], character)
        taken = True
    except Gs1Error:
        taken = False
    assert taken == (character in CSET82)


@pytest.mark.parametrize(
    ("value", "today", "day"),
    [
        ("261122", date(2026, 11, 22), date(2026, 11, 22)),
        ("261100", date(2026, 11, 22), date(2026, 11, 30)),
        ("280200", date(2026, 11, 22), date(2028, 2, 29)),
        ("760101", date(2026, 1, 1), date(2076, 1, 1)),
        ("770101", date(2026, 1, 1), date(1977, 1, 1)),
        ("991231", date(2026, 1, 1), date(1999, 12, 31)),
        ("010101", date(2099, 1, 1), date(2101, 1, 1)),
        ("490101", date(2099, 1, 1), date(2149, 1, 1)),
        ("500101", date(2099, 1, 1), date(2050, 1, 1)),
    ],
)
def test_a_two_digit_year_is_the_nearest_one(value: str, today: date, day: date) -> None:
    assert date_of(value, today=today) == day


@given(st.dates(date(1951, 1, 1), date(2050, 12, 31)))
def test_every_day_within_fifty_years_survives_its_six_digits(day: date) -> None:
    middle = date(2000, 1, 1)
    assert date_of(day.strftime("%y%m%d"), today=middle) == day


@pytest.mark.parametrize("value", ["261301", "260230", "260431", "270229"])
def test_a_day_that_is_not_in_the_calendar_is_refused(value: str) -> None:
    with pytest.raises(Gs1Error) as refused:
        date_of(value, today=date(2026, 11, 22))
    assert refused.value.code == "bad-date"


def test_the_last_digit_of_a_measure_says_where_the_point_stands() -> None:
    assert measure_of("3103", "000500") == (Decimal("0.500"), "KGM")
    assert measure_of("3100", "000500") == (Decimal(500), "KGM")
    assert measure_of("3202", "012345") == (Decimal("123.45"), "LBR")
    assert measure_of("37", "5") is None
    assert measure_of("17", "261231") is None

"""What makes a code look like more than one package, and what does not."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.scanning import copied, honest
from trace.services.copies_score import (
    DAY,
    HOUR,
    QUEUED,
    SAID,
    Judgement,
    Sighting,
    are_apart,
    judge_scans,
    kilometres,
)

HANOI, SAIGON, HUE, DANANG, HAIPHONG, CAMAU = "01", "79", "46", "48", "31", "96"
HANOI_WARD = "09895"


def seen(*scans: tuple[float, str, bool]) -> Judgement:
    """The judgement on scans of (hours, place, had the page already)."""
    return judge_scans(
        [
            Sighting(round(hours * HOUR), place, bytes([number]), again)
            for number, (hours, place, again) in enumerate(scans)
        ]
    )


NEW, HAD = False, True


@pytest.mark.parametrize(
    ("scans", "reasons", "level"),
    [
        # Bought, shown to the family, carried away as a gift: one package can do that.
        ([(0, HUE, NEW), (20, HUE, NEW), (40, HUE, HAD)], [], 0),
        ([(0, HUE, NEW), (90, CAMAU, NEW), (95, CAMAU, HAD), (99, CAMAU, NEW)], [], 0),
        # Here, far away, here again within a week.
        ([(0, HUE, NEW), (20, CAMAU, NEW), (40, HUE, HAD)], [("returns", 1)], SAID),
        # The same, but slowly: a journey, perhaps.
        ([(0, HUE, NEW), (20, CAMAU, NEW), (400, HUE, HAD)], [("returns", 1)], QUEUED),
        (
            [(0, HUE, NEW), (9, CAMAU, NEW), (400, HUE, HAD), (500, CAMAU, HAD)],
            [("returns", 2)],
            SAID,
        ),
        # A phone that changes between its networks is one phone.
        ([(0, HANOI, NEW), (20, HUE, HAD), (40, HANOI, HAD), (60, HUE, HAD)], [], 0),
        # Neighbours, and where mobile networks come out: once is not enough.
        ([(0, HUE, NEW), (20, DANANG, NEW), (40, HUE, HAD)], [("returns", 1)], QUEUED),
        ([(0, HANOI, NEW), (20, HAIPHONG, NEW), (40, HANOI, HAD)], [("returns", 1)], QUEUED),
        ([(0, CAMAU, NEW), (20, SAIGON, NEW), (40, CAMAU, HAD)], [("returns", 1)], QUEUED),
        # A place nobody knows says nothing.
        ([(0, HUE, NEW), (20, "", NEW), (40, HUE, HAD), (60, "99", NEW)], [], 0),
        # Faster than a plane, and three provinces in a day: a hint each.
        ([(0, HUE, NEW), (0.1, CAMAU, NEW)], [("fast", 1)], 0),
        ([(0, HUE, NEW), (9, CAMAU, NEW), (20, HANOI, NEW)], [("many", 3)], 0),
        # A ward counts as its province.
        (
            [(0, HANOI_WARD, NEW), (1, CAMAU, NEW), (30, HANOI, NEW)],
            [("returns", 1), ("fast", 1)],
            SAID,
        ),
    ],
)
def test_what_one_package_can_do_and_what_it_hardly_does(
    scans: list[tuple[float, str, bool]], reasons: list[tuple[str, int]], level: int
) -> None:
    found = seen(*scans)
    assert list(found.reasons) == reasons
    assert (SAID if found.tenths >= SAID else QUEUED if found.tenths >= QUEUED else 0) == level


def test_many_phones_on_many_days_tell_where_no_place_is_known() -> None:
    phones = [(12.0 * number, "", NEW) for number in range(12)]
    assert seen(*phones).reasons == (("phones", 12),)
    assert seen(*phones).tenths >= SAID
    one_day = [(0.1 * number, "", NEW) for number in range(30)]
    assert seen(*one_day).tenths == 0  # an address that was passed around
    one_phone = [(12.0 * number, "", number > 0) for number in range(30)]
    assert seen(*one_phone).tenths == 0


def test_distances_are_those_of_the_country() -> None:
    assert 1050 < kilometres(HANOI, SAIGON) < 1200
    assert kilometres(HANOI, SAIGON) == kilometres(SAIGON, HANOI)
    assert kilometres(HANOI, HANOI) == kilometres(HANOI, "??") == 0
    assert are_apart(HANOI, SAIGON)
    assert not are_apart(HANOI, "04")  # a phone in Cao Bằng may be told to be in Hà Nội


@given(
    st.lists(
        st.tuples(
            st.integers(0, 60 * DAY), st.sampled_from(["", HANOI, HUE, CAMAU]), st.booleans()
        ),
        max_size=32,
    )
)
def test_a_later_start_changes_nothing_and_phones_of_one_place_are_never_a_return(
    scans: list[tuple[int, str, bool]],
) -> None:
    ordered = [Sighting(at, place, b"", again) for at, place, again in sorted(scans)]
    # By whole days: days are those of Viet Nam.
    later = [Sighting(one.at + 9 * DAY, one.place, b"", one.again) for one in ordered]
    assert judge_scans(later) == judge_scans(ordered)
    at_home = [Sighting(one.at, HUE, b"", one.again) for one in ordered]
    assert {name for name, _ in judge_scans(at_home).reasons} <= {"phones"}


def is_said(scans: list[Sighting]) -> bool:
    """At any of these scans the page would begin to say so."""
    return any(judge_scans(scans[:count]).tenths >= SAID for count in range(2, len(scans) + 1))


def test_copied_codes_are_found_in_ten_scans_and_honest_packages_left_in_peace() -> None:
    random = Random(8091)  # not among those the score was made with
    copies = sum(is_said(copied(random)) for _ in range(6_000))
    assert copies >= 0.95 * 6_000
    wrong = sum(is_said(honest(random)) for _ in range(60_000))
    assert wrong <= 0.001 * 60_000

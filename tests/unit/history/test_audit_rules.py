"""The rules that audits of chains add to those of pages: travel, repeats, order, what came back."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from tests.unit.history.stories import START, Story, kg
from trace.core.history import Use
from trace.core.history.findings import overdraws
from trace.core.history.orders import never_made, used_before_made
from trace.core.history.repeats import repeats
from trace.core.history.travel import Position, Seen, hops, kilometres, sightings

HANOI = Position(21.03, 105.85, "Hà Nội Demo")
SAIGON = Position(10.78, 106.70, "TP HCM Demo")
CAMAU = Position(9.18, 105.15, "Cà Mau Demo")


def crate(thing: str = "crate") -> Use:
    return Use("epc", thing)


def test_the_distance_is_along_the_ground() -> None:
    assert kilometres(HANOI, SAIGON) == pytest.approx(1144, abs=5)
    assert kilometres(HANOI, HANOI) == 0
    assert kilometres(HANOI, CAMAU) == pytest.approx(kilometres(CAMAU, HANOI))


@pytest.mark.parametrize(
    ("hours", "found"), [(1, 1), (7, 1), (8, 0), (48, 0)], ids=["hour", "seven", "eight", "days"]
)
def test_one_crate_is_as_fast_as_a_lorry_may_be(hours: float, found: int) -> None:
    # 1144 km less 40, at 120 km/h, with an hour for the clocks: eight hours and twelve minutes.
    before = Seen("crate", START, HANOI, "a")
    after = Seen("crate", START + timedelta(hours=hours + 0.2), SAIGON, "b")
    told = hops([(before, after)], kmh=120, slack_km=40, slack=timedelta(hours=1))
    assert len(told) == found


def test_no_time_at_all_has_no_speed_and_near_places_are_never_too_far() -> None:
    here = Seen("crate", START, HANOI, "a")
    there, near = (
        Seen("crate", START, place, "b") for place in (SAIGON, Position(21.2, 105.9, ""))
    )
    [hop] = hops([(here, there)], kmh=900, slack_km=40, slack=timedelta(0))
    assert hop.kmh is None
    assert hops([(here, near)], kmh=900, slack_km=40, slack=timedelta(0)) == []


def test_a_lot_may_be_in_many_places_and_only_its_legs_are_judged() -> None:
    story = Story()
    a = story.tell("farm", "shipping", kg("epc", "lot", 10), destinations=frozenset({"shop"}))
    b = story.tell("farm", "shipping", kg("epc", "lot", 10), destinations=frozenset({"stall"}))
    c = story.tell("shop", "receiving", kg("epc", "lot", 10))
    where = {a.statement: HANOI, b.statement: SAIGON, c.statement: SAIGON}
    pairs = sightings(story.facts, where, frozenset())
    assert [(one.statement, two.statement) for one, two in pairs] == [(a.statement, c.statement)]
    # What cannot be divided is judged wherever it is seen.
    for fact in (a, b, c):
        where[fact.statement] = HANOI
    pairs = sightings(story.facts, where, frozenset({"lot"}))
    assert len(pairs) == 2


def test_the_same_words_within_minutes_are_a_repeat_and_other_words_are_none() -> None:
    story = Story()
    sold = story.tell("shop", "retail_selling", kg("epc", "lot", 3))
    at = sold.event_time + timedelta(minutes=4)
    again = story.tell("shop", "retail_selling", kg("epc", "lot", 3), at=at)
    story.tell("shop", "retail_selling", kg("epc", "lot", 4), at=at)
    story.tell("stall", "retail_selling", kg("epc", "lot", 3), at=at)
    story.tell("shop", "retail_selling", kg("epc", "lot", 3), at=at + timedelta(minutes=11))
    assert repeats(story.facts, timedelta(minutes=10)) == [(sold, again)]


def test_nothing_is_used_or_sent_before_it_is_there() -> None:
    story = Story()
    made = story.register("farm", "lot", 100)
    early = made.event_time - timedelta(hours=3)
    sent = story.tell("farm", "shipping", kg("epc", "lot", 10), at=early)
    mixed = story.transform("farm", "mixing", [("lot", 10)], [("mix", 10)], at=early)
    told = used_before_made(story.facts, timedelta(hours=1))
    assert {(fact.statement, first.statement) for fact, first, _ in told} == {
        (sent.statement, made.statement),
        (mixed.statement, made.statement),
    }
    assert used_before_made(story.facts, timedelta(hours=4)) == []


@pytest.mark.parametrize("role", ["input", "source"])
def test_an_input_that_nobody_made_is_named_whoever_held_it(role: str) -> None:
    story = Story()
    story.register("farm", "lot", 100)
    uses = (Use("input", "lot"), Use(role, "ghost"), Use("output", "mix"))
    mixed = story.tell("farm", "mixing", *uses, type="TransformationEvent", action=None)
    assert never_made(story.facts) == [(mixed, "ghost")]


def test_what_came_back_may_go_again_and_more_than_that_is_overdrawn() -> None:
    story = Story()
    story.register("farm", "lot", 100)
    story.tell("farm", "shipping", kg("epc", "lot", 100), destinations=frozenset({"shop"}))
    story.tell("farm", "void_shipping", kg("epc", "lot", 100))
    story.tell("farm", "shipping", kg("epc", "lot", 100), destinations=frozenset({"stall"}))
    assert overdraws(story.facts) == []
    last = story.tell("farm", "shipping", kg("epc", "lot", 2), destinations=frozenset({"x"}))
    [one] = overdraws(story.facts)
    assert (one.fact, one.made, one.gone) == (last, Decimal(100), Decimal(102))
    assert overdraws(story.facts, Decimal("1.05")) == []

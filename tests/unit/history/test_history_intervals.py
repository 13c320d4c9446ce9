"""Days between treatment and taking, and goods that move while they are held."""

from __future__ import annotations

import pytest

from tests.unit.history.stories import Story, kg
from tests.unit.history.test_history_findings import marks_of
from trace.core.history import Fact, Treatment, Use, intervals, smallest_interval

# -- intervals -------------------------------------------------------------------------------------


def sprayed(days_before: int, required: int | None, cycle: str = "cycle") -> Story:
    story = Story()
    story.sow("coop", cycle)
    treatment = Treatment("Abamectin 1.8EC", required)
    story.tell("coop", "spraying", Use("epc", cycle), treatments=(treatment,))
    story.wait(days_before - 2 / 24)
    story.harvest("coop", cycle, f"lot of {cycle}", 100)
    return story


@pytest.mark.parametrize(
    ("days", "required", "state"),
    [(10, 7, "kept"), (7, 7, "kept"), (6, 7, "short"), (10, None, "undeclared")],
)
def test_days_are_counted_on_the_fields_calendar_against_the_label(
    days: int, required: int | None, state: str
) -> None:
    found = smallest_interval(sprayed(days, required).facts)
    assert (found.state, found.days, found.required) == (state, days, required)


def given_to_a_flock(days: float, *treatments: Treatment, step: str = "vaccinating") -> Story:
    story = Story()
    story.tell("coop", "commissioning", Use("epc", "flock"), action="ADD")
    story.tell("coop", step, Use("epc", "flock"), treatments=treatments)
    story.wait(days - 2 / 24)
    story.transform("coop", "egg_collecting", [("flock", None)], [("eggs", 300)])
    return story


@pytest.mark.parametrize("step", ["vaccinating", "feeding"])
@pytest.mark.parametrize(("days", "state"), [(10, "kept"), (7, "kept"), (6, "short")])
def test_eggs_are_held_against_the_label_of_a_medicine(days: int, state: str, step: str) -> None:
    story = given_to_a_flock(days, Treatment("Thuốc Demo", 7), step=step)
    assert [(one.state, one.days) for one in intervals(story.facts)] == [(state, days)]
    expected = ("interval-short",) if state == "short" else ()
    assert marks_of(story, story.facts[-1]) == expected


def test_feed_and_vaccines_without_days_on_the_label_say_nothing_of_eggs() -> None:
    story = given_to_a_flock(1, Treatment("Vắc-xin Demo"), Treatment("Cám Demo"))
    assert [one.state for one in intervals(story.facts)] == ["not-applicable"]
    assert marks_of(story, story.facts[-1]) == ()


def notice(story: Story, kind: str, *ends: str) -> Fact:
    return story.tell(
        "authority", "inspecting", kg("epc", "lot"), notice=kind, ends=frozenset(ends)
    )


def test_goods_that_move_while_a_hold_stands_are_marked_until_it_is_ended() -> None:
    story = Story()
    story.register("coop", "lot", 480)
    before = story.ship("coop", "lot", 10, "shop")
    first, second = notice(story, "hold"), notice(story, "hold")
    during = story.ship("coop", "lot", 20, "market")
    home = story.ship("market", "lot", 20, "coop")
    notice(story, "release", first.statement)
    sold = story.tell("coop", "retail_selling", kg("epc", "lot", 5))
    notice(story, "release", second.statement)
    after = story.ship("coop", "lot", 400, "market")
    marked = [one for one in story.facts if "moved-while-held" in marks_of(story, one)]
    assert marked == [during, sold]
    assert not {before, home, after} & set(marked)


def test_a_short_interval_marks_its_harvest() -> None:
    story = sprayed(3, 7)
    assert marks_of(story, story.facts[-1]) == ("interval-short",)


def test_the_smallest_margin_over_all_parents_counts() -> None:
    story = sprayed(10, 7, "a")
    story.facts += [
        Fact(**{**{k: getattr(f, k) for k in Fact.__slots__ if k != "_of"}, "statement": f"x{n}"})
        for n, f in enumerate(sprayed(15, 14, "b").facts)
    ]
    found = smallest_interval(story.facts)
    assert (found.days, found.required, found.margin) == (15, 14, 1)


def test_an_earlier_spraying_with_a_longer_interval_may_be_the_one_that_counts() -> None:
    story = Story()
    story.sow("coop", "cycle")
    story.tell("coop", "spraying", Use("epc", "cycle"), treatments=(Treatment("a", 18),))
    story.wait(10)
    story.tell("coop", "spraying", Use("epc", "cycle"), treatments=(Treatment("b", 3),))
    story.wait(9)
    story.harvest("coop", "cycle", "lot", 10)
    found = smallest_interval(story.facts)
    assert (found.product, found.days, found.last) == ("a", 19, False)


def test_silence_about_spraying_is_not_safety() -> None:
    story = Story()
    story.sow("coop", "cycle")
    story.harvest("coop", "cycle", "lot", 10)
    assert smallest_interval(story.facts).state == "undeclared"
    assert smallest_interval([]).state == "undeclared"


def test_none_used_needs_the_words() -> None:
    story = Story()
    story.sow("coop", "cycle", declared_none=frozenset({"pesticide"}))
    story.harvest("coop", "cycle", "lot", 10)
    assert smallest_interval(story.facts).state == "none-used"


def test_one_silent_parent_outweighs_four_that_kept_theirs() -> None:
    story = sprayed(10, 7)
    story.sow("other", "silent")
    story.harvest("other", "silent", "lot 2", 10)
    assert [i.state for i in intervals(story.facts)] == ["kept", "undeclared"]
    assert smallest_interval(story.facts).state == "undeclared"


def test_a_withheld_product_is_private_and_not_undeclared() -> None:
    story = Story()
    story.sow("coop", "cycle")
    story.tell("coop", "spraying", Use("epc", "cycle"), withheld=frozenset({"trace:inputs"}))
    story.harvest("coop", "cycle", "lot", 10)
    assert smallest_interval(story.facts).state == "private"


def test_eggs_have_no_interval() -> None:
    assert smallest_interval([], applies=False).state == "not-applicable"


def test_an_origin_without_a_record_of_growing_is_silence_about_spraying() -> None:
    assert smallest_interval(sprayed(10, 7).facts, silent=True).state == "undeclared"
    assert smallest_interval(sprayed(3, 7).facts, silent=True).state == "short"

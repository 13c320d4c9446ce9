"""Which facts belong to the page of one thing."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.history.stories import Story, kg
from trace.core.history import Fact, Journey, Use, newest_first, trace_journey


def steps(journey: Journey) -> list[str]:
    return [fact.step for fact in journey.lines]


def grown() -> Story:
    story = Story()
    story.sow("coop", "cycle")
    story.tell("coop", "irrigating", Use("epc", "cycle"))
    story.harvest("coop", "cycle", "lot", 480)
    return story


def test_a_lot_tells_its_field_first_grown_last_shown_newest_first() -> None:
    journey = trace_journey("lot", grown().facts)
    assert steps(journey) == ["harvesting", "irrigating", "sowing"]
    assert journey.ancestors == ("cycle",)
    assert journey.went_to is None


def test_what_the_field_did_after_the_harvest_is_another_lots_story() -> None:
    story = grown()
    story.tell("coop", "spraying", Use("epc", "cycle"))
    story.harvest("coop", "cycle", "second lot", 200)
    journey = trace_journey("lot", story.facts)
    assert steps(journey) == ["harvesting", "irrigating", "sowing"]
    assert "spraying" in steps(trace_journey("second lot", story.facts))


def test_a_lot_that_moves_whole_keeps_telling_its_legs() -> None:
    story = grown()
    story.ship("coop", "lot", 480, "market")
    story.receive("market", "lot", 475)
    story.tell("market", "storing", kg("epc", "lot", 475))
    story.ship("market", "lot", 475, "shop")
    journey = trace_journey("lot", story.facts)
    assert steps(journey)[:4] == ["shipping", "storing", "receiving", "shipping"]
    assert journey.went_to is None


def test_a_divided_lot_says_how_many_places_it_went_to_and_not_which() -> None:
    story = grown()
    story.ship("coop", "lot", 480, "market")
    story.receive("market", "lot", 480)
    for shop in ("shop 1", "shop 2", "shop 3"):
        story.ship("market", "lot", 100, shop)
        story.receive(shop, "lot", 100)
    journey = trace_journey("lot", story.facts)
    assert journey.went_to == 3
    assert journey.divided is not None
    assert journey.divided.destinations == {"shop 1"}
    assert not any("shop" in str(fact) for fact in journey.lines)


def sent_and_refused(refused: float | None, **more: Any) -> Story:
    """The whole of 480 kg goes to a market, which refuses some of it."""
    story = Story()
    story.register("coop", "lot", 480)
    story.ship("coop", "lot", 480, "market")
    if refused is not None and refused < 480:
        story.receive("market", "lot", 480 - refused)
    story.tell("market", "refusing", kg("epc", "lot", refused), sources=frozenset({"coop"}), **more)
    return story


@pytest.mark.parametrize("refused", [5, 440, 480, None])
def test_refusing_a_part_or_all_of_a_shipment_divides_nothing(refused: float | None) -> None:
    assert trace_journey("lot", sent_and_refused(refused).facts).divided is None


def test_a_part_that_was_refused_whole_or_came_back_went_nowhere() -> None:
    story = Story()
    story.register("coop", "lot", 480)
    story.ship("coop", "lot", 200, "market")
    story.tell("market", "refusing", kg("epc", "lot", 200))
    story.ship("coop", "lot", 100)
    story.tell("coop", "void_shipping", kg("epc", "lot", 100))
    assert trace_journey("lot", story.facts).divided is None
    sold = story.ship("coop", "lot", 80, "shop")
    story.ship("coop", "lot", 200, "late shop")
    story.tell("late shop", "refusing", kg("epc", "lot", 200))
    journey = trace_journey("lot", story.facts)
    assert journey.divided == sold
    assert journey.went_to == 1


def test_what_came_back_of_a_shipment_divides_the_lot_when_it_goes_elsewhere() -> None:
    story = sent_and_refused(440)
    story.tell("coop", "void_shipping", kg("epc", "lot", 440))
    onward = story.ship("market", "lot", 40, "stall")
    assert trace_journey("lot", story.facts).divided is None
    elsewhere = story.ship("coop", "lot", 440, "shop")
    assert trace_journey("lot", story.facts).divided == elsewhere
    assert onward.statement in {one.statement for one in trace_journey("lot", story.facts).lines}


def test_a_refusal_by_somebody_the_goods_were_not_sent_to_is_about_nothing() -> None:
    story = Story()
    story.register("coop", "lot", 480)
    sent = story.ship("coop", "lot", 200, "market")
    story.tell("stranger", "refusing", kg("epc", "lot", 200))
    assert trace_journey("lot", story.facts).divided == sent


def test_a_laboratorys_result_is_told_after_the_lot_was_divided_and_a_shops_is_not() -> None:
    story = Story()
    story.register("coop", "lot", 480)
    story.ship("coop", "lot", 100, "shop")
    members = frozenset({"trace:results"})
    result = story.tell("lab", "inspecting", kg("epc", "lot"), members=members)
    story.tell("shop", "inspecting", kg("epc", "lot"), members=members)
    journey = trace_journey("lot", story.facts, accredited={"lab"})
    told = [one.statement for one in journey.lines if one.step == "inspecting"]
    assert told == [result.statement]


def test_an_authoritys_conclusion_is_told_after_the_lot_was_divided_and_anybody_elses_is_not() -> (
    None
):
    story = Story()
    story.register("coop", "lot", 480)
    story.ship("coop", "lot", 100, "shop")
    members = frozenset({"trace:inspection"})
    concluded = story.tell("office", "inspecting", kg("epc", "lot"), members=members)
    story.tell("shop", "inspecting", kg("epc", "lot"), members=members)
    journey = trace_journey("lot", story.facts, authorities={"office"})
    told = [one.statement for one in journey.lines if one.step == "inspecting"]
    assert told == [concluded.statement]


def test_a_whole_that_comes_in_parts_is_the_parts_together() -> None:
    story = Story()
    story.register("coop", "lot", 480)
    story.ship("coop", "lot", 480, "market")
    story.receive("market", "lot", 440)
    story.receive("market", "lot", 40)
    onward = story.ship("market", "lot", 100, "shop")
    assert trace_journey("lot", story.facts).divided == onward


def test_moving_part_of_a_lot_to_ones_own_store_divides_nothing() -> None:
    story = grown()
    story.ship("coop", "lot", 80, "coop")
    assert trace_journey("lot", story.facts).divided is None


def test_boxes_without_amounts_divide_a_lot_when_fewer_than_all_leave() -> None:
    story = grown()
    story.pack("coop", "box 1", ("lot", None))
    story.pack("coop", "box 2", ("lot", None))
    story.ship("coop", "box 1", None, "shop")
    journey = trace_journey("lot", story.facts)
    assert journey.went_to == 1
    assert "shipping" not in steps(journey)


def test_a_box_tells_its_own_leg_and_the_history_of_what_it_holds() -> None:
    story = grown()
    story.pack("coop", "box", ("lot", 20))
    story.ship("coop", "box", None, "shop")
    story.receive("shop", "box")
    journey = trace_journey("box", story.facts)
    assert steps(journey) == [
        "receiving",
        "shipping",
        "packing",
        "harvesting",
        "irrigating",
        "sowing",
    ]
    assert journey.contents == ("lot",)


def test_what_happens_to_the_pallet_happens_to_the_box_on_it_only_while_it_stands_there() -> None:
    story = grown()
    story.pack("coop", "box", ("lot", 480))
    story.pack("coop", "pallet", ("box", None))
    story.tell("carrier", "transporting", Use("epc", "pallet"))
    story.tell(
        "shop",
        "unpacking",
        Use("parent", "pallet"),
        Use("child", "box"),
        type="AggregationEvent",
        action="DELETE",
    )
    late = story.tell("carrier", "storing", Use("epc", "pallet"))
    journey = trace_journey("lot", story.facts)
    assert "transporting" in steps(journey)
    assert late not in journey.lines


def test_packing_something_else_into_the_same_box_is_the_other_things_story() -> None:
    story = grown()
    story.pack("coop", "box", ("lot", 480))
    other = story.pack("coop", "box", ("other", 5))
    assert other not in trace_journey("lot", story.facts).lines


def test_a_mix_shows_every_parent_and_none_of_their_other_children() -> None:
    story = Story()
    for number in range(3):
        story.sow("coop", f"cycle {number}")
        story.harvest("coop", f"cycle {number}", f"lot {number}", 100)
    story.transform("coop", "mixing", [(f"lot {n}", 50) for n in range(3)], [("mix", 150)])
    elsewhere = story.transform("coop", "mixing", [("lot 0", 50)], [("other", 50)])
    journey = trace_journey("mix", story.facts)
    assert set(journey.ancestors) == {f"{w} {n}" for w in ("cycle", "lot") for n in range(3)}
    assert journey.ancestors[:3] == ("lot 0", "lot 1", "lot 2")
    assert elsewhere not in journey.lines


def test_a_unit_tells_the_history_of_its_lot() -> None:
    story = grown()
    story.tell("shop", "retail_selling", Use("epc", "unit"))
    journey = trace_journey("unit", story.facts, lot_of={"unit": "lot"})
    assert steps(journey) == ["retail_selling", "harvesting", "irrigating", "sowing"]


def test_a_recall_is_told_however_late_it_came() -> None:
    story = grown()
    story.ship("coop", "lot", 100, "shop")
    story.tell("coop", "recalling", Use("epc", "lot"), notice="recall")
    assert steps(trace_journey("lot", story.facts))[0] == "recalling"


def test_a_circle_of_lots_ends() -> None:
    story = Story()
    story.transform("coop", "mixing", [("a", 1)], [("b", 1)])
    story.transform("coop", "mixing", [("b", 1)], [("a", 1)])
    assert trace_journey("a", story.facts).ancestors == ("b",)


def test_equal_moments_are_told_in_the_order_of_the_log() -> None:
    story = Story()
    same = {"at": story.clock}
    first = story.tell("a", "storing", Use("epc", "lot"), **same)
    second = story.tell("a", "storing", Use("epc", "lot"), **same)
    assert newest_first([first, second]) == newest_first([second, first]) == [second, first]


WORLD = st.lists(
    st.tuples(
        st.sampled_from(["register", "ship", "receive", "pack", "mix", "void", "observe"]),
        st.integers(0, 4),
        st.integers(0, 4),
        st.sampled_from(["p", "q", "r"]),
        st.integers(-3, 3),
    ),
    max_size=14,
)


def told(world: list[tuple[str, int, int, str, int]]) -> list[Fact]:
    """Any story at all, sensible or not."""
    story = Story()
    for what, one, two, who, shift in world:
        story.wait(shift)
        if what == "register":
            story.register(who, f"t{one}", 10)
        elif what == "ship":
            story.ship(who, f"t{one}", 5 + two, f"h{two}")
        elif what == "receive":
            story.receive(who, f"t{one}", 5 + two)
        elif what == "pack":
            story.pack(who, f"box{two}", (f"t{one}", 3))
        elif what == "mix":
            story.transform(who, "mixing", [(f"t{one}", 5)], [(f"t{two}", 5)])
        elif what == "void" and story.facts:
            story.void(story.facts[one % len(story.facts)])
        else:
            story.tell(who, "storing", Use("epc", f"t{one}"))
    return story.facts


@given(WORLD, st.randoms(use_true_random=False))
def test_the_order_of_arrival_changes_nothing(
    world: list[tuple[str, int, int, str, int]], chance: random.Random
) -> None:
    facts = told(world)
    shuffled = chance.sample(facts, len(facts))
    for target in ("t0", "box1"):
        assert trace_journey(target, facts) == trace_journey(target, shuffled)


@given(WORLD)
def test_no_line_is_told_twice_and_none_is_invented(
    world: list[tuple[str, int, int, str, int]],
) -> None:
    facts = told(world)
    journey = trace_journey("t0", facts)
    statements = [fact.statement for fact in journey.lines]
    assert len(statements) == len(set(statements))
    assert set(journey.lines) <= set(facts)
    assert journey.target not in journey.ancestors

"""Contradictions, intervals, corrections, gaps, mixes and who may speak."""

from __future__ import annotations

import random
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.history.stories import START, Story, kg
from trace.core.history import (
    Fact,
    Gap,
    Standing,
    Use,
    coverage,
    find_gaps,
    find_marks,
    find_sources,
    gathered_between,
    heard,
    late_days,
    settle,
    trace_journey,
)


def marks_of(story: Story, fact: Fact) -> tuple[str, ...]:
    return find_marks(settle(story.facts).live).get(fact.statement, ())


# -- marks -----------------------------------------------------------------------------------------


def test_what_was_written_up_four_days_later_is_late_and_says_by_how_much() -> None:
    story = Story()
    fact = story.sow("coop", "cycle", record_time=START + timedelta(days=4, hours=3))
    assert late_days(fact) == 4
    assert marks_of(story, fact) == ("late",)


def test_the_evening_diary_is_not_late() -> None:
    fact = Story().sow("coop", "cycle", record_time=START + timedelta(hours=40))
    assert late_days(fact) is None


def test_a_receipt_before_its_shipment_is_marked() -> None:
    story = Story()
    receipt = story.receive("shop", "lot", 10, at=START)
    story.ship("coop", "lot", 10, "shop", at=START + timedelta(hours=2))
    assert marks_of(story, receipt) == ("before-shipped",)


def test_a_harvest_before_its_cycle_began_is_marked() -> None:
    story = Story()
    harvest = story.harvest("coop", "cycle", "lot", 10, at=START)
    story.sow("coop", "cycle", at=START + timedelta(days=1))
    assert marks_of(story, harvest) == ("before-cycle",)


def test_more_out_than_in_marks_what_went_too_far_and_nothing_before() -> None:
    story = Story()
    story.register("coop", "lot", 100)
    fine = story.transform("coop", "processing", [("lot", 60)], [("a", 60)])
    too_much = story.transform("coop", "processing", [("lot", 60)], [("b", 60)])
    assert "more-out-than-in" not in marks_of(story, fine)
    assert "more-out-than-in" in marks_of(story, too_much)


def test_two_holders_who_each_pass_on_all_of_it_take_out_no_more_than_was_in() -> None:
    story = Story()
    story.register("coop", "lot", 100)
    story.ship("coop", "lot", 100, "market")
    story.receive("market", "lot", 100)
    second = story.ship("market", "lot", 100, "shop")
    assert "more-out-than-in" not in marks_of(story, second)


def test_a_mix_heavier_than_what_went_in_is_marked_and_bread_is_not() -> None:
    story = Story()
    mix = story.transform("coop", "mixing", [("a", 10), ("b", 10)], [("c", 25)])
    bread = story.transform("coop", "processing", [("flour", 10)], [("bread", 15)])
    assert marks_of(story, mix) == ("more-out-than-in",)
    assert marks_of(story, bread) == ()


@pytest.mark.parametrize(
    ("step", "out", "marks"),
    [
        ("grading", 40, ("low-yield",)),
        ("grading", 60, ()),
        ("packing", 85, ("low-yield",)),
        ("processing", 6, ()),  # drying gives a twentieth
        ("processing", 3, ("low-yield",)),
        ("baking", 1, ()),  # of a step without a range nothing is said
    ],
)
def test_less_out_of_a_step_than_its_kind_gives_is_a_mark(
    step: str, out: float, marks: tuple[str, ...]
) -> None:
    story = Story()
    work = story.transform("coop", step, [("a", 100)], [("b", out)])
    assert marks_of(story, work) == marks


def test_a_harvest_and_amounts_untold_are_not_weighed() -> None:
    story = Story()
    untold = story.transform("coop", "grading", [("a", 100), ("b", None)], [("c", 1)])
    lost = story.transform("coop", "grading", [("a", 100)], [])
    assert marks_of(story, untold) == marks_of(story, lost) == ()


def test_half_a_percent_is_the_scale_and_not_a_contradiction() -> None:
    story = Story()
    mix = story.transform("coop", "mixing", [("a", 100)], [("c", 100.5)])
    assert marks_of(story, mix) == ()


def test_a_handover_that_one_side_declares_alone_says_which_side() -> None:
    story = Story()
    alone = story.ship("coop", "lot", 10, "shop")
    assert marks_of(story, alone) == ("only-sender",)
    story = Story()
    alone = story.receive("shop", "lot", 10)
    assert marks_of(story, alone) == ("only-receiver",)


def test_a_handover_both_sides_declare_is_not_marked() -> None:
    story = Story()
    sent = story.ship("coop", "lot", 10, "shop")
    got = story.receive("shop", "lot", 10)
    assert marks_of(story, sent) == marks_of(story, got) == ()


# -- corrections -----------------------------------------------------------------------------------


def test_a_correction_shows_the_present_value_and_keeps_the_old_one_reachable() -> None:
    story = Story()
    old = story.register("coop", "lot", 480)
    new = story.register("coop", "lot", 408)
    story.void(old, new)
    settled = settle(story.facts)
    assert settled.live == (new,)
    assert settled.corrected == (old,)
    assert settled.past_of == {new.statement: (old.statement,)}


def test_a_correction_of_a_correction_leads_to_the_last() -> None:
    story = Story()
    first, second, third = (story.register("coop", "lot", n) for n in (1, 2, 3))
    story.void(first, second)
    story.void(second, third)
    assert settle(story.facts).live == (third,)


def test_a_void_leaves_the_line_as_voided() -> None:
    story = Story()
    fact = story.register("coop", "lot", 480)
    story.void(fact)
    settled = settle(story.facts)
    assert settled.voided == (fact,)
    assert trace_journey("lot", story.facts).lines == (fact,)


def test_nobody_voids_what_another_signed() -> None:
    story = Story()
    fact = story.register("coop", "lot", 480)
    story.void(fact, issuer="rival")
    assert settle(story.facts).live == (fact,)


def test_an_error_declaration_from_elsewhere_finds_its_event_by_its_event_id() -> None:
    story = Story()
    fact = story.register("coop", "lot", 480)
    error = story.void(fact)
    story.facts[-1] = Fact(
        **{**{k: getattr(error, k) for k in Fact.__slots__ if k != "_of"}, "corrects": None}
    )
    assert settle(story.facts).voided == (fact,)


# -- gaps ------------------------------------------------------------------------------------------


def states(facts: list[Fact], *, grown: bool = True) -> dict[str, str]:
    return {gap.rule: gap.state for gap in find_gaps(facts, grown=grown)}


def test_the_four_silences_are_told_apart_and_grouped() -> None:
    story = Story()
    inputs = frozenset({"trace:inputs"})
    story.tell("coop", "spraying", Use("epc", "c"), members=inputs, withheld=inputs)
    story.sow("coop", "c", declared_none=frozenset({"irrigation"}))
    found = find_gaps(story.facts, grown=True)
    by_rule = {gap.rule: gap.state for gap in found}
    assert by_rule["pesticide"] == "private"
    assert by_rule["irrigation"] == "none"
    assert by_rule["fertiliser"] == "undeclared"
    assert [gap.state for gap in found] == sorted(
        (gap.state for gap in found),
        key=["undeclared", "private", "none", "not-applicable"].index,
    )
    assert Gap("seed", "not-applicable") in find_gaps([], grown=False)


def test_one_answer_in_the_open_is_an_answer_even_beside_a_private_one() -> None:
    story = Story()
    inputs = frozenset({"trace:inputs"})
    story.tell("coop", "fertilising", Use("epc", "c"), members=inputs, withheld=inputs)
    story.tell("coop", "fertilising", Use("epc", "c"), members=inputs)
    assert "fertiliser" not in states(story.facts)


def test_a_fertilising_that_names_nothing_does_not_answer_what_was_used() -> None:
    story = Story()
    story.tell("coop", "fertilising", Use("epc", "c"))
    assert states(story.facts)["fertiliser"] == "undeclared"


def test_a_registered_lot_that_shows_its_harvest_date_does_not_keep_silent_about_it() -> None:
    date = frozenset({"ilmd/cbvmda:harvestStartDate"})
    story = Story()
    story.register("farmer", "lot", 10, members=date)
    assert "harvest" not in states(story.facts)
    hidden = Story()
    hidden.register("farmer", "lot", 10, members=date, withheld=date)
    assert states(hidden.facts)["harvest"] == "private"


# -- mixes -----------------------------------------------------------------------------------------


def test_a_mix_counts_its_growing_places_and_the_days_of_harvest() -> None:
    story = Story()
    for number in range(5):
        story.harvest("coop", f"cycle {number}", f"lot {number}", 10)
        story.wait(0.5)
    story.transform("coop", "mixing", [(f"lot {n}", 10) for n in range(5)], [("mix", 50)])
    journey = trace_journey("mix", story.facts)
    sources = find_sources(story.facts, ("mix", *journey.ancestors))
    assert len(sources) == 5
    assert gathered_between(sources) == (date(2026, 11, 1), date(2026, 11, 3))
    assert coverage(sources, {"cycle 0": True, "cycle 3": True, "cycle 4": False}) == (2, 5)


def test_goods_registered_without_a_cycle_are_an_origin_themselves() -> None:
    story = Story()
    story.register("farmer", "lot", 10)
    sources = find_sources(story.facts, ("lot",))
    assert [source.thing for source in sources] == ["lot"]
    assert gathered_between(sources) is None, "a day of registration is not a day of harvest"
    assert gathered_between([]) is None


# -- who may speak ---------------------------------------------------------------------------------

OWNERS = Standing(owners={"lot": "coop", "cycle": "coop"}, lot_of={})


def heard_steps(story: Story, standing: Standing = OWNERS) -> list[str]:
    return [fact.step for fact in heard(story.facts, standing)]


def test_a_stranger_puts_no_words_on_the_page() -> None:
    story = Story()
    story.register("coop", "lot", 10)
    story.tell("rival", "inspecting", Use("epc", "lot"))
    story.ship("rival", "lot", 1, "shop")
    assert heard_steps(story) == ["creating_class_instance"]


def test_whom_the_holder_named_may_speak_and_so_may_whom_he_names() -> None:
    story = Story()
    story.register("coop", "lot", 10)
    story.ship("coop", "lot", 10, "market")
    story.receive("market", "lot", 10)
    story.ship("market", "lot", 10, "shop")
    story.tell("shop", "stocking", kg("epc", "lot", 10))
    assert heard_steps(story)[-1] == "stocking"


def test_saying_one_received_what_was_sent_to_another_makes_nobody_a_holder() -> None:
    story = Story()
    story.register("coop", "lot", 10)
    story.ship("coop", "lot", 10, "market")
    story.receive("rival", "lot", 10)
    story.tell("rival", "stocking", kg("epc", "lot", 10))
    journey = trace_journey("lot", heard(story.facts, OWNERS))
    assert [fact.issuer for fact in journey.lines] == ["coop", "coop"]


def test_what_was_sent_without_a_name_belongs_to_whoever_received_it() -> None:
    story = Story()
    story.register("coop", "lot", 10)
    story.ship("coop", "lot", 10)
    story.receive("shop", "lot", 10)
    assert heard_steps(story)[-1] == "receiving"


def test_the_carrier_of_a_box_speaks_for_what_lies_in_it() -> None:
    story = Story()
    story.register("coop", "lot", 10)
    story.pack("coop", "box", ("lot", 10))
    story.ship("coop", "box", None, "carrier")
    story.tell("carrier", "transporting", Use("epc", "lot"))
    assert heard_steps(story)[-1] == "transporting"


def test_nobody_else_makes_a_lot_out_of_poison() -> None:
    story = Story()
    story.register("coop", "lot", 10)
    story.transform("rival", "mixing", [("poison", 1)], [("lot", 1)])
    journey = trace_journey("lot", heard(story.facts, OWNERS))
    assert journey.ancestors == ()


def test_naming_a_lot_as_ingredient_is_told_on_ones_own_page_only() -> None:
    story = Story()
    story.register("coop", "lot", 10)
    story.transform("kitchen", "processing", [("lot", 1)], [("soup", 1)])
    facts = heard(story.facts, OWNERS)
    assert [f.step for f in trace_journey("lot", facts).lines] == ["creating_class_instance"]
    assert trace_journey("soup", facts).ancestors == ("lot",)


def test_a_receipt_nobody_confirmed_is_told_by_what_was_made_of_it() -> None:
    story = Story()
    story.register("coop", "lot", 10)
    story.receive("kitchen", "lot", 10)
    story.transform("kitchen", "processing", [("lot", 10)], [("soup", 10)])
    facts = heard(story.facts, OWNERS)
    assert "receiving" not in [f.step for f in trace_journey("lot", facts).lines]
    assert "receiving" in [f.step for f in trace_journey("soup", facts).lines]


def test_notices_come_from_the_creator_or_an_authority_alone() -> None:
    story = Story()
    story.register("coop", "lot", 10)
    story.ship("coop", "lot", 10, "shop")
    for issuer in ("shop", "rival", "coop", "city"):
        story.tell(issuer, "recalling", Use("epc", "lot"), notice="recall")
    standing = Standing(owners={"lot": "coop"}, lot_of={}, authorities={"city"})
    recalls = [f.issuer for f in heard(story.facts, standing) if f.notice]
    assert recalls == ["coop", "city"]


def test_a_laboratory_states_what_it_found_and_nothing_else() -> None:
    story = Story()
    story.register("coop", "lot", 10)
    story.tell("lab", "inspecting", Use("epc", "lot"))
    story.tell("lab", "retail_selling", Use("epc", "lot"))
    standing = Standing(owners={"lot": "coop"}, lot_of={}, accredited={"lab"})
    assert heard_steps(story, standing) == ["creating_class_instance", "inspecting"]


def test_without_a_registered_owner_the_first_in_the_log_is_the_creator() -> None:
    story = Story()
    story.register("coop", "lot", 10, at=START + timedelta(days=3))
    story.register("rival", "lot", 10, at=START)
    assert [f.issuer for f in heard(story.facts, Standing({}, {}))] == ["coop"]


@given(st.permutations(range(6)))
def test_who_is_heard_does_not_depend_on_arrival(order: list[int]) -> None:
    story = Story()
    story.register("coop", "lot", 10)
    story.ship("coop", "lot", 10, "market")
    story.receive("market", "lot", 10)
    story.ship("market", "lot", 10)
    story.receive("shop", "lot", 10)
    story.tell("rival", "stocking", kg("epc", "lot"))
    shuffled = [story.facts[n] for n in order]
    assert heard(shuffled, OWNERS) == heard(story.facts, OWNERS)
    chance = random.Random(repr(order))
    assert find_marks(chance.sample(shuffled, 6)) == find_marks(story.facts)

"""Nobody talks themselves onto another's page (formats, section 7)."""

from __future__ import annotations

from tests.unit.history.stories import Story, kg
from trace.core.history import Fact, Standing, Use
from trace.core.history.speakers import heard, holders


def speakers(story: Story, thing: str, standing: Standing | None = None) -> list[tuple[str, str]]:
    """Who is heard on the page of a thing, and with which step."""
    told: list[Fact] = heard(story.facts, standing or Standing({}, {}))
    return [(fact.issuer, fact.step) for fact in told if thing in fact.things()]


def test_who_says_he_packed_anothers_lot_into_his_own_crate_holds_nothing() -> None:
    story = Story()
    story.register("farm", "lot", 100)
    story.pack("stranger", "his crate", ("lot", 5))
    story.ship("stranger", "his crate", None, "stranger")
    story.receive("stranger", "his crate")
    story.tell("stranger", "storing", kg("epc", "lot", None))
    assert speakers(story, "lot") == [("farm", "creating_class_instance")]


def test_nor_who_says_it_of_anothers_crate() -> None:
    story = Story()
    story.register("farm", "lot", 100)
    story.pack("farm", "crate", ("lot", 100))
    story.pack("stranger", "crate", ("junk", 5))
    story.tell("stranger", "storing", Use("epc", "crate"))
    assert speakers(story, "crate") == [("farm", "packing")]


def test_what_really_lay_in_a_crate_that_was_handed_over_goes_along_with_it() -> None:
    story = Story()
    story.register("farm", "lot", 100)
    story.pack("farm", "crate", ("lot", 100))
    story.ship("farm", "crate", None, "shop")
    story.receive("shop", "crate")
    story.pack("shop", "trolley", ("lot", 100))
    story.ship("shop", "trolley", None, "stall")
    story.receive("stall", "trolley")
    story.tell("stall", "storing", kg("epc", "lot", None))
    assert [who for who, _ in speakers(story, "lot")] == ["farm", "farm", "shop", "stall"]


def test_a_stranger_cannot_unpack_what_is_not_his_to_keep_its_receiver_silent() -> None:
    story = Story()
    story.register("farm", "lot", 100)
    story.pack("farm", "crate", ("lot", 100))
    story.pack("stranger", "crate", ("lot", 100), action="DELETE")
    story.ship("farm", "crate", None, "shop")
    story.receive("shop", "crate")
    story.tell("shop", "storing", kg("epc", "lot", None))
    assert ("shop", "storing") in speakers(story, "lot")
    assert "stranger" not in {who for who, _ in speakers(story, "lot")}


def test_a_successor_is_heard_from_the_acceptance_on_and_about_what_was_handed_on_only() -> None:
    story = Story()
    story.register("farm", "lot", 100)
    story.register("farm", "other", 100)
    story.tell("heir", "recalling", kg("epc", "lot", None), notice="recall")
    accepted = story.tell("heir", "taking_over", kg("epc", "the farm itself", None)).index
    story.tell("heir", "recalling", kg("epc", "lot", None), notice="recall")
    story.tell("heir", "storing", kg("epc", "other", None))
    story.tell("stranger", "recalling", kg("epc", "lot", None), notice="recall")
    standing = Standing({}, {}, successors={"lot": {"heir": accepted or 0}})
    farm = ("farm", "creating_class_instance")
    assert speakers(story, "lot", standing) == [farm, ("heir", "recalling")]
    assert speakers(story, "other", standing) == [farm]


def test_holders_are_the_maker_and_whom_who_had_it_gave_it_to() -> None:
    story = Story()
    story.register("farm", "lot", 100)
    story.ship("farm", "lot", 50, "shop")
    story.ship("farm", "lot", 50)
    story.receive("finder", "lot", 50)
    story.ship("accomplice", "lot", 5, "stranger")
    story.receive("stranger", "lot", 5)
    held = holders(story.facts, Standing({}, {}))
    assert held["lot"] == {"farm", "shop", "finder", "stranger"}
    named = [fact for fact in story.facts if fact.destinations or fact.step != "shipping"]
    assert holders(named, Standing({}, {}))["lot"] == {"farm", "shop"}

"""Findings of step 9: late records, harvests too early after spraying, more out than in."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.golden.checks import check, story_event
from tests.golden.story import Story, event_of, quantity, tell_story
from tests.golden.world import uuid4
from trace.core.history import LATE_AFTER
from trace.core.verify import INTERVAL_SHORT, MORE_OUT_THAN_IN, Report
from trace.core.verify.telling import report_json

pytestmark = pytest.mark.unit


@pytest.fixture
def story() -> Story:
    return tell_story()


PACKED = "https://id.gs1.org/01/09521234543213/10/RM2211"


def spray(story: Story, day: str, *inputs: dict[str, Any]) -> int:
    """The co-operative sprays the cycle that is harvested on 21 November; the entry's index."""
    event = event_of(
        "ObjectEvent",
        "trace:spraying",
        f"{day}T07:00",
        eventID=uuid4(story.world.random),
        action="OBSERVE",
        quantityList=[quantity(story.cycle, 2.5)],
        **({"trace:inputs": list(inputs)} if inputs else {}),
    )
    return story.world.record(story.coop, event).index


def used(days: int | None, name: str = "Abamectin") -> dict[str, Any]:
    asked = {} if days is None else {"intervalDays": days}
    return {"name": name, "amount": 1, "unit": "LTR", **asked}


def found(report: Report, code: str) -> list[tuple[int | None, str]]:
    return [(one.index, one.detail) for one in report.findings if one.code == code]


def test_a_harvest_before_the_labels_interval_is_over_is_found(story: Story) -> None:
    spray(story, "2026-11-18", used(7))
    report = check(story, story.bundle())
    assert found(report, INTERVAL_SHORT) == [
        (story.harvested.index, "harvested 3 days after Abamectin, whose label asks 7")
    ]
    assert report_json(report)["interval"] == {
        "state": "short",
        "days": 3,
        "required": 7,
        "product": "Abamectin",
    }


def test_an_interval_that_was_kept_is_told_with_its_days(story: Story) -> None:
    spray(story, "2026-11-11", used(7))
    report = check(story, story.bundle())
    assert not found(report, INTERVAL_SHORT)
    assert (report.interval.state, report.interval.days, report.interval.required) == (
        "kept",
        10,
        7,
    )


def test_a_spraying_that_is_corrected_counts_no_more(story: Story) -> None:
    spray(story, "2026-11-18", used(7))
    assert found(check(story, story.bundle()), INTERVAL_SHORT)
    void = event_of(
        "ObjectEvent",
        "trace:spraying",
        "2026-11-18T07:00",
        eventID=uuid4(story.world.random),
        action="OBSERVE",
        quantityList=[quantity(story.cycle, 2.5)],
        errorDeclaration={"declarationTime": "2026-11-22T09:00:00.000+07:00"},
        **{"trace:corrects": check(story, story.bundle()).statements[-1].statement_id},
    )
    story.world.record(story.coop, void)
    assert not found(check(story, story.bundle()), INTERVAL_SHORT)


@pytest.mark.parametrize(
    ("inputs", "state"),
    [((), "undeclared"), ((used(None),), "undeclared"), ((used(7), used(14)), "short")],
)
def test_the_worst_word_speaks_for_all(
    story: Story, inputs: tuple[dict[str, Any], ...], state: str
) -> None:
    spray(story, "2026-11-11", *inputs)
    assert check(story, story.bundle()).interval.state == state


def test_what_was_sprayed_may_be_withheld_and_then_nothing_is_concluded(story: Story) -> None:
    index = spray(story, "2026-11-18", used(7))
    data = story.bundle(withhold={index: ["trace:inputs"]})
    report = check(story, data)
    assert report.interval.state == "private"
    assert not found(report, INTERVAL_SHORT)


def test_a_hidden_statement_of_the_field_leaves_no_word_that_the_interval_was_kept(
    story: Story,
) -> None:
    spray(story, "2026-11-11", used(7))
    second = spray(story, "2026-11-20", used(7))
    assert check(story, story.bundle()).interval.state == "short"
    assert check(story, story.bundle(hide=[second])).interval.state == "private"


@pytest.mark.parametrize(("kilos", "more"), [(118.5, False), (119, False), (125, True)])
def test_more_out_than_in_is_found_beyond_what_scales_differ_by(kilos: float, more: bool) -> None:
    story = tell_story(packing={"outputQuantityList": [quantity(PACKED, kilos)]})
    report = check(story, story.bundle())
    marked = [index for index, _ in found(report, MORE_OUT_THAN_IN)]
    assert (story.packing.index in marked) == more


def test_no_balance_is_drawn_over_withheld_amounts() -> None:
    heavy = {"outputQuantityList": [quantity(PACKED, 125)]}
    story = tell_story(packing=heavy)
    assert found(check(story, story.bundle()), MORE_OUT_THAN_IN)
    hidden = story.bundle(withhold={story.harvested.index: ["outputQuantityList"]})
    assert not found(check(story, hidden), MORE_OUT_THAN_IN)
    assert not found(check(story, story.bundle(hide=[story.harvested.index])), MORE_OUT_THAN_IN)


@pytest.mark.parametrize(("delay", "late"), [(timedelta(), False), (timedelta(hours=1), True)])
def test_late_is_what_pages_call_late(story: Story, delay: timedelta, late: bool) -> None:
    tick = timedelta(seconds=1, milliseconds=1)  # until the log gives its time
    happened = story.world.now + tick - LATE_AFTER - delay
    told = story_event(story)
    told["eventTime"] = happened.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    index = story.world.record(story.packer, told).index
    expected = [(index, f"{LATE_AFTER.days} days")] if late else []
    assert found(check(story, story.bundle()), "recorded-late") == expected


def test_goods_of_which_some_come_from_nowhere_are_not_called_kept(story: Story) -> None:
    spray(story, "2026-11-11", used(7))
    assert check(story, story.bundle()).interval.state == "kept"
    bought = f"https://trace.example/b/{story.world.code()}"
    arrived = event_of(
        "ObjectEvent",
        "receiving",
        "2026-11-21T09:00",
        eventID=uuid4(story.world.random),
        action="ADD",
        quantityList=[quantity(bought, 20)],
    )
    story.world.record(story.packer, arrived)
    mixed = event_of(
        "TransformationEvent",
        "trace:mixing",
        "2026-11-21T15:00",
        eventID=uuid4(story.world.random),
        inputQuantityList=[quantity(bought, 20)],
        outputQuantityList=[quantity(story.packed, 20)],
    )
    story.world.record(story.packer, mixed)
    story.beside.append(bought)
    assert check(story, story.bundle()).interval.state == "undeclared"

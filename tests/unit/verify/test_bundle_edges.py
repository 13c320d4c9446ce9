"""Rarer bundles: overflowing links, receipt keys that ended, foreign things, odd times."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.golden.checks import changed, check, refused, story_event
from tests.golden.story import Story, event_of, quantity, tell_story
from tests.golden.world import ID_BASE, uuid4
from trace.core import tlog
from trace.core.statements import (
    LinksEntry,
    event_entry,
    links_entry,
    parse_entry,
    statement_hash,
    use_identity,
)
from trace.core.verify import RECALL_UNKNOWN, RECORDED_LATE


@pytest.fixture
def story() -> Story:
    return tell_story()


def mixed(story: Story, lots: int, **members: Any) -> dict[str, Any]:
    """Very many lots shipped at once, the packed one among them."""
    others = [quantity(f"{ID_BASE}/b/{story.world.code()}", 1) for _ in range(lots)]
    return event_of(
        "ObjectEvent",
        "shipping",
        "2026-11-22T09:30",
        eventID=uuid4(story.world.random),
        action="OBSERVE",
        quantityList=[*others, quantity(story.packed, 1)],
        **members,
    )


def test_a_statement_about_thousands_of_lots_links_them_all_and_verifies(story: Story) -> None:
    recorded = story.world.record(story.packer, mixed(story, 2_500))
    follower = parse_entry(story.world.entries[recorded.index + 1])
    assert isinstance(follower, LinksEntry)
    links = range(recorded.index + 1, len(story.world.entries))
    report = check(story, story.bundle(more=[recorded.index, *links]))
    assert recorded.index in [s.index for s in report.statements]


def test_further_links_apart_from_their_entry_are_refused(story: Story) -> None:
    world = story.world
    stray = world.append(links_entry(world.tick(), story.packing.h, [world.link("other")]))
    refused(story, story.bundle(more=[stray]), "not-this-entry", 5)


def test_the_same_link_in_two_entries_is_a_gap(story: Story) -> None:
    world = story.world
    first = parse_entry(world.entries[story.packing.index])
    signed = world.sign(story.packer, story_event(story))
    link = world.link(story.packed)
    world.link(use_identity(story.packer.did))
    again = [link, first.links[0]]  # type: ignore[union-attr]  # an event entry, see above
    index = world.append(event_entry(world.tick(), statement_hash(signed.jwt), again))
    refused(story, story.bundle(more=[index]), "chain-gap", 8)


def test_a_receipt_by_a_receipt_key_that_ended_is_refused(story: Story) -> None:
    world = story.world
    record = world.key_record(world.platform, "recover", "receipt-2")
    signers = [
        world.root_signer,
        (story.coop.kid("k1"), story.coop.keys["k1"]),
        (world.platform.kid("receipt-2"), world.platform.keys["receipt-2"]),
    ]
    world.log_key_record(world.platform, record, signers)
    inspectors = frozenset({story.coop.did})
    refused(story, story.bundle(), "key-not-valid-then", 8, inspectors=inspectors)

    def change(bundle: Any) -> None:
        text = bundle["receipt"].partition("\n\n")[0] + "\n"
        name = world.platform.kid("receipt-2")
        signer = tlog.Signer(name, world.platform.keys["receipt-2"])
        stranger = tlog.Signer("no-kid.example", world.log_key.key)
        bundle["receipt"] = tlog.sign_note(text, [stranger, signer])

    report = check(story, changed(story.bundle(), change), inspectors=inspectors)
    assert report.recall == "none-shown"


def test_a_receipt_changed_after_signing_is_refused(story: Story) -> None:
    def change(bundle: Any) -> None:
        bundle["receipt"] = bundle["receipt"].replace("03:00:09.009Z", "03:00:08.009Z")

    refused(story, changed(story.bundle(), change), "bad-signature", 8)


def test_a_first_key_signed_by_somebody_elses_root_brings_no_key(story: Story) -> None:
    other = tell_story().world.log_key.key.public
    refused(story, story.bundle(), "bad-key-entry", 3, root=other)


def test_a_things_unit_or_foreign_uri_without_its_lot_leaves_recall_unknown(story: Story) -> None:
    for uri in (
        "https://id.gs1.org/01/09521234543213/21/S1",
        "urn:foreign:lot:7",
        "https://id.gs1.org/01/09521234543214/10/wrong-check-digit",
    ):
        event = event_of(
            "TransformationEvent",
            "trace:mixing",
            "2026-11-22T09:40",
            eventID=uuid4(story.world.random),
            inputEPCList=[uri],
            outputQuantityList=[quantity(story.packed, 5)],
        )
        known = [story.packed]
        story.world.log(story.packer, event, story.world.sign(story.packer, event), chains=known)
        report = check(story, story.bundle())
        assert report.recall == "unknown"
        assert RECALL_UNKNOWN in [finding.code for finding in report.findings]


@pytest.mark.parametrize("moment", ["yesterday", "2026-11-22T10:00:00", ""])
def test_an_event_time_that_is_none_is_told_and_refuses_nothing(story: Story, moment: str) -> None:
    recorded = story.world.record(story.packer, {**story_event(story), "eventTime": moment})
    report = check(story, story.bundle())
    assert [(f.code, f.index) for f in report.findings] == [(RECORDED_LATE, recorded.index)]


@pytest.mark.parametrize("notice", ["recall", {"kind": "recall"}, {"kind": "recall", "ends": 5}])
def test_a_notice_is_read_in_every_shape_it_may_have(story: Story, notice: Any) -> None:
    story.world.record(story.packer, story_event(story, **{"trace:notice": notice}))
    assert check(story, story.bundle()).recall == "recalled"


def test_a_notice_of_an_unknown_kind_counts_as_a_hold(story: Story) -> None:
    story.world.record(story.packer, story_event(story, **{"trace:notice": {"kind": "doubt"}}))
    assert check(story, story.bundle()).recall == "hold"


def test_outputs_that_are_withheld_still_carry_a_recall_to_what_they_link(story: Story) -> None:
    event = event_of(
        "ObjectEvent",
        "trace:recalling",
        "2026-11-22T09:59",
        eventID=uuid4(story.world.random),
        action="OBSERVE",
        quantityList=[quantity(story.lot, 1)],
        **{"trace:notice": {"kind": "recall"}},
    )
    story.world.record(story.coop, event)
    withhold = {story.packing.index: ["outputQuantityList"]}
    assert check(story, story.bundle(withhold=withhold)).recall == "recalled"


def test_a_report_names_nothing_that_was_withheld(story: Story) -> None:
    withhold = {story.harvested.index: ["trace:performedBy", "trace:note"]}
    report = check(story, story.bundle(withhold=withhold))
    shown = next(s for s in report.statements if s.index == story.harvested.index)
    assert set(shown.withheld) == {"trace:performedBy", "trace:note"}
    assert "Cắt lứa hai" not in json.dumps(shown.event, ensure_ascii=False)

"""What an operator might try: other checkpoints, gaps in chains, a story that hides a recall."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from tests.golden.checks import changed, check, recall, refused, sdjwt_of, story_event
from tests.golden.story import Story, event_of, quantity, tell_story
from tests.golden.world import ID_BASE, ORIGIN, World, private_key
from trace.core import tlog
from trace.core.signing import TrustError, b64url
from trace.core.statements import (
    Since,
    event_entry,
    present,
    statement_hash,
    tag,
    use_identity,
)
from trace.core.verify import WITHHELD, Policy, verify_bundle


@pytest.fixture
def story() -> Story:
    return tell_story()


# -- step 7 ----------------------------------------------------------------------------------------


def test_a_checkpoint_by_another_key_is_refused(story: Story) -> None:
    policy = Policy(
        log=tlog.Verifier(ORIGIN, private_key("another log").public),
        root=story.world.root.public,
        platform=story.world.platform.did,
    )
    with pytest.raises(TrustError) as caught:
        verify_bundle(story.bundle(), policy, story.world.now)
    assert (caught.value.code, caught.value.step) == ("not-witnessed", 7)


def test_a_bundle_without_the_witnesses_that_the_policy_asks_for_is_refused(story: Story) -> None:
    witnesses = (story.world.witness.verifier,)
    refused(story, story.bundle(), "not-witnessed", 7, witnesses=witnesses, quorum=1)
    report = check(story, story.bundle(witnessed=True), witnesses=witnesses, quorum=1)
    assert report.witnesses == (story.world.witness.name,)
    assert report.witnessed == story.world.now.replace(microsecond=0)


def test_the_operator_counts_zero_as_a_witness_of_its_own_log(story: Story) -> None:
    own = tlog.Cosigner("friendly.example/w", story.world.log_key.key)
    world = story.world

    def change(bundle: Any) -> None:
        bundle["checkpoint"] += own.line(world.checkpoint.text, world.now)

    data = changed(story.bundle(), change)
    refused(story, data, "not-witnessed", 7, witnesses=(own.verifier,), quorum=1)


def test_one_witness_under_two_names_counts_once(story: Story) -> None:
    world = story.world
    twin = tlog.Cosigner("witness.example/w2", world.witness.key)

    def change(bundle: Any) -> None:
        bundle["checkpoint"] += twin.line(world.checkpoint.text, world.now)

    data = changed(story.bundle(witnessed=True), change)
    both = (world.witness.verifier, twin.verifier)
    check(story, data, witnesses=both, quorum=1)
    refused(story, data, "not-witnessed", 7, witnesses=both, quorum=2)


def test_a_checkpoint_that_no_witness_saw_lately_is_stale(story: Story) -> None:
    world = story.world
    data = story.bundle(witnessed=True)
    policy = world.policy(
        witnesses=(world.witness.verifier,), quorum=1, max_age=timedelta(hours=12)
    )
    verify_bundle(data, policy, world.now + timedelta(hours=11))
    with pytest.raises(TrustError) as caught:
        verify_bundle(data, policy, world.now + timedelta(hours=13))
    assert (caught.value.code, caught.value.step) == ("stale", 7)


def test_a_cosignature_from_the_future_is_refused(story: Story) -> None:
    world = story.world
    policy = world.policy(witnesses=(world.witness.verifier,), quorum=1)
    with pytest.raises(TrustError) as caught:
        verify_bundle(story.bundle(witnessed=True), policy, world.now - timedelta(days=1))
    assert (caught.value.code, caught.value.step) == ("not-witnessed", 7)


def test_an_older_checkpoint_of_a_rewritten_log_is_not_consistent(story: Story) -> None:
    other = tell_story(packing={"trace:note": "another history"}).world
    note = other.signed_checkpoint(witnessed=True)
    size = len(other.entries)
    story.world.record(story.packer, story_event(story))
    proof = tlog.consistency_proof(size, len(story.world.entries), story.world.tiles)
    refused(story, story.bundle(since=Since(note, tuple(proof))), "not-consistent", 7)


def test_an_older_checkpoint_that_lacks_the_newest_entry_dates_nothing(story: Story) -> None:
    world = story.world
    note, size = world.signed_checkpoint(witnessed=True), len(world.entries)
    world.record(story.packer, story_event(story))
    proof = tlog.consistency_proof(size, len(world.entries), world.tiles)
    refused(story, story.bundle(since=Since(note, tuple(proof))), "not-in-log", 7)


# -- step 8 ----------------------------------------------------------------------------------------


def test_a_receipt_for_an_older_checkpoint_is_refused(story: Story) -> None:
    """The operator shows today's log with a receipt from before the recall."""
    older = json.loads(story.bundle())["receipt"]
    recall(story)
    data = changed(story.bundle(), lambda bundle: bundle.update(receipt=older))
    refused(story, data, "receipt-older", 8)


def test_a_recall_left_out_of_the_bundle_is_a_gap(story: Story) -> None:
    recalled = recall(story)

    def change(bundle: Any) -> None:
        bundle["statements"] = [s for s in bundle["statements"] if s["index"] != recalled.index]

    refused(story, changed(story.bundle(), change), "chain-gap", 8)


def test_a_link_left_out_in_the_middle_of_a_chain_is_a_gap(story: Story) -> None:
    recall(story)

    def change(bundle: Any) -> None:
        bundle["statements"] = [
            s for s in bundle["statements"] if s["index"] != story.packing.index
        ]

    refused(story, changed(story.bundle(), change), "chain-gap", 8)


def test_a_chain_that_skips_a_number_is_a_gap(story: Story) -> None:
    story.world.chains[story.packed].places.append(story.shipped.index)  # n moves on, unlogged
    story.world.record(story.packer, story_event(story))
    refused(story, story.bundle(), "chain-gap", 8)


def test_a_chain_that_does_not_rise_is_a_gap(story: Story) -> None:
    world = story.world
    chain = world.chains[story.packed]
    later = tag(chain.salt, story.packed, 3)
    sooner = tag(chain.salt, story.packed, 2)
    for link in (later, sooner):
        event = story_event(story)
        signed = world.sign(story.packer, event)
        use = world.link(use_identity(story.packer.did))
        index = world.append(event_entry(world.tick(), statement_hash(signed.jwt), [link, use]))
        chain.places.append(index)
    chain.places[-2:] = chain.places[:-3:-1]  # the receipt names the head as the tags have it
    refused(story, story.bundle(), "chain-gap", 8)


def test_a_statement_linked_to_another_lot_is_about_the_wrong_thing(story: Story) -> None:
    """A clean inspection of one lot is logged on the chain of another."""
    event = story_event(story)
    signed = story.world.sign(story.packer, event)
    recorded = story.world.log(story.packer, event, signed, chains=[story.lot])
    assert recorded.index
    refused(story, story.bundle(), "wrong-thing", 8)


def test_an_ancestor_that_is_named_without_its_chain_is_a_gap(story: Story) -> None:
    data = story.world.bundle(story.packed, [story.packed])
    refused(story, data, "chain-gap", 8)


def test_a_subject_without_its_chain_is_a_gap(story: Story) -> None:
    data = changed(story.bundle(), lambda b: b.update(subject=f"{ID_BASE}/b/{story.world.code()}"))
    refused(story, data, "chain-gap", 8)


def test_a_wrong_salt_finds_no_chain(story: Story) -> None:
    def change(bundle: Any) -> None:
        chain = next(c for c in bundle["chains"] if c["identity"] == story.packed)
        chain["salt"] = b64url(bytes(32))

    refused(story, changed(story.bundle(), change), "chain-gap", 8)


def test_a_receipt_by_a_key_that_is_no_receipt_key_is_refused(story: Story) -> None:
    world = story.world
    things = [*story.things]

    def change(bundle: Any) -> None:
        world.platform.keys["k1"] = private_key("not a receipt key")
        bundle["receipt"] = world.receipt(
            [*things, *(c for c in world.chains if c.endswith("#keyring"))], key="k1"
        )

    refused(story, changed(story.bundle(), change), "unknown-key", 8)


def test_a_receipt_by_an_organisation_of_its_own_is_refused(story: Story) -> None:
    world = story.world
    world.next_key(story.packer, "add", "receipt-9", "k1")

    def change(bundle: Any) -> None:
        note = bundle["receipt"]
        text = note.partition("\n\n")[0] + "\n"
        signer = tlog.Signer(story.packer.kid("receipt-9"), story.packer.keys["receipt-9"])
        bundle["receipt"] = tlog.sign_note(text, [signer])

    refused(story, changed(story.bundle(), change), "unknown-key", 8)


# -- step 9 ----------------------------------------------------------------------------------------


def test_a_recall_of_the_harvest_reaches_the_packed_lot(story: Story) -> None:
    recalled = recall(story)
    report = check(story, story.bundle())
    assert report.recall == "recalled"
    statement = next(s for s in report.statements if s.index == recalled.index)
    assert report.notices == (statement.statement_id,)


def test_a_recall_stays_in_the_clear_whatever_is_withheld(story: Story) -> None:
    recalled = recall(story)
    every = {
        index: [d.path for d in recorded.statement.disclosures]
        for index, recorded in story.world.recorded.items()
    }
    keep = {
        index: [path for path in paths if not path.startswith(("input", "output", "quantity"))]
        for index, paths in every.items()
    }
    report = check(story, story.bundle(withhold=keep))
    assert report.recall == "recalled"
    report = check(story, story.bundle(withhold=every))
    assert report.recall == "unknown"
    told = next(s for s in report.statements if s.index == recalled.index)
    assert told.event["trace:notice"] == {"kind": "recall"}


def test_a_recall_withheld_as_a_whole_leaves_recall_unknown(story: Story) -> None:
    recalled = recall(story)
    report = check(story, story.bundle(hide=[recalled.index]))
    assert report.recall == "unknown"
    assert (WITHHELD, recalled.index) in [(f.code, f.index) for f in report.findings]


def test_an_undisclosed_parent_leaves_recall_unknown(story: Story) -> None:
    report = check(story, story.bundle(withhold={story.packing.index: ["inputQuantityList"]}))
    assert report.recall == "unknown"


def test_voiding_the_statement_does_not_lift_its_recall(story: Story) -> None:
    recalled = recall(story)
    target = check(story, story.bundle()).notices[0]
    void = event_of(
        "ObjectEvent",
        "trace:recalling",
        "2026-11-22T10:01",
        action="OBSERVE",
        quantityList=[quantity(story.lot, 120)],
        errorDeclaration={"declarationTime": "2026-11-22T10:01:00.000+07:00"},
        **{"trace:corrects": target},
    )
    story.world.record(story.coop, void)
    report = check(story, story.bundle())
    assert report.voided == {target}
    assert report.recall == "recalled"
    assert recalled.index in [s.index for s in report.statements]


def test_a_voided_transformation_still_carries_a_recall(story: Story) -> None:
    packed = next(
        s for s in check(story, story.bundle()).statements if s.issuer == story.packer.did
    )
    void = {
        **packed.event,
        "errorDeclaration": {"declarationTime": "2026-11-22T10:01:00.000+07:00"},
        "trace:corrects": packed.statement_id,
    }
    story.world.record(story.packer, void)
    recall(story)
    assert check(story, story.bundle()).recall == "recalled"


def test_a_release_by_the_issuer_ends_the_notice_it_names_and_no_other(story: Story) -> None:
    recall(story)
    first = check(story, story.bundle()).notices[0]
    recall(story, "hold")
    recall(story, "release", ends=[first])
    report = check(story, story.bundle())
    assert report.recall == "hold"
    assert first not in report.notices


def test_a_release_by_somebody_else_ends_nothing_unless_the_policy_names_them(
    story: Story,
) -> None:
    recall(story)
    first = check(story, story.bundle()).notices[0]
    notice = {"kind": "release", "ends": [first]}
    story.world.record(story.packer, story_event(story, **{"trace:notice": notice}))
    assert check(story, story.bundle()).recall == "recalled"
    authorities = frozenset({story.packer.did})
    assert check(story, story.bundle(), authorities=authorities).recall == "none-shown"


def test_a_record_made_long_after_the_fact_is_marked_and_not_refused(story: Story) -> None:
    late = {**story_event(story), "eventTime": "2026-11-01T10:00:00.000+07:00"}
    recorded = story.world.record(story.packer, late)
    report = check(story, story.bundle())
    assert [(f.code, f.index) for f in report.findings] == [("recorded-late", recorded.index)]


def test_statements_of_other_worlds_do_not_mix(story: Story) -> None:
    other = World()
    org = [other.organisation() for _ in range(3)][-1]
    other.first_key(org, "k1")
    event = story_event(story)
    foreign = other.sign(org, event)

    def change(bundle: Any) -> None:
        sdjwt_of(bundle, story.shipped.index)["sdjwt"] = present(foreign)

    refused(story, changed(story.bundle(), change), "unknown-key", 2)

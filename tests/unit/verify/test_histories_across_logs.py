"""A history that began in an older log: bundles of version 2, what they prove, what they refuse."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.golden.anew import ORIGIN_2, Anew, begin_anew
from tests.golden.checks import changed, recall
from tests.golden.story import event_of, quantity, tell_story
from tests.golden.world import ORIGIN, private_key, uuid4
from trace.core import tlog
from trace.core.signing import TrustError, b64url
from trace.core.statements import audit_entry, parse_bundle
from trace.core.verify import CHAIN_GAP, RECALL_UNKNOWN, Report, verify_bundle
from trace.core.verify.telling import report_json

pytestmark = pytest.mark.unit


@pytest.fixture(name="anew")
def _anew() -> Anew:
    return begin_anew()


def check(anew: Anew, data: bytes, **policy: Any) -> Report:
    return verify_bundle(data, anew.policy(**policy), anew.new.now)


def refused(anew: Anew, data: bytes, **policy: Any) -> tuple[str, int]:
    with pytest.raises(TrustError) as caught:
        check(anew, data, **policy)
    return caught.value.code, caught.value.step


def older(data: bytes, change: Callable[[Any], None]) -> bytes:
    return changed(data, lambda bundle: change(bundle["older"][0]))


def test_a_history_in_two_logs_is_proved_and_the_gap_is_shown(anew: Anew) -> None:
    report = check(anew, anew.bundle())
    assert [(one.log, one.index) for one in report.statements] == [
        *((ORIGIN, place) for place in sorted(anew.old.recorded)),
        (ORIGIN_2, anew.stored.index),
    ]
    gap = next(one for one in report.findings if one.code == CHAIN_GAP)
    assert (gap.index, gap.log) == (None, ORIGIN_2)
    assert f"{ORIGIN} ended at {len(anew.old.entries)} entries" in gap.detail
    assert "is in neither" in gap.detail
    assert report.recall == "none-shown"
    part = report_json(report)["older"][0]
    assert part == {
        "number": 1,
        "origin": ORIGIN,
        "size": len(anew.old.entries),
        "ended": len(anew.old.entries),
        "lost": False,
        "witnessed": None,
    }


def test_positions_rise_from_the_older_log_to_the_newer(anew: Anew) -> None:
    places = [one.place for one in check(anew, anew.bundle()).statements]
    assert places == sorted(places)
    assert len(set(places)) == len(places)


def test_a_policy_without_the_older_log_follows_nothing(anew: Anew) -> None:
    assert refused(anew, anew.bundle(), logs=()) == ("not-witnessed", 7)


def test_an_older_log_under_another_key_is_refused(anew: Anew) -> None:
    other = tlog.log_signer(ORIGIN, private_key("another")).verifier
    assert refused(anew, anew.bundle(), logs=(other,)) == ("not-witnessed", 7)


def test_witnesses_are_asked_for_on_the_older_log_too(anew: Anew) -> None:
    asked = {"witnesses": (anew.old.witness.verifier,), "quorum": 1}
    assert refused(anew, anew.bundle(), **asked) == ("not-witnessed", 7)
    good = check(anew, anew.bundle(witnessed=True), **asked)
    assert good.older[0].witnessed is not None
    bare = older(
        anew.bundle(witnessed=True), lambda log: log.update(checkpoint=anew.old.signed_checkpoint())
    )
    assert refused(anew, bare, **asked) == ("not-witnessed", 7)


def test_an_older_checkpoint_that_grew_into_the_last_one_needs_its_proof() -> None:
    story = tell_story()
    shown, size = story.world.signed_checkpoint(), len(story.world.entries)
    story.world.append(
        audit_entry(story.world.tick(), story.world.now.date(), 1, b64url(bytes(32)))
    )
    anew = begin_anew(story)
    proof = tuple(tlog.consistency_proof(size, size + 1, story.world.tiles))
    report = check(anew, anew.bundle(shown=shown, proof=proof))
    assert (report.older[0].size, report.older[0].ended) == (size, size + 1)
    assert not report.older[0].lost
    broken = older(
        anew.bundle(shown=shown, proof=proof),
        lambda log: log["proof"].__setitem__(0, b64url(bytes(32))),
    )
    assert refused(anew, broken) == ("not-consistent", 7)


def test_entries_lost_between_two_logs_leave_recalls_unknown() -> None:
    story = tell_story()
    shown, size = story.world.signed_checkpoint(), len(story.world.entries)
    story.world.append(
        audit_entry(story.world.tick(), story.world.now.date(), 1, b64url(bytes(32)))
    )
    anew = begin_anew(story)
    report = check(anew, anew.bundle(shown=shown, proof=None))
    assert report.older[0].lost
    assert report.recall == "unknown"
    told = {one.code: one.detail for one in report.findings}
    assert f"entries {size} to {size} of {ORIGIN} are lost" in told[CHAIN_GAP]
    assert ORIGIN in told[RECALL_UNKNOWN]


def test_an_older_checkpoint_beyond_the_last_one_is_another_history() -> None:
    story = tell_story()
    last = story.world.signed_checkpoint()
    story.world.append(
        audit_entry(story.world.tick(), story.world.now.date(), 1, b64url(bytes(32)))
    )
    anew = begin_anew(story, last)
    assert refused(anew, anew.bundle()) == ("not-consistent", 7)


def test_without_the_origin_entry_nothing_says_that_the_logs_belong_together(anew: Anew) -> None:
    def leave_out(bundle: Any) -> None:
        bundle["entries"] = [one for one in bundle["entries"] if one["index"] != 0]

    assert refused(anew, changed(anew.bundle(), leave_out)) == ("not-consistent", 7)


def test_a_recall_in_the_newer_log_cannot_be_cut_off(anew: Anew) -> None:
    """The older log's half would verify by itself: the head of the chain is in the newer one."""
    before = anew.bundle()
    event = event_of(
        "ObjectEvent",
        "trace:recalling",
        "2026-11-22T09:59",
        eventID=uuid4(anew.new.random),
        action="OBSERVE",
        quantityList=[quantity(anew.story.lot, 120)],
        **{"trace:notice": {"kind": "recall"}},
    )
    recalled = anew.new.record(anew.story.coop, event)
    after = anew.bundle()
    assert check(anew, after).recall == "recalled"

    def cut(bundle: Any) -> None:
        for part in ("statements", "entries"):
            bundle[part] = [one for one in bundle[part] if one["index"] != recalled.index]

    assert refused(anew, changed(after, cut)) == ("chain-gap", 8)
    earlier = json.loads(before)["receipt"]
    swapped = changed(changed(after, cut), lambda bundle: bundle.update(receipt=earlier))
    assert refused(anew, swapped) == ("receipt-older", 8)


def test_a_recall_in_the_older_log_reaches_what_was_made_of_it() -> None:
    story = tell_story()
    recall(story)
    anew = begin_anew(story)
    assert check(anew, anew.bundle()).recall == "recalled"


def test_a_receipt_that_speaks_of_one_log_only_does_not_do(anew: Anew) -> None:
    alone = anew.new.receipt([name for name in anew.new.chains if name.endswith("#keyring")])
    data = changed(anew.bundle(), lambda bundle: bundle.update(receipt=alone))
    assert refused(anew, data) == ("receipt-older", 8)


def test_keys_of_the_older_log_count_there_only(anew: Anew) -> None:
    """Each log has keyrings of its own: a key that the newer one lacks signs nothing in it."""
    anew.story.packer.keys["k9"] = private_key("only here")
    event = event_of(
        "ObjectEvent",
        "storing",
        "2026-11-22T09:40",
        eventID=uuid4(anew.new.random),
        action="OBSERVE",
        quantityList=[quantity(anew.story.packed, 1)],
    )
    anew.new.record(anew.story.packer, event, key="k9")
    assert refused(anew, anew.bundle()) == ("unknown-key", 2)


def test_a_statement_logged_in_both_counts_where_it_came_first(anew: Anew) -> None:
    shipped = anew.story.shipped
    chains = [anew.story.packed]
    anew.new.log(anew.story.packer, {}, shipped.statement, chains=chains)
    report = check(anew, anew.bundle())
    ids = [one.statement_id for one in report.statements]
    assert len(ids) == len(set(ids))
    assert [(one.code, one.log) for one in report.findings if one.code == "replayed"] == [
        ("replayed", ORIGIN_2)
    ]


def test_the_same_link_in_both_logs_is_a_gap(anew: Anew) -> None:
    """After a restored backup numbers are given twice; no reader can tell which one is meant."""
    chain = anew.new.chains[anew.story.packed]
    chain.places.pop()
    chain.places.pop()
    event = event_of(
        "ObjectEvent",
        "storing",
        "2026-11-22T09:50",
        eventID=uuid4(anew.new.random),
        action="OBSERVE",
        quantityList=[quantity(anew.story.packed, 1)],
    )
    anew.new.begun[anew.story.packed] = len(chain.places)
    anew.new.record(anew.story.packer, event)
    assert refused(anew, anew.bundle()) == ("chain-gap", 8)


FORMS: list[tuple[str, Callable[[Any], None]]] = [
    ("version 1 with older logs", lambda b: b.update(v=1)),
    ("version 2 without", lambda b: b.pop("older")),
    ("version 3", lambda b: b.update(v=3)),
    ("no older log", lambda b: b.update(older=[])),
    ("seventeen logs", lambda b: b.update(older=b["older"] * 17)),
    ("older is no list", lambda b: b.update(older={})),
    ("a member nobody knows", lambda b: b["older"][0].update(x=1)),
    ("a hash of 31 bytes", lambda b: b["older"][0].update(proof=[b64url(bytes(31))])),
    ("an index twice", lambda b: b["older"][0]["entries"].append(b["older"][0]["entries"][-1])),
]


@pytest.mark.parametrize(("name", "change"), FORMS)
def test_whatever_is_not_the_form_is_unreadable(
    anew: Anew, name: str, change: Callable[[Any], None]
) -> None:
    assert refused(anew, changed(anew.bundle(), change)) == ("unreadable", 1), name


def test_the_same_log_twice_is_refused(anew: Anew) -> None:
    data = changed(anew.bundle(), lambda bundle: bundle.update(older=bundle["older"] * 2))
    code, step = refused(anew, data)
    assert (code, step) in {("unreadable", 5), ("not-consistent", 7)}


def test_what_is_read_is_written_again_byte_for_byte(anew: Anew) -> None:
    data = anew.bundle()
    bundle = parse_bundle(data)
    assert bundle.older[0].proof == ()
    assert json.loads(data)["v"] == 2

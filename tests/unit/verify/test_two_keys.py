"""A log whose key is changed has two in a policy: either may have signed what is proved."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from tests.golden.story import Story, tell_story
from tests.golden.world import ORIGIN, private_key
from trace.core import tlog
from trace.core.signing import TrustError, b64url
from trace.core.statements import Since, audit_entry
from trace.core.verify import Policy, verify_bundle

pytestmark = pytest.mark.unit

NEXT = tlog.log_signer(ORIGIN, private_key("log, the next"))
STRANGER = tlog.log_signer(ORIGIN, private_key("log, a stranger's"))
ELSEWHERE = tlog.log_signer("other.example/log", private_key("another log"))


@dataclass
class Changed:
    """A story whose log was signed by its first key before, and by the next one now."""

    story: Story
    bundle: bytes
    before: tlog.Verifier

    def verify(self, policy: Policy) -> object:
        return verify_bundle(self.bundle, policy, self.story.world.now).since

    def refused(self, policy: Policy) -> tuple[str, int]:
        with pytest.raises(TrustError) as caught:
            self.verify(policy)
        return caught.value.code, caught.value.step


@pytest.fixture
def changed() -> Changed:
    story = tell_story()
    world, before = story.world, story.world.log_key.verifier
    older, size = world.signed_checkpoint(witnessed=True), len(world.entries)
    world.append(audit_entry(world.tick(), world.now.date(), 1, b64url(bytes(32))))
    proof = tlog.consistency_proof(size, len(world.entries), world.tiles)
    world.log_key = NEXT
    return Changed(story, story.bundle(since=Since(older, tuple(proof)), witnessed=True), before)


@pytest.mark.parametrize("first", ["before", "next"])
def test_a_policy_with_both_keys_takes_either_whichever_stands_first(
    changed: Changed, first: str
) -> None:
    keys = [changed.before, NEXT.verifier]
    if first == "next":
        keys.reverse()
    witness = (changed.story.world.witness.verifier,)
    policy = changed.story.world.policy(log=keys[0], logs=tuple(keys), witnesses=witness, quorum=1)
    assert changed.verify(policy) is not None


def test_since_by_a_key_that_no_policy_names_is_refused(changed: Changed) -> None:
    policy = changed.story.world.policy(log=NEXT.verifier, logs=(STRANGER.verifier,))
    assert changed.refused(policy) == ("not-witnessed", 7)


def test_a_checkpoint_by_a_key_that_is_known_no_more_is_refused(changed: Changed) -> None:
    policy = changed.story.world.policy(log=changed.before, logs=(ELSEWHERE.verifier,))
    assert changed.refused(policy) == ("not-witnessed", 7)


def test_another_logs_key_counts_for_that_log_only(changed: Changed) -> None:
    policy = changed.story.world.policy(log=ELSEWHERE.verifier, logs=(NEXT.verifier,))
    assert changed.refused(policy) == ("not-witnessed", 7)

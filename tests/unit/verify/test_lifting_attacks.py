"""Nothing lifts a recall that may not: the story that a verifier tells itself (formats §2, §7)."""

from __future__ import annotations

import pytest

from tests.golden.checks import check, recall
from tests.golden.story import Story, tell_story
from tests.support.lifting_attacks import (
    ATTACKS,
    declared,
    id_of,
    recalled_and_attacked,
    recalling,
    record,
    releasing,
)


@pytest.fixture
def story() -> Story:
    return tell_story()


@pytest.mark.parametrize("attack", ATTACKS)
def test_a_recall_is_not_lifted(story: Story, attack: str) -> None:
    recalled = recalled_and_attacked(story, attack)
    report = check(story, story.bundle())
    assert report.recall == "recalled"
    if attack != "released_before_it_was_given":
        assert id_of(recalled) in report.notices


def test_all_attacks_together_do_not_lift_it_either(story: Story) -> None:
    recalled = recalled_and_attacked(story)
    report = check(story, story.bundle())
    assert report.recall == "recalled"
    assert id_of(recalled) in report.notices


def test_a_release_of_another_in_the_log_beforehand_is_no_release(story: Story) -> None:
    recall(story)
    before = check(story, story.bundle()).notices
    ATTACKS["released_before_it_was_given"](story, recall(story))
    report = check(story, story.bundle(), authorities=frozenset({story.packer.did}))
    assert len(report.notices) == len(before) + 2


def test_only_its_own_issuer_voids_a_statement(story: Story) -> None:
    target = id_of(story.harvested)
    record(story, story.packer, declared(recalling(story), target))
    assert check(story, story.bundle()).voided == frozenset()
    record(story, story.coop, declared(recalling(story), target))
    assert check(story, story.bundle()).voided == {target}


def test_a_voided_recall_is_ended_by_one_release_of_the_recall(story: Story) -> None:
    recalled = recalled_and_attacked(story, "voided")
    record(story, story.coop, releasing(story, id_of(recalled)))
    report = check(story, story.bundle())
    assert (report.recall, report.notices) == ("none-shown", ())


def test_a_release_withdrawn_and_given_again_ends_the_recall(story: Story) -> None:
    recalled = recalled_and_attacked(story, "released_and_the_release_withdrawn")
    assert check(story, story.bundle()).recall == "recalled"
    record(story, story.coop, releasing(story, id_of(recalled)))
    assert check(story, story.bundle()).recall == "none-shown"


def test_an_authority_that_the_policy_does_not_name_releases_nothing(story: Story) -> None:
    recalled = recall(story)
    record(story, story.packer, releasing(story, id_of(recalled), thing=story.packed))
    strangers = frozenset({story.world.organisation().did})
    assert check(story, story.bundle(), authorities=strangers).recall == "recalled"
    named = frozenset({story.packer.did})
    assert check(story, story.bundle(), authorities=named).recall == "none-shown"

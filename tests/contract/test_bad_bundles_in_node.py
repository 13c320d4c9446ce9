"""Whatever is wrong with a bundle has a name on the phone too, and the same one."""

from __future__ import annotations

import shutil

import pytest

from tests.golden.anew import begin_anew
from tests.golden.story import tell_story
from tests.support.bad_bundles import BAD
from tests.support.node_verifier import asked, row, verdict
from tests.support.verify_cases import policy_text

pytestmark = pytest.mark.skipif(shutil.which("node") is None, reason="Node is not installed")


def test_the_phone_names_what_is_wrong() -> None:
    story = tell_story()
    good, policy = story.bundle(), policy_text(story)
    rows = [row(bad.change(good), policy, story.world.now) for bad in BAD.values()]
    wrong = {
        name: verdict(answer)
        for (name, bad), answer in zip(BAD.items(), asked(rows), strict=True)
        if verdict(answer) not in bad.refusals
    }
    assert wrong == {}


def test_a_history_in_two_logs_is_never_valid_on_a_phone_that_reads_one() -> None:
    anew = begin_anew()
    policy = policy_text(anew.story).replace(
        f"log {anew.old.log_key.verifier.vkey}",
        f"log {anew.new.log_key.verifier.vkey}\nlog {anew.old.log_key.verifier.vkey}",
    )
    (answer,) = asked([row(anew.bundle(), policy, anew.new.now)])
    assert answer["ok"] is not True
    assert answer["code"] == "several-logs"

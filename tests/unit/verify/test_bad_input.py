"""Whatever is wrong with a bundle has a name: the core and the program, with the same list."""

from __future__ import annotations

import io
import json
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.golden.anew import begin_anew
from tests.golden.story import tell_story
from tests.support.bad_bundles import BAD, BIG, Bad
from tests.support.verify_cases import policy_text
from trace.core.signing import TrustError
from trace.core.verify import verify_bundle
from trace.core.verify.program import main
from trace.core.verify.words import NOT_VALID

pytestmark = pytest.mark.unit

STORY = tell_story()
BUNDLE = STORY.bundle()
ANEW = begin_anew()
TWO_LOGS = ANEW.bundle()
# The contract's list; what is reported as a verdict is one of these.
CONTRACT = frozenset(
    {
        *("unreadable", "issuer-mismatch", "unknown-key", "bad-key-entry", "key-not-valid-then"),
        *("not-approved", "bad-signature", "disclosure-mismatch", "not-this-entry", "not-in-log"),
        *("not-consistent", "not-witnessed", "stale", "chain-gap", "wrong-thing", "receipt-older"),
        *("withheld", "erased", "replayed", "recorded-late", "recall-unknown"),
    }
)


@pytest.mark.parametrize("bad", [*BAD.values(), *BIG.values()], ids=[*BAD, *BIG])
def test_the_core_names_what_is_wrong(bad: Bad) -> None:
    with pytest.raises(TrustError) as refused:
        verify_bundle(bad.change(BUNDLE), STORY.world.policy(), STORY.world.now)
    assert (refused.value.code, refused.value.step) in bad.refusals, refused.value.detail
    assert len(refused.value.detail) < 600


@pytest.mark.parametrize("bad", BAD.values(), ids=BAD)
def test_the_program_names_what_is_wrong(bad: Bad, tmp_path: Path) -> None:
    (tmp_path / "bundle").write_bytes(bad.change(BUNDLE))
    (tmp_path / "policy").write_text(policy_text(STORY))
    out = io.StringIO()
    called = [str(tmp_path / "bundle"), "--policy", str(tmp_path / "policy"), "--json"]
    assert main(called, now=STORY.world.now, out=out, err=io.StringIO()) == NOT_VALID
    told = json.loads(out.getvalue())
    assert (told["code"], told["step"]) in bad.refusals
    assert told["valid"] is False


def test_every_verdict_is_one_of_the_contracts() -> None:
    assert {code for bad in (*BAD.values(), *BIG.values()) for code, _ in bad.refusals} <= CONTRACT


def test_what_comes_from_the_future_is_refused() -> None:
    with pytest.raises(TrustError) as refused:
        verify_bundle(BUNDLE, STORY.world.policy(), STORY.world.now - timedelta(days=1))
    assert (refused.value.code, refused.value.step) == ("stale", 8)
    witness = {"witnesses": (STORY.world.witness.verifier,), "quorum": 1}
    with pytest.raises(TrustError) as refused:
        verify_bundle(
            STORY.bundle(witnessed=True),
            STORY.world.policy(**witness),
            STORY.world.now - timedelta(days=1),
        )
    assert (refused.value.code, refused.value.step) == ("not-witnessed", 7)


# -- every bit, every index ------------------------------------------------------------------------


@settings(max_examples=300, deadline=None)
@given(st.integers(0, len(TWO_LOGS) - 1), st.integers(0, 7))
def test_any_flipped_bit_of_a_history_in_two_logs_is_noticed(position: int, bit: int) -> None:
    data = bytearray(TWO_LOGS)
    data[position] ^= 1 << bit
    with pytest.raises(TrustError):
        verify_bundle(bytes(data), ANEW.policy(), ANEW.new.now)


def _parts(bundle: dict[str, object]) -> list[list[dict[str, int]]]:
    logs = [bundle, *bundle.get("older", ())]  # type: ignore[misc]
    return [log[name] for log in logs for name in ("statements", "entries")]


@pytest.mark.parametrize("name", ["one log", "two logs"])
def test_every_index_moved_by_any_power_of_two_is_noticed(name: str) -> None:
    data, policy, now = (
        (BUNDLE, STORY.world.policy(), STORY.world.now)
        if name == "one log"
        else (TWO_LOGS, ANEW.policy(), ANEW.new.now)
    )
    count = 0
    for part in range(len(_parts(json.loads(data)))):
        for item in range(len(_parts(json.loads(data))[part])):
            for change in [1, -1, *(1 << power for power in range(1, 54, 4))]:
                bundle = json.loads(data)
                place = _parts(bundle)[part][item]
                place["index"] = (
                    place["index"] + change if abs(change) == 1 else place["index"] ^ change
                )
                with pytest.raises(TrustError):
                    verify_bundle(json.dumps(bundle).encode(), policy, now)
                count += 1
    assert count > 100

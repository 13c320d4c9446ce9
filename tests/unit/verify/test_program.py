"""trace-verify: exit status, report, copies of the log, and what this computer saw before."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deploy.make_verifier import make
from tests.golden.checks import changed
from tests.golden.story import Story, event_of, quantity, tell_story
from tests.golden.world import ORIGIN, World, uuid4
from trace.core.signing import PrivateKey, TrustError, b64url
from trace.core.statements import Since
from trace.core.tlog import (
    append,
    consistency_proof,
    entries_path,
    entry_bundle,
    leaf_hash,
    log_signer,
    tile_path,
)
from trace.core.verify import verify_bundle
from trace.core.verify.program import main
from trace.core.verify.telling import STEPS
from trace.core.verify.words import NOT_VALID, UNUSABLE, VALID

Run = Callable[..., tuple[int, Any]]


@pytest.fixture
def story() -> Story:
    return tell_story()


@pytest.fixture
def run(story: Story, tmp_path: Path) -> Run:
    """Runs the program on a bundle; (exit status, report)."""

    def program(data: bytes | None, *options: str, now: datetime | None = None) -> tuple[int, Any]:
        policy = tmp_path / "policy"
        if not policy.exists():
            policy.write_text(policy_text(story.world))
        arguments = ["--policy", str(policy), "--json", "--workers", "1", *options]
        if data is not None:
            (tmp_path / "bundle").write_bytes(data)
            arguments.insert(0, str(tmp_path / "bundle"))
        out = io.StringIO()
        status = main(arguments, now=now or story.world.now, out=out, err=io.StringIO())
        return status, json.loads(out.getvalue())

    return program


def policy_text(world: World, *lines: str) -> str:
    return "\n".join(
        [
            f"log {world.log_key.verifier.vkey}",
            f"#trace platform {world.platform.did}",
            f"#trace root {b64url(world.root.public.raw)}",
            *(lines or ["quorum none"]),
            "",
        ]
    )


class Empty:
    def read(self, level: int, index: int, width: int) -> bytes:
        return b""


def copy_of(world: World, folder: Path) -> Path:
    """A copy of the world's log in a folder."""
    made = append(0, Empty(), [leaf_hash(entry) for entry in world.entries])
    files = {tile_path(t.level, t.index, t.width): t.data for t in made.tiles}
    for first in range(0, len(world.entries), 256):
        some = world.entries[first : first + 256]
        files[entries_path(first // 256, len(some))] = entry_bundle(some)
    files["checkpoint"] = world.signed_checkpoint().encode()
    for name, data in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    return folder


def grow(story: Story, count: int = 3) -> None:
    for _ in range(count):
        lot = f"https://trace.example/b/{story.world.code()}"
        told = event_of(
            "ObjectEvent",
            "storing",
            "2026-11-21T08:00",
            eventID=uuid4(story.world.random),
            action="OBSERVE",
            quantityList=[quantity(lot, 1)],
        )
        story.world.record(story.coop, told)


def since_of(world: World, size: int, note: str) -> Since:
    return Since(note, tuple(consistency_proof(size, len(world.entries), world.tiles)))


# -- a bundle --------------------------------------------------------------------------------------


def test_a_good_bundle_is_valid_and_the_report_says_what_it_proves(story: Story, run: Run) -> None:
    status, report = run(story.bundle())
    assert status == VALID
    assert report["valid"] is True
    assert [step["name"] for step in report["steps"]] == list(STEPS)
    assert {step["state"] for step in report["steps"]} == {"passed"}
    assert report["subject"] == story.packed
    assert report["log"] == {"origin": ORIGIN, "size": len(story.world.entries)}
    assert [one["index"] for one in report["statements"]] == sorted(story.world.recorded)
    assert report["recall"] == "none-shown"
    assert report["since"] is None


def test_words_claim_no_more_than_was_checked(story: Story, tmp_path: Path) -> None:
    (tmp_path / "policy").write_text(policy_text(story.world))
    (tmp_path / "bundle").write_bytes(story.bundle(withhold={story.packing.index: ["ilmd"]}))
    out = io.StringIO()
    arguments = [str(tmp_path / "bundle"), "--policy", str(tmp_path / "policy")]
    assert main(arguments, now=story.world.now, out=out) == VALID
    text = out.getvalue()
    assert text.startswith("VALID\n")
    assert "the operator signed that these chains end here" in text
    assert f"withheld: ilmd (entry {story.packing.index}) [withheld]" in text
    assert "that there is none, this cannot say" in text
    for word in ("genuine", "safe", "true", "complete"):
        assert word not in text


@pytest.mark.parametrize(
    ("change", "code", "step"),
    [
        (lambda b: b["statements"][0]["path"].pop(), "not-in-log", 6),
        (lambda b: b["statements"][0]["path"].append("A" * 43), "not-in-log", 6),
        (lambda b: b["statements"][0]["path"].__setitem__(0, "AAAA"), "unreadable", 1),
        (lambda b: b["statements"][0].update(path=b["statements"][1]["path"]), "not-in-log", 6),
        (lambda b: b["statements"][0].update(path=[]), "not-in-log", 6),
        (lambda b: b.update(v=1.0), "unreadable", 1),
        (lambda b: b.update(receipt=b["checkpoint"]), "unreadable", 1),
        (lambda b: b.update(checkpoint=b["receipt"]), "unreadable", 1),
        (
            lambda b: b.update(checkpoint=b["checkpoint"].replace("\n\n", "\nmore\n\n", 1)),
            "not-witnessed",
            7,
        ),
        (
            lambda b: b.update(checkpoint=b["checkpoint"] + "and a line of text\n"),
            "unreadable",
            1,
        ),
        (lambda b: b["entries"].pop(), None, None),
        (lambda b: b["chains"].pop(), "chain-gap", 8),
        (lambda b: b.update(statements=[]), None, None),
        (lambda b: b.update(entries=[], statements=[]), None, None),
    ],
)
def test_a_changed_bundle_is_not_valid_and_the_step_is_named(
    story: Story, run: Run, change: Callable[[Any], None], code: str | None, step: int | None
) -> None:
    status, report = run(changed(story.bundle(), change))
    assert status == NOT_VALID
    assert report["valid"] is False
    assert code in (None, report["code"])
    assert step in (None, report["step"])
    assert report["steps"][report["step"] - 1]["state"] == "failed"
    assert report["expected"]
    assert report["got"]


def test_an_empty_tree_proves_nothing(story: Story, run: Run) -> None:
    def empty(bundle: Any) -> None:
        origin, _, rest = bundle["checkpoint"].split("\n", 2)
        bundle["checkpoint"] = f"{origin}\n0\n{rest}"

    status, report = run(changed(story.bundle(), empty))
    assert (status, report["code"]) == (NOT_VALID, "not-in-log")


def test_a_receipt_from_the_future_is_refused(story: Story, run: Run) -> None:
    status, report = run(story.bundle(), now=story.world.now - timedelta(hours=1))
    assert (status, report["code"], report["step"]) == (NOT_VALID, "stale", 8)


def test_a_bundle_by_another_log_is_not_valid_by_this_policy(story: Story, run: Run) -> None:
    story.world.log_key = log_signer(ORIGIN, PrivateKey.from_seed(bytes(32)))
    data = story.bundle()
    story.world.log_key = tell_story().world.log_key
    status, report = run(data)
    assert (status, report["code"]) == (NOT_VALID, "not-witnessed")


@pytest.mark.parametrize("data", [b"", b"{", b"\x00" * 1000, b'"' + b"a" * (20 * 2**20) + b'"'])
def test_garbage_is_named_as_unreadable(run: Run, data: bytes) -> None:
    status, report = run(data)
    assert (status, report["code"], report["step"]) == (NOT_VALID, "unreadable", 1)


def test_without_a_bundle_or_a_policy_nothing_is_checked(run: Run, tmp_path: Path) -> None:
    status, report = run(None, str(tmp_path / "nothing-here"))
    assert (status, report["code"]) == (UNUSABLE, "unusable-file")
    (tmp_path / "policy").write_text("quorum none\n")
    status, report = run(b"{}")
    assert (status, report["code"]) == (UNUSABLE, "bad-policy")
    (tmp_path / "policy").write_bytes(b"\x00")
    status, report = run(b"{}")
    assert (status, report["code"]) == (UNUSABLE, "bad-policy")


def test_a_call_without_anything_to_check_is_explained(
    capsys: pytest.CaptureFixture[str], story: Story
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--policy", "policy"], now=story.world.now)
    assert ended.value.code == UNUSABLE
    assert "BUNDLE" in capsys.readouterr().err


# -- what was packed beside ------------------------------------------------------------------------


def test_what_was_packed_beside_the_subject_needs_no_chain(story: Story, run: Run) -> None:
    beside = f"https://trace.example/b/{story.world.code()}"
    box = f"https://trace.example/h/{story.world.code()}"
    packing = event_of(
        "AggregationEvent",
        "packing",
        "2026-11-21T08:00",
        eventID=uuid4(story.world.random),
        action="ADD",
        parentID=box,
        childQuantityList=[quantity(story.packed, 1), quantity(beside, 2)],
    )
    story.world.record(story.packer, packing)
    assert run(story.bundle())[0] == VALID
    whole = [*story.things, box]
    status, report = run(story.world.bundle(box, whole, more=[story.approval]))
    assert (status, report["code"]) == (NOT_VALID, "chain-gap")
    assert beside in report["expected"]
    assert run(story.world.bundle(box, [*whole, beside], more=[story.approval]))[0] == VALID


# -- flipped bits ----------------------------------------------------------------------------------

STORY = tell_story()
BUNDLE = STORY.bundle()


def flipped(position: int, bit: int) -> bytes:
    return BUNDLE[:position] + bytes([BUNDLE[position] ^ (1 << bit)]) + BUNDLE[position + 1 :]


@settings(max_examples=400)
@given(st.integers(0, len(BUNDLE) - 1), st.integers(0, 7))
def test_any_flipped_bit_is_noticed(position: int, bit: int) -> None:
    with pytest.raises(TrustError):
        verify_bundle(flipped(position, bit), STORY.world.policy(), STORY.world.now)


@settings(max_examples=100)
@given(st.integers(0, len(BUNDLE) - 1))
def test_any_truncation_is_noticed(length: int) -> None:
    with pytest.raises(TrustError):
        verify_bundle(BUNDLE[:length], STORY.world.policy(), STORY.world.now)


@pytest.mark.long
def test_every_flipped_bit_is_noticed() -> None:
    policy = STORY.world.policy()
    for position in range(len(BUNDLE)):
        for bit in range(8):
            with pytest.raises(TrustError):
                verify_bundle(flipped(position, bit), policy, STORY.world.now)


# -- a copy of the log -----------------------------------------------------------------------------


def test_a_copy_is_made_anew_and_the_bundle_lies_in_it(
    story: Story, run: Run, tmp_path: Path
) -> None:
    data = story.bundle()
    grow(story)
    copy = copy_of(story.world, tmp_path / "copy")
    status, report = run(data, "--mirror", str(copy))
    assert status == VALID
    assert report["mirror"]["size"] == len(story.world.entries)
    assert report["mirror"]["bundle"] == "continues"
    status, report = run(None, "--mirror", str(copy))
    assert (status, report["mirror"]["problems"]) == (VALID, [])


def test_a_changed_copy_is_not_valid_and_the_place_is_named(
    story: Story, run: Run, tmp_path: Path
) -> None:
    copy = copy_of(story.world, tmp_path / "copy")
    path = copy / entries_path(0, len(story.world.entries))
    path.write_bytes(path.read_bytes().replace(b'"t":"2026', b'"t":"2025', 1))
    status, report = run(story.bundle(), "--mirror", str(copy))
    assert (status, report["valid"]) == (NOT_VALID, False)
    assert {one["code"] for one in report["mirror"]["problems"]} == {"other-tile", "other-root"}


def test_a_bundle_of_another_tree_than_the_copy_is_not_consistent(
    story: Story, run: Run, tmp_path: Path
) -> None:
    data = story.bundle()
    forked = tell_story(packing={"disposition": "damaged"})
    grow(forked, 5)
    copy = copy_of(forked.world, tmp_path / "copy")
    status, report = run(data, "--mirror", str(copy))
    assert (status, report["code"]) == (NOT_VALID, "not-consistent")


def test_a_copy_without_a_checkpoint_is_unusable(story: Story, run: Run, tmp_path: Path) -> None:
    status, report = run(story.bundle(), "--mirror", str(tmp_path))
    assert (status, report["code"]) == (UNUSABLE, "mirror-unreadable")


# -- what this computer saw ------------------------------------------------------------------------


def test_a_later_log_must_continue_the_one_seen_before(
    story: Story, run: Run, tmp_path: Path
) -> None:
    seen = tmp_path / "seen.json"
    size, first = len(story.world.entries), story.bundle()
    assert run(first, "--state", str(seen))[1]["seen"] == {"state": "first", "size": None}
    assert run(first, "--state", str(seen))[1]["seen"] == {"state": "same", "size": size}
    note = story.world.signed_checkpoint()
    grow(story)
    # Nothing in this bundle connects it with what was seen: it says so and keeps the older one.
    assert run(story.bundle(), "--state", str(seen))[1]["seen"]["state"] == "not-compared"
    kept = json.loads(seen.read_text())["checkpoints"][ORIGIN]
    assert kept == note
    connected = story.bundle(since=since_of(story.world, size, note))
    assert run(connected, "--state", str(seen))[1]["seen"]["state"] == "continues"
    grow(story)
    copy = copy_of(story.world, tmp_path / "copy")
    found = run(None, "--mirror", str(copy), "--state", str(seen))[1]["seen"]
    assert found == {"state": "continues", "size": size + 3}
    assert json.loads(seen.read_text())["checkpoints"][ORIGIN] == story.world.signed_checkpoint()


def test_a_rewritten_history_is_noticed_by_who_saw_the_first(
    story: Story, run: Run, tmp_path: Path
) -> None:
    seen = tmp_path / "seen.json"
    assert run(story.bundle(), "--state", str(seen))[0] == VALID
    before = seen.read_text()
    forked = tell_story(packing={"disposition": "damaged"})
    assert len(forked.world.entries) == len(story.world.entries)
    status, report = run(forked.bundle(), "--state", str(seen))
    assert (status, report["code"]) == (NOT_VALID, "not-consistent")
    grow(forked)
    copy = copy_of(forked.world, tmp_path / "copy")
    status, report = run(None, "--mirror", str(copy), "--state", str(seen))
    assert (status, report["code"], report["valid"]) == (NOT_VALID, "not-consistent", False)
    assert seen.read_text() == before


def test_a_file_of_another_kind_is_not_taken_for_what_was_seen(
    story: Story, run: Run, tmp_path: Path
) -> None:
    seen = tmp_path / "seen.json"
    for text in ("", "[]", '{"v":2,"checkpoints":{}}', f'{{"v":1,"checkpoints":{{"{ORIGIN}":1}}}}'):
        seen.write_text(text)
        status, report = run(story.bundle(), "--state", str(seen))
        assert (status, report["code"]) == (UNUSABLE, "unusable-file")
        assert seen.read_text() == text
    seen.write_text(json.dumps({"v": 1, "checkpoints": {ORIGIN: "no note"}}))
    assert run(story.bundle(), "--state", str(seen))[0] == UNUSABLE


# -- the zipapp ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def zipapp(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("made") / "trace-verify.pyz"
    path.write_bytes(make())
    return path


def call(*arguments: str, without: bool = False) -> subprocess.CompletedProcess[str]:
    """Python with nothing of this project in reach; `without` libraries at all."""
    isolated = ["-I", "-S"] if without else ["-I"]
    return subprocess.run(
        [sys.executable, *isolated, *arguments],
        capture_output=True,
        text=True,
        cwd="/",
        env={"PATH": os.environ["PATH"]},
        timeout=120,
        check=False,
    )


def test_the_zipapp_is_the_same_bytes_every_time_and_holds_the_core_only() -> None:
    data = make()
    assert data == make()
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        names = archive.namelist()
        dates = {info.date_time for info in archive.infolist()}
    assert names == sorted(names)
    assert dates == {(1980, 1, 1, 0, 0, 0)}
    inside = {name for name in names if name.startswith("trace/")}
    assert {name.split("/")[1] for name in inside} == {"__init__.py", "errors.py", "core"}


def test_the_zipapp_checks_a_bundle_and_a_copy_by_itself(
    story: Story, zipapp: Path, tmp_path: Path
) -> None:
    (tmp_path / "policy").write_text(policy_text(story.world))
    (tmp_path / "bundle").write_bytes(story.bundle())
    copy = copy_of(story.world, tmp_path / "copy")
    arguments = [str(zipapp), str(tmp_path / "bundle"), "--policy", str(tmp_path / "policy")]
    good = call(*arguments, "--mirror", str(copy), "--json")
    assert (good.returncode, good.stderr) == (VALID, "")
    assert json.loads(good.stdout)["valid"] is True
    (tmp_path / "bundle").write_bytes(story.bundle().replace(b'"index":3', b'"index":4'))
    assert call(*arguments).returncode == NOT_VALID
    assert call(str(zipapp), "nothing", "--policy", "nothing").returncode == UNUSABLE


def test_the_zipapp_makes_a_large_copy_anew_with_several_processes(
    story: Story, zipapp: Path, tmp_path: Path
) -> None:
    world = story.world
    world.append(*(world.entries[-1] for _ in range(16_500)))  # more than one piece of work
    copy = copy_of(world, tmp_path / "copy")
    (tmp_path / "policy").write_text(policy_text(world))
    options = ["--policy", str(tmp_path / "policy"), "--mirror", str(copy), "--workers", "2"]
    found = call(str(zipapp), *options, "--json")
    assert (found.returncode, found.stderr) == (VALID, "")
    assert json.loads(found.stdout)["mirror"]["size"] == len(world.entries)


def test_the_zipapp_says_what_is_missing(zipapp: Path) -> None:
    found = call(str(zipapp), "--help", without=True)
    assert found.returncode == UNUSABLE
    assert "pip install cryptography orjson" in found.stderr

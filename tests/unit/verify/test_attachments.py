"""Files beside a bundle: named by shown statements, of their digest and size, or said not to be."""

from __future__ import annotations

import io
import json
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from tests.golden.checks import changed, check, refused, story_event
from tests.golden.story import Story, tell_story
from tests.support.verify_cases import policy_text
from trace.core.signing import b64url
from trace.core.verify.program import main
from trace.core.verify.words import NOT_VALID, UNUSABLE, VALID

pytestmark = pytest.mark.unit

PHOTO, PAPER = b"a photo of the field", b"a paper of the laboratory"


def digest(data: bytes) -> str:
    return b64url(sha256(data).digest())


def named(data: bytes, size: int | None = None) -> dict[str, Any]:
    return {
        "digest": digest(data),
        "mediaType": "image/jpeg",
        "bytes": len(data) if size is None else size,
    }


@pytest.fixture
def story() -> Story:
    told = tell_story()
    files = [named(PHOTO), named(PAPER)]
    told.world.record(told.packer, story_event(told, **{"trace:attachments": files}))
    return told


def with_digests(data: bytes, *digests: str) -> bytes:
    return changed(data, lambda bundle: bundle.update(attachments=sorted(digests)))


def run(story: Story, folder: Path, data: bytes, *more: str) -> tuple[int, Any, str]:
    """(status, report, words) of the program over files in `folder`/files."""
    (folder / "bundle").write_bytes(data)
    (folder / "policy").write_text(policy_text(story))
    called = [str(folder / "bundle"), "--policy", str(folder / "policy"), *more]
    called += ["--attachments", str(folder / "files")]
    out, words = io.StringIO(), io.StringIO()
    status = main([*called, "--json"], now=story.world.now, out=out, err=io.StringIO())
    assert main(called, now=story.world.now, out=words, err=io.StringIO()) == status
    return status, json.loads(out.getvalue()), words.getvalue()


def test_digests_that_shown_statements_name_may_come_along(story: Story) -> None:
    report = check(story, with_digests(story.bundle(), digest(PHOTO), digest(PAPER)))
    assert {one.size for one in report.attachments.values()} == {len(PHOTO), len(PAPER)}
    assert set(report.attachments) == {digest(PHOTO), digest(PAPER)}


def test_a_digest_that_nobody_signed_is_refused(story: Story) -> None:
    data = with_digests(story.bundle(), digest(PHOTO), digest(b"another"))
    error = refused(story, data, "disclosure-mismatch", 4)
    assert error.got == digest(b"another")


def test_a_digest_of_a_withheld_statement_is_refused(story: Story) -> None:
    newest = max(story.world.recorded)
    data = with_digests(story.bundle(withhold={newest: ["trace:attachments"]}), digest(PHOTO))
    refused(story, data, "disclosure-mismatch", 4)


def test_files_as_signed_are_said_to_be_whatever_they_are_called(
    story: Story, tmp_path: Path
) -> None:
    (tmp_path / "files" / "deep").mkdir(parents=True)
    (tmp_path / "files" / "deep" / "holiday.txt").write_bytes(PHOTO)
    status, report, words = run(story, tmp_path, story.bundle())
    assert (status, report["valid"]) == (VALID, True)
    assert [(one["name"], one["state"]) for one in report["files"]] == [
        ("deep/holiday.txt", "same"),
        ("", "missing"),
    ]
    assert "deep/holiday.txt: as signed" in words
    assert "1 named file not in the folder" in words


@pytest.mark.parametrize("data", [PHOTO + b"!", b"", PHOTO[:-1], b"what nobody named"])
def test_a_file_that_no_statement_names_makes_it_not_valid(
    story: Story, tmp_path: Path, data: bytes
) -> None:
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / f"{digest(PHOTO)}.jpg").write_bytes(data)  # its name proves nothing
    state = tmp_path / "seen"
    status, report, words = run(story, tmp_path, story.bundle(), "--state", str(state))
    assert (status, report["valid"]) == (NOT_VALID, False)
    assert report["files"][0]["state"] == "not-named"
    assert words.startswith("NOT VALID: there are files that no statement shown names")
    assert "NOT named by any statement shown" in words
    assert not state.exists()


def test_a_file_of_another_size_than_its_statement_says_is_not_as_signed(tmp_path: Path) -> None:
    told = tell_story()
    told.world.record(told.packer, story_event(told, **{"trace:attachments": [named(PHOTO, 7)]}))
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / "photo.jpg").write_bytes(PHOTO)
    status, report, words = run(told, tmp_path, told.bundle())
    assert (status, report["files"][0]["state"]) == (NOT_VALID, "other-size")
    assert "NOT of the size" in words


def test_what_is_no_folder_is_told_before_anything_is_said(story: Story, tmp_path: Path) -> None:
    status, report, words = run(story, tmp_path, story.bundle())
    assert (status, report["code"]) == (UNUSABLE, "unusable-file")
    assert words.startswith("NOTHING CHECKED")


def test_files_without_a_bundle_are_explained(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], story: Story
) -> None:
    called = ["--policy", "x", "--mirror", "y", "--attachments", str(tmp_path)]
    with pytest.raises(SystemExit) as ended:
        main(called, now=story.world.now)
    assert ended.value.code == UNUSABLE
    assert "--attachments needs the BUNDLE" in capsys.readouterr().err

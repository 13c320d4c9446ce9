"""deploy/backup.sh, with a program in Trace's place that writes folders and ends as it is told."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "deploy/backup.sh"
# It is called: flask --app wsgi trace backup FOLDER, and: … restore FOLDER --check.
PROGRAM = """#!/bin/bash
if [[ $4 == restore ]]; then exit "$(cat check)"; fi
mkdir "$5"
status=$(cat status)
if [[ $status == 0 ]]; then echo '{"v": 1}' > "$5/manifest.json"; fi
if [[ $status == 3 ]]; then echo '{"v": 1, "broken": ["a/b"]}' > "$5/manifest.json"; fi
exit "$status"
"""


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A folder with the script, the program and backups of before, of which one is cut short."""
    if shutil.which("flock") is None:
        pytest.skip("flock is not installed (Debian: apt-get install util-linux)")
    (tmp_path / "deploy").mkdir()
    shutil.copy(SCRIPT, tmp_path / "deploy")
    program = tmp_path / ".venv/bin/flask"
    program.parent.mkdir(parents=True)
    program.write_text(PROGRAM)
    program.chmod(0o755)
    for day, told in ((1, "{}"), (2, "{}"), (3, '{"broken": ["a/b"]}'), (4, "")):
        folder = tmp_path / f"backups/trace-2026110{day}T030000Z"
        folder.mkdir(parents=True)
        if told:
            (folder / "manifest.json").write_text(told)
    return tmp_path


def run(place: Path, *, keep: int, status: int, check: int = 0) -> tuple[int, list[str], str]:
    """(status, days of the backups of before that are left, what was said); "new" is today's."""
    (place / "status").write_text(str(status))
    (place / "check").write_text(str(check))
    words = ["bash", str(place / "deploy/backup.sh"), str(place / "backups"), str(keep)]
    ended = subprocess.run(words, capture_output=True, text=True, check=False)
    left = sorted(path.name for path in (place / "backups").glob("trace-*"))
    known = [f"trace-2026110{day}T030000Z" for day in range(1, 5)]
    days = [name[12:14] if name in known else "new" for name in left]
    return ended.returncode, days, ended.stderr


def test_the_oldest_go_once_a_new_one_is_whole(place: Path) -> None:
    assert run(place, keep=2, status=0) == (0, ["03", "new"], "")


@pytest.mark.parametrize(("status", "check"), [(1, 0), (2, 0), (0, 1), (3, 1)])
def test_what_failed_goes_and_nothing_else(place: Path, status: int, check: int) -> None:
    ended, left, said = run(place, keep=1, status=status, check=check)
    assert (ended, left) == (1, ["01", "02", "03", "04"])
    assert "older ones are kept" in said


@pytest.mark.parametrize(
    ("keep", "left"),
    [
        (1, ["02", "new"]),
        (2, ["02", "new"]),
        (3, ["02", "03", "new"]),
        (9, ["01", "02", "03", "new"]),
    ],
)
def test_one_without_broken_files_is_kept_beside_the_newest_that_has_all_and_fails(
    place: Path, keep: int, left: list[str]
) -> None:
    ended, found, said = run(place, keep=keep, status=3)
    assert (ended, found) == (1, left)
    assert "broken and not in it" in said

"""The commands people are told to type exist and explain themselves."""

from __future__ import annotations

import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]
PROMISED = {"run", "test", "test-long", "check", "bench", "fix", "migration", "docs"}


def test_make_alone_lists_every_promised_command() -> None:
    answer = subprocess.run(
        ["make", "--no-print-directory"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    listed = {line.split()[1] for line in answer.stdout.splitlines() if line.startswith("  make ")}
    assert listed >= PROMISED


def test_a_taken_port_is_refused_in_one_clear_sentence(free_port_taken: int) -> None:
    answer = subprocess.run(
        ["bash", "deploy/run.sh"],
        cwd=ROOT,
        env={"PATH": "/usr/bin:/bin", "PORT": str(free_port_taken), "HOST": "127.0.0.1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert answer.returncode == 1
    assert answer.stderr.startswith(f"Port {free_port_taken} is taken by another program.")
    assert len(answer.stderr.splitlines()) == 1


def test_a_port_that_is_no_port_is_refused_by_name() -> None:
    answer = subprocess.run(
        ["bash", "deploy/run.sh"],
        cwd=ROOT,
        env={"PATH": "/usr/bin:/bin", "PORT": "eighty"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (answer.returncode, answer.stderr.split()[0]) == (1, "PORT")

"""The cluster of docs/how-to/cluster.md, built from nothing and broken once with and once without
synchronous mode: nothing acknowledged is lost, and the check that says so can fail."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from deploy.cluster import layout, load, reports
from deploy.cluster.layout import ROOT

pytestmark = [pytest.mark.long, pytest.mark.unit]
# What any machine bears: figures are taken by `python -m deploy.cluster all`, not here.
FEW = ("--captures", "5", "--scans", "20")


@pytest.fixture(scope="module")
def home() -> Iterator[Path]:
    """Where the cluster lives; nothing of it is left."""
    if lacking := layout.missing():
        pytest.skip(f"not installed: {', '.join(lacking)}")
    if os.geteuid() != 0:
        pytest.skip("network namespaces need root")
    folder = Path("/var/tmp/trace-cluster-test")
    run(folder, "down")
    yield folder
    run(folder, "down", "--everything")


def run(home: Path, *words: str, status: int = 0) -> list[dict[str, Any]]:
    """A command of the cluster; the drills kept so far."""
    done = subprocess.run(
        [sys.executable, "-m", "deploy.cluster", "--home", str(home), *words],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == status, done.stdout + done.stderr
    return reports.rows_of(home, "drill")


def test_no_acknowledged_event_is_lost_and_without_synchronous_mode_some_are(home: Path) -> None:
    run(home, "up")
    # How long it took and how many pages failed is a matter of the machine: status 1 is no matter.
    for fault in ("kill", "cut"):
        subprocess.run(
            [sys.executable, "-m", "deploy.cluster", "--home", str(home), "drill", fault, *FEW],
            cwd=ROOT,
            check=False,
        )
    kill, cut = reports.rows_of(home, "drill")
    for drill in (kill, cut):
        assert drill["captures"] > 0
        assert (drill["lost"], drill["doubled"]) == (0, 0)
        assert drill["new_primary"] not in ("", drill["node"])
        assert drill["log"].startswith("whole: ")
        assert drill["grown"].endswith("proved")
    assert cut["probe_lost"] == 0
    run(home, "up", "--asynchronous")
    control = run(home, "drill", "cut", *FEW, status=1)[-1]
    assert control["probe_lost"] > 0
    assert not control["holds"]


def test_the_longest_silence_counts_from_the_first_moment_to_the_last() -> None:
    told = load.Told(began=100.0, ended=160.0)
    assert told.longest_gap() == (60.0, 100.0)
    told.acknowledged = {"a": 110.0, "b": 141.0, "c": 150.0}
    assert told.longest_gap() == (31.0, 110.0)


def test_a_drill_holds_only_when_every_promise_does(tmp_path: Path) -> None:
    from deploy.cluster.checking import Checked
    from deploy.cluster.drills import Drill

    def holds(**changes: Any) -> bool:
        told = load.Told(began=0.0, ended=60.0, scans=10_000)
        told.acknowledged = {str(n): float(n) for n in range(60)}
        facts = {"lost": 0, "doubled": 0, "entries": 9, "alike": 0.1, "log": "whole", "grown": "y"}
        checked = {key: changes.pop(key, value) for key, value in facts.items()}
        told.scan_errors.update({"503": changes.pop("errors", 0)})
        if silence := changes.pop("silence", 0):
            told.ended += silence
        drill = Drill("cut", "n1", told, Checked(**checked), **changes)
        where = layout.Layout(tmp_path, namespaces=True, synchronous=True)
        return bool(reports.of_drill(where, drill, 200, 500)["holds"])

    assert holds(errors=10)
    assert not holds(errors=11)
    assert not holds(lost=1)
    assert not holds(probe=9, probe_lost=1)
    assert not holds(silence=30)
    assert not holds(log="BROKEN: tile")

"""Whoever is killed at any moment loses nothing it acknowledged, and the next goes on by itself."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import DATABASES
from tests.crash.report import careless, run, whole, write
from trace.config import Settings

TWENTY = ("--kills", "20", "--every", "20")


@pytest.mark.one_database
def test_twenty_kills_on_sqlite_lose_nothing(settings: Settings) -> None:
    found = run(*TWENTY, "--url", settings.database_url, folder=settings.instance)
    assert found["broken"] == ""
    assert found["kills"] == 20
    assert found["acked"] >= 20  # of what was done while nobody was killed, a few already
    assert found["audits"] == 1


@pytest.mark.skipif("postgresql" not in DATABASES, reason="TRACE_TEST_DATABASES leaves it out")
def test_twenty_kills_on_postgresql_some_with_its_server_lose_nothing(tmp_path: Path) -> None:
    found = run(*TWENTY, "--server", folder=tmp_path)
    assert found["broken"] == ""
    assert (found["kills"], found["audits"]) == (20, 1)
    assert found["backends"] >= 1
    assert found["servers"] >= 1


@pytest.mark.one_database
def test_who_acknowledges_before_the_commit_is_caught(settings: Settings) -> None:
    words = ("--early", "--only", "capture", "--kills", "120", "--every", "999")
    found = run(*words, "--url", settings.database_url, folder=settings.instance)
    assert "lost" in found["broken"]


@pytest.mark.long
def test_a_thousand_kills_on_each_database_lose_nothing() -> None:
    good, bad = whole(1000), careless()
    write(good, bad)
    assert [one["broken"] for one in good] == ["", ""]
    assert [one["kills"] for one in good] == [1000, 1000]
    for one in good:  # the kills met every part of the work
        met = {mark for counts in one["marks"].values() for mark in counts}
        assert len(met) >= 10, met
    assert all("lost" in one["broken"] for one in bad), bad

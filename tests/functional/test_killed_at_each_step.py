"""SIGKILL at every step of what changes the log or its keys: a restart needs no hand."""

from __future__ import annotations

import pytest
from flask import Flask

from tests.functional.test_log_processes import check_whole
from tests.support.own_process import OwnProcess
from trace import clock
from trace.config import Settings
from trace.services.audits import Summary, audit


def each_step(act: str, settings: Settings) -> list[int]:
    """The sizes published after each kill, in order."""
    words = (act, settings.database_url, str(settings.instance))
    *lines, last = OwnProcess("tests.support.killed", *words).whole().splitlines()
    assert last == "whole"
    return [int(line.split()[1]) for line in lines]


@pytest.mark.parametrize(
    ("act", "fewest"),
    [
        # What is killed at random moments in every run (tests/crash) is killed here in the drills.
        pytest.param("recording", 8, marks=pytest.mark.long),
        ("changing-the-logs-key", 15),
        ("sealing-anew", 14),
        pytest.param("importing", 14, marks=pytest.mark.long),
        pytest.param("printing", 8, marks=pytest.mark.long),
    ],
)
def test_killed_at_each_step_the_next_start_goes_on_by_itself(
    app: Flask, settings: Settings, act: str, fewest: int
) -> None:
    sizes = each_step(act, settings)
    assert len(sizes) >= fewest  # so many steps there are: the harness sees them
    assert sizes == sorted(sizes)
    with app.app_context():
        assert check_whole() == sizes[-1]
        if act != "sealing-anew":  # its keys are sealed under another secret than this process has
            assert list(audit(Summary(), now=clock.now())) == []


def test_killed_while_a_new_origin_begins_there_is_one_log_or_the_other(
    app: Flask, settings: Settings
) -> None:
    assert len(each_step("beginning-anew", settings)) >= 8
    with app.app_context():
        assert list(audit(Summary(), now=clock.now())) == []


@pytest.mark.one_database
def test_killed_while_it_is_refilled_the_log_is_refilled_by_running_it_again(
    app: Flask, settings: Settings
) -> None:
    sizes = each_step("refilling", settings)
    assert sizes == sorted(sizes)
    with app.app_context():
        assert check_whole() == sizes[-1]

"""The figures are computed and shown as promised; the measuring itself is in benchmarks/."""

from __future__ import annotations

import json

import pytest

from benchmarks import absolute, compare, cpu_seconds, faster
from benchmarks.__main__ import main, programs, table


def test_a_ratio_is_ours_over_the_floor_and_judged_by_its_bound() -> None:
    kept = compare("capture", 3.0, "s", 1.0, "<=", 3)
    broken = compare("scan", 500.0, "requests/s", 1000.0, ">=", 0.6)
    assert (kept.ratio, kept.met, kept.goal) == (3.0, True, "ratio <= 3")
    assert (broken.ratio, broken.met) == (0.5, False)


def test_a_faster_program_has_a_ratio_above_one() -> None:
    figure = faster("hash", 10.0, "us", 250.0, 25)
    assert (figure.ratio, figure.met) == (25.0, True)
    assert not faster("hash", 10.1, "us", 250.0, 25).met


def test_a_figure_without_a_floor_says_so() -> None:
    figure = absolute("bytes per event", 6001, "B", "<=", 6000)
    assert (figure.floor, figure.ratio, figure.met) == (None, None, False)


def test_results_carry_exactly_the_promised_members() -> None:
    members = json.loads(json.dumps(absolute("a", 1, "B", "<=", 2).to_json()))
    assert list(members) == ["name", "value", "unit", "floor", "ratio", "goal", "met"]


def test_the_table_marks_a_broken_promise() -> None:
    lines = table([absolute("a", 1, "B", "<=", 2), absolute("b", 3, "B", "<=", 2)]).splitlines()
    assert [line.split()[-1] for line in lines] == ["met", "yes", "NO"]


def test_times_are_taken_for_each_action() -> None:
    short, long = cpu_seconds(lambda: None, lambda: sum(range(200_000)), rounds=3)
    assert 0 <= short < long


def test_an_unknown_name_is_refused_with_the_list_of_names() -> None:
    with pytest.raises(SystemExit, match="no benchmark nonsense"):
        main(["nonsense"])
    assert "__main__" not in programs()

"""The report of capacity says what the model found, whole, whatever was measured."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path

import pytest

from benchmarks import _capacity_report as report
from benchmarks._capacity_demand import CITY, SOURCES, Habits, simulate
from benchmarks._capacity_floors import Floors
from benchmarks._capacity_measure import Measured, Spent
from benchmarks._capacity_model import KINDS, TARGET, Cost, Demand, UnitCosts, needed, parts
from benchmarks._capacity_report import SCALES, Told, written
from benchmarks._capacity_served import Round
from benchmarks.capacity import unit_costs

BARE = Floors(30_000, 3000, 0.001, 5e8, 2, 24e9)
ASKED = {
    kind: Cost(web=0.002, database=0.0004, out=4000.0)
    for kind in KINDS
    if kind not in ("told", "followed", "photos", "labels")
}
MEASURED = Measured(
    spent={
        name: Spent(0.001, 0.0005, 0.01)
        for name in ("told", "followed", "photo", "publication", "scan stored")
    },
    number={
        "events": 2000.0,
        "lock": 0.002,
        "lock_event": 0.0001,
        "commit": 0.0005,
        "publish_entry": 1e-5,
        "stored_event": 4300.0,
        "stored_event_without_pages": 3900.0,
        "index_event": 330.0,
        "log_event": 220.0,
        "wal_event": 6000.0,
        "counted_row": 90.0,
        "photo": 300_000.0,
    },
)


def costs() -> UnitCosts:
    return unit_costs(MEASURED, ASKED, Spent(1e-5, 2e-5, 1e-4), BARE, (0.0008, 700.0))


def told() -> Told:
    rounds = [Round(workers, 0.5, 100.0 * workers, 80.0 * workers) for workers in (1, 2)]
    return Told(MEASURED, ASKED, Spent(1e-5, 2e-5, 1e-4), rounds, costs())


@cache
def text_of() -> str:
    return written(
        {"SQLite": told(), "PostgreSQL": told()},
        BARE,
        start=datetime(2026, 11, 23, 8, tzinfo=UTC),
        load=(1.0, 1.0, 1.0),
        first=date(2027, 1, 1),
    )


def test_every_kind_that_is_asked_for_has_a_cost() -> None:
    found = costs()
    assert set(found.each) == set(KINDS)
    # Waiting for the disk is the bare disk's; the rest is processor time.
    assert found.commit == pytest.approx(0.0005 + 0.001)
    assert found.publish == pytest.approx(0.0015 + 3 * 0.001)
    assert found.warn == pytest.approx(3e-5)
    assert found.each["photos"].web == 0.001


def test_the_report_names_the_part_that_the_model_found_first() -> None:
    text = text_of()
    first = date(2027, 1, 1)
    year = simulate(CITY, Habits(), 1.0, years=1, first=first)[0]
    have = needed(Demand.of(year, Habits().descendants_largest), costs()).installation
    answer = text.split("## What breaks first")[1].split("## ")[0]
    for scale in SCALES:
        more = simulate(CITY, Habits(), scale, years=1, first=first)[0]
        found = parts(Demand.of(more, Habits().descendants_largest), costs(), have)
        line = next(one for one in answer.splitlines() if one.startswith(f"| ×{scale:,} "))
        named = line.split("|")[2].strip()
        assert named.removeprefix("nothing; fullest is ").startswith(found[0].name)
        assert named.startswith("nothing") == (found[0].used <= TARGET)


def test_the_report_has_ten_years_of_both_places_at_every_scale_and_every_assumption() -> None:
    text = text_of()
    for place in ("City", "Country"):
        for scale in SCALES:
            part = text.split(f"### {place} ×{scale:,}\n")[1].split("\n#")[0]
            assert len(re.findall(r"^\| \d+ \|", part, re.MULTILINE)) == 10
    for name in SOURCES:
        assert name.replace("_", " ") in text
    assert "+25%" in text  # 100 said, 80 came


def test_a_missing_large_run_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(report, "GROWTH", tmp_path / "growth.md")
    lines = report._large({"SQLite": told(), "PostgreSQL": told()}, BARE)
    assert "**not checked**" in "\n".join(lines)

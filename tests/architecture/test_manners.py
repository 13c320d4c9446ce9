"""Manners the import rules cannot see: one clock, one reader of the environment, who commits."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

TRACE = Path(__file__).parents[2] / "trace"


def places(pattern: str, *folders: str) -> list[str]:
    """`file:line` of every match in the package, or in these folders of it."""
    found = []
    for path in sorted(TRACE.rglob("*.py")):
        name = path.relative_to(TRACE).as_posix()
        if folders and not name.startswith(folders):
            continue
        for number, line in enumerate(path.read_text().splitlines(), start=1):
            if re.search(pattern, line.partition("#")[0]):
                found.append(f"{name}:{number}")
    return found


def files(found: list[str]) -> set[str]:
    return {place.partition(":")[0] for place in found}


def test_only_the_clock_asks_for_the_date_and_time() -> None:
    # web/throttle.py subtracts from a moment that the limiter's own clock gave.
    allowed = {"clock.py", "web/throttle.py"}
    found = places(r"datetime\.now\(|datetime\.utcnow|date\.today\(|\btime\.time\(")
    assert files(found) <= allowed, found


def test_only_the_settings_read_the_environment() -> None:
    assert files(places(r"os\.environ|os\.getenv")) == {"config.py"}


def test_services_never_commit_and_models_and_core_never_touch_the_session() -> None:
    # The demo world is loaded as its actors would have recorded it: one commit per document. What
    # workers do in many steps commits each, so that a killed one is taken up where it stopped. The
    # audit reads one state of the database and ends that reading itself, and so do the doctor
    # with each examination and what asks replicas beside the primary.
    by_steps = (
        "services/demo/",
        "services/audits/",
        "services/copies_of_database.py",
        "services/doctor.py",
        "services/readiness.py",
        "services/scans_shared.py",
    )
    found = places(r"\bsession\.commit\(|\bsession\.rollback\(", "services/")
    assert [place for place in found if not place.startswith(by_steps)] == []
    assert places(r"\bdb\.session\b", "models/", "core/", "schemas/") == []


@pytest.mark.parametrize("pattern", [r"\bprint\(", r"\bbreakpoint\(", r"\beval\(", r"\bpickle\b"])
def test_nobody_uses(pattern: str) -> None:
    assert places(pattern) == []


def test_a_place_is_found_where_there_is_one() -> None:
    assert "clock.py" in files(places(r"datetime\.now\("))

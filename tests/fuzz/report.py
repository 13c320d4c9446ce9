"""docs/reports/fuzz.md, from what the runs left in tests/fuzz/results.json."""

from __future__ import annotations

import json
import os
import platform
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from tests.fuzz.growth import TELLING
from tests.fuzz.targets import TARGETS

RESULTS: Final = Path(__file__).parent / "results.json"
REPORT: Final = Path(__file__).parents[2] / "docs" / "reports" / "fuzz.md"
FLOOR: Final = 1_000_000
# What a target's line keeps of its run; inputs of finds stay out, they are tests by then.
KEPT: Final = (
    *("at", "inputs", "rate", "coverage", "features", "slowest", "memory", "load", "nice"),
    *("growth", "kept"),
)


def known() -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    if RESULTS.is_file():
        found = json.loads(RESULTS.read_text())
    return {name: line for name, line in found.items() if name in TARGETS}


def add(name: str, found: dict[str, Any]) -> None:
    """Writes a target's figures and the report: runs of one day are added up, older ones go."""
    lines = known()
    line = rounded({key: found[key] for key in KEPT if key in found})
    line["finds"] = [find["key"] for find in found["finds"]]
    lines[name] = together(lines[name], line) if name in lines else line
    ordered = {name: lines[name] for name in TARGETS if name in lines}
    RESULTS.write_text(json.dumps(ordered, indent=1, ensure_ascii=False) + "\n")
    REPORT.write_text(page(ordered), "utf-8")


def together(old: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    """Two runs of one target as one line; what only the older one broke is mended by now."""
    if old["at"][:10] != new["at"][:10]:
        return new
    best = {key: max(old[key], new[key]) for key in ("coverage", "features", "slowest", "memory")}
    loads = [*old["load"], *new["load"]]
    return {
        **old,
        **new,
        **best,
        "inputs": old["inputs"] + new["inputs"],
        "load": [min(loads), max(loads)],
    }


def rounded(value: Any) -> Any:
    if isinstance(value, float):
        return round(value, 4)
    if isinstance(value, dict):
        return {name: rounded(one) for name, one in value.items()}
    return [rounded(one) for one in value] if isinstance(value, list) else value


def page(lines: dict[str, dict[str, Any]]) -> str:
    """The report."""
    newest = datetime.fromisoformat(max(line["at"] for line in lines.values()))
    loads = [load for line in lines.values() for load in line["load"]]
    short = [name for name, line in lines.items() if line["inputs"] < FLOOR]
    below = f"Below it: {', '.join(short)}." if short else "All reach it."
    told = [
        ("Targets", f"{len(lines)} of {len(TARGETS)}"),
        ("Inputs in all", f"{sum(line['inputs'] for line in lines.values()):,}"),
        ("Floor", f"{FLOOR:,} inputs for each. {below}"),
        ("Broken in these runs", str(sum(len(line["finds"]) for line in lines.values()))),
        ("Slowest input", f"{max(line['slowest'] for line in lines.values()) * 1000:.0f} ms"),
    ]
    if missing := [name for name in TARGETS if name not in lines]:
        told.append(("Not run", ", ".join(missing)))
    machine = f"{os.cpu_count()} cores ({platform.machine()}), Python {platform.python_version()}"
    return PAGE % {
        "date": f"{newest:%Y-%m-%d}",
        "machine": machine,
        "load": f"{min(loads):.1f} to {max(loads):.1f}",
        "told": "\n".join(f"- {name}: {value}" for name, value in told),
        "rows": "\n".join(row(name, line) for name, line in lines.items()),
    }


PAGE: Final = """# Fuzzing

Written by `python -m tests.fuzz`, last on %(date)s, on %(machine)s.
Load of the machine over the runs: %(load)s; one target at a time, at low priority.

%(told)s

What earlier runs broke was mended and has a test (`tests/fuzz/test_finds.py`). An input may take a
second of the processor; inputs a second include the counting of branches and all that each target
checks beyond the parser. *Longest*: the worst of some fifty patterns repeated up to the most bytes
that are given to the parser, and how many times its half goes into its time (2: a straight line, 4:
a square; told from 0.1 s on). *Memory*: the whole process at its peak.

| target | inputs | a second | edges | features | slowest | longest | growth | memory | broken |
| --- | --: | --: | --: | --: | --: | --: | --: | --: | --- |
%(rows)s
"""


def row(name: str, line: dict[str, Any]) -> str:
    longest, factor = "–", "–"
    if grown := line.get("growth"):
        longest = f"{size(grown['bytes'])}: {grown['seconds'] * 1000:,.0f} ms"
        if grown["half"] and grown["seconds"] > TELLING:
            factor = f"{grown['seconds'] / grown['half']:.1f}"
    return (
        f"| {name} | {line['inputs']:,} | {line['rate']:,.0f} | {line['coverage']:,} "
        f"| {line['features']:,} | {line['slowest'] * 1000:.0f} ms "
        f"| {longest} | {factor} | {line['memory']:.0f} MB "
        f"| {'; '.join(line['finds']) or 'nothing'} |"
    )


def size(count: int) -> str:
    return (
        f"{count / 1_000_000:g} MB"
        if count >= 10**6
        else f"{count / 1000:g} kB"
        if count >= 10**4
        else f"{count} B"
    )

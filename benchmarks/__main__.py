"""`make bench` and `make bench NAME=scan`: prints the table, writes benchmarks/results.json."""

from __future__ import annotations

import importlib
import json
import pkgutil
import sys
from collections.abc import Sequence
from pathlib import Path

import benchmarks
from benchmarks import Figure

RESULTS = Path(__file__).with_name("results.json")
HEADER = ("figure", "value", "unit", "floor", "ratio", "goal", "met")


def programs() -> list[str]:
    """The names of all programs, in alphabetical order."""
    return sorted(
        found.name
        for found in pkgutil.iter_modules(benchmarks.__path__)
        if not found.name.startswith("_")
    )


def measure(names: Sequence[str]) -> list[Figure]:
    """Runs the programs one after another, each alone."""
    figures: list[Figure] = []
    for name in names:
        print(f"measuring {name} …", file=sys.stderr, flush=True)
        figures += importlib.import_module(f"benchmarks.{name}").run()
    return figures


def table(figures: Sequence[Figure]) -> str:
    """The figures in aligned columns."""
    rows = [HEADER, *(_row(figure) for figure in figures)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    )


def _row(figure: Figure) -> tuple[str, ...]:
    return (
        figure.name,
        _number(figure.value),
        figure.unit,
        _number(figure.floor),
        _number(figure.ratio),
        figure.goal,
        "yes" if figure.met else "NO",
    )


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.4g}" if abs(value) < 10_000 else f"{value:,.0f}"


def main(chosen: Sequence[str]) -> None:
    """Measures the chosen programs, or all of them."""
    known = programs()
    unknown = sorted(set(chosen) - set(known))
    if unknown:
        raise SystemExit(f"no benchmark {', '.join(unknown)}; there are: {', '.join(known)}")
    figures = measure(chosen or known)
    print(table(figures))
    RESULTS.write_text(json.dumps([figure.to_json() for figure in figures], indent=1) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])

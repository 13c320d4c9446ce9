"""What the report of the large run says, read back; and what the model says of the same. Pure, but
for reading the file.

The report is written by `python -m benchmarks growth`; it may be of any size of run, of one
database only, or absent.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks._capacity_model import Sizes, UnitCosts

_LINE = re.compile(
    r"^\|\s*(?P<what>[^|]+?)\s*\|\s*(?P<value>[\d.,e+]+)\s*(?P<unit>[^|\d]*?)\s*\|"
    r"[^|]*\|\s*(?P<ratio>[\d.]*)\s*\|"
)
_EVENTS = re.compile(r"([\d,]+) events,")
_WRITTEN = re.compile(r"\bon (\d{4}-\d\d-\d\d)\b")


@dataclass(frozen=True, slots=True)
class Grown:
    """One line of the report: what, on which database, with how many events (0: the small one), its
    value and how many times that of the small database it is (None where it is not compared)."""

    what: str
    database: str
    events: int
    value: float
    unit: str
    ratio: float | None


@dataclass(frozen=True, slots=True)
class Run:
    """The report; no lines where there is none, or none that can be read."""

    written: str
    lines: tuple[Grown, ...]

    def find(self, what: str, database: str) -> Grown | None:
        """The line of the largest run that begins so."""
        found = [
            one for one in self.lines if one.what.startswith(what) and one.database == database
        ]
        return max(found, key=lambda one: one.events, default=None)


def read_run(path: Path) -> Run:
    """The report at a path, which may be absent."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return Run("", ())
    return parse_run(text)


def parse_run(text: str) -> Run:
    """Lines that are figures; everything else is passed over."""
    written = _WRITTEN.search(text)
    found = []
    for line in text.splitlines():
        match = _LINE.match(line)
        database = next((one for one in ("SQLite", "PostgreSQL") if one in line), "")
        if match is None or not database:
            continue
        try:
            value = float(match["value"].replace(",", ""))
            ratio = float(match["ratio"]) if match["ratio"] else None
        except ValueError:
            continue
        events = _EVENTS.findall(match["what"])
        count = int(events[-1].replace(",", "")) if events else 0
        what = match["what"].split(",")[0].strip()
        if "not in memory" in match["what"]:
            what += ", not in memory"
        found.append(Grown(what, database, count, value, match["unit"].strip(), ratio))
    return Run(written[1] if written else "", tuple(found))


@dataclass(frozen=True, slots=True)
class Compared:
    """What the model says and what the large run measured."""

    what: str
    database: str
    predicted: float
    measured: float
    unit: str

    @property
    def error(self) -> float:
        """Of the prediction, as a share of what was measured; above nothing: too much was said."""
        return self.predicted / self.measured - 1


def compare_run(
    run: Run, database: str, costs: UnitCosts, stored: float, memory: float
) -> list[Compared]:
    """The model: an event takes what it takes in a small database; and a larger one costs nothing
    more as long as the indexes that are hit in no order have room in memory."""
    found = []
    line = run.find("stored per event", database)
    if line is not None:
        found.append(Compared("stored per event", database, stored, line.value, "bytes"))
    for what in ("capture of", "scan page", "scan page, not in memory", "chain query"):
        line = run.find(what, database)
        if line is None or line.ratio is None:
            continue
        room = memory * Sizes().memory_for_index
        if line.events * costs.index_event > room:
            continue  # of what then comes the model says how many reads, not how much slower
        name = f"{line.what}, {line.events:,} events against few"
        found.append(Compared(name, database, 1.0, line.ratio, "×"))
    return found


def worst(found: Sequence[Compared]) -> Compared | None:
    """The prediction that was furthest from the truth."""
    return max(found, key=lambda one: abs(one.error), default=None)

"""What a hectare of a crop can yield in a season: a table each authority may set.

The default is data/crop_ceilings_demo.csv, made up for demonstration and marked so: nobody is to
be judged by it. An authority brings its own as a CSV with the columns `crop`, `tonnes`, `days` and
`source`: the crop's name, the most tonnes a hectare that one season gives, how many days it counts
back from a harvest, and where the figure is from. Of two crops that fit a name the longer counts.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from trace.core.folding import fold
from trace.errors import Refused, TraceError

MOST_ROWS: Final = 500
MOST_BYTES: Final = 200_000
MOST_TONNES: Final = Decimal(1000)
MOST_DAYS: Final = 400
COLUMNS: Final = ("crop", "tonnes", "days", "source")


class CeilingsUnreadable(TraceError):
    code = "ceilings-unreadable"
    message = "The table cannot be read: %(why)s."
    next_step = "Send a CSV file in UTF-8 with the columns crop, tonnes, days and source."


class CeilingWrong(TraceError):
    code = "ceiling-wrong"
    message = "Line %(line)s, %(column)s: “%(got)s” is not %(expected)s."


@dataclass(frozen=True, slots=True)
class Ceiling:
    """The most tonnes a hectare that one season of a crop gives."""

    crop: str
    tonnes: Decimal
    days: int
    source: str


@lru_cache(maxsize=1)
def default_ceilings() -> tuple[Ceiling, ...]:
    """The demonstration table."""
    path = Path(__file__).parents[2] / "data" / "crop_ceilings_demo.csv"
    return tuple(read_ceilings(path.read_bytes()))


def read_ceilings(data: bytes) -> list[Ceiling]:
    """A CSV as people send it. Raises CeilingsUnreadable, or Refused with a CeilingWrong for each
    line that is wrong."""
    if len(data) > MOST_BYTES:
        raise CeilingsUnreadable(path="table", why=f"> {MOST_BYTES} bytes")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise CeilingsUnreadable(path="table", why="UTF-8") from error
    if "\0" in text:
        raise CeilingsUnreadable(path="table", why="NUL")
    first = text.partition("\n")[0]
    delimiter = ";" if first.count(";") > first.count(",") else ","
    try:
        rows = list(csv.DictReader(io.StringIO(text), delimiter=delimiter))
    except csv.Error as error:
        raise CeilingsUnreadable(path="table", why=str(error)) from error
    if not rows or not set(COLUMNS[:3]) <= {str(name).strip() for name in rows[0]}:
        raise CeilingsUnreadable(path="table", why="crop, tonnes, days")
    if len(rows) > MOST_ROWS:
        raise CeilingsUnreadable(path="table", why=f"> {MOST_ROWS}")
    wrong: list[TraceError] = []
    found = [one for line, row in enumerate(rows, start=2) if (one := _row(line, row, wrong))]
    if wrong:
        raise Refused(wrong)
    return found


def _row(line: int, row: Mapping[Any, Any], wrong: list[TraceError]) -> Ceiling | None:
    told = {str(name).strip(): str(value or "").strip() for name, value in row.items()}
    before = len(wrong)

    def refuse(column: str, expected: str) -> None:
        got = told.get(column, "")[:40]
        wrong.append(
            CeilingWrong(path="table", line=line, column=column, got=got, expected=expected)
        )

    crop = told.get("crop", "")
    if not crop or len(crop) > 100 or not crop.isprintable():
        refuse("crop", "1–100")
    try:
        tonnes = Decimal(told.get("tonnes", "").replace(",", "."))
    except InvalidOperation:
        tonnes = Decimal(0)
    if not (tonnes.is_finite() and 0 < tonnes <= MOST_TONNES):
        refuse("tonnes", f"0–{MOST_TONNES}")
    days = told.get("days", "")
    if not (days.isascii() and days.isdecimal() and len(days) <= 4 and 1 <= int(days) <= MOST_DAYS):
        refuse("days", f"1–{MOST_DAYS}")
    source = told.get("source", "")
    if len(source) > 200 or not (source.isprintable()):
        refuse("source", "0–200")
    return Ceiling(crop, tonnes, int(days), source) if len(wrong) == before else None


def ceilings_of(parameters: Mapping[str, Any]) -> tuple[Ceiling, ...]:
    """The table as `authority_rules` keeps it; the demonstration table where nobody set one."""
    kept: Sequence[Sequence[str]] = parameters.get("crops") or ()
    if not kept:
        return default_ceilings()
    return tuple(Ceiling(row[0], Decimal(row[1]), int(row[2]), row[3]) for row in kept)


def kept_form(table: Iterable[Ceiling]) -> dict[str, list[list[str]]]:
    """What `authority_rules` keeps of a table."""
    return {"crops": [[one.crop, str(one.tonnes), str(one.days), one.source] for one in table]}


def ceiling_for(names: Iterable[str], table: Collection[Ceiling]) -> Ceiling | None:
    """The row whose crop has all its words in one of the names; the longest one that fits."""
    told = [set(fold(name).split()) for name in names]
    fitting = [
        one
        for one in table
        if any((words := set(fold(one.crop).split())) and words <= t for t in told)
    ]
    return max(fitting, key=lambda one: (len(one.crop.split()), len(one.crop)), default=None)

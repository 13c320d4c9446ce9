"""Our own small outline of the country (trace/data/outline.tsv), read once."""

from __future__ import annotations

import csv
from functools import cache
from pathlib import Path
from typing import Final

from trace.core.charts.projection import Point

OUTLINE: Final = Path(__file__).parents[1] / "data" / "outline.tsv"


@cache
def outline() -> tuple[list[tuple[str, Point]], list[tuple[str, Point]]]:
    """(corners of the mainland, islands), each (name, (lon, lat))."""
    with OUTLINE.open(encoding="utf-8", newline="") as file:
        found = [
            (row["part"], (float(row["lon"]), float(row["lat"])))
            for row in csv.DictReader(file, delimiter="\t")
        ]
    return (
        [one for one in found if one[0] == "mainland"],
        [one for one in found if one[0] != "mainland"],
    )

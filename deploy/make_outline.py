"""Makes trace/data/outline.tsv, a small outline of Viet Nam, from the positions of its wards.

Not needed to run or test Trace: the table is committed. To make it again:

    .venv/bin/pip install --target build/outline shapely==2.1.2
    PYTHONPATH=build/outline .venv/bin/python deploy/make_outline.py

The mainland is the concave hull of the middles of all wards that are not islands, a little wider
so that the shore wards lie inside, with only as many corners as a picture of a few hundred pixels
shows. It is a drawing to find one's bearings by, not a border of anything. Islands are the middles
of the special zones (đặc khu), each by its name.
"""

from __future__ import annotations

import csv
from pathlib import Path

from shapely import MultiPoint, concave_hull

DATA = Path(__file__).resolve().parents[1] / "trace" / "data"
# The share of the longest edge that a hull's edge may have, degrees added around, degrees a corner
# may be moved by.
TIGHT, AROUND, COARSE = 0.025, 0.06, 0.07


def main() -> None:
    """Reads wards.tsv and writes outline.tsv: one corner a line, rings and islands by name."""
    with (DATA / "wards.tsv").open(encoding="utf-8", newline="") as file:
        wards = list(csv.DictReader(file, delimiter="\t"))
    islands = [one for one in wards if one["type"] == "Đặc khu"]
    middles = [(float(one["lon"]), float(one["lat"])) for one in wards if one["type"] != "Đặc khu"]
    shape = concave_hull(MultiPoint(middles), ratio=TIGHT).buffer(AROUND).simplify(COARSE)
    rows = [("mainland", x, y) for x, y in list(shape.exterior.coords)[:-1]]
    rows += [(one["name"], float(one["lon"]), float(one["lat"])) for one in islands]
    with (DATA / "outline.tsv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, delimiter="\t", lineterminator="\n")
        writer.writerow(("part", "lon", "lat"))
        writer.writerows((part, f"{x:.2f}", f"{y:.2f}") for part, x, y in rows)


if __name__ == "__main__":
    main()

"""Where the columns of a chart stand, and the dots of a map of sums. Pure: numbers in, places out.

A chart says one thing a day or a week; its height ends at a round number above the largest.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from typing import Final

ROUND: Final = (1, 2, 5)


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its box in units from the top left, and what it counts."""

    x: float
    y: float
    width: float
    height: float
    count: int


@dataclass(frozen=True, slots=True)
class Chart:
    """Columns in a box of `width` by `height`; `top` is the number at its upper edge."""

    columns: tuple[Column, ...]
    top: int
    width: int
    height: int


def ceiling(largest: int) -> int:
    """The least of 1, 2, 5, 10, 20, 50, … that is not below `largest`; 1 for nothing."""
    unit = 1
    while True:
        for digit in ROUND:
            if digit * unit >= largest:
                return digit * unit
        unit *= 10


def columns(counts: Sequence[int], width: int = 320, height: int = 96, gap: float = 1.0) -> Chart:
    """A column for each count, in order. What is not nought is at least one unit high; below nought
    there is nothing to draw."""
    top = ceiling(max(counts, default=0))
    each = width / max(1, len(counts))
    drawn = []
    for place, count in enumerate(counts):
        tall = 0.0 if count <= 0 else max(1.0, count / top * height)
        drawn.append(
            Column(
                round(place * each, 2),
                round(height - tall, 2),
                round(max(0.5, each - gap), 2),
                round(tall, 2),
                count,
            )
        )
    return Chart(tuple(drawn), top, width, height)


def radii(counts: Sequence[int], largest: float = 14.0, least: float = 2.0) -> list[float]:
    """Radii whose areas go with the counts; the largest count's is `largest`. 0 for nought."""
    most = max(counts, default=0)
    return [
        0.0 if count <= 0 else round(max(least, sqrt(count / most) * largest), 1)
        for count in counts
    ]

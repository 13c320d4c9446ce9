"""Series of readings folded into what a history tells of them. Pure: no clock, no database.

A logger writes a line every few minutes; a history needs one statement for a day or a journey: the
least, the greatest and the mean value, how long they lay outside limits, and enough points to draw.

Rules.
1. A reading holds until the next one, and never longer than `HOLDS`: what nobody measured in
   between is told as minutes unknown, not filled in.
2. Means are weighted by how long each reading held. Rain is added up instead: its readings are
   amounts since the one before.
3. Outside is below `low` or above `high`; a reading that equals a limit keeps it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from itertools import pairwise
from typing import Final

HOLDS: Final = timedelta(minutes=30)
MOST_POINTS: Final = 48
MINUTE: Final = timedelta(minutes=1)
EXACT: Final = Decimal("0.01")


@dataclass(frozen=True, slots=True)
class Measure:
    """What is measured: the type (GS1 Web Vocabulary, MeasurementType), its unit (UN/ECE
    Recommendation 20) and between what a reading can be true at all."""

    type: str
    uom: str
    least: Decimal
    most: Decimal
    summed: bool = False


MEASURES: Final = {
    "temperature": Measure("Temperature", "CEL", Decimal(-100), Decimal(150)),
    "humidity": Measure("RelativeHumidity", "P1", Decimal(0), Decimal(100)),
    # Millimetres since the reading before; what rain gauges give.
    "rainfall": Measure("Length", "MMT", Decimal(0), Decimal(500), summed=True),
    # Fine dust (PM2.5), micrograms in a cubic metre.
    "fine-dust": Measure("MassConcentration", "GQ", Decimal(0), Decimal(10_000)),
}


@dataclass(frozen=True, slots=True)
class Reading:
    """One value at one moment (aware)."""

    time: datetime
    value: Decimal


@dataclass(frozen=True, slots=True)
class Limits:
    """The values that keep goods well, in the measure's unit; None where there is no bound."""

    low: Decimal | None = None
    high: Decimal | None = None

    def breaks(self, value: Decimal) -> bool:
        """Whether a value lies outside."""
        return (self.low is not None and value < self.low) or (
            self.high is not None and value > self.high
        )


@dataclass(frozen=True, slots=True)
class Point:
    """One piece of a curve: from when to when, and what was read in it."""

    start: datetime
    end: datetime
    least: Decimal
    most: Decimal
    mean: Decimal


@dataclass(frozen=True, slots=True)
class Fold:
    """What a series says. `minutes` were covered by readings, `unknown` were not, `outside` of the
    covered ones lay outside the limits; `total` is the mean, or the sum of what is summed."""

    start: datetime
    end: datetime
    count: int
    least: Decimal
    most: Decimal
    total: Decimal
    minutes: int
    unknown: int
    outside: int
    points: tuple[Point, ...]


def fold(
    measure: Measure, readings: Sequence[Reading], limits: Limits, *, most_points: int = MOST_POINTS
) -> Fold | None:
    """Folds readings in any order, several at one moment counting once (the last given); None for
    none at all. From the first reading to the last: before and after nobody measured."""
    by_time = {reading.time: reading for reading in readings}
    ordered = sorted(by_time.values(), key=lambda one: one.time)
    if not ordered:
        return None
    start, end = ordered[0].time, ordered[-1].time
    held = _held(ordered)
    covered = sum(held, timedelta())
    outside = sum(
        (span for one, span in zip(ordered, held, strict=True) if limits.breaks(one.value)),
        timedelta(),
    )
    values = [one.value for one in ordered]
    return Fold(
        start=start,
        end=end,
        count=len(ordered),
        least=min(values),
        most=max(values),
        total=_exact(sum(values, Decimal(0))) if measure.summed else _mean(ordered, held),
        minutes=covered // MINUTE,
        unknown=(end - start - covered) // MINUTE,
        outside=_up(outside),
        points=_points(ordered, held, most_points),
    )


def _held(ordered: Sequence[Reading]) -> list[timedelta]:
    """How long each reading holds; the last one holds for no time: nobody measured after it."""
    held = [min(after.time - before.time, HOLDS) for before, after in pairwise(ordered)]
    return [*held, timedelta()]


def _mean(ordered: Sequence[Reading], held: Sequence[timedelta]) -> Decimal:
    weights = [Decimal(span // timedelta(milliseconds=1)) for span in held]
    whole = sum(weights, Decimal(0))
    if not whole:
        return _exact(sum((one.value for one in ordered), Decimal(0)) / len(ordered))
    pairs = zip(ordered, weights, strict=True)
    return _exact(sum((one.value * weight for one, weight in pairs), Decimal(0)) / whole)


def _points(ordered: Sequence[Reading], held: Sequence[timedelta], most: int) -> tuple[Point, ...]:
    """The series in equal pieces of whole minutes, at most so many; pieces without readings are
    left out."""
    start = ordered[0].time
    whole = ordered[-1].time - start
    step = max(MINUTE, -(-whole // (most * MINUTE)) * MINUTE)
    if whole // step >= most:
        step += MINUTE
    pieces: dict[int, list[int]] = {}
    for index, one in enumerate(ordered):
        pieces.setdefault((one.time - start) // step, []).append(index)
    found = []
    for inside in pieces.values():
        some = [ordered[index] for index in inside]
        values = [one.value for one in some]
        found.append(
            Point(
                start=some[0].time,
                end=some[-1].time,
                least=min(values),
                most=max(values),
                mean=_mean(some, [held[index] for index in inside]),
            )
        )
    return tuple(found)


def _exact(value: Decimal) -> Decimal:
    return value.quantize(EXACT, ROUND_HALF_EVEN)


def _up(span: timedelta) -> int:
    """Whole minutes, begun ones counted: half a minute above a limit is not nothing."""
    return -(-span // MINUTE)

"""How much may come out of a step: the least and the most, as parts of the weight that went in.

PARAMETERS, not measurements: no openly licensed table of such ranges was found, so these are wide
on purpose and marked DEMO. An operator who knows better figures changes them here. They judge
weight only, and only where every amount of the step is given in one unit.

Less than the least is a mark (somebody may look); more than the most, beyond the scales' tolerance,
is what cannot be: the batch is held.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

# Scales differ and leaves dry: two parts in a hundred are nobody's fault.
TOLERANCE: Final = Decimal("0.02")


@dataclass(frozen=True, slots=True)
class Yield:
    """Least and most that comes out of one part in, and where the figures are from."""

    least: Decimal
    most: Decimal
    source: str = "DEMO"


def _range(least: str, most: str) -> Yield:
    return Yield(Decimal(least), Decimal(most))


YIELDS: Final[Mapping[str, Yield]] = {
    "mixing": _range("0.95", "1"),
    "splitting": _range("0.95", "1"),
    "packing": _range("0.90", "1"),
    "repackaging": _range("0.90", "1"),
    "cooling": _range("0.90", "1"),
    "washing": _range("0.80", "1.05"),  # leaves hold water
    "grading": _range("0.50", "1"),
    "milling": _range("0.55", "1"),  # rice alone, or rice, bran and husk together
    # Drying, juicing, pickling, cooking with water: nearly anything.
    "processing": _range("0.05", "3"),
}


def judge(step: str, going_in: Decimal, coming_out: Decimal) -> str:
    """ "" for a plausible step, `low` below the least, `high` beyond the most and the tolerance; ""
    for a step without a range and for nothing in."""
    known = YIELDS.get(step)
    if known is None or going_in <= 0:
        return ""
    if coming_out > going_in * known.most * (1 + TOLERANCE):
        return "high"
    return "low" if coming_out < going_in * known.least * (1 - TOLERANCE) else ""

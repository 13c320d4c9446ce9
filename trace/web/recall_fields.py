"""The boxes of an answer to a recall: what became of how much, in each unit; of a holder's own lots
one by one where that is asked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from trace.models.recalls import FATES
from trace.services.batches import short_name
from trace.services.recalls.answering import Due
from trace.services.recalls.booking import BOOKED, Line, Lot

# Of whom nobody knows how much they had is asked by weight.
WEIGHT = "KGM"


@dataclass(frozen=True, slots=True)
class Box:
    """One box: its place in the form, and what it asks. `alone` where the holder has one lot in
    this unit: then nobody need be told which."""

    place: int
    fate: str
    unit: str
    lot: Lot | None = None
    alone: bool = True

    @property
    def lot_name(self) -> str:
        """What the lot is called, where there is one."""
        return short_name(self.lot.thing.identity) if self.lot else ""


def boxes_of(due: Sequence[Due], lots: Sequence[Lot] = ()) -> list[Box]:
    """The boxes in order."""
    found: list[Box] = []
    for unit in [one.unit for one in due] or [WEIGHT]:
        own = [one for one in lots if one.unit == unit]
        for fate in FATES:
            for lot in (own if fate in BOOKED else ()) or (None,):
                found.append(Box(len(found), fate, unit, lot, len(own) < 2))
    return found


def start_of(boxes: Sequence[Box], due: Sequence[Due]) -> dict[str, object]:
    """What a first answer is filled in with: what the holder's own records say it sold."""
    sold = {one.unit: one.sold for one in due if one.sold and not one.answered}
    return {
        f"lines-{box.place}-quantity": sold[box.unit]
        for box in boxes
        if box.fate == "sold" and box.unit in sold
    }


def lines_of(clean: Mapping[str, Any]) -> list[Line]:
    """The lines of an answer as typed, each at the place it has in the form."""
    rows = clean["lines"] or ()
    length = 1 + max((row["row"] for row in rows), default=-1)
    found = [Line("held", "", Decimal(0))] * length
    for row in rows:
        thing = int(row["thing"]) if row["thing"].isdecimal() else None
        quantity = row["quantity"] or Decimal(0)
        found[row["row"]] = Line(row["fate"], row["unit"], quantity, clean["note"], thing)
    return found

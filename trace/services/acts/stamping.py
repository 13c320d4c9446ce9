"""Stamps of a roll: drawn again or for the first time, and bound to a lot."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from trace.core.labels import Label
from trace.models import Job, Thing
from trace.services.actors import Actor
from trace.services.acts.common import Told, circumstances
from trace.services.batches import item_of, product_of, read_facts
from trace.services.label_sheets import ask_for_sheet
from trace.services.labels import (
    Sheet,
    check_sheet,
    issue_labels,
    label_of,
    stamp_label,
    weight_words,
)
from trace.services.records import JsonObject
from trace.services.stamps import binding_event, check_fits, check_not_held, read_stretch
from trace.services.timelines import get_thing
from trace.services.units import Stretch

# (label, whether the number stands beside it) -> the sheet on the stock that was chosen.
Drawn = Callable[[Label, bool], Sheet]


def draw_stamps(
    actor: Actor, stretch: Stretch, drawn: Drawn, *, kind: str, reason: str, at: datetime
) -> Job:
    """Asks for the sheet of a stretch. Raises BatchHeld and LabelsRecalled where the roll is bound
    to a lot that is held, and what `check_sheet` raises."""
    lot: Thing | None = None
    label = stamp_label(stretch.range)
    if stretch.range.lot_id is not None:
        lot = get_thing(actor, stretch.range.lot_id, "lot")
        check_not_held(lot)
        product = product_of(lot)
        weight = weight_words(product.net_weight if product else None)
        label = label_of(lot, read_facts(actor, [lot])[lot.id], net_weight=weight)
    sheet = drawn(label, lot is None)
    check_sheet(sheet)
    job = ask_for_sheet(actor, sheet, at=at)
    issue_labels(actor, lot, sheet, at=at, kind=kind, reason=reason, job=job.public_id)
    return job


def bind(actor: Actor, told: Told) -> tuple[Stretch, list[JsonObject]]:
    """A stretch of a roll belongs to a lot from now on. Raises NotAStamp, OtherRoll, OtherProduct,
    UnitsTaken, BatchHeld."""
    lot = get_thing(actor, told["lot"], "lot")
    stretch = read_stretch(actor, told["first"], told["last"])
    check_fits(stretch, lot)
    return stretch, [binding_event(circumstances(actor, told), item_of(lot), stretch)]

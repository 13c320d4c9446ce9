"""A weighing sheet becomes one lot."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from trace.models import Thing, WeighingSheet
from trace.services import weighing
from trace.services.actors import Actor
from trace.services.acts.common import Told, circumstances, new_lot
from trace.services.capture import Captured
from trace.services.group import list_plantings
from trace.services.harvests import harvest, register_lot
from trace.services.records import JsonObject
from trace.services.timelines import get_event


def make_lot(actor: Actor, sheet: WeighingSheet, told: Told, *, at: datetime) -> list[JsonObject]:
    """The event of the lot: a harvest from the plantings of those who brought some, a registration
    where nobody keeps a diary. Its quantity is what was weighed. Raises SheetClosed,
    NothingWeighed, LotExists."""
    weighing.check_open(sheet)
    lines = weighing.lines_of(sheet)
    if not lines:
        raise weighing.NothingWeighed(path="quantity")
    plantings, _ = weighing.origins(sheet, lines, list_plantings(actor, at=at))
    total = weighing.total_of(lines).kilograms
    whole = replace(told, clean={**told.clean, "quantity": total, "unit": "kg"})
    base = circumstances(actor, whole)
    lot, facts = new_lot(whole.clean, sheet.product, told.draw)
    if plantings:
        event = harvest(base, [one.address for one in plantings], lot, facts)
    else:
        event = register_lot(base, lot, facts)
    return [weighing.with_shares(event, lines)]


def close_sheet(actor: Actor, sheet: WeighingSheet, captured: Captured) -> Thing:
    """The sheet became this lot, and is written on no more."""
    told = get_event(actor, captured.events[0].event_id)
    made = next(one.thing for one in told.things if one.role in ("output", "epc"))
    sheet.thing_id = made.id
    return made

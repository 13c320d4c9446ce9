"""What was meant, beside what was written; or that nothing stands instead."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from trace.services.actors import Actor
from trace.services.acts.common import Told, circumstances, lot_amount
from trace.services.batches import address_of
from trace.services.diary import Input
from trace.services.records import Item, JsonObject, Record, declare_error, local_time, quantity
from trace.services.settings import current_settings
from trace.services.timelines import Line
from trace.services.vocabulary import context

# Where an event keeps its things: list of classes by role.
QUANTITY_LISTS: Final = {
    "epc": "quantityList",
    "child": "childQuantityList",
    "input": "inputQuantityList",
    "output": "outputQuantityList",
}


def correct(actor: Actor, line: Line, told: Told, *, at: datetime) -> list[JsonObject]:
    """The event that stands instead, and the declaration that the first was wrong. Photos of the
    first stay where no others are sent."""
    base = circumstances(actor, told)
    if not base.attachments:
        base = replace(base, attachments=tuple(line.document.get("trace:attachments") or ()))
    instead = corrected(line, base, told.clean)
    declared = declare_error(
        line.document,
        line.statement_id,
        id_base=current_settings().id_base,
        at=at,
        reason=told["reason"],
        corrective=[base.event_id],
    )
    return [instead, declared]


def void(line: Line, reason: str, *, at: datetime) -> list[JsonObject]:
    """The event did not happen; it is struck through, never removed."""
    return [
        declare_error(
            line.document,
            line.statement_id,
            id_base=current_settings().id_base,
            at=at,
            reason=reason,
        )
    ]


def is_counted(line: Line, number: int) -> bool:
    """Whether a thing's amount can be corrected: lots that the event gave an amount."""
    named = line.things[number]
    return named.role in QUANTITY_LISTS and named.thing.kind == "lot"


def corrected(line: Line, base: Record, clean: Mapping[str, Any]) -> JsonObject:
    """The event that stands instead: the original with what was sent changed, under a new id."""
    dropped = ("recordTime", "errorDeclaration", "trace:members", "trace:corrects")
    found = {name: value for name, value in line.document.items() if name not in dropped}
    found["@context"] = line.document.get("@context") or context(base.id_base)
    found["eventID"] = base.event_id
    found["eventTime"] = local_time(base.event_time)
    own = {
        "readPoint": {"id": base.place} if base.place else None,
        "bizLocation": {"id": base.location} if base.location else None,
        "trace:performedBy": base.performed_by,
        "trace:recordedBy": base.recorded_by,
        "trace:note": base.note,
        "trace:attachments": list(base.attachments),
    }
    for name, value in own.items():
        found.pop(name, None)
        if value:
            found[name] = value
    _amounts(found, line, clean)
    if "trace:inputs" in found:
        rows = [
            {name: value for name, value in row.items() if name != "row" and value is not None}
            for row in clean["inputs"] or ()
        ]
        found["trace:inputs"] = [Input(**row).to_json() for row in rows]
    if "ilmd" in found:
        found["ilmd"] = _dates(dict(found["ilmd"]), clean)
    return found


def _dates(ilmd: JsonObject, clean: Mapping[str, Any]) -> JsonObject:
    for name, value in (
        ("cbvmda:itemExpirationDate", clean["use_by"]),
        ("cbvmda:bestBeforeDate", clean["best_before"]),
    ):
        ilmd.pop(name, None)
        if value is not None:
            ilmd[name] = value.isoformat()
    return ilmd


def _amounts(found: JsonObject, line: Line, clean: Mapping[str, Any]) -> None:
    """Puts the corrected amounts into the event's lists."""
    typed = {row["row"]: row for row in clean["things"] or ()}
    for number, named in enumerate(line.things):
        if not is_counted(line, number):
            continue
        amount = lot_amount(typed.get(number, {}))
        member = QUANTITY_LISTS[named.role]
        uri = address_of(named.thing)
        found[member] = [
            quantity(Item(one["epcClass"], amount)) if address_of(one["epcClass"]) == uri else one
            for one in found.get(member) or ()
        ]

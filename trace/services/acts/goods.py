"""Lots and crates: registered, kept, sold, ended, processed, packed and unpacked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from trace.core.gs1 import Identity, local_uri, parse_digital_link
from trace.errors import Refused, TraceError
from trace.models import Thing
from trace.services import choices, holds
from trace.services.actors import Actor
from trace.services.acts.common import (
    GOODS,
    Told,
    circumstances,
    items_of_rows,
    lot_amount,
    new_lot,
)
from trace.services.batches import get_things, item_of
from trace.services.crates import (
    Load,
    check_count,
    chosen_crates,
    issue_crates,
    labels_in,
    new_crates,
)
from trace.services.harvests import register_lot
from trace.services.inheriting import facts_of_sources, inherit
from trace.services.processing import Output, pack, process, unpack
from trace.services.records import LOCAL_ZONE, Draw, JsonObject, Record
from trace.services.refusals import FieldMissing, FutureTime, NothingChosen
from trace.services.settings import current_settings
from trace.services.storage import Reading, destroy, divert, keep, put_on_sale, sell


def register(actor: Actor, told: Told) -> list[JsonObject]:
    """A lot of someone who keeps no diary."""
    base = circumstances(actor, told)
    product = choices.get_product(actor, told["product"])
    lot, facts = new_lot(told.clean, product, told.draw)
    return [register_lot(base, lot, facts)]


def store(actor: Actor, thing: Thing, told: Told) -> list[JsonObject]:
    """Cold storage, with one reading or many. Raises FutureTime for a reading after the event."""
    base = circumstances(actor, told)
    readings = _readings(told.clean, base)
    item = item_of(thing, lot_amount(told.clean))
    return [keep(base, [item], readings, biz_step=told["step"])]


def _readings(clean: Mapping[str, Any], base: Record) -> list[Reading]:
    found = [Reading(row["time"], row["celsius"]) for row in clean["readings"] or ()]
    for row, reading in zip(clean["readings"] or (), found, strict=True):
        if reading.time > base.event_time:
            # A reading belongs to the time the event speaks of (EPCIS 2.0: not after it).
            shown = reading.time.astimezone(LOCAL_ZONE).strftime("%d/%m/%Y %H:%M")
            raise FutureTime(path=f"readings-{row['row']}-time", text=shown)
    if clean["celsius"] is not None:
        found.append(Reading(base.event_time, clean["celsius"]))
    return found


def offer(actor: Actor, thing: Thing, told: Told) -> list[JsonObject]:
    """On sale at a place of ours, or sold. Raises NothingChosen for a sale at no place."""
    base = circumstances(actor, told)
    item = item_of(thing, lot_amount(told.clean))
    if told["act"] != "on-sale":
        return [sell(base, [item])]
    if not base.location:
        raise NothingChosen(path="place")
    return [put_on_sale(base, [item])]


def end(actor: Actor, thing: Thing, told: Told) -> list[JsonObject]:
    """Destroyed, or used for something else, and why; of held goods with a witness and a photo, for
    an authority must be able to check. Raises Refused naming each that is not there."""
    if holds.held([thing.id]):
        missing: list[TraceError] = []
        if not told["witness"]:
            missing.append(FieldMissing(path="witness"))
        if not told.photos:
            missing.append(FieldMissing(path="photos"))
        if missing:
            raise Refused(missing)
    base = circumstances(actor, told)
    items, witness = [item_of(thing, lot_amount(told.clean))], told["witness"]
    if told["end"] == "destroyed":
        return [destroy(base, items, witness=witness)]
    return [divert(base, items, told["end"], witness=witness)]


# -- the packhouse ---------------------------------------------------------------------------------


def work(actor: Actor, told: Told) -> list[JsonObject]:
    """Processing, milling, splitting, mixing, retail packing: several lots in, several out."""
    base = circumstances(actor, told)
    outputs = _outputs(actor, told.clean, told.draw)
    inputs = items_of_rows(actor, told["lots"])
    return process(base, told["step"], inputs, outputs, new_event_id=told.draw.event_id)


def _outputs(actor: Actor, clean: Mapping[str, Any], draw: Draw) -> list[Output]:
    """What comes out, with the days of what went in: packing makes nothing younger."""
    things = get_things(actor, [row["thing"] for row in clean["lots"]], *GOODS)
    sources = facts_of_sources(actor, list(things.values()))
    found = []
    for row in clean["outputs"]:
        made = _output(actor, row, draw)
        facts = inherit(clean["step"], made.facts, sources, f"outputs-{row['row']}-")
        found.append(Output(made.item, facts))
    return found


def _output(actor: Actor, row: Mapping[str, Any], draw: Draw) -> Output:
    path = f"outputs-{row['row']}"
    product = choices.get_product(actor, row["product"], f"{path}-product")
    try:
        item, facts = new_lot(row, product, draw)
    except TraceError as error:
        error.path = f"{path}-{error.path}"
        raise
    return Output(item, facts)


def fill(actor: Actor, told: Told, *, at: datetime) -> tuple[list[JsonObject], int]:
    """Into a crate or pallet, or into many that are filled alike: one event a crate, photos with
    the first; and the run of labels made for them (0 for none)."""
    base = circumstances(actor, told)
    items = items_of_rows(actor, told["lots"])
    crates, run = _crates(actor, told.clean, at=at)
    id_base = current_settings().id_base
    events = [
        pack(base.another(told.draw.event_id()) if number else base, local_uri(one, id_base), items)
        for number, one in enumerate(crates)
    ]
    return events, run


def _crates(
    actor: Actor, clean: Mapping[str, Any], *, at: datetime
) -> tuple[Sequence[Identity], int]:
    if clean["parent"]:
        return chosen_crates(actor, clean["parent"], clean["last"]), 0
    count = clean["crates"]
    check_count(count, "crates")
    if count == 1:
        return new_crates(actor, 1), 0
    run = issue_crates(actor, count, at=at)
    id_base = current_settings().id_base
    listed = labels_in(run, 1, count)
    return [parse_digital_link(text, id_base=id_base).identity for _, text, _ in listed], run


def empty(actor: Actor, crate: Thing, taken: Sequence[Load], told: Told) -> list[JsonObject]:
    """Out of a crate or pallet again: all of it (nothing named), or what is named. Named with their
    amounts: whoever moves the crate later moves only what is left."""
    items = [item_of(one.thing, one.amount) for one in taken]
    return [unpack(circumstances(actor, told), item_of(crate).uri, items)]

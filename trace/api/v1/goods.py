"""Cycles, lots and crates: what there is, what is done to it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from trace import clock
from trace.api.v1.door import operation
from trace.api.v1.nouns import PAGE
from trace.api.v1.recording import CODE, event_of, recording
from trace.models import Thing
from trace.schemas.api import acts as bodies
from trace.schemas.api.acts import BatchDetailOut, BatchOut, CycleOut, EventOut
from trace.schemas.api.answers import listed
from trace.services import paging
from trace.services.actors import Actor
from trace.services.acts import GOODS, Told, goods, growing
from trace.services.batches import (
    Batch,
    address_of,
    batches_of,
    read_facts,
    select_things,
    short_name,
)
from trace.services.crates import loads_of
from trace.services.cycles import Cycle, cycles_of, waiting_until
from trace.services.records import LOCAL_ZONE, JsonObject
from trace.services.timelines import get_thing, timeline

WHEN: Final = "2026-11-20T07:30:00+07:00"
BATCH: Final = {
    "id": 12,
    "kind": "lot",
    "code": "7K3QM-P2XV4",
    "identity": f"https://id.example/b/{CODE}",
    "address": f"https://id.example/b/{CODE}",
    "product": {"id": 3, "name": "Cải ngọt", "gtin": None},
    "mine": True,
    "held": [{"quantity": 480, "uom": "KGM"}],
    "place": f"https://id.example/l/{CODE}",
    "state": "held",
    "alert": "",
    "created_at": "2026-11-20T00:31:00Z",
}
EVENT: Final = {
    "id": 41,
    "statement": "urn:uuid:6f9619ff-8b86-4d01-b42d-00cf4fc964ff",
    "step": "commissioning",
    "event_time": "2026-11-20T00:30:00Z",
    "record_time": "2026-11-20T00:31:00.125Z",
    "index": 118,
    "issuer": {"code": CODE, "name": "HTX Rau Đan Phượng"},
    "mine": True,
    "document": {"type": "ObjectEvent", "action": "ADD", "bizStep": "commissioning"},
    "withheld": [],
    "things": [],
    "marks": [],
    "late_days": None,
    "stands": True,
    "voided": False,
    "replaced_by": [],
    "replaces": [],
}
EVENTS: Final = listed(EventOut(), "EventPage")


def batch_out(batch: Batch) -> dict[str, Any]:
    """A thing as lists answer it."""
    product = batch.product
    return {
        "id": batch.thing_id,
        "kind": batch.kind,
        "code": batch.name,
        "identity": batch.identity,
        "address": address_of(batch.identity),
        "product": product and {"id": product.id, "name": product.name, "gtin": product.gtin},
        "mine": batch.mine,
        "held": batch.held,
        "place": batch.place,
        "state": batch.state,
        "alert": batch.alert,
        "created_at": batch.created_at,
    }


def _page(actor: Actor, asked: dict[str, Any], kinds: Sequence[str]) -> paging.Page[Thing]:
    query = select_things(actor, *kinds, held_only=asked.get("held") == "true")
    return paging.page(
        query, Thing.id, cursor=asked["cursor"] or "", limit=asked["limit"], newest=True
    )


def _events(actor: Actor, thing: Thing) -> dict[str, Any]:
    return {"items": [event_of(line) for line in timeline(actor, thing)], "next": None}


# -- cycles ----------------------------------------------------------------------------------------

CYCLE: Final = {
    **BATCH,
    "kind": "cycle",
    "held": [],
    "begun": "2026-10-02T00:30:00Z",
    "last_step": "trace:spraying",
    "last_time": "2026-11-10T00:30:00Z",
    "events": 9,
    "harvests": 0,
}


def _cycle(cycle: Cycle) -> dict[str, Any]:
    told = batch_out(cycle.batch)
    names = ("begun", "last_step", "last_time", "events", "harvests", "state")
    return {**told, **{name: getattr(cycle, name) for name in names}}


@operation(
    "GET",
    "/cycles",
    tag="cycles",
    summary="Plantings, flocks and ponds, newest first",
    scope="query",
    out=listed(CycleOut(), "CyclePage"),
    query=PAGE,
    answer={"items": [CYCLE], "next": None},
)
def list_cycles(actor: Actor, asked: dict[str, Any]) -> dict[str, Any]:
    found = _page(actor, asked, ("cycle",))
    cycles = cycles_of(batches_of(actor, found.rows))
    return {"items": [_cycle(one) for one in cycles], "next": found.next or None}


@operation(
    "GET",
    "/cycles/<int:thing_id>",
    tag="cycles",
    summary="One cycle, and from when a harvest keeps every interval",
    scope="query",
    out=CycleOut(),
    answer={**CYCLE, "may_harvest_from": "2026-11-17"},
)
def show_cycle(actor: Actor, thing_id: int) -> dict[str, Any]:
    thing = get_thing(actor, thing_id, "cycle")
    (cycle,) = cycles_of(batches_of(actor, [thing]))
    today = clock.now().astimezone(LOCAL_ZONE).date()
    waiting = waiting_until(timeline(actor, thing), today)
    return {**_cycle(cycle), "may_harvest_from": waiting.until if waiting else None}


@operation(
    "GET",
    "/cycles/<int:thing_id>/events",
    tag="cycles",
    summary="A cycle's diary, newest first",
    scope="query",
    out=EVENTS,
    answer={"items": [EVENT], "next": None},
)
def list_cycle_events(actor: Actor, thing_id: int) -> dict[str, Any]:
    return _events(actor, get_thing(actor, thing_id, "cycle"))


def _begin(actor: Actor, told: Told) -> list[JsonObject]:
    return growing.begin(actor, told["beginning"], told)


def _enter(actor: Actor, told: Told, thing_id: int) -> list[JsonObject]:
    return growing.enter(actor, get_thing(actor, thing_id, "cycle"), told["step"], told)


def _declare(actor: Actor, told: Told, thing_id: int) -> list[JsonObject]:
    return growing.declare(actor, get_thing(actor, thing_id, "cycle"), told)


def _reap(actor: Actor, told: Told, thing_id: int) -> list[JsonObject]:
    thing = get_thing(actor, thing_id, "cycle")
    return growing.reap(actor, thing, timeline(actor, thing), told)


recording(
    "begin_cycle",
    "/cycles",
    bodies.BEGIN,
    _begin,
    tag="cycles",
    summary="A planting, a flock or a pond begins",
    example={
        "beginning": "sowing",
        "when": WHEN,
        "place": 7,
        "product": 3,
        "variety": "Cải ngọt Bông vàng",
        "area": 1440,
        "area_unit": "m2",
    },
)
recording(
    "add_entry",
    "/cycles/<int:thing_id>/entries",
    bodies.DONE,
    _enter,
    tag="cycles",
    summary="One thing done to a cycle",
    example={
        "step": "spraying",
        "when": WHEN,
        "inputs": [
            {
                "name": "Thuốc Demo 1.8EC",
                "active_ingredient": "hoạt chất Demo",
                "amount": 30,
                "unit": "ml",
                "interval_days": 7,
                "reason": "sâu tơ",
            }
        ],
    },
)
recording(
    "declare_none",
    "/cycles/<int:thing_id>/none-used",
    bodies.NONE_USED,
    _declare,
    tag="cycles",
    summary="Declare that none was used: silence is not a declaration, this is one",
    example={"when": WHEN, "kinds": ["pesticide"]},
)
recording(
    "harvest_cycle",
    "/cycles/<int:thing_id>/harvests",
    bodies.HARVEST,
    _reap,
    tag="cycles",
    summary="From a cycle to a new lot",
    example={"when": WHEN, "quantity": 480, "unit": "kg", "lot": "L2611"},
)

# -- lots and crates -------------------------------------------------------------------------------


@operation(
    "GET",
    "/batches",
    tag="batches",
    summary="Lots and crates the organisation made or has, newest first",
    scope="query",
    out=listed(BatchOut(), "BatchPage"),
    query={
        **PAGE,
        "kind": {"type": "string", "enum": ["lot", "logistic"], "description": "Only these."},
        "held": {"type": "string", "enum": ["true"], "description": "Only what is there now."},
    },
    answer={"items": [BATCH], "next": None},
)
def list_batches(actor: Actor, asked: dict[str, Any]) -> dict[str, Any]:
    found = _page(actor, asked, (asked["kind"],) if asked["kind"] else GOODS)
    rows = [batch_out(one) for one in batches_of(actor, found.rows)]
    return {"items": rows, "next": found.next or None}


@operation(
    "GET",
    "/batches/<int:thing_id>",
    tag="batches",
    summary="One lot or crate with what is known of it, and what lies in a crate",
    scope="query",
    out=BatchDetailOut(),
    answer={
        **BATCH,
        "name": "Cải ngọt",
        "lot_number": "L2611",
        "variety": "",
        "harvested_from": "2026-11-20",
        "harvested_until": "2026-11-20",
        "use_by": None,
        "best_before": None,
        "made": [{"quantity": 480, "uom": "KGM"}],
        "inside": [],
    },
)
def show_batch(actor: Actor, thing_id: int) -> dict[str, Any]:
    thing = get_thing(actor, thing_id, *GOODS)
    (batch,) = batches_of(actor, [thing])
    (facts,) = read_facts(actor, [thing]).values()
    first, last = facts.harvest or (None, None)
    inside = loads_of(actor, [thing.id])[thing.id] if thing.kind == "logistic" else []
    names = ("name", "lot_number", "variety", "use_by", "best_before", "made")
    return {
        **batch_out(batch),
        **{name: getattr(facts, name) for name in names},
        "harvested_from": first,
        "harvested_until": last,
        "inside": [
            {
                "role": "child",
                "id": one.thing.id,
                "kind": one.thing.kind,
                "code": short_name(one.thing.identity),
                "address": address_of(one.thing),
                "quantity": one.amount.quantity if one.amount else None,
                "uom": one.amount.uom if one.amount else "",
            }
            for one in inside
        ],
    }


@operation(
    "GET",
    "/batches/<int:thing_id>/events",
    tag="batches",
    summary="What was recorded of a lot or crate, newest first",
    scope="query",
    out=EVENTS,
    answer={"items": [EVENT], "next": None},
)
def list_batch_events(actor: Actor, thing_id: int) -> dict[str, Any]:
    return _events(actor, get_thing(actor, thing_id, *GOODS))


def _store(actor: Actor, told: Told, thing_id: int) -> list[JsonObject]:
    return goods.store(actor, get_thing(actor, thing_id, *GOODS), told)


def _offer(actor: Actor, told: Told, thing_id: int) -> list[JsonObject]:
    return goods.offer(actor, get_thing(actor, thing_id, *GOODS), told)


def _end(actor: Actor, told: Told, thing_id: int) -> list[JsonObject]:
    return goods.end(actor, get_thing(actor, thing_id, *GOODS), told)


def _fill(actor: Actor, told: Told) -> list[JsonObject]:
    events, _ = goods.fill(actor, told, at=clock.now())
    return events


def _empty(actor: Actor, told: Told, thing_id: int) -> list[JsonObject]:
    crate = get_thing(actor, thing_id, "logistic")
    inside = loads_of(actor, [crate.id])[crate.id]
    taken = [one for one in inside if one.thing.id in told["things"]]
    return goods.empty(actor, crate, taken, told)


recording(
    "register_batch",
    "/batches",
    bodies.REGISTER,
    goods.register,
    tag="batches",
    summary="A lot of someone who keeps no diary",
    example={"when": WHEN, "place": 7, "product": 3, "quantity": 480, "unit": "kg", "lot": "L2611"},
)
recording(
    "store_batch",
    "/batches/<int:thing_id>/storage",
    bodies.STORE,
    _store,
    tag="batches",
    summary="Kept, cooled or measured, with one reading or many",
    example={"when": WHEN, "place": 7, "step": "cooling", "celsius": 4.5},
)
recording(
    "offer_batch",
    "/batches/<int:thing_id>/sales",
    bodies.SALE,
    _offer,
    tag="batches",
    summary="On sale at a place of ours, or sold",
    example={"when": WHEN, "place": 7, "act": "on-sale", "quantity": 20, "unit": "kg"},
)
recording(
    "end_batch",
    "/batches/<int:thing_id>/end",
    bodies.END,
    _end,
    tag="batches",
    summary="Destroyed or used for something else, and why",
    example={"when": WHEN, "end": "compost", "quantity": 5, "unit": "kg", "note": "dập nát"},
    description="Of held goods with a witness and a photo, for an authority must be able to check.",
)
recording(
    "process_batches",
    "/batches/processing",
    bodies.PROCESS,
    goods.work,
    tag="batches",
    summary="Lots in, lots out: processing, splitting, mixing, retail packing",
    example={
        "when": WHEN,
        "step": "splitting",
        "lots": [{"thing": 12, "quantity": 100, "unit": "kg"}],
        "outputs": [
            {"product": 3, "quantity": 60, "unit": "kg"},
            {"product": 3, "quantity": 40, "unit": "kg"},
        ],
    },
)
recording(
    "pack_batches",
    "/batches/packing",
    bodies.PACK,
    _fill,
    tag="batches",
    summary="Into a crate or pallet, or into many that are filled alike",
    example={"when": WHEN, "crates": 2, "lots": [{"thing": 12, "quantity": 12, "unit": "kg"}]},
)
recording(
    "unpack_crate",
    "/batches/<int:thing_id>/unpacking",
    bodies.UNPACK,
    _empty,
    tag="batches",
    summary="Out of a crate or pallet again: which of what lies in it",
    example={"when": WHEN, "things": [12]},
)

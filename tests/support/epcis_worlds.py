"""Worlds of random events for questions: told by three organisations, with random privacy, and what
each may see of them, worked out from what was told and not from what was stored."""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID

from sqlalchemy import or_, select

from tests.support.factories import event, make_actor, new_crate, new_lot
from trace.clock import rfc3339
from trace.core.epcis import JsonObject, named_things
from trace.core.epcis.query_names import same_thing
from trace.core.gs1 import Identity, local_uri
from trace.extensions import db
from trace.models import Event, Handover
from trace.services.actors import Actor
from trace.services.capture import capture
from trace.services.settings import current_settings

EX = {"ex": "https://ns.example.com/epcis/"}
PLACES = ("urn:epc:id:sgln:0614141.00777.0", "https://id.gs1.org/414/0614141007776/254/a")
UNITS = tuple(f"https://id.gs1.org/01/08936012345674/10/L1/21/{n}" for n in range(3))
LISTS = ("quantityList", "childQuantityList", "inputQuantityList", "outputQuantityList")
EPCS = ("epcList", "childEPCs", "inputEPCList", "outputEPCList")
CORE = frozenset(
    {
        *("@context", "type", "action", "eventTime", "eventTimeZoneOffset", "bizStep", "eventID"),
        *("disposition", "persistentDisposition", "errorDeclaration"),
    }
)


@dataclass(slots=True)
class Told:
    """One event as it was told: by whom, what they keep private, and the row it has."""

    issuer: int
    document: JsonObject
    private: list[str]
    row: int
    sides: frozenset[int] = frozenset()
    record_time: datetime | None = None


@dataclass(slots=True)
class World:
    actors: list[Actor]
    lots: list[str]
    told: list[Told] = field(default_factory=list)

    def shown(self, actor: Actor) -> list[tuple[Told, JsonObject]]:
        """What the organisation may see, each as far as it may: the slow and obvious way."""
        mine, known = actor.organisation.id, self.known(actor)
        found = []
        for one in self.told:
            if mine == one.issuer or mine in one.sides:
                found.append((one, one.document))
                continue
            seen = without(one.document, one.private)
            if known & things(seen):
                found.append((one, seen))
        return found

    def known(self, actor: Actor) -> set[str]:
        """The things it told of, or was told of as a side."""
        mine = actor.organisation.id
        whole = [one for one in self.told if mine == one.issuer or mine in one.sides]
        return {thing for one in whole for thing in things(one.document)}


def things(document: JsonObject) -> set[str]:
    """Canonical addresses of what an event names."""
    base = current_settings().id_base
    found = {same_thing(uri, base) for _, uri, _, _ in named_things(document)}
    return found | {document["transformationID"]} if "transformationID" in document else found


def without(document: JsonObject, private: list[str]) -> JsonObject:
    """The event without members at these paths."""
    found: JsonObject = copy.deepcopy(document)
    for path in sorted(private, reverse=True):  # later elements first
        member, _, inner = path.partition("/")
        if not inner:
            found.pop(member, None)
        elif isinstance(found.get(member), dict):
            found[member].pop(inner, None)
        elif member in found:
            del found[member][int(inner)]
    if private and str(found.get("eventID", "")).startswith("ni:"):
        del found["eventID"]
    return found


def random_world(rng: Random, now: datetime, count: int) -> World:
    """`count` events of three organisations about the same few things; committed."""
    names = ("HTX Một", "Thương lái Hai", "Người lạ Ba")
    world = World([make_actor(now, name) for name in names], [new_lot() for _ in range(5)])
    crates = [new_crate() for _ in range(2)]
    for number in range(count):
        # The first gives to the second now and then; the third talks of its own, and of others'.
        issuer = world.actors[rng.choice((0, 0, 0, 1, 1, 2))]
        pool = world.lots[:4] if issuer is not world.actors[2] else world.lots[3:]
        made = random_event(rng, pool, crates, world.actors, issuer, now - timedelta(hours=number))
        private = random_privacy(rng, made)
        at = now + timedelta(seconds=number)
        done = capture(issuer, [made], at=at, private=private).events[0]
        kept = {**made, "eventID": done.event_key}
        world.told.append(
            Told(issuer.organisation.id, kept, private, done.event_id, record_time=at)
        )
    db.session.commit()
    find_sides(world)
    return world


def find_sides(world: World) -> None:
    """Who stands on the other side of each event that hands something over."""
    rows = {
        row.event_id: frozenset({row.giver_id, row.taker_id} - {None})
        for row in db.session.execute(
            select(Handover.event_id, Handover.giver_id, Handover.taker_id).where(
                or_(Handover.giver_id.is_not(None), Handover.taker_id.is_not(None))
            )
        )
    }
    for one in world.told:
        one.sides = rows.get(one.row, frozenset())


def random_event(
    rng: Random,
    lots: list[str],
    crates: list[str],
    actors: list[Actor],
    issuer: Actor,
    moment: datetime,
) -> JsonObject:
    """An event with a draw of everything that can be asked about."""
    kind = rng.choice(("Object", "Object", "Aggregation", "Transaction", "Transformation"))
    amounts = [
        {"epcClass": lot, "quantity": rng.choice((1, 2.5, 40)), "uom": rng.choice(("KGM", "GRM"))}
        for lot in rng.sample(lots, rng.randint(1, 2))
    ]
    made = event(
        f"{kind}Event",
        eventTime=rfc3339(moment),
        eventID=f"urn:uuid:{UUID(int=rng.getrandbits(128), version=4)}",
        bizStep=rng.choice(("shipping", "receiving", "storing", "trace:washing")),
    )
    made["@context"] = [*made["@context"], EX]
    if rng.random() < 0.3:
        del made["eventID"]  # then it is the event's hash
    _draw_things(rng, made, amounts, crates)
    if rng.random() < 0.5:
        made["readPoint"] = {"id": rng.choice(PLACES)}
    if rng.random() < 0.4:
        made["bizLocation"] = {"id": rng.choice(PLACES), "ex:door": rng.randint(1, 3)}
    if rng.random() < 0.5:
        made["disposition"] = rng.choice(("in_transit", "recalled"))
    if rng.random() < 0.5:
        made["ex:grade"] = rng.choice(("A", "B", {"ex:letter": "A"}))
        made["ex:weight"] = rng.choice((1, 2.5, 10))
    if rng.random() < 0.4:
        made["bizTransactionList"] = [
            {"type": "po", "bizTransaction": f"urn:x:po:{rng.randint(1, 3)}"}
        ]
    if rng.random() < 0.6:
        giver, taker = rng.sample(actors[:2], 2)
        made["sourceList"] = [{"type": "owning_party", "source": uri_of(giver)}]
        made["destinationList"] = [{"type": "owning_party", "destination": uri_of(taker)}]
    if rng.random() < 0.3:
        report = {"type": "Temperature", "value": rng.choice((4, 26.5)), "uom": "CEL"}
        made["sensorElementList"] = [
            {"sensorMetadata": {"deviceID": "urn:x:device:1"}, "sensorReport": [report]}
        ]
    return made


def _draw_things(
    rng: Random, made: JsonObject, amounts: list[JsonObject], crates: list[str]
) -> None:
    kind = made["type"]
    if kind == "TransformationEvent":
        made["inputQuantityList"], made["outputQuantityList"] = amounts[:1], amounts[-1:]
        made["ilmd"] = {"cbvmda:lotNumber": rng.choice(("X", "Y"))}
        if rng.random() < 0.3:
            made["transformationID"] = f"urn:x:batch:{rng.randint(1, 2)}"
        return
    if kind == "AggregationEvent":
        made |= {"parentID": rng.choice(crates), "childQuantityList": amounts}
        made["childEPCs"] = [rng.choice(UNITS)]
        return
    made["quantityList"] = amounts
    if rng.random() < 0.3:
        made["epcList"] = rng.sample(UNITS, rng.randint(1, 2))
    if kind == "TransactionEvent":
        made["bizTransactionList"] = [{"type": "po", "bizTransaction": "urn:x:po:1"}]
    elif rng.random() < 0.3:
        made["action"], made["ilmd"] = "ADD", {"cbvmda:lotNumber": rng.choice(("X", "Y"))}


def random_privacy(rng: Random, made: JsonObject) -> list[str]:
    """Members to withhold: whole ones, members of ilmd, single elements of lists."""
    found = []
    for name in sorted(set(made) - CORE):
        if rng.random() > 0.3:
            continue
        value = made[name]
        if name == "ilmd":
            found += [f"ilmd/{inner}" for inner in value]
        elif isinstance(value, list) and len(value) > 1 and rng.random() < 0.7:
            found.append(f"{name}/{rng.randrange(len(value))}")
        else:
            found.append(name)
    return found


def uri_of(actor: Actor) -> str:
    """The address of an organisation."""
    return local_uri(Identity("o", actor.organisation.code), current_settings().id_base)


def row_of(event_id: int) -> Event:
    return db.session.get_one(Event, event_id)


def plain(document: JsonObject) -> dict[str, Any]:
    """What is compared of an answer: everything but the moment it was recorded."""
    return {name: value for name, value in document.items() if name != "recordTime"}

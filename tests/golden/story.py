"""A chain from plot to shop in the golden world: planting, harvest, packing, shipping."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from tests.golden.world import ID_BASE, Organisation, Passkey, Recorded, World, uuid4
from trace.core.signing import JsonObject

CONTEXT = [
    "https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld",
    {"cbvmda": "urn:epcglobal:cbv:mda:", "trace": f"{ID_BASE}/voc/"},
]


def event_of(kind: str, step: str, when: str, **members: Any) -> JsonObject:
    """An event at `when`, such as `2026-11-20T08:00`, Hà Nội time."""
    return {
        "@context": CONTEXT,
        "type": kind,
        "eventTime": f"{when}:00.000+07:00",
        "eventTimeZoneOffset": "+07:00",
        "bizStep": step,
        **members,
    }


@dataclass
class Story:
    """The world after planting, harvest, packing and shipping; names of what is in it."""

    world: World
    coop: Organisation
    packer: Organisation
    passkey: Passkey
    cycle: str
    lot: str
    packed: str
    approval: int
    sown: Recorded
    harvested: Recorded
    packing: Recorded
    shipped: Recorded
    beside: list[str] = field(default_factory=list)  # what a test tells of besides

    @property
    def things(self) -> list[str]:
        return [self.cycle, self.lot, self.packed, *self.beside]

    def bundle(self, **members: Any) -> bytes:
        more = [self.approval, *members.pop("more", ())]
        return self.world.bundle(self.packed, self.things, more=more, **members)


def quantity(thing: str, amount: float) -> JsonObject:
    return {"epcClass": thing, "quantity": amount, "uom": "KGM"}


def tell_story(*, packing: JsonObject | None = None) -> Story:
    """Builds the world. `packing` overrides members of the packing event."""
    world = World()
    coop, packer = world.organisation(), world.organisation()
    world.first_key(coop, "k1")
    passkey = Passkey("coop")
    world.add_passkey(coop, "phone-1", passkey, "k1")
    world.first_key(packer, "k1")
    plot = f"{ID_BASE}/l/{world.code()}"
    cycle, lot = f"{ID_BASE}/c/{world.code()}", f"{ID_BASE}/b/{world.code()}"
    packed = "https://id.gs1.org/01/09521234543213/10/RM2211"
    sowing = event_of(
        "ObjectEvent",
        "trace:sowing",
        "2026-11-20T08:00",
        eventID=uuid4(world.random),
        action="ADD",
        disposition="active",
        quantityList=[quantity(cycle, 2.5)],
        readPoint={"id": plot},
        **{"trace:performedBy": {"household": "H07"}, "trace:recordedBy": {"person": "P1"}},
    )
    harvest = event_of(
        "TransformationEvent",
        "trace:harvesting",
        "2026-11-21T08:00",
        eventID=uuid4(world.random),
        inputQuantityList=[quantity(cycle, 2.5)],
        outputQuantityList=[quantity(lot, 120)],
        readPoint={"id": plot},
        ilmd={
            "cbvmda:lotNumber": "H07-2111",
            "cbvmda:harvestStartDate": "2026-11-21",
            "trace:productName": "Rau muống",
        },
        **{
            "trace:performedBy": {"household": "H07"},
            "trace:recordedBy": {"person": "P1"},
            "trace:note": "Cắt lứa hai",
        },
    )
    signed = [world.sign(coop, sowing), world.sign(coop, harvest)]
    approval = world.approve(passkey, signed)
    sown = world.log(coop, sowing, signed[0], approval=approval)
    harvested = world.log(coop, harvest, signed[1], approval=approval)
    packed_event = event_of(
        "TransformationEvent",
        "packing",
        "2026-11-21T14:00",
        eventID=uuid4(world.random),
        **{
            "inputQuantityList": [quantity(lot, 120)],
            "outputQuantityList": [quantity(packed, 118.5)],
            "ilmd": {"cbvmda:lotNumber": "RM2211", "cbvmda:itemExpirationDate": "2026-11-26"},
            **(packing or {}),
        },
    )
    done = world.record(packer, packed_event)
    shipped = world.record(
        packer,
        event_of(
            "ObjectEvent",
            "shipping",
            "2026-11-22T09:00",
            eventID=uuid4(world.random),
            action="OBSERVE",
            disposition="in_transit",
            quantityList=[quantity(packed, 60), quantity(packed, 58.5)],
            destinationList=[
                {"type": "possessing_party", "destination": f"{ID_BASE}/o/{world.code()}"}
            ],
        ),
    )
    return Story(
        world, coop, packer, passkey, cycle, lot, packed, approval, sown, harvested, done, shipped
    )

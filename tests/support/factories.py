"""Factories: organisations with keys, and small true events, written as their users write them."""

from __future__ import annotations

import os
from datetime import datetime
from typing import Any

from trace.core.epcis import JsonObject, event_context
from trace.core.gs1 import new_code
from trace.extensions import db
from trace.models import Organisation
from trace.services import keys, platform
from trace.services.actors import Actor
from trace.services.batches import organisation_address
from trace.services.settings import current_settings

AT = "2026-11-20T03:00:00.000Z"


def make_actor(
    at: datetime,
    name: str = "HTX Demo",
    kind: str = "co-operative",
    status: str = "unconfirmed",
    role: str = "owner",
    jurisdiction: str | None = None,
) -> Actor:
    """An organisation with a signing key in the log (made where absent), acting as `role`.
    Authorities are competent everywhere unless `jurisdiction` says where."""
    platform.initialise(at=at)
    organisation = Organisation(
        code=new_code(os.urandom),
        name=name,
        kind=kind,
        status=status,
        demonstration=True,
        jurisdiction=jurisdiction or ("*" if kind == "authority" else None),
        use_salt=os.urandom(32),
        created_at=at,
    )
    db.session.add(organisation)
    db.session.flush()
    keys.create_key(organisation, at=at)
    db.session.commit()
    return Actor(organisation, None, role)


def new_lot() -> str:
    """The address of a lot without GTIN."""
    return f"{current_settings().id_base}/b/{new_code(os.urandom)}"


def new_crate() -> str:
    """The address of a logistic unit without company prefix."""
    return f"{current_settings().id_base}/h/{new_code(os.urandom)}"


def amount(lot: str, quantity: float | None, uom: str = "KGM") -> JsonObject:
    """A quantity element."""
    found: JsonObject = {"epcClass": lot}
    if quantity is not None:
        found |= {"quantity": quantity, "uom": uom}
    return found


def event(kind: str, **members: Any) -> JsonObject:
    """An event of `kind` at AT in Hà Nội, with `members` over it (`trace__note` is trace:note)."""
    found: JsonObject = {
        "@context": event_context(current_settings().id_base),
        "type": kind,
        "eventTime": AT,
        "eventTimeZoneOffset": "+07:00",
    }
    if kind in ("ObjectEvent", "AggregationEvent", "TransactionEvent", "AssociationEvent"):
        found["action"] = "OBSERVE"
    found |= {name.replace("__", ":"): value for name, value in members.items()}
    return found


def registered(lot: str, quantity: float = 480, **members: Any) -> JsonObject:
    """A lot registered by whoever has it (ObjectEvent ADD)."""
    return event(
        "ObjectEvent",
        **{
            "action": "ADD",
            "bizStep": "commissioning",
            "quantityList": [amount(lot, quantity)],
            "ilmd": {"cbvmda:lotNumber": "L2611"},
        }
        | members,
    )


def transformed(inputs: dict[str, float], outputs: dict[str, float], **members: Any) -> JsonObject:
    """Lots made into lots: {lot: kg} to {lot: kg}."""
    return event(
        "TransformationEvent",
        inputQuantityList=[amount(lot, kg) for lot, kg in inputs.items()],
        outputQuantityList=[amount(lot, kg) for lot, kg in outputs.items()],
        bizStep="trace:mixing",
        **members,
    )


def packed(crate: str, contents: dict[str, float], **members: Any) -> JsonObject:
    """Lots put into a crate."""
    return event(
        "AggregationEvent",
        **{
            "action": "ADD",
            "bizStep": "packing",
            "parentID": crate,
            "childQuantityList": [amount(lot, kg) for lot, kg in contents.items()],
        }
        | members,
    )


def handed(
    step: str, lot: str, giver: Actor, taker: Actor, note: str, kilos: float = 100, **members: Any
) -> JsonObject:
    """A lot on its way between two, or its arrival, under a delivery note."""
    return event(
        "ObjectEvent",
        bizStep=step,
        quantityList=[amount(lot, kilos)],
        bizTransactionList=[{"type": "desadv", "bizTransaction": note}],
        sourceList=[{"type": "owning_party", "source": organisation_address(giver.organisation)}],
        destinationList=[
            {"type": "owning_party", "destination": organisation_address(taker.organisation)}
        ],
        **members,
    )


def notice(kind: str, *lots: str, **notice_members: Any) -> JsonObject:
    """A recall, hold, advice or release about lots."""
    return event(
        "ObjectEvent",
        bizStep="trace:recalling",
        quantityList=[amount(lot, None) for lot in lots],
        trace__notice={"kind": kind, **notice_members},
    )

"""The things an event speaks of, and in which role (EPCIS 2.0 §7.4, the “what” dimension)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final, Literal

from trace.core.epcis.events import Event
from trace.core.epcis.parts import Number
from trace.core.epcis.strict_json import JsonObject

Role = Literal["epc", "parent", "child", "input", "output"]
Named = tuple[Role, str, Number | None, str | None]  # role, URI, quantity, unit

# In this order: parent first, instances before classes.
_PARENT: Final = ("parentID", "parent", "one")
_THINGS: Final = (("epcList", "epc", "instances"), ("quantityList", "epc", "classes"))
_CHILDREN: Final = (("childEPCs", "child", "instances"), ("childQuantityList", "child", "classes"))
_MEMBERS: Final[dict[str, tuple[tuple[str, Any, str], ...]]] = {
    "ObjectEvent": _THINGS,
    "TransactionEvent": (_PARENT, *_THINGS),
    "AggregationEvent": (_PARENT, *_CHILDREN),
    "AssociationEvent": (_PARENT, *_CHILDREN),
    "TransformationEvent": (
        ("inputEPCList", "input", "instances"),
        ("inputQuantityList", "input", "classes"),
        ("outputEPCList", "output", "instances"),
        ("outputQuantityList", "output", "classes"),
    ),
}


@dataclass(frozen=True, slots=True)
class ThingRef:
    """One thing named by an event. A class of things has a quantity when one was given; `uom` is
    a UN/CEFACT code, None for a count of pieces. Instances have neither."""

    role: Role
    uri: str
    quantity: Decimal | None = None
    uom: str | None = None


def named_things(obj: JsonObject) -> list[Named]:
    """(role, URI, quantity as it stands in the JSON, unit) of every thing that an event which
    passed its check names, in the order of thing_refs."""
    found: list[Named] = []
    for name, role, kind in _MEMBERS[obj["type"]]:
        if name not in obj:
            continue
        value = obj[name]
        if kind == "classes":
            found += [(role, one["epcClass"], one.get("quantity"), one.get("uom")) for one in value]
        elif kind == "instances":
            found += [(role, uri, None, None) for uri in value]
        else:
            found.append((role, value, None, None))
    return found


def thing_refs(event: Event) -> list[ThingRef]:
    """Every thing the event names, in the event's order: parent first, instances before classes."""
    return list(_refs(event))


def _refs(event: Event) -> Iterator[ThingRef]:
    for role, uri, quantity, uom in named_things(event.to_json()):
        yield ThingRef(role, uri, amount_of(quantity), uom)


def amount_of(quantity: Number | None) -> Decimal | None:
    """A quantity of the JSON, digit for digit."""
    return None if quantity is None else Decimal(repr(quantity))

"""The things an event speaks of, and in which role (EPCIS 2.0 §7.4, the “what” dimension)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from trace.core.epcis.events import (
    AggregationEvent,
    AssociationEvent,
    Event,
    ObjectEvent,
    TransactionEvent,
    TransformationEvent,
)
from trace.core.epcis.parts import Quantity

Role = Literal["epc", "parent", "child", "input", "output"]


@dataclass(frozen=True, slots=True)
class ThingRef:
    """One thing named by an event. A class of things has a quantity when one was given; `uom` is
    a UN/CEFACT code, None for a count of pieces. Instances have neither."""

    role: Role
    uri: str
    quantity: Decimal | None = None
    uom: str | None = None


def thing_refs(event: Event) -> list[ThingRef]:
    """Every thing the event names, in the event's order: parent first, instances before classes."""
    match event:
        case ObjectEvent():
            return [*_all("epc", event.epc_list, event.quantity_list)]
        case TransactionEvent():
            return [*_parent(event.parent_id), *_all("epc", event.epc_list, event.quantity_list)]
        case AggregationEvent() | AssociationEvent():
            return [
                *_parent(event.parent_id),
                *_all("child", event.child_epcs, event.child_quantity_list),
            ]
        case TransformationEvent():
            return [
                *_all("input", event.input_epc_list, event.input_quantity_list),
                *_all("output", event.output_epc_list, event.output_quantity_list),
            ]
        case _:
            return []


def _parent(uri: str | None) -> tuple[ThingRef, ...]:
    return () if uri is None else (ThingRef("parent", uri),)


def _all(
    role: Role, instances: tuple[str, ...] | None, classes: tuple[Quantity, ...] | None
) -> Iterator[ThingRef]:
    for uri in instances or ():
        yield ThingRef(role, uri)
    for one in classes or ():
        yield ThingRef(role, one.epc_class, one.amount, one.uom)

"""Events of the packhouse: packing, processing, splitting and mixing. Pure builders.

Crates and pallets are aggregations and can be taken apart again; a retail package, a milled or
mixed lot is a transformation and cannot: each input stays a possible source of each output.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from trace.services.records import (
    Item,
    JsonObject,
    LotFacts,
    Record,
    aggregated,
    observed,
    transformed,
)


@dataclass(frozen=True, slots=True)
class Output:
    """A lot that comes out of a process, and what it is."""

    item: Item
    facts: LotFacts


def pack(record: Record, parent: str, items: Sequence[Item]) -> JsonObject:
    """Things are put into a crate, pallet or vehicle."""
    return aggregated(
        record, "packing", parent, items, action="ADD", disposition="container_closed"
    )


def unpack(record: Record, parent: str, items: Sequence[Item] = ()) -> JsonObject:
    """Things are taken out; without items, all of them (EPCIS 2.0, section 7.4.2)."""
    return aggregated(record, "unpacking", parent, items, action="DELETE")


def _shared(outputs: Sequence[Output]) -> JsonObject:
    """The facts all outputs have in common: `ilmd` speaks of every output of the event."""
    first, *others = [output.facts.ilmd() for output in outputs]
    return {
        name: value
        for name, value in first.items()
        if all(other.get(name) == value for other in others)
    }


def process(
    record: Record,
    biz_step: str,
    inputs: Sequence[Item],
    outputs: Sequence[Output],
    *,
    new_event_id: Callable[[], str],
) -> list[JsonObject]:
    """Several lots in, several out. Where the outputs differ in more than their address, each is
    first introduced by an event of its own, without a quantity, that says what it is."""
    shared = _shared(outputs)
    introductions = [
        observed(
            record.another(new_event_id()),
            "creating_class_instance",
            [Item(output.item.uri)],
            action="ADD",
            parts={"ilmd": output.facts.ilmd()},
        )
        for output in outputs
        if output.facts.ilmd() != shared
    ]
    main = transformed(
        record,
        biz_step,
        inputs,
        [output.item for output in outputs],
        ilmd=shared,
        disposition="active",
    )
    return [*introductions, main]

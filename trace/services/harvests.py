"""Events by which a lot comes into being on the farm. Pure builders."""

from __future__ import annotations

from collections.abc import Sequence

from trace.services.records import Item, JsonObject, LotFacts, Record, observed, transformed


def harvest(
    record: Record,
    cycles: Sequence[str],
    lot: Item,
    facts: LotFacts,
    *,
    biz_step: str = "harvesting",
) -> JsonObject:
    """A TransformationEvent from the cycles to the lot; a cycle is not used up by a harvest."""
    return transformed(
        record,
        biz_step,
        [Item(cycle) for cycle in cycles],
        [lot],
        ilmd=facts.ilmd(),
        disposition="active",
    )


def register_lot(record: Record, lot: Item, facts: LotFacts) -> JsonObject:
    """A lot of someone who keeps no diary: ObjectEvent ADD; its origin is then "not declared"."""
    return observed(
        record,
        "creating_class_instance",
        [lot],
        action="ADD",
        disposition="active",
        parts={"ilmd": facts.ilmd()},
    )

"""A co-operative's evening: one job of many households, told once, recorded for each."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from trace.errors import NotFound
from trace.services import choices, group
from trace.services.actors import Actor
from trace.services.acts.common import Told, circumstances
from trace.services.batches import new_cycle_address, product_address
from trace.services.diary import CycleFacts, Input
from trace.services.records import JsonObject
from trace.services.vocabulary import FIELD_STEPS, START_STEPS

TREATMENTS: Final = frozenset({"fertilising", "spraying"})
WORK: Final = FIELD_STEPS["crop"]
STARTS: Final = START_STEPS["crop"]


def chosen_of(
    wanted: Collection[int], offered: Sequence[group.Planting], path: str = "chosen"
) -> list[group.Planting]:
    """The chosen ones among those offered. Raises NotOffered for any other."""
    found = [one for one in offered if one.key in wanted]
    if len(found) < len(wanted):
        raise choices.NotOffered(path=path)
    return found


def shares_of(clean: Mapping[str, Any], chosen: Sequence[group.Planting]) -> dict[int, list[Input]]:
    """What each of the chosen gets of what is used, by its key. Raises AreaUnknown."""
    shared = [
        group.Shared(
            Input(
                name=row["name"],
                amount=row["amount"],
                unit=row["unit"] or "kg",
                active_ingredient=row["active_ingredient"],
                interval_days=row["interval_days"],
                reason=row["reason"],
                method=row["method"],
                equipment=row["equipment"],
            ),
            row["per"],
        )
        for row in clean["inputs"] or ()
    ]
    return group.share(shared, chosen)


def enter(actor: Actor, step: str, told: Told, *, at: datetime) -> list[JsonObject]:
    """One diary entry for each planting chosen. Raises NotFound for a step that is no field work,
    NotOffered, AreaUnknown."""
    if step not in WORK:
        raise NotFound
    chosen = chosen_of(told["chosen"], group.list_plantings(actor, at=at))
    given = shares_of(told.clean, chosen)
    return group.group_entries(circumstances(actor, told), step, chosen, given, told.draw)


def sow(actor: Actor, step: str, told: Told) -> list[JsonObject]:
    """One new planting for each plot chosen. Raises NotFound for a step that begins nothing,
    NotOffered."""
    if step not in STARTS:
        raise NotFound
    chosen = chosen_of(told["chosen"], group.list_plots(actor))
    product = choices.get_product(actor, told["product"])
    facts = CycleFacts(
        product=product_address(product) if product else "",
        product_name=told["product_name"] or (product.name if product else ""),
        variety=told["variety"],
        seed_source=told["seed_source"],
    )
    base = circumstances(actor, told)
    cycles = [new_cycle_address(told.draw) for _ in chosen]
    return group.group_sowing(base, step, chosen, facts, cycles, told.draw)

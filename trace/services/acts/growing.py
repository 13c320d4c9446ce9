"""A cycle begins, what is done to it, what is declared of it, what is taken from it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from trace.errors import NotFound
from trace.extensions import db
from trace.models import Product, Thing
from trace.services import choices
from trace.services.actors import Actor
from trace.services.acts.common import Told, circumstances, lot_amount, new_lot
from trace.services.batches import address_of, facts_of, new_cycle_address, product_address
from trace.services.diary import CycleFacts, Input, declare_none, diary_entry, start_cycle
from trace.services.harvests import harvest
from trace.services.records import LOCAL_ZONE, JsonObject
from trace.services.timelines import Line
from trace.services.vocabulary import FIELD_STEPS, START_STEPS

# What can begin, and what then grows.
BEGINNINGS: Final = {"sowing": "crop", "transplanting": "crop", "flock": "flock", "pond": "pond"}
# Steps that are about something put on the crop or given to the animals.
TREATMENTS: Final = frozenset({"fertilising", "spraying", "feeding", "vaccinating"})
ALL_STEPS: Final = frozenset(step for steps in FIELD_STEPS.values() for step in steps)


def begin(actor: Actor, beginning: str, told: Told) -> list[JsonObject]:
    """A planting, a flock or a pond begins. Raises NotFound for another beginning."""
    kind = BEGINNINGS.get(beginning)
    if kind is None:
        raise NotFound
    product = choices.get_product(actor, told["product"])
    step = beginning if beginning in START_STEPS["crop"] else START_STEPS[kind][0]
    area = told["area"]
    facts = CycleFacts(
        product=product_address(product) if product else "",
        product_name=told["product_name"] or (product.name if product else ""),
        variety=told["variety"],
        area=(area, told["area_unit"] or "m2") if area else None,
        seed_source=told["seed_source"],
    )
    base = circumstances(actor, told)
    cycle = new_cycle_address(told.draw)
    return [start_cycle(base, cycle, step, facts, amount=lot_amount(told.clean))]


def input_of(row: Mapping[str, object]) -> Input:
    """A clean row of inputs as the diary takes it."""
    known = {name: value for name, value in row.items() if name != "row" and value is not None}
    return Input(**known)  # type: ignore[arg-type]  # names and types are InputRow's


def enter(actor: Actor, cycle: Thing, step: str, told: Told) -> list[JsonObject]:
    """One thing done to the cycle. Raises NotFound for a step that is no diary's."""
    if step not in ALL_STEPS:
        raise NotFound
    inputs = [input_of(row) for row in told["inputs"] or ()]
    base = circumstances(actor, told)
    return [diary_entry(base, address_of(cycle), step, inputs=inputs)]


def declare(actor: Actor, cycle: Thing, told: Told) -> list[JsonObject]:
    """ "Khai: không dùng": silence is not a declaration, this is one."""
    return [declare_none(circumstances(actor, told), address_of(cycle), told["kinds"])]


def harvest_step(cycle: Thing) -> str:
    """Eggs are collected, everything else is harvested."""
    eggs = cycle.product is not None and cycle.product.category == "egg"
    return "egg_collecting" if eggs else "harvesting"


def reap(actor: Actor, cycle: Thing, lines: list[Line], told: Told) -> list[JsonObject]:
    """From the cycle to a new lot; its name and its product are the cycle's until said otherwise,
    its day that of the harvest. `lines` is the cycle's timeline."""
    clean: dict[str, Any] = dict(told.clean)
    clean["product_name"] = clean["product_name"] or facts_of(lines, cycle).name
    clean["first_day"] = clean["first_day"] or clean["when"].astimezone(LOCAL_ZONE).date()
    base = circumstances(actor, told)
    lot, facts = new_lot(clean, _product(actor, clean["product"], cycle), told.draw)
    return [harvest(base, [address_of(cycle)], lot, facts, biz_step=harvest_step(cycle))]


def _product(actor: Actor, chosen: int | None, cycle: Thing) -> Product | None:
    """The product chosen, or the cycle's own."""
    found = choices.get_product(actor, chosen)
    if found is None and cycle.product_id is not None:
        found = db.session.get(Product, cycle.product_id)
    return found

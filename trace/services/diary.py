"""Events of a growing season: a cycle begins, and what is done to it. Pure builders.

A production cycle (a planting, a flock, a pond) is a lot that grows: ObjectEvent ADD begins it,
each diary entry is an ObjectEvent OBSERVE about it. VietGAP's book asks of each treatment: reason,
method, equipment, product, dose, and the days its label asks for before harvest.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from trace.services.records import Item, JsonObject, Record, number, observed
from trace.services.vocabulary import Amount


@dataclass(frozen=True, slots=True)
class Input:
    """Something put on a crop or given to animals: fertiliser, pesticide, feed, vaccine, water.

    `interval_days` is what the product's label asks for between use and harvest.
    """

    name: str
    amount: Decimal | None = None
    unit: str = ""
    active_ingredient: str = ""
    interval_days: int | None = None
    reason: str = ""
    method: str = ""
    equipment: str = ""

    def to_json(self) -> JsonObject:
        """The element of `trace:inputs`; what is not known is absent."""
        members: JsonObject = {
            "name": self.name,
            "activeIngredient": self.active_ingredient,
            "amount": None if self.amount is None else number(self.amount),
            "unit": self.unit if self.amount is not None else "",
            "intervalDays": self.interval_days,
            "reason": self.reason,
            "method": self.method,
            "equipment": self.equipment,
        }
        return {name: value for name, value in members.items() if value not in ("", None)}


@dataclass(frozen=True, slots=True)
class CycleFacts:
    """What a cycle is begun with. `product` is the address of what it will give."""

    product: str = ""
    product_name: str = ""
    variety: str = ""
    area: tuple[Decimal, str] | None = None  # value and unit (m2, sao, ha)
    seed_source: str = ""

    def ilmd(self) -> JsonObject:
        """The members, only those that are known."""
        members: JsonObject = {
            "trace:product": self.product,
            "trace:productName": self.product_name,
            "trace:variety": self.variety,
            "trace:seedSource": self.seed_source,
        }
        found = {name: value for name, value in members.items() if value}
        if self.area is not None:
            value, unit = self.area
            found["trace:area"] = {"value": number(value), "unit": unit}
        return found


def start_cycle(
    record: Record, cycle: str, biz_step: str, facts: CycleFacts, *, amount: Amount | None = None
) -> JsonObject:
    """The event that begins a cycle: sowing, transplanting, or commissioning of a flock or pond."""
    return observed(
        record,
        biz_step,
        [Item(cycle, amount)],
        action="ADD",
        disposition="active",
        parts={"ilmd": facts.ilmd()} if facts.ilmd() else None,
    )


def diary_entry(
    record: Record, cycle: str, biz_step: str, *, inputs: Sequence[Input] = ()
) -> JsonObject:
    """Something done to the cycle, with what was put on it."""
    parts = {"trace:inputs": [one.to_json() for one in inputs]} if inputs else None
    return observed(record, biz_step, [Item(cycle)], parts=parts)


def declare_none(record: Record, cycle: str, kinds: Sequence[str]) -> JsonObject:
    """ "Khai: không dùng": the cycle got no fertiliser, pesticide or irrigation up to this time."""
    return observed(
        record, "field_observation", [Item(cycle)], parts={"trace:declaredNone": sorted(kinds)}
    )

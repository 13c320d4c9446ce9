"""When a lot is first divided between holders (formats, section 9).

It moves together while every leg carries all of it. The whole is what was made (ADD, output); it
shrinks by what is lost on the way, so a receipt of 475 of 480 kg is still the whole lot. A leg
whose quantity nobody stated carries all of it: nothing is invented.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Final

from trace.core.history.contents import Span
from trace.core.history.facts import Fact, oldest_first

# Steps by which goods leave a holder's hands, and by which they come into others'.
LEAVING: Final = frozenset({"shipping", "consigning", "departing"})
ARRIVING: Final = frozenset({"receiving", "accepting", "arriving"})
MAKING: Final = frozenset({"output"})


def made_of(thing: str, live: Sequence[Fact]) -> dict[str, Decimal]:
    """How much of the thing was ever made, by unit."""
    total: dict[str, Decimal] = {}
    for fact in live:
        for use in fact.of(thing):
            if use.quantity is not None and makes(fact, use.role):
                total[use.unit] = total.get(use.unit, Decimal(0)) + use.quantity
    return total


def makes(fact: Fact, role: str) -> bool:
    """Whether a use in this role brings more of a thing into the world."""
    return role in MAKING or (role == "epc" and fact.type == "ObjectEvent" and fact.action == "ADD")


def first_division(thing: str, live: Sequence[Fact], around: Sequence[Span]) -> Fact | None:
    """The first fact by which a part of the thing went to another holder, or None."""
    here = made_of(thing, live)
    left = False
    for fact in oldest_first(live):
        leaving = fact.step in LEAVING and not _stays_with_issuer(fact)
        arriving = fact.step in ARRIVING
        if not (leaving or arriving):
            continue
        share = _share(fact, thing, around, here)
        if share is None:
            continue
        part, amounts = share
        if leaving:
            left = True
            if part:
                return fact
        elif part and not left:
            return fact  # only the receiver told: part of it is at his place
        elif left:
            here.update(amounts)
    return None


def _stays_with_issuer(fact: Fact) -> bool:
    return bool(fact.destinations) and fact.destinations <= {fact.issuer}


def _share(
    fact: Fact, thing: str, around: Sequence[Span], here: dict[str, Decimal]
) -> tuple[bool, dict[str, Decimal]] | None:
    """(is it a part, amounts by unit) of the thing in this fact; None when it is not in it."""
    uses = fact.of(thing)
    if uses:
        amounts: dict[str, Decimal] = {}
        for use in uses:
            if use.quantity is not None:
                amounts[use.unit] = amounts.get(use.unit, Decimal(0)) + use.quantity
        return any(q < here[unit] for unit, q in amounts.items() if unit in here), amounts
    named = fact.things("epc", "child", "parent")
    moment = fact.event_time
    present = [stay for stay in around if stay.holds(moment)]
    moved = [stay for stay in present if stay.container in named]
    if not moved:
        return None
    packed = {(s.begin, s.container) for s in present if s.thing == thing}
    amounts = {}
    for stay in moved:
        if stay.quantity is not None:
            amounts[stay.unit] = amounts.get(stay.unit, Decimal(0)) + stay.quantity
    if len(amounts) == 1 and all(stay.quantity is not None for stay in moved):
        unit, amount = next(iter(amounts.items()))
        if unit in here:
            return amount < here[unit], amounts
    # Boxes without amounts: all of them together are the whole lot, fewer are a part of it.
    return len({stay.container for stay in moved}) < len({c for _, c in packed}), {}

"""When a lot is first divided between holders (formats, section 9).

It moves together while every leg carries all of it. The whole is what was made (ADD, output); it
shrinks by what is lost on the way, so a receipt of 475 of 480 kg is still the whole lot; what comes
in parts is the parts together. A leg whose quantity nobody stated carries all of it: nothing is
invented.

A leg that was refused, or whose goods the giver says are back with him, went nowhere and divides
nothing. Refusing a part of it does not divide it either: the lot is divided when the giver sends
elsewhere what came back.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final

from trace.core.history.contents import Span
from trace.core.history.facts import Fact, oldest_first

# Steps by which goods leave a holder's hands, and by which they come into others'.
LEAVING: Final = frozenset({"shipping", "consigning", "departing"})
ARRIVING: Final = frozenset({"receiving", "accepting", "arriving"})
REFUSING: Final = "refusing"
BACK: Final = "void_shipping"
MAKING: Final = frozenset({"output"})

Amounts = dict[str, Decimal]  # by unit


def made_of(thing: str, live: Sequence[Fact]) -> Amounts:
    """How much of the thing was ever made, by unit."""
    total: Amounts = {}
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
    legs = legs_of(thing, live, around)
    came: Amounts | None = None  # since it last left
    left = False
    parted: set[str] = set()  # givers of legs of which a part came back
    for fact in oldest_first(live):
        leg = legs.get(fact.statement)
        if leg is None and fact.step not in ARRIVING:
            continue
        share = _share(fact, thing, around, here)
        if share is None or (leg is not None and leg.undone):
            continue
        part, amounts = share
        if leg is not None:
            left, came = True, None
            if part or fact.issuer in parted:
                return fact
            if leg.touched:
                parted.add(fact.issuer)
        elif part and not left:
            return fact  # only the receiver told: part of it is at his place
        elif left:
            came = _sum(came or {}, amounts)
            here.update(came)
    return None


@dataclass(slots=True)
class Leg:
    """One leg by which goods left a holder, and what of it was refused or came back."""

    fact: Fact
    amounts: Amounts
    gone: dict[str, Amounts] = field(default_factory=dict)  # by REFUSING and BACK

    @property
    def touched(self) -> bool:
        """Whether any of it was refused or came back."""
        return bool(self.gone)

    @property
    def undone(self) -> bool:
        """Whether all of it was refused, or came back."""
        return any(self._whole(amounts) for amounts in self.gone.values())

    def _whole(self, amounts: Amounts) -> bool:
        # Where either side told no amount, the refusal is of all there was.
        return not amounts or all(amounts.get(unit, 0) >= q for unit, q in self.amounts.items())

    def answered_by(self, fact: Fact) -> bool:
        """Whether this refusal, or this word that goods are back, can be about the leg."""
        if fact.step in self.gone and self._whole(self.gone[fact.step]):
            return False
        if fact.step == BACK:
            return fact.issuer == self.fact.issuer
        named = self.fact.destinations
        return (
            fact.issuer != self.fact.issuer
            and (not named or fact.issuer in named)
            and (not fact.sources or self.fact.issuer in fact.sources)
        )


def legs_of(thing: str, live: Sequence[Fact], around: Sequence[Span]) -> dict[str, Leg]:
    """The legs by which the thing left somebody's hands, by statement, in the order they were
    made; a refusal is about the latest leg it can be about."""
    made = made_of(thing, live)
    legs: dict[str, Leg] = {}
    for fact in oldest_first(live):
        leaving = fact.step in LEAVING and not _stays_with_issuer(fact)
        if not leaving and fact.step not in (REFUSING, BACK):
            continue
        share = _share(fact, thing, around, made)
        if share is None:
            continue
        if leaving:
            legs[fact.statement] = Leg(fact, share[1])
            continue
        about = next((leg for leg in _latest(legs) if leg.answered_by(fact)), None)
        if about is not None:
            about.gone[fact.step] = _sum(about.gone.get(fact.step, {}), share[1])
    return legs


def _latest(legs: dict[str, Leg]) -> Iterator[Leg]:
    return reversed(legs.values())


def _sum(one: Amounts, other: Amounts) -> Amounts:
    return {
        unit: one.get(unit, Decimal(0)) + other.get(unit, Decimal(0)) for unit in {**one, **other}
    }


def _stays_with_issuer(fact: Fact) -> bool:
    return bool(fact.destinations) and fact.destinations <= {fact.issuer}


def _share(
    fact: Fact, thing: str, around: Sequence[Span], here: Amounts
) -> tuple[bool, Amounts] | None:
    """(is it a part, amounts by unit) of the thing in this fact; None when it is not in it."""
    uses = fact.of(thing)
    if uses:
        amounts: Amounts = {}
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

"""Contradictions and marks: what the facts, put together, do not agree on.

Truth may arrive late, out of order, in part and from one side only: it is marked, never refused
(formats, section 7). Marks, by statement:

* `late`: recorded more than three days after it happened (`late_days` says how many).
* `before-shipped`: received before it was shipped.
* `before-cycle`: harvested before the cycle's first fact.
* `more-out-than-in`: more went out of a lot than was ever made of it, or out of a mix than in.
* `low-yield`: less came out of a step than its kind is known to give (`yields`): somebody may look.
* `interval-short`: harvested earlier after spraying than the label asks.
* `moved-while-held`: sent on or sold while a hold stood on these very goods; back to their maker
  they may go.
* `limit-broken`: a logger's readings lay outside the limits it was given.
* `only-sender`, `only-receiver`: a handover that one side declares alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Final

from trace.core.history.divisions import ARRIVING, BACK, LEAVING, makes
from trace.core.history.facts import Fact, oldest_first
from trace.core.history.intervals import short_harvests
from trace.core.history.yields import judge

# A field diary is written up in the evening, or when the co-operative's recorder comes by; what is
# written more than three days later is memory.
LATE_AFTER: Final = timedelta(days=3)
# Scales differ: half a percent more out than in is weighing, not a contradiction.
TOLERANCE: Final = Decimal("1.005")
# Steps that add nothing to the goods: what comes out cannot weigh more than what went in.
CONSERVING: Final = frozenset(
    {"mixing", "splitting", "grading", "packing", "milling", "washing", "repackaging", "cooling"}
)
# Who was to receive and did not take the goods spoke as well: that is no one-sided handover.
ANSWERING: Final = ARRIVING | {"refusing"}
SELLING: Final = frozenset({"retail_selling"})
WEIGHT: Final = "KGM"
FIRST_OF_CYCLE: Final = frozenset({"sowing", "transplanting", "commissioning"})

Marks = dict[str, tuple[str, ...]]


def late_days(fact: Fact) -> int | None:
    """Whole days between happening and being recorded, None when it was recorded in time."""
    if fact.record_time is None:
        return None
    delay = fact.record_time - fact.event_time
    return delay.days if delay > LATE_AFTER else None


def find_marks(live: Iterable[Fact]) -> Marks:
    """Every mark on facts that stand, by statement; codes sorted."""
    ordered = oldest_first(live)
    found: dict[str, set[str]] = {}
    for code, statements in (
        ("late", [f.statement for f in ordered if late_days(f) is not None]),
        ("before-shipped", _before_shipped(ordered)),
        ("before-cycle", _before_cycle(ordered)),
        ("more-out-than-in", [*_overdrawn(ordered), *_heavier(ordered)]),
        ("low-yield", _lighter(ordered)),
        ("interval-short", short_harvests(ordered)),
        ("moved-while-held", _moved_while_held(ordered)),
        ("limit-broken", [f.statement for f in ordered if f.beyond_limits]),
        ("only-sender", _only_sender(ordered)),
        ("only-receiver", _only_receiver(ordered)),
    ):
        for statement in statements:
            found.setdefault(statement, set()).add(code)
    return {statement: tuple(sorted(codes)) for statement, codes in sorted(found.items())}


def _moved_while_held(ordered: Sequence[Fact]) -> list[str]:
    """A release ends the holds it names; whether its issuer may is the caller's to have looked at:
    what may not be heard is not among the facts."""
    holds = [fact for fact in ordered if fact.notice == "hold"]
    if not holds:
        return []
    ended = {one: fact for fact in ordered if fact.notice == "release" for one in fact.ends}
    makers = {
        use.thing: fact.issuer for fact in ordered for use in fact.uses if makes(fact, use.role)
    }
    marked = []
    for fact in ordered:
        if fact.notice is not None or fact.step not in LEAVING | SELLING:
            continue
        goods = fact.things("epc")
        home = {makers[thing] for thing in goods if thing in makers}
        if fact.destinations and fact.destinations <= home:
            continue
        if any(
            goods & hold.things()
            and hold.event_time <= fact.event_time
            and (hold.statement not in ended or fact.event_time < ended[hold.statement].event_time)
            for hold in holds
        ):
            marked.append(fact.statement)
    return marked


def _matching(fact: Fact, others: Sequence[Fact]) -> list[Fact]:
    """The other side's facts of the same goods."""
    goods = fact.things("epc", "parent", "child")
    return [
        other
        for other in others
        if other.issuer != fact.issuer and goods & other.things("epc", "parent", "child")
    ]


def _sides(ordered: Sequence[Fact]) -> tuple[list[Fact], list[Fact]]:
    return (
        [fact for fact in ordered if fact.step in LEAVING],
        [fact for fact in ordered if fact.step in ARRIVING],
    )


def _before_shipped(ordered: Sequence[Fact]) -> list[str]:
    left, arrived = _sides(ordered)
    marked = []
    for receipt in arrived:
        shipped = _matching(receipt, left)
        if shipped and all(receipt.event_time < fact.event_time for fact in shipped):
            marked.append(receipt.statement)
    return marked


def _only_sender(ordered: Sequence[Fact]) -> list[str]:
    left = [fact for fact in ordered if fact.step in LEAVING]
    answers = [fact for fact in ordered if fact.step in ANSWERING]
    return [
        fact.statement
        for fact in left
        if not (fact.destinations and fact.destinations <= {fact.issuer})
        and not _matching(fact, answers)
    ]


def _only_receiver(ordered: Sequence[Fact]) -> list[str]:
    left, arrived = _sides(ordered)
    return [
        fact.statement
        for fact in arrived
        # Goods that came without a record of their own begin here: there is no other side.
        if fact.action != "ADD" and not _matching(fact, left)
    ]


def _before_cycle(ordered: Sequence[Fact]) -> list[str]:
    begun: dict[str, Fact] = {}
    for fact in ordered:
        if fact.step in FIRST_OF_CYCLE:
            for thing in fact.things("epc"):
                begun.setdefault(thing, fact)
    return [
        fact.statement
        for fact in ordered
        if fact.step == "harvesting"
        and any(
            thing in begun and fact.event_time < begun[thing].event_time
            for thing in fact.things("input")
        )
    ]


@dataclass(frozen=True, slots=True)
class Overdraw:
    """A fact with which its issuer has taken more out of a thing than was ever made of it: how
    much was made, how much this issuer took, this fact included, and by which facts."""

    fact: Fact
    thing: str
    unit: str
    made: Decimal
    gone: Decimal
    takings: tuple[str, ...]


def _overdrawn(ordered: Sequence[Fact]) -> list[str]:
    return [one.fact.statement for one in overdraws(ordered)]


def overdraws(ordered: Sequence[Fact], tolerance: Decimal = TOLERANCE) -> list[Overdraw]:
    """Facts that take more out of a lot than was ever made of it, in the order they happened.

    What was made counts whenever it happened: a harvest recorded late is still a harvest. Amounts
    in units in which nothing was made are not judged.
    """
    made: dict[tuple[str, str], Decimal] = {}
    for fact in ordered:
        for use in fact.uses:
            if use.quantity is not None and makes(fact, use.role):
                key = use.thing, use.unit
                made[key] = made.get(key, Decimal(0)) + use.quantity
    gone: dict[tuple[str, str, str], Decimal] = {}
    takings: dict[tuple[str, str, str], list[str]] = {}
    makers = {
        use.thing: fact.issuer for fact in ordered for use in fact.uses if makes(fact, use.role)
    }
    found = []
    for fact in ordered:
        for use in fact.uses:
            key = use.thing, use.unit
            if use.quantity is None or key not in made:
                continue
            # Each holder may pass on all of it once, and again what came back.
            mine = (*key, fact.issuer)
            if use.role == "epc" and (
                fact.step == BACK
                or (fact.step in ARRIVING and makers.get(use.thing) == fact.issuer)
            ):
                gone[mine] = gone.get(mine, Decimal(0)) - use.quantity
            if not takes(fact, use.role):
                continue
            gone[mine] = gone.get(mine, Decimal(0)) + use.quantity
            takings.setdefault(mine, []).append(fact.statement)
            if gone[mine] > made[key] * tolerance:
                told = tuple(takings[mine])
                found.append(Overdraw(fact, *key, made[key], gone[mine], told))
    return found


def takes(fact: Fact, role: str) -> bool:
    """Whether a use in this role takes some of a thing away from who holds it."""
    return role == "input" or (role == "epc" and (fact.action == "DELETE" or fact.step in LEAVING))


def _heavier(ordered: Sequence[Fact]) -> list[str]:
    return [
        fact.statement
        for fact in ordered
        if fact.step in CONSERVING
        and (amounts := weighed(fact)) is not None
        and amounts[1] > amounts[0] * TOLERANCE
    ]


def _lighter(ordered: Sequence[Fact]) -> list[str]:
    """Judged by weight only: pieces of another size are no loss."""
    return [
        fact.statement
        for fact in ordered
        if (amounts := weighed(fact)) is not None
        and amounts[2] == WEIGHT
        and judge(fact.step, amounts[0], amounts[1]) == "low"
    ]


def weighed(fact: Fact) -> tuple[Decimal, Decimal, str] | None:
    """(in, out, unit) of a step, None where an amount is untold or units differ."""
    if fact.type != "TransformationEvent":
        return None
    into = [use for use in fact.uses if use.role == "input"]
    out = [use for use in fact.uses if use.role == "output"]
    units = {use.unit for use in (*into, *out)}
    if len(units) != 1 or any(use.quantity is None for use in (*into, *out)) or not (into and out):
        return None
    total_in = sum((use.quantity or Decimal(0) for use in into), Decimal(0))
    total_out = sum((use.quantity or Decimal(0) for use in out), Decimal(0))
    return total_in, total_out, units.pop()

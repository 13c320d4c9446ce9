"""The days between the last spraying and the harvest, against what the label asks.

Rules.
1. Days are counted on the calendar of the field: from the date of spraying to the date of harvest.
2. A harvest of one cycle is as good as its smallest margin over all sprayings before it; goods
   from several growing places are as good as the smallest margin among all their parents.
3. Silence is not safety: a place whose growing was recorded without a word on spraying is
   `undeclared`, also when it sprayed without naming the label's interval. `none-used` needs the
   words "no pesticide used".
4. The worst speaks for all: short, undeclared, private, kept, none-used.
5. Eggs: what counts is medicine whose label asks for days, given to the flock (`vaccinating`, or
   in its feed). Feed and vaccines without such a label are no silence: it does not apply to eggs.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal

from trace.core.history.facts import Fact, Treatment, oldest_first

State = Literal["kept", "short", "undeclared", "private", "none-used", "not-applicable"]
SPRAYING: Final = "spraying"
HARVESTING: Final = "harvesting"
EGGS: Final = "egg_collecting"
# What is put on or given before each kind of taking, and counts.
BEFORE: Final = {HARVESTING: frozenset({SPRAYING}), EGGS: frozenset({"vaccinating", "feeding"})}
INPUTS: Final = "trace:inputs"
_WORST_FIRST: Final = ("short", "undeclared", "private", "kept", "none-used", "not-applicable")


@dataclass(frozen=True, slots=True)
class Interval:
    """`days` from the spraying that counts to the harvest; `required` by its label. `last` says
    that it was the last before the harvest: the smallest margin may be an earlier one's."""

    state: State
    days: int | None = None
    required: int | None = None
    product: str = ""
    harvest: str = ""  # the statement of the harvest
    last: bool = True

    @property
    def margin(self) -> int:
        return (self.days or 0) - (self.required or 0)


def intervals(live: Iterable[Fact]) -> list[Interval]:
    """One for each harvest and each cycle it took from."""
    ordered = oldest_first(live)
    return [
        _of_cycle(cycle, harvest, ordered)
        for harvest in ordered
        if harvest.step in BEFORE
        for cycle in sorted(harvest.things("input"))
    ]


def smallest_interval(
    live: Iterable[Fact], *, applies: bool = True, silent: bool = False
) -> Interval:
    """What the page says of the goods: the worst state, and in it the smallest margin.

    `applies` is False for goods that are not grown in a field (eggs, fish). `silent` says that
    some of the goods come from an origin without any record of growing.
    """
    if not applies:
        return Interval("not-applicable")
    found = intervals(live)
    if silent:
        found.append(Interval("undeclared"))
    if not found:
        return Interval("undeclared")
    return min(found, key=lambda i: (_WORST_FIRST.index(i.state), i.margin, i.harvest, i.product))


def short_harvests(live: Iterable[Fact]) -> list[str]:
    """Statements of harvests made earlier than a label allows."""
    return sorted({i.harvest for i in intervals(live) if i.state == "short"})


def _of_cycle(cycle: str, harvest: Fact, ordered: Sequence[Fact]) -> Interval:
    # The field's own clock: a spraying on the morning of a harvest is day zero, whatever the hour.
    work = [f for f in ordered if cycle in f.things("epc") and f.day <= harvest.day]
    sprayings = [f for f in work if f.step in BEFORE[harvest.step]]
    if harvest.step == EGGS:
        sprayings = [replace(f, treatments=_asking(f)) for f in sprayings if _asking(f)]
        if not sprayings:
            return Interval("not-applicable", harvest=harvest.statement)
    if not sprayings:
        declared = any("pesticide" in f.declared_none for f in (*work, harvest))
        return Interval("none-used" if declared else "undeclared", harvest=harvest.statement)
    found = [_of_spraying(spraying, harvest) for spraying in sprayings]
    last = max(f.day for f in sprayings)
    flat = [
        replace(interval, last=spraying.day == last)
        for spraying, several in zip(sprayings, found, strict=True)
        for interval in several
    ]
    return min(flat, key=lambda i: (_WORST_FIRST.index(i.state), i.margin, i.product))


def _of_spraying(spraying: Fact, harvest: Fact) -> list[Interval]:
    days = (harvest.day - spraying.day).days
    statement = harvest.statement
    if INPUTS in spraying.withheld:
        return [Interval("private", days, harvest=statement)]
    if not spraying.treatments:
        return [Interval("undeclared", days, harvest=statement)]
    return [
        Interval("undeclared", days, None, treatment.name, statement)
        if treatment.interval_days is None
        else Interval(
            "kept" if days >= treatment.interval_days else "short",
            days,
            treatment.interval_days,
            treatment.name,
            statement,
        )
        for treatment in spraying.treatments
    ]


def _asking(fact: Fact) -> tuple[Treatment, ...]:
    return tuple(one for one in fact.treatments if one.interval_days is not None)

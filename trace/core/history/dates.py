"""How long goods keep: repacking makes nothing younger.

Rules (Codex CXS 1-1985, 4.7.1: the date belongs to the food, not to its package).
1. Washing, grading, splitting, mixing, packing and packing again leave the goods what they are: the
   last day of what comes out is the earliest of its own and of everything that went in.
2. Processing and milling make a new product: its own day alone counts.
3. A day nobody declared is unknown; it makes nothing longer or shorter.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Final

from trace.core.history.facts import Fact

KEEPING: Final = frozenset(
    {"mixing", "splitting", "grading", "washing", "cooling", "packing", "repackaging"}
)


def earliest(days: Iterable[date | None]) -> date | None:
    """The earliest of the days that are known."""
    return min((day for day in days if day is not None), default=None)


def last_day(thing: str, said: Mapping[str, date | None], live: Iterable[Fact]) -> date | None:
    """The last day of `thing`: its own or an earlier one of what it was made of by steps that keep
    the goods. `said` holds the day declared for each thing itself."""
    made_of: dict[str, set[str]] = {}
    for fact in live:
        if fact.type == "TransformationEvent" and fact.step in KEEPING:
            sources = fact.things("input", "source")
            for made in fact.things("output"):
                made_of.setdefault(made, set()).update(sources)
    seen, todo = {thing}, [thing]
    while todo:
        for source in made_of.get(todo.pop(), ()):
            if source not in seen:
                seen.add(source)
                todo.append(source)
    return earliest(said.get(one) for one in seen)

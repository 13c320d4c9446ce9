"""Goods from several places: how many, gathered when, and how many of them a claim covers.

"Gộp từ 5 nơi trồng, thu 18–20/11" and "VietGAP 3/5": a claim about a mix is told with its
coverage, never as if it held for all (formats, section 9).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from trace.core.history.facts import Fact, oldest_first

GATHERING: Final = frozenset({"harvesting", "egg_collecting"})


@dataclass(frozen=True, slots=True)
class Source:
    """One origin of the goods: a growing cycle, or goods registered without one.

    `first` and `last` are the days of gathering, None where nobody recorded a harvest: the day
    goods were registered is not the day they were gathered.
    """

    thing: str
    issuer: str
    first: date | None = None
    last: date | None = None


def find_sources(live: Iterable[Fact], family: Iterable[str]) -> list[Source]:
    """Every origin among `family` (the thing and its ancestors), ordered by identity.

    A harvest's origins are the cycles it took from. A lot that was registered without a cycle and
    made from nothing else is an origin itself.
    """
    ordered = oldest_first(live)
    members = frozenset(family)
    found: dict[str, Source] = {}
    made: set[str] = set()
    for fact in ordered:
        if fact.type != "TransformationEvent" or not fact.things("output") & members:
            continue
        made |= fact.things("output")
        if fact.step in GATHERING:
            for cycle in fact.things("input"):
                _add(found, cycle, fact)
    for fact in ordered:
        if fact.type != "ObjectEvent" or fact.action != "ADD":
            continue
        if fact.step in GATHERING or fact.step in (
            "creating_class_instance",
            "commissioning",
            "receiving",
        ):
            for thing in (fact.things("epc") & members) - made:
                if not _grows_on(thing, ordered):
                    _add(found, thing, fact)
    return sorted(found.values(), key=lambda source: source.thing)


def gathered_between(sources: Sequence[Source]) -> tuple[date, date] | None:
    """First and last day of gathering; None unless every origin tells its own."""
    firsts = [source.first for source in sources if source.first is not None]
    lasts = [source.last for source in sources if source.last is not None]
    if not sources or len(firsts) < len(sources):
        return None
    return min(firsts), max(lasts)


def coverage(sources: Sequence[Source], covered: Mapping[str, bool]) -> tuple[int, int]:
    """(origins a claim covers, all origins)."""
    return sum(covered.get(source.thing, False) for source in sources), len(sources)


def _add(found: dict[str, Source], thing: str, fact: Fact) -> None:
    day = fact.day if fact.step in GATHERING else None
    known = found.get(thing)
    if known is None:
        found[thing] = Source(thing, fact.issuer, day, day)
    elif day is not None:
        first = day if known.first is None else min(known.first, day)
        last = day if known.last is None else max(known.last, day)
        found[thing] = Source(thing, known.issuer, first, last)


def _grows_on(thing: str, ordered: Sequence[Fact]) -> bool:
    """Whether the thing is a cycle that harvests are taken from: its harvests speak for it."""
    return any(f.step in GATHERING and thing in f.things("input") for f in ordered)

"""The demo world: a seeded simulator of farm-to-shop chains. Pure.

`World(seed, start, …)` plans the master data at once and tells its events one by one, in the order
they were typed. The same arguments give the same world, byte for byte. Twelve chains are the ones
people are shown, each with a situation of its own; they end on the last day. Further chains run
before and beside them, so many a day, in further sets of organisations: a million events need
more days, not more memory.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from random import Random
from typing import Final

from trace.services.demo.cast import make_cast, people
from trace.services.demo.orchards import DRAGON_DAYS, POMELO_DAYS, dragon, pomelo
from trace.services.demo.plans import Cast, PersonPlan
from trace.services.demo.stage import Landmark, Stage, Story, Timed
from trace.services.demo.stores import EGG_DAYS, RICE_DAYS, eggs, rice
from trace.services.demo.vegetables import (
    LEAFY_DAYS,
    MARKET_DAYS,
    SMALL_DAYS,
    leafy,
    market,
    smallholder,
)
from trace.services.records import LOCAL_ZONE, JsonObject

DEFAULT_SEED: Final = 2026
FEWEST: Final = 5
# Half a year: the longest story fits into it.
LEAST_DAYS: Final = 160
# Chains that begin on one day in large worlds: what bounds the number that are under way.
MOST_A_DAY: Final = 50
CHAINS_A_SET: Final = 60
MOST_SETS: Final = 40
# Measured over large worlds; a test holds it to a tenth.
EVENTS_A_CHAIN: Final = 20

STORIES: Final[dict[str, tuple[Story, int]]] = {
    "leafy": (leafy, LEAFY_DAYS),
    "market": (market, MARKET_DAYS),
    "pomelo": (pomelo, POMELO_DAYS),
    "dragon": (dragon, DRAGON_DAYS),
    "rice": (rice, RICE_DAYS),
    "eggs": (eggs, EGG_DAYS),
    "smallholder": (smallholder, SMALL_DAYS),
}
# What is shown, the most telling first: five chains have a recall, a mix and a cold chain.
SHOWN: Final[tuple[tuple[str, frozenset[str]], ...]] = (
    ("leafy", frozenset({"damaged", "whole"})),
    ("market", frozenset({"recall"})),
    ("dragon", frozenset()),
    ("rice", frozenset()),
    ("smallholder", frozenset()),
    ("eggs", frozenset({"damaged"})),
    ("pomelo", frozenset()),
    ("leafy", frozenset({"no-pesticide", "no-fertiliser-word", "correct"})),
    ("leafy", frozenset({"early", "hold"})),
    ("pomelo", frozenset({"one-sided", "void"})),
    ("rice", frozenset({"two", "late"})),
    ("leafy", frozenset({"late", "one-sided"})),
)
DEFAULT_CHAINS: Final = len(SHOWN) + 1
EXTRA: Final = ("dragon", frozenset({"breach"}))
# Of further chains: how often each kind, and how often each thing happens.
_KINDS: Final = (
    *("leafy",) * 8, "market", "market", "pomelo", "dragon", "rice", "eggs", "eggs",
    "smallholder", "smallholder",
)  # fmt: skip
_CHANCES: Final = (
    ("no-pesticide", 0.2),
    ("no-fertiliser-word", 0.25),
    ("late", 0.12),
    ("early", 0.03),
    ("correct", 0.05),
    ("void", 0.05),
    ("one-sided", 0.15),
    ("damaged", 0.2),
    ("whole", 0.3),
    ("answered", 0.5),
    ("two", 0.4),
    ("breach", 0.1),
    ("recall", 0.02),
)


@dataclass(frozen=True, slots=True)
class _Chain:
    """One chain to be told: its number, kind and turns, and the day it begins."""

    number: int
    kind: str
    flags: frozenset[str]
    day: int


@dataclass(slots=True)
class World:
    """Everybody, everything and what happens. `chains` is at least 5. `sets` of organisations are
    one for each sixty chains unless given.

    `photos` are the references (digest, media type, size) of pictures that events may carry, by
    name: "field" and "packing". `landmarks` is filled while the events are told.
    """

    seed: int
    start: date
    id_base: str
    chains: int = DEFAULT_CHAINS
    photos: Mapping[str, JsonObject] = field(default_factory=dict)
    sets: int | None = None
    casts: tuple[Cast, ...] = field(init=False)
    landmarks: list[Landmark] = field(init=False, default_factory=list)

    def __post_init__(self) -> None:
        if self.chains < FEWEST:
            raise ValueError(f"a world has at least {FEWEST} chains")
        sets = self.sets or min(-(-self.chains // CHAINS_A_SET), MOST_SETS)
        self.casts = tuple(
            make_cast(number, seed=self.seed, start=self.start, id_base=self.id_base)
            for number in range(sets)
        )

    @property
    def people(self) -> tuple[PersonPlan, ...]:
        """Who may sign in; all in the first set of organisations."""
        return tuple(people(self.casts[0]))

    @property
    def days(self) -> int:
        """How many days the world lasts; everything is typed before the end of the last one."""
        return world_days(self.chains)

    def events(self) -> Iterator[Timed]:
        """Every event in the order they were typed. Starts from the beginning each time."""
        self.landmarks.clear()
        waiting: list[tuple[datetime, int, Timed, Iterator[Timed]]] = []

        def next_of(number: int, story: Iterator[Timed]) -> None:
            timed = next(story, None)
            if timed is not None:
                heapq.heappush(waiting, (timed.moment, number, timed, story))

        for chain in self._chains():
            begin = self._midnight(chain.day)
            # A story tells nothing before its own first midnight.
            while waiting and waiting[0][0] < begin:
                _, number, timed, story = heapq.heappop(waiting)
                yield timed
                next_of(number, story)
            next_of(chain.number, self._story(chain, begin))
        while waiting:
            _, number, timed, story = heapq.heappop(waiting)
            yield timed
            next_of(number, story)

    def _midnight(self, day: int) -> datetime:
        return datetime.combine(self.start, time(), LOCAL_ZONE) + timedelta(days=day)

    def _story(self, chain: _Chain, begin: datetime) -> Iterator[Timed]:
        shown = chain.number <= DEFAULT_CHAINS
        stage = Stage(
            number=chain.number,
            rng=Random(f"{self.seed}/{chain.number}"),  # noqa: S311 (a simulator, not a secret)
            cast=self.casts[0 if shown else chain.number % len(self.casts)],
            begin=begin,
            photos=self.photos,
            landmarks=self.landmarks if shown else None,
        )
        return STORIES[chain.kind][0](stage, chain.flags)

    def _chains(self) -> Iterator[_Chain]:
        """All chains in the order of the day they begin."""
        return heapq.merge(self._further(), self._shown(), key=lambda chain: chain.day)

    def _shown(self) -> list[_Chain]:
        found = []
        for number, (kind, flags) in enumerate((*SHOWN, EXTRA)[: self.chains], start=1):
            found.append(_Chain(number, kind, flags, self.days - STORIES[kind][1]))
        return sorted(found, key=lambda chain: chain.day)

    def _further(self) -> Iterator[_Chain]:
        rate = _a_day(self.chains)
        for extra in range(self.chains - DEFAULT_CHAINS):
            number = DEFAULT_CHAINS + 1 + extra
            rng = Random(f"{self.seed}/turns/{number}")  # noqa: S311
            kind = rng.choice(_KINDS)
            flags = frozenset(word for word, chance in _CHANCES if rng.random() < chance)
            yield _Chain(number, kind, flags, extra // rate)


def _a_day(chains: int) -> int:
    """Further chains that begin on one day."""
    return max(1, min((chains - DEFAULT_CHAINS) // 60, MOST_A_DAY))


def world_days(chains: int) -> int:
    """How many days a world of so many chains lasts."""
    further = max(chains - DEFAULT_CHAINS, 0)
    return LEAST_DAYS + -(-further // _a_day(chains))


def chains_for(events: int) -> int:
    """How many chains tell about so many events."""
    return max(FEWEST, -(-events // EVENTS_A_CHAIN))


__all__ = [
    "DEFAULT_CHAINS",
    "DEFAULT_SEED",
    "Landmark",
    "Timed",
    "World",
    "chains_for",
    "world_days",
]

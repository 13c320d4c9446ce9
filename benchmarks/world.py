"""Events for measuring, from the simulator; and what the simulator itself costs.

Promise: a million events stream by in the memory of a few thousand. The figures are the time of
one event, and how much more memory a world takes that is four times as large.
"""

from __future__ import annotations

import time
import tracemalloc
from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import date
from itertools import islice

from benchmarks import Figure, absolute
from trace.services.demo.stage import Timed
from trace.services.demo.world import World, chains_for
from trace.services.records import JsonObject

BASE = "https://trace.example"
START = date(2020, 1, 1)
SEED = 1
# Enough for the rate of new chains to be at its most, so that more chains mean more days.
SMALL_CHAINS, LARGE_FACTOR = 4_000, 4
SAMPLE = 15_000


def world_of(events: int, *, id_base: str = BASE, sets: int | None = None) -> World:
    """A world that tells about so many events (within a tenth)."""
    return World(SEED, START, id_base, chains_for(events), sets=sets)


def events_of(count: int, *, id_base: str = BASE) -> Iterator[Timed]:
    """Exactly `count` events in the order they were typed."""
    return islice(world_of(count * 6 // 5 + 500, id_base=id_base).events(), count)


def documents_of(
    count: int, size: int, *, id_base: str = BASE
) -> Iterator[tuple[str, list[JsonObject]]]:
    """`count` lists of `size` events of one organisation each, with its key."""
    waiting: defaultdict[str, list[JsonObject]] = defaultdict(list)
    made = 0
    # One set of organisations: its co-operative tells two events in five.
    for timed in world_of(count * size * 5 + 5_000, id_base=id_base, sets=1).events():
        events = waiting[timed.organisation]
        events.append(timed.event)
        if len(events) == size:
            yield timed.organisation, waiting.pop(timed.organisation)
            made += 1
            if made == count:
                return


def _peak(events: Iterable[Timed]) -> float:
    """Peak megabytes held while the events go by."""
    tracemalloc.start()
    for _ in events:
        pass
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak / 1e6


def run() -> Iterable[Figure]:
    """Time of one event; memory of a world against one a quarter of its size."""
    start = time.process_time()
    count = sum(1 for _ in events_of(10_000))
    each = (time.process_time() - start) / count * 1e6
    yield absolute("simulator: one event", each, "µs", "<=", 400)
    small = World(SEED, START, BASE, SMALL_CHAINS)
    large = World(SEED, START, BASE, SMALL_CHAINS * LARGE_FACTOR)
    few, many = (_peak(islice(world.events(), SAMPLE)) for world in (small, large))
    ratio = many / few
    yield Figure(
        "simulator: memory, 4x the world", many, "MB", few, ratio, "ratio <= 1.3", ratio <= 1.3
    )

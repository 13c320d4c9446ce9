"""What the client of `benchmarks.soak` tells: statuses, and latencies in histograms whose size does
not grow with the run (a bucket is 4 % wide, so a percentile is right within 2 %)."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from threading import Lock
from typing import Final

WIDTH: Final = math.log(1.04)
LEAST: Final = 0.05  # milliseconds; below it everything is one bucket
WORDS_KEPT: Final = 60  # unexpected answers that are told in words


class Histogram:
    """Milliseconds, counted in buckets."""

    __slots__ = ("buckets", "count", "most")

    def __init__(self) -> None:
        self.buckets: Counter[int] = Counter()
        self.count = 0
        self.most = 0.0

    def add(self, milliseconds: float) -> None:
        self.buckets[int(math.log(max(milliseconds, LEAST) / LEAST) / WIDTH)] += 1
        self.count += 1
        self.most = max(self.most, milliseconds)

    def quantile(self, part: float) -> float:
        """The middle of the bucket in which it lies; never more than the most that was seen."""
        wanted, seen = math.ceil(part * self.count), 0
        for bucket in sorted(self.buckets):
            seen += self.buckets[bucket]
            if seen >= wanted:
                return min(self.most, LEAST * math.exp((bucket + 0.5) * WIDTH))
        return 0.0


def together(some: Iterable[Histogram]) -> Histogram:
    """One of several."""
    whole = Histogram()
    for one in some:
        whole.buckets.update(one.buckets)
        whole.count += one.count
        whole.most = max(whole.most, one.most)
    return whole


@dataclass(slots=True)
class Told:
    """Everything that was met, by kind of request and minute of the run."""

    times: defaultdict[str, defaultdict[int, Histogram]] = field(
        default_factory=lambda: defaultdict(_minutes)
    )
    statuses: Counter[tuple[str, int]] = field(default_factory=Counter)
    words: list[str] = field(default_factory=list)
    unexpected: int = 0
    beacons: int = 0
    acts: int = 0
    late: Histogram = field(default_factory=Histogram)  # how long acts waited for a free hand
    lock: Lock = field(default_factory=Lock)

    def note(self, kind: str, minute: int, milliseconds: float, status: int) -> None:
        with self.lock:
            self.times[kind][minute].add(milliseconds)
            self.statuses[kind, status] += 1

    def wonder(self, words: str) -> None:
        """Something was not as it should be."""
        with self.lock:
            self.unexpected += 1
            if len(self.words) < WORDS_KEPT:
                self.words.append(words)

    def whole(self, *kinds: str, since: int = 0) -> Histogram:
        """All times of these kinds from a minute on."""
        return together(
            one
            for kind in kinds
            for minute, one in self.times.get(kind, {}).items()
            if minute >= since
        )

    def add(self, other: Told) -> None:
        """What another client met meanwhile."""
        for kind, minutes in other.times.items():
            for minute, one in minutes.items():
                self.times[kind][minute] = together((self.times[kind][minute], one))
        self.statuses.update(other.statuses)
        self.words = (self.words + other.words)[:WORDS_KEPT]
        self.unexpected += other.unexpected
        self.beacons += other.beacons
        self.acts += other.acts
        self.late = together((self.late, other.late))

    def __getstate__(self) -> dict[str, object]:
        return {name: getattr(self, name) for name in self.__slots__ if name != "lock"}

    def __setstate__(self, state: dict[str, object]) -> None:
        for name, value in state.items():
            setattr(self, name, value)
        self.lock = Lock()


def _minutes() -> defaultdict[int, Histogram]:
    return defaultdict(Histogram)

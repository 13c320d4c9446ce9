"""What the acts of `benchmarks.soak` share: people, programs, pages, and what was acknowledged.

An act is a function of the stage and the moment it was due. Its first request is timed from that
moment, so that a stall of the server is seen by everybody who would have come meanwhile; what
follows is timed from when it is sent.
"""

from __future__ import annotations

import os
import threading
from collections import OrderedDict, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from pathlib import Path
from random import Random
from typing import Final

from benchmarks._soak_people import People, Visitor
from benchmarks._soak_told import Told

SKEW: Final = 1.1
SECONDS: Final = 3.0  # between two looks at a job
LOOKS: Final = 200
WARNED: Final = b'class="al stop'
FARMER, CLERK, HOUSE, TRADER = (
    f"{name}@demo.example" for name in ("nongdan", "ghiso", "soche", "vua")
)
OFFICER, HEAD, SECOND = (f"{name}@demo.example" for name in ("thanhtra", "phutrach", "phutrach2"))

Act = Callable[["Stage", float], None]


@dataclass(slots=True)
class Stage:
    """What acts share; everything in it is bounded."""

    people: People
    token: tuple[tuple[str, str], ...]  # (organisation's code, token)
    pages: Sequence[str]  # of lots, the most scanned first
    acknowledged: Path
    later: Callable[[float, Act], None]  # an act so many seconds from now
    random: Random
    weights: list[float] = field(default_factory=list)
    known: OrderedDict[str, str] = field(default_factory=OrderedDict)
    fresh: deque[str] = field(default_factory=lambda: deque(maxlen=500))
    recorded: deque[tuple[int, str]] = field(default_factory=lambda: deque(maxlen=2_000))
    entries: list[str] = field(default_factory=list)  # addresses of diary forms
    lots: dict[str, list[str]] = field(default_factory=dict)  # rows of lots by login
    warned: set[str] = field(default_factory=set)
    lock: threading.Lock = field(default_factory=threading.Lock)
    numbers: int = 0

    def __post_init__(self) -> None:
        self.weights = list(accumulate(1 / (rank + 1) ** SKEW for rank in range(len(self.pages))))

    @property
    def told(self) -> Told:
        return self.people.line.told

    def stranger(self, due: float = 0.0) -> Visitor:
        """Somebody who was never here, from a network of their own."""
        with self.lock:
            self.numbers += 1
            number = self.numbers
        return Visitor(self.people.line, number * 4099, due)

    def program(self, due: float, which: int = -1) -> tuple[Visitor, dict[str, str], int]:
        """A program of one of the organisations."""
        at = self.random.randrange(len(self.token)) if which < 0 else which
        headers = {"Authorization": f"Bearer {self.token[at][1]}", "Accept": "application/json"}
        return self.stranger(due), headers, at

    def acknowledge(self, *lines: str) -> None:
        """What was answered as recorded, one line each; looked for when all is over."""
        with self.lock, self.acknowledged.open("a") as file:
            file.write("".join(f"{line}\n" for line in lines))


def uuid_text() -> str:
    """A random one (RFC 9562, version 4)."""
    made = os.urandom(16).hex()
    return f"{made[:8]}-{made[8:12]}-4{made[13:16]}-8{made[17:20]}-{made[20:]}"

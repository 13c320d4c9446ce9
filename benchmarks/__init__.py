"""One program per promise: our figure, its floor measured in the same run, and their ratio.

A program is a module of this folder with a function `run() -> Iterable[Figure]`. It says in its
docstring what is promised, measures ours and the floor in turns (so that noise hits both), and
leaves nothing behind. `python -m benchmarks [NAME …]` runs them.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Literal

Bound = Literal[">=", "<="]


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the table. `floor` is in the same unit as `value`; `goal` is the promise."""

    name: str
    value: float
    unit: str
    floor: float | None
    ratio: float | None
    goal: str
    met: bool

    def to_json(self) -> dict[str, object]:
        return asdict(self)


def compare(name: str, value: float, unit: str, floor: float, bound: Bound, goal: float) -> Figure:
    """A figure whose ratio value / floor must stay within a bound, such as `<= 3`."""
    ratio = value / floor
    met = ratio >= goal if bound == ">=" else ratio <= goal
    return Figure(name, value, unit, floor, ratio, f"ratio {bound} {goal:g}", met)


def faster(name: str, value: float, unit: str, floor: float, goal: float) -> Figure:
    """A figure of time that must be at least `goal` times shorter than its floor."""
    ratio = floor / value
    return Figure(name, value, unit, floor, ratio, f"{goal:g}x faster", ratio >= goal)


def absolute(name: str, value: float, unit: str, bound: Bound, goal: float) -> Figure:
    """A figure with a promise of its own and no floor, such as bytes per event."""
    met = value >= goal if bound == ">=" else value <= goal
    return Figure(name, value, unit, None, None, f"{bound} {goal:g} {unit}", met)


def cpu_seconds(*actions: Callable[[], object], rounds: int = 5) -> list[float]:
    """The least CPU time of each action over several rounds, taken in turns.

    CPU time of this process only: what a server or a database does elsewhere is not in it.
    """
    best = [float("inf")] * len(actions)
    for _ in range(rounds):
        for place, action in enumerate(actions):
            start = time.process_time()
            action()
            best[place] = min(best[place], time.process_time() - start)
    return best


def wall_seconds(*actions: Callable[[], object], rounds: int = 5) -> list[float]:
    """The least elapsed time of each action over several rounds, taken in turns."""
    best = [float("inf")] * len(actions)
    for _ in range(rounds):
        for place, action in enumerate(actions):
            start = time.perf_counter()
            action()
            best[place] = min(best[place], time.perf_counter() - start)
    return best

"""Which inputs stay in the corpus: few and small, and together as far-reaching as all of them."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path
from types import FrameType
from typing import Any, Final

from tests.fuzz.target import CORPUS, Target, line_of

PRODUCT: Final = str(Path(__file__).parents[2] / "trace")
LOOKED_AT: Final = 250  # the shortest: each is followed line by line, which takes long
MOST: Final = 6_000  # bytes of one target's file; some fifty targets stay under 300 kB


def reached(target: Target, data: bytes) -> frozenset[tuple[str, int, int]]:
    """The steps from line to line of the product that an input takes."""
    found: set[tuple[str, int, int]] = set()
    last: dict[int, int] = {}

    def line(frame: FrameType, event: str, _: Any) -> Any:
        if event == "line":
            at = frame.f_lineno
            found.add((frame.f_code.co_filename, last.get(id(frame), 0), at))
            last[id(frame)] = at
        return line

    def call(frame: FrameType, event: str, _: Any) -> Any:
        if not frame.f_code.co_filename.startswith(PRODUCT):
            return None
        last.pop(id(frame), None)
        return line

    before = sys.gettrace()
    sys.settrace(call)
    try:
        target.run(data)
    except Exception:
        pass
    finally:
        sys.settrace(before)
    return frozenset(found)


def chosen(target: Target, inputs: Iterable[bytes], *, room: int = MOST) -> list[bytes]:
    """A few of the inputs: shorter ones first, each for a step that none before it took, as long as
    there is room. What the seeds reach needs no keeping."""
    known: set[tuple[str, int, int]] = set()
    for data in target.seeds():
        known |= reached(target, data)
    kept: list[tuple[bytes, frozenset[tuple[str, int, int]]]] = []
    used = 0
    for data in sorted(set(inputs), key=lambda one: (len(one), one))[:LOOKED_AT]:
        size = len(line_of(data)) + 1
        if used + size > room:
            break
        steps = reached(target, data)
        if steps - known:
            known |= steps
            kept.append((data, steps))
            used += size
    return [data for data, _ in without_doubles(kept)]


def without_doubles(
    kept: list[tuple[bytes, frozenset[tuple[str, int, int]]]],
) -> list[tuple[bytes, frozenset[tuple[str, int, int]]]]:
    """Those that still take a step of their own once all the others are there; the short ones,
    whose steps the long ones often take as well, are asked first."""
    counts: dict[tuple[str, int, int], int] = {}
    for _, steps in kept:
        for step in steps:
            counts[step] = counts.get(step, 0) + 1
    left = []
    for data, steps in kept:
        if all(counts[step] > 1 for step in steps):
            for step in steps:
                counts[step] -= 1
        else:
            left.append((data, steps))
    return left


def keep(target: Target, inputs: Iterable[bytes]) -> int:
    """Writes a target's corpus anew; how many inputs it holds."""
    seeds = set(target.seeds())
    found = [data for data in chosen(target, inputs) if data not in seeds]
    CORPUS.mkdir(exist_ok=True)
    (CORPUS / f"{target.name}.txt").write_text(
        "".join(f"{line_of(data)}\n" for data in found), "ascii"
    )
    return len(found)

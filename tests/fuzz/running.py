"""One input at a time: what it took, and what it broke. Used with and without atheris."""

from __future__ import annotations

import traceback
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from time import process_time
from typing import Any, Final

from tests.fuzz.target import Target, line_of

SLOW: Final = 1.0  # seconds of the processor that no input may take
ROOT: Final = Path(__file__).parents[2]


@dataclass(slots=True)
class Find:
    """Something broken: the smallest input that does it, and how often it came."""

    key: str
    data: bytes
    told: str
    count: int = 1

    def to_json(self) -> dict[str, Any]:
        return {"key": self.key, "input": line_of(self.data), "told": self.told, "n": self.count}


@dataclass(slots=True)
class Tally:
    """What became of the inputs of one target."""

    target: Target
    inputs: int = 0
    slowest: float = 0.0
    slowest_input: bytes = b""
    finds: dict[str, Find] = field(default_factory=dict)

    def give(self, data: bytes) -> None:
        """One input. Nothing is raised: what breaks is kept, the smallest input of each kind."""
        self.inputs += 1
        began = process_time()
        try:
            self.target.run(data)
        except Exception as error:
            self.note(place_of(error), data, "".join(traceback.format_exception(error))[-3000:])
        took = process_time() - began
        if took > self.slowest:
            self.slowest, self.slowest_input = took, data[:2000]
            if took > SLOW:
                self.note("slow", data, f"{took:.2f} s")

    def note(self, key: str, data: bytes, text: str) -> None:
        known = self.finds.get(key)
        if known is None:
            self.finds[key] = Find(key, data, text)
            return
        known.count += 1
        if len(data) < len(known.data):
            known.data, known.told = data, text


def place_of(error: BaseException) -> str:
    """Where our code broke: the kind of error, and the innermost line of the product."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if frame.filename.startswith(str(ROOT))]
    last = ours[-1] if ours else frames[-1]
    return f"{type(error).__name__} {Path(last.filename).name}:{last.lineno} {last.name}"


def give_all(target: Target, inputs: Iterable[bytes]) -> Tally:
    """All inputs, one after the other."""
    tally = Tally(target)
    for data in inputs:
        tally.give(data)
    return tally

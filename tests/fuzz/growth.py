"""How the time grows: patterns repeated up to the most that a parser takes, and up to half of it.

Time that doubles with the input is a factor of 2, a square of it 4. Up to 300 kB nothing may take a
second; beyond that (documents of 20 MB are read by a worker) nothing may grow like a square.
"""

from __future__ import annotations

from collections.abc import Iterator
from time import process_time
from typing import Any, Final

from tests.fuzz.running import Tally
from tests.fuzz.target import Target

COUNTED: Final = b"#N#"  # in a body: another number each time
SMALL: Final = 300_000
STEEP: Final = 3.2  # twice as long, more than so many times as slow: no straight line
PATIENCE: Final = 4  # seconds for patterns that are not its own
TELLING: Final = 0.1  # seconds below which a factor is noise
USUAL: Final = (
    b"a",
    b"0",
    b" ",
    b"\n",
    b"(",
    b"[",
    b"{",
    b"<",
    b"%41",
    b",",
    b"/",
    b".",
    b"~",
    b"-",
    b"\xc3\xa9",
)


def patterns(target: Target) -> Iterator[tuple[bytes, bytes, bytes]]:
    """Its own patterns, then every word over and over, then what is repeated on any keyboard."""
    yield from target.patterns
    for body in dict.fromkeys((*target.words[:12], *USUAL)):
        if body:
            yield b"", body, b"\0"


def filled(pattern: tuple[bytes, bytes, bytes], size: int) -> bytes:
    head, body, tail = pattern
    if COUNTED in body:
        count = max(0, (size - len(head) - len(tail)) // (len(body) + 2))
        return head + b"".join(body.replace(COUNTED, b"%d" % n) for n in range(count)) + tail
    return head + body * max(0, (size - len(head) - len(tail)) // len(body)) + tail


def took(tally: Tally, data: bytes) -> float:
    began = process_time()
    tally.give(data)
    return process_time() - began


def measure(target: Target, longest: int | None = None) -> dict[str, Any]:
    """The slowest pattern: its seconds at the most allowed and at half of it; what broke."""
    size = longest or target.longest
    tally = Tally(target)
    worst: dict[str, Any] = {"seconds": 0.0, "half": 0.0, "pattern": "", "bytes": size}
    steep = []
    until = process_time() + PATIENCE
    for number, pattern in enumerate(patterns(target)):
        if number >= len(target.patterns) and process_time() > until:
            break
        # The second of two times: caches are warm, the collector has just been.
        small = filled(pattern, size // 2)
        half, whole = took(tally, small), took(tally, filled(pattern, size))
        if whole > TELLING and whole > STEEP * half:
            half = min(half, took(tally, small))
            whole = min(whole, took(tally, filled(pattern, size)))
            if whole > TELLING and whole > STEEP * half:
                steep.append(ascii(pattern)[:100])
        if whole > worst["seconds"]:
            worst |= {"seconds": whole, "half": half, "pattern": ascii(pattern)[:80]}
    finds = [find for find in tally.finds.values() if find.key != "slow" or size <= SMALL]
    return {**worst, "steep": steep, "broken": [f"{one.key}: {one.told}"[:2000] for one in finds]}

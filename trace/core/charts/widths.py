"""Text that must fit a box: measured letter by letter, cut with an ellipsis."""

from __future__ import annotations

from collections.abc import Callable

ELLIPSIS = "…"


def cut(text: str, room: float, width_of: Callable[[str], float]) -> str:
    """`text`, or as much of its beginning as fits `room` with an ellipsis after it. `width_of`
    measures one letter in the unit of `room`; a room too small for anything gives the ellipsis."""
    used = 0.0
    fits = 0  # letters that leave room for an ellipsis
    dots = width_of(ELLIPSIS)
    for place, letter in enumerate(text):
        used += width_of(letter)
        if used > room:
            return text[:fits].rstrip() + ELLIPSIS
        if used + dots <= room:
            fits = place + 1
    return text

"""Small pictures of series: where the points of a line go."""

from __future__ import annotations

from collections.abc import Sequence


def curve(values: Sequence[float]) -> str:
    """Points of a line in a field of 120 × 32; "" where there is nothing to draw."""
    if len(values) < 3:
        return ""
    low, high = min(values), max(values)
    height = (high - low) or 1.0
    return " ".join(
        f"{round(120 * n / (len(values) - 1))},{round(30 - 28 * (v - low) / height)}"
        for n, v in enumerate(values)
    )

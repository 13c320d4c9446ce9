"""How the report of capacity says numbers, machines and tables. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from benchmarks._capacity_model import TB, Installation


def table(titles: Sequence[str], rows: Iterable[Sequence[str]], side: str) -> list[str]:
    """Lines of a table; figures stand at the right."""
    rest = "---" if side == "left" else "---:"
    marks = ["---", *[rest] * (len(titles) - 1)]
    return [f"| {' | '.join(one)} |" for one in (titles, marks, *rows)]


def machines_of(have: Installation) -> str:
    """What stands, in words."""
    one = (
        f"{have.web} web, {have.workers} workers, a primary, {have.replicas} replicas,"
        f" {have.disks} disk{'s' if have.disks > 1 else ''} each"
    )
    if have.logs == 1:
        return f"{have.machines} machines: {one}, Redis, PgBouncer, a bucket"
    return f"{have.machines:,} machines: {have.logs:,} installations, each {one}"


def percent(used: float) -> str:
    """A share, in hundredths."""
    return f"{used:,.0%}" if used >= 0.01 else f"{used:.1%}"


def times_of(value: float) -> str:
    """How many times something bears."""
    if math.isinf(value):
        return "without end"
    return f"{value:,.0f} times" if value >= 10 else f"{value:.2g} times"


def short(value: float) -> str:
    """A large number in three digits."""
    for size, word in ((1e12, "trillion"), (1e9, "billion"), (1e6, "million"), (1e3, "thousand")):
        if value >= size:
            return f"{value / size:.3g} {word}"
    return f"{value:.0f}"


def tera(size: float) -> str:
    """Bytes in TB."""
    return f"{size / TB:,.2f}" if size < 100 * TB else f"{size / TB:,.0f}"


def micro(seconds: float) -> str:
    """Seconds in microseconds; nothing for none."""
    return f"{1e6 * seconds:,.0f}" if seconds else ""


def plain(value: object) -> str:
    """An assumption as it is."""
    if value is None:
        return "as measured"
    return f"{value:,g}" if isinstance(value, int | float) else str(value)

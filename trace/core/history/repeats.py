"""The same thing said twice: one issuer, act, place of the calendar, amounts and things.

Two equal true sales within a minute exist (formats, section 2): a repeat is worth a look, and never
more by itself. Told are the later ones, each with the one it repeats.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from trace.core.history.facts import Fact, oldest_first

Shape = tuple[object, ...]


def repeats(live: Iterable[Fact], within: timedelta) -> list[tuple[Fact, Fact]]:
    """(first, repeated) pairs not further apart than `within`, by when they happened."""
    last: dict[Shape, Fact] = {}
    found = []
    for fact in oldest_first(live):
        if fact.notice is not None or not fact.uses:
            continue
        shape = _shape(fact)
        known = last.get(shape)
        if known is not None and fact.event_time - known.event_time <= within:
            found.append((known, fact))
        last[shape] = fact
    return found


def _shape(fact: Fact) -> Shape:
    uses = sorted((use.role, use.thing, str(use.quantity), use.unit) for use in fact.uses)
    parties = tuple(sorted(fact.destinations)), tuple(sorted(fact.sources))
    return fact.issuer, fact.type, fact.action, fact.step, parties, tuple(uses)

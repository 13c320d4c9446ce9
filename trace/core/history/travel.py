"""Goods in two places sooner than they can have come from one to the other.

Rules.
1. Only what cannot be in two places at once is judged by where it is seen: packages, crates, units.
   Of a lot, which may be divided, only a leg is judged: from where it was sent to where the other
   side says that it came, of the same goods.
2. Positions are the middles of wards: `slack_km` is taken off each distance, and `slack` added to
   each time, for clocks that differ.
3. What is faster than `kmh` is a hop. Whether somebody typed a time wrong or the goods are not the
   same is for people to find out.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from itertools import pairwise
from math import asin, cos, radians, sin, sqrt

from trace.core.history.divisions import ARRIVING, LEAVING
from trace.core.history.facts import Fact, oldest_first

EARTH_KM = 12_742.0


@dataclass(frozen=True, slots=True)
class Position:
    """WGS 84 degrees, and what the place is called."""

    latitude: float
    longitude: float
    name: str


@dataclass(frozen=True, slots=True)
class Seen:
    """A thing at a place, by one statement's word."""

    thing: str
    at: datetime
    where: Position
    statement: str


@dataclass(frozen=True, slots=True)
class Hop:
    """Two sightings and how fast one thing would have been: `kmh` is None where no time passed."""

    before: Seen
    after: Seen
    km: float
    minutes: float
    kmh: float | None


def kilometres(one: Position, other: Position) -> float:
    """Along the ground."""
    across = sin(radians(other.latitude - one.latitude) / 2) ** 2
    along = sin(radians(other.longitude - one.longitude) / 2) ** 2
    parallels = cos(radians(one.latitude)) * cos(radians(other.latitude))
    return EARTH_KM * asin(min(1.0, sqrt(across + parallels * along)))


def sightings(
    live: Iterable[Fact], where: dict[str, Position], single: frozenset[str]
) -> list[tuple[Seen, Seen]]:
    """The pairs that are to be judged (rule 1). `where` gives a statement's position, `single` the
    things that cannot be divided."""
    pairs: list[tuple[Seen, Seen]] = []
    by_thing: dict[str, list[Seen]] = {}
    sent: dict[str, list[tuple[Fact, Seen]]] = {}
    for fact in oldest_first(live):
        position = where.get(fact.statement)
        if position is None or fact.notice is not None:
            continue
        for thing in sorted(fact.things("epc", "parent")):
            seen = Seen(thing, fact.event_time, position, fact.statement)
            if thing in single:
                by_thing.setdefault(thing, []).append(seen)
            elif fact.step in LEAVING:
                sent.setdefault(thing, []).append((fact, seen))
            elif fact.step in ARRIVING:
                legs = [s for f, s in sent.get(thing, ()) if _is_leg(f, fact)]
                if legs:  # the same goods left in several legs: the one that fits best is meant
                    near = partial(_distance, position)
                    pairs.append((min(legs, key=near), seen))
    for row in by_thing.values():
        pairs += pairwise(row)
    return pairs


def _distance(position: Position, seen: Seen) -> float:
    return kilometres(seen.where, position)


def _is_leg(left: Fact, came: Fact) -> bool:
    return left.issuer != came.issuer and (
        not left.destinations or came.issuer in left.destinations
    )


def hops(
    pairs: Sequence[tuple[Seen, Seen]], *, kmh: float, slack_km: float, slack: timedelta
) -> list[Hop]:
    """Those of the pairs that are too fast (rules 2 and 3)."""
    found = []
    for before, after in pairs:
        km = kilometres(before.where, after.where)
        passed = (after.at - before.at).total_seconds() / 3600
        if km - slack_km <= 0 or passed < 0:
            continue
        given = passed + slack.total_seconds() / 3600
        if (km - slack_km) > kmh * given:
            speed = km / passed if passed else None
            found.append(Hop(before, after, km, passed * 60, speed))
    return found

"""A model of how people scan single packages, honest ones and copied ones.

What is assumed is written down in docs/explanation/copies.md, with the reasons; a change here is a
change there. Everything comes from the given random source; nothing is known of the score.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from random import Random

from trace.services.copies_score import DAY, HOUR, Sighting, exit_of, kilometres
from trace.services.wards import _wards, provinces

APART = HOUR // 2


@cache
def _weights() -> tuple[tuple[str, ...], tuple[int, ...]]:
    """Provinces by how many wards they have: nearly as people are spread."""
    counts: dict[str, int] = {}
    for ward in _wards().values():
        counts[ward.province.code] = counts.get(ward.province.code, 0) + 1
    return tuple(counts), tuple(counts.values())


def any_province(random: Random) -> str:
    return random.choices(*_weights())[0]


@cache
def nearest(province: str) -> tuple[str, ...]:
    """The other provinces, the nearest first."""
    others = (other.code for other in provinces() if other.code != province)
    return tuple(sorted(others, key=lambda other: kilometres(province, other)))


@dataclass
class Phone:
    """A phone on two networks. Each network is taken for one place, right or wrong, as long as the
    phone stays in a province."""

    random: Random
    seen: set[str] = field(default_factory=set)
    _taken: dict[tuple[str, str], str] = field(default_factory=dict)
    _known: bool = False

    def taken_for(self, province: str, network: str) -> str:
        found = self._taken.get((province, network))
        if found is None:
            found = self._taken[province, network] = self._draw(province, network)
        return found

    def _draw(self, province: str, network: str) -> str:
        drawn = self.random.random()
        if network == "mobile":
            if drawn < 0.05:
                return ""
            return exit_of(province) if drawn < 0.13 else province
        if drawn < 0.03:
            return ""
        return nearest(province)[0] if drawn < 0.06 else province

    def scans(self, at: int, province: str, mobile: float = 0.3) -> Sighting:
        """Opens the page. One time in ten a phone that had it no longer has it."""
        network = "mobile" if self.random.random() < mobile else "fixed"
        again = self._known and self.random.random() > 0.10
        self._known = True
        mark = self.random.randbytes(4)  # addresses change: no help is assumed from them
        return Sighting(at, self.taken_for(province, network), mark, again)


def honest(random: Random) -> list[Sighting]:
    """The scans of one package that exists once, in order; often none."""
    made_in = any_province(random)
    shop = made_in if random.random() < 0.5 else any_province(random)
    at = 0
    found: list[Sighting] = []
    if random.random() < 0.15:  # staff look whether the label works
        found.append(Phone(random).scans(at, made_in, 0.5))
    at += random.randint(6 * HOUR, 3 * DAY)
    staff = Phone(random)
    for _ in range(_repeats(random, 0.10, 0.3)):
        at += random.randint(APART, 8 * HOUR)
        found.append(staff.scans(at, shop, 0.5))
    for _ in range(_repeats(random, 0.13, 0.15)):  # others in the shop, who leave it there
        at += random.randint(APART, DAY)
        found.append(Phone(random).scans(at, shop, 0.9))
    found += _bought(random, at + random.randint(APART, DAY), shop)
    return sorted(found, key=lambda one: one.at)


def _bought(random: Random, at: int, shop: str) -> Iterator[Sighting]:
    buyer = Phone(random)
    if random.random() < 0.12:
        yield buyer.scans(at, shop, 0.9)
    home = shop
    if random.random() < 0.06:
        home = nearest(shop)[0] if random.random() < 0.7 else any_province(random)
    at += random.randint(APART, 12 * HOUR)
    yield from _at_home(random, [buyer], at, home)
    if random.random() < 0.15:
        yield from _at_home(random, [Phone(random)], at, home)
    if random.random() < 0.03:  # given away, for good
        at += random.randint(DAY, 10 * DAY)
        yield from _at_home(random, [Phone(random)], at, any_province(random), 0.3)
    elif random.random() < 0.002:  # taken along on a journey and back
        away = any_province(random)
        at += random.randint(12 * HOUR, 5 * DAY)
        yield from _at_home(random, [buyer, Phone(random)], at, away, 0.3)
        at += random.randint(DAY, 10 * DAY)
        yield from _at_home(random, [buyer], at, home, 0.3)
    if random.random() < 0.01:  # the address sent to friends; most who follow it do not count
        for _ in range(_repeats(random, 1.0, 0.65)):
            if random.random() < 0.2:
                where = home if random.random() < 0.5 else any_province(random)
                yield Phone(random).scans(at + random.randint(0, 2 * DAY), where, 0.6)


def _at_home(
    random: Random, phones: list[Phone], at: int, home: str, chance: float = 0.10
) -> Iterator[Sighting]:
    for phone in phones:
        moment = at
        for _ in range(_repeats(random, chance, 0.35)):
            yield phone.scans(moment, home, 0.3)
            moment += random.randint(APART, 3 * DAY)


def _repeats(random: Random, chance: float, more: float) -> int:
    """0, or 1 with `chance`, and further ones each with the chance of `more`."""
    count = int(random.random() < chance)
    while count and random.random() < more:
        count += 1
    return count


def copied(random: Random, scans: int = 10) -> list[Sighting]:
    """A code on two packages: two people in two provinces scan it ten times in all, each half of
    them and in any order, most often within half a day of the time before."""
    here = any_province(random)
    away = here
    while away == here:
        away = any_province(random)
    people = [(Phone(random), here), (Phone(random), away)]
    turns = [people[number % 2] for number in range(scans)]
    random.shuffle(turns)
    found, at = [], 0
    for phone, where in turns:
        found.append(phone.scans(at, where, 0.3))
        at += APART + round(random.expovariate(2 / DAY))
    return found

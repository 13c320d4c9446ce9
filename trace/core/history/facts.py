"""What history needs to know of an event: small typed facts, and the order they are told in."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Final

NOT_LOGGED: Final = 1 << 62  # sorts after everything that has a place in the log


@dataclass(frozen=True, slots=True)
class Use:
    """One thing an event names: its role (epc, parent, child, input, output) and how much of it.

    `unit` is a UN/ECE Recommendation 20 code, "" for a count of pieces.
    """

    role: str
    thing: str
    quantity: Decimal | None = None
    unit: str = ""


@dataclass(frozen=True, slots=True)
class Treatment:
    """One input of field work: what was used, and the days its label asks before harvest."""

    name: str
    interval_days: int | None = None


@dataclass(frozen=True, slots=True)
class Fact:
    """One event as history sees it.

    `statement` is its urn:uuid, `index` its place in the log, `offset` the minutes its own clock
    stood from UTC. `step` is a bare word ("harvesting"), "" when the event gives none or one we
    do not know. `sources` and `destinations` are the parties of a handover. `withheld` are the
    members that were declared and are kept from this reader.
    """

    statement: str
    issuer: str
    type: str
    event_time: datetime
    uses: tuple[Use, ...]
    step: str = ""
    action: str | None = None
    index: int | None = None
    record_time: datetime | None = None
    offset: int = 420
    event_id: str = ""
    sources: frozenset[str] = frozenset()
    destinations: frozenset[str] = frozenset()
    declares_error: bool = False
    corrects: str | None = None
    corrective: tuple[str, ...] = ()
    notice: str | None = None
    ends: frozenset[str] = frozenset()  # statements of the notices that a release ends
    treatments: tuple[Treatment, ...] = ()
    declared_none: frozenset[str] = frozenset()
    beyond_limits: bool = False  # a series of readings that lay outside its limits
    members: frozenset[str] = frozenset()
    withheld: frozenset[str] = frozenset()
    _of: dict[str, tuple[Use, ...]] = field(default_factory=dict, compare=False, repr=False)

    @property
    def day(self) -> date:
        """The date the event's own clock showed."""
        return self.event_time.astimezone(timezone(timedelta(minutes=self.offset))).date()

    def things(self, *roles: str) -> frozenset[str]:
        """The things named in any of these roles (in any role when none is given)."""
        return frozenset(use.thing for use in self.uses if not roles or use.role in roles)

    def of(self, thing: str) -> tuple[Use, ...]:
        """Every use of one thing."""
        found = self._of.get(thing)
        if found is None:
            found = tuple(use for use in self.uses if use.thing == thing)
            self._of[thing] = found
        return found


def told_order(fact: Fact) -> tuple[datetime, int, str]:
    """The order of a story: by when it happened, then by the log, never by when it arrived."""
    return fact.event_time, NOT_LOGGED if fact.index is None else fact.index, fact.statement


def oldest_first(facts: Iterable[Fact]) -> list[Fact]:
    """The facts as they happened; ties by log index."""
    return sorted(facts, key=told_order)


def newest_first(facts: Iterable[Fact]) -> list[Fact]:
    """As pages tell them: the newest first; ties by log index, the later entry first."""
    return sorted(facts, key=told_order, reverse=True)

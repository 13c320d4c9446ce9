"""Corrected and voided events (formats, section 2; EPCIS 2.0, error declarations).

Rules.
1. An error declaration is about the statement it names in `trace:corrects`, or, for events from
   elsewhere, about the event of the same issuer with the same eventID. Only the original issuer's
   counts.
2. It names corrective events: the statement is *corrected* by them. It names none: *voided*.
   Corrective events that never arrived leave it voided, and the page says that one is missing.
3. A corrective event may itself be corrected: the present value is the last in the chain.
4. Nothing disappears: what was replaced stays reachable behind what replaced it.
5. A typing error mended before anybody outside could have read it, that is before the first label
   and the first handover of the goods, is told by its present value alone. Afterwards old and new
   stand side by side. The place in the log decides, never what an event says of its own time.
   Notices (recall, hold, release, advice) are always told.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from trace.core.history.facts import Fact, oldest_first


@dataclass(frozen=True, slots=True)
class Settled:
    """`live` are the facts that stand now, oldest first, without error declarations.

    `voided` stand no more and have no replacement; `replaced` maps a statement to the statements
    that replace it; `declared` maps a statement to the error declaration about it.
    """

    live: tuple[Fact, ...]
    voided: tuple[Fact, ...]
    corrected: tuple[Fact, ...]
    replaced: dict[str, tuple[str, ...]]
    declared: dict[str, Fact]

    @property
    def past_of(self) -> dict[str, tuple[str, ...]]:
        """For each statement that stands or stood: the statements it replaced directly."""
        past: dict[str, list[str]] = {}
        for old, news in self.replaced.items():
            for new in news:
                past.setdefault(new, []).append(old)
        return {new: tuple(sorted(olds)) for new, olds in past.items()}

    def before(self, statement: str) -> tuple[str, ...]:
        """Everything that a statement replaced, however many corrections ago, the latest first."""
        return _along(statement, self.past_of) if self.replaced else ()

    def after(self, statement: str) -> tuple[str, ...]:
        """Everything that replaced a statement, however many corrections later."""
        return _along(statement, self.replaced)


def _along(start: str, ways: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
    found: dict[str, None] = {}
    layer = [start]
    while layer:
        layer = [far for near in layer for far in ways.get(near, ()) if far not in found]
        found.update(dict.fromkeys(layer))
    found.pop(start, None)  # corrections that go round in a circle
    return tuple(found)


@dataclass(frozen=True, slots=True)
class WentOut:
    """When goods first left their maker's hands: the moment their first label was given out, and
    the place in the log of their first handover; None for what has not happened."""

    labelled: datetime | None = None
    handed: int | None = None


def in_time(fact: Fact, error: Fact, out: WentOut) -> bool:
    """Whether the error declaration about a fact came before its goods went out (rule 5).

    A correction whose corrective event is missing is not mended, nor is what has no place yet.
    """
    if fact.notice is not None or error.index is None or error.record_time is None:
        return False
    labelled = out.labelled is not None and out.labelled <= error.record_time
    handed = out.handed is not None and out.handed <= error.index
    return not (labelled or handed)


def settle(facts: Iterable[Fact]) -> Settled:
    """Applies every error declaration among the facts; arrival order does not matter."""
    ordered = oldest_first(facts)
    events = [fact for fact in ordered if not fact.declares_error]
    by_statement = {fact.statement: fact for fact in events}
    by_event_id: dict[tuple[str, str], list[Fact]] = {}
    for fact in events:
        if fact.event_id:
            by_event_id.setdefault((fact.issuer, fact.event_id), []).append(fact)
    declared: dict[str, Fact] = {}
    replaced: dict[str, tuple[str, ...]] = {}
    for error in (fact for fact in ordered if fact.declares_error):
        for target in _targets(error, by_statement, by_event_id):
            declared[target.statement] = error
            news = _correctives(error, target, by_event_id)
            if news:
                replaced[target.statement] = news
    live, voided, corrected = [], [], []
    for fact in events:
        if fact.statement not in declared:
            live.append(fact)
        elif fact.statement in replaced:
            corrected.append(fact)
        else:
            voided.append(fact)
    return Settled(tuple(live), tuple(voided), tuple(corrected), replaced, declared)


def _targets(
    error: Fact, by_statement: dict[str, Fact], by_event_id: dict[tuple[str, str], list[Fact]]
) -> list[Fact]:
    if error.corrects is not None:
        named = by_statement.get(error.corrects)
        return [named] if named is not None and named.issuer == error.issuer else []
    return by_event_id.get((error.issuer, error.event_id), [])


def _correctives(
    error: Fact, target: Fact, by_event_id: dict[tuple[str, str], list[Fact]]
) -> tuple[str, ...]:
    found = {
        fact.statement
        for event_id in error.corrective
        for fact in by_event_id.get((error.issuer, event_id), [])
        if fact.statement != target.statement
    }
    return tuple(sorted(found))

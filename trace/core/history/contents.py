"""Who was in which container, from when until when (EPCIS 2.0, aggregation ADD and DELETE)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from trace.core.history.facts import Fact, oldest_first

CONTAINING = ("AggregationEvent", "AssociationEvent", "TransactionEvent")


@dataclass(frozen=True, slots=True)
class Span:
    """`thing` was in `container` from the event at `begin` to the one at `end` (None: still)."""

    container: str
    thing: str
    begin: datetime
    end: datetime | None = None
    quantity: Decimal | None = None
    unit: str = ""

    def holds(self, moment: datetime) -> bool:
        return self.begin <= moment and (self.end is None or moment <= self.end)


def spans(facts: Iterable[Fact]) -> list[Span]:
    """All stays in containers. DELETE without children empties the container."""
    opened: dict[tuple[str, str], Span] = {}
    closed: list[Span] = []
    for fact in oldest_first(facts):
        if fact.type not in CONTAINING[:2] or fact.action not in ("ADD", "DELETE"):
            continue
        for container in sorted(fact.things("parent")):
            children = [use for use in fact.uses if use.role == "child"]
            if fact.action == "ADD":
                for use in children:
                    begun = opened.get((container, use.thing))
                    opened[container, use.thing] = _begun(begun, container, use.thing, fact)
            else:
                leaving = {use.thing for use in children}
                for key in [k for k in opened if k[0] == container]:
                    if not leaving or key[1] in leaving:
                        span = opened.pop(key)
                        closed.append(_ended(span, fact.event_time))
    return closed + list(opened.values())


def _begun(known: Span | None, container: str, thing: str, fact: Fact) -> Span:
    uses = [use for use in fact.of(thing) if use.role == "child"]
    added = [use.quantity for use in uses if use.quantity is not None]
    quantity: Decimal | None = sum(added, Decimal(0)) if added else None
    if known is not None:
        # Packed twice into one box: both stay, from the first time on.
        if quantity is not None and known.quantity is not None:
            quantity += known.quantity
        return Span(container, thing, known.begin, None, quantity, known.unit)
    return Span(container, thing, fact.event_time, None, quantity, uses[0].unit if uses else "")


def _ended(span: Span, end: datetime) -> Span:
    return Span(span.container, span.thing, span.begin, end, span.quantity, span.unit)

"""Which facts belong to the history of one thing (formats, section 9).

Rules.
1. A lot's own facts, for as long as the whole lot moves together: until it is first divided
   between holders. Legs after that show through a unit, a logistic unit or a child lot. How many
   places it went to is told, not which.
2. Its ancestors' histories by the same rule, each until it became what it became.
3. While a thing lies in a container, what happens to the container happens to it.
4. A logistic unit's history is its own, and those of its load: what it holds now, or held last.
5. Edges are those of facts that stand; a voided fact is still told, as voided, and so is one that a
   correction moved off this page: to other goods, or to a time that is not theirs any more. A
   notice is told however late it came, and so are the result of a laboratory and the conclusion
   of an authority's inspection: they are about all of the lot, wherever parts of it are by then.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from trace.core.history.contents import Span, spans
from trace.core.history.corrections import Settled, settle
from trace.core.history.divisions import ARRIVING, LEAVING, first_division, legs_of
from trace.core.history.facts import Fact, newest_first, oldest_first, told_order

RESULTS: Final = "trace:results"
INSPECTION: Final = "trace:inspection"


@dataclass(frozen=True, slots=True)
class Journey:
    """The history of `target`.

    `lines` newest first: facts that stand, voided ones, and corrected ones whose present value
    belongs elsewhere. `ancestors` nearest first. `divided`
    is the fact that first divided it between holders; `went_to` counts the places from then on,
    None while it moves together. `contents` is what a logistic unit holds now. `made_from` are
    the edges upstream among facts that stand.
    """

    target: str
    settled: Settled
    lines: tuple[Fact, ...]
    ancestors: tuple[str, ...]
    divided: Fact | None
    went_to: int | None
    contents: tuple[str, ...]
    made_from: dict[str, tuple[str, ...]]


def trace_journey(
    target: str,
    facts: Iterable[Fact],
    *,
    lot_of: Mapping[str, str] | None = None,
    accredited: Collection[str] = (),
    authorities: Collection[str] = (),
) -> Journey:
    """The history of `target` out of `facts`, which may hold far more than belongs to it.

    `lot_of` says which lot a unit belongs to, `accredited` whose results are heard, `authorities`
    whose conclusions. The result does not depend on the order of `facts`.
    """
    settled = settle(facts)
    stays = spans(settled.live)
    made_from, until = _upstream(target, settled.live, stays, lot_of or {})
    ancestors = _nearest_first(target, made_from)
    family = frozenset((target, *ancestors))
    makers = _makers_below(target, ancestors, made_from, settled.live)
    told = oldest_first((*settled.live, *settled.voided, *settled.corrected))
    lines: dict[str, Fact] = {}
    corrected = {fact.statement for fact in settled.corrected}
    divided, went_to = None, None
    for thing in (target, *ancestors):
        around = enclosing(thing, stays)
        parted = first_division(thing, settled.live, around)
        if thing == target and parted is not None:
            divided, went_to = parted, _places(thing, settled.live, around, parted)
        for fact in told:
            if fact.statement in lines or not concerns(fact, thing, around):
                continue
            about_all = (
                fact.notice is not None
                or (RESULTS in fact.members and fact.issuer in accredited)
                or (INSPECTION in fact.members and fact.issuer in authorities)
            )
            if not about_all and _too_late(fact, until.get(thing), parted):
                continue
            if _told_here(fact, thing, target, family, makers):
                lines[fact.statement] = fact
    for statement in corrected & lines.keys():
        if any(later in lines for later in settled.after(statement)):
            del lines[statement]
    contents = sorted(s.thing for s in stays if s.container == target and s.end is None)
    return Journey(
        target,
        settled,
        tuple(newest_first(lines.values())),
        ancestors,
        divided,
        went_to,
        tuple(contents),
        {made: tuple(sorted(above)) for made, above in sorted(made_from.items())},
    )


def _upstream(
    target: str, live: Sequence[Fact], stays: Sequence[Span], lot_of: Mapping[str, str]
) -> tuple[dict[str, set[str]], dict[str, datetime]]:
    """What each thing upstream was made of, and until when each concerns us."""
    edges: dict[str, list[tuple[str, datetime | None]]] = {}
    for fact in live:
        if fact.type == "TransformationEvent":
            sources = fact.things("input", "source")
            for made in fact.things("output"):
                edges.setdefault(made, []).extend((s, fact.event_time) for s in sources)
    for container, load in _loads(stays).items():
        edges.setdefault(container, []).extend((stay.thing, stay.begin) for stay in load)
    for unit, lot in lot_of.items():
        edges.setdefault(unit, []).append((lot, None))
    made_from: dict[str, set[str]] = {}
    until: dict[str, datetime] = {}
    unlimited: set[str] = set()
    queue, seen = deque([target]), {target}
    while queue:
        here = queue.popleft()
        for above, moment in edges.get(here, ()):
            made_from.setdefault(here, set()).add(above)
            if moment is None:
                unlimited.add(above)
            else:
                until[above] = max(moment, until.get(above, moment))
            if above not in seen:
                seen.add(above)
                queue.append(above)
    return made_from, {thing: at for thing, at in until.items() if thing not in unlimited}


def _loads(stays: Sequence[Span]) -> dict[str, list[Span]]:
    """The present load of each container, or the last it had."""
    all_of: dict[str, list[Span]] = {}
    for stay in stays:
        all_of.setdefault(stay.container, []).append(stay)
    loads = {}
    for container, every in all_of.items():
        ends = [stay.end for stay in every if stay.end is not None]
        present = [stay for stay in every if stay.end is None]
        loads[container] = present or [stay for stay in every if stay.end == max(ends)]
    return loads


def _nearest_first(target: str, made_from: Mapping[str, set[str]]) -> tuple[str, ...]:
    order: dict[str, None] = {}
    layer = [target]
    while layer:
        above = {a for here in layer for a in made_from.get(here, ())} - order.keys() - {target}
        layer = sorted(above)
        order.update(dict.fromkeys(layer))
    return tuple(order)


def enclosing(thing: str, stays: Sequence[Span]) -> list[Span]:
    """Every stay of `thing` in a container, and of that container in others, while it was in."""
    found: list[Span] = []
    todo = [stay for stay in stays if stay.thing == thing]
    while todo:
        inner = todo.pop()
        if any(
            inner.container == known.container and inner.begin == known.begin for known in found
        ):
            continue
        found.append(inner)
        todo.extend(
            _within(inner, outer)
            for outer in stays
            if outer.thing == inner.container and _overlap(inner, outer)
        )
    return found


def _overlap(inner: Span, outer: Span) -> bool:
    return (outer.end is None or outer.end >= inner.begin) and (
        inner.end is None or outer.begin <= inner.end
    )


def _within(inner: Span, outer: Span) -> Span:
    ends = [end for end in (inner.end, outer.end) if end is not None]
    return Span(
        outer.container,
        inner.thing,
        max(inner.begin, outer.begin),
        min(ends) if ends else None,
        inner.quantity,
        inner.unit,
    )


def concerns(fact: Fact, thing: str, around: Sequence[Span]) -> bool:
    """Whether the fact is about the thing: by name, or by a container it lay in at the time.

    Packing something else into the same container is about the something else.
    """
    if fact.of(thing):
        return True
    carried = fact.things("epc", "child", "input")
    if fact.type == "TransactionEvent":
        carried |= fact.things("parent")
    return any(stay.container in carried and stay.holds(fact.event_time) for stay in around)


def _too_late(fact: Fact, until: datetime | None, parted: Fact | None) -> bool:
    if until is not None and fact.event_time > until:
        return True
    return parted is not None and told_order(fact) >= told_order(parted)


def _told_here(
    fact: Fact, thing: str, target: str, family: frozenset[str], makers: Mapping[str, set[str]]
) -> bool:
    """Whether a fact about `thing` is told on the page of `target` (see speakers, rules 3, 4)."""
    uses = fact.of(thing)
    if uses and all(use.role == "received" for use in uses):
        return thing != target and fact.issuer in makers[thing]
    if uses and all(use.role in ("input", "source") for use in uses):
        # An ancestor that also went into something else: that is the other thing's history.
        if thing != target:
            return bool(fact.things("output") & family)
        return any(use.role == "input" for use in uses)
    return True


def _makers_below(
    target: str,
    ancestors: Sequence[str],
    made_from: Mapping[str, set[str]],
    live: Sequence[Fact],
) -> dict[str, set[str]]:
    """For each thing: who made what came of it, on the way down to the target."""
    made_by: dict[str, set[str]] = {}
    for fact in live:
        for thing in fact.things("output", "parent"):
            made_by.setdefault(thing, set()).add(fact.issuer)
    makers: dict[str, set[str]] = {thing: set() for thing in (target, *ancestors)}
    changed = True
    while changed:
        changed = False
        for here, above in made_from.items():
            passed_on = makers[here] | made_by.get(here, set())
            for thing in above:
                changed |= not passed_on <= makers[thing]
                makers[thing] |= passed_on
    return makers


def _places(thing: str, live: Sequence[Fact], around: Sequence[Span], parted: Fact) -> int:
    takers: set[str] = set()
    unnamed = 0
    legs = legs_of(thing, live, around)
    for fact in live:
        if told_order(fact) < told_order(parted) or not concerns(fact, thing, around):
            continue
        leg = legs.get(fact.statement)
        if leg is not None and leg.undone:
            continue
        if fact.step in LEAVING:
            others = fact.destinations - {fact.issuer}
            takers |= others
            unnamed += not others
        elif fact.step in ARRIVING:
            takers.add(fact.issuer)
    return len(takers - {parted.issuer}) or unnamed

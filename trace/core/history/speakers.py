"""Who may put words on whose public page (formats, section 7).

A fact joins the public history of a thing only if its issuer created the thing, holds it, is
party to its handover, or is accredited for what it states. Notices join only from the creator or
a competent authority. Anything else is a third party's statement, for inspectors.

Rules.
1. The creator is the registered owner, otherwise whoever first made the thing in the log.
2. A holder is the creator, and whom a holder named when handing over. Where a holder sent the
   goods without naming anyone, whoever received them. What is handed over in a container goes
   along with it, if whoever packed it there had it. Saying "I received it" of goods that were sent
   to someone else, or never sent, makes nobody a holder; nor does saying "I packed it" of goods
   one never had.
3. Who makes something out of goods names what went in. That is a word about what he made; on the
   page of what went in it stands only if he held it (role `source` otherwise).
4. A receipt by somebody who is no holder is told on the pages of what he made of it, not on the
   page of the goods themselves (role `received`).
5. A successor of the creator is heard as the creator is, about what entered the log after the
   succession was accepted (`successors`: by thing, who, and the index of the acceptance).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from trace.core.history.contents import Span, spans
from trace.core.history.corrections import settle
from trace.core.history.divisions import ARRIVING, LEAVING, makes
from trace.core.history.facts import Fact, Use, oldest_first

INSPECTING: Final = frozenset({"inspecting", "sampling"})
ANYBODY: Final = "*"  # among the holders: sent without naming anyone


@dataclass(frozen=True, slots=True)
class Standing:
    """Who created what, and which organisations are competent.

    `owners` are registered creators by thing; `lot_of` the lot of each unit; `accredited` may
    state what they found (laboratories, certifiers); `authorities` may give notices as well.
    """

    owners: Mapping[str, str]
    lot_of: Mapping[str, str]
    accredited: Collection[str] = ()
    authorities: Collection[str] = ()
    successors: Mapping[str, Mapping[str, int]] = field(default_factory=dict)


def heard(facts: Iterable[Fact], standing: Standing) -> list[Fact]:
    """The facts that may join public histories, each naming only what its issuer may speak of.

    Error declarations are kept: they count for their own issuer's statements only.
    """
    ordered = oldest_first(facts)
    made_by = creators(ordered, standing)
    holders = _holders(ordered, made_by, standing)
    found = []
    for fact in ordered:
        if fact.declares_error:
            found.append(fact)
            continue
        uses = tuple(_heard_uses(fact, made_by, holders, standing))
        if uses:
            found.append(fact if uses == fact.uses else replace(fact, uses=uses, _of={}))
    return found


def creators(facts: Iterable[Fact], standing: Standing) -> dict[str, str]:
    """Who created each thing (rule 1)."""
    found = dict(standing.owners)
    by_log = sorted(facts, key=lambda f: (f.index is None, f.index or 0, f.statement))
    for fact in by_log:
        for use in fact.uses:
            if makes(fact, use.role) or (use.role == "parent" and fact.action == "ADD"):
                found.setdefault(use.thing, fact.issuer)
    for unit, lot in standing.lot_of.items():
        if lot in found:
            found.setdefault(unit, found[lot])
    return found


def holders(facts: Iterable[Fact], standing: Standing) -> dict[str, set[str]]:
    """Who has or had each thing (rule 2), by the facts that stand: what was declared an error
    handed nothing over."""
    live = settle(facts).live
    found = _holders(live, creators(live, standing), standing)
    return {thing: holding - {ANYBODY} for thing, holding in found.items()}


def _heard_uses(
    fact: Fact,
    made_by: Mapping[str, str],
    holders: Mapping[str, set[str]],
    standing: Standing,
) -> Iterable[Use]:
    mine = {t for t in fact.things() if _may(fact, t, made_by, holders, standing)}
    made_here = bool(fact.things("output") & mine)
    for use in fact.uses:
        if use.thing in mine:
            yield use
        elif use.role == "input" and made_here:
            yield replace(use, role="source")
        elif fact.step in ARRIVING and fact.notice is None:
            yield replace(use, role="received")


def _may(
    fact: Fact,
    thing: str,
    made_by: Mapping[str, str],
    holders: Mapping[str, set[str]],
    standing: Standing,
) -> bool:
    if fact.issuer in standing.authorities or made_by.get(thing) == fact.issuer:
        return True
    if _succeeds(fact, thing, standing):
        return True
    if fact.notice is not None:
        return False
    if fact.issuer in standing.accredited and fact.step in INSPECTING:
        return True
    holding = holders.get(thing, set())
    if fact.type == "TransformationEvent" and thing in fact.things("output"):
        return False  # only its creator makes a thing
    return fact.issuer in holding or (fact.step in ARRIVING and ANYBODY in holding)


def _succeeds(fact: Fact, thing: str, standing: Standing) -> bool:
    """Rule 5."""
    since = standing.successors.get(thing, {}).get(fact.issuer)
    return since is not None and (fact.index is None or fact.index > since)


def _holders(
    ordered: Sequence[Fact], made_by: Mapping[str, str], standing: Standing
) -> dict[str, set[str]]:
    """Rule 2, repeated until nothing changes: a late record may stand before what it builds on."""
    holders = {thing: {creator} for thing, creator in made_by.items()}
    moves = [f for f in ordered if f.notice is None and f.step in LEAVING | ARRIVING]
    packings = [f for f in ordered if not f.declares_error and f.things("parent")]
    changed = True
    while changed:
        changed = False
        stays = spans(_packed(packings, made_by, holders, standing))
        for fact in moves:
            for thing in fact.things("epc", "parent", "child"):
                if not _may(fact, thing, made_by, holders, standing):
                    continue
                takers = _takers(fact)
                for carried in (thing, *_carried(thing, fact, stays)):
                    known = holders.setdefault(carried, set())
                    changed |= not takers <= known
                    known |= takers
        for unit, lot in standing.lot_of.items():
            known = holders.setdefault(unit, set())
            changed |= not holders.get(lot, set()) <= known
            known |= holders.get(lot, set())
    return holders


def _packed(
    packings: Iterable[Fact],
    made_by: Mapping[str, str],
    holders: Mapping[str, set[str]],
    standing: Standing,
) -> Iterator[Fact]:
    """Packings of what the packer had, and unpackings by who has the container."""
    for fact in packings:
        mine = {u.thing for u in fact.uses if _may(fact, u.thing, made_by, holders, standing)}
        if fact.action == "DELETE":
            if mine & fact.things("parent"):
                yield fact
        elif mine >= fact.things("parent"):
            uses = tuple(use for use in fact.uses if use.thing in mine)
            yield fact if len(uses) == len(fact.uses) else replace(fact, uses=uses, _of={})


def _takers(fact: Fact) -> frozenset[str]:
    if fact.step in ARRIVING:
        return frozenset({fact.issuer})
    return fact.destinations or frozenset({ANYBODY})


def _carried(container: str, fact: Fact, stays: Sequence[Span]) -> list[str]:
    """Everything in the container at the time, however deep, that its packer put there."""
    inside: list[str] = []
    todo = [container]
    while todo:
        outer = todo.pop()
        for stay in stays:
            fits = stay.container == outer and stay.holds(fact.event_time)
            if fits and stay.thing not in inside and stay.thing != container:
                inside.append(stay.thing)
                todo.append(stay.thing)
    return inside

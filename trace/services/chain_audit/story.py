"""The rules of the story: what the statements, put together, do not agree on.

What counts is what those say who may speak of the goods, after every correction: the same facts as
on the pages (`core.history`), here with private members. Amounts and origins are judged of the
chain's own things only: of what merely touches it not everything was read.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from typing import Any, Final

from sqlalchemy import select

from trace.core.history import LEAVING, Fact, find_marks, find_sources, intervals
from trace.core.history.divisions import makes
from trace.core.history.findings import WEIGHT, overdraws, takes, weighed
from trace.core.history.mixes import GATHERING
from trace.core.history.orders import never_made, used_before_made
from trace.core.history.repeats import repeats
from trace.core.history.yields import YIELDS, judge
from trace.extensions import db
from trace.models import Holding
from trace.services.catalogue import banned_lines, find_banned
from trace.services.chain_audit.found import Book
from trace.services.chain_audit.reading import Chain
from trace.services.passports_lines import plain
from trace.services.sets import among

Parameters = Mapping[str, Mapping[str, int]]  # by rule
PUTTING: Final = frozenset({"spraying", "fertilising", "feeding", "vaccinating"})
# What a mark of core.history.findings is here.
MARKS: Final = {
    "only-sender": ("shipment-unanswered", "low"),
    "only-receiver": ("receipt-alone", "low"),
}


def judge_story(chain: Chain, parameters: Parameters, book: Book) -> None:
    """All rules that need no place and no paper."""
    _chain_rules(chain, parameters, book)
    _third_parties(chain, book)
    _amounts(chain, parameters, book)
    _repeats(chain, parameters, book)
    _intervals(chain, book)
    _banned(chain, book)


def is_mine(chain: Chain, fact: Fact) -> bool:
    return not chain.family_names.isdisjoint(fact.things())


# -- the chain ---------------------------------------------------------------------------------


def _chain_rules(chain: Chain, parameters: Parameters, book: Book) -> None:
    live, family = chain.live, chain.family_names
    if chain.truncated:
        for rule in ("input-unmade", "origin-undeclared", "shipment-unanswered", "receipt-alone"):
            book.miss(rule, "cut")
    else:
        book.saw("input-unmade", len(family))
        for fact, thing in never_made(live):
            if thing in family:
                book.find(
                    "input-unmade",
                    "medium",
                    "input-unmade",
                    events=[chain.row_of(fact)],
                    things=[thing],
                )
        _origins(chain, book)
        marks = find_marks(live)
        for mark, (rule, severity) in MARKS.items():
            steps = LEAVING if mark == "only-sender" else {"receiving", "accepting", "arriving"}
            book.saw(rule, sum(f.step in steps and is_mine(chain, f) for f in live))
            for fact in live:
                if mark in marks.get(fact.statement, ()) and is_mine(chain, fact):
                    events = [chain.row_of(fact)]
                    if severity == "low":
                        book.find(rule, "low", rule, events=events, things=fact.things("epc"))
    _order(chain, parameters, book)


def _origins(chain: Chain, book: Book) -> None:
    """Every origin tells of growing, gathering or where it was bought."""
    sources = find_sources(chain.live, chain.family_names)
    if not sources:
        book.miss("origin-undeclared", "no-origin")
        return
    book.saw("origin-undeclared", len(sources))
    for source in sources:
        if source.first is not None:
            continue
        facts = [f for f in chain.live if source.thing in f.things("epc") and f.action == "ADD"]
        told = [chain.document_of(fact) for fact in facts]
        if any("trace:externalSource" in one or "trace:harvestDate" in one for one in told):
            continue
        days = [one["ilmd"] for one in told if isinstance(one.get("ilmd"), dict)]
        if any("cbvmda:harvestStartDate" in one or "trace:harvestDate" in one for one in days):
            continue
        events = [chain.row_of(fact) for fact in facts]
        book.find(
            "origin-undeclared", "medium", "origin-undeclared", events=events, things=[source.thing]
        )


def _order(chain: Chain, parameters: Parameters, book: Book) -> None:
    live = chain.live
    tolerance = timedelta(minutes=parameters["order"]["tolerance"])
    book.saw("order", len(live))
    marks = find_marks(live)
    for fact in live:
        for mark in ("before-shipped", "before-cycle"):
            if mark in marks.get(fact.statement, ()) and is_mine(chain, fact):
                book.find("order", "medium", mark, events=[chain.row_of(fact)])
    for fact, first, thing in used_before_made(live, tolerance):
        if thing in chain.family_names:
            book.find(
                "order",
                "medium",
                "used-before-made",
                events=[chain.row_of(first), chain.row_of(fact)],
                things=[thing],
                minutes=int((first.event_time - fact.event_time).total_seconds() // 60),
            )


def _third_parties(chain: Chain, book: Book) -> None:
    """What is said of these goods by those who neither made nor held them."""
    known = {fact.statement for fact in chain.heard}
    named = [fact for fact in chain.facts if is_mine(chain, fact)]
    book.saw("third-party", len(named))
    for fact in named:
        if fact.statement not in known:
            book.find("third-party", "info", "third-party", events=[chain.row_of(fact)])


# -- amounts -----------------------------------------------------------------------------------


def _amounts(chain: Chain, parameters: Parameters, book: Book) -> None:
    if chain.truncated:
        for rule in ("balance", "holder-balance"):
            book.miss(rule, "cut")
    else:
        _balance(chain, parameters["balance"]["tolerance"], book)
        _holders(chain, parameters["holder-balance"]["tolerance"], book)
    # All that went in, whoever may speak of it; of what came out of the chain's own only, since
    # of other steps not everything was read.
    whole = {fact.statement: fact for fact in chain.facts}
    for fact in chain.live:
        if fact.step not in YIELDS or chain.family_names.isdisjoint(fact.things("output")):
            continue
        amounts = weighed(whole[fact.statement])
        if amounts is None or amounts[2] != WEIGHT:
            book.miss("step-yield", "step-untold", things=sorted(fact.things("output")))
            continue
        book.saw("step-yield")
        found = judge(fact.step, amounts[0], amounts[1])
        known = YIELDS[fact.step]
        if found:
            book.find(
                "step-yield",
                "high" if found == "high" else "low",
                f"yield-{found}",
                events=[chain.row_of(fact)],
                things=sorted(fact.things("input") | fact.things("output")),
                going_in=plain(amounts[0]) or "",
                coming_out=plain(amounts[1]) or "",
                least=_percent(known.least),
                most=_percent(known.most),
            )


def _percent(share: Decimal) -> int:
    return int(share * 100)


def _balance(chain: Chain, tolerance: int, book: Book) -> None:
    """No more leaves a maker's hands, or goes into other goods, than was ever made."""
    family, live = chain.family_names, chain.live
    made: dict[str, set[str]] = {}
    for fact in live:
        for use in fact.uses:
            if use.thing in family and makes(fact, use.role) and use.quantity is not None:
                made.setdefault(use.thing, set()).add(use.unit)
    book.saw("balance", len(made))
    for fact in live:
        for use in fact.uses:
            if use.thing in made and takes(fact, use.role):
                if use.quantity is None:
                    book.miss("balance", "amount-untold", things=[use.thing])
                elif use.unit not in made[use.thing]:
                    book.miss("balance", "other-unit", things=[use.thing], unit=use.unit)
    worst: dict[tuple[str, str, str], Any] = {}
    for one in overdraws(live, 1 + Decimal(tolerance) / 100):
        if one.thing in family:
            worst[one.thing, one.unit, one.fact.issuer] = one  # the last is the largest
    for one in worst.values():
        book.find(
            "balance",
            "high",
            "spent-more",
            events=[*making(chain, one.thing), *chain.rows_of(one.takings)],
            things=[one.thing],
            made=plain(one.made) or "",
            gone=plain(one.gone) or "",
            over=plain(one.gone - one.made) or "",
            unit=one.unit,
            who=name_of(chain, one.fact.issuer),
            tolerance=tolerance,
        )


def making(chain: Chain, thing: str) -> list[int]:
    return [
        chain.row_of(fact)
        for fact in chain.live
        if any(makes(fact, u.role) for u in fact.of(thing))
    ]


def name_of(chain: Chain, code: str) -> str:
    """What the organisation is called."""
    return next((row.name for row in chain.organisations.values() if row.code == code), code)


def _holders(chain: Chain, tolerance: int, book: Book) -> None:
    """Somebody who did not make the goods passed on more than he said he got."""
    rows = db.session.execute(
        select(Holding.thing_id, Holding.holder_id, Holding.unit, Holding.quantity).where(
            among(Holding.thing_id, sorted(chain.family))
        )
    ).all()
    book.saw("holder-balance", len(rows))
    for thing_id, holder_id, unit, quantity in rows:
        thing = chain.things.get(thing_id)
        if thing is None or quantity >= 0 or thing.owner_id == holder_id:
            continue
        holder = chain.organisations.get(holder_id)
        code = holder.code if holder is not None else ""
        gone = [
            (fact, use)
            for fact in chain.live
            if fact.issuer == code
            for use in fact.of(thing.identity)
            if (takes(fact, use.role) or use.role == "source")
            and use.unit == unit
            and use.quantity is not None
        ]
        total = sum((use.quantity or Decimal(0) for _, use in gone), Decimal(0))
        if -quantity <= total * Decimal(tolerance) / 100:
            continue
        book.find(
            "holder-balance",
            "medium",
            "holder-below",
            events=[chain.row_of(fact) for fact, _ in gone],
            things=[thing.identity],
            who=name_of(chain, code),
            missing=plain(-quantity) or "",
            unit=unit,
        )


def _repeats(chain: Chain, parameters: Parameters, book: Book) -> None:
    within = timedelta(minutes=parameters["repeat"]["within"])
    mine = [fact for fact in chain.live if is_mine(chain, fact)]
    book.saw("repeat", len(mine))
    for first, again in repeats(mine, within):
        apart = again.event_time - first.event_time
        book.find(
            "repeat",
            "low",
            "repeat",
            events=[chain.row_of(first), chain.row_of(again)],
            minutes=int(apart.total_seconds() // 60),
        )


# -- growing -----------------------------------------------------------------------------------


def _intervals(chain: Chain, book: Book) -> None:
    found = intervals(chain.live)
    taken = {
        fact.statement
        for fact in chain.live
        if fact.step in GATHERING and fact.things("output") & chain.family_names
    }
    found = [one for one in found if one.harvest in taken]
    if not found:
        book.miss("interval", "no-harvest")
        return
    for one in found:
        events = chain.rows_of([one.harvest])
        if one.state == "short":
            book.saw("interval")
            sprayed = [
                chain.row_of(fact)
                for fact in chain.live
                if any(t.name == one.product for t in fact.treatments)
            ]
            book.find(
                "interval",
                "high",
                "interval-short",
                events=[*sprayed, *events],
                days=one.days or 0,
                required=one.required or 0,
                product=one.product,
            )
        elif one.state in ("kept", "none-used"):
            book.saw("interval")
        elif one.state == "not-applicable":
            book.miss("interval", "not-grown", applies=False)
        elif one.product:
            book.miss("interval", "unknown-product", product=one.product)
        else:
            book.miss("interval", f"interval-{one.state}")


def _banned(chain: Chain, book: Book) -> None:
    """What was put on or given, against the substances that are banned for these growers."""
    put = [f for f in chain.live if f.step in PUTTING and is_mine(chain, f)]
    lines: dict[str, list[tuple[str, str]]] = {}
    codes = {row.code: row.id for row in chain.organisations.values()}
    for issuer in {fact.issuer for fact in put}:
        lines[issuer] = banned_lines(codes.get(issuer))
    if not any(lines.values()):
        book.miss("banned", "no-banned-list" if put else "nothing-put", applies=bool(put))
        return
    for fact in put:
        used = [
            (str(one.get("name", "")), str(one.get("activeIngredient", "")))
            for one in chain.document_of(fact).get("trace:inputs") or ()
            if isinstance(one, dict)
        ]
        book.saw("banned", len(used))
        names = find_banned(used, lines[fact.issuer])
        if names:
            told = ", ".join(names)[:200]
            book.find("banned", "high", "banned", events=[chain.row_of(fact)], product=told)

"""Findings of step 9 that are no refusals: late records, intervals after spraying, balances.

The rules are those of the pages (trace.core.history), over what a bundle discloses. Where some of
it is withheld nothing is concluded from silence: of a thing with a withheld statement or amount no
balance is drawn, and that an interval was kept is not said.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from trace.core.history import (
    Fact,
    Interval,
    Use,
    fact_of,
    find_marks,
    find_sources,
    intervals,
    late_days,
    quantity_of,
    settle,
    smallest_interval,
)
from trace.core.history.intervals import HARVESTING
from trace.core.signing import JsonObject
from trace.core.statements import THING_MEMBERS
from trace.core.verify.report import (
    INTERVAL_SHORT,
    MORE_OUT_THAN_IN,
    RECORDED_LATE,
    Finding,
    VerifiedStatement,
)
from trace.core.verify.things import named_thing


def findings_of(
    statements: Sequence[VerifiedStatement],
    linked: Mapping[int, frozenset[str]],
    hidden: frozenset[str],
    family: Collection[str],
    id_base: str,
) -> tuple[list[Finding], Interval]:
    """(findings by statement, the interval that speaks for all the goods). `linked` gives the
    disclosed chains of each statement by its place, `hidden` those with wholly withheld statements;
    `family` are the subject and its ancestors."""
    by_id = {one.statement_id: one for one in statements}
    unsure = hidden.union(
        *(linked.get(one.place, frozenset()) for one in statements if _hides_amounts(one))
    )
    found: list[Finding] = []
    facts: list[Fact] = []
    for one in statements:
        moment = _moment(one.event.get("eventTime"))
        if moment is None:  # signed, and no reader can tell when: that refuses nothing
            found.append(Finding(RECORDED_LATE, one.index, "event time unknown", one.log))
            continue
        fact = _fact(one, moment, unsure, id_base)
        facts.append(fact)
        late = late_days(fact)
        if late is not None:
            found.append(Finding(RECORDED_LATE, one.index, f"{late} days", one.log))
    live = settle(facts).live
    for interval in intervals(live):
        if interval.state == "short":
            one = by_id[interval.harvest]
            detail = (
                f"harvested {interval.days} days after {interval.product or 'a treatment'}, "
                f"whose label asks {interval.required}"
            )
            found.append(Finding(INTERVAL_SHORT, one.index, detail, one.log))
    for statement, codes in find_marks(live).items():
        if MORE_OUT_THAN_IN in codes:
            one = by_id[statement]
            detail = "more comes out than the shown statements brought in"
            found.append(Finding(MORE_OUT_THAN_IN, one.index, detail, one.log))
    return found, _interval([one for one in live if one.things() & set(family)], hidden, family)


def _interval(live: Sequence[Fact], hidden: frozenset[str], family: Collection[str]) -> Interval:
    """A spraying may be among what is withheld of a field: then "kept" would be a guess. Goods of
    which some come from nowhere that tells of growing are told so."""
    silent = any(source.first is None for source in find_sources(live, family))
    found = smallest_interval(live, silent=silent)
    harvests = [fact for fact in live if fact.step == HARVESTING]
    sources = {thing for fact in harvests for thing in fact.things("input")}
    if found.state in ("kept", "none-used") and not sources.isdisjoint(hidden):
        return replace(found, state="private")
    return found


def _moment(text: object) -> datetime | None:
    try:
        moment = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return None if moment.tzinfo is None else moment


def _hides_amounts(statement: VerifiedStatement) -> bool:
    return any(path.partition("/")[0] in THING_MEMBERS for path in statement.withheld)


def _fact(
    statement: VerifiedStatement, moment: datetime, unsure: frozenset[str], id_base: str
) -> Fact:
    return fact_of(
        statement.event,
        statement=statement.statement_id,
        issuer=statement.issuer,
        event_time=moment,
        uses=tuple(_uses(statement.event, unsure, id_base)),
        index=statement.place,
        record_time=statement.time,
        withheld=statement.withheld,
    )


def _uses(event: JsonObject, unsure: frozenset[str], id_base: str) -> Iterator[Use]:
    for member, role in THING_MEMBERS.items():
        value = event.get(member)
        for element in value if isinstance(value, list) else [value]:
            amounts = element if isinstance(element, dict) else {}
            uri = amounts.get("epcClass") if amounts else element
            if not isinstance(uri, str):
                continue
            thing = named_thing(role, uri, id_base).identity
            quantity, unit = quantity_of(amounts)
            yield Use(role, thing, None if thing in unsure else quantity, unit)

"""The public document of one thing, composed from its facts (formats, sections 7 and 9).

Shape: docs/explanation/passports.md. Nothing is invented: what was not declared is a gap, what is
kept private is named as private, and every line says who stated it and whether it is signed.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, time, timedelta, timezone
from functools import cache
from typing import Any, Final, cast

from sqlalchemy import Connection, Select, Table, select

from trace.core.history import (
    Fact,
    Journey,
    Source,
    beyond_limits,
    declared_none_of,
    find_gaps,
    find_marks,
    find_sources,
    gathered_between,
    heard,
    made_of,
    smallest_interval,
    trace_journey,
    treatments_of,
)
from trace.core.signing import JsonObject
from trace.models import (
    Attachment,
    Household,
    Place,
    Product,
)
from trace.services.histories import Loaded, ThingRow, disclosures_of_events, load
from trace.services.passports_certificates import certificates_of
from trace.services.passports_corrections import Behind, Told, what_stands_behind
from trace.services.passports_dates import iso_date, kept_until
from trace.services.passports_lines import (
    Around,
    PlaceRow,
    accredited_days,
    line_of,
    name_of_thing,
    named_successors,
    open_line,
    plain,
    who,
)
from trace.services.removals import removals_of
from trace.services.sets import among_given, given, is_sqlite
from trace.services.wards import ward_name

VERSION: Final = 1
# The people who read dates off a label stand here.
LOCAL: Final = timezone(timedelta(hours=7))
GROWN: Final = frozenset(
    {"leaf-vegetable", "fruit-vegetable", "root-vegetable", "herb", "fruit", "rice", "tea"}
)
# How long a page says that a corrective event has not come before it looks again.
AWAITED: Final = timedelta(hours=1)
NOT_GROWN: Final = frozenset({"egg", "meat", "fish"})


def build_document(
    connection: Connection, thing_id: int, *, at: datetime, id_base: str
) -> JsonObject:
    """The passport of a thing for the public, as of `at`. A fixed number of queries."""
    loaded = load(connection, thing_id)
    facts = heard(loaded.facts, loaded.standing)
    lot_of = {
        unit: lot
        for unit, lot in loaded.standing.lot_of.items()
        if unit == loaded.target.identity or loaded.target.kind != "lot"
    }
    journey = trace_journey(
        loaded.target.identity,
        facts,
        lot_of=lot_of,
        accredited=loaded.standing.accredited,
        authorities=loaded.standing.authorities,
    )
    behind = what_stands_behind(connection, journey, loaded)
    shown = [fact for fact in journey.lines if fact.statement not in behind.mended]
    past = behind.past
    declared = behind.declared(shown)
    around, products = _around(connection, loaded, [*shown, *past.values()], id_base)
    told = _open_all(connection, [*shown, *past.values(), *declared], around)
    lines = [_enriched(fact, told) for fact in shown]
    live = [fact for fact in lines if fact.statement not in journey.settled.declared]
    sources = find_sources(live, (journey.target, *journey.ancestors))
    document: JsonObject = {
        "v": VERSION,
        "built": at.isoformat(),
        "thing": around.names[journey.target],
        "product": _product(loaded.target, products, loaded),
        "organisation": _organisation(connection, journey, loaded),
        "facts": _facts(journey, live, sources, told, at),
        "interval": _interval(live, sources, _grown(loaded.target, products)),
        "certificates": certificates_of(connection, sources, journey, loaded, told),
        "record": _record(shown, told),
        "lines": _lines(lines, journey, behind, told, around),
        "gaps": [
            {"rule": gap.rule, "state": gap.state}
            for gap in find_gaps(live, grown=_grown(loaded.target, products) is not False)
            # The legs after a division are told on the labels of what it went into (formats §9).
            if not (gap.rule == "transport" and journey.went_to)
        ],
        "ancestors": [around.names[a] for a in journey.ancestors if around.names[a]["path"]],
        "contents": [around.names[c] for c in journey.contents if around.names[c]["path"]],
        "went_to": journey.went_to,
        "cancelled": len(journey.lines) - len(shown),
        "mended": behind.untold(),
        "truncated": loaded.truncated,
    }
    document["valid_until"] = _valid_until(document["facts"], behind, at)
    return document


# -- what the lines refer to -----------------------------------------------------------------------


def _around(
    connection: Connection, loaded: Loaded, lines: Sequence[Fact], id_base: str
) -> tuple[Around, dict[int, Any]]:
    products = _products(connection, loaded.things.values())
    names = {
        identity: name_of_thing(identity, thing.kind, products.get(thing.product_id or 0), id_base)
        for identity, thing in loaded.things.items()
    }
    issuers = {loaded.events[fact.statement].issuer_id for fact in lines}
    removals = removals_of(connection, [loaded.events[fact.statement].id for fact in lines])
    around = Around(
        loaded=loaded,
        names=names,
        places=_places(connection, lines, loaded),
        households=_households(connection, issuers),
        pictures=_pictures(connection, issuers) - frozenset(removals.photos),
        id_base=id_base,
        removals=removals,
        accredited=accredited_days(connection, loaded),
    )
    return around, products


def _products(connection: Connection, things: Iterable[ThingRow]) -> dict[int, Any]:
    wanted = {thing.product_id for thing in things if thing.product_id is not None}
    rows = connection.execute(_products_query(is_sqlite()), {"wanted": given(wanted)})
    return {row.id: row for row in rows}


@cache
def _products_query(sqlite: bool) -> Select[*tuple[Any, ...]]:
    table = cast("Table", Product.__table__)
    return select(table).where(among_given(table.c.id, "wanted", sqlite=sqlite))


def _places(connection: Connection, lines: Sequence[Fact], loaded: Loaded) -> dict[str, PlaceRow]:
    events = [loaded.events[fact.statement] for fact in lines]
    wanted = {place for row in events for place in (row.read_point, row.biz_location) if place}
    found = connection.execute(_places_query(is_sqlite()), {"wanted": given(sorted(wanted))})
    rows: list[Any] = list(found)
    return {row.identity: PlaceRow(*row) for row in rows}


@cache
def _places_query(sqlite: bool) -> Select[*tuple[Any, ...]]:
    return select(
        Place.identity, Place.name, Place.name_en, Place.ward_code, Place.public, Place.kind
    ).where(among_given(Place.identity, "wanted", sqlite=sqlite))


def _households(connection: Connection, issuers: Collection[int]) -> frozenset[tuple[int, str]]:
    rows = connection.execute(_households_query(is_sqlite()), {"issuers": given(issuers)})
    return frozenset((row.organisation_id, row.code) for row in rows)


@cache
def _households_query(sqlite: bool) -> Select[*tuple[Any, ...]]:
    return select(Household.organisation_id, Household.code).where(
        among_given(Household.organisation_id, "issuers", sqlite=sqlite)
    )


def _pictures(connection: Connection, issuers: Collection[int]) -> frozenset[str]:
    rows = connection.execute(_pictures_query(is_sqlite()), {"issuers": given(issuers)})
    return frozenset(rows.scalars())


@cache
def _pictures_query(sqlite: bool) -> Select[*tuple[Any, ...]]:
    inside = among_given(Attachment.organisation_id, "issuers", sqlite=sqlite)
    return select(Attachment.digest).where(inside, Attachment.public)


def _open_all(connection: Connection, facts: Sequence[Fact], around: Around) -> Told:
    events = around.loaded.events
    texts = disclosures_of_events(connection, [events[fact.statement].id for fact in facts])
    return {
        fact.statement: open_line(fact, texts[events[fact.statement].id], around) for fact in facts
    }


def _enriched(fact: Fact, told: Told) -> Fact:
    """The fact with what only its disclosures say."""
    opened = told[fact.statement][0]
    if opened is None:
        return fact
    event = opened.event
    return replace(
        fact,
        treatments=treatments_of(event),
        declared_none=declared_none_of(event),
        beyond_limits=beyond_limits(event),
        withheld=frozenset(opened.withheld),
    )


# -- the head of the page --------------------------------------------------------------------------


def _product(target: ThingRow, products: Mapping[int, Any], loaded: Loaded) -> JsonObject | None:
    row = products.get(target.product_id or 0)
    if row is None:
        return None
    owner = next((o for o in loaded.organisations.values() if o.id == row.organisation_id), None)
    # Who succeeded the maker may have its product as well: then it is the same one's all the same.
    same = target.owner_id == row.organisation_id or loaded.voices.speak(
        row.organisation_id, target.owner_id, target.id, target.lot_id
    )
    return {
        "name_vi": row.name,
        "name_en": row.name_en,
        "gtin": row.gtin,
        "path": f"/01/{row.gtin}" if row.gtin else f"/q/{row.code}",
        "category": row.category,
        "net_weight": plain(row.net_weight),
        "picture": row.picture if same else None,
        "confirmed": bool(row.gtin_confirmed) if row.gtin else None,
        "same_owner": same,
        "owner": who(owner) if owner is not None else None,
    }


def _organisation(connection: Connection, journey: Journey, loaded: Loaded) -> JsonObject | None:
    """Who created the thing; for a unit without a creator of its own, who created its lot."""
    owners = loaded.standing.owners
    lot = loaded.standing.lot_of.get(journey.target, "")
    code = owners.get(journey.target) or owners.get(lot)
    if code is None:
        made = [fact for fact in journey.lines if fact.of(journey.target)]
        code = made[-1].issuer if made else None
    if code is None:
        return None
    row = loaded.organisations[code]
    phone = row.phone if row.phone_public and row.closed_at is None else ""
    found: JsonObject = {
        **who(row),
        "ward": ward_name(row.ward_code) if row.ward_code else None,
        "phone": phone or None,
    }
    if row.closed_at is not None:
        found["closed"] = row.closed_at.astimezone(LOCAL).date().isoformat()
    target = loaded.target
    takers = loaded.voices.of(row.id, target.id, target.lot_id)
    if takers:
        found["successors"] = named_successors(connection, takers)
    return found


def _grown(target: ThingRow, products: Mapping[int, Any]) -> bool | None:
    row = products.get(target.product_id or 0)
    if row is None:
        return None
    if row.category in GROWN:
        return True
    return False if row.category in NOT_GROWN else None


def _facts(
    journey: Journey,
    live: Sequence[Fact],
    sources: Sequence[Source],
    told: Told,
    at: datetime,
) -> JsonObject:
    ilmd = _own_ilmd(journey, live, told)
    harvest = gathered_between(sources)
    days = [day.isoformat() for day in harvest] if harvest else _declared_harvest(ilmd)
    use_by = kept_until("cbvmda:itemExpirationDate", ilmd, journey.target, live, told)
    best_before = kept_until("cbvmda:bestBeforeDate", ilmd, journey.target, live, told)
    today = at.astimezone(LOCAL).date()
    made = made_of(journey.target, live)
    unit = max(made, key=lambda u: made[u], default=None)
    return {
        "name": ilmd.get("trace:productName"),
        "harvest": days,
        "use_by": use_by and use_by.isoformat(),
        "best_before": best_before and best_before.isoformat(),
        "past_use_by": use_by is not None and use_by < today,
        "past_best_before": best_before is not None and best_before < today,
        "quantity": None if unit is None else plain(made[unit]),
        "uom": unit,
        "sources": len(sources),
        "mixed": _is_mixed(journey, live, sources),
        "variety": ilmd.get("trace:variety"),
    }


def _own_ilmd(journey: Journey, live: Sequence[Fact], told: Told) -> JsonObject:
    """What was said of the thing itself at its birth; the latest word counts for each member."""
    found: JsonObject = {}
    family = {journey.target}
    if not any(fact.things("output") & family or _adds(fact, family) for fact in live):
        family |= set(journey.made_from.get(journey.target, ()))  # a unit speaks by its lot
    for fact in reversed(live):
        opened = told[fact.statement][0]
        if opened is not None and (fact.things("output") & family or _adds(fact, family)):
            ilmd = opened.event.get("ilmd")
            found |= ilmd if isinstance(ilmd, dict) else {}
    return found


def _adds(fact: Fact, family: Collection[str]) -> bool:
    named = fact.things("epc") & set(family)
    return fact.type == "ObjectEvent" and fact.action == "ADD" and bool(named)


def _declared_harvest(ilmd: JsonObject) -> list[str] | None:
    first = iso_date(ilmd.get("cbvmda:harvestStartDate") or ilmd.get("trace:harvestDate"))
    last = iso_date(ilmd.get("cbvmda:harvestEndDate")) or first
    return [first.isoformat(), last.isoformat()] if first and last else None


def _is_mixed(journey: Journey, live: Sequence[Fact], sources: Sequence[Source]) -> bool:
    """More than one origin, or more than one lot went into one that is the goods'."""
    family = {journey.target, *journey.ancestors}
    return len(sources) > 1 or any(
        len(fact.things("input", "source")) > 1
        for fact in live
        if fact.type == "TransformationEvent" and fact.things("output") & family
    )


def _interval(live: Sequence[Fact], sources: Sequence[Source], grown: bool | None) -> JsonObject:
    silent = any(source.first is None for source in sources)
    found = smallest_interval(live, applies=grown is not False, silent=silent)
    return {
        "state": found.state,
        "days": found.days,
        "required": found.required,
        "product": found.product or None,
        "last": found.last,
    }


def _record(lines: Sequence[Fact], told: Told) -> JsonObject:
    times = [fact.record_time for fact in lines if fact.record_time is not None]
    indexes = [fact.index for fact in lines if fact.index is not None]
    return {
        "since": min(times).isoformat() if times else None,
        "statements": len(lines),
        "signed": sum(told[fact.statement][1] for fact in lines),
        "last_index": max(indexes, default=None),
    }


def _lines(
    lines: Sequence[Fact],
    journey: Journey,
    behind: Behind,
    told: Told,
    around: Around,
) -> list[JsonObject]:
    # Lines know what only their disclosures say; the other side of a handover may be no line.
    known = {fact.statement: fact for fact in lines}
    marks = find_marks(known.get(f.statement, f) for f in journey.settled.live)
    found = []
    for fact in lines:
        line = line_of(fact, *told[fact.statement], marks.get(fact.statement, ()), around)
        line |= behind.told(fact.statement, told, around)
        found.append(line)
    return found


def _valid_until(facts: JsonObject, behind: Behind, at: datetime) -> str | None:
    """The next midnight here at which the page would say something else of a date; sooner while it
    says that what replaces an error has not come: that may be about other things than these."""
    turns = [at + AWAITED] if behind.missing else []
    for name in ("use_by", "best_before"):
        day = iso_date(facts[name])
        if day is not None and day < date.max:  # 9999-12-31 is written for what keeps for ever
            turn = datetime.combine(day + timedelta(days=1), time(), LOCAL)
            if turn > at:
                turns.append(turn)
    return min(turns).isoformat() if turns else None

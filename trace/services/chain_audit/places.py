"""The rules of place: goods too fast, phones far away, and more kilograms than an area can bear.

Places stand where their owner says, otherwise in the middle of their ward. A planting-area code is
judged by all that was gathered under it, whoever entered it, in the season up to the harvest that
is looked at: against the area it was granted for and what the crop can yield.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from sqlalchemy import BigInteger, cast, func, select
from sqlalchemy.orm import aliased

from trace.core.history import Fact
from trace.core.history.divisions import makes
from trace.core.history.mixes import GATHERING
from trace.core.history.travel import Position, hops, kilometres, sightings
from trace.extensions import db
from trace.models import AreaCode, Event, EventThing, LogEntry, Organisation, Place, Product
from trace.models.events import ROLES
from trace.models.places import MOVING
from trace.models.types import from_micro
from trace.services.area_codes import in_force
from trace.services.chain_audit.ceilings import Ceiling, ceiling_for
from trace.services.chain_audit.found import Book
from trace.services.chain_audit.reading import Chain
from trace.services.chain_audit.story import Parameters, is_mine
from trace.services.passports_lines import plain
from trace.services.same import roots
from trace.services.sets import among
from trace.services.vocabulary import bare_step
from trace.services.wards import find_ward

SINGLE: Final = frozenset({"unit", "logistic"})
WEIGHT: Final = "KGM"
HECTARE: Final = Decimal(10_000)
REGISTERED: Final = frozenset({"commissioning", "creating_class_instance"})


@dataclass(frozen=True, slots=True)
class Spot:
    """A place as rules of place need it."""

    id: int
    identity: str
    name: str
    organisation_id: int
    position: Position | None
    area_m2: Decimal | None


def judge_places(
    chain: Chain, parameters: Parameters, ceilings: Collection[Ceiling], book: Book
) -> None:
    """All of them."""
    spots = _spots(chain)
    where = _where(chain, spots)
    _travel(chain, parameters["travel"], where, book)
    _phones(chain, parameters["phone"]["distance"], spots, book)
    _areas(chain, parameters["area-overclaim"]["tolerance"], spots, ceilings, book)


def _spots(chain: Chain) -> dict[str, Spot]:
    names = {text for row in chain.rows for text in (row.read_point, row.biz_location) if text}
    rows = db.session.scalars(select(Place).where(among(Place.identity, sorted(names))))
    return {row.identity: _spot(row) for row in rows if row.kind != MOVING}


def _spot(row: Place) -> Spot:
    ward = find_ward(row.ward_code or "")
    position = None
    if row.latitude is not None and row.longitude is not None:
        position = Position(row.latitude, row.longitude, row.name)
    elif ward is not None:
        position = Position(ward.lat, ward.lon, row.name)
    area = row.area_m2 or row.outline_area
    return Spot(row.id, row.identity, row.name, row.organisation_id, position, area)


def _where(chain: Chain, spots: Mapping[str, Spot]) -> dict[str, Position]:
    found = {}
    for fact in chain.live:
        row = chain.by_id[chain.row_of(fact)]
        spot = spots.get(row.read_point or "") or spots.get(row.biz_location or "")
        if spot is not None and spot.position is not None:
            found[fact.statement] = spot.position
    return found


# -- travel ------------------------------------------------------------------------------------


def _travel(
    chain: Chain, parameters: Mapping[str, int], where: dict[str, Position], book: Book
) -> None:
    single = frozenset(one.identity for one in chain.things.values() if one.kind in SINGLE)
    told = (fact for fact in chain.live if fact.step not in ("", "sensor_reporting"))
    pairs = sightings(told, where, single)
    if not pairs:
        book.miss("travel", "no-places")
        return
    book.saw("travel", len(pairs))
    slack = timedelta(minutes=parameters["slack"])
    for hop in hops(pairs, kmh=parameters["speed"], slack_km=parameters["distance"], slack=slack):
        sure = hop.kmh is None or hop.kmh > parameters["sure"]
        book.find(
            "travel",
            # A handover's times are two people's; one package in two places is one package.
            "high" if sure and hop.before.thing in single else "medium",
            "travel",
            events=chain.rows_of([hop.before.statement, hop.after.statement]),
            things=[hop.before.thing],
            km=round(hop.km),
            minutes=round(hop.minutes),
            speed="" if hop.kmh is None else round(hop.kmh),
            limit=parameters["speed"],
            start=hop.before.where.name,
            end=hop.after.where.name,
        )


def _phones(chain: Chain, most: int, spots: Mapping[str, Spot], book: Book) -> None:
    """Where the phone says it was, if the statement tells, against the place it names."""
    told = False
    for fact in chain.live:
        row, document = chain.by_id[chain.row_of(fact)], chain.document_of(fact)
        phone = _phone(document)
        spot = spots.get(row.read_point or "") or spots.get(row.biz_location or "")
        if phone is None or spot is None or spot.position is None:
            continue
        told = True
        book.saw("phone")
        km = kilometres(phone, spot.position)
        if km > most:
            book.find(
                "phone",
                "low",
                "phone",
                events=[row.id],
                km=round(km),
                place=spot.name,
                limit=most,
            )
    if not told:
        book.miss("phone", "no-phone")


def _phone(document: Mapping[str, Any]) -> Position | None:
    """`trace:position`, or a read point that is a geo URI (RFC 5870)."""
    told = document.get("trace:position")
    if isinstance(told, dict):
        pair = told.get("latitude"), told.get("longitude")
    else:
        point = document.get("readPoint")
        text = str(point.get("id", "")) if isinstance(point, dict) else ""
        if not text.lower().startswith("geo:"):
            return None
        pair = tuple(text[4:].partition(";")[0].split(",")[:2])  # type: ignore[assignment]
    try:
        latitude, longitude = (float(str(one)) for one in pair)
    except (ValueError, TypeError):
        return None
    if not (-90 <= latitude <= 90 and -180 <= longitude <= 180):
        return None
    return Position(latitude, longitude, "")


# -- planting areas ----------------------------------------------------------------------------


def _areas(
    chain: Chain,
    tolerance: int,
    spots: Mapping[str, Spot],
    ceilings: Collection[Ceiling],
    book: Book,
) -> None:
    gathered = _gathered(chain, spots)
    if not gathered:
        for rule in ("area-overclaim", "area-shared", "area-force"):
            book.miss(rule, "no-growing-place")
        return
    codes, same = _codes({spot.id for spot, _ in gathered.values()})
    products = _products(chain)
    for statement, (spot, fact) in gathered.items():
        rows = same.entered(codes, spot.id)
        if not rows:
            for rule in ("area-overclaim", "area-shared", "area-force"):
                book.miss(rule, "no-code", place=spot.name)
            continue
        for row in rows:
            _judge_code(chain, row, (codes, same), (spot, fact, statement), book)
            told = (tolerance, ceilings)
            _judge_ceiling(chain, row, (spot, fact), (codes, same), products, told, book)


def _gathered(chain: Chain, spots: Mapping[str, Spot]) -> dict[str, tuple[Spot, Fact]]:
    """The harvests of the chain, and the lots that were registered where they grew."""
    found = {}
    for fact in chain.live:
        if not is_mine(chain, fact) or not any(makes(fact, use.role) for use in fact.uses):
            continue
        row = chain.by_id[chain.row_of(fact)]
        spot = spots.get(row.read_point or "") or spots.get(row.biz_location or "")
        if spot is not None and (fact.step in GATHERING or fact.step in REGISTERED):
            found[fact.statement] = (spot, fact)
    return found


@dataclass(frozen=True, slots=True)
class Same:
    """Records that are one (services.same): each id with the one that stands for it."""

    places: Mapping[int, int]
    organisations: Mapping[int, int]
    issuers: tuple[int, ...]  # whose they are

    def entered(self, codes: Collection[AreaCode], place_id: int) -> list[AreaCode]:
        """The rows of a place, one for each code however often it was entered."""
        root = self.places.get(place_id, place_id)
        rows = [row for row in codes if self.places[row.place_id] == root]
        return list({row.folded or str(row.id): row for row in rows}.values())

    def owner(self, row: AreaCode) -> int:
        return self.organisations[row.organisation_id]


Codes = tuple[Collection[AreaCode], Same]


def _codes(place_ids: Collection[int]) -> tuple[list[AreaCode], Same]:
    """The planting codes of these places, and every other row with the same code."""
    codes = _entered(sorted(roots("place", place_ids)))
    places = roots("place", {row.place_id for row in codes} | set(place_ids))
    issuers = set(
        db.session.scalars(
            select(Place.organisation_id).where(among(Place.id, sorted(places))).distinct()
        )
    )
    return codes, Same(
        places,
        roots("organisation", issuers | {row.organisation_id for row in codes}),
        tuple(sorted(issuers)),
    )


def _entered(place_ids: Collection[int]) -> list[AreaCode]:
    own = db.session.scalars(
        select(AreaCode).where(
            among(AreaCode.place_id, sorted(place_ids)), AreaCode.kind == "planting"
        )
    ).all()
    folded = sorted({row.folded for row in own if row.folded})
    if not folded:
        return list(own)
    query = select(AreaCode).where(among(AreaCode.folded, folded), AreaCode.kind == "planting")
    return list(db.session.scalars(query.order_by(AreaCode.id)))


def _products(chain: Chain) -> dict[str, str]:
    """What each thing of the chain is, by name."""
    ids = sorted({one.product_id for one in chain.things.values() if one.product_id is not None})
    names = {
        row.id: row.name
        for row in db.session.execute(
            select(Product.id, Product.name).where(among(Product.id, ids))
        )
    }
    return {
        one.identity: names[one.product_id]
        for one in chain.things.values()
        if one.product_id in names
    }


def _judge_code(
    chain: Chain,
    row: AreaCode,
    entered: Codes,
    where: tuple[Spot, Fact, str],
    book: Book,
) -> None:
    """Whether the code was in force, and whether others entered it as well."""
    (spot, fact, statement), (codes, same) = where, entered
    events = chain.rows_of([statement])
    book.saw("area-force")
    if not in_force(row, fact.day):
        book.find(
            "area-force",
            "medium",
            "area-force",
            events=events,
            code=row.code,
            place=spot.name,
            day=fact.day.isoformat(),
            state=row.state,
        )
    book.saw("area-shared")
    others = {
        same.owner(one)
        for one in codes
        if one.folded == row.folded and same.owner(one) != same.owner(row)
    }
    if others:
        names = sorted(
            db.session.scalars(
                select(Organisation.name).where(among(Organisation.id, sorted(others)))
            )
        )
        book.find(
            "area-shared",
            "medium",
            "area-shared",
            events=events,
            code=row.code,
            count=len(others),
            who="; ".join(names)[:300],
        )


def _judge_ceiling(
    chain: Chain,
    row: AreaCode,
    where: tuple[Spot, Fact],
    entered: Codes,
    products: Mapping[str, str],
    parameters: tuple[int, Collection[Ceiling]],
    book: Book,
) -> None:
    """Kilograms under the code in the season, against area × what the crop can yield."""
    (spot, fact), (tolerance, ceilings), (codes, same) = where, parameters, entered
    names = [row.crop, *(products.get(thing, "") for thing in sorted(fact.things("output", "epc")))]
    ceiling = ceiling_for([name for name in names if name], ceilings)
    if ceiling is None:
        crop = next((name for name in reversed(names) if name), "?")
        book.miss("area-overclaim", "no-ceiling", crop=crop, code=row.code)
        return
    area = _area(row, codes, same)
    if area is None or area <= 0:
        book.miss("area-overclaim", "no-area", code=row.code, place=spot.name)
        return
    holders = {same.owner(one) for one in codes if one.folded == row.folded}
    places = {same.places[one.place_id] for one in codes if one.folded == row.folded}
    total, events, untold = _kilograms(same, places, fact.event_time, ceiling.days)
    if untold:
        book.miss("area-overclaim", "weights-untold", code=row.code, count=untold)
    if not total:
        return
    book.saw("area-overclaim")
    hectares = area / HECTARE
    a_hectare = total / 1000 / hectares
    if a_hectare > ceiling.tonnes * (100 + tolerance) / 100:
        book.find(
            "area-overclaim",
            "high",
            "area-overclaim",
            events=[chain.row_of(fact), *(e for e in events if e in chain.by_id)],
            things=sorted(fact.things("output")),
            code=row.code,
            kg=plain(total.quantize(Decimal(1))) or "0",
            hectares=plain(hectares.quantize(Decimal("0.0001"))) or "0",
            yields=plain(a_hectare.quantize(Decimal("0.1"))) or "0",
            ceiling=plain(ceiling.tonnes) or "0",
            crop=ceiling.crop,
            days=ceiling.days,
            harvests=len(events),
            who=len(holders),
            tolerance=tolerance,
            source=ceiling.source,
        )


def _area(row: AreaCode, codes: Collection[AreaCode], same: Same) -> Decimal | None:
    """What the code was granted for: of one organisation all its places together, each once; where
    several entered it, the largest one's, since one area was granted once."""
    by_place: dict[tuple[int, int], Decimal] = {}
    for one in codes:
        if one.folded != row.folded:
            continue
        area = one.area_m2 or one.place.area_m2 or one.place.outline_area
        if area is None:
            return None
        where = same.owner(one), same.places[one.place_id]
        by_place[where] = max(area, by_place.get(where, Decimal(0)))
    by_organisation: dict[int, Decimal] = {}
    for (owner, _), area in by_place.items():
        by_organisation[owner] = by_organisation.get(owner, Decimal(0)) + area
    return max(by_organisation.values(), default=None)


def _kilograms(
    same: Same, places: Collection[int], until: datetime, days: int
) -> tuple[Decimal, list[int], int]:
    """(kilograms, the statements, how many of them tell no weight) gathered at these places, by
    whichever of their records, in the days up to a moment."""
    since = until - timedelta(days=days)
    of_them = [one for one, root in same.places.items() if root in places]
    identities = db.session.scalars(select(Place.identity).where(among(Place.id, of_them))).all()
    first = _first_event(since)
    declared = aliased(Event)
    rows = db.session.execute(
        select(
            Event.id,
            Event.biz_step,
            Event.action,
            EventThing.role,
            EventThing.unit,
            func.sum(cast(EventThing.quantity, BigInteger)).label("micro"),
        )
        .join(EventThing, EventThing.event_id == Event.id)
        .where(
            among(Event.issuer_id, same.issuers),
            Event.id >= first,
            among(func.coalesce(Event.read_point, Event.biz_location), sorted(identities)),
            Event.event_time > since,
            Event.event_time <= until,
            Event.corrects.is_(None),
            ~select(declared.id).where(declared.corrects == Event.statement_id).exists(),
        )
        .group_by(Event.id, Event.biz_step, Event.action, EventThing.role, EventThing.unit)
    ).all()
    total, events, untold = Decimal(0), [], set()
    for row in rows:
        step, role = bare_step(row.biz_step), ROLES[row.role]
        made = role == "output" or (role == "epc" and row.action == "ADD")
        if not made or not (step in GATHERING or step in REGISTERED):
            continue
        if row.unit != WEIGHT or row.micro is None:
            untold.add(row.id)
            continue
        total += from_micro(int(row.micro))
        events.append(row.id)
    return total, events, len(untold)


def _first_event(since: datetime) -> int:
    """A row id below those of everything recorded from a moment on: what happened then was not
    recorded before. Found by halving the log, whose times never fall; some ids are given out
    before others are logged, so a few more are read."""
    low, high = 0, db.session.scalar(select(func.max(LogEntry.index))) or 0
    while low < high:
        middle = (low + high) // 2
        entry = db.session.scalar(select(LogEntry.entry).where(LogEntry.index == middle)) or ""
        told = entry.partition('"t":"')[2][:24]
        if not told or datetime.fromisoformat(told) < since:
            low = middle + 1
        else:
            high = middle
    found = db.session.scalar(
        select(LogEntry.event_id)
        .where(LogEntry.index >= low, LogEntry.event_id.is_not(None))
        .order_by(LogEntry.index)
        .limit(1)
    )
    return max(0, (found or 0) - 1000)

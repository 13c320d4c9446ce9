"""Codes of a consignment for its market: where it grew, where it was packed, and whether the codes
of both hold for that market and crop on the day of packing. Marks, never refusals.

China asks for both codes of every consignment of fresh fruit, on the carton and in the papers; so
for CHN a code that is missing is told. For other markets only codes that were entered are checked:
which goods need which is not ours to guess. Sources: docs/explanation/places.md.

Where something grew is told by the events of its plantings and its harvest; where it was packed by
packing events, or by the packing house it leaves from when none was recorded.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Final

from sqlalchemy import select

from trace.core.folding import fold
from trace.extensions import db
from trace.models import AreaCode, Event, EventThing, Place, Product, Thing
from trace.services.area_codes import Mark, codes_at, in_force, shape_of
from trace.services.batches import short_name
from trace.services.geometry import GROWING
from trace.services.histories import ancestors, contents
from trace.services.records import LOCAL_ZONE
from trace.services.sets import among
from trace.services.vocabulary import bare_step

NEEDED: Final[Mapping[str, tuple[str, ...]]] = {"CHN": ("planting", "packing")}
PACKING: Final = frozenset({"packing", "repackaging"})
PACKED_IN: Final = frozenset({"packhouse"})
REAPING: Final = frozenset({"harvesting"})
_MISSING: Final = {"planting": "no-planting-code", "packing": "no-packing-code"}


@dataclass(slots=True)
class _Origin:
    """What the records say of one thing that goes: products, places of growing, packing days."""

    products: set[str] = field(default_factory=set)
    grown: set[int] = field(default_factory=set)
    packed: dict[int, date] = field(default_factory=dict)


def check_consignment(
    things: Collection[int], market: str, *, place: Place | None, day: date, reader: int
) -> list[Mark]:
    """What to know before goods leave for a market; [] where no market was told. `place` is where
    they leave from, `day` the local day they do. Where codes are needed and hold, that is said.
    `reader` is the organisation told: another one's place that is not public is not named to it,
    the lot is."""
    if not market:
        return []
    rows = {row.id: row for row in db.session.scalars(select(Thing).where(among(Thing.id, things)))}
    origins = {thing: _origin(thing) for thing in sorted(rows)}
    found: dict[tuple[object, ...], Mark] = {}
    for thing, origin in origins.items():
        if not origin.packed and place is not None and place.kind in PACKED_IN:
            origin.packed[place.id] = day
        for mark in _marks(origin, short_name(rows[thing].identity), market, day, reader):
            found.setdefault((mark.key, *map(str, mark.told.values())), mark)
    if rows and not found and market in NEEDED:
        return [Mark("codes-agree", {"market": market}, "info")]
    return list(found.values())


def _marks(origin: _Origin, lot: str, market: str, day: date, reader: int) -> list[Mark]:
    needed = NEEDED.get(market, ())
    packed_on = min(origin.packed.values(), default=day)
    found = []
    if "planting" in needed and not origin.grown:
        found.append(Mark("no-origin", {"lot": lot}))
    if "packing" in needed and not origin.packed:
        found.append(Mark("no-packing-place", {"lot": lot}))
    for kind, places in (("planting", origin.grown), ("packing", set(origin.packed))):
        codes = codes_at(places, kind)
        for place_id in sorted(places):
            on = origin.packed.get(place_id, packed_on)
            place = db.session.get_one(Place, place_id)
            name = place.name if place.public or place.organisation_id == reader else lot
            mark = _judge(codes.get(place_id, []), name, kind, market, on, origin.products)
            if mark is not None and (mark.key not in _MISSING.values() or kind in needed):
                found.append(mark)
    return found


def _judge(
    codes: Sequence[AreaCode],
    place: str,
    kind: str,
    market: str,
    day: date,
    names: Collection[str],
) -> Mark | None:
    """The worst that is to be said of one place's codes, None where one of them holds."""
    told: dict[str, object] = {"place": place}
    fitting = [row for row in codes if market in (row.market, shape_of(row.code).market)]
    if not fitting:
        return Mark(_MISSING[kind], {**told, "market": market})
    holding = [row for row in fitting if in_force(row, day)]
    if not holding:
        return Mark("not-in-force", {**told, "code": fitting[0].code, "day": day})
    if any(all(_is(row.crop, name) for name in names) for row in holding):
        return None
    row = holding[0]
    name = next(name for name in sorted(names) if not _is(row.crop, name))
    return Mark("other-crop", {**told, "code": row.code, "crop": row.crop, "product": name})


def _is(crop: str, product: str) -> bool:
    """Whether a product's name has every word of the crop; a code without a crop fits all."""
    words = set(fold(product).split())
    return all(word in words for word in fold(crop).split())


def _origin(thing: int) -> _Origin:
    """Reads the records of one thing, its contents and what it was made from."""
    connection = db.session.connection()
    family = ancestors(connection, contents(connection, [thing]))
    found = _Origin()
    mended = select(Event.corrects).where(Event.corrects.is_not(None))
    rows = db.session.execute(
        select(Event.biz_step, Event.event_time, Event.read_point, Event.biz_location, Thing.kind)
        .join(EventThing, EventThing.event_id == Event.id)
        .join(Thing, Thing.id == EventThing.thing_id)
        .where(
            among(EventThing.thing_id, sorted(family)),
            Event.corrects.is_(None),
            Event.statement_id.not_in(mended),
        )
        .order_by(Event.event_time)
        .distinct()
    ).all()
    named = {text for row in rows for text in (row.read_point, row.biz_location) if text}
    places = {
        place.identity: place
        for place in db.session.scalars(select(Place).where(among(Place.identity, sorted(named))))
    }
    for row in rows:
        where = places.get(row.read_point or "") or places.get(row.biz_location or "")
        step = bare_step(row.biz_step)
        if where is None:
            continue
        if (row.kind == "cycle" or step in REAPING) and where.kind in GROWING:
            found.grown.add(where.id)
        elif step in PACKING:
            found.packed[where.id] = row.event_time.astimezone(LOCAL_ZONE).date()
    found.products = set(
        db.session.scalars(
            select(Product.name)
            .join(Thing, Thing.product_id == Product.id)
            .where(among(Thing.id, sorted(family)), Thing.kind == "lot")
            .distinct()
        )
    )
    return found

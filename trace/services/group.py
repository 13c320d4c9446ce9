"""One job for many households' plantings at once.

Rules.
1. One event for each planting: its chain, its household (`trace:performedBy`) and its correction
   are its own. All are captured together: all are recorded or none.
2. What is used is typed once, with what the amount is for: so much an area, a household, or in all.
   Each planting gets its share, shown before anything is recorded. A share by area needs the
   planting's area: without one that planting is named and nothing is recorded; no area is guessed.
3. The area is the planting's own word (`trace:area`), otherwise that of its plot.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, Final

from sqlalchemy import func, select

from trace.errors import TraceError
from trace.extensions import db
from trace.models import Event, EventThing, Household, Place
from trace.services.actors import Actor
from trace.services.batches import address_of, place_address
from trace.services.cycles import Cycle, own_cycles
from trace.services.diary import CycleFacts, Input, diary_entry, start_cycle
from trace.services.records import Draw, JsonObject, Record
from trace.services.sets import among
from trace.services.timelines import open_event
from trace.services.vocabulary import AREA_FACTORS

# Field work goes on for a season; older plantings are found on their own pages.
RECENT: Final = timedelta(days=200)
LIMIT: Final = 500
PLOTS: Final = ("plot", "greenhouse", "pond", "barn")
# What an amount is for: an area (the unit's key), each household, or all together.
PER: Final = ("sao", "sao-trung-bo", "ha", "household", "total")
_SHARE: Final = Decimal("0.001")


class AreaUnknown(TraceError):
    code = "area-unknown"
    message = (
        "The area of %(count)d plantings is not known: %(names)s. Enter it, untick them,"
        " or give the amount for each household."
    )


class TooManyPlantings(TraceError):
    code = "too-many-plantings"
    message = "At most %(limit)d plantings fit into one entry."


@dataclass(frozen=True, slots=True)
class Planting:
    """A planting (or, for sowing, a plot) of one household. `area` is in square metres."""

    key: int  # row of the thing, or of the place
    address: str  # of the cycle; "" for a plot
    name: str  # product, or the plot's name
    product_id: int | None
    household: Household | None
    place: Place | None
    area: Decimal | None
    last_step: str | None = None
    last_time: datetime | None = None

    @property
    def hamlet(self) -> str:
        """Where its household lives, "" where nobody said."""
        return self.household.hamlet if self.household else ""

    @property
    def who(self) -> str:
        """The household's code, or the plot's name."""
        if self.household is not None:
            return self.household.code
        return self.place.name if self.place else self.name


@dataclass(frozen=True, slots=True)
class Shared:
    """An input as typed once: `amount` of it for each `per`."""

    what: Input
    per: str = "total"


def list_plantings(actor: Actor, *, at: datetime) -> list[Planting]:
    """The organisation's plantings of this season, by household and product. A fixed number of
    queries; the first event of each planting is opened for its household and area."""
    cycles = own_cycles(actor, since=at - RECENT)
    by_code, by_id = _households(actor)
    begun = _beginnings([one.batch.thing_id for one in cycles])
    found = [_planting(one, begun.get(one.batch.thing_id, {}), by_code, by_id) for one in cycles]
    return sorted(found, key=_order)


def list_plots(actor: Actor) -> list[Planting]:
    """The organisation's plots, to be sown: those of a household first."""
    actor.check("read")
    rows = db.session.scalars(
        select(Place).where(Place.organisation_id == actor.organisation.id, Place.kind.in_(PLOTS))
    )
    _, by_id = _households(actor)
    found = [
        Planting(row.id, "", row.name, None, by_id.get(row.household_id or 0), row, row.area_m2)
        for row in rows
    ]
    return sorted(found, key=_order)


def _order(one: Planting) -> tuple[bool, str, str, int]:
    return one.household is None, one.hamlet, one.who, one.key


def _households(actor: Actor) -> tuple[dict[str, Household], dict[int, Household]]:
    rows = db.session.scalars(
        select(Household).where(Household.organisation_id == actor.organisation.id)
    ).all()
    return {row.code: row for row in rows}, {row.id: row for row in rows}


def _beginnings(thing_ids: Sequence[int]) -> dict[int, JsonObject]:
    firsts = (
        select(EventThing.thing_id, func.min(EventThing.event_id).label("event_id"))
        .where(among(EventThing.thing_id, thing_ids))
        .group_by(EventThing.thing_id)
        .subquery()
    )
    rows = db.session.execute(
        select(firsts.c.thing_id, Event).join(Event, Event.id == firsts.c.event_id)
    )
    return {thing_id: open_event(row)[0] for thing_id, row in rows}


def _planting(
    cycle: Cycle,
    begun: JsonObject,
    by_code: Mapping[str, Household],
    by_id: Mapping[int, Household],
) -> Planting:
    ilmd = begun.get("ilmd") or {}
    batch, place = cycle.batch, cycle.place
    household = by_code.get(str(begun.get("trace:performedBy", "")))
    if household is None and place is not None:
        household = by_id.get(place.household_id or 0)
    return Planting(
        key=batch.thing_id,
        address=address_of(batch.identity),
        name=batch.product.name if batch.product else str(ilmd.get("trace:productName", "")),
        product_id=batch.product.id if batch.product else None,
        household=household,
        place=place,
        area=square_metres(ilmd.get("trace:area")) or (place.area_m2 if place else None),
        last_step=cycle.last_step,
        last_time=cycle.last_time,
    )


def square_metres(area: object) -> Decimal | None:
    """`{"value": 2, "unit": "sao"}` in square metres; None where nothing was declared."""
    if not isinstance(area, dict) or not isinstance(area.get("value"), int | float):
        return None
    factor = AREA_FACTORS.get(str(area.get("unit")))
    return None if factor is None else Decimal(str(area["value"])) * factor


# -- sharing out -----------------------------------------------------------------------------------


def share(shared: Sequence[Shared], plantings: Sequence[Planting]) -> dict[int, list[Input]]:
    """What each planting gets, by its key. Raises AreaUnknown, naming the row's `per` box."""
    for number, one in enumerate(shared):
        unknown = [planting for planting in plantings if not planting.area]
        by_area = one.per in AREA_FACTORS or (one.per == "total" and len(plantings) > 1)
        if one.what.amount is not None and by_area and unknown:
            names = ", ".join(planting.who for planting in unknown[:8])
            more = " …" if len(unknown) > 8 else ""
            raise AreaUnknown(
                path=f"inputs-{number}-per", count=len(unknown), names=f"{names}{more}"
            )
    whole = sum((one.area or Decimal(0) for one in plantings), Decimal(0))
    return {
        planting.key: [
            replace(one.what, amount=_amount(one, planting, whole, len(plantings)))
            for one in shared
        ]
        for planting in plantings
    }


def _amount(one: Shared, planting: Planting, whole: Decimal, count: int) -> Decimal | None:
    amount = one.what.amount
    if amount is None or one.per == "household" or (one.per == "total" and count == 1):
        return amount
    area = planting.area or Decimal(0)
    part = area / AREA_FACTORS[one.per] if one.per in AREA_FACTORS else area / whole
    found = (amount * part).quantize(_SHARE, ROUND_HALF_UP)
    return found.normalize() if found else _SHARE


def totals(given: Mapping[int, Sequence[Input]]) -> dict[tuple[str, str], Decimal]:
    """How much of each input goes out in all, by (name, unit): what is to be fetched from store."""
    found: dict[tuple[str, str], Decimal] = {}
    for inputs in given.values():
        for one in inputs:
            if one.amount is not None:
                key = (one.name, one.unit)
                found[key] = found.get(key, Decimal(0)) + one.amount
    return found


# -- recording -------------------------------------------------------------------------------------


def group_entries(
    record: Record,
    step: str,
    plantings: Sequence[Planting],
    given: Mapping[int, Sequence[Input]],
    draw: Draw,
) -> list[JsonObject]:
    """One diary entry for each planting: its place, its household, its share. Photos stay with
    the first. Raises TooManyPlantings."""
    _check_count(plantings)
    return [
        diary_entry(_of(record, one, draw, first=not n), one.address, step, inputs=given[one.key])
        for n, one in enumerate(plantings)
    ]


def group_sowing(
    record: Record,
    step: str,
    plots: Sequence[Planting],
    facts: CycleFacts,
    new_cycle: Sequence[str],
    draw: Draw,
) -> list[JsonObject]:
    """One new planting for each plot, of the plot's whole area where that is known."""
    _check_count(plots)
    return [
        start_cycle(
            _of(record, one, draw, first=not n),
            new_cycle[n],
            step,
            replace(facts, area=(one.area, "m2") if one.area else None),
        )
        for n, one in enumerate(plots)
    ]


def _check_count(plantings: Sequence[Planting]) -> None:
    if len(plantings) > LIMIT:
        raise TooManyPlantings(path="chosen", limit=LIMIT)


def _of(record: Record, one: Planting, draw: Draw, *, first: bool) -> Record:
    where = place_address(one.place) if one.place else ""
    own: dict[str, Any] = {
        "event_id": draw.event_id(),
        "place": where,
        "location": where,
        "performed_by": one.household.code if one.household else "",
    }
    return replace(record, **own) if first else replace(record, attachments=(), **own)

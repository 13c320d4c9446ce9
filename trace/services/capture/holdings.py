"""What an event does to who has how much. Below zero is a mark, never a refusal."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from sqlalchemy import BigInteger, case, cast, func, select, update
from sqlalchemy.orm import aliased

from trace.core.history import bare_step
from trace.core.history.yields import judge
from trace.extensions import db
from trace.models import Event, EventThing, Holding, Organisation, Thing
from trace.models.events import TYPES
from trace.models.types import from_micro, to_micro
from trace.services.bulk import Row, insert_rows
from trace.services.capture.prepare import CHILD, EPC, INPUT, OUTPUT, PARENT, Prepared
from trace.services.capture.things import Known
from trace.services.sets import among

TAKES = frozenset({"shipping", "retail_selling"})
# What was sent and refused is the giver's again once he says so (void_shipping).
GIVES = frozenset({"receiving", "accepting", "void_shipping"})
ON_SALE = frozenset({"sellable_accessible", "sellable_not_accessible"})

WEIGHT = "KGM"
UNIT = 3  # characters of a unit's code (UN/CEFACT recommendation 20)
Change = tuple[str, str, Decimal]  # thing's identity, unit, signed amount


def changes(event: Prepared) -> Iterable[Change]:
    """Amounts of lots the issuer gains (+) and gives up (-) by this event.

    An error declaration takes back what the event it repeats did. A sale is counted once the
    goods are sold (disposition retail_sold); goods put on sale stay held.
    """
    back = -1 if event.error_declaration else 1
    for mention in event.things:
        sign = _sign(event, mention.role)
        if sign and mention.name.kind == "lot" and mention.quantity is not None:
            amount = mention.quantity * sign * back
            yield mention.name.identity, (mention.unit or "")[:UNIT], amount


def _sign(event: Prepared, role: int) -> int:
    if role == INPUT:
        return -1
    if role == OUTPUT:
        return 1
    if role != EPC:  # packing moves nothing out of the holder's hands
        return 0
    action, step = event.action, event.step
    if action == "ADD":
        return 1
    if action == "DELETE":
        return -1
    if step in GIVES:
        return 1
    if step == "retail_selling" and not is_sold(event):
        return 0
    return -1 if step in TAKES else 0


def is_sold(event: Prepared) -> bool:
    """Whether the goods have gone to whoever eats them; offered goods are still held."""
    return event.step == "retail_selling" and event.disposition not in ON_SALE


def on_sale_at(event: Prepared) -> str | None:
    """The place where this event puts its lots on sale, if it does."""
    if event.error_declaration or event.disposition not in ON_SALE:
        return None
    return (
        event.biz_location or event.read_point
        if event.step in ("retail_selling", "stocking")
        else None
    )


def moved_crates(event: Prepared) -> Iterable[tuple[str, int]]:
    """Containers that change hands by this event, and whether they come (+1) or go (-1)."""
    back = -1 if event.error_declaration else 1
    for mention in event.things:
        if mention.name.kind == "logistic" and mention.role == EPC:
            sign = _sign(event, EPC)
            # ADD makes a container known, it brings nothing with it.
            if sign and event.action == "OBSERVE":
                yield mention.name.identity, sign * back


Content = tuple[int, str, Decimal]  # lot, unit, amount
# Crates on pallets in containers: deeper nesting is a mistake or a loop.
NESTING = 5


def _contents(
    moved: Iterable[tuple[str, int]], known: Mapping[str, Known]
) -> dict[int, list[Content]]:
    """What lies in the containers that change hands here: packed, less unpacked."""
    crates = {known[identity].id for identity, _ in moved}
    found: dict[int, list[Content]] = defaultdict(list)
    frontier = {crate: {crate} for crate in crates}  # container: the moved ones around it
    for _ in range(NESTING):
        if not frontier:
            break
        deeper: dict[int, set[int]] = defaultdict(set)
        for parent, child, kind, unit, amount in _packed(frontier):
            for crate in frontier[parent]:
                if kind == "lot" and amount:
                    found[crate].append((child, unit or "", amount))
            if kind == "logistic" and child not in crates:
                deeper[child] |= frontier[parent]
        frontier = deeper
    return found


def _packed(
    containers: Iterable[int],
) -> list[tuple[int, int, str, str | None, Decimal | None]]:
    """(container, content, its kind, unit, amount left) of what was ever packed directly in."""
    outer, inner = aliased(EventThing), aliased(EventThing)
    sign = case((Event.action == "DELETE", -1), else_=1) * case(
        (Event.corrects.is_not(None), -1), else_=1
    )
    rows: Iterable[Any] = db.session.execute(
        select(
            outer.thing_id,
            inner.thing_id,
            Thing.kind,
            inner.unit,
            func.sum(cast(inner.quantity, BigInteger) * sign),
        )
        .join(inner, (inner.event_id == outer.event_id) & (inner.role == CHILD))
        .join(Event, Event.id == outer.event_id)
        .join(Thing, Thing.id == inner.thing_id)
        .where(
            outer.role == PARENT,
            among(outer.thing_id, sorted(containers)),
            Event.type == TYPES.index("AggregationEvent"),
            Event.action.in_(("ADD", "DELETE")),
        )
        .group_by(outer.thing_id, inner.thing_id, Thing.kind, inner.unit)
    )
    return [
        (parent, child, kind, unit, None if micro is None else from_micro(int(micro)))
        for parent, child, kind, unit, micro in rows
    ]


def write_holdings(
    organisation: Organisation, prepared: Sequence[Prepared], known: dict[str, Known]
) -> set[int]:
    """Adds this capture's amounts; returns the things whose amounts may have to be looked at: of a
    new thing there is nothing to say before something is given away."""
    amounts: defaultdict[tuple[int, str], Decimal] = defaultdict(Decimal)
    places: dict[int, tuple[str | None, bool]] = {}
    units: dict[int, str] = {}
    moved = [crate for event in prepared for crate in moved_crates(event)]
    inside = _contents(moved, known)
    for crate, sign in moved:
        for lot, unit, quantity in inside.get(known[crate].id, ()):
            amounts[lot, unit[:UNIT]] += quantity * sign
    for event in prepared:
        for identity, unit, amount in changes(event):
            amounts[known[identity].id, unit] += amount
        sale = on_sale_at(event)
        # Goods sold have left; where the rest lies, and that it is on sale, is as it was.
        if event.biz_location and not event.error_declaration and not is_sold(event):
            for mention in event.things:
                if mention.role != INPUT and mention.name.kind in ("lot", "logistic"):
                    thing = known[mention.name.identity].id
                    places[thing] = (sale or event.biz_location, sale is not None)
                    if sale is not None:
                        units[thing] = (mention.unit or "")[:UNIT]
    _hold_what_is_on_sale(organisation, units, amounts)
    rows: list[Row] = []
    for (thing, unit), amount in sorted(amounts.items()):
        micro = to_micro(amount)
        if micro is not None:
            where, on_sale = places.get(thing, (None, False))
            rows.append((thing, organisation.id, unit, micro, where, on_sale))
    insert_rows(
        "holdings",
        ("thing_id", "holder_id", "unit", "quantity", "place", "on_sale"),
        rows,
        "ON CONFLICT (thing_id, holder_id, unit) "
        "DO UPDATE SET quantity = holdings.quantity + excluded.quantity",
    )
    fresh = {known_row.id for known_row in known.values() if known_row.created}
    shifted = {thing: state for thing, state in places.items() if thing not in fresh}
    if shifted:
        _move(organisation, shifted)
    return {thing for (thing, _), amount in amounts.items() if thing not in fresh or amount < 0}


def heavy_outputs(prepared: Sequence[Prepared], known: Mapping[str, Known]) -> set[int]:
    """What came out of steps told here, of which more came out than can have come of what went in
    (`core.history.yields`): by weight, and only where every amount is told. A step is weighed once:
    what it says never changes, and declared in error it is looked at as what our rule holds."""
    found: set[int] = set()
    for event in prepared:
        if event.type != "TransformationEvent" or event.error_declaration:
            continue
        into = out = Decimal(0)
        for mention in event.things:
            if mention.quantity is None or mention.unit != WEIGHT:
                break
            if mention.role == INPUT:
                into += mention.quantity
            elif mention.role == OUTPUT:
                out += mention.quantity
        else:
            if judge(bare_step(event.step), into, out) == "high":
                found |= {known[one.name.identity].id for one in event.things if one.role == OUTPUT}
    return found


def _hold_what_is_on_sale(
    organisation: Organisation,
    units: dict[int, str],
    amounts: defaultdict[tuple[int, str], Decimal],
) -> None:
    """Who offers what it never said it received holds it nevertheless: an amount nobody knows."""
    named = units.keys() - {thing for thing, _ in amounts}
    if not named:
        return
    held = db.session.scalars(
        select(Holding.thing_id).where(
            Holding.holder_id == organisation.id, among(Holding.thing_id, sorted(named))
        )
    )
    for thing in named - set(held):
        amounts[thing, units[thing]] += 0


def _move(organisation: Organisation, places: dict[int, tuple[str | None, bool]]) -> None:
    """The newest place named for what the organisation holds, and whether it is on sale there."""
    by_place: defaultdict[tuple[str | None, bool], list[int]] = defaultdict(list)
    for thing, state in places.items():
        by_place[state].append(thing)
    for (place, on_sale), things in sorted(by_place.items(), key=lambda item: min(item[1])):
        db.session.execute(
            update(Holding)
            .where(Holding.holder_id == organisation.id, among(Holding.thing_id, sorted(things)))
            .values(place=place, on_sale=on_sale)
            .execution_options(synchronize_session=False)
        )

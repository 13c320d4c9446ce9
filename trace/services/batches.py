"""Lots of an organisation: what it made and what it has. No row says what a lot is; events do."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final

from sqlalchemy import Select, case, or_, select
from sqlalchemy.orm import joinedload

from trace.core.gs1 import Identity, canonical_uri, format_code, local_uri, parse_identity
from trace.core.statements import escape
from trace.errors import Conflict, NotFound, TraceError
from trace.extensions import db
from trace.models import Alert, Event, EventThing, Holding, Organisation, Place, Product, Thing
from trace.services.actors import Actor
from trace.services.records import Draw, Item, JsonObject
from trace.services.sets import among
from trace.services.settings import current_settings
from trace.services.successors import made_by_or_for
from trace.services.timelines import Line, lines_that_made
from trace.services.vocabulary import Amount

BATCH_LIMIT = 5000  # newest first; older ones are found by their code


class LotExists(Conflict):
    code = "lot-exists"
    message = "The lot %(lot)s of this product exists already. Choose another name."


@dataclass(slots=True)
class Batch:
    """A lot (or cycle, or logistic unit) as lists and choices show it."""

    thing_id: int
    identity: str
    kind: str
    created_at: datetime
    product: Product | None = None
    mine: bool = True
    held: list[Amount] = field(default_factory=list)
    place: str | None = None
    on_sale: bool = False
    alert: str = ""

    @property
    def name(self) -> str:
        """What people call it: the lot name, or the code in two halves."""
        return short_name(self.identity)

    @property
    def state(self) -> str:
        """`alert`, `on-sale`, `held` or `gone`: what the list's filter asks for."""
        if self.alert:
            return "alert"
        if any(amount.quantity > 0 for amount in self.held):
            return "on-sale" if self.on_sale else "held"
        return "gone"

    @property
    def below_zero(self) -> bool:
        """More went out than ever came in: marked, never refused."""
        return any(amount.quantity < 0 for amount in self.held)


def short_name(identity: str) -> str:
    """The lot name, or our code in two halves, or the last part of what it is."""
    try:
        found = parse_identity(identity, current_settings().id_base)
    except TraceError:
        found = None
    if found is None:
        return identity
    if found.key == "01":
        return found.get("10") or found.get("21") or found.value
    if found.is_own:
        return format_code(found.value)
    return found.value


def identity_of(thing: Thing) -> Identity:
    """The identity tuple of a stored thing. Raises NotFound for an opaque foreign address."""
    found = parse_identity(thing.identity, current_settings().id_base)
    if found is None:
        raise NotFound
    return found


def address_of(thing: Thing | str) -> str:
    """The printed address of a stored identity: what our own events carry."""
    identity = thing if isinstance(thing, str) else thing.identity
    id_base = current_settings().id_base
    found = parse_identity(identity, id_base)
    return identity if found is None else local_uri(found, id_base)


def item_of(thing: Thing, amount: Amount | None = None) -> Item:
    """A stored thing as an event names it."""
    return Item(address_of(thing), amount, single=thing.kind in ("logistic", "unit"))


def product_of(thing: Thing) -> Product | None:
    """The trade item of a lot, None where none is known."""
    return None if thing.product_id is None else db.session.get(Product, thing.product_id)


def organisation_address(organisation: Organisation) -> str:
    """`/417/{gln}` or `/o/{code}`."""
    key = Identity("417", organisation.gln) if organisation.gln else None
    return local_uri(key or Identity("o", organisation.code), current_settings().id_base)


def product_address(product: Product) -> str:
    """`/01/{gtin}` or `/q/{code}`."""
    return address_of(product.identity)


def place_address(place: Place) -> str:
    """`/414/{gln}` or `/l/{code}`."""
    return address_of(place.identity)


def new_lot_address(product: Product | None, lot_name: str, draw: Draw) -> str:
    """Where a new lot will be found: under its GTIN with the lot's name, otherwise a code of its
    own. Raises LotExists for a name that this GTIN has already."""
    id_base = current_settings().id_base
    if product is None or product.gtin is None:
        return local_uri(Identity("b", draw.code()), id_base)
    # A lot name nobody chose: the code's first half is short enough and unique enough in one GTIN.
    name = lot_name or draw.code()
    identity = Identity("01", product.gtin, (("10", name),))
    known = select(Thing.id).where(Thing.identity == canonical_uri(identity, id_base))
    if db.session.scalar(known) is not None:
        raise LotExists(path="lot", lot=name)
    return local_uri(identity, id_base)


def new_logistic_address(draw: Draw) -> str:
    """A crate or pallet without company prefix."""
    return local_uri(Identity("h", draw.code()), current_settings().id_base)


def new_cycle_address(draw: Draw) -> str:
    """A production cycle."""
    return local_uri(Identity("c", draw.code()), current_settings().id_base)


def new_note_address(draw: Draw) -> str:
    """A delivery note."""
    return local_uri(Identity("n", draw.code()), current_settings().id_base)


# -- reading ---------------------------------------------------------------------------------------


def list_things(
    actor: Actor, *kinds: str, held_only: bool = False, limit: int = BATCH_LIMIT
) -> list[Batch]:
    """Things of these kinds that the organisation made or has, newest first; of those it has or
    had, what something is left of comes before what nothing is known to be left of."""
    query = select_things(actor, *kinds, held_only=held_only)
    if held_only:
        left = select(Holding.thing_id).where(
            Holding.holder_id == actor.organisation.id, Holding.quantity > 0
        )
        query = query.order_by(case((Thing.id.in_(left), 0), else_=1))
    return batches_of(actor, db.session.scalars(query.order_by(Thing.id.desc()).limit(limit)))


def list_thing_ids(actor: Actor, *kinds: str) -> list[int]:
    """The rows of what `list_things` gives."""
    query = select_things(actor, *kinds).with_only_columns(Thing.id)
    return list(db.session.scalars(query.order_by(Thing.id.desc()).limit(BATCH_LIMIT)))


def read_batches(actor: Actor, thing_ids: Sequence[int]) -> list[Batch]:
    """Rows of `list_thing_ids` as a list shows them, in their order."""
    mine = actor.organisation.id
    columns = (Thing.id, Thing.identity, Thing.kind, Thing.created_at, Thing.owner_id)
    rows = db.session.execute(
        select(*columns, Product)
        .outerjoin(Product, Product.id == Thing.product_id)
        .where(among(Thing.id, thing_ids))
    )
    found = {
        row: Batch(row, identity, kind, created_at, product, mine=owner == mine)
        for row, identity, kind, created_at, owner, product in rows
    }
    _holdings(mine, found)
    _alerts(found)
    return [found[thing_id] for thing_id in thing_ids]


def products_of(actor: Actor, *kinds: str) -> list[tuple[int, str]]:
    """(row, name) of the products of what `list_things` gives, by name."""
    things = select_things(actor, *kinds).with_only_columns(Thing.product_id).distinct()
    named = select(Product.id, Product.name).where(Product.id.in_(things))
    return [(row.id, row.name) for row in db.session.execute(named.order_by(Product.name))]


def has_any(actor: Actor, *kinds: str) -> bool:
    """Whether the organisation has, or ever had, things of these kinds."""
    held = select_things(actor, *kinds, held_only=True).with_only_columns(Thing.id).limit(1)
    return db.session.scalar(held) is not None


def select_things(actor: Actor, *kinds: str, held_only: bool = False) -> Select[Thing]:
    """The query of `list_things`, without its order."""
    actor.check("read")
    mine = actor.organisation.id
    held = select(Holding.thing_id).where(Holding.holder_id == mine)
    whose = Thing.id.in_(held) if held_only else or_(made_by_or_for(mine), Thing.id.in_(held))
    return select(Thing).options(joinedload(Thing.product)).where(Thing.kind.in_(kinds), whose)


def batches_of(actor: Actor, things: Iterable[Thing]) -> list[Batch]:
    """Things as a list shows them: what is left of each, where, and under which alert. Two queries
    however many."""
    mine = actor.organisation.id
    found = {
        thing.id: Batch(
            thing.id,
            thing.identity,
            thing.kind,
            thing.created_at,
            thing.product,
            mine=thing.owner_id == mine,
        )
        for thing in things
    }
    _holdings(mine, found)
    _alerts(found)
    return list(found.values())


def _holdings(holder: int, found: dict[int, Batch]) -> None:
    rows = db.session.execute(
        select(
            Holding.thing_id, Holding.quantity, Holding.unit, Holding.place, Holding.on_sale
        ).where(Holding.holder_id == holder, among(Holding.thing_id, found))
    )
    for thing_id, quantity, unit, place, on_sale in rows:
        batch = found[thing_id]
        if quantity or not on_sale:
            batch.held.append(Amount(quantity, unit))
        batch.place = place or batch.place
        batch.on_sale = batch.on_sale or on_sale


def _alerts(found: dict[int, Batch]) -> None:
    rank = {"recall": 0, "hold": 1, "advice": 2}
    rows = db.session.execute(
        select(Alert.thing_id, Alert.kind).where(
            among(Alert.thing_id, found), Alert.lifted_by.is_(None)
        )
    )
    for thing_id, kind in rows:
        known = found[thing_id].alert
        if not known or rank.get(kind, 9) < rank.get(known, 9):
            found[thing_id].alert = kind


def batch_of(actor: Actor, thing: Thing) -> Batch:
    """One thing as a list would show it."""
    batch = Batch(
        thing.id,
        thing.identity,
        thing.kind,
        thing.created_at,
        thing.product,
        mine=thing.owner_id == actor.organisation.id,
    )
    found = {thing.id: batch}
    _holdings(actor.organisation.id, found)
    _alerts(found)
    return batch


@dataclass(frozen=True, slots=True)
class LotFacts:
    """What the events that made a lot say of it; empty where nobody said anything."""

    name: str = ""
    lot_number: str = ""
    variety: str = ""
    harvest: tuple[date, date] | None = None
    use_by: date | None = None
    best_before: date | None = None
    made: tuple[Amount, ...] = ()
    made_at: datetime | None = None
    place: str = ""
    kept: frozenset[str] = frozenset()  # members of ilmd that are kept from the public

    def printed(self) -> LotFacts:
        """What may stand on the goods for everybody: without what is kept from the public."""
        if not self.kept:
            return self
        gone: dict[str, Any] = {}
        for name, fields in _FACTS_BY_MEMBER.items():
            if name in self.kept:
                gone |= {field: getattr(_NOTHING, field) for field in fields}
        return replace(self, **gone)


_NOTHING: Final = LotFacts()
_FACTS_BY_MEMBER: Final = {
    "trace:productName": ("name",),
    "cbvmda:lotNumber": ("lot_number",),
    "trace:variety": ("variety",),
    "cbvmda:harvestStartDate": ("harvest",),
    "cbvmda:harvestEndDate": ("harvest",),
    "cbvmda:itemExpirationDate": ("use_by",),
    "cbvmda:bestBeforeDate": ("best_before",),
}


def read_facts(actor: Actor, things: Collection[Thing]) -> dict[int, LotFacts]:
    """By row, what the events that made the things say of them: those only are read, neither the
    diary of the cycle behind a lot nor what became of it."""
    lines: dict[int, list[Line]] = {thing.id: [] for thing in things}
    for line in lines_that_made(actor, things):
        for thing_id in {named.thing.id for named in line.things} & lines.keys():
            lines[thing_id].append(line)
    return {thing.id: facts_of(lines[thing.id], thing) for thing in things}


def facts_of(lines: Sequence[Line], thing: Thing) -> LotFacts:
    """The fold of the events that stand: the newest word on each fact counts."""
    ilmd: JsonObject = {}
    kept: set[str] = set()
    made: dict[str, Decimal] = {}
    made_at = None
    place = ""
    for line in sorted(lines, key=lambda line: (line.event_time, line.event_id)):
        roles = {named.role for named in line.things if named.thing.id == thing.id}
        makes = "output" in roles or ("epc" in roles and line.document.get("action") == "ADD")
        if not (line.stands and makes):
            continue
        made_at = made_at or line.event_time
        told = line.document.get("ilmd") or {}
        ilmd |= told
        kept -= told.keys()
        kept |= {n for n in told if f"ilmd/{escape(n)}" in line.kept or "ilmd" in line.kept}
        place = place or str((line.document.get("readPoint") or {}).get("id", ""))
        for named in line.things:
            if named.thing.id == thing.id and named.quantity is not None:
                made[named.unit] = made.get(named.unit, Decimal(0)) + named.quantity
    first, last = _day(ilmd, "cbvmda:harvestStartDate"), _day(ilmd, "cbvmda:harvestEndDate")
    return LotFacts(
        name=str(ilmd.get("trace:productName", "")),
        lot_number=str(ilmd.get("cbvmda:lotNumber", "")),
        variety=str(ilmd.get("trace:variety", "")),
        harvest=(first, last or first) if first else None,
        use_by=_day(ilmd, "cbvmda:itemExpirationDate"),
        best_before=_day(ilmd, "cbvmda:bestBeforeDate"),
        made=tuple(Amount(quantity, unit) for unit, quantity in made.items()),
        made_at=made_at,
        place=place,
        kept=frozenset(kept),
    )


def _day(ilmd: JsonObject, name: str) -> date | None:
    try:
        return date.fromisoformat(str(ilmd.get(name, ""))[:10])
    except ValueError:
        return None


def containers_of(actor: Actor, thing: Thing) -> list[Thing]:
    """The crates and pallets an own event put this thing into, newest first."""
    contents = select(EventThing.event_id).where(EventThing.thing_id == thing.id)
    return list(
        db.session.scalars(
            select(Thing)
            .join(EventThing, EventThing.thing_id == Thing.id)
            .join(Event, Event.id == EventThing.event_id)
            .where(
                Thing.kind == "logistic",
                Event.issuer_id == actor.organisation.id,
                Event.id.in_(contents),
            )
            .distinct()
            .order_by(Thing.id.desc())
            .limit(50)
        )
    )


def get_things(actor: Actor, thing_ids: Sequence[int], *kinds: str) -> dict[int, Thing]:
    """Several things the organisation made or has. Raises NotFound if one is not among them."""
    found = find_things(actor, thing_ids, *kinds)
    if not set(thing_ids) <= set(found):
        raise NotFound
    return found


def find_things(actor: Actor, thing_ids: Sequence[int], *kinds: str) -> dict[int, Thing]:
    """Those of the things that the organisation made or has."""
    actor.check("read")
    mine = actor.organisation.id
    held = select(Holding.thing_id).where(Holding.holder_id == mine)
    rows = db.session.scalars(
        select(Thing).where(
            among(Thing.id, thing_ids),
            Thing.kind.in_(kinds),
            or_(made_by_or_for(mine), Thing.id.in_(held)),
        )
    )
    return {thing.id: thing for thing in rows}

"""Everything downstream of what was chosen, and who has it: set-based, on what is recorded now.

1. The closure is that of notices (`services.descent`): every edge whose issuer may speak of it.
2. Who has some: whoever holds a lot of it or held it, whoever took it over by a handover, whoever
   made it. One-sided too: whom a giver named as taker and who has not answered; who answered by a
   note's link without an account; and goods that left to nobody named.
3. Amounts are of lots, by the holder's own records; units and crates count pieces. What is nowhere
   told is not guessed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    FromClause,
    Integer,
    Select,
    case,
    cast,
    func,
    literal,
    select,
    union_all,
)
from sqlalchemy.orm import aliased

from trace.extensions import db
from trace.models import (
    Event,
    EventThing,
    Handover,
    Holding,
    NoteLink,
    Organisation,
    Recall,
    RecallItem,
    RecallNotice,
    RecallThing,
    Thing,
)
from trace.models.events import ROLES
from trace.models.things import Alert
from trace.models.types import from_micro
from trace.services.capture.notices import Walk, log_size
from trace.services.collecting import collector_resting
from trace.services.descent import Reached, descendants
from trace.services.sets import among, batched, plan_plainly, unnested

EPC: Final = ROLES.index("epc")
PIECES: Final = ""
# An entry of the log names the chains of so many things without spilling far over: a case that
# chose more signs several notices.
PER_NOTICE: Final = 250
SOLD: Final = "retail_sold"
# Receipts by which nothing came into anybody's named hands.
NOT_TAKEN: Final = ("refused", "rest-refused", "link", "link-refused", "back", "rest-back")


@dataclass(slots=True)
class Held:
    """Who has or had some. Amounts by unit: what is still there, what was sold before."""

    organisation_id: int | None
    shipment_id: int | None = None
    giver_id: int | None = None
    name: str = ""
    phone: str = ""
    one_sided: bool = False
    things: int = 0
    sure: bool = False  # some of it is surely recalled goods, not only "may contain"
    amounts: dict[str, Decimal] = field(default_factory=dict)
    sold: dict[str, Decimal] = field(default_factory=dict)

    def add(self, unit: str | None, quantity: Decimal) -> None:
        """More of it in one unit; nought says that by its records nothing is left."""
        if quantity >= 0:
            self.amounts[unit or ""] = self.amounts.get(unit or "", Decimal(0)) + quantity


def chosen_things(recall: Recall) -> list[Thing]:
    """What was chosen, in order."""
    return list(
        db.session.scalars(
            select(Thing)
            .join(RecallItem, RecallItem.thing_id == Thing.id)
            .where(RecallItem.recall_id == recall.id)
            .order_by(Thing.id)
        )
    )


@dataclass(frozen=True, slots=True)
class Closure:
    """What notices naming some things would reach now: each thing, whether only through mixes, and
    its kind and owner; and for the capture of those notices, the walk of each."""

    things: Reached
    seen: dict[int, tuple[str, int | None]]
    walks: tuple[Walk, ...] = ()

    def counted(self) -> dict[str, int]:
        """How many things of each kind are in it."""
        return dict(Counter(kind for kind, _ in self.seen.values()))

    @property
    def mixed(self) -> int:
        """How many may contain recalled goods, no more."""
        return sum(self.things.values())

    def only(self, kind: str) -> Reached:
        """Those of one kind."""
        return {thing: mixed for thing, mixed in self.things.items() if self.seen[thing][0] == kind}

    def holders(self) -> list[Held]:
        """Everybody of rule 2."""
        found: dict[int, Held] = {}
        unnamed: dict[int, Held] = {}
        _holdings(as_table(self.only("lot")), found)
        _handovers(as_table(self.things), found, unnamed)
        sure = {self.seen[thing][1] for thing, mixed in self.things.items() if not mixed}
        for owner, count in Counter(owner for _, owner in self.seen.values()).items():
            if owner is not None:
                one = _at(found, owner)
                one.things, one.sure = max(one.things, count), one.sure or owner in sure
        return _named(found, unnamed)


def closure(thing_ids: Collection[int], *, to_sign: bool = False) -> Closure:
    """Everything downstream of these things (rule 1), themselves included. `to_sign` walks notice
    by notice and keeps the walks, so that the capture need not walk again."""
    with collector_resting():
        return _closure(thing_ids, to_sign=to_sign)


def _closure(thing_ids: Collection[int], *, to_sign: bool) -> Closure:
    plan_plainly()
    since = log_size()  # before the walk: what comes meanwhile is caught up with
    rows = db.session.execute(
        select(Thing.id, Thing.kind, Thing.owner_id).where(among(Thing.id, thing_ids))
    )
    seen = {thing: (kind, owner) for thing, kind, owner in rows}
    if not to_sign:
        return Closure(descendants(dict.fromkeys(seen, False), spoken=True, seen=seen), seen)
    walks = []
    reached: Reached = {}
    for some in batched(sorted(seen), PER_NOTICE):
        sources = {thing: thing for thing in some}
        start = dict.fromkeys(some, False)
        found = descendants(start, spoken=True, sources=sources, seen=seen)
        walks.append(Walk(since, frozenset(some), found, sources))
        for thing, mixed in found.items():
            reached[thing] = reached.get(thing, True) and mixed
    return Closure(reached, seen, tuple(walks))


def as_table(reached: Mapping[int, bool]) -> FromClause:
    """A closure in memory as a table (thing_id, mixed) of a query: one bound list or two."""
    sure = sorted([thing for thing, mixed in reached.items() if not mixed])
    if len(sure) == len(reached):
        return _listed(sure, mixed=False).subquery("reached")
    maybe = sorted([thing for thing, mixed in reached.items() if mixed])
    return union_all(_listed(sure, mixed=False), _listed(maybe, mixed=True)).subquery("reached")


def _listed(things: Collection[int], *, mixed: bool) -> Select[*tuple[Any, ...]]:
    each = unnested(things, "maybe" if mixed else "sure")
    return select(each.c.id.label("thing_id"), literal(int(mixed), Integer()).label("mixed"))


def reached_table(recall: Recall) -> FromClause:
    """What a signed recall reaches (its alerts, those inherited later too), or what a rehearsal
    would have reached."""
    if recall.rehearsal:
        return (
            select(RecallThing.thing_id, case((RecallThing.mixed, 1), else_=0).label("mixed"))
            .where(RecallThing.recall_id == recall.id)
            .subquery("reached")
        )
    notices = select(RecallNotice.event_id).where(RecallNotice.recall_id == recall.id)
    return (
        select(Alert.thing_id, func.min(case((Alert.mixed, 1), else_=0)).label("mixed"))
        .where(Alert.event_id.in_(notices))
        .group_by(Alert.thing_id)
        .subquery("reached")
    )


def counted(reached: FromClause) -> dict[str, int]:
    """How many things of each kind are in it."""
    rows = db.session.execute(
        select(Thing.kind, func.count())
        .join(reached, reached.c.thing_id == Thing.id)
        .group_by(Thing.kind)
    )
    return {row[0]: row[1] for row in rows}


def holders(reached: FromClause, *, with_sales: bool = False) -> list[Held]:
    """Everybody of rule 2, organisations first by name, then those without an account."""
    found: dict[int, Held] = {}
    unnamed: dict[int, Held] = {}
    _holdings(reached, found)
    _handovers(reached, found, unnamed)
    _makers(reached, found)
    if with_sales:
        _sales(reached, found)
    return _named(found, unnamed)


def _named(found: Mapping[int, Held], unnamed: Mapping[int, Held]) -> list[Held]:
    rows = db.session.execute(
        select(Organisation.id, Organisation.name).where(
            among(Organisation.id, sorted(found)), Organisation.kind != "platform"
        )
    )
    names = {row.id: row.name for row in rows}
    told = [one for key, one in found.items() if key in names]
    told.sort(key=lambda one: (names[one.organisation_id or 0], one.organisation_id))
    return told + sorted(unnamed.values(), key=lambda one: one.shipment_id or 0)


def _at(found: dict[int, Held], organisation: int) -> Held:
    return found.setdefault(organisation, Held(organisation))


def _holdings(reached: FromClause, found: dict[int, Held]) -> None:
    rows = db.session.execute(
        select(
            Holding.holder_id,
            Holding.unit,
            func.sum(
                case(
                    (cast(Holding.quantity, BigInteger) > 0, cast(Holding.quantity, BigInteger)),
                    else_=0,
                )
            ),
            func.count(),
            func.min(reached.c.mixed),
        )
        .join(reached, reached.c.thing_id == Holding.thing_id)
        .group_by(Holding.holder_id, Holding.unit)
    )
    for holder, unit, micro, count, mixed in rows:
        one = _at(found, holder)
        one.add(unit, from_micro(int(micro or 0)))
        one.things += count
        one.sure |= not mixed


def _handovers(reached: FromClause, found: dict[int, Held], unnamed: dict[int, Held]) -> None:
    rows = db.session.execute(
        select(
            Handover.event_id,
            Handover.received,
            Handover.giver_id,
            Handover.taker_id,
            Handover.state,
            Handover.answered_by,
            Thing.kind,
            EventThing.unit,
            func.sum(cast(EventThing.quantity, BigInteger)),
            func.count(),
            func.min(reached.c.mixed),
        )
        .join(EventThing, EventThing.thing_id == reached.c.thing_id)
        .join(Handover, Handover.event_id == EventThing.event_id)
        .join(Thing, Thing.id == reached.c.thing_id)
        .where(EventThing.role == EPC, ~Handover.voided)
        .group_by(Handover.event_id, Thing.kind, EventThing.unit)
    ).all()
    links: set[int] = set()
    one_sided: set[int] = set()
    for row in rows:
        event, received, giver, taker, state, answered, kind, unit, micro, count, mixed = row
        pieces = Decimal(count) if kind != "lot" else Decimal(0)
        if received:
            if taker is None or state in NOT_TAKEN:
                continue
            one = _at(found, taker)
            if not pieces:  # lots are in the holdings; units and crates are not
                one.things, one.sure = max(one.things, count), one.sure or not mixed
                continue
            one.add(PIECES, pieces)
        elif state == "link-refused" or (answered is not None and state != "link"):
            continue
        elif taker is not None and state == "":
            one_sided.add(event)
            continue
        else:
            one = unnamed.setdefault(event, Held(None, event, giver, one_sided=True))
            links.add(event)
            one.add(unit, from_micro(int(micro or 0)) if kind == "lot" else pieces)
        one.things += count
        one.sure |= not mixed
    _one_sided(reached, one_sided, found)
    for link in db.session.scalars(select(NoteLink).where(among(NoteLink.event_id, sorted(links)))):
        unnamed[link.event_id].name, unnamed[link.event_id].phone = link.name, link.phone


def _one_sided(reached: FromClause, events: Collection[int], found: dict[int, Held]) -> None:
    """Goods a giver says went to somebody who never said so: neither in answer to the note nor by
    a receipt of its own."""
    if not events:
        return
    other, theirs = aliased(Handover), aliased(EventThing)
    taken = (
        select(other.event_id)
        .join(theirs, theirs.event_id == other.event_id)
        .where(
            other.taker_id == Handover.taker_id,
            # From this giver: goods that come back were received from somebody else before.
            (other.giver_id == Handover.giver_id) | other.giver_id.is_(None),
            other.received,
            ~other.voided,
            other.state.not_in(NOT_TAKEN),
            theirs.thing_id == EventThing.thing_id,
        )
        .exists()
    )
    rows = db.session.execute(
        select(
            Handover.taker_id,
            Handover.giver_id,
            Thing.kind,
            EventThing.unit,
            func.sum(cast(EventThing.quantity, BigInteger)),
            func.count(),
            func.min(reached.c.mixed),
        )
        .join(EventThing, EventThing.event_id == Handover.event_id)
        .join(reached, reached.c.thing_id == EventThing.thing_id)
        .join(Thing, Thing.id == EventThing.thing_id)
        .where(among(Handover.event_id, sorted(events)), EventThing.role == EPC, ~taken)
        .group_by(Handover.taker_id, Handover.giver_id, Thing.kind, EventThing.unit)
    )
    for taker, giver, kind, unit, micro, count, mixed in rows:
        one = _at(found, int(taker or 0))
        one.one_sided, one.giver_id = True, giver
        if kind == "lot":
            one.add(unit, from_micro(int(micro or 0)))
        else:
            one.add(PIECES, Decimal(count))
        one.things += count
        one.sure |= not mixed


def _makers(reached: FromClause, found: dict[int, Held]) -> None:
    rows = db.session.execute(
        select(Thing.owner_id, func.count(), func.min(reached.c.mixed))
        .join(reached, reached.c.thing_id == Thing.id)
        .where(Thing.owner_id.is_not(None))
        .group_by(Thing.owner_id)
    )
    for owner, count, mixed in rows:
        one = _at(found, int(owner or 0))
        one.things = max(one.things, count)
        one.sure |= not mixed


def _sales(reached: FromClause, found: dict[int, Held]) -> None:
    """What each sold to shoppers by its own records."""
    rows = db.session.execute(
        select(
            Event.issuer_id,
            EventThing.unit,
            func.sum(cast(EventThing.quantity, BigInteger)),
        )
        .join(EventThing, EventThing.event_id == Event.id)
        .join(reached, reached.c.thing_id == EventThing.thing_id)
        .where(
            EventThing.role == EPC,
            Event.biz_step == "retail_selling",
            Event.disposition == SOLD,
            Event.corrects.is_(None),
        )
        .group_by(Event.issuer_id, EventThing.unit)
    )
    for issuer, unit, micro in rows:
        if micro is not None:
            sold = _at(found, issuer).sold
            sold[unit or ""] = sold.get(unit or "", Decimal(0)) + from_micro(int(micro))


def sums(found: Iterable[Held]) -> dict[str, Decimal]:
    """How much there is in each unit."""
    totals: dict[str, Decimal] = {}
    for one in found:
        for unit, quantity in one.amounts.items():
            totals[unit] = totals.get(unit, Decimal(0)) + quantity
    return totals


__all__ = [
    "PER_NOTICE",
    "Held",
    "as_table",
    "chosen_things",
    "closure",
    "counted",
    "holders",
    "reached_table",
    "sums",
]

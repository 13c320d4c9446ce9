"""The books of VietGAP: which are events, which are private lines, and the stock between them.

Seed, fertiliser and pesticide used, harvest and sale are events, signed when they are recorded; the
books of these are read from them. Bought, counted, land, compost, equipment, waste and
self-assessment are private lines of the organisation (docs/adr/0012): struck through when wrong,
never rewritten, printed and exported with the rest.

Stock of an item, by name and kind of unit: the newest count and what was bought and used since;
without a count everything bought less everything used. Masses are compared in kg, volumes in
litres, other units each by itself. Below zero more was used than was bought: shown, not refused.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final

import orjson
from sqlalchemy import select

from trace.core.folding import fold
from trace.errors import Conflict, NotFound
from trace.extensions import db
from trace.models import BookLine, Event
from trace.models.books import BOOKS
from trace.services.actors import Actor
from trace.services.audit import write_audit
from trace.services.records import LOCAL_ZONE
from trace.services.timelines import Line, read_events
from trace.services.vocabulary import step

LINE_LIMIT: Final = 5000
EVENT_LIMIT: Final = 3000
PUTTING: Final = ("spraying", "fertilising", "feeding", "vaccinating", "sowing", "transplanting")
# (kind of unit, factor) of the units that measure the same thing.
MEASURES: Final[dict[str, tuple[str, Decimal]]] = {
    "kg": ("kg", Decimal(1)),
    "gam": ("kg", Decimal("0.001")),
    "tạ": ("kg", Decimal(100)),
    "tấn": ("kg", Decimal(1000)),
    "yến": ("kg", Decimal(10)),
    "lít": ("lít", Decimal(1)),
    "ml": ("lít", Decimal("0.001")),
}
# Further columns of each book, kept in `content`.
COLUMNS: Final[dict[str, tuple[str, ...]]] = {
    "purchase": ("seller", "seller_address", "crop", "note"),
    "count": ("note",),
    "land": ("crop", "work", "reason", "method", "note"),
    "compost": ("method", "days", "note"),
    "equipment": ("work", "result", "note"),
    "waste": ("store", "treatment", "note"),
    "assessment": ("fix", "note"),
}


class LineStruck(Conflict):
    code = "line-struck"
    message = "This line was struck through already."


def add_line(actor: Actor, book: str, clean: Mapping[str, Any], *, at: datetime) -> BookLine:
    """Writes one line into a private book. Raises NotFound for a book there is not."""
    actor.check("record")
    if book not in BOOKS:
        raise NotFound
    content = {name: clean[name] for name in COLUMNS[book] if clean.get(name) not in (None, "")}
    row = BookLine(
        organisation_id=actor.organisation.id,
        book=book,
        day=clean["day"],
        item=clean.get("item") or "",
        kind=clean.get("kind") or "",
        quantity=clean.get("quantity"),
        unit=(clean.get("unit") or "") if clean.get("quantity") is not None else "",
        expiry=clean.get("expiry"),
        place_id=clean.get("place"),
        content=orjson.dumps(content, default=str).decode(),
        person_id=actor.person.id if actor.person else None,
        created_at=at,
    )
    db.session.add(row)
    db.session.flush()
    return row


def content_of(row: BookLine) -> dict[str, str]:
    """The book's further columns of a line."""
    return {name: str(value) for name, value in orjson.loads(row.content).items()}


def list_lines(
    actor: Actor, book: str, *, since: date | None = None, until: date | None = None
) -> list[BookLine]:
    """The lines of a book, newest day first, struck ones too."""
    actor.check("read")
    query = select(BookLine).where(
        BookLine.organisation_id == actor.organisation.id, BookLine.book == book
    )
    if since is not None:
        query = query.where(BookLine.day >= since)
    if until is not None:
        query = query.where(BookLine.day <= until)
    return list(
        db.session.scalars(
            query.order_by(BookLine.day.desc(), BookLine.id.desc()).limit(LINE_LIMIT)
        )
    )


def get_line(actor: Actor, line_id: int) -> BookLine:
    """A line of the organisation's own books. Raises NotFound."""
    actor.check("read")
    row = db.session.get(BookLine, line_id)
    if row is None or row.organisation_id != actor.organisation.id:
        raise NotFound
    return row


def strike(actor: Actor, row: BookLine, *, at: datetime) -> None:
    """Strikes a line through. Raises LineStruck."""
    actor.check("record")
    if row.struck_at is not None:
        raise LineStruck
    row.struck_at = at
    write_audit(actor, "book.strike", str(row.id), at=at, book=row.book)


# -- stock -----------------------------------------------------------------------------------------


@dataclass(slots=True)
class Stock:
    """One item: bought and used since the newest count, and what is left, in one kind of unit."""

    name: str
    unit: str
    counted: Decimal | None = None
    counted_on: date | None = None
    bought: Decimal = Decimal(0)
    used: Decimal = Decimal(0)
    expiry: date | None = None
    kinds: set[str] = field(default_factory=set)

    @property
    def left(self) -> Decimal:
        """What should be on the shelf."""
        return (self.counted or Decimal(0)) + self.bought - self.used


@dataclass(frozen=True, slots=True)
class Movement:
    """Something bought, used or counted on a day."""

    name: str
    day: date
    quantity: Decimal
    unit: str
    what: str  # bought | used | counted
    kind: str = ""
    expiry: date | None = None


def balance(movements: Sequence[Movement]) -> list[Stock]:
    """The stock of every item, by name. Pure. What was bought or used on the day of a count was
    counted with it."""
    found: dict[tuple[str, str], Stock] = {}
    counts: dict[tuple[str, str], date] = {}
    for one in movements:
        unit, factor = MEASURES.get(one.unit, (one.unit, Decimal(1)))
        key = (fold(one.name), unit)
        stock = found.setdefault(key, Stock(one.name, unit))
        if one.kind:
            stock.kinds.add(one.kind)
        if one.what == "counted" and one.day >= counts.get(key, date.min):
            counts[key] = one.day
            stock.counted, stock.counted_on = one.quantity * factor, one.day
            stock.expiry = one.expiry or stock.expiry
    for one in movements:
        unit, factor = MEASURES.get(one.unit, (one.unit, Decimal(1)))
        key = (fold(one.name), unit)
        if one.what == "counted" or one.day <= counts.get(key, date.min):
            continue
        stock = found[key]
        if one.what == "bought":
            stock.bought += one.quantity * factor
            if one.expiry is not None and (stock.expiry is None or one.expiry < stock.expiry):
                stock.expiry = one.expiry
        else:
            stock.used += one.quantity * factor
    return sorted(found.values(), key=lambda stock: fold(stock.name))


def stock_of(actor: Actor) -> list[Stock]:
    """The organisation's stock of inputs."""
    movements: list[Movement] = []
    for book, what in (("purchase", "bought"), ("count", "counted")):
        movements += [
            Movement(row.item, row.day, row.quantity, row.unit, what, row.kind, row.expiry)
            for row in list_lines(actor, book)
            if row.struck_at is None and row.quantity is not None and row.item
        ]
    for line in treatments(actor):
        day = line.event_time.astimezone(LOCAL_ZONE).date()
        for one in line.document.get("trace:inputs") or ():
            if isinstance(one, dict) and isinstance(one.get("amount"), int | float):
                amount, unit = Decimal(str(one["amount"])), str(one.get("unit", ""))
                movements.append(Movement(str(one.get("name", "")), day, amount, unit, "used"))
    return balance(movements)


def treatments(actor: Actor, *steps: str) -> list[Line]:
    """The organisation's own events of these steps that stand, oldest first (all that use something
    up without any)."""
    actor.check("read")
    declared = select(Event.corrects).where(
        Event.issuer_id == actor.organisation.id, Event.corrects.is_not(None)
    )
    ids = db.session.scalars(
        select(Event.id)
        .where(
            Event.issuer_id == actor.organisation.id,
            Event.biz_step.in_([step(word) for word in steps or PUTTING]),
            Event.corrects.is_(None),
            Event.statement_id.not_in(declared),
        )
        .order_by(Event.id.desc())
        .limit(EVENT_LIMIT)
    )
    return sorted(read_events(actor, set(ids)), key=lambda line: line.event_time)

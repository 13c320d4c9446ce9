"""Stamps on their way to goods: read from what was scanned or typed, bound to a lot, listed.

A stretch of a roll is given by its first and its last stamp, as a camera reads them (an address) or
as people do (sixteen characters, or the number on a blank stamp beside the roll's code).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Final

from sqlalchemy import select

from trace.core.gs1 import Gs1Error, check_code, check_serial
from trace.errors import Conflict, TraceError
from trace.extensions import db
from trace.models import LabelRange, Thing, Unit
from trace.services import units
from trace.services.actors import Actor
from trace.services.alerts import alerts_of
from trace.services.batches import short_name
from trace.services.holds import check_free
from trace.services.records import Item, JsonObject, Record, observed
from trace.services.units import Stretch
from trace.services.vocabulary import Amount

_LIST: Final = 200


class NotAStamp(TraceError):
    code = "not-a-stamp"
    message = "“%(text)s” is not a label of this organisation. Scan it again, or type its code."


class OtherRoll(TraceError):
    code = "stamps-of-two-rolls"
    message = "The first and the last label are of different rolls. Bind each roll by itself."


class OtherProduct(TraceError):
    code = "stamps-of-another-product"
    message = "These labels were printed for another product. Choose a batch of that product."


class LabelsRecalled(Conflict):
    code = "labels-recalled"
    message = "This batch is recalled: no labels are printed or stuck on it."
    next_step = "Read the notice in its history."


def check_not_held(*things: Thing) -> None:
    """Raises BatchHeld or LabelsRecalled where one of the things is under a hold or a recall, its
    own or an ancestor's."""
    check_free([(thing, short_name(thing.identity)) for thing in things])
    found = alerts_of([thing.id for thing in things])
    if any(alert.kind == "recall" for alerts in found.values() for alert in alerts):
        raise LabelsRecalled


def is_held(thing: Thing) -> bool:
    """Whether a hold or a recall keeps labels off it."""
    try:
        check_not_held(thing)
    except Conflict:
        return True
    return False


def read_stamp(actor: Actor, text: str, path: str) -> tuple[LabelRange, int]:
    """(roll, number) of what was scanned or typed. Raises NotAStamp."""
    actor.check("read")
    query = (
        select(LabelRange, Unit.number)
        .join(Unit, Unit.range_id == LabelRange.id)
        .where(LabelRange.organisation_id == actor.organisation.id)
    )
    try:
        if "/" in text:
            found = units.scanned(text)
            serial = found.get("21") or found.get("serial") or ""
            query = query.where(Unit.key == units.key_of(found), Unit.serial == serial)
        elif "#" in text:
            code, _, number = text.rpartition("#")
            plain = number.strip()
            if not (plain.isascii() and plain.isdecimal() and len(plain) < 7):
                raise NotAStamp(path=path, text=text[:100])
            query = query.where(LabelRange.code == check_code(code), Unit.number == int(plain))
        else:
            plain = "".join(c for c in text if c.isalnum())
            query = query.where(Unit.serial == check_serial(plain[-16:]))
    except Gs1Error:
        raise NotAStamp(path=path, text=text[:100]) from None
    row = db.session.execute(query).first()
    if row is None:
        raise NotAStamp(path=path, text=text[:100])
    return row[0], row[1]


def read_stretch(actor: Actor, first: str, last: str) -> Stretch:
    """The stretch between two stamps, in whichever order they were scanned. Raises NotAStamp,
    OtherRoll."""
    roll, one = read_stamp(actor, first, "first")
    other, two = read_stamp(actor, last or first, "last")
    if roll.id != other.id:
        raise OtherRoll(path="last")
    return Stretch(roll, min(one, two), max(one, two))


def check_fits(stretch: Stretch, lot: Thing) -> None:
    """Raises OtherProduct where the roll's addresses are another product's, UnitsTaken, UnitsVoided
    BatchHeld and LabelsRecalled."""
    roll = stretch.range
    if roll.product_id is not None and roll.product_id != lot.product_id:
        raise OtherProduct(path="lot")
    check_not_held(lot)
    try:
        units.check_free(stretch)
    except TraceError as error:
        raise error.at("first") from None


def binding_event(record: Record, lot: Item, stretch: Stretch) -> JsonObject:
    """The signed event that these units are of this lot."""
    counted = replace(lot, amount=Amount(Decimal(stretch.count), ""))
    return observed(
        record,
        "commissioning",
        [counted],
        disposition="active",
        parts={units.MEMBER: units.told(stretch)},
    )


@dataclass(frozen=True, slots=True)
class Roll:
    """A range as its list shows it."""

    range: LabelRange
    counts: units.Counts


def list_rolls(actor: Actor, *, lot: Thing | None = None) -> list[Roll]:
    """The organisation's ranges, newest first; of one lot, those printed for it."""
    actor.check("read")
    query = select(LabelRange).where(LabelRange.organisation_id == actor.organisation.id)
    if lot is not None:
        query = query.where(LabelRange.lot_id == lot.id)
    found = db.session.scalars(query.order_by(LabelRange.id.desc()).limit(_LIST)).all()
    counted = units.counts([one.id for one in found])
    return [Roll(one, counted[one.id]) for one in found]

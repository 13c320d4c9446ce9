"""Stamps of single packages: issued, bound and voided by the services that do it in earnest."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import uuid4

from flask import Flask
from sqlalchemy import select

from tests.support.farms import Farm, id_base
from trace import clock
from trace.extensions import db
from trace.models import LabelRange, Product, Thing, Unit
from trace.services import units
from trace.services.actors import Actor
from trace.services.capture import Captured, capture
from trace.services.holds import notice_event
from trace.services.platform import platform_organisation
from trace.services.records import Item, Record
from trace.services.stamps import binding_event

AT = datetime(2026, 11, 21, 1, 0, tzinfo=UTC)


def make_stamps(actor: Actor, count: int, product: Product | None = None) -> int:
    """A roll of blank stamps; its row id."""
    roll = units.issue(actor, count, at=AT, product=product)
    db.session.commit()
    return roll.id


def stretch_of(roll: int, first: int, last: int) -> units.Stretch:
    return units.Stretch(db.session.get_one(LabelRange, roll), first, last)


def binding(farm: Farm, roll: int, first: int, last: int, lot: str) -> dict[str, object]:
    """The event that binds these numbers to a lot."""
    record = Record(id_base(), f"urn:uuid:{uuid4()}", farm.at)
    return binding_event(record, Item(lot), stretch_of(roll, first, last))


def bind_stamps(farm: Farm, roll: int, first: int, last: int, lot: str) -> Captured:
    done = capture(farm.actor, [binding(farm, roll, first, last, lot)], at=farm.at)
    db.session.commit()
    return done


def void_stamps(actor: Actor, roll: int, first: int, last: int) -> None:
    units.void(actor, stretch_of(roll, first, last), "hỏng", at=AT)
    db.session.commit()


def serial_of(roll: int, number: int) -> str:
    found = db.session.scalar(
        select(Unit.serial).where(Unit.range_id == roll, Unit.number == number)
    )
    assert found is not None
    return found


def stamp_path(roll: int, number: int) -> str:
    """The path of one stamp, as printed."""
    key = db.session.get_one(LabelRange, roll).key
    return units.unit_identity(key, serial_of(roll, number)).path


def stamp_page(roll: int, number: int) -> str:
    return f"/t{stamp_path(roll, number)}"


def hold(app: Flask, lot: int) -> None:
    """The platform holds a lot, as it does for a harvest before the label's days."""
    with app.app_context():
        at = clock.now()
        content = {"kind": "hold", "reason": "interval"}
        event = notice_event(db.session.get_one(Thing, lot), "holding", content, at)
        capture(Actor(platform_organisation(), None, "admin"), [event], at=at)
        db.session.commit()

"""Printed codes of single packages: rolls of serials, what each was bound to, and every printing.

A range is what was issued in one go: its units are numbered from 1 in the order of printing, while
their serials are random (formats §1), so that nobody can guess a neighbour's. A unit without a lot
is a blank stamp; a voided one is never bound. Rows are never deleted: printed addresses live.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from trace.extensions import Model, db
from trace.models.organisations import Organisation
from trace.models.products import Product
from trace.models.things import Thing
from trace.models.types import Id, Moment

# New labels, the same labels once more, or copies of a label that names a lot or crate.
PRINTS = ("new", "again", "copies")


class LabelRange(Model):
    """One roll. `key` is what its units' addresses begin with: `01/{gtin14}` or `b/{code}`, where
    the code is the lot's, or the roll's own when it was printed blank."""

    __tablename__ = "label_ranges"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    code: Mapped[str] = mapped_column(String(10), unique=True)
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisations.id"), index=True)
    product_id: Mapped[int | None] = mapped_column(ForeignKey("products.id"))
    lot_id: Mapped[int | None] = mapped_column(ForeignKey("things.id"), index=True)
    key: Mapped[str] = mapped_column(String(20))
    count: Mapped[int]
    first: Mapped[str] = mapped_column(String(16))  # serial of number 1
    last: Mapped[str] = mapped_column(String(16))  # serial of number `count`
    created_at: Mapped[datetime] = mapped_column(Moment)

    organisation: Mapped[Organisation] = relationship()
    product: Mapped[Product | None] = relationship()


class Unit(Model):
    """One printed code. `lot_id` is what it is bound to."""

    __tablename__ = "units"

    key: Mapped[str] = mapped_column(String(20), primary_key=True)
    serial: Mapped[str] = mapped_column(String(16), primary_key=True)
    range_id: Mapped[int] = mapped_column(ForeignKey("label_ranges.id"))
    number: Mapped[int]
    lot_id: Mapped[int | None] = mapped_column(ForeignKey("things.id"))
    voided_at: Mapped[datetime | None] = mapped_column(Moment)

    __table_args__ = (
        Index("ix_units_number", "range_id", "number", unique=True),
        Index("ix_units_serial", "serial"),
        {"sqlite_with_rowid": False},
    )


class LabelBinding(Model):
    """Numbers `first` to `last` of a range belong to a lot, by a signed event. `digest` is what
    the event says of them (SHA-256 of the serials, base64url)."""

    __tablename__ = "label_bindings"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    range_id: Mapped[int] = mapped_column(ForeignKey("label_ranges.id"))
    first: Mapped[int]
    last: Mapped[int]
    lot_id: Mapped[int] = mapped_column(ForeignKey("things.id"), index=True)
    event_id: Mapped[int] = mapped_column(ForeignKey("events.id"))
    digest: Mapped[str] = mapped_column(String(43))
    at: Mapped[datetime] = mapped_column(Moment)
    undone: Mapped[bool] = mapped_column(default=False)  # its event was declared an error

    lot: Mapped[Thing] = relationship()

    __table_args__ = (Index("ix_label_bindings_range", "range_id", "first"),)


class LabelPrint(Model):
    """One printing: who, when, how many, of what, and why once more."""

    __tablename__ = "label_prints"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisations.id"), index=True)
    person_id: Mapped[int | None] = mapped_column(ForeignKey("people.id"))
    kind: Mapped[str] = mapped_column(String(6))
    thing_id: Mapped[int | None] = mapped_column(ForeignKey("things.id"), index=True)
    range_id: Mapped[int | None] = mapped_column(ForeignKey("label_ranges.id"), index=True)
    run: Mapped[int | None] = mapped_column(Id)  # of crate labels issued ahead
    first: Mapped[int | None]
    last: Mapped[int | None]
    count: Mapped[int]
    layout: Mapped[str] = mapped_column(String(40))
    reason: Mapped[str] = mapped_column(String(200), default="")
    job: Mapped[str | None] = mapped_column(String(36))  # public id of the job that draws it
    at: Mapped[datetime] = mapped_column(Moment)

    range: Mapped[LabelRange | None] = relationship()

    __table_args__ = (db.CheckConstraint("count > 0", name="printed_something"),)

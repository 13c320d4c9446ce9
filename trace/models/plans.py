"""What is still to be done and what was only jotted down: private working data, not events.

A plan or a jotting becomes an event when somebody records it; then `event_id` says which. Nothing
here is signed, shown in public or told to anyone outside the organisation (docs/adr/0012).
"""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

from sqlalchemy import Date, ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from trace.extensions import Model, db
from trace.models.products import Product
from trace.models.things import Thing
from trace.models.types import Id, Moment, Quantity

# Vietnam's seasons of planting, as people name them; "" is any.
SEASONS = ("", "spring", "summer", "autumn", "winter")


class Plan(Model):
    """A job of a cycle for a day ahead. `content` is JSON: what the entry form is filled with."""

    __tablename__ = "plans"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisations.id"))
    thing_id: Mapped[int] = mapped_column(ForeignKey("things.id"), index=True)
    step: Mapped[str] = mapped_column(String(30))
    due: Mapped[date] = mapped_column(Date)
    note: Mapped[str] = mapped_column(String(300), default="")
    content: Mapped[str] = mapped_column(Text, default="{}")
    person_id: Mapped[int | None] = mapped_column(ForeignKey("people.id"))
    event_id: Mapped[int | None] = mapped_column(ForeignKey("events.id"))
    dropped_at: Mapped[datetime | None] = mapped_column(Moment)
    created_at: Mapped[datetime] = mapped_column(Moment)
    version: Mapped[int] = mapped_column(default=1)

    thing: Mapped[Thing] = relationship()

    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012 (SQLAlchemy's own form)
    __table_args__ = (Index("ix_plans_due", "organisation_id", "due"),)


class Jotting(Model):
    """A photo and a sentence from the field, to be made an event when there is time.

    `photos` is a JSON list of attachment references. The position is where the phone was when its
    holder pressed the button: it never leaves this row.
    """

    __tablename__ = "jottings"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisations.id"), index=True)
    person_id: Mapped[int | None] = mapped_column(ForeignKey("people.id"))
    thing_id: Mapped[int | None] = mapped_column(ForeignKey("things.id"), index=True)
    at: Mapped[datetime] = mapped_column(Moment)
    sentence: Mapped[str] = mapped_column(String(500), default="")
    photos: Mapped[str] = mapped_column(Text, default="[]")
    latitude: Mapped[float | None]
    longitude: Mapped[float | None]
    event_id: Mapped[int | None] = mapped_column(ForeignKey("events.id"))
    dropped_at: Mapped[datetime | None] = mapped_column(Moment)
    created_at: Mapped[datetime] = mapped_column(Moment)

    thing: Mapped[Thing | None] = relationship()


class Preset(Model):
    """An entry the organisation saved to be used again: for a product and a season, or any."""

    __tablename__ = "presets"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisations.id"), index=True)
    name: Mapped[str] = mapped_column(String(100))
    step: Mapped[str] = mapped_column(String(30))
    product_id: Mapped[int | None] = mapped_column(ForeignKey("products.id"))
    season: Mapped[str] = mapped_column(String(10), default="")
    content: Mapped[str] = mapped_column(Text, default="{}")  # JSON: values of the entry form
    created_at: Mapped[datetime] = mapped_column(Moment)

    product: Mapped[Product | None] = relationship()

    __table_args__ = (db.UniqueConstraint("organisation_id", "step", "name"),)


class Conversion(Model):
    """What one bó, thùng, … of a product weighs at an organisation: weighed, never assumed."""

    __tablename__ = "conversions"

    product_id: Mapped[int] = mapped_column(ForeignKey("products.id"), primary_key=True)
    unit: Mapped[str] = mapped_column(String(10), primary_key=True)  # a key of vocabulary.UNITS
    kilograms: Mapped[Decimal] = mapped_column(Quantity)
    weighed_on: Mapped[date] = mapped_column(Date)
    person_id: Mapped[int | None] = mapped_column(ForeignKey("people.id"))

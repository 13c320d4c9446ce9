"""A weighing sheet: what each household brought to the scale, until it becomes one lot.

Private working data while it is filled in (docs/adr/0012). Pressing "Thành lô" records one event;
then `thing_id` names the lot and the sheet is only read.
"""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

from sqlalchemy import Date, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from trace.extensions import Model
from trace.models.organisations import Household
from trace.models.places import Place
from trace.models.products import Product
from trace.models.things import Thing
from trace.models.types import Id, Moment, Quantity


class WeighingSheet(Model):
    __tablename__ = "weighing_sheets"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisations.id"))
    product_id: Mapped[int] = mapped_column(ForeignKey("products.id"))
    place_id: Mapped[int | None] = mapped_column(ForeignKey("places.id"))  # where it is weighed
    day: Mapped[date] = mapped_column(Date)
    thing_id: Mapped[int | None] = mapped_column(ForeignKey("things.id"))
    dropped_at: Mapped[datetime | None] = mapped_column(Moment)
    person_id: Mapped[int | None] = mapped_column(ForeignKey("people.id"))
    created_at: Mapped[datetime] = mapped_column(Moment)
    version: Mapped[int] = mapped_column(default=1)

    product: Mapped[Product] = relationship()
    place: Mapped[Place | None] = relationship()
    thing: Mapped[Thing | None] = relationship()

    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012 (SQLAlchemy's own form)
    __table_args__ = (Index("ix_weighing_sheets_day", "organisation_id", "day"),)


class WeighingLine(Model):
    """One household's weight on a sheet, in kilograms; a household that brought nothing has none.

    `typed` is what was typed ("12,5 + 13"), so that a slip of the thumb can be found again.
    """

    __tablename__ = "weighing_lines"

    sheet_id: Mapped[int] = mapped_column(ForeignKey("weighing_sheets.id"), primary_key=True)
    household_id: Mapped[int] = mapped_column(ForeignKey("households.id"), primary_key=True)
    kilograms: Mapped[Decimal] = mapped_column(Quantity)
    typed: Mapped[str] = mapped_column(String(200))

    household: Mapped[Household] = relationship()

"""The farm's private books, and the catalogues of crops and inputs they are filled from.

What happens to a crop is an event. What an organisation buys, counts, checks and finds wrong with
itself is its own affair: ordinary rows, printed and exported, never signed (docs/adr/0012).
"""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

from sqlalchemy import Date, ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from trace.extensions import Model, db
from trace.models.types import Id, Moment, Quantity

BOOKS = ("purchase", "count", "land", "compost", "equipment", "waste", "assessment")
INPUT_KINDS = ("pesticide", "fertiliser", "seed", "feed", "veterinary", "other")
CATALOGUE_KINDS = ("crop", "input")


class BookLine(Model):
    """One line of a private book. `content` is JSON with the book's further columns."""

    __tablename__ = "book_lines"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisations.id"))
    book: Mapped[str] = mapped_column(String(12))
    day: Mapped[date] = mapped_column(Date)
    item: Mapped[str] = mapped_column(String(200), default="")
    kind: Mapped[str] = mapped_column(String(12), default="")  # of INPUT_KINDS where it fits
    quantity: Mapped[Decimal | None] = mapped_column(Quantity)
    unit: Mapped[str] = mapped_column(String(20), default="")
    expiry: Mapped[date | None] = mapped_column(Date)
    place_id: Mapped[int | None] = mapped_column(ForeignKey("places.id"))
    content: Mapped[str] = mapped_column(Text, default="{}")
    person_id: Mapped[int | None] = mapped_column(ForeignKey("people.id"))
    created_at: Mapped[datetime] = mapped_column(Moment)
    # A line is struck through, never rewritten: a book in which lines vanish is no book.
    struck_at: Mapped[datetime | None] = mapped_column(Moment)

    __table_args__ = (Index("ix_book_lines_book", "organisation_id", "book", "day"),)


class CatalogueItem(Model):
    """A crop or an input by name. `organisation_id` null is everybody's catalogue.

    `intervals` is JSON: crop name ("" for any) to the days its label asks for. A banned
    substance is found by its name or active ingredient (folded text in `folded`).
    """

    __tablename__ = "catalogue_items"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    organisation_id: Mapped[int | None] = mapped_column(ForeignKey("organisations.id"), index=True)
    kind: Mapped[str] = mapped_column(String(5))
    name: Mapped[str] = mapped_column(String(200))
    name_en: Mapped[str] = mapped_column(String(200), default="")
    folded: Mapped[str] = mapped_column(String(420), index=True)  # name|active ingredient
    category: Mapped[str] = mapped_column(String(30), default="")
    active_ingredient: Mapped[str] = mapped_column(String(200), default="")
    registration: Mapped[str] = mapped_column(String(60), default="")
    intervals: Mapped[str] = mapped_column(Text, default="{}")
    banned: Mapped[bool] = mapped_column(default=False)
    # Of a crop: the most that one hectare gives in one season, kg. Nobody is refused by it.
    yield_ceiling: Mapped[Decimal | None] = mapped_column(Quantity)
    demonstration: Mapped[bool] = mapped_column(default=False)
    source: Mapped[str] = mapped_column(String(300), default="")
    as_of: Mapped[date | None] = mapped_column(Date)
    created_at: Mapped[datetime] = mapped_column(Moment)

    __table_args__ = (db.UniqueConstraint("organisation_id", "kind", "name"),)

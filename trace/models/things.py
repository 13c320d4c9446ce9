"""Things: everything a history can be about, their holdings, alerts and passports."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from trace.extensions import Model, db
from trace.models.organisations import Organisation
from trace.models.products import Product
from trace.models.types import Id, Moment, Quantity

KINDS = ("lot", "cycle", "logistic", "unit", "product", "asset", "other")


class Thing(Model):
    """`identity` is the canonical text of the identity tuple, the chain's name (formats §1, §3).

    `salt` is null where the thing has no chain of its own: products, and units whose lot is known.
    `head` is the next n of the chain. Rows carry no facts of a batch: those are folded from events.
    """

    __tablename__ = "things"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    identity: Mapped[str] = mapped_column(String(500), unique=True)
    kind: Mapped[str] = mapped_column(String(10))
    lot_id: Mapped[int | None] = mapped_column(ForeignKey("things.id"), index=True)
    product_id: Mapped[int | None] = mapped_column(ForeignKey("products.id"))
    owner_id: Mapped[int | None] = mapped_column(ForeignKey("organisations.id"), index=True)
    salt: Mapped[bytes | None]
    head: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime] = mapped_column(Moment)
    # When its first label was given out; from then on strangers may have read what stood there.
    labelled_at: Mapped[datetime | None] = mapped_column(Moment)

    product: Mapped[Product | None] = relationship()
    owner: Mapped[Organisation | None] = relationship()

    # A product's newest lots are found without looking at all of them.
    __table_args__ = (Index("ix_things_product", "product_id", "id"),)


class Holding(Model):
    """How much of a thing an organisation says it has. Below zero is a mark, never a refusal."""

    __tablename__ = "holdings"

    thing_id: Mapped[int] = mapped_column(ForeignKey("things.id"), primary_key=True)
    holder_id: Mapped[int] = mapped_column(ForeignKey("organisations.id"), primary_key=True)
    unit: Mapped[str] = mapped_column(String(3), primary_key=True)  # "" counts pieces
    quantity: Mapped[Decimal] = mapped_column(Quantity)
    place: Mapped[str | None] = mapped_column(String(300))  # identity of the place last named
    on_sale: Mapped[bool] = mapped_column(default=False)

    __table_args__ = (Index("ix_holdings_place", "place"), Index("ix_holdings_holder", "holder_id"))


class Alert(Model):
    """A notice that stands on a thing: its own, or inherited from an ancestor."""

    __tablename__ = "alerts"

    thing_id: Mapped[int] = mapped_column(ForeignKey("things.id"), primary_key=True)
    event_id: Mapped[int] = mapped_column(ForeignKey("events.id"), primary_key=True)
    source_id: Mapped[int] = mapped_column(ForeignKey("things.id"))  # the thing the notice names
    kind: Mapped[str] = mapped_column(String(10))  # recall | hold | advice
    hazard: Mapped[str] = mapped_column(String(20), default="")  # class: health | quality | label
    mixed: Mapped[bool] = mapped_column(default=False)  # reached by a mix: "may contain"
    lifted_by: Mapped[int | None] = mapped_column(ForeignKey("events.id"))

    __table_args__ = (Index("ix_alerts_event", "event_id"),)


class Passport(Model):
    """The public document of one lot, built once when read stale."""

    __tablename__ = "passports"

    thing_id: Mapped[int] = mapped_column(ForeignKey("things.id"), primary_key=True)
    version: Mapped[int] = mapped_column(default=0)
    stale: Mapped[bool] = mapped_column(default=True)
    valid_until: Mapped[datetime | None] = mapped_column(Moment)
    # Until when one reader alone rebuilds it; past that moment its work is taken for lost.
    building_until: Mapped[datetime | None] = mapped_column(Moment)
    document: Mapped[bytes | None]  # deflated JSON

    # What the worker goes over (services.passports_ahead): few of all there are.
    __table_args__ = (
        Index(
            "ix_passports_stale",
            "thing_id",
            sqlite_where=db.text("stale = 1"),
            postgresql_where=db.text("stale"),
        ),
    )

"""Organisations that end, and who goes on with what they began.

A closing waits before it counts, and can be taken back until then. A succession is offered by the
one and accepted by the other, each by a statement of its own; rows here are the index over those
statements. It gives a voice about things that another organisation made, never the things: goods
change hands by a handover.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from trace.extensions import Model, db
from trace.models.organisations import Organisation
from trace.models.people import Person
from trace.models.places import Place
from trace.models.products import Product
from trace.models.things import Thing
from trace.models.types import Id, Moment

STATES = ("waiting", "withdrawn", "closed")
ANSWERS = ("offered", "accepted", "declined", "withdrawn")


class Closing(Model):
    """One asking. `by` says whether the owner asked or the platform (nobody signed in for long)."""

    __tablename__ = "closings"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisations.id"), index=True)
    state: Mapped[str] = mapped_column(String(10), default="waiting")
    by: Mapped[str] = mapped_column(String(8))  # owner | platform
    reason: Mapped[str] = mapped_column(String(300), default="")
    person_id: Mapped[int | None] = mapped_column(ForeignKey("people.id"))  # who asked
    asked_at: Mapped[datetime] = mapped_column(Moment)
    ends_at: Mapped[datetime] = mapped_column(Moment)  # not before then
    ended_at: Mapped[datetime | None] = mapped_column(Moment)  # closed or withdrawn
    statement: Mapped[str | None] = mapped_column(String(45))  # urn:uuid
    version: Mapped[int] = mapped_column(default=1)

    organisation: Mapped[Organisation] = relationship()
    person: Mapped[Person | None] = relationship()

    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012 (SQLAlchemy's own form)
    __table_args__ = (
        Index(
            "uq_closings_waiting",
            "organisation_id",
            unique=True,
            sqlite_where=db.text("state = 'waiting'"),
            postgresql_where=db.text("state = 'waiting'"),
        ),
    )


class Succession(Model):
    """`taker` speaks for `giver`: about everything it made (`whole`), or about the items.

    `offered_by` is the giver, or the platform on `proof` where the giver is gone. `place` is the
    log index of the acceptance: nothing the taker recorded before counts as said for the giver.
    """

    __tablename__ = "successions"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    giver_id: Mapped[int] = mapped_column(ForeignKey("organisations.id"), index=True)
    taker_id: Mapped[int] = mapped_column(ForeignKey("organisations.id"), index=True)
    whole: Mapped[bool]
    state: Mapped[str] = mapped_column(String(10), default="offered")
    note: Mapped[str] = mapped_column(String(300), default="")
    proof: Mapped[str] = mapped_column(String(300), default="")
    offered_by_id: Mapped[int] = mapped_column(ForeignKey("organisations.id"))
    offered_at: Mapped[datetime] = mapped_column(Moment)
    answered_at: Mapped[datetime | None] = mapped_column(Moment)
    offer: Mapped[str] = mapped_column(String(45))  # urn:uuid of the statements
    answer: Mapped[str | None] = mapped_column(String(45))
    place: Mapped[int | None] = mapped_column(Id)
    version: Mapped[int] = mapped_column(default=1)

    giver: Mapped[Organisation] = relationship(foreign_keys=[giver_id])
    taker: Mapped[Organisation] = relationship(foreign_keys=[taker_id])
    offered_by: Mapped[Organisation] = relationship(foreign_keys=[offered_by_id])
    items: Mapped[list[SuccessionItem]] = relationship(order_by="SuccessionItem.id")

    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012


class SuccessionItem(Model):
    """One thing the taker speaks for, or one product or place that became the taker's."""

    __tablename__ = "succession_items"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    succession_id: Mapped[int] = mapped_column(ForeignKey("successions.id"), index=True)
    thing_id: Mapped[int | None] = mapped_column(ForeignKey("things.id"), index=True)
    product_id: Mapped[int | None] = mapped_column(ForeignKey("products.id"), index=True)
    place_id: Mapped[int | None] = mapped_column(ForeignKey("places.id"), index=True)

    thing: Mapped[Thing | None] = relationship()
    product: Mapped[Product | None] = relationship()
    place: Mapped[Place | None] = relationship()

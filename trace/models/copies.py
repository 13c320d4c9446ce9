"""Single packages whose code was scanned as one package hardly can be: the inspectors' queue."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from trace.extensions import Model, db
from trace.models.organisations import Organisation
from trace.models.things import Thing
from trace.models.types import Moment

STATES = ("open", "cleared", "confirmed")


class Copy(Model):
    """`score` in tenths of a point. `said` is whether the page says so; `reasons` are codes with
    their numbers, apart by blanks; `places` the provinces, apart by blanks."""

    __tablename__ = "copies"

    key: Mapped[str] = mapped_column(String(20), primary_key=True)
    serial: Mapped[str] = mapped_column(String(20), primary_key=True)
    lot_id: Mapped[int | None] = mapped_column(ForeignKey("things.id"), index=True)
    score: Mapped[int]
    said: Mapped[bool]
    state: Mapped[str] = mapped_column(String(10), default="open")
    reasons: Mapped[str] = mapped_column(String(200))
    places: Mapped[str] = mapped_column(String(200), default="")
    since: Mapped[datetime] = mapped_column(Moment)
    last_at: Mapped[datetime] = mapped_column(Moment)
    settled_by_id: Mapped[int | None] = mapped_column(ForeignKey("organisations.id"))
    settled_at: Mapped[datetime | None] = mapped_column(Moment)
    words: Mapped[str] = mapped_column(String(300), default="")

    lot: Mapped[Thing | None] = relationship()
    settled_by: Mapped[Organisation | None] = relationship()

    __table_args__ = (
        Index("ix_copies_state", "state", "score"),
        db.CheckConstraint("state IN ('open', 'cleared', 'confirmed')", name="known_state"),
    )

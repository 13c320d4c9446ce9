"""What was handed to the national portal, and what it answered."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from trace.extensions import Model
from trace.models.organisations import Organisation
from trace.models.things import Thing
from trace.models.types import Id, Moment

# queued -> sent (taken, no receipt yet) -> accepted | refused; failed: given up after many tries.
STATES = ("queued", "sent", "accepted", "refused", "failed")


class PortalDelivery(Model):
    """One document on its way to the portal. The same document of a thing is sent once."""

    __tablename__ = "portal_deliveries"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    public_id: Mapped[str] = mapped_column(String(36), unique=True)
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisations.id"), index=True)
    thing_id: Mapped[int] = mapped_column(ForeignKey("things.id"))
    digest: Mapped[str] = mapped_column(String(43))
    document: Mapped[bytes]  # deflated
    state: Mapped[str] = mapped_column(String(10), default="queued")
    attempts: Mapped[int] = mapped_column(default=0)
    receipt: Mapped[str] = mapped_column(String(200), default="")
    reason: Mapped[str] = mapped_column(String(300), default="")
    created_at: Mapped[datetime] = mapped_column(Moment)
    due_at: Mapped[datetime | None] = mapped_column(Moment)  # null: nothing more to do
    answered_at: Mapped[datetime | None] = mapped_column(Moment)

    organisation: Mapped[Organisation] = relationship()
    thing: Mapped[Thing] = relationship()

    __table_args__ = (
        UniqueConstraint("thing_id", "digest"),
        Index("ix_portal_deliveries_due", "due_at"),
    )

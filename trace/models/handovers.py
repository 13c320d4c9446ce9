"""Who gave to whom, as each side told it: the index behind "goods on their way to you".

Recomputable from the events; a row per shipping or receiving event that names a party or a note.
Links on printed notes are not: their secrets, and what people without an account wrote, stand in an
ordinary table, never in a statement.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from trace.extensions import Model, db
from trace.models.events import Event
from trace.models.organisations import Organisation
from trace.models.types import Moment


class Handover(Model):
    __tablename__ = "handovers"

    event_id: Mapped[int] = mapped_column(ForeignKey("events.id"), primary_key=True)
    received: Mapped[bool]  # False: the giver's side, True: the taker's
    giver_id: Mapped[int | None] = mapped_column(ForeignKey("organisations.id"), index=True)
    taker_id: Mapped[int | None] = mapped_column(ForeignKey("organisations.id"), index=True)
    note: Mapped[str | None] = mapped_column(String(300), index=True)  # canonical identity
    answered_by: Mapped[int | None] = mapped_column(ForeignKey("events.id"))  # the other side's
    voided: Mapped[bool] = mapped_column(default=False)
    # Of a shipment: how it was answered so far; of an answer: what it says. "" waits.
    # accepted | differs | part | part-differs | refused | rest-refused | back | rest-back | link |
    # link-refused
    state: Mapped[str] = mapped_column(String(12), default="", server_default="")

    event: Mapped[Event] = relationship(foreign_keys=[event_id])
    giver: Mapped[Organisation | None] = relationship(foreign_keys=[giver_id])
    taker: Mapped[Organisation | None] = relationship(foreign_keys=[taker_id])

    __table_args__ = (
        Index(
            "ix_handovers_answered",
            "answered_by",
            sqlite_where=db.text("answered_by IS NOT NULL"),
            postgresql_where=db.text("answered_by IS NOT NULL"),
        ),
    )


class NoteLink(Model):
    """The link printed on a delivery note: whoever holds the paper answers once, without an
    account. Name, phone and plate are the answerer's own words; only the giver reads them."""

    __tablename__ = "note_links"

    event_id: Mapped[int] = mapped_column(ForeignKey("events.id"), primary_key=True)
    secret: Mapped[str] = mapped_column(String(20), unique=True)
    created_at: Mapped[datetime] = mapped_column(Moment)
    answered_at: Mapped[datetime | None] = mapped_column(Moment)
    answer: Mapped[str] = mapped_column(String(10), default="")  # all | lines | refused
    name: Mapped[str] = mapped_column(String(120), default="")
    phone: Mapped[str] = mapped_column(String(20), default="")
    plate: Mapped[str] = mapped_column(String(20), default="")

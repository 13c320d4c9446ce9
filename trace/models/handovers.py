"""Who gave to whom, as each side told it: the index behind "goods on their way to you".

Recomputable from the events; a row per shipping or receiving event that names a party or a note.
"""

from __future__ import annotations

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from trace.extensions import Model
from trace.models.events import Event
from trace.models.organisations import Organisation


class Handover(Model):
    __tablename__ = "handovers"

    event_id: Mapped[int] = mapped_column(ForeignKey("events.id"), primary_key=True)
    received: Mapped[bool]  # False: the giver's side, True: the taker's
    giver_id: Mapped[int | None] = mapped_column(ForeignKey("organisations.id"), index=True)
    taker_id: Mapped[int | None] = mapped_column(ForeignKey("organisations.id"), index=True)
    note: Mapped[str | None] = mapped_column(String(300), index=True)  # canonical identity
    answered_by: Mapped[int | None] = mapped_column(ForeignKey("events.id"))  # the other side's
    voided: Mapped[bool] = mapped_column(default=False)

    event: Mapped[Event] = relationship(foreign_keys=[event_id])
    giver: Mapped[Organisation | None] = relationship(foreign_keys=[giver_id])
    taker: Mapped[Organisation | None] = relationship(foreign_keys=[taker_id])

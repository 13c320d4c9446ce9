"""What an audit of a chain found, when, and for whom: kept as it was told then."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from trace.extensions import Model
from trace.models.organisations import Organisation
from trace.models.people import Person
from trace.models.things import Thing
from trace.models.types import Id, Moment


class KeptAudit(Model):
    """One press of the button. `result` is the JSON of `services.chain_audit.ChainAudit`; `high`,
    `medium` and `low` count its findings."""

    __tablename__ = "chain_audits"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    thing_id: Mapped[int] = mapped_column(ForeignKey("things.id"))
    authority_id: Mapped[int] = mapped_column(ForeignKey("organisations.id"))
    person_id: Mapped[int | None] = mapped_column(ForeignKey("people.id"))
    made_at: Mapped[datetime] = mapped_column(Moment)
    events: Mapped[int]
    high: Mapped[int] = mapped_column(default=0)
    medium: Mapped[int] = mapped_column(default=0)
    low: Mapped[int] = mapped_column(default=0)
    result: Mapped[str] = mapped_column(Text)

    thing: Mapped[Thing] = relationship()
    authority: Mapped[Organisation] = relationship()
    person: Mapped[Person | None] = relationship()

    __table_args__ = (
        Index("ix_chain_audits_thing", "thing_id", "id"),
        Index("ix_chain_audits_authority", "authority_id", "id"),
    )

"""What authorities lend one another, and the parameters they set for their own area."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, String, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from trace.extensions import Model
from trace.models.organisations import Organisation
from trace.models.types import Id, Moment

SECTORS = ("agriculture", "trade", "health")
# What may be lent: to look and record there, or to decide there.
LENT_ACTS = ("inspect", "decide")


class Delegation(Model):
    """One authority lends another an act for a part of its own area, for a time."""

    __tablename__ = "delegations"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    giver_id: Mapped[int] = mapped_column(ForeignKey("organisations.id"), index=True)
    taker_id: Mapped[int] = mapped_column(ForeignKey("organisations.id"), index=True)
    act: Mapped[str] = mapped_column(String(10))  # one of LENT_ACTS
    areas: Mapped[str] = mapped_column(String(500))  # codes, apart by spaces; inside the giver's
    sectors: Mapped[str] = mapped_column(String(60), default="")  # "" for all the giver has
    reason: Mapped[str] = mapped_column(String(500))
    since: Mapped[datetime] = mapped_column(Moment)
    until: Mapped[datetime] = mapped_column(Moment)
    given_by: Mapped[int | None] = mapped_column(ForeignKey("people.id"))
    ended_at: Mapped[datetime | None] = mapped_column(Moment)  # taken back before its time

    giver: Mapped[Organisation] = relationship(foreign_keys=[giver_id])
    taker: Mapped[Organisation] = relationship(foreign_keys=[taker_id])


class AuthorityRule(Model):
    """The parameters one authority, or the platform for all, set for one rule. What it leaves out
    is the wider authority's, and in the end the default's."""

    __tablename__ = "authority_rules"

    authority_id: Mapped[int] = mapped_column(ForeignKey("organisations.id"), primary_key=True)
    code: Mapped[str] = mapped_column(String(60), primary_key=True)
    parameters: Mapped[str] = mapped_column(Text)  # JSON object
    set_at: Mapped[datetime] = mapped_column(Moment)
    set_by: Mapped[int | None] = mapped_column(ForeignKey("people.id"))

    authority: Mapped[Organisation] = relationship()

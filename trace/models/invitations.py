"""Invitations into an organisation, and renewals of a member's access: links used once."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from trace.extensions import Model
from trace.models.organisations import Organisation
from trace.models.people import Person
from trace.models.types import Id, Moment

KINDS = ("join", "reset")


class Invitation(Model):
    """The link carries a random token; only its SHA-256 is kept."""

    __tablename__ = "invitations"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    kind: Mapped[str] = mapped_column(String(5))
    token_hash: Mapped[bytes] = mapped_column(unique=True)
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisations.id"), index=True)
    role: Mapped[str] = mapped_column(String(20), default="")  # of a join
    name: Mapped[str] = mapped_column(String(200), default="")  # for whom, in the owner's words
    person_id: Mapped[int | None] = mapped_column(ForeignKey("people.id"))  # whose access, of reset
    invited_by_id: Mapped[int | None] = mapped_column(ForeignKey("people.id"))
    created_at: Mapped[datetime] = mapped_column(Moment)
    expires_at: Mapped[datetime] = mapped_column(Moment)
    used_at: Mapped[datetime | None] = mapped_column(Moment)
    used_by_id: Mapped[int | None] = mapped_column(ForeignKey("people.id"))
    revoked_at: Mapped[datetime | None] = mapped_column(Moment)

    organisation: Mapped[Organisation] = relationship()
    person: Mapped[Person | None] = relationship(foreign_keys=[person_id])
    invited_by: Mapped[Person | None] = relationship(foreign_keys=[invited_by_id])
    used_by: Mapped[Person | None] = relationship(foreign_keys=[used_by_id])

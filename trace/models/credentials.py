"""Credentials an organisation handed out about its goods in other people's vocabulary.

A copy of what was signed is kept, so that what was given can be shown again; whether it still
counts is a bit of a public list (W3C Bitstring Status List 1.0), at a place drawn at random.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from trace.extensions import Model
from trace.models.organisations import Organisation
from trace.models.things import Thing
from trace.models.types import Id, Moment

KINDS = ("passport", "events")


class Credential(Model):
    """One credential; `revoked_at` ends it for good. `version` is that of the record it tells."""

    __tablename__ = "credentials"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    public_id: Mapped[str] = mapped_column(String(36), unique=True)
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisations.id"), index=True)
    thing_id: Mapped[int] = mapped_column(ForeignKey("things.id"))
    kind: Mapped[str] = mapped_column(String(10))
    version: Mapped[int]
    jwt: Mapped[str] = mapped_column(Text)
    status_list: Mapped[int]
    status_index: Mapped[int]
    created_at: Mapped[datetime] = mapped_column(Moment)
    revoked_at: Mapped[datetime | None] = mapped_column(Moment)

    organisation: Mapped[Organisation] = relationship()
    thing: Mapped[Thing] = relationship()

    __table_args__ = (
        UniqueConstraint("status_list", "status_index"),
        Index("ix_credentials_thing", "thing_id", "kind"),
    )

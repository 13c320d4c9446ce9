"""Statements signed and waiting for their approval by passkey: minutes, then gone."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Text
from sqlalchemy.orm import Mapped, mapped_column

from trace.extensions import Model
from trace.models.types import Id, Moment


class PendingApproval(Model):
    """What one sending of a form made. Nothing of it is recorded before it is approved.

    `body` is JSON: the idempotency key and, per event, its document, JWT, disclosures and the
    member paths kept from the public.
    """

    __tablename__ = "pending_approvals"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisations.id"), index=True)
    person_id: Mapped[int | None] = mapped_column(ForeignKey("people.id"))
    key_id: Mapped[int] = mapped_column(ForeignKey("keys.id"))  # the key that signed
    body: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(Moment)
    expires_at: Mapped[datetime] = mapped_column(Moment)

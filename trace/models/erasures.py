"""What was erased, by digest: kept so that a restored backup can be made to forget again."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from trace.extensions import Model
from trace.models.types import Id, Moment


class Erasure(Model):
    __tablename__ = "erasures"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    event_id: Mapped[int] = mapped_column(ForeignKey("events.id"), index=True)
    index: Mapped[int] = mapped_column("idx", Id)  # of the log entry
    digests: Mapped[str] = mapped_column(Text)  # JSON list
    members: Mapped[str] = mapped_column(Text, default="[]", server_default="[]")  # JSON list
    reason: Mapped[str] = mapped_column(String(200))
    # subject: a person asked; takedown: it was abusive and personal
    kind: Mapped[str] = mapped_column(String(10), default="subject", server_default="subject")
    request_id: Mapped[int | None] = mapped_column(ForeignKey("requests.id"))
    person_id: Mapped[int | None] = mapped_column(ForeignKey("people.id"))
    created_at: Mapped[datetime] = mapped_column(Moment)

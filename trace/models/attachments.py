"""Photos and papers: content-addressed files, re-encoded, without EXIF."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from trace.extensions import Model
from trace.models.types import Moment


class Attachment(Model):
    __tablename__ = "attachments"

    digest: Mapped[str] = mapped_column(String(43), primary_key=True)  # b64url SHA-256
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisations.id"), index=True)
    media_type: Mapped[str] = mapped_column(String(50))
    size: Mapped[int]
    width: Mapped[int | None]
    height: Mapped[int | None]
    public: Mapped[bool] = mapped_column(default=True)
    created_at: Mapped[datetime] = mapped_column(Moment)

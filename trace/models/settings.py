"""Settings that the platform's desk changes while it runs; every value ever set is kept."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from trace.extensions import Model
from trace.models.people import Person
from trace.models.types import Id, Moment


class PlatformSetting(Model):
    """The newest row of a name is in force; none: the default (services.platform_settings)."""

    __tablename__ = "platform_settings"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    name: Mapped[str] = mapped_column(String(40))
    value: Mapped[str] = mapped_column(Text)  # JSON
    at: Mapped[datetime] = mapped_column(Moment)
    person_id: Mapped[int | None] = mapped_column(ForeignKey("people.id"))

    person: Mapped[Person | None] = relationship()

    __table_args__ = (Index("ix_platform_settings_newest", "name", "id"),)

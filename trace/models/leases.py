"""What several workers share out among themselves, and how far scans from Redis were stored."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from trace.extensions import Model
from trace.models.types import Moment


class Lease(Model):
    """Who does a thing that one worker does for all, and until when nobody else may."""

    __tablename__ = "leases"

    name: Mapped[str] = mapped_column(String(40), primary_key=True)
    holder: Mapped[str] = mapped_column(String(100))
    until: Mapped[datetime] = mapped_column(Moment)


class ScanCursor(Model):
    """The last entry of a stream of scans that is stored, written in the transaction that stores
    it. A Redis that lost everything begins another stream (`epoch`)."""

    __tablename__ = "scan_cursors"

    epoch: Mapped[str] = mapped_column(String(32), primary_key=True)
    last: Mapped[str] = mapped_column(String(40))
    stored_at: Mapped[datetime] = mapped_column(Moment)

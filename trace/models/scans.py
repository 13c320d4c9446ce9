"""How often codes were opened: sums by thing, day and ward; nobody's address, no single scan."""

from __future__ import annotations

from datetime import date

from sqlalchemy import Date, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from trace.extensions import Model


class ScanCount(Model):
    """`ward_code` is a ward's five digits, or a province's two, or "" where nobody said where."""

    __tablename__ = "scans"

    thing_id: Mapped[int] = mapped_column(ForeignKey("things.id"), primary_key=True)
    day: Mapped[date] = mapped_column(Date, primary_key=True)
    ward_code: Mapped[str] = mapped_column(String(5), primary_key=True)
    count: Mapped[int] = mapped_column(default=0)

    __table_args__ = (Index("ix_scans_day", "day"),)

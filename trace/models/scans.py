"""How often codes were opened: sums by thing, day and place; nobody's address.

Of lots there are sums only. Of a single package the latest scans are kept as well, some at a time
and for some weeks: what tells a copied code is when and where it was scanned (docs/explanation/
copies.md). A visitor is a keyed hash whose key is thrown away when the day is over.
"""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import Date, ForeignKey, Index, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from trace.extensions import Model
from trace.models.types import Id, Moment


class ScanCount(Model):
    """`ward_code` is a ward's five digits, or a province's two, or "" where nobody said where."""

    __tablename__ = "scans"

    thing_id: Mapped[int] = mapped_column(ForeignKey("things.id"), primary_key=True)
    day: Mapped[date] = mapped_column(Date, primary_key=True)
    ward_code: Mapped[str] = mapped_column(String(5), primary_key=True)
    count: Mapped[int] = mapped_column(default=0)

    __table_args__ = (Index("ix_scans_day", "day"),)


class ScanSalt(Model):
    """The day's half of the key under which visitors are hashed; gone when the day is."""

    __tablename__ = "scan_salts"

    day: Mapped[date] = mapped_column(Date, primary_key=True)
    salt: Mapped[bytes] = mapped_column(LargeBinary(32))


class ScanVisit(Model):
    """Somebody scanned something today: `mark` hashes both together, so that neither can be told
    nor one visitor followed from code to code. Gone when the day is."""

    __tablename__ = "scan_visits"

    mark: Mapped[bytes] = mapped_column(LargeBinary(16), primary_key=True)
    day: Mapped[date] = mapped_column(Date)

    __table_args__ = (Index("ix_scan_visits_day", "day"), {"sqlite_with_rowid": False})


class UnitScan(Model):
    """One of the latest scans of a single package. `key` and `serial` are those of its address;
    `mark` is the visitor's of that day and that code."""

    __tablename__ = "unit_scans"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    key: Mapped[str] = mapped_column(String(20))
    serial: Mapped[str] = mapped_column(String(20))
    at: Mapped[datetime] = mapped_column(Moment)
    place: Mapped[str] = mapped_column(String(5))  # as in ScanCount
    mark: Mapped[bytes] = mapped_column(LargeBinary(16))
    again: Mapped[bool]  # the phone had opened this page before

    __table_args__ = (
        Index("ix_unit_scans_unit", "key", "serial", "id"),
        Index("ix_unit_scans_at", "at"),
    )

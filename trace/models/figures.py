"""Sums kept up to date, for boards: what each organisation and each area recorded a day.

Every row can be counted anew from the events and their places in the log (services.figures). A day
is the number of days since 1970-01-01 in Viet Nam; a measure is its place in MEASURES; an area is a
ward's five digits, a province's two, or "" for everything.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey, Index, Integer, SmallInteger, String, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from trace.extensions import Model, db
from trace.models.organisations import Organisation
from trace.models.types import Id, Moment

MEASURES = ("events", "late", "lots", "recalls", "scans")
PERIODS = ("week", "month", "quarter")


class OrganisationSum(Model):
    __tablename__ = "organisation_sums"

    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisations.id"), primary_key=True)
    measure: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    day: Mapped[int] = mapped_column(Integer, primary_key=True)
    count: Mapped[int] = mapped_column(BigInteger, default=0)

    __table_args__ = ({"sqlite_with_rowid": False},)


class AreaSum(Model):
    __tablename__ = "area_sums"

    area: Mapped[str] = mapped_column(String(5), primary_key=True)
    measure: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    day: Mapped[int] = mapped_column(Integer, primary_key=True)
    count: Mapped[int] = mapped_column(BigInteger, default=0)

    __table_args__ = ({"sqlite_with_rowid": False},)


class CountedOrganisation(Model):
    """Under which ward an organisation's sums stand in `area_sums`: it may move."""

    __tablename__ = "counted_organisations"

    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisations.id"), primary_key=True)
    ward_code: Mapped[str] = mapped_column(String(10), default="")


class FiguresState(Model):
    """One row: how far the log is counted (places below `folded`), and until when scans are."""

    __tablename__ = "figures_state"

    id: Mapped[int] = mapped_column(primary_key=True)
    folded: Mapped[int] = mapped_column(Id, default=0)
    at: Mapped[datetime] = mapped_column(Moment)
    scans_day: Mapped[int] = mapped_column(Integer, default=0)  # days before it are closed


class AuthorityReport(Model):
    """A period's report of an authority, as its figures stood when it was made: its files are
    drawn from `figures` and are the same whenever they are drawn."""

    __tablename__ = "authority_reports"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    authority_id: Mapped[int] = mapped_column(ForeignKey("organisations.id"))
    period: Mapped[str] = mapped_column(String(7))  # one of PERIODS
    first_day: Mapped[int] = mapped_column(Integer)
    last_day: Mapped[int] = mapped_column(Integer)
    figures: Mapped[str] = mapped_column(Text)  # JSON
    made_at: Mapped[datetime] = mapped_column(Moment)

    authority: Mapped[Organisation] = relationship()

    __table_args__ = (
        db.UniqueConstraint("authority_id", "period", "first_day"),
        Index("ix_authority_reports_newest", "authority_id", "id"),
    )

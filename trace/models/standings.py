"""How organisations stand before the public: decisions about them, accreditations, company
prefixes they claim, and two records that are of one and the same.

Rows are an index over statements of the platform in the log (formats, section 5).
"""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import Date, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from trace.extensions import Model, db
from trace.models.organisations import Organisation
from trace.models.people import Person
from trace.models.types import Id, Moment

DECISIONS = ("confirmed", "suspended", "reinstated")
ACCREDITED_AS = ("inspector", "laboratory", "certifier")
CLAIM_STATES = ("waiting", "confirmed", "declined")
SAME_KINDS = ("organisation", "place", "product")


class StandingDecision(Model):
    """An organisation confirmed, suspended or reinstated: by whom and why."""

    __tablename__ = "standing_decisions"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisations.id"))
    decision: Mapped[str] = mapped_column(String(10))  # one of DECISIONS
    reason: Mapped[str] = mapped_column(String(500), default="")
    was: Mapped[str] = mapped_column(String(20), default="")  # the status before
    by_id: Mapped[int] = mapped_column(ForeignKey("organisations.id"))
    person_id: Mapped[int | None] = mapped_column(ForeignKey("people.id"))
    at: Mapped[datetime] = mapped_column(Moment)
    statement: Mapped[str] = mapped_column(String(45))  # urn:uuid

    organisation: Mapped[Organisation] = relationship(foreign_keys=[organisation_id])
    by: Mapped[Organisation] = relationship(foreign_keys=[by_id])

    __table_args__ = (Index("ix_standing_decisions_of", "organisation_id", "id"),)


class Accreditation(Model):
    """That an organisation (with `person_id`: one of its inspectors) is accredited for something,
    from a day to a day, unless withdrawn before."""

    __tablename__ = "accreditations"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisations.id"), index=True)
    person_id: Mapped[int | None] = mapped_column(ForeignKey("people.id"))
    kind: Mapped[str] = mapped_column(String(10))  # one of ACCREDITED_AS
    number: Mapped[str] = mapped_column(String(60), default="")
    scope: Mapped[str] = mapped_column(String(300), default="")  # methods, standards
    valid_from: Mapped[date] = mapped_column(Date)
    valid_until: Mapped[date] = mapped_column(Date)
    withdrawn_on: Mapped[date | None] = mapped_column(Date)
    reason: Mapped[str] = mapped_column(String(500), default="")  # of the withdrawal
    by_id: Mapped[int] = mapped_column(ForeignKey("organisations.id"))
    at: Mapped[datetime] = mapped_column(Moment)
    statement: Mapped[str] = mapped_column(String(45))
    version: Mapped[int] = mapped_column(default=1)

    organisation: Mapped[Organisation] = relationship(foreign_keys=[organisation_id])
    person: Mapped[Person | None] = relationship()
    by: Mapped[Organisation] = relationship(foreign_keys=[by_id])

    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012 (SQLAlchemy's own form)


class PrefixClaim(Model):
    """That an organisation says GS1 gave it these digits, and what a desk found."""

    __tablename__ = "prefix_claims"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisations.id"), index=True)
    prefix: Mapped[str] = mapped_column(String(12), index=True)
    extension: Mapped[int] = mapped_column(default=0)  # the digit asked for with it
    state: Mapped[str] = mapped_column(String(10), default="waiting")
    evidence: Mapped[str] = mapped_column(String(500), default="")  # what the desk rests on
    created_at: Mapped[datetime] = mapped_column(Moment)
    decided_at: Mapped[datetime | None] = mapped_column(Moment)
    decided_by_id: Mapped[int | None] = mapped_column(ForeignKey("organisations.id"))
    statement: Mapped[str | None] = mapped_column(String(45))
    version: Mapped[int] = mapped_column(default=1)

    organisation: Mapped[Organisation] = relationship(foreign_keys=[organisation_id])
    decided_by: Mapped[Organisation | None] = relationship(foreign_keys=[decided_by_id])

    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012 (SQLAlchemy's own form)
    __table_args__ = (
        db.UniqueConstraint("organisation_id", "prefix"),
        Index("ix_prefix_claims_queue", "state", "id"),
    )


class SameAs(Model):
    """Two records of one thing: `other_id` is read together with `kept_id` until `ended_at`.
    Nothing is rewritten; ids are those of the kind's table."""

    __tablename__ = "same_as"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    kind: Mapped[str] = mapped_column(String(12))  # one of SAME_KINDS
    kept_id: Mapped[int] = mapped_column(Id)
    other_id: Mapped[int] = mapped_column(Id)
    reason: Mapped[str] = mapped_column(String(500), default="")
    by_id: Mapped[int] = mapped_column(ForeignKey("organisations.id"))
    at: Mapped[datetime] = mapped_column(Moment)
    ended_at: Mapped[datetime | None] = mapped_column(Moment)
    statement: Mapped[str] = mapped_column(String(45))

    by: Mapped[Organisation] = relationship()

    __table_args__ = (
        Index("ix_same_as_kept", "kind", "kept_id"),
        Index(
            "uq_same_as_standing",
            "kind",
            "other_id",
            unique=True,
            sqlite_where=db.text("ended_at IS NULL"),
            postgresql_where=db.text("ended_at IS NULL"),
        ),
    )

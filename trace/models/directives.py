"""Directives: what an authority asks of units below it, by when, and what they answered."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import Date, ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from trace.extensions import Model, db
from trace.models.organisations import Organisation
from trace.models.people import Person
from trace.models.types import Id, Moment

STATES = ("open", "withdrawn", "closed")
# Of one unit: told, read, answered; an answer is taken or sent back to be done again.
UNIT_STATES = ("sent", "seen", "answered", "accepted", "returned")
OWED = ("sent", "seen", "returned")  # the unit still owes an answer


class Directive(Model):
    __tablename__ = "directives"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    authority_id: Mapped[int] = mapped_column(ForeignKey("organisations.id"))
    person_id: Mapped[int | None] = mapped_column(ForeignKey("people.id"))
    number: Mapped[str] = mapped_column(String(60), default="")  # the office's own, "12/CĐ-SNN"
    title: Mapped[str] = mapped_column(String(200))
    text: Mapped[str] = mapped_column(Text)
    due_on: Mapped[date] = mapped_column(Date)
    state: Mapped[str] = mapped_column(String(10), default="open")
    units_count: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime] = mapped_column(Moment)
    ended_at: Mapped[datetime | None] = mapped_column(Moment)
    reminded_on: Mapped[date | None] = mapped_column(Date)  # the last day of reminders
    version: Mapped[int] = mapped_column(default=1)

    authority: Mapped[Organisation] = relationship()
    person: Mapped[Person | None] = relationship()

    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012 (SQLAlchemy's own form)
    __table_args__ = (
        Index("ix_directives_of", "authority_id", "id"),
        Index("ix_directives_due", "state", "due_on"),
    )


class DirectiveUnit(Model):
    """One unit's part: when it read it, what it answered, whether that was taken."""

    __tablename__ = "directive_units"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    directive_id: Mapped[int] = mapped_column(ForeignKey("directives.id"))
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisations.id"))
    state: Mapped[str] = mapped_column(String(10), default="sent")
    seen_at: Mapped[datetime | None] = mapped_column(Moment)
    answer: Mapped[str] = mapped_column(Text, default="")
    answered_at: Mapped[datetime | None] = mapped_column(Moment)
    remark: Mapped[str] = mapped_column(Text, default="")  # why an answer was sent back
    judged_at: Mapped[datetime | None] = mapped_column(Moment)
    version: Mapped[int] = mapped_column(default=1)

    directive: Mapped[Directive] = relationship()
    organisation: Mapped[Organisation] = relationship()

    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012 (SQLAlchemy's own form)
    __table_args__ = (
        db.UniqueConstraint("directive_id", "organisation_id"),
        Index("ix_directive_units_of", "organisation_id", "id"),
        Index("ix_directive_units_state", "directive_id", "state", "id"),
    )


class DirectiveFile(Model):
    """A paper that goes with a directive, or (with `unit_id`) with a unit's answer."""

    __tablename__ = "directive_files"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    directive_id: Mapped[int] = mapped_column(ForeignKey("directives.id"), index=True)
    unit_id: Mapped[int | None] = mapped_column(ForeignKey("directive_units.id"), index=True)
    name: Mapped[str] = mapped_column(String(120))
    media_type: Mapped[str] = mapped_column(String(30))
    digest: Mapped[str] = mapped_column(String(43))
    size: Mapped[int]
    created_at: Mapped[datetime] = mapped_column(Moment)

"""Files of registration: what an organisation handed in, how it stands, what was said to it."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from trace.extensions import Model
from trace.models.organisations import Organisation
from trace.models.people import Person
from trace.models.types import Id, Moment

STATES = ("received", "asked", "answered", "confirmed", "declined")
WAITING = ("received", "answered")  # for the authority
CLOSED = ("confirmed", "declined")
STEPS = ("received", "papers", "asked", "answered", "changed", "confirmed", "declined")
PAPER_KINDS = ("licence", "identity", "land", "certificate", "other")


class Application(Model):
    """One file per organisation; its history is `steps`."""

    __tablename__ = "applications"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisations.id"), unique=True)
    person_id: Mapped[int | None] = mapped_column(ForeignKey("people.id"))  # who handed it in
    state: Mapped[str] = mapped_column(String(10), default="received")
    created_at: Mapped[datetime] = mapped_column(Moment)
    changed_at: Mapped[datetime] = mapped_column(Moment)
    decided_at: Mapped[datetime | None] = mapped_column(Moment)
    decided_by_id: Mapped[int | None] = mapped_column(ForeignKey("organisations.id"))
    statement: Mapped[str | None] = mapped_column(String(45))  # urn:uuid of a confirmation
    version: Mapped[int] = mapped_column(default=1)

    organisation: Mapped[Organisation] = relationship(foreign_keys=[organisation_id])
    decided_by: Mapped[Organisation | None] = relationship(foreign_keys=[decided_by_id])
    steps: Mapped[list[ApplicationStep]] = relationship(order_by="ApplicationStep.id")
    papers: Mapped[list[ApplicationPaper]] = relationship(order_by="ApplicationPaper.id")

    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012 (SQLAlchemy's own form)
    __table_args__ = (Index("ix_applications_queue", "state", "changed_at"),)


class ApplicationStep(Model):
    """What happened to a file, and the words that went with it."""

    __tablename__ = "application_steps"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    application_id: Mapped[int] = mapped_column(ForeignKey("applications.id"), index=True)
    kind: Mapped[str] = mapped_column(String(10))
    text: Mapped[str] = mapped_column(Text, default="")
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisations.id"))  # who did it
    person_id: Mapped[int | None] = mapped_column(ForeignKey("people.id"))
    at: Mapped[datetime] = mapped_column(Moment)

    organisation: Mapped[Organisation] = relationship()
    person: Mapped[Person | None] = relationship()


class ApplicationPaper(Model):
    """A photo of a paper, in a folder that no page serves to the public."""

    __tablename__ = "application_papers"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    application_id: Mapped[int] = mapped_column(ForeignKey("applications.id"), index=True)
    kind: Mapped[str] = mapped_column(String(12))
    digest: Mapped[str] = mapped_column(String(43))
    size: Mapped[int]
    created_at: Mapped[datetime] = mapped_column(Moment)

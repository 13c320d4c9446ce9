"""Inspections of authorities: planned, done on site, concluded; findings, samples, check-lists.

What was said is in signed events (`inspection_events` names them); these rows are who does what by
when, and what the desk lists. Everything of a case is private until it is concluded.
"""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

from sqlalchemy import Date, ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from trace.extensions import Model, db
from trace.models.organisations import Organisation
from trace.models.people import Person
from trace.models.things import Thing
from trace.models.types import Id, Moment, Quantity

STATES = ("planned", "begun", "concluded", "cancelled")
CONCLUSIONS = ("met", "partly", "not-met")
SEVERITIES = ("minor", "major", "critical")
FINDING_STATES = ("open", "closed", "withdrawn")
SAMPLE_STATES = ("taken", "sent", "received", "resulted", "lost")


class CheckList(Model):
    """One version of an authority's check-list; an edited list is a new row. `items` is a JSON list
    of {"key", "words"}; `kinds` are kinds of organisations it is proposed for, apart by spaces."""

    __tablename__ = "check_lists"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    authority_id: Mapped[int] = mapped_column(ForeignKey("organisations.id"))
    code: Mapped[str] = mapped_column(String(30))
    number: Mapped[int]  # 1, 2, …: the newest that is not retired is offered
    name: Mapped[str] = mapped_column(String(200))
    kinds: Mapped[str] = mapped_column(String(200), default="")
    items: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(Moment)
    created_by: Mapped[int | None] = mapped_column(ForeignKey("people.id"))
    retired: Mapped[bool] = mapped_column(default=False)

    __table_args__ = (db.UniqueConstraint("authority_id", "code", "number"),)


class Inspection(Model):
    """One case: whom it concerns, who goes when, what is looked at, how it ended.

    `check_list` is the list as it was when planned (JSON: code, number, name, items), `answers`
    what was answered so far (JSON: key -> {"answer", "note"}).
    """

    __tablename__ = "inspections"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    code: Mapped[str] = mapped_column(String(10), unique=True)
    authority_id: Mapped[int] = mapped_column(ForeignKey("organisations.id"))
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisations.id"), index=True)
    place_id: Mapped[int | None] = mapped_column(ForeignKey("places.id"))
    # Where the organisation sat when the case was opened: whose case it is, it stays.
    ward_code: Mapped[str | None] = mapped_column(String(10))
    state: Mapped[str] = mapped_column(String(10), default="planned")
    reason: Mapped[str] = mapped_column(String(500), default="")
    planned_on: Mapped[date] = mapped_column(Date)
    assigned_id: Mapped[int | None] = mapped_column(ForeignKey("people.id"), index=True)
    sector: Mapped[str] = mapped_column(String(20), default="")
    check_list: Mapped[str] = mapped_column(Text, default="{}")
    answers: Mapped[str] = mapped_column(Text, default="{}")
    follows_id: Mapped[int | None] = mapped_column(ForeignKey("inspections.id"))
    created_by: Mapped[int | None] = mapped_column(ForeignKey("people.id"))
    created_at: Mapped[datetime] = mapped_column(Moment)
    begun_at: Mapped[datetime | None] = mapped_column(Moment)
    conclusion: Mapped[str] = mapped_column(String(10), default="")
    words: Mapped[str] = mapped_column(String(1000), default="")
    concluded_at: Mapped[datetime | None] = mapped_column(Moment)
    concluded_by: Mapped[int | None] = mapped_column(ForeignKey("people.id"))
    version: Mapped[int] = mapped_column(default=1)

    authority: Mapped[Organisation] = relationship(foreign_keys=[authority_id])
    organisation: Mapped[Organisation] = relationship(foreign_keys=[organisation_id])
    assigned: Mapped[Person | None] = relationship(foreign_keys=[assigned_id])

    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012 (SQLAlchemy's own form)
    __table_args__ = (
        Index("ix_inspections_authority", "authority_id", "state", "planned_on"),
        db.CheckConstraint(
            "state IN ('planned', 'begun', 'concluded', 'cancelled')", name="known_state"
        ),
    )


class InspectionThing(Model):
    """The lots, plantings and packages a case is about."""

    __tablename__ = "inspection_things"

    inspection_id: Mapped[int] = mapped_column(ForeignKey("inspections.id"), primary_key=True)
    thing_id: Mapped[int] = mapped_column(ForeignKey("things.id"), primary_key=True, index=True)

    thing: Mapped[Thing] = relationship()


class Finding(Model):
    """What was found wrong, how grave, and by when it must be put right. The words are the signed
    event's; `words` is kept to list and search. Closed by whoever comes first."""

    __tablename__ = "findings"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    code: Mapped[str] = mapped_column(String(10), unique=True)
    authority_id: Mapped[int] = mapped_column(ForeignKey("organisations.id"))
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisations.id"), index=True)
    inspection_id: Mapped[int | None] = mapped_column(ForeignKey("inspections.id"), index=True)
    ward_code: Mapped[str | None] = mapped_column(String(10))  # as of the case, or of that day
    rule: Mapped[str] = mapped_column(String(30))
    severity: Mapped[str] = mapped_column(String(10))
    words: Mapped[str] = mapped_column(String(1000))
    action: Mapped[str] = mapped_column(String(1000), default="")  # what must be done
    due_on: Mapped[date | None] = mapped_column(Date)
    state: Mapped[str] = mapped_column(String(10), default="open")
    event_id: Mapped[int] = mapped_column(ForeignKey("events.id"))  # the one that stands
    created_by: Mapped[int | None] = mapped_column(ForeignKey("people.id"))
    created_at: Mapped[datetime] = mapped_column(Moment)
    closed_by: Mapped[int | None] = mapped_column(ForeignKey("people.id"))
    closed_at: Mapped[datetime | None] = mapped_column(Moment)
    closed_words: Mapped[str] = mapped_column(String(1000), default="")

    authority: Mapped[Organisation] = relationship(foreign_keys=[authority_id])
    organisation: Mapped[Organisation] = relationship(foreign_keys=[organisation_id])
    inspection: Mapped[Inspection | None] = relationship()
    closer: Mapped[Person | None] = relationship(foreign_keys=[closed_by])

    __table_args__ = (
        Index("ix_findings_authority", "authority_id", "state", "due_on"),
        db.CheckConstraint("state IN ('open', 'closed', 'withdrawn')", name="known_state"),
    )


class FindingThing(Model):
    """The things a finding names; an open one leads its authority to them."""

    __tablename__ = "finding_things"

    finding_id: Mapped[int] = mapped_column(ForeignKey("findings.id"), primary_key=True)
    thing_id: Mapped[int] = mapped_column(ForeignKey("things.id"), primary_key=True, index=True)

    thing: Mapped[Thing] = relationship()


class FindingAnswer(Model):
    """What the inspected organisation says to a finding. It signs that as an event of its own,
    found under `event_key`; where its people approve by passkey, only once they did."""

    __tablename__ = "finding_answers"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    finding_id: Mapped[int] = mapped_column(ForeignKey("findings.id"), index=True)
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisations.id"))
    words: Mapped[str] = mapped_column(String(2000))
    photos: Mapped[str] = mapped_column(String(400), default="")  # digests, apart by spaces
    event_key: Mapped[str] = mapped_column(String(22))
    created_by: Mapped[int | None] = mapped_column(ForeignKey("people.id"))
    created_at: Mapped[datetime] = mapped_column(Moment)


class Sample(Model):
    """A sealed sample of one lot on its way to a laboratory and back as a result."""

    __tablename__ = "samples"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    authority_id: Mapped[int] = mapped_column(ForeignKey("organisations.id"))
    inspection_id: Mapped[int] = mapped_column(ForeignKey("inspections.id"), index=True)
    thing_id: Mapped[int] = mapped_column(ForeignKey("things.id"), index=True)
    seal: Mapped[str] = mapped_column(String(40))
    quantity: Mapped[Decimal | None] = mapped_column(Quantity)
    unit: Mapped[str] = mapped_column(String(3), default="")
    laboratory_id: Mapped[int | None] = mapped_column(ForeignKey("organisations.id"), index=True)
    laboratory_name: Mapped[str] = mapped_column(String(200), default="")
    state: Mapped[str] = mapped_column(String(10), default="taken")
    event_id: Mapped[int] = mapped_column(ForeignKey("events.id"))
    # The result: an event of the laboratory's by its key, or of the authority's own hand.
    result_key: Mapped[str | None] = mapped_column(String(22))
    taken_at: Mapped[datetime] = mapped_column(Moment)
    taken_by: Mapped[int | None] = mapped_column(ForeignKey("people.id"))

    authority: Mapped[Organisation] = relationship(foreign_keys=[authority_id])
    laboratory: Mapped[Organisation | None] = relationship(foreign_keys=[laboratory_id])
    inspection: Mapped[Inspection] = relationship()
    thing: Mapped[Thing] = relationship()

    __table_args__ = (db.UniqueConstraint("authority_id", "seal"),)


class InspectionEvent(Model):
    """Which signed event is what of which case, in the order they were said."""

    __tablename__ = "inspection_events"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    inspection_id: Mapped[int | None] = mapped_column(ForeignKey("inspections.id"), index=True)
    finding_id: Mapped[int | None] = mapped_column(ForeignKey("findings.id"), index=True)
    sample_id: Mapped[int | None] = mapped_column(ForeignKey("samples.id"), index=True)
    event_id: Mapped[int] = mapped_column(ForeignKey("events.id"), unique=True)
    part: Mapped[str] = mapped_column(String(12))
    person_id: Mapped[int | None] = mapped_column(ForeignKey("people.id"))
    at: Mapped[datetime] = mapped_column(Moment)


class Risk(Model):
    """One reason why an organisation should be looked at: how bad from 0 to 1000, the plain figure
    behind it, and its evidence (JSON). Counted by a job; weights are the reader's authority's."""

    __tablename__ = "risks"

    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisations.id"), primary_key=True)
    factor: Mapped[str] = mapped_column(String(20), primary_key=True)
    share: Mapped[int]
    figure: Mapped[int]
    evidence: Mapped[str] = mapped_column(Text, default="[]")
    at: Mapped[datetime] = mapped_column(Moment)

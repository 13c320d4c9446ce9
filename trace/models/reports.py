"""Citizens' reports of a problem with goods: what was told, who looks into it, what was answered.

Nobody need say who they are. A contact, where one is given, is sealed and forgotten some time after
the report is closed; of the tracking code a digest is kept. Reports of abusive photos and texts are
another noun (models.requests).
"""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import Date, ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from trace.extensions import Model
from trace.models.organisations import Organisation
from trace.models.people import Person
from trace.models.products import Product
from trace.models.things import Thing
from trace.models.types import Id, Moment

# What is wrong with the goods, the most urgent first.
PROBLEMS = ("illness", "spoiled", "foreign", "label", "code", "measure", "other")
URGENT = ("illness",)
STATES = ("received", "looking", "asked", "answered", "closed")
OUTCOMES = ("confirmed", "not-found", "elsewhere", "repeated")
# received: came in; the rest are acts of a desk, of the reporter (reply), of the maker (maker) or
# of time (escalated).
STEPS = (
    *("received", "looking", "forwarded", "escalated", "asked", "reply", "passed", "maker"),
    *("linked", "merged", "split", "admitted", "answered", "closed"),
)
# Whom a step is shown to, beside the desk.
SEEN = ("reporter", "maker", "desk")
CASES = ("inspection", "finding", "recall")


class Report(Model):
    """One citizen's report. `about` is the path that was scanned, or what was typed."""

    __tablename__ = "reports"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    code_hash: Mapped[bytes] = mapped_column(unique=True)  # SHA-256 of the tracking code
    problem: Mapped[str] = mapped_column(String(10))
    state: Mapped[str] = mapped_column(String(10), default="received")
    outcome: Mapped[str] = mapped_column(String(10), default="")
    locale: Mapped[str] = mapped_column(String(5), default="vi")
    about: Mapped[str] = mapped_column(String(300), default="")
    lot_id: Mapped[int | None] = mapped_column(ForeignKey("things.id"))
    product_id: Mapped[int | None] = mapped_column(ForeignKey("products.id"))
    maker_id: Mapped[int | None] = mapped_column(ForeignKey("organisations.id"))
    bought_on: Mapped[date | None] = mapped_column(Date)
    bought_ward: Mapped[str | None] = mapped_column(String(5))
    bought_at: Mapped[str] = mapped_column(String(200), default="")  # the shop or stall, in words
    people: Mapped[int | None]  # how many fell ill
    words: Mapped[str] = mapped_column(Text, default="")
    contact: Mapped[bytes | None]  # sealed {contact, tell, ask}
    # Where it went, and why there: bought | sale | maker | nowhere.
    ward_code: Mapped[str | None] = mapped_column(String(5))
    placed_by: Mapped[str] = mapped_column(String(7), default="nowhere")
    sector: Mapped[str] = mapped_column(String(12), default="")
    authority_id: Mapped[int | None] = mapped_column(ForeignKey("organisations.id"))
    person_id: Mapped[int | None] = mapped_column(ForeignKey("people.id"))  # who looks into it
    merged_into_id: Mapped[int | None] = mapped_column(ForeignKey("reports.id"), index=True)
    urgent: Mapped[bool] = mapped_column(default=False)
    held: Mapped[bool] = mapped_column(default=False)  # one of a burst; a desk admits it
    received_at: Mapped[datetime] = mapped_column(Moment)
    look_by: Mapped[datetime] = mapped_column(Moment)
    answer_by: Mapped[datetime] = mapped_column(Moment)
    looked_at: Mapped[datetime | None] = mapped_column(Moment)
    escalated_at: Mapped[datetime | None] = mapped_column(Moment)
    passed_at: Mapped[datetime | None] = mapped_column(Moment)  # to the maker, in the desk's words
    answered_at: Mapped[datetime | None] = mapped_column(Moment)
    closed_at: Mapped[datetime | None] = mapped_column(Moment)
    version: Mapped[int] = mapped_column(default=1)

    lot: Mapped[Thing | None] = relationship()
    product: Mapped[Product | None] = relationship()
    maker: Mapped[Organisation | None] = relationship(foreign_keys=[maker_id])
    authority: Mapped[Organisation | None] = relationship(foreign_keys=[authority_id])
    person: Mapped[Person | None] = relationship()

    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012 (SQLAlchemy's own form)
    __table_args__ = (
        Index("ix_reports_desk", "authority_id", "closed_at"),
        Index("ix_reports_place", "ward_code", "received_at"),
        Index("ix_reports_lot", "lot_id", "received_at"),
        Index("ix_reports_maker", "maker_id", "received_at"),
        Index("ix_reports_open", "closed_at", "received_at"),
    )


class ReportStep(Model):
    """What happened to a report, and what somebody said then."""

    __tablename__ = "report_steps"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    report_id: Mapped[int] = mapped_column(ForeignKey("reports.id"), index=True)
    at: Mapped[datetime] = mapped_column(Moment)
    kind: Mapped[str] = mapped_column(String(10))
    seen: Mapped[str] = mapped_column(String(10), default="desk")
    organisation_id: Mapped[int | None] = mapped_column(ForeignKey("organisations.id"))
    person_id: Mapped[int | None] = mapped_column(ForeignKey("people.id"))
    reference: Mapped[str] = mapped_column(String(30), default="")  # of linked: "finding:7"
    text: Mapped[str] = mapped_column(Text, default="")

    organisation: Mapped[Organisation | None] = relationship()


class ReportPhoto(Model):
    """A photo a citizen sent: the file is sealed (services.citizen_reports.photos)."""

    __tablename__ = "report_photos"

    report_id: Mapped[int] = mapped_column(ForeignKey("reports.id"), primary_key=True)
    digest: Mapped[str] = mapped_column(String(43), primary_key=True)
    number: Mapped[int]  # 1, 2, 3: how pages name it
    size: Mapped[int]
    shared: Mapped[bool] = mapped_column(default=False)  # with the maker

    __table_args__ = (Index("ix_report_photos_digest", "digest"),)

"""What people ask about their own data, what they report as abusive, and what was taken down.

A request holds as little of the asker as it can: everything personal is one sealed text, deleted
some time after the request is closed, and the code that opens its page is kept as a digest only.
"""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import Date, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from trace.extensions import Model, db
from trace.models.events import Event
from trace.models.organisations import Organisation
from trace.models.types import Id, Moment

# What Law 91/2025/QH15 lets a person ask, and the report of an abusive photo or text.
SUBJECT_KINDS = ("access", "correction", "objection", "restriction", "withdrawal", "erasure")
REPORT = "takedown"
KINDS = (*SUBJECT_KINDS, REPORT)
STATES = ("received", "answered", "working", "done", "refused")
CLOSED = ("done", "refused")
REASONS = ("personal", "indecent", "violence", "insult", "illegal", "advert", "other")


class Request(Model):
    """One request of a person, or one report of a photo or a text."""

    __tablename__ = "requests"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    code_hash: Mapped[bytes | None] = mapped_column(unique=True)  # SHA-256; null once forgotten
    kind: Mapped[str] = mapped_column(String(20))
    state: Mapped[str] = mapped_column(String(10), default="received")
    locale: Mapped[str] = mapped_column(String(5), default="vi")
    # Whose data it is about, once the desk has said so; that organisation then sees it.
    organisation_id: Mapped[int | None] = mapped_column(ForeignKey("organisations.id"), index=True)
    # Of a report: the statement and the photo it is about, and what is wrong with it.
    event_id: Mapped[int | None] = mapped_column(ForeignKey("events.id"))
    digest: Mapped[str | None] = mapped_column(String(43))
    reason: Mapped[str] = mapped_column(String(20), default="")
    content: Mapped[bytes | None]  # sealed: name, contact, words, what about, the letters
    processor: Mapped[bool] = mapped_column(default=False)  # someone else processes the data too
    received_at: Mapped[datetime] = mapped_column(Moment)
    reply_by: Mapped[date] = mapped_column(Date)
    finish_by: Mapped[date] = mapped_column(Date)
    answered_at: Mapped[datetime | None] = mapped_column(Moment)
    extended_at: Mapped[datetime | None] = mapped_column(Moment)
    closed_at: Mapped[datetime | None] = mapped_column(Moment)
    person_id: Mapped[int | None] = mapped_column(ForeignKey("people.id"))  # who last handled it
    version: Mapped[int] = mapped_column(default=1)

    organisation: Mapped[Organisation | None] = relationship()
    event: Mapped[Event | None] = relationship()

    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012 (SQLAlchemy's own form)
    __table_args__ = (Index("ix_requests_open", "closed_at", "reply_by"),)


class Takedown(Model):
    """A photo or a text that nobody is shown any more; its digest stays where it was signed.

    `digest` names the file of a photo, the disclosure of a text. `kept` is the text, sealed, for
    whoever has to judge the decision; null once it is forgotten.
    """

    __tablename__ = "takedowns"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    kind: Mapped[str] = mapped_column(String(10))  # photo | text
    digest: Mapped[str] = mapped_column(String(43), index=True)
    event_id: Mapped[int | None] = mapped_column(ForeignKey("events.id"), index=True)
    member: Mapped[str] = mapped_column(String(200), default="")
    reason: Mapped[str] = mapped_column(String(20))
    kept: Mapped[bytes | None]
    request_id: Mapped[int | None] = mapped_column(ForeignKey("requests.id"))
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisations.id"))  # who decided
    person_id: Mapped[int | None] = mapped_column(ForeignKey("people.id"))
    created_at: Mapped[datetime] = mapped_column(Moment)
    lifted_at: Mapped[datetime | None] = mapped_column(Moment)

    event: Mapped[Event | None] = relationship()
    organisation: Mapped[Organisation] = relationship()

    __table_args__ = (
        Index(
            "uq_takedowns_standing",
            "digest",
            unique=True,
            sqlite_where=db.text("lifted_at IS NULL"),
            postgresql_where=db.text("lifted_at IS NULL"),
        ),
    )

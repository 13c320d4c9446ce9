"""Work asked for in one transaction and done in another."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, SmallInteger, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from trace.extensions import Model
from trace.models.types import Id, Moment

STATES = ("queued", "running", "done", "failed")


class Job(Model):
    __tablename__ = "jobs"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    public_id: Mapped[str] = mapped_column(String(36), unique=True)
    kind: Mapped[str] = mapped_column(String(30))
    organisation_id: Mapped[int | None] = mapped_column(ForeignKey("organisations.id"))
    person_id: Mapped[int | None] = mapped_column(ForeignKey("people.id"))
    argument: Mapped[str] = mapped_column(Text, default="{}")  # JSON
    payload: Mapped[bytes | None]  # deflated document; dropped when the job is done
    state: Mapped[str] = mapped_column(String(10), default="queued")
    attempts: Mapped[int] = mapped_column(default=0)
    # Tries in a row that ended without an answer: whoever made them died.
    deaths: Mapped[int] = mapped_column(SmallInteger, default=0, server_default=text("0"))
    progress: Mapped[int] = mapped_column(default=0)
    total: Mapped[int] = mapped_column(default=0)
    result: Mapped[str | None] = mapped_column(Text)  # JSON
    leased_by: Mapped[str | None] = mapped_column(String(100))
    lease_until: Mapped[datetime | None] = mapped_column(Moment)
    run_after: Mapped[datetime] = mapped_column(Moment)
    created_at: Mapped[datetime] = mapped_column(Moment)
    finished_at: Mapped[datetime | None] = mapped_column(Moment)
    # Failed by no fault of whoever asked, and somebody has to look at it (services.jobs_aside).
    set_aside_at: Mapped[datetime | None] = mapped_column(Moment)

    __table_args__ = (
        Index("ix_jobs_due", "state", "run_after"),
        Index("ix_jobs_own", "organisation_id", "kind", "id"),
        Index(
            "ix_jobs_aside",
            "set_aside_at",
            sqlite_where=text("set_aside_at IS NOT NULL"),
            postgresql_where=text("set_aside_at IS NOT NULL"),
        ),
    )

"""Queries an organisation gave a name, and who wants to be told what is new in them.

Nothing that is sent is kept: a subscription remembers a place in the log, a dead letter a stretch
of it, and what is sent is asked again. So a name that was erased since is never sent again.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from trace.extensions import Model
from trace.models.organisations import Organisation
from trace.models.types import Id, Moment


class NamedQuery(Model):
    """An EPCIS query under a name; `query` is JSON, as it was given and found good."""

    __tablename__ = "named_queries"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisations.id"))
    name: Mapped[str] = mapped_column(String(100))
    query: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(Moment)

    __table_args__ = (UniqueConstraint("organisation_id", "name", name="uq_named_queries_name"),)


class Subscription(Model):
    """Who is told what is new in a named query: at every event, or by a schedule.

    `cursor` is the place in the log that is looked at next; null until `initial_record_time` has
    come. `schedule` is JSON, empty for a stream. `batch` is how many events the receiver takes at
    once: halved when it says that they are too many.
    """

    __tablename__ = "subscriptions"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    public_id: Mapped[str] = mapped_column(String(36), unique=True)
    query_id: Mapped[int] = mapped_column(ForeignKey("named_queries.id"), index=True)
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisations.id"), index=True)
    dest: Mapped[str] = mapped_column(Text)
    secret: Mapped[bytes | None]  # the signatureToken, sealed
    schedule: Mapped[str] = mapped_column(Text, default="")
    report_if_empty: Mapped[bool] = mapped_column(default=False)
    initial_record_time: Mapped[datetime | None] = mapped_column(Moment)
    epc_format: Mapped[str] = mapped_column(String(24), default="")
    # How messages are written: "" as JSON, xml-urn or xml-web as XML with words of that form.
    form: Mapped[str] = mapped_column(String(8), default="", server_default="")
    # "inspect" where its token inspected: then it is told what its authority reaches.
    acts: Mapped[str] = mapped_column(String(8), default="", server_default="")
    made_with: Mapped[str] = mapped_column(String(100), default="")  # the token's name
    created_at: Mapped[datetime] = mapped_column(Moment)
    last_notified_at: Mapped[datetime | None] = mapped_column(Moment)
    cursor: Mapped[int | None] = mapped_column(Id)
    batch: Mapped[int]
    attempts: Mapped[int] = mapped_column(default=0)  # that failed since the last that did not
    failure: Mapped[str] = mapped_column(String(100), default="")
    paused_at: Mapped[datetime | None] = mapped_column(Moment)
    due_at: Mapped[datetime] = mapped_column(Moment)
    lease_until: Mapped[datetime | None] = mapped_column(Moment)

    query: Mapped[NamedQuery] = relationship()
    organisation: Mapped[Organisation] = relationship()

    __table_args__ = (Index("ix_subscriptions_due", "due_at"),)


class DeadLetter(Model):
    """A stretch of the log [`first`, `end`) whose events a subscriber did not take.

    `replay_at` is set while it waits to be sent again; `done_at` once it was taken, or put aside.
    """

    __tablename__ = "dead_letters"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    subscription_id: Mapped[int] = mapped_column(ForeignKey("subscriptions.id"))
    first: Mapped[int] = mapped_column(Id)
    end: Mapped[int] = mapped_column("upto", Id)
    reason: Mapped[str] = mapped_column(String(100))
    attempts: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime] = mapped_column(Moment)
    replay_at: Mapped[datetime | None] = mapped_column(Moment)
    done_at: Mapped[datetime | None] = mapped_column(Moment)

    subscription: Mapped[Subscription] = relationship()

    __table_args__ = (Index("ix_dead_letters_open", "subscription_id", "done_at"),)

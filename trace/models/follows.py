"""Who wants to be told what happens to a lot, without an account, and what they were told.

Of a follower there is one sealed text (where messages go, and the code of their pages), and two
keyed digests: nobody can list who follows what from a copy of the table, nor look whether somebody
does.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from trace.extensions import Model
from trace.models.things import Thing
from trace.models.types import Id, Moment

CHANNELS = ("email", "push")


class Follow(Model):
    """One e-mail address or one browser, following one lot."""

    __tablename__ = "follows"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    thing_id: Mapped[int] = mapped_column(ForeignKey("things.id"))
    channel: Mapped[str] = mapped_column(String(5))
    contact_hash: Mapped[bytes]  # HMAC of the address: once only, and never more often than agreed
    code_hash: Mapped[bytes] = mapped_column(unique=True)  # SHA-256 of what opens their pages
    sealed: Mapped[bytes]  # {"to": …, "code": …}
    locale: Mapped[str] = mapped_column(String(5), default="vi")
    created_at: Mapped[datetime] = mapped_column(Moment)
    confirmed_at: Mapped[datetime | None] = mapped_column(Moment)  # nothing is told before
    forget_at: Mapped[datetime] = mapped_column(Moment, index=True)

    thing: Mapped[Thing] = relationship()

    __table_args__ = (
        UniqueConstraint("thing_id", "contact_hash", name="uq_follows_contact"),
        Index("ix_follows_contact", "contact_hash"),  # all that one address follows
    )


class FollowMessage(Model):
    """What one notice says to one follower, on its way."""

    __tablename__ = "follow_messages"

    follow_id: Mapped[int] = mapped_column(
        ForeignKey("follows.id", ondelete="CASCADE"), primary_key=True
    )
    event_id: Mapped[int] = mapped_column(ForeignKey("events.id"), primary_key=True)
    state: Mapped[str] = mapped_column(String(7), default="queued")  # queued | sent | failed
    attempts: Mapped[int] = mapped_column(default=0)
    due_at: Mapped[datetime] = mapped_column(Moment)

    follow: Mapped[Follow] = relationship()

    __table_args__ = (Index("ix_follow_messages_due", "event_id", "state", "due_at"),)

"""What people are told, whatever the way: one row a person, one delivery a channel."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from trace.extensions import Model
from trace.models.organisations import Organisation
from trace.models.people import Person
from trace.models.types import Id, Moment

KINDS = (
    "application",
    "members",
    "handover",
    "alert",
    "key",
    "certificate",
    "request",
    "weekly",
    "directive",
    "desk",
)
CHANNELS = ("email", "sms", "push")  # beside the application itself, which is always on
STATES = ("queued", "sent", "failed", "dropped")


class Notification(Model):
    __tablename__ = "notifications"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id"))
    organisation_id: Mapped[int | None] = mapped_column(ForeignKey("organisations.id"))
    kind: Mapped[str] = mapped_column(String(12))
    word: Mapped[str] = mapped_column(String(30))  # which sentence of the kind
    context: Mapped[str] = mapped_column(Text, default="{}")  # JSON: what fills the sentence
    address: Mapped[str] = mapped_column(String(300), default="")  # path of the page about it
    # What is told once only, whatever runs twice: "notice:7", "week:2026-11-16". Null: every time.
    subject: Mapped[str | None] = mapped_column(String(60))
    created_at: Mapped[datetime] = mapped_column(Moment)
    read_at: Mapped[datetime | None] = mapped_column(Moment)

    person: Mapped[Person] = relationship()
    organisation: Mapped[Organisation | None] = relationship()

    __table_args__ = (
        Index("ix_notifications_of", "person_id", "read_at", "id"),
        UniqueConstraint(
            "person_id", "organisation_id", "subject", name="uq_notifications_subject"
        ),
    )


class Delivery(Model):
    """A notification on its way through one channel: by push to one device, which is forgotten when
    it is gone."""

    __tablename__ = "deliveries"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    notification_id: Mapped[int] = mapped_column(ForeignKey("notifications.id"), index=True)
    channel: Mapped[str] = mapped_column(String(5))
    subscription_id: Mapped[int | None] = mapped_column(
        ForeignKey("push_subscriptions.id", ondelete="SET NULL"), index=True
    )
    state: Mapped[str] = mapped_column(String(7), default="queued")
    attempts: Mapped[int] = mapped_column(default=0)
    reason: Mapped[str] = mapped_column(String(40), default="")  # of failed and dropped
    due_at: Mapped[datetime] = mapped_column(Moment)
    sent_at: Mapped[datetime | None] = mapped_column(Moment)

    notification: Mapped[Notification] = relationship()
    subscription: Mapped[PushSubscription | None] = relationship()


class Preference(Model):
    """Whether a person wants a kind through a channel; without a row the default stands."""

    __tablename__ = "preferences"

    person_id: Mapped[int] = mapped_column(ForeignKey("people.id"), primary_key=True)
    kind: Mapped[str] = mapped_column(String(12), primary_key=True)
    channel: Mapped[str] = mapped_column(String(5), primary_key=True)
    wanted: Mapped[bool]


class PushSubscription(Model):
    """A browser that asked for messages (Push API): where they go and the keys they are sealed
    for."""

    __tablename__ = "push_subscriptions"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id"), index=True)
    endpoint_hash: Mapped[bytes] = mapped_column(unique=True)
    endpoint: Mapped[str] = mapped_column(String(2000))
    p256dh: Mapped[str] = mapped_column(String(120))
    auth: Mapped[str] = mapped_column(String(40))
    device: Mapped[str] = mapped_column(String(80), default="", server_default="")
    created_at: Mapped[datetime] = mapped_column(Moment)
    sent_at: Mapped[datetime | None] = mapped_column(Moment)  # the last message it took


class PushKey(Model):
    """The platform's own key for web push (RFC 8292), one row: browsers bind what they ask for to
    its public half, so another key would silence every device."""

    __tablename__ = "push_keys"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    public: Mapped[str] = mapped_column(String(100))  # base64url of the uncompressed P-256 point
    sealed: Mapped[bytes]
    created_at: Mapped[datetime] = mapped_column(Moment)

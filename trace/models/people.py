"""People, their memberships, sessions and tokens. Nothing here ever enters the log."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from trace.extensions import Model
from trace.models.organisations import Organisation
from trace.models.types import Id, Moment

ROLES = ("owner", "recorder", "viewer", "inspector", "supervisor", "admin")


class Person(Model):
    __tablename__ = "people"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    name: Mapped[str] = mapped_column(String(200))
    email: Mapped[str | None] = mapped_column(String(254), unique=True)
    phone: Mapped[str | None] = mapped_column(String(20), unique=True)  # E.164
    password_hash: Mapped[str] = mapped_column(String(200))
    locale: Mapped[str] = mapped_column(String(5), default="vi")
    active: Mapped[bool] = mapped_column(default=True)
    created_at: Mapped[datetime] = mapped_column(Moment)
    # When each contact was proven by a one-time code; an unproven one gives way to who proves it.
    email_proven_at: Mapped[datetime | None] = mapped_column(Moment)
    phone_proven_at: Mapped[datetime | None] = mapped_column(Moment)
    seen_at: Mapped[datetime | None] = mapped_column(Moment)  # the last sign-in
    # When this person, who decides about others, was first asked for a second step of signing in.
    factor_asked_at: Mapped[datetime | None] = mapped_column(Moment)

    memberships: Mapped[list[Membership]] = relationship(back_populates="person")


class Membership(Model):
    """What a person may do in one organisation."""

    __tablename__ = "memberships"

    person_id: Mapped[int] = mapped_column(ForeignKey("people.id"), primary_key=True)
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisations.id"), primary_key=True)
    role: Mapped[str] = mapped_column(String(20))
    created_at: Mapped[datetime] = mapped_column(Moment)

    person: Mapped[Person] = relationship(back_populates="memberships")
    organisation: Mapped[Organisation] = relationship()


class Session(Model):
    """A sign-in. The cookie carries a random token; only its SHA-256 is kept."""

    __tablename__ = "sessions"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    token_hash: Mapped[bytes] = mapped_column(unique=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id"), index=True)
    organisation_id: Mapped[int | None] = mapped_column(ForeignKey("organisations.id"))
    created_at: Mapped[datetime] = mapped_column(Moment)
    expires_at: Mapped[datetime] = mapped_column(Moment)
    # When the second step was last shown in this sign-in; None: only the first one was.
    factor_at: Mapped[datetime | None] = mapped_column(Moment)

    person: Mapped[Person] = relationship()
    organisation: Mapped[Organisation | None] = relationship()


class Token(Model):
    """A token for scripts, acting as one organisation; only its SHA-256 is kept."""

    __tablename__ = "tokens"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    token_hash: Mapped[bytes] = mapped_column(unique=True)
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisations.id"), index=True)
    person_id: Mapped[int | None] = mapped_column(ForeignKey("people.id"))
    name: Mapped[str] = mapped_column(String(100))
    scopes: Mapped[str] = mapped_column(String(200))  # space-separated: capture query
    created_at: Mapped[datetime] = mapped_column(Moment)
    expires_at: Mapped[datetime | None] = mapped_column(Moment)
    last_used_at: Mapped[datetime | None] = mapped_column(Moment)

    organisation: Mapped[Organisation] = relationship()
    person: Mapped[Person | None] = relationship()

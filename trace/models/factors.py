"""The second step of a sign-in: authenticator applications, recovery codes, sign-ins that wait for
it, and who asked that somebody's be reset.

A secret is sealed under the server's key; recovery codes are kept as slow hashes; a sign-in that
waits has a token of its own, which no other page takes for one that is done.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from trace.extensions import Model
from trace.models.people import Person
from trace.models.types import Id, Moment

RESET_STATES = ("waiting", "done", "refused")


class Authenticator(Model):
    """An application that makes codes; one a person. `last_step` is the newest step used."""

    __tablename__ = "authenticators"

    person_id: Mapped[int] = mapped_column(ForeignKey("people.id"), primary_key=True)
    sealed: Mapped[bytes]
    last_step: Mapped[int] = mapped_column(Id)
    created_at: Mapped[datetime] = mapped_column(Moment)
    used_at: Mapped[datetime] = mapped_column(Moment)


class RecoveryCode(Model):
    """A code for who lost the device; good once. `place` is its first character, which no other
    of the same person has: so one hash is tried, not ten."""

    __tablename__ = "recovery_codes"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id"))
    place: Mapped[str] = mapped_column(String(1))
    code_hash: Mapped[str] = mapped_column(String(200))
    created_at: Mapped[datetime] = mapped_column(Moment)
    used_at: Mapped[datetime | None] = mapped_column(Moment)

    __table_args__ = (UniqueConstraint("person_id", "place"),)


class HalfSignIn(Model):
    """A sign-in whose first step is done and whose second is not: it opens nothing."""

    __tablename__ = "half_sign_ins"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    token_hash: Mapped[bytes] = mapped_column(unique=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id"), index=True)
    tries: Mapped[int] = mapped_column(default=0)
    expires_at: Mapped[datetime] = mapped_column(Moment, index=True)

    person: Mapped[Person] = relationship()


class FactorReset(Model):
    """Somebody's second step is to be taken away: asked by one administrator, done by another."""

    __tablename__ = "factor_resets"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id"), index=True)
    reason: Mapped[str] = mapped_column(String(500))
    state: Mapped[str] = mapped_column(String(10), default="waiting")
    asked_by: Mapped[int] = mapped_column(ForeignKey("people.id"))
    asked_at: Mapped[datetime] = mapped_column(Moment)
    decided_by: Mapped[int | None] = mapped_column(ForeignKey("people.id"))
    decided_at: Mapped[datetime | None] = mapped_column(Moment)

    person: Mapped[Person] = relationship(foreign_keys=[person_id])
    asker: Mapped[Person] = relationship(foreign_keys=[asked_by])
    decider: Mapped[Person | None] = relationship(foreign_keys=[decided_by])

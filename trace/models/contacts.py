"""One-time codes sent to contacts, passkeys people sign in with, and counters of tries.

A code is kept as an HMAC only, and so is the contact it went to: a copy of the table lets nobody
sign in and lists nobody's numbers.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from trace.extensions import Model
from trace.models.people import Person
from trace.models.types import Id, Moment

PURPOSES = ("register", "recover", "prove")


class ContactCode(Model):
    """A code of six digits on its way to a phone number or an e-mail address."""

    __tablename__ = "contact_codes"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    purpose: Mapped[str] = mapped_column(String(10))
    contact_hash: Mapped[bytes] = mapped_column(index=True)
    person_id: Mapped[int | None] = mapped_column(ForeignKey("people.id"))
    code_hash: Mapped[bytes]
    tries: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime] = mapped_column(Moment)
    expires_at: Mapped[datetime] = mapped_column(Moment, index=True)
    used_at: Mapped[datetime | None] = mapped_column(Moment)


class PersonPasskey(Model):
    """A passkey that a person signs in with; organisations' passkeys are rows of `keys`."""

    __tablename__ = "person_passkeys"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id"), index=True)
    credential: Mapped[str] = mapped_column(String(1400), unique=True)  # base64url
    public_key: Mapped[bytes]  # COSE_Key
    sign_count: Mapped[int] = mapped_column(Id, default=0)
    name: Mapped[str] = mapped_column(String(60))
    created_at: Mapped[datetime] = mapped_column(Moment)
    used_at: Mapped[datetime | None] = mapped_column(Moment)

    person: Mapped[Person] = relationship()


class Counter(Model):
    """How often something was tried in the running window; the key is an HMAC, not an address."""

    __tablename__ = "counters"

    key: Mapped[bytes] = mapped_column(primary_key=True)
    count: Mapped[int]
    ends_at: Mapped[datetime] = mapped_column(Moment, index=True)

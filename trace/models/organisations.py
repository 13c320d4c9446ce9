"""Organisations: who signs. Unconfirmed until an authority confirms, and publicly said to be."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column, relationship, validates

from trace.core.folding import fold
from trace.extensions import Model, db
from trace.models.types import Id, Moment

KINDS = (
    "producer",
    "co-operative",
    "trader",
    "processor",
    "carrier",
    "retailer",
    "laboratory",
    "certifier",
    "authority",
    "platform",
)
STATUSES = ("unconfirmed", "confirmed", "suspended")


class Organisation(Model):
    __tablename__ = "organisations"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    code: Mapped[str] = mapped_column(String(10), unique=True)
    gln: Mapped[str | None] = mapped_column(String(13), unique=True)
    name: Mapped[str] = mapped_column(String(200))
    name_en: Mapped[str] = mapped_column(String(200), default="")
    # Both names as people type them who look for something; kept by `_fold`.
    folded: Mapped[str] = mapped_column(String(500), default="", server_default="")
    kind: Mapped[str] = mapped_column(String(20))
    status: Mapped[str] = mapped_column(String(20), default="unconfirmed")
    demonstration: Mapped[bool] = mapped_column(default=False)
    ward_code: Mapped[str | None] = mapped_column(String(10))
    address: Mapped[str] = mapped_column(String(300), default="")
    phone: Mapped[str] = mapped_column(String(20), default="")
    phone_public: Mapped[bool] = mapped_column(default=False)
    use_salt: Mapped[bytes]  # chain of the organisation's use of its keys
    use_head: Mapped[int] = mapped_column(default=0)
    keyring_head: Mapped[int] = mapped_column(default=0)
    keyring_last: Mapped[str | None] = mapped_column(String(43))  # digest of its newest record
    jurisdiction: Mapped[str | None] = mapped_column(String(200))  # authorities: ward codes or "*"
    # Authorities: agriculture, trade, health, apart by spaces; "" for all three.
    sectors: Mapped[str] = mapped_column(String(60), default="", server_default="")
    approval_required: Mapped[bool] = mapped_column(default=False)  # by passkey, in the console
    created_at: Mapped[datetime] = mapped_column(Moment)
    confirmed_at: Mapped[datetime | None] = mapped_column(Moment)
    closed_at: Mapped[datetime | None] = mapped_column(Moment)  # from then on nothing is recorded
    version: Mapped[int] = mapped_column(default=1)

    @validates("name", "name_en")
    def _fold(self, key: str, text: str) -> str:
        names = {"name": self.name, "name_en": self.name_en, key: text}
        self.folded = fold(f"{names['name'] or ''} {names['name_en'] or ''}")[:500]
        return text

    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012 (SQLAlchemy's own form)
    __table_args__ = (Index("ix_organisations_ward", "ward_code", "kind", "status"),)


class Household(Model):
    """A member household of a co-operative: a code in public, a name in private, no account."""

    __tablename__ = "households"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisations.id"), index=True)
    code: Mapped[str] = mapped_column(String(20))
    name: Mapped[str] = mapped_column(String(200), default="")
    phone: Mapped[str] = mapped_column(String(20), default="")
    hamlet: Mapped[str] = mapped_column(String(100), default="", server_default="")
    ward_code: Mapped[str | None] = mapped_column(String(10))
    active: Mapped[bool] = mapped_column(default=True)
    created_at: Mapped[datetime] = mapped_column(Moment)
    version: Mapped[int] = mapped_column(default=1)

    organisation: Mapped[Organisation] = relationship()

    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012
    __table_args__ = (db.UniqueConstraint("organisation_id", "code"),)


class Key(Model):
    """An organisation's signing key. Believed only from the log; this row is where it is kept."""

    __tablename__ = "keys"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisations.id"), index=True)
    purpose: Mapped[str] = mapped_column(String(10), default="sign")  # sign | receipt
    kid: Mapped[str] = mapped_column(String(300), unique=True)
    jwk: Mapped[str] = mapped_column(String(500))
    sealed: Mapped[bytes | None]  # AES-256-GCM under the key-encryption key; null: held elsewhere
    custody: Mapped[str] = mapped_column(String(10), default="server")
    passkey: Mapped[str | None] = mapped_column(String(2000))  # JSON: id, rpId, origin, name
    active_from: Mapped[int | None] = mapped_column(Id)  # log index of the add
    revoked_from: Mapped[int | None] = mapped_column(Id)  # log index of the revocation
    created_at: Mapped[datetime] = mapped_column(Moment)

    organisation: Mapped[Organisation] = relationship()

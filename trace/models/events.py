"""Events as signed statements, and the index that answers every question about them."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from sqlalchemy import ForeignKey, Index, SmallInteger, String, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from trace.extensions import Model, db
from trace.models.organisations import Key, Organisation
from trace.models.types import Id, Jwt, Moment, Quantity

TYPES = (
    "ObjectEvent",
    "AggregationEvent",
    "TransactionEvent",
    "TransformationEvent",
    "AssociationEvent",
)
ROLES = ("epc", "parent", "child", "input", "output")
PUBLIC, PARTNER, PRIVATE = 0, 1, 2


MEASURED = "biz_step = 'sensor_reporting'"


class Event(Model):
    """One statement: every byte of JWT and disclosures, plus columns to filter by.

    `disclosures` is what `core.statements.keep_texts` makes of them, null where erased; who wants
    the texts asks `kept_texts`. `private` is a JSON list of member paths the issuer keeps from the
    public. Everything but `private` can be recomputed
    from the JWT, the disclosures or the log entry. The log index is in log_entries.
    """

    __tablename__ = "events"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    statement_id: Mapped[bytes] = mapped_column(unique=True)  # the 16 bytes of the urn:uuid
    issuer_id: Mapped[int] = mapped_column(ForeignKey("organisations.id"))
    key_id: Mapped[int] = mapped_column(ForeignKey("keys.id"))
    type: Mapped[int] = mapped_column(SmallInteger)  # index in TYPES
    action: Mapped[str | None] = mapped_column(String(7))
    event_time: Mapped[datetime] = mapped_column(Moment)
    biz_step: Mapped[str | None] = mapped_column(String(100))
    disposition: Mapped[str | None] = mapped_column(String(100))
    read_point: Mapped[str | None] = mapped_column(String(300))
    biz_location: Mapped[str | None] = mapped_column(String(300))
    corrects: Mapped[bytes | None]  # statement_id an error declaration is about
    notice: Mapped[str | None] = mapped_column(String(10))  # recall | hold | release | advice
    jwt: Mapped[str] = mapped_column(Jwt)
    disclosures: Mapped[str] = mapped_column(Text)
    private: Mapped[str] = mapped_column(Text, default="[]")

    issuer: Mapped[Organisation] = relationship()
    key: Mapped[Key] = relationship()

    __table_args__ = (
        Index("ix_events_issuer", "issuer_id", "id"),
        Index("ix_events_time", "event_time"),
        # With the issuer: whose declaration counts is asked along, and SQLite would else read all
        # of the issuer's events for each event it looks at.
        Index(
            "ix_events_corrects",
            "corrects",
            "issuer_id",
            sqlite_where=db.text("corrects IS NOT NULL"),
            postgresql_where=db.text("corrects IS NOT NULL"),
        ),
        # Measurements are about a place, often of no goods (services.epcis_queries_scope).
        *(
            Index(
                f"ix_events_measured_{name}",
                column,
                "id",
                sqlite_where=db.text(MEASURED),
                postgresql_where=db.text(MEASURED),
            )
            for name, column in (("at", "read_point"), ("in", "biz_location"))
        ),
    )


class EventThing(Model):
    """Which event names which thing, how, and how much: edges are read through this table."""

    __tablename__ = "event_things"

    event_id: Mapped[int] = mapped_column(ForeignKey("events.id"), primary_key=True)
    role: Mapped[int] = mapped_column(SmallInteger, primary_key=True)  # index in ROLES
    thing_id: Mapped[int] = mapped_column(ForeignKey("things.id"), primary_key=True)
    quantity: Mapped[Decimal | None] = mapped_column(Quantity)
    unit: Mapped[str | None] = mapped_column(String(3))
    visibility: Mapped[int] = mapped_column(SmallInteger, default=PUBLIC)

    __table_args__ = (
        Index("ix_event_things_thing", "thing_id", "event_id"),
        {"sqlite_with_rowid": False},
    )


class EventKey(Model):
    """(issuer, eventID, is-error-declaration) may exist once. `event_key` is the eventID's digest:
    base64url of the first 16 bytes of its SHA-256."""

    __tablename__ = "event_keys"

    issuer_id: Mapped[int] = mapped_column(ForeignKey("organisations.id"), primary_key=True)
    event_key: Mapped[str] = mapped_column(String(22), primary_key=True)
    error_declaration: Mapped[bool] = mapped_column(primary_key=True)
    event_id: Mapped[int] = mapped_column(ForeignKey("events.id"))

    __table_args__ = ({"sqlite_with_rowid": False},)


class IdempotencyKey(Model):
    """A repeated key returns the first answer; with another request it is a conflict."""

    __tablename__ = "idempotency_keys"

    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisations.id"), primary_key=True)
    key: Mapped[str] = mapped_column(String(100), primary_key=True)
    request_hash: Mapped[bytes]
    response: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(Moment)

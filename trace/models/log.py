"""The transparency log as stored: state, entries, tiles, checkpoints (formats §3–§4)."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from trace.extensions import Model, db
from trace.models.types import Id, Moment


class LogState(Model):
    """One row an origin; the newest is locked last by whoever appends.

    Places (`log_entries.idx`, `size`, `integrated`, `log_checkpoints.size`) count through all
    origins; an origin's own index is its place less `start`, which is 0 for the first one.
    `size` counts entries, `integrated` those in tiles.
    """

    __tablename__ = "log_state"

    id: Mapped[int] = mapped_column(primary_key=True)  # the origin's number: 1, 2, …
    origin: Mapped[str] = mapped_column(String(300))
    id_base: Mapped[str] = mapped_column(String(300))  # frozen at creation
    start: Mapped[int] = mapped_column(Id, default=0)
    size: Mapped[int] = mapped_column(Id, default=0)
    integrated: Mapped[int] = mapped_column(Id, default=0)
    last_time: Mapped[datetime] = mapped_column(Moment)
    leased_by: Mapped[str | None] = mapped_column(String(100))
    lease_until: Mapped[datetime | None] = mapped_column(Moment)


class LogEntry(Model):
    __tablename__ = "log_entries"

    index: Mapped[int] = mapped_column("idx", Id, primary_key=True, autoincrement=False)
    entry: Mapped[str] = mapped_column(Text)  # verbatim; hashed as it stands
    event_id: Mapped[int | None] = mapped_column(ForeignKey("events.id"), unique=True)


class LogTile(Model):
    """A tile under (level + 64 · (origin's number - 1), index); its newest width."""

    __tablename__ = "log_tiles"

    level: Mapped[int] = mapped_column(primary_key=True)
    index: Mapped[int] = mapped_column("idx", Id, primary_key=True, autoincrement=False)
    nodes: Mapped[bytes]  # up to 256 hashes of 32 bytes

    __table_args__ = ({"sqlite_with_rowid": False},)


class LogCheckpoint(Model):
    """A signed checkpoint with the cosignatures it has got; `witnessed_at` once they are enough."""

    __tablename__ = "log_checkpoints"

    size: Mapped[int] = mapped_column(Id, primary_key=True, autoincrement=False)
    note: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(Moment)
    witnessed_at: Mapped[datetime | None] = mapped_column(Moment)

    __table_args__ = (
        Index(
            "ix_log_checkpoints_witnessed",
            "size",
            sqlite_where=db.text("witnessed_at IS NOT NULL"),
            postgresql_where=db.text("witnessed_at IS NOT NULL"),
        ),
    )


class LogWitness(Model):
    """What a witness of the policy was last seen to have: by its verifier key."""

    __tablename__ = "log_witnesses"

    vkey: Mapped[str] = mapped_column(String(600), primary_key=True)
    size: Mapped[int] = mapped_column(Id, default=0)  # newest it cosigned for us; a place
    cosigned_at: Mapped[datetime | None] = mapped_column(Moment)  # by the witness's own clock
    asked_at: Mapped[datetime | None] = mapped_column(Moment)
    failure: Mapped[str | None] = mapped_column(Text)  # why the last question had no answer

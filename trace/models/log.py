"""The transparency log as stored: state, entries, tiles, checkpoints (formats §3–§4)."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from trace.extensions import Model
from trace.models.types import Id, Moment


class LogState(Model):
    """One row, locked last by whoever appends. `size` counts entries, `integrated` those in tiles."""

    __tablename__ = "log_state"

    id: Mapped[int] = mapped_column(primary_key=True)  # the origin's number: 1, 2, …
    origin: Mapped[str] = mapped_column(String(300))
    id_base: Mapped[str] = mapped_column(String(300))  # frozen at creation
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
    __tablename__ = "log_tiles"

    level: Mapped[int] = mapped_column(primary_key=True)
    index: Mapped[int] = mapped_column("idx", Id, primary_key=True, autoincrement=False)
    nodes: Mapped[bytes]  # up to 256 hashes of 32 bytes

    __table_args__ = ({"sqlite_with_rowid": False},)


class LogCheckpoint(Model):
    __tablename__ = "log_checkpoints"

    size: Mapped[int] = mapped_column(Id, primary_key=True, autoincrement=False)
    note: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(Moment)

"""Loggers and stations: what they are, what they read, and whose goods that concerns.

Readings are the maker's own book: a history is told only what they fold to. A reading knows in
which event it was told, so that none is told twice and one that comes late is told by itself.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from trace.extensions import Model, db
from trace.models.organisations import Organisation
from trace.models.places import Place
from trace.models.things import Thing
from trace.models.types import Id, Moment, Quantity


class Sensor(Model):
    """One logger or station. It stands at a place, or it travels with goods (`place_id` null)."""

    __tablename__ = "sensors"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisations.id"), index=True)
    name: Mapped[str] = mapped_column(String(100))
    device: Mapped[str] = mapped_column(String(45), unique=True)  # urn:uuid:…, EPCIS deviceID
    place_id: Mapped[int | None] = mapped_column(ForeignKey("places.id"))
    token_hash: Mapped[bytes | None] = mapped_column(unique=True)  # SHA-256; none: files only
    last_reading_at: Mapped[datetime | None] = mapped_column(Moment)
    told_at: Mapped[datetime | None] = mapped_column(Moment)
    created_at: Mapped[datetime] = mapped_column(Moment)
    retired_at: Mapped[datetime | None] = mapped_column(Moment)
    version: Mapped[int] = mapped_column(default=1)

    organisation: Mapped[Organisation] = relationship()
    place: Mapped[Place | None] = relationship()
    limits: Mapped[list[SensorLimit]] = relationship(
        cascade="all, delete-orphan", order_by="SensorLimit.measure"
    )

    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012 (SQLAlchemy's own form)


class SensorLimit(Model):
    """Between what a measure must lie to keep what the sensor watches well."""

    __tablename__ = "sensor_limits"

    sensor_id: Mapped[int] = mapped_column(
        ForeignKey("sensors.id", ondelete="CASCADE"), primary_key=True
    )
    measure: Mapped[str] = mapped_column(String(12), primary_key=True)
    low: Mapped[Decimal | None] = mapped_column(Quantity)
    high: Mapped[Decimal | None] = mapped_column(Quantity)


class SensorWatch(Model):
    """Goods a travelling logger goes with, from one moment to another."""

    __tablename__ = "sensor_watches"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    sensor_id: Mapped[int] = mapped_column(ForeignKey("sensors.id"))
    since: Mapped[datetime] = mapped_column(Moment)
    until: Mapped[datetime | None] = mapped_column(Moment)

    sensor: Mapped[Sensor] = relationship()
    things: Mapped[list[Thing]] = relationship(secondary="sensor_watch_things")

    __table_args__ = (Index("ix_sensor_watches_sensor", "sensor_id", "since"),)


class SensorWatchThing(Model):
    """One of the goods of a watch."""

    __tablename__ = "sensor_watch_things"

    watch_id: Mapped[int] = mapped_column(
        ForeignKey("sensor_watches.id", ondelete="CASCADE"), primary_key=True
    )
    thing_id: Mapped[int] = mapped_column(ForeignKey("things.id"), primary_key=True)


class SensorReading(Model):
    """One value. `event_id` is the event that told it, null until one did."""

    __tablename__ = "sensor_readings"

    sensor_id: Mapped[int] = mapped_column(ForeignKey("sensors.id"), primary_key=True)
    measure: Mapped[str] = mapped_column(String(12), primary_key=True)
    time: Mapped[datetime] = mapped_column(Moment, primary_key=True)
    value: Mapped[Decimal] = mapped_column(Quantity)
    event_id: Mapped[int | None] = mapped_column(ForeignKey("events.id"))

    __table_args__ = (
        # What is still to be told: small, however much was told already.
        Index(
            "ix_sensor_readings_untold",
            "sensor_id",
            "time",
            sqlite_where=db.text("event_id IS NULL"),
            postgresql_where=db.text("event_id IS NULL"),
        ),
        Index("ix_sensor_readings_time", "time"),
    )

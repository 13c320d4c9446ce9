"""When the hourly tidying last went well in all its steps: a row that whoever tidies touches."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import select

from trace.extensions import db
from trace.models.pulses import TIDIED, Pulse
from trace.models.types import to_millis
from trace.services.bulk import insert_rows

LATE: Final = timedelta(hours=3)  # two turns that failed, or that nobody took


def note(*, well: bool, at: datetime) -> None:
    """After a turn; one that failed is noted only where none went well yet: time counts from it.
    The caller commits."""
    clause = "UPDATE SET at = excluded.at, count = pulses.count + 1" if well else "NOTHING"
    row = (TIDIED, to_millis(at), 1 if well else 0)
    insert_rows("pulses", ("id", "at", "count"), [row], f"ON CONFLICT (id) DO {clause}")


def last() -> datetime | None:
    """None where nobody has tidied yet."""
    return db.session.scalar(select(Pulse.at).where(Pulse.id == TIDIED))

"""One logger of the demonstration: it went with a lot to the shop, and a door stood open on the
way. What it read is told as a device's readings are, and the lot's line carries the mark.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, time, timedelta
from decimal import Decimal
from typing import Final

from sqlalchemy import exists, select

from trace.core.gs1 import canonical_uri, parse_path
from trace.extensions import db
from trace.models import Holding, Organisation, Sensor, Thing
from trace.services import sensors, sensors_folding, sensors_readings
from trace.services.actors import Actor
from trace.services.demo.stage import Landmark
from trace.services.records import LOCAL_ZONE
from trace.services.settings import current_settings

EVENTS: Final = 1
STATE: Final = "expired-certificate"  # of the landmark whose goods it went with
STEP: Final = timedelta(minutes=5)
# Degrees every five minutes for three hours: cold, a door left open, cold again.
DEGREES: Final = (
    *("5.1", "4.8", "4.6", "4.4", "4.3", "4.2", "4.2", "4.1", "4.3", "4.4", "4.2", "4.1"),
    *("4.6", "5.9", "7.4", "8.8", "9.6", "10.1", "9.9", "9.2", "8.5", "7.6", "6.7", "6.0"),
    *("5.5", "5.1", "4.8", "4.6", "4.5", "4.4", "4.3", "4.3", "4.2", "4.3", "4.2", "4.4"),
)


def write_loggers(landmarks: Sequence[Landmark], *, now: datetime) -> int:
    """The logger, its readings of yesterday afternoon and their event; once however often it is
    called. The caller commits. Returns how many events were signed, in this call or before."""
    lot = next((one for one in landmarks if one.state == STATE), None)
    thing = lot and _thing(lot.path)
    if not thing:
        return 0
    holder = db.session.scalars(
        select(Organisation)
        .join(Holding, Holding.holder_id == Organisation.id)
        .where(Holding.thing_id == thing.id, Holding.quantity > 0, Organisation.kind == "retailer")
        .order_by(Organisation.id)
    ).first()
    if holder is None:
        return 0
    if db.session.scalar(select(exists().where(Sensor.organisation_id == holder.id))):
        return EVENTS
    yesterday = now.astimezone(LOCAL_ZONE).date() - timedelta(days=1)
    since = datetime.combine(yesterday, time(14), LOCAL_ZONE)
    actor = Actor(holder, None, "owner")
    values = {
        "name": "Máy ghi thùng mát Demo",
        "temperature_low": Decimal(2),
        "temperature_high": Decimal(8),
    }
    sensor = sensors.add_sensor(actor, values, at=now)
    sensors.begin_watch(actor, sensor, [thing.id], since=since, at=now)
    given = [
        sensors_readings.Given("temperature", since + number * STEP, Decimal(degrees))
        for number, degrees in enumerate(DEGREES)
    ]
    sensors_readings.take(sensor, given, at=now, limited=False)
    sensors.end_watch(actor, sensor, until=given[-1].time, at=now)
    return sensors_folding.tell(sensor.id, at=now)


def _thing(path: str) -> Thing | None:
    identity = canonical_uri(parse_path(path).identity, current_settings().id_base)
    return db.session.scalar(select(Thing).where(Thing.identity == identity))

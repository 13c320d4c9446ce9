"""Loggers and stations of an organisation, and the goods they go with.

A sensor stands at a place, and what lies there is what it watches; or it travels, and its owner
says with which goods and from when to when. Devices send their readings with a token of their own
that opens nothing else (`sensors_readings`); what they fold to becomes a signed event
(`sensors_folding`).
"""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from sqlalchemy import Select, func, select
from sqlalchemy.orm import joinedload, selectinload

from trace.core.series import MEASURES, Limits
from trace.errors import Conflict, NotFound, TraceError
from trace.extensions import db
from trace.models import Holding, Place, Sensor, SensorLimit, SensorWatch, Thing
from trace.services.actors import Actor
from trace.services.audit import write_audit
from trace.services.jobs import enqueue
from trace.services.places import get_place
from trace.services.sessions import token_digest
from trace.services.sets import among
from trace.services.versions import check_version

# Recognisable, and unlike the tokens that act for a whole organisation.
PREFIX: Final = "trace_sensor_"
MOST_SENSORS: Final = 500
MOST_GOODS: Final = 200
GOODS_SHOWN: Final = 100
KINDS: Final = ("lot", "logistic")
# The job that folds readings, and how long a journey is left open after its end.
FOLDS: Final = "sensor-folds"
WAIT_AFTER_ARRIVAL: Final = timedelta(minutes=15)


class TooManySensors(TraceError):
    code = "too-many-sensors"
    message = "At most %(most)d sensors are kept for one organisation."


class LimitsCrossed(TraceError):
    code = "limits-crossed"
    message = "The upper limit must be above the lower one."


class SensorRetired(Conflict):
    code = "sensor-retired"
    message = "This sensor was taken out of use; its record stays readable."


class StandsSomewhere(Conflict):
    code = "sensor-stands"
    message = "This sensor stands at a place: it watches what lies there, and goes with nothing."


class AlreadyWatching(Conflict):
    code = "sensor-already-goes"
    message = "This sensor goes with other goods already. End that first."


class NoGoodsChosen(TraceError):
    code = "no-goods-chosen"
    message = "Choose at least one lot or crate that you hold."


class EndsBeforeStart(TraceError):
    code = "journey-ends-before-start"
    message = "The end must be after the start."


# -- what there is ---------------------------------------------------------------------------------


def list_sensors(actor: Actor) -> Sequence[Sensor]:
    """The organisation's sensors, those in use first. Raises NotAllowed."""
    actor.check("read")
    return db.session.scalars(
        select(Sensor)
        .where(Sensor.organisation_id == actor.organisation.id)
        .options(joinedload(Sensor.place), selectinload(Sensor.limits))
        .order_by(Sensor.retired_at.is_not(None), Sensor.name, Sensor.id)
    ).all()


def get_sensor(actor: Actor, sensor_id: int) -> Sensor:
    """One of the organisation's sensors. Raises NotAllowed, NotFound."""
    actor.check("read")
    sensor = db.session.get(Sensor, sensor_id) if sensor_id < 2**53 else None
    if sensor is None or sensor.organisation_id != actor.organisation.id:
        raise NotFound
    return sensor


def limits_of(sensor: Sensor) -> dict[str, Limits]:
    """The limits of a sensor by measure; a measure without any is left out."""
    return {one.measure: Limits(one.low, one.high) for one in sensor.limits}


def sensor_of_token(text: str) -> Sensor | None:
    """The sensor in use whose token this is."""
    if not text.startswith(PREFIX):
        return None
    return db.session.scalar(
        select(Sensor)
        .where(Sensor.token_hash == token_digest(text), Sensor.retired_at.is_(None))
        .options(joinedload(Sensor.organisation))
    )


# -- changes ---------------------------------------------------------------------------------------


def add_sensor(actor: Actor, values: Mapping[str, Any], *, at: datetime) -> Sensor:
    """A sensor more. Raises NotAllowed, TooManySensors, LimitsCrossed, NotFound (its place)."""
    actor.check("record")
    many = db.session.scalar(
        select(func.count(Sensor.id)).where(Sensor.organisation_id == actor.organisation.id)
    )
    if (many or 0) >= MOST_SENSORS:
        raise TooManySensors(most=MOST_SENSORS)
    sensor = Sensor(
        organisation_id=actor.organisation.id,
        name=values["name"],
        device=f"urn:uuid:{uuid.uuid4()}",
        place=_place(actor, values),
        created_at=at,
    )
    _set_limits(sensor, values)
    db.session.add(sensor)
    db.session.flush()
    write_audit(actor, "sensor.add", f"sensor:{sensor.id}", at=at)
    return sensor


def change_sensor(
    actor: Actor, sensor: Sensor, values: Mapping[str, Any], *, version: int, at: datetime
) -> None:
    """Its name, its place, its limits; what was told already stays as it was told. Raises
    NotAllowed, SensorRetired, ChangedMeanwhile, LimitsCrossed, NotFound."""
    actor.check("record")
    if sensor.retired_at is not None:
        raise SensorRetired
    check_version(sensor, version)
    sensor.name, sensor.place = values["name"], _place(actor, values)
    _set_limits(sensor, values)
    db.session.flush()
    write_audit(actor, "sensor.change", f"sensor:{sensor.id}", at=at)


def renew_token(actor: Actor, sensor: Sensor, *, at: datetime) -> str:
    """A new token for the device, shown once; the one before opens nothing any more. Raises
    NotAllowed, SensorRetired."""
    actor.check("record")
    if sensor.retired_at is not None:
        raise SensorRetired
    text = PREFIX + secrets.token_urlsafe(32)
    sensor.token_hash = token_digest(text)
    write_audit(actor, "sensor.token", f"sensor:{sensor.id}", at=at)
    return text


def retire(actor: Actor, sensor: Sensor, *, at: datetime) -> None:
    """Out of use: nothing more is taken from it; what it read is told still. Raises NotAllowed."""
    actor.check("record")
    if sensor.retired_at is not None:
        return
    sensor.retired_at, sensor.token_hash = at, None
    for watch in db.session.scalars(_open_watches(sensor)):
        watch.until = max(at, watch.since)
    write_audit(actor, "sensor.retire", f"sensor:{sensor.id}", at=at)


def _place(actor: Actor, values: Mapping[str, Any]) -> Place | None:
    chosen = values.get("place")
    return get_place(actor, chosen) if chosen else None


def _set_limits(sensor: Sensor, values: Mapping[str, Any]) -> None:
    kept = {one.measure: one for one in sensor.limits}
    found = []
    for measure in MEASURES:
        name = measure.replace("-", "_")
        low: Decimal | None = values.get(f"{name}_low")
        high: Decimal | None = values.get(f"{name}_high")
        if low is None and high is None:
            continue
        if low is not None and high is not None and low >= high:
            raise LimitsCrossed(path=f"{name}_high")
        row = kept.get(measure) or SensorLimit(measure=measure)
        row.low, row.high = low, high
        found.append(row)
    sensor.limits = found


# -- goods on the way ------------------------------------------------------------------------------


def goods(actor: Actor) -> Sequence[Thing]:
    """Lots and crates that the organisation holds, the newest first."""
    actor.check("read")
    query = (
        select(Thing)
        .join(Holding, Holding.thing_id == Thing.id)
        .where(
            Holding.holder_id == actor.organisation.id,
            Holding.quantity > 0,
            Thing.kind.in_(KINDS),
        )
        .distinct()
        .options(selectinload(Thing.product))
        .order_by(Thing.id.desc())
        .limit(GOODS_SHOWN)
    )
    return db.session.scalars(query).all()


def watches_of(sensor: Sensor, *, limit: int = 20) -> Sequence[SensorWatch]:
    """With which goods a sensor went, the newest first."""
    return db.session.scalars(
        select(SensorWatch)
        .where(SensorWatch.sensor_id == sensor.id)
        .options(selectinload(SensorWatch.things).selectinload(Thing.product))
        .order_by(SensorWatch.since.desc(), SensorWatch.id.desc())
        .limit(limit)
    ).all()


def begin_watch(
    actor: Actor, sensor: Sensor, thing_ids: Sequence[int], *, since: datetime, at: datetime
) -> SensorWatch:
    """The sensor goes with these goods from `since` on. Raises NotAllowed, SensorRetired,
    StandsSomewhere, AlreadyWatching, NoGoodsChosen."""
    actor.check("record")
    if sensor.retired_at is not None:
        raise SensorRetired
    if sensor.place_id is not None:
        raise StandsSomewhere
    if db.session.scalar(_open_watches(sensor)) is not None:
        raise AlreadyWatching
    wanted = sorted(set(thing_ids))[:MOST_GOODS]
    things = [one for one in goods(actor) if one.id in wanted]
    if not things or len(things) != len(wanted):
        raise NoGoodsChosen(path="goods")
    watch = SensorWatch(sensor_id=sensor.id, since=since, things=things)
    db.session.add(watch)
    db.session.flush()
    write_audit(actor, "sensor.watch", f"sensor:{sensor.id}", at=at)
    return watch


def end_watch(actor: Actor, sensor: Sensor, *, until: datetime, at: datetime) -> SensorWatch:
    """The goods have arrived, or the sensor was taken out; what was read is told a quarter of an
    hour later. Raises NotAllowed, NotFound, EndsBeforeStart."""
    actor.check("record")
    watch = open_watch(sensor)
    if watch is None:
        raise NotFound
    if until <= watch.since:
        raise EndsBeforeStart(path="until")
    watch.until = until
    enqueue(FOLDS, {}, at=at, due=until + WAIT_AFTER_ARRIVAL)
    write_audit(actor, "sensor.watch-ended", f"sensor:{sensor.id}", at=at)
    return watch


def open_watch(sensor: Sensor) -> SensorWatch | None:
    """What a sensor goes with now."""
    return db.session.scalar(_open_watches(sensor))


def open_watches(sensors: Sequence[Sensor]) -> dict[int, SensorWatch]:
    """What each goes with now, by its id; those that stay are left out."""
    ids = among(SensorWatch.sensor_id, [one.id for one in sensors])
    query = select(SensorWatch).where(ids, SensorWatch.until.is_(None))
    query = query.options(selectinload(SensorWatch.things))
    return {row.sensor_id: row for row in db.session.scalars(query)}


def _open_watches(sensor: Sensor) -> Select[SensorWatch]:
    return select(SensorWatch).where(
        SensorWatch.sensor_id == sensor.id, SensorWatch.until.is_(None)
    )

"""From readings to statements: what a sensor read in a day, or on a journey, becomes one event.

* A sensor at a place: a day's readings at a time, when the day is over here and two hours more (its
  gateway may send late). They are told of what lay there that day, as its keeper's own events say.
* A sensor that goes with goods: when its owner has said that it arrived. A lot that its owner split
  on the way goes on as what it was split into: they are told of, too.

What comes later than that is told by an event of its own, from those readings alone: a statement is
never changed, and a reading is never told twice. The event is an ObjectEvent of the step
`sensor_reporting` (EPCIS 2.0, section 7.3.7): pieces of the curve as sensor elements, those outside
the limits with `exception`, and in `trace:measured` what it all comes to.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from itertools import groupby
from typing import Any, Final

from sqlalchemy import func, select, update
from sqlalchemy.orm import aliased

from trace.core.epcis.vocabulary import own_word
from trace.core.gs1 import canonical_uri, local_uri, parse_identity
from trace.core.series import MEASURES, Fold, Limits, Point, Reading, fold
from trace.extensions import db
from trace.models import Event, EventThing, Organisation, Sensor, SensorReading, SensorWatch, Thing
from trace.models.events import ROLES
from trace.models.jobs import Job
from trace.services.actors import Actor
from trace.services.capture import capture
from trace.services.jobs import enqueue
from trace.services.places import place_identity, place_uri
from trace.services.records import (
    LOCAL_ZONE,
    Draw,
    Item,
    JsonObject,
    Record,
    local_time,
    number,
    observed,
)
from trace.services.sensors import FOLDS, MOST_GOODS, WAIT_AFTER_ARRIVAL, limits_of
from trace.services.sets import among
from trace.services.settings import current_settings

KIND: Final = FOLDS
STEP: Final = "sensor_reporting"
# How long a place's day is left open.
WAIT: Final = timedelta(hours=2)
MOST_READINGS: Final = 50_000
# Whoever lay at a place before that and was not spoken of since is looked for no longer.
LOOKED_BACK: Final = timedelta(days=120)


def ask_when_due(*, at: datetime) -> int:
    """Asks for a fold where a sensor has something to tell; 1 if it did."""
    waiting = select(Job.id).where(Job.kind == KIND, Job.finished_at.is_(None)).limit(1)
    if db.session.scalar(waiting) is not None or not due(at=at, limit=1):
        return 0
    enqueue(KIND, {}, at=at)
    return 1


def due(*, at: datetime, limit: int = 10_000) -> list[int]:
    """Sensors with readings that can be told now, by id."""
    untold = select(SensorReading.sensor_id).where(
        SensorReading.sensor_id == Sensor.id, SensorReading.event_id.is_(None)
    )
    standing = (
        select(Sensor.id)
        .where(
            Sensor.place_id.is_not(None), untold.where(SensorReading.time < _open_day(at)).exists()
        )
        .limit(limit)
    )
    going = (
        select(Sensor.id)
        .join(SensorWatch, SensorWatch.sensor_id == Sensor.id)
        .where(
            SensorWatch.until <= at - WAIT_AFTER_ARRIVAL,
            untold.where(
                SensorReading.time >= SensorWatch.since, SensorReading.time <= SensorWatch.until
            ).exists(),
        )
        .limit(limit)
    )
    found = {*db.session.scalars(standing), *db.session.scalars(going)}
    return sorted(found)[:limit]


def tell(sensor_id: int, *, at: datetime) -> int:
    """Tells what one sensor has to tell; how many events. The caller commits."""
    # Written first: readings that come in at this moment wait for us, or we for them.
    db.session.execute(update(Sensor).where(Sensor.id == sensor_id).values(told_at=at))
    sensor = db.session.get_one(Sensor, sensor_id, populate_existing=True)
    organisation = db.session.get_one(Organisation, sensor.organisation_id)
    if organisation.closed_at is not None:
        return 0
    actor = Actor(organisation, None, "recorder")
    events = 0
    if sensor.place is not None:
        rows = _untold(sensor, None, _open_day(at) - timedelta(milliseconds=1))
        for day, some in groupby(rows, key=_day):
            told = list(some)
            things = _lying(organisation, place_identity_text(sensor), day)
            events += _tell(actor, sensor, told, things, place_uri(sensor.place), at)
    for watch in _ended(sensor, at):
        told = _untold(sensor, watch.since, watch.until or at)
        things = _with_parts(organisation, watch.things, watch.since, watch.until or at)
        events += _tell(actor, sensor, told, things, "", at)
    return events


def place_identity_text(sensor: Sensor) -> str:
    """The canonical identity of the place where a sensor stands."""
    if sensor.place is None:
        return ""
    return canonical_uri(place_identity(sensor.place), current_settings().id_base)


def _open_day(at: datetime) -> datetime:
    """Where the day that is still open begins."""
    today = (at - WAIT).astimezone(LOCAL_ZONE).date()
    return datetime.combine(today, time(), LOCAL_ZONE)


def _day(row: SensorReading) -> date:
    return row.time.astimezone(LOCAL_ZONE).date()


def _ended(sensor: Sensor, at: datetime) -> Sequence[SensorWatch]:
    query = select(SensorWatch).where(
        SensorWatch.sensor_id == sensor.id, SensorWatch.until <= at - WAIT_AFTER_ARRIVAL
    )
    return db.session.scalars(query.order_by(SensorWatch.since)).all()


def _untold(sensor: Sensor, since: datetime | None, until: datetime) -> list[SensorReading]:
    query = select(SensorReading).where(
        SensorReading.sensor_id == sensor.id,
        SensorReading.event_id.is_(None),
        SensorReading.time <= until,
    )
    if since is not None:
        query = query.where(SensorReading.time >= since)
    return list(db.session.scalars(query.order_by(SensorReading.time).limit(MOST_READINGS)))


# -- what lay there --------------------------------------------------------------------------------


def _lying(organisation: Organisation, place: str, day: date) -> list[Thing]:
    """Things that lay at a place at some time of a day, by what its keeper recorded: their last
    event up to the day's beginning, or one in the day, puts them there, and it does not end them.
    """
    begin = datetime.combine(day, time(), LOCAL_ZONE)
    end = begin + timedelta(days=1)
    named = (
        select(
            EventThing.thing_id,
            Event.biz_location,
            EventThing.role,
            Event.action,
            Event.event_time,
            func.row_number()
            .over(
                partition_by=(EventThing.thing_id, Event.event_time < begin),
                order_by=(Event.event_time.desc(), Event.id.desc()),
            )
            .label("place_in_line"),
        )
        .join(Event, Event.id == EventThing.event_id)
        .where(
            Event.issuer_id == organisation.id,
            Event.event_time >= begin - LOOKED_BACK,
            Event.event_time < end,
            EventThing.thing_id.in_(
                select(EventThing.thing_id)
                .join(Event, Event.id == EventThing.event_id)
                .where(
                    Event.issuer_id == organisation.id,
                    Event.biz_location == place,
                    Event.event_time >= begin - LOOKED_BACK,
                    Event.event_time < end,
                )
            ),
        )
        .subquery()
    )
    there = (
        select(named.c.thing_id)
        .where(
            named.c.place_in_line == 1,
            named.c.biz_location == place,
            named.c.role != ROLES.index("input"),
            named.c.action.is_distinct_from("DELETE"),
        )
        .distinct()
    )
    query = (
        select(Thing)
        .where(Thing.id.in_(there), Thing.kind.in_(("lot", "logistic", "cycle")))
        .order_by(Thing.id)
        .limit(MOST_GOODS)
    )
    return list(db.session.scalars(query))


def _with_parts(
    organisation: Organisation, things: Sequence[Thing], since: datetime, until: datetime
) -> list[Thing]:
    """The goods of a journey, and the lots that their owner split them into meanwhile, and those
    again."""
    found = {thing.id: thing for thing in things}
    fresh = set(found)
    wrong = aliased(Event)
    declared = wrong.corrects == Event.statement_id, wrong.issuer_id == organisation.id
    while fresh and len(found) < MOST_GOODS:
        source = aliased(EventThing)
        query = (
            select(Thing)
            .join(EventThing, EventThing.thing_id == Thing.id)
            .join(Event, Event.id == EventThing.event_id)
            .join(source, source.event_id == Event.id)
            .where(
                among(source.thing_id, sorted(fresh)),
                source.role == ROLES.index("input"),
                EventThing.role == ROLES.index("output"),
                Event.issuer_id == organisation.id,
                Event.biz_step == own_word("splitting"),
                Event.event_time >= since,
                Event.event_time <= until,
                ~select(wrong.id).where(*declared).exists(),
            )
            .order_by(Thing.id)
            .limit(MOST_GOODS)
        )
        parts = {thing.id: thing for thing in db.session.scalars(query).unique()}
        fresh = parts.keys() - found.keys()
        found |= parts
    return list(found.values())[:MOST_GOODS]


# -- the event -------------------------------------------------------------------------------------


def _tell(
    actor: Actor,
    sensor: Sensor,
    rows: Sequence[SensorReading],
    things: Sequence[Thing],
    place: str,
    at: datetime,
) -> int:
    if not rows or (not things and not place):
        return 0
    settings = current_settings()
    last = rows[-1].time
    key = f"sensor {sensor.id} {rows[0].time.isoformat()} {last.isoformat()} {len(rows)}"
    draw = Draw(settings.secret_key, actor.organisation.code, key)
    record = Record(settings.id_base, draw.event_id(), last, place=place)
    limits = limits_of(sensor)
    folds = {
        measure: found
        for measure in MEASURES
        if (found := _fold(measure, rows, limits.get(measure, Limits()))) is not None
    }
    items = [_item(thing, settings.id_base) for thing in things]
    event = measured(record, items, sensor.device, folds, limits)
    captured = capture(actor, [event], at=at)
    event_id = captured.events[0].event_id
    db.session.execute(
        update(SensorReading)
        .where(
            SensorReading.sensor_id == sensor.id,
            SensorReading.event_id.is_(None),
            SensorReading.time >= rows[0].time,
            SensorReading.time <= last,
        )
        .values(event_id=event_id)
        .execution_options(synchronize_session=False)
    )
    return 1


def _fold(measure: str, rows: Sequence[SensorReading], limits: Limits) -> Fold | None:
    some = [Reading(row.time, row.value) for row in rows if row.measure == measure]
    return fold(MEASURES[measure], some, limits)


def _item(thing: Thing, id_base: str) -> Item:
    identity = parse_identity(thing.identity, id_base)
    uri = thing.identity if identity is None else local_uri(identity, id_base)
    return Item(uri, single=thing.kind == "logistic")


def measured(
    record: Record,
    items: Sequence[Item],
    device: str,
    folds: dict[str, Fold],
    limits: dict[str, Limits],
) -> JsonObject:
    """The event of some folds, by measure."""
    parts: JsonObject = {
        "sensorElementList": [
            _element(measure, point, device, limits.get(measure, Limits()))
            for measure, found in folds.items()
            for point in found.points
        ],
        "trace:measured": [
            _summary(measure, found, limits.get(measure, Limits()))
            for measure, found in folds.items()
        ],
    }
    return observed(record, STEP, items, parts=parts)


def _element(measure: str, point: Point, device: str, limits: Limits) -> JsonObject:
    what = MEASURES[measure]
    metadata: JsonObject = {"deviceID": device}
    report: JsonObject = {"type": what.type, "uom": what.uom}
    if point.start == point.end:
        metadata["time"] = local_time(point.start)
        report["value"] = number(point.mean)
    else:
        metadata["startTime"] = local_time(point.start)
        metadata["endTime"] = local_time(point.end)
        report["minValue"] = number(point.least)
        report["maxValue"] = number(point.most)
        report["meanValue"] = number(point.mean)
    if limits.breaks(point.least) or limits.breaks(point.most):
        report["exception"] = "ALARM_CONDITION"
    return {"sensorMetadata": metadata, "sensorReport": [report]}


def _summary(measure: str, found: Fold, limits: Limits) -> JsonObject:
    what = MEASURES[measure]
    told: dict[str, Any] = {
        "measure": measure,
        "uom": what.uom,
        "start": local_time(found.start),
        "end": local_time(found.end),
        "readings": found.count,
        "least": number(found.least),
        "most": number(found.most),
        "sum" if what.summed else "mean": number(found.total),
        "minutes": found.minutes,
        "minutesUnknown": found.unknown,
    }
    bounds: dict[str, Decimal | None] = {"low": limits.low, "high": limits.high}
    told.update({name: number(value) for name, value in bounds.items() if value is not None})
    if limits.low is not None or limits.high is not None:
        told["minutesOutside"] = found.outside
    return told

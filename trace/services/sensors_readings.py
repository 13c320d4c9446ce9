"""Readings on their way in: from a device, or from the file of a logger. Kept as they came; a
reading that is known already is not kept twice, and none is refused for coming late.

A logger's file has a line of headings: a column of times and one for each measure. Times without an
offset are Viet Nam's. A file is taken whole or not at all, with every line that cannot be read.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from sqlalchemy import delete, func, select, update
from sqlalchemy.dialects import postgresql, sqlite

from trace.core.folding import fold as folded
from trace.core.series import MEASURES
from trace.errors import Refused, TooLarge, TraceError
from trace.extensions import db
from trace.models import Sensor, SensorReading
from trace.models.types import to_millis
from trace.services import counters
from trace.services.notifications import notify
from trace.services.records import LOCAL_ZONE
from trace.services.sensors import SensorRetired, limits_of
from trace.services.sets import among, batched, is_sqlite

MOST_AT_ONCE: Final = 2_000
MOST_LINES: Final = 100_000
MOST_TOLD: Final = 200_000
MOST_BYTES: Final = 5_000_000
MOST_ERRORS: Final = 20
MOST_VALUE: Final = 1_000_000
# A reading every half minute of every measure, and a day's backlog besides.
AN_HOUR: Final = 20_000
HOUR: Final = timedelta(hours=1)
# Clocks of devices run fast; a reading of tomorrow is no reading.
AHEAD: Final = timedelta(minutes=15)
# What is older is a matter of record, not of alarm.
FRESH: Final = timedelta(hours=2)
# As long as accounts of a farm are kept for an inspection (two years); the statements stay.
KEPT: Final = timedelta(days=730)
FIRST: Final = datetime(2000, 1, 1, tzinfo=UTC)
LOCAL_FORMS: Final = (
    *("%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M", "%d/%m/%Y %H:%M:%S", "%d/%m/%Y %H:%M"),
    *("%d-%m-%Y %H:%M:%S", "%d-%m-%Y %H:%M"),
)
# Headings as loggers and people write them, folded (small letters, no marks).
TIMES: Final = frozenset({"time", "date time", "datetime", "timestamp", "thoi gian", "thoi diem"})
NAMED: Final = {
    "temperature": "temperature",
    "nhiet do": "temperature",
    "temp": "temperature",
    "humidity": "humidity",
    "do am": "humidity",
    "rh": "humidity",
    "rainfall": "rainfall",
    "rain": "rainfall",
    "luong mua": "rainfall",
    "fine dust": "fine-dust",
    "pm2 5": "fine-dust",
    "bui min": "fine-dust",
}


@dataclass(frozen=True, slots=True)
class Given:
    """One reading as it came; `path` says where it stood, `line` where in a file (0: in none)."""

    measure: str
    time: datetime
    value: Decimal
    path: str = ""
    line: int = 0


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of readings: kept now, known before."""

    kept: int
    known: int


class ReadingAhead(TraceError):
    code = "reading-ahead"
    message = "The reading is of %(time)s, which is yet to come. Set the device's clock."


class ReadingImpossible(TraceError):
    code = "reading-impossible"
    message = "%(value)s cannot be a value of %(measure)s."


class TooManyReadings(TraceError):
    code = "too-many-readings"
    message = "At most %(most)d readings are taken at once."


class ReadingsTooOften(TraceError):
    code = "readings-too-often"
    status = 429
    message = "At most %(most)d readings an hour are taken from one device."


class NoHeadings(TraceError):
    code = "no-headings"
    message = "The first line must name a column of times and at least one measure."


class BadLine(TraceError):
    code = "bad-line"
    message = "Line %(line)d: “%(value)s” is not a number."


class BadLineTime(BadLine):
    code = "bad-line-time"
    message = "Line %(line)d: “%(value)s” is not a time. Write it as 20/11/2026 07:10."


class LineAhead(TraceError):
    code = "line-ahead"
    message = "Line %(line)d is of %(time)s, which is yet to come. Set the device's clock."


class LineImpossible(TraceError):
    code = "line-impossible"
    message = "Line %(line)d: %(value)s cannot be; possible is %(least)d to %(most)d."


class NotText(TraceError):
    code = "not-text"
    message = "The file is not a text in UTF-8."


# -- taking ----------------------------------------------------------------------------------------


def take(sensor: Sensor, given: Sequence[Given], *, at: datetime, limited: bool = True) -> Taken:
    """Keeps readings. Raises Refused (each wrong one with its path), SensorRetired,
    TooManyReadings, ReadingsTooOften."""
    if sensor.retired_at is not None:
        raise SensorRetired
    most = MOST_AT_ONCE if limited else MOST_LINES * len(MEASURES)
    if len(given) > most:
        raise TooManyReadings(most=most)
    wrong = [error for one in given if (error := _fault(one, at)) is not None]
    if wrong:
        raise Refused(wrong[:MOST_ERRORS])
    if limited:
        _check_rate(sensor, len(given), at)
    # Its row is written first: a fold, which does the same, sees all of these or none.
    last = max((one.time for one in given), default=None)
    if last is not None and (sensor.last_reading_at is None or last > sensor.last_reading_at):
        db.session.execute(
            update(Sensor).where(Sensor.id == sensor.id).values(last_reading_at=last)
        )
    rows = {
        (one.measure, to_millis(one.time)): {
            "sensor_id": sensor.id,
            "measure": one.measure,
            "time": one.time,
            "value": one.value,
        }
        for one in given
    }
    kept = _insert(list(rows.values()))
    _warn(sensor, given, at)
    return Taken(kept, len(given) - kept)


def _warn(sensor: Sensor, given: Sequence[Given], at: datetime) -> None:
    """Tells the sensor's people while something can still be saved; once till they have read it."""
    bounds = limits_of(sensor)
    outside = [
        one
        for one in given
        if one.time > at - FRESH and one.measure in bounds and bounds[one.measure].breaks(one.value)
    ]
    if outside:
        context = {"name": sensor.name, "value": f"{outside[-1].value.normalize():f}"}
        address = f"/producer/sensors/{sensor.id}"
        notify(sensor.organisation, "limit-broken", context, at=at, address=address, once=True)


def _insert(rows: list[dict[str, Any]]) -> int:
    dialect = sqlite.insert if is_sqlite() else postgresql.insert
    kept = 0
    for some in batched(rows, 1_000):
        statement = dialect(SensorReading).values(list(some)).on_conflict_do_nothing()
        found = db.session.connection().execute(statement.returning(SensorReading.sensor_id))
        kept += len(found.all())
    return kept


def _fault(one: Given, at: datetime) -> TraceError | None:
    measure = MEASURES[one.measure]
    if not one.value.is_finite() or not measure.least <= one.value <= measure.most:
        if one.line:
            value, least, most = str(one.value)[:20], measure.least, measure.most
            return LineImpossible(path=one.path, line=one.line, value=value, least=least, most=most)
        return ReadingImpossible(path=one.path, value=str(one.value)[:20], measure=one.measure)
    if not FIRST <= one.time <= at + AHEAD:
        if one.line:
            time = f"{one.time.astimezone(LOCAL_ZONE):%d/%m/%Y %H:%M}"
            return LineAhead(path=one.path, line=one.line, time=time)
        return ReadingAhead(path=one.path, time=one.time.isoformat()[:40])
    return None


def _check_rate(sensor: Sensor, many: int, at: datetime) -> None:
    key = counters.counter_key("sensor", str(sensor.id))
    count, _ = counters.tries(key, at=at, window=HOUR)
    if count + many > AN_HOUR:
        raise ReadingsTooOften(most=AN_HOUR)
    counters.hit(key, HOUR, at=at, by=max(1, many))


def forget_old(*, at: datetime) -> int:
    """Drops readings past their time, some at a time; what they folded to stays."""
    old = (
        select(SensorReading.sensor_id, SensorReading.measure, SensorReading.time)
        .where(SensorReading.time < at - KEPT, SensorReading.event_id.is_not(None))
        .limit(10_000)
    )
    rows = db.session.execute(old).all()
    for sensor_id in {row.sensor_id for row in rows}:
        last = max(row.time for row in rows if row.sensor_id == sensor_id)
        db.session.execute(
            delete(SensorReading)
            .where(
                SensorReading.sensor_id == sensor_id,
                SensorReading.time <= last,
                SensorReading.time < at - KEPT,
                SensorReading.event_id.is_not(None),
            )
            .execution_options(synchronize_session=False)
        )
    return len(rows)


def told_in(
    event_id: int, devices: Collection[str], *, most: int = MOST_TOLD
) -> list[SensorReading]:
    """The readings that an event of these devices (`deviceID`) was folded from, as far as they are
    kept, in order."""
    query = (
        select(SensorReading)
        .join(Sensor, Sensor.id == SensorReading.sensor_id)
        .where(among(Sensor.device, sorted(set(devices))), SensorReading.event_id == event_id)
        .order_by(SensorReading.measure, SensorReading.time)
        .limit(most)
    )
    return list(db.session.scalars(query))


def recent(sensor: Sensor, *, since: datetime, limit: int = 20_000) -> list[SensorReading]:
    """A sensor's readings from a moment on, the oldest first."""
    query = (
        select(SensorReading)
        .where(SensorReading.sensor_id == sensor.id, SensorReading.time >= since)
        .order_by(SensorReading.time)
        .limit(limit)
    )
    return list(db.session.scalars(query))


def count(sensor: Sensor) -> int:
    """How many readings are kept."""
    return db.session.scalar(select(func.count()).where(SensorReading.sensor_id == sensor.id)) or 0


# -- a logger's file -------------------------------------------------------------------------------


def read_csv(data: bytes) -> list[Given]:
    """The readings of a file. Raises TooLarge, NotText, NoHeadings, TooManyReadings, Refused (each
    line that cannot be read)."""
    if len(data) > MOST_BYTES:
        raise TooLarge(limit=MOST_BYTES // 1_000_000)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise NotText(path="file") from None
    lines = csv.reader(io.StringIO(text.replace("\0", "")), delimiter=_delimiter(text), strict=True)
    try:
        return _readings(lines)
    except csv.Error:
        raise NotText(path="file") from None


def _delimiter(text: str) -> str:
    first = text.split("\n", 1)[0]
    return max(";\t,", key=first.count)


def _readings(lines: Iterator[list[str]]) -> list[Given]:
    when, measures = _headings(next(lines, []))
    found: list[Given] = []
    wrong: list[TraceError] = []
    for number, line in enumerate(lines, 2):
        if number > MOST_LINES + 1:
            raise TooManyReadings(most=MOST_LINES)
        if len(wrong) >= MOST_ERRORS:
            break
        if not any(cell.strip() for cell in line):
            continue
        try:
            at = _time(_cell(line, when), number)
            found += [
                Given(measure, at, _number(cell, number), "file", number)
                for column, measure in measures.items()
                if (cell := _cell(line, column))
            ]
        except BadLine as error:
            wrong.append(error)
    if wrong:
        raise Refused(wrong)
    return found


def _headings(line: Sequence[str]) -> tuple[int, dict[int, str]]:
    names = [folded(cell.split("(")[0][:60]) for cell in line]
    when = next((number for number, name in enumerate(names) if name in TIMES), None)
    measures = {number: NAMED[name] for number, name in enumerate(names) if name in NAMED}
    if when is None or not measures:
        raise NoHeadings(path="file")
    return when, measures


def _cell(line: Sequence[str], column: int) -> str:
    return line[column].strip() if column < len(line) else ""


def _time(text: str, number: int) -> datetime:
    for form in LOCAL_FORMS:
        try:
            return datetime.strptime(text[:40], form).replace(tzinfo=LOCAL_ZONE)
        except ValueError:
            continue
    try:
        found = datetime.fromisoformat(text[:40])
    except ValueError:
        found = None
    if found is None:
        raise BadLineTime(path="file", line=number, value=text[:40])
    return found if found.tzinfo is not None else found.replace(tzinfo=LOCAL_ZONE)


def _number(text: str, number: int) -> Decimal:
    try:
        value = Decimal(text[:20].replace(",", "."))
    except InvalidOperation:
        value = Decimal("NaN")
    if not value.is_finite() or abs(value) > MOST_VALUE:
        raise BadLine(path="file", line=number, value=text[:20])
    return value

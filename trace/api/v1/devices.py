"""Sensors and the goods they go with; rolls of stamps and the lots they are bound to."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Final

from flask import request
from sqlalchemy import Select, select
from sqlalchemy.orm import selectinload

from trace import clock
from trace.api.v1.door import Answer, NotJsonType, operation
from trace.api.v1.files import JOB, JobOut, job_out
from trace.api.v1.nouns import Noun, Rows, declare, listing
from trace.api.v1.recording import CODE, recording
from trace.core.labels import Label
from trace.core.series import MEASURES
from trace.models import LabelBinding, LabelRange, Sensor, SensorWatch
from trace.schemas.api import work
from trace.schemas.labels import sheet_from, stretch_of
from trace.services import choices, sensors, sensors_readings, units
from trace.services.actors import Actor
from trace.services.acts import Told, stamping
from trace.services.labels import Sheet
from trace.services.records import JsonObject

WHEN: Final = "2026-11-20T07:30:00+07:00"
AT: Final = "2026-11-20T00:30:00Z"

# -- sensors ---------------------------------------------------------------------------------------

SENSOR: Final = {"name": "Kho mát 1", "place": 7, "temperature_low": 2, "temperature_high": 8}
JOURNEY: Final = {"since": AT, "until": None, "goods": [12]}
SENSOR_ANSWER: Final = {
    "id": 7,
    "version": 1,
    "created_at": AT,
    "name": "Kho mát 1",
    "device": "urn:uuid:0d1f6b1e-52b5-4e34-9a2e-6d0b8c1f7a55",
    "place": 7,
    "limits": [{"measure": "temperature", "low": 2, "high": 8}],
    "has_token": False,
    "last_reading_at": None,
    "retired_at": None,
    "journey": None,
}


def _sensor(sensor: Sensor) -> dict[str, Any]:
    return _watching(sensor, sensors.open_watch(sensor))


def _sensors(rows: Sequence[Sensor]) -> list[dict[str, Any]]:
    watches = sensors.open_watches(rows)
    return [_watching(row, watches.get(row.id)) for row in rows]


def _watching(sensor: Sensor, watch: SensorWatch | None) -> dict[str, Any]:
    names = ("id", "version", "created_at", "name", "device", "last_reading_at", "retired_at")
    limits = sensors.limits_of(sensor)
    return {
        **{name: getattr(sensor, name) for name in names},
        "place": sensor.place_id,
        "has_token": sensor.token_hash is not None,
        "limits": [
            {"measure": measure, "low": one.low, "high": one.high}
            for measure, one in limits.items()
        ],
        "journey": watch
        and {
            "since": watch.since,
            "until": watch.until,
            "goods": sorted(one.id for one in watch.things),
        },
    }


declare(
    Noun(
        "sensor",
        "sensors",
        Sensor,
        work.SensorOut(),
        add=work.SENSOR,
        change=work.SENSOR,
        get=sensors.get_sensor,
        register=sensors.add_sensor,
        update=sensors.change_sensor,
        remove=sensors.retire,
        shown=_sensor,
        page_shown=_sensors,
        loaded=(selectinload(Sensor.limits),),
        example=SENSOR,
        answer=SENSOR_ANSWER,
    )
)


@operation(
    "POST",
    "/sensors/<int:sensor_id>/token",
    tag="sensors",
    summary="A new token for the device, shown once; the one before opens nothing any more",
    scope="manage",
    out=work.DeviceTokenOut(),
    answer={"token": "trace_sensor_…"},
    description="It is kept nowhere: sent again, also with the same key, one more is made.",
    once=False,
)
def renew_sensor_token(actor: Actor, sensor_id: int) -> dict[str, str]:
    actor.check("manage")
    sensor = sensors.get_sensor(actor, sensor_id)
    return {"token": sensors.renew_token(actor, sensor, at=clock.now())}


@operation(
    "GET",
    "/sensors/<int:sensor_id>/readings",
    tag="sensors",
    summary="What it read in the last days, as it was read",
    scope="query",
    out=work.ReadingsOut(),
    query={
        "days": {
            "type": "integer",
            "minimum": 1,
            "maximum": 31,
            "default": 7,
            "description": "How many days back; at most 20,000 readings.",
        }
    },
    answer={"items": [{"time": AT, "measure": "temperature", "value": 4.2, "uom": "CEL"}]},
)
def list_readings(actor: Actor, sensor_id: int, asked: dict[str, Any]) -> dict[str, Any]:
    sensor = sensors.get_sensor(actor, sensor_id)
    since = clock.now() - timedelta(days=asked["days"])
    rows = sensors_readings.recent(sensor, since=since)
    return {
        "items": [
            {
                "time": row.time,
                "measure": row.measure,
                "value": row.value,
                "uom": MEASURES[row.measure].uom,
            }
            for row in rows
        ]
    }


@operation(
    "POST",
    "/sensors/<int:sensor_id>/readings",
    tag="sensors",
    summary="A logger's file (CSV), for a logger that sends nothing by itself",
    scope="capture",
    takes="text/csv",
    out=work.TakenOut(),
    answer={"kept": 1440, "known": 0},
    description="Nothing is kept twice: `known` says how many were there already.",
)
def bring_readings(actor: Actor, sensor_id: int) -> dict[str, int]:
    actor.check("record")
    if request.mimetype != "text/csv":
        raise NotJsonType(expected="text/csv")
    given = sensors_readings.read_csv(request.get_data())
    sensor = sensors.get_sensor(actor, sensor_id)
    taken = sensors_readings.take(sensor, given, at=clock.now(), limited=False)
    return {"kept": taken.kept, "known": taken.known}


@operation(
    "POST",
    "/sensors/<int:sensor_id>/journey",
    tag="sensors",
    summary="It goes with these goods from a moment on",
    scope="capture",
    body=work.JOURNEY,
    out=work.SensorOut(),
    status=201,
    example={"since": WHEN, "goods": [12]},
    answer={**SENSOR_ANSWER, "place": None, "journey": JOURNEY},
)
def begin_journey(actor: Actor, sensor_id: int, clean: dict[str, Any]) -> dict[str, Any]:
    sensor = sensors.get_sensor(actor, sensor_id)
    chosen = sorted(clean["goods"])
    sensors.begin_watch(actor, sensor, chosen, since=clean["since"], at=clock.now())
    return _sensor(sensor)


@operation(
    "POST",
    "/sensors/<int:sensor_id>/journey/end",
    tag="sensors",
    summary="The goods have arrived; what was read on the way becomes a line of theirs",
    scope="capture",
    body=work.ARRIVAL,
    out=work.SensorOut(),
    example={"until": WHEN},
    answer={**SENSOR_ANSWER, "place": None},
)
def end_journey(actor: Actor, sensor_id: int, clean: dict[str, Any]) -> dict[str, Any]:
    sensor = sensors.get_sensor(actor, sensor_id)
    sensors.end_watch(actor, sensor, until=clean["until"], at=clock.now())
    return _sensor(sensor)


# -- stamps ----------------------------------------------------------------------------------------

ROLL: Final = {
    "id": 6,
    "code": CODE,
    "product": 3,
    "thing": None,
    "count": 400,
    "bound": 120,
    "voided": 0,
    "bindings": [{"first": 1, "last": 120, "thing": 12, "event": 41}],
    "created_at": AT,
}
DRAWING: Final = {**JOB, "state": "queued", "done": 0, "finished_at": None, "file": None}


def _roll(roll: LabelRange) -> dict[str, Any]:
    return _rolled([roll])[0]


def _rolled(rolls: Sequence[LabelRange]) -> list[dict[str, Any]]:
    ids = [roll.id for roll in rolls]
    counts, bound = units.counts(ids), units.bindings_of(ids)
    return [
        _counted(roll, counts[roll.id], [one for one in bound if one.range_id == roll.id])
        for roll in rolls
    ]


def _counted(
    roll: LabelRange, counts: units.Counts, bound: Sequence[LabelBinding]
) -> dict[str, Any]:
    return {
        "id": roll.id,
        "code": roll.code,
        "product": roll.product_id,
        "thing": roll.lot_id,
        "count": roll.count,
        "bound": counts.bound,
        "voided": counts.voided,
        "bindings": bound,
        "created_at": roll.created_at,
    }


def _rolls(actor: Actor) -> Select[Any]:
    actor.check("read")
    return select(LabelRange).where(LabelRange.organisation_id == actor.organisation.id)


listing(
    "list_rolls",
    "/stamps",
    work.RollOut(),
    Rows(_rolls, LabelRange.id, many=_rolled),
    tag="stamps",
    summary="Rolls of numbered stamps, newest first",
    answer=ROLL,
)


@operation(
    "GET",
    "/stamps/<int:range_id>",
    tag="stamps",
    summary="One roll: which of its numbers belong to which lot",
    scope="query",
    out=work.RollOut(),
    answer=ROLL,
)
def show_roll(actor: Actor, range_id: int) -> dict[str, Any]:
    actor.check("read")
    return _roll(units.get_range(actor, range_id))


def _draw(
    actor: Actor, stretch: units.Stretch, clean: dict[str, Any], kind: str, reason: str
) -> Answer:
    def drawn(label: Label, numbered: bool) -> Sheet:
        roll, first = stretch.range.id, stretch.first
        return sheet_from(
            clean, label, stretch.count, range_id=roll, first=first, numbered=numbered
        )

    now = clock.now()
    job = stamping.draw_stamps(actor, stretch, drawn, kind=kind, reason=reason, at=now)
    return Answer(job_out(job, "labels"), location=f"/api/v1/labels/{job.public_id}")


@operation(
    "POST",
    "/stamps",
    tag="stamps",
    summary="Blank stamps, printed ahead of the goods",
    scope="capture",
    body=work.STAMPS,
    out=JobOut(),
    status=202,
    example={"layout": "4x10", "format": "pdf", "count": 400, "product": 3},
    answer=DRAWING,
    description="The roll is the newest in the list; the sheet is fetched as other labels are.",
)
def print_stamps(actor: Actor, clean: dict[str, Any]) -> Answer:
    actor.check("record")
    product = choices.get_product(actor, clean["product"])
    roll = units.issue(actor, clean["count"], at=clock.now(), product=product)
    return _draw(actor, units.Stretch(roll, 1, roll.count), clean, "new", "")


@operation(
    "POST",
    "/stamps/<int:range_id>/again",
    tag="stamps",
    summary="The same numbers once more; who asked, how many and why is kept",
    scope="capture",
    body=work.AGAIN,
    out=JobOut(),
    status=202,
    example={"layout": "4x10", "first": 1, "last": 40, "reason": "tờ in bị nhòe"},
    answer=DRAWING,
)
def print_stamps_again(actor: Actor, range_id: int, clean: dict[str, Any]) -> Answer:
    actor.check("record")
    stretch = stretch_of(units.get_range(actor, range_id), clean)
    return _draw(actor, stretch, clean, "again", clean["reason"])


@operation(
    "POST",
    "/stamps/<int:range_id>/void",
    tag="stamps",
    summary="Unused stamps go out of use for good",
    scope="capture",
    body=work.VOID,
    out=work.VoidedOut(),
    example={"first": 361, "last": 400, "reason": "cuộn bị ướt"},
    answer={"voided": 40},
)
def void_stamps(actor: Actor, range_id: int, clean: dict[str, Any]) -> dict[str, int]:
    stretch = stretch_of(units.get_range(actor, range_id), clean)
    return {"voided": units.void(actor, stretch, clean["reason"], at=clock.now())}


def _bind(actor: Actor, told: Told) -> list[JsonObject]:
    return stamping.bind(actor, told)[1]


recording(
    "bind_stamps",
    "/stamps/binding",
    work.BIND,
    _bind,
    tag="stamps",
    summary="The stamps between two, both included, belong to a lot from now on",
    example={"when": WHEN, "lot": 12, "first": f"{CODE}#1", "last": f"{CODE}#120"},
    description="A stamp is its address as scanned, its sixteen characters, or its roll's code and"
    " its number with # between them.",
)

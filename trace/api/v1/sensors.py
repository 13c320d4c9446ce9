"""`POST /api/v1/sensors/readings`: what a logger, a station or its gateway has read.

The bearer token is the device's own: it brings readings and opens nothing else. The body is JSON,
`{"readings": [{"time": "2026-11-20T07:10:00+07:00", "measure": "temperature", "value": 4.2}]}`, or
a logger's file as `text/csv`. Sent again, nothing is kept twice: the answer says how many were new.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any, Final

import orjson
from flask import Blueprint, Response, current_app, g, request

from trace import clock
from trace.api.v1.door import NotJsonType, read_json, refuse
from trace.core.series import MEASURES
from trace.errors import NotSignedIn, Refused, TraceError
from trace.extensions import csrf, db, limiter
from trace.models import Sensor
from trace.services import token_rates
from trace.services.sensors import sensor_of_token
from trace.services.sensors_readings import MOST_AT_ONCE, Given, TooManyReadings, read_csv, take

bp = Blueprint("api_sensors", __name__, url_prefix="/api/v1/sensors")
csrf.exempt(bp)
bp.register_error_handler(TraceError, refuse)

# Of one address, whatever its tokens: against guessing. A token has its own (services.token_rates).
LIMIT: Final = "1200 per minute"
MEMBERS: Final = frozenset({"time", "measure", "value"})


class NotReadings(TraceError):
    code = "not-readings"
    message = 'Expected {"readings": [{"time", "measure", "value"}, …]}.'


class NoDeviceCode(NotSignedIn):
    code = "no-device-code"
    message = "Send the device's own code: “Authorization: Bearer trace_sensor_…”."
    next_step = "A code is made on the sensor's page; a new one ends the one before."


class NotAReading(TraceError):
    code = "not-a-reading"
    message = "Expected %(expected)s."


@bp.post("/readings")
@limiter.limit(LIMIT)
def take_readings() -> Response:
    """200 with how many readings were kept now and how many were known."""
    sensor = _sensor()
    given = read_csv(request.get_data()) if request.mimetype == "text/csv" else _readings()
    if len(given) > MOST_AT_ONCE:
        raise TooManyReadings(most=MOST_AT_ONCE)
    taken = take(sensor, given, at=clock.now())
    db.session.commit()
    body = {"kept": taken.kept, "known": taken.known}
    headers = {"Cache-Control": "no-store"}
    return Response(orjson.dumps(body), content_type="application/json", headers=headers)


def _sensor() -> Sensor:
    kind, _, text = request.headers.get("Authorization", "").partition(" ")
    sensor = sensor_of_token(text.strip()) if kind.lower() == "bearer" else None
    if sensor is None or sensor.token_hash is None:
        raise NoDeviceCode
    if current_app.config["RATELIMIT_ENABLED"]:
        g.rate = token_rates.count(sensor.token_hash, at=clock.now())  # told by every answer
        g.rate.check()
    return sensor


def _readings() -> list[Given]:
    if request.mimetype != "application/json":
        raise NotJsonType(expected="application/json or text/csv")
    body = read_json()
    listed = body.get("readings") if isinstance(body, dict) and set(body) == {"readings"} else None
    if not isinstance(listed, list):
        raise NotReadings(path="")
    if len(listed) > MOST_AT_ONCE:
        raise TooManyReadings(path="/readings", most=MOST_AT_ONCE)
    wrong: list[TraceError] = []
    found = []
    for number, one in enumerate(listed):
        try:
            found.append(_reading(one, f"/readings/{number}"))
        except NotAReading as error:
            wrong.append(error)
    if wrong:
        raise Refused(wrong[:20])
    return found


def _reading(one: Any, path: str) -> Given:
    if not isinstance(one, dict) or set(one) != MEMBERS:
        raise NotAReading(path=path, expected="time, measure and value")
    if not isinstance(one["measure"], str) or one["measure"] not in MEASURES:
        expected = "one of " + ", ".join(MEASURES)
        raise NotAReading(path=f"{path}/measure", expected=expected)
    value = one["value"]
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        raise NotAReading(path=f"{path}/value", expected="a number")
    try:
        at = datetime.fromisoformat(one["time"][:40])
    except (TypeError, ValueError):
        at = None
    if at is None or at.tzinfo is None:
        expected = "a time with its offset, such as 2026-11-20T07:30:00+07:00"
        raise NotAReading(path=f"{path}/time", expected=expected)
    return Given(one["measure"], at, Decimal(str(value)), path)

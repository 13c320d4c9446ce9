"""Pages of loggers and stations: what they are, what they read, with which goods they go."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Final

from flask import Blueprint, Response, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext, ngettext

from trace import clock
from trace.core.series import MEASURES
from trace.extensions import db
from trace.models import Sensor, SensorReading, SensorWatch, Thing
from trace.schemas.sensors import ArrivalForm, SensorForm, WatchForm
from trace.services import sensors, sensors_readings
from trace.services.batches import short_name
from trace.services.choices import places
from trace.services.records import LOCAL_ZONE
from trace.services.sheet_files import SheetEmpty
from trace.web.access import actor, needs
from trace.web.curves import curve
from trace.web.forms import Form
from trace.web.measured_words import measure_word, unit_word
from trace.web.pages import number
from trace.web.producer.imports import FileMissing
from trace.web.readings_csv import readings_csv

blueprint = Blueprint("sensors", __name__, url_prefix="/producer/sensors")

SHOWN: Final = timedelta(days=7)
POINTS: Final = 240


def _good_word(thing: Thing) -> str:
    """ "Cải ngọt · 261120-015": the code alone says nothing to who packs the van."""
    name = short_name(thing.identity)
    return f"{thing.product.name} · {name}" if thing.product else name


def _goods_word(things: Sequence[Thing]) -> str:
    return ", ".join(_good_word(one) for one in things)


def _limit_words(sensor: Sensor) -> list[tuple[str, str]]:
    """(measure, "0–8 °C") for each limit."""
    found = []
    for measure, limits in sensors.limits_of(sensor).items():
        unit = unit_word(MEASURES[measure].uom)
        if limits.low is not None and limits.high is not None:
            text = f"{number(limits.low)}–{number(limits.high)} {unit}"
        elif limits.high is not None:
            text = gettext("nhiều nhất %(limit)s", limit=f"{number(limits.high)} {unit}")
        else:
            text = gettext("ít nhất %(limit)s", limit=f"{number(limits.low)} {unit}")
        found.append((measure_word(measure), str(text)))
    return found


def _curves(sensor: Sensor, rows: Sequence[SensorReading]) -> list[dict[str, Any]]:
    """A picture and its words for each measure that was read lately."""
    found = []
    bounds = sensors.limits_of(sensor)
    for measure, what in MEASURES.items():
        values = [float(row.value) for row in rows if row.measure == measure]
        if not values:
            continue
        step = max(1, len(values) // POINTS)
        last = next(row for row in reversed(rows) if row.measure == measure)
        found.append(
            {
                "name": measure_word(measure),
                "unit": unit_word(what.uom),
                "points": curve(values[::step]),
                "least": min(values),
                "most": max(values),
                "last": last,
                "outside": measure in bounds
                and any(
                    bounds[measure].breaks(row.value) for row in rows if row.measure == measure
                ),
            }
        )
    return found


def _values(sensor: Sensor) -> dict[str, object]:
    found: dict[str, object] = {"name": sensor.name, "place": sensor.place_id or ""}
    for one in sensor.limits:
        name = one.measure.replace("-", "_")
        found[f"{name}_low"] = "" if one.low is None else number(one.low)
        found[f"{name}_high"] = "" if one.high is None else number(one.high)
    return found


def _choices() -> dict[str, object]:
    measures = [
        (measure.replace("-", "_"), measure_word(measure), unit_word(what.uom))
        for measure, what in MEASURES.items()
    ]
    return {"places": [(one.id, one.name) for one in places(actor())], "measures": measures}


def _get(sensor_id: int) -> Sensor:
    return sensors.get_sensor(actor(), sensor_id)


def _address(sensor: Sensor) -> str:
    return url_for("sensors.show", sensor_id=sensor.id)


@blueprint.get("/")
def index() -> ResponseReturnValue:
    """All of them."""
    listed = [(one, _limit_words(one)) for one in sensors.list_sensors(actor())]
    return render_template("producer/sensors/index.html", sensors=listed)


@blueprint.route("/new", methods=["GET", "POST"])
@needs("record")
def new() -> ResponseReturnValue:
    """One more."""
    form = Form(SensorForm())
    if form.sent:
        with form.attempt():
            sensor = sensors.add_sensor(actor(), form.load(), at=clock.now())
            return form.done(_address(sensor), gettext("Đã thêm máy đo."))
    return form.page("producer/sensors/form.html", sensor=None, **_choices())


@blueprint.get("/<int:sensor_id>")
def show(sensor_id: int) -> ResponseReturnValue:
    """What it is, what it read this week, with which goods it goes."""
    sensor = _get(sensor_id)
    rows = sensors_readings.recent(sensor, since=clock.now() - SHOWN)
    watches = sensors.watches_of(sensor)
    return render_template(
        "producer/sensors/show.html",
        sensor=sensor,
        limits=_limit_words(sensor),
        curves=_curves(sensor, rows),
        readings=sensors_readings.count(sensor),
        journeys=[(one, _goods_word(one.things)) for one in watches],
        now=next((one for one in watches if one.until is None), None),
    )


@blueprint.route("/<int:sensor_id>/edit", methods=["GET", "POST"])
@needs("record")
def edit(sensor_id: int) -> ResponseReturnValue:
    """Its name, its place, its limits."""
    sensor = _get(sensor_id)
    form = Form(SensorForm(), _values(sensor), version=sensor.version)
    if form.sent:
        with form.attempt():
            values = form.load()
            sensors.change_sensor(
                actor(), sensor, values, version=form.version or 0, at=clock.now()
            )
            return form.done(_address(sensor), gettext("Đã lưu."))
    return form.page("producer/sensors/form.html", sensor=sensor, **_choices())


@blueprint.route("/<int:sensor_id>/token", methods=["GET", "POST"])
@needs("manage")
def token(sensor_id: int) -> ResponseReturnValue:
    """A code with which the device sends its readings; shown once."""
    sensor = _get(sensor_id)
    form = Form()
    if form.sent:
        with form.attempt():
            text = sensors.renew_token(actor(), sensor, at=clock.now())
            db.session.commit()
            shown = render_template("producer/sensors/token_shown.html", sensor=sensor, text=text)
            return Response(shown, headers={"Cache-Control": "no-store"})
    return form.page("producer/sensors/token.html", sensor=sensor, act=gettext("Tạo mã"))


@blueprint.route("/<int:sensor_id>/readings", methods=["GET", "POST"])
@needs("record")
def upload(sensor_id: int) -> ResponseReturnValue:
    """The file of a logger that sends nothing by itself."""
    sensor = _get(sensor_id)
    form = Form()
    if form.sent:
        with form.attempt():
            file = request.files.get("file")
            if file is None or not file.filename:
                raise FileMissing(path="file")
            data = file.stream.read(sensors_readings.MOST_BYTES + 1)
            if not data:
                raise SheetEmpty(path="file")
            given = sensors_readings.read_csv(data)
            taken = sensors_readings.take(sensor, given, at=clock.now(), limited=False)
            return form.done(_address(sensor), _taken_words(taken))
    return form.page("producer/sensors/upload.html", sensor=sensor)


@blueprint.get("/<int:sensor_id>/readings.csv")
def readings(sensor_id: int) -> ResponseReturnValue:
    """Everything it read that is kept, as it was read."""
    sensor = _get(sensor_id)
    rows = sensors_readings.recent(
        sensor, since=sensors_readings.FIRST, limit=sensors_readings.MOST_LINES
    )
    return readings_csv(f"sensor-{sensor.id}", rows)


@blueprint.route("/<int:sensor_id>/go", methods=["GET", "POST"])
@needs("record")
def go(sensor_id: int) -> ResponseReturnValue:
    """It goes with some goods from a moment on."""
    sensor = _get(sensor_id)
    offered = [(one.id, _good_word(one)) for one in sensors.goods(actor())]
    form = Form(WatchForm([str(one) for one, _ in offered]), {"since": _now()})
    if form.sent:
        with form.attempt():
            clean = form.load()
            things = [int(one) for one in clean["goods"]]
            sensors.begin_watch(actor(), sensor, things, since=clean["since"], at=clock.now())
            return form.done(_address(sensor), gettext("Máy đo đi cùng hàng từ lúc đó."))
    return form.page("producer/sensors/go.html", sensor=sensor, goods=offered)


@blueprint.route("/<int:sensor_id>/arrived", methods=["GET", "POST"])
@needs("record")
def arrived(sensor_id: int) -> ResponseReturnValue:
    """The goods have arrived; what was read on the way becomes a line of theirs."""
    sensor = _get(sensor_id)
    watch: SensorWatch | None = sensors.open_watch(sensor)
    form = Form(ArrivalForm(), {"until": _now()})
    if form.sent:
        with form.attempt():
            until = form.load()["until"]
            sensors.end_watch(actor(), sensor, until=until, at=clock.now())
            return form.done(
                _address(sensor),
                gettext("Đã kết thúc. Sau 15 phút, số đo trên đường thành một dòng của lô."),
            )
    goods = _goods_word(watch.things) if watch else ""
    return form.page("producer/sensors/arrived.html", sensor=sensor, watch=watch, goods=goods)


@blueprint.route("/<int:sensor_id>/retire", methods=["GET", "POST"])
@needs("record")
def retire(sensor_id: int) -> ResponseReturnValue:
    """Out of use, after asking once."""
    sensor = _get(sensor_id)
    form = Form()
    if form.sent:
        with form.attempt():
            sensors.retire(actor(), sensor, at=clock.now())
            return form.done(url_for("sensors.index"), gettext("Máy đo đã ngừng dùng."))
    return form.page(
        "producer/sensors/retire.html", sensor=sensor, act=gettext("Ngừng dùng máy này")
    )


def _taken_words(taken: sensors_readings.Taken) -> str:
    words = ngettext("Đã nhận %(num)s số đo mới.", "Đã nhận %(num)s số đo mới.", taken.kept)
    if not taken.known:
        return str(words)
    known = ngettext("%(num)s số đo đã có từ trước.", "%(num)s số đo đã có từ trước.", taken.known)
    return f"{words} {known}"


def _now() -> str:
    return clock.now().astimezone(LOCAL_ZONE).strftime("%Y-%m-%dT%H:%M")

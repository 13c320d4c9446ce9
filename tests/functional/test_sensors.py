"""Loggers and stations: readings come in, fold, are told once, and a limit broken is marked."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select
from sqlalchemy.orm import scoped_session

from tests.support.farms import Farm, make_farm, path_of, thing_id
from trace.core.epcis import JsonObject
from trace.errors import Refused, TraceError
from trace.extensions import db
from trace.jobs.sensors import tell_all
from trace.models import Membership, Notification, Sensor, SensorReading, Thing
from trace.services import people, sensors, sensors_readings
from trace.services.passports import passport_of
from trace.services.sensors_readings import Given, read_csv, take
from trace.services.timelines import timeline

NOON = datetime(2026, 11, 21, 5, tzinfo=UTC)  # 12:00 in Viet Nam


@pytest.fixture
def farm(db_session: scoped_session[Any]) -> Farm:
    """A farm that began twenty days before noon."""
    return make_farm(NOON - timedelta(days=20))


def made(farm: Farm, *, place: bool = False, **limits: str) -> Sensor:
    values = {name: Decimal(value) for name, value in limits.items()}
    sensor = sensors.add_sensor(
        farm.actor,
        {"name": "Máy đo Demo", "place": farm.plot.id if place else None, **values},
        at=farm.at,
    )
    db.session.commit()
    return sensor


def sent(sensor: Sensor, *pairs: tuple[float, str], measure: str = "temperature") -> None:
    given = [Given(measure, NOON + timedelta(minutes=m), Decimal(value)) for m, value in pairs]
    take(sensor, given, at=max(one.time for one in given))
    db.session.commit()


def told(farm: Farm, thing: str) -> list[JsonObject]:
    document = passport_of(thing_id(thing), at=farm.at + timedelta(days=9)).document
    return [line for line in document["lines"] if line["step"] == "sensor_reporting"]


def carried(farm: Farm, sensor: Sensor, *lots: str, minutes: int = 240) -> None:
    """A journey of some lots with the logger, from noon on."""
    ids = [thing_id(lot) for lot in lots]
    sensors.begin_watch(farm.actor, sensor, ids, since=NOON, at=NOON)
    until = NOON + timedelta(minutes=minutes)
    sensors.end_watch(farm.actor, sensor, until=until, at=until)
    db.session.commit()


def fold_all(after: timedelta = timedelta(days=2)) -> dict[str, int]:
    return tell_all(at=NOON + after)


def test_a_journey_is_told_once_with_what_lay_outside_its_limits(
    farm: Farm, client: FlaskClient
) -> None:
    lot = farm.register(100)
    sensor = made(farm, temperature_low="0", temperature_high="8")
    carried(farm, sensor, lot)
    sent(sensor, (0, "4"), (20, "9.5"), (40, "4"), (60, "4.5"))
    assert fold_all() == {"events": 1, "failed": 0}
    assert fold_all() == {"events": 0, "failed": 0}
    [line] = told(farm, lot)
    assert line["findings"] == ["limit-broken"]
    assert line["sensor"]["min"] == 4
    assert line["sensor"]["max"] == 9.5
    [summary] = [one for one in line["details"] if one["label"] == "measured"]
    assert (summary["minutesOutside"], summary["readings"]) == (20, 4)
    assert (summary["low"], summary["high"]) == (0, 8)
    page = client.get("/t" + path_of(lot) + "?lang=en").get_data(as_text=True)
    assert "outside 0–8 °C: 20 minutes" in page
    assert "readings outside their limits" in page


def test_what_a_lot_was_split_into_on_the_way_goes_on_being_measured(farm: Farm) -> None:
    lot, other = farm.register(100), farm.register(50)
    sensor = made(farm)
    ids = [thing_id(one) for one in (lot, other)]
    sensors.begin_watch(farm.actor, sensor, ids, since=NOON, at=NOON)
    farm.at = NOON + timedelta(hours=1)
    part = farm.mix([lot], 40, step="splitting")
    farm.at += timedelta(hours=1)
    smaller = farm.mix([part], 20, step="splitting")
    milled = farm.mix([other], 30, step="milling")
    until = farm.at + timedelta(hours=2)
    sensors.end_watch(farm.actor, sensor, until=until, at=until)
    farm.at = until + timedelta(hours=1)
    later = farm.mix([part], 10, step="splitting")
    db.session.commit()
    sent(sensor, (0, "4"), (200, "5"))
    fold_all()
    for one in (lot, part, smaller):
        lines = [line for line in told(farm, one) if names(line, one)]
        assert [line["sensor"]["max"] for line in lines] == [5]
    for one in (later, milled):
        assert not any(names(line, one) for line in told(farm, one))


def names(line: JsonObject, lot: str) -> bool:
    return any(lot.endswith(str(one["path"])) for one in line["things"])


@pytest.mark.parametrize(
    ("measures", "title", "others"),
    [
        (("temperature",), "Đo nhiệt độ", 0),
        (("humidity",), "Đo độ ẩm", 0),
        (("rainfall",), "Đo lượng mưa", 0),
        (("fine-dust",), "Đo bụi mịn", 0),
        (("temperature", "humidity", "rainfall"), "Đo bằng cảm biến", 2),
    ],
)
def test_a_report_is_called_by_what_it_measured_and_drawn_for_each_measure(
    farm: Farm, client: FlaskClient, measures: tuple[str, ...], title: str, others: int
) -> None:
    lot = farm.register(100)
    sensor = made(farm)
    carried(farm, sensor, lot)
    for measure in measures:
        sent(sensor, *((20 * n, str(40 + n)) for n in range(4)), measure=measure)
    fold_all()
    [line] = told(farm, lot)
    series = [line["sensor"], *line["sensor"].get("others", ())]
    assert [one["kind"] for one in series] == list(measures)
    page = client.get("/t" + path_of(lot)).get_data(as_text=True)
    assert title in page
    assert page.count('<svg class="curve"') == 1 + others
    shown = timeline(farm.actor, db.session.get_one(Thing, thing_id(lot)))
    assert shown[0].label == title


def test_what_comes_late_is_told_by_itself(farm: Farm) -> None:
    lot = farm.register(100)
    sensor = made(farm)
    carried(farm, sensor, lot)
    sent(sensor, (0, "4"), (20, "4"))
    fold_all()
    sent(sensor, (30, "5"), (40, "5"))
    assert fold_all() == {"events": 1, "failed": 0}
    spans = {(line["sensor"]["min"], line["sensor"]["count"]) for line in told(farm, lot)}
    assert spans == {(4, 2), (5, 2)}


def test_readings_known_already_are_not_kept_twice(farm: Farm) -> None:
    sensor = made(farm)
    given = [Given("temperature", NOON, Decimal(4)), Given("temperature", NOON, Decimal(4))]
    assert take(sensor, given, at=NOON).kept == 1
    db.session.commit()
    assert take(sensor, given, at=NOON).kept == 0
    db.session.commit()
    assert db.session.scalar(select(func.count()).select_from(SensorReading)) == 1


def test_a_station_speaks_of_what_lay_there_that_day_and_of_nothing_else(farm: Farm) -> None:
    farm.at = NOON - timedelta(days=1)
    here = farm.register(100)
    farm.at = NOON + timedelta(days=3)
    later = farm.register(100)
    sensor = made(farm, place=True)
    sent(sensor, (0, "31"), (30, "33"))
    sent(sensor, (0, "2.5"), (30, "0"), measure="rainfall")
    assert tell_all(at=NOON + timedelta(hours=1)) == {"events": 0, "failed": 0}
    assert fold_all() == {"events": 1, "failed": 0}
    [line] = told(farm, here)
    told_of = {one["measure"]: one for one in line["details"] if one["label"] == "measured"}
    assert told_of["rainfall"]["sum"] == 2.5
    assert told_of["temperature"]["most"] == 33
    assert line["findings"] == []
    assert told(farm, later) == []


def test_what_was_used_up_before_is_not_among_what_lay_there(farm: Farm) -> None:
    farm.at = NOON - timedelta(days=3)
    used = farm.register(100)
    mixed = farm.mix([used], 100)
    sensor = made(farm, place=True)
    sent(sensor, (0, "31"), (30, "33"))
    fold_all()
    assert told(farm, mixed)
    lines = [line for line in told(farm, mixed) if line["things"]]
    assert all(used.rpartition("/")[2] not in str(line["things"]) for line in lines)


@pytest.mark.parametrize(
    ("measure", "minutes", "value", "code"),
    [
        ("temperature", 0, "900", "reading-impossible"),
        ("humidity", 0, "-1", "reading-impossible"),
        ("temperature", 0, "NaN", "reading-impossible"),
        ("temperature", 60 * 24, "4", "reading-ahead"),
    ],
)
def test_impossible_readings_are_refused_by_name_and_nothing_is_kept(
    farm: Farm, measure: str, minutes: int, value: str, code: str
) -> None:
    sensor = made(farm)
    wrong = Given(measure, NOON + timedelta(minutes=minutes), Decimal(value), "/readings/1")
    with pytest.raises(Refused) as refused:
        take(sensor, [Given("temperature", NOON, Decimal(4)), wrong], at=NOON)
    assert [(one.code, one.path) for one in refused.value.errors] == [(code, "/readings/1")]
    assert db.session.scalar(select(func.count()).select_from(SensorReading)) == 0


def test_people_are_told_of_a_broken_limit_while_it_matters_and_once(farm: Farm) -> None:
    login = people.parse_login("0901234567")
    person = people.register_person("Người ghi Demo", login, "vườn rau sau nhà", at=farm.at)
    role = {"role": "owner", "created_at": farm.at}
    db.session.add(Membership(person=person, organisation=farm.organisation, **role))
    sensor = made(farm, temperature_high="8")
    sent(sensor, (0, "12"))
    sent(sensor, (5, "13"))
    words = db.session.scalars(select(Notification.word)).all()
    assert list(words).count("limit-broken") == 1


def test_a_loggers_file_is_read_in_its_own_manner() -> None:
    data = (
        "Thời gian;Nhiệt độ (°C);Độ ẩm\n20/11/2026 07:10;4,5;88\n\n2026-11-20T08:10:00+07:00;5;\n"
    )
    found = read_csv(data.encode("utf-8-sig"))
    assert [(one.measure, one.value, one.time.hour) for one in found] == [
        ("temperature", Decimal("4.5"), 7),
        ("humidity", Decimal(88), 7),
        ("temperature", Decimal(5), 8),
    ]


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "no-headings"),
        (b"a,b\n1,2\n", "no-headings"),
        (b"\xff\xfe\x00", "not-text"),
        (b"x" * 5_000_001, "too-large"),
        (b"time,temperature\nyesterday,4\n", "bad-line-time"),
        (b"time,temperature\n2026-11-20 07:10,warm\n", "bad-line"),
        (b"time,temperature\n2026-11-20 07:10,1e999999\n", "bad-line"),
        (b'time,temperature\n"2026-11-20 07:10,4\n', "not-text"),
    ],
)
def test_a_file_that_cannot_be_read_says_where(data: bytes, code: str) -> None:
    with pytest.raises(TraceError) as refused:
        read_csv(data)
    inside = getattr(refused.value, "errors", None)
    assert code in ({one.code for one in inside} if inside else {refused.value.code})


def test_old_readings_go_and_what_they_said_stays(farm: Farm) -> None:
    lot = farm.register(100)
    sensor = made(farm)
    carried(farm, sensor, lot)
    sent(sensor, (0, "4"), (20, "4"))
    fold_all()
    much_later = NOON + sensors_readings.KEPT + timedelta(days=1)
    assert sensors_readings.forget_old(at=much_later) == 2
    db.session.commit()
    assert db.session.scalar(select(func.count()).select_from(SensorReading)) == 0
    assert len(told(farm, lot)) == 1

"""The readings behind a sensor's event: an inspector within reach reads them, and it is noted."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal

from flask import Flask
from sqlalchemy import select

from tests.functional.test_chains import ELSEWHERE, HERE
from tests.support.farms import make_farm, thing_id
from tests.support.members import Member, make_member, sign_in
from tests.support.pages import PageClient
from trace.extensions import db
from trace.jobs.sensors import tell_all
from trace.models import Audit, Organisation, SensorReading
from trace.services import sensors
from trace.services.sensors_readings import Given, take


def inspector(app: Flask, area: str) -> Member:
    who = make_member(app, kind="authority", role="inspector", name=f"Cơ quan {area}")
    with app.app_context():
        office = db.session.get_one(Organisation, who.organisation_id)
        office.status, office.jurisdiction = "confirmed", area
        db.session.commit()
    return who


def test_an_inspector_within_reach_reads_every_reading_and_the_look_is_written_down(
    app: Flask, now: datetime
) -> None:
    with app.app_context():
        farm = make_farm(now - timedelta(days=5))
        lot = farm.register(100)
        sensor = sensors.add_sensor(farm.actor, {"name": "Máy", "place": None}, at=farm.at)
        start = now - timedelta(days=4)
        sensors.begin_watch(farm.actor, sensor, [thing_id(lot)], since=start, at=start)
        until = start + timedelta(hours=2)
        sensors.end_watch(farm.actor, sensor, until=until, at=until)
        db.session.commit()
        given = [
            Given("temperature", start + timedelta(minutes=5 * n), Decimal(n) + Decimal("0.1"))
            for n in range(20)
        ]
        take(sensor, given, at=until)
        db.session.commit()
        tell_all(at=now)
        event = db.session.scalars(select(SensorReading.event_id).distinct()).one()
        assert event is not None
    near, far = inspector(app, HERE), inspector(app, ELSEWHERE)
    address = f"/inspection/chain/events/{event}/readings"
    outside = PageClient(app.test_client())
    sign_in(app, outside.client, far)
    assert outside.client.get(address).status_code == 404
    page = outside.get(f"/inspection/chain/events/{event}")
    assert "Số đo gốc" not in page.text
    with app.app_context():
        assert noted() == []
    desk = PageClient(app.test_client())
    sign_in(app, desk.client, near)
    page = desk.get(f"/inspection/chain/events/{event}")
    with app.app_context():
        assert noted() == [], "that there are some is no look"
    shown = desk.get(page.link("Xem từng số đo (lần xem được ghi vào nhật ký)"))
    assert "20 số đo" in shown.text
    assert "0,1–19,1 °C" in shown.text
    text = desk.client.get(f"{address}?format=csv")
    assert text.mimetype == "text/csv"
    assert text.text.count("temperature,") == 20
    with app.app_context():
        assert noted() == [f"event:{event}"] * 2
    assert desk.client.get(f"/inspection/chain/events/{event + 999}/readings").status_code == 404


def noted() -> list[str]:
    rows = select(Audit.subject).where(Audit.action == "sensor.readings-inspected")
    return list(db.session.scalars(rows))

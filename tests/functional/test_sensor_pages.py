"""Pages of sensors, and the door their devices knock at."""

from __future__ import annotations

import io
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select

from tests.support.members import Member, make_member, sign_in
from tests.support.pages import PageClient
from trace import clock
from trace.extensions import db
from trace.models import SensorReading
from trace.services import sensors

TYPED = {"name": "Kho lạnh Demo", "temperature_low": "0", "temperature_high": "8"}
DOOR = "/api/v1/sensors/readings"


@pytest.fixture
def member(app: Flask, pages: PageClient) -> Member:
    made = make_member(app)
    sign_in(app, pages.client, made)
    return made


def stored(app: Flask) -> int:
    with app.app_context():
        return db.session.scalar(select(func.count()).select_from(SensorReading)) or 0


def device(app: Flask, member: Member) -> str:
    """The token of a new sensor."""
    with app.app_context():
        sensor = sensors.add_sensor(member.actor, {"name": "Trạm Demo"}, at=clock.now())
        text = sensors.renew_token(member.actor, sensor, at=clock.now())
        db.session.commit()
        return text


def bearing(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def test_a_sensor_is_added_gets_a_code_takes_a_file_and_goes_out_of_use(
    app: Flask, pages: PageClient, member: Member
) -> None:
    index = pages.get("/producer/sensors/")
    assert "Chưa có máy đo nào" in index.text
    page = pages.submit(pages.get(index.link("Thêm máy đo đầu tiên")), TYPED)
    assert page.h1 == "Kho lạnh Demo"
    assert "0–8 °C" in page.text
    shown = pages.submit(pages.get(page.link("Mã cho máy")), {})
    assert "trace_sensor_" in shown.text
    at = clock.now() - timedelta(hours=3)
    lines = ["time;temperature", *(f"{at:%Y-%m-%dT%H}:{m:02}:00+00:00;4,{m}" for m in (1, 2, 3))]
    file = (io.BytesIO("\n".join(lines).encode()), "logger.csv")
    page = pages.submit(pages.get(page.link("Gửi tệp số đo")), {"file": file})
    assert "Đã nhận 3 số đo mới." in page.text
    assert stored(app) == 3
    kept = pages.client.get(page.link("Tải mọi số đo còn giữ (CSV)")).get_data(as_text=True)
    assert kept.splitlines()[0] == "time,measure,value,uom"
    assert len(kept.splitlines()) == 4
    pages.submit(pages.get(page.link("Ngừng dùng máy này")), {})
    assert "đã ngừng dùng" in pages.get("/producer/sensors/").text


def test_crossed_limits_are_refused_at_their_field_and_nothing_typed_is_lost(
    pages: PageClient, member: Member
) -> None:
    page = pages.submit(
        pages.get("/producer/sensors/new"), {**TYPED, "temperature_high": "-2"}, status=400
    )
    [wrong] = page.find("//*[@id='f-temperature_high']")
    assert wrong.get("aria-invalid") == "true"
    assert "Giới hạn trên phải cao hơn giới hạn dưới." in page.text
    assert page.find("//*[@id='f-name']")[0].get("value") == "Kho lạnh Demo"


def test_anothers_sensor_is_not_found(app: Flask, pages: PageClient, member: Member) -> None:
    other = make_member(app)
    with app.app_context():
        sensor = sensors.add_sensor(other.actor, {"name": "Của người khác"}, at=clock.now())
        db.session.commit()
        number = sensor.id
    for path in ("", "/edit", "/token", "/readings", "/readings.csv", "/go", "/arrived", "/retire"):
        assert pages.client.get(f"/producer/sensors/{number}{path}").status_code == 404, path


def test_a_gateway_brings_readings_and_may_bring_them_again(
    app: Flask, client: FlaskClient, member: Member
) -> None:
    token = device(app, member)
    moment = (clock.now() - timedelta(minutes=5)).isoformat()
    body = {"readings": [{"time": moment, "measure": "temperature", "value": 4.2}]}
    first = client.post(DOOR, json=body, headers=bearing(token))
    assert (first.status_code, first.json) == (200, {"kept": 1, "known": 0})
    assert client.post(DOOR, json=body, headers=bearing(token)).json == {"kept": 0, "known": 1}
    csv = f"time,humidity\n{moment},88\n"
    third = client.post(DOOR, data=csv, content_type="text/csv", headers=bearing(token))
    assert third.json == {"kept": 1, "known": 0}
    assert stored(app) == 2


def one_reading(time: str) -> str:
    return f'{{"readings": [{{"time": {time}, "measure": "humidity", "value": 1}}]}}'


@pytest.mark.parametrize(
    ("body", "code", "path"),
    [
        ("[]", "not-readings", ""),
        ('{"readings": 4}', "not-readings", ""),
        ('{"readings": [4]}', "not-a-reading", "/readings/0"),
        (one_reading("4"), "not-a-reading", "/readings/0/time"),
        (one_reading('"2026-11-20T07:10:00"'), "not-a-reading", "/readings/0/time"),
        (one_reading('"9999-11-20T07:10:00Z"'), "reading-ahead", "/readings/0"),
        ("{", "not-json", ""),
    ],
)
def test_what_is_no_reading_is_refused_by_name(
    app: Flask,
    client: FlaskClient,
    member: Member,
    body: str,
    code: str,
    path: str,
) -> None:
    headers = {**bearing(device(app, member)), "Content-Type": "application/json"}
    answer = client.post(DOOR, data=body, headers=headers)
    assert answer.status_code == 400
    told = answer.get_json()
    named = {(one["code"], one.get("path", "")) for one in told.get("errors", [told])}
    assert (code, path) in named
    assert stored(app) == 0


@pytest.mark.parametrize("token", ["", "trace_sensor_no", "trace_abc"])
def test_without_the_devices_code_nothing_is_taken(client: FlaskClient, token: str) -> None:
    assert client.post(DOOR, json={"readings": []}, headers=bearing(token)).status_code == 401


def test_a_devices_code_opens_nothing_else(app: Flask, client: FlaskClient, member: Member) -> None:
    token = device(app, member)
    for path in ("/api/v1/organisation", "/epcis/events", "/api/v1/places"):
        assert client.get(path, headers=bearing(token)).status_code in (401, 404), path


def test_whoever_holds_nothing_is_told_when_goods_will_be_offered(
    app: Flask, pages: PageClient, member: Member
) -> None:
    page = pages.submit(pages.get("/producer/sensors/new"), {"name": "Máy ghi Demo"})
    page = pages.get(page.link("Cho đi cùng hàng"))
    assert "Khi bạn có hàng trong tay" in page.text


def test_a_file_that_is_no_file_and_lines_that_cannot_be_are_told_in_plain_words(
    pages: PageClient, member: Member
) -> None:
    page = pages.submit(pages.get("/producer/sensors/new"), TYPED)
    upload = pages.get(page.link("Gửi tệp số đo"))
    assert "Hãy chọn" in pages.submit(upload, {}, status=400).text
    lines = "thời gian,nhiệt độ\n20/11/2026 07:10,400\n20/11/2126 07:10,4\n"
    page = pages.submit(upload, {"file": (io.BytesIO(lines.encode()), "a.csv")}, status=400)
    assert "Dòng 2: không thể có số đo 400; chỉ có thể từ -100 đến 150." in page.text
    assert "Dòng 3 ghi lúc 20/11/2126 07:10, chưa tới lúc đó." in page.text

"""How much one token may ask, at every door that takes a token; what ends with a token."""

from __future__ import annotations

from datetime import datetime, timedelta

import orjson
import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.support.api import Program
from tests.support.factories import make_actor, new_lot, registered
from trace.extensions import db
from trace.models import Job, Token
from trace.services import epcis_captures, subscriptions, token_rates
from trace.services.actors import Actor
from trace.services.named_queries import create_query
from trace.services.sensors import add_sensor, renew_token
from trace.services.tokens import issue_token, rest_expired
from trace.services.vocabulary import context

DOORS = ("/api/v1/organisation", "/epcis/v2/events", "/api/v1/keys")


@pytest.mark.one_database
@pytest.mark.own_application
def test_a_token_that_asks_too_often_waits_at_every_door(
    app: Flask, client: FlaskClient, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    with app.app_context():
        farm = Program(client, make_actor(now).organisation)
        stranger = Program(client, make_actor(now, "HTX Khác").organisation)
    monkeypatch.setattr(token_rates, "LIMIT", 20)
    app.config["RATELIMIT_ENABLED"] = True
    answers = [farm.ask("GET", DOORS[number % 2], data=None) for number in range(40)]
    assert [one.status_code for one in answers[:20]] == [200] * 20
    assert answers[4].headers["RateLimit-Policy"] == '"token";q=20;w=60'
    left = [int(one.headers["RateLimit"].split(";r=")[1].split(";")[0]) for one in answers[:20]]
    assert left == list(range(19, -1, -1))
    for door in DOORS:
        told = farm.ask("GET", door, expect=429)
        assert told.content_type == "application/problem+json"
        assert told.json is not None
        assert told.json["code"] == "too-many-requests"
        assert 1 <= int(told.headers["Retry-After"]) <= 60
        assert told.headers["RateLimit"].startswith('"token";r=0;t=')
    assert stranger.ask("GET", DOORS[0]).status_code == 200


@pytest.mark.one_database
@pytest.mark.own_application
def test_a_device_that_asks_too_often_waits_and_its_neighbour_does_not(
    app: Flask, client: FlaskClient, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    with app.app_context():
        actor = make_actor(now)
        sensors = [add_sensor(actor, {"name": f"Kho {one}"}, at=now) for one in (1, 2)]
        first, second = (renew_token(actor, one, at=now) for one in sensors)
        db.session.commit()
    monkeypatch.setattr(token_rates, "LIMIT", 20)
    app.config["RATELIMIT_ENABLED"] = True

    def send(token: str) -> int:
        headers = {"Authorization": f"Bearer {token}"}
        body: dict[str, list[str]] = {"readings": []}
        answer = client.post("/api/v1/sensors/readings", json=body, headers=headers)
        assert ("Retry-After" in answer.headers) == (answer.status_code == 429)
        return answer.status_code

    assert {send(first) for _ in range(20)} == {200}
    assert [send(first) for _ in range(15)][-1] == 429
    assert send(second) == 200


def test_documents_that_wait_to_be_recorded_are_bounded(
    app: Flask, client: FlaskClient, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(epcis_captures, "MOST_WAITING", 2)
    with app.app_context():
        farm = Program(client, make_actor(now).organisation)
        stranger = Program(client, make_actor(now, "HTX Khác").organisation)
        event = registered(new_lot())
        document = {
            "@context": context("https://id.example"),
            "type": "EPCISDocument",
            "schemaVersion": "2.0",
            "creationDate": "2026-11-20T00:30:00Z",
            "epcisBody": {"eventList": [{k: v for k, v in event.items() if k != "@context"}]},
        }
    data = orjson.dumps(document)

    def send(who: Program, expect: int) -> dict[str, str]:
        headers = {"Authorization": f"Bearer {who.token}"}
        answer = client.post(
            "/epcis/v2/capture", data=data, content_type="application/json", headers=headers
        )
        assert answer.status_code == expect, answer.text
        return dict(answer.headers)

    send(farm, 202)
    send(farm, 202)
    assert int(send(farm, 429)["Retry-After"]) > 0
    send(stranger, 202)
    with app.app_context():
        for job in db.session.query(Job).filter_by(kind=epcis_captures.KIND):
            job.state = "done"
        db.session.commit()
    send(farm, 202)


def test_subscriptions_of_an_expired_token_rest_until_somebody_resumes_them(
    app: Flask, now: datetime
) -> None:
    with app.app_context():
        actor = make_actor(now)
        day = timedelta(days=1)
        issue_token(actor.organisation, "tạm", ["query"], at=now, expires_at=now + day)
        issue_token(actor.organisation, "thay", ["query"], at=now, expires_at=now + day)
        issue_token(actor.organisation, "thay", ["query"], at=now)
        query = create_query(actor, {"name": "Xuất kho", "query": {}}, at=now)
        body = {"dest": "https://example.com/hook", "stream": True}
        rows = [
            subscriptions.subscribe(actor, query, body, at=now, made_with=name)
            for name in ("tạm", "thay", "")
        ]
        db.session.commit()
        assert rest_expired(at=now) == 0
        late = now + day
        assert rest_expired(at=late) == 1
        assert [(one.paused_at, one.failure) for one in rows] == [
            (late, "token-expired"),
            (None, ""),
            (None, ""),
        ]
        owner = Actor(actor.organisation, actor.person, "owner")
        subscriptions.resume(owner, rows[0], at=late)
        db.session.commit()
        # The same token does not end it once more: it is the organisation's own now.
        assert rest_expired(at=late) == 0
        assert (rows[0].paused_at, rows[0].failure) == (None, "")
        assert db.session.query(Token).count() == 3

"""What watches over an installation: names of requests, figures, health and readiness."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import structlog
from flask import Flask
from flask.testing import FlaskClient
from prometheus_client.parser import text_string_to_metric_families as families
from sqlalchemy import text

from trace import clock
from trace.config import BadSetting, Settings
from trace.extensions import db
from trace.jobs import worker
from trace.models import Job, Passport, Thing
from trace.services import heartbeats, platform

AT = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)
TOKEN = "only for tests: a token of many characters"
AWAY = {"REMOTE_ADDR": "203.0.113.7"}


def with_settings(app: Flask, **changes: Any) -> Settings:
    """The application's settings with some changed."""
    changed: Settings = replace(app.extensions["trace.settings"], **changes)
    app.extensions["trace.settings"] = changed
    return changed


def figures(client: FlaskClient) -> dict[str, float]:
    """What /metrics says, by name and labels."""
    answer = client.get("/metrics")
    assert answer.status_code == 200
    return {
        sample.name + "".join(f" {value}" for value in sample.labels.values()): sample.value
        for family in families(answer.text)
        for sample in family.samples
    }


@pytest.fixture
def context(app: Flask) -> Iterator[None]:
    with app.app_context():
        yield


@pytest.fixture
def platform_made(app: Flask) -> None:
    with app.app_context():
        platform.initialise(at=AT)
        db.session.commit()


@pytest.mark.one_database
def test_every_answer_bears_a_name_and_a_senders_own_counts_only_behind_our_proxy(
    app: Flask, client: FlaskClient
) -> None:
    given = {"X-Request-Id": "0b9f6a52-1111-4222-8333-944445555666"}
    own = client.get("/about", headers=given).headers["X-Request-Id"]
    assert re.fullmatch("[0-9a-f]{16}", own)
    assert client.get("/about").headers["X-Request-Id"] != own
    with_settings(app, proxies=1)
    assert client.get("/about", headers=given).headers["X-Request-Id"] == given["X-Request-Id"]
    for bad in ("short", "x" * 65, 'a"b{}:,injected', "bà-tư-cuối-xóm"):
        named = client.get("/about", headers={"X-Request-Id": bad.encode().decode("latin-1")})
        assert re.fullmatch("[0-9a-f]{16}", named.headers["X-Request-Id"])


@pytest.mark.one_database
def test_a_failure_is_logged_under_the_name_its_sender_was_given_and_without_the_address(
    app: Flask, client: FlaskClient, monkeypatch: Any
) -> None:
    written = io.StringIO()
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(written))
    nothing: dict[str, str] = {}
    monkeypatch.setitem(app.view_functions, "home.about", lambda: nothing["no such key"])
    app.testing = False
    answer = client.get("/about?phone=0912345678")
    lines = [json.loads(line) for line in written.getvalue().splitlines()]
    assert [line["event"] for line in lines] == ["unforeseen", "request"]
    assert {line["request"] for line in lines} == {answer.headers["X-Request-Id"]}
    assert lines[1]["endpoint"] == "home.about"
    assert lines[1]["status"] == 500
    assert "0912345678" not in written.getvalue()
    assert "/about" not in written.getvalue()


def test_metrics_are_for_this_machine_or_for_who_has_the_token(
    app: Flask, client: FlaskClient, platform_made: None
) -> None:
    def status(token: str = "", **headers: str) -> int:
        if token:
            headers["Authorization"] = f"Bearer {token}"
        return client.get("/metrics", headers=headers, environ_overrides=AWAY).status_code

    assert client.get("/metrics").status_code == 200
    # A proxy on this machine of which the settings know nothing: the sender is elsewhere.
    assert client.get("/metrics", headers={"X-Forwarded-For": "127.0.0.1"}).status_code == 404
    assert (status(), status(TOKEN)) == (404, 404)
    with_settings(app, metrics_token=TOKEN)
    assert (status(), status(TOKEN), status(TOKEN + "x"), status("không")) == (404, 200, 404, 404)


def test_requests_are_counted_by_endpoint_and_no_address_is_in_the_figures(
    client: FlaskClient, platform_made: None
) -> None:
    name = "trace_requests_total home.about GET 200"
    before = figures(client).get(name, 0.0)
    client.get("/about")
    client.get("/about?phone=0912345678")
    client.get("/no/such/page/0912345678")
    after = figures(client)
    assert after[name] - before == 2
    assert after["trace_request_seconds_count home.about"] >= 2
    assert after["trace_requests_total none GET 404"] >= 1
    assert not [key for key in after if "0912345678" in key or "/" in key]


def test_the_state_of_log_jobs_passports_and_workers_is_told(
    app: Flask, client: FlaskClient, platform_made: None
) -> None:
    with app.app_context():
        due = clock.now() - timedelta(seconds=90)
        db.session.add(Job(public_id="1", kind="import", run_after=due, created_at=due))
        thing = Thing(identity="https://trace.example/b/1", kind="lot", created_at=AT)
        db.session.add(thing)
        db.session.flush()
        db.session.add(Passport(thing_id=thing.id))
        db.session.commit()
        found = figures(client)
        assert found["trace_jobs import queued"] == 1
        assert 90 <= found["trace_jobs_oldest_due_seconds"] < 150
        assert found["trace_passports_stale"] == 1
        assert found["trace_log_entries"] == found["trace_log_waiting_entries"] > 0
        # It was created on a fixed day of the past, and nothing has been published since.
        assert found["trace_log_integration_delay_seconds"] > 0
        assert found["trace_workers_alive"] == 0
        assert found["trace_worker_sign_age_seconds"] > 86400
        worker.publish("tests")
        heartbeats.Heart(app.extensions["trace.settings"].instance, "tests").beat(at=clock.now())
    found = figures(client)
    assert found["trace_log_waiting_entries"] == found["trace_log_integration_delay_seconds"] == 0
    assert found["trace_log_checkpoint_age_seconds"] < 60
    assert found["trace_workers_alive"] == 1
    assert found["trace_worker_sign_age_seconds"] < 60


def test_a_worker_of_another_machine_is_told_by_its_sign_in_the_database(
    app: Flask, client: FlaskClient, platform_made: None, tmp_path: Path
) -> None:
    with app.app_context():
        heart = heartbeats.Heart(tmp_path / "elsewhere", "far")
        heart.beat(at=clock.now() - timedelta(seconds=100))
    found = figures(client)
    assert found["trace_workers_alive"] == 0
    assert 100 <= found["trace_worker_sign_age_seconds"] < 160
    with app.app_context():
        heart.beat(at=clock.now())
    assert figures(client)["trace_worker_sign_age_seconds"] < 60


def test_a_worker_lives_on_without_a_database_that_takes_its_sign(
    app: Flask, settings: Settings
) -> None:
    with app.app_context():
        db.session.execute(text("ALTER TABLE pulses RENAME TO pulses_away"))
        db.session.commit()
        try:
            heartbeats.Heart(settings.instance, "tests").beat(at=AT)
        finally:
            db.session.execute(text("ALTER TABLE pulses_away RENAME TO pulses"))
            db.session.commit()
    assert heartbeats.alive(settings.instance, now=AT) == 1


@pytest.mark.one_database
@pytest.mark.usefixtures("context")
def test_a_worker_that_gave_no_sign_for_a_minute_is_not_alive_and_forgotten_after_a_day(
    settings: Settings,
) -> None:
    lost, busy = (heartbeats.Heart(settings.instance, name) for name in ("lost", "busy"))
    lost.beat(at=AT)
    busy.beat(at=AT + timedelta(seconds=61))
    now = AT + timedelta(seconds=62)
    assert sorted(heartbeats.signs(settings.instance)) == ["busy", "lost"]
    assert heartbeats.alive(settings.instance, now=now) == 1
    busy.beat(at=AT + timedelta(days=2))
    assert list(heartbeats.signs(settings.instance)) == ["busy"]
    busy.stop()
    assert heartbeats.signs(settings.instance) == {}


def test_an_instance_is_ready_when_database_log_keys_and_disk_are(
    app: Flask, client: FlaskClient, platform_made: None
) -> None:
    parts = ("database", "log", "records", "keys", "disk")
    for purpose in ("reading", "writing"):
        whole = client.get(f"/readyz?for={purpose}")
        assert whole.status_code == 200
        assert whole.json == {
            "status": "ready",
            "for": purpose,
            "checks": dict.fromkeys(parts, "ok"),
        }
    instance = app.extensions["trace.settings"].instance
    # A restored backup, or a full disk, concerns who records; pages are answered as before.
    (instance / "log").mkdir(exist_ok=True)
    (instance / "log" / "restored").touch()
    degraded = client.get("/readyz")
    assert (degraded.status_code, degraded.json["status"]) == (200, "degraded")  # type: ignore[index]
    strict = client.get("/readyz?for=writing")
    assert (strict.status_code, strict.json["status"]) == (503, "not ready")  # type: ignore[index]
    assert strict.json["checks"] == dict.fromkeys(parts, "ok") | {"log": "failed"}  # type: ignore[index]
    # What is amiss with this server alone takes it out for both.
    (instance / "keys" / "log.sealed").rename(instance / "keys" / "elsewhere")
    with_settings(app, id_base="https://other.example")
    for purpose in ("reading", "writing"):
        broken = client.get(f"/readyz?for={purpose}")
        assert broken.status_code == 503
        assert broken.json is not None
        failed = {part for part, state in broken.json["checks"].items() if state == "failed"}
        assert failed == {"log", "records", "keys"}
    assert client.get("/healthz").json == {"status": "ok"}
    assert client.get("/readyz?for=lunch").status_code == 400


def test_without_its_tables_it_is_alive_not_ready_and_the_figures_say_so(
    app: Flask, client: FlaskClient
) -> None:
    assert client.get("/readyz").status_code == 503  # no log yet
    assert client.get("/healthz").status_code == 200
    assert figures(client)["trace_log_exists"] == 0


@pytest.mark.one_database
def test_a_short_metrics_token_is_refused_by_name(tmp_path: Any) -> None:
    with pytest.raises(BadSetting, match="TRACE_METRICS_TOKEN"):
        Settings.from_env({"TRACE_INSTANCE": str(tmp_path), "TRACE_METRICS_TOKEN": "short"})

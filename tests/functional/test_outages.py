"""The database goes away under the application: 503 that says when to come back, then as before."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text

from tests.conftest import create_app, settings_for
from tests.support.databases import release
from tests.support.postgresql import Server
from trace.config import BadSetting, Settings
from trace.extensions import db

NOWHERE = "postgresql+psycopg://trace@127.0.0.1:1/trace?connect_timeout=2"


@pytest.fixture(scope="module")
def stranded(tmp_path_factory: pytest.TempPathFactory) -> Flask:
    """An application whose database is nowhere."""
    return create_app(settings_for(tmp_path_factory.mktemp("instance"), NOWHERE))


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/log/checkpoint", "text/html"),
        ("/t/b/7104GM2RCZ", "text/html"),
        ("/b/7104GM2RCZ", "text/html"),
        ("/api/v1/batches", "application/problem+json"),
        ("/epcis/v2/events", "application/problem+json"),
    ],
)
def test_without_a_database_every_face_says_when_to_come_back(
    stranded: Flask, path: str, kind: str
) -> None:
    token = {"Authorization": "Bearer trace_aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"}
    answer = stranded.test_client().get(path, headers=token if "json" in kind else {})
    assert (answer.status_code, answer.mimetype) == (503, kind)
    assert int(answer.headers["Retry-After"]) <= 30
    assert answer.headers["Cache-Control"] == "no-store"
    if "json" in kind:
        assert answer.get_json()["code"] == "database-away"
    else:
        assert "database-away" in answer.text


def test_a_signed_in_person_gets_the_page_of_an_outage_too(stranded: Flask) -> None:
    client = stranded.test_client()
    client.set_cookie("trace_session", "a" * 43)
    assert client.get("/producer/").status_code == 503


@pytest.mark.one_database("postgresql")
@pytest.mark.own_application
def test_connections_that_were_dropped_fail_no_request(
    app: Flask, client: FlaskClient, postgresql_server: Server
) -> None:
    assert client.get("/healthz").status_code == 200
    with app.app_context():
        process = db.session.scalar(text("SELECT pg_backend_pid()"))
        db.session.remove()  # the connection lies in the pool
    with postgresql_server.connect("postgres", user="postgres") as connection:
        connection.execute("SELECT pg_terminate_backend(%s)", [process])
    assert client.get("/api/v1/batches").status_code == 401  # asked the database, which answered
    assert client.get("/b/7104GM2RCZ").status_code == 404


@pytest.mark.one_database("postgresql")
@pytest.mark.own_application
def test_a_pooler_is_noticed_by_the_process_that_answers(app: Flask) -> None:
    from trace.app import mind_poolers

    with app.app_context():
        straight = db.engine.raw_connection().driver_connection
        assert straight is not None
        assert straight.prepare_threshold == 5
        asked: Any = straight

        class Pooled:
            """What a pooler shows of a connection: a number of its own for the process."""

            info = type("Info", (), {"backend_pid": -1})
            prepare_threshold: int | None = 5
            execute, rollback = asked.execute, asked.rollback

        pooled = Pooled()
        mind_poolers(pooled, None)  # type: ignore[arg-type]  # of its kind where it matters
        assert pooled.prepare_threshold is None
        release(app)


@pytest.mark.parametrize(
    ("first", "read"),
    [("", "sqlite:////tmp/copy.db"), ("", "postgresql+psycopg://x/y"), (NOWHERE, "mysql://x/y")],
)
def test_copies_to_read_from_are_of_postgresql_as_the_database_is(
    tmp_path: Path, first: str, read: str
) -> None:
    given = {"TRACE_INSTANCE": str(tmp_path), "TRACE_DATABASE_READ_URL": read}
    if first:
        given["TRACE_DATABASE_URL"] = first
    with pytest.raises(BadSetting, match="TRACE_DATABASE_READ_URL"):
        Settings.from_env(given)

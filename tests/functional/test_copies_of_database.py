"""Replicas as doctor and metrics tell of them. One that follows is PostgreSQL's own pg_receivewal,
which keeps what it is sent and shows nothing; how far real ones are is asked in the drills."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from tests.conftest import create_app
from tests.support.databases import release
from tests.support.postgresql import Server, as_server_user, programs
from trace import clock
from trace.config import Settings
from trace.extensions import db
from trace.services import copies_of_database, doctor, replicas
from trace.services.measures import read_measures

pytestmark = pytest.mark.one_database("postgresql")
NOWHERE = "postgresql+psycopg://trace@127.0.0.1:1/trace?connect_timeout=2"


def told(app: Flask) -> list[tuple[str, str]]:
    """(state, text) of what doctor says of replicas."""
    with app.app_context():
        found = doctor.examine(now=clock.now())
    return [(one.state, one.text) for one in found if one.part == "replicas"]


def figures(app: Flask) -> dict[str, Any]:
    with app.app_context():
        found = {one.name: one.values for one in read_measures(now=clock.now())}
        db.session.rollback()
    return {name: values for name, values in found.items() if "replica" in name}


@contextmanager
def following(server: Server, folder: Path) -> Iterator[None]:
    """Something that follows the server's log until the end."""
    kept = server.socket_folder / f"followed-{folder.name[-20:]}"
    prefix = as_server_user(server.socket_folder)
    subprocess.run([*prefix, "mkdir", str(kept)], check=True)
    words = [str(programs() / "pg_receivewal"), "-D", str(kept), "--synchronous"]
    words += ["-h", str(server.socket_folder), "-U", "postgres"]
    process = subprocess.Popen([*prefix, *words], stderr=subprocess.DEVNULL)
    try:
        with server.connect("postgres", user="postgres") as connection:
            for _ in range(200):
                asked = "SELECT 1 FROM pg_stat_replication WHERE state = 'streaming'"
                if connection.execute(asked).fetchone():
                    break
                time.sleep(0.05)
        yield
    finally:
        process.terminate()
        process.wait(timeout=20)


def test_each_follower_is_told_with_how_far_it_is_and_whether_it_is_synchronous(
    app: Flask, postgresql_server: Server, tmp_path: Path
) -> None:
    assert told(app) == [("ok", "none is used")]
    assert figures(app)["trace_replicas_expected"] == (((), 0),)
    with (
        following(postgresql_server, tmp_path),
        postgresql_server.connect("postgres", user="postgres") as root,
    ):
        (hidden,) = told(app)
        assert hidden[0] == "warning"
        assert "this role may not see" in hidden[1]
        assert figures(app)["trace_replicas"] == (((), 1),)
        assert figures(app)["trace_replicas_expected"] == (((), 1),)
        assert figures(app)["trace_replicas_synchronous"] == ()  # not 0: nobody is to be woken
        root.execute("GRANT pg_read_all_stats TO trace")
        try:
            assert told(app) == [
                ("warning", "pg_receivewal (asynchronous) is behind by unknown"),
                ("warning", "no replica is synchronous: what is acknowledged is on one disk only"),
            ]
            assert figures(app)["trace_replicas"] == (((), 1),)
            assert figures(app)["trace_replicas_synchronous"] == (((), 0),)
            for names, count in (("pg_receivewal", 1), ("another", 0)):
                root.execute(f"ALTER SYSTEM SET synchronous_standby_names = '{names}'")
                root.execute("SELECT pg_reload_conf()")
                until(app, count)
            assert told(app)[-1] == (
                "fault",
                "a synchronous replica is wanted and none is there: commits wait",
            )
            assert figures(app)["trace_replicas_expected"] == (((), 1),)
        finally:
            root.execute("ALTER SYSTEM RESET synchronous_standby_names")
            root.execute("SELECT pg_reload_conf()")
            root.execute("REVOKE pg_read_all_stats FROM trace")


def until(app: Flask, synchronous: int) -> None:
    """The server has heard of its new settings."""
    for _ in range(200):
        with app.app_context():
            found = copies_of_database.read_copies()
            db.session.rollback()
        assert found is not None
        if found.synchronous == synchronous and found.wanted:
            return
        time.sleep(0.05)
    raise AssertionError(found)


def test_what_readers_get_is_told_with_its_age_and_beyond_the_bound_it_is_amiss(
    app: Flask, settings: Settings
) -> None:
    url = settings.database_url
    for read, age, states in ((url, 1, ["ok"]), (url, 60, ["warning"]), (NOWHERE, 1, ["warning"])):
        with app.app_context():
            replicas.beat(at=clock.now() - timedelta(seconds=age))
            db.session.commit()
        reading = create_app(replace(settings, database_read_url=read))
        reading.extensions["trace.replica"].ask(_engine(app))
        found = [one for one in told(reading) if "readers" in one[1] or "READ_URL" in one[1]]
        assert [state for state, _ in found] == states
        measured = figures(reading)
        assert measured["trace_replicas_expected"] == (((), 1),)
        assert measured["trace_replica_believed"] == (((), states == ["ok"]),)
        assert bool(measured["trace_replica_age_seconds"]) == (read == url)
        release(reading)
        reading.extensions["trace.replica"].engine.dispose()
        with app.app_context():
            db.session.execute(db.text("DELETE FROM pulses"))
            db.session.commit()


def _engine(app: Flask) -> Any:
    with app.app_context():
        return db.engine

"""A world on PostgreSQL for races in it: one side is the test, the others are processes of their
own (tests.support.races)."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import orjson
from flask import Flask
from sqlalchemy import func, select

from tests.conftest import create_app, settings_for
from tests.functional.test_log_processes import check_whole
from tests.support.databases import release
from tests.support.factories import (
    make_actor,
    new_lot,
    registered,
)
from tests.support.own_process import OwnProcess
from trace import clock
from trace.extensions import db
from trace.jobs.worker import publish
from trace.models import (
    Alert,
    Event,
    LogEntry,
    Thing,
)
from trace.services.audits import Summary, audit
from trace.services.capture import capture
from trace.services.log import current_state


class Other:
    """The other side of a race."""

    def __init__(self, app: Flask, code: str, act: str, gate: str, **given: Any) -> None:
        settings = app.extensions["trace.settings"]
        words = [act, gate, settings.database_url, str(settings.instance), code]
        words.append(orjson.dumps(given).decode())
        self.process = OwnProcess("tests.support.races", *words)

    def says(self) -> str:
        return self.process.stdout.readline().strip()

    def go_on(self) -> str:
        """Lets it go on; what it got in the end."""
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        return self.says()

    def end(self) -> None:
        self.process.end()


class Stage:
    """A world on PostgreSQL, with one organisation, for a race in it."""

    def __init__(self, app: Flask) -> None:
        self.app = app
        self.actor = make_actor(clock.now())
        self.lot = new_lot()
        capture(self.actor, [registered(self.lot, 100)], at=clock.now())
        db.session.commit()
        publish("stage")
        self.code = self.actor.organisation.code
        db.session.rollback()
        self._others: list[Other] = []

    def other(self, act: str, gate: str, code: str = "", **given: Any) -> Other:
        made = Other(self.app, code or self.code, act, gate, **given)
        self._others.append(made)
        if gate != "none":
            assert made.says() == "waiting"
        return made

    def waits_for_a_lock(self) -> None:
        """Until some process waits for a lock of the database."""
        query = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
        with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            for _ in range(1500):
                if connection.exec_driver_sql(query).scalar():
                    return
                time.sleep(0.02)  # the other's start; how long it takes decides nothing
        raise AssertionError("nobody waits")

    def alerts(self) -> set[str]:
        query = select(Thing.identity).join(Alert, Alert.thing_id == Thing.id)
        return set(db.session.scalars(query))

    def end(self) -> None:
        for one in self._others:
            one.end()


@contextmanager
def staged(instance: Path, url: str) -> Iterator[Stage]:
    """A stage over a fresh database, in its application's context."""
    app = create_app(settings_for(instance, url))
    with app.app_context():
        made = Stage(app)
        yield made
        made.end()
        db.session.rollback()
    release(app)


def whole() -> None:
    """One log, published to its end; every row as the log tells."""
    db.session.rollback()
    publish(current_state().leased_by or "last")
    check_whole()
    assert list(audit(Summary(), now=clock.now())) == []
    events = db.session.scalar(select(func.count()).select_from(Event))
    bound = select(func.count(LogEntry.event_id.distinct()))
    assert db.session.scalar(bound) == events  # one index for each

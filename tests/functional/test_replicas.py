"""Public pages read from a replica: believed while it keeps up, never over a newer recall, and in
place of a primary that is away, saying as of when. A replica here is a second way to the same
database whose signs are set back by hand; one that really lags is in tests/drills."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from flask import Flask
from sqlalchemy import event, select, text, update
from sqlalchemy.exc import OperationalError

from tests.conftest import create_app
from tests.support.databases import release
from tests.support.factories import new_lot, notice, transformed
from tests.support.farms import Farm, make_farm, path_of
from trace.config import Settings
from trace.extensions import db
from trace.models import Pulse
from trace.models.pulses import BEAT, NOTICES
from trace.services import replicas, sequencer
from trace.services.capture import capture
from trace.services.outages import is_outage
from trace.services.replicas import Replica
from trace.web.scan import sources

NOWHERE = "postgresql+psycopg://trace@127.0.0.1:1/trace?connect_timeout=2"
START = datetime(2026, 11, 8, 1, 0, tzinfo=UTC)
NOW = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)
pytestmark = [pytest.mark.one_database("postgresql"), pytest.mark.usefixtures("now")]


class World:
    """An application that reads from a replica, a lot, and who was asked what."""

    def __init__(self, settings: Settings, farm: Farm, lot: str) -> None:
        self.app = create_app(settings)
        self.farm, self.lot, self.path = farm, lot, path_of(lot)
        self.client = self.app.test_client()
        self.asked: Counter[str] = Counter()
        found: Replica | None = self.app.extensions["trace.replica"]
        assert found is not None
        self.replica = found
        with self.app.app_context():
            for name, engine in (("primary", db.engine), ("replica", found.engine)):
                event.listen(engine, "before_cursor_execute", self._counter(name))

    def _counter(self, name: str) -> Any:
        def count(*_: Any) -> None:
            self.asked[name] += 1

        return count

    def scan(self, language: str = "vi") -> str:
        """The page of the lot; `asked` tells afterwards who was."""
        self.asked.clear()
        answer = self.client.get(f"/t{self.path}", headers={"Accept-Language": language})
        assert answer.status_code == 200, answer.text
        return answer.text

    def ask(self) -> None:
        """What the thread does twice a second."""
        self.replica.ask(sources.engine_of(self.app))

    def end_rest(self) -> None:
        """As if the seconds had gone by in which a replica is not asked."""
        self.replica._rests_until = time.monotonic()

    def pulse(self, number: int, **values: Any) -> None:
        with self.app.app_context():
            engine = self.replica.engine  # the same database, and it is there
            with engine.begin() as connection:
                connection.execute(update(Pulse).where(Pulse.id == number).values(**values))


@contextmanager
def made(app: Flask, **changes: Any) -> Iterator[World]:
    with app.app_context():
        farm = make_farm(START)
        lot = farm.reap(farm.sow(), kilos=480)
        sequencer.publish(now=NOW)
        replicas.beat(at=NOW - timedelta(seconds=1))
        db.session.commit()
        settings: Settings = app.extensions["trace.settings"]
        given = {"database_read_url": settings.database_url, **changes}
        world = World(replace(settings, **given), farm, lot)
        yield world
        db.session.rollback()
    release(world.app)
    world.replica.engine.dispose()


@pytest.fixture
def world(app: Flask) -> Iterator[World]:
    with made(app) as found:
        found.scan()  # built, and in memory
        found.ask()
        yield found


@pytest.fixture
def stranded(app: Flask) -> Iterator[World]:
    """Its primary is nowhere, and known to be."""
    with made(app, database_url=NOWHERE) as found:
        found.replica.lose()
        yield found


def test_a_scan_is_read_from_a_replica_that_keeps_up(world: World) -> None:
    world.scan()
    assert world.asked == {"replica": 1}
    world.client.get(world.path)
    assert "primary" not in world.asked


def test_a_replica_that_fell_behind_is_not_believed(world: World) -> None:
    world.pulse(BEAT, at=NOW - timedelta(seconds=5))
    world.scan()
    assert world.asked["primary"] == 0  # the bound itself
    world.pulse(BEAT, at=NOW - timedelta(seconds=5, milliseconds=1))
    world.scan()
    assert world.asked["primary"] == 1


def test_a_replica_without_the_newest_recall_is_not_believed_however_fresh(world: World) -> None:
    with world.app.app_context():
        capture(world.farm.actor, [notice("recall", world.lot, hazard="health")], at=NOW)
        db.session.commit()
    world.ask()
    assert "al stop" in world.scan()
    assert world.scan()  # built anew
    assert world.asked == {"replica": 1}
    world.pulse(NOTICES, count=0)  # a replica that has not heard of it
    assert "al stop" in world.scan()
    assert world.asked["primary"] == 1


def test_each_transaction_with_notices_is_counted_once_and_no_other(world: World) -> None:
    def count() -> int:
        db.session.rollback()
        return db.session.scalar(select(Pulse.count).where(Pulse.id == NOTICES)) or 0

    lots = [world.farm.reap(world.farm.sow(), kilos=5) for _ in range(2)]
    assert count() == 0
    capture(world.farm.actor, [notice("hold", lot) for lot in lots], at=NOW)
    db.session.commit()
    assert count() == 1
    capture(world.farm.actor, [notice("recall", world.lot, hazard="health")], at=NOW)
    db.session.rollback()
    world.farm.reap(world.farm.sow(), kilos=5)
    assert count() == 1
    # What is made of goods under notice inherits it: that is a notice, too.
    child = new_lot()
    capture(world.farm.actor, [transformed({lots[0]: 5}, {child: 5})], at=NOW)
    db.session.commit()
    assert count() == 2


def test_a_notice_is_counted_though_something_later_in_its_transaction_was_given_up(
    world: World,
) -> None:
    capture(world.farm.actor, [notice("recall", world.lot, hazard="health")], at=NOW)
    with suppress(ValueError), db.session.begin_nested():
        db.session.execute(update(Pulse).values(count=0))
        raise ValueError
    db.session.commit()
    assert db.session.scalar(select(Pulse.count).where(Pulse.id == NOTICES)) == 1
    db.session.rollback()


def test_what_the_replica_does_not_know_is_asked_of_the_primary(world: World, app: Flask) -> None:
    world.asked.clear()
    assert world.client.get("/t/b/7104GM2RCZ").status_code == 404
    assert world.asked["replica"] == 1
    assert world.asked["primary"] >= 1


def test_before_the_primary_was_heard_a_replica_is_not_believed(app: Flask) -> None:
    with made(app) as world:
        world.scan()
        world.scan()
        assert world.asked["primary"] == 1
        world.ask()
        world.scan()
        assert world.asked["primary"] == 0


def test_without_any_replica_that_answers_all_goes_on(app: Flask) -> None:
    with made(app) as world:
        lost = create_app(replace(app.extensions["trace.settings"], database_read_url=NOWHERE))
        assert lost.test_client().get(f"/t{world.path}").status_code == 200
        assert lost.test_client().get("/log/checkpoint").status_code == 200
        release(lost)


def test_a_replica_that_did_not_answer_is_left_alone_for_some_seconds(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    knocks = Counter[str]()

    def refuse(*_: object, **__: object) -> None:
        knocks["replica"] += 1
        raise psycopg.OperationalError("nobody is there")

    monkeypatch.setattr("trace.app.Impatient.connect", refuse)
    with made(app, database_read_url=NOWHERE) as lost:

        def ask_everybody() -> int:
            knocks.clear()
            assert "al stop" not in lost.scan()
            assert lost.client.get("/log/checkpoint").status_code == 200
            assert lost.client.get(lost.path).status_code == 307
            assert lost.client.get("/t/b/7104GM2RCZ").status_code == 404
            return knocks["replica"]

        assert ask_everybody() == 1
        assert ask_everybody() == 0
        lost.end_rest()
        assert ask_everybody() == 1  # one tries for all
        assert ask_everybody() == 0


def test_a_replica_that_is_back_is_read_from_again(world: World) -> None:
    for page in (world.path, "/log/checkpoint", f"/t{world.path}"):
        world.replica.rest()
        world.asked.clear()
        world.client.get(page)
        assert world.asked["replica"] == 0, page
        world.end_rest()
        world.client.get(page)
        assert world.asked["replica"] > 0, page
        assert not world.replica.rests(), page


def test_without_a_replicas_answer_a_request_waits_for_its_turn_at_the_primary(
    world: World,
) -> None:
    world.replica.rest()
    with ExitStack() as waiting:
        for _ in range(replicas.TURNS):
            waiting.enter_context(world.replica.turn(0))
        threading.Timer(0.4, waiting.pop_all().close).start()
        assert "theo sổ lúc" not in world.scan()
    assert world.asked == {"primary": 1}


def test_with_the_primary_away_a_replica_never_rests(stranded: World) -> None:
    stranded.replica.rest()
    assert "theo sổ lúc 09:59" in stranded.scan()


def test_nobody_waits_long_for_a_replica_that_is_frozen(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("trace.app.ANSWERS", 0.7)
    connection = world.replica.engine.raw_connection()  # opened before: of the server's own bound
    cursor = connection.cursor()
    cursor.execute("SELECT pg_backend_pid()")
    (process,) = cursor.fetchone() or (0,)
    os.kill(process, signal.SIGSTOP)
    try:
        began = time.monotonic()
        connection.close()  # ends by a rollback, which it does not answer either
        page = world.scan()
        assert time.monotonic() - began < 5
    finally:
        os.kill(process, signal.SIGCONT)
    assert world.lot.rpartition("/")[2] in page


def test_a_statement_that_takes_too_long_on_a_replica_is_given_up_on_both_sides(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.replica.engine.dispose()
    monkeypatch.setattr("trace.app.ANSWERS", 0.7)
    with world.replica.engine.connect() as connection:
        assert connection.scalar(text("SHOW statement_timeout")) == "200ms"
        for bound in ("200ms", "0"):
            connection.execute(text(f"SET statement_timeout = '{bound}'"))
            connection.commit()
            with pytest.raises(OperationalError, match="no answer in time") as told:
                connection.execute(text("SELECT pg_sleep(30)"))
            assert is_outage(told.value)
            connection.rollback()
    world.scan()
    assert world.asked == {"replica": 1}


def test_with_the_primary_away_a_page_says_as_of_when(stranded: World) -> None:
    text = stranded.scan()
    assert "Trang này theo sổ lúc 09:59 ngày 22/11/2026" in text
    assert "kể cả thu hồi" in text
    stranded.scan()
    assert stranded.asked["primary"] == 0
    english = stranded.scan(language="en")
    assert "This page is as of 09:59 on 22/11/2026" in english


def test_a_page_in_memory_is_told_with_the_moment_over_it_and_nothing_else_changed(
    world: World,
) -> None:
    before = world.scan()
    world.replica.lose()
    after = world.scan()
    assert world.asked["primary"] == 0
    start = after.index('<section class="al warn">')
    end = after.index("</section>", start) + len("</section>\n")
    assert "09:59 ngày 22/11/2026" in after[start:end]
    assert after[:start] + after[end:] == before
    assert world.scan() == after
    assert world.asked == {"replica": 1}  # by the short way now


def test_while_some_wait_for_the_primary_the_others_are_answered_by_the_replica(
    world: World,
) -> None:
    world.pulse(BEAT, at=NOW - timedelta(minutes=1))
    with ExitStack() as waiting:
        for _ in range(replicas.TURNS):
            assert waiting.enter_context(world.replica.turn(0))
        assert "Trang này theo sổ lúc 09:59" in world.scan()
        assert world.asked["primary"] == 0
    assert "theo sổ lúc" not in world.scan()
    assert world.asked["primary"] == 1


def test_with_the_primary_away_nobody_is_told_that_a_code_is_unknown(stranded: World) -> None:
    for path in ("/t/b/7104GM2RCZ", "/b/7104GM2RCZ", "/t/q/7104GM2RCZ", "/log/tile/0/000.p/255"):
        answer = stranded.client.get(path)
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5"), path
    assert stranded.client.get(stranded.path).status_code == 307


def test_with_the_primary_away_the_log_is_read_from_the_replica(stranded: World) -> None:
    answer = stranded.client.get("/log/checkpoint")
    assert answer.status_code == 200
    assert answer.headers["Age"] == "1"
    size = int(answer.text.splitlines()[1])
    assert stranded.client.get(f"/log/tile/entries/000.p/{size}").status_code == 200
    assert stranded.client.get(f"/log/proof/{size - 1}").status_code == 200
    assert stranded.asked["primary"] == 0


def test_with_the_primary_away_a_server_is_ready_for_readers_and_not_for_writers(
    stranded: World,
) -> None:
    readers = stranded.client.get("/readyz")
    assert (readers.status_code, readers.json["status"]) == (200, "degraded")  # type: ignore[index]
    assert stranded.asked["primary"] == 0  # nobody who watches waits for it either
    assert readers.json["checks"] == {  # type: ignore[index]
        "database": "failed",
        "replica": "ok",
        "records": "ok",
        "keys": "ok",
        "disk": "ok",
    }
    writers = stranded.client.get("/readyz?for=writing")
    assert (writers.status_code, writers.json["status"]) == (503, "not ready")  # type: ignore[index]
    assert writers.json["checks"]["log"] == "unknown"  # type: ignore[index]


def test_a_server_whose_replica_is_gone_or_late_is_ready_and_says_so(world: World) -> None:
    assert world.client.get("/readyz").json["status"] == "ready"  # type: ignore[index]
    world.pulse(BEAT, at=NOW - timedelta(minutes=1))
    late = world.client.get("/readyz")
    assert (late.status_code, late.json["checks"]["replica"]) == (200, "failed")  # type: ignore[index]
    lost = create_app(replace(world.app.extensions["trace.settings"], database_read_url=NOWHERE))
    lost.extensions["trace.replica"].ask(sources.engine_of(lost))
    alone = lost.test_client().get("/readyz")
    assert (alone.status_code, alone.json["status"]) == (200, "degraded")  # type: ignore[index]
    assert alone.json["checks"]["records"] == "ok"  # type: ignore[index]
    release(lost)


def test_a_console_waits_for_the_primary(stranded: World) -> None:
    stranded.client.set_cookie("trace_session", "a" * 43)
    answer = stranded.client.get("/producer/")
    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "5"


def test_the_log_is_read_from_a_replica_and_news_of_it_from_a_fresh_one_only(world: World) -> None:
    def asks(path: str) -> Counter[str]:
        world.asked.clear()
        assert world.client.get(path).status_code == 200
        return Counter(world.asked)

    size = int(world.client.get("/log/checkpoint").text.splitlines()[1])
    tile = f"/log/tile/0/000.p/{size}"
    capture(world.farm.actor, [notice("hold", world.lot)], at=NOW)
    db.session.commit()
    world.ask()  # how many notices there are is compared here, too
    assert "primary" not in asks("/log/checkpoint") + asks(tile)
    world.pulse(BEAT, at=NOW - timedelta(minutes=1))
    assert asks("/log/checkpoint")["primary"] > 0
    assert "primary" not in asks(tile)


def test_a_beat_from_the_future_is_not_believed_and_the_next_one_replaces_it(
    world: World,
) -> None:
    world.pulse(BEAT, at=NOW + timedelta(seconds=5))
    world.scan()
    assert world.asked == {"replica": 1}  # clocks are never quite alike
    world.pulse(BEAT, at=NOW + timedelta(days=400))
    world.scan()
    assert world.asked["primary"] == 1
    assert replicas.beat(at=NOW)
    db.session.commit()
    world.scan()
    assert world.asked == {"replica": 1}


def test_beats_are_a_second_apart_whoever_gives_them(app: Flask) -> None:
    with app.app_context():
        assert replicas.beat(at=NOW)
        assert not replicas.beat(at=NOW + timedelta(milliseconds=900))
        assert replicas.beat(at=NOW + timedelta(seconds=1))
        db.session.rollback()

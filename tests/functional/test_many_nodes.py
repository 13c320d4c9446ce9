"""Several machines over one database: what they share through Redis, and what becomes of it when
Redis, or one of them, is gone."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import redis
import time_machine
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select

from tests.conftest import create_app
from tests.support.databases import release
from tests.support.factories import make_actor, new_lot, registered
from tests.support.farms import Farm, make_farm, path_of
from tests.support.redis_server import RedisServer, running_redis
from tests.support.throttling import counting as limited
from trace import clock
from trace.config import BadSetting, Settings
from trace.core.gs1 import new_code
from trace.extensions import db, limiter
from trace.jobs import figures
from trace.jobs.handlers import HANDLERS
from trace.jobs.tidying import Tidying
from trace.jobs.worker import claim, publish, run
from trace.models import Job, ScanCount, ScanCursor
from trace.models.types import to_millis
from trace.services import doctor, leases, scans, scans_shared
from trace.services.capture import capture
from trace.services.jobs import enqueue
from trace.services.log_file import LogForked, checkpoint_path, read_kept
from trace.services.log_following import follow
from trace.services.scans import Seen, day_of, mark_of
from trace.services.shared import Shared, shared_of, version_of
from trace.web.scan.beacon import counting
from trace.web.scan.buffer import Buffer

NOW = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)
TODAY = date(2026, 11, 22)
BROWSER = {
    "User-Agent": "Mozilla/5.0 (Linux; Android 10; K) Chrome/157.0.0.0 Mobile Safari/537.36",
    "Origin": "http://localhost",
    "Sec-Fetch-Site": "same-origin",
    "Sec-Fetch-Mode": "no-cors",
    "Sec-Fetch-Dest": "empty",
}
pytestmark = pytest.mark.usefixtures("now")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    with running_redis(tmp_path_factory.mktemp("redis")) as running:
        yield running


@pytest.fixture
def redis_server(server: RedisServer) -> RedisServer:
    """Running and empty, whatever the test before did to it."""
    server.stop()
    server.start()
    return server


Nodes = Callable[[], Flask]


def examined(app: Flask) -> list[tuple[str, str]]:
    """(state, text) of what doctor says of Redis."""
    with app.app_context():
        found = doctor.examine(now=NOW)
    return [(one.state, one.text) for one in found if one.part == "redis"]


@pytest.fixture
def nodes(settings: Settings, redis_server: RedisServer, tmp_path: Path) -> Iterator[Nodes]:
    """Machines with instance folders of their own over one database and one Redis."""
    made: list[Flask] = []

    def another() -> Flask:
        own = replace(settings, redis_url=redis_server.url, instance=tmp_path / f"node-{len(made)}")
        made.append(create_app(own))
        return made[-1]

    yield another
    for app in made:
        release(app)


def sum_of_scans() -> int:
    db.session.rollback()
    return db.session.scalar(select(func.sum(ScanCount.count))) or 0


def look(client: FlaskClient, page: str, address: str) -> None:
    answer = client.post(page, headers=BROWSER, environ_base={"REMOTE_ADDR": address})
    assert answer.status_code == 204


def seen_of(path: str, many: int) -> list[Seen]:
    """Scans of one lot by so many visitors."""
    key = scans.day_key(TODAY)
    identity = f"https://trace.example{path}"
    return [
        Seen((identity,), None, to_millis(NOW), mark_of(key, str(one), identity), "", False, b"s")
        for one in range(many)
    ]


def way_to(app: Flask) -> Shared:
    found = shared_of(app)
    assert found is not None
    return found


# -- scans -----------------------------------------------------------------------------------------


def test_scans_of_two_machines_are_one_sum_and_a_visitor_counts_once(nodes: Nodes) -> None:
    one, two = nodes(), nodes()
    with one.app_context():
        farm = make_farm(NOW - timedelta(days=14))
        page = "/t" + path_of(farm.register(10))
        for app in (one, two):
            for address in ("203.0.113.7", "198.51.100.7"):
                look(app.test_client(), page, address)
            counting(app).buffer.flush()
        assert sum_of_scans() == 0  # they wait in Redis
        assert scans_shared.waiting(way_to(one)) == 2
        assert scans_shared.store_waiting(way_to(one), at=NOW) == 2
        assert scans_shared.waiting(way_to(two)) == 0
        assert sum_of_scans() == 2
        kept = redis_dump(way_to(one))
        assert b"203.0.113.7" not in kept


def redis_dump(shared: Shared) -> bytes:
    """All keys, and what they hold."""

    def read(client: Any) -> bytes:
        names = client.keys("*")
        assert names
        assert all(name.startswith(shared.key("").encode()) for name in names)
        return b"".join(name + (client.dump(name) or b"") for name in names)

    return shared.ask(read) or b""


def test_a_sender_that_floods_counts_once_a_second_on_all_machines_together(
    nodes: Nodes, redis_server: RedisServer
) -> None:
    one, two = nodes(), nodes()
    with one.app_context():
        farm = make_farm(NOW - timedelta(days=14))
        flood = seen_of(path_of(farm.register(10)), 50)
        for app in (one, two):
            assert scans_shared.push(way_to(app), flood, per_minute=60)
        with redis_server.client as client:
            names = client.xrange(way_to(one).key(scans_shared.STREAM))
        arrived = [len(scans_shared.unpack(fields[b"s"])) for _, fields in names]
        assert arrived == [50, 10]


DIES: dict[str, str] = {
    "before the commit": "_move",
    "between commit and cut": "_cut",
}


@pytest.mark.parametrize("moment", DIES)
def test_a_worker_killed_while_it_stores_scans_loses_none_and_counts_none_twice(
    moment: str, nodes: Nodes
) -> None:
    app = nodes()
    with app.app_context():
        farm = make_farm(NOW - timedelta(days=14))
        seen = seen_of(path_of(farm.register(10)), 600)
        assert scans_shared.push(way_to(app), seen, per_minute=10_000)
    release(app)
    child = os.fork()
    if child == 0:
        setattr(scans_shared, DIES[moment], lambda *_: os.kill(os.getpid(), signal.SIGKILL))
        with app.app_context():
            scans_shared.store_waiting(way_to(app), at=NOW)
        os._exit(1)
    assert os.waitpid(child, 0)[1] == signal.SIGKILL
    with app.app_context():
        assert sum_of_scans() == (600 if "cut" in moment else 0)
        assert scans_shared.waiting(way_to(app)) == 3
        # The visitors' marks of the day are away, as after midnight: only the cursor knows.
        db.session.execute(db.text("DELETE FROM scan_visits"))
        db.session.commit()
        scans_shared.store_waiting(way_to(app), at=NOW)
        assert sum_of_scans() == 600
        assert scans_shared.waiting(way_to(app)) == 0


@pytest.mark.one_database("postgresql")
def test_of_two_workers_the_second_leaves_the_stream_to_the_first(nodes: Nodes) -> None:
    one, two = nodes(), nodes()
    with one.app_context():
        farm = make_farm(NOW - timedelta(days=14))
        seen = seen_of(path_of(farm.register(10)), 5)
        scans_shared.push(way_to(one), seen[:1], per_minute=60)
        assert scans_shared.store_waiting(way_to(one), at=NOW) == 1
        scans_shared.push(way_to(one), seen[1:], per_minute=60)
        db.session.execute(select(ScanCursor).with_for_update())
        with two.app_context():
            assert scans_shared.store_waiting(way_to(two), at=NOW) == 0
        db.session.rollback()
        assert scans_shared.store_waiting(way_to(one), at=NOW) == 1
        assert sum_of_scans() == 5


def test_without_redis_a_process_stores_by_itself_and_with_it_again_goes_on(
    nodes: Nodes, redis_server: RedisServer
) -> None:
    app = nodes()
    with app.app_context():
        farm = make_farm(NOW - timedelta(days=14))
        page = "/t" + path_of(farm.register(10))
        client = app.test_client()
        look(client, page, "203.0.113.1")
        counting(app).buffer.flush()
        scans_shared.store_waiting(way_to(app), at=NOW)

        redis_server.stop()
        look(client, page, "203.0.113.2")
        counting(app).buffer.flush()
        assert sum_of_scans() == 2
        assert client.get(page).status_code == 200
        assert scans_shared.store_waiting(way_to(app), at=NOW) == 0

        redis_server.start()  # empty: another stream begins
        way_to(app)._rests_until = 0.0
        look(client, page, "203.0.113.3")
        counting(app).buffer.flush()
        assert sum_of_scans() == 2
        scans_shared.store_waiting(way_to(app), at=NOW)
        assert sum_of_scans() == 3
        assert db.session.scalar(select(func.count()).select_from(ScanCursor)) == 2


@pytest.mark.one_database
def test_a_redis_that_does_not_answer_costs_one_wait_and_then_none(
    nodes: Nodes, redis_server: RedisServer
) -> None:
    app = nodes()
    with app.app_context():
        farm = make_farm(NOW - timedelta(days=14))
        buffer = Buffer(app)
        redis_server.freeze()
        try:
            with time_machine.travel(NOW):
                begun = time.perf_counter()
                for one in seen_of(path_of(farm.register(10)), 5):
                    buffer.add(one)
                    buffer.flush()
                assert time.perf_counter() - begun < 5.0
        finally:
            redis_server.thaw()
        assert sum_of_scans() == 5


# -- limits ----------------------------------------------------------------------------------------


@pytest.mark.one_database
def test_a_network_that_guesses_codes_is_stopped_on_every_machine(
    nodes: Nodes, monkeypatch: pytest.MonkeyPatch
) -> None:
    clients = [nodes().test_client() for _ in range(3)]
    monkeypatch.setattr(limiter, "enabled", True)
    monkeypatch.setattr("trace.web.guessing.UNKNOWN_CODES", 6)

    def ask(number: int) -> int:
        at = {"REMOTE_ADDR": "203.0.113.9"}
        return clients[number % 3].get(f"/b/{new_code(os.urandom)}", environ_base=at).status_code

    told = [ask(number) for number in range(12)]
    assert told[:6] == [404] * 6
    assert set(told[8:]) == {429}  # each machine learns it at its next unknown code


@pytest.mark.one_database
def test_limits_are_counted_by_all_machines_and_by_each_while_redis_is_away(
    nodes: Nodes, redis_server: RedisServer
) -> None:
    one = nodes()
    one.config["RATELIMIT_ENABLED"] = True
    with limited(one):
        client = one.test_client()
        answers = [client.post("/api/v1/verify", data=b"{}").status_code for _ in range(31)]
        assert answers[-1] == 429
        assert 429 not in answers[:30]
        with redis_server.client as own:
            names = own.keys("*")
            assert names
            assert not any(b"127.0.0.1" in name for name in names)
        redis_server.stop()
        answers = [client.post("/api/v1/verify", data=b"{}").status_code for _ in range(31)]
        assert answers[-1] == 429
        assert 429 not in answers[:30]
        redis_server.start()


def test_an_address_of_redis_that_is_none_stops_the_start_by_name(tmp_path: Path) -> None:
    for wrong in ("127.0.0.1:6379", "http://127.0.0.1", "redis://"):
        with pytest.raises(BadSetting, match="TRACE_REDIS_URL"):
            Settings.from_env({"TRACE_REDIS_URL": wrong, "TRACE_INSTANCE": str(tmp_path)})


# -- one for all -----------------------------------------------------------------------------------


def test_a_lease_has_one_holder_until_it_is_over(app: Flask) -> None:
    with app.app_context():
        span = timedelta(minutes=5)
        assert leases.take("counting", "a", span, at=NOW)
        assert not leases.take("counting", "b", span, at=NOW + timedelta(minutes=4))
        assert leases.take("other", "b", span, at=NOW)
        assert leases.take("counting", "a", span, at=NOW + timedelta(minutes=4))
        assert not leases.take("counting", "b", span, at=NOW + timedelta(minutes=8))
        assert leases.take("counting", "b", span, at=NOW + timedelta(minutes=9))
        # Given by a clock that was years ahead: nobody waits for that.
        assert leases.take("wrong", "a", span, at=NOW + timedelta(days=900))
        assert leases.take("wrong", "b", span, at=NOW)


def test_one_worker_tidies_and_counts_for_all(
    nodes: Nodes, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []

    def tidied(**_: object) -> dict[str, int]:
        done.append("tidy")
        return {}

    monkeypatch.setattr("trace.jobs.tidying.tidy", tidied)
    monkeypatch.setattr("trace.jobs.figures.keep_up", lambda at, scans: done.append("count"))
    one, two = nodes(), nodes()
    # Two of one machine, and one of another.
    for app, name in ((one, "a"), (one, "b"), (two, "c")):
        with app.app_context():
            Tidying(name).run(at=NOW)
            figures.Counting(name).run(at=NOW)
    assert done == ["tidy", "count"]


def test_a_worker_whose_lease_ran_out_does_not_end_the_job_of_the_one_that_took_it(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    with app.app_context():
        later = NOW + timedelta(minutes=5)

        def slow(_job: Job) -> dict[str, str]:
            if clock.now() < later:
                with time_machine.travel(later, tick=False):
                    taken = claim("two")
                    assert taken is not None
                    assert taken.leased_by == "two"
            return {"by": "one"}

        monkeypatch.setitem(HANDLERS, "slow", slow)
        made = enqueue("slow", {}, at=NOW)
        db.session.commit()
        number = made.id
        first = claim("one")
        assert first is not None
        run(first)
        kept = db.session.get(Job, number, populate_existing=True)
        assert kept is not None
        assert (kept.state, kept.leased_by, kept.result) == ("running", "two", None)


# -- the log ---------------------------------------------------------------------------------------


def copied(source: Flask, target: Flask) -> None:
    """What an operator copies to a machine whose worker may publish: keys and log."""
    for name in ("keys", "log"):
        there = Path(target.instance_path) / name
        there.mkdir(parents=True, exist_ok=True)
        for path in (Path(source.instance_path) / name).iterdir():
            if path.is_file():
                (there / path.name).write_bytes(path.read_bytes())


def test_a_second_machine_follows_the_log_and_goes_on_when_the_first_is_gone(nodes: Nodes) -> None:
    one, two = nodes(), nodes()
    with one.app_context():
        actor = make_actor(NOW)
        capture(actor, [registered(new_lot())], at=NOW)
        db.session.commit()
        publish("one")
    copied(one, two)
    with one.app_context():
        capture(make_actor(NOW, name="B"), [registered(new_lot())], at=NOW)
        db.session.commit()
        publish("one")
        size = _kept_size()
    with two.app_context():
        assert _kept_size() < size
        assert follow()
        assert _kept_size() == size
        assert not follow()
        db.session.rollback()
        with time_machine.travel(NOW + timedelta(minutes=1), tick=False):
            capture(make_actor(NOW, name="C"), [registered(new_lot())], at=clock.now())
            db.session.commit()
            publish("two")
        assert _kept_size() > size


def test_a_machine_without_the_checkpoint_neither_follows_nor_publishes(nodes: Nodes) -> None:
    one, two = nodes(), nodes()
    with one.app_context():
        capture(make_actor(NOW), [registered(new_lot())], at=NOW)
        db.session.commit()
        publish("one")
    copied(one, two)
    with two.app_context():
        checkpoint_path().unlink()
        assert not follow()
        capture(make_actor(NOW, name="B"), [registered(new_lot())], at=NOW)
        db.session.commit()
        with time_machine.travel(NOW + timedelta(minutes=1), tick=False), pytest.raises(LogForked):
            publish("two")
        db.session.rollback()


def _kept_size() -> int:
    kept = read_kept(1, "trace.example/log")
    assert kept is not None
    return kept.checkpoint.size


def test_scans_are_of_the_day_they_were_made_however_late_they_are_stored(
    nodes: Nodes,
) -> None:
    app = nodes()
    with app.app_context():
        farm: Farm = make_farm(NOW - timedelta(days=14))
        seen = seen_of(path_of(farm.register(10)), 3)
        scans_shared.push(way_to(app), seen, per_minute=60)
        scans_shared.store_waiting(way_to(app), at=NOW + timedelta(hours=20))
        db.session.rollback()
        assert db.session.scalars(select(ScanCount.day)).all() == [day_of(seen[0].at)]


# -- what is examined ------------------------------------------------------------------------------


@pytest.mark.one_database
def test_a_redis_that_is_too_old_is_told_and_one_that_does_not_tell_is_not_blamed(
    nodes: Nodes, redis_server: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = nodes()
    fine = [("ok", "0 bundles of scans wait in Redis")]
    assert examined(app) == fine
    with monkeypatch.context() as patch:
        patch.setattr(redis.Redis, "info", lambda *_: {"redis_version": "6.2.14"})
        assert examined(app) == [
            ("fault", "this Redis is version 6.2.14: each process counts by itself"),
            *fine,
        ]
    with redis_server.client as client:
        client.execute_command("ACL", "SETUSER", "default", "-info")
    assert version_of(way_to(app)) == ()
    assert examined(app) == fine
    redis_server.stop()
    assert [state for state, _ in examined(app)] == ["warning"]

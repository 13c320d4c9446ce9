"""Disks that are full, read-only or slow, a database that goes away, clocks that jump: clear
refusals, nothing lost, and everything goes on by itself."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
from flask import Flask
from sqlalchemy import event, func, select

from tests.conftest import DATABASES, create_app, settings_for
from tests.crash.acts import document, plain
from tests.crash.checks import Checker, recorded
from tests.crash.faults import Sender
from tests.crash.report import ROOT, SLOW, run
from tests.crash.server import Postgresql
from tests.crash.world import Hands, World, make_world
from tests.functional.test_log_processes import check_whole
from tests.support.databases import migrate, release
from tests.support.factories import make_actor, new_lot, registered
from tests.support.members import make_member, sign_in
from trace import clock
from trace.config import Settings
from trace.extensions import db
from trace.jobs import worker
from trace.jobs.registry import load_handlers
from trace.jobs.tidying import Tidying
from trace.models import EventKey, Job, LogEntry
from trace.services import doctor, log, sequencer
from trace.services.capture import capture
from trace.services.epcis_captures import submit_document
from trace.services.log import current_state
from trace.services.sweeping import KIND as SWEEP
from trace.web.access import COOKIE


@pytest.fixture
def hands() -> Any:
    moved = Hands()
    yield moved
    moved.restore()


# -- disks -----------------------------------------------------------------------------------------


def on_a_small_disk(fault: str, folder: Path) -> dict[str, Any]:
    """Runs tests.crash.faults on a file system of its own that nobody else sees."""
    alone = ["unshare", "--mount", *([] if os.geteuid() == 0 else ["--map-root-user"])]
    mounted = 'mount -t tmpfs -o size=24m none "$0" && exec "$@"'
    if subprocess.run([*alone, "sh", "-c", f"{mounted} true", str(folder)], check=False).returncode:
        pytest.skip("this machine lets nobody mount a file system of their own (unshare)")
    done = subprocess.run(
        [
            *(*alone, "sh", "-c", mounted, str(folder)),
            *(sys.executable, "-m", "tests.crash.faults", fault, str(folder)),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    found: dict[str, Any] = orjson.loads(done.stdout.splitlines()[-1])
    return found


@pytest.mark.long
def test_a_full_disk_refuses_in_words_and_takes_up_again_when_there_is_room(tmp_path: Path) -> None:
    found = on_a_small_disk("full", tmp_path)
    assert found["refused"]["status"] == 503
    assert int(found["refused"]["retry_after"]) > 0
    assert found["photo"] == "503 files-away"
    assert found["worker"] in ("outage", "done")
    assert (found["health"], found["page"]) == (200, 200)  # who only reads is answered
    assert set(found["answers"]) == {"201", "503"}
    assert found["after"] == 201


@pytest.mark.long
def test_a_disk_that_takes_nothing_refuses_in_words_and_takes_up_again(tmp_path: Path) -> None:
    found = on_a_small_disk("read-only", tmp_path)
    assert found["refused"]["status"] == 503
    assert found["page"] in (200, 503)
    assert found["after"] == 201


@pytest.mark.long
@pytest.mark.parametrize("kind", DATABASES)
def test_on_a_slow_disk_most_kills_meet_a_commit_and_lose_nothing(kind: str) -> None:
    """PostgreSQL waits before it flushes (commit_delay); for SQLite the system itself delays every
    fsync (strace)."""
    words = ("--kills", "40", "--every", "40")
    if kind == "postgresql":
        found = run(*words, "--server", "--slow")
    elif shutil.which("strace"):
        found = run(*words, before=SLOW)
    else:
        pytest.skip("strace is not installed (Debian: apt-get install strace)")
    assert found["broken"] == ""
    waiting = ("committing", "waiting for the disk")
    met = sum(counts.get(mark, 0) for counts in found["marks"].values() for mark in waiting)
    assert met >= 12


# -- the database ----------------------------------------------------------------------------------


@pytest.mark.one_database
@pytest.mark.own_application
def test_a_locked_database_is_503_for_who_writes_and_nothing_to_who_reads(
    app: Flask, settings: Settings
) -> None:
    world = World(app, Hands())
    try:
        with app.app_context():
            event.listen(db.engine, "connect", lambda c, _: c.execute("PRAGMA busy_timeout=100"))
            release(app)
            world.farm_id = make_actor(clock.now()).organisation.id
            world.token = token_of(world)
        sender = Sender(world)
        assert sender.send().status_code == 201
        other = sqlite3.connect(settings.database_url.removeprefix("sqlite:///"))
        other.execute("BEGIN IMMEDIATE")
        refused = sender.send("urn:fault:again")
        assert (refused.status_code, refused.headers["Retry-After"]) == (503, "5")
        assert sender.client.get("/healthz").status_code == 200
        assert sender.client.get("/b/7104GM2RCZ").status_code == 404  # asked the database
        other.rollback()
        other.close()
        assert sender.send("urn:fault:again").status_code == 201
        assert len(sender.acked) == 2
    finally:
        world.hands.restore()


def token_of(world: World) -> str:
    from trace.services.tokens import issue_token

    _, text = issue_token(world.actor().organisation, "thử", ["capture", "query"], at=clock.now())
    db.session.commit()
    return text


@pytest.mark.long
@pytest.mark.skipif("postgresql" not in DATABASES, reason="TRACE_TEST_DATABASES leaves it out")
@pytest.mark.parametrize("gone", [3, 60])
def test_a_database_gone_for_a_while_is_503_and_web_and_worker_go_on_by_themselves(
    tmp_path: Path, gone: int
) -> None:
    with Postgresql() as server:
        migrate(create_app(settings_for(tmp_path, server.url)))
        world = make_world(server.url, tmp_path)
        release(world.app)
        child = os.fork()
        if child == 0:
            working(world)
        try:
            sender = Sender(world)
            assert sender.send().status_code == 201
            before = f"urn:fault:{gone}:before"
            assert hand_in(sender, before) == 202
            server.stop()
            end = time.monotonic() + gone
            while time.monotonic() < end:
                refused = sender.send("urn:fault:again")
                assert (refused.status_code, refused.headers["Retry-After"]) == (503, "5")
                time.sleep(0.5)  # as often as an impatient program asks
            server.start()
            assert sender.send("urn:fault:again").status_code == 201
            assert hand_in(sender, f"urn:fault:{gone}:after") == 202
            published(world, before)
            assert os.waitpid(child, os.WNOHANG) == (0, 0)  # the same worker all the time
        finally:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
        with world.app.app_context():
            checker = Checker(world)
            checker.start()
            checker.after_start([])
            recorded(world, [*sender.acked, before, f"urn:fault:{gone}:after"])
            checker.everything()
            db.session.remove()
        world.hands.restore()
        release(world.app)


def working(world: World) -> None:
    """A worker, as `trace work` runs it, in a process of its own."""
    try:
        vars(sys)["stderr"] = Path(os.devnull).open("w")  # noqa: SIM115 (until it is killed)
        with world.app.app_context():
            worker.work()
    finally:
        os._exit(1)


def hand_in(sender: Sender, name: str) -> int:
    with sender.world.app.app_context():
        body = document([plain(registered(new_lot(), eventID=name))])
    return sender.client.post(
        "/epcis/v2/capture",
        data=body,
        headers={"Authorization": f"Bearer {sender.world.token}"},
        content_type="application/json",
    ).status_code


def published(world: World, name: str, patience: float = 180) -> None:
    """Waits until the worker has done what was asked for, and published all there is."""
    end = time.monotonic() + patience
    while True:
        with world.app.app_context():
            state = current_state()
            left = db.session.scalar(
                select(func.count()).select_from(Job).where(Job.state.in_(("queued", "running")))
            )
            done = state.size == state.integrated and not left
            db.session.remove()
        if done:
            return
        assert time.monotonic() < end, "the worker did not take up again"
        time.sleep(0.2)


# -- clocks ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("days", [2, 400])
def test_what_was_done_while_the_clock_was_ahead_waits_for_no_far_day(
    app: Flask, hands: Hands, days: int
) -> None:
    with app.app_context():
        actor = make_actor(clock.now())
        capture(actor, [registered(new_lot())], at=clock.now())
        db.session.commit()
        hands.ahead = timedelta(days=days)
        far = clock.now()
        capture(actor, [registered(new_lot())], at=far)
        names = [f"urn:clock:{days}:{n}" for n in range(2)]
        for name in names:
            body = document([plain(registered(new_lot(), eventID=name))])
            submit_document(actor, body, at=clock.now())
            db.session.commit()
        load_handlers()
        assert worker.claim("dies") is not None  # with a lease until that day
        assert sequencer.take_lease("dies", now=clock.now())
        db.session.commit()

        hands.ahead = timedelta()  # somebody sets the clock right
        done = capture(actor, [registered(new_lot())], at=clock.now())
        db.session.commit()
        worker.run_pending("another")
        entries = db.session.scalars(select(LogEntry.entry).order_by(LogEntry.index)).all()
        times = [orjson.loads(entry)["t"] for entry in entries]
        assert times == sorted(times)  # never back, whatever the clock did
        assert times[done.events[0].index] >= clock.rfc3339(far)
        states = db.session.scalars(select(Job.state).where(Job.kind == "epcis-capture")).all()
        assert states == ["done", "done"]
        known = db.session.scalar(
            select(func.count()).select_from(EventKey).where(EventKey.event_id.is_not(None))
        )
        assert known == 3 + len(names)
        assert check_whole() == len(entries)  # and published


@pytest.mark.one_database("postgresql")
def test_a_machine_whose_clock_leaps_lifts_no_record_time_beyond_the_databases_clock(
    app: Flask, hands: Hands
) -> None:
    app.extensions["trace.settings"] = replace(app.extensions["trace.settings"], testing=False)
    with app.app_context():
        actor = make_actor(clock.now())
        for days in (0, 400, 0):
            hands.ahead = timedelta(days=days)
            capture(actor, [registered(new_lot())], at=clock.now())
            db.session.commit()
        hands.ahead = timedelta()
        entries = db.session.scalars(select(LogEntry.entry).order_by(LogEntry.index)).all()
        times = [orjson.loads(entry)["t"] for entry in entries]
        assert times == sorted(times)
        assert times[-1] <= clock.rfc3339(clock.now() + log.AHEAD)
        hands.ahead = timedelta(days=-1)
        found = {one.text: one for one in doctor.examine(now=clock.now()) if one.part == "clock"}
        assert [one.state for one in found.values()] == ["fault", "fault"]
        assert any("86400" in text and "apart" in text for text in found)


def test_hourly_work_is_due_again_when_the_clock_went_back(app: Flask, hands: Hands) -> None:
    with app.app_context():
        make_actor(clock.now())
        tidying = Tidying("tests")
        for ahead, asked in ((30, 1), (0, 2), (0, 2)):
            hands.ahead = timedelta(days=ahead)
            tidying.run(at=clock.now())
            count = select(func.count()).select_from(Job).where(Job.kind == SWEEP)
            assert db.session.scalar(count) == asked


@pytest.mark.one_database
def test_who_was_signed_out_by_a_wrong_clock_is_signed_in_when_it_is_right(
    app: Flask, hands: Hands
) -> None:
    member = make_member(app)
    client = app.test_client()
    sign_in(app, client, member)
    assert client.get("/account/").status_code == 200
    hands.ahead = timedelta(days=400)
    assert client.get("/account/").status_code in (302, 303)
    assert client.get_cookie(COOKIE) is not None
    hands.ahead = timedelta()
    assert client.get("/account/").status_code == 200
    hands.ahead = -timedelta(days=400)
    assert client.get("/account/").status_code == 200

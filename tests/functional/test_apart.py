"""Large jobs are done in processes of their own, and a worker outlives whatever becomes of them."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
from flask import Flask

from tests.support.databases import release
from tests.support.workers import ended_in_order, working
from trace import clock
from trace.extensions import db
from trace.jobs import worker
from trace.jobs.apart import ForkServer
from trace.jobs.handlers import APART, HANDLERS
from trace.jobs.registry import load_handlers
from trace.models import Job
from trace.services import exports, fsma_files, imports, jobs_aside, label_sheets, scheduled_reports
from trace.services.jobs import enqueue
from trace.services.outages import DatabaseAway
from trace.services.platform import initialise

LARGE, SMALL = "large", "small"
Handler = Callable[[Job], Any]


@pytest.fixture
def ready(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Flask:
    """Nothing to do yet; whoever does a large or a small job says which process it is."""
    load_handlers()
    monkeypatch.setattr("trace.jobs.handlers.APART", APART | {LARGE})
    monkeypatch.setattr(worker, "APART", APART | {LARGE})
    for kind in (LARGE, SMALL):
        monkeypatch.setitem(HANDLERS, kind, lambda _: {"process": os.getpid()})
    with app.app_context():
        initialise(at=clock.now())
        db.session.query(Job).delete()
        db.session.commit()
    return app


def ask(app: Flask, kind: str) -> None:
    with app.app_context():
        enqueue(kind, {}, at=clock.now())
        db.session.commit()


def found(app: Flask, kind: str, state: str, patience: float = 30) -> Job:
    """The newest job of a kind once it is in this state. Raises AssertionError."""
    end = time.monotonic() + patience
    while time.monotonic() < end:
        with app.app_context():
            job = db.session.query(Job).filter_by(kind=kind).order_by(Job.id.desc()).first()
            if job is not None and job.state == state:
                db.session.expunge(job)
                return job
        time.sleep(0.05)
    raise AssertionError(kind, state)


def process_of(job: Job) -> int:
    told: dict[str, int] = orjson.loads(job.result or "{}")
    return told["process"]


def children(process: int) -> list[int]:
    return [
        int(one)
        for path in Path(f"/proc/{process}/task").glob("*/children")
        for one in path.read_text().split()
    ]


def lives(process: int) -> bool:
    """A process that ended and that nobody has asked about yet does not."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def wait_until(wanted: Callable[[], bool], patience: float = 20) -> bool:
    end = time.monotonic() + patience
    while not wanted() and time.monotonic() < end:
        time.sleep(0.02)
    return wanted()


def test_what_may_need_much_memory_is_marked() -> None:
    load_handlers()
    assert {
        exports.KIND,
        fsma_files.KIND,
        imports.CHECK_KIND,
        imports.RUN_KIND,
        imports.UNDO_KIND,
        label_sheets.JOB_KIND,
        scheduled_reports.KIND,
    } == APART


def test_large_jobs_have_a_process_each_that_ends_with_them(ready: Flask) -> None:
    with working(ready) as one:
        doers = []
        for _ in range(2):
            ask(ready, LARGE)
            doers.append(process_of(found(ready, LARGE, "done")))
        ask(ready, SMALL)
        assert process_of(found(ready, SMALL, "done")) == one
        assert one not in doers
        assert doers[0] != doers[1]
        assert not any(map(lives, doers))
        (server,) = children(one)
        assert ended_in_order(one)
        assert wait_until(lambda: not lives(server))


def test_a_worker_outlives_the_large_job_that_is_killed_and_it_is_set_aside(
    ready: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "REST", timedelta())
    monkeypatch.setitem(HANDLERS, LARGE, lambda _: os.kill(os.getpid(), signal.SIGKILL))
    ask(ready, LARGE)
    with working(ready) as one:
        job = found(ready, LARGE, "failed")
        assert job.deaths == jobs_aside.DEATHS
        assert orjson.loads(job.result or "{}")["error"] == jobs_aside.WORKER_DIED
        ask(ready, SMALL)
        assert process_of(found(ready, SMALL, "done")) == one


def test_who_is_asked_to_stop_finishes_the_large_job_in_hand(
    ready: Flask, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    begun, go = tmp_path / "begun", tmp_path / "go"
    monkeypatch.setitem(HANDLERS, LARGE, _waiting(begun, go))
    ask(ready, LARGE)
    with working(ready) as one:
        assert wait_until(begun.exists)
        for process in (one, *children(one), int(begun.read_text())):  # as a service manager does
            os.kill(process, signal.SIGTERM)
        time.sleep(0.5)
        assert found(ready, LARGE, "running").finished_at is None
        go.touch()
        assert process_of(found(ready, LARGE, "done")) == int(begun.read_text())
        assert ended_in_order(one)


def test_a_killed_worker_takes_the_large_job_with_it(
    ready: Flask, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    begun = tmp_path / "begun"
    monkeypatch.setitem(HANDLERS, LARGE, _waiting(begun, tmp_path / "never"))
    ask(ready, LARGE)
    with working(ready) as one:
        assert wait_until(begun.exists)
        (server,), doer = children(one), int(begun.read_text())
        os.kill(one, signal.SIGKILL)
        assert wait_until(lambda: not lives(server) and not lives(doer))
    assert found(ready, LARGE, "running").deaths == 0  # its lease will tell


def test_without_its_fork_server_a_worker_does_everything_itself(ready: Flask) -> None:
    with working(ready) as one:
        ask(ready, SMALL)
        found(ready, SMALL, "done")
        (server,) = children(one)
        os.kill(server, signal.SIGKILL)
        assert wait_until(lambda: not lives(server))
        ask(ready, LARGE)
        assert process_of(found(ready, LARGE, "done")) == one


@pytest.mark.one_database
def test_a_copy_looks_whether_the_job_is_still_its_own_and_says_when_it_cannot_tell(
    ready: Flask, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    done, twice = tmp_path / "done", tmp_path / "twice"

    def run(job: Job) -> None:
        if twice.exists():
            raise RuntimeError(job.kind)
        if done.exists():
            twice.touch()
            raise DatabaseAway
        done.touch()

    ask(ready, LARGE)
    with ready.app_context():
        job = worker.claim("me")
        assert job is not None
        job_id = job.id
    release(ready)
    mine, others = ForkServer(ready, "me", run), ForkServer(ready, "another", run)
    try:
        assert others.work(job_id) == "told"
        assert not done.exists()
        assert mine.work(job_id) == "told"
        assert done.exists()
        assert mine.work(job_id) == "untold"
        assert mine.work(job_id) == "died"
    finally:
        for server in (mine, others):
            server.close()


@pytest.mark.one_database
def test_a_large_job_whose_end_could_not_be_told_is_done_again_and_nobody_has_died(
    ready: Flask, tmp_path: Path
) -> None:
    away = tmp_path / "away"

    def run(job: Job) -> None:
        if not away.exists():
            away.touch()
            raise DatabaseAway
        worker.run(job)

    ask(ready, LARGE)
    release(ready)
    server = ForkServer(ready, "me", run)
    try:
        with ready.app_context():
            hands = worker.Hands("me", apart=server)
            with pytest.raises(DatabaseAway):
                hands.take_up()
            assert hands.take_up()
    finally:
        server.close()
    assert found(ready, LARGE, "done").deaths == 0


@pytest.mark.one_database
def test_a_job_whose_answer_cannot_be_written_is_set_aside(
    ready: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "REST", timedelta())
    monkeypatch.setitem(HANDLERS, SMALL, lambda _: {"no JSON": object()})
    ask(ready, SMALL)
    with ready.app_context():
        hands = worker.Hands("me")
        for _ in range(jobs_aside.DEATHS):
            with pytest.raises(TypeError):
                hands.take_up()
        assert not hands.take_up()
    job = found(ready, SMALL, "failed")
    assert (job.deaths, job.set_aside_at is None) == (jobs_aside.DEATHS, False)


def _waiting(begun: Path, go: Path) -> Handler:
    """A handler that says which process it is, and waits to go on."""

    def wait(_: Job) -> dict[str, int]:
        part = begun.with_suffix(".part")
        part.write_text(str(os.getpid()))
        part.rename(begun)
        while not go.exists():
            time.sleep(0.02)
        return {"process": os.getpid()}

    return wait

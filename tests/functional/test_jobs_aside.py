"""Jobs that kill whoever does them: tried some times, then set aside until somebody looks."""

from __future__ import annotations

import io
import os
import signal
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest
import structlog
import time_machine
from flask import Flask
from sqlalchemy.exc import OperationalError

from tests.support.databases import release
from tests.support.factories import make_actor
from tests.support.members import make_member, sign_in
from tests.support.pages import PageClient
from trace.errors import NotAllowed, TraceError
from trace.extensions import db
from trace.jobs import worker
from trace.jobs.handlers import HANDLERS
from trace.models import Job
from trace.services import jobs_aside, platform
from trace.services.actors import Actor
from trace.services.files.base import FileBroken, FilesAway
from trace.services.jobs import enqueue
from trace.services.measures import read_measures

NOW = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)
KIND = "kills-its-worker"


@pytest.fixture
def deadly(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Flask:
    """A kind of job that kills the process, and one of it to do."""
    monkeypatch.setitem(HANDLERS, KIND, lambda _: os.kill(os.getpid(), signal.SIGKILL))
    with app.app_context(), time_machine.travel(NOW, tick=False):
        platform.initialise(at=NOW)
        enqueue(KIND, {"n": 1}, at=NOW, payload=b"what it was asked to do")
        db.session.commit()
        worker.publish("tests")
    return app


def killed(app: Flask, at: datetime) -> bool:
    """Works in a process of its own; whether that was killed."""
    release(app)  # a fork must not share connections
    child = os.fork()
    if child == 0:
        with app.app_context(), time_machine.travel(at, tick=False):
            worker.run_pending(f"worker-{os.getpid()}")
        os._exit(0)
    return os.waitpid(child, 0)[1] == signal.SIGKILL


def kill_all(app: Flask) -> datetime:
    """Every worker that takes the job up, until none does; the moment then."""
    for number in range(jobs_aside.DEATHS):
        assert killed(app, NOW + number * worker.LEASE)
    with app.app_context(), time_machine.travel(NOW + number * worker.LEASE, tick=False):
        assert worker.claim("another") is None  # while its lease lasts
    after = NOW + jobs_aside.DEATHS * worker.LEASE
    assert not killed(app, after)
    return after


def test_a_job_that_kills_every_worker_is_set_aside_and_told_until_it_is_settled(
    deadly: Flask, pages: PageClient
) -> None:
    app, after = deadly, kill_all(deadly)
    with app.app_context():
        job = db.session.query(Job).filter_by(kind=KIND).one()
        public_id = job.public_id
        assert (job.state, job.deaths) == ("failed", jobs_aside.DEATHS)
        assert job.payload is not None
        found = {one.name: one.values for one in read_measures(now=after)}
        assert dict(found["trace_jobs_aside"]) == {(KIND,): 1}
        admin = platform.platform_organisation().id
        check_refused(make_actor(NOW))
    told = app.test_cli_runner().invoke(args=["trace", "doctor"]).output
    assert f"1 job is set aside: {KIND}" in told
    release(app)
    with time_machine.travel(after, tick=False):
        sign_in(app, pages.client, make_member(app, role="admin", inside=admin))
        assert "1 đang chờ" in pages.get("/admin/").text
        assert "làm chết tiến trình" in pages.get("/admin/jobs/").text
        page = pages.get(f"/admin/jobs/{public_id}")
        pages.submit(page, {"act": "again"})
        assert "Không có việc nào" in pages.get("/admin/jobs/").text
    # As if it had never been tried: it kills again, and ends where it did.
    with app.app_context():
        job = db.session.query(Job).filter_by(kind=KIND).one()
        assert (job.state, job.deaths, job.attempts) == ("queued", 0, 0)
        job.deaths = jobs_aside.DEATHS - 1
        db.session.commit()
    assert killed(app, after)
    assert not killed(app, after + worker.LEASE)
    runner = app.test_cli_runner()
    assert KIND in runner.invoke(args=["trace", "jobs"]).output
    left = runner.invoke(args=["trace", "jobs", "--leave", public_id])
    assert (left.exit_code, left.output) == (0, "0 set aside\n")
    with app.app_context():
        job = db.session.query(Job).filter_by(kind=KIND).one()
        assert (job.state, job.payload) == ("failed", None)


def check_refused(grower: Actor) -> None:
    with pytest.raises(NotAllowed):
        jobs_aside.list_aside(grower)
    db.session.rollback()


@pytest.mark.one_database
def test_a_job_that_fails_for_an_unforeseen_reason_each_time_is_set_aside_too(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    nothing: dict[str, str] = {}
    monkeypatch.setitem(HANDLERS, KIND, lambda _: nothing["no such key"])
    with app.app_context():
        enqueue(KIND, {}, at=NOW)
        db.session.commit()
        for number in range(worker.ATTEMPTS):
            with time_machine.travel(NOW + timedelta(minutes=6 * number), tick=False):
                assert worker.run_pending() == 1
        assert jobs_aside.count_aside() == [(KIND, 1)]


@pytest.mark.one_database
def test_a_job_whose_files_are_away_waits_for_a_day_and_keeps_what_it_was_asked(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers: list[Any] = []

    def handle(_: Job) -> Any:
        if isinstance(answer := answers.pop(0), TraceError):
            raise answer
        return answer

    monkeypatch.setitem(HANDLERS, KIND, handle)
    with app.app_context():
        platform.initialise(at=NOW)
        enqueue(KIND, {}, at=NOW, payload=b"kept")
        db.session.commit()
        job = db.session.query(Job).filter_by(kind=KIND).one()
        tries, at = 0, NOW
        while job.state == "queued":
            answers.append(FilesAway())
            at = job.run_after
            with time_machine.travel(at, tick=False):
                assert worker.run_pending() == 1
            tries += 1
            db.session.refresh(job)
        assert timedelta(hours=23) < at - NOW < timedelta(hours=26)
        assert tries == worker.ATTEMPTS_AWAY
        assert (job.state, job.deaths, job.result) == ("failed", 0, '{"error":"away"}')
        assert job.payload is not None
        assert jobs_aside.count_aside() == [(KIND, 1)]
        # Once the bucket is back: as if it had never been tried, and it is done.
        admin = Actor(platform.platform_organisation(), None, "admin")
        jobs_aside.try_again(admin, job.public_id, at=at)
        db.session.commit()
        answers += [FilesAway(), {"made": 1}]
        for later in (0, 3):
            with time_machine.travel(at + timedelta(seconds=later), tick=False):
                assert worker.run_pending() == 1
        db.session.refresh(job)
        assert (job.state, job.attempts) == ("done", 2)


@pytest.mark.one_database
def test_a_file_that_is_broken_ends_a_job_at_once(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = io.StringIO()
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(written))

    def broken(_: Job) -> Any:
        raise FileBroken(name="a.jpg")

    monkeypatch.setitem(HANDLERS, KIND, broken)
    with app.app_context():
        enqueue(KIND, {}, at=NOW)
        db.session.commit()
        with time_machine.travel(NOW, tick=False):
            assert worker.run_pending() == 1
        job = db.session.query(Job).filter_by(kind=KIND).one()
        assert (job.state, orjson.loads(job.result or "")["error"]) == ("failed", "file-broken")
        logs = map(orjson.loads, written.getvalue().splitlines())
        [told] = [one for one in logs if one["event"] == "job-refused"]
        assert (told["kind"], told["error"]) == (KIND, "file-broken")


@pytest.mark.one_database
def test_an_outage_is_no_death_however_often_and_waits_minutes_at_most(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(_: Job) -> Any:
        raise OperationalError("", {}, ValueError(), connection_invalidated=True)

    monkeypatch.setitem(HANDLERS, KIND, away)
    with app.app_context():
        enqueue(KIND, {}, at=NOW)
        db.session.commit()
        for number in range(3 * jobs_aside.DEATHS):
            with time_machine.travel(NOW + timedelta(minutes=6 * number), tick=False):
                assert worker.run_pending() == 1
        job = db.session.query(Job).filter_by(kind=KIND).one()
        assert (job.state, job.deaths) == ("queued", 0)
        # Its worker lived on while the database was away: said when it is back.
        with time_machine.travel(NOW + timedelta(days=1), tick=False):
            taken = worker.claim("lives")
            assert taken is not None
            worker.give_back(taken.id, "another")
            assert job.state == "running"
            worker.give_back(taken.id, "lives")
        db.session.refresh(job)
        assert (job.state, job.deaths) == ("queued", 0)

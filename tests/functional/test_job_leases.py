"""Whose job it is: held while its handler works, and nobody else's to end or to put back."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from flask import Flask
from sqlalchemy import select
from sqlalchemy.exc import OperationalError

from trace import clock
from trace.extensions import db
from trace.jobs import holding, worker
from trace.jobs.handlers import HANDLERS
from trace.models import Job
from trace.services.jobs import enqueue
from trace.services.outages import DatabaseAway

NOW = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)
KIND = "lasts"
pytestmark = pytest.mark.usefixtures("now")


@pytest.fixture
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leases are renewed as often as can be."""
    monkeypatch.setattr(holding, "EVERY", 0.01)


def asked() -> int:
    """One job to do."""
    made = enqueue(KIND, {"n": 1}, at=NOW, payload=b"what it was asked to do")
    db.session.commit()
    return made.id


def taken(name: str) -> Job:
    job = worker.claim(name)
    assert job is not None
    return job


def stored(number: int) -> Job:
    db.session.rollback()
    return db.session.get_one(Job, number, populate_existing=True)


def renewed(number: int) -> bool:
    """Whether the lease is as long as a new one, within some seconds."""
    end = time.monotonic() + 10
    while time.monotonic() < end:
        until = db.session.scalar(select(Job.lease_until).where(Job.id == number))
        db.session.rollback()
        if until is not None and until >= clock.now() + worker.LEASE:
            return True
        time.sleep(0.01)
    return False


@pytest.mark.usefixtures("often")
def test_a_job_that_lasts_longer_than_its_lease_is_done_by_who_took_it(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lasts(_job: Job) -> dict[str, str]:
        for turn in range(1, 4):
            with time_machine.travel(NOW + turn * timedelta(seconds=110), tick=False):
                assert renewed(number)
                assert worker.claim("two") is None
        return {"by": "one"}

    monkeypatch.setitem(HANDLERS, KIND, lasts)
    with app.app_context():
        number = asked()
        worker.run(taken("one"))
        job = stored(number)
        assert (job.state, job.deaths, job.result) == ("done", 0, '{"by":"one"}')


@pytest.mark.usefixtures("often")
def test_a_renewal_that_fails_stops_neither_the_job_nor_the_next_renewal(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    renew, tried = holding._renew, []

    def away(*args: Any) -> None:
        tried.append(args)
        if len(tried) < 3:
            raise OperationalError("", {}, ValueError(), connection_invalidated=True)
        renew(*args)

    def lasts(_job: Job) -> dict[str, str]:
        with time_machine.travel(NOW + timedelta(seconds=110), tick=False):
            assert renewed(number)
        return {"by": "one"}

    monkeypatch.setattr(holding, "_renew", away)
    monkeypatch.setitem(HANDLERS, KIND, lasts)
    with app.app_context():
        number = asked()
        worker.run(taken("one"))
        assert stored(number).state == "done"
    assert len(tried) >= 3


@pytest.mark.usefixtures("often")
def test_a_handler_that_hangs_keeps_its_job_for_an_hour_at_most(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert holding.LONGEST == 3600
    monkeypatch.setattr(holding, "LONGEST", 0.05)

    def hangs(_job: Job) -> None:
        for thread in threading.enumerate():
            if thread.name == holding.NAME:
                thread.join(timeout=10)
        with time_machine.travel(NOW + 2 * worker.LEASE, tick=False):
            assert taken("two").deaths == 1

    monkeypatch.setitem(HANDLERS, KIND, hangs)
    with app.app_context():
        number = asked()
        worker.run(taken("one"))
        assert (stored(number).state, stored(number).leased_by) == ("running", "two")


@pytest.mark.usefixtures("often")
def test_nothing_holds_a_job_that_has_ended(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(HANDLERS, KIND, lambda _: {"by": "one"})
    with app.app_context():
        number = asked()
        worker.run(taken("one"))
        assert holding.NAME not in {thread.name for thread in threading.enumerate()}
        # One that was under way and came late.
        holding._renew(db.engine, number, "one", worker.LEASE)
        assert (stored(number).state, stored(number).lease_until) == ("done", None)


@pytest.mark.parametrize("ended", [True, False], ids=["ended", "under way"])
@pytest.mark.parametrize(
    "error",
    [
        DatabaseAway(),
        OperationalError("", {}, ValueError(), connection_invalidated=True),
        KeyError("nobody foresaw it"),
    ],
    ids=["refused for now", "outage", "unforeseen"],
)
def test_a_worker_whose_lease_ran_out_does_not_put_back_the_job_of_the_one_that_took_it(
    error: Exception, ended: bool, app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(job: Job) -> dict[str, str]:
        if job.leased_by == "two":
            return {"by": "two"}
        with time_machine.travel(NOW + 2 * worker.LEASE, tick=False):
            other = taken("two")
            if ended:
                worker.run(other)
        raise error

    monkeypatch.setitem(HANDLERS, KIND, fails)
    with app.app_context():
        number = asked()
        worker.run(taken("one"))
        job = stored(number)
        assert (job.state, job.leased_by) == ("done" if ended else "running", "two")
        assert job.result == ('{"by":"two"}' if ended else None)
        assert (job.payload is None) is ended


def test_a_job_that_could_not_be_done_for_now_waits_longer_each_time(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuses(_job: Job) -> None:
        raise DatabaseAway

    monkeypatch.setitem(HANDLERS, KIND, refuses)
    with app.app_context():
        number, at = asked(), NOW
        for pause in (2, 4, 8, 16, 32, 64, 128, 256, 300, 300):
            with time_machine.travel(at, tick=False):
                worker.run(taken("one"))
                at = stored(number).run_after
                assert (stored(number).state, at - clock.now()) == (
                    "queued",
                    timedelta(seconds=pause),
                )

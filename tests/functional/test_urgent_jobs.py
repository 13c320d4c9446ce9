"""What somebody waits for is done while a worker is busy with long work."""

from __future__ import annotations

import time

import pytest
from flask import Flask
from sqlalchemy import select

from tests.support.workers import ended_in_order, working
from trace import clock
from trace.extensions import db
from trace.jobs import worker
from trace.jobs.handlers import HANDLERS
from trace.jobs.registry import load_handlers
from trace.jobs.urgent import URGENT
from trace.models import Job
from trace.services import platform
from trace.services.jobs import enqueue

LONG = "lasts"
ANY = frozenset[str]().union(*URGENT)


def ended(kind: str, patience: float = 60) -> bool:
    """Whether the jobs of a kind are done, within some seconds."""
    end = time.monotonic() + patience
    while time.monotonic() < end:
        states = set(db.session.scalars(select(Job.state).where(Job.kind == kind)))
        db.session.rollback()
        if states == {"done"}:
            return True
        time.sleep(0.05)
    return False


@pytest.fixture
def asked(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Flask:
    """Long work, and behind it one job of each urgent kind; the long one ends when they have."""
    load_handlers()
    urgent = sorted(ANY)
    assert set(urgent) <= set(HANDLERS)
    for kind in urgent:
        monkeypatch.setitem(HANDLERS, kind, lambda _: {})
    monkeypatch.setitem(HANDLERS, LONG, lambda _: {"waited": all(ended(one, 20) for one in urgent)})
    with app.app_context():
        at = clock.now()
        platform.initialise(at=at)
        db.session.query(Job).delete()
        for kind in (LONG, *urgent):
            enqueue(kind, {}, at=at)
        db.session.commit()
    return app


def test_codes_recalls_and_messages_do_not_wait_behind_a_long_job(asked: Flask) -> None:
    with working(asked) as child:
        with asked.app_context():
            assert ended(LONG)
            long = db.session.scalars(select(Job.result).where(Job.kind == LONG)).one()
            assert long == '{"waited":true}'
        assert ended_in_order(child)


def test_of_what_is_urgent_codes_come_first_and_nothing_else_is_taken(
    asked: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    order: list[str] = []
    for kind in ANY:
        monkeypatch.setitem(HANDLERS, kind, lambda job: order.append(job.kind))
    with asked.app_context():
        hands = worker.Hands("one", URGENT)
        while hands.take_up():
            pass
        assert set(order) == ANY
        assert (order[0], order[-1]) == ("message", "tell")
        assert db.session.scalar(select(Job.state).where(Job.kind == LONG)) == "queued"

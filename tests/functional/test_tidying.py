"""The hourly tidying: each step for itself, and somebody hears of one that fails."""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime, timedelta

import pytest
import structlog
from flask import Flask
from sqlalchemy import func, select
from sqlalchemy.exc import OperationalError

from trace.extensions import db
from trace.jobs import tidying
from trace.jobs.tidying import STEPS, TURN, Tidying, tidy
from trace.models import Counter, Job
from trace.services import doctor, platform, retention, tidied
from trace.services.files import FilesAway
from trace.services.measures import read_measures

NOW = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
pytestmark = pytest.mark.usefixtures("now")


@pytest.fixture
def installed(app: Flask) -> Flask:
    with app.app_context():
        platform.initialise(at=NOW)
        db.session.commit()
    return app


@pytest.fixture
def lines() -> io.StringIO:
    """What is logged."""
    written = io.StringIO()
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(written))
    return written


def complaints(lines: io.StringIO) -> list[tuple[str, str]]:
    told = map(json.loads, lines.getvalue().splitlines())
    return [(one["step"], one["error"]) for one in told if one["event"] == "cannot-tidy"]


def age(at: datetime) -> float | None:
    found = {one.name: one.values for one in read_measures(now=at)}["trace_tidied_seconds"]
    db.session.rollback()
    return found[0][1] if found else None


def state(at: datetime) -> str:
    [found] = [one for one in doctor.examine(now=at) if one.part == "tidying"]
    assert bool(found.mend) is (found.state != "ok")
    return found.state


def refuse(*, at: datetime) -> int:
    """Writes something, then finds no bucket."""
    db.session.add(Counter(key=b"half", count=1, ends_at=at + HOUR))
    db.session.flush()
    raise FilesAway


def stumble(*, at: datetime) -> int:
    nothing: dict[str, int] = {}
    return nothing["no such key"]


def find_nobody(*, at: datetime) -> int:
    raise OperationalError("", {}, ValueError(), connection_invalidated=True)


def test_every_step_goes_well_and_that_is_noted(installed: Flask) -> None:
    with installed.app_context():
        assert (age(NOW), state(NOW)) == (None, "ok")
        Tidying("one").run(at=NOW)
        assert (age(NOW + 2 * HOUR), state(NOW + 2 * HOUR)) == (7200, "ok")
        assert state(NOW + 4 * HOUR) == "warning"
        assert set(tidy(at=NOW + HOUR)) == set(STEPS) == set(TURN) - {"parts"}


def test_steps_that_fail_undo_nothing_of_the_others_and_are_named(
    installed: Flask, lines: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    tidying_, first = Tidying("one"), NOW
    with installed.app_context():
        db.session.add(Counter(key=b"over", count=1, ends_at=NOW))
        db.session.commit()
        with monkeypatch.context() as broken:
            broken.setitem(TURN, "papers", refuse)
            broken.setitem(TURN, "reminded", stumble)
            tidying_.run(at=first)
            # Of the broken step nothing stays; what stands before and behind it is done.
            assert [bytes(key) for key in db.session.scalars(select(Counter.key))] == []
            asked = db.session.scalar(select(func.count()).where(Job.kind == "sweep-files"))
            assert asked == 1
            assert complaints(lines) == [("papers", "FilesAway"), ("reminded", "KeyError")]
            assert "no such key" in lines.getvalue()  # what nobody foresaw comes with its cause
            for turn in range(1, 5):
                tidying_.run(at=first + turn * HOUR)
        # None went well yet: it counts from the first.
        assert (age(first + 4 * HOUR), state(first + 4 * HOUR)) == (4 * 3600, "warning")
        tidying_.run(at=first + 5 * HOUR)
        assert (age(first + 5 * HOUR), state(first + 5 * HOUR)) == (0, "ok")
        with monkeypatch.context() as broken:
            broken.setitem(TURN, "papers", refuse)
            tidying_.run(at=first + 6 * HOUR)
        assert age(first + 6 * HOUR) == 3600


def test_where_the_database_is_away_not_every_step_asks_for_it(
    installed: Flask, lines: io.StringIO
) -> None:
    steps = {"a": find_nobody, "b": retention.forget, "c": find_nobody, "d": find_nobody}
    with installed.app_context():
        assert tidy(at=NOW, steps=steps | {"e": retention.forget}) == {"b": 0}
        assert [step for step, _ in complaints(lines)] == ["a", "c", "d"]


@pytest.mark.one_database
def test_the_command_names_what_failed(installed: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    run = installed.test_cli_runner().invoke
    done = run(args=["trace", "requests", "--tidy"])
    assert (done.exit_code, done.stderr) == (0, "")
    monkeypatch.setitem(tidying.STEPS, "papers", refuse)
    failed = run(args=["trace", "requests", "--tidy"])
    assert failed.exit_code == 1
    assert "failed: papers" in failed.stderr
    with installed.app_context():
        assert tidied.last() is None  # a worker's turn is more than that

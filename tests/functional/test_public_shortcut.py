"""The short way answers as the long one does, to the byte; and what it may not answer it leaves."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import scoped_session
from werkzeug.test import TestResponse

from tests.support.farms import Farm, make_farm, path_of
from tests.support.stamps import bind_stamps, make_stamps, stamp_page, void_stamps
from trace.extensions import db
from trace.services import sequencer
from trace.web.hot import Application
from trace.web.scan import rows

START = datetime(2026, 11, 8, 1, 0, tzinfo=UTC)
pytestmark = pytest.mark.usefixtures("now")

Answers = list[tuple[int, list[tuple[str, str]], bytes]]


@pytest.fixture
def farm(db_session: scoped_session[Any]) -> Farm:
    return make_farm(START)


@contextmanager
def counted(app: Flask) -> Iterator[list[str]]:
    """The paths that the short way answered."""
    assert isinstance(app, Application)
    short, taken = app.shortcut, []
    assert short is not None

    def listening(environ: dict[str, Any]) -> Any:
        answer = short(environ)
        if answer is not None:
            taken.append(environ["PATH_INFO"])
        return answer

    app.shortcut = listening
    try:
        yield taken
    finally:
        app.shortcut = short


def told(answer: TestResponse) -> list[tuple[str, str]]:
    """The headers, but the request's name, which the long way gives."""
    return sorted(pair for pair in answer.headers if pair[0] != "X-Request-Id")


def both(app: Flask, path: str, method: str = "GET", **headers: str) -> tuple[Answers, list[str]]:
    """(the same request by the long way and by the short one, what the short one answered)."""
    assert isinstance(app, Application)
    short, given = app.shortcut, {name.replace("_", "-"): text for name, text in headers.items()}
    answers: Answers = []
    app.shortcut = None
    with app.test_client(
        use_cookies=False
    ) as client:  # the long way twice: the first puts the page into memory
        client.open(path, method=method, headers=given)
        answer = client.open(path, method=method, headers=given)
        answers.append((answer.status_code, told(answer), answer.data))
    app.shortcut = short
    with counted(app) as taken, app.test_client(use_cookies=False) as client:
        answer = client.open(path, method=method, headers=given)
        answers.append((answer.status_code, told(answer), answer.data))
    return answers, taken


BROWSERS: tuple[dict[str, str], ...] = (
    {"Accept_Language": "vi-VN,vi;q=0.9", "Accept_Encoding": "gzip, deflate, br"},
    {"Accept_Language": "en", "Accept_Encoding": "gzip;q=1, br;q=0", "Accept": "text/html"},
    {},
)


def test_the_short_way_answers_as_the_long_one(app: Flask, farm: Farm) -> None:
    cycle = farm.sow()
    lot = farm.reap(cycle)
    roll = make_stamps(farm.actor, 3)
    bind_stamps(farm, roll, 1, 2, lot)
    sequencer.publish(now=farm.at)
    db.session.commit()
    printed = [path_of(lot), path_of(cycle), stamp_page(roll, 1).removeprefix("/t")]
    for path in [*printed, *(f"/t{one}" for one in printed), f"/t{path_of(lot)}/"]:
        for browser in BROWSERS:
            for method in ("GET", "HEAD"):
                (long, short), taken = both(app, path, method, **browser)
                assert short == long, (path, browser)
                assert taken == [path]
    for query in ("x=1", "17=261231&foo=a%20b+c&foo=%E1%BA%A3", "a=1&&b", "lang=en", "=&;", "?"):
        (long, short), taken = both(app, f"{path_of(lot)}?{query}")
        assert short == long
        assert (short[0], taken) == (307, [path_of(lot)])
        assert ("Location", f"/t{path_of(lot)}?{query}") in short[1]
    etag = app.test_client().get(f"/t{path_of(lot)}").headers["ETag"]
    for given in (etag, f'"x", {etag}', "*"):
        (long, short), taken = both(app, f"/t{path_of(lot)}", If_None_Match=given)
        assert short == long
        assert (short[0], short[2], taken) == (304, b"", [f"/t{path_of(lot)}"])


def test_what_is_asked_beside_the_address_takes_the_long_way(app: Flask, farm: Farm) -> None:
    lot = path_of(farm.reap(farm.sow()))
    roll = make_stamps(farm.actor, 3)
    bind_stamps(farm, roll, 1, 1, farm.register())
    void_stamps(farm.actor, roll, 3, 3)
    db.session.commit()
    for path in (
        *(f"/t{lot}?lang=en", f"/t{lot}?view=proof", f"{lot}?linkType=linkset"),
        *(f"{lot}?x=1&LINKtype=gs1:pip", f"{lot}?link%54ype=linkset"),
        *(f"{lot}?x={'y' * 2000}", f"{lot}/?x=1"),
        *(f"/t/{lot}", f"{lot}/", "/t/b/7K3QMP2XV4", "/t/b/no", "/b/no", "/", "/search", "/t/"),
        *(stamp_page(roll, 2), stamp_page(roll, 3), f"/t/o/{farm.organisation.code}"),
    ):
        (long, short), taken = both(app, path)
        assert short[0] == long[0], path
        assert taken == [], path
    for headers in ({"Accept": "application/linkset+json"}, {"Cookie": "trace_session=x"}):
        (long, short), taken = both(app, lot, **headers)
        assert (short, taken) == (long, [])


def test_a_recall_is_read_at_the_next_scan_also_by_the_short_way(
    app: Flask, farm: Farm, client: FlaskClient
) -> None:
    lot = farm.reap(farm.sow())
    path = f"/t{path_of(lot)}"
    before = client.get(path)
    farm.notify("recall", lot, hazard="health", reason="Mẫu vượt mức")
    after = client.get(path, headers={"If-None-Match": before.headers["ETag"]})
    assert after.status_code == 200
    assert "Mẫu vượt mức" in after.get_data(as_text=True)
    with counted(app) as taken:
        assert client.get(path).data == after.data
    assert taken == [path]


@pytest.mark.one_database
def test_a_database_that_does_not_answer_is_said_by_the_long_way(
    app: Flask, farm: Farm, monkeypatch: pytest.MonkeyPatch
) -> None:
    lot = path_of(farm.reap(farm.sow()))
    client = app.test_client()
    client.get(f"/t{lot}")

    def broken(*_: Any) -> None:
        raise sqlite3.OperationalError("disk I/O error")

    monkeypatch.setattr(rows, "read", broken)
    with counted(app) as taken, pytest.raises(sqlite3.OperationalError):
        client.get(f"/t{lot}")  # in production: the page of an unforeseen failure
    assert taken == []

"""What PostgreSQL has prepared outlives requests that only read."""

from __future__ import annotations

import psycopg
import pytest
from flask import Flask
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, OperationalError

from tests.support.databases import release
from tests.support.factories import make_actor, new_lot, registered
from trace import clock
from trace.extensions import db
from trace.services.capture import capture

pytestmark = pytest.mark.one_database("postgresql")
PREPARED = text("SELECT count(*) FROM pg_prepared_statements WHERE statement LIKE :of")


def prepared(of: str) -> int:
    return int(db.session.scalar(PREPARED, {"of": of}) or 0)


def test_a_page_is_planned_once_however_often_it_is_scanned(app: Flask) -> None:
    with app.app_context():
        lot = new_lot()
        capture(make_actor(clock.now()), [registered(lot)], at=clock.now())
        db.session.commit()
    release(app)  # so that one connection serves all
    client = app.test_client()
    path = "/t" + lot.removeprefix("https://trace.example")
    for _ in range(8):
        assert client.get(path).status_code == 200
    with app.app_context():
        assert prepared("%passports%") > 0
        names = db.session.scalars(text("SELECT name FROM pg_prepared_statements")).all()
        db.session.rollback()
        again = db.session.scalars(text("SELECT name FROM pg_prepared_statements")).all()
        assert set(names) <= set(again)


def test_what_is_rolled_back_is_gone_and_a_failed_transaction_ends(app: Flask) -> None:
    with app.app_context():
        for round_ in range(7):  # prepared from the sixth on
            make_actor(clock.now(), name=f"HTX {round_}")
            count = db.session.scalar(text("SELECT count(*) FROM organisations"))
            db.session.execute(text("UPDATE organisations SET name = 'khác'"))
            with pytest.raises(DBAPIError):
                db.session.execute(text("SELECT 1 / 0"))
            db.session.rollback()
            names = db.session.scalars(text("SELECT name FROM organisations")).all()
            assert len(names) == count
            assert "khác" not in names
            db.session.rollback()


def test_a_connection_that_the_server_closed_is_told_and_replaced(app: Flask) -> None:
    with app.app_context():
        mine = db.session.scalar(text("SELECT pg_backend_pid()"))
        with db.engine.connect() as other:
            other.execute(text("SELECT pg_terminate_backend(:pid)"), {"pid": mine})
            other.commit()
        with pytest.raises(OperationalError):
            db.session.execute(text("SELECT 1"))
        db.session.rollback()
        assert db.session.scalar(text("SELECT pg_backend_pid()")) != mine
        raw = db.session.connection().connection.driver_connection
        assert isinstance(raw, psycopg.Connection)


def test_a_request_whose_server_died_after_its_answer_ends_without_an_error(app: Flask) -> None:
    """Nothing is left to roll back; an error at the end would take the answer's place."""
    with app.app_context():
        mine = db.session.scalar(text("SELECT pg_backend_pid()"))
        with db.engine.connect() as other:
            other.execute(text("SELECT pg_terminate_backend(:pid)"), {"pid": mine})
        db.session.remove()
        assert db.session.scalar(text("SELECT pg_backend_pid()")) != mine

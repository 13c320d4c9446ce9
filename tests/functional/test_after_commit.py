"""What is done to files once the rows are committed, and only then."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from flask import Flask
from sqlalchemy import select

from trace.extensions import db
from trace.models import Organisation
from trace.services.after_commit import after_commit


class GivenUpError(Exception):
    pass


@contextmanager
def savepoint(*, given_up: bool) -> Iterator[None]:
    try:
        with db.session.begin_nested():
            db.session.execute(select(Organisation.id))
            yield
            if given_up:
                raise GivenUpError
    except GivenUpError:
        pass


def test_acts_follow_the_commit_and_are_dropped_with_the_transaction(app: Flask) -> None:
    done: list[str] = []
    with app.app_context():
        after_commit(lambda: done.append("rolled back"))
        db.session.execute(select(Organisation.id))
        db.session.rollback()
        after_commit(lambda: done.append("committed"))
        db.session.execute(select(Organisation.id))
        assert done == []
        db.session.commit()
        assert done == ["committed"]
        db.session.commit()
    assert done == ["committed"]


def test_a_savepoint_given_up_takes_its_own_acts_with_it_and_no_others(app: Flask) -> None:
    done: list[str] = []
    with app.app_context():
        after_commit(lambda: done.append("before"))
        with savepoint(given_up=True):
            after_commit(lambda: done.append("given up"))
            with savepoint(given_up=False):
                after_commit(lambda: done.append("given up with it"))
        with savepoint(given_up=False):
            after_commit(lambda: done.append("kept"))
            with savepoint(given_up=True):
                after_commit(lambda: done.append("given up inside"))
        assert done == []
        db.session.commit()
    assert done == ["before", "kept"]

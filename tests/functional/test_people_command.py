"""The administrator's way to a new password."""

from __future__ import annotations

from datetime import datetime

import pytest
from flask import Flask

from trace.extensions import db
from trace.models import Person
from trace.services.people import HASHER, authenticate


@pytest.mark.one_database
def test_a_reset_prints_a_password_that_works_and_the_old_one_does_not(
    app: Flask, now: datetime
) -> None:
    with app.app_context():
        old = HASHER.hash("mật khẩu cũ đủ dài")
        db.session.add(
            Person(name="Demo", email="a@demo.example", password_hash=old, created_at=now)
        )
        db.session.commit()
    done = app.test_cli_runner().invoke(
        args=["trace", "people", "reset-password", "a@demo.example"]
    )
    assert done.exit_code == 0, done.output
    with app.app_context():
        assert authenticate("a@demo.example", done.output.strip()).name == "Demo"
    unknown = app.test_cli_runner().invoke(
        args=["trace", "people", "reset-password", "b@demo.example"]
    )
    assert unknown.exit_code == 1

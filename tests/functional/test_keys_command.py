"""Keys by command line, and the secret they are sealed under."""

from __future__ import annotations

import base64
import os
import subprocess
import sys
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import scoped_session

from tests.support.factories import make_actor, new_lot, registered
from trace.config import BadSetting, Settings
from trace.core.signing import SealBroken
from trace.extensions import db
from trace.models import Event, Key
from trace.services import keys
from trace.services.capture import capture
from trace.services.keys import log_key, root_public, signing_key

Session = scoped_session[Any]
ROOT = Path(__file__).parents[2]
NEW = bytes(range(100, 132))


def text_of(key: bytes) -> str:
    return base64.urlsafe_b64encode(key).decode().rstrip("=")


def run(app: Flask, *words: str, env: dict[str, str] | None = None) -> Any:
    with app.app_context():
        db.session.remove()
    result = app.test_cli_runner().invoke(args=["trace", "keys", *words], env=env)
    keys.forget_opened()
    return result


def resealed(app: Flask, secret: bytes) -> None:
    """The application as it starts with another key-encryption key."""
    from dataclasses import replace

    app.extensions["trace.settings"] = replace(
        app.extensions["trace.settings"], key_encryption_key=secret
    )
    keys.forget_opened()


def test_after_rewrapping_only_the_new_secret_signs_and_the_old_statements_stand(
    app: Flask, db_session: Session, now: datetime
) -> None:
    actor = make_actor(now)
    capture(actor, [registered(new_lot())], at=now)
    root, log = root_public(), log_key().public
    db_session.commit()
    kids = db_session.scalars(select(Key.kid).order_by(Key.id)).all()
    organisation_id = actor.organisation.id

    result = run(app, "rewrap", env={"TRACE_NEW_KEY_ENCRYPTION_KEY": text_of(NEW)})
    assert result.exit_code == 0, result.output
    actor = type(actor)(
        db.session.get_one(type(actor.organisation), organisation_id), None, "owner"
    )
    with pytest.raises(SealBroken):
        signing_key(actor.organisation)
    with pytest.raises(SealBroken):
        root_public()

    resealed(app, NEW)
    assert (root_public(), log_key().public) == (root, log)
    capture(actor, [registered(new_lot())], at=now)
    db.session.commit()
    assert db.session.scalars(select(Key.kid).order_by(Key.id)).all() == kids
    signers = {event.key.kid for event in db.session.scalars(select(Event))}
    assert len(signers) == 1


@pytest.mark.parametrize("given", ["", "short", text_of(bytes(31)), text_of(bytes(33)), "!" * 43])
def test_a_wrong_new_secret_is_refused_by_name_and_changes_nothing(
    app: Flask, db_session: Session, now: datetime, given: str
) -> None:
    make_actor(now)
    before = db_session.scalars(select(Key.sealed).order_by(Key.id)).all()
    db_session.rollback()
    result = run(app, "rewrap", env={"TRACE_NEW_KEY_ENCRYPTION_KEY": given})
    assert result.exit_code != 0
    said = f"{result.output}{result.exception}"
    assert "new-key" in said or "TRACE_NEW_KEY_ENCRYPTION_KEY" in said
    assert db.session.scalars(select(Key.sealed).order_by(Key.id)).all() == before


def test_keys_are_listed_rotated_and_revoked(
    app: Flask, db_session: Session, now: datetime
) -> None:
    code = make_actor(now).organisation.code
    made = run(app, "rotate", code)
    assert made.exit_code == 0, made.output
    kid = made.output.strip()
    assert kid.endswith("#key-2")
    assert "ended at" in run(app, "revoke", kid).output
    listed = run(app, "list", code).output.splitlines()
    assert [line.split()[1] for line in listed] == ["server", "server"]
    assert all("ended at" in line for line in listed)


PRODUCTION = {
    "TRACE_ENVIRONMENT": "production",
    "TRACE_SECRET_KEY": "a secret long enough for production, only for tests",
    "TRACE_PUBLIC_URL": "https://trace.example",
}


def test_production_refuses_settings_without_a_key_encryption_key(tmp_path: Path) -> None:
    env = {**PRODUCTION, "TRACE_INSTANCE": str(tmp_path)}
    with pytest.raises(BadSetting, match="TRACE_KEY_ENCRYPTION_KEY must be set in production"):
        Settings.from_env(env)
    assert list(tmp_path.iterdir()) == []  # nor does it make one up
    given = Settings.from_env({**env, "TRACE_KEY_ENCRYPTION_KEY": text_of(NEW)})
    assert given.key_encryption_key == NEW


def test_the_program_itself_does_not_start_in_production_without_one(tmp_path: Path) -> None:
    env = {**PRODUCTION, "TRACE_INSTANCE": str(tmp_path), "PATH": os.environ["PATH"]}
    done = subprocess.run(
        [sys.executable, "-c", "import wsgi"],
        cwd=ROOT,
        env=env,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode != 0
    assert "TRACE_KEY_ENCRYPTION_KEY" in done.stderr

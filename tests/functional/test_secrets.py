"""What must be read nowhere: values in logs, secrets on disk, other people's numbers in entries."""

from __future__ import annotations

import base64
import io
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import structlog
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import scoped_session

from tests.support.factories import make_actor, new_lot, registered
from tests.support.members import PASSWORD, make_member
from trace.config import Settings
from trace.core.signing import unb64url
from trace.core.statements import kept_texts
from trace.extensions import db
from trace.models import Event, Key, LogEntry, Person, Session, Token
from trace.services import people, sessions
from trace.services.capture import capture
from trace.services.tokens import issue_token

Scoped = scoped_session[Any]
AT = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)


@pytest.fixture
def log(app: Flask) -> io.StringIO:
    """What the application logs, through its own processors."""
    written = io.StringIO()
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(written))
    return written


def test_an_unforeseen_failure_is_logged_without_anybodys_data(
    app: Flask, client: FlaskClient, log: io.StringIO, monkeypatch: Any
) -> None:
    member = make_member(app)

    def twice() -> str:
        known = db.session.get(Person, member.person_id)
        assert known is not None
        db.session.add(
            Person(
                name="Bà Tư cuối xóm",
                phone=known.phone,
                password_hash="$argon2id$secret",
                locale="vi",
                created_at=AT,
            )
        )
        db.session.flush()
        return ""

    monkeypatch.setitem(app.view_functions, "home.about", twice)
    app.testing = False  # as in production: the failure is answered and logged
    answer = client.get("/about")
    assert answer.status_code == 500
    logged = log.getvalue()
    lines = [json.loads(line) for line in logged.splitlines()]
    line = next(one for one in lines if one["event"] == "unforeseen")
    assert "UNIQUE" in line["exception"].upper()
    assert member.login[1:] not in logged
    for secret in ("Bà Tư", "B\\u00e0 T", "argon2id"):
        assert secret not in logged
    assert "Bà Tư" not in answer.text


def test_signing_in_writes_neither_number_nor_password_to_the_log(
    app: Flask, client: FlaskClient, log: io.StringIO, capsys: pytest.CaptureFixture[str]
) -> None:
    member = make_member(app)
    app.config["WTF_CSRF_ENABLED"] = False
    for password in (PASSWORD, "không phải mật khẩu này"):
        client.post("/sign-in", data={"login": member.login, "password": password})
    said = capsys.readouterr()
    for secret in (member.login, member.login[1:], PASSWORD, "không phải mật khẩu này"):
        assert secret not in said.out + said.err + log.getvalue()


def test_passwords_sign_ins_and_tokens_are_kept_as_digests_only(app: Flask) -> None:
    member = make_member(app)
    with app.app_context():
        person = db.session.get(Person, member.person_id)
        assert person is not None
        _, sign_in = sessions.open_session(person, at=AT)
        _, token = issue_token(member.actor.organisation, "máy", ["query"], at=AT)
        db.session.commit()
        assert person.password_hash.startswith("$argon2id$")
        assert people.authenticate(member.login, PASSWORD).id == person.id
        kept = {bytes(h) for h in db.session.scalars(select(Session.token_hash))}
        kept |= {bytes(h) for h in db.session.scalars(select(Token.token_hash))}
        for text in (sign_in, token):
            assert text.encode() not in b"".join(kept)
            assert sessions.token_digest(text) in kept


def test_no_private_key_lies_in_the_database_or_the_folder_unsealed(
    app: Flask, settings: Settings, db_session: Scoped, now: datetime
) -> None:
    actor = make_actor(now)
    capture(actor, [registered(new_lot())], at=now)
    db_session.commit()
    for key in db_session.scalars(select(Key)):
        assert "d" not in json.loads(key.jwk)
    kek = base64.urlsafe_b64encode(settings.key_encryption_key).rstrip(b"=")
    for path in Path(settings.instance).rglob("*"):
        if path.is_file():
            held = path.read_bytes()
            assert settings.key_encryption_key not in held
            assert kek not in held
            assert settings.secret_key.encode() not in held


def test_the_log_holds_no_word_of_what_was_said(db_session: Scoped, now: datetime) -> None:
    actor, lot = make_actor(now, "Hộ Demo Cụ Thể"), new_lot()
    capture(
        actor,
        [registered(lot, trace__note="gặp bác Tư ở kho", trace__performedBy="HO-07")],
        at=now,
    )
    db_session.commit()
    entries = "\n".join(
        entry
        for entry in db_session.scalars(select(LogEntry.entry))
        if json.loads(entry)["type"] == "event"
    )
    event = db_session.scalars(select(Event)).one()
    said = [lot.rpartition("/")[2], actor.organisation.code, actor.organisation.name]
    said += ["bác Tư", "HO-07", "commissioning", "480"]
    for text in filter(None, kept_texts(event.disclosures)):
        said += [text, json.loads(unb64url(text))[0]]  # the disclosure, and its salt
    assert len(said) > 10
    assert [word for word in said if word in entries] == []
    assert set(json.loads(entries.splitlines()[0])) == {"v", "type", "t", "h", "links"}


def test_problems_shown_to_people_hold_no_traces(
    app: Flask, client: FlaskClient, monkeypatch: Any
) -> None:
    def broken() -> str:
        raise RuntimeError("secret of the house")

    monkeypatch.setitem(app.view_functions, "home.about", broken)
    app.testing = False
    for accept in ("text/html", "application/json"):
        answer = client.get("/about", headers={"Accept": accept})
        assert answer.status_code == 500
        assert "secret of the house" not in answer.text
        assert "Traceback" not in answer.text

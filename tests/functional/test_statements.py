"""Statements signed outside with an organisation's own key: taken whole, or refused by name."""

from __future__ import annotations

import os
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import uuid4

import orjson
import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import scoped_session

from tests.support.factories import event, make_actor, new_lot, registered
from tests.support.farms import thing_id
from trace.core.signing import JsonObject, PrivateKey, b64url, sign_compact, unb64url
from trace.core.statements import build_statement, kept_texts, present
from trace.core.statements.build import TYP
from trace.core.verify import verify_bundle
from trace.core.verify.policy_file import read_policy
from trace.jobs.worker import publish
from trace.models import Event, Key, LogEntry
from trace.services.actors import Actor
from trace.services.bundles import bundle_of
from trace.services.capture import capture
from trace.services.custody import add_own_key, draft_own_key, revoke
from trace.services.naming import issuer_of
from trace.services.tokens import issue_token
from trace.services.visibility import private_members
from trace.services.witnessing import read_policy_text

Session = scoped_session[Any]
ADDRESS = "/api/v1/statements"


class Signer:
    """An organisation with a key of its own and a token for its software."""

    def __init__(self, now: datetime) -> None:
        self.now = now
        self.actor: Actor = make_actor(now)
        self.issuer = issuer_of(self.actor.organisation.code)
        self.private = PrivateKey.generate()
        draft = draft_own_key(self.actor, self.private.public)
        text = draft.signing_input
        jws = f"{text}.{b64url(self.private.sign(text.encode()))}"
        self.key: Key = add_own_key(self.actor, [jws], at=now)
        self.token = issue_token(self.actor.organisation, "phần mềm", ["capture"], at=now)[1]
        from trace.extensions import db

        db.session.commit()

    def sign(self, said: JsonObject, **changes: Any) -> str:
        values: dict[str, Any] = {
            "issuer": self.issuer,
            "kid": self.key.kid,
            "key": self.private,
            "statement_id": f"urn:uuid:{uuid4()}",
            "valid_from": self.now,
            "salts": os.urandom,
            **changes,
        }
        return present(build_statement(said, **values))


def named(said: JsonObject) -> JsonObject:
    return {**said, "eventID": f"urn:uuid:{uuid4()}"}


def send(client: FlaskClient, signer: Signer, *texts: str, key: str = "") -> Any:
    return client.post(
        ADDRESS,
        data=orjson.dumps({"statements": list(texts)}),
        content_type="application/json",
        headers={"Authorization": f"Bearer {signer.token}"}
        | ({"Idempotency-Key": key} if key else {}),
    )


@pytest.fixture
def signer(db_session: Session, now: datetime) -> Signer:
    return Signer(now)


def test_a_statement_signed_outside_is_stored_byte_for_byte_and_logged(
    client: FlaskClient, db_session: Session, signer: Signer
) -> None:
    said = named(registered(new_lot()))
    text = signer.sign(said)
    answer = send(client, signer, text)
    assert answer.status_code == 201, answer.get_data(as_text=True)
    (one,) = answer.get_json()["statements"]
    assert one["eventID"] == said["eventID"]
    (row,) = db_session.scalars(select(Event))
    jwt, *disclosures, end = text.split("~")
    assert (row.jwt, end) == (jwt, "")
    assert kept_texts(row.disclosures) == disclosures
    assert row.key.custody == "own"
    assert (
        db_session.scalar(select(LogEntry.index).where(LogEntry.event_id == row.id)) == one["index"]
    )
    assert orjson.loads(row.private) == list(private_members(said, {signer.issuer}))


def test_the_bundle_proves_that_the_organisation_itself_signed(
    client: FlaskClient, db_session: Session, signer: Signer
) -> None:
    lot = new_lot()
    assert send(client, signer, signer.sign(named(registered(lot)))).status_code == 201
    revoke(signer.actor, signer.key, at=signer.now)
    db_session.commit()
    publish("test")
    policy = read_policy(read_policy_text().encode())
    wanted = thing_id(lot)
    db_session.rollback()
    report = verify_bundle(bundle_of(wanted, at=signer.now), policy, signer.now)
    (one,) = report.statements
    assert (one.custody, one.kid) == ("own", one.issuer + "#own-2")


def test_one_statement_may_come_alone_as_it_is(client: FlaskClient, signer: Signer) -> None:
    answer = client.post(
        ADDRESS,
        data=signer.sign(named(registered(new_lot()))),
        content_type="application/vc+sd-jwt",
        headers={"Authorization": f"Bearer {signer.token}"},
    )
    assert answer.status_code == 201, answer.get_data(as_text=True)


def test_a_repeat_with_its_key_gives_the_first_answer_and_without_is_a_conflict(
    client: FlaskClient, db_session: Session, signer: Signer
) -> None:
    text = signer.sign(named(registered(new_lot())))
    first, second = send(client, signer, text, key="k"), send(client, signer, text, key="k")
    assert (first.status_code, second.status_code) == (201, 200)
    assert first.get_json() == second.get_json()
    assert send(client, signer, text).get_json()["code"] == "already-recorded"
    assert len(db_session.scalars(select(Event.id)).all()) == 1


def test_an_error_declaration_names_the_statement_it_is_about(
    client: FlaskClient, db_session: Session, signer: Signer
) -> None:
    said = named(registered(new_lot()))
    (first,) = send(client, signer, signer.sign(said)).get_json()["statements"]
    declared = {
        **said,
        "errorDeclaration": {
            "declarationTime": "2026-11-21T03:00:00.000Z",
            "reason": "incorrect_data",
        },
    }
    unnamed = send(client, signer, signer.sign(declared))
    assert unnamed.get_json()["code"] == "corrects-another"
    wrong = {**declared, "trace:corrects": f"urn:uuid:{uuid4()}"}
    assert send(client, signer, signer.sign(wrong)).get_json()["code"] == "corrects-another"
    right = send(client, signer, signer.sign({**declared, "trace:corrects": first["id"]}))
    assert right.status_code == 201, right.get_data(as_text=True)
    last = db_session.scalars(select(Event).order_by(Event.id.desc())).first()
    assert last is not None
    assert last.corrects is not None


def test_nothing_else_may_name_a_statement_it_corrects(client: FlaskClient, signer: Signer) -> None:
    said = {**named(registered(new_lot())), "trace:corrects": f"urn:uuid:{uuid4()}"}
    assert send(client, signer, signer.sign(said)).get_json()["code"] == "corrects-another"


def tampered(text: str, change: Any, key: PrivateKey, kid: str) -> str:
    """The statement with its payload changed and signed anew: a hostile signer's work."""
    jwt, rest = text.split("~", 1)
    payload = orjson.loads(unb64url(jwt.split(".")[1]))
    change(payload)
    return sign_compact(orjson.dumps(payload), typ=TYP, kid=kid, key=key) + "~" + rest


def test_a_member_hidden_in_the_payload_is_refused(client: FlaskClient, signer: Signer) -> None:
    text = signer.sign(named(registered(new_lot())))

    def hide(payload: JsonObject) -> None:
        payload["credentialSubject"]["_sd"].append(b64url(bytes(32)))
        payload["credentialSubject"]["_sd"].sort()

    def beside(payload: JsonObject) -> None:
        payload["note"] = "could never be erased"

    def in_the_clear(payload: JsonObject) -> None:
        payload["credentialSubject"]["trace:note"] = "could never be erased"

    for change, code in (
        (hide, "disclosure-mismatch"),
        (beside, "unreadable"),
        (in_the_clear, "disclosure-mismatch"),
    ):
        sent = tampered(text, change, signer.private, signer.key.kid)
        answer = send(client, signer, sent)
        assert (answer.status_code, answer.get_json()["code"]) == (400, code), change.__name__


def test_what_is_withheld_doubled_or_short_of_salt_is_refused(
    client: FlaskClient, signer: Signer
) -> None:
    text = signer.sign(named(registered(new_lot())))
    jwt, *disclosures = text.rstrip("~").split("~")
    withheld = "~".join([jwt, *disclosures[1:], ""])
    doubled = "~".join([jwt, disclosures[0], *disclosures, ""])
    for broken in (withheld, doubled, jwt + "~", jwt, "", "~", "a.b.c~"):
        answer = send(client, signer, broken)
        assert answer.status_code == 400, broken
        assert answer.get_json()["path"].startswith("/statements/0"), broken


def test_a_short_salt_is_refused(client: FlaskClient, signer: Signer) -> None:
    text = signer.sign(named(registered(new_lot())))
    for disclosure in text.split("~")[1:-1]:
        array = orjson.loads(unb64url(disclosure))
        short = b64url(orjson.dumps([b64url(bytes(15)), *array[1:]]))
        before, after = (b64url(sha256(d.encode()).digest()) for d in (disclosure, short))

        def swap(payload: JsonObject, before: str = before, after: str = after) -> None:
            digests = payload["credentialSubject"]["_sd"]
            if before in digests:
                digests[digests.index(before)] = after
                digests.sort()

        sent = tampered(text.replace(disclosure, short), swap, signer.private, signer.key.kid)
        assert send(client, signer, sent).status_code == 400


def test_signatures_of_others_and_of_the_server_are_refused(
    client: FlaskClient, db_session: Session, signer: Signer, now: datetime
) -> None:
    said = named(registered(new_lot()))
    forged = signer.sign(said, key=PrivateKey.generate())
    assert send(client, signer, forged).get_json()["code"] == "bad-signature"
    other = make_actor(now, "HTX Khác")
    theirs = issuer_of(other.organisation.code)
    foreign = signer.sign(said, issuer=theirs, kid=f"{theirs}#key-1")
    assert send(client, signer, foreign).get_json()["code"] == "not-own-key"
    foreign = tampered(
        signer.sign(said), lambda p: p.update(issuer=theirs), signer.private, signer.key.kid
    )
    assert send(client, signer, foreign).get_json()["code"] == "issuer-mismatch"
    server = signer.sign(said, kid=f"{signer.issuer}#key-1")
    assert send(client, signer, server).get_json()["code"] == "not-own-key"
    revoke(signer.actor, signer.key, at=now)
    db_session.commit()
    assert send(client, signer, signer.sign(said)).get_json()["code"] == "not-own-key"
    assert db_session.scalars(select(Event.id)).all() == []


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"eventTime": "2027-01-01T00:00:00.000Z"}, None),
        ({"action": "SHOUT"}, None),
        ({"trace__note": "gọi 0912345678"}, "personal-number"),
    ],
)
def test_rules_of_events_hold_for_what_is_signed_outside(
    client: FlaskClient, signer: Signer, change: JsonObject, code: str | None
) -> None:
    said = named(event("ObjectEvent", **{**registered(new_lot()), **change}))
    answer = send(client, signer, signer.sign(said))
    assert answer.status_code == 400
    if code is not None:
        assert code in answer.get_data(as_text=True)


def test_all_of_a_request_is_recorded_or_nothing(
    client: FlaskClient, db_session: Session, signer: Signer
) -> None:
    good = [signer.sign(named(registered(new_lot()))) for _ in range(3)]
    nameless = signer.sign(registered(new_lot()))
    later = signer.sign(named(registered(new_lot())), valid_from=signer.now + timedelta(minutes=6))
    answer = send(client, signer, *good, nameless, later)
    body = answer.get_json()
    assert [(e["code"], e["path"]) for e in body["errors"]] == [
        ("no-event-id", "/statements/3/eventID"),
        ("signed-in-future", "/statements/4/validFrom"),
    ]
    assert db_session.scalars(select(Event.id)).all() == []
    assert send(client, signer, *good).status_code == 201
    assert len(db_session.scalars(select(Event.id)).all()) == 3


def test_the_server_still_signs_what_comes_as_events(db_session: Session, signer: Signer) -> None:
    capture(signer.actor, [registered(new_lot())], at=signer.now)
    (row,) = db_session.scalars(select(Event))
    assert row.key.custody == "server"


@pytest.mark.one_database
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{}",
        b"[]",
        b'{"statements":[]}',
        b'{"statements":"x"}',
        b'{"statements":[1]}',
        b"\xff",
        b'{"statements":[],"statements":["x"]}',
        b"[" * 5000,
    ],
)
def test_a_body_that_is_no_list_of_statements_is_refused(
    client: FlaskClient, signer: Signer, body: bytes
) -> None:
    answer = client.post(
        ADDRESS,
        data=body,
        content_type="application/json",
        headers={"Authorization": f"Bearer {signer.token}"},
    )
    assert (answer.status_code, answer.get_json()["code"]) == (400, "not-statements")


@pytest.mark.one_database
def test_a_token_that_may_only_read_uploads_nothing(client: FlaskClient, signer: Signer) -> None:
    from trace.extensions import db

    reading = issue_token(signer.actor.organisation, "đọc", ["query"], at=signer.now)[1]
    db.session.commit()
    signer.token = reading
    assert send(client, signer, "x").get_json()["code"] == "wrong-scope"


def test_the_documented_script_makes_statements_that_are_taken(
    client: FlaskClient, signer: Signer
) -> None:
    page = (Path(__file__).parents[2] / "docs" / "how-to" / "keys.md").read_text()
    script = page.partition("```python\n")[2].partition("```")[0]
    names: dict[str, Any] = {}
    exec(script, names)
    text = names["signed"](
        registered(new_lot()),
        issuer=signer.issuer,
        kid=signer.key.kid,
        seed=signer.private.seed,
        now=signer.now,
    )
    assert send(client, signer, text).status_code == 201

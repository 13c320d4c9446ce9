"""An organisation that holds only its own key changes it with software that is not ours."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from joserfc import jws
from joserfc.jwk import OKPKey
from sqlalchemy import select
from sqlalchemy.orm import scoped_session

from tests.functional.test_keys import read_keyrings
from tests.support.factories import make_actor
from tests.support.members import make_member, sign_in
from tests.support.pages import PageClient
from trace.core.signing import PublicKey
from trace.extensions import db
from trace.models import Audit, Key, Organisation
from trace.services.actors import Actor
from trace.services.audits import Summary, audit
from trace.services.custody import add_own_key, draft_own_key, revoke, valid_keys
from trace.services.tokens import issue_token

Session = scoped_session[Any]
ADDRESS = "/api/v1/keys"


def signed(payload: dict[str, Any], key: OKPKey, kid: str) -> str:
    text = json.dumps(payload, separators=(",", ":"), ensure_ascii=False)
    header = {"alg": "Ed25519", "typ": "trace-key+jwt", "kid": kid}
    return jws.serialize_compact(header, text.encode(), key, algorithms=["Ed25519"])


def public_jwk(key: OKPKey) -> dict[str, str]:
    whole = key.as_dict(private=False)
    return {name: str(whole[name]) for name in ("kty", "crv", "x")}


class Outside:
    """An organisation whose only valid key is its own, and its software."""

    def __init__(self, client: FlaskClient, actor: Actor, now: datetime) -> None:
        self.client, self.actor = client, actor
        self.key = OKPKey.generate_key("Ed25519")
        draft = draft_own_key(actor, PublicKey.from_jwk(public_jwk(self.key)))
        record = json.loads(draft.record.to_json())
        self.kid = draft.record.kid
        add_own_key(actor, [signed(record, self.key, self.kid)], at=now)
        for held in valid_keys(actor.organisation.id, "server"):
            revoke(actor, held, at=now)
        self.token = issue_token(actor.organisation, "phần mềm", ["capture"], at=now)[1]
        db.session.commit()

    def next(self) -> dict[str, Any]:
        found: dict[str, Any] = self.get().get_json()["next"]
        return found

    def get(self) -> Any:
        return self.client.get(ADDRESS, headers={"Authorization": f"Bearer {self.token}"})

    def record(self, action: str, kid: str, key: OKPKey | None = None) -> dict[str, Any]:
        told = self.next()
        return {
            "origin": told["origin"],
            "org": told["org"],
            "n": told["n"],
            "action": action,
            "kid": kid,
            "jwk": None if key is None else public_jwk(key),
            "custody": None if key is None else "own",
            "prev": told["prev"],
        }

    def post(self, *texts: str) -> Any:
        return self.client.post(
            ADDRESS, json={"jws": list(texts)}, headers={"Authorization": f"Bearer {self.token}"}
        )

    def spans(self) -> dict[str, tuple[int | None, int | None]]:
        """When each key counts: by the database and, the same, by a verifier of the log."""
        db.session.expire_all()
        organisation_id = self.actor.organisation.id
        rows = db.session.scalars(select(Key).where(Key.organisation_id == organisation_id)).all()
        rings = read_keyrings(db.session)
        for row in rows:
            state = rings.keys[row.kid]
            assert (state.start, state.end) == (row.active_from, row.revoked_from)
        return {row.kid.partition("#")[2]: (row.active_from, row.revoked_from) for row in rows}


@pytest.fixture
def outside(client: FlaskClient, db_session: Session, now: datetime) -> Outside:
    return Outside(client, make_actor(now), now)


def test_a_key_is_rotated_by_the_old_one_and_the_new_one(outside: Outside, now: datetime) -> None:
    new = OKPKey.generate_key("Ed25519")
    kid = outside.next()["kid"]
    record = outside.record("rotate", kid, new)
    answer = outside.post(signed(record, outside.key, outside.kid), signed(record, new, kid))
    assert answer.status_code == 201, answer.text
    said = answer.get_json()
    assert (said["action"], said["kid"]) == ("rotate", kid)
    spans = outside.spans()
    assert spans["own-2"] == (None, None) or spans["own-2"][1] == said["index"]
    assert spans["own-3"] == (said["index"], None)
    keys = select(Audit.action).where(Audit.action.like("key.%")).order_by(Audit.id)
    acts = db.session.scalars(keys)
    assert list(acts)[-2:] == ["key.add", "key.rotate"]
    # The old key is no authority any more.
    late = outside.record("revoke", kid)
    assert outside.post(signed(late, outside.key, outside.kid)).status_code == 400
    assert list(audit(Summary(), now=now)) == []


def test_the_last_key_may_end_itself_and_then_nothing_is_left_to_sign_with(
    outside: Outside,
) -> None:
    record = outside.record("revoke", outside.kid)
    text = signed(record, outside.key, outside.kid)
    answer = outside.post(text)
    assert (answer.status_code, answer.get_json()["action"]) == (201, "revoke")
    assert all(end is not None for _, end in outside.spans().values())
    assert outside.post(text).status_code == 400  # it counts no more, not even for this


def test_an_own_key_signs_another_in_and_ends_that_one(outside: Outside) -> None:
    second = OKPKey.generate_key("Ed25519")
    kid = outside.next()["kid"]
    record = outside.record("add", kid, second)
    assert (
        outside.post(
            signed(record, outside.key, outside.kid), signed(record, second, kid)
        ).status_code
        == 201
    )
    told = {key["kid"]: key for key in outside.get().get_json()["keys"]}
    assert (told[kid]["custody"], told[kid]["until"]) == ("own", None)
    assert told[kid]["jwk"] == public_jwk(second)
    gone = outside.post(signed(outside.record("revoke", kid), outside.key, outside.kid))
    assert gone.status_code == 201
    ended = outside.post(signed(outside.record("revoke", kid), outside.key, outside.kid))
    assert (ended.status_code, ended.get_json()["code"]) == (409, "key-ended")


@pytest.mark.parametrize(
    ("fault", "status", "code"),
    [
        ("possession missing", 400, "key-not-possessed"),
        ("possession by the old key", 400, "key-not-possessed"),
        ("signed by a stranger", 400, "key-not-possessed"),
        ("two records", 400, "key-not-possessed"),
        ("since", 400, "key-not-possessed"),
        ("recover", 400, "key-not-possessed"),
        ("custody server", 400, "key-not-possessed"),
        ("another number", 409, "keyring-moved"),
        ("another record before", 409, "keyring-moved"),
        ("another origin", 409, "keyring-moved"),
        ("a kid of its own choice", 409, "keyring-moved"),
        ("the same key again", 409, "key-known"),
        ("no record", 400, "key-not-possessed"),
        ("nothing", 400, "not-key-records"),
    ],
)
def test_what_is_not_the_next_record_rightly_signed_is_refused_and_changes_nothing(
    outside: Outside, fault: str, status: int, code: str
) -> None:
    new, kid = OKPKey.generate_key("Ed25519"), outside.next()["kid"]
    record = outside.record("rotate", kid, new)
    changes: dict[str, dict[str, Any]] = {
        "since": {"since": 1},
        "recover": {"action": "recover"},
        "custody server": {"custody": "server"},
        "another number": {"n": record["n"] + 1},
        "another record before": {"prev": record["prev"][::-1]},
        "another origin": {"origin": "other.example/log"},
        "a kid of its own choice": {"kid": kid + "x"},
        "the same key again": {"jwk": public_jwk(outside.key)},
    }
    record |= changes.get(fault, {})
    other = OKPKey.generate_key("Ed25519")
    by_old = signed(record, outside.key, outside.kid)
    by_new = signed(record, outside.key if "again" in fault else new, record["kid"])
    sent = {
        "possession missing": [by_old],
        "possession by the old key": [by_old, signed(record, outside.key, kid)],
        "signed by a stranger": [signed(record, other, outside.kid), by_new],
        "two records": [by_old, signed(record | {"n": 9}, new, kid)],
        "no record": ["a.b.c"],
        "nothing": [],
    }.get(fault, [by_old, by_new])
    before = outside.spans()
    answer = outside.post(*sent)
    assert (answer.status_code, answer.get_json()["code"]) == (status, code), answer.text
    assert outside.spans() == before


def test_the_key_of_another_organisation_is_not_revoked(outside: Outside, now: datetime) -> None:
    other = make_actor(now, "HTX Khác")
    (theirs,) = valid_keys(other.organisation.id, "server")
    record = outside.record("revoke", theirs.kid)
    answer = outside.post(signed(record, outside.key, outside.kid))
    assert answer.status_code == 400  # a record about a kid of somebody else is no record
    mine = outside.record("revoke", outside.kid.replace("own-2", "own-9"))
    assert outside.post(signed(mine, outside.key, outside.kid)).status_code == 404


def test_the_pages_show_what_to_sign_and_take_it(
    app: Flask, pages: PageClient, now: datetime
) -> None:
    member = make_member(app)
    sign_in(app, pages.client, member)
    with app.app_context():
        organisation = db.session.get_one(Organisation, member.organisation_id)
        outside = Outside(app.test_client(), Actor(organisation, None, "owner"), now)
        own = db.session.scalars(select(Key.id).where(Key.kid == outside.kid)).one()
    new = OKPKey.generate_key("Ed25519")
    page = pages.get(f"/producer/keys/{own}/signed/rotate")
    page = pages.submit(page, {"public_key": json.dumps(public_jwk(new))})
    texts = page.texts("//*[@class='secret']")
    lines = [by_hand(text, key) for text, key in zip(texts, (outside.key, new), strict=True)]
    done = pages.submit(page, {"jws": "\n".join(lines)})
    assert "Đã ghi bản ghi khoá" in done.text
    page = pages.get(pages.get("/producer/keys/").link("Thu hồi khoá own-3"))
    (text,) = page.texts("//*[@class='secret']")
    refused = pages.submit(page, {"jws": by_hand(text, outside.key)}, status=400)
    assert refused.texts("//*[@id='e-jws']") != []
    done = pages.submit(refused, {"jws": by_hand(text, new)})
    assert "Máy chủ không còn khoá nào" in done.text
    with app.app_context():
        rings = read_keyrings(db.session)
        assert {state.end is None for state in rings.of(outside.kid.partition("#")[0])} == {False}


def by_hand(signing_input: str, key: OKPKey) -> str:
    """The text a page shows, signed by the library's own key object."""
    header, payload = signing_input.split(".")
    from joserfc.util import urlsafe_b64decode

    return jws.serialize_compact(
        json.loads(urlsafe_b64decode(header.encode())),
        urlsafe_b64decode(payload.encode()),
        key,
        algorithms=["Ed25519"],
    )

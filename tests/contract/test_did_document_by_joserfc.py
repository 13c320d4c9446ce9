"""Outside software reads an organisation's keys at did:web and checks a statement with them."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import pytest
from flask.testing import FlaskClient
from joserfc import jws
from joserfc.errors import BadSignatureError
from joserfc.jwk import OKPKey
from sqlalchemy import select, update
from sqlalchemy.orm import scoped_session

from tests.support.factories import make_actor, new_lot, registered
from trace.models import Event, Key
from trace.services.capture import capture
from trace.services.keys import revoke_key, rotate_key
from trace.services.naming import issuer_of

Session = scoped_session[Any]


def address_of(did: str) -> str:
    """Where a did:web document is (W3C did:web method, section 3.2), as a path on its host."""
    method, name, host, *path = did.split(":")
    assert (method, name, host) == ("did", "web", "trace.example")
    return "/" + "/".join(path) + "/did.json"


def resolved(client: FlaskClient, did: str) -> dict[str, Any]:
    answer = client.get(address_of(did))
    assert answer.status_code == 200
    document: dict[str, Any] = answer.get_json()
    assert document["id"] == did
    return document


def checked(document: dict[str, Any], jwt: str) -> dict[str, Any]:
    """The payload, by the method that the header names. Raises KeyError when there is none."""
    header = jws.extract_compact(jwt.encode()).headers()
    methods = {m["id"]: m for m in document["verificationMethod"]}
    assert header["kid"] in document["assertionMethod"]
    key = OKPKey.import_key(methods[header["kid"]]["publicKeyJwk"])
    found = jws.deserialize_compact(jwt, key, algorithms=["Ed25519"])
    payload: dict[str, Any] = json.loads(found.payload)
    return payload


def test_a_statement_is_verified_with_the_key_at_did_web(
    client: FlaskClient, db_session: Session, now: datetime
) -> None:
    actor = make_actor(now)
    capture(actor, [registered(new_lot())], at=now)
    rotate_key(actor.organisation, at=now)
    capture(actor, [registered(new_lot())], at=now)
    db_session.commit()
    old, new = db_session.scalars(select(Event.jwt).order_by(Event.id))
    document = resolved(client, issuer_of(actor.organisation.code))
    assert checked(document, new)["issuer"] == document["id"]
    head, body, signature = new.split(".")
    with pytest.raises(BadSignatureError):
        checked(document, f"{head}.{body}.{'A' * 86}")
    assert signature != "A" * 86
    # A key that ended signs nothing now; what it signed is judged by the log, not by this page.
    with pytest.raises(AssertionError):
        checked(document, old)


def test_a_row_edited_behind_the_logs_back_publishes_nothing(
    client: FlaskClient, db_session: Session, now: datetime
) -> None:
    actor = make_actor(now)
    did = issuer_of(actor.organisation.code)
    before = resolved(client, did)
    mine = Key.organisation_id == actor.organisation.id
    foreign = '{"kty":"OKP","crv":"Ed25519","x":"' + "A" * 43 + '"}'
    db_session.execute(update(Key).where(mine).values(jwk=foreign, kid=did + "#key-9"))
    db_session.commit()
    assert resolved(client, did) == before


def test_with_no_valid_key_the_document_names_none(
    client: FlaskClient, db_session: Session, now: datetime
) -> None:
    actor = make_actor(now)
    (row,) = db_session.scalars(select(Key).where(Key.organisation_id == actor.organisation.id))
    revoke_key(row, at=now)
    db_session.commit()
    document = resolved(client, issuer_of(actor.organisation.code))
    assert (document["verificationMethod"], document["assertionMethod"]) == ([], [])

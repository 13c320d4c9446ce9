"""What leaves the house, by a program: credentials, the portal, subscriptions."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.support.api import Program, codes, fresh_key
from tests.support.factories import make_actor
from tests.support.farms import make_farm, thing_id
from trace import clock
from trace.extensions import db
from trace.models import Credential, DeadLetter, Organisation
from trace.services import sequencer, subscriptions
from trace.services.actors import Actor
from trace.services.named_queries import create_query


@pytest.fixture
def world(app: Flask, client: FlaskClient, now: datetime) -> dict[str, Any]:
    """A farm with a lot that is published, and a stranger."""
    with app.app_context():
        farm = make_farm(now - timedelta(days=14))
        lot = thing_id(farm.wait(12).reap(farm.sow(performed_by="H07")))
        sequencer.publish(now=now)
        db.session.commit()
        return {
            "farm": Program(client, farm.organisation),
            "clerk": Program(client, farm.organisation, ["capture", "query"]),
            "stranger": Program(client, make_actor(now, "HTX Khác").organisation),
            "id": farm.organisation.id,
            "lot": lot,
        }


def test_a_credential_is_handed_out_once_shown_and_ended_by_who_may_manage(
    app: Flask, client: FlaskClient, world: dict[str, Any]
) -> None:
    farm, lot = world["farm"], world["lot"]
    address, key = f"/batches/{lot}/credentials", {"Idempotency-Key": fresh_key()}
    made = farm.post(address, {"kind": "passport"}, headers=key)
    assert farm.post(address, {"kind": "passport"}, headers=key) == made
    with app.app_context():
        assert db.session.query(Credential).count() == 1
    assert (made["state"], made["thing"], made["kind"]) == ("valid", lot, "passport")
    public = client.get(f"/credentials/{made['id']}?format=json")
    assert public.headers["Cache-Control"] == "no-cache"
    etag = {"If-None-Match": public.headers["ETag"]}
    assert client.get(f"/credentials/{made['id']}?format=json", headers=etag).status_code == 304
    newer = farm.post(address, {"kind": "passport"})
    states = {one["id"]: one["state"] for one in farm.get(f"/credentials?thing={lot}")["items"]}
    assert states == {made["id"]: "revoked", newer["id"]: "valid"}
    where = f"/credentials/{newer['id']}"
    assert world["clerk"].refused("POST", address, 403, json={"kind": "passport"})
    assert world["clerk"].refused("POST", f"{where}/revoke", 403)["code"] == "wrong-scope"
    assert world["stranger"].refused("GET", where, 404)
    assert world["stranger"].refused("POST", f"{where}/revoke", 404)
    assert world["stranger"].refused("POST", address, 404, json={"kind": "passport"})
    wrong = farm.refused("POST", address, 400, json={"kind": "other"})
    assert codes(wrong) == {"/kind": "not-a-choice"}
    gone = farm.post(f"{where}/revoke", None, expect=200)
    assert gone["state"] == "revoked"
    assert farm.get(where) == gone


def test_a_passport_is_handed_in_at_the_portal_and_sent_again_when_it_failed(
    app: Flask, world: dict[str, Any], tmp_path: Path
) -> None:
    farm, address = world["farm"], f"/batches/{world['lot']}/deliveries"
    assert farm.refused("POST", address, 409)["code"] == "portal-off"
    told = replace(app.extensions["trace.settings"], portal=str(tmp_path), portal_secret="x" * 32)
    app.extensions["trace.settings"] = told
    made = farm.post(address, None, expect=202)
    assert farm.post(address, None, expect=202)["id"] == made["id"]
    assert farm.get("/deliveries")["items"] == [made]
    paper = farm.get(f"/deliveries/{made['id']}/document")
    assert paper["rules"]
    again = f"/deliveries/{made['id']}/again"
    assert farm.refused("POST", again, 409)["code"] == "still-under-way"
    assert world["stranger"].refused("GET", f"/deliveries/{made['id']}", 404)
    assert world["clerk"].refused("POST", address, 403)["code"] == "wrong-scope"


@pytest.mark.one_database
def test_subscriptions_and_their_dead_letters_are_managed(
    app: Flask, world: dict[str, Any]
) -> None:
    farm = world["farm"]
    with app.app_context():
        actor = Actor(db.session.get_one(Organisation, world["id"]), None, "owner")
        query = create_query(actor, {"name": "xuat-kho", "query": {}}, at=clock.now())
        body = {"dest": "https://buyer.example/hook", "stream": True}
        row = subscriptions.subscribe(actor, query, body, at=clock.now(), made_with="kho")
        letters = [
            DeadLetter(
                subscription_id=row.id, first=0, end=1, reason="OSError", created_at=clock.now()
            )
            for _ in range(2)
        ]
        db.session.add_all(letters)
        db.session.commit()
    (told,) = farm.get("/subscriptions")["items"]
    assert (told["query"], told["made_with"], told["paused_at"]) == ("xuat-kho", "kho", None)
    at = f"/subscriptions/{told['id']}"
    assert farm.post(f"{at}/pause", None, expect=200)["paused_at"] is not None
    assert farm.post(f"{at}/resume", None, expect=200)["paused_at"] is None
    newest, oldest = farm.get("/dead-letters")["items"]
    replayed = farm.post(f"/dead-letters/{oldest['id']}/replay", None, expect=202)
    assert replayed["replay_at"] is not None
    farm.ask("DELETE", f"/dead-letters/{newest['id']}", expect=204)
    assert [one["id"] for one in farm.get("/dead-letters")["items"]] == [oldest["id"]]
    assert world["clerk"].refused("GET", "/subscriptions", 403)["code"] == "wrong-scope"
    for method, path in (("POST", f"{at}/pause"), ("DELETE", at)):
        assert world["stranger"].refused(method, path, 404)
    assert world["stranger"].refused("DELETE", f"/dead-letters/{oldest['id']}", 404)
    farm.ask("DELETE", at, expect=204)
    assert farm.get("/subscriptions")["items"] == farm.get("/dead-letters")["items"] == []

"""Our interface for programs: the organisation's records, and what every operation promises."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from jsonschema import Draft202012Validator
from sqlalchemy import select

from tests.support.api import Program, fresh_key
from tests.support.factories import make_actor
from tests.support.pages import PageClient
from trace.api.v1 import masters
from trace.api.v1.operations import OPERATIONS
from trace.extensions import db
from trace.models import Token
from trace.services.tokens import NotAScope, issue_token


@pytest.fixture
def farm(app: Flask, client: FlaskClient, now: datetime) -> Program:
    with app.app_context():
        return Program(client, make_actor(now).organisation)


@pytest.fixture
def stranger(app: Flask, client: FlaskClient, now: datetime) -> Program:
    with app.app_context():
        return Program(client, make_actor(now, "HTX Khác").organisation)


BY_HAND = ("post_keys", "post_statements", "verify", "take_readings")
NOUNS: dict[str, Any] = {
    "places": masters.PLACE,
    "products": masters.PRODUCT,
    "households": masters.HOUSEHOLD,
    "certificates": masters.CERTIFICATE,
}


@pytest.mark.parametrize("noun", NOUNS)
def test_a_record_is_made_read_changed_and_nobody_elses(
    farm: Program, stranger: Program, noun: str
) -> None:
    made = farm.ask("POST", f"/{noun}", json=NOUNS[noun], expect=201)
    assert made.json is not None
    where = made.headers["Location"]
    assert where == f"/api/v1/{noun}/{made.json['id']}"
    assert made.headers["ETag"] == '"1"'
    shown = farm.ask("GET", where, expect=200)
    assert shown.json == made.json
    assert farm.get(f"/{noun}") == {"items": [made.json], "next": None}
    name = "standard" if noun == "certificates" else "name"
    changed = farm.put(where, {**NOUNS[noun], name: "Tên khác"}, version=1)
    assert (changed[name], changed["version"]) == ("Tên khác", 2)
    # What stood before does not come back by somebody who saw the first version.
    late = farm.refused("PUT", where, 412, json=NOUNS[noun], headers={"If-Match": '"1"'})
    assert late["code"] == "if-match-failed"
    assert "next_step" in late
    blind = farm.refused("PUT", where, 428, json=NOUNS[noun])
    assert blind["code"] == "if-match-missing"
    assert stranger.refused("GET", where, 404)["code"] == "not-found"
    headers = {"If-Match": '"2"'}
    assert stranger.refused("PUT", where, 404, json=NOUNS[noun], headers=headers)
    assert stranger.get(f"/{noun}")["items"] == []


def test_a_post_sent_twice_is_carried_out_once(farm: Program) -> None:
    headers = {"Idempotency-Key": fresh_key()}
    first = farm.ask("POST", "/places", json=masters.PLACE, headers=headers, expect=201)
    again = farm.ask("POST", "/places", json=masters.PLACE, headers=headers, expect=201)
    assert again.json == first.json
    assert again.headers["Location"] == first.headers["Location"]
    assert again.headers["Idempotent-Replay"] == "true"
    assert len(farm.get("/places")["items"]) == 1
    other = {**masters.PLACE, "name": "Thửa 4"}
    told = farm.refused("POST", "/places", 422, json=other, headers=headers)
    assert told["code"] == "idempotency-key-reused"
    assert farm.refused("POST", "/products", 422, json=masters.PRODUCT, headers=headers)
    body = {"when": "2026-11-20T07:30:00+07:00", "product_name": "Cải", "quantity": 5}
    headers = {"Idempotency-Key": fresh_key()}
    one, two = (farm.post("/batches", body, headers=headers) for _ in range(2))
    assert one == two
    assert len(farm.get("/batches")["items"]) == 1
    for bad in ("", "short", "x" * 81, "có dấu tiếng"):
        sent = {"Idempotency-Key": bad.encode().decode("latin-1")}
        told = farm.refused("POST", "/places", 400, json=masters.PLACE, headers=sent)
        assert told["code"] == "idempotency-key-missing"
    # What was refused was not carried out: the same key may come again.
    headers = {"Idempotency-Key": fresh_key()}
    assert farm.refused("POST", "/places", 400, json={"name": "x"}, headers=headers)
    farm.ask("POST", "/places", json=masters.PLACE, headers=headers, expect=201)


def test_pages_show_every_record_once_while_others_are_added(farm: Program) -> None:
    made = [farm.post("/households", {"code": f"H{number:02}"})["id"] for number in range(7)]
    seen: list[int] = []
    cursor = ""
    while True:
        page = farm.get(f"/households?limit=3{cursor}")
        seen += [one["id"] for one in page["items"]]
        if page["next"] is None:
            break
        if len(seen) == 3:
            made.append(farm.post("/households", {"code": "H99"})["id"])
        cursor = f"&cursor={page['next']}"
    assert seen == made
    for query, code in {
        "limit=0": "bad-parameter",
        "limit=201": "bad-parameter",
        "limit=" + "9" * 30: "bad-parameter",
        "limit=x": "bad-parameter",
        "limit=٣": "bad-parameter",
        "cursor=abc": "bad-cursor",
        "cursor=%00": "bad-parameter",
        "cursor=k1": "bad-cursor",
        "offset=3": "unknown-parameter",
    }.items():
        assert farm.refused("GET", f"/households?{query}", 400)["code"] == code, query


def test_a_token_does_what_its_scopes_say_and_nothing_else(
    app: Flask, client: FlaskClient, now: datetime
) -> None:
    with app.app_context():
        organisation = make_actor(now).organisation
        reader = Program(client, organisation, ["query"])
        writer = Program(client, organisation, ["capture"])
        owner = Program(client, organisation)
    told = reader.get("/organisation")
    assert reader.refused("POST", "/places", 403, json=masters.PLACE)["code"] == "wrong-scope"
    assert writer.refused("GET", "/places", 403)["code"] == "wrong-scope"
    writer.post("/places", masters.PLACE)
    change = {**masters.ORGANISATION, "name": "HTX Tên Mới"}
    headers = {"If-Match": f'"{told["version"]}"'}
    assert writer.refused("PUT", "/organisation", 403, json=change, headers=headers)
    assert owner.put("/organisation", change, told["version"])["name"] == "HTX Tên Mới"
    assert client.get("/api/v1/places").status_code == 401
    bad = client.get("/api/v1/places", headers={"Authorization": "Bearer trace_no"})
    assert (bad.status_code, bad.content_type) == (401, "application/problem+json")
    with app.app_context():
        last = db.session.scalars(select(Token).order_by(Token.id)).all()
        assert [one.last_used_at is not None for one in last] == [True, True, True]
        with pytest.raises(NotAScope):
            issue_token(last[0].organisation, "x", ["inspect"], at=now)


JUNK: dict[bytes, str] = {
    b"": "not-json",
    b"{": "not-json",
    b'{"a":1,"a":2}': "not-json",
    b'{"name":"\\ud800"}': "not-json",
    b"\xff": "not-json",
    b'{"a":NaN}': "not-json",
    b'{"a":1e999}': "not-json",
    b"[" * 5000: "not-json",
    b'{"a":' * 40 + b"1" + b"}" * 40: "not-json",
    b'{"area_m2":123456789012345678901234567890}': "not-json",
    b'"text"': "refused",
    b"null": "refused",
}


@pytest.mark.one_database
def test_no_body_breaks_the_door(farm: Program) -> None:
    for body, code in JUNK.items():
        told = farm.refused("POST", "/places", 400, data=body, content_type="application/json")
        assert told["code"] == code, body[:40]
    told = farm.refused("POST", "/places", 415, data=b"{}", content_type="text/plain")
    assert told["code"] == "wrong-media-type"
    big = b'{"name":"' + b"x" * 1_100_000 + b'"}'
    assert farm.refused("POST", "/places", 400, data=big, content_type="application/json")
    assert farm.ask("GET", "/places/99999999999999999999").status_code == 404
    assert farm.ask("DELETE", "/places").status_code == 405


@pytest.mark.one_database
def test_the_command_makes_lists_and_takes_back_tokens(
    app: Flask, client: FlaskClient, now: datetime
) -> None:
    with app.app_context():
        code = make_actor(now).organisation.code
    run = app.test_cli_runner().invoke
    base = ["trace", "token"]
    made = run(args=[*base, "create", "--organisation", code, "--scope", "query", "--days", "30"])
    token = made.output.strip()
    headers = {"Authorization": f"Bearer {token}"}
    assert client.get("/api/v1/organisation", headers=headers).status_code == 200
    listed = run(args=[*base, "list", "--organisation", code]).output.split("\t")
    assert listed[1] == "query"
    assert token not in "".join(listed)
    assert run(args=[*base, "revoke", listed[0]]).exit_code == 0
    assert client.get("/api/v1/organisation", headers=headers).status_code == 401
    wrong = run(args=[*base, "create", "--organisation", code, "--scope", "inspect"])
    assert "not-a-scope" in wrong.output
    assert run(args=[*base, "create", "--organisation", "nobody", "--scope", "query"]).exit_code


@pytest.mark.one_database
def test_the_document_describes_every_operation_with_examples_that_hold(app: Flask) -> None:
    with app.app_context():
        document = json.loads(app.extensions["trace.openapi"]())
    assert document["openapi"] == "3.1.0"
    names = set()
    for path, methods in document["paths"].items():
        for method, told in methods.items():
            if method == "parameters":
                continue
            names.add(told["operationId"])
            assert told["summary"], path
            assert told["tags"][0] in {tag["name"] for tag in document["tags"]}
            contents = [(told.get("requestBody") or {}).get("content", {})]
            contents += [
                one.get("content", {})
                for status, one in told["responses"].items()
                if status < "3" and "content" in one
            ]
            for media, content in (pair for one in contents for pair in one.items()):
                if content["schema"].get("format") == "binary":
                    continue
                assert "example" in content, (method, path, media)
                schema = {**content["schema"], "components": document["components"]}
                Draft202012Validator(schema).validate(content["example"])
            headers = {one["name"] for one in told.get("parameters", ()) if one["in"] == "header"}
            if method == "post" and told["operationId"] not in BY_HAND:
                assert "Idempotency-Key" in headers, path
    assert len(names) == len(OPERATIONS) + 5


def test_the_page_of_the_interface_shows_each_operation(pages: PageClient) -> None:
    page = pages.get("/api/docs/")
    assert page.h1 == "Giao diện cho phần mềm"
    names = page.texts("//h2")
    assert {"Places", "Cycles", "Handovers", "Trust"} <= set(names)
    one = pages.get("/api/docs/places")
    assert "POST /api/v1/places" in one.text
    assert "area_m2" in one.text
    assert pages.client.get("/api/docs/nothing").status_code == 404

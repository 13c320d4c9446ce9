"""Named queries, and what no subscription may be: each refusal names its member."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import ssl
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from tests.support.push_service import HOST, push_service
from tests.support.subscribing import ADDED, QUERIES, World, make, receiver, time, world
from tests.support.webhooks import Subscriber
from trace import clock
from trace.errors import NotFound
from trace.extensions import db
from trace.models import DeadLetter, Token
from trace.services import outward, subscriptions, webhooks

__all__ = ["make", "receiver", "time", "world"]


def test_a_query_is_made_listed_read_once_and_deleted_with_its_subscriptions(
    world: World, make: Callable[[], World], receiver: Subscriber
) -> None:
    made = world.call("POST", QUERIES, {"name": "Lô mới", "query": ADDED})
    assert made.status_code == 201
    address = made.headers["Location"]
    assert world.call("GET", address).json == {"name": "Lô mới", "query": ADDED}
    again = world.call("POST", QUERIES, {"name": "Lô mới", "query": {}})
    assert (again.status_code, again.json and again.json["type"]) == (
        409,
        "epcisException:ResourceAlreadyExistsException",
    )
    other = make()
    assert other.call("GET", address).status_code == 404
    assert other.call("POST", QUERIES, {"name": "Lô mới", "query": {}}).status_code == 201
    for number in range(3):
        world.call("POST", QUERIES, {"name": f"q{number}", "query": {}})
    path, names = f"{QUERIES}?perPage=3", []
    while path:
        page = world.call("GET", path)
        names += [query["name"] for query in page.json or ()]
        path = page.headers.get("Link", "").partition(">")[0].lstrip("<")
    assert names == ["q2", "q1", "q0", "Lô mới"]
    subscribed = world.call(
        "POST", f"{address}/subscriptions", {"dest": receiver.url, "stream": True}
    )
    assert subscribed.status_code == 201
    for path in (address, f"{address}/subscriptions", subscribed.headers["Location"]):
        options = world.call("OPTIONS", path)
        assert options.status_code == 204, path
        assert "OPTIONS" in options.headers["Allow"]
    assert world.call("DELETE", address).status_code == 204
    assert world.call("GET", address).status_code == 404
    assert world.call("GET", subscribed.headers["Location"]).status_code == 404
    world.record()
    assert world.deliver() == 0


@pytest.mark.parametrize(
    ("body", "kind", "path"),
    [
        ([], "QueryValidationException", None),
        ({"name": "a"}, "QueryValidationException", "/query"),
        ({"name": "a/b", "query": {}}, "QueryValidationException", "/name"),
        ({"name": "..", "query": {}}, "QueryValidationException", "/name"),
        ({"name": "\x00", "query": {}}, "QueryValidationException", "/name"),
        ({"name": "x" * 101, "query": {}}, "QueryValidationException", "/name"),
        ({"name": "a", "query": {}, "more": 1}, "QueryValidationException", "/more"),
        ({"name": "a", "query": {"EQ_nothing": 1}}, "QueryParameterException", "/query/EQ_nothing"),
        (
            {"name": "a", "query": {"GE_eventTime": "soon"}},
            "QueryParameterException",
            "/query/GE_eventTime",
        ),
    ],
)
def test_what_is_no_query_is_refused_with_its_place(
    world: World, body: Any, kind: str, path: str | None
) -> None:
    answer = world.call("POST", QUERIES, body)
    assert answer.status_code == 400
    assert answer.json is not None
    assert answer.json["type"] == f"epcisException:{kind}"
    assert answer.json.get("path") == path


def test_names_that_cannot_be_are_not_found(world: World) -> None:
    for name in ("nothing", "%00", "%ff", "x" * 300):
        answer = world.call("GET", f"{QUERIES}/{name}")
        assert answer.status_code == 404, name
        assert answer.json is not None
    missing = world.call("GET", f"{QUERIES}/nothing")
    assert missing.json is not None
    assert missing.json["type"] == "epcisException:NoSuchNameException"


# -- refusals --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("members", "paths"),
    [
        ({}, {"/dest", "/stream"}),
        ({"dest": "https://receiver.example.org/a"}, {"/stream"}),
        (
            {"dest": "https://receiver.example.org/", "stream": True, "schedule": {"hour": "1"}},
            {"/stream"},
        ),
        (
            {"dest": "https://receiver.example.org/", "schedule": {"hour": "25", "minute": "x"}},
            {"/schedule/hour", "/schedule/minute"},
        ),
        (
            {
                "dest": "https://receiver.example.org/",
                "schedule": {"hour": "1", "timeZone": "../x"},
            },
            {"/schedule/timeZone"},
        ),
        (
            {"dest": 5, "stream": "yes", "signatureToken": 1, "reportIfEmpty": 1, "other": 1},
            {"/dest", "/stream", "/signatureToken", "/reportIfEmpty", "/other"},
        ),
        (
            {"dest": "https://x.example.org/", "stream": True, "initialRecordTime": "2026-11-22"},
            {"/initialRecordTime"},
        ),
    ],
)
def test_every_member_that_is_wrong_is_named(
    world: World, members: dict[str, Any], paths: set[str]
) -> None:
    world.call("POST", QUERIES, {"name": "added", "query": ADDED})
    answer = world.call("POST", f"{QUERIES}/added/subscriptions", members)
    assert answer.status_code == 400
    assert answer.json is not None
    assert answer.json["type"] == "epcisException:SubscriptionControlsException"
    assert {error["path"] for error in answer.json["errors"]} == paths


@pytest.mark.one_database
@pytest.mark.parametrize(
    "dest",
    [
        "http://127.0.0.1:9/",
        "http://receiver.example.org/",
        "https://127.0.0.1/",
        "https://localhost/",
        "https://10.0.0.1/",
        "https://[::1]/",
        "https://169.254.169.254/latest",
        "https://user:pass@receiver.example.org/",
        "https://receiver.example.org:22/",
        "https://inner.local/",
        "https://2130706433/",
        "ftp://receiver.example.org/",
        "file:///etc/passwd",
        "https://receiver.example.org/a b",
        "https://receiver.example.org/\r\nX: y",
        "https://receiver.example.org/#a",
        "https://" + "a" * 3000,
        "//receiver.example.org",
        "\x00",
    ],
)
def test_in_production_nothing_leads_inside(app: Flask, dest: str) -> None:
    app.extensions["trace.settings"] = replace(
        app.extensions["trace.settings"], environment="production"
    )
    with app.app_context(), pytest.raises(webhooks.BadDestination):
        webhooks.check_destination(dest)


@pytest.mark.one_database
def test_a_name_that_leads_inside_is_not_connected_to(
    app: Flask, receiver: Subscriber, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The name is good and its address is looked up when sending: rebinding helps nobody."""
    port = int(receiver.url.rpartition(":")[2])
    for inside in ("127.0.0.1", "10.1.2.3", "::1", "::ffff:127.0.0.1", "169.254.169.254"):
        monkeypatch.setattr(
            "trace.services.outward.resolve",
            lambda _host, inside=inside: [("8.8.8.8", 443), (inside, port)],
        )
        with app.app_context():
            sent = webhooks.posting("https://receiver.example.org/", b"{}", {})
        (outcome,) = webhooks.post_each([sent])
        assert (outcome.status, outcome.reason) == (0, "private-address")
    assert receiver.came == []


@pytest.mark.one_database
def test_over_tls_a_message_comes_signed_and_a_redirect_is_not_followed(
    app: Flask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Under the receiver's public name: only where it leads and whom TLS trusts is ours here."""
    with push_service(tmp_path) as service:
        monkeypatch.setattr(outward, "resolve", lambda _host: [("127.0.0.1", service.port)])
        monkeypatch.setattr(outward, "check_public", lambda addresses: addresses[0])
        trusted = ssl.create_default_context(cafile=str(service.authority))
        monkeypatch.setattr(outward, "tls", lambda: trusted)
        with app.app_context():
            sent = webhooks.posting(f"https://{HOST}/epcis?x=1", b'{"a":1}', {"A": "b"}, "kín")
        (outcome,) = webhooks.post_each([sent])
        assert outcome.taken
        ((path, headers, body),) = service.taken
        assert (path, body, headers["A"]) == ("/epcis?x=1", b'{"a":1}', "b")
        digest = hmac.digest("kín".encode(), body, hashlib.sha256)
        assert headers["GS1-Signature"] == base64.b64encode(digest).decode()
        service.status = 307
        (outcome,) = webhooks.post_each([sent])
        assert (outcome.taken, outcome.status, len(service.taken)) == (False, 307, 2)


def test_websockets_are_not_offered_and_limits_hold(
    world: World, receiver: Subscriber, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.subscribe(receiver.url)
    monkeypatch.setattr(subscriptions, "MOST", 1)
    answer = world.call(
        "POST", f"{QUERIES}/added/subscriptions", {"dest": receiver.url, "stream": True}
    )
    assert answer.status_code == 400
    assert answer.json is not None
    assert answer.json["code"] == "too-many-subscriptions"
    upgrade = world.call(
        "GET", f"{QUERIES}/added/events?stream=true", Upgrade="websocket", Connection="Upgrade"
    )
    assert upgrade.status_code == 501
    assert upgrade.json is not None
    assert upgrade.json["type"] == "epcisException:ImplementationException"


def test_the_secrets_of_subscriptions_are_sealed_anew_with_the_others(
    world: World, receiver: Subscriber
) -> None:
    world.subscribe(receiver.url, signatureToken="kín")
    with world.app.app_context():
        old = world.app.extensions["trace.settings"].key_encryption_key
        assert subscriptions.rewrap(old, bytes(32)) == 1
        db.session.commit()
        world.app.extensions["trace.settings"] = replace(
            world.app.extensions["trace.settings"], key_encryption_key=bytes(32)
        )
        assert subscriptions.secret_of(world.row()) == "kín"


def test_another_organisations_letters_are_not_found(
    world: World, receiver: Subscriber, make: Callable[[], World]
) -> None:
    address = world.subscribe(receiver.url)
    other = make()
    other.call("POST", QUERIES, {"name": "added", "query": ADDED})
    assert other.call("GET", address).status_code == 404
    assert other.call("DELETE", address).status_code == 404
    with world.app.app_context():
        db.session.add(
            DeadLetter(
                subscription_id=world.row().id, first=0, end=1, reason="x", created_at=clock.now()
            )
        )
        db.session.commit()
        letter = db.session.scalars(select(DeadLetter)).one()
        with pytest.raises(NotFound):
            subscriptions.get_dead_letter(other.actor(), letter.id)
        assert subscriptions.list_dead_letters(other.actor()) == []
        assert db.session.scalars(select(Token.name)).all() == ["kho", "kho"]
        assert world.row().made_with == "kho"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
NAMES = st.sampled_from(
    [
        *("name", "query", "dest", "stream", "schedule", "initialRecordTime", "reportIfEmpty"),
        *("signatureToken", "EQ_bizStep", "GE_eventTime", "MATCH_epc", "hour", "timeZone"),
    ]
)
BODIES = st.dictionaries(
    NAMES | st.text(max_size=5), JSON | st.dictionaries(NAMES, JSON), max_size=5
)


@pytest.mark.one_database
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=JSON | BODIES, path=st.sampled_from(["", "/added/subscriptions"]))
def test_whatever_is_sent_it_is_taken_or_refused_with_a_reason(
    world: World, body: Any, path: str
) -> None:
    world.call("POST", QUERIES, {"name": "added", "query": ADDED})
    raw = json.dumps(body).encode()  # not orjson: numbers of any size, half characters
    answer = world.call("POST", QUERIES + path, raw=raw)
    assert answer.status_code in (201, 400, 409, 413), answer.text
    if answer.status_code != 201:
        assert answer.json is not None
        assert answer.json["type"].startswith("epcisException:")

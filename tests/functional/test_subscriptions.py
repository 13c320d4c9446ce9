"""Named queries and subscriptions: a real receiver is told what is new, once it can be told."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import orjson
import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from tests.conftest import FIXED_NOW
from tests.support.factories import make_actor, new_lot, registered
from tests.support.webhooks import Subscriber, subscriber
from trace import clock
from trace.extensions import db
from trace.models import DeadLetter, Organisation, Subscription, Token
from trace.services import subscriptions, subscriptions_sending, webhooks
from trace.services.actors import Actor
from trace.services.capture import capture
from trace.services.subscriptions_sending import deliver
from trace.services.tokens import issue_token

QUERIES = "/epcis/v2/queries"
ADDED: dict[str, Any] = {"eventType": ["ObjectEvent"], "EQ_action": ["ADD"]}


@pytest.fixture
def time() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(FIXED_NOW, tick=False) as moved:
        yield moved


@pytest.fixture
def receiver() -> Iterator[Subscriber]:
    with subscriber() as running:
        yield running


@dataclass
class World:
    """An organisation, its token, and what is done with them."""

    app: Flask
    client: FlaskClient
    token: str
    organisation: int

    def call(self, method: str, path: str, body: Any = None, **headers: str) -> TestResponse:
        return self.client.open(
            path,
            method=method,
            content_type=None if body is None else "application/json",
            data=None if body is None else orjson.dumps(body),
            headers={"Authorization": f"Bearer {self.token}", **headers},
        )

    def record(self, count: int = 1) -> list[str]:
        """Registers lots; their addresses."""
        with self.app.app_context():
            lots = [new_lot() for _ in range(count)]
            capture(self.actor(), [registered(lot) for lot in lots], at=clock.now())
            db.session.commit()
            return lots

    def actor(self, role: str = "token") -> Actor:
        return Actor(db.session.get_one(Organisation, self.organisation), None, role)

    def deliver(self) -> int:
        with self.app.app_context():
            return deliver(clock.now)

    def subscribe(self, dest: str, **members: Any) -> str:
        """To the query `added`; the subscription's address."""
        if self.call("GET", f"{QUERIES}/added").status_code == 404:
            self.call("POST", QUERIES, {"name": "added", "query": ADDED})
        body = {"dest": dest, "stream": True, **members}
        if "schedule" in body:
            del body["stream"]
        answer = self.call("POST", f"{QUERIES}/added/subscriptions", body)
        assert answer.status_code == 201, answer.text
        return answer.headers["Location"]

    def row(self) -> Subscription:
        return db.session.scalars(select(Subscription)).one()


@pytest.fixture
def make(app: Flask, client: FlaskClient, time: time_machine.Traveller) -> Callable[[], World]:
    def made() -> World:
        with app.app_context():
            actor = make_actor(clock.now())
            _, text = issue_token(actor.organisation, "kho", ["query"], at=clock.now())
            db.session.commit()
            return World(app, client, text, actor.organisation.id)

    return made


@pytest.fixture
def world(make: Callable[[], World]) -> World:
    return make()


def lots_of(events: list[dict[str, Any]]) -> list[str]:
    return [event["quantityList"][0]["epcClass"] for event in events]


# -- named queries ---------------------------------------------------------------------------------


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


# -- streams ---------------------------------------------------------------------------------------


def test_a_stream_tells_what_is_new_in_order_signed_and_nothing_twice(
    world: World, receiver: Subscriber, make: Callable[[], World]
) -> None:
    world.record()
    address = world.subscribe(receiver.url, signatureToken="bí mật của kho")
    assert world.deliver() == 0
    stranger = make()
    lots = world.record(3)
    stranger.record()
    assert world.deliver() == 1
    assert lots_of(receiver.events()) == lots
    lots += world.record(2)
    assert (world.deliver(), world.deliver()) == (1, 0)
    assert lots_of(receiver.events()) == lots
    assert receiver.is_signed("bí mật của kho")
    results = receiver.documents()[0]["epcisBody"]["queryResults"]
    told = world.call("GET", address).json
    assert told is not None
    assert results["subscriptionID"] == told["subscriptionID"]
    assert results["queryName"] == "added"
    assert told["lastNotifiedAt"] == "2026-11-22T03:00:00.000Z"
    assert "signatureToken" not in told
    with world.app.app_context():
        assert "bí mật".encode() not in (world.row().secret or b"")


def test_what_was_recorded_from_a_moment_on_comes_first(
    world: World, receiver: Subscriber, time: time_machine.Traveller
) -> None:
    world.record(2)
    time.shift(timedelta(hours=1))
    later = world.record(2)
    world.subscribe(receiver.url, initialRecordTime="2026-11-22T10:30:00+07:00")
    world.deliver()
    assert lots_of(receiver.events()) == later


def test_a_moment_to_come_is_waited_for(
    world: World, receiver: Subscriber, time: time_machine.Traveller
) -> None:
    world.subscribe(receiver.url, initialRecordTime="2026-11-22T05:00:00Z")
    world.record()
    assert world.deliver() == 0
    time.shift(timedelta(hours=2))
    lots = world.record()
    world.deliver()
    assert lots_of(receiver.events()) == lots


def test_a_receiver_that_takes_less_at_once_gets_less_and_one_event_too_large_is_put_by(
    world: World, receiver: Subscriber
) -> None:
    receiver.most = 2
    world.subscribe(receiver.url)
    lots = world.record(7)
    world.deliver()
    assert lots_of(receiver.events()) == lots
    assert [status for status, _, _ in receiver.came].count(413) == 2  # 7, 3, and then 1
    receiver.most = 0
    world.record()
    world.deliver()
    with world.app.app_context():
        (letter,) = subscriptions.list_dead_letters(world.actor())
        assert letter.reason == "http-413"
    receiver.most = 2
    lots = world.record()
    world.deliver()
    assert lots_of(receiver.events())[-1:] == lots


def test_what_is_not_taken_is_sent_again_later_and_later_and_then_put_by_and_replayed(
    world: World, receiver: Subscriber, time: time_machine.Traveller
) -> None:
    world.subscribe(receiver.url)
    lots = world.record(2)
    receiver.answers = [500] * subscriptions_sending.ATTEMPTS
    pauses = []
    for _ in range(subscriptions_sending.ATTEMPTS):
        before = len(receiver.came)
        world.deliver()
        assert len(receiver.came) == before + 1
        with world.app.app_context():
            pauses.append((world.row().due_at - clock.now()).total_seconds())
            assert world.row().failure == "http-500"
        time.shift(timedelta(seconds=pauses[-1] - 1))
        assert world.deliver() == 0
        time.shift(timedelta(seconds=1))
    assert pauses[:3] == [10, 20, 40]
    assert max(pauses) == 6 * 3600
    # Each attempt told the same stretch: a receiver can know it again.
    assert len({headers["Trace-Delivery"] for _, headers, _ in receiver.came}) == 1
    later = world.record()
    world.deliver()
    assert lots_of(receiver.events()) == later
    with world.app.app_context():
        (letter,) = subscriptions.list_dead_letters(world.actor())
        assert letter.reason == "http-500"
        subscriptions.replay(world.actor("owner"), letter, at=clock.now())
        db.session.commit()
    receiver.answers = [503]
    world.deliver()
    with world.app.app_context():
        (letter,) = subscriptions.list_dead_letters(world.actor())
        assert (letter.replay_at, letter.reason, letter.attempts) == (None, "http-503", 1)
        subscriptions.replay(world.actor("owner"), letter, at=clock.now())
        db.session.commit()
    assert world.deliver() == 1
    assert lots_of(receiver.events()) == [*later, *lots]
    with world.app.app_context():
        assert subscriptions.list_dead_letters(world.actor()) == []


def test_a_redirect_is_not_followed_and_gone_ends_the_sending(
    world: World, receiver: Subscriber, time: time_machine.Traveller
) -> None:
    world.subscribe(receiver.url)
    world.record()
    receiver.answers = [302, 410]
    world.deliver()
    time.shift(timedelta(minutes=1))
    world.deliver()
    time.shift(timedelta(days=1))
    world.deliver()
    assert [status for status, _, _ in receiver.came] == [302, 410]
    with world.app.app_context():
        row = world.row()
        assert row.paused_at is not None
        assert row.failure == "http-410"
        subscriptions.resume(world.actor("owner"), row, at=clock.now())
        db.session.commit()
    world.deliver()
    assert len(receiver.events()) == 1


def test_a_worker_that_dies_between_sending_and_noting_sends_again(
    world: World,
    receiver: Subscriber,
    time: time_machine.Traveller,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world.subscribe(receiver.url)
    lots = world.record()
    settle = subscriptions_sending._settle

    def dies(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(subscriptions_sending, "_settle", dies)
    with pytest.raises(KeyboardInterrupt):
        world.deliver()
    monkeypatch.setattr(subscriptions_sending, "_settle", settle)
    assert world.deliver() == 0  # another holds it, as far as one can know
    time.shift(subscriptions_sending.LEASE + timedelta(seconds=1))
    world.deliver()
    assert lots_of(receiver.events()) == lots * 2
    assert len({headers["Trace-Delivery"] for _, headers, _ in receiver.came}) == 1


def test_a_closed_organisation_and_a_paused_subscription_are_told_nothing(
    world: World, receiver: Subscriber
) -> None:
    world.subscribe(receiver.url)
    world.record()
    with world.app.app_context():
        world.actor().organisation.closed_at = clock.now()
        db.session.commit()
    assert world.deliver() == 0
    with world.app.app_context():
        world.actor().organisation.closed_at = None
        subscriptions.pause(world.actor("owner"), world.row(), at=clock.now())
        db.session.commit()
    assert world.deliver() == 0
    assert receiver.came == []


def test_a_query_that_is_no_longer_understood_is_told_as_a_problem_and_nothing_is_lost(
    world: World, receiver: Subscriber, time: time_machine.Traveller
) -> None:
    world.subscribe(receiver.url)
    lots = world.record()
    with world.app.app_context():
        kept, world.row().query.query = world.row().query.query, '{"EQ_gone": ["x"]}'
        db.session.commit()
    world.deliver()
    (problem,) = receiver.documents()
    assert problem["type"] == "epcisException:QueryParameterException"
    with world.app.app_context():
        world.row().query.query = kept
        db.session.commit()
    time.shift(timedelta(minutes=1))
    world.deliver()
    assert (
        lots_of(receiver.documents()[1]["epcisBody"]["queryResults"]["resultsBody"]["eventList"])
        == lots
    )


# -- schedules -------------------------------------------------------------------------------------


def test_a_schedule_tells_at_its_time_and_says_so_when_there_is_nothing(
    world: World, receiver: Subscriber, time: time_machine.Traveller
) -> None:
    daily = {"hour": "17", "minute": "30"}
    address = world.subscribe(receiver.url, schedule=daily, reportIfEmpty=True)
    lots = world.record(2)
    assert world.deliver() == 0
    time.move_to(datetime.fromisoformat("2026-11-22T17:30:00+07:00"))
    assert (world.deliver(), world.deliver()) == (1, 0)
    assert lots_of(receiver.events()) == lots
    time.shift(timedelta(days=1))
    assert (world.deliver(), world.deliver()) == (1, 0)
    assert lots_of(receiver.events()) == lots
    told = world.call("GET", address).json
    assert told is not None
    assert (told["schedule"], told["reportIfEmpty"]) == (daily, True)
    assert "stream" not in told


def test_a_schedule_has_the_time_zone_it_names_and_sends_in_batches(
    world: World, receiver: Subscriber, time: time_machine.Traveller
) -> None:
    receiver.most = 2
    world.subscribe(receiver.url, schedule={"hour": "8", "timeZone": "Europe/Berlin"})
    lots = world.record(5)
    time.move_to(datetime.fromisoformat("2026-11-22T07:59:59+01:00"))
    assert world.deliver() == 0
    time.move_to(datetime.fromisoformat("2026-11-22T08:00:00+01:00"))
    world.deliver()
    assert lots_of(receiver.events()) == lots


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
            "trace.services.web_push.resolve",
            lambda _host, inside=inside: [("8.8.8.8", 443), (inside, port)],
        )
        with app.app_context():
            sent = webhooks.posting("https://receiver.example.org/", b"{}", {})
        (outcome,) = webhooks.post_each([sent])
        assert (outcome.status, outcome.reason) == (0, "private-address")
    assert receiver.came == []


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
        with pytest.raises(Exception, match="known"):
            subscriptions.get_dead_letter(other.actor(), letter.id)
        assert subscriptions.list_dead_letters(other.actor()) == []
        assert db.session.scalars(select(Token.name)).all() == ["kho", "kho"]
        assert world.row().made_with == "kho"

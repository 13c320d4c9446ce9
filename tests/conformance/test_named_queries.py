"""Named queries and subscriptions."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.conformance import samples
from tests.conformance.client import Json, Server, check_problem, segment
from tests.conformance.receiver import Receiver
from tests.conformance.samples import document, event

NOTE = "https://ns.example.com/epcis/#note"


@pytest.fixture
def query(server: Server) -> Iterator[tuple[str, str]]:
    """A query of one's own, and the note that its events bear; taken away at the end."""
    name, note = f"q{samples.number()}", samples.number()
    body = {"name": name, "query": {"eventType": ["ObjectEvent"], f"EQ_{NOTE}": [note]}}
    answer = server.call("POST", "/queries", body=body)
    assert answer.status == 201, answer
    yield f"/queries/{segment(name)}", note
    server.call("DELETE", f"/queries/{segment(name)}")


def record(server: Server, note: str, count: int = 1) -> list[str]:
    """Captures events that bear a note; their IDs."""
    ids = [f"https://example.com/events/{samples.number()}" for _ in range(count)]
    made = [event(eventID=event_id, ex__note=note) for event_id in ids]
    assert server.capture(document(*made))["success"]
    return ids


@pytest.mark.requirement("NAM-01", "NAM-02", "NAM-03", "NAM-05", "ERR-03")
def test_a_query_is_made_once_listed_read_and_deleted(server: Server) -> None:
    name = f"q{samples.number()}"
    body = {"name": name, "query": {"EQ_bizStep": ["shipping", "receiving"]}}
    answer = server.call("POST", "/queries", body=body)
    assert answer.status == 201, answer
    where = answer.headers["location"]
    check_problem(server.call("POST", "/queries", body=body), 409, "ResourceAlreadyExistsException")
    told = server.call("GET", where)
    assert told.status == 200, told
    one = told.json[0] if isinstance(told.json, list) else told.json
    assert (one["name"], one["query"]) == (name, body["query"])
    listed = server.call("GET", "/queries", query={"perPage": 1000})
    assert name in [one["name"] for one in listed.json]
    assert server.call("DELETE", where).status == 204
    check_problem(server.call("GET", where), 404, "NoSuchNameException", "NoSuchResourceException")


@pytest.mark.requirement("NAM-04")
def test_a_named_querys_events_are_those_that_answer_it(
    server: Server, query: tuple[str, str]
) -> None:
    path, note = query
    ids = record(server, note, 3)
    record(server, samples.number())
    answer = server.call("GET", f"{path}/events", query={"perPage": 2})
    found = answer.events
    while answer.next is not None:
        answer = server.call("GET", answer.next)
        found += answer.events
    assert sorted(one["eventID"] for one in found) == sorted(ids)


@pytest.mark.requirement("NAM-06", "ERR-03")
@pytest.mark.parametrize(
    "body",
    [
        b"{",
        {"name": "x"},
        {"query": {}},
        {"name": "x", "query": {"EQ_bizStop": ["shipping"]}},
        {"name": "x", "query": {"GE_eventTime": "soon"}},
        {"name": 5, "query": {}},
    ],
    ids=str,
)
def test_what_is_no_query_is_refused(server: Server, body: Json) -> None:
    check_problem(server.call("POST", "/queries", body=body), 400)


@pytest.mark.requirement("SUB-01", "SUB-02", "SUB-03", "SUB-06")
def test_a_stream_tells_a_new_event_signed(
    server: Server, receiver: Receiver, query: tuple[str, str]
) -> None:
    path, note = query
    body = {"dest": receiver.url, "signatureToken": f"secret{note}", "stream": True}
    answer = server.call("POST", f"{path}/subscriptions", body=body)
    assert answer.status == 201, answer
    assert f"secret{note}" not in answer.body.decode()
    where, told = answer.headers["location"], answer.json
    assert where.endswith(told["subscriptionID"])
    assert told["dest"] == receiver.url
    assert told["createdAt"]
    ids = record(server, note, 2)
    found = receiver.wait_for_events(2)
    assert [one["eventID"] for one in found] == ids
    call = receiver.calls[0]
    assert call.json["type"] == "EPCISQueryDocument"
    results = call.json["epcisBody"]["queryResults"]
    assert results["subscriptionID"] == told["subscriptionID"]
    assert call.headers.get("gs1-signature"), call.headers
    listed = server.call("GET", f"{path}/subscriptions").json
    assert [one["subscriptionID"] for one in listed] == [told["subscriptionID"]]
    one = server.call("GET", where)
    assert one.status == 200, one
    assert one.json["stream"] is True
    assert f"secret{note}" not in one.body.decode()
    assert server.call("DELETE", where).status == 204
    check_problem(server.call("GET", where), 404)


@pytest.mark.requirement("SUB-04")
def test_a_schedule_tells_at_its_time_also_that_there_is_nothing(
    server: Server, receiver: Receiver, query: tuple[str, str]
) -> None:
    path, note = query
    body = {
        "dest": receiver.url,
        "reportIfEmpty": True,
        "schedule": {"second": "[0-59]"},
    }
    answer = server.call("POST", f"{path}/subscriptions", body=body)
    assert answer.status == 201, answer
    assert answer.json["schedule"] == {"second": "[0-59]"}
    assert receiver.wait_for_calls(1)[0].events == []
    ids = record(server, note)
    assert [one["eventID"] for one in receiver.wait_for_events(1)] == ids


@pytest.mark.requirement("SUB-05", "ERR-03")
@pytest.mark.parametrize(
    "members",
    [
        {},
        {"stream": False},
        {"stream": True, "schedule": {"hour": "1"}},
        {"schedule": {"hour": "25"}},
        {"schedule": {"day": "1"}},
        {"stream": True, "dest": "nowhere"},
        {"stream": True, "dest": None},
        {"stream": True, "initialRecordTime": "soon"},
    ],
    ids=str,
)
def test_a_subscription_that_does_not_say_when_or_where_is_refused(
    server: Server, query: tuple[str, str], members: Json
) -> None:
    given = {"dest": "https://receiver.example.com/events", **members}
    body = {name: value for name, value in given.items() if value is not None}
    check_problem(
        server.call("POST", f"{query[0]}/subscriptions", body=body),
        400,
        "SubscriptionControlsException",
        "ValidationException",
    )


@pytest.mark.requirement("SUB-07")
def test_a_deleted_querys_subscriptions_end(
    server: Server, receiver: Receiver, query: tuple[str, str]
) -> None:
    path, note = query
    body = {"dest": receiver.url, "stream": True}
    where = server.call("POST", f"{path}/subscriptions", body=body).headers["location"]
    assert server.call("DELETE", path).status == 204
    assert server.call("GET", where).status == 404
    record(server, note)
    assert receiver.calls == []


@pytest.mark.requirement("SUB-08")
def test_a_receiver_that_takes_less_at_once_gets_less(
    server: Server, receiver: Receiver, query: tuple[str, str]
) -> None:
    path, note = query
    receiver.most = 1
    body = {"dest": receiver.url, "stream": True}
    assert server.call("POST", f"{path}/subscriptions", body=body).status == 201
    ids = record(server, note, 4)
    found = receiver.wait_for_events(4)
    assert [one["eventID"] for one in found] == ids

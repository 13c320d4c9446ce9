"""The specification's own OpenAPI file: every path, every answer, every parameter."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.conformance import openapi, samples
from tests.conformance.client import Answer, Json, Server, segment
from tests.conformance.conftest import openapi_file
from tests.conformance.samples import event


@pytest.fixture(scope="module")
def file(request: pytest.FixtureRequest) -> Path:
    found = openapi_file(request.config)
    if found is None:
        pytest.skip("no --openapi FILE")
    return found


@pytest.fixture(scope="module")
def values(server: Server) -> dict[str, str]:
    """What stands for the parameters of the file's paths: things that exist."""
    made = event(
        bizStep="shipping",
        disposition="in_transit",
        readPoint={"id": samples.place("1")},
        bizLocation={"id": samples.place("2")},
        eventID=f"https://example.com/events/{samples.number()}",
    )
    job = server.call("POST", "/capture", body=samples.document(made))
    assert server.ended(job.headers["location"])["success"]
    name = f"q{samples.number()}"
    query = {"name": name, "query": {"EQ_bizStep": ["shipping"]}}
    assert server.call("POST", "/queries", body=query).status == 201
    subscribed = server.call(
        "POST",
        f"/queries/{name}/subscriptions",
        body={"dest": "https://receiver.example.com/events", "schedule": {"month": "1"}},
    )
    assert subscribed.status == 201, subscribed
    return {
        "captureID": job.headers["location"].rpartition("/")[2],
        "eventID": made["eventID"],
        "eventType": "ObjectEvent",
        "epc": made["epcList"][0],
        "bizStep": made["bizStep"],
        "disposition": made["disposition"],
        "readPoint": made["readPoint"]["id"],
        "bizLocation": made["bizLocation"]["id"],
        "queryName": name,
        "subscriptionID": subscribed.json["subscriptionID"],
        "token": "none",
    }


def filled(path: str, values: dict[str, str]) -> str:
    for name, value in values.items():
        path = path.replace("{" + name + "}", segment(value))
    assert "{" not in path, path
    return path


@pytest.mark.requirement("API-01")
def test_options_are_answered_as_the_file_says(
    server: Server, file: Path, values: dict[str, str], operation: str
) -> None:
    answer = server.call("OPTIONS", filled(operation, values))
    documented = openapi.responses(file, operation, "OPTIONS")
    assert str(answer.status) in documented, answer
    assert answer.status == 204, answer
    assert "OPTIONS" in answer.headers.get("allow", ""), answer.headers
    for name in documented["204"].get("headers", {}):
        if name.endswith(("-Version", "-Min", "-Max")) and "Vendor" not in name:
            assert answer.headers.get(name.lower()), name


@pytest.mark.requirement("API-04")
def test_options_give_every_header_that_the_file_lists(
    server: Server, file: Path, values: dict[str, str], operation: str
) -> None:
    answer = server.call("OPTIONS", filled(operation, values))
    listed = openapi.responses(file, operation, "OPTIONS")["204"].get("headers", {})
    assert [name for name in listed if not answer.headers.get(name.lower())] == []


@pytest.mark.requirement("API-02")
def test_get_is_answered_as_the_file_says(
    server: Server, file: Path, values: dict[str, str], operation: str
) -> None:
    answer = server.call("GET", filled(operation, values))
    documented = openapi.responses(file, operation, "GET")
    assert str(answer.status) in documented, answer
    assert answer.status == 200, answer
    content = documented["200"].get("content", {})
    kind = answer.headers["content-type"].partition(";")[0]
    assert kind in content, (kind, list(content))
    check_body(answer, openapi.schema(file, content[kind].get("schema", {})))


def check_body(answer: Answer, wanted: Json) -> None:
    validator = pytest.importorskip("jsonschema").Draft7Validator(wanted)
    value = answer.json
    if wanted.get("type") == "array" and isinstance(value, dict):
        value = [value]  # the file has a list where its example, and every server, has one object
    wrong = [f"{list(error.path)}: {error.message}" for error in validator.iter_errors(value)]
    assert not wrong, wrong[:5]


SAID: dict[str, Any] = {
    "eventType": "ObjectEvent",
    "EQ_action": "ADD",
    "orderBy": "eventTime",
    "orderDirection": "ASC",
    "perPage": "1",
    "maxEventCount": "1000000",
    "EQ_booleanValue": "true",
    "EQ_hexBinaryValue": "F0",
}


@pytest.mark.requirement("API-03")
def test_every_parameter_of_the_file_is_understood(server: Server, file: Path) -> None:
    for parameter in openapi.parameters(file, "/events", "GET", "query"):
        name = parameter["name"]
        if name == "nextPageToken":
            continue
        described = openapi.resolved(file, parameter.get("schema", {}))
        inner = openapi.resolved(file, described.get("items", described))
        if name in SAID:
            value = SAID[name]
        elif "enum" in inner:
            value = inner["enum"][0]
        elif "Time" in name or name.endswith(("_startTime", "_endTime")):
            value = "2024-01-01T00:00:00.000Z"
        elif inner.get("type") in ("integer", "number") or "ount" in name or "uantity" in name:
            value = "1"
        elif "bizStep" in name:
            value = "shipping"
        elif "isposition" in name:
            value = "in_transit"
        elif name == "EXISTS_errorDeclaration":
            value = ""
        else:
            value = "https://example.com/a"
        nothing = {"EQ_eventID": "urn:none"}  # what answers is of no interest here
        answer = server.call("GET", "/events", query={**nothing, name: value})
        assert answer.status == 200, answer

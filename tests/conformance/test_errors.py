"""Discovery, versions, who may enter, and what is never to happen."""

from __future__ import annotations

import pytest

from tests.conformance import samples
from tests.conformance.client import Json, Server, check_problem, segment
from tests.conformance.samples import bare, document, event

VERSIONS = tuple(
    f"gs1-{kind}-{what}" for kind in ("epcis", "cbv") for what in ("version", "min", "max")
)
RESOURCES = ("/eventTypes", "/epcs", "/bizSteps", "/bizLocations", "/readPoints", "/dispositions")


@pytest.mark.requirement("DIS-01", "DIS-02")
@pytest.mark.parametrize("path", ["/", "/capture", "/events", "/queries", *RESOURCES])
def test_options_name_methods_and_versions(server: Server, path: str) -> None:
    answer = server.call("OPTIONS", path)
    assert answer.status == 204, answer
    allowed = {one.strip() for one in answer.headers.get("allow", "").split(",")}
    assert {"OPTIONS", "GET"} <= allowed
    if path in ("/capture", "/events", "/queries"):
        assert "POST" in allowed
    for name in VERSIONS:
        assert answer.headers.get(name), name


@pytest.mark.requirement("DIS-02")
def test_answers_tell_the_version(server: Server) -> None:
    for path in ("/events", "/capture", "/queries"):
        assert server.call("GET", path).headers.get("gs1-epcis-version", "").startswith("2."), path


@pytest.mark.requirement("DIS-03")
def test_options_on_capture_tell_its_limits(server: Server) -> None:
    told = server.call("OPTIONS", "/capture").headers
    assert told.get("gs1-capture-error-behaviour") in ("rollback", "proceed", "all")
    limits = [told.get(f"gs1-epcis-capture-{name}") for name in ("limit", "file-size-limit")]
    assert any(limits), told
    assert all(limit is None or int(limit) > 0 for limit in limits)


@pytest.mark.requirement("DIS-04")
def test_the_root_lists_the_top_level_resources(server: Server) -> None:
    answer = server.call("GET", "/")
    assert answer.status == 200, answer
    listed = str(answer.json)
    for path in ("events", "eventTypes", "epcs", "queries"):
        assert path in listed, listed


@pytest.mark.requirement("DIS-05", "ERR-03")
@pytest.mark.parametrize("name", ["GS1-EPCIS-Min", "GS1-CBV-Min"])
def test_a_version_that_the_server_has_not_is_not_acceptable(server: Server, name: str) -> None:
    answer = server.call("GET", "/events", headers={name: "9.0.0"})
    check_problem(answer, 406, "NotAcceptableException")


@pytest.mark.requirement("ERR-01", "ERR-03")
@pytest.mark.parametrize("token", [None, "Bearer nothing-of-the-kind"])
@pytest.mark.parametrize("path", ["/events", "/capture", "/queries"])
def test_without_a_good_token_there_is_no_answer(
    server: Server, path: str, token: str | None
) -> None:
    if "Authorization" not in server.headers:
        pytest.skip("the server was asked without a token")
    answer = server.call("GET", path, headers={"Authorization": token})
    check_problem(answer, 401, "SecurityException")


@pytest.mark.requirement("ERR-02", "ERR-03")
@pytest.mark.parametrize("path", ["/events", "/capture", "/queries", "/eventTypes"])
def test_an_accept_that_cannot_be_met_is_not_acceptable(server: Server, path: str) -> None:
    answer = server.call("GET", path, headers={"Accept": "text/csv"})
    assert answer.status == 406, answer


@pytest.mark.requirement("ERR-04")
def test_an_address_beyond_all_measure_is_refused(server: Server) -> None:
    answer = server.call("GET", "/events", query={"EQ_bizStep": "x" * 60_000})
    assert answer.status in (400, 413, 414, 431), answer


NASTY: dict[str, Json] = {
    "a NUL in a text": bare(event(ex__note="a\x00b")),
    "half a character": b'{"type":"ObjectEvent","ex:note":"\\ud800"}',
    "a number beyond all": b'{"type":"ObjectEvent","ex:note":1e999}',
    "a number with too many digits": b'{"type":"ObjectEvent","ex:n":0.1000000000000000000000001}',
    "a member twice": b'{"type":"ObjectEvent","type":"ObjectEvent"}',
    "a nest": b'{"a":' * 5000 + b"1" + b"}" * 5000,
    "bytes that are no text": b'{"type":"\xff\xfe"}',
    "a list for everything": {name: [] for name in event()},
    "an object for everything": {name: {} for name in event()},
    "a number for everything": dict.fromkeys(event(), 1),
    "nothing for everything": dict.fromkeys(event()),
    "a context that is none": event() | {"@context": 5},
    "a very old event": bare(event(eventTime="0001-01-01T00:00:00Z")),
    "an event to come": bare(event(eventTime="9999-12-31T23:59:59.999+14:00")),
    "a very long EPC": bare(event(epcList=["https://id.gs1.org/01/" + "9" * 50_000])),
    "a broken EPC": bare(event(epcList=["urn:epc:id:sgtin:1.2.3"])),
}


@pytest.mark.requirement("ERR-05")
@pytest.mark.parametrize("what", NASTY)
def test_whatever_is_sent_the_server_does_not_fail(server: Server, what: str) -> None:
    for path in ("/events", "/capture", "/queries"):
        answer = server.call("POST", path, body=NASTY[what])
        assert answer.status < 500, answer


@pytest.mark.requirement("ERR-05")
@pytest.mark.parametrize(
    "text", ["\x00", "%", "../..", "a b", "\u202e", "é" * 300, "'; --", "{}", "\r\nX: y"], ids=repr
)
def test_whatever_is_asked_the_server_does_not_fail(server: Server, text: str) -> None:
    for path in ("/events", "/capture", "/queries", *RESOURCES):
        answer = server.call("GET", f"{path}/{segment(text)}")
        assert answer.status < 500, answer
    for name in ("EQ_bizStep", "MATCH_epc", "GE_eventTime", "EQ_eventID", "perPage", text):
        answer = server.call("GET", "/events", query={name: text})
        assert answer.status < 500, answer


@pytest.mark.requirement("ERR-05")
def test_a_document_of_many_wrong_events_is_answered(server: Server) -> None:
    wrong = [event(eventTime=samples.number()) for _ in range(300)]
    answer = server.call("POST", "/capture", body=document(*wrong))
    assert answer.status in (202, 400), answer

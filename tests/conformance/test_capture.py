"""Capture: jobs, behaviours, limits, and which events pass."""

from __future__ import annotations

from typing import Any

import pytest

from tests.conformance import samples
from tests.conformance.client import JSON, Json, Server, check_problem
from tests.conformance.samples import bare, document, event

WRONG: dict[str, Json] = {
    "no type": {"type": None},
    "a type that is none": {"type": "SomethingEvent"},
    "no eventTime": {"eventTime": None},
    "an eventTime that is no time": {"eventTime": "yesterday"},
    "an eventTime without a zone": {"eventTime": "2024-05-06T07:08:09"},
    "no eventTimeZoneOffset": {"eventTimeZoneOffset": None},
    "a time zone that is none": {"eventTimeZoneOffset": "7"},
    "an action that is none": {"action": "LOOK"},
    "no action": {"action": None},
    "nothing that it is about": {"epcList": None},
    "an EPC that is no URI": {"epcList": ["4711"]},
    "a step that is no word of the standard": {"bizStep": "wondering"},
    "a disposition that is none": {"disposition": "happy"},
    "a quantity that is a text": {
        "quantityList": [{"epcClass": samples.lot(), "quantity": "many"}]
    },
    "a unit that is none": {
        "quantityList": [{"epcClass": samples.lot(), "quantity": 1, "uom": "kilo"}]
    },
    "a quantity without its class": {"quantityList": [{"quantity": 1}]},
    "an extension without a namespace": {"note": "x"},
    "a sensor element without a report": {"sensorElementList": [{"sensorMetadata": {}}]},
    "a readPoint that is a text": {"readPoint": samples.place()},
    "master data of what was only seen": {"ilmd": {"cbvmda:lotNumber": "1"}},
    "an aggregation that adds to nothing": {
        "type": "AggregationEvent",
        "action": "ADD",
        "childEPCs": [samples.item()],
        "epcList": None,
    },
    "a transformation with an action": {
        "type": "TransformationEvent",
        "inputEPCList": [samples.item()],
        "outputEPCList": [samples.item()],
        "epcList": None,
    },
}

RIGHT: dict[str, Json] = {
    "URNs": {"epcList": [samples.item_urn(samples.number())]},
    "a class with its lot": {
        "epcList": None,
        "quantityList": [{"epcClass": samples.lot(), "quantity": 12.5, "uom": "KGM"}],
    },
    "a count": {"epcList": None, "quantityList": [{"epcClass": samples.lot(), "quantity": 3}]},
    "made things with master data": {"action": "ADD", "ilmd": {"cbvmda:lotNumber": "L1"}},
    "its own ID": {"eventID": f"urn:uuid:00000000-0000-4000-8000-{samples.RUN:0>12}"},
    "places and dispositions": {
        "readPoint": {"id": samples.place()},
        "bizLocation": {"id": samples.place("1")},
        "disposition": "in_transit",
        "persistentDisposition": {"set": ["completeness_verified"]},
    },
    "parties and papers": {
        "sourceList": [{"type": "owning_party", "source": samples.party()}],
        "destinationList": [{"type": "location", "destination": samples.place()}],
        "bizTransactionList": [{"type": "inv", "bizTransaction": "https://example.com/inv/1"}],
    },
    "sensors": {
        "sensorElementList": [
            {
                "sensorMetadata": {"time": "2024-05-06T07:00:00.000+07:00"},
                "sensorReport": [{"type": "Temperature", "value": 4.5, "uom": "CEL"}],
            }
        ]
    },
    "an extension": {"ex:note": {"ex:inner": ["a", "b"]}},
    "a word of somebody's own": {"bizStep": "https://ns.example.com/steps/blessing"},
    "a certificate": {"certificationInfo": ["https://example.com/certificate/1"]},
}


def changed(members: Json) -> Json:
    made = event() | members
    return {name: value for name, value in made.items() if value is not None}


@pytest.mark.requirement("CAP-01", "CAP-02")
def test_a_document_is_accepted_and_its_job_tells_its_state(server: Server) -> None:
    answer = server.call("POST", "/capture", body=document(event()))
    assert answer.status == 202, answer
    location = answer.headers.get("location")
    assert location, answer
    running = server.call("GET", location).json
    job = server.ended(location)
    for told in (running, job):
        assert isinstance(told["captureID"], str)
        assert told["captureID"]
        assert isinstance(told["running"], bool)
        assert isinstance(told["success"], bool)
        assert isinstance(told["createdAt"], str)
        assert "errors" in told or "errorFile" in told
    assert (job["success"], job["errors"]) == (True, [])
    assert job["captureErrorBehaviour"] == "rollback"
    assert isinstance(job["finishedAt"], str)
    assert location.rstrip("/").endswith(job["captureID"])


@pytest.mark.requirement("CAP-03")
@pytest.mark.parametrize("kind", samples.TYPES)
def test_events_of_every_type_are_captured_and_read_back(server: Server, kind: str) -> None:
    note = samples.number()
    made = event(kind, ex__note=note)
    job = server.capture(document(made))
    assert job["success"], job
    found = server.find(**{f"EQ_{samples.EXTENSION['ex']}#note": note})
    assert [one["type"] for one in found] == [kind]
    for name, value in made.items():
        if name not in ("eventTime", "bizTransactionList", "quantityList", "outputQuantityList"):
            assert found[0][name] == value, name


@pytest.mark.requirement("CAP-04")
def test_a_query_document_is_captured_as_well(server: Server) -> None:
    epc = samples.item()
    job = server.capture(document(event(epcList=[epc]), kind="EPCISQueryDocument"))
    assert job["success"], job
    assert len(server.find(MATCH_epc=epc)) == 1


@pytest.mark.requirement("CAP-05", "CAP-06", "CAP-07")
@pytest.mark.parametrize(("behaviour", "kept"), [("rollback", 0), ("proceed", 2)])
def test_what_an_error_takes_with_it_is_as_asked(server: Server, behaviour: str, kept: int) -> None:
    epcs = [samples.item(), samples.item()]
    wrong = event(eventTime=None)
    events = [event(epcList=[epcs[0]]), wrong, event(epcList=[epcs[1]])]
    job = server.capture(document(*events), behaviour=behaviour)
    assert job["success"] is False
    assert job["captureErrorBehaviour"] == behaviour
    assert job["errors"], job
    for problem in job["errors"]:
        assert problem["type"].startswith("epcisException:"), problem
        assert problem["title"], problem
    assert len(server.find(MATCH_epc="|".join(epcs))) == kept


@pytest.mark.requirement("CAP-08", "ERR-03")
@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b"null", b'"text"', b'{"type":"EPCISDocument"', b'{"type":"Letter"}'],
    ids=repr,
)
def test_what_is_no_document_is_refused_at_once(server: Server, body: bytes) -> None:
    answer = server.call("POST", "/capture", body=body)
    check_problem(answer, 400, "ValidationException")


@pytest.mark.requirement("CAP-09", "ERR-03")
@pytest.mark.parametrize("path", ["/capture", "/events", "/queries"])
def test_another_media_type_is_refused(server: Server, path: str) -> None:
    answer = server.call("POST", path, body=b"a;b", headers={"Content-Type": "text/csv"})
    check_problem(answer, 415, "UnsupportedMediaTypeException")


@pytest.mark.requirement("CAP-10", "ERR-03")
def test_more_events_than_the_limit_are_refused(server: Server) -> None:
    told = server.call("OPTIONS", "/capture")
    limit = int(told.headers.get("gs1-epcis-capture-limit", 0))
    if not 0 < limit <= 20_000:
        pytest.skip(f"the limit told is {limit or 'none'}")
    least = {"type": "ObjectEvent"}
    answer = server.call("POST", "/capture", body=document(*[least] * (limit + 1)))
    check_problem(answer, 413, "CaptureLimitExceededException")


@pytest.mark.requirement("CAP-11")
def test_jobs_are_listed_page_by_page(server: Server) -> None:
    sent = {server.capture(document(event()))["captureID"] for _ in range(3)}
    answer = server.call("GET", "/capture", query={"perPage": 2})
    found: list[str] = []
    for _ in range(200):
        assert answer.status == 200, answer
        assert len(answer.json) <= 2
        found += [job["captureID"] for job in answer.json]
        if answer.next is None or sent <= set(found):
            break
        answer = server.call("GET", answer.next)
    assert sent <= set(found)
    assert len(found) == len(set(found))


@pytest.mark.requirement("CAP-12", "ERR-03")
def test_a_job_that_does_not_exist_is_not_found(server: Server) -> None:
    check_problem(server.call("GET", "/capture/none-of-this-name"), 404, "NoSuchResourceException")


@pytest.mark.requirement("CAP-13")
@pytest.mark.parametrize("what", WRONG)
def test_an_event_that_breaks_a_rule_is_not_captured(server: Server, what: str) -> None:
    made = changed(WRONG[what])
    answer = server.call("POST", "/capture", body=document(made))
    if answer.status != 400:
        assert answer.status == 202, answer
        assert server.ended(answer.headers["location"])["success"] is False
    alone = server.call("POST", "/events", body=bare(made))
    check_problem(alone, 400, "ValidationException")


@pytest.mark.requirement("CAP-14")
@pytest.mark.parametrize("what", RIGHT)
def test_an_event_that_the_standard_allows_is_captured(server: Server, what: str) -> None:
    job = server.capture(document(changed(RIGHT[what])))
    assert job["success"], job


XML = """<?xml version="1.0" encoding="UTF-8"?>
<epcis:EPCISDocument xmlns:epcis="urn:epcglobal:epcis:xsd:2" schemaVersion="2.0"
 creationDate="2024-05-06T07:08:09.000Z"><EPCISBody><EventList><ObjectEvent>
<eventTime>2024-05-06T07:08:09.000+07:00</eventTime>
<eventTimeZoneOffset>+07:00</eventTimeZoneOffset>
<epcList><epc>{epc}</epc></epcList><action>OBSERVE</action>
<bizStep>https://ref.gs1.org/cbv/BizStep-inspecting</bizStep>
</ObjectEvent></EventList></EPCISBody></epcis:EPCISDocument>"""


@pytest.mark.requirement("CAP-15")
def test_a_document_in_xml_is_the_twin_of_one_in_json(server: Server) -> None:
    epc = samples.item()
    sent: Any = XML.format(epc=epc).encode()
    answer = server.call("POST", "/capture", body=sent, headers={"Content-Type": "application/xml"})
    if answer.status in (415, 501):
        pytest.skip("the server takes no XML")
    assert answer.status == 202, answer
    assert server.ended(answer.headers["location"])["success"]
    (found,) = server.find(MATCH_epc=epc)
    assert found["bizStep"] in ("inspecting", "https://ref.gs1.org/cbv/BizStep-inspecting")
    assert JSON in server.call("GET", "/events").headers["content-type"]

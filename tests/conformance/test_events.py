"""Events: one at a time in, and out by ID and by page; how they are written."""

from __future__ import annotations

import pytest

from tests.conformance import samples
from tests.conformance.client import Server, check_problem, segment
from tests.conformance.samples import bare, event


@pytest.mark.requirement("EVT-01", "EVT-06", "EVT-07")
def test_an_event_is_recorded_at_once_and_found_at_its_address(server: Server) -> None:
    epc = samples.item()
    answer = server.call("POST", "/events", body=bare(event(epcList=[epc])))
    assert answer.status == 201, answer
    (found,) = server.call("GET", answer.headers["location"]).events
    assert found["epcList"] == [epc]
    assert isinstance(found["eventID"], str)
    assert found["recordTime"] > "2024-05-06"
    (again,) = server.call("GET", f"/events/{segment(found['eventID'])}").events
    assert again == found


@pytest.mark.requirement("EVT-02", "ERR-03")
def test_the_same_event_a_second_time_is_a_conflict(server: Server) -> None:
    made = bare(event(eventID=f"https://example.com/events/{samples.number()}"))
    assert server.call("POST", "/events", body=made).status == 201
    check_problem(server.call("POST", "/events", body=made), 409, "ResourceAlreadyExistsException")


@pytest.mark.requirement("EVT-03")
def test_events_come_as_a_query_document(server: Server) -> None:
    answer = server.call("GET", "/events", query={"perPage": 1})
    found = answer.json
    assert isinstance(answer.events, list)
    assert "@context" in found
    assert found["schemaVersion"].startswith("2.")
    assert "creationDate" in found


@pytest.mark.requirement("EVT-04", "ERR-03")
def test_an_event_that_does_not_exist_is_not_found(server: Server) -> None:
    answer = server.call("GET", f"/events/{segment('urn:uuid:' + samples.number())}")
    check_problem(answer, 404, "NoSuchResourceException")


@pytest.mark.requirement("EVT-05")
def test_an_error_declaration_is_given_with_the_event_whose_id_it_bears(server: Server) -> None:
    made = event(eventID=f"https://example.com/events/{samples.number()}")
    right = event(eventID=f"https://example.com/events/{samples.number()}")
    declared = made | {
        "errorDeclaration": {
            "declarationTime": "2024-05-07T00:00:00.000Z",
            "reason": "incorrect_data",
            "correctiveEventIDs": [right["eventID"]],
        }
    }
    for one in (made, right, declared):
        answer = server.call("POST", "/events", body=bare(one))
        assert answer.status == 201, answer
    found = server.call("GET", f"/events/{segment(made['eventID'])}").events
    assert sorted("errorDeclaration" in one for one in found) == [False, True]
    again = server.call("POST", "/events", body=bare(declared))
    check_problem(again, 409, "ResourceAlreadyExistsException")


@pytest.mark.requirement("EVT-08")
def test_pages_lead_to_one_another_and_each_event_is_on_one(server: Server) -> None:
    note = samples.number()
    job = server.capture(samples.document(*(event(ex__note=note) for _ in range(5))))
    assert job["success"], job
    query = {"EQ_https://ns.example.com/epcis/#note": note}
    everything = server.call("GET", "/events", query=query)
    assert len(everything.events) == 5
    assert everything.next is None
    answer = server.call("GET", "/events", query={**query, "perPage": 2})
    pages = [answer.events]
    while answer.next is not None:
        assert len(pages) < 5, "pages without end"
        answer = server.call("GET", answer.next)
        pages.append(answer.events)
    assert max(map(len, pages)) <= 2
    found = [one["eventID"] for page in pages for one in page]
    assert sorted(found) == sorted(one["eventID"] for one in everything.events)


@pytest.mark.requirement("EVT-09", "ERR-03")
def test_a_page_token_that_was_never_given_is_refused(server: Server) -> None:
    answer = server.call("GET", "/events", query={"nextPageToken": "x" + samples.number()})
    assert 400 <= answer.status < 500, answer
    check_problem(answer, answer.status)


@pytest.mark.requirement("FMT-01")
def test_epcs_are_written_as_they_are_asked_for(server: Server) -> None:
    serial = samples.number()
    urn, link = samples.item_urn(serial), samples.item(serial)
    answer = server.call("POST", "/events", body=bare(event(epcList=[urn])))
    assert answer.status == 201, answer
    where = answer.headers["location"]
    for form, expected in (
        ("Always_GS1_Digital_Link", {link}),
        ("Always_EPC_URN", {urn}),
        # As it was captured, or as the server likes it: both are the same thing.
        ("No_Preference", {urn, link}),
        ("Never_Translates", {urn}),
    ):
        answer = server.call("GET", where, headers={"GS1-EPC-Format": form})
        if answer.status == 406:  # as the standard has it for a form that a server has not
            continue
        (found,) = answer.events
        assert found["epcList"][0] in expected, form


@pytest.mark.requirement("FMT-02")
def test_events_are_answered_in_xml(server: Server) -> None:
    epc = samples.item()
    server.call("POST", "/events", body=bare(event(epcList=[epc])))
    answer = server.call(
        "GET", "/events", query={"MATCH_epc": epc}, headers={"Accept": "application/xml"}
    )
    if answer.status in (406, 501):
        pytest.skip("the server answers no XML")
    assert answer.status == 200, answer
    assert answer.headers["content-type"].startswith("application/xml")
    assert b"EPCISQueryDocument" in answer.body
    assert epc.encode() in answer.body

"""The EPCIS interface's reading half over HTTP: discovery, versions, forms of addresses, resources,
pages, and refusals with the standard's exception types."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.support.epcis_worlds import EX
from tests.support.factories import amount, event, make_actor, new_crate, new_lot, packed
from trace.core.epcis.xml import parse_xml
from trace.extensions import db
from trace.models import CompanyPrefix
from trace.services.capture import capture
from trace.services.tokens import issue_token

API = "/epcis/v2"
LOT = "urn:epc:class:lgtin:0614141.077777.987"
UNIT = "urn:epc:id:sgtin:0614141.107346.2017"
UNIT_LINK = "https://id.gs1.org/01/10614141073464/21/2017"
PLACE = "urn:epc:id:sgln:0614141.00777.0"
PLACE_LINK = "https://id.gs1.org/414/0614141007776"


class Caller:
    """A client with a token of an organisation."""

    def __init__(self, client: FlaskClient, token: str) -> None:
        self.client = client
        self.token = token

    def get(self, path: str, method: str = "GET", **headers: str) -> TestResponse:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        given = {"Authorization": f"Bearer {self.token}", **named}
        address = path if path.startswith(API) else API + path
        return self.client.open(address, method=method, headers=given)

    def members(self, path: str) -> list[str]:
        answer = self.get(path)
        assert answer.status_code == 200, answer.text
        assert answer.json is not None
        assert answer.json["type"] == "Collection"
        members: list[str] = answer.json["member"]
        return members

    def events(self, path: str, **headers: str) -> list[dict[str, Any]]:
        answer = self.get(path, **headers)
        assert answer.status_code == 200, answer.text
        assert answer.json is not None
        assert answer.json["type"] == "EPCISQueryDocument"
        found: list[dict[str, Any]] = answer.json["epcisBody"]["queryResults"]["resultsBody"][
            "eventList"
        ]
        return found


@pytest.fixture
def caller(app: Flask, client: FlaskClient, now: datetime) -> Caller:
    """Of an organisation that told four events."""
    with app.app_context():
        actor = make_actor(now)
        crate, lot = new_crate(), new_lot()
        shipped = event(
            "ObjectEvent",
            eventID="urn:uuid:b44e7b1c-1d0a-4d4f-8a5b-1a4f2f0f7a11",
            bizStep="shipping",
            disposition="in_transit",
            epcList=[UNIT],
            quantityList=[amount(LOT, 5)],
            readPoint={"id": PLACE},
            bizLocation={"id": f"{PLACE_LINK}/254/dock"},
            ex__grade={"ex:letter": "A"},
        )
        shipped["@context"] = [*shipped["@context"], EX]
        declared = shipped | {
            "errorDeclaration": {
                "declarationTime": "2026-11-21T00:00:00Z",
                "reason": "incorrect_data",
            }
        }
        told = [shipped, declared, packed(crate, {lot: 3}), event("ObjectEvent", epcList=[UNIT])]
        for number, one in enumerate(told):
            capture(actor, [one], at=now + timedelta(seconds=number))
        db.session.add(
            CompanyPrefix(
                prefix="0614141", organisation_id=actor.organisation.id, extension=0, created_at=now
            )
        )
        _, token = issue_token(actor.organisation, "thử", ["capture", "query"], at=now)
        db.session.commit()
        return Caller(client, token)


def test_every_address_says_what_can_be_done_there(caller: Caller) -> None:
    step, place, epc = "shipping", quote(PLACE, safe=""), quote(UNIT, safe="")
    for path, allowed in {
        "/": "OPTIONS, GET",
        "/events": "OPTIONS, GET, POST",
        "/events/urn:uuid:b44e7b1c-1d0a-4d4f-8a5b-1a4f2f0f7a11": "OPTIONS, GET",
        **dict.fromkeys(
            (
                *("/eventTypes", "/epcs", "/bizSteps", "/bizLocations", "/readPoints"),
                *("/dispositions", "/eventTypes/ObjectEvent", "/eventTypes/ObjectEvent/events"),
                *(f"/bizSteps/{step}", f"/bizSteps/{step}/events", f"/readPoints/{place}"),
                *(f"/epcs/{epc}", f"/epcs/{epc}/events", "/dispositions/in_transit/events"),
            ),
            "OPTIONS, GET",
        ),
    }.items():
        answer = caller.get(path, "OPTIONS")
        assert answer.status_code == 204, path
        assert answer.headers["Allow"] == allowed, path
        for name in ("EPCIS", "CBV"):
            for part in ("Version", "Min", "Max"):
                assert answer.headers[f"GS1-{name}-{part}"].startswith("2.0")
        assert answer.headers["GS1-Extensions"] == "trace=https://trace.example/voc/"
        assert answer.headers["GS1-EPC-Format"] == "Always_GS1_Digital_Link"
        assert answer.headers["GS1-Vendor-Version"]


def test_resources_list_what_there_is_and_the_events_about_each(caller: Caller) -> None:
    assert set(caller.members("/")) == {
        *("events", "eventTypes", "epcs", "bizSteps", "bizLocations", "readPoints"),
        *("dispositions", "capture", "queries"),
    }
    assert len(caller.members("/eventTypes")) == 5
    assert {"shipping", "trace:sowing"} <= set(caller.members("/bizSteps"))
    assert "in_transit" in caller.members("/dispositions")
    assert caller.members("/readPoints") == [PLACE_LINK]
    assert caller.members("/bizLocations") == [f"{PLACE_LINK}/254/dock"]
    assert UNIT_LINK in caller.members("/epcs")
    for kind, value, count in (
        ("eventTypes", "AggregationEvent", 1),
        ("eventTypes", "ObjectEvent", 3),
        ("epcs", UNIT, 3),
        ("epcs", UNIT_LINK, 3),
        ("epcs", LOT, 2),
        ("bizSteps", "shipping", 2),
        ("bizSteps", "https://ref.gs1.org/cbv/BizStep-packing", 1),
        ("bizSteps", "storing", 0),
        ("readPoints", PLACE, 2),
        ("bizLocations", f"{PLACE_LINK}/254/dock", 2),
        ("dispositions", "in_transit", 2),
    ):
        address = f"/{kind}/{quote(value, safe='')}"
        assert caller.members(address) == ["events"]
        assert len(caller.events(f"{address}/events")) == count, address
    assert len(caller.events(f"/epcs/{quote(UNIT, safe='')}/events?EQ_bizStep=shipping")) == 2
    for missing in ("/epcs/urn:x:y", "/bizSteps/bogus", "/readPoints/urn:x:y", "/eventTypes/Bogus"):
        for tail in ("", "/events"):
            answer = caller.get(missing + tail)
            assert answer.status_code == 404
            assert answer.json is not None
            assert answer.json["type"] == "epcisException:NoSuchResourceException"


def test_lists_and_events_come_page_by_page_with_an_expiring_token(caller: Caller) -> None:
    whole = caller.members("/epcs")
    for path, count in (
        ("/epcs?perPage=1", len(whole)),
        ("/events?perPage=1&EQ_action=OBSERVE", 3),
    ):
        address, pages = path, 0
        while address:
            answer = caller.get(address)
            assert answer.status_code == 200
            link = answer.headers.get("Link", "")
            assert ("GS1-Next-Page-Token-Expires" in answer.headers) == bool(link)
            assert link.endswith('>; rel="next"') or not link
            address = link.partition(">")[0].removeprefix("<")
            pages += 1
        assert pages == count
    token = caller.get("/epcs?perPage=1").headers["Link"].partition("nextPageToken=")[2]
    token = token.partition(">")[0]
    for elsewhere in ("/events", "/readPoints"):
        answer = caller.get(f"{elsewhere}?nextPageToken={token}")
        assert answer.status_code == 400
        assert answer.json is not None
        assert answer.json["code"] == "page-token"
    assert caller.get(f"/nextPageToken/{token}", "DELETE").status_code == 501


def test_an_event_and_its_error_declaration_share_an_event_id(caller: Caller) -> None:
    found = caller.events("/events/urn:uuid:b44e7b1c-1d0a-4d4f-8a5b-1a4f2f0f7a11")
    assert [("errorDeclaration" in one) for one in found] == [False, True]
    assert caller.events("/events?EXISTS_errorDeclaration=true") == found[1:]
    assert caller.events("/events?EQ_errorReason=urn:epcglobal:cbv:er:incorrect_data") == found[1:]


def test_addresses_are_written_as_the_caller_wants_them(caller: Caller) -> None:
    path = "/events?EQ_bizStep=shipping&perPage=1"
    links = caller.events(path)[0]
    assert links["epcList"] == [UNIT_LINK]
    assert links["readPoint"] == {"id": PLACE_LINK}
    urns = caller.events(path, GS1_EPC_Format="Always_EPC_URN")[0]
    assert urns["epcList"] == [UNIT]
    assert urns["quantityList"][0]["epcClass"] == LOT
    assert urns["bizLocation"]["id"] == "urn:epc:id:sgln:0614141.00777.dock"
    for form in ("No_Preference", "Never_Translates"):
        kept = caller.events(path, GS1_EPC_Format=form)[0]
        assert kept["epcList"] == [UNIT]
        assert kept["bizLocation"]["id"] == f"{PLACE_LINK}/254/dock"
    # What has no URN stays what it is.
    crate = caller.events("/events?EQ_bizStep=packing", GS1_EPC_Format="Always_EPC_URN")[0]
    assert crate["parentID"].startswith("https://trace.example/h/")
    answer = caller.get(path, GS1_EPC_Format="Always_EPC_URN")
    assert answer.headers["GS1-EPC-Format"] == "Always_EPC_URN"


def test_prefixes_of_a_query_come_by_header(caller: Caller) -> None:
    path = "/events?EQ_INNER_grade:letter=A"
    refused = caller.get(path)
    assert refused.status_code == 400
    header = "grade=https://ns.example.com/epcis/"
    assert len(caller.events(path, GS1_Extensions=header)) == 2


REFUSED: list[tuple[str, dict[str, str], int, str]] = [
    ("/events?foo=1", {}, 400, "QueryParameterException"),
    ("/events?foo=1&EQ_action=PUT", {}, 400, "QueryParameterException"),
    ("/events?EQ_bizStep=%00", {}, 400, "QueryParameterException"),
    ("/events?EQ_eventID=%ED%A0%80", {}, 200, ""),
    ("/events?perPage=0", {}, 400, "QueryParameterException"),
    ("/events?perPage=" + "9" * 400, {}, 400, "QueryParameterException"),
    ("/events?nextPageToken=abc", {}, 400, "QueryParameterException"),
    ("/events?eventCountLimit=1&maxEventCount=1", {}, 400, "QueryParameterException"),
    ("/events?maxEventCount=1", {}, 413, "QueryTooLargeException"),
    ("/events?EQ_eventID=" + "|".join(["u:x"] * 1001), {}, 413, "QueryTooComplexException"),
    ("/events?GE_eventTime=9999-12-31T23:59:59-14:00", {}, 200, ""),
    ("/events?GE_eventTime=0001-01-01T00:00:00%2B14:00", {}, 200, ""),
    ("/events?LT_recordTime=0001-01-01T00:00:00Z", {}, 200, ""),
    ("/events?GE_quantity=1e399", {}, 200, ""),
    ("/events?EQ_eventID=" + "x" * 8000, {}, 414, "URITooLongException"),
    ("/events", {"Accept": "text/csv"}, 406, "NotAcceptableException"),
    ("/epcs", {"Accept": "text/html;q=0.5"}, 406, "NotAcceptableException"),
    ("/events", {"GS1_EPCIS_Min": "3.0"}, 406, "NotAcceptableException"),
    ("/events", {"GS1_EPCIS_Max": "1.2"}, 406, "NotAcceptableException"),
    ("/events", {"GS1_CBV_Min": "2.1.0"}, 406, "NotAcceptableException"),
    ("/events", {"GS1_EPCIS_Min": "1.0", "GS1_EPCIS_Max": "2"}, 200, ""),
    ("/events", {"GS1_EPCIS_Version": "3.0.0"}, 406, "NotAcceptableException"),
    ("/events", {"GS1_EPCIS_Version": "1.2"}, 406, "NotAcceptableException"),
    ("/events", {"GS1_CBV_Version": "2.1"}, 406, "NotAcceptableException"),
    ("/events", {"GS1_EPCIS_Version": "2.0.0", "GS1_CBV_Version": "2.0"}, 200, ""),
    ("/events", {"GS1_EPCIS_Version": "new"}, 400, "ValidationException"),
    ("/events", {"GS1_EPCIS_Min": "two"}, 400, "ValidationException"),
    ("/events", {"GS1_EPC_Format": "Sometimes"}, 400, "QueryParameterException"),
    ("/events", {"GS1_Extensions": "a"}, 400, "QueryParameterException"),
    ("/events/urn:uuid:nothing", {}, 404, "NoSuchResourceException"),
    ("/events/a%00b", {}, 404, "NoSuchResourceException"),
    ("/epcs?MATCH_epc=urn:x:y", {}, 400, "QueryParameterException"),
    ("/epcs/a%00b/events", {}, 404, "NoSuchResourceException"),
    ("/readPoints/%ED%A0%80", {}, 404, "NoSuchResourceException"),
    ("/bizSteps/%20", {}, 404, "NoSuchResourceException"),
]


@pytest.mark.parametrize("method", ["GET"])
def test_every_refusal_has_the_standards_exception_type(caller: Caller, method: str) -> None:
    for path, headers, status, exception in REFUSED:
        answer = caller.get(path, method, **headers)
        assert answer.status_code == status, (path[:80], answer.text[:300])
        if exception:
            assert answer.content_type == "application/problem+json"
            assert answer.json is not None
            assert answer.json["type"] == f"epcisException:{exception}", path
            assert answer.json["title"]
    unknown = Caller(caller.client, "trace_wrong").get("/events")
    assert unknown.status_code == 401
    assert unknown.json is not None
    assert unknown.json["type"] == "epcisException:SecurityException"


def test_json_bears_the_name_that_the_caller_takes(caller: Caller) -> None:
    for accept, kind in (
        ("application/ld+json", "application/ld+json"),
        ("application/json;q=0.5, application/ld+json", "application/ld+json"),
        ("*/*", "application/json"),
        ("application/json, application/ld+json", "application/json"),
    ):
        for path in ("/events", "/queries", "/epcs"):
            assert caller.get(path, Accept=accept).content_type == kind, (accept, path)


def test_events_come_as_xml_to_whoever_would_rather_have_it(caller: Caller) -> None:
    path = "/events?EQ_bizStep=shipping&perPage=1"
    answer = caller.get(path, Accept="application/json;q=0.5, application/xml")
    assert answer.status_code == 200
    assert answer.mimetype == "application/xml"
    document = parse_xml(answer.data)
    assert document.type == "EPCISQueryDocument"
    assert document.events[0]["epcList"] == [UNIT_LINK]
    assert b"urn:epcglobal:cbv:bizstep:shipping" in answer.data
    web = caller.get(path, Accept="text/xml", GS1_CBV_XML_Format="Always_Web_URI")
    assert b"https://ref.gs1.org/cbv/BizStep-shipping" in web.data
    assert 'rel="next"' in web.headers["Link"]
    assert caller.get(path, Accept="text/xml", GS1_CBV_XML_Format="Any").status_code == 400
    assert caller.get(path, Accept="*/*").mimetype == "application/json"

"""The query language: each parameter finds what it should, and passes over what it should not."""

from __future__ import annotations

from typing import Any

import pytest

from tests.conformance import samples
from tests.conformance.client import Json, Server, check_problem, segment
from tests.conformance.samples import document, event

EX = "https://ns.example.com/epcis/"
SERIAL, OTHER = samples.number(), samples.number()
ITEM, CLASS, PARENT, CHILD, INPUT, OUTPUT, OUTPUT_CLASS = (
    *(samples.item(SERIAL), samples.lot(), samples.item(), samples.item()),
    *(samples.item(), samples.item(), samples.lot()),
)
PLACE, SITE = samples.place(samples.number()), samples.place(samples.number())
ORDER, DEVICE = f"https://example.com/po/{SERIAL}", f"https://example.com/device/{SERIAL}"
EVENT_ID, WRONG_ID = f"https://example.com/e/{SERIAL}", f"https://example.com/e/{OTHER}"
PARTY = f"https://example.com/party/{SERIAL}"
NOTE = samples.number()

# Each event is one of its own; `a`, `b`, … are what the cases below expect.
EVENTS: dict[str, Json] = {
    "a": event(
        epcList=[ITEM],
        eventID=EVENT_ID,
        eventTime="2024-01-01T00:00:00.000Z",
        action="ADD",
        bizStep="commissioning",
        disposition="active",
        readPoint={"id": PLACE},
        ilmd={"ex:grade": "A", "ex:weight": 12},
    ),
    "b": event(
        epcList=None,
        quantityList=[{"epcClass": CLASS, "quantity": 40, "uom": "KGM"}],
        eventTime="2024-02-01T00:00:00.000Z",
        bizStep="shipping",
        disposition="in_transit",
        bizLocation={"id": SITE},
        persistentDisposition={
            "set": ["completeness_verified"],
            "unset": ["completeness_inferred"],
        },
        sourceList=[{"type": "owning_party", "source": PARTY}],
        destinationList=[{"type": "owning_party", "destination": PARTY + "2"}],
        bizTransactionList=[{"type": "po", "bizTransaction": ORDER}],
    ),
    "c": event(
        "AggregationEvent",
        parentID=PARENT,
        childEPCs=[CHILD],
        eventTime="2024-03-01T00:00:00.000Z",
        bizStep="packing",
    ),
    "d": event(
        "TransformationEvent",
        inputEPCList=[INPUT],
        outputEPCList=[OUTPUT],
        outputQuantityList=[{"epcClass": OUTPUT_CLASS, "quantity": 7, "uom": "KGM"}],
        transformationID=f"https://example.com/transformation/{SERIAL}",
        eventTime="2024-04-01T00:00:00.000Z",
        bizStep="creating_class_instance",
    ),
    "e": event(
        eventTime="2024-05-01T00:00:00.000Z",
        bizStep="sensor_reporting",
        readPoint={"id": PLACE},
        sensorElementList=[
            {
                "sensorMetadata": {"deviceID": DEVICE, "time": "2024-04-30T00:00:00.000Z"},
                "sensorReport": [
                    {"type": "Temperature", "value": 4.5, "uom": "CEL", "stringValue": "cold"}
                ],
            }
        ],
    ),
    "f": event(eventID=WRONG_ID, eventTime="2024-06-01T00:00:00.000Z", ex__rank=6),
    "g": event(
        eventID=WRONG_ID,
        eventTime="2024-06-01T00:00:00.000Z",
        ex__rank=6,
        errorDeclaration={
            "declarationTime": "2024-06-02T00:00:00.000Z",
            "reason": "incorrect_data",
            "correctiveEventIDs": [EVENT_ID],
        },
    ),
}
EVENTS["g"]["epcList"] = EVENTS["f"]["epcList"]

# Names of cases must be the same in every process: they hold nothing of this run.
PATHS = ("eventTypes", "epcs", "bizSteps", "bizLocations", "readPoints", "dispositions")
CASES: dict[str, list[tuple[Json, str]]] = {
    "QRY-01": [
        ({"MATCH_epc": ITEM}, "a"),
        ({"MATCH_epc": CHILD}, "c"),
        ({"MATCH_parentID": PARENT}, "c"),
        ({"MATCH_parentID": CHILD}, ""),
        ({"MATCH_anyEPC": PARENT}, "c"),
        ({"MATCH_inputEPC": INPUT}, "d"),
        ({"MATCH_outputEPC": OUTPUT}, "d"),
        ({"MATCH_outputEPC": INPUT}, ""),
        ({"MATCH_anyEPC": INPUT}, "d"),
        ({"MATCH_epcClass": CLASS}, "b"),
        ({"MATCH_outputEPCClass": OUTPUT_CLASS}, "d"),
        ({"MATCH_inputEPCClass": OUTPUT_CLASS}, ""),
        ({"MATCH_anyEPCClass": OUTPUT_CLASS}, "d"),
        ({"MATCH_anyEPC": samples.item("never")}, ""),
        ({"EQ_transformationID": f"https://example.com/transformation/{SERIAL}"}, "d"),
    ],
    "QRY-02": [
        ({"GE_eventTime": "2024-03-01T00:00:00.000Z"}, "cdefg"),
        ({"LT_eventTime": "2024-03-01T00:00:00.000Z"}, "ab"),
        (
            {"GE_eventTime": "2024-02-01T07:00:00+07:00", "LT_eventTime": "2024-04-01T00:00:00Z"},
            "bc",
        ),
        ({"GE_recordTime": "2024-01-01T00:00:00Z"}, "abcdefg"),
        ({"LT_recordTime": "2024-01-01T00:00:00Z"}, ""),
    ],
    "QRY-03": [
        ({"EQ_readPoint": PLACE}, "ae"),
        ({"EQ_bizLocation": SITE}, "b"),
        ({"EQ_bizLocation": PLACE}, ""),
    ],
    "QRY-04": [
        ({"eventType": "AggregationEvent"}, "c"),
        ({"eventType": "ObjectEvent"}, "abefg"),
        ({"eventType": "AssociationEvent"}, ""),
        ({"EQ_action": "ADD"}, "ac"),
        ({"EQ_bizStep": "shipping"}, "b"),
        ({"EQ_bizStep": "https://ref.gs1.org/cbv/BizStep-shipping"}, "b"),
        ({"EQ_bizStep": "receiving"}, ""),
        ({"EQ_disposition": "active"}, "a"),
        ({"EQ_persistentDisposition_set": "completeness_verified"}, "b"),
        ({"EQ_persistentDisposition_unset": "completeness_inferred"}, "b"),
        ({"EQ_persistentDisposition_set": "completeness_inferred"}, ""),
    ],
    "QRY-05": [
        ({"EQ_eventID": EVENT_ID}, "a"),
        ({"EQ_eventID": WRONG_ID}, "fg"),
        ({"EXISTS_errorDeclaration": ""}, "g"),
        ({"GE_errorDeclarationTime": "2024-06-02T00:00:00Z"}, "g"),
        ({"LT_errorDeclarationTime": "2024-06-02T00:00:00Z"}, ""),
        ({"EQ_errorReason": "incorrect_data"}, "g"),
        ({"EQ_correctiveEventID": EVENT_ID}, "g"),
    ],
    "QRY-06": [
        ({"EQ_bizTransaction_po": ORDER}, "b"),
        ({"EQ_bizTransaction_inv": ORDER}, ""),
        ({"EQ_source_owning_party": PARTY}, "b"),
        ({"EQ_destination_owning_party": PARTY + "2"}, "b"),
        ({"EQ_destination_owning_party": PARTY}, ""),
    ],
    "QRY-07": [
        ({f"EQ_ILMD_{EX}#grade": "A"}, "a"),
        ({f"EQ_ILMD_{EX}#grade": "B"}, ""),
        ({f"GT_ILMD_{EX}#weight": "11"}, "a"),
        ({f"EXISTS_ILMD_{EX}#grade": ""}, "a"),
        ({f"EQ_{EX}#rank": "6"}, "fg"),
        ({f"LT_{EX}#rank": "6"}, ""),
        ({f"EXISTS_{EX}#rank": ""}, "fg"),
    ],
    "QRY-08": [
        ({"EQ_deviceID": DEVICE}, "e"),
        ({"EQ_type": "Temperature"}, "e"),
        ({"EQ_type": "RelativeHumidity"}, ""),
        ({"GE_value_CEL": "4.5"}, "e"),
        ({"GT_value_CEL": "4.5"}, ""),
        ({"EQ_stringValue": "cold"}, "e"),
        ({"EXISTS_sensorElementList": ""}, "e"),
    ],
    "QRY-09": [
        ({"EQ_quantity": "40"}, "b"),
        ({"GE_quantity": "7"}, "bd"),
        ({"LT_quantity": "40"}, "d"),
        ({"GT_quantity": "40"}, ""),
        ({"LE_quantity": "7"}, "d"),
    ],
    "QRY-12": [
        ({"EQ_bizStep": "shipping|packing"}, "bc"),
        ({"EQ_bizStep": "shipping|packing", "EQ_action": "ADD"}, "c"),
        ({"MATCH_anyEPC": f"{ITEM}|{PARENT}"}, "ac"),
    ],
    "QRY-13": [
        ({"MATCH_epc": samples.item_urn(SERIAL)}, "a"),
        ({"MATCH_anyEPC": samples.item_urn(SERIAL)}, "a"),
    ],
}


@pytest.fixture(scope="module")
def captured(server: Server) -> Server:
    """The events, each marked as one of this run's."""
    made = [one | {"ex:note": NOTE, "ex:letter": name} for name, one in EVENTS.items()]
    job = server.capture(document(*made))
    assert job["success"], job
    return server


def letters(events: list[Json]) -> str:
    """Which of EVENTS these are."""
    return "".join(sorted(one["ex:letter"] for one in events))


@pytest.mark.parametrize(
    ("requirement", "query", "expected"),
    [
        pytest.param(name, *case, marks=pytest.mark.requirement(name), id=f"{name}-{number}")
        for name, cases in CASES.items()
        for number, case in enumerate(cases)
    ],
)
def test_a_parameter_finds_what_it_should_and_nothing_else(
    captured: Server, requirement: str, query: Json, expected: str
) -> None:
    found = captured.find(**{**query, f"EQ_{EX}#note": NOTE})
    assert letters(found) == expected, (requirement, query)


@pytest.mark.requirement("QRY-10", "ERR-03")
@pytest.mark.parametrize(
    "query",
    [
        {"EQ_bizStop": "shipping"},
        {"MATCH_nothing": "urn:epc:id:sgtin:9521234.000001.1"},
        {"GE_eventTime": "soon"},
        {"EQ_action": "LOOK"},
        {"orderBy": "nothing"},
        {"perPage": "0"},
        {"perPage": "many"},
        {"GE_quantity": "much"},
    ],
    ids=str,
)
def test_a_parameter_that_is_not_known_or_has_no_such_value_is_refused(
    server: Server, query: Json
) -> None:
    check_problem(
        server.call("GET", "/events", query=query),
        400,
        "QueryParameterException",
        "QueryValidationException",
        "ValidationException",
    )


@pytest.mark.requirement("QRY-11")
def test_order_and_number_are_as_asked(captured: Server) -> None:
    mine: dict[str, Any] = {f"EQ_{EX}#note": NOTE, "eventType": "ObjectEvent"}

    def asked(**more: Any) -> list[str]:
        return [one["ex:letter"] for one in captured.find(**mine, **more)]

    rising = asked(orderBy="eventTime", orderDirection="ASC")
    assert "".join(rising)[:3] == "abe"
    falling = asked(orderBy="eventTime", orderDirection="DESC")
    assert "".join(falling)[-3:] == "eba"
    assert asked(orderBy="eventTime", orderDirection="ASC", eventCountLimit=2) == ["a", "b"]
    assert len(asked(maxEventCount=5)) == 5
    answer = captured.call("GET", "/events", query={**mine, "maxEventCount": 4})
    check_problem(answer, 413, "QueryTooLargeException")
    answer = captured.call("GET", "/events", query={"maxEventCount": 4, "eventCountLimit": 4})
    assert answer.status == 400, answer


@pytest.mark.requirement("TOP-01")
@pytest.mark.parametrize(
    ("path", "member"),
    [
        ("/eventTypes", "ObjectEvent"),
        ("/epcs", ITEM),
        ("/bizSteps", "shipping"),
        ("/bizLocations", SITE),
        ("/readPoints", PLACE),
        ("/dispositions", "active"),
    ],
    ids=PATHS,
)
def test_what_events_name_is_listed(captured: Server, path: str, member: str) -> None:
    answer = captured.call("GET", path, query={"perPage": 1000})
    found: list[str] = []
    for _ in range(200):
        assert answer.status == 200, answer
        found += [str(one) for one in answer.json["member"]]
        if answer.next is None:
            break
        answer = captured.call("GET", answer.next)
    tails = {one.rpartition("/")[2].rpartition("-")[2] for one in found} | set(found)
    assert member in tails, found[:20]


@pytest.mark.requirement("TOP-02")
@pytest.mark.parametrize(
    ("path", "value", "expected"),
    [
        ("/eventTypes", "TransformationEvent", "d"),
        ("/epcs", ITEM, "a"),
        ("/bizSteps", "shipping", "b"),
        ("/bizLocations", SITE, "b"),
        ("/readPoints", PLACE, "ae"),
        ("/dispositions", "active", "a"),
    ],
    ids=PATHS,
)
def test_the_events_of_a_resource_are_found_below_it(
    captured: Server, path: str, value: str, expected: str
) -> None:
    answer = captured.call("GET", f"{path}/{segment(value)}/events", query={f"EQ_{EX}#note": NOTE})
    assert letters(answer.events) == expected


@pytest.mark.requirement("TOP-03", "ERR-03")
@pytest.mark.parametrize("path", ["/eventTypes/NoSuchEvent", "/eventTypes/NoSuchEvent/events"])
def test_an_event_type_that_does_not_exist_is_not_found(server: Server, path: str) -> None:
    check_problem(server.call("GET", path), 404, "NoSuchResourceException")

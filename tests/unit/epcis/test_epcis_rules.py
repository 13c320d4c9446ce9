"""check_event: what is right is typed, what is wrong is named, all of it and where it stands."""

from __future__ import annotations

import copy
import math
from datetime import timedelta
from typing import Any

import pytest

from tests.unit.epcis.epcis_events import CONTEXT, ID_BASE, NOW, Json
from trace.core.epcis import ObjectEvent, check_event
from trace.core.gs1 import new_code
from trace.errors import Refused

GTIN = "08936012345674"
LOT = f"{ID_BASE}/01/{GTIN}/10/L2611-1"


def harvest(**changes: Any) -> Json:
    """A right event; members given as None are left out, `__` in a name stands for `:`."""
    event: Json = {
        "@context": CONTEXT,
        "type": "ObjectEvent",
        "eventTime": "2026-11-20T08:00:00.000+07:00",
        "eventTimeZoneOffset": "+07:00",
        "action": "ADD",
        "bizStep": "commissioning",
        "quantityList": [{"epcClass": LOT, "quantity": 120.5, "uom": "KGM"}],
        "readPoint": {"id": f"{ID_BASE}/414/8936012345001"},
        "ilmd": {"cbvmda:lotNumber": "L2611-1", "trace:productName": "Rau muống"},
    }
    event.update({name.replace("__", ":"): value for name, value in changes.items()})
    return {name: value for name, value in event.items() if value is not None}


def refusals(event: Json, path: str = "") -> list[tuple[str, str]]:
    before = copy.deepcopy(event)
    with pytest.raises(Refused) as refused:
        check_event(event, now=NOW, path=path, id_base=ID_BASE)
    assert repr(event) == repr(before), "a check changes nothing"
    return [(error.path, error.code) for error in refused.value.errors]


def test_a_right_event_becomes_an_object() -> None:
    event = check_event(harvest(), now=NOW, id_base=ID_BASE)
    assert isinstance(event, ObjectEvent)
    assert event.event_time.utcoffset() == timedelta(hours=7)
    assert event.event_time.text == "2026-11-20T08:00:00.000+07:00"
    assert event.quantity_list is not None
    assert str(event.quantity_list[0].amount) == "120.5"
    assert event.ilmd == {"cbvmda:lotNumber": "L2611-1", "trace:productName": "Rau muống"}


SENSOR = {"sensorReport": [{"type": "Temperature", "value": 4.5, "uom": "CEL"}]}
OFF = {"@context": CONTEXT, "eventTime": "2026-11-20T01:00:00Z", "eventTimeZoneOffset": "+07:00"}
WRONG: dict[str, tuple[Json, list[tuple[str, str]]]] = {
    "no type": (harvest(type=None), [("/type", "missing-member")]),
    "a type of one's own": (harvest(type="ex:MyEvent"), [("/type", "unknown-event-type")]),
    "no time": (harvest(eventTime=None), [("/eventTime", "missing-member")]),
    "a time without zone": (
        harvest(eventTime="2026-11-20T08:00:00"),
        [("/eventTime", "bad-date-time")],
    ),
    "a day that does not exist": (
        harvest(eventTime="2026-02-30T08:00:00Z"),
        [("/eventTime", "bad-date-time")],
    ),
    "an hour that does not exist": (
        harvest(eventTime="2026-02-20T24:00:00Z"),
        [("/eventTime", "bad-date-time")],
    ),
    "no offset": (harvest(eventTimeZoneOffset=None), [("/eventTimeZoneOffset", "missing-member")]),
    "an offset in hours": (
        harvest(eventTimeZoneOffset="+7"),
        [("/eventTimeZoneOffset", "bad-time-zone-offset")],
    ),
    "an offset beyond the earth": (
        harvest(eventTimeZoneOffset="+14:30"),
        [("/eventTimeZoneOffset", "bad-time-zone-offset")],
    ),
    "the future": (
        harvest(eventTime="2026-11-22T03:05:01Z"),
        [("/eventTime", "event-in-future")],
    ),
    "a declaration from the future": (
        harvest(errorDeclaration={"declarationTime": "2026-12-22T03:05:01Z"}),
        [("/errorDeclaration/declarationTime", "event-in-future")],
    ),
    "a time before time": (
        harvest(eventTime="0001-01-01T00:00:00+14:00"),
        [("/eventTime", "time-too-early")],
    ),
    "a declaration of long ago": (
        harvest(errorDeclaration={"declarationTime": "1899-12-31T23:59:59Z"}),
        [("/errorDeclaration/declarationTime", "time-too-early")],
    ),
    "no context": (harvest(**{"@context": None}), [("/@context", "missing-member")]),
    "a context that is a number": (harvest(**{"@context": 5}), [("/@context", "bad-context")]),
    "an unknown action": (harvest(action="CREATE"), [("/action", "unknown-word")]),
    "an unknown step": (harvest(bizStep="sending"), [("/bizStep", "unknown-word")]),
    "an old name of a step": (
        harvest(bizStep="urn:epcglobal:cbv:bizstep:shipping"),
        [("/bizStep", "unknown-word")],
    ),
    "an address of a step that does not exist": (
        harvest(bizStep="https://ref.gs1.org/cbv/BizStep-sending"),
        [("/bizStep", "unknown-word")],
    ),
    "a step of ours that is not on the list": (
        harvest(bizStep="trace:dancing"),
        [("/bizStep", "unknown-word")],
    ),
    "a bare member": (harvest(colour="red"), [("/colour", "unknown-member")]),
    "a prefix nobody declared": (harvest(vendor__x=1), [("/vendor:x", "undeclared-prefix")]),
    "a prefix nobody declared, deep inside": (
        harvest(ext__a={"b": [{"vendor:x": 1}]}),
        [("/ext:a/b/0/vendor:x", "undeclared-prefix")],
    ),
    "bare master data": (harvest(ilmd={"lotNumber": "1"}), [("/ilmd/lotNumber", "unknown-member")]),
    "master data without creation": (
        harvest(action="OBSERVE"),
        [("/ilmd", "ilmd-not-allowed")],
    ),
    "a member that could be taken for a disclosure": (
        harvest(ext__a={"deep": [{"_sd": ["x"]}]}),
        [("/ext:a/deep/0/_sd", "reserved-name")],
    ),
    "a placeholder of a disclosure": (
        harvest(ilmd={"ext:list": [{"...": "x"}]}),
        [("/ilmd/ext:list/0/...", "reserved-name")],
    ),
    "the signer's own member": (
        harvest(trace__members={"a": 1}),
        [("/trace:members", "reserved-name")],
    ),
    "a member of ours that is not on the list": (
        harvest(trace__mood="good"),
        [("/trace:mood", "unknown-member")],
    ),
    "a member of ours of the wrong shape": (
        harvest(trace__inputs=[{"amount": 5}]),
        [("/trace:inputs/0", "bad-own-member")],
    ),
    "an amount of ours below zero": (
        harvest(trace__inputs=[{"name": "NPK", "amount": -1}]),
        [("/trace:inputs/0/amount", "bad-own-member")],
    ),
    "a quantity below zero": (
        harvest(quantityList=[{"epcClass": LOT, "quantity": -0.5, "uom": "KGM"}]),
        [("/quantityList/0/quantity", "quantity-below-zero")],
    ),
    "a quantity in words": (
        harvest(quantityList=[{"epcClass": LOT, "quantity": "5"}]),
        [("/quantityList/0/quantity", "wrong-type")],
    ),
    "a unit in words": (
        harvest(quantityList=[{"epcClass": LOT, "quantity": 5, "uom": "kilogram"}]),
        [("/quantityList/0/uom", "bad-unit")],
    ),
    "a member of a quantity": (
        harvest(quantityList=[{"epcClass": LOT, "ext:a": 5}]),
        [("/quantityList/0/ext:a", "unknown-member")],
    ),
    "nothing named": (harvest(quantityList=None), [("/epcList", "nothing-named")]),
    "empty lists": (harvest(quantityList=[], epcList=[]), [("/epcList", "nothing-named")]),
    "a thing twice": (
        harvest(epcList=["urn:epc:id:sscc:0614141.1234567890"] * 2),
        [("/epcList", "wrong-count")],
    ),
    "a bare word for a thing": (harvest(epcList=["L2611"]), [("/epcList/0", "bad-uri")]),
    "a wrong check digit": (
        harvest(quantityList=[{"epcClass": f"{ID_BASE}/01/08936012345675/10/L1"}]),
        [("/quantityList/0/epcClass", "check-digit")],
    ),
    "a wrong check digit on another host": (
        harvest(epcList=["https://example.com/x/00/006141411234567891"]),
        [("/epcList/0", "check-digit")],
    ),
    "a wrong check digit of a place": (
        harvest(readPoint={"id": f"{ID_BASE}/414/8936012345002"}),
        [("/readPoint/id", "check-digit")],
    ),
    "a broken URN": (
        harvest(epcList=["urn:epc:id:sgtin:4012345.11.1"]),
        [("/epcList/0", "bad-epc")],
    ),
    "one of our codes mistyped": (
        harvest(quantityList=[{"epcClass": f"{ID_BASE}/b/7K3QMP2XV4"}]),
        [("/quantityList/0/epcClass", "code-check")],
    ),
    "a party with a wrong check digit": (
        harvest(sourceList=[{"type": "owning_party", "source": f"{ID_BASE}/417/8936012345002"}]),
        [("/sourceList/0/source", "check-digit")],
    ),
    "a sensor that reports nothing": (
        harvest(sensorElementList=[{"sensorReport": []}]),
        [("/sensorElementList/0/sensorReport", "wrong-count")],
    ),
    "a reading of an unknown kind": (
        harvest(sensorElementList=[{"sensorReport": [{"type": "Warmth"}]}]),
        [("/sensorElementList/0/sensorReport/0/type", "unknown-word")],
    ),
    "a reading after the event": (
        harvest(
            sensorElementList=[
                {**SENSOR, "sensorMetadata": {"endTime": "2026-11-20T08:00:00.001+07:00"}}
            ]
        ),
        [("/sensorElementList/0/sensorMetadata/endTime", "sensor-after-event")],
    ),
    "a sensor time that does not exist": (
        harvest(sensorElementList=[{**SENSOR, "sensorMetadata": {"time": "2026-02-30T08:00:00Z"}}]),
        [("/sensorElementList/0/sensorMetadata/time", "bad-date-time")],
    ),
    "a prefix nobody declared in a reading": (
        harvest(sensorElementList=[{"sensorReport": [{"type": "Mass", "vendor:x": 1}]}]),
        [("/sensorElementList/0/sensorReport/0/vendor:x", "undeclared-prefix")],
    ),
    "a pair without its type": (
        harvest(sourceList=[{"source": f"{ID_BASE}/417/8936012345001"}]),
        [("/sourceList/0/type", "missing-member")],
    ),
    "an empty persistent disposition": (
        harvest(persistentDisposition={}),
        [("/persistentDisposition", "wrong-count")],
    ),
    "a place without an address": (harvest(readPoint={}), [("/readPoint/id", "missing-member")]),
    "an aggregation without parent": (
        {**OFF, "type": "AggregationEvent", "action": "ADD", "childEPCs": ["urn:ex:1"]},
        [("/parentID", "missing-parent")],
    ),
    "an aggregation without children": (
        {**OFF, "type": "AggregationEvent", "action": "ADD", "parentID": "urn:ex:1"},
        [("/childEPCs", "nothing-named")],
    ),
    "an association without parent": (
        {**OFF, "type": "AssociationEvent", "action": "OBSERVE", "childEPCs": ["urn:ex:1"]},
        [("/parentID", "missing-member")],
    ),
    "a transaction without documents": (
        {**OFF, "type": "TransactionEvent", "action": "ADD", "epcList": ["urn:ex:1"]},
        [("/bizTransactionList", "missing-member")],
    ),
    "a transaction about nothing": (
        {
            **OFF,
            "type": "TransactionEvent",
            "action": "ADD",
            "bizTransactionList": [{"bizTransaction": "urn:ex:po"}],
        },
        [("/epcList", "nothing-named")],
    ),
    "a transformation with an action": (
        {
            **OFF,
            "type": "TransformationEvent",
            "action": "ADD",
            "inputEPCList": ["urn:ex:1"],
            "outputEPCList": ["urn:ex:2"],
        },
        [("/action", "unknown-member")],
    ),
    "a transformation of nothing": (
        {**OFF, "type": "TransformationEvent", "outputEPCList": ["urn:ex:2"]},
        [("/inputEPCList", "nothing-named")],
    ),
    "a transformation of nothing into nothing": (
        {**OFF, "type": "TransformationEvent", "transformationID": "urn:ex:9"},
        [("/inputEPCList", "nothing-named"), ("/outputEPCList", "nothing-named")],
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_is_refused_at_its_place(name: str) -> None:
    event, expected = WRONG[name]
    assert refusals(event) == expected


RIGHT: dict[str, Json] = {
    "five minutes ahead": harvest(eventTime="2026-11-22T03:05:00Z"),
    "a leap day, small letters": harvest(eventTime="2024-02-29t08:00:00z"),
    "no quantity": harvest(quantityList=[{"epcClass": LOT}]),
    "nothing left": harvest(quantityList=[{"epcClass": LOT, "quantity": 0, "uom": "KGM"}]),
    "readings at a place alone": harvest(
        quantityList=None, action="OBSERVE", ilmd=None, sensorElementList=[SENSOR]
    ),
    "a standard step by its address": harvest(bizStep="https://ref.gs1.org/cbv/BizStep-packing"),
    "a standard step by its short form": harvest(bizStep="cbv:BizStep-packing"),
    "a step of ours": harvest(bizStep="trace:harvesting"),
    "somebody else's step": harvest(bizStep="https://example.com/steps/dancing"),
    "a blank node": harvest(certificationInfo="_:certificate1"),
    "a place on the map": harvest(readPoint={"id": "geo:21.08,105.67"}),
    "somebody else's address for a thing": harvest(epcList=["https://example.com/pallets/7"]),
    "an address as the name of a member": harvest(**{"https://example.com/ns/x": [1, {"y": None}]}),
    "bare names inside an extension": harvest(ext__a={"b": {"c": 1}, "08:00": True}),
    "a transformation by its number": {
        **OFF,
        "type": "TransformationEvent",
        "transformationID": "urn:ex:9",
        "inputEPCList": ["urn:ex:1"],
    },
    "all children taken out": {
        **OFF,
        "type": "AggregationEvent",
        "action": "DELETE",
        "parentID": "urn:ex:1",
    },
    "children seen without parent": {
        **OFF,
        "type": "AggregationEvent",
        "action": "OBSERVE",
        "childEPCs": ["urn:ex:1"],
        "persistentDisposition": {"set": ["damaged"]},
    },
    "a document let go": {
        **OFF,
        "type": "TransactionEvent",
        "action": "DELETE",
        "bizTransactionList": [{"bizTransaction": "urn:ex:po"}],
    },
}


@pytest.mark.parametrize("name", RIGHT)
def test_what_is_allowed_is_taken(name: str) -> None:
    assert check_event(RIGHT[name], now=NOW, id_base=ID_BASE).to_json() == RIGHT[name]


def test_all_errors_are_reported_and_carry_the_path_of_the_event() -> None:
    event = harvest(eventTimeZoneOffset="7", action="X", colour=1, readPoint={"id": "field"})
    assert sorted(refusals(event, "/epcisBody/eventList/3")) == [
        ("/epcisBody/eventList/3/action", "unknown-word"),
        ("/epcisBody/eventList/3/colour", "unknown-member"),
        ("/epcisBody/eventList/3/eventTimeZoneOffset", "bad-time-zone-offset"),
        ("/epcisBody/eventList/3/readPoint/id", "bad-uri"),
    ]


def test_all_broken_rules_are_reported_together() -> None:
    event = harvest(
        eventTime="2030-01-01T00:00:00Z",
        quantityList=[{"epcClass": f"{ID_BASE}/01/08936012345675", "quantity": -1}],
        vendor__x={"_sd": 1},
    )
    assert sorted(refusals(event)) == [
        ("/eventTime", "event-in-future"),
        ("/quantityList/0/epcClass", "check-digit"),
        ("/quantityList/0/quantity", "quantity-below-zero"),
        ("/vendor:x", "undeclared-prefix"),
        ("/vendor:x/_sd", "reserved-name"),
    ]


def test_slashes_and_tildes_in_names_are_escaped_in_paths() -> None:
    event = harvest(**{"ext:a": {"b/c~d": {"_sd_alg": 1}}})
    assert refusals(event) == [("/ext:a/b~1c~0d/_sd_alg", "reserved-name")]


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf, 2**53, -(2**53), 2**62])
def test_a_number_that_cannot_be_kept_is_refused_wherever_it_stands(number: float) -> None:
    assert [code for _, code in refusals(harvest(ext__a=[number]))] == ["inexact-number"]
    quantity = harvest(quantityList=[{"epcClass": LOT, "quantity": number}])
    sensor = harvest(sensorElementList=[{"sensorReport": [{"type": "Mass", "value": number}]}])
    for event in (quantity, sensor):
        assert {code for _, code in refusals(event)} <= {"inexact-number", "wrong-type"}


@pytest.mark.parametrize("value", [b"bytes", {1: 2}, {"a"}, object(), NOW, (1, 2), "\ud800"])
def test_what_is_no_json_value_is_refused_not_crashed_on(value: object) -> None:
    for event in (harvest(ext__a={"b": value}), harvest(bizStep=value), harvest(type=value)):
        with pytest.raises(Refused):
            check_event(event, now=NOW)


@pytest.mark.parametrize("levels", [64, 200, 5000])
def test_nesting_without_end_is_refused_not_crashed_on(levels: int) -> None:
    value: Json = {}
    for _ in range(levels):
        value = {"a": value}
    with pytest.raises(Refused):
        check_event({**harvest(), "ext:a": value}, now=NOW)


def test_our_codes_are_foreign_addresses_without_an_identifier_base() -> None:
    event = harvest(quantityList=[{"epcClass": f"{ID_BASE}/b/7K3QMP2XV4"}])
    assert check_event(event, now=NOW).to_json() == event


def test_a_code_of_ours_is_taken() -> None:
    code = new_code(lambda size: b"\x05" * size)
    event = harvest(quantityList=[{"epcClass": f"{ID_BASE}/b/{code}", "quantity": 1}])
    assert check_event(event, now=NOW, id_base=ID_BASE).to_json() == event


def test_another_vocabulary_may_use_our_prefix() -> None:
    context = ["https://example.com/other.jsonld", {"trace": "https://other.example/terms/"}]
    event = harvest(**{"@context": context, "trace:mood": "good", "bizStep": "trace:dancing"})
    event["ilmd"] = {"trace:colour": "red"}
    assert check_event(event, now=NOW, id_base=ID_BASE).to_json() == event

"""Typed events, documents and what they name."""

from __future__ import annotations

import copy
import pickle
from dataclasses import FrozenInstanceError
from datetime import UTC, datetime
from decimal import Decimal
from random import Random
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.epcis.epcis_events import CONTEXT, ID_BASE, NOW, TYPES, Json, Maker, document
from trace.core.epcis import (
    AssociationEvent,
    Event,
    Limits,
    ObjectEvent,
    Quantity,
    ThingRef,
    Timestamp,
    check_event,
    parse_document,
    thing_refs,
)
from trace.errors import Refused

SEEDS = st.integers(0, 2**32)


def checked(event: Json) -> Event:
    return check_event(event, now=NOW, id_base=ID_BASE)


def refusals(data: bytes, limits: Limits | None = None) -> list[tuple[str, str]]:
    with pytest.raises(Refused) as refused:
        parse_document(data, limits=limits or Limits())
    return [(error.path, error.code) for error in refused.value.errors]


@given(SEEDS, st.sampled_from(TYPES))
def test_an_event_comes_back_as_it_was(seed: int, event_type: str) -> None:
    given_event = Maker(seed).event(event_type)
    event = checked(given_event)
    assert event.type == event_type
    assert event.to_json() == given_event
    assert checked(event.to_json()) == event


@given(SEEDS)
def test_a_document_gives_back_its_events_each_with_its_own_context(seed: int) -> None:
    maker = Maker(seed)
    events = [maker.event() for _ in range(3)]
    found = parse_document(orjson.dumps(document(events)))
    assert found.events == events
    assert found.paths == [f"/epcisBody/eventList/{place}" for place in range(3)]
    assert [checked(event).context for event in found.events] == [CONTEXT] * 3


@given(SEEDS, st.data())
def test_an_event_of_any_mutation_is_judged_and_never_crashes(
    seed: int, data: st.DataObject
) -> None:
    random = Random(data.draw(SEEDS))
    event = copy.deepcopy(Maker(seed).event())
    for _ in range(random.randint(1, 3)):
        mutate(event, random)
    try:
        found = checked(event).to_json()
    except Refused as refused:
        found, wrong = event, refused.errors
        judged = all(error.path[:1] in ("", "/") and error.detail for error in wrong) and bool(
            wrong
        )
    else:
        judged = True
    event.pop("recordTime", None)
    assert judged
    assert found == event


ODD: tuple[Any, ...] = (None, True, 0, -1, 1.5, "", "x", "a:b", [], {}, [{}], {"a": 1}, [None])


def mutate(event: Json, random: Random) -> None:
    """Replaces, drops or adds one member somewhere."""
    node: Any = event
    while True:
        steps = list(node) if isinstance(node, dict) else list(range(len(node)))
        if not steps:
            return
        step = random.choice(steps)
        if isinstance(node[step], dict | list) and node[step] and random.random() < 0.7:
            node = node[step]
            continue
        choice = random.random()
        if choice < 0.6:
            node[step] = copy.deepcopy(random.choice(ODD))
        elif choice < 0.8:
            del node[step]
        elif isinstance(node, dict):
            node[random.choice(("type", "id", "new", "ext:new", "_sd", ""))] = random.choice(ODD)
        return


def test_events_cannot_be_changed() -> None:
    event = checked(Maker(1).event("ObjectEvent"))
    with pytest.raises(FrozenInstanceError):
        event.event_id = "urn:uuid:0"  # type: ignore[misc]
    assert not hasattr(event, "__dict__")


def test_a_time_is_a_moment_and_remembers_how_it_was_written() -> None:
    time = Timestamp.read("2005-04-03T20:33:31.1160009-06:00")
    assert time == datetime(2005, 4, 4, 2, 33, 31, 116000, tzinfo=UTC)
    assert time.text == "2005-04-03T20:33:31.1160009-06:00"
    assert pickle.loads(pickle.dumps(time)).text == copy.deepcopy(time).text == time.text
    assert time.replace(year=2006).text == "2006-04-03T20:33:31.116000-06:00"
    with pytest.raises(ValueError, match="zone"):
        Timestamp.read("2005-04-03T20:33:31")


def test_events_made_by_a_program_are_written_like_those_read() -> None:
    event = ObjectEvent(
        context=CONTEXT,
        event_time=Timestamp.read("2026-11-20T08:00:00+07:00"),
        event_time_zone_offset="+07:00",
        action="OBSERVE",
        quantity_list=(Quantity(epc_class="urn:ex:lot", quantity=3),),
        extensions={"ext:note": "x"},
    )
    assert event.to_json() == {
        "@context": CONTEXT,
        "type": "ObjectEvent",
        "eventTime": "2026-11-20T08:00:00+07:00",
        "eventTimeZoneOffset": "+07:00",
        "action": "OBSERVE",
        "quantityList": [{"epcClass": "urn:ex:lot", "quantity": 3}],
        "ext:note": "x",
    }
    assert checked(event.to_json()) == event


def test_every_thing_is_named_in_its_role_with_its_amount() -> None:
    frame = {
        "@context": CONTEXT,
        "eventTime": "2026-11-20T08:00:00Z",
        "eventTimeZoneOffset": "+07:00",
    }
    amount = {"epcClass": "urn:ex:lot", "quantity": 0.1, "uom": "KGM"}
    count = {"epcClass": "urn:ex:eggs", "quantity": 30}
    some = {"epcClass": "urn:ex:some"}
    transformed = checked(
        {
            **frame,
            "type": "TransformationEvent",
            "inputEPCList": ["urn:ex:1"],
            "inputQuantityList": [amount],
            "outputQuantityList": [count, some],
        }
    )
    assert thing_refs(transformed) == [
        ThingRef("input", "urn:ex:1"),
        ThingRef("input", "urn:ex:lot", Decimal("0.1"), "KGM"),
        ThingRef("output", "urn:ex:eggs", Decimal(30), None),
        ThingRef("output", "urn:ex:some"),
    ]
    packed = {**frame, "action": "ADD", "parentID": "urn:ex:box", "childEPCs": ["urn:ex:1"]}
    for event_type in ("AggregationEvent", "AssociationEvent"):
        event = checked({**packed, "type": event_type, "childQuantityList": [count]})
        assert thing_refs(event) == [
            ThingRef("parent", "urn:ex:box"),
            ThingRef("child", "urn:ex:1"),
            ThingRef("child", "urn:ex:eggs", Decimal(30)),
        ]
    billed = {
        **frame,
        "type": "TransactionEvent",
        "action": "ADD",
        "parentID": "urn:ex:box",
        "epcList": ["urn:ex:1"],
        "bizTransactionList": [{"bizTransaction": "urn:ex:po"}],
    }
    assert thing_refs(checked(billed)) == [
        ThingRef("parent", "urn:ex:box"),
        ThingRef("epc", "urn:ex:1"),
    ]
    seen = {**frame, "type": "ObjectEvent", "action": "OBSERVE", "quantityList": [amount]}
    assert thing_refs(checked(seen)) == [ThingRef("epc", "urn:ex:lot", Decimal("0.1"), "KGM")]


@given(SEEDS)
def test_the_things_of_an_event_are_all_it_lists(seed: int) -> None:
    given_event = Maker(seed).event()
    event = checked(given_event)
    lists = [value for name, value in given_event.items() if name.endswith(("EPCs", "EPCList"))]
    lists += [given_event.get("epcList", [])]
    amounts = [
        value for name, value in given_event.items() if name.lower().endswith("quantitylist")
    ]
    expected = sum(map(len, lists)) + sum(map(len, amounts)) + ("parentID" in given_event)
    assert len(thing_refs(event)) == expected
    assert isinstance(event, AssociationEvent) == (given_event["type"] == "AssociationEvent")


# --- documents ---


def test_one_bare_event_is_a_document_of_one() -> None:
    event = Maker(5).event()
    found = parse_document(orjson.dumps(event))
    assert (found.type, found.events, found.paths) == ("event", [event], [""])


def test_a_document_may_hold_one_event_without_a_list() -> None:
    event = Maker(5).event()
    one = document([])
    one["epcisBody"] = {"event": {k: v for k, v in event.items() if k != "@context"}}
    found = parse_document(orjson.dumps(one))
    assert (found.events, found.paths) == ([event], ["/epcisBody/event"])


def test_a_query_document_gives_its_results() -> None:
    event = Maker(6).event()
    found = parse_document(
        orjson.dumps(
            {
                "@context": CONTEXT[0],
                "type": "EPCISQueryDocument",
                "schemaVersion": "2.0",
                "creationDate": "2026-11-22T03:00:00Z",
                "epcisBody": {
                    "queryResults": {
                        "queryName": "SimpleEventQuery",
                        "subscriptionID": "s1",
                        "resultsBody": {"eventList": [event], "vocabularyList": [{"type": "a:b"}]},
                    }
                },
            }
        )
    )
    assert found.paths == ["/epcisBody/queryResults/resultsBody/eventList/0"]
    assert (found.query_name, found.subscription_id) == ("SimpleEventQuery", "s1")
    assert found.master_data == [{"type": "a:b"}]
    assert found.events == [event]


def test_an_events_own_context_follows_the_documents_and_the_record_time_is_dropped() -> None:
    event = {**Maker(7).event(), "@context": {"own": "https://own.example/"}}
    event["recordTime"] = "2026-11-22T03:00:00Z"
    one = document([])
    one["epcisBody"]["eventList"] = [event, {**event, "@context": CONTEXT[0]}]
    one["@context"] = CONTEXT[0]
    first, second = parse_document(orjson.dumps(one)).events
    assert first["@context"] == [CONTEXT[0], {"own": "https://own.example/"}]
    assert second["@context"] == [CONTEXT[0]]
    assert "recordTime" not in first


def test_master_data_and_the_envelope_are_kept() -> None:
    one = document([])
    vocabulary = {"type": "urn:epcglobal:epcis:vtype:Location", "vocabularyElementList": []}
    one["epcisHeader"] = {"epcisMasterData": {"vocabularyList": [vocabulary]}}
    one |= {"sender": "urn:ex:a", "receiver": "urn:ex:b", "instanceIdentifier": "7", "ext:x": 1}
    found = parse_document(orjson.dumps(one))
    assert found.master_data == [vocabulary]
    assert (found.sender, found.receiver, found.instance_identifier) == (
        "urn:ex:a",
        "urn:ex:b",
        "7",
    )
    assert found.extensions == {"ext:x": 1}
    assert (found.schema_version, found.creation_date) == ("2.0", "2026-11-22T03:00:00Z")


ENVELOPES: dict[str, tuple[Any, list[tuple[str, str]]]] = {
    "a list": ([], [("", "not-epcis")]),
    "no type": ({}, [("/type", "not-epcis")]),
    "a type that is a list": ({"type": ["ObjectEvent"]}, [("/type", "not-epcis")]),
    "no body": (
        {k: v for k, v in document([]).items() if k != "epcisBody"},
        [("/epcisBody", "missing-member")],
    ),
    "an empty body": (
        {**document([]), "epcisBody": {}},
        [("/epcisBody/eventList", "missing-member")],
    ),
    "events that are no list": (
        {**document([]), "epcisBody": {"eventList": {}}},
        [("/epcisBody/eventList", "wrong-type")],
    ),
    "an event that is no object": (
        {**document([]), "epcisBody": {"eventList": [{}, 5]}},
        [("/epcisBody/eventList/1", "wrong-type")],
    ),
    "no version, a day for a date": (
        {
            **{k: v for k, v in document([]).items() if k != "schemaVersion"},
            "creationDate": "today",
        },
        [("/creationDate", "bad-date-time"), ("/schemaVersion", "missing-member")],
    ),
    "a bare member": ({**document([]), "author": "me"}, [("/author", "unknown-member")]),
    "results without a name": (
        {
            "@context": CONTEXT,
            "type": "EPCISQueryDocument",
            "epcisBody": {"queryResults": {"resultsBody": {"eventList": []}}},
        },
        [("/epcisBody/queryResults/queryName", "missing-member")],
    ),
}


@pytest.mark.parametrize("name", ENVELOPES)
def test_a_wrong_envelope_is_refused_at_its_place(name: str) -> None:
    value, expected = ENVELOPES[name]
    assert sorted(refusals(orjson.dumps(value))) == expected


def test_a_document_has_a_greatest_number_of_events() -> None:
    event = {"type": "ObjectEvent"}
    data = orjson.dumps({**document([]), "epcisBody": {"eventList": [event] * 3}})
    assert len(parse_document(data, limits=Limits(max_events=3)).events) == 3
    assert refusals(data, Limits(max_events=2)) == [("/epcisBody/eventList", "too-many-events")]


def test_a_document_has_a_greatest_size_and_depth() -> None:
    data = orjson.dumps(document([Maker(9).event()]))
    assert refusals(data, Limits(max_bytes=len(data) - 1)) == [("", "too-large")]
    assert refusals(data, Limits(max_depth=3)) == [("", "too-deep")]

"""JSON to XML and back: the identity on everything our rules accept, in 2.0 and in 1.2."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.epcis.epcis_events import CONTEXT, ID_BASE, NOW, TYPES, Json, Maker
from trace.core.epcis import check_event, event_hash, parse_document
from trace.core.epcis.vocabulary import EPCIS_CONTEXT
from trace.core.epcis.xml import names, parse_xml, write_xml
from trace.core.epcis.xml.writing import Kind, Version
from trace.errors import Refused

CREATED = "2026-11-22T03:00:00Z"
VERSIONS: tuple[Version, ...] = ("2.0", "1.2")
KINDS: tuple[Kind, ...] = ("document", "query", "event")


def same(one: Any, other: Any) -> bool:
    """Equal, and of the same types: 1, 1.0 and True are three values of JSON."""
    if type(one) is not type(other):
        return False
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(one[name], other[name]) for name in one)
    if isinstance(one, list):
        return len(one) == len(other) and all(map(same, one, other))
    return bool(one == other)


def returned(event: Json, version: Version = "2.0", kind: Kind = "document") -> Json:
    before = copy.deepcopy(event)
    written = write_xml([event], created=CREATED, version=version, kind=kind)
    assert event == before
    document = parse_xml(written)
    assert len(document.events) == 1
    return document.events[0]


@pytest.mark.parametrize("event_type", TYPES)
@pytest.mark.parametrize("version", VERSIONS)
def test_generated_events_come_back_as_they_were(event_type: str, version: Version) -> None:
    for seed in range(40):
        event = Maker(seed).event(event_type)
        back = returned(event, version, KINDS[seed % 3])
        assert same(back, event), seed
        assert event_hash(back) == event_hash(event)


def test_a_document_of_many_events_comes_back_with_each_in_its_place() -> None:
    events = [Maker(seed).event() for seed in range(30)]
    for version in VERSIONS:
        document = parse_xml(write_xml(events, created=CREATED, version=version))
        assert same(document.events, events)
        assert document.paths[7] == "/epcisBody/eventList/7"
        # What they have in common is one object: it is looked into once for all of them.
        assert len({id(event["@context"]) for event in document.events}) == 1


# --- extensions: any JSON ---

TEXTS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=12)
NUMBERS = st.one_of(
    st.integers(-(2**53) + 1, 2**53 - 1),
    st.floats(allow_nan=False, allow_infinity=False),
)
INNER = st.one_of(
    st.sampled_from(["ext:name", "plain:n", "unit", "value", "#text", "08:00", "", "extension"]),
    TEXTS.filter(lambda name: ":" not in name and name not in ("_sd", "_sd_alg", "...")),
)
VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), NUMBERS, TEXTS),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(INNER, inner, max_size=3)),
    max_leaves=8,
)
LOCALS = TEXTS.filter(lambda text: text.strip() == text != "" and not set(text) & set(" \t\n\r"))
NAMES = st.one_of(
    st.sampled_from(["ext:a", "plain:b", "ext:List", "https://ns.example.com/ext/whole"]),
    LOCALS.filter(lambda text: not any(one.isspace() for one in text)).map("ext:{}".format),
)
PLACES = ("event", "ilmd", "readPoint", "errorDeclaration", "sensorElement", "metadata", "report")


def event_with(place: str, extensions: Json) -> Json:
    event: Json = {
        "@context": CONTEXT,
        "type": "ObjectEvent",
        "eventTime": "2026-11-20T08:00:00+07:00",
        "eventTimeZoneOffset": "+07:00",
        "action": "ADD",
        "epcList": ["https://id.gs1.org/01/09506000134352/21/A1"],
    }
    metadata: Json = {"deviceID": "urn:epc:id:giai:4012345.1"}
    report: Json = {"type": "Temperature", "value": 4.5, "uom": "CEL"}
    element: Json = {"sensorMetadata": metadata, "sensorReport": [report]}
    parts: dict[str, Json] = {
        "event": event,
        "ilmd": {},
        "readPoint": {"id": "urn:epc:id:sgln:4012345.00005.0"},
        "errorDeclaration": {"declarationTime": "2026-11-21T08:00:00Z"},
        "sensorElement": element,
        "metadata": metadata,
        "report": report,
    }
    parts[place].update(extensions)
    if place in ("ilmd", "readPoint", "errorDeclaration"):
        event[place] = parts[place]
    elif place != "event":
        event["sensorElementList"] = [element]
    return event


@settings(max_examples=150)
@given(
    st.sampled_from(PLACES), st.dictionaries(NAMES, VALUES, max_size=3), st.sampled_from(VERSIONS)
)
def test_any_json_in_an_extension_comes_back(place: str, given: Json, version: Version) -> None:
    event = event_with(place, given)
    check_event(event, now=NOW, id_base=ID_BASE)
    assert same(returned(event, version), event)


ODD: tuple[Any, ...] = (
    "", " ", "a\r\nb\tc", "]]>", "<&>\"'", "\u0001\u001f\ufffe\uffff", "\\u0041\\", "\U0001f33e",
    [], [[]], [["a"], []], [None], [True], ["a"], ["a", "b"], {}, {"#text": "a"},
    {"#text": "a", "unit": "kg"}, {"#text": " a ", "unit": "kg"}, {"#text": 5, "unit": "kg"},
    {"": ""}, {"a b": 1}, {"xmlns": "x"}, {"ext:a": {"ext:a": [1, 1.0, "1", True]}},
    0, -0.0, 5e-324, 1.7976931348623157e308, 2**53 - 1, 1e22, 0.1, None, False,
)  # fmt: skip


@pytest.mark.parametrize("value", ODD, ids=lambda value: ascii(value)[:30])
@pytest.mark.parametrize("place", PLACES)
def test_odd_values_come_back_wherever_they_stand(place: str, value: Any) -> None:
    event = event_with(place, {"ext:odd": value, "ext:next": "beside"})
    for version in VERSIONS:
        assert same(returned(event, version), event)


# --- contexts ---

CONTEXTS: tuple[Any, ...] = (
    EPCIS_CONTEXT,
    [EPCIS_CONTEXT],
    [EPCIS_CONTEXT, {"ext": "https://ns.example.com/ext/"}],
    [{"ext": "https://ns.example.com/ext/"}, EPCIS_CONTEXT],
    [EPCIS_CONTEXT, {"ext": {"@id": "https://ns.example.com/ext/", "@prefix": True}}],
    [EPCIS_CONTEXT, {"ext": "https://a.example/", "same": "https://a.example/"}],
    [EPCIS_CONTEXT, {"gs1": "https://gs1.org/voc/", "cbvmda": "urn:epcglobal:cbv:mda:"}],
    [EPCIS_CONTEXT, {"gs1": "https://other.example/"}],
    [EPCIS_CONTEXT, {"fn": "https://a.example/", "xsi": "urn:b:", "epcis": "urn:x:y"}],
    [EPCIS_CONTEXT, {"ext": "urn:epcglobal:epcis:xsd:2", "f": names.FN, "xs": names.XSI}],
    [EPCIS_CONTEXT, {"a+b": "urn:a:", "xmlfoo": "urn:b:", "@vocab": "urn:v:"}],
    ["https://ref.gs1.org/epcis/", {"ext": "https://ns.example.com/ext/\"<&\n"}],
)  # fmt: skip


@pytest.mark.parametrize("context", CONTEXTS, ids=range(len(CONTEXTS)))
def test_contexts_and_the_names_under_them_come_back(context: Any) -> None:
    declared = [name for part in context if isinstance(part, dict) for name in part]
    given = [f"{prefix}:field" for prefix in declared if prefix[0] != "@"] + ["cbvmda:lotNumber"]
    event = {**event_with("ilmd", dict.fromkeys(given, "x")), "@context": context}
    event |= {name: ["x", 1] for name in given}
    for kind in KINDS:
        back = returned(event, kind=kind)
        assert same(back, event)
        assert event_hash(back) == event_hash(event)


def test_events_of_several_contexts_share_one_document() -> None:
    events = [
        {**event_with("event", {}), "@context": context, "cbvmda:note": str(at)}
        for at, context in enumerate(CONTEXTS)
    ]
    for version in VERSIONS:
        document = parse_xml(write_xml(events, created=CREATED, version=version, kind="query"))
        assert same(document.events, events)


# --- what the plain binding cannot say ---

DAY = "2026-11-21T08:00:00Z"
UNUSUAL: tuple[Json, ...] = (
    {"certificationInfo": []},
    {"certificationInfo": ["https://a.example/1"]},
    {"certificationInfo": ["https://a.example/1", "https://a.example/2"]},
    {"bizStep": "https://ref.gs1.org/cbv/BizStep-shipping"},
    {"bizStep": "cbv:BizStep-shipping", "disposition": "cbv:Disp-in_transit"},
    {"bizStep": "trace:harvesting"},
    {"epcList": [], "quantityList": [{"epcClass": "https://id.gs1.org/01/09506000134352/10/L"}]},
    {"quantityList": [], "bizTransactionList": [], "sourceList": [], "destinationList": []},
    {"quantityList": [{"epcClass": "urn:epc:idpat:sgtin:4012345.098765.*", "uom": "KGM"}]},
    {"quantityList": [{"epcClass": "urn:epc:idpat:sgtin:4012345.098765.*", "quantity": 1e-7}]},
    {"bizTransactionList": [{"bizTransaction": "urn:ex:1"}]},
    {"sourceList": [{"type": "cbv:SDT-owning_party", "source": "urn:epc:id:pgln:4012345.00225"}]},
    {"sensorElementList": []},
    {"errorDeclaration": {"declarationTime": DAY, "correctiveEventIDs": []}},
    {"errorDeclaration": {"declarationTime": DAY, "reason": "cbv:ER-did_not_occur"}},
    {"persistentDisposition": {"set": ["https://ref.gs1.org/cbv/Disp-recalled"]}},
    {"sensorElementList": [{"sensorReport": [{"type": "gs1:Area", "component": "cbv:Comp-x"}]}]},
    {"sensorElementList": [{"sensorReport": [{"type": "gs1:EffectiveDoseRate"}]}]},
    {"sensorElementList": [{"sensorReport": [{"type": "https://gs1.org/voc/EffectiveDoseRate"}]}]},
    {"sensorElementList": [{"sensorMetadata": {}, "sensorReport": [{"type": "Mass"}]}]},
    {"sensorElementList": [{"sensorReport": [{"type": "Mass", "stringValue": " \t\r\n\u0002 "}]}]},
    {"sensorElementList": [{"sensorReport": [{"type": "Mass", "booleanValue": False}]}]},
    {"eventTime": "2026-11-20t08:00:00z"},
    {"eventID": "urn:ex:with\u0001control"},
    {"ilmd": {}},
)  # fmt: skip


@pytest.mark.parametrize("members", UNUSUAL, ids=lambda members: ascii(members)[:50])
def test_what_plain_xml_cannot_say_comes_back_too(members: Json) -> None:
    event = {**event_with("event", {}), **members}
    check_event(event, now=NOW, id_base=ID_BASE)
    for version in VERSIONS:
        back = returned(event, version)
        assert same(back, event)
        assert event_hash(back) == event_hash(event)


def test_a_member_said_twice_has_to_say_the_same() -> None:
    event = {**event_with("event", {}), "bizStep": "cbv:BizStep-shipping"}
    written = write_xml([event], created=CREATED)
    assert parse_xml(written).events[0]["bizStep"] == "cbv:BizStep-shipping"
    lying = written.replace(b"bizstep:shipping", b"bizstep:receiving")
    assert lying != written
    with pytest.raises(Refused) as refused:
        parse_xml(lying)
    assert [(one.code, one.path) for one in refused.value.errors] == [
        ("contradicting-member", "/epcisBody/eventList/0/bizStep")
    ]


def test_words_are_written_as_names_of_old_or_as_web_addresses() -> None:
    event = {**event_with("report", {"component": "latitude"}), "bizStep": "shipping"}
    event["sourceList"] = [{"type": "location", "source": "urn:epc:id:sgln:4012345.00225.0"}]
    old = write_xml([event], created=CREATED)
    assert b">urn:epcglobal:cbv:bizstep:shipping<" in old
    assert b'type="urn:epcglobal:cbv:sdt:location"' in old
    assert b'type="gs1:Temperature"' in old
    web = write_xml([event], created=CREATED, form="web")
    assert b">https://ref.gs1.org/cbv/BizStep-shipping<" in web
    assert b'type="https://ref.gs1.org/cbv/SDT-location"' in web
    assert b'type="https://gs1.org/voc/Temperature"' in web
    assert b"urn:epcglobal:cbv:" not in web
    assert same(parse_xml(old).events, parse_xml(web).events)


def test_an_answer_with_members_withheld_and_a_record_time_is_written() -> None:
    shown = {
        "@context": CONTEXT,
        "type": "ObjectEvent",
        "eventTime": "2026-11-20T08:00:00Z",
        "eventTimeZoneOffset": "+07:00",
        "recordTime": "2026-11-20T08:00:01Z",
    }
    written = write_xml(
        [shown], created=CREATED, kind="query", query_name="mine & <yours>", subscription_id="7"
    )
    document = parse_xml(written)
    assert b"<recordTime>2026-11-20T08:00:01Z</recordTime>" in written
    assert same(document.events, [{k: v for k, v in shown.items() if k != "recordTime"}])
    assert (document.type, document.query_name, document.subscription_id) == (
        "EPCISQueryDocument",
        "mine & <yours>",
        "7",
    )


def test_no_events_are_an_empty_list() -> None:
    for kind in ("document", "query"):
        assert parse_xml(write_xml([], created=CREATED, kind=kind)).events == []


def test_the_deepest_json_that_is_taken_comes_back_and_one_level_more_is_refused() -> None:
    def nested(levels: int) -> Json:
        value: Any = "x"
        for level in range(levels):
            value = {"ext:a": value} if level % 2 else [value, value] if level < 6 else [value]
        return event_with("event", {"ext:deep": value})

    deepest = nested(58)
    assert same(returned(deepest), deepest)
    with pytest.raises(Refused) as refused:
        returned(nested(80))
    assert refused.value.errors[0].code == "too-deep"
    assert parse_document(b'{"type":"ObjectEvent"}').type == "event"

"""EPCIS XML 2.0 and 1.2 as it is sent, and the JSON twin of each thing it can say."""

from __future__ import annotations

import time
from typing import Any

import pytest

from tests.unit.epcis.epcis_events import ID_BASE, NOW, Json
from tests.unit.epcis.test_xml_round_trip import same
from tests.unit.epcis.xml_documents import (
    DATES,
    EPCS,
    HEAD,
    NEW,
    OLD,
    QUANTITIES,
    SHIPPING,
    SPACES,
    TWIN,
    WHEN,
    json_twin,
    new,
    old,
    read,
)
from trace.core.epcis import check_event, event_hash, hash_document
from trace.core.epcis import context as contexts
from trace.core.epcis.vocabulary import EPCIS_CONTEXT
from trace.core.epcis.xml import hash_any, is_xml, parse_xml, take_in
from trace.errors import Refused


@pytest.mark.parametrize("data", [old(OLD, SPACES), new(NEW, SPACES)], ids=["1.2", "2.0"])
def test_an_event_in_either_xml_is_its_json_twin_and_has_its_hash(data: bytes) -> None:
    event = read(data)
    assert same(event, TWIN)
    check_event(event, now=NOW, id_base=ID_BASE)
    assert (
        hash_any(data) == hash_any(json_twin()) == hash_document(json_twin()) == [event_hash(TWIN)]
    )
    assert same(take_in(data).events, take_in(json_twin()).events)
    assert is_xml(data)
    assert not is_xml(json_twin())


TRANSFORMATION = (
    f"<TransformationEvent>{HEAD}<inputEPCList><epc>urn:epc:id:sgtin:4012345.011111.987</epc>"
    "</inputEPCList><outputEPCList><epc>urn:epc:id:sgtin:4012345.077889.26</epc></outputEPCList>"
    "</TransformationEvent>"
)
ASSOCIATION = (
    f"<AssociationEvent>{HEAD}<parentID>urn:epc:id:grai:4012345.55555.987</parentID>"
    "<childEPCs><epc>urn:epc:id:giai:4000001.12345</epc></childEPCs><action>ADD</action>"
    "</AssociationEvent>"
)


def test_event_types_that_1_2_hides_are_found_in_their_order() -> None:
    hidden = (
        f"<extension>{TRANSFORMATION}</extension><extension><extension>{ASSOCIATION}</extension>"
        f"{TRANSFORMATION}</extension>"
    )
    document = parse_xml(old(OLD + hidden + OLD, SPACES))
    assert [event["type"] for event in document.events] == [
        "ObjectEvent",
        "TransformationEvent",
        "AssociationEvent",
        "TransformationEvent",
        "ObjectEvent",
    ]
    assert document.paths == [f"/epcisBody/eventList/{n}" for n in range(5)]
    for event in document.events:
        check_event(event, now=NOW)


def test_lists_that_1_2_asks_for_say_nothing_when_empty_and_stay_in_2_0() -> None:
    event = (
        f"<ObjectEvent>{HEAD}<epcList/>{SHIPPING}<extension>{QUANTITIES}</extension></ObjectEvent>"
    )
    assert "epcList" not in read(old(event))
    assert read(new(event))["epcList"] == []


def test_a_quantity_event_of_old_is_the_observation_of_a_quantity() -> None:
    event = (
        f"<QuantityEvent>{HEAD}<epcClass>urn:epc:idpat:sgtin:4012345.098765.*</epcClass>"
        "<quantity>7</quantity><bizStep>urn:epcglobal:cbv:bizstep:stock_taking</bizStep>"
        "</QuantityEvent>"
    )
    found = read(old(event, version="1.0"))
    check_event(found, now=NOW)
    assert found == {
        "@context": [EPCIS_CONTEXT, {"ext": "https://ns.example.com/ext/"}],
        "type": "ObjectEvent",
        **WHEN,
        "action": "OBSERVE",
        "bizStep": "stock_taking",
        "quantityList": [{"epcClass": "urn:epc:idpat:sgtin:4012345.098765.*", "quantity": 7}],
    }
    with pytest.raises(Refused) as refused:
        check_event(read(new(event)), now=NOW)
    assert [error.code for error in refused.value.errors] == ["unknown-event-type"]


def test_a_query_document_and_a_single_event_are_read() -> None:
    query = (
        '<q:EPCISQueryDocument xmlns:q="urn:epcglobal:epcis-query:xsd:1" '
        f'schemaVersion="1.2" {DATES}><EPCISBody><q:QueryResults><queryName> Mine </queryName>'
        "<subscriptionID>42</subscriptionID><resultsBody><EventList>"
        f"<extension>{TRANSFORMATION}</extension></EventList></resultsBody></q:QueryResults>"
        "</EPCISBody></q:EPCISQueryDocument>"
    )
    document = parse_xml(query.encode())
    assert (document.type, document.query_name, document.subscription_id) == (
        "EPCISQueryDocument",
        "Mine",
        "42",
    )
    assert document.paths == ["/epcisBody/queryResults/resultsBody/eventList/0"]
    for root in ('ObjectEvent xmlns="urn:epcglobal:epcis:xsd:2"', "ObjectEvent"):
        name = root.partition(" ")[0]
        bare = parse_xml(f"<{root}>{HEAD}{EPCS}{SHIPPING}</{name}>".encode())
        assert (bare.type, bare.paths) == ("event", [""])
        assert bare.events[0] == {
            "@context": [EPCIS_CONTEXT],
            "type": "ObjectEvent",
            **WHEN,
            "epcList": ["urn:epc:id:sgtin:0614141.107346.2017"],
            "action": "OBSERVE",
            "bizStep": "shipping",
        }


def test_the_header_gives_parties_and_master_data() -> None:
    header = (
        '<EPCISHeader><s:StandardBusinessDocumentHeader xmlns:s="http://www.unece.org/cefact/'
        'namespaces/StandardBusinessDocumentHeader"><s:Sender><s:Identifier Authority="GS1"> me'
        "</s:Identifier></s:Sender><s:Receiver><s:Identifier>you</s:Identifier></s:Receiver>"
        "<s:DocumentIdentification><s:InstanceIdentifier>9</s:InstanceIdentifier>"
        "</s:DocumentIdentification></s:StandardBusinessDocumentHeader><extension><EPCISMasterData>"
        '<VocabularyList><Vocabulary type="urn:epcglobal:epcis:vtype:ReadPoint">'
        '<VocabularyElementList><VocabularyElement id="urn:epc:id:sgln:0614141.00300.0">'
        '<attribute id="urn:epcglobal:cbv:mda:name">Vườn rau</attribute>'
        '<attribute id="urn:x:box"><ext:n>1</ext:n></attribute>'
        "<children><id>urn:epc:id:sgln:0614141.00300.1</id></children></VocabularyElement>"
        "</VocabularyElementList></Vocabulary></VocabularyList></EPCISMasterData></extension>"
        "</EPCISHeader><EPCISBody>"
    )
    data = new("").replace(b"<EPCISBody>", header.encode())
    document = parse_xml(data.replace(b"</epcis:", b"<ext:after>x</ext:after></epcis:"))
    assert (document.sender, document.receiver, document.instance_identifier) == ("me", "you", "9")
    assert (document.events, document.schema_version) == ([], "2.0")
    assert document.extensions == {"ext:after": "x"}
    assert document.master_data == [
        {
            "type": "urn:epcglobal:epcis:vtype:ReadPoint",
            "vocabularyElementList": [
                {
                    "id": "urn:epc:id:sgln:0614141.00300.0",
                    "attributes": [
                        {"id": "urn:epcglobal:cbv:mda:name", "attribute": "Vườn rau"},
                        {"id": "urn:x:box", "attribute": {"ext:n": "1"}},
                    ],
                    "children": ["urn:epc:id:sgln:0614141.00300.1"],
                }
            ],
        }
    ]


# --- extensions and their namespaces ---

URI = "https://ns.example.com/ext/"


@pytest.mark.parametrize(
    ("xml", "name", "value", "declared"),
    [
        ("<ext:a>x</ext:a>", "ext:a", "x", {"ext": URI}),
        ("<ext:a/>", "ext:a", "", {"ext": URI}),
        (f'<a xmlns="{URI}">x</a>', "ext:a", "x", {"ext": URI}),
        (f'<o:a xmlns:o="{URI}">x</o:a>', "ext:a", "x", {"ext": URI}),
        ('<o:a xmlns:o="urn:o:">x</o:a>', "o:a", "x", {"ext": URI, "o": "urn:o:"}),
        ('<a xmlns="urn:o:">x</a>', "ns1:a", "x", {"ext": URI, "ns1": "urn:o:"}),
        ('<ext:a xmlns:ext="urn:o:">x</ext:a>', "ns1:a", "x", {"ext": URI, "ns1": "urn:o:"}),
        ('<đ:a xmlns:đ="urn:o:">x</đ:a>', "ns1:a", "x", {"ext": URI, "ns1": "urn:o:"}),
        ('<g:a xmlns:g="https://gs1.org/voc/">x</g:a>', "gs1:a", "x", {"ext": URI}),
        ('<http:a xmlns:http="urn:o:">x</http:a>', "ns1:a", "x", {"ext": URI, "ns1": "urn:o:"}),
        ('<ext:a unit="kg" ext:n="1">5</ext:a>', "ext:a",
         {"unit": "kg", "ext:n": "1", "#text": "5"}, {"ext": URI}),
        ("<ext:a> x <b>1</b> y </ext:a>", "ext:a", {"b": "1", "#text": "x  y"}, {"ext": URI}),
        ("<ext:a><b>1</b><b/><c><b>2</b></c></ext:a>", "ext:a",
         {"b": ["1", ""], "c": {"b": "2"}}, {"ext": URI}),
        ('<ext:a xsi:nil="true"/>', "ext:a", None, {"ext": URI}),
        ('<ext:a xsi:type="xsd:integer">10</ext:a>', "ext:a", "10", {"ext": URI}),
        ("<ext:a><![CDATA[<&>]]></ext:a>", "ext:a", "<&>", {"ext": URI}),
        ("<ext:a>&#13;&lt;&#x1F33E;</ext:a>", "ext:a", "\r<\U0001f33e", {"ext": URI}),
        ('<ext:a xml:lang="vi">x</ext:a>', "ext:a", "x", {"ext": URI}),
    ],
)  # fmt: skip
def test_extensions_keep_their_names_and_shapes(
    xml: str, name: str, value: Any, declared: Json
) -> None:
    event = read(new(f"<ObjectEvent>{HEAD}{EPCS}{SHIPPING}{xml}</ObjectEvent>"))
    assert event["@context"][0] == EPCIS_CONTEXT
    assert contexts.declared(event["@context"]) == declared
    assert same(event[name], value)
    check_event(event, now=NOW)


def test_numbers_of_our_own_vocabulary_may_be_typed_as_xml_schema_has_them() -> None:
    xml = (
        '<trace:area><value xsi:type="xsd:decimal">12.5</value><unit>m2</unit></trace:area>'
        '<trace:inputs fn:type="array"><fn:map><name>Urea</name>'
        '<amount xsi:type="xsd:int">3</amount></fn:map></trace:inputs>'
    )
    spaces = (
        f'xmlns:trace="{ID_BASE}/voc/" xmlns:xsd="http://www.w3.org/2001/XMLSchema"'
        ' xmlns:fn="http://www.w3.org/2005/xpath-functions"'
    )
    event = read(new(f"<ObjectEvent>{HEAD}{EPCS}{SHIPPING}{xml}</ObjectEvent>", spaces))
    assert event["@context"] == [EPCIS_CONTEXT, {"trace": f"{ID_BASE}/voc/"}]
    assert same(event["trace:area"], {"value": 12.5, "unit": "m2"})
    assert same(event["trace:inputs"], [{"name": "Urea", "amount": 3}])


def test_a_documents_date_may_lack_its_zone_as_the_xml_schema_has_it() -> None:
    data = new("").replace(DATES.encode(), b'creationDate=" 2013-06-04T14:59:02.099 "')
    assert parse_xml(data).creation_date == "2013-06-04T14:59:02.099"


def test_a_member_told_a_hundred_thousand_times_is_read_in_one_go() -> None:
    names = [f"https://certificates.example/{number}" for number in range(100_000)]
    told = "".join(f"<certificationInfo>{name}</certificationInfo>" for name in names)
    began = time.thread_time()
    event = read(new(f"<ObjectEvent>{HEAD}{told}{EPCS}{SHIPPING}</ObjectEvent>"))
    assert time.thread_time() - began < 5
    assert event["certificationInfo"] == names

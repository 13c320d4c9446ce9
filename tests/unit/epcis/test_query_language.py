"""The EPCIS query language: every parameter of the standard is read, every other one refused."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from trace.core.epcis.query import Query, QueryParameterError, QueryRefused, QueryTooComplex
from trace.core.epcis.query_format import digital_link_of, epc_urn_of, translated
from trace.core.epcis.query_matching import Attributes, Subject, matches
from trace.core.epcis.query_names import same_thing
from trace.core.epcis.query_parsing import (
    FIXED,
    parse_arguments,
    parse_extensions,
    parse_query,
)
from trace.core.epcis.vocabulary import event_context

BASE = "https://trace.example"
SCHEMA = Path(__file__).parents[4] / "shared" / "vectors" / "epcis" / "spec" / "query-schema.json"
EXTENSIONS = {"example": "https://ns.example.com/epcis/"}
LOT = "https://id.gs1.org/01/08936012345674/10/L1"
WORD = {
    "EQ_action": "ADD",
    "eventType": "ObjectEvent",
    "EQ_bizStep": "shipping",
    "EQ_disposition": "in_transit",
    "EQ_persistentDisposition_set": "recalled",
    "EQ_persistentDisposition_unset": "recalled",
    "EQ_errorReason": "incorrect_data",
    "EQ_type": "Temperature",
    "EQ_booleanValue": "true",
    "EQ_hexBinaryValue": "F0A1",
    "orderBy": "eventTime",
    "orderDirection": "ASC",
    "eventCountLimit": "3",
    "maxEventCount": "3",
}


def ask(*pairs: tuple[str, str]) -> Query:
    return parse_arguments(pairs, id_base=BASE, extensions=EXTENSIONS)


def fitting(name: str) -> str:
    """A value that fits a parameter."""
    if name in WORD:
        return WORD[name]
    if re.search(r"[Tt]ime$", name):
        return "2026-11-20T03:00:00Z"
    if re.match(r"(EQ|G[ET]|L[ET])_(quantity|perc|value|minV|maxV|meanV|sDev)", name):
        return "5"
    return "" if name.startswith("EXISTS") else "5" if name[:2] in ("GT", "GE", "LT", "LE") else LOT


# The families of parameters whose names have a part that varies (query-schema.json).
PLACES = (
    *("", "ILMD_", "ERROR_DECLARATION_", "SENSORELEMENT_", "SENSORMETADATA_", "SENSORREPORT_"),
    *("readPoint_", "bizLocation_"),
)
FAMILIES = [
    *(
        f"{test}_{inner}{place}example:name"
        for test in ("EQ", "GT", "GE", "LT", "LE", "EXISTS")
        for inner in ("", "INNER_")
        for place in PLACES
    ),
    *(
        f"{test}_{amount}_CEL"
        for test in ("EQ", "GT", "GE", "LT", "LE")
        for amount in (
            "value",
            "minValue",
            "maxValue",
            "meanValue",
            "sDev",
            "percValue",
            "quantity",
        )
    ),
    *("EQ_bizTransaction_po", "EQ_source_owning_party", "EQ_destination_location"),
    *("HASATTR_example:name", "EQ_ATTR_example:name_colour", "EQATTR_example:name_colour"),
    *("HASATTR_bizLocation", "EQ_ATTR_readPoint_city"),
]
OPTIONS = ("orderBy", "orderDirection", "eventCountLimit", "maxEventCount")


@pytest.mark.parametrize("name", [*FIXED, *FAMILIES, *OPTIONS])
def test_every_parameter_is_read_from_an_address_and_from_json(name: str) -> None:
    value = fitting(name)
    query = ask((name, value))
    assert query != Query() or name == "orderDirection"
    assert [condition.name for condition in query.conditions] in ([name], [])
    given_as = [value] if value else None
    assert parse_query({"@context": EXTENSIONS, name: given_as}, id_base=BASE) == query


@pytest.mark.skipif(not SCHEMA.exists(), reason="the published query schema is not here")
def test_every_parameter_of_the_published_schema_is_known() -> None:
    published = json.loads(SCHEMA.read_text())["definitions"]["EPCIS-Query"]
    fixed = set(published["properties"]) - {"@context"}
    assert fixed <= {*FIXED, *OPTIONS}
    for pattern in published["patternProperties"]:
        # The published patterns escape their backslashes once too often.
        spelled = pattern.replace(r"\\:\\w", r":\w").replace(r"\\w", r"\w")
        spelled = spelled.replace(r"ATTR_\w+_\w+", "ATTR_example:name_colour")
        spelled = spelled.replace(r"_[a-z][a-zA-Z0-9]*:\w+", "_example:name")
        fits = [name for name in FAMILIES if re.fullmatch(spelled, name)]
        fits += [name for name in FIXED if re.fullmatch(spelled, name)]
        assert fits, pattern


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (("EQ_bizStep", "shipping"), ("EQ_bizStep", "cbv:BizStep-shipping")),
        (("EQ_bizStep", "shipping"), ("EQ_bizStep", "urn:epcglobal:cbv:bizstep:shipping")),
        (("EQ_bizStep", "shipping"), ("EQ_bizStep", "https://ref.gs1.org/cbv/BizStep-shipping")),
        (("EQ_bizStep", "shipping"), ("EQ_bizStep", "https://ns.gs1.org/cbv/BizStep-shipping")),
        (("EQ_bizStep", "trace:sowing"), ("EQ_bizStep", f"{BASE}/voc/sowing")),
        (("EQ_type", "Temperature"), ("EQ_type", "gs1:Temperature")),
        (("EQ_type", "Temperature"), ("EQ_type", "https://www.gs1.org/voc/Temperature")),
        (
            ("EQ_errorReason", "did_not_occur"),
            ("EQ_errorReason", "urn:epcglobal:cbv:er:did_not_occur"),
        ),
        (("MATCH_epcClass", LOT), ("MATCH_epcClass", "urn:epc:class:lgtin:893601234.0567.L1")),
        (("MATCH_epcClass", LOT), ("MATCH_epcClass", LOT.replace("id.gs1.org", "shop.example"))),
        (
            ("MATCH_epc", "https://id.gs1.org/01/08936012345674/21/7"),
            ("MATCH_epc", "https://id.gs1.org/01/08936012345674/10/L1/21/7"),
        ),
        (("EQ_ILMD_cbvmda:lotNumber", "A"), ("EQ_ILMD_urn:epcglobal:cbv:mda#lotNumber", "A")),
        (("EQ_example:f", "A"), ("EQ_https://ns.example.com/epcis#f", "A")),
        (
            ("EQ_source_owning_party", LOT),
            ("EQ_source_urn:epcglobal:cbv:sdt:owning_party", LOT),
        ),
        (
            ("GE_errorDeclarationTime", "2026-11-20T03:00:00Z"),
            ("GE_errorDeclaration_Time", "2026-11-20T10:00:00+07:00"),
        ),
        (("EXISTS_errorDeclaration", ""), ("EXISTS_errorDeclaration", "true")),
        (("EQ_action", "ADD|DELETE"), ("EQ_action", "ADD|DELETE")),
    ],
)
def test_spellings_of_one_question_are_one_question(
    one: tuple[str, str], other: tuple[str, str]
) -> None:
    first, second = ask(one).conditions[0], ask(other).conditions[0]
    assert (first.kind, first.test, first.values, first.argument) == (
        second.kind,
        second.test,
        second.values,
        second.argument,
    )


def test_a_list_given_twice_is_one_list_and_exists_may_be_taken_back() -> None:
    twice = ask(("EQ_action", "ADD"), ("EQ_action", "DELETE"))
    assert twice == ask(("EQ_action", "ADD|DELETE"))
    assert ask(("EXISTS_errorDeclaration", "false")) == Query()
    assert parse_query({"EXISTS_errorDeclaration": 0}, id_base=BASE) == Query()


REFUSED = [
    *("foo=1", "=1", "EQ_=1", "EQ_bizStep=bogus", "EQ_bizStep=cbv:BizStep-bogus", "EQ_bizStep="),
    *("EQ_action=add", "eventType=Bogus", "GE_eventTime=yesterday", "GE_eventTime=2026-11-20"),
    *("GE_eventTime=2026-11-20T03:00:00", "LE_eventTime=2026-11-20T03:00:00Z"),
    *("EQ_eventTime=2026-11-20T03:00:00Z", "EQ_nope:x=1", "GT_example:f=word", "MATCH_epc=no uri"),
    *("MATCH_epc=urn:epc:idpat:sgtin:*.*.*", "MATCH_epc=urn:epc:idpat:sgtin:893601234.*.5"),
    *("EQ_quantity=many", "GE_quantity=1|2", "GE_quantity_toolong=1", "EQ_booleanValue=maybe"),
    *(
        "eventCountLimit=0",
        "eventCountLimit=-1",
        "eventCountLimit=1.5",
        "maxEventCount=99999999999",
    ),
    *("orderBy=quantity", "orderBy=eventTime&orderBy=recordTime", "orderDirection=up"),
    *("eventCountLimit=1&maxEventCount=1", "EQ_hexBinaryValue=xyz", "EQ_ATTR_x_y=1", "perPage=1"),
    *("HASATTR_action=city", "HASATTR_nope:x=city", "EQ_ATTR_bizLocation=1", "HASATTR_=x"),
    *("EQ_eventID=\0", "EQ_eventID=\ud800", "EQ_source_bogus=urn:x:y", "EXISTS_example:f=perhaps"),
]


@pytest.mark.parametrize("text", REFUSED)
def test_what_is_not_understood_is_refused_with_its_name(text: str) -> None:
    pairs = [(part.partition("=")[0], part.partition("=")[2]) for part in text.split("&")]
    with pytest.raises((QueryParameterError, QueryRefused)) as caught:
        ask(*pairs)
    told = getattr(caught.value, "errors", (caught.value,))
    assert any(error.path in {name for name, _ in pairs} for error in told)
    assert getattr(caught.value, "exception", "") == "QueryParameterException"


def test_all_that_is_wrong_is_told_at_once() -> None:
    with pytest.raises(QueryRefused) as caught:
        ask(("foo", "1"), ("EQ_action", "ADD"), ("bar", "2"))
    assert [error.path for error in caught.value.errors] == ["foo", "bar"]


def test_a_header_of_extensions_gives_prefixes_or_is_refused() -> None:
    assert parse_extensions("a=https://a.example/, b = urn:b:") == {
        "a": "https://a.example/",
        "b": "urn:b:",
    }
    for wrong in ("a", "a=", "=https://a.example/", "a=b=c", "1a=https://a.example/"):
        with pytest.raises(QueryParameterError):
            parse_extensions(wrong)


names = st.one_of(st.sampled_from([*FIXED, *FAMILIES, *OPTIONS]), st.text(max_size=30))
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=5,
)


@given(st.dictionaries(names, anything, max_size=4))
@example({"EQ_quantity": 10**5000})
@example({"eventCountLimit": [10**5000]})
@example({"EQ_example:f": [10**5000, float("nan")]})
@example({"GE_eventTime": "0001-01-01T00:00:00+14:00"})
@example({"GE_eventTime": "9999-12-31T23:59:59-14:00"})
@example({"@context": 7, "EQ_ILMD_cbvmda:lotNumber": ["9" * 4001]})
def test_no_input_gives_anything_but_a_query_or_a_named_refusal(given: dict[str, Any]) -> None:
    pairs = [(name, _text(value)) for name, value in given.items()]
    for body in (True, False):
        try:
            query = parse_query(given, id_base=BASE) if body else ask(*pairs)
        except (QueryParameterError, QueryRefused, QueryTooComplex):
            continue
        assert isinstance(matches(query, Subject(EVENT, id_base=BASE)), bool)


def _text(value: Any) -> str:
    try:
        return str(value)[:5000]
    except ValueError:  # a number of more digits than Python writes
        return "9" * 5000


EVENT: dict[str, Any] = {
    "@context": [*event_context(BASE), {"ex": "https://ns.example.com/epcis/"}],
    "type": "ObjectEvent",
    "action": "OBSERVE",
    "eventID": "urn:uuid:b44e7b1c-1d0a-4d4f-8a5b-1a4f2f0f7a11",
    "eventTime": "2026-11-20T10:00:00.0005+07:00",
    "eventTimeZoneOffset": "+07:00",
    "bizStep": "shipping",
    "disposition": "in_transit",
    "persistentDisposition": {"set": ["completeness_verified"], "unset": ["recalled"]},
    "readPoint": {"id": "urn:epc:id:sgln:0614141.00777.dock", "ex:door": 3},
    "bizLocation": {"id": "https://id.gs1.org/414/0614141007776"},
    "epcList": ["https://id.gs1.org/01/08936012345674/10/L1/21/7"],
    "quantityList": [
        {"epcClass": "urn:epc:class:lgtin:893601234.0567.L1", "quantity": 2.5, "uom": "KGM"},
        {"epcClass": "https://id.gs1.org/01/08936012345674/10/L2", "quantity": 9},
    ],
    "bizTransactionList": [{"type": "po", "bizTransaction": "urn:x:po:12"}],
    "sourceList": [{"type": "owning_party", "source": "urn:epc:id:pgln:4012345.00225"}],
    "destinationList": [
        {"type": "location", "destination": "https://shop.example/414/0614141007776"}
    ],
    "errorDeclaration": {
        "declarationTime": "2026-11-21T00:00:00Z",
        "reason": "incorrect_data",
        "correctiveEventIDs": ["urn:uuid:404d95fc-9457-4a51-bd6a-0bba133845a8"],
        "ex:who": "An",
    },
    "ilmd": {
        "cbvmda:lotNumber": "L1",
        "cbvmda:harvestStartDate": "2026-11-18",
        "ex:grade": {"ex:letter": "A", "ex:points": [4, 5]},
    },
    "ex:weight": 12.5,
    "ex:when": "2026-11-19T00:00:00Z",
    "ex:box": {"ex:colour": "green", "@lang": "vi"},
    "ex:maker": {"id": "urn:epc:id:pgln:4012345.00225"},
    "sensorElementList": [
        {
            "sensorMetadata": {
                "time": "2026-11-20T02:00:00Z",
                "deviceID": "urn:epc:id:giai:4000001.111",
                "ex:cal": "x",
            },
            "sensorReport": [
                {"type": "Temperature", "value": 26.0, "uom": "CEL", "sDev": 1, "ex:raw": "7"},
                {"type": "RelativeHumidity", "meanValue": 61.5, "uom": "A93", "percRank": 50},
                {
                    "type": "gs1:Count",
                    "booleanValue": True,
                    "stringValue": "OK",
                    "hexBinaryValue": "f0",
                },
            ],
            "ex:el": 1,
        }
    ],
}

CITY: Attributes = {
    "urn:epcglobal:cbv:mda#city": ("Hà.Nội",),
    "urn:epcglobal:cbv:mda#latitude": (21.5,),
}
NAME: Attributes = {"urn:epcglobal:cbv:mda#name": ("An",)}
MASTERS: dict[str, Attributes] = {
    "https://id.gs1.org/414/0614141007776/254/dock": CITY,
    "https://id.gs1.org/414/0614141007776": CITY,
    "https://id.gs1.org/417/4012345002256": NAME,
    "https://id.gs1.org/01/08936012345674/10/L2": {
        "urn:epcglobal:cbv:mda#descriptionShort": ("Cải",)
    },
}


def master(uri: str) -> Attributes:
    return MASTERS.get(uri, {})


HITS = """
    eventType=ObjectEvent|TransactionEvent eventType=epcis:ObjectEvent
    GE_eventTime=2026-11-20T03:00:00Z LT_eventTime=2026-11-20T03:00:00.001Z
    EQ_action=ADD|OBSERVE EQ_bizStep=receiving|shipping EQ_disposition=in_transit
    EQ_persistentDisposition_set=completeness_verified EQ_persistentDisposition_unset=recalled
    EQ_readPoint=https://id.gs1.org/414/0614141007776/254/dock
    WD_readPoint=urn:epc:id:sgln:0614141.00777.0
    WD_bizLocation=https://x.example/414/0614141007776
    EQ_bizLocation=urn:epc:id:sgln:0614141.00777.0 MATCH_epc=urn:epc:id:sgtin:893601234.0567.7
    MATCH_epc=urn:epc:idpat:sgtin:893601234.0567.*
    MATCH_anyEPC=urn:epc:idpat:sgtin:893601234.*.*
    MATCH_epcClass=https://id.gs1.org/01/08936012345674/10/L1
    MATCH_anyEPCClass=urn:epc:class:lgtin:893601234.0567.L2 EQ_quantity=9 EQ_quantity=2.5
    GT_quantity=8 LE_quantity=2.5 EQ_quantity_KGM=2.5 EQ_quantity_GRM=2500 LT_quantity_TNE=1
    EQ_eventID=urn:uuid:b44e7b1c-1d0a-4d4f-8a5b-1a4f2f0f7a11 EXISTS_errorDeclaration=true
    GE_errorDeclarationTime=2026-11-21T00:00:00Z EQ_errorReason=incorrect_data
    EQ_correctiveEventID=urn:uuid:404d95fc-9457-4a51-bd6a-0bba133845a8
    EQ_ERROR_DECLARATION_example:who=An EXISTS_ERROR_DECLARATION_example:who=
    EQ_bizTransaction_po=urn:x:po:12 EQ_source_owning_party=https://id.gs1.org/417/4012345002256
    EQ_destination_location=urn:epc:id:sgln:0614141.00777.0 EQ_ILMD_cbvmda:lotNumber=L1|L9
    EXISTS_ILMD_example:grade= GE_ILMD_cbvmda:harvestStartDate=2026-11-18
    EQ_INNER_ILMD_example:letter=A GT_INNER_ILMD_example:points=4
    EXISTS_INNER_ILMD_example:points= EQ_example:weight=12.50 GE_example:weight=12.5
    LT_example:when=2026-11-20T00:00:00+07:00 EQ_INNER_example:colour=green
    HASATTR_readPoint=city HASATTR_bizLocation=x|cbvmda:city EQ_ATTR_bizLocation_city=Huế|Hà.Nội
    EQATTR_readPoint_urn:epcglobal:cbv:mda:city=Hà.Nội EQ_ATTR_epcClass_descriptionShort=Cải
    HASATTR_source=name HASATTR_example:maker=name EQ_ATTR_example:maker_name=An
    EQ_ATTR_readPoint_latitude=21.50
    EQ_readPoint_example:door=3 EXISTS_readPoint_example:door= EXISTS_sensorElementList=
    GE_time=2026-11-20T02:00:00Z EQ_type=Temperature EQ_type=gs1:Count
    EQ_deviceID=https://id.gs1.org/8004/4000001111 EQ_value_CEL=26 GE_value_FAH=78.8
    LT_value_KEL=300 EQ_sDev_KEL=1 EQ_sDev_FAH=1.8 GT_meanValue_A93=61 LE_percRank=50
    EQ_booleanValue=true EQ_stringValue=OK EQ_hexBinaryValue=F0 EQ_SENSORELEMENT_example:el=1
    EQ_SENSORMETADATA_example:cal=x GE_SENSORREPORT_example:raw=7
    EXISTS_SENSORREPORT_example:raw= EQ_bizStep=shipping&EQ_action=OBSERVE
"""
MISSES = """
    eventType=AggregationEvent GE_eventTime=2026-11-20T03:00:00.001Z
    LT_eventTime=2026-11-20T03:00:00Z GE_recordTime=2020-01-01T00:00:00Z EQ_action=ADD|DELETE
    EQ_bizStep=receiving EQ_disposition=active EQ_persistentDisposition_set=recalled
    EQ_readPoint=urn:epc:id:sgln:0614141.00777.0 WD_readPoint=urn:epc:id:sgln:0614141.00778.0
    EQ_transformationID=urn:x:1 MATCH_epc=https://id.gs1.org/01/08936012345674/10/L1
    MATCH_epcClass=https://id.gs1.org/01/08936012345674
    MATCH_epc=urn:epc:idpat:sgtin:893601235.*.* MATCH_parentID=urn:epc:id:sgtin:893601234.0567.7
    MATCH_inputEPC=urn:epc:id:sgtin:893601234.0567.7
    MATCH_outputEPCClass=https://id.gs1.org/01/08936012345674/10/L1
    MATCH_anyEPC=https://id.gs1.org/01/08936012345674/10/L1 GT_quantity=9 EQ_quantity_LTR=2.5
    GT_quantity_KGM=3 EQ_eventID=urn:uuid:0 LT_errorDeclarationTime=2026-11-21T00:00:00Z
    EQ_errorReason=did_not_occur EQ_bizTransaction_inv=urn:x:po:12
    EQ_source_possessing_party=https://id.gs1.org/417/4012345002256 EQ_ILMD_cbvmda:lotNumber=L2
    EQ_cbvmda:lotNumber=L1 EQ_ILMD_example:letter=A EQ_INNER_ILMD_cbvmda:lotNumber=L1
    LT_ILMD_cbvmda:harvestStartDate=2026-11-18 GT_example:weight=12.5 GT_example:when=5
    EQ_example:colour=green HASATTR_example:box=lang EQ_ATTR_example:box_lang=vi
    HASATTR_readPoint=name EQ_ATTR_bizLocation_city=Huế HASATTR_destination=name
    EQ_ATTR_epcClass_name=Cải HASATTR_readPoint=readPoint EQ_ATTR_example:weight_name=An
    EXISTS_example:nothing= EXISTS_INNER_example:weight= EQ_type=Pressure GT_value_CEL=26
    EQ_value_A93=26 EQ_value_PAL=26 EQ_sDev_FAH=33.8 EQ_booleanValue=false
    GE_startTime=2020-01-01T00:00:00Z EQ_bizStep=shipping&EQ_action=ADD EQ_microorganism=urn:x:y
"""


def answers(text: str) -> bool:
    pairs = [(part.partition("=")[0], part.partition("=")[2]) for part in text.split("&")]
    return matches(ask(*pairs), Subject(EVENT, id_base=BASE, master=master))


@pytest.mark.parametrize("text", HITS.split())
def test_an_event_answers_what_is_true_of_it(text: str) -> None:
    assert answers(text)


@pytest.mark.parametrize("text", MISSES.split())
def test_an_event_does_not_answer_what_is_not_true_of_it(text: str) -> None:
    assert not answers(text)


DIGITS = st.text("0123456789", min_size=7, max_size=7)
SERIAL = st.text("abcXYZ0189-._!%&/<>?*+", min_size=1, max_size=12).filter(lambda s: s != "*")


@given(DIGITS, st.integers(0, 9), st.text("0123456789", min_size=5, max_size=5), SERIAL)
def test_an_address_is_the_same_after_the_way_to_an_urn_and_back(
    prefix: str, ahead: int, item: str, serial: str
) -> None:
    quoted = quote(serial, safe="!'()*+,-.:;=_")
    for urn in (
        f"urn:epc:id:sgtin:{prefix}.{ahead}{item}.{quoted}",
        f"urn:epc:class:lgtin:{prefix}.{ahead}{item}.{quoted}",
        f"urn:epc:idpat:sgtin:{prefix}.{ahead}{item}.*",
        f"urn:epc:id:sscc:{prefix}.{ahead}{item}1234",
        f"urn:epc:id:sgln:{prefix}.{item}.{quoted}",
        f"urn:epc:id:pgln:{prefix}.{item}",
    ):
        link = digital_link_of(urn, BASE)
        if link == urn:
            continue  # not an identity that GS1 knows, and left alone
        assert link.startswith("https://id.gs1.org/")
        assert epc_urn_of(link, BASE, set()) == link
        back = epc_urn_of(link, BASE, {prefix})
        assert back != link
        assert same_thing(back, BASE) == same_thing(urn, BASE)


def test_only_things_places_parties_and_documents_are_written_anew() -> None:
    def mark(uri: str) -> str:
        return f"<{uri}>"

    changed = translated(EVENT, mark)
    kept = {
        *("eventID", "ilmd", "errorDeclaration", "sensorElementList", "ex:weight", "ex:box"),
        *("bizStep", "@context", "type"),
    }
    assert all(changed[name] == EVENT[name] for name in kept)
    assert changed["readPoint"] == {**EVENT["readPoint"], "id": mark(EVENT["readPoint"]["id"])}
    assert changed["epcList"] == [mark(uri) for uri in EVENT["epcList"]]
    assert changed["quantityList"][0]["epcClass"].startswith("<")
    assert changed["sourceList"][0]["source"].startswith("<")
    assert changed["bizTransactionList"][0]["bizTransaction"].startswith("<")

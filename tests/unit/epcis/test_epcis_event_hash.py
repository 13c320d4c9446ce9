"""The event hash: the same for the same event however it is written, another for any other."""

from __future__ import annotations

import copy
import re
from random import Random
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.epcis.epcis_events import CONTEXT, NAMESPACES, Forms, Json, Maker, document
from trace.core.epcis import event_hash, hash_document
from trace.core.epcis import vocabulary as words
from trace.core.epcis.hash_text import canonical, canonical_time
from trace.core.epcis.hashing import pre_hash
from trace.errors import Refused

SEEDS = st.integers(0, 2**32)
EVENT: Json = {
    "@context": CONTEXT,
    "type": "ObjectEvent",
    "eventTime": "2026-11-20T08:00:00+07:00",
    "eventTimeZoneOffset": "+07:00",
    "action": "OBSERVE",
    "epcList": ["urn:epc:id:sgtin:4012345.011111.987"],
}


def text(event: Json) -> str:
    return pre_hash(event).decode()


def test_the_text_hashed_is_in_the_standards_order() -> None:
    event = {
        **EVENT,
        "action": "ADD",
        "quantityList": [{"uom": "KGM", "epcClass": "https://a.example/01/04012345111118/10/L1"}],
        "bizStep": "packing",
        "disposition": "trace:ripe",
        "readPoint": {"id": "urn:epc:id:sgln:4012345.00005.0"},
        "sourceList": [{"source": "urn:epc:id:pgln:4012345.00225", "type": "location"}],
        "ilmd": {"cbvmda:lotNumber": "L1", "ext:b": [2, "01.50"]},
        "ext:z": True,
        "eventID": "urn:uuid:1",
        "recordTime": "2026-11-20T08:00:00+07:00",
    }
    assert text(event) == (
        "eventType=ObjectEventeventTime=2026-11-20T01:00:00.000ZeventTimeZoneOffset=+07:00"
        "epcListepc=https://id.gs1.org/01/04012345111118/21/987"
        "quantityListquantityElementepcClass=https://id.gs1.org/01/04012345111118/10/L1uom=KGM"
        "action=ADDbizStep=https://ref.gs1.org/cbv/BizStep-packing"
        "disposition=https://trace.example/voc/ripe"
        "readPointid=https://id.gs1.org/414/4012345000054"
        "ilmdcbvmda:lotNumber=L1{https://ns.example.com/ext/}b=1.5{https://ns.example.com/ext/}b=2"
        "sourceListtype=https://ref.gs1.org/cbv/SDT-locationsource=https://id.gs1.org/417/4012345002256"
        "{https://ns.example.com/ext/}z=True"
    )


def test_the_hash_is_a_named_information_address() -> None:
    assert re.fullmatch(r"ni:///sha-256;[0-9a-f]{64}\?ver=CBV2\.0", event_hash(EVENT))


def shuffled(value: Any, random: Random) -> Any:
    """The same with members and list elements in another order (nested lists are ordered)."""
    if isinstance(value, dict):
        names = list(value)
        random.shuffle(names)
        return {
            name: value[name] if name == "@context" else shuffled(value[name], random)
            for name in names
        }
    if isinstance(value, list):
        found = [shuffled(one, random) for one in value]
        random.shuffle(found)
        return found
    return value


@given(SEEDS, SEEDS)
def test_order_does_not_matter(seed: int, order: int) -> None:
    event = Maker(seed).event()
    assert event_hash(shuffled(event, Random(order))) == event_hash(event)


@given(SEEDS)
def test_urns_and_links_of_any_host_mean_the_same(seed: int) -> None:
    forms = (Forms(urn=1), Forms(urn=0, hosts=("https://id.gs1.org",)), Forms(), Forms(urn=0))
    assert len({event_hash(Maker(seed, form).event()) for form in forms}) == 1


@given(SEEDS, SEEDS)
def test_every_value_that_is_hashed_matters(seed: int, choice: int) -> None:
    event = Maker(seed).event()
    changed = copy.deepcopy(event)
    alter(changed, Random(choice))
    assert event_hash(changed) != event_hash(event)


def alter(event: Json, random: Random) -> None:
    """Changes one hashed value, or adds one."""
    names = [
        name
        for name in event
        if name not in ("@context", "eventID", "errorDeclaration", "type") and event[name]
    ]
    name = random.choice(names)
    node: Any = event
    step: Any = name
    while isinstance(node[step], dict | list) and node[step]:
        node = node[step]
        step = random.choice(list(node) if isinstance(node, dict) else list(range(len(node))))
    value = node[step]
    if isinstance(value, bool) or value is None or value in ([], {}):
        node[step] = "altered"
    elif isinstance(value, int | float):
        node[step] = value + 1
    elif re.match(r"\d{4}-\d\d-\d\dT", value):
        node[step] = "1999" + value[4:]
    else:
        node[step] = "altered" + value.replace(":", "")


@pytest.mark.parametrize("member", ["eventID", "recordTime", "errorDeclaration", "comment"])
def test_what_lies_outside_the_hash_does_not_change_it(member: str) -> None:
    values = {
        "eventID": "urn:uuid:1",
        "recordTime": "2026-11-21T00:00:00Z",
        "errorDeclaration": {"declarationTime": "2026-11-21T00:00:00Z"},
        "comment": "none",
    }
    assert event_hash({**EVENT, member: values[member]}) == event_hash(EVENT)


@given(SEEDS)
def test_a_document_gives_the_hashes_of_its_events(seed: int) -> None:
    maker = Maker(seed)
    events = [maker.event() for _ in range(3)]
    expected = [event_hash(event) for event in events]
    assert hash_document(orjson.dumps(document(events))) == expected
    assert hash_document(orjson.dumps(events[0])) == expected[:1]


def test_events_of_one_document_keep_their_own_prefixes() -> None:
    plain = {k: v for k, v in EVENT.items() if k != "@context"}
    one = document([])
    one["epcisBody"]["eventList"] = [
        {**plain, "own:x": 1, "@context": {"own": "https://a.example/"}},
        {**plain, "own:x": 1, "@context": {"own": "https://b.example/"}},
        {**plain, "ext:x": 1},
    ]
    first, second, third = hash_document(orjson.dumps(one))
    context = [*CONTEXT, {"own": "https://a.example/"}]
    assert first == event_hash({**plain, "own:x": 1, "@context": context})
    assert first != second
    assert third == event_hash({**EVENT, "ext:x": 1})


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("2005-04-03T20:33:31.116000-06:00", "2005-04-04T02:33:31.116Z"),
        ("2005-04-03T20:33:31-06:00", "2005-04-04T02:33:31.000Z"),
        ("2005-04-03t20:33:31z", "2005-04-03T20:33:31.000Z"),
        ("2005-04-03T20:33:31.1164Z", "2005-04-03T20:33:31.116Z"),
        ("2005-04-03T20:33:31.1165Z", "2005-04-03T20:33:31.116Z"),  # half to even
        ("2005-04-03T20:33:31.1175Z", "2005-04-03T20:33:31.118Z"),
        ("2005-04-03T20:33:31.1166999Z", "2005-04-03T20:33:31.117Z"),
        ("2005-12-31T23:59:59.9996Z", "2006-01-01T00:00:00.000Z"),
        ("2005-02-30T20:33:31Z", "2005-02-30T20:33:31Z"),  # no moment: left alone
        ("9999-12-31T23:59:59.9999-10:00", "9999-12-31T23:59:59.9999-10:00"),
    ],
)
def test_moments_are_written_in_milliseconds_of_utc(written: str, meant: str) -> None:
    assert canonical_time(written) == meant


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("1.50", "1.5"),
        ("+7", "7"),
        ("007", "7"),
        ("1e3", "1000"),
        ("-0", "0"),
        ("nan", "nan"),
        ("1e999", "1e999"),
        ("12 kg", "12 kg"),
        ("2026-11-20", "2026-11-20"),
        ("urn:epcglobal:cbv:bizstep:packing", "https://ref.gs1.org/cbv/BizStep-packing"),
        ("urn:epcglobal:cbv:disp:active", "https://ref.gs1.org/cbv/Disp-active"),
        ("urn:epc:id:sgtin:4012345.011111.a+b", "https://id.gs1.org/01/04012345111118/21/a%2Bb"),
        ("urn:epc:class:lgtin:4012345.011111.L", "https://id.gs1.org/01/04012345111118/10/L"),
        ("urn:epc:idpat:sgtin:4012345.011111.*", "https://id.gs1.org/01/04012345111118"),
        ("urn:epc:id:sscc:0614141.1234567890", "https://id.gs1.org/00/106141412345678908"),
        ("urn:epc:id:sgln:0614141.07346.12", "https://id.gs1.org/414/0614141073467/254/12"),
        ("urn:epc:id:sgln:0614141.07346.0", "https://id.gs1.org/414/0614141073467"),
        ("urn:epc:id:pgln:4012345.00225", "https://id.gs1.org/417/4012345002256"),
        ("urn:epc:id:grai:4012345.55555.9", "https://id.gs1.org/8003/040123455555549"),
        ("urn:epc:id:giai:4000001.111", "https://id.gs1.org/8004/4000001111"),
        ("urn:epc:id:gdti:0614141.00001.161", "https://id.gs1.org/253/0614141000012161"),
        ("urn:epc:id:gsrn:0614141.0000010253", "https://id.gs1.org/8018/061414100000102534"),
        ("urn:epc:id:gsrnp:0614141.0000010253", "https://id.gs1.org/8017/061414100000102534"),
        ("urn:epc:id:gsin:0614141.123456789", "https://id.gs1.org/402/06141411234567890"),
        ("urn:epc:id:ginc:0614141.xyz47", "https://id.gs1.org/401/0614141xyz47"),
        ("urn:epc:id:cpi:0614141.5PQ7.123", "https://id.gs1.org/8010/06141415PQ7/8011/123"),
        ("urn:epc:id:sgcn:4012345.67890.04711", "https://id.gs1.org/255/401234567890104711"),
        (
            "urn:epc:id:itip:4012345.011111.01.02.A",
            "https://id.gs1.org/8006/040123451111180102/21/A",
        ),
        ("urn:epc:id:upui:4012345.011111.A", "https://id.gs1.org/01/04012345111118/235/A"),
        (
            "https://a.example/x/01/04012345111118/10/L/21/S?17=261130",
            "https://id.gs1.org/01/04012345111118/21/S",
        ),
        ("https://a.example/01/4012345111118", "https://id.gs1.org/01/04012345111118"),
        (
            "https://a.example/01/04012345111118/22/V/10/L",
            "https://id.gs1.org/01/04012345111118/10/L",
        ),
        ("https://a.example/01/04012345111118/22/V", "https://id.gs1.org/01/04012345111118"),
        ("https://a.example/gtin/4012345111118/lot/L", "https://id.gs1.org/01/04012345111118/10/L"),
        # Not understood by the published generator, so left as they are:
        (
            "https://a.example/01/04012345111118/21/a%2Fb",
            "https://a.example/01/04012345111118/21/a%2Fb",
        ),
        ("https://localhost/01/04012345111118", "https://localhost/01/04012345111118"),
        ("https://trace.example/b/7K3QMP2XV4", "https://trace.example/b/7K3QMP2XV4"),
        ("urn:epc:id:sgtin:4012345.011111", "urn:epc:id:sgtin:4012345.011111"),
        ("urn:epc:id:sgtin:40123.0111113.1", "urn:epc:id:sgtin:40123.0111113.1"),
        ("urn:epc:x", "urn:epc:x"),
        ("urn:epc:id:sscc:0614141.", "urn:epc:id:sscc:0614141."),
    ],
)
def test_values_are_written_canonically(written: str, meant: str) -> None:
    assert canonical(written) == meant


def test_words_may_be_bare_or_addresses() -> None:
    for name, known in (("bizStep", words.BIZ_STEPS), ("disposition", words.DISPOSITIONS)):
        for word in known.words:
            bare = event_hash({**EVENT, name: word})
            assert event_hash({**EVENT, name: known.address_of(word)}) == bare
            assert event_hash({**EVENT, name: known.urn + word}) == bare


def test_an_extension_is_hashed_under_its_namespace_not_its_prefix() -> None:
    other = [words.EPCIS_CONTEXT, {"vendor": NAMESPACES["ext"]}]
    renamed = {**EVENT, "@context": other, "vendor:a": {"vendor:b": "vendor:c"}}
    assert event_hash(renamed) == event_hash({**EVENT, "ext:a": {"ext:b": "ext:c"}})


def test_a_transaction_without_a_type_is_hashed_by_the_rules() -> None:
    event = {**EVENT, "bizTransactionList": [{"bizTransaction": "urn:ex:po"}]}
    assert text(event).endswith("bizTransactionListbizTransaction=urn:ex:po")


@pytest.mark.parametrize(
    "event",
    [
        {},
        {"type": "ObjectEvent"},
        {**EVENT, "eventTime": 5},
        {**EVENT, "epcList": "urn:ex:1"},
        {**EVENT, "readPoint": "urn:ex:1"},
        {**EVENT, "sensorElementList": [{"sensorMetadata": {}}]},
        {**EVENT, "bizStep": []},
        {**EVENT, "ext:a": "\ud800"},
        {**EVENT, "ext:a": object()},
    ],
)
def test_what_is_no_event_has_no_hash_but_an_error(event: Json) -> None:
    with pytest.raises(Refused) as refused:
        event_hash(event)
    assert refused.value.errors


def test_a_document_with_a_wrong_event_names_its_path() -> None:
    one = document([])
    one["epcisBody"]["eventList"] = [{"type": "ObjectEvent"}]
    with pytest.raises(Refused) as refused:
        hash_document(orjson.dumps(one))
    assert "/epcisBody/eventList/0/eventTime" in [error.path for error in refused.value.errors]

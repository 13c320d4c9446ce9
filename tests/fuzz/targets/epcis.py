"""EPCIS: documents in JSON and XML, events, hashes, queries, schedules, free text."""

from __future__ import annotations

import json
from functools import partial
from typing import Any, Final

from tests.fuzz.target import broken, refused, same, target
from tests.golden.signed import ISSUER, KEY, KID
from tests.support.mutations import PUBLISHED, TEXTS
from tests.unit.epcis.epcis_events import CONTEXT, ID_BASE, NOW, Maker, document
from tests.unit.epcis.test_xml_fuzz import PIECES
from tests.unit.epcis.test_xml_fuzz import seeds as xml_seeds
from tests.unit.epcis.test_xml_round_trip import CREATED
from tests.unit.epcis.test_xml_round_trip import same as alike
from trace.core.epcis import (
    binding,
    context,
    event_hash,
    free_text,
    gate,
    hashing,
    own,
    parts,
    rules,
    thing_refs,
    things,
)
from trace.core.epcis.check import check_event
from trace.core.epcis.document import parse_document
from trace.core.epcis.xml import (
    json_form,
    names,
    parse_xml,
    reading,
    source,
    tables,
    values,
    write_xml,
)
from trace.core.statements import build_statement, present
from trace.core.statements.build import build_statements
from trace.core.statements.opening import open_signed

STATEMENT: Final = "urn:uuid:5f6d5b1e-6a0c-4c3e-8f6a-2b8f9c1d2e3f"
EVENTS: Final = tuple(Maker(seed).event() for seed in range(6))
NAMES: Final = (
    *(
        "type",
        "@context",
        "eventTime",
        "eventTimeZoneOffset",
        "epcList",
        "quantityList",
        "ilmd",
        "sensorElementList",
    ),
    *(
        "errorDeclaration",
        "_sd",
        "...",
        "recordTime",
        "eventID",
        "bizStep",
        "disposition",
        "readPoint",
        "sourceList",
    ),
    *(
        "bizTransactionList",
        "persistentDisposition",
        "parentID",
        "childEPCs",
        "inputEPCList",
        "outputQuantityList",
    ),
    *(
        "trace:members",
        "trace:notice",
        "trace:inputs",
        "trace:attachments",
        "certificationInfo",
        "uom",
        "quantity",
    ),
)
JSON: Final = (
    *(f'"{name}":'.encode() for name in NAMES),
    *(text for text in TEXTS if len(text) < 60),
    b'"ObjectEvent"',
    b'"TransformationEvent"',
    b'"urn:epc:id:sgtin:9521141.012345.1"',
    b'"2026-11-22T03:00:00Z"',
    b'"+07:00"',
)
NOTE: Final = {
    "@context": CONTEXT,
    "type": "ObjectEvent",
    "eventTime": "2026-11-22T02:00:00Z",
    "eventTimeZoneOffset": "+07:00",
    "action": "ADD",
    "epcList": [f"{ID_BASE}/b/7K3QMP2XV4"],
    "trace:note": "gọi 0912 345 678",
    "ilmd": {"trace:variety": "x"},
    "trace:inputs": [{"name": "Ure", "amount": 5, "unit": "KGM", "intervalDays": 7}],
    "bizStep": "trace:spraying",
}


def json_seeds() -> list[bytes]:
    made = [
        json.dumps(one, separators=(",", ":")).encode()
        for one in (*EVENTS, NOTE, document(list(EVENTS[:2])))
    ]
    return made + [file.read_bytes() for file in sorted((PUBLISHED / "json").glob("*.jsonld"))[:10]]


DEEP: Final = json.dumps(NOTE)[:-1].encode()
AROUND: Final = json.dumps(document([])).encode().partition(b'"eventList": [')


@target(
    *(parse_document, check_event, event_hash, thing_refs, gate.event_errors, gate.envelope_errors),
    *(
        rules.broken_rules,
        things.named_things,
        binding.read_event,
        hashing.hash_document,
        hashing.pre_hash,
    ),
    *(
        own.member_errors,
        context.prefixes,
        context.check_size,
        context.merged,
        context.undeclared_prefix,
        context.has_own_words,
    ),
    *(free_text.texts_with_numbers, write_xml, parse_xml, context.declared, binding.read_part),
    *(parts.Timestamp.read, parts.read_time, rules.breaches, build_statement, build_statements),
    seeds=json_seeds,
    words=JSON,
    longest=500_000,
    patterns=(
        (AROUND[0] + AROUND[1], b"{},", b"{}" + AROUND[2]),
        (AROUND[0] + AROUND[1], json.dumps(NOTE).encode() + b",", b"{}" + AROUND[2]),
        (DEEP + b',"epcList":[', b'"urn:epc:id:sgtin:9521141.012345.1",', b'""]}'),
        (DEEP + b',"ext:a":', b"[", b""),
        (DEEP + b',"trace:note":"', b"0912.", b'"}'),
        (DEEP + b',"@context":[', b'{"a":"b"},', b"{}]}"),
        (DEEP + b",", b'"ext:a":1,', b'"ext:b":1}'),
        (DEEP + b',"ilmd":{', b'"ext:a":{"ext:b":1},', b'"x:c":1}}'),
        (DEEP + b',"epcList":[', b'"https://id.gs1.org/01/09520123456788/21/%41",', b'""]}'),
        (DEEP + b',"eventID":"', b"a:", b'"}'),
        (DEEP + b',"ext:n":"', b"https://a/01/", b'"}'),
        (DEEP + b',"ext:l":[', b"[1],", b"{}]}"),
    ),
    usual=2000,
    heavy=True,
)
def epcis_json(data: bytes) -> None:
    found = refused(parse_document, data)
    if found is None:
        return
    if len(found.events) < 4:
        refused(hashing.hash_document, data)
    for path, event in zip(found.paths[:3], found.events[:3], strict=True):
        before = json.dumps(event)
        checked = refused(check_event, event, now=NOW, path=path, id_base=ID_BASE)
        hashed = refused(event_hash, event)
        wrong = (
            rules.broken_rules(event, now=NOW, id_base=ID_BASE)
            if not gate.event_errors(event)
            else []
        )
        list(free_text.texts_with_numbers(event))
        same("an event is left as it was", json.dumps(event), before)
        if checked is None:
            continue
        if wrong:
            broken("two judges disagree", wrong)
        refs = thing_refs(checked)
        same("each thing is named", len(refs), len(things.named_things(event)))
        if hashed is not None:
            _written_again(event, hashed)


def _written_again(event: dict[str, Any], hashed: str) -> None:
    made = refused(
        build_statement,
        event,
        issuer=ISSUER,
        kid=KID,
        key=KEY,
        statement_id=STATEMENT,
        valid_from=NOW,
        salts=bytes,
    )
    if made is not None:
        opened = open_signed(present(made), KEY.public).event
        kept = {name: value for name, value in event.items() if name != "recordTime"}
        same("signed and opened", opened, kept)
    same("hashed twice", event_hash(json.loads(json.dumps(event))), hashed)
    again = parse_xml(write_xml([event], created=CREATED)).events
    if not alike(again, [event]):
        broken("written as XML and read", event, again)


def small_xml() -> list[bytes]:
    return [
        *xml_seeds(),
        *(file.read_bytes() for file in sorted((PUBLISHED / "xml").glob("*.xml"))[:8]),
    ]


XML_HEAD: Final = (
    b"<epcis:EPCISDocument xmlns:epcis='urn:epcglobal:epcis:xsd:2' schemaVersion='2.0' "
    b"creationDate='2026-11-22T03:00:00Z'><EPCISBody><EventList>"
)
XML_TAIL: Final = b"</EventList></EPCISBody></epcis:EPCISDocument>"


@target(
    *(parse_xml, reading.take_in, reading.hash_any, source.is_xml, source.text_of, write_xml),
    *(check_event, names.may_be_prefix, names.split, values.number, values.technical),
    *(tables.attributes_of, tables.clean, tables.natural, tables.plain_word, json_form.text),
    *(json_form.attribute, json_form.keyed, json_form.member, json_form.members),
    seeds=small_xml,
    words=tuple(piece for piece in PIECES if len(piece) < 60),
    longest=1_000_000,
    patterns=(
        (XML_HEAD, b"<ObjectEvent/>", XML_TAIL),
        (XML_HEAD, b"<a>", XML_TAIL),
        (XML_HEAD + b"<ObjectEvent>", b"<epcList/>", b"</ObjectEvent>" + XML_TAIL),
        (XML_HEAD + b"<ObjectEvent>", b"<x:a xmlns:x='u:v'/>", b"</ObjectEvent>" + XML_TAIL),
        (b"<a ", b"b='c' ", b"/>"),
        (b"<?xml version='1.0'", b" ", b"?><a/>"),
        (b"<!DOCTYPE ", b"a", b">"),
        (
            XML_HEAD + b"<ObjectEvent><epcList>",
            b"<epc>urn:epc:id:sgtin:9521141.012345.1</epc>",
            b"</epcList></ObjectEvent>" + XML_TAIL,
        ),
        (XML_HEAD, b"<extension>", XML_TAIL),
        (b"<a>", b"&amp;", b"</a>"),
        (b"<a>", b"<!-- -->", b"</a>"),
        (XML_HEAD, b"x", XML_TAIL),
        (b"", b"<!DOCTYPE a>", b"<a/>"),
    ),
    usual=3000,
    heavy=True,
)
def epcis_xml(data: bytes) -> None:
    found = refused(parse_xml, data)
    if len(data) % 16 == 0:
        refused(reading.hash_any, data)
    same(
        "one door for both forms",
        refused(reading.take_in, data) is None,
        found is None or not source.is_xml(data),
    )
    if found is None:
        return
    good = [
        event
        for event in found.events[:3]
        if refused(partial(check_event, event, now=NOW, id_base=ID_BASE)) is not None
    ]
    for version in ("1.2", "2.0"):
        again = parse_xml(write_xml(good, created=CREATED, version=version)).events
        if not alike(again, good):
            broken("written again and read", version, good, again)
    if good:
        hashed = refused(event_hash, good[0])
        json_again = refused(parse_document, json.dumps(good[0]).encode())
        if json_again is not None:
            same("the same event in JSON", refused(event_hash, json_again.events[0]), hashed)

"""Queries, schedules, free text, texts that are hashed, and answers in XML."""

# What inputs are made of stands on lines of its own.
# ruff: noqa: E501

from __future__ import annotations

from datetime import timedelta, timezone
from typing import Any, Final
from urllib.parse import parse_qsl

from tests.fuzz.target import broken, json_of, refused, same, target, text_of
from tests.fuzz.targets.epcis import EVENTS, NOTE
from tests.unit.epcis.epcis_events import ID_BASE, NOW
from trace.core.epcis import free_text, hash_text, query_format, schedule
from trace.core.epcis.query_matching import (
    Subject,
    extension_values,
    matches,
    moment_of,
    no_master_data,
    number_of,
    things_of,
)
from trace.core.epcis.query_names import (
    attribute_name,
    full_name,
    is_like,
    known_prefixes,
    levels_of,
    member_name,
    parse_pattern,
    same_thing,
    word_address,
)
from trace.core.epcis.query_parsing import FIXED, parse_arguments, parse_extensions, parse_query
from trace.core.epcis.query_units import convert
from trace.core.epcis.query_values import is_address, name_is_known
from trace.core.epcis.vocabulary import BIZ_STEPS
from trace.core.epcis.xml import answers
from trace.core.gs1 import parse_identity

ZONE: Final = timezone(timedelta(hours=7))


def _queries() -> tuple[bytes, ...]:
    return tuple(
        text.encode()
        for text in (
            "eventType=ObjectEvent|AggregationEvent&GE_eventTime=2026-01-01T00:00:00Z&EQ_bizStep=shipping&orderBy=eventTime",
            "MATCH_epc=urn:epc:idpat:sgtin:9521141.012345.*&MATCH_anyEPC=https://id.gs1.org/01/09520123456788/21/1",
            "EQ_ILMD_https://ns.example.com/ext/x=1&GT_quantity_KGM=5&EXISTS_INNER_ILMD_ext:x=true",
            "HASATTR_readPoint=site&EQATTR_bizLocation_cbvmda:city=Hà Nội&EQ_source_owning_party=urn:x:y",
            "GE_value_CEL=5&LT_time=2026-01-01&EQ_type=Temperature&EQ_booleanValue=true&EQ_hexBinaryValue=AF",
            '{"EQ_bizStep":["shipping"],"GE_eventTime":"2026-01-01T00:00:00Z","@context":{"ext":"https://a/"},"EQ_ext:a":[1,"b"]}',
            '{"MATCH_epc":null,"EXISTS_errorDeclaration":false,"maxEventCount":5,"GT_sDev_KGM":1e5}',
            "ext=https://ns.example.com/ext/, b=urn:x:y",
            "urn:epc:id:sgtin:9521141.012345.1",
            "https://id.gs1.org/01/09521141123454/21/7",
            "GT_value_FAH=5&LE_quantity_GRM=5000",
            "EQ_ILMD_ext:a=1&EQ_bizLocation_ext:b=2&EQ_ext:c=3&WD_readPoint=https://id.gs1.org/414/9521234567899",
            "urn:epc:idpat:sscc:9521141.*",
            "cbv:BizStep-shipping",
            "https://ns.gs1.org/cbv/BizStep-shipping",
            "EQ_readPoint="
            + "|".join(["https://id.gs1.org/414/9521234567899"] * 3)
            + "&WD_bizLocation=urn:epc:id:sgln:9521141.12345.0",
        )
    )


NAMED: Final = tuple(sorted(FIXED))
SUBJECTS: Final = tuple(
    Subject(event, id_base=ID_BASE, record_time=NOW) for event in (*EVENTS, NOTE)
)


@target(
    *(
        parse_arguments,
        parse_query,
        parse_extensions,
        matches,
        parse_pattern,
        is_like,
        word_address,
    ),
    *(is_address, known_prefixes, same_thing, moment_of, number_of),
    *(query_format.digital_link_of, query_format.epc_urn_of, query_format.translated),
    *(name_is_known, member_name, attribute_name, full_name, levels_of, things_of),
    *(extension_values, convert, query_format.prefixes_of, no_master_data),
    seeds=_queries,
    words=(
        *(f"&{name}=".encode() for name in NAMED[::3]),
        b"&EQ_ILMD_",
        b"&EXISTS_INNER_",
        b"&GT_",
        b"&HASATTR_",
        b"&EQATTR_",
        b"_KGM=",
        b"ext:",
        b"|",
        b"cbv:",
        b"urn:epc:idpat:",
        b".*",
        b"1E5",
        b"2026-11-22T03:00:00+07:00",
        b"9999-12-31T23:59:59-12:00",
        b"&orderBy=",
        b"&maxEventCount=",
        b'"@context":{',
    ),
    longest=400_000,
    patterns=(
        (b"EQ_bizStep=", b"shipping|", b"x"),
        (b"", b"EQ_ILMD_ext:a=1&", b""),
        (b"EQ_ATTR_", b"_", b":=1"),
        (b"EQATTR_", b"a:_", b"=1"),
        (b'{"EQ_epc":[', b'"a",', b'"b"]}'),
        (b"EQ_", b":", b"=1"),
        (b"EQ_ext:", b"#", b"=1"),
        (b"", b"a=u:v,", b"b=u:v"),
        (b"MATCH_epc=urn:epc:idpat:sgtin:", b"9.", b"*"),
        (b"GT_quantity=", b"9", b""),
        (b'{"@context":[', b'{"a":"u:v"},', b"{}]}"),
        (b"EQ_quantity=1e", b"9", b""),
        (b"", b"x:y/", b""),
    ),
    usual=400,
)
def epcis_queries(data: bytes) -> None:
    text = text_of(data)
    pairs = parse_qsl(text, keep_blank_values=True)
    value = json_of(data)
    header = refused(parse_extensions, text)
    found = [
        refused(
            parse_arguments,
            pairs,
            id_base=ID_BASE,
            extensions=header or {"ext": "https://ns.example.com/ext/"},
        )
    ]
    if isinstance(value, dict):
        found.append(refused(parse_query, value, id_base=ID_BASE))
    for query in found:
        if query is not None:
            for subject in SUBJECTS:
                matches(query, subject)
    pattern = parse_pattern(text)
    if pattern is not None and not is_like(pattern, pattern.starts[0] + pattern.inside):
        broken("a pattern unlike itself", text)
    if refused(parse_identity, text, ID_BASE) is not None:
        link = query_format.digital_link_of(text, ID_BASE)
        same("one thing in another form", same_thing(link, ID_BASE), same_thing(text, ID_BASE))
        urn = query_format.epc_urn_of(text, ID_BASE, ("9521141", "952012345"))
        same("and in a third", same_thing(urn, ID_BASE), same_thing(text, ID_BASE))
    query_format.translated(EVENTS[len(data) % len(EVENTS)], lambda uri: text or uri)
    word_address(text, BIZ_STEPS, known_prefixes(ID_BASE, value))
    levels_of(text, ID_BASE)
    moment_of(text)
    number = number_of(text)
    if number is not None and not number.is_finite():
        broken("a number that is none", text)


@target(
    schedule.parse_schedule,
    schedule.Schedule.next_after,
    seeds=(
        b'{"hour":"1","minute":"5"}',
        b'{"second":"0/30"}',
        b'{"dayOfMonth":"[1-5],31","month":"2,[6-12]/2"}',
        b'{"dayOfWeek":"*","hour":23}',
        b'{"dayOfMonth":"29","month":"2","dayOfWeek":"1"}',
        b'{"dayOfMonth":"30","month":"2"}',
    ),
    words=(
        *(f'"{name}":'.encode() for name in schedule.FIELDS),
        b'"*"',
        b'"0/30"',
        b'"[1-5]"',
        b'"31"',
        b",",
        b"-",
        b"/",
        b"[",
        b"]",
        b'"29"',
    ),
    longest=3_000,
    patterns=((b'{"second":"', b"1,", b'1"}'), (b'{"second":"', b"[0-59],", b'1"}')),
    usual=150,
)
def schedules(data: bytes) -> None:
    fields = json_of(data)
    if not isinstance(fields, dict):
        return
    found = refused(schedule.parse_schedule, fields)
    if found is None:
        return
    due = found.next_after(NOW, ZONE)
    if due is None or due <= NOW or due - NOW > schedule.HORIZON:
        broken("never due, or due before", fields, due)
    local = due.astimezone(ZONE)
    if (
        local.second not in found.seconds
        or local.month not in found.months
        or local.day not in found.days
    ):
        broken("due when it is not", fields, due)


@target(
    *(free_text.personal_numbers, hash_text.canonical, hash_text.canonical_number),
    *(hash_text.canonical_time, hash_text.canonical_identifier),
    seeds=(
        "gọi 0912 345 678".encode(),
        b"CCCD: 001 099 012345",
        "đt+84(0)24.3333.4444".encode(),
        b"urn:epcglobal:cbv:bizstep:shipping",
        b"+007.500",
        b"1e5",
        b"2026-11-22T03:00:00.1235+07:00",
        b"https://example.com/gtin/9520123456788?x=1",
        b"urn:epc:id:sgtin:9521141.012345.1",
        "⑫½²".encode(),
        b"0001-01-01T00:00:00+14:00",
        b"https://id.gs1.org/01/09520123456788/10/A/21/B",
        b"urn:epc:class:lgtin:4012345.012345.998877",
    ),
    words=(
        b"09",
        b"84",
        b"CCCD ",
        "số ".encode(),
        b".",
        b"-",
        b" ",
        b"/01/",
        b"/10/",
        b"/21/",
        b"urn:epc:id:",
        b"https://",
        b"T",
        b"Z",
        b"+07:00",
        b"nan",
        b"inf",
        b"1_0",
        "٣".encode(),
    ),
    longest=300_000,
    patterns=(
        (b"", b"0 9 ", b""),
        (b"", b"1-", b""),
        (b"", b"12.34,56/", b""),
        (b"CCCD", b" ", b"001"),
        (b"", b"0912345678 ", b"a"),
        (b"", "½".encode(), b""),
        (b"https://a/", b"01/", b""),
        (b"urn:epc:id:sgtin:", b"1.", b""),
        (b"", b"0", b"9"),
        (b"2026-11-22T03:00:00.", b"1", b"Z"),
        (b"", b"9", b".5"),
    ),
    usual=120,
)
def texts_and_hashes(data: bytes) -> None:
    text = text_of(data)
    kinds = free_text.personal_numbers(text)
    if not set(kinds) <= {"phone", "identity"}:
        broken("a kind", kinds)
    bare = text.strip()
    if not bare:
        return
    once = hash_text.canonical(bare)
    time = hash_text.canonical_time(bare)
    same("a moment written once", hash_text.canonical_time(time), time)
    if "." not in bare and "urn:" not in bare and bare[0] <= "\x7f":
        same("a number written once", hash_text.canonical_number(once), once)


@target(
    *(answers.write_plain, answers.write_exception, answers.write_capture_job),
    seeds=(
        b'{"type":"epcisException:ValidationException","title":"x","status":400}',
        b'[1,null,"a",{"b":[true]}]',
        b'"\\u0000\\ud800"',
        b'{"captureID":"a","createdAt":"b","running":false,"errors":[{"type":"x"}]}',
    ),
    words=(
        b'"type":',
        b'"title":',
        b'"status":',
        b'"errors":',
        b'"running":',
        b"null",
        b"1e400",
        b'"\\u0001"',
        b'"<&>"',
    ),
    longest=200_000,
    patterns=((b"", b"[", b""), (b"[", b"1,", b"1]"), (b'{"a":"', b"<", b'"}')),
    usual=200,
)
def xml_answers(data: bytes) -> None:
    value = json_of(data)
    if value is None or not _tame(value):
        return
    answers.write_plain(value)
    if (
        isinstance(value, dict)
        and isinstance(value.get("errors", []), list)
        and all(isinstance(one, dict) for one in value.get("errors", []))
    ):
        answers.write_exception(value)
        answers.write_capture_job(value)


def _tame(value: Any, depth: int = 0) -> bool:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return depth < 40 and all(_tame(one, depth + 1) for one in inner)

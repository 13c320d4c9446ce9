"""Damaged documents: whatever is changed, an answer or named errors come, and soon.

What is still taken is held to more: its events are judged without a crash, can be written again
as XML of both versions, and come back as they were.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from random import Random
from time import perf_counter, process_time

import pytest

from tests.unit.epcis.epcis_events import ID_BASE, NOW, Json, Maker
from tests.unit.epcis.test_xml_round_trip import CREATED, VERSIONS, same
from tests.unit.epcis.xml_documents import NEW, OLD, SPACES, new, old
from trace.core.epcis import Document, check_event
from trace.core.epcis.xml import hash_any, parse_xml, write_xml
from trace.errors import Refused, TraceError

PIECES = (
    b"<", b">", b"/>", b"</", b"&", b"&amp;", b"&#0;", b"&#x10FFFF;", b"]]>", b"<![CDATA[", b"<!--",
    b"-->", b"<?x", b"?>", b"<!DOCTYPE a>", b"<!DOCTYPE a [<!ENTITY b 'c'>]>", b"<!ENTITY a 'b'>",
    b"\0", b"\x01", b"\xff", b"\xc3", b"\xed\xa0\x80", b"\xef\xbf\xbe", b"\xfe\xff", b" ", b"\r\n",
    b"<extension>", b"</extension>", b"<extension/>", b"<baseExtension>", b"<epcList/>", b"<type/>",
    b"<ObjectEvent/>", b"<ilmd/>", b"<a>", b"</a>", b"<ext:a>", b"<b:c/>", b"xmlns=''", b"1e999",
    b"xmlns='urn:x:y'", b"xmlns:ext='urn:z:z'", b"xsi:nil='true'", b"type=''", b"key='ext:k'",
    b"<f:map xmlns:f='http://www.w3.org/2005/xpath-functions' key='bizStep'>", b"</f:map>",
    b"<f:array xmlns:f='http://www.w3.org/2005/xpath-functions' key='epcList'/>",
    b"<f:number xmlns:f='http://www.w3.org/2005/xpath-functions' key='a:b'>1e5</f:number>",
    b"<f:string xmlns:f='http://www.w3.org/2005/xpath-functions' escaped='1' key='e:f'>\\ud800",
    b" ld:context='{}' xmlns:ld='http://www.w3.org/ns/json-ld#'", b"9" * 400, b"-0", b"NaN", b"INF",
    b"encoding='utf-16'", b"<?xml version='1.0' encoding='utf-7'?>", b"xml:lang='vi'", b"&lt;",
    b"'", b'"', b"urn:epcglobal:cbv:bizstep:", b"urn:epcglobal:epcis:xsd:1", b"{}", b"%00",
    b"\xf0\x9f",
)  # fmt: skip


def seeds() -> list[bytes]:
    events = [Maker(seed).event() for seed in range(6)]
    written = [
        write_xml(events[:2], created=CREATED, version=version, kind=kind)
        for version in VERSIONS
        for kind in ("document", "query")
    ]
    return [
        new(NEW, SPACES),
        old(OLD, SPACES),
        *written,
        *(write_xml([event], created=CREATED, kind="event") for event in events[2:4]),
        new(NEW, SPACES).decode().encode("utf-16"),
    ]


def damaged(data: bytes, random: Random, seeds: list[bytes]) -> bytes:
    for _ in range(random.choice((1, 1, 1, 2, 3, 8))):
        at, end = sorted(random.randrange(len(data) + 1) for _ in range(2))
        end = min(end, at + random.choice((1, 4, 20, 200)))
        kind = random.randrange(8)
        if kind == 0:
            data = data[:at] + data[end:]
        elif kind == 1:
            data = data[:at] + data[at:end] * random.choice((2, 3, 40)) + data[end:]
        elif kind == 2:
            other = random.choice(seeds)
            start = random.randrange(len(other))
            data = data[:at] + other[start : start + random.randrange(1, 300)] + data[end:]
        elif kind == 3 and data:
            place = random.randrange(len(data))
            data = data[:place] + bytes([random.randrange(256)]) + data[place + 1 :]
        elif kind == 4:
            places = [one for one in range(len(data)) if data[one : one + 1] == b"<"]
            place = random.choice(places) if places else 0
            data = data[:place] + random.choice(PIECES) + data[place:]
        elif kind == 5:
            data = data[:at]
        else:
            data = data[:at] + random.choice(PIECES) + data[end if kind == 6 else at :]
    return data


def judged(document: Document) -> list[int]:
    """The places of the events that pass every rule."""
    good = []
    for at, (path, event) in enumerate(zip(document.paths, document.events, strict=True)):
        errors = errors_of(partial(checked, event, path))
        assert all(error.path.startswith(path) for error in errors)
        if not errors:
            good.append(at)
    return good


def checked(event: Json, path: str) -> None:
    check_event(event, now=NOW, path=path, id_base=ID_BASE)


def errors_of(act: Callable[[], object]) -> tuple[TraceError, ...]:
    """What was refused, each by its name and in a sentence; anything else breaks the test."""
    try:
        act()
    except Refused as refused:
        named = all(error.code and error.detail for error in refused.errors)
        return refused.errors if named else ()
    return ()


def examine(data: bytes) -> str:
    """ "refused", "taken" or "kept" (taken, and an event of it passes every rule)."""
    try:
        document = parse_xml(data)
    except Refused as refused:
        return "refused" if all(one.code and one.detail for one in refused.errors) else "nameless"
    good = judged(document)
    assert not errors_of(lambda: hash_any(data)) or len(good) < len(document.events)
    events = [document.events[at] for at in good]
    for version in VERSIONS:
        again = parse_xml(write_xml(events, created=CREATED, version=version))
        assert same(again.events, events)
    return "kept" if events else "taken"


def fuzz(seed: int, seconds: float) -> dict[str, int]:
    """Damages documents for as long, and counts what became of them."""
    random, whole = Random(seed), seeds()
    counts = {"refused": 0, "taken": 0, "kept": 0}
    end = perf_counter() + seconds
    while perf_counter() < end:
        data = damaged(random.choice(whole), random, whole)
        began = process_time()
        try:
            counts[examine(data)] += 1
        except Exception:
            print(ascii(data))  # noqa: T201 -- what broke it is shown with the failure
            raise
        assert process_time() - began < 1, ascii(data[:2000])
    return counts


def test_seeds_are_kept_as_they_are() -> None:
    assert [examine(data) for data in seeds()] == ["kept"] * len(seeds())


def test_no_damage_crashes_or_hangs() -> None:
    counts = fuzz(2026, 2.0)
    assert min(counts.values()) > 0, counts


@pytest.mark.long
def test_no_damage_crashes_or_hangs_for_long() -> None:
    for seed in range(6):
        counts = fuzz(seed, 20.0)
        assert min(counts.values()) > 0, counts

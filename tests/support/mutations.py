"""Damaged EPCIS documents, JSON and XML, and what becomes of them: refused with names, or kept.

Half of the JSON is damaged as text, half as a tree: a member replaced, doubled, moved, taken away.
"""

from __future__ import annotations

import copy
import json
import os
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from pathlib import Path
from random import Random
from time import perf_counter, process_time
from typing import Any, Final

from tests.unit.epcis import test_xml_fuzz as xml
from tests.unit.epcis.epcis_events import ID_BASE, NOW, Json, Maker, document
from tests.unit.epcis.test_xml_round_trip import CREATED
from trace.core.epcis import Document, event_hash, parse_document, thing_refs
from trace.core.epcis.check import check_event
from trace.core.epcis.xml import parse_xml, write_xml
from trace.errors import Refused

SLOW: Final = 1.0  # seconds of the processor that no document may take
PUBLISHED: Final = Path(__file__).parents[3] / "shared" / "vectors" / "epcis"
TEXTS: Final = (
    b"{", b"}", b"[", b"]", b",", b":", b'"', b"\\", b"null", b"true", b"-0", b"1e999", b"NaN",
    b"1E400", b"9" * 400, b"0.1" + b"0" * 300, b"\\ud800", b"\\u0000", b"\0", b"\xff", b"\xc3",
    b"\xed\xa0\x80", b"\xef\xbb\xbf", b'"@context":[]', b'"type":"ObjectEvent"', b'"_sd":[]',
    b'"...":""', b'{"a":' * 80, b"[" * 80, b'"eventTime":"24:00"', b"\r\n", b" " * 300, b"/*",
)  # fmt: skip
VALUES: Final[tuple[Any, ...]] = (
    *(None, True, False, 0, -1, 1.5, 2**53, -(2**63), 2**200, 1e308, "", " ", "a" * 5000, "\x00"),
    *("é" * 300, "\ud7ff", "urn:epc:id:sgtin:", "urn:epc:idpat:sgtin:*.*.*", "https://", "//"),
    *("https://id.gs1.org/01/00000000000000/10/%00", "https://id.gs1.org/01/09520123456788/21/%2F"),
    *("2026-13-45T99:99:99Z", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59.999-12:00"),
    *("+25:00", "cbv:BizStep-", "gs1:", "ext:", ":", "x:y:z", "@id", "_:b0", "ni:///sha-256;x"),
    *([], {}, [[]], [{}], {"": {}}, {"@id": 1}, {"@value": {}}, [None], ["a"] * 300, {"id": []}),
    *({"type": "ObjectEvent"}, {"epcClass": "x"}, {"@context": {"@context": {}}}),
    {"a:b": {"c:d": {"e:f": {"g:h": [[[[[[1]]]]]]}}}},
)
NAMES: Final = (
    *("type", "@context", "eventTime", "epcList", "quantityList", "ilmd", "sensorElementList"),
    *(
        "errorDeclaration",
        "_sd",
        "...",
        "_sd_alg",
        "recordTime",
        "eventID",
        "a:b",
        "",
        "ext:",
        "@id",
    ),
    *("bizStep", "readPoint", "sourceList", "trace:members", "trace:notice", "\x00", "é" * 100),
)


@dataclass(slots=True)
class Outcome:
    """What became of the documents of one form."""

    form: str
    counts: Counter[str] = field(default_factory=Counter)
    slowest: float = 0.0
    seconds: float = 0.0

    @property
    def total(self) -> int:
        return sum(self.counts.values())


def json_seeds() -> list[bytes]:
    """Whole documents, single events, and the published ones where they lie."""
    made = [Maker(seed).event() for seed in range(12)]
    found = [json.dumps(document(made[at : at + 3])).encode() for at in range(0, 12, 3)]
    found += [json.dumps(one).encode() for one in made]
    found += [path.read_bytes() for path in sorted((PUBLISHED / "json").glob("*.jsonld"))]
    return found


def xml_seeds() -> list[bytes]:
    """The same in XML."""
    return xml.seeds() + [path.read_bytes() for path in sorted((PUBLISHED / "xml").glob("*.xml"))]


def damaged_json(data: bytes, random: Random, seeds: list[bytes]) -> bytes:
    """The document with something wrong, mostly."""
    if random.random() < 0.5:
        return _damaged_text(data, random, seeds)
    tree = json.loads(data)
    for _ in range(random.choice((1, 1, 1, 2, 4))):
        _damage(tree, random)
    return json.dumps(tree, ensure_ascii=random.random() < 0.5).encode("utf-8", "surrogatepass")


def _damaged_text(data: bytes, random: Random, seeds: list[bytes]) -> bytes:
    for _ in range(random.choice((1, 1, 2, 3, 8))):
        at, end = sorted(random.randrange(len(data) + 1) for _ in range(2))
        end = min(end, at + random.choice((1, 4, 20, 200)))
        kind = random.randrange(6)
        if kind == 0:
            data = data[:at] + data[end:]
        elif kind == 1:
            data = data[:at] + data[at:end] * random.choice((2, 3, 40)) + data[end:]
        elif kind == 2:
            other = random.choice(seeds)
            start = random.randrange(len(other))
            data = data[:at] + other[start : start + random.randrange(1, 300)] + data[end:]
        elif kind == 3:
            data = data[:at] + bytes([random.randrange(256)]) + data[at + 1 :]
        else:
            data = data[:at] + random.choice(TEXTS) + data[end if kind == 4 else at :]
    return data


def _places(value: Any, found: list[tuple[Any, Any]]) -> None:
    inner = value.items() if isinstance(value, dict) else enumerate(value)
    for name, one in inner:
        found.append((value, name))
        if isinstance(one, dict | list):
            _places(one, found)


def _damage(tree: Any, random: Random) -> None:
    places: list[tuple[Any, Any]] = []
    _places(tree, places)
    if not places:
        return
    around, name = random.choice(places)
    other, there = random.choice(places)
    kind = random.randrange(6)
    if kind == 0:
        del around[name]
    elif kind == 1:
        around[name] = copy.deepcopy(random.choice(VALUES))
    elif kind == 2:
        around[name] = copy.deepcopy(other[there])
    elif kind == 3 and isinstance(around, dict):
        around[random.choice(NAMES)] = around.pop(name)
    elif kind == 4 and isinstance(around, dict):
        around[random.choice(NAMES)] = copy.deepcopy(random.choice(VALUES))
    elif isinstance(around, list):
        around.insert(0, copy.deepcopy(around[name]))
    else:
        around[name] = [around[name]]


def examine_json(data: bytes) -> str:
    """ "refused", "taken" or "kept", as of XML; what is kept can be hashed, and written as XML."""
    try:
        found = parse_document(data)
    except Refused as refused:
        return _named(refused)
    good = xml.judged(found)
    for at in good:
        _use(found, at)
    return "kept" if good else "taken"


def _use(found: Document, at: int) -> None:
    event: Json = found.events[at]
    hashed = xml.errors_of(partial(_hash, event))
    assert not hashed or all(one.code for one in hashed)
    checked = check_event(event, now=NOW, path="", id_base=ID_BASE)
    thing_refs(checked)
    parse_xml(write_xml([event], created=CREATED))


def _hash(event: Json) -> None:
    event_hash(event)


def _named(refused: Refused) -> str:
    assert refused.errors
    assert all(one.code and one.detail for one in refused.errors)
    return "refused"


def damage(form: str, seed: int, count: int, examine: Callable[[bytes], str]) -> Outcome:
    """`count` damaged documents of a form, each examined; what breaks is raised with the document.
    No document may take longer than SLOW."""
    random = Random(seed)
    seeds = json_seeds() if form == "JSON" else xml_seeds()
    spoil = damaged_json if form == "JSON" else xml.damaged
    outcome, began = Outcome(form), perf_counter()
    for _ in range(count):
        data = spoil(random.choice(seeds), random, seeds)
        start = process_time()
        try:
            outcome.counts[examine(data)] += 1
        except Exception as error:
            raise AssertionError(ascii(data[:20_000])) from error
        took = process_time() - start
        outcome.slowest = max(outcome.slowest, took)
        assert took < SLOW, ascii(data[:20_000])
    outcome.seconds = perf_counter() - began
    return outcome


def report(outcomes: list[Outcome], at: datetime) -> str:
    """The page of what was tried."""
    cores, load = os.cpu_count(), os.getloadavg()[0]
    lines = [
        "# Damaged documents",
        "",
        f"Written by `tests/contract/test_epcis_mutations.py` on {at:%Y-%m-%d}.",
        f"{cores} cores, load {load:.1f} at the end.",
        f"No answer was a failure; none took {SLOW:g} s of the processor.",
        "",
        "| form | documents | refused, by name | no event kept | an event kept | slowest | whole |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    lines += [
        f"| {one.form} | {one.total:,} | {one.counts['refused']:,} | {one.counts['taken']:,} "
        f"| {one.counts['kept']:,} | {one.slowest * 1000:.0f} ms | {one.seconds:,.0f} s |"
        for one in outcomes
    ]
    return "\n".join(lines) + "\n"

"""Promises: an event hash is computed at least 25 times faster than by the published generator
(PyPI epcis-event-hash-generator; we aim for 60), cold, with codes never seen before, parsing and
checking the shape included; an event is judged in 60 µs and named in 110 µs.

The floor, in the same run and process: the published generator on the same bytes. It is given its
namespaces anew for each document, as a fresh process would have them. CPU time, least of several
rounds; every round has new codes, so that nothing remembered from the last one helps.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from itertools import count
from time import process_time
from typing import Any

import orjson
from epcis_event_hash_generator import (  # type: ignore[import-untyped]  # ships no types
    hash_generator,
    json_to_py,
)

from benchmarks import Figure, absolute, faster
from trace.core.epcis import (
    JsonObject,
    check_event,
    event_context,
    event_hash,
    hash_document,
    parse_document,
)
from trace.core.gs1 import check_digit

ID_BASE = "https://trace.example"
NOW = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)
ROUNDS = 4
# The generator takes some 7 ms a document: enough of them to measure, few enough to wait for.
SINGLE, LONG = 40, 200

_codes = count(1)


def harvest(number: int) -> JsonObject:
    """An event of the usual size: one lot with its master data, at one of a hundred places."""
    body = f"893600{number % 10**6:07d}"
    gln = f"893600{number % 100:06d}"
    place = {"id": f"{ID_BASE}/414/{gln}{check_digit(gln)}"}
    lot = f"L{number:07d}"
    return {
        "type": "ObjectEvent",
        "eventTime": f"2026-11-{1 + number % 20:02d}T08:{number % 60:02d}:00.000+07:00",
        "eventTimeZoneOffset": "+07:00",
        "action": "ADD",
        "bizStep": "commissioning",
        "disposition": "active",
        "quantityList": [
            {
                "epcClass": f"{ID_BASE}/01/{body}{check_digit(body)}/10/{lot}",
                "quantity": 120.5 + number % 7,
                "uom": "KGM",
            }
        ],
        "readPoint": place,
        "bizLocation": place,
        "ilmd": {
            "cbvmda:lotNumber": lot,
            "cbvmda:itemExpirationDate": "2026-11-30",
            "cbvmda:harvestStartDate": "2026-11-20",
            "trace:productName": "Rau muống",
            "trace:variety": "Lá tre",
        },
    }


def document(events: int) -> bytes:
    """A document of events with codes that no earlier document had."""
    return orjson.dumps(
        {
            "@context": event_context(ID_BASE),
            "type": "EPCISDocument",
            "schemaVersion": "2.0",
            "creationDate": "2026-11-22T03:00:00Z",
            "epcisBody": {"eventList": [harvest(next(_codes)) for _ in range(events)]},
        }
    )


def published(documents: list[bytes]) -> list[str]:
    """What the published generator says."""
    found: list[str] = []
    for data in documents:
        json_to_py._namespaces.clear()
        events = json_to_py.event_list_from_epcis_document_str(data)
        found += hash_generator.epcis_hashes_from_events(events)
    return found


def ours(documents: list[bytes]) -> list[str]:
    return [one for data in documents for one in hash_document(data)]


def microseconds(action: Callable[[Any], object], given: Any, events: int) -> float:
    start = process_time()
    action(given)
    return (process_time() - start) * 1e6 / events


def against_the_published(name: str, documents: int, events: int) -> Figure:
    """Both on the same new documents, in turns; they must agree, or the figure means nothing."""
    best, floor = float("inf"), float("inf")
    for _ in range(ROUNDS):
        given = [document(events) for _ in range(documents)]
        # Ours is done in a thousandth of a second: more of the same kind, or noise decides.
        more = [document(events) for _ in range(10 * documents)]
        best = min(best, microseconds(ours, more, len(more) * events))
        floor = min(floor, microseconds(published, given, documents * events))
        if ours(given) != published(given):
            raise AssertionError("the two generators disagree")
    return faster(name, best, "us/event", floor, 25)


def alone(name: str, action: Callable[[JsonObject], object], goal: float) -> Figure:
    best = float("inf")
    for _ in range(ROUNDS):
        events = parse_document(document(1000)).events
        best = min(best, microseconds(lambda some: [action(one) for one in some], events, 1000))
    return absolute(name, best, "us/event", "<=", goal)


def run() -> Iterable[Figure]:
    """The figures of this program."""
    logging.getLogger().setLevel(logging.WARNING)
    yield against_the_published("event hash, one event a document", SINGLE, 1)
    yield against_the_published("event hash, long document", 1, LONG)
    yield alone("event hash alone", event_hash, 110)
    yield alone("check_event", lambda one: check_event(one, now=NOW, id_base=ID_BASE), 60)

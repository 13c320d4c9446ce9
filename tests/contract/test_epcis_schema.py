"""The published JSON Schema of EPCIS 2.0 as an oracle for ours: both take and refuse alike.

They are asked about published documents, generated events and thousands of damaged ones. Where
they differ on purpose, `deviates` says so; docs/reference/events.md gives the reasons.
"""

from __future__ import annotations

import copy
import json
import re
from pathlib import Path
from random import Random
from typing import Any

import jsonschema_rs
import pytest

from tests.unit.epcis.epcis_events import CONTEXT, NOW, TYPES, Json, Maker
from trace.core.epcis import parse_document
from trace.core.epcis.gate import event_errors
from trace.core.epcis.rules import broken_rules
from trace.core.epcis.schema import DATE_TIME, URI, envelope_schema, event_schema

VECTORS = Path(__file__).parents[3] / "shared" / "vectors" / "epcis"
SCHEMA = VECTORS / "spec" / "EPCIS-JSON-Schema.json"
DOCUMENTS = sorted((VECTORS / "json").glob("*.jsonld"))
pytestmark = pytest.mark.skipif(
    not SCHEMA.exists(), reason="the published schema is not beside this project"
)


@pytest.fixture(scope="module")
def published() -> Any:
    """The published schema, formats on. Its `uri` is made lenient: with the strict reading it
    refuses the standard's own examples (blank nodes)."""
    address = re.compile(URI)
    moment = re.compile(DATE_TIME)
    return jsonschema_rs.Draft7Validator(
        json.loads(SCHEMA.read_text()),
        validate_formats=True,
        formats={
            "uri": lambda text: bool(address.match(text)),
            "date-time": lambda text: bool(moment.match(text)),
        },
    )


def ours_takes(event: Json) -> bool:
    return not event_errors(event) and not shape_rules(event)


def shape_rules(event: Json) -> list[str]:
    """Those of our rules that the published schema has too: what is named, where ilmd stands."""
    codes = {"nothing-named", "ilmd-not-allowed"}
    return [error.code for error in broken_rules(event, now=NOW) if error.code in codes]


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_both_take_every_published_event(path: Path, published: Any) -> None:
    for event in parse_document(path.read_bytes()).events:
        assert ours_takes(event)
        assert published.is_valid(without_deviations(event))


def without_deviations(event: Json) -> Json:
    """persistentDisposition is part of all five types in the standard's model, but the published
    schema has it on two only."""
    if event["type"] in ("ObjectEvent", "TransformationEvent"):
        return event
    return {name: value for name, value in event.items() if name != "persistentDisposition"}


@pytest.mark.parametrize("event_type", TYPES)
def test_both_take_generated_events_of_every_type(event_type: str, published: Any) -> None:
    for seed in range(60):
        event = Maker(seed).event(event_type)
        assert ours_takes(event), seed
        assert published.is_valid(without_deviations(event)), seed


VALUES: tuple[Any, ...] = (
    None, True, 7, -1, 2.5, "", "word", "urn:ex:1", "ex:b", "https://ns.gs1.org/cbv/BizStep-shipping",
    "urn:epcglobal:cbv:bizstep:shipping", "2026-11-20T08:00:00Z", "2026-11-20", "+07:00", "+15:00",
    "ADD", "DELETE", "shipping", "active", "po", "location", "Temperature", "x", "KGM", "kg",
    [], [{}], ["urn:ex:1"], ["urn:ex:1", "urn:ex:1"], [7], {}, {"id": "urn:ex:1"}, {"id": "word"},
)  # fmt: skip
NAMES = (
    "type", "action", "epcList", "quantityList", "parentID", "childEPCs", "bizStep", "readPoint",
    "ilmd", "transformationID", "inputEPCList", "outputQuantityList", "errorDeclaration", "word",
    "ext:word", "sensorElementList", "eventID", "certificationInfo", "uom", "id", "time",
)  # fmt: skip


def damaged(event: Json, random: Random) -> Json:
    """A copy with one or two members dropped, replaced or added."""
    event = copy.deepcopy(event)
    for _ in range(random.randint(1, 2)):
        node: Any = event
        while True:
            steps = (
                [s for s in node if s != "@context"] if isinstance(node, dict) else range(len(node))
            )
            if not steps:
                break
            step = random.choice(list(steps))
            if isinstance(node[step], dict | list) and node[step] and random.random() < 0.6:
                node = node[step]
                continue
            choice = random.random()
            if choice < 0.3:
                del node[step]
            elif choice < 0.7 or not isinstance(node, dict):
                node[step] = copy.deepcopy(random.choice(VALUES))
            else:
                node[random.choice(NAMES)] = copy.deepcopy(random.choice(VALUES))
            break
    return event


def deviates(event: Json, codes: list[tuple[str, str]], *, ours: bool) -> bool:
    """Whether we differ on purpose."""
    if ours:  # we take what the published schema refuses
        return False
    return all(any(rule(event, path, code) for rule in STRICTER) for path, code in codes)


def _empty_lists(event: Json, path: str, code: str) -> bool:
    # An event about an empty list of things is about nothing.
    return code == "nothing-named"


def _types_of_ones_own(event: Json, path: str, code: str) -> bool:
    # Event types of somebody's own cannot be checked, shown or signed with meaning.
    return path == "/type" and code in ("unknown-event-type", "missing-member")


def _units(event: Json, path: str, code: str) -> bool:
    # Sensor readings take the same unit codes as quantities (CBV), not any text.
    return code == "bad-unit" and path.startswith("/sensorElementList")


def _places(event: Json, path: str, code: str) -> bool:
    # A bare name in a place means nothing in JSON-LD; elsewhere the published schema says so too.
    return code == "unknown-member" and path.startswith(("/readPoint/", "/bizLocation/"))


def _repeats(event: Json, path: str, code: str) -> bool:
    # The published schema forbids a repeated thing in some lists only.
    return code == "wrong-count" and path in ("/childEPCs", "/epcList")


def _persistent(event: Json, path: str, code: str) -> bool:
    # Checked on all five types; the published schema knows it on two.
    return path.startswith("/persistentDisposition") and event != without_deviations(event)


STRICTER = (_empty_lists, _types_of_ones_own, _units, _places, _repeats, _persistent)


def test_both_refuse_the_same_damage(published: Any) -> None:
    taken = refused = 0
    for seed in range(3000):
        event = damaged(Maker(seed // 10).event(), Random(seed))
        theirs = published.is_valid(without_deviations(event) if "type" in event else event)
        codes = [(error.path, error.code) for error in event_errors(event)]
        codes = codes or [(f"/{code}", code) for code in shape_rules(event)]
        if theirs == (not codes):
            taken += theirs
            refused += not theirs
            continue
        assert deviates(event, codes, ours=not codes), (seed, codes, event)
    assert taken > 300
    assert refused > 1000


SEEN: Json = {
    "@context": CONTEXT,
    "type": "ObjectEvent",
    "eventTime": "2026-11-20T08:00:00Z",
    "eventTimeZoneOffset": "+07:00",
    "action": "OBSERVE",
    "epcList": ["urn:ex:1"],
}
PACKED: Json = {**SEEN, "type": "AggregationEvent", "parentID": "urn:ex:2", "epcList": None}
WE_REFUSE: dict[str, tuple[Json, str]] = {
    "an empty list of things": ({**SEEN, "epcList": []}, "nothing-named"),
    "a type of one's own": ({**SEEN, "type": "ext:Ceremony"}, "unknown-event-type"),
    "a unit in words": (
        {**SEEN, "sensorElementList": [{"sensorReport": [{"type": "Mass", "uom": "gram"}]}]},
        "bad-unit",
    ),
    "a bare name in a place": (
        {**SEEN, "readPoint": {"id": "urn:ex:3", "name": "north"}},
        "unknown-member",
    ),
    "a child twice": ({**PACKED, "childEPCs": ["urn:ex:1", "urn:ex:1"]}, "wrong-count"),
    "an address of a word that does not exist": (
        {**SEEN, "bizStep": "https://ref.gs1.org/cbv/BizStep-sending"},
        "unknown-word",
    ),
}
WE_TAKE: dict[str, Json] = {
    "a persistent disposition on any type": {
        **PACKED,
        "childEPCs": ["urn:ex:1"],
        "persistentDisposition": {"set": ["damaged"]},
    },
    "a measurement type by its full address": {
        **SEEN,
        "sensorElementList": [{"sensorReport": [{"type": "https://gs1.org/voc/Temperature"}]}],
    },
}


def present(event: Json) -> Json:
    return {name: value for name, value in event.items() if value is not None}


@pytest.mark.parametrize("name", WE_REFUSE)
def test_where_we_are_stricter_on_purpose(name: str, published: Any) -> None:
    event, code = WE_REFUSE[name]
    event = present(event)
    assert published.is_valid(event)
    found = [error.code for error in event_errors(event)] or shape_rules(event)
    assert found == [code]


@pytest.mark.parametrize("name", WE_TAKE)
def test_where_we_are_more_lenient_on_purpose(name: str, published: Any) -> None:
    event = present(WE_TAKE[name])
    assert not published.is_valid(event)
    assert ours_takes(event)


def test_our_schemas_are_valid_themselves() -> None:
    for schema in (envelope_schema(), *(event_schema(event_type) for event_type in TYPES)):
        assert jsonschema_rs.meta.is_valid(schema)

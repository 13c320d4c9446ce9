"""Published EPCIS XML documents and schemas, and the published event hash generator, as oracles.

The documents are those of the standard's working group (XML folder). Where they are not at hand
the same ground is covered by tests/unit/epcis/test_xml_*.py.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
from epcis_event_hash_generator import (  # type: ignore[import-untyped]  # ships no types
    hash_generator,
    xml_to_py,
)
from lxml import etree

from tests.unit.epcis.epcis_events import ID_BASE, NOW, TYPES, Json, Maker
from tests.unit.epcis.test_xml_round_trip import same
from trace.core.epcis import check_event, event_hash, parse_document
from trace.core.epcis.xml import parse_xml, write_capture_job, write_exception, write_xml
from trace.core.epcis.xml.writing import Version
from trace.errors import Refused

VECTORS = Path(__file__).parents[3] / "shared" / "vectors" / "epcis"
FOLDER = VECTORS / "xml"
DOCUMENTS = sorted(path.name for path in FOLDER.glob("*.xml"))
JSON = sorted(path.name for path in (VECTORS / "json").glob("*.jsonld"))
CREATED = "2026-11-22T03:00:00Z"
VERSIONS: tuple[Version, ...] = ("2.0", "1.2")

FIRST = "/epcisBody/eventList/0/sensorElementList/0"
# Readings of 2019 in events of 2005 and 2013, as in the JSON examples.
READINGS_LATER = [
    (f"{FIRST}/sensorMetadata/time", "sensor-after-event"),
    (f"{FIRST}/sensorMetadata/startTime", "sensor-after-event"),
    (f"{FIRST}/sensorMetadata/endTime", "sensor-after-event"),
    (f"{FIRST}/sensorReport/0/time", "sensor-after-event"),
]
NOT_EPCIS = [("", "not-epcis")]
REPORTS = "/epcisBody/eventList/8/sensorElementList/0/sensorReport"
REFUSED = {
    "WithFullCombinationOfFields_aggregation_event_all_possible_fields.xml": READINGS_LATER,
    "WithFullCombinationOfFields_transaction_event_all_possible_fields.xml": READINGS_LATER,
    # Reports need a type in the JSON schema, and their JSON twin has one; "Bizstep-" is no
    # spelling of CBV's "BizStep-", and the JSON twin has the bare word.
    "WithSensorData_SensorDataExamples.xml": [
        (f"{REPORTS}/0/type", "missing-member"),
        (f"{REPORTS}/1/type", "missing-member"),
        ("/epcisBody/eventList/12/bizStep", "unknown-word"),
        ("/epcisBody/eventList/13/bizStep", "unknown-word"),
    ],
    # Master data by itself and capture jobs are no documents of events.
    "CBV_CBV-11.4-2020-06-16a.xml": NOT_EPCIS,
    "CaptureJob_Example-CaptureJobSuccess.xml": NOT_EPCIS,
    "CaptureJob_Example-CaptureJobWithErrors.xml": NOT_EPCIS,
}
ASSOCIATIONS = "AssociationEvent_AssociationEventExamples.xml"
SENSORS = "WithSensorData_SensorDataExamples.xml"
# (JSON document, its event, XML document, its event): published twins that say the same. The other
# pairs of like names differ in what they say (times, prefixes' addresses, members left out).
TWINS = (
    ("AssociationEvent_AssociationEvent-a.jsonld", 0, ASSOCIATIONS, 0),
    ("AssociationEvent_AssociationEvent-c.jsonld", 0, ASSOCIATIONS, 2),
    ("AssociationEvent_AssociationEvent-e.jsonld", 0, ASSOCIATIONS, 4),
    ("Example_9.6.1-ObjectEvent.jsonld", 0, "Mimasu_Example1.xml", 0),
    ("EPCISQueryDocument.jsonld", 0, "Mimasu_Example1.xml", 0),
    ("WithSensorData_SensorDataExample3.jsonld", 0, SENSORS, 2),
    ("WithSensorData_SensorDataExample5.jsonld", 0, SENSORS, 4),
)
# Where the generator's own hash of XML is not its own hash of the JSON twin: it hashes XML
# Schema's attributes (nil, type), writes booleans in small letters, and leaves prefixes in values
# as they are. We hash the twin.
OTHERWISE = {
    "WithErrorDeclaration_ErrorDeclarationAndCorrectiveEvent.xml": {0, 1},  # nil
    "WithFullCombinationOfFields_aggregation_event_all_possible_fields.xml": {0},  # type, boolean
    "WithFullCombinationOfFields_transaction_event_all_possible_fields.xml": {0},
    SENSORS: {5, 6, 7, 8, 9, 11},  # prefixes, boolean
}

pytestmark = [
    pytest.mark.skipif(not DOCUMENTS, reason="the published documents are not beside this project"),
    pytest.mark.filterwarnings("ignore:open_text is deprecated:DeprecationWarning"),
]


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


@pytest.fixture(scope="module")
def schemas() -> dict[tuple[str, str], etree.XMLSchema]:
    folder = VECTORS / "spec" / "xsd"
    return {
        (kind, version): etree.XMLSchema(
            etree.parse(folder / f"EPCglobal-epcis{name}-{version.replace('.', '_')}.xsd")
        )
        for kind, name in (("document", ""), ("query", "-query"))
        for version in VERSIONS
    }


def findings(name: str) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    try:
        document = parse_xml((FOLDER / name).read_bytes())
    except Refused as refused:
        return [(error.path, error.code) for error in refused.errors]
    for path, event in zip(document.paths, document.events, strict=True):
        try:
            checked = check_event(event, now=NOW, path=path, id_base=ID_BASE)
        except Refused as refused:
            found += [(error.path, error.code) for error in refused.errors]
        else:
            assert checked.to_json() == event
    return found


@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_published_document_is_taken_or_refused_for_its_reason(name: str) -> None:
    assert findings(name) == REFUSED.get(name, [])


def test_the_documents_told_of_are_all_there() -> None:
    assert len(DOCUMENTS) >= 16
    assert sorted(path.name for path in FOLDER.rglob("*") if path.is_file()) == DOCUMENTS
    assert {*REFUSED, *OTHERWISE, *(twin[2] for twin in TWINS)} <= set(DOCUMENTS)


def spoken(event: Json) -> Json:
    """What an event says, without how namespaces were declared and a given identifier."""
    return {name: value for name, value in event.items() if name not in ("@context", "eventID")}


@pytest.mark.parametrize("twin", TWINS, ids=lambda twin: f"{twin[0]}-{twin[3]}")
def test_published_twins_have_one_hash_and_say_the_same(twin: tuple[str, int, str, int]) -> None:
    json = parse_document((VECTORS / "json" / twin[0]).read_bytes()).events[twin[1]]
    xml = parse_xml((FOLDER / twin[2]).read_bytes()).events[twin[3]]
    assert event_hash(json) == event_hash(xml)
    said = spoken(json)
    # One moment written with six decimals and with three.
    said["eventTime"] = said["eventTime"].replace(".116000", ".116")
    assert same(said, spoken(xml))


@pytest.mark.parametrize("name", [name for name in DOCUMENTS if REFUSED.get(name) != NOT_EPCIS])
def test_the_published_generator_gives_our_hashes_for_xml(name: str) -> None:
    data = (FOLDER / name).read_bytes()
    try:
        events = xml_to_py.event_list_from_epcis_document_str(data.decode("utf-8-sig"))
        texts = hash_generator.derive_prehashes_from_events(events)
    except IndexError:
        assert "Example-TransactionEvent" in name  # a transaction without type stops it
        return
    published = hash_generator.calculate_hashes_from_pre_hashes(texts)
    differ = set()
    for at, event in enumerate(parse_xml(data).events):
        try:
            ours = event_hash(event)
        except Refused:
            assert (name, at) == (SENSORS, 8)  # the reports without type
            ours = ""
        if ours != published[at]:
            differ.add(at)
    assert differ == OTHERWISE.get(name, set())


def valid(schema: etree.XMLSchema, data: bytes) -> None:
    schema.assertValid(etree.fromstring(data))


@pytest.mark.parametrize("version", VERSIONS)
def test_published_events_are_written_valid_and_come_back(
    version: Version, schemas: dict[tuple[str, str], etree.XMLSchema]
) -> None:
    parsed = [parse_document((VECTORS / "json" / name).read_bytes()) for name in JSON]
    parsed += [
        parse_xml((FOLDER / name).read_bytes())
        for name in DOCUMENTS
        if REFUSED.get(name) != NOT_EPCIS
    ]
    for document in parsed:
        if version == "1.2":  # whose empty lists say nothing
            document.events[:] = [
                {k: v for k, v in one.items() if v != []} for one in document.events
            ]
        for kind in ("document", "query"):
            written = write_xml(document.events, created=CREATED, version=version, kind=kind)
            valid(schemas[kind, version], written)
            assert same(parse_xml(written).events, document.events)


@pytest.mark.parametrize("event_type", TYPES)
def test_generated_events_are_written_valid(
    event_type: str, schemas: dict[tuple[str, str], etree.XMLSchema]
) -> None:
    events = [Maker(seed).event(event_type) for seed in range(40)]
    for (kind, version), schema in schemas.items():
        for form in ("urn", "web"):
            valid(schema, write_xml(events, created=CREATED, version=version, kind=kind, form=form))  # type: ignore[arg-type]  # all four are of their types


def test_problems_and_capture_jobs_are_written_valid(
    schemas: dict[tuple[str, str], etree.XMLSchema],
) -> None:
    problem = {
        "type": "epcisException:ValidationException",
        "title": "a < b",
        "status": 400,
        "detail": "Rau muống\0",
        "code": "bad",
        "errors": [{"code": "bad", "path": "/a"}, None, True, 1.5],
    }
    job = {
        "captureID": "1",
        "running": False,
        "success": False,
        "captureErrorBehaviour": "proceed",
        "createdAt": CREATED,
        "finishedAt": CREATED,
        "errors": [problem, problem],
    }
    for written in (
        write_exception(problem),
        write_capture_job(job),
        write_capture_job({**job, "errors": []}),
        write_capture_job(
            {k: v for k, v in job.items() if k != "errors"} | {"errorFile": "urn:x:y"}
        ),
    ):
        valid(schemas["document", "2.0"], written)

"""Published EPCIS 2.0 documents: each is taken, or refused at the places and for the reason below.

The documents are those of the standard's working group (JSON folder). Where they are not at hand
the same ground is covered by tests/unit/epcis, which asks for every member and every rule.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.epcis.epcis_events import ID_BASE, NOW
from trace.core.epcis import check_event, parse_document, thing_refs
from trace.errors import Refused

FOLDER = Path(__file__).parents[3] / "shared" / "vectors" / "epcis" / "json"
DOCUMENTS = sorted(path.name for path in FOLDER.glob("*.jsonld"))

# The examples with all fields report readings of 2019 in events of 2005 and 2013. The conformance
# requirements ask that a sensor's times are not after the event's, so they are right to be refused.
SENSOR = "/epcisBody/eventList/0/sensorElementList/0"
READINGS_LATER = [
    (f"{SENSOR}/sensorMetadata/time", "sensor-after-event"),
    (f"{SENSOR}/sensorMetadata/startTime", "sensor-after-event"),
    (f"{SENSOR}/sensorMetadata/endTime", "sensor-after-event"),
    (f"{SENSOR}/sensorReport/0/time", "sensor-after-event"),
]
REFUSED = {
    f"WithFullCombinationOfFields_{kind}_event_all_possible_fields.jsonld": READINGS_LATER
    for kind in ("object", "aggregation", "transformation")
}


def test_published_documents_are_at_hand_or_their_absence_is_said() -> None:
    if not DOCUMENTS:
        pytest.skip("the published documents are not beside this project")
    assert len(DOCUMENTS) >= 24
    assert set(REFUSED) <= set(DOCUMENTS)
    # Every file that lies there is one of those asked about, whatever its name ends with.
    assert sorted(path.name for path in FOLDER.rglob("*") if path.is_file()) == DOCUMENTS


@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_published_document_is_taken_or_refused_for_its_reason(name: str) -> None:
    document = parse_document((FOLDER / name).read_bytes())
    assert document.events
    found: list[tuple[str, str]] = []
    for path, event in zip(document.paths, document.events, strict=True):
        try:
            checked = check_event(event, now=NOW, path=path, id_base=ID_BASE)
        except Refused as refused:
            found += [(error.path, error.code) for error in refused.errors]
        else:
            assert checked.to_json() == event
            assert all(":" in thing.uri for thing in thing_refs(checked))
    assert found == REFUSED.get(name, [])

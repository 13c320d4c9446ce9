"""The readings behind what sensors reported, for an authority: of goods within its reach only, and
every look leaves a line in the audit log. Everybody else reads what the series comes to."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from trace.core.epcis import JsonObject
from trace.errors import NotFound
from trace.models import SensorReading
from trace.services.actors import Actor
from trace.services.audit import write_audit
from trace.services.chains_events import Opened
from trace.services.sensors_readings import told_in


def devices_of(document: JsonObject) -> list[str]:
    """The devices an event's sensor elements name."""
    found: list[str] = []
    elements: Any = document.get("sensorElementList")
    for element in elements if isinstance(elements, list) else ():
        metadata = element.get("sensorMetadata") if isinstance(element, dict) else None
        device = metadata.get("deviceID") if isinstance(metadata, dict) else None
        if isinstance(device, str) and device not in found:
            found.append(device)
    return found


def has_readings(opened: Opened) -> bool:
    """Whether there is anything to look at: that alone is no look."""
    return bool(opened.reach) and bool(told_in(opened.row.id, devices_of(opened.document), most=1))


def readings_of(actor: Actor, opened: Opened, *, at: datetime) -> list[SensorReading]:
    """The readings an event was folded from, for who opened it on the desk. The caller commits.
    Raises NotFound where the event is out of reach or none are kept."""
    found = told_in(opened.row.id, devices_of(opened.document)) if opened.reach else []
    if not found:
        raise NotFound
    write_audit(
        actor,
        "sensor.readings-inspected",
        f"event:{opened.row.id}",
        at=at,
        organisation_code=opened.issuer.code,
        readings=len(found),
    )
    return found

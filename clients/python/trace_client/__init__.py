"""A small typed client of Trace's interface for programs. See README.md."""

from trace_client.client import Client
from trace_client.device import Device
from trace_client.errors import Changed, Failed, NotReached, Refused, TooMany, Wrong
from trace_client.records import Event, Recorded, Thing

__all__ = [
    "Changed",
    "Client",
    "Device",
    "Event",
    "Failed",
    "NotReached",
    "Recorded",
    "Refused",
    "Thing",
    "TooMany",
    "Wrong",
]

"""A small typed client of Trace's interface for programs. See README.md."""

from trace_client.client import Client
from trace_client.errors import Changed, NotReached, Refused, Wrong
from trace_client.records import Event, Recorded, Thing

__all__ = [
    "Changed",
    "Client",
    "Event",
    "NotReached",
    "Recorded",
    "Refused",
    "Thing",
    "Wrong",
]

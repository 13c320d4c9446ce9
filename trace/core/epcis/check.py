"""check_event: the one judgement on an event, whatever door it came in by."""

from __future__ import annotations

from datetime import datetime

from trace.core.epcis.binding import read_event
from trace.core.epcis.events import Event
from trace.core.epcis.gate import event_errors
from trace.core.epcis.rules import broken_rules
from trace.core.epcis.strict_json import JsonObject
from trace.errors import Refused


def check_event(
    obj: JsonObject, *, now: datetime, path: str = "", id_base: str | None = None
) -> Event:
    """The typed event of a JSON-LD event object with its own `@context`.

    `path` is put before the path of every error. `id_base` lets our own codes and words be checked;
    without it they count as foreign addresses. Raises Refused with every error found: first what
    the schema finds, and when the shape is right, what the rules find.
    """
    found = event_errors(obj) or broken_rules(obj, now=now, id_base=id_base)
    if found:
        for error in found:
            error.at(path)
        raise Refused(found)
    return read_event(obj)

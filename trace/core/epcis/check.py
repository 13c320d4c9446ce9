"""check_event: the one judgement on an event, whatever door it came in by."""

from __future__ import annotations

from datetime import datetime

from trace.core.epcis.binding import read_event
from trace.core.epcis.events import Event
from trace.core.epcis.gate import event_errors
from trace.core.epcis.rules import Around, breaches
from trace.core.epcis.strict_json import JsonObject
from trace.errors import Refused


class Checker:
    """check_event for the events of one document: what their common `@context` declares is read
    once. `now` and `id_base` are check_event's."""

    __slots__ = ("_around", "_id_base", "_now")

    def __init__(self, *, now: datetime, id_base: str | None = None) -> None:
        self._now = now
        self._id_base = id_base
        self._around: Around | None = None

    def check(self, obj: JsonObject, *, path: str = "") -> None:
        """Raises Refused with every error found; `path` is put before the path of each."""
        found = event_errors(obj)
        if not found:
            around = self._around
            if around is None or around.context is not obj["@context"]:
                around = self._around = Around(obj["@context"], self._now, self._id_base)
            found = breaches(obj, around)
        if found:
            for error in found:
                error.at(path)
            raise Refused(found)


def check_event(
    obj: JsonObject, *, now: datetime, path: str = "", id_base: str | None = None
) -> Event:
    """The typed event of a JSON-LD event object with its own `@context`.

    `path` is put before the path of every error. `id_base` lets our own codes and words be checked;
    without it they count as foreign addresses. Raises Refused with every error found: first what
    the schema finds, and when the shape is right, what the rules find.
    """
    Checker(now=now, id_base=id_base).check(obj, path=path)
    return read_event(obj)

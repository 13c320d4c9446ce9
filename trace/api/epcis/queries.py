"""Query parameters of `GET /events` into a Query. Unknown parameters are refused, never ignored."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

from werkzeug.datastructures import MultiDict

from trace.api.epcis.problems import QueryParameterError
from trace.services.epcis import Query

LISTS: Final = {
    "eventType": "event_types",
    "EQ_action": "actions",
    "EQ_bizStep": "biz_steps",
    "EQ_disposition": "dispositions",
    "EQ_readPoint": "read_points",
    "EQ_bizLocation": "biz_locations",
    "EQ_eventID": "event_ids",
}
# Which roles a MATCH_ parameter looks at (EPCIS 2.0 §8.2.7.1).
ANY: Final = frozenset({"epc", "parent", "child", "input", "output"})
MATCHES: Final = {
    "MATCH_epc": frozenset({"epc", "child"}),
    "MATCH_parentID": frozenset({"parent"}),
    "MATCH_inputEPC": frozenset({"input"}),
    "MATCH_outputEPC": frozenset({"output"}),
    "MATCH_anyEPC": ANY,
    "MATCH_epcClass": frozenset({"epc", "child"}),
    "MATCH_inputEPCClass": frozenset({"input"}),
    "MATCH_outputEPCClass": frozenset({"output"}),
    "MATCH_anyEPCClass": ANY,
}
PAGING: Final = frozenset({"perPage", "nextPageToken"})
MOST_PER_PAGE: Final = 1000
CBV_PREFIXES: Final = (
    "https://ref.gs1.org/cbv/BizStep-",
    "https://ref.gs1.org/cbv/Disp-",
    "cbv:BizStep-",
    "cbv:Disp-",
    "urn:epcglobal:cbv:bizstep:",
    "urn:epcglobal:cbv:disp:",
)


def parse_query(arguments: MultiDict[str, str]) -> Query:
    """The query the parameters ask. Raises QueryParameterError naming the parameter."""
    found: dict[str, Any] = {}
    things = []
    for name in arguments:
        values = tuple(
            value.strip() for text in arguments.getlist(name) for value in text.split("|")
        )
        if name in LISTS:
            found[LISTS[name]] = tuple(_bare(value) for value in values)
        elif name in MATCHES:
            things.append((MATCHES[name], values))
        elif name in ("GE_eventTime", "LT_eventTime"):
            key = "event_time_from" if name.startswith("GE") else "event_time_before"
            found[key] = _time(name, values[0])
        elif name not in PAGING:
            raise QueryParameterError(path=name, name=name, reason="it is not known here")
    return Query(things=tuple(things), **found)


def parse_paging(arguments: MultiDict[str, str]) -> tuple[int, int]:
    """(the log index to start from, events a page). Raises QueryParameterError."""
    return (
        _number("nextPageToken", arguments.get("nextPageToken", "0"), lambda n: n >= 0),
        min(_number("perPage", arguments.get("perPage", "30"), lambda n: n >= 1), MOST_PER_PAGE),
    )


def _number(name: str, text: str, allowed: Callable[[int], bool]) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > 15 or not allowed(int(text)):
        raise QueryParameterError(path=name, name=name, reason="a whole number is expected")
    return int(text)


def _time(name: str, text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise QueryParameterError(path=name, name=name, reason="a date-time is expected") from error
    if moment.tzinfo is None:
        raise QueryParameterError(path=name, name=name, reason="it has no time zone")
    return moment


def _bare(value: str) -> str:
    """A vocabulary word in the form events are stored with."""
    for prefix in CBV_PREFIXES:
        if value.startswith(prefix):
            return value[len(prefix) :]
    return value

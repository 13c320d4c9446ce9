"""The standard's rules that a schema cannot say, and ours; every breach has its path.

1. An event names something: an object or transaction event things (or sensor readings at a read
   point), an aggregation or association children (a DELETE may mean all of them), a
   transformation inputs and outputs, or one side and a transformationID (EPCIS 2.0 §7.4).
2. parentID is required unless an aggregation is only observed (§7.4.3); ilmd only where things
   come into being: action ADD, or a transformation (§7.4.2, §7.4.5).
3. eventTime and declarationTime lie at most five minutes in the future (clocks differ); no time
   lies before 1900: nothing told here is older, and what reads a time may count back from it.
4. A sensor's times are not after the event's (conformance requirement M122).
5. Quantities are not below zero; every number is finite, every integer within ±(2^53−1).
6. Extension names are addresses or have a declared prefix, at every depth; `_sd`, `_sd_alg` and
   `...` are refused anywhere (formats §2: a claim could be added after signing), and so is
   `trace:members`, which the signer writes.
7. Identifiers of a known scheme are whole: check digits, lengths, characters (trace.core.gs1).
8. Words and members of our own vocabulary are on its list, and members hold what it says (own.py).
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Final

from trace.core.epcis import context as contexts
from trace.core.epcis import errors
from trace.core.epcis import vocabulary as words
from trace.core.epcis.own import member_errors
from trace.core.epcis.parts import Timestamp, read_time
from trace.core.epcis.strict_json import SAFE_INTEGER, JsonObject, JsonValue, pointer
from trace.core.gs1 import Gs1Error, parse_identity
from trace.errors import TraceError

CLOCK_TOLERANCE: Final = timedelta(minutes=5)
EARLIEST: Final = datetime(1900, 1, 1, tzinfo=UTC)
MAX_DEPTH: Final = 64

_QUANTITY_LISTS: Final = (
    "quantityList",
    "childQuantityList",
    "inputQuantityList",
    "outputQuantityList",
)
_EPC_LISTS: Final = ("epcList", "childEPCs", "inputEPCList", "outputEPCList")
_SENSOR_NUMBERS: Final = frozenset(
    ("value", "minValue", "maxValue", "meanValue", "sDev", "percRank", "percValue")
)
_SENSOR_TIMES: Final = ("time", "startTime", "endTime")
_EXTENSIBLE: Final = ("ilmd", "errorDeclaration", "readPoint", "bizLocation")
_PLACES: Final = ("readPoint", "bizLocation")
# Lists of pairs: the member with the identifier, and whether it may also be any other address.
_LINKED: Final = {
    "sourceList": ("source", False),
    "destinationList": ("destination", False),
    "bizTransactionList": ("bizTransaction", True),
}
_LOOKED_AT: Final = {
    **dict.fromkeys(_EXTENSIBLE, "part"),
    **dict.fromkeys(_QUANTITY_LISTS, "quantities"),
}
# Members with identifiers of things, places or parties.
_NAMING: Final = frozenset(
    {*_EPC_LISTS, *_QUANTITY_LISTS, *_PLACES, *_LINKED, "parentID", "transformationID"}
)
# Outside the members that must hold GS1 identifiers only these forms claim to be one.
_CERTAIN: Final = ("urn:epc:", "https://id.gs1.org/")


class Around:
    """What the rules need to know beside the event: what its context declares, the time, and under
    which base our own codes and words stand."""

    __slots__ = ("base", "context", "known", "latest", "own")

    def __init__(self, context: JsonValue, now: datetime, id_base: str | None) -> None:
        self.context = context
        self.known = contexts.prefixes(context)
        self.latest = now + CLOCK_TOLERANCE
        self.own = contexts.has_own_words(self.known, id_base)
        # Without an identifier base our own codes are nobody's: an address no one can have.
        self.base = id_base or "https://id.invalid"


def broken_rules(obj: JsonObject, *, now: datetime, id_base: str | None = None) -> list[TraceError]:
    """Every breach of the rules above in an object that passed the schema."""
    return breaches(obj, Around(obj["@context"], now, id_base))


def breaches(obj: JsonObject, around: Around) -> list[TraceError]:
    """broken_rules for events that have `around` in common."""
    known = around.known
    found: list[TraceError] = []
    _what(obj, found)
    _times(obj, around.latest, found)
    _extensions(obj, known, "", found)
    for name, value in obj.items():
        kind = _LOOKED_AT.get(name)
        if kind is None:
            continue
        if kind == "part":
            if len(value) > 1 or "id" not in value:
                _extensions(value, known, f"/{name}", found)
        elif kind == "quantities":
            _quantities(name, value, found)
    if "sensorElementList" in obj:
        _sensors(obj, known, found)
    _identifiers(obj, around.base, found)
    if around.own:
        _own_words(obj, found)
    return found


def _what(obj: JsonObject, found: list[TraceError]) -> None:
    event_type, action = obj["type"], obj.get("action")
    if event_type == "TransformationEvent":
        _transformed(obj, found)
        return
    if event_type in ("ObjectEvent", "TransactionEvent"):
        members: tuple[str, ...] = ("epcList", "quantityList")
        named = bool(obj.get("epcList") or obj.get("quantityList"))
        if event_type == "ObjectEvent":
            named = named or bool(obj.get("sensorElementList") and "readPoint" in obj)
        elif action == "DELETE":
            named = True
        if action != "ADD" and "ilmd" in obj:
            found.append(errors.IlmdNotAllowed(path="/ilmd"))
    else:
        members = ("childEPCs", "childQuantityList")
        named = action == "DELETE" or any(obj.get(name) for name in members)
        if "parentID" not in obj and action != "OBSERVE":
            found.append(errors.MissingParent(path="/parentID"))
    if not named:
        found.append(errors.NothingNamed(path=f"/{members[0]}", members=", ".join(members)))


def _transformed(obj: JsonObject, found: list[TraceError]) -> None:
    inputs = obj.get("inputEPCList") or obj.get("inputQuantityList")
    outputs = obj.get("outputEPCList") or obj.get("outputQuantityList")
    if (inputs and outputs) or ("transformationID" in obj and (inputs or outputs)):
        return
    if not inputs:
        members = "inputEPCList, inputQuantityList"
        found.append(errors.NothingNamed(path="/inputEPCList", members=members))
    if not outputs:
        members = "outputEPCList, outputQuantityList"
        found.append(errors.NothingNamed(path="/outputEPCList", members=members))


def _moment(text: str) -> Timestamp | None:
    try:
        return read_time(text)
    except (ValueError, OverflowError):  # 30 February passes a pattern
        return None


def _times(obj: JsonObject, latest: datetime, found: list[TraceError]) -> None:
    _not_in_future("/eventTime", obj["eventTime"], latest, found)
    if "errorDeclaration" in obj:
        declared = obj["errorDeclaration"]["declarationTime"]
        _not_in_future("/errorDeclaration/declarationTime", declared, latest, found)
    if "recordTime" in obj and _moment(obj["recordTime"]) is None:
        found.append(errors.BadTime(path="/recordTime"))


def _not_in_future(path: str, text: str, latest: datetime, found: list[TraceError]) -> None:
    moment = _moment(text)
    if moment is None:
        found.append(errors.BadTime(path=path))
    elif moment > latest:
        found.append(errors.EventInFuture(path=path, time=text))
    elif moment < EARLIEST:
        found.append(errors.TooEarly(path=path, time=text))


def _quantities(name: str, given: list[JsonObject], found: list[TraceError]) -> None:
    for index, one in enumerate(given):
        quantity = one.get("quantity", 0)
        if not _is_kept(quantity):
            _inexact(f"/{name}/{index}/quantity", quantity, found)
        elif quantity < 0:
            found.append(errors.NegativeQuantity(path=f"/{name}/{index}/quantity"))


def _is_kept(number: float) -> bool:
    """Whether a number is a finite double or a safe integer."""
    if isinstance(number, int):
        return -SAFE_INTEGER <= number <= SAFE_INTEGER
    return number - number == 0  # neither infinite nor NaN


def _inexact(path: str, number: float, found: list[TraceError]) -> None:
    found.append(errors.InexactNumber(path=path, number=repr(number)[:40]))


def _sensors(obj: JsonObject, known: dict[str, str], found: list[TraceError]) -> None:
    event_time = _moment(obj["eventTime"])
    for index, element in enumerate(obj["sensorElementList"]):
        place = f"/sensorElementList/{index}"
        _extensions(element, known, place, found)
        if "sensorMetadata" in element:
            path = f"{place}/sensorMetadata"
            _sensor_part(element["sensorMetadata"], path, event_time, known, found)
        for number, report in enumerate(element["sensorReport"]):
            path = f"{place}/sensorReport/{number}"
            _sensor_part(report, path, event_time, known, found)


def _sensor_part(
    part: JsonObject,
    path: str,
    event_time: datetime | None,
    known: dict[str, str],
    found: list[TraceError],
) -> None:
    for name, value in part.items():
        if name in _SENSOR_NUMBERS and not _is_kept(value):
            _inexact(f"{path}/{name}", value, found)
        elif name in _SENSOR_TIMES:
            moment = _moment(value)
            if moment is None:
                found.append(errors.BadTime(path=f"{path}/{name}"))
            elif event_time is not None and moment > event_time:
                found.append(errors.SensorAfterEvent(path=f"{path}/{name}", time=value))
            elif moment < EARLIEST:
                found.append(errors.TooEarly(path=f"{path}/{name}", time=value))
    _extensions(part, known, path, found)


def _extensions(obj: JsonObject, known: dict[str, str], path: str, found: list[TraceError]) -> None:
    """Names and values of the extensions of one object (standard members have no colon)."""
    for name, value in obj.items():
        if ":" not in name:
            continue
        if name.partition(":")[0] not in known:
            _name(name, known, path + pointer(name), found)
        if type(value) is not str:
            _value(value, known, (path, name), found)


def _name(name: str, known: dict[str, str], path: str, found: list[TraceError]) -> None:
    prefix = contexts.undeclared_prefix(name, known)
    if prefix is not None:
        found.append(errors.UndeclaredPrefix(path=path, prefix=prefix, name=name))


def _value(
    value: JsonValue,
    known: dict[str, str],
    steps: tuple[str | int, ...],
    found: list[TraceError],
) -> None:
    """A value below an extension: JSON's own types, numbers that are kept, no reserved names.

    `steps` is the path of the object around, then member names and indexes.
    """
    if value is None or isinstance(value, str | bool):
        return
    if isinstance(value, int | float):
        if not _is_kept(value):
            _inexact(_at(steps), value, found)
    elif len(steps) > MAX_DEPTH:
        found.append(errors.TooDeep(path=_at(steps[:8]), limit=MAX_DEPTH))
    elif isinstance(value, dict):
        for step, child in value.items():
            if step in words.RESERVED_NAMES:
                found.append(errors.ReservedName(path=_at((*steps, step)), name=step))
            elif not isinstance(step, str):
                found.append(errors.WrongType(path=_at(steps), expected="text"))
                continue
            elif ":" in step:
                _name(step, known, _at((*steps, step)), found)
            _value(child, known, (*steps, step), found)
    elif isinstance(value, list):
        for index, child in enumerate(value):
            _value(child, known, (*steps, index), found)
    else:
        found.append(errors.WrongType(path=_at(steps), expected="a JSON value"))


def _at(steps: tuple[str | int, ...]) -> str:
    return str(steps[0]) + pointer(*steps[1:])


def _identifiers(obj: JsonObject, base: str, found: list[TraceError]) -> None:
    for name, value in obj.items():
        if name not in _NAMING:
            continue
        for path, uri in _gs1_members(name, value):
            try:
                parse_identity(uri, base)
            except Gs1Error as error:
                error.path = path
                found.append(error)


def _gs1_members(name: str, value: JsonValue) -> Iterable[tuple[str, str]]:
    """(path, URI) of everything in such a member that names a thing, a place or a party."""
    kind = _LOOKED_AT.get(name)
    if kind == "quantities":
        return [(f"/{name}/{at}/epcClass", one["epcClass"]) for at, one in enumerate(value)]
    if kind == "part":
        return [(f"/{name}/id", value["id"])]
    if name in _EPC_LISTS:
        return [(f"/{name}/{at}", uri) for at, uri in enumerate(value)]
    if name == "parentID":
        return [("/parentID", value)]
    if name == "transformationID":
        return [("/transformationID", value)] if value.startswith(_CERTAIN) else []
    member, certain_only = _LINKED[name]
    return [
        (f"/{name}/{at}/{member}", one[member])
        for at, one in enumerate(value)
        if not certain_only or one[member].startswith(_CERTAIN)
    ]


def _own_words(obj: JsonObject, found: list[TraceError]) -> None:
    start = words.OWN_PREFIX + ":"
    step = obj.get("bizStep", "")
    if step.startswith(start) and step[len(start) :] not in words.OWN_STEPS:
        found.append(errors.UnknownWord(path="/bizStep", value=step, field="bizStep"))
    for name, value in obj.items():
        if name.startswith(start):
            found += member_errors(name, value, "event", "")
    for name, value in obj.get("ilmd", {}).items():
        if name.startswith(start):
            found += member_errors(name, value, "ilmd", "/ilmd")

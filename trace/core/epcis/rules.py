"""The standard's rules that a schema cannot say, and ours; every breach has its path.

1. An event names something: an object or transaction event things (or sensor readings at a read
   point), an aggregation or association children (a DELETE may mean all of them), a
   transformation inputs and outputs, or one side and a transformationID (EPCIS 2.0 §7.4).
2. parentID is required unless an aggregation is only observed (§7.4.3); ilmd only where things
   come into being: action ADD, or a transformation (§7.4.2, §7.4.5).
3. eventTime and declarationTime lie at most five minutes in the future (clocks differ).
4. A sensor's times are not after the event's (conformance requirement M122).
5. Quantities are not below zero; every number is finite, every integer within ±(2^53−1).
6. Extension names are addresses or have a declared prefix, at every depth; `_sd`, `_sd_alg` and
   `...` are refused anywhere (formats §2: a claim could be added after signing), and so is
   `trace:members`, which the signer writes.
7. Identifiers of a known scheme are whole: check digits, lengths, characters (trace.core.gs1).
8. Words and members of our own vocabulary are on its list.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any, Final

from trace.core.epcis import context as contexts
from trace.core.epcis import errors
from trace.core.epcis import vocabulary as words
from trace.core.epcis.parts import Timestamp
from trace.core.epcis.strict_json import SAFE_INTEGER, JsonObject, JsonValue, pointer
from trace.core.gs1 import Gs1Error, Identity, parse_identity
from trace.errors import TraceError

CLOCK_TOLERANCE: Final = timedelta(minutes=5)
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
# Outside the members that must hold GS1 identifiers only these forms claim to be one.
_CERTAIN: Final = ("urn:epc:", "https://id.gs1.org/")


def broken_rules(obj: JsonObject, *, now: datetime, id_base: str | None = None) -> list[TraceError]:
    """Every breach of the rules above in an object that passed the schema."""
    known = contexts.prefixes(obj["@context"])
    own = contexts.has_own_words(known, id_base)
    found: list[TraceError] = []
    found += _what(obj)
    found += _times(obj, now)
    found += _quantities(obj)
    found += _sensors(obj, known)
    found += _extensions(obj, known)
    found += _identifiers(obj, id_base)
    if own:
        found += _own_words(obj)
    return found


def _what(obj: JsonObject) -> Iterator[TraceError]:
    event_type, action = obj["type"], obj.get("action")
    if event_type == "TransformationEvent":
        yield from _transformed(obj)
        return
    if event_type in ("ObjectEvent", "TransactionEvent"):
        members: tuple[str, ...] = ("epcList", "quantityList")
        named = any(obj.get(name) for name in members)
        if event_type == "ObjectEvent":
            named = named or bool(obj.get("sensorElementList") and "readPoint" in obj)
        elif action == "DELETE":
            named = True
        if action != "ADD" and "ilmd" in obj:
            yield errors.IlmdNotAllowed(path="/ilmd")
    else:
        members = ("childEPCs", "childQuantityList")
        named = action == "DELETE" or any(obj.get(name) for name in members)
        if "parentID" not in obj and action != "OBSERVE":
            yield errors.MissingParent(path="/parentID")
    if not named:
        yield errors.NothingNamed(path=f"/{members[0]}", members=", ".join(members))


def _transformed(obj: JsonObject) -> Iterator[TraceError]:
    inputs = obj.get("inputEPCList") or obj.get("inputQuantityList")
    outputs = obj.get("outputEPCList") or obj.get("outputQuantityList")
    if (inputs and outputs) or ("transformationID" in obj and (inputs or outputs)):
        return
    if not inputs:
        yield errors.NothingNamed(path="/inputEPCList", members="inputEPCList, inputQuantityList")
    if not outputs:
        yield errors.NothingNamed(
            path="/outputEPCList", members="outputEPCList, outputQuantityList"
        )


def _read_time(text: str) -> Timestamp | None:
    try:
        return Timestamp.read(text)
    except (ValueError, OverflowError):  # 30 February passes a pattern
        return None


def _times(obj: JsonObject, now: datetime) -> Iterator[TraceError]:
    moments = [("/eventTime", obj["eventTime"])]
    if "recordTime" in obj and _read_time(obj["recordTime"]) is None:
        yield errors.BadTime(path="/recordTime")
    if "errorDeclaration" in obj:
        declared = obj["errorDeclaration"]["declarationTime"]
        moments.append(("/errorDeclaration/declarationTime", declared))
    for path, text in moments:
        moment = _read_time(text)
        if moment is None:
            yield errors.BadTime(path=path)
        elif moment > now + CLOCK_TOLERANCE:
            yield errors.EventInFuture(path=path, time=text)


def _quantities(obj: JsonObject) -> Iterator[TraceError]:
    for name in _QUANTITY_LISTS:
        for index, one in enumerate(obj.get(name, ())):
            quantity = one.get("quantity")
            if quantity is None:
                continue
            path = f"/{name}/{index}/quantity"
            if not _is_kept(quantity):
                yield errors.InexactNumber(path=path, number=repr(quantity)[:40])
            elif quantity < 0:
                yield errors.NegativeQuantity(path=path)


def _is_kept(number: float) -> bool:
    """Whether a number is a finite double or a safe integer."""
    if isinstance(number, int):
        return -SAFE_INTEGER <= number <= SAFE_INTEGER
    return number - number == 0  # neither infinite nor NaN


def _sensors(obj: JsonObject, known: dict[str, str]) -> Iterator[TraceError]:
    if "sensorElementList" not in obj:
        return
    event_time = _read_time(obj["eventTime"])
    for index, element in enumerate(obj["sensorElementList"]):
        place = f"/sensorElementList/{index}"
        parts = [(f"{place}/sensorMetadata", element.get("sensorMetadata", {}))]
        for number, report in enumerate(element["sensorReport"]):
            parts.append((f"{place}/sensorReport/{number}", report))
        for path, part in parts:
            yield from _sensor_times(path, part, event_time)
            for name in part:
                if name in _SENSOR_NUMBERS and not _is_kept(part[name]):
                    yield errors.InexactNumber(path=f"{path}/{name}", number=repr(part[name])[:40])
            yield from _extensions(part, known, path)
        yield from _extensions(element, known, place)


def _sensor_times(path: str, part: JsonObject, event_time: datetime | None) -> Iterator[TraceError]:
    for name in _SENSOR_TIMES:
        if name not in part:
            continue
        moment = _read_time(part[name])
        if moment is None:
            yield errors.BadTime(path=f"{path}/{name}")
        elif event_time is not None and moment > event_time:
            yield errors.SensorAfterEvent(path=f"{path}/{name}", time=part[name])


def _extensions(obj: JsonObject, known: dict[str, str], path: str = "") -> Iterator[TraceError]:
    """Names and values of the extensions of one object (standard members have no colon)."""
    for name, value in obj.items():
        if ":" in name:
            yield from _name(name, known, path)
            yield from _value(value, known, (name,), path, 1)
        elif name in ("ilmd", "errorDeclaration", "readPoint", "bizLocation"):
            yield from _extensions(value, known, f"{path}/{name}")


def _name(name: str, known: dict[str, str], path: str, *steps: str | int) -> Iterator[TraceError]:
    prefix = contexts.undeclared_prefix(name, known)
    if prefix is not None:
        where = path + pointer(*steps, name)
        yield errors.UndeclaredPrefix(path=where, prefix=prefix, name=name)


def _value(
    value: JsonValue, known: dict[str, str], steps: tuple[str | int, ...], path: str, depth: int
) -> Iterator[TraceError]:
    """A value below an extension: JSON's own types, numbers that are kept, no reserved names."""
    if value is None or isinstance(value, str | bool):
        return
    if isinstance(value, int | float):
        if not _is_kept(value):
            yield errors.InexactNumber(path=path + pointer(*steps), number=repr(value)[:40])
        return
    children: Iterable[tuple[Any, Any]]
    if isinstance(value, dict):
        children = value.items()
    elif isinstance(value, list):
        children = enumerate(value)
    else:
        yield errors.WrongType(path=path + pointer(*steps), expected="a JSON value")
        return
    if depth >= MAX_DEPTH:
        yield errors.TooDeep(path=path + pointer(*steps[:8]), limit=MAX_DEPTH)
        return
    for step, child in children:
        if isinstance(step, str):
            if step in words.RESERVED_NAMES:
                yield errors.ReservedName(path=path + pointer(*steps, step), name=step)
            elif ":" in step:
                yield from _name(step, known, path, *steps)
        yield from _value(child, known, (*steps, step), path, depth + 1)


@lru_cache(maxsize=16384)
def _identity(uri: str, id_base: str) -> Identity | None:
    return parse_identity(uri, id_base)


def _identifiers(obj: JsonObject, id_base: str | None) -> Iterator[TraceError]:
    # Without an identifier base our own codes are nobody's: an address no one can have.
    base = id_base or "https://id.invalid"
    for path, uri in _gs1_members(obj):
        try:
            _identity(uri, base)
        except Gs1Error as error:
            error.path = path
            yield error


def _gs1_members(obj: JsonObject) -> Iterator[tuple[str, str]]:
    """(path, URI) of every member that holds an identifier of a thing, a place or a party."""
    if "parentID" in obj:
        yield "/parentID", obj["parentID"]
    for name in ("readPoint", "bizLocation"):
        if name in obj:
            yield f"/{name}/id", obj[name]["id"]
    for name in _EPC_LISTS:
        for index, uri in enumerate(obj.get(name, ())):
            yield f"/{name}/{index}", uri
    for name in _QUANTITY_LISTS:
        for index, one in enumerate(obj.get(name, ())):
            yield f"/{name}/{index}/epcClass", one["epcClass"]
    for name in ("source", "destination"):
        for index, one in enumerate(obj.get(f"{name}List", ())):
            yield f"/{name}List/{index}/{name}", one[name]
    yield from _references(obj)


def _references(obj: JsonObject) -> Iterator[tuple[str, str]]:
    for index, one in enumerate(obj.get("bizTransactionList", ())):
        if one["bizTransaction"].startswith(_CERTAIN):
            yield f"/bizTransactionList/{index}/bizTransaction", one["bizTransaction"]
    if obj.get("transformationID", "").startswith(_CERTAIN):
        yield "/transformationID", obj["transformationID"]


def _own_words(obj: JsonObject) -> Iterator[TraceError]:
    start = words.OWN_PREFIX + ":"
    step = obj.get("bizStep", "")
    if step.startswith(start) and step[len(start) :] not in words.OWN_STEPS:
        yield errors.UnknownWord(path="/bizStep", value=step, field="bizStep")
    for name in obj:
        if name.startswith(start):
            yield from _own_member(name, name[len(start) :], words.OWN_MEMBERS, "")
    for name in obj.get("ilmd", ()):
        if name.startswith(start):
            yield from _own_member(name, name[len(start) :], words.OWN_ILMD, "/ilmd")


def _own_member(name: str, word: str, allowed: frozenset[str], path: str) -> Iterator[TraceError]:
    if word == words.SIGNED_MEMBERS:
        yield errors.ReservedName(path=f"{path}/{name}", name=name)
    elif word not in allowed:
        yield errors.UnknownMember(path=f"{path}/{name}", name=name)

"""The gate: our schema, compiled once per process, and its findings in our own errors."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from itertools import islice, pairwise
from typing import Any

import jsonschema_rs
import orjson

from trace.core.epcis import errors
from trace.core.epcis.schema import EVENT_TYPES, envelope_schema, event_schema
from trace.core.epcis.strict_json import MOST_ERRORS, JsonValue, pointer
from trace.errors import TraceError

_PLAIN_JSON = (
    orjson.OPT_PASSTHROUGH_DATACLASS
    | orjson.OPT_PASSTHROUGH_DATETIME
    | orjson.OPT_PASSTHROUGH_SUBCLASS
)
_ZERO = rb"\u0000"  # as JSON writes it
_EXPECTED = {
    "string": "text",
    "number": "a number",
    "array": "a list",
    "object": "an object",
    "boolean": "true or false",
}
# The last definition a finding came from says what kind of value was expected there.
_BY_DEFINITION: dict[str, type[errors.EpcisError]] = {
    "uri": errors.BadUri,
    "time": errors.BadTime,
    "offset": errors.BadOffset,
    "uom": errors.BadUom,
    "context": errors.BadContext,
}
_WORD_LISTS = frozenset(
    [
        "bizStep",
        "disposition",
        "bizTransactionType",
        "sourceOrDestinationType",
        "errorReason",
        "component",
        "measurementType",
        "sensorAlertType",
        "action",
    ]
)


@lru_cache(maxsize=8)
def _validator(event_type: str) -> Any:
    schema = event_schema(event_type) if event_type else envelope_schema()
    return jsonschema_rs.Draft202012Validator(schema)


def event_errors(obj: dict[str, Any]) -> list[TraceError]:
    """What the schema finds wrong with one event; paths are relative to the event."""
    event_type = obj.get("type")
    if event_type is None:
        return [errors.MissingMember(path="/type", name="type")]
    if not isinstance(event_type, str) or event_type not in EVENT_TYPES:
        return [errors.UnknownEventType(path="/type", value=_shown(event_type))]
    try:
        # Events built by a program may hold what no JSON can say; the schema would not notice.
        written = orjson.dumps(obj, option=_PLAIN_JSON)
    except orjson.JSONEncodeError as error:
        return [errors.BadJson(problem=str(error))]
    if _ZERO in written and (zeros := list(islice(_zeros(obj, ""), MOST_ERRORS))):
        return zeros
    return _findings(_validator(event_type), obj)


def _zeros(value: JsonValue, path: str) -> Iterator[TraceError]:
    """Texts and names that hold U+0000: JSON can say it, text columns and most readers cannot."""
    if isinstance(value, str):
        if "\0" in value:
            yield errors.ZeroCharacter(path=path)
    elif isinstance(value, dict):
        for name, member in value.items():
            if "\0" in name:
                yield errors.ZeroCharacter(path=path)
            yield from _zeros(member, path + pointer(name))
    elif isinstance(value, list):
        for index, element in enumerate(value):
            yield from _zeros(element, path + pointer(index))


def envelope_errors(document: dict[str, Any]) -> list[TraceError]:
    """What the schema finds wrong with a document around its events."""
    return _findings(_validator(""), document)


def _findings(validator: Any, value: JsonValue) -> list[TraceError]:
    try:
        if validator.is_valid(value):
            return []
        found = list(islice(validator.iter_errors(value), MOST_ERRORS))
    except (ValueError, TypeError, RecursionError):
        return [errors.BadJson(problem="a value is not of JSON's types")]
    result: list[TraceError] = []
    seen: set[str] = set()
    for finding in found:
        for error in _translated(finding):
            if error.path not in seen and len(seen) < MOST_ERRORS:
                seen.add(error.path)
                result.append(error)
    return result


def _shown(value: JsonValue) -> str:
    text = value if isinstance(value, str) else repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _definition(schema_path: list[str | int]) -> str:
    """The name of the last `$defs` entry on the way to the failing keyword."""
    names = [str(after) for step, after in pairwise(schema_path) if step == "$defs"]
    return names[-1] if names else ""


def _translated(finding: Any) -> list[TraceError]:
    steps, kind = finding.instance_path, finding.kind.name
    path = pointer(*steps)
    if kind == "required":
        name = finding.kind.property
        return [errors.MissingMember(path=pointer(*steps, name), name=name)]
    if kind == "additionalProperties":
        return [
            errors.UnknownMember(path=pointer(*steps, name), name=name)
            for name in finding.kind.unexpected
        ]
    if kind == "type":
        expected = _EXPECTED.get(_type_of(finding), "another type")
        return [errors.WrongType(path=path, expected=expected)]
    if kind in ("minItems", "uniqueItems", "minProperties"):
        return [errors.WrongCount(path=path)]
    definition = _definition(finding.schema_path)
    if definition in _WORD_LISTS:
        return [errors.UnknownWord(path=path, value=_shown(finding.instance), field=definition)]
    if definition in _BY_DEFINITION:
        return [_BY_DEFINITION[definition](path=path)]
    return [errors.BadValue(path=path)]


def _type_of(finding: Any) -> str:
    types = finding.kind.types
    return str(types[0]) if types else ""

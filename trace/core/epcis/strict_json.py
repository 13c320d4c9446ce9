"""Strict JSON: what cannot be kept exactly as it was sent is refused (RFC 8259; formats §2).

Rules, in the order they are tested:
1. at most `max_bytes` bytes of UTF-8, no byte order mark
2. one JSON value by the grammar; NaN and Infinity are no numbers; no lone surrogates
3. no object names a member twice
4. an integer literal lies within ±(2^53−1); a decimal literal is finite and its nearest double,
   written shortest, is numerically the same decimal (0.1 passes, 0.10000000000000000001 does not)
5. at most `max_depth` levels of arrays and objects

Everything wrong under 3 and 4 is reported, each with its JSON Pointer, up to a thousand.

The reader in a hurry (orjson) sees neither repeated members nor lost digits. But when what it read,
written again, is what came in (white space aside), nothing can have been lost: a member dropped or
a number changed would show. Only otherwise the standard library's slower reader, which tells us of
every member and literal, is asked.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from decimal import Decimal
from itertools import islice
from typing import Any, Final

import orjson

from trace.core.epcis.errors import BadJson, DuplicateKey, InexactNumber, TooDeep
from trace.errors import Refused, TooLarge, TraceError

# A JSON value as Python holds it; objects and values are checked by schema, not by static types.
JsonValue = Any
JsonObject = dict[str, Any]

SAFE_INTEGER = 2**53 - 1
MOST_ERRORS: Final = 1000  # nobody mends more one by one, and each costs memory
_WHITE_SPACE = b" \t\r\n"

# Up to 15 significant digits every decimal survives the way through a double (IEEE 754): 16
# characters with sign or point cannot hold more.
_SURELY_EXACT = 16


class _Repeated(dict[str, Any]):
    """An object that named `repeated` more than once: only a marker on the way to an error."""

    repeated: tuple[str, ...] = ()


class _Inexact:
    """A number literal that cannot be kept: only a marker on the way to an error."""

    __slots__ = ("literal",)

    def __init__(self, literal: str) -> None:
        self.literal = literal


def pointer(*steps: str | int) -> str:
    """The JSON Pointer (RFC 6901) of the given member names and list indexes."""
    return "".join(f"/{str(step).replace('~', '~0').replace('/', '~1')}" for step in steps)


class _Hooks:
    """What the standard library's reader calls; `found` says that a marker is in the value."""

    def __init__(self) -> None:
        self.found = False

    def unique(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        members = dict(pairs)
        if len(members) == len(pairs):
            return members
        counts = Counter(name for name, _ in pairs)
        repeated = _Repeated(members)
        repeated.repeated = tuple(name for name, count in counts.items() if count > 1)
        self.found = True
        return repeated

    def integer(self, literal: str) -> Any:
        if len(literal) < _SURELY_EXACT:
            return int(literal)
        if len(literal) <= len(str(-SAFE_INTEGER)) and abs(int(literal)) <= SAFE_INTEGER:
            return int(literal)
        return self.inexact(literal)

    def decimal(self, literal: str) -> Any:
        surely = len(literal) <= _SURELY_EXACT and "e" not in literal and "E" not in literal
        return float(literal) if surely or _is_exact(literal) else self.inexact(literal)

    def inexact(self, literal: str) -> _Inexact:
        self.found = True
        return _Inexact(literal)


def load(data: bytes, *, max_bytes: int, max_depth: int) -> JsonValue:
    """The one JSON value in `data`; raises Refused with every error found (rules above)."""
    if len(data) > max_bytes:
        raise Refused([TooLarge(limit=f"{max_bytes} bytes")])
    try:
        value = orjson.loads(data)
        written = orjson.dumps(value, option=orjson.OPT_STRICT_INTEGER)
        kept = written == data or (
            written.translate(None, _WHITE_SPACE) == data.translate(None, _WHITE_SPACE)
        )
    except (orjson.JSONDecodeError, orjson.JSONEncodeError):
        kept = False
    if not kept:
        value = _read_slowly(data, max_depth)
    # The depth cannot exceed the number of brackets: no need to walk a small document.
    if data.count(b"[") + data.count(b"{") > max_depth and _depth_exceeds(value, max_depth):
        raise Refused([TooDeep(limit=max_depth)])
    return value


def _read_slowly(data: bytes, max_depth: int) -> JsonValue:
    hooks = _Hooks()
    try:
        value = json.loads(
            data.decode("utf-8"),
            object_pairs_hook=hooks.unique,
            parse_int=hooks.integer,
            parse_float=hooks.decimal,
            parse_constant=hooks.inexact,
        )
        if b"\\u" in data and not hooks.found:
            orjson.loads(data)  # refuses lone surrogates, which the standard library lets through
    except RecursionError:
        raise Refused([TooDeep(limit=max_depth)]) from None
    except UnicodeDecodeError as error:
        raise Refused([BadJson(problem=f"byte {error.start} is not UTF-8")]) from None
    except json.JSONDecodeError as error:
        place = f"{error.msg}, line {error.lineno}, column {error.colno}"
        raise Refused([BadJson(problem=place)]) from None
    if _depth_exceeds(value, max_depth):
        raise Refused([TooDeep(limit=max_depth)])
    if hooks.found:
        raise Refused(list(islice(_marked(value, []), MOST_ERRORS)))
    return value


def _is_exact(literal: str) -> bool:
    number = float(literal)
    if number in (float("inf"), float("-inf")):
        return False
    try:
        return Decimal(repr(number)) == Decimal(literal)
    except ArithmeticError:  # an exponent beyond what even Decimal holds
        return False


def _depth_exceeds(value: JsonValue, limit: int) -> bool:
    level = [value] if isinstance(value, dict | list) else []
    depth = 0
    while level and depth <= limit:
        depth += 1
        # This walks every value of every document: exact types first, they are nearly all.
        level = [
            child
            for node in level
            for child in (node.values() if isinstance(node, dict) else node)
            if (kind := type(child)) is dict or kind is list or kind is _Repeated
        ]
    return depth > limit


def _marked(value: JsonValue, steps: list[str | int]) -> Iterator[TraceError]:
    if isinstance(value, _Repeated):
        for name in value.repeated:
            yield DuplicateKey(path=pointer(*steps, name), name=name)
    if isinstance(value, _Inexact):
        yield InexactNumber(path=pointer(*steps), number=value.literal[:40])
    children = (
        value.items()
        if isinstance(value, dict)
        else enumerate(value)
        if isinstance(value, list)
        else ()
    )
    for step, child in children:
        if isinstance(child, dict | list | _Inexact):
            yield from _marked(child, [*steps, step])

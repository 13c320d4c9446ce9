"""base64url without padding (RFC 4648 section 5, RFC 7515 section 2) and strict JSON (RFC 8259).

Rules.
1. base64url has no padding, no foreign character, and unused bits of the last character are zero:
   every byte string has one text only, so nobody can change a text without changing its meaning.
2. JSON is UTF-8 without byte order mark; names in an object are unique (RFC 7493 section 2.3).
3. Numbers are kept by value: an integer lies within ±(2^53 - 1); anything else equals, digit for
   digit, the shortest decimal form of some double.
4. No lone surrogate; size and depth are bounded.
"""

from __future__ import annotations

import json
from binascii import a2b_base64, b2a_base64
from collections import Counter
from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from math import isfinite
from typing import Any, Final

import orjson

from trace.core.signing.errors import Unreadable

JsonObject = dict[str, Any]

SAFE_INTEGER = 2**53 - 1
MAX_DEPTH = 64  # the deepest honest event has 8 levels
MAX_BYTES = 20 * 1024 * 1024

# What orjson would write of its own accord is no JSON value: dates, dataclasses, subclasses.
WRITE: Final = (
    orjson.OPT_STRICT_INTEGER
    | orjson.OPT_PASSTHROUGH_DATETIME
    | orjson.OPT_PASSTHROUGH_DATACLASS
    | orjson.OPT_PASSTHROUGH_SUBCLASS
)


_PADDING = (b"", b"===", b"==", b"=")


def b64url_bytes(data: bytes) -> bytes:
    """`data` as base64url without padding, for those who go on hashing it."""
    # Not through the base64 module, and not by translate, which costs as much as the encoding:
    # two replacements find their few places at the speed of memchr.
    return b2a_base64(data, newline=False).replace(b"+", b"-").replace(b"/", b"_").rstrip(b"=")


def b64url(data: bytes) -> str:
    """`data` as base64url text without padding."""
    return b64url_bytes(data).decode()


def unb64url(text: str, *, path: str = "") -> bytes:
    """The bytes of a canonical base64url text. Raises Unreadable."""
    try:
        raw = text.encode("ascii")
        standard = raw.replace(b"-", b"+").replace(b"_", b"/")
        data = a2b_base64(standard + _PADDING[len(raw) % 4])
    except ValueError:  # binascii.Error and UnicodeEncodeError
        raise Unreadable("base64url without padding", text, path=path) from None
    # The decoder skips foreign characters and spare bits may be set: only the round trip tells.
    if b64url_bytes(data) != raw:
        raise Unreadable("canonical base64url", text, path=path)
    return data


def dumps(value: object) -> bytes:
    """Compact UTF-8 JSON, members in the order given. Raises Unreadable (rules 3 and 4)."""
    try:
        return orjson.dumps(value, option=WRITE)
    except (TypeError, ValueError, RecursionError) as error:
        raise Unreadable("a JSON value", str(error)) from None


def loads_strict(
    data: bytes | str, *, max_bytes: int = MAX_BYTES, max_depth: int = MAX_DEPTH, path: str = ""
) -> Any:
    """Parses strict JSON (rules 2 to 4). Raises Unreadable.

    What is byte for byte our own serialisation is read fast: a doubled name or an inexact number
    cannot survive that round trip. Everything else takes the slow, explaining way.
    """
    raw = data.encode("utf-8", "surrogatepass") if isinstance(data, str) else data
    if len(raw) > max_bytes:
        raise Unreadable(f"at most {max_bytes} bytes", f"{len(raw)} bytes", path=path)
    value = loads_canonical(raw)
    if value is NOT_CANONICAL:
        return _loads_slowly(raw, max_depth, path)
    # A bracket and its end take two bytes: short texts cannot be deep.
    if len(raw) > 2 * max_depth and raw.count(b"[") + raw.count(b"{") > max_depth:
        check_depth(value, max_depth, path=path)
    return value


NOT_CANONICAL: Final = object()


def loads_canonical(raw: bytes) -> Any:
    """The value of what is byte for byte our own serialisation, NOT_CANONICAL for all else.

    The depth is bounded by the writer's own limit only; loads_strict bounds it further.
    """
    try:
        value = orjson.loads(raw)
        return (
            value if orjson.dumps(value, option=orjson.OPT_STRICT_INTEGER) == raw else NOT_CANONICAL
        )
    except (ValueError, TypeError):  # JSONDecodeError is a ValueError, JSONEncodeError a TypeError
        return NOT_CANONICAL


def _loads_slowly(raw: bytes, max_depth: int, path: str) -> Any:
    try:
        value = json.loads(
            raw.decode("utf-8"),
            object_pairs_hook=_unique(path),
            parse_int=_integer(path),
            parse_float=_number(path),
            parse_constant=_constant(path),
        )
    except UnicodeDecodeError:
        raise Unreadable("UTF-8 text", "other bytes", path=path) from None
    except json.JSONDecodeError as error:
        raise Unreadable("JSON", f"{error.msg} at character {error.pos}", path=path) from None
    except RecursionError:
        raise Unreadable(f"at most {max_depth} levels", "more", path=path) from None
    check_depth(value, max_depth, path=path)
    try:
        orjson.dumps(value)
    except TypeError:
        raise Unreadable("Unicode text", "a lone surrogate", path=path) from None
    return value


def check_depth(value: object, max_depth: int, *, path: str = "") -> None:
    """Raises Unreadable when arrays and objects nest deeper than `max_depth`; does not recurse."""
    level: list[object] = [value]
    for _ in range(max_depth + 1):
        below: list[object] = []
        for item in level:
            if isinstance(item, dict):
                below.extend(item.values())
            elif isinstance(item, list):
                below.extend(item)
        if not below:
            return
        level = below
    raise Unreadable(f"at most {max_depth} levels", "more", path=path)


def _unique(path: str) -> Callable[[list[tuple[str, Any]]], JsonObject]:
    def build(pairs: list[tuple[str, Any]]) -> JsonObject:
        made = dict(pairs)
        if len(made) != len(pairs):
            # Counted once: asking each name for its count would take a square of their number.
            doubled = Counter(name for name, _ in pairs).most_common(1)[0][0]
            raise Unreadable("every name once", f"“{doubled}” twice", path=path)
        return made

    return build


def _integer(path: str) -> Callable[[str], int]:
    def parse(text: str) -> int:
        if len(text) > 17 or abs(int(text)) > SAFE_INTEGER:
            raise Unreadable("an integer within ±(2^53 - 1)", text, path=path)
        return int(text)

    return parse


def _number(path: str) -> Callable[[str], float]:
    def parse(text: str) -> float:
        value = float(text)
        try:
            exact = isfinite(value) and Decimal(text) == Decimal(repr(value))
        except InvalidOperation:
            exact = False
        if not exact:
            raise Unreadable("a number that is exactly a double", text, path=path)
        return value

    return parse


def _constant(path: str) -> Callable[[str], float]:
    def parse(text: str) -> float:
        raise Unreadable("a JSON number", text, path=path)

    return parse

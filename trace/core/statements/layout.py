"""The disclosures of events, laid out and written (rules 1 to 6 of build.py)."""

from __future__ import annotations

from binascii import b2a_base64
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from math import isfinite
from typing import Any, Final, NamedTuple

from orjson import dumps as orjson_dumps

from trace.core.signing import (
    MAX_DEPTH,
    JsonObject,
    Unreadable,
    b64url,
    b64url_bytes,
    check_depth,
)
from trace.core.signing.encoding import WRITE
from trace.core.signing.sdjwt import RESERVED, SALT_BYTES
from trace.core.statements.errors import NotSignable

CORE: Final = (
    "type",
    "action",
    "eventTime",
    "eventTimeZoneOffset",
    "bizStep",
    "disposition",
    "persistentDisposition",
    "errorDeclaration",
    "trace:corrects",
    "trace:notice",
)
MEMBERS: Final = "trace:members"
MAX_MEMBERS: Final = 256
SPLIT_FROM, SPLIT_TO = 2, 32  # lists of this many elements are disclosed element by element

_CORE = frozenset(CORE)
_DROPPED = frozenset({"recordTime"})


def escape(name: str) -> str:
    """A member's name as one segment of a path (rule 4)."""
    if "~" in name or "/" in name:
        return name.replace("~", "~0").replace("/", "~1")
    return name


class Laid(NamedTuple):
    """One event's place among the disclosures: its core members, its counts, the slots of its own
    members, and where its slots begin and end."""

    subject: JsonObject
    counts: dict[str, int]
    members: list[int]
    start: int
    end: int


# Stands for what a parent holds until its children's digests are known.
_LATER: Final = object()
_NO_DIGEST: Final = bytes(32)


@dataclass(slots=True)
class Disclosures:
    """The disclosures of several events, one slot each in the order of paths_of.

    What is alike for all is done for all at once: many events ask for salts once, and their digests
    are encoded in one go.
    """

    arrays: list[list[Any]] = field(default_factory=list)  # salt, name (of a member), value
    # Slot of a parent, its children's slots, whether it is a list; an outer one before an inner.
    parents: list[tuple[int, Sequence[int], bool]] = field(default_factory=list)
    raws: list[bytes] = field(default_factory=list)  # a disclosure's JSON
    digests: list[str] = field(default_factory=list)
    # Name of an event's member -> its path; None for what stays in the clear or is dropped.
    _known: dict[str, str | None] = field(default_factory=dict)

    def lay_out(self, event: JsonObject) -> Laid:
        """Gives every disclosure of an event its slot. Raises NotSignable."""
        arrays, known = self.arrays, self._known
        start = len(arrays)
        counts: dict[str, int] = {}
        members: list[int] = []
        for name, value in event.items():
            try:
                path = known[name]
            except (KeyError, TypeError):
                path = known[name] = _path_of(name)
            if path is None:
                continue
            members.append(len(arrays))
            if name == "ilmd":
                self._ilmd(value, counts)
            elif isinstance(value, list):
                counts[path] = len(value)
                self._list(name, value)
            else:
                counts[path] = 1
                arrays.append(["", name, value])
        if len(counts) > MAX_MEMBERS:
            raise NotSignable(reason=f"it has more than {MAX_MEMBERS} members", path="")
        return Laid(_core(event), counts, members, start, len(arrays))

    def _list(self, name: str, values: list[Any]) -> None:
        arrays, size = self.arrays, len(values)
        if not SPLIT_FROM <= size <= SPLIT_TO:
            arrays.append(["", name, values])
            return
        first = len(arrays) + 1
        self.parents.append((first - 1, range(first, first + size), True))
        arrays.append(["", name, _LATER])
        arrays += [["", value] for value in values]

    def _ilmd(self, value: Any, counts: dict[str, int]) -> None:
        """`ilmd` is an object of disclosures, one per member of its own."""
        if not isinstance(value, dict):
            raise NotSignable(reason="ilmd is not an object", path="/ilmd")
        arrays = self.arrays
        counts["ilmd"] = len(value)
        slots: list[int] = []
        if value:
            self.parents.append((len(arrays), slots, False))
        arrays.append(["", "ilmd", _LATER if value else {}])
        for name, inner in value.items():
            _check_name(name, "ilmd/")
            path = f"ilmd/{escape(name)}"
            slots.append(len(arrays))
            if isinstance(inner, list):
                counts[path] = len(inner)
                self._list(name, inner)
            else:
                counts[path] = 1
                arrays.append(["", name, inner])

    def write(self, salts: Callable[[int], bytes]) -> None:
        """Fills `raws` and `digests`. Raises Broken."""
        need = SALT_BYTES * len(self.arrays)
        block = salts(need)  # one call: the system's randomness costs by the call
        if len(block) != need:
            raise Unreadable(f"{need} bytes of salt", f"{len(block)} bytes")
        raws, digests = self.raws, []
        looked_at: set[int] = set()
        open_questions: list[bytes] = []
        for salt, array in zip(_salt_texts(block), self.arrays, strict=True):
            array[0], value = salt, array[-1]
            if value is _LATER:
                raws.append(b"")
                digests.append(_NO_DIGEST)
                continue
            try:
                raw = orjson_dumps(array, None, WRITE)
            except (TypeError, ValueError, RecursionError) as error:
                raise Broken(len(raws), str(error)) from None
            # A text names nothing and nests nothing; a context that all events share is looked at
            # once (whatever has been looked at is held by its array: an id means one thing only).
            if type(value) is not str and id(value) not in looked_at:
                looked_at.add(id(value))
                open_questions.append(raw)
            # b64url_bytes, which for so many small texts costs more to call than to do
            text = b2a_base64(raw, newline=False)
            text = text.replace(b"+", b"-").replace(b"/", b"_").rstrip(b"=")
            raws.append(raw)
            digests.append(sha256(text).digest())
        if _is_suspect(open_questions):
            self._check()
        self.digests = digest_texts(digests)
        self._write_parents()

    def _write_parents(self) -> None:
        """Now that what they hold is known; the innermost first."""
        arrays, raws, digests = self.arrays, self.raws, self.digests
        for slot, children, is_list in reversed(self.parents):
            held = [digests[child] for child in children]
            array = arrays[slot]
            array[2] = [{"...": one} for one in held] if is_list else {"_sd": sorted(held)}
            try:
                raws[slot] = raw = orjson_dumps(array, None, WRITE)
            except TypeError as error:  # its name is no Unicode text
                raise Broken(slot, str(error)) from None
            digests[slot] = b64url(sha256(b64url_bytes(raw)).digest())

    def _check(self) -> None:
        for slot, array in enumerate(self.arrays):
            try:
                _check_value(array[-1], "")
            except NotSignable:
                raise Broken(slot, "") from None


class Broken(Exception):
    """The value in a slot cannot be signed; `reason` tells why where the value itself does not."""

    def __init__(self, slot: int, reason: str) -> None:
        self.slot = slot
        self.reason = reason

    def told(self, event: JsonObject, laid: Laid, value: Any) -> NotSignable:
        """The error for the one who sent the event: where it is, and what."""
        path = paths_of(event)[self.slot - laid.start]
        try:
            _check_value(value, path)
        except NotSignable as error:
            return error
        return NotSignable(reason=self.reason, path="/" + path)


def _path_of(name: object) -> str | None:
    _check_name(name)
    if name in _CORE or name in _DROPPED:
        return None
    if name == MEMBERS:
        raise NotSignable(reason=f"{MEMBERS} is written by the signer", path=f"/{MEMBERS}")
    return escape(str(name))


def _is_suspect(raws: Sequence[bytes]) -> bool:
    """Whether some JSON looks as if it broke a rule, so that all must be walked: brackets bound the
    depth from above, and a number that is none is written as null."""
    joined = b"\n".join(raws)
    if b"_sd" in joined or b'"..."' in joined or b"null" in joined:
        return True
    return any(
        raw.count(b"[") + raw.count(b"{") > _SHALLOW for raw in raws if len(raw) > 2 * _SHALLOW
    )


def digest_texts(digests: Sequence[bytes]) -> list[str]:
    """Each digest as text. 32 bytes and a zero byte are a group of 44 characters of their own, so
    that all are encoded at once; the last character is the zero byte's."""
    joined = b64url(b"\0".join([*digests, b""]))
    return [joined[start : start + 43] for start in range(0, 44 * len(digests), 44)]


def _salt_texts(block: bytes) -> list[str]:
    """16 bytes after 16 bytes as base64url texts of 22 characters, encoded all at once: followed by
    two zero bytes each begins a group of 24 characters of its own, whose last two are padding."""
    count = len(block) // SALT_BYTES
    padded = bytearray((SALT_BYTES + 2) * count)
    for place in range(SALT_BYTES):
        padded[place :: SALT_BYTES + 2] = block[place::SALT_BYTES]
    text = b64url_bytes(bytes(padded)).decode()
    return [text[start : start + 22] for start in range(0, 24 * count, 24)]


_SHALLOW: Final = MAX_DEPTH - 5  # brackets that need no walking: two bytes each, with their ends


def _check_name(name: object, prefix: str = "") -> None:
    if not isinstance(name, str):
        raise NotSignable(reason="a name is not text", path=f"/{prefix}")
    if name in RESERVED:
        raise NotSignable(reason=f"the name {name} is reserved", path=f"/{prefix}{escape(name)}")


def _check_value(value: Any, path: str) -> None:
    """Refuses reserved names, numbers that are none, and nesting no reader would accept."""
    if isinstance(value, str):
        return
    try:
        check_depth(value, MAX_DEPTH - 4)  # a disclosure's array and a list's element come on top
    except Unreadable as error:
        raise NotSignable(
            reason=f"it nests deeper than {MAX_DEPTH - 4} levels", path="/" + path
        ) from error
    _check_inside(value, path)


def _check_inside(value: Any, path: str) -> None:
    if isinstance(value, dict):
        for name, member in value.items():
            _check_name(name, path + "/")
            _check_inside(member, f"{path}/{escape(name)}")
    elif isinstance(value, list):
        for index, element in enumerate(value):
            _check_inside(element, f"{path}/{index}")
    elif isinstance(value, float) and not isfinite(value):
        raise NotSignable(reason="a number is not finite", path="/" + path)


def _core(event: JsonObject) -> JsonObject:
    subject: JsonObject = {}
    for name in CORE:
        if name in event:
            subject[name] = value = event[name]
            if not isinstance(value, str):
                _check_value(value, name)
    return subject


def paths_of(event: JsonObject) -> tuple[str, ...]:
    """The paths of the disclosures that build_statement makes of `event`, in the same order."""
    paths: list[str] = []

    def member(path: str, value: object) -> None:
        paths.append(path)
        if isinstance(value, list) and SPLIT_FROM <= len(value) <= SPLIT_TO:
            paths.extend(f"{path}/{index}" for index in range(len(value)))

    for name, value in event.items():
        if name in _CORE or name in _DROPPED:
            continue
        if name == "ilmd" and isinstance(value, dict):
            paths.append("ilmd")
            for inner, content in value.items():
                member(f"ilmd/{escape(str(inner))}", content)
        else:
            member(escape(str(name)), value)
    return tuple(paths)

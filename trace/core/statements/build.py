"""One event = one statement: a W3C Verifiable Credential 2.0 secured as SD-JWT (RFC 9901).

Rules (docs/reference/formats.md, "Statement").
1. Core members stay in the clear: a statement is shown with them or not at all, so withholding
   cannot turn a recall or a void into praise.
2. `trace:members` names every other member with its element count: undeclared and withheld can be
   told apart.
3. Each other member is a disclosure; `ilmd` holds one disclosure per member of its own; a list of
   2 to 32 elements holds one per element. A parent stands before its children in our order.
4. A path names the member: segments joined by `/`, with `~` and `/` inside a name written `~0` and
   `~1` (RFC 6901), list elements by index from 0.
5. Names `_sd`, `_sd_alg`, `...` are refused anywhere: with them a claim could be added after
   signing. `recordTime` is dropped: the log gives it.
6. Numbers are kept by value; salts have 128 bits; there are no decoys; at most 256 members.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from hashlib import sha256
from math import isfinite
from typing import Any, Final, NamedTuple
from urllib.parse import unquote

from orjson import dumps as orjson_dumps

from trace.core.signing import (
    MAX_DEPTH,
    IssuerMismatch,
    JsonObject,
    PrivateKey,
    Unreadable,
    b64url,
    b64url_bytes,
    check_depth,
    dumps,
    parse_kid,
    sign_compact,
)
from trace.core.signing.encoding import WRITE
from trace.core.signing.sdjwt import RESERVED, SALT_BYTES, digest_of
from trace.core.statements.errors import NotSignable
from trace.core.statements.times import moment_text

TYP: Final = "vc+sd-jwt"
CREDENTIAL_TYPES: Final = ["VerifiableCredential", "TraceEvent"]
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
# Events whose disclosures are made together: few enough that what one step wrote is still in the
# processor's cache when the next one reads it.
TOGETHER: Final = 32
SPLIT_FROM, SPLIT_TO = 2, 32  # lists of this many elements are disclosed element by element

_CORE = frozenset(CORE)
_DROPPED = frozenset({"recordTime"})
_UUID = re.compile(r"urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
_ISSUER = re.compile(r"did:web:(?P<host>[A-Za-z0-9.%-]+)(?P<stem>(:[A-Za-z0-9._~%-]+)*):o:[^:#/?]+")


class Disclosure(NamedTuple):
    """One disclosure: the member it is for (rule 4) and its text between the tildes."""

    path: str
    text: str

    @property
    def digest(self) -> str:
        """base64url SHA-256 of the text, as it stands in the statement."""
        return digest_of(self.text)


@dataclass(frozen=True, slots=True)
class Statement:
    """A signed JWT and its disclosures in event order, each parent before its children."""

    jwt: str
    disclosures: tuple[Disclosure, ...]


class Signed(NamedTuple):
    """A signed JWT, and the paths and texts of its disclosures in the order of a Statement's."""

    jwt: str
    paths: list[str]
    texts: list[str]

    @property
    def statement(self) -> Statement:
        return Statement(self.jwt, tuple(map(Disclosure, self.paths, self.texts)))


def escape(name: str) -> str:
    """A member's name as one segment of a path (rule 4)."""
    if "~" in name or "/" in name:
        return name.replace("~", "~0").replace("/", "~1")
    return name


def statement_hash(jwt: str) -> str:
    """base64url SHA-256 of the JWT: the `h` of its log entry, 43 characters."""
    return b64url(sha256(jwt.encode()).digest())


@lru_cache(maxsize=4096)
def id_base_of(issuer: str) -> str:
    """The identifier base under which an issuer `did:web:{host}[:{stem}]:o:{code}` stands.

    did:web, "Method-specific identifier": segments are percent-decoded. Raises Unreadable.
    """
    found = _ISSUER.fullmatch(issuer)
    if found is None:
        raise Unreadable("an issuer did:web:…:o:…", issuer)
    stem = unquote(found["stem"]).replace(":", "/")
    return f"https://{unquote(found['host'])}{stem}"


@lru_cache(maxsize=4096)
def _context(issuer: str) -> tuple[object, ...]:
    return (
        "https://www.w3.org/ns/credentials/v2",
        "https://ref.gs1.org/standards/epcis/epcis-context.jsonld",
        {"trace": f"{id_base_of(issuer)}/voc/", "TraceEvent": "trace:TraceEvent"},
    )


def context_of(issuer: str) -> list[object]:
    """The `@context` of every statement of this issuer. Raises Unreadable for a foreign DID."""
    return list(_context(issuer))


def is_statement_id(text: object) -> bool:
    """True for `urn:uuid:` and a lower-case version 4 UUID (RFC 9562)."""
    return isinstance(text, str) and _UUID.fullmatch(text) is not None


class _Laid(NamedTuple):
    """One event's place among the disclosures: its core members, its counts, the slots of its own
    members, and where its slots begin and end."""

    subject: JsonObject
    counts: dict[str, int]
    members: list[int]
    start: int
    end: int


@dataclass(slots=True)
class _Disclosures:
    """The disclosures of several events, one slot each; a parent stands before its children.

    What is alike for all is done for all at once: a thousand events ask for salts once, and their
    digests are encoded in one go.
    """

    paths: list[str] = field(default_factory=list)
    arrays: list[list[Any]] = field(default_factory=list)  # salt, name (of a member), value
    parents: list[tuple[int, list[int]]] = field(default_factory=list)  # slot, its children's
    texts: list[bytes] = field(default_factory=list)
    digests: list[str] = field(default_factory=list)
    # Name of an event's member -> its path; None for what stays in the clear or is dropped.
    _known: dict[str, str | None] = field(default_factory=dict)

    def lay_out(self, event: JsonObject) -> _Laid:
        """Gives every disclosure of an event its slot. Raises NotSignable."""
        arrays, paths, known = self.arrays, self.paths, self._known
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
                self._list(path, name, value)
            else:
                counts[path] = 1
                arrays.append(["", name, value])
                paths.append(path)
        if len(counts) > MAX_MEMBERS:
            raise NotSignable(reason=f"it has more than {MAX_MEMBERS} members", path="")
        return _Laid(_core(event), counts, members, start, len(arrays))

    def _list(self, path: str, name: str, values: list[Any]) -> None:
        slot, size = len(self.arrays), len(values)
        self.arrays.append(["", name, values])
        self.paths.append(path)
        if SPLIT_FROM <= size <= SPLIT_TO:
            self.arrays[slot][2] = None
            self.parents.append((slot, list(range(slot + 1, slot + 1 + size))))
            self.arrays += [["", value] for value in values]
            self.paths += [f"{path}/{index}" for index in range(size)]

    def _ilmd(self, value: Any, counts: dict[str, int]) -> None:
        """`ilmd` is an object of disclosures, one per member of its own."""
        if not isinstance(value, dict):
            raise NotSignable(reason="ilmd is not an object", path="/ilmd")
        counts["ilmd"] = len(value)
        own = len(self.arrays)
        self.arrays.append(["", "ilmd", {}])
        self.paths.append("ilmd")
        slots: list[int] = []
        if value:
            self.parents.append((own, slots))
        for name, inner in value.items():
            _check_name(name, "ilmd/")
            path = f"ilmd/{escape(name)}"
            slots.append(len(self.arrays))
            if isinstance(inner, list):
                counts[path] = len(inner)
                self._list(path, name, inner)
            else:
                counts[path] = 1
                self.arrays.append(["", name, inner])
                self.paths.append(path)

    def write(self, salts: Callable[[int], bytes]) -> None:
        """Fills `texts` and `digests`. Raises NotSignable."""
        need = SALT_BYTES * len(self.arrays)
        block = salts(need)  # one call: the system's randomness costs by the call
        if len(block) != need:
            raise Unreadable(f"{need} bytes of salt", f"{len(block)} bytes")
        texts = self.texts
        looked_at: set[int] = set()
        for salt, array, path in zip(_salt_texts(block), self.arrays, self.paths, strict=True):
            array[0] = salt
            try:
                raw = orjson_dumps(array, None, WRITE)
            except (TypeError, ValueError, RecursionError) as error:
                _check_value(array[-1], path)
                raise NotSignable(reason=str(error), path="/" + path) from None
            value = array[-1]
            # A text names nothing and nests nothing; a context that all events share is looked at
            # once (whatever has been looked at is held by its array: an id means one thing only).
            if type(value) is not str and id(value) not in looked_at:
                looked_at.add(id(value))
                if _is_suspect(raw):
                    _check_value(value, path)
            texts.append(b64url_bytes(raw))
        self.digests = _digests(texts)
        # Parents are few: written once in their place above, and again now that what they hold is
        # known, the innermost first.
        for slot, children in reversed(self.parents):
            array = self.arrays[slot]
            held = [self.digests[child] for child in children]
            if array[2] is None:
                array[2] = [{"...": digest} for digest in held]
            else:
                array[2] = {"_sd": sorted(held)}
            texts[slot] = b64url_bytes(dumps(array))
            self.digests[slot] = b64url(sha256(texts[slot]).digest())


def _path_of(name: object) -> str | None:
    _check_name(name)
    if name in _CORE or name in _DROPPED:
        return None
    if name == MEMBERS:
        raise NotSignable(reason=f"{MEMBERS} is written by the signer", path=f"/{MEMBERS}")
    return escape(str(name))


def _is_suspect(raw: bytes) -> bool:
    """Whether JSON looks as if it broke a rule and must be walked: brackets bound the depth from
    above, and a number that is none is written as null."""
    return (
        b"_sd" in raw
        or b'"..."' in raw
        or b"null" in raw
        or (len(raw) > 2 * _SHALLOW and raw.count(b"[") + raw.count(b"{") > _SHALLOW)
    )


def _digests(texts: Sequence[bytes]) -> list[str]:
    """The digest of each text. 32 bytes and a zero byte are a group of 44 characters of their own,
    so that all are encoded at once; the last character is the zero byte's."""
    block = b"".join([sha256(text).digest() + b"\0" for text in texts])
    joined = b64url(block)
    return [joined[start : start + 43] for start in range(0, 44 * len(texts), 44)]


def _salt_texts(block: bytes) -> list[str]:
    """16 bytes after 16 bytes as base64url texts of 22 characters, encoded all at once: followed by
    two zero bytes each begins a group of 24 characters of its own, whose last two are padding."""
    count = len(block) // SALT_BYTES
    padded = bytearray((SALT_BYTES + 2) * count)
    for place in range(SALT_BYTES):
        padded[place :: SALT_BYTES + 2] = block[place::SALT_BYTES]
    text = b64url_bytes(bytes(padded)).decode()
    return [text[start : start + 22] for start in range(0, 24 * count, 24)]


_SHALLOW: Final = 50  # brackets of an array of ours that need no walking


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


def build_statement(
    event: JsonObject,
    *,
    issuer: str,
    kid: str,
    key: PrivateKey,
    statement_id: str,
    valid_from: datetime,
    salts: Callable[[int], bytes],
) -> Statement:
    """Signs `event` (its JSON with its own `@context`) for `issuer`.

    `salts(n)` returns n random bytes; `statement_id` is `urn:uuid:` v4. Raises NotSignable with the
    JSON Pointer of what cannot be signed, Unreadable for a malformed issuer, kid or id,
    IssuerMismatch for another's kid.
    """
    return build_statements(
        [event],
        issuer=issuer,
        kid=kid,
        key=key,
        statement_ids=[statement_id],
        valid_from=valid_from,
        salts=salts,
    )[0].statement


def build_statements(
    events: Sequence[JsonObject],
    *,
    issuer: str,
    kid: str,
    key: PrivateKey,
    statement_ids: Sequence[str],
    valid_from: datetime,
    salts: Callable[[int], bytes],
) -> list[Signed]:
    """build_statement for many events of one issuer at less cost: what was signed for each.

    `salts` is called once for every TOGETHER of them. Raises what build_statement raises.
    """
    _check_issuer(issuer, kid)
    signed: list[Signed] = []
    for begin in range(0, len(events), TOGETHER):
        some = slice(begin, begin + TOGETHER)
        made = _Disclosures()
        laid = [made.lay_out(event) for event in events[some]]
        made.write(salts)
        frame = _frame(issuer, moment_text(valid_from))
        signed += _signed(made, laid, statement_ids[some], frame, kid, key)
    return signed


def _signed(
    made: _Disclosures,
    laid: Sequence[_Laid],
    statement_ids: Sequence[str],
    frame: tuple[bytes, bytes],
    kid: str,
    key: PrivateKey,
) -> Iterator[Signed]:
    texts = b"~".join(made.texts).decode().split("~")
    start, middle = frame
    for event, statement_id in zip(laid, statement_ids, strict=True):
        if not is_statement_id(statement_id):
            raise Unreadable("urn:uuid: and a version 4 UUID", statement_id)
        subject = event.subject
        subject[MEMBERS] = event.counts
        subject["_sd"] = sorted([made.digests[slot] for slot in event.members])
        try:
            raw = dumps(subject)
        except Unreadable as error:
            raise NotSignable(reason=error.got, path="") from None
        jwt = sign_compact(
            b"".join((start, statement_id.encode(), middle, raw, b"}")), typ=TYP, kid=kid, key=key
        )
        own = slice(event.start, event.end)
        yield Signed(jwt, made.paths[own], texts[own])


@lru_cache(maxsize=64)
def _frame(issuer: str, valid_from: str) -> tuple[bytes, bytes]:
    """The payload's bytes before the statement's id, and between the id and its subject: the same
    for all statements made at one moment."""
    payload = {
        "@context": _context(issuer),
        "type": CREDENTIAL_TYPES,
        "id": "",
        "issuer": issuer,
        "validFrom": valid_from,
        "_sd_alg": "sha-256",
        "credentialSubject": 0,
    }
    start, middle = dumps(payload).split(b'"id":"', 1)
    return start + b'"id":"', middle.removesuffix(b"0}")


@lru_cache(maxsize=4096)
def _check_issuer(issuer: str, kid: str) -> None:
    id_base_of(issuer)
    if parse_kid(kid).issuer != issuer:
        raise IssuerMismatch(f"a key of {issuer}", kid)


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


def present(statement: Statement, withhold: Collection[str] = ()) -> str:
    """`<jwt>~<disclosure>~…~` without the members at the paths in `withhold` and what is below."""
    hidden = frozenset(withhold)
    shown = [
        disclosure.text
        for disclosure in statement.disclosures
        if not _below(disclosure.path, hidden)
    ]
    return "~".join([statement.jwt, *shown, ""])


def _below(path: str, hidden: frozenset[str]) -> bool:
    if not hidden:
        return False
    while path not in hidden:
        path, slash, _ = path.rpartition("/")
        if not slash:
            return False
    return True

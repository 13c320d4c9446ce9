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
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from hashlib import sha256
from math import isfinite
from typing import Any, Final, NamedTuple
from urllib.parse import unquote

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


@dataclass(slots=True)
class _Writer:
    """Collects disclosures; `salts` holds a salt's text for each of them."""

    salts: list[str]
    disclosures: list[Disclosure | None] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)

    def member(self, path: str, name: str, value: Any) -> str:
        """Adds the disclosure of a member and what hangs below; returns its digest."""
        slot = self._slot()
        if not isinstance(value, list):
            self.counts[path] = 1
            return self._put(slot, path, ["", name, value])
        self.counts[path] = size = len(value)
        if not SPLIT_FROM <= size <= SPLIT_TO:
            return self._put(slot, path, ["", name, value])
        digests = [
            {"...": self._put(self._slot(), f"{path}/{index}", ["", element])}
            for index, element in enumerate(value)
        ]
        return self._put(slot, path, ["", name, digests], ours=True)

    def ilmd(self, value: JsonObject) -> str:
        """Adds `ilmd` as an object of disclosures, one per member of its own."""
        slot = self._slot()
        self.counts["ilmd"] = len(value)
        if not value:
            return self._put(slot, "ilmd", ["", "ilmd", {}])
        digests = []
        for name, inner in value.items():
            _check_name(name, "ilmd/")
            digests.append(self.member(f"ilmd/{escape(name)}", name, inner))
        digests.sort()
        return self._put(slot, "ilmd", ["", "ilmd", {"_sd": digests}], ours=True)

    def _slot(self) -> int:
        self.disclosures.append(None)
        return len(self.disclosures) - 1

    def _put(self, slot: int, path: str, array: list[Any], *, ours: bool = False) -> str:
        """Writes one disclosure into its place; `ours` says that its digests are our own."""
        array[0] = self.salts[slot]
        try:
            raw = dumps(array)
        except Unreadable as error:
            _check_value(array[-1], path)
            raise NotSignable(reason=error.got, path="/" + path) from None
        if not ours and (
            b"_sd" in raw
            or b'"..."' in raw
            or b"null" in raw
            or raw.count(b"[") + raw.count(b"{") > _SHALLOW
        ):
            _check_value(array[-1], path)
        text = b64url_bytes(raw)
        self.disclosures[slot] = Disclosure(path, text.decode())
        return b64url_bytes(sha256(text).digest()).decode()


def _salt_texts(block: bytes) -> list[str]:
    """16 bytes after 16 bytes as base64url texts of 22 characters, encoded all at once: followed by
    two zero bytes each begins a group of 24 characters of its own, whose last two are padding."""
    count = len(block) // SALT_BYTES
    padded = bytearray((SALT_BYTES + 2) * count)
    for place in range(SALT_BYTES):
        padded[place :: SALT_BYTES + 2] = block[place::SALT_BYTES]
    text = b64url_bytes(bytes(padded)).decode()
    return [text[start : start + 22] for start in range(0, 24 * count, 24)]


# Only what looks like it may break a rule is walked: brackets bound the depth from above, and a
# number that is none would have been written as null.
_SHALLOW: Final = 50


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
    _check_issuer(issuer, kid)
    if not is_statement_id(statement_id):
        raise Unreadable("urn:uuid: and a version 4 UUID", statement_id)
    need = SALT_BYTES * _count(event)
    block = salts(need)  # one call: the system's randomness costs by the call
    if len(block) != need:
        raise Unreadable(f"{need} bytes of salt", f"{len(block)} bytes")
    writer = _Writer(_salt_texts(block))
    subject, digests = _subject(event, writer)
    subject[MEMBERS] = writer.counts
    digests.sort()
    subject["_sd"] = digests
    payload = {
        "@context": _context(issuer),
        "type": CREDENTIAL_TYPES,
        "id": statement_id,
        "issuer": issuer,
        "validFrom": moment_text(valid_from),
        "_sd_alg": "sha-256",
        "credentialSubject": subject,
    }
    try:
        raw = dumps(payload)
    except Unreadable as error:
        raise NotSignable(reason=error.got, path="") from None
    jwt = sign_compact(raw, typ=TYP, kid=kid, key=key)
    return Statement(jwt, tuple(d for d in writer.disclosures if d is not None))


@lru_cache(maxsize=4096)
def _check_issuer(issuer: str, kid: str) -> None:
    id_base_of(issuer)
    if parse_kid(kid).issuer != issuer:
        raise IssuerMismatch(f"a key of {issuer}", kid)


def _subject(event: JsonObject, writer: _Writer) -> tuple[JsonObject, list[str]]:
    subject: JsonObject = {}
    digests: list[str] = []
    for name in CORE:
        if name in event:
            subject[name] = value = event[name]
            if not isinstance(value, str):
                _check_value(value, name)
    for name, value in event.items():
        if name in _CORE or name in _DROPPED:
            continue
        _check_name(name)
        if name == MEMBERS:
            raise NotSignable(reason=f"{MEMBERS} is written by the signer", path=f"/{MEMBERS}")
        if name == "ilmd":
            if not isinstance(value, dict):
                raise NotSignable(reason="ilmd is not an object", path="/ilmd")
            digests.append(writer.ilmd(value))
        else:
            digests.append(writer.member(escape(name), name, value))
    if len(writer.counts) > MAX_MEMBERS:
        raise NotSignable(reason=f"it has more than {MAX_MEMBERS} members", path="")
    return subject, digests


def _count(event: JsonObject) -> int:
    """How many disclosures an event has: what paths_of lists, without the texts."""
    count = 0
    for name, value in event.items():
        if name in _CORE or name in _DROPPED:
            continue
        count += 1
        members = [value]
        if name == "ilmd" and isinstance(value, dict):
            count += len(value)
            members = list(value.values())
        for member in members:
            if isinstance(member, list) and SPLIT_FROM <= len(member) <= SPLIT_TO:
                count += len(member)
    return count


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

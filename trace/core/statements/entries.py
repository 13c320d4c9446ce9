"""Log entries: one line of JSON, blind, stored and hashed verbatim.

Rules (docs/reference/formats.md, "Log entry").
1. UTF-8 JSON without spaces, members in the order written here; an entry that is not byte-identical
   to its re-serialisation is refused: what is logged has one form only.
2. `t` is the record time in milliseconds; `h` is base64url SHA-256 of the statement's JWT.
3. `links` are tags, sorted, each once; they name neither issuer nor thing.
4. An entry stays under 60,000 bytes; further tags follow at once in `links` entries of that `h`.
5. `a`, last in an event entry, is the index of the approval by passkey, which stands before it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, ClassVar, Final

from trace.core.signing import SAFE_INTEGER, JsonObject, Unreadable, b64url, dumps, unb64url
from trace.core.signing.encoding import loads_strict
from trace.core.statements.errors import BadEntry
from trace.core.statements.times import moment_text, parse_moment

ENTRY_LIMIT: Final = 60_000  # bytes; the tiles' entry bundles count in 16 bits
MAX_APPROVED: Final = 1_000  # statements of one approval: its entry stays under the limit
_HASH = re.compile(r"[A-Za-z0-9_-]{43}")
_CANONICAL_HASH = re.compile(r"[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]")  # spare bits are zero
_TAG = re.compile(r"[A-Za-z0-9_-]{22}")
_JWS = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")
_LINE = re.compile(r"[!-~]{1,512}")


@dataclass(frozen=True, slots=True)
class EventEntry:
    """A statement: its hash, its links, and the index of its approval if it has one."""

    type: ClassVar[str] = "event"
    t: datetime
    h: str
    links: tuple[str, ...]
    approval: int | None = None


@dataclass(frozen=True, slots=True)
class LinksEntry:
    """Further links of the statement `h`, whose event entry stands right before."""

    type: ClassVar[str] = "links"
    t: datetime
    h: str
    links: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class KeyEntry:
    """A change of an organisation's keys: one to three JWS over the same record, and its link."""

    type: ClassVar[str] = "key"
    t: datetime
    jws: tuple[str, ...]
    links: tuple[str, ...]
    assertion: Assertion | None = None


@dataclass(frozen=True, slots=True)
class Assertion:
    """What a passkey returns (WebAuthn Level 3, 5.8.1 and 6.5.6): three byte strings."""

    authenticator_data: bytes
    client_data_json: bytes
    signature: bytes


@dataclass(frozen=True, slots=True)
class ApprovalEntry:
    """One assertion by a passkey for the statements whose hashes are listed, sorted."""

    type: ClassVar[str] = "approval"
    t: datetime
    hashes: tuple[str, ...]
    assertion: Assertion


@dataclass(frozen=True, slots=True)
class ErasureEntry:
    """Digests of disclosures that were erased, sorted."""

    type: ClassVar[str] = "erasure"
    t: datetime
    digests: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """The digest of one day of the audit log (UTC) and its number of rows."""

    type: ClassVar[str] = "audit"
    t: datetime
    day: date
    rows: int
    digest: str


@dataclass(frozen=True, slots=True)
class OriginEntry:
    """The first entry of a new origin: its number (the first log is 0), the old origin line, and
    the old origin's last checkpoint as the signed note it was."""

    type: ClassVar[str] = "origin"
    t: datetime
    number: int
    old: str
    checkpoint: str


Entry = EventEntry | LinksEntry | KeyEntry | ApprovalEntry | ErasureEntry | AuditEntry | OriginEntry


def event_entry(t: datetime, h: str, links: Sequence[str], approval: int | None = None) -> bytes:
    """The entry of a statement. Links are sorted here. Raises BadEntry."""
    if approval is None and 0 < len(links) <= LINKS_AN_ENTRY and _CANONICAL_HASH.fullmatch(h):
        # Nearly every entry: what stands between the quotes is matched and needs no escapes.
        text = '","'.join(_tags(links))
        return (
            f'{{"v":1,"type":"event","t":"{moment_text(t)}","h":"{h}","links":["{text}"]}}'.encode()
        )
    entry: JsonObject = {
        "v": 1,
        "type": "event",
        "t": moment_text(t),
        "h": _hash(h, "/h"),
        "links": _tags(links),
    }
    if approval is not None:
        entry["a"] = _index(approval, "/a")
    return _finish(entry)


def links_entry(t: datetime, h: str, links: Sequence[str]) -> bytes:
    """Further links of the statement `h`; at least one. Raises BadEntry."""
    if not links:
        raise BadEntry("at least one link", "none", path="/links")
    return _finish(
        {
            "v": 1,
            "type": "links",
            "t": moment_text(t),
            "h": _hash(h, "/h"),
            "links": _tags(links),
        }
    )


_FIXED = 220  # bytes of an event entry that are not links, with room for the longest `a`
_LINK = 25  # bytes of one link: 22 characters, two quotes, a comma
LINKS_AN_ENTRY: Final = (ENTRY_LIMIT - _FIXED) // _LINK


def event_entries(
    t: datetime, h: str, links: Sequence[str], approval: int | None = None
) -> list[bytes]:
    """The event entry and, when the links do not fit, the links entries that follow at once.

    Links are sorted over all of them (rule 3). Raises BadEntry.
    """
    if len(links) <= LINKS_AN_ENTRY:
        return [event_entry(t, h, links, approval)]
    ordered = sorted(links)
    return [
        event_entry(t, h, ordered[:LINKS_AN_ENTRY], approval),
        *(
            links_entry(t, h, ordered[start : start + LINKS_AN_ENTRY])
            for start in range(LINKS_AN_ENTRY, len(ordered), LINKS_AN_ENTRY)
        ),
    ]


def key_entry(
    t: datetime, jws: Sequence[str], link: str, assertion: Assertion | None = None
) -> bytes:
    """A key entry: one to three compact JWS, its keyring tag, a passkey's proof of possession."""
    if not 1 <= len(jws) <= 3 or not all(_is_jws(text) for text in jws):
        raise BadEntry("one to three compact JWS", list(jws), path="/jws")
    entry: JsonObject = {"v": 1, "type": "key", "t": moment_text(t), "jws": list(jws)}
    if assertion is not None:
        entry["assertion"] = _assertion_json(assertion)
    entry["links"] = _tags([link])
    return _finish(entry)


def approval_entry(t: datetime, hashes: Sequence[str], assertion: Assertion) -> bytes:
    """One assertion for 1 to 1,000 statements, by their hashes. Raises BadEntry."""
    if not 1 <= len(hashes) <= MAX_APPROVED:
        raise BadEntry(f"1 to {MAX_APPROVED} statements", len(hashes), path="/h")
    return _finish(
        {
            "v": 1,
            "type": "approval",
            "t": moment_text(t),
            "h": _sorted([_hash(h, "/h") for h in hashes], "/h"),
            "assertion": _assertion_json(assertion),
        }
    )


def erasure_entry(t: datetime, digests: Sequence[str]) -> bytes:
    """The digests of erased disclosures; at least one. Raises BadEntry."""
    if not digests:
        raise BadEntry("at least one digest", "none", path="/digests")
    return _finish(
        {
            "v": 1,
            "type": "erasure",
            "t": moment_text(t),
            "digests": _sorted([_hash(d, "/digests") for d in digests], "/digests"),
        }
    )


def audit_entry(t: datetime, day: date, rows: int, digest: str) -> bytes:
    """The digest of one day of the audit log. Raises BadEntry."""
    return _finish(
        {
            "v": 1,
            "type": "audit",
            "t": moment_text(t),
            "day": day.isoformat(),
            "rows": _index(rows, "/rows"),
            "digest": _hash(digest, "/digest"),
        }
    )


def origin_entry(t: datetime, number: int, old: str, checkpoint: Any) -> bytes:
    """The first entry of origin `number` (from 1), naming the old one. Raises BadEntry."""
    if _index(number, "/number") < 1 or not _LINE.fullmatch(old):
        raise BadEntry("a number from 1 and an origin line", f"{number}, {old}")
    if not isinstance(checkpoint, str) or not checkpoint.startswith(f"{old}\n"):
        raise BadEntry(f"a checkpoint of {old}", checkpoint, path="/checkpoint")
    return _finish(
        {
            "v": 1,
            "type": "origin",
            "t": moment_text(t),
            "number": number,
            "old": old,
            "checkpoint": checkpoint,
        }
    )


def parse_entry(data: bytes) -> Entry:
    """Reads one entry (rule 1). Raises BadEntry, whatever the bytes."""
    if len(data) >= ENTRY_LIMIT:
        raise BadEntry(f"fewer than {ENTRY_LIMIT} bytes", f"{len(data)} bytes")
    try:
        entry = loads_strict(data, max_depth=4)
    except Unreadable as error:
        raise BadEntry(error.expected, error.got) from None
    if not isinstance(entry, dict) or entry.get("v") != 1:
        raise BadEntry("an entry of version 1", entry)
    kind = entry.get("type")
    reader = _READERS.get(kind) if isinstance(kind, str) else None
    if reader is None:
        raise BadEntry(f"one of the types {', '.join(_READERS)}", kind, path="/type")
    try:
        parsed, again = reader(entry)
    except KeyError as missing:
        raise BadEntry(f"the member {missing}", "none") from None
    except (TypeError, ValueError, AttributeError):
        raise BadEntry(f"the members of an entry of type {kind}", entry) from None
    except BadEntry:
        raise
    except Unreadable as error:
        raise BadEntry(error.expected, error.got, path=error.path) from None
    if again != data:
        raise BadEntry(again.decode(), data.decode())
    return parsed


def _read_event(e: JsonObject) -> tuple[Entry, bytes]:
    entry = EventEntry(parse_moment(e["t"]), e["h"], tuple(e["links"]), e.get("a"))
    return entry, event_entry(entry.t, entry.h, entry.links, entry.approval)


def _read_links(e: JsonObject) -> tuple[Entry, bytes]:
    entry = LinksEntry(parse_moment(e["t"]), e["h"], tuple(e["links"]))
    return entry, links_entry(entry.t, entry.h, entry.links)


def _read_key(e: JsonObject) -> tuple[Entry, bytes]:
    assertion = _assertion(e["assertion"]) if "assertion" in e else None
    entry = KeyEntry(parse_moment(e["t"]), tuple(e["jws"]), tuple(e["links"]), assertion)
    (link,) = entry.links
    return entry, key_entry(entry.t, entry.jws, link, assertion)


def _read_approval(e: JsonObject) -> tuple[Entry, bytes]:
    entry = ApprovalEntry(parse_moment(e["t"]), tuple(e["h"]), _assertion(e["assertion"]))
    return entry, approval_entry(entry.t, entry.hashes, entry.assertion)


def _read_erasure(e: JsonObject) -> tuple[Entry, bytes]:
    entry = ErasureEntry(parse_moment(e["t"]), tuple(e["digests"]))
    return entry, erasure_entry(entry.t, entry.digests)


def _read_audit(e: JsonObject) -> tuple[Entry, bytes]:
    day = date.fromisoformat(e["day"])
    entry = AuditEntry(parse_moment(e["t"]), day, e["rows"], e["digest"])
    return entry, audit_entry(entry.t, entry.day, entry.rows, entry.digest)


def _read_origin(e: JsonObject) -> tuple[Entry, bytes]:
    entry = OriginEntry(parse_moment(e["t"]), e["number"], e["old"], e["checkpoint"])
    return entry, origin_entry(entry.t, entry.number, entry.old, entry.checkpoint)


_READERS: dict[str, Callable[[JsonObject], tuple[Entry, bytes]]] = {
    "event": _read_event,
    "links": _read_links,
    "key": _read_key,
    "approval": _read_approval,
    "erasure": _read_erasure,
    "audit": _read_audit,
    "origin": _read_origin,
}


def _is_jws(text: Any) -> bool:
    return isinstance(text, str) and _JWS.fullmatch(text) is not None


def _finish(entry: JsonObject) -> bytes:
    try:
        data = dumps(entry)
    except Unreadable as error:
        raise BadEntry(error.expected, error.got) from None
    if len(data) >= ENTRY_LIMIT:
        raise BadEntry(f"fewer than {ENTRY_LIMIT} bytes", f"{len(data)} bytes")
    return data


def _hash(text: Any, path: str) -> str:
    if not isinstance(text, str) or not _HASH.fullmatch(text):
        raise BadEntry("a SHA-256 in base64url", text, path=path)
    unb64url(text, path=path)
    return text


def _tags(links: Sequence[Any]) -> list[str]:
    is_tag = _TAG.fullmatch
    for link in links:
        if not isinstance(link, str) or not is_tag(link):
            raise BadEntry("a tag of 22 characters", link, path="/links")
    return _sorted(links, "/links")


def _sorted(texts: Sequence[str], path: str) -> list[str]:
    ordered = sorted(texts)
    if len(set(ordered)) != len(ordered):
        raise BadEntry("each once", "one twice", path=path)
    return ordered


def _index(number: Any, path: str) -> int:
    if type(number) is not int or not 0 <= number <= SAFE_INTEGER:
        raise BadEntry("a whole number from 0", number, path=path)
    return number


def _assertion_json(assertion: Assertion) -> JsonObject:
    return {
        "authenticatorData": b64url(assertion.authenticator_data),
        "clientDataJSON": b64url(assertion.client_data_json),
        "signature": b64url(assertion.signature),
    }


def _assertion(value: JsonObject) -> Assertion:
    return Assertion(
        unb64url(value["authenticatorData"]),
        unb64url(value["clientDataJSON"]),
        unb64url(value["signature"]),
    )

"""Bundles: everything one needs to check what is shown of a thing, offline.

`application/vnd.trace.bundle+json`, at most 20 MB, in this order:
`{"v":1, "subject", "checkpoint", "statements":[{"sdjwt","index","entry","path"}],
"entries":[{"index","entry","path"}], "chains":[{"identity","salt"}], "receipt",
"since":{"checkpoint","proof"}, "attachments":[digest]}`.

Rules (docs/reference/formats.md, "Bundle").
1. Entries stand verbatim as text; hashes and salts in base64url; notes as they were signed.
2. `entries` holds keys, approvals, overflow links, erasures, and statements wholly withheld.
3. Every path leads to the one checkpoint; `since`, absent when there is none yet, is the first
   witnessed checkpoint after the newest entry, with its consistency proof to the checkpoint.
4. Statements and entries are sorted by index; no index occurs twice.
5. Version 2 is a bundle of a history that began in an older log. It has one more member, after
   `entries`: `"older":[{"checkpoint","statements","entries","proof"}]`, the older logs in their
   order, each with paths to a checkpoint of its own. `proof` shows that this checkpoint grew into
   the last one of its log, which the next log's first entry names; it is absent where that last one
   is beyond what is kept (a restored backup). `receipt` is then a `trace-receipt/v2`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from trace.core.signing import SAFE_INTEGER, JsonObject, Unreadable, b64url, dumps, unb64url
from trace.core.signing.encoding import loads_strict
from trace.core.statements.receipts import MAX_LOGS

MEDIA_TYPE: Final = "application/vnd.trace.bundle+json"
MAX_BYTES: Final = 20 * 1024 * 1024
MAX_PATH: Final = 64


@dataclass(frozen=True, slots=True)
class BundledEntry:
    """An entry verbatim, its index, and its audit path to the bundle's checkpoint."""

    index: int
    entry: bytes
    path: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class BundledStatement:
    """A statement as shown, with its entry."""

    sdjwt: str
    index: int
    entry: bytes
    path: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class BundledChain:
    """A disclosed chain: its identity text and its 32-byte salt."""

    identity: str
    salt: bytes


@dataclass(frozen=True, slots=True)
class Since:
    """An older checkpoint as a note, and the proof that the bundle's checkpoint continues it."""

    checkpoint: str
    proof: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class BundledLog:
    """What stands in an older log (rule 5); `proof` is None where nothing can show it."""

    checkpoint: str
    statements: tuple[BundledStatement, ...]
    entries: tuple[BundledEntry, ...]
    proof: tuple[bytes, ...] | None = None


@dataclass(frozen=True, slots=True)
class Bundle:
    """A bundle; `subject` is the identity text of the thing it is about."""

    subject: str
    checkpoint: str
    statements: tuple[BundledStatement, ...]
    entries: tuple[BundledEntry, ...]
    chains: tuple[BundledChain, ...]
    receipt: str
    since: Since | None = None
    attachments: tuple[str, ...] = ()
    older: tuple[BundledLog, ...] = ()


def make_bundle(  # noqa: PLR0913 - one argument for each member of the format
    *,
    subject: str,
    checkpoint: str,
    statements: Sequence[BundledStatement],
    entries: Sequence[BundledEntry],
    chains: Sequence[BundledChain],
    receipt: str,
    since: Since | None = None,
    attachments: Sequence[str] = (),
    older: Sequence[BundledLog] = (),
) -> bytes:
    """The bundle's bytes, of version 2 with `older` logs; statements, entries and chains are sorted
    here. Raises Unreadable."""
    bundle: JsonObject = {
        "v": 2 if older else 1,
        "subject": subject,
        "checkpoint": checkpoint,
        **_log_json(statements, entries),
    }
    if older:
        bundle["older"] = [_older_json(log) for log in older]
    bundle["chains"] = [
        {"identity": c.identity, "salt": b64url(c.salt)}
        for c in sorted(chains, key=lambda c: c.identity)
    ]
    bundle["receipt"] = receipt
    if since is not None:
        proof = [b64url(node) for node in since.proof]
        bundle["since"] = {"checkpoint": since.checkpoint, "proof": proof}
    bundle["attachments"] = sorted(set(attachments))
    data = dumps(bundle)
    if len(data) > MAX_BYTES:
        raise Unreadable(f"at most {MAX_BYTES} bytes", f"{len(data)} bytes")
    return data


def _log_json(
    statements: Sequence[BundledStatement], entries: Sequence[BundledEntry]
) -> JsonObject:
    return {
        "statements": [
            {"sdjwt": s.sdjwt, **_entry_json(s)} for s in sorted(statements, key=lambda s: s.index)
        ],
        "entries": [_entry_json(e) for e in sorted(entries, key=lambda e: e.index)],
    }


def _older_json(log: BundledLog) -> JsonObject:
    found = {"checkpoint": log.checkpoint, **_log_json(log.statements, log.entries)}
    if log.proof is not None:
        found["proof"] = [b64url(node) for node in log.proof]
    return found


def _entry_json(item: BundledEntry | BundledStatement) -> JsonObject:
    return {
        "index": item.index,
        "entry": item.entry.decode(),
        "path": [b64url(node) for node in item.path],
    }


def parse_bundle(data: bytes) -> Bundle:
    """Reads a bundle's form: strict JSON, unique names, bounds. Raises Unreadable with a path."""
    value = loads_strict(data, max_bytes=MAX_BYTES, max_depth=6)
    required = {
        "v": int,
        "subject": str,
        "checkpoint": str,
        "statements": list,
        "entries": list,
        "chains": list,
        "receipt": str,
        "attachments": list,
    }
    if isinstance(value, dict) and value.get("v") == 2:
        required["older"] = list
    _shape(value, required, {"since": dict}, "")
    if value["v"] not in (1, 2):
        raise Unreadable("version 1 or 2", value["v"], path="/v")
    bundle = Bundle(
        subject=value["subject"],
        checkpoint=value["checkpoint"],
        statements=_statements(value["statements"], "/statements"),
        entries=_entries(value["entries"], "/entries"),
        chains=tuple(_chain(item, f"/chains/{i}") for i, item in enumerate(value["chains"])),
        receipt=value["receipt"],
        since=_since(value["since"]) if "since" in value else None,
        attachments=tuple(_texts(value["attachments"], "/attachments")),
        older=_older(value["older"]) if "older" in value else (),
    )
    _check_order(bundle, "")
    for number, log in enumerate(bundle.older):
        _check_order(log, f"/older/{number}")
    identities = [chain.identity for chain in bundle.chains]
    if len(set(identities)) != len(identities):
        raise Unreadable("every chain once", "one twice", path="/chains")
    return bundle


def _shape(value: Any, required: dict[str, type], optional: dict[str, type], path: str) -> None:
    if not isinstance(value, dict):
        raise Unreadable("an object", value, path=path)
    kinds = {**required, **optional}
    if not set(required) <= set(value) <= set(kinds):
        raise Unreadable(", ".join(kinds), ", ".join(value), path=path)
    for name, member in value.items():
        if type(member) is not kinds[name]:
            raise Unreadable(f"a {kinds[name].__name__}", member, path=f"{path}/{name}")


def _older(value: list[Any]) -> tuple[BundledLog, ...]:
    if not 1 <= len(value) <= MAX_LOGS:
        raise Unreadable(f"1 to {MAX_LOGS} older logs", len(value), path="/older")
    return tuple(_log(log, f"/older/{number}") for number, log in enumerate(value))


def _log(value: Any, path: str) -> BundledLog:
    required: dict[str, type] = {"checkpoint": str, "statements": list, "entries": list}
    _shape(value, required, {"proof": list}, path)
    return BundledLog(
        value["checkpoint"],
        _statements(value["statements"], f"{path}/statements"),
        _entries(value["entries"], f"{path}/entries"),
        _hashes(value["proof"], f"{path}/proof") if "proof" in value else None,
    )


def _statements(value: list[Any], path: str) -> tuple[BundledStatement, ...]:
    return tuple(_statement(item, f"{path}/{i}") for i, item in enumerate(value))


def _entries(value: list[Any], path: str) -> tuple[BundledEntry, ...]:
    return tuple(_entry(item, f"{path}/{i}") for i, item in enumerate(value))


def _statement(value: Any, path: str) -> BundledStatement:
    _shape(value, {"sdjwt": str, "index": int, "entry": str, "path": list}, {}, path)
    entry = _entry({name: value[name] for name in ("index", "entry", "path")}, path)
    return BundledStatement(value["sdjwt"], entry.index, entry.entry, entry.path)


def _entry(value: Any, path: str) -> BundledEntry:
    _shape(value, {"index": int, "entry": str, "path": list}, {}, path)
    if not 0 <= value["index"] <= SAFE_INTEGER:
        raise Unreadable("an index from 0", value["index"], path=f"{path}/index")
    return BundledEntry(
        value["index"], value["entry"].encode(), _hashes(value["path"], f"{path}/path")
    )


def _chain(value: Any, path: str) -> BundledChain:
    _shape(value, {"identity": str, "salt": str}, {}, path)
    salt = unb64url(value["salt"], path=f"{path}/salt")
    if len(salt) != 32:
        raise Unreadable("a salt of 32 bytes", f"{len(salt)} bytes", path=f"{path}/salt")
    return BundledChain(value["identity"], salt)


def _since(value: Any) -> Since:
    _shape(value, {"checkpoint": str, "proof": list}, {}, "/since")
    return Since(value["checkpoint"], _hashes(value["proof"], "/since/proof"))


def _texts(value: list[Any], path: str) -> list[str]:
    for text in value:
        if not isinstance(text, str):
            raise Unreadable("texts", text, path=path)
    return value


def _hashes(value: list[Any], path: str) -> tuple[bytes, ...]:
    hashes = tuple(unb64url(text, path=path) for text in _texts(value, path))
    if len(hashes) > MAX_PATH or any(len(node) != 32 for node in hashes):
        raise Unreadable(f"at most {MAX_PATH} hashes of 32 bytes", len(hashes), path=path)
    return hashes


def _check_order(log: Bundle | BundledLog, path: str) -> None:
    """Rule 4."""
    orders = {
        "statements": [item.index for item in log.statements],
        "entries": [item.index for item in log.entries],
    }
    for name, places in orders.items():
        if places != sorted(places):
            raise Unreadable("indexes in order", places, path=f"{path}/{name}")
    indexes = [*orders["statements"], *orders["entries"]]
    if len(set(indexes)) != len(indexes):
        raise Unreadable("every index once", "one twice", path=f"{path}/statements")

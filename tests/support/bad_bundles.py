"""What may be wrong with a bundle on its way: changes that fit any bundle, with the refusals due.

Each change takes a bundle's bytes and gives other bytes, without any key: what an attacker, a bad
line or a careless program could do. All faces of the verifier are tried with the same list.
"""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from trace.core.signing import b64url, unb64url
from trace.core.statements.bundles import MAX_BYTES

Refusal = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Bad:
    """A change and the refusals (code, step) of which one must follow."""

    change: Callable[[bytes], bytes]
    refusals: frozenset[Refusal]


def _json(change: Callable[[Any], None]) -> Callable[[bytes], bytes]:
    def act(data: bytes) -> bytes:
        bundle = json.loads(data)
        change(bundle)
        return json.dumps(bundle, ensure_ascii=False, separators=(",", ":")).encode()

    return act


def _path(change: Callable[[list[str]], None]) -> Callable[[bytes], bytes]:
    """Changes the first statement's audit path."""
    return _json(lambda bundle: change(bundle["statements"][0]["path"]))


def _foreign_path(bundle: Any) -> None:
    one, other = bundle["statements"][0], bundle["entries"][0]
    one["path"], other["path"] = other["path"], one["path"]


def _note(member: str, change: Callable[[list[str]], list[str]]) -> Callable[[bytes], bytes]:
    """Changes the lines of a note's text; its signatures stay."""

    def act(bundle: Any) -> None:
        text, _, signatures = bundle[member].partition("\n\n")
        bundle[member] = "\n".join(change(text.split("\n"))) + "\n\n" + signatures

    return _json(act)


def _empty_tree(lines: list[str]) -> list[str]:
    return [lines[0], "0", b64encode(sha256(b"").digest()).decode(), *lines[3:]]


def _sdjwt(change: Callable[[str], str]) -> Callable[[bytes], bytes]:
    """Changes the first statement that shows a disclosure."""

    def act(bundle: Any) -> None:
        one = next(s for s in bundle["statements"] if s["sdjwt"].count("~") > 1)
        one["sdjwt"] = change(one["sdjwt"])

    return _json(act)


def _alg(alg: object) -> Callable[[bytes], bytes]:
    def swap(sdjwt: str) -> str:
        head, _, rest = sdjwt.partition(".")
        header = {**json.loads(unb64url(head)), "alg": alg}
        return f"{b64url(json.dumps(header, separators=(',', ':')).encode())}.{rest}"

    return _sdjwt(swap)


def _doubled_member(sdjwt: str) -> str:
    """A disclosure whose value names a member twice: another digest, and no strict JSON."""
    jwt, first, *rest = sdjwt.split("~")
    salt, name, value = json.loads(unb64url(first))
    text = json.dumps([salt, name, {"a": value}]).replace('"a":', '"a":1,"a":')
    return "~".join([jwt, b64url(text.encode()), *rest])


def _stray(sdjwt: str) -> str:
    return sdjwt + b64url(json.dumps([b64url(bytes(16)), "trace:note", "x"]).encode()) + "~"


def _moved(step: int) -> Callable[[Any], None]:
    def move(bundle: Any) -> None:
        items = [*bundle["statements"], *bundle["entries"]]
        newest = max(items, key=lambda one: int(one["index"]))
        newest["index"] += step

    return move


def _bad(change: Callable[[bytes], bytes], *refusals: Refusal) -> Bad:
    return Bad(change, frozenset(refusals))


UNREADABLE: Refusal = ("unreadable", 1)
NOT_IN_LOG: Refusal = ("not-in-log", 6)
MISMATCH: Refusal = ("disclosure-mismatch", 4)
HASH = b64url(bytes(32))

BAD: dict[str, Bad] = {
    "a proof cut short": _bad(_path(lambda path: path.__delitem__(-1)), NOT_IN_LOG),
    "a proof with a hash too many": _bad(_path(lambda path: path.append(HASH)), NOT_IN_LOG),
    "an empty proof": _bad(_path(lambda path: path.clear()), NOT_IN_LOG),
    "a proof turned round": _bad(_path(lambda path: path.append(path.pop(0))), NOT_IN_LOG),
    "the proof of another entry": _bad(_json(_foreign_path), NOT_IN_LOG),
    "a proof of 65 hashes": _bad(_path(lambda path: path.extend([HASH] * 65)), UNREADABLE),
    "a hash of 31 bytes": _bad(_path(lambda path: path.append(b64url(bytes(31)))), UNREADABLE),
    "a hash of 33 bytes": _bad(_path(lambda path: path.append(b64url(bytes(33)))), UNREADABLE),
    "a hash of no bytes": _bad(_path(lambda path: path.append("")), UNREADABLE),
    "a hash that is a number": _bad(_path(lambda path: path.append(7)), UNREADABLE),  # type: ignore[arg-type]
    "a salt of 31 bytes": _bad(
        _json(lambda b: b["chains"][0].update(salt=b64url(bytes(31)))), UNREADABLE
    ),
    "the next index": _bad(_json(_moved(1)), NOT_IN_LOG),
    "an index far out": _bad(_json(_moved(2**40)), NOT_IN_LOG),
    "an index below nought": _bad(_json(lambda b: b["entries"][0].update(index=-1)), UNREADABLE),
    "an index that is a text": _bad(_json(lambda b: b["entries"][0].update(index="0")), UNREADABLE),
    "an index that is true": _bad(_json(lambda b: b["entries"][0].update(index=True)), UNREADABLE),
    "an index that is no whole number": _bad(
        _json(lambda b: b["entries"][0].update(index=0.5)), UNREADABLE
    ),
    "an empty tree": _bad(_note("checkpoint", _empty_tree), NOT_IN_LOG),
    "an empty tree in the receipt": _bad(
        _note("receipt", lambda t: [*t[:2], "0", *t[3:]]), UNREADABLE
    ),
    "a name twice": _bad(lambda data: data.replace(b'{"v":1,', b'{"v":1,"v":1,', 1), UNREADABLE),
    "a name twice in an entry": _bad(
        lambda data: data.replace(b'{\\"v\\":1,', b'{\\"v\\":1,\\"v\\":1,', 1), ("unreadable", 5)
    ),
    "a name twice in a disclosure": _bad(_sdjwt(_doubled_member), MISMATCH, UNREADABLE),
    "a disclosure twice": _bad(
        _sdjwt(lambda one: one + one.rstrip("~").rpartition("~")[2] + "~"), MISMATCH
    ),
    "a disclosure that nothing refers to": _bad(_sdjwt(_stray), MISMATCH),
    "a disclosure gone with its place": _bad(
        _sdjwt(lambda one: "~".join([one.split("~")[0], "", ""])), MISMATCH, UNREADABLE
    ),
    "a checkpoint with a line too many": _bad(
        _note("checkpoint", lambda text: [*text, "one more"]), ("not-witnessed", 7)
    ),
    "a checkpoint with an empty line": _bad(
        _json(lambda b: b.update(checkpoint=b["checkpoint"].replace("\n", "\n\n", 1))),
        UNREADABLE,
        NOT_IN_LOG,
    ),
    "a checkpoint with words below": _bad(
        _json(lambda b: b.update(checkpoint=b["checkpoint"] + "and so on\n")), UNREADABLE
    ),
    "a receipt with a line too many": _bad(
        _note("receipt", lambda text: [*text, "one more"]), UNREADABLE
    ),
    "a receipt of the day after": _bad(
        _note("receipt", lambda t: [*t[:4], "2099-01-01T00:00:00.000Z", *t[5:]]),
        ("stale", 8),
    ),
    "a receipt of another version": _bad(
        _note("receipt", lambda text: ["trace-receipt/v3", *text[1:]]), UNREADABLE
    ),
    "a checkpoint of another log": _bad(
        _note("checkpoint", lambda text: ["other.example/log", *text[1:]]),
        ("not-witnessed", 7),
        ("bad-key-entry", 3),
    ),
    "no signature wanted": _bad(_alg("none"), ("bad-signature", 2)),
    "a shared secret": _bad(_alg("HS256"), ("bad-signature", 2)),
    "another curve": _bad(_alg("ES256"), ("bad-signature", 2)),
    "another case": _bad(_alg("ed25519"), ("bad-signature", 2)),
    "no algorithm's name": _bad(_alg(None), ("bad-signature", 2), UNREADABLE),
    "an attachment that nobody signed": _bad(
        _json(lambda b: b["attachments"].append(HASH)), MISMATCH
    ),
    "a member nobody knows": _bad(_json(lambda b: b.update(trust="me")), UNREADABLE),
    "a version to come": _bad(_json(lambda b: b.update(v=3)), UNREADABLE),
    "half of it": _bad(lambda data: data[: len(data) // 2], UNREADABLE),
    "a byte order mark": _bad(lambda data: b"\xef\xbb\xbf" + data, UNREADABLE),
    "something behind it": _bad(lambda data: data + b"{}", UNREADABLE),
    "nothing": _bad(lambda data: b"", UNREADABLE),
}

# Twenty megabytes of nothing much: refused before it costs more than reading them.
_ROOM = MAX_BYTES - 200_000
BIG: dict[str, Bad] = {
    "noise": _bad(lambda data: bytes(range(256)) * (MAX_BYTES // 256), UNREADABLE),
    "brackets": _bad(lambda data: b"[" * MAX_BYTES, UNREADABLE),
    "digits": _bad(lambda data: b"9" * MAX_BYTES, UNREADABLE),
    "blanks before it": _bad(lambda data: b" " * MAX_BYTES + data, UNREADABLE),
    "a statement of empty disclosures": _bad(
        _sdjwt(lambda one: one + "~" * _ROOM), MISMATCH, UNREADABLE
    ),
    "a statement of one long disclosure": _bad(
        _sdjwt(lambda one: one + "A" * _ROOM + "~"), MISMATCH, UNREADABLE
    ),
    "a note of twenty megabytes": _bad(
        _json(lambda b: b.update(checkpoint=b["checkpoint"] + "x" * _ROOM)), UNREADABLE
    ),
    "an entry of twenty megabytes": _bad(
        _json(lambda b: b["entries"][0].update(entry="x" * _ROOM)), ("unreadable", 5)
    ),
    "a million attachments": _bad(
        _json(lambda b: b.update(attachments=["x"] * 1_000_000)), MISMATCH
    ),
}

"""Receipts: "these chains end here", signed by the operator's receipt key for one checkpoint.

A signed note (C2SP signed-note) under the kid of a receipt key, whose text is, line by line:
`trace-receipt/v1`, origin, tree size in decimal, root in standard base64, time, and per chain its
head as `tag n index`, sorted by tag. A chain's head is its newest link.

Where a history began in an older log, it is `trace-receipt/v2`: after the time come the older logs,
`number origin size root`, in order, and heads are `tag n number index`, sorted by tag, then number.
One note names them all: two, one for each log, could be put together by who wishes to hide what
the newer one holds. Keyrings count anew in each log, so each of theirs has a head of its own.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

from trace.core.signing import PrivateKey, Unreadable
from trace.core.statements.times import moment_text, parse_moment
from trace.core.tlog.notes import Note, Signer, parse_note, sign_note, unbase64

VERSION = "trace-receipt/v1"
VERSION_2 = "trace-receipt/v2"
MAX_HEADS = 10_000
MAX_LOGS = 16  # a log is begun anew after a disaster; nobody survives that many
_WHOLE = r"(?:0|[1-9][0-9]{0,15})"
_HEAD = re.compile(rf"(?P<tag>[A-Za-z0-9_-]{{22}}) (?P<n>{_WHOLE}) (?P<index>{_WHOLE})")
_HEAD_2 = re.compile(
    rf"(?P<tag>[A-Za-z0-9_-]{{22}}) (?P<n>{_WHOLE}) (?P<log>[1-9][0-9]{{0,5}}) (?P<index>{_WHOLE})"
)
_LOG = re.compile(
    r"(?P<number>[1-9][0-9]{0,5}) (?P<origin>\S+) (?P<size>[1-9][0-9]{0,15}) (?P<root>\S+)"
)
_SIZE = re.compile(r"[1-9][0-9]{0,15}")


@dataclass(frozen=True, slots=True, order=True)
class Head:
    """A chain's newest link: its tag, its number on the chain, its index in the log. `log` is that
    log's number in a receipt of several logs, else 0."""

    tag: str
    n: int
    index: int
    log: int = 0


@dataclass(frozen=True, slots=True)
class ReceiptLog:
    """An older log that a receipt speaks of: its number, and the checkpoint it was read at."""

    number: int
    origin: str
    size: int
    root: bytes


@dataclass(frozen=True, slots=True)
class Receipt:
    """A receipt as read: for a checkpoint of `origin` with this size and root; with `older` logs
    its own has the number after the last of them."""

    origin: str
    size: int
    root: bytes
    time: datetime
    heads: tuple[Head, ...]
    older: tuple[ReceiptLog, ...] = ()


def make_receipt(
    *,
    origin: str,
    size: int,
    root: bytes,
    time: datetime,
    heads: Sequence[Head],
    name: str,
    key: PrivateKey,
    older: Sequence[ReceiptLog] = (),
) -> str:
    """The receipt as a note; `name` is the receipt key's kid. With `older` logs every head bears
    the number of its log. Raises Unreadable."""
    version = VERSION_2 if older else VERSION
    lines = [version, origin, str(size), b64encode(root).decode(), moment_text(time)]
    lines += [f"{o.number} {o.origin} {o.size} {b64encode(o.root).decode()}" for o in older]
    for head in sorted(heads, key=lambda head: (head.tag, head.log)):
        where = f"{head.log} {head.index}" if older else f"{head.index}"
        lines.append(f"{head.tag} {head.n} {where}")
    text = "\n".join(lines) + "\n"
    parse_receipt(text)
    return sign_note(text, [Signer(name, key)])


def parse_receipt(text: str) -> Receipt:
    """Reads a receipt's text in its one form. Raises Unreadable."""
    version, *lines = text.removesuffix("\n").split("\n")
    if version not in (VERSION, VERSION_2) or len(lines) < 4:
        raise Unreadable(f"{VERSION} or {VERSION_2}, origin, size, root and time", text)
    origin, size, root_text, time, *rest = lines
    root = unbase64(root_text)
    if not origin or not _SIZE.fullmatch(size) or len(root) != 32:
        raise Unreadable("an origin, a size and a root", f"{origin}, {size}, {root_text}")
    older = _older(rest) if version == VERSION_2 else ()
    sizes = {one.number: one.size for one in older}
    sizes[max(sizes, default=-1) + 1] = int(size)  # its own: 0 where it speaks of no other
    head_lines = rest[len(older) :]
    if len(head_lines) > MAX_HEADS:
        raise Unreadable(f"at most {MAX_HEADS} chains", len(head_lines))
    heads = tuple(_head(line, sizes, _HEAD_2 if older else _HEAD) for line in head_lines)
    if any((one.tag, one.log) >= (other.tag, other.log) for one, other in pairwise(heads)):
        raise Unreadable("chains sorted by tag, each once", "another order")
    return Receipt(origin, int(size), root, parse_moment(time), heads, older)


def open_receipt(note: str) -> tuple[Receipt, Note]:
    """Reads a receipt; its signature is still to be checked by `note.check`. Raises Unreadable."""
    opened = parse_note(note)
    return parse_receipt(opened.text), opened


def _older(lines: Sequence[str]) -> tuple[ReceiptLog, ...]:
    """The older logs at the head of `lines`: at least one, numbers without a gap."""
    found = []
    for line in lines[: MAX_LOGS + 1]:
        parts = _LOG.fullmatch(line)
        if parts is None:
            break
        root = unbase64(parts["root"])
        if len(root) != 32:
            raise Unreadable("a root of 32 bytes", f"{len(root)} bytes")
        found.append(ReceiptLog(int(parts["number"]), parts["origin"], int(parts["size"]), root))
    rising = all(other.number == one.number + 1 for one, other in pairwise(found))
    if not 1 <= len(found) <= MAX_LOGS or not rising:
        raise Unreadable(f"1 to {MAX_LOGS} older logs, numbered in order", len(found))
    return tuple(found)


def _head(line: str, sizes: Mapping[int, int], form: re.Pattern[str]) -> Head:
    found = form.fullmatch(line)
    if found is None:
        raise Unreadable("tag, n and index", line)
    log = int(found.groupdict().get("log", 0))
    head = Head(found["tag"], int(found["n"]), int(found["index"]), log)
    if log not in sizes or head.index >= sizes[log]:
        raise Unreadable(f"an index below {sizes.get(log, 0)}", head.index)
    return head

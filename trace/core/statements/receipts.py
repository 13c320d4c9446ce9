"""Receipts: "these chains end here", signed by the operator's receipt key for one checkpoint.

A signed note (C2SP signed-note) under the kid of a receipt key, whose text is, line by line:
`trace-receipt/v1`, origin, tree size in decimal, root in standard base64, time, and per chain its
head as `tag n index`, sorted by tag. A chain's head is its newest link.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

from trace.core.signing import PrivateKey, Unreadable
from trace.core.statements.times import moment_text, parse_moment
from trace.core.tlog.notes import Note, Signer, parse_note, sign_note, unbase64

VERSION = "trace-receipt/v1"
MAX_HEADS = 10_000
_HEAD = re.compile(r"(?P<tag>[A-Za-z0-9_-]{22}) (?P<n>0|[1-9]\d{0,15}) (?P<index>0|[1-9]\d{0,15})")
_SIZE = re.compile(r"[1-9][0-9]{0,15}")


@dataclass(frozen=True, slots=True, order=True)
class Head:
    """A chain's newest link: its tag, its number on the chain, its index in the log."""

    tag: str
    n: int
    index: int


@dataclass(frozen=True, slots=True)
class Receipt:
    """A receipt as read: for a checkpoint of `origin` with this size and root."""

    origin: str
    size: int
    root: bytes
    time: datetime
    heads: tuple[Head, ...]


def make_receipt(
    *,
    origin: str,
    size: int,
    root: bytes,
    time: datetime,
    heads: Sequence[Head],
    name: str,
    key: PrivateKey,
) -> str:
    """The receipt as a note; `name` is the receipt key's kid. Raises Unreadable."""
    lines = [VERSION, origin, str(size), b64encode(root).decode(), moment_text(time)]
    lines += [f"{head.tag} {head.n} {head.index}" for head in sorted(heads)]
    text = "\n".join(lines) + "\n"
    parse_receipt(text)
    return sign_note(text, [Signer(name, key)])


def parse_receipt(text: str) -> Receipt:
    """Reads a receipt's text in its one form. Raises Unreadable."""
    version, *lines = text.removesuffix("\n").split("\n")
    if version != VERSION or len(lines) < 4:
        raise Unreadable(f"{VERSION}, origin, size, root and time", text)
    origin, size, root_text, time, *head_lines = lines
    root = unbase64(root_text)
    if not origin or not _SIZE.fullmatch(size) or len(root) != 32:
        raise Unreadable("an origin, a size and a root", f"{origin}, {size}, {root_text}")
    if len(head_lines) > MAX_HEADS:
        raise Unreadable(f"at most {MAX_HEADS} chains", len(head_lines))
    heads = tuple(_head(line, int(size)) for line in head_lines)
    if any(one.tag >= other.tag for one, other in pairwise(heads)):
        raise Unreadable("chains sorted by tag, each once", "another order")
    return Receipt(origin, int(size), root, parse_moment(time), heads)


def open_receipt(note: str) -> tuple[Receipt, Note]:
    """Reads a receipt; its signature is still to be checked by `note.check`. Raises Unreadable."""
    opened = parse_note(note)
    return parse_receipt(opened.text), opened


def _head(line: str, size: int) -> Head:
    found = _HEAD.fullmatch(line)
    if found is None:
        raise Unreadable("tag, n and index", line)
    head = Head(found["tag"], int(found["n"]), int(found["index"]))
    if head.index >= size:
        raise Unreadable(f"an index below {size}", head.index)
    return head

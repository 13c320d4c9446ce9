"""Proofs as text that can be kept and checked without a connection (C2SP tlog-proof).

Rules.
1. Line 1 is `c2sp.org/tlog-proof@v1`; line 2 may be `extra <base64>`, data that nothing vouches
   for; then `index <number>`, the hashes of the inclusion proof in base64, leaf's sibling first, an
   empty line, and the checkpoint with its signatures as it was issued.
2. A proof holds when the policy accepts the checkpoint and the hashes lead from the entry to its
   root.
"""

from __future__ import annotations

import re
from base64 import b64encode
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from trace.core.signing import Unreadable
from trace.core.tlog.notes import MAX_NOTE, unbase64
from trace.core.tlog.policy import TrustPolicy, Witnessed
from trace.core.tlog.proofs import verify_inclusion
from trace.core.tlog.tiles import HASH, leaf_hash

HEADER: Final = "c2sp.org/tlog-proof@v1"
FILE_EXTENSION: Final = ".tlog-proof"
MAX_HASHES: Final = 63
_INDEX = re.compile(r"index (0|[1-9][0-9]{0,15})")


@dataclass(frozen=True, slots=True)
class Proof:
    """That an entry is at `index` of the log that `note` is a checkpoint of."""

    index: int
    hashes: tuple[bytes, ...]
    note: str
    extra: bytes | None = None

    @property
    def text(self) -> str:
        """The proof as it is stored and sent (rule 1)."""
        extra = "" if self.extra is None else f"extra {b64encode(self.extra).decode()}\n"
        hashes = "".join(f"{b64encode(node).decode()}\n" for node in self.hashes)
        return f"{HEADER}\n{extra}index {self.index}\n{hashes}\n{self.note}"


def parse_proof(text: str) -> Proof:
    """Reads a proof; nothing in it is checked yet. Raises Unreadable."""
    if len(text) > 2 * MAX_NOTE:
        raise Unreadable(f"at most {2 * MAX_NOTE} characters", len(text))
    head, gap, note = text.partition("\n\n")
    header, *lines = head.split("\n")
    if not gap or header != HEADER:
        raise Unreadable(HEADER, header[:80])
    extra = None
    if lines and lines[0].startswith("extra "):
        extra = unbase64(lines.pop(0)[6:])
    found = _INDEX.fullmatch(lines[0]) if lines else None
    if found is None:
        raise Unreadable("index <number>", lines[0] if lines else "the end")
    hashes = tuple(unbase64(line) for line in lines[1:])
    if len(hashes) > MAX_HASHES or any(len(node) != HASH for node in hashes):
        raise Unreadable(f"at most {MAX_HASHES} hashes of 32 bytes", f"{len(hashes)} hashes")
    return Proof(int(found[1]), hashes, note, extra)


def verify_proof(
    proof: Proof,
    entry: bytes,
    policy: TrustPolicy,
    *,
    now: datetime,
    max_age: timedelta | None = None,
) -> Witnessed:
    """What the proof proves about `entry` (rule 2). Raises Unreadable, NotWitnessed, Stale,
    NotInLog."""
    witnessed = policy.check(proof.note, now=now, max_age=max_age)
    checkpoint = witnessed.checkpoint
    verify_inclusion(
        leaf_hash(entry), proof.index, checkpoint.size, list(proof.hashes), checkpoint.root
    )
    return witnessed

"""Following a log begun anew (docs/reference/formats.md, "Tiles, checkpoints, receipts").

A log's first entry may name the log before it and that log's last checkpoint. It is followed only
to a log that the policy names, whose own signature and witnesses the policy accepts. What the old
log recorded after that checkpoint is in neither: that is the gap to be shown.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from trace.core.statements.entries import OriginEntry, parse_entry
from trace.core.statements.errors import BadEntry
from trace.core.tlog import Checkpoint, TrustPolicy


@dataclass(frozen=True, slots=True)
class OlderLog:
    """The log before: its last checkpoint that the policy accepts, and when the new one began."""

    number: int
    checkpoint: Checkpoint
    ended: datetime
    witnessed: datetime | None


def follow_origin(first_entry: bytes, policy: TrustPolicy, *, now: datetime) -> OlderLog:
    """The log that a log's first entry continues. Raises BadEntry when it is no origin entry,
    NotWitnessed when the policy does not name the older log or does not accept its checkpoint."""
    entry = parse_entry(first_entry)
    if not isinstance(entry, OriginEntry):
        raise BadEntry("an origin entry as the first one", entry.type)
    witnessed = policy.check(entry.checkpoint, now=now)
    if witnessed.checkpoint.origin != entry.old:
        raise BadEntry(f"a checkpoint of {entry.old}", witnessed.checkpoint.origin)
    return OlderLog(entry.number, witnessed.checkpoint, entry.t, witnessed.newest)

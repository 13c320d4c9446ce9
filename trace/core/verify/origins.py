"""Following a log begun anew (docs/reference/formats.md, "Tiles, checkpoints, receipts").

A log's first entry may name the log before it and that log's last checkpoint. It is followed only
to a log that the policy names, whose own signature and witnesses the policy accepts. What the old
log recorded after that checkpoint is in neither: that is the gap to be shown.

A bundle shows the older log at a checkpoint of its own: that last one, or one that is proved to
have grown into it. Where the operator lost what came between (an older backup), nothing can prove
it, and the entries between are lost: a recall may have been among them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from trace.core.signing import Unreadable
from trace.core.statements import BundledLog
from trace.core.statements.entries import OriginEntry, parse_entry
from trace.core.statements.errors import BadEntry
from trace.core.tlog import Checkpoint, NotConsistent, TrustPolicy, verify_consistency
from trace.core.verify.checkpoints import check_witnesses, read_signed
from trace.core.verify.logs import ReadLog
from trace.core.verify.report import CHAIN_GAP, RECALL_UNKNOWN, Finding, OlderPart, Policy


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


@dataclass(frozen=True, slots=True)
class Continued:
    """An older log of a bundle and how the next one continues it.

    `last` is the size that the next log's first entry names; with `lost`, what lies between the
    size shown and that is nowhere.
    """

    number: int
    checkpoint: Checkpoint
    last: int
    newer: str
    began: datetime
    lost: bool
    witnessed: datetime | None

    @property
    def part(self) -> OlderPart:
        origin, size = self.checkpoint.origin, self.checkpoint.size
        return OlderPart(self.number, origin, size, self.last, self.lost, self.witnessed)

    @property
    def findings(self) -> Iterator[Finding]:
        """The gap, said for people."""
        old = self.checkpoint.origin
        said = f"{old} ended at {self.last} entries; {self.newer} continues it since "
        said += self.began.isoformat()
        if self.lost:
            said += f"; entries {self.checkpoint.size} to {self.last - 1} of {old} are lost"
        said += "; what it recorded later, if anything, is in neither"
        yield Finding(CHAIN_GAP, None, said, self.newer)
        if self.lost:
            detail = f"what stood in the lost entries of {old} is not known"
            yield Finding(RECALL_UNKNOWN, None, detail, old)


def check_continued(
    parts: Sequence[BundledLog], logs: Sequence[ReadLog], policy: Policy, now: datetime
) -> list[Continued]:
    """Step 7 for older logs (`parts`, read as all but the last of `logs`), the oldest first.

    Raises NotWitnessed (the policy does not name the log or its checkpoint lacks signatures),
    NotConsistent (the next log does not continue it), Unreadable.
    """
    found: list[Continued] = []
    for part, older, newer in zip(parts, logs, logs[1:], strict=False):
        one = _check(part, older, newer, policy, now)
        if found and one.number != found[-1].number + 1:
            raise NotConsistent(f"{older.origin} as log {found[-1].number + 1}", one.number)
        found.append(one)
    names = [log.origin for log in logs]
    if len(set(names)) != len(names):
        raise NotConsistent("every log once", ", ".join(names))
    return found


def _check(
    part: BundledLog, older: ReadLog, newer: ReadLog, policy: Policy, now: datetime
) -> Continued:
    shown, note = read_signed(part.checkpoint, policy, older.origin)
    witnessed = check_witnesses(note, policy, now).newest
    first = newer.entries.get(0)
    if not isinstance(first, OriginEntry) or first.old != older.origin:
        got = first.old if isinstance(first, OriginEntry) else "none"
        raise NotConsistent(f"the first entry of {newer.origin}, naming {older.origin}", got)
    try:
        last, _ = read_signed(first.checkpoint, policy, older.origin)
    except Unreadable as error:
        raise error.for_step(7) from None
    lost = part.proof is None and shown.size < last.size
    if not lost:
        verify_consistency(shown.size, last.size, shown.root, last.root, part.proof or ())
    return Continued(first.number, shown, last.size, newer.origin, first.t, lost, witnessed)

"""What a bundle says of older logs, where a history began before the log was begun anew (formats,
section 4; docs/reference/formats.md, "Bundle", version 2).

Rules.
1. Places count through all logs; each log's own index is its place less where it starts.
2. An older log is shown at a checkpoint that covers all that is needed of it: the newest that
   witnesses saw, otherwise its newest. Beside it stands the proof that it grew into the last one of
   that log, which the next log's first entry names. A database restored from an older backup does
   not hold that last one: then there is no proof, and readers are told that entries are lost.
3. Keys held here were put into the new log right after its first entry, under their old kids.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import or_, select

from trace.core.statements import KEYRING_SALT, keyring_identity, parse_entry, tag
from trace.core.statements.entries import OriginEntry
from trace.core.tlog import Checkpoint, consistency_proof, parse_note, root
from trace.errors import TraceError
from trace.extensions import db
from trace.models import LogCheckpoint, LogEntry, LogState, Organisation
from trace.services.bundles_reading import EntryRow, TilesAtOnce
from trace.services.log_reading import warm_interiors
from trace.services.naming import issuer_of

REPUBLISHED = 2  # records that an organisation's keyring begins with in a log begun anew, at most


class SeveralLogs(TraceError):
    code = "several-logs"
    status = 409
    message = (
        "Part of this history stands in a log that ended before it was published; "
        "no checkpoint covers it."
    )
    next_step = "Check each log by a mirror of it."


@dataclass(frozen=True, slots=True)
class LogPart:
    """A log: its number and origin, the place of its index 0, and the place where the next one
    starts; None for the newest."""

    number: int
    origin: str
    start: int
    end: int | None

    def holds(self, place: int) -> bool:
        return self.start <= place and (self.end is None or place < self.end)


@dataclass(frozen=True, slots=True)
class Shown:
    """An older log at the checkpoint it is shown at (rule 2)."""

    part: LogPart
    note: str
    tree: Checkpoint
    proof: tuple[bytes, ...] | None


def log_parts() -> list[LogPart]:
    """All logs, the oldest first."""
    rows = db.session.execute(
        select(LogState.id, LogState.origin, LogState.start).order_by(LogState.id)
    ).all()
    ends = [row.start for row in rows[1:]]
    return [
        LogPart(row.id, row.origin, row.start, end)
        for row, end in zip(rows, [*ends, None], strict=True)
    ]


def show_older(part: LogPart, next_entry: str, newest: int) -> Shown:
    """The older log `part` with all up to the place `newest`; `next_entry` is the next log's first.

    Raises SeveralLogs where no checkpoint covers that.
    """
    first = parse_entry(next_entry.encode())
    if not isinstance(first, OriginEntry) or part.end is None:
        raise SeveralLogs
    last = Checkpoint.parse(parse_note(first.checkpoint).text)
    known = [
        LogCheckpoint.size > max(part.start, newest),
        LogCheckpoint.size <= min(part.end, part.start + last.size),
    ]
    order = LogCheckpoint.size.desc()
    query = select(LogCheckpoint.note).order_by(order).limit(1)
    note = db.session.scalar(query.where(*known, LogCheckpoint.witnessed_at.is_not(None)))
    note = note or db.session.scalar(query.where(*known))
    if note is None:
        raise SeveralLogs
    tree = Checkpoint.parse(parse_note(note).text)
    return Shown(part, note, tree, _proof(part, tree, last))


def _proof(part: LogPart, tree: Checkpoint, last: Checkpoint) -> tuple[bytes, ...] | None:
    if tree.size == last.size:
        return ()
    held = db.session.scalar(select(LogState.integrated).where(LogState.id == part.number)) or 0
    if held - part.start < last.size:
        return None
    store = TilesAtOnce(part.number, last.size, [tree.size - 1])
    warm = warm_interiors(part.number)
    if root(last.size, store) != last.root:
        return None
    return tuple(consistency_proof(tree.size, last.size, store, warm))


def republished(part: LogPart, codes: Collection[str]) -> list[EntryRow]:
    """The key entries that keyrings of these organisations begin with in a log begun anew."""
    if part.number == 1:
        return []
    names = [keyring_identity(issuer_of(code)) for code in sorted(codes)]
    ends = [f'"links":["{tag(KEYRING_SALT, n, k)}"]}}' for n in names for k in range(REPUBLISHED)]
    most = db.session.query(Organisation.id).count() * REPUBLISHED
    rows: list[EntryRow] = []
    for some in (ends[at : at + 100] for at in range(0, len(ends), 100)):
        query = (
            select(LogEntry.index, LogEntry.entry, LogEntry.event_id)
            .where(
                LogEntry.index > part.start,
                LogEntry.index <= part.start + most,
                LogEntry.event_id.is_(None),
                or_(*(LogEntry.entry.endswith(end, autoescape=True) for end in some)),
            )
            .order_by(LogEntry.index)
        )
        found: Sequence[Any] = db.session.execute(query).all()
        rows += [EntryRow(*row) for row in found]
    return rows

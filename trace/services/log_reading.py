"""The public log as anyone may read it: checkpoint, tiles, entry bundles, proofs (C2SP).

`number` is the origin's: the first log is 1 and is served under /log; a log begun anew has the next
number and is served under /log/<number>. An ended log stays readable for ever.
"""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass

from flask import current_app
from sqlalchemy import select

from trace.core.signing import Unreadable
from trace.core.tlog import (
    TILE_WIDTH,
    Interiors,
    Proof,
    consistency_proof,
    entry_bundle,
    inclusion_proof,
    parse_tile_path,
    root,
)
from trace.errors import NotFound
from trace.extensions import db
from trace.models import LogCheckpoint, LogEntry, LogState
from trace.services.sequencer import TileReader


@dataclass(frozen=True, slots=True)
class Published:
    """An origin's log as far as it is published: `start` is the place of its index 0."""

    number: int
    origin: str
    start: int
    size: int
    note: str


def published(number: int = 1) -> Published:
    """The newest checkpoint of an origin. Raises NotFound before the first."""
    rows = db.session.execute(
        select(LogState.id, LogState.origin, LogState.start)
        .where(LogState.id.in_((number, number + 1)))
        .order_by(LogState.id)
    ).all()
    if not rows or rows[0].id != number:
        raise NotFound
    start = rows[0].start
    newest = select(LogCheckpoint.size, LogCheckpoint.note).where(LogCheckpoint.size > start)
    if len(rows) == 2:  # ended: what comes after belongs to the next origin
        newest = newest.where(LogCheckpoint.size <= rows[1].start)
    found = db.session.execute(newest.order_by(LogCheckpoint.size.desc()).limit(1)).one_or_none()
    if found is None:
        raise NotFound
    return Published(number, rows[0].origin, start, found.size - start, found.note)


def newest_published() -> Published:
    """The same for the newest origin that has a checkpoint. Raises NotFound."""
    number = db.session.scalar(select(LogState.id).order_by(LogState.id.desc()).limit(1))
    return published(number or 1)


def read_checkpoint_note(number: int = 1) -> str:
    """The newest signed checkpoint. Raises NotFound before the first."""
    return published(number).note


def read_tile(path: str, number: int = 1) -> tuple[bytes, bool]:
    """The tile or entry bundle at `tile/…` and whether it is full (and so never changes).

    Raises NotFound for one that the newest checkpoint does not cover.
    """
    try:
        level, index, width = parse_tile_path(path)
    except Unreadable as error:
        raise NotFound from error
    log = published(number)
    if level == "entries":
        found = _entries(log, index, width)
    else:
        if (index * TILE_WIDTH + width) * TILE_WIDTH**level > log.size:
            raise NotFound
        found = TileReader(number).read(level, index, width)
        if len(found) != 32 * width:
            raise NotFound
    return found, width == TILE_WIDTH


def _entries(log: Published, index: int, width: int) -> bytes:
    if index * TILE_WIDTH + width > log.size:
        raise NotFound
    first = log.start + index * TILE_WIDTH
    entries = db.session.scalars(
        select(LogEntry.entry)
        .where(LogEntry.index >= first, LogEntry.index < first + width)
        .order_by(LogEntry.index)
    )
    return entry_bundle([entry.encode() for entry in entries])


def inclusion_path(index: int, size: int, number: int = 1) -> list[bytes]:
    """The inclusion proof of an entry in the log's first `size` entries, interiors kept warm.

    Raises NotInLog, BrokenTiles.
    """
    return inclusion_proof(index, size, TileReader(number), warm_interiors(number))


def read_proof(index: int, number: int = 1) -> str:
    """A self-contained tlog-proof of the entry at `index` (C2SP tlog-proof).

    Raises NotFound for an entry that no checkpoint covers yet.
    """
    log = published(number)
    if not 0 <= index < log.size:
        raise NotFound
    return Proof(index, tuple(inclusion_path(index, log.size, number)), log.note).text


@dataclass(frozen=True, slots=True)
class Growth:
    """That the log of `new` entries begins with the log of `old` entries; roots of 32 bytes."""

    old: int
    old_root: bytes
    new: int
    new_root: bytes
    proof: tuple[bytes, ...]

    @property
    def text(self) -> str:
        """The proof's hashes in base64, one a line, as in a request to a witness."""
        return "".join(f"{b64encode(node).decode()}\n" for node in self.proof)


def read_growth(old: int, new: int, number: int = 1) -> Growth:
    """The consistency proof between two sizes. Raises NotFound beyond the newest checkpoint."""
    log = published(number)
    if not 0 <= old <= new <= log.size:
        raise NotFound
    tiles, warm = TileReader(number), warm_interiors(number)
    proof = consistency_proof(old, new, tiles, warm)
    return Growth(old, root(old, tiles), new, root(new, tiles), tuple(proof))


def warm_interiors(number: int) -> Interiors:
    """Interiors of an origin's tiles, kept by this process."""
    kept: dict[int, Interiors] = current_app.extensions.setdefault("trace.log.interiors", {})
    return kept.setdefault(number, Interiors())

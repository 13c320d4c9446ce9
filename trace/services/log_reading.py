"""The public log as anyone may read it: checkpoint, tiles, entry bundles, proofs (C2SP)."""

from __future__ import annotations

from base64 import b64encode

from sqlalchemy import select

from trace.core.signing import Unreadable
from trace.core.tlog import (
    TILE_WIDTH,
    entry_bundle,
    inclusion_proof,
    parse_tile_path,
)
from trace.errors import NotFound
from trace.extensions import db
from trace.models import LogCheckpoint, LogEntry
from trace.services.sequencer import TileReader, newest_checkpoint


def read_checkpoint_note() -> str:
    """The newest signed checkpoint. Raises NotFound before the first."""
    return _newest().note


def read_tile(path: str) -> tuple[bytes, bool]:
    """The tile or entry bundle at `tile/…` and whether it is full (and so never changes).

    Raises NotFound for one that the newest checkpoint does not cover.
    """
    try:
        level, index, width = parse_tile_path(path)
    except Unreadable as error:
        raise NotFound from error
    size = _newest().size
    if level == "entries":
        found = _entries(index, width, size)
    else:
        if (index * TILE_WIDTH + width) * TILE_WIDTH**level > size:
            raise NotFound
        found = TileReader().read(level, index, width)
        if len(found) != 32 * width:
            raise NotFound
    return found, width == TILE_WIDTH


def _entries(index: int, width: int, size: int) -> bytes:
    first = index * TILE_WIDTH
    if first + width > size:
        raise NotFound
    entries = db.session.scalars(
        select(LogEntry.entry)
        .where(LogEntry.index >= first, LogEntry.index < first + width)
        .order_by(LogEntry.index)
    )
    return entry_bundle([entry.encode() for entry in entries])


def read_proof(index: int) -> str:
    """A self-contained tlog-proof of the entry at `index` (c2sp.org/tlog-proof@v1).

    Raises NotFound for an entry that no checkpoint covers yet.
    """
    newest = _newest()
    if not 0 <= index < newest.size:
        raise NotFound
    path = inclusion_proof(index, newest.size, TileReader())
    hashes = "".join(f"{b64encode(node).decode()}\n" for node in path)
    return f"c2sp.org/tlog-proof@v1\nindex {index}\n{hashes}\n{newest.note}"


def _newest() -> LogCheckpoint:
    newest = newest_checkpoint()
    if newest is None:
        raise NotFound
    return newest

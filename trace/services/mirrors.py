"""Copies of the log: written for others to serve, fetched from others, compared at the start.

A copy is a folder or web address laid out as C2SP tlog-tiles says; any web server can serve one.
Everything is written beside its place and renamed into it, the checkpoint last: a reader never sees
half a file, and the checkpoint never promises what is not there.
"""

from __future__ import annotations

import os
import shutil
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from urllib.parse import urlsplit

import structlog
from sqlalchemy import select

from trace.core.signing import TrustError
from trace.core.tlog import (
    TILE_WIDTH,
    Checkpoint,
    Verifier,
    entries_path,
    entry_bundle,
    parse_note,
    root,
    tile_path,
    tile_widths,
)
from trace.core.verify.mirror import (
    CHECKPOINT,
    Folder,
    Mirror,
    MirrorTiles,
    MirrorUnreadable,
    read_checkpoint_of,
)
from trace.errors import TraceError
from trace.extensions import db
from trace.models import LogCheckpoint, LogEntry
from trace.services import log
from trace.services.log_file import LogForked
from trace.services.log_keys import verifiers
from trace.services.named_servers import open_named
from trace.services.sequencer import TileReader, root_at
from trace.services.settings import current_settings

logger = structlog.get_logger()
TIMEOUT = 10  # seconds for one answer
LARGEST = 20 * 1024 * 1024  # bytes of one file: a bundle of 256 entries has at most 16 MB
Progress = Callable[[int, int], None]


class OtherLog(TraceError):
    code = "other-log"
    status = 409
    message = "The folder %(folder)s holds a copy that this log does not continue: %(reason)s."
    next_step = "Export into an empty folder, and find out whose copy this is."


@dataclass(frozen=True, slots=True)
class Web:
    """A copy on a web server; `address` has no slash at its end."""

    address: str

    def read(self, path: str) -> bytes:
        """The bytes at a path. Raises MirrorUnreadable."""
        request = urllib.request.Request(f"{self.address}/{path}")  # noqa: S310 (mirror_at checks)
        try:
            with open_named(request, timeout=TIMEOUT) as answer:
                data = answer.read(LARGEST + 1)
        except (OSError, HTTPException, ValueError) as error:
            reason = f"HTTP {error.code}" if isinstance(error, urllib.error.HTTPError) else error
            raise MirrorUnreadable(name=path, reason=str(reason)) from None
        if len(data) > LARGEST:
            raise MirrorUnreadable(name=path, reason=f"it has more than {LARGEST} bytes")
        return data


def mirror_at(text: str) -> Mirror:
    """The copy at a folder or an http(s) address. Raises MirrorUnreadable."""
    if text.startswith(("http://", "https://")):
        try:
            host = urlsplit(text).netloc
        except ValueError:  # http://[
            host = ""
        if not host:
            raise MirrorUnreadable(name=text, reason="the address names no host")
        return Web(text.rstrip("/"))
    if "://" in text:
        raise MirrorUnreadable(name=text, reason="an address begins with http:// or https://")
    return Folder(Path(text))


# Writing a copy.


def export(folder: Path, *, progress: Progress = lambda done, size: None) -> int:
    """Writes what is missing of the newest checkpoint's log; returns the log's size.

    Raises OtherLog when the folder holds a copy of something else, NoLog before the first
    checkpoint.
    """
    state = log.current_state()
    number, start = state.id, state.start
    newest = db.session.scalar(
        select(LogCheckpoint)
        .where(LogCheckpoint.size > start)
        .order_by(LogCheckpoint.size.desc())
        .limit(1)
    )
    if newest is None:
        raise log.NoLog
    size, note = newest.size - start, newest.note
    reader = TileReader(number)
    old = _exported(folder, size, reader, state.origin)
    for path, data in _changed(number, start, old, size, progress):
        write_file(folder / path, data)
    write_file(folder / CHECKPOINT, note.encode())
    _drop_partial(folder, size)
    return size


def _exported(folder: Path, size: int, reader: TileReader, origin: str) -> int:
    """The size of the copy that is there already, 0 without one."""
    path = folder / CHECKPOINT
    if not path.exists():
        return 0
    try:
        # Its key may have been changed since: the tree alone tells whose copy this is.
        old = Checkpoint.parse(parse_note(path.read_text()).text)
    except (TrustError, UnicodeDecodeError) as error:
        reason = error.detail if isinstance(error, TrustError) else "it is not a checkpoint"
        raise OtherLog(folder=folder, reason=reason) from None
    if old.origin != origin:
        raise OtherLog(folder=folder, reason=f"it is of {old.origin}")
    if old.size > size:
        raise OtherLog(folder=folder, reason=f"it has {old.size} entries, the log {size}")
    if root(old.size, reader) != old.root:
        raise OtherLog(folder=folder, reason=f"its first {old.size} entries are others")
    return old.size


def _changed(
    number: int, start: int, old: int, size: int, progress: Progress
) -> Iterator[tuple[str, bytes]]:
    """(path, data) of every tile and bundle that a log of `size` has and one of `old` lacks."""
    for index in range(old // TILE_WIDTH, -(-size // TILE_WIDTH)):
        width = min(TILE_WIDTH, size - index * TILE_WIDTH)
        first = start + index * TILE_WIDTH
        entries = db.session.scalars(
            select(LogEntry.entry)
            .where(LogEntry.index >= first, LogEntry.index < first + width)
            .order_by(LogEntry.index)
        )
        yield entries_path(index, width), entry_bundle([entry.encode() for entry in entries])
        progress(min(size, (index + 1) * TILE_WIDTH), size)
    reader = TileReader(number)
    for level, full, width in tile_widths(size):
        for index in range((old >> (8 * level)) // TILE_WIDTH, full):
            yield tile_path(level, index), reader.read(level, index, TILE_WIDTH)
        if width:
            yield tile_path(level, full, width), reader.read(level, full, width)


def write_file(path: Path, data: bytes) -> None:
    """Writes a file beside its place and renames it; a full tile that is there stays."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f".{path.name}.{os.getpid()}.new")
    with fresh.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)


def _drop_partial(folder: Path, size: int) -> None:
    """Removes partial tiles whose full tile is there (C2SP tlog-tiles, "Partial Tiles")."""
    for level, full, _ in tile_widths(size):
        for last in {full - 1} - {-1}:
            for path in (tile_path(level, last), entries_path(last) if level == 0 else ""):
                if path:
                    shutil.rmtree(folder / f"{path}.p", ignore_errors=True)


# Fetching a copy.


def fetch(
    mirror: Mirror,
    folder: Path,
    known: list[Verifier],
    *,
    progress: Progress = lambda done, size: None,
) -> int:
    """Brings a folder up to a copy elsewhere; returns the log's size. What is fetched is checked by
    `audit`, not here, save that the new log contains the old one.

    Raises MirrorUnreadable, Unreadable, NotWitnessed, OtherLog.
    """
    checkpoint, note = read_checkpoint_of(mirror, known)
    size = checkpoint.size
    tiles = MirrorTiles(mirror, size)
    old = 0
    if (folder / CHECKPOINT).exists():
        had, _ = read_checkpoint_of(Folder(folder), known)
        if had.size > size:
            raise OtherLog(folder=folder, reason=f"it has {had.size} entries, the log {size}")
        if root(had.size, tiles) != had.root:
            raise OtherLog(folder=folder, reason=f"its first {had.size} entries are others")
        old = had.size
    for index in range(old // TILE_WIDTH, -(-size // TILE_WIDTH)):
        path = entries_path(index, min(TILE_WIDTH, size - index * TILE_WIDTH))
        write_file(folder / path, mirror.read(path))
        progress(min(size, (index + 1) * TILE_WIDTH), size)
    for level, full, width in tile_widths(size):
        first = (old >> (8 * level)) // TILE_WIDTH
        for index in range(first, full + bool(width)):
            wide = TILE_WIDTH if index < full else width
            write_file(folder / tile_path(level, index, wide), tiles.read(level, index, wide))
    write_file(folder / CHECKPOINT, note.encode())
    return size


# At the start.


def check_against_mirrors() -> None:
    """Raises LogForked when a configured copy has our signature on a log that ours does not
    continue. A copy that cannot be read, or that is not signed by us, proves nothing."""
    state = log.current_state()
    held = state.size - state.start
    for text in current_settings().log_mirrors:
        try:
            seen, _ = read_checkpoint_of(mirror_at(text), verifiers(state.origin))
        except TraceError as error:
            logger.warning("mirror-not-compared", mirror=text, code=error.code, detail=error.detail)
            continue
        if seen.size > held:
            raise LogForked(
                kept=seen.size, reason=f"the copy at {text} is ahead of the {held} entries here"
            )
        if root_at(seen.size) != seen.root:
            raise LogForked(kept=seen.size, reason=f"the copy at {text} holds other entries")

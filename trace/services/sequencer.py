"""Publishing: committed entries become tiles and a signed checkpoint (formats §4).

One sequencer at a time, by lease. The newest checkpoint is also kept in a file outside the
database: a database older than that file is a restored backup, and signing on top of it would
fork the log, so it is refused.

A kill at any moment loses nothing: entries were committed before; the file is written before the
tiles are committed, and tiles are made again from the entries by the next run.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import bindparam, delete, func, or_, select, tuple_, update

from trace.core.tlog import (
    Checkpoint,
    TileUpdate,
    add_signatures,
    append,
    leaf_hash,
    parse_note,
    root,
    sign_note,
    tile_widths,
)
from trace.extensions import db
from trace.models import LogCheckpoint, LogEntry, LogState, LogTile
from trace.models.types import to_millis
from trace.services import log
from trace.services.bulk import insert_rows
from trace.services.log_file import Kept, LogForked, checkpoint_path, keep, read_kept
from trace.services.log_guard import check_not_restored
from trace.services.log_keys import signers

BATCH = 4096
# A backlog is published in steps: whoever wants to append waits for one step at most.
STEP = 65_536
LEASE = timedelta(seconds=15)
# Unwitnessed checkpoints are looked through each time the log has passed so many entries.
FORGET_EVERY = 1024
# By then a witness that was being asked for a checkpoint has answered, or is asked for a newer one.
UNWITNESSED_FOR = timedelta(hours=1)
LEVELS = 64  # levels of one origin; the next origin's tiles are kept above them


# What every publication asks, written once: building such a query costs more than answering it.
_NEWEST = (
    select(LogState.id, LogState.origin, LogState.start, LogState.size, LogState.integrated)
    .order_by(LogState.id.desc())
    .limit(1)
)
_ENTRIES = (
    select(LogEntry.entry)
    .where(LogEntry.index >= bindparam("first"), LogEntry.index < bindparam("end"))
    .order_by(LogEntry.index)
)
_TILES = select(LogTile.level, LogTile.index, LogTile.nodes).where(
    tuple_(LogTile.level, LogTile.index).in_(bindparam("places", expanding=True))
)
_CLAIM = (
    update(LogState)
    .where(LogState.id == bindparam("number"), LogState.integrated == bindparam("before"))
    .values(integrated=bindparam("place"))
    .execution_options(synchronize_session=False)
)


class Newest(NamedTuple):
    """The newest origin's row: its number, and how far its entries are in tiles."""

    number: int
    origin: str
    start: int
    size: int
    integrated: int


class TileReader:
    """Tiles of an origin from the database, each read once."""

    def __init__(self, number: int = 1) -> None:
        self._shift = LEVELS * (number - 1)
        self._known: dict[tuple[int, int], bytes] = {}

    def read(self, level: int, index: int, width: int) -> bytes:
        """The first `width` hashes of a tile, 32 bytes each."""
        key = (level, index)
        if key not in self._known:
            nodes = db.session.scalar(
                select(LogTile.nodes).where(
                    LogTile.level == level + self._shift, LogTile.index == index
                )
            )
            self._known[key] = bytes(nodes or b"")
        return self._known[key][: 32 * width]

    def read_edge(self, size: int) -> None:
        """Reads the partial tiles of a log of `size` entries at once."""
        keys = [(level, full) for level, full, width in tile_widths(size) if width]
        if not keys:
            return
        shift = self._shift
        places = [(level + shift, index) for level, index in keys]
        for level, index, nodes in db.session.execute(_TILES, {"places": places}):
            self._known[level - shift, index] = bytes(nodes)

    def write(self, tiles: Sequence[TileUpdate]) -> None:
        """Stores tiles that changed, and knows them from now on."""
        shift = self._shift
        insert_rows(
            "log_tiles",
            ("level", "idx", "nodes"),
            [(tile.level + shift, tile.index, tile.data) for tile in tiles],
            "ON CONFLICT (level, idx) DO UPDATE SET nodes = excluded.nodes",
        )
        for tile in tiles:
            self._known[tile.level, tile.index] = tile.data


def take_lease(worker: str, *, now: datetime) -> bool:
    """Whether this worker is the sequencer until `now` + 15 s. The caller commits."""
    taken = db.session.execute(
        update(LogState)
        .where(
            LogState.id == select(func.max(LogState.id)).scalar_subquery(),
            or_(
                LogState.leased_by == worker,
                LogState.lease_until.is_(None),
                LogState.lease_until < now,
                # Given while the clock was ahead: nobody waits until that day comes.
                LogState.lease_until > now + 10 * LEASE,
                LogState.leased_by.is_(None),
            ),
        )
        .values(leased_by=worker, lease_until=now + LEASE)
        .execution_options(synchronize_session=False)
    )
    return bool(taken.rowcount)  # type: ignore[attr-defined]  # every cursor result has it


def has_news() -> bool:
    """Whether entries wait to be published. Reads only: an idle worker writes nothing."""
    row = db.session.execute(
        select(LogState.start, LogState.size).order_by(LogState.id.desc()).limit(1)
    ).one_or_none()
    if row is None or row.size == row.start:
        return False
    return db.session.get(LogCheckpoint, row.size) is None


def publish(*, now: datetime) -> Checkpoint | None:
    """Integrates up to 65,536 of the entries committed and signs the checkpoint; None when nothing
    is new.

    The caller holds the lease (or is the command line) and commits afterwards. Raises LogForked.
    """
    state = _newest()
    number, origin, start, before = state.number, state.origin, state.start, state.integrated
    until = min(state.size, before + STEP)
    if until == start or (until == before and db.session.get(LogCheckpoint, until) is not None):
        return None
    # Opened once a publication, and gone with it: at rest the key is sealed.
    own = signers(origin)
    keys = [signer.verifier for signer in own]
    tiles = TileReader(number)
    tiles.read_edge(before - start)
    kept = read_kept(number, origin, keys)
    _check_continues(state, kept, tiles)
    place, hash_at_size = before, b""
    while place < until or not hash_at_size:
        leaves = leaf_hashes(place, min(until, place + BATCH))
        appended = append(place - start, tiles, leaves)
        tiles.write(appended.tiles)
        place, hash_at_size = start + appended.size, appended.root
    checkpoint = Checkpoint(origin, place - start, hash_at_size)
    note = sign_note(checkpoint.text, own)
    claimed = db.session.execute(_CLAIM, {"number": number, "before": before, "place": place})
    if not claimed.rowcount:  # type: ignore[attr-defined]  # every cursor result has it
        raise LogForked(kept=place, reason="another process publishes at the same time")
    keep(number, origin, note, keys, kept)
    insert_rows("log_checkpoints", ("size", "note", "created_at"), [(place, note, to_millis(now))])
    if before // FORGET_EVERY != place // FORGET_EVERY:
        forget_unwitnessed(now=now)
    return checkpoint


def forget_unwitnessed(*, now: datetime) -> int:
    """Deletes checkpoints that nobody needs any more; returns how many.

    Kept are those that witnesses saw, which date what they cover, the newest of each origin, which
    everything published leads to, and those of the last hour. A receipt is made for the checkpoint
    of its own bundle, which carries it along; consistency proofs need tiles only.
    """
    starts = db.session.scalars(select(LogState.start).order_by(LogState.id)).all()
    newest = []
    for start, end in zip(starts, [*starts[1:], None], strict=True):
        own = select(func.max(LogCheckpoint.size)).where(LogCheckpoint.size > start)
        newest.append(
            db.session.scalar(own if end is None else own.where(LogCheckpoint.size <= end))
        )
    gone = db.session.execute(
        delete(LogCheckpoint)
        .where(
            LogCheckpoint.witnessed_at.is_(None),
            LogCheckpoint.created_at < now - UNWITNESSED_FOR,
            LogCheckpoint.size.not_in([size for size in newest if size is not None]),
        )
        .execution_options(synchronize_session=False)
    )
    return int(gone.rowcount)  # type: ignore[attr-defined]  # every cursor result has it


def sign_again(*, now: datetime) -> Checkpoint | None:
    """Signs the newest checkpoint with all keys of now: when the log's key begins to change.

    Cosignatures on it are given up; witnesses are asked again. None before the first checkpoint.
    Those that witnesses saw earlier get the new key's signature besides: they date what bundles
    show, and a policy of tomorrow knows the new key only.
    """
    state = log.current_state()
    kept = read_kept(state.id, state.origin)
    newest = newest_checkpoint()
    if kept is not None and (newest is None or kept.checkpoint.size > newest.size - state.start):
        # A process died between the file and its commit: what it signed is made again first.
        while publish(now=now) is not None:
            db.session.flush()
        newest = newest_checkpoint()
    if newest is None or newest.size <= state.start:
        return None
    check_continues()
    size = newest.size - state.start
    checkpoint = Checkpoint(state.origin, size, root(size, TileReader(state.id)))
    newest.note = sign_note(checkpoint.text, signers(state.origin))
    newest.created_at, newest.witnessed_at = now, None
    keep(state.id, state.origin, newest.note)
    db.session.flush()
    _sign_witnessed(state, newest.size)
    return checkpoint


def _sign_witnessed(state: LogState, before: int) -> None:
    own = signers(state.origin)
    rows = db.session.execute(
        select(LogCheckpoint.size, LogCheckpoint.note).where(
            LogCheckpoint.witnessed_at.is_not(None),
            LogCheckpoint.size > state.start,
            LogCheckpoint.size < before,
        )
    ).all()
    changed = []
    for size, note in rows:
        opened = parse_note(note)
        have = {(found.name, found.key_id) for found in opened.signatures}
        missing = [s for s in own if (s.name, s.verifier.key_id) not in have]
        if missing:
            lines = [signer.line(opened.text) for signer in missing]
            changed.append({"size": size, "note": add_signatures(note, lines)})
    if changed:
        db.session.execute(update(LogCheckpoint), changed)


def leaf_hashes(first: int, end: int) -> list[bytes]:
    """The leaf hashes of the entries at places first … end - 1. Raises LogForked for a gap."""
    entries = db.session.scalars(_ENTRIES, {"first": first, "end": end}).all()
    if len(entries) != end - first:
        raise LogForked(kept=end, reason=f"entries are missing between {first} and {end}")
    return [leaf_hash(entry.encode()) for entry in entries]


def check_continues() -> None:
    """Raises LogForked unless the database's log contains the checkpoint kept outside of it, and
    LogRestored while nobody has said how the log of a restored backup goes on."""
    state = _newest()
    _check_continues(state, read_kept(state.number, state.origin), TileReader(state.number))


def _check_continues(state: Newest, found: Kept | None, tiles: TileReader) -> None:
    check_not_restored()
    if found is None:
        if state.integrated > state.start:
            raise LogForked(kept="?", reason="the checkpoint file is missing")
        return
    kept = found.checkpoint
    held = state.size - state.start
    if kept.size > held:
        raise LogForked(kept=kept.size, reason=f"the database holds only {held} entries")
    if _root_at(kept.size, state, tiles) != kept.root:
        raise LogForked(kept=kept.size, reason="the entries up to there are different ones")


def root_at(size: int) -> bytes:
    """The root of the current origin's first `size` entries, from tiles and, beyond those, from
    entries: what was signed before its tiles were committed is made again."""
    state = _newest()
    return _root_at(size, state, TileReader(state.number))


def _root_at(size: int, state: Newest, tiles: TileReader) -> bytes:
    integrated = state.integrated - state.start
    if size <= integrated:
        return root(size, tiles)
    leaves = leaf_hashes(state.integrated, state.start + size)
    return append(integrated, tiles, leaves).root


def _newest() -> Newest:
    row = db.session.execute(_NEWEST).one_or_none()
    if row is None:
        raise log.NoLog
    return Newest(*row)


def newest_checkpoint() -> LogCheckpoint | None:
    """The newest stored checkpoint."""
    return db.session.scalar(select(LogCheckpoint).order_by(LogCheckpoint.size.desc()).limit(1))


__all__ = [
    "BATCH",
    "LEASE",
    "LEVELS",
    "STEP",
    "LogForked",
    "TileReader",
    "check_continues",
    "checkpoint_path",
    "forget_unwitnessed",
    "leaf_hashes",
    "newest_checkpoint",
    "publish",
    "root_at",
    "sign_again",
    "take_lease",
]

"""Publishing: committed entries become tiles and a signed checkpoint (formats §4).

One sequencer at a time, by lease. The newest checkpoint is also kept in a file outside the
database: a database older than that file is a restored backup, and signing on top of it would
fork the log, so it is refused.
"""

from __future__ import annotations

import os
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from trace.core.tlog import (
    Checkpoint,
    append,
    leaf_hash,
    log_signer,
    open_checkpoint,
    root,
    sign_checkpoint,
)
from trace.errors import TraceError
from trace.extensions import db
from trace.models import LogCheckpoint, LogEntry, LogState, LogTile
from trace.services import log
from trace.services.keys import log_key
from trace.services.sets import is_sqlite
from trace.services.settings import current_settings

BATCH = 4096
LEASE = timedelta(seconds=15)


class LogForked(TraceError):
    code = "log-forked"
    status = 503
    message = (
        "The database's log does not continue the newest checkpoint published (size %(kept)s): "
        "%(reason)s."
    )
    next_step = (
        "A backup older than the published log was restored, or the wrong database is connected. "
        "Connect the right one, or refill the log from a mirror; signing now would fork the log."
    )


class TileReader:
    """Tiles from the database, each read once."""

    def __init__(self) -> None:
        self._known: dict[tuple[int, int], bytes] = {}

    def read(self, level: int, index: int, width: int) -> bytes:
        """The first `width` hashes of a tile, 32 bytes each."""
        key = (level, index)
        if key not in self._known:
            nodes = db.session.scalar(
                select(LogTile.nodes).where(LogTile.level == level, LogTile.index == index)
            )
            self._known[key] = bytes(nodes or b"")
        return self._known[key][: 32 * width]


def take_lease(worker: str, *, now: datetime) -> bool:
    """Whether this worker is the sequencer until `now` + 15 s. The caller commits."""
    taken = db.session.execute(
        update(LogState)
        .where(
            or_(
                LogState.leased_by == worker,
                LogState.lease_until.is_(None),
                LogState.lease_until < now,
                LogState.leased_by.is_(None),
            )
        )
        .values(leased_by=worker, lease_until=now + LEASE)
        .execution_options(synchronize_session=False)
    )
    return bool(taken.rowcount)  # type: ignore[attr-defined]  # every cursor result has it


def has_news() -> bool:
    """Whether entries wait to be published. Reads only: an idle worker writes nothing."""
    size = db.session.scalar(select(LogState.size).order_by(LogState.id.desc()).limit(1))
    return bool(size) and db.session.get(LogCheckpoint, size) is None


def publish(*, now: datetime) -> Checkpoint | None:
    """Integrates what has been committed and signs the checkpoint; None when nothing is new.

    The caller holds the lease (or is the command line) and commits afterwards. Entries were
    committed before: a crash anywhere here loses nothing, since tiles are made again from them.
    """
    state = log.current_state()
    size, integrated = state.size, state.integrated
    if not has_news():
        return None
    check_continues(integrated)
    reader = TileReader()
    hash_at_size = root(integrated, reader)
    while integrated < size:
        entries = db.session.scalars(
            select(LogEntry.entry)
            .where(LogEntry.index >= integrated, LogEntry.index < min(size, integrated + BATCH))
            .order_by(LogEntry.index)
        ).all()
        appended = append(integrated, reader, [leaf_hash(entry.encode()) for entry in entries])
        _write_tiles([(t.level, t.index, t.data) for t in appended.tiles])
        integrated, hash_at_size = appended.size, appended.root
        reader = TileReader()
    checkpoint = Checkpoint(state.origin, integrated, hash_at_size)
    note = sign_checkpoint(checkpoint, log_signer(state.origin, log_key()))
    _keep_outside(note)
    db.session.add(LogCheckpoint(size=integrated, note=note, created_at=now))
    db.session.execute(
        update(LogState)
        .where(LogState.id == state.id)
        .values(integrated=integrated)
        .execution_options(synchronize_session=False)
    )
    db.session.flush()
    return checkpoint


def _write_tiles(tiles: list[tuple[int, int, bytes]]) -> None:
    dialect = sqlite.insert if is_sqlite() else postgresql.insert
    statement = dialect(LogTile)
    statement = statement.on_conflict_do_update(
        index_elements=["level", "idx"], set_={"nodes": statement.excluded.nodes}
    )
    db.session.execute(
        statement, [{"level": level, "index": index, "nodes": data} for level, index, data in tiles]
    )


def checkpoint_path() -> Path:
    """Where the newest checkpoint is kept outside the database."""
    return current_settings().instance / "log" / "checkpoint"


def _keep_outside(note: str) -> None:
    path = checkpoint_path()
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_suffix(".new")
    with fresh.open("w") as file:
        file.write(note)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def check_continues(integrated: int) -> None:
    """Raises LogForked unless the database's log contains the checkpoint kept outside of it."""
    path = checkpoint_path()
    if not path.exists():
        if integrated:
            raise LogForked(kept="?", reason="the checkpoint file is missing")
        return
    state = log.current_state()
    kept = open_checkpoint(path.read_text(), log_signer(state.origin, log_key()).verifier)
    if kept.size > state.size:
        raise LogForked(kept=kept.size, reason=f"the database holds only {state.size} entries")
    if kept.size <= integrated:
        at_size = root(kept.size, TileReader())
    else:  # signed, then stopped before the tiles were committed: made again from the entries
        at_size = _root_from_entries(kept.size, integrated)
    if at_size != kept.root:
        raise LogForked(kept=kept.size, reason="the entries up to there are different ones")


def _root_from_entries(size: int, integrated: int) -> bytes:
    entries = db.session.scalars(
        select(LogEntry.entry)
        .where(LogEntry.index >= integrated, LogEntry.index < size)
        .order_by(LogEntry.index)
    ).all()
    return append(integrated, TileReader(), [leaf_hash(e.encode()) for e in entries]).root


def newest_checkpoint() -> LogCheckpoint | None:
    """The newest stored checkpoint."""
    return db.session.scalar(select(LogCheckpoint).order_by(LogCheckpoint.size.desc()).limit(1))

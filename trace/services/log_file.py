"""The newest checkpoint outside the database: what a restored backup cannot take back.

One file per origin in the instance folder. It is written under a lock, to the disk, and by
renaming, and never goes back to a smaller log.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from trace.core.signing import TrustError
from trace.core.tlog import Checkpoint, Verifier, open_checkpoint_by
from trace.services.log_guard import LogForked, checkpoint_path
from trace.services.log_keys import verifiers


class Kept(NamedTuple):
    """A kept note as it stands in the file, and the checkpoint it was found to hold."""

    note: str
    checkpoint: Checkpoint


def read_kept(
    number: int, origin: str, keys: Sequence[Verifier] | None = None, *, seen: Kept | None = None
) -> Kept | None:
    """What is kept; None without a file. Raises LogForked when it is not this log's.

    `keys` are the log's, where the caller has opened them. A file that holds byte for byte what
    was `seen` before is not checked again.
    """
    path = checkpoint_path(number)
    try:
        note = path.read_text()
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise LogForked(kept="?", reason=f"{path} cannot be read ({error})") from error
    if seen is not None and note == seen.note:
        return seen
    return Kept(note, parse_kept(note, origin, keys))


def parse_kept(note: str, origin: str, keys: Sequence[Verifier] | None = None) -> Checkpoint:
    """A checkpoint of this log under its own signature. Raises LogForked."""
    try:
        return open_checkpoint_by(note, verifiers(origin) if keys is None else keys)
    except TrustError as error:
        raise LogForked(
            kept="?", reason=f"the checkpoint file is not of this log: {error.detail}"
        ) from error


def keep(
    number: int,
    origin: str,
    note: str,
    keys: Sequence[Verifier] | None = None,
    seen: Kept | None = None,
) -> None:
    """Keeps a checkpoint just signed; `keys` and `seen` as in read_kept.

    Raises LogForked when a newer or another one is kept.
    """
    path = checkpoint_path(number)
    path.parent.mkdir(parents=True, exist_ok=True)
    new = parse_kept(note, origin, keys)
    with _locked(path):
        found = read_kept(number, origin, keys, seen=seen)
        if found is not None:
            kept = found.checkpoint
            if kept.size > new.size:
                raise LogForked(
                    kept=kept.size, reason="another process has published more meanwhile"
                )
            if kept.size == new.size and kept.root != new.root:
                raise LogForked(kept=kept.size, reason="the file holds another tree of this size")
        _write(path, note)


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    descriptor = os.open(path.with_suffix(".lock"), os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _write(path: Path, text: str) -> None:
    fresh = path.with_suffix(".new")
    with fresh.open("w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


__all__ = ["Kept", "LogForked", "checkpoint_path", "keep", "parse_kept", "read_kept"]

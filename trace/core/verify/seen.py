"""The newest checkpoint that this computer saw of each log, and whether what comes continues it.

A file `{"v":1,"checkpoints":{origin: note}}`. It is the reader's own: a checkpoint goes in only
after its signature was checked, and is never replaced by one that was not compared with it.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Final, Literal

from trace.core.signing import TrustError, b64url, loads_strict
from trace.core.tlog import Checkpoint, NotConsistent, TileStore, parse_note, root
from trace.errors import TraceError

Relation = Literal["first", "same", "continues", "not-compared"]
MAX_BYTES: Final = 1_000_000


class Unusable(TraceError):
    """A file that is needed cannot be read or written."""

    code = "unusable-file"
    message = "%(name)s cannot be used: %(reason)s."


def read_seen(path: Path) -> dict[str, str]:
    """{origin: note}; empty where there is no file yet. Raises Unusable."""
    try:
        value = loads_strict(path.read_bytes(), max_bytes=MAX_BYTES, max_depth=3)
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise Unusable(name=str(path), reason=error.strerror or "it cannot be read") from None
    except TrustError as error:
        raise Unusable(name=str(path), reason=error.detail) from None
    notes = value.get("checkpoints") if isinstance(value, dict) and value.get("v") == 1 else None
    if not isinstance(notes, dict) or not all(isinstance(note, str) for note in notes.values()):
        raise Unusable(name=str(path), reason="it is not a file of checkpoints seen")
    return notes


def write_seen(path: Path, seen: dict[str, str]) -> None:
    """Replaces the file in one step. Raises Unusable."""
    fresh = path.with_name(path.name + ".new")
    try:
        with fresh.open("w", encoding="utf-8") as file:
            json.dump({"v": 1, "checkpoints": dict(sorted(seen.items()))}, file, indent=1)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)
    except OSError as error:
        raise Unusable(name=str(path), reason=error.strerror or "it cannot be written") from None


def seen_checkpoint(path: Path, note: str) -> Checkpoint:
    """The checkpoint of a note in the file. Raises Unusable."""
    try:
        return Checkpoint.parse(parse_note(note).text)
    except TrustError as error:
        raise Unusable(name=str(path), reason=error.detail) from None


def compare(
    last: Checkpoint,
    new: Checkpoint,
    *,
    older: Checkpoint | None = None,
    tiles: TileStore | None = None,
    held: int = 0,
) -> Relation:
    """How `new` stands to what was seen last. Raises NotConsistent when it is another log.

    `older` is a checkpoint that `new` is proved to continue; `tiles` hold the log's first `held`
    entries, audited.
    """
    if last.size == new.size:
        check_root(last, new.root)
        return "same"
    if tiles is not None and last.size <= held:
        check_root(last, root(last.size, tiles))
        return "continues" if last.size < new.size else "same"
    if older is not None and last.size == older.size:
        check_root(last, older.root)
        return "continues"
    return "not-compared"


def check_root(known: Checkpoint, found: bytes) -> None:
    """Raises NotConsistent unless a log has the root at this size that a checkpoint says."""
    if known.root != found:
        raise NotConsistent(f"the root {b64url(known.root)} at size {known.size}", b64url(found))

"""What must hold before anything is appended: the database is not older than what was published.

Rules.
1. Under the log lock the size of the newest checkpoint kept outside the database is compared with
   the entries held. A database that holds fewer is a restored backup (or the wrong one): whatever
   were recorded in it would stand at indexes that were published for something else.
2. `trace restore` leaves a mark. Until it is taken away nothing is appended and nothing is signed:
   a copy of the log, or a witness, may know of more than the file that came with the backup.
3. The mark is taken away by an operator's word only: `trace log refill`, `trace log new-origin`, or
   `trace log resume`, which asks file, copies and witnesses once more.

Where the file is missing (a machine that serves pages and publishes nothing) rule 1 says nothing;
the sequencer refuses to publish there (trace.services.sequencer).
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from functools import lru_cache
from pathlib import Path
from typing import Final

from trace.errors import TraceError
from trace.services.settings import current_settings


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


class LogRestored(TraceError):
    code = "log-restored"
    status = 503
    message = "A backup was restored here, and nobody has said yet how the log goes on."
    next_step = (
        "Refill the log from a copy (trace log refill), or, where nothing was published after the "
        "backup, say so (trace log resume)."
    )


_MENDING: Final[ContextVar[bool]] = ContextVar("mending", default=False)


def checkpoint_path(number: int = 1) -> Path:
    """Where the newest checkpoint of an origin is kept."""
    folder = current_settings().instance / "log"
    return folder / "checkpoint" if number == 1 else folder / str(number) / "checkpoint"


def restored_path() -> Path:
    """The mark of rule 2."""
    return current_settings().instance / "log" / "restored"


def mark_restored(words: str) -> None:
    """Leaves the mark; `words` tell people what was restored."""
    path = restored_path()
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as file:
        file.write(words + "\n")
        file.flush()
        os.fsync(file.fileno())


def forget_restored() -> bool:
    """Takes the mark away; whether there was one."""
    with suppress(FileNotFoundError):
        restored_path().unlink()
        return True
    return False


def check_not_restored() -> None:
    """Raises LogRestored (rule 2)."""
    if not _MENDING.get() and restored_path().exists():
        raise LogRestored


def check_holds(number: int, held: int) -> None:
    """Rules 1 and 2, for an origin of which the database holds so many entries. Two looks at the
    file system; the caller holds the log lock, so that nothing is published beyond `held`.

    Raises LogForked, LogRestored. The checkpoint's signature is the sequencer's matter.
    """
    if _MENDING.get():
        return
    check_not_restored()
    path = checkpoint_path(number)
    try:
        state = path.stat()
        kept = _kept_size(str(path), state.st_ino, state.st_mtime_ns)
    except FileNotFoundError:
        return
    except (OSError, ValueError, IndexError) as error:
        raise LogForked(kept="?", reason=f"{path} cannot be read ({error})") from error
    if kept > held:
        raise LogForked(kept=kept, reason=f"the database holds only {held} entries")


@lru_cache(maxsize=16)
def _kept_size(path: str, _inode: int, _changed: int) -> int:
    """The second line of a checkpoint (C2SP tlog-checkpoint)."""
    return int(Path(path).read_text().split("\n", 2)[1])


@contextmanager
def mending() -> Iterator[None]:
    """While an operator's command brings the log back, it may append."""
    token = _MENDING.set(True)
    try:
        yield
    finally:
        _MENDING.reset(token)

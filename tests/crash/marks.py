"""What a process was doing when it was killed: a few bytes of memory that outlive it.

A mark is set where something begins: a statement, a commit, a file's opening, renaming or way to
the disk, an acknowledgement. Between them the process computes; the mark says under what.
"""

from __future__ import annotations

import mmap
import os
import sys
from typing import Any, Final

from sqlalchemy import Engine, event
from sqlalchemy.orm import Session

SIZE: Final = 48
STARTING: Final = "starting"
THINKING: Final = "computing, nothing written"
READING: Final = "reading"
WRITING: Final = "writing rows"
WRITTEN: Final = "computing, rows written"
APPENDING: Final = "appending to the log, lock held"
LOCKED: Final = "computing, log lock held"
PUBLISHING: Final = "writing tiles or a checkpoint"
COMMITTING: Final = "committing"
COMMITTED: Final = "committed, not yet acknowledged"
FILING: Final = "writing a file"
MOVING: Final = "renaming or removing a file"
SYNCING: Final = "waiting for the disk"
TOLD: Final = "acknowledged"
ORDER: Final = (
    *(STARTING, THINKING, READING, WRITING, WRITTEN, APPENDING, LOCKED, PUBLISHING),
    *(COMMITTING, COMMITTED, FILING, MOVING, SYNCING, TOLD),
)


class Marks:
    """Shared between a parent and the child it forks."""

    def __init__(self) -> None:
        self._memory = mmap.mmap(-1, SIZE)

    def set(self, what: str) -> None:
        self._memory[:SIZE] = what.encode().ljust(SIZE)

    def get(self) -> str:
        return self._memory[:SIZE].decode().rstrip()


class Watch:
    """Sets marks for what this process does; only ever in a child that will be killed."""

    def __init__(self, marks: Marks, engine: Engine) -> None:
        self._marks = marks
        self._wrote = self._locked = False
        event.listen(engine, "before_cursor_execute", self._before)
        event.listen(engine, "after_cursor_execute", self._after)
        event.listen(engine, "commit", self._commit)
        event.listen(engine, "rollback", self._over)
        event.listen(Session, "after_commit", self._committed)
        self._sync = os.fsync
        vars(os)["fsync"] = self._synced
        sys.addaudithook(self._hear)

    def _before(self, _c: Any, _cursor: Any, statement: str, *_: Any) -> None:
        words = statement.split(None, 3)
        if words[0] not in ("INSERT", "UPDATE", "DELETE"):
            self._marks.set(LOCKED if self._locked else READING)
            return
        self._wrote = True
        if "log_state SET size = size" in statement or "INTO log_entries" in statement:
            self._locked = True
            self._marks.set(APPENDING)
        elif "log_tiles" in statement or "log_checkpoints" in statement:
            self._marks.set(PUBLISHING)
        else:
            self._marks.set(LOCKED if self._locked else WRITING)

    def _after(self, *_: Any) -> None:
        self._marks.set(LOCKED if self._locked else WRITTEN if self._wrote else THINKING)

    def _commit(self, _connection: Any) -> None:
        self._marks.set(COMMITTING if self._wrote else READING)

    def _over(self, _connection: Any) -> None:
        self._wrote = self._locked = False
        self._marks.set(THINKING)

    def _committed(self, session: Session) -> None:
        if session.in_nested_transaction():
            return
        self._marks.set(COMMITTED if self._wrote else THINKING)
        self._wrote = self._locked = False

    def _synced(self, descriptor: int) -> None:
        self._marks.set(SYNCING)
        self._sync(descriptor)

    def _hear(self, name: str, given: tuple[Any, ...]) -> None:
        if name in ("os.rename", "os.link", "os.remove"):
            self._marks.set(MOVING)
        elif name == "open" and isinstance(given[2], int) and given[2] & (os.O_WRONLY | os.O_CREAT):
            self._marks.set(FILING)

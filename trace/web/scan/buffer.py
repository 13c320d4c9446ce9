"""Scans on their way to the database: held in memory for a second at most, stored together.

Rules.
1. Whoever shows a page waits for nothing: `add` appends to a list.
2. A thread stores what there is every second, in one transaction; it starts with the first scan (so
   after the server has made its processes) and its last act, at the end of the process, is to store
   the rest. A process that is killed loses the second since its last storing, no more.
3. The list is bounded. What comes in when it is full is dropped and counted in the log: numbers of
   scans may be short, the server may not fall over.
4. Where the database is out of reach, what was taken goes back and is tried again.
5. Where machines share a Redis, scans are handed on to it five times a second, and a worker brings
   them to the database (services.scans_shared). While it is away, rule 2 holds again.
"""

from __future__ import annotations

import atexit
import threading
from collections import deque
from datetime import date
from typing import Final

import structlog
from flask import Flask

from trace.extensions import db
from trace.services import scans, scans_shared
from trace.services.counted import SCANS_DROPPED, SCANS_WAITING
from trace.services.outages import OUTAGES
from trace.services.shared import shared_of

logger = structlog.get_logger()
# About 400 bytes each; half a minute of the greatest flood that is promised to be absorbed.
LIMIT: Final = 60_000
PER_MINUTE: Final = 60  # scans of one sender, all processes together where they share a Redis
EVERY: Final = 1.0
EVERY_SHARED: Final = 0.2


class Buffer:
    """One process's scans; safe for threads."""

    def __init__(
        self,
        app: Flask,
        *,
        limit: int = LIMIT,
        every: float | None = None,
        per_minute: int = PER_MINUTE,
    ) -> None:
        self._app = app
        self._shared = shared_of(app)
        self._per_minute = per_minute
        self._limit = limit
        self._every = every or (EVERY_SHARED if self._shared else EVERY)
        self._held: deque[scans.Seen] = deque()
        self._keys: dict[date, bytes] = {}
        self._dropped = 0
        self._left = 0
        self._storing = threading.Lock()
        self._starting = threading.Lock()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def __len__(self) -> int:
        return len(self._held)

    def key(self, day: date) -> bytes:
        """The day's key of marks; one query a day, in a session of its own."""
        found = self._keys.get(day)
        if found is None:
            with self._app.app_context():
                found = scans.day_key(day)
            self._keys = {day: found}  # a key that is over is kept nowhere
        return found

    def add(self, seen: scans.Seen) -> None:
        """Takes one scan, or drops it when there is no room (rule 3)."""
        if len(self._held) >= self._limit:
            self._dropped += 1
            return
        self._held.append(seen)
        if self._thread is None and not self._app.testing:
            self._start()

    def flush(self) -> int:
        """Stores what there is; how many scans were taken. Leaves no session behind."""
        with self._storing:
            count = self._store()
            left = len(self._held)
            if left != self._left:
                self._left = left
                SCANS_WAITING.set(left)
            return count

    def _store(self) -> int:
        taken = [self._held.popleft() for _ in range(len(self._held))]
        if self._dropped:
            logger.warning("scans-dropped", count=self._dropped)
            SCANS_DROPPED.inc(self._dropped)
            self._dropped = 0
        if not taken:
            return 0
        if self._shared and scans_shared.push(self._shared, taken, self._per_minute):
            return len(taken)
        with self._app.app_context():
            try:
                scans.store(taken)
                db.session.commit()
            except OUTAGES:
                db.session.rollback()
                self._held.extendleft(reversed(taken))
                logger.warning("scans-wait", count=len(taken))
                return 0
            except Exception:
                # Numbers are lost rather than tried for ever; the log says why.
                db.session.rollback()
                logger.exception("scans-lost", count=len(taken))
        return len(taken)

    def close(self) -> None:
        """Stores the rest; after it nothing runs in the background."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(timeout=10)
            self._thread = None
        self.flush()

    def _start(self) -> None:
        with self._starting:
            if self._thread is not None:
                return
            # A daemon: the interpreter does not wait for it, `close` does.
            self._thread = threading.Thread(target=self._run, name="scans", daemon=True)
            self._thread.start()
            atexit.register(self.close)

    def _run(self) -> None:
        while not self._stop.wait(self._every):
            self.flush()

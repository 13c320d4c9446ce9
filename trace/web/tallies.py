"""How often one network or sender may do something: counted in memory, by each process alone.

For the hot path, where no query may be added: a window begins for all at once and ends for all, so
that nothing has to be looked through. No address is kept longer than its window.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from threading import Lock
from typing import Final

MAX_NETWORKS: Final = 50_000


class Tally:
    """At most `limit` of something for a network in `seconds`."""

    def __init__(
        self, limit: int, seconds: int, tick: Callable[[], float] = time.monotonic
    ) -> None:
        self.limit = limit
        self.seconds = seconds
        self._tick = tick
        self._ends = 0.0
        self._counts: dict[str, int] = {}
        self._lock = Lock()

    def count(self, network: str) -> None:
        """One more."""
        with self._lock:
            self._turn()
            self._counts[network] = self._counts.get(network, 0) + 1
            if len(self._counts) > MAX_NETWORKS:
                del self._counts[next(iter(self._counts))]

    def fill(self, network: str) -> None:
        """As many as there may be: others have counted the rest."""
        with self._lock:
            self._turn()
            self._counts[network] = self.limit

    def wait(self, network: str) -> int:
        """Seconds until the network may again; 0 when it may now."""
        if not self._counts:
            return 0
        with self._lock:
            self._turn()
            over = self._counts.get(network, 0) >= self.limit
            return max(1, round(self._ends - self._tick())) if over else 0

    def _turn(self) -> None:
        now = self._tick()
        if now >= self._ends:
            self._counts = {}
            self._ends = now + self.seconds

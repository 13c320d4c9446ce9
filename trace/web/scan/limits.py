"""How often one network may do something: counted in memory, by each process for itself.

For the hot path, where no query may be added: a window begins for all networks at once and ends for
all of them, so that nothing has to be looked through. A network is the first 24 bits of an IPv4
address, the first 48 of an IPv6 address: what one household, office or carrier's exit has. No
address is kept longer than its window.
"""

from __future__ import annotations

import ipaddress
import time
from collections.abc import Callable
from functools import lru_cache
from threading import Lock
from typing import Final

MAX_NETWORKS: Final = 50_000


@lru_cache(maxsize=1024)
def network_of(address: str, bits4: int = 24, bits6: int = 48) -> str:
    """The network of an address, as text; what is no address stands for itself."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address[:45]
    if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped is not None:
        found = found.ipv4_mapped
    bits = bits4 if found.version == 4 else bits6
    return str(ipaddress.ip_network((found, bits), strict=False))


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

"""How often one network or address may do something: counted in memory, by each process alone.

For the hot path, where no query may be added: a window begins for all at once and ends for all, so
that nothing has to be looked through. A network is the first 24 bits of an IPv4 address, the first
48 of an IPv6 address: what one household, office or carrier's exit has. No address is kept longer
than its window.
"""

from __future__ import annotations

import re
import socket
import time
from collections.abc import Callable
from threading import Lock
from typing import Final

_IPV4: Final = re.compile(r"(?:::ffff:)?(\d{1,3}\.\d{1,3}\.\d{1,3})\.(\d{1,3})", re.ASCII)
MAX_NETWORKS: Final = 50_000


def network_of(address: str) -> str:
    """The network of an address, as text; what is no address stands for itself."""
    four = _IPV4.fullmatch(address)
    return f"{four[1]}.0/24" if four else _prefix(address, 48)


def sender_of(address: str) -> str:
    """One connection: the whole of an IPv4 address, 64 bits of an IPv6 address, within which a
    phone changes it as it likes."""
    four = _IPV4.fullmatch(address)
    return f"{four[1]}.{four[2]}" if four else _prefix(address, 64)


def _prefix(address: str, bits: int) -> str:
    try:
        raw = socket.inet_pton(socket.AF_INET6, address)
    except (OSError, ValueError):  # ValueError: a zero byte, or no ASCII
        return address[:45]
    kept = raw[: bits // 8].ljust(len(raw), b"\0")
    return f"{socket.inet_ntop(socket.AF_INET6, kept)}/{bits}"


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

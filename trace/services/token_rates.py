"""How often a token may ask: `LIMIT` requests in each `WINDOW`, whatever it asks (our own
interface, EPCIS, a device's readings).

Counted in the database, all workers together (`services.counters`). Each process tells what it
counted every `STEP` requests, so that reading stays reading; the limit is exact up to `STEP` for
each process, which does not matter at this size. What is left is told by every answer in the
fields `RateLimit-Policy` and `RateLimit` (draft-ietf-httpapi-ratelimit-headers).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Lock
from typing import Final

from trace.core.signing import b64url
from trace.errors import TraceError
from trace.services import counters

LIMIT: Final = 600
WINDOW: Final = timedelta(minutes=1)
STEP: Final = 10
_KNOWN: Final = 10_000  # tokens that a process remembers at most


class TooManyRequests(TraceError):
    code = "too-many-requests"
    status = 429
    message = "At most %(limit)d requests a minute are taken from one token."
    next_step = "Wait as long as Retry-After says, then go on."

    def __init__(self, **params: object) -> None:
        super().__init__(limit=LIMIT, **params)  # type: ignore[arg-type]  # parameters of the text


@dataclass(frozen=True, slots=True)
class Rate:
    """How a token stands: how many requests are left until the window ends in `reset` seconds."""

    left: int
    reset: int
    over: bool = False

    def check(self) -> None:
        """Raises TooManyRequests once the window is full."""
        if self.over:
            raise TooManyRequests

    def headers(self) -> dict[str, str]:
        """The fields of an answer; `Retry-After` where the token has to wait."""
        found = {
            "RateLimit-Policy": f'"token";q={LIMIT};w={int(WINDOW.total_seconds())}',
            "RateLimit": f'"token";r={self.left};t={self.reset}',
        }
        return {**found, "Retry-After": str(self.reset)} if self.over else found


@dataclass(slots=True)
class _Seen:
    """What this process knows of a token: `mine` requests it has not told yet, `told` by all
    processes in the window that ends at `until`."""

    mine: int = 0
    told: int = 0
    until: datetime | None = None
    over: bool = False


_lock: Final = Lock()
_seen: Final[dict[bytes, _Seen]] = {}


def count(token_hash: bytes, *, at: datetime) -> Rate:
    """One request more by this token, and how it stands. Commits by itself: call it before anything
    is written."""
    with _lock:
        seen = _seen.get(token_hash)
        if seen is None:
            if len(_seen) >= _KNOWN:
                _seen.clear()
            seen = _seen[token_hash] = _Seen()
        if seen.until is not None and seen.until <= at:
            seen.told, seen.until, seen.over = 0, None, False
        if seen.over:
            return _rate(seen, at)
        seen.mine += 1
        if seen.mine < STEP:
            return _rate(seen, at)
        seen.mine = 0
    key = counters.counter_key("token", b64url(token_hash))
    counters.hit(key, WINDOW, at=at, by=STEP)
    found, until = counters.tries(key, at=at)
    with _lock:
        seen.told, seen.until, seen.over = found, until, found > LIMIT
        return _rate(seen, at)


def _rate(seen: _Seen, at: datetime) -> Rate:
    wait = (seen.until or at + WINDOW) - at
    left = 0 if seen.over else max(0, LIMIT - seen.told - seen.mine)
    return Rate(left, max(1, math.ceil(wait.total_seconds())), seen.over)

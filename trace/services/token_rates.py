"""How often a token may ask our interface: `LIMIT` requests in each `WINDOW`.

Counted in the database, all workers together (`services.counters`). Each process tells what it
counted every `STEP` requests, so that reading stays reading; the limit is exact up to `STEP` for
each process, which does not matter at this size.
"""

from __future__ import annotations

import math
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

_lock: Final = Lock()
_asked: Final[dict[bytes, int]] = {}  # since this process last told
_over: Final[dict[bytes, datetime]] = {}  # until when a token is refused


class TooManyRequests(TraceError):
    code = "too-many-requests"
    status = 429
    message = "At most %(limit)d requests a minute are taken from one token."
    next_step = "Wait as long as Retry-After says, then go on."

    def __init__(self, *, retry_after: int = 0, **params: object) -> None:
        self.retry_after = retry_after
        super().__init__(limit=LIMIT, **params)  # type: ignore[arg-type]  # parameters of the text


def count(token_hash: bytes, *, at: datetime) -> None:
    """One request more by this token. Raises TooManyRequests. Commits by itself: call it before
    anything is written."""
    with _lock:
        until = _over.get(token_hash)
        if until is not None and until > at:
            raise _refusal(until, at)
        many = _asked.get(token_hash, 0) + 1
        if len(_asked) > _KNOWN or len(_over) > _KNOWN:
            _asked.clear()
            _over.clear()
        _asked[token_hash] = 0 if many == STEP else many
    if many < STEP:
        return
    key = counters.counter_key("token", b64url(token_hash))
    counters.hit(key, WINDOW, at=at, by=STEP)
    found, until = counters.tries(key, at=at)
    if found > LIMIT:
        with _lock:
            _over[token_hash] = until
        raise _refusal(until, at)


def _refusal(until: datetime, at: datetime) -> TooManyRequests:
    return TooManyRequests(retry_after=max(1, math.ceil((until - at).total_seconds())))

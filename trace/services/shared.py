"""What machines share through Redis, where there is one: nothing that could not be lost.

Rules.
1. Redis counts and passes on; what must stand is in the database. Without Redis, or while it is
   away, everything goes on with what each process knows itself.
2. Nobody waits for it: a request is bounded to a second, and after a failure none is made for some
   seconds.
3. No network address, name or token is a key or a value there; what stands for one is an HMAC.
4. Several installations may use one Redis: all keys begin with the installation's own.
5. It is Redis 7.0 or later, or what calls itself so (Valkey): EXPIRE … NX came with it.
"""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Callable
from typing import Any, Final, TypeVar, cast

import structlog
from flask import Flask, current_app

from trace.config import Settings

logger = structlog.get_logger()
Answer = TypeVar("Answer")
CONNECT: Final = 0.5  # seconds
ANSWERS: Final = 1.0
RESTS: Final = 5.0
OLDEST: Final = (7, 0)  # rule 5
OPTIONS: Final = {"socket_connect_timeout": CONNECT, "socket_timeout": ANSWERS}


def prefix_of(settings: Settings) -> str:
    """What every key of this installation begins with."""
    return f"trace:{hashlib.sha256(settings.id_base.encode()).hexdigest()[:12]}:"


class Shared:
    """One process's way to Redis; safe for threads."""

    def __init__(
        self, address: str, prefix: str, tick: Callable[[], float] = time.monotonic
    ) -> None:
        # Imported where it is used: an installation without Redis does without.
        import redis

        self._error = redis.RedisError
        # No second try by the client: ours is a pause (rule 2).
        self._client: Any = redis.Redis.from_url(
            address, retry=cast("Any", None), health_check_interval=30, **cast("Any", OPTIONS)
        )
        self._prefix = prefix
        self._tick = tick
        self._rests_until = 0.0

    def key(self, name: str) -> str:
        """A key of this installation."""
        return self._prefix + name

    def ask(self, act: Callable[[Any], Answer]) -> Answer | None:
        """What `act` answers with the client; None while Redis is away."""
        if self._tick() < self._rests_until:
            return None
        try:
            answer = act(self._client)
        except (self._error, OSError) as error:
            self._rests_until = self._tick() + RESTS
            logger.warning("redis-away", error=type(error).__name__)
            return None
        self._rests_until = 0.0
        return answer

    def count(self, name: str, seconds: int, by: int = 1) -> int | None:
        """How often something was counted by all machines in the window of `seconds` that the first
        count began; None while Redis is away."""
        key = self.key(name)

        def act(client: Any) -> int:
            with client.pipeline(transaction=True) as line:
                line.incrby(key, by)
                line.expire(key, seconds, nx=True)
                return int(line.execute()[0])

        return self.ask(act)


def version_of(shared: Shared) -> tuple[int, ...] | None:
    """The server's, such as (7, 0, 15); empty where it does not tell; None while Redis is away."""
    import redis

    def act(client: Any) -> tuple[int, ...]:
        try:
            told = client.info("server").get("redis_version", "")
        except redis.ResponseError:  # a hosted one that forbids the question
            return ()
        return tuple(int(part) for part in re.findall("[0-9]+", str(told))[:3])

    return shared.ask(act)


def shared_of(app: Flask) -> Shared | None:
    """The application's way to Redis; None where TRACE_REDIS_URL names none."""
    settings: Settings = app.extensions["trace.settings"]
    if not settings.redis_url:
        return None
    found: Shared | None = app.extensions.get("trace.shared")
    if found is None:
        made = Shared(settings.redis_url, prefix_of(settings))
        found = app.extensions.setdefault("trace.shared", made)
    return found


def shared() -> Shared | None:
    """The same of the current application."""
    return shared_of(current_app._get_current_object())  # type: ignore[attr-defined]  # a proxy's

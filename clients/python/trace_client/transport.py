"""Requests over HTTP by the standard library, tried again where that is safe.

A request is tried again when no answer came or the server says that it is busy (429, 502, 503,
504): always for GET, and for POST because its key makes a repeat harmless. One that was refused for
asking too often (429) was not carried out: it is tried again whatever its method. Between tries it
waits as long as the server asks (`Retry-After`), otherwise twice as long as before.
"""

from __future__ import annotations

import http.client
import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email.message import Message
from typing import Any, Final
from urllib.parse import urlsplit

from trace_client.errors import Changed, NotReached, Refused, TooMany

BUSY: Final = frozenset({429, 502, 503, 504})
TOO_MANY: Final = 429
LONGEST_WAIT: Final = 60.0
SAFE: Final = frozenset({"GET", "POST"})


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer: status, headers in lower case, and the body."""

    status: int
    headers: Mapping[str, str]
    data: bytes

    def json(self) -> Any:
        """The body's value; None for an empty one."""
        return json.loads(self.data) if self.data else None


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """A token goes to the server it was given for, and nowhere else."""

    def redirect_request(self, *_: Any, **__: Any) -> None:
        return None


@dataclass(slots=True)
class Transport:
    """Sends requests to one server. `wait` waits so many seconds. `left` is how many requests the
    token had left this minute when the last answer came; None while no server said."""

    base: str
    token: str
    timeout: float = 30.0
    tries: int = 5
    wait: Callable[[float], None] = time.sleep
    left: int | None = field(default=None, init=False)
    opener: urllib.request.OpenerDirector = field(init=False)

    def __post_init__(self) -> None:
        parts = urlsplit(self.base)
        if parts.scheme not in ("http", "https") or not parts.netloc:
            raise ValueError(f"the server's address is https://…, not {self.base!r}")
        self.base = self.base.rstrip("/")
        self.opener = urllib.request.build_opener(_NoRedirects)

    def send(
        self,
        method: str,
        path: str,
        data: bytes | None,
        headers: Mapping[str, str],
    ) -> Answer:
        """The answer. Raises Refused, Changed, NotReached."""
        pause = 0.5
        for number in range(1, self.tries + 1):
            last = number == self.tries
            try:
                answer = self._once(method, path, data, headers)
            except (OSError, http.client.HTTPException) as error:
                if last or method not in SAFE:
                    raise NotReached(f"{method} {path}: {error}") from error
                self.wait(pause)
            else:
                self.left = _left(answer)
                again = answer.status in BUSY and (method in SAFE or answer.status == TOO_MANY)
                if last or not again:
                    return _checked(answer)
                self.wait(min(_asked(answer, pause), LONGEST_WAIT))
            pause = min(pause * 2, LONGEST_WAIT)
        raise NotReached(f"{method} {path}: not tried")

    def _once(
        self, method: str, path: str, data: bytes | None, headers: Mapping[str, str]
    ) -> Answer:
        request = urllib.request.Request(  # noqa: S310  # the scheme was looked at
            self.base + path,
            data=data,
            method=method,
            headers={
                "Authorization": f"Bearer {self.token}",
                "Accept": "application/json",
                "User-Agent": "trace-client/0.1",
                **headers,
            },
        )
        try:
            with self.opener.open(request, timeout=self.timeout) as got:
                return Answer(got.status, _lower(got.headers), got.read())
        except urllib.error.HTTPError as error:
            with error:
                return Answer(error.code, _lower(error.headers), error.read())


def _lower(headers: Message) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}


def _asked(answer: Answer, pause: float) -> float:
    """How long the server asks to wait, otherwise `pause`."""
    text = answer.headers.get("retry-after", "")
    return float(text) if text.isascii() and text.isdecimal() else pause


def _left(answer: Answer) -> int | None:
    """How many requests are left: the parameter `r` of the field `RateLimit`."""
    for part in answer.headers.get("ratelimit", "").split(";")[1:]:
        name, _, value = part.strip().partition("=")
        if name == "r" and value.isascii() and value.isdecimal():
            return int(value)
    return None


def _checked(answer: Answer) -> Answer:
    if answer.status < 300:
        return answer
    try:
        problem = answer.json()
    except ValueError:
        problem = None
    told = problem if isinstance(problem, dict) else {"code": "http", "detail": "no problem+json"}
    if answer.status == TOO_MANY:
        raise TooMany(answer.status, told, _asked(answer, 0.0))
    raise (Changed if answer.status == 412 else Refused)(answer.status, told)

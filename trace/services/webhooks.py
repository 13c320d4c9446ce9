"""Posting to an address that a client chose: an attacker's to choose, so it is not trusted.

Rules.
1. https on port 443 at a public name and nothing else. At sending the name is looked up, every
   address found must be public, and the connection goes to the address that was checked, so that a
   name cannot lead elsewhere a moment later. No redirects, no proxies, short time-outs, little of
   the answer is read (`services.web_push`, rule 2).
2. While developing, http to this machine itself as well: nothing else can be tried out there.
3. What is sent is signed with the secret that the client gave: GS1-Signature is the base64 of the
   HMAC-SHA-256 of the body's bytes (EPCIS 2.0, GS1-Signature: "implementation specific").
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import http.client
import threading
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final
from urllib.parse import SplitResult, urlsplit

from trace.errors import TraceError
from trace.services import outward
from trace.services.settings import current_settings

TIMEOUT: Final = 10
DEADLINE: Final = 20.0
AT_ONCE: Final = 8
HERE: Final = frozenset({"localhost", "127.0.0.1", "::1"})


class BadDestination(TraceError):
    code = "bad-destination"
    message = "Events cannot be sent to this address: %(reason)s."
    next_step = "Give an https address on port 443 of a host with a public name."
    exception = "SubscriptionControlsException"


@dataclass(frozen=True, slots=True)
class Posting:
    """One message, ready for the network. Made by `posting`, which checks the address."""

    parts: SplitResult
    body: bytes
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Outcome:
    """How it went: the answer's status, or 0 and why there was none."""

    status: int
    reason: str = ""

    @property
    def taken(self) -> bool:
        return 200 <= self.status < 300


def check_destination(address: str) -> SplitResult:
    """An address that may be posted to, in parts. Raises BadDestination."""
    if _is_here(address):
        return urlsplit(address)
    try:
        return outward.check_address(address)
    except outward.BadAddress as error:
        raise BadDestination(reason=_REASONS[error.reason]) from None


_REASONS: Final = {
    "endpoint": "it is not an address",
    "https": "it is not https on port 443, or holds a name, a password or a fragment",
    "host": "its host has no public name",
}


def _is_here(address: str) -> bool:
    """Whether it is this machine, and that may be."""
    if current_settings().environment == "production" or not address.isascii():
        return False
    if len(address) > outward.ADDRESS_LIMIT or any(c.isspace() for c in address):
        return False
    try:
        parts = urlsplit(address)
        port = parts.port
    except ValueError:
        return False
    return (
        parts.scheme == "http"
        and parts.hostname in HERE
        and "@" not in parts.netloc
        and (port is None or port > 0)
    )


def signature(secret: str, body: bytes) -> str:
    """The value of GS1-Signature (rule 3)."""
    digest = hmac.new(secret.encode(), body, hashlib.sha256).digest()
    return base64.b64encode(digest).decode()


def posting(address: str, body: bytes, headers: Mapping[str, str], secret: str = "") -> Posting:
    """A message for an address, signed where there is a secret. Raises BadDestination."""
    signed = {"GS1-Signature": signature(secret, body)} if secret else {}
    return Posting(check_destination(address), body, {**headers, **signed})


def post_each(postings: list[Posting]) -> list[Outcome]:
    """Posts many at the same time; the database is not asked meanwhile."""
    if not postings:
        return []
    with ThreadPoolExecutor(min(AT_ONCE, len(postings))) as threads:
        return list(threads.map(_post, postings))


def _post(message: Posting) -> Outcome:
    try:
        if message.parts.scheme == "http":
            return Outcome(_here(message))
        answer = outward.ask(
            "POST",
            message.parts,
            outward.look_up(message.parts),
            body=message.body,
            headers=message.headers,
            step=TIMEOUT,
            until=time.monotonic() + DEADLINE,
        )
        return Outcome(answer.status)
    except outward.Unreachable as error:
        return Outcome(0, error.reason)
    except (OSError, http.client.HTTPException, ValueError) as error:
        return Outcome(0, type(error).__name__)


def _here(message: Posting) -> int:
    parts = message.parts
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=TIMEOUT)
    watch = threading.Timer(DEADLINE, connection.close)
    watch.daemon = True
    watch.start()
    try:
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        connection.request("POST", target, message.body, dict(message.headers))
        answer = connection.getresponse()
        answer.read(1000)
        return answer.status
    finally:
        watch.cancel()
        connection.close()

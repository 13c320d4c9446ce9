"""How a passport is handed in: the one module to change when the national portal's interface is
published (Decree 37/2026/ND-CP, article 32: reachable and connectable to the portal).

An adapter sends one document under a key that stays the same however often it is sent, and asks
later what became of it. It answers `accepted` with a receipt, `refused` with a reason, or
`pending`; it raises PortalUnreachable where trying again may help, and nothing else.
"""

from __future__ import annotations

import http.client
import os
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, Protocol

from trace import clock
from trace.core.signing import loads_strict
from trace.errors import TraceError
from trace.services.named_servers import open_named
from trace.services.senders import signature

TIMEOUT: Final = 20
MAX_ANSWER: Final = 64 * 1024
# Of the client's errors, these ask for patience or tell of a race; others refuse.
PATIENCE: Final = frozenset({408, 409, 423, 425, 429})
STATES: Final = ("accepted", "refused", "pending")


class PortalUnreachable(TraceError):
    code = "portal-unreachable"
    status = 503
    message = "The portal could not be reached: %(reason)s"


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of a document."""

    state: Literal["accepted", "refused", "pending"]
    receipt: str = ""
    reason: str = ""


class Adapter(Protocol):
    """One way to the portal."""

    def send(self, key: str, document: bytes) -> Answer:
        """Hands in a document; doing it again under the same key does it once."""
        ...

    def ask(self, key: str) -> Answer:
        """What became of what was sent."""
        ...


def read_answer(data: bytes, *, empty: Answer | None = None) -> Answer:
    """An answer as JSON. Raises PortalUnreachable for what is none: somebody else answered."""
    if not data.strip() and empty is not None:
        return empty
    try:
        told = loads_strict(data, max_bytes=MAX_ANSWER, max_depth=4)
    except TraceError as error:
        raise PortalUnreachable(reason="bad-answer") from error
    state = told.get("state") if isinstance(told, dict) else None
    if state not in STATES:
        raise PortalUnreachable(reason="bad-answer")
    texts = [told.get(name, "") for name in ("receipt", "reason")]
    receipt, reason = [_plain(one) for one in texts]
    if state == "accepted" and not receipt:
        raise PortalUnreachable(reason="no-receipt")
    return Answer(state, receipt[:200], reason[:300])


def _plain(value: object) -> str:
    """Text that a page and a database take, whatever was sent."""
    text = value if isinstance(value, str) else ""
    return "".join(char for char in text if char.isprintable()).encode("utf-8", "replace").decode()


@dataclass(frozen=True, slots=True)
class FileDrop:
    """A folder that somebody empties: `outbox/` for what goes, `receipts/` for what comes back."""

    folder: Path

    def send(self, key: str, document: bytes) -> Answer:
        target = self.folder / "outbox" / f"{key}.json"
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            part = target.with_suffix(".part")
            with part.open("wb") as file:
                file.write(document)
                file.flush()
                os.fsync(file.fileno())
            part.replace(target)
        except OSError as error:
            raise PortalUnreachable(reason=type(error).__name__) from None
        return Answer("pending")

    def ask(self, key: str) -> Answer:
        path = self.folder / "receipts" / f"{key}.json"
        try:
            with path.open("rb") as file:
                data = file.read(MAX_ANSWER + 1)
        except FileNotFoundError:
            return Answer("pending")
        except OSError as error:
            raise PortalUnreachable(reason=type(error).__name__) from None
        return read_answer(data)


@dataclass(frozen=True, slots=True)
class Http:
    """An address that takes documents; signed, so that the portal knows who sends."""

    address: str
    secret: str

    def send(self, key: str, document: bytes) -> Answer:
        return self._call("POST", self.address, key, document)

    def ask(self, key: str) -> Answer:
        return self._call("GET", f"{self.address}/{key}", key, b"")

    def _call(self, method: str, address: str, key: str, body: bytes) -> Answer:
        timestamp = str(int(clock.now().timestamp()))
        request = urllib.request.Request(  # noqa: S310 (http or https: the settings were checked)
            address,
            data=body if method == "POST" else None,
            method=method,
            headers={
                "Content-Type": "application/json",
                "Accept": "application/json",
                "Idempotency-Key": key,
                "Trace-Timestamp": timestamp,
                "Trace-Signature": signature(self.secret, timestamp, body or key.encode()),
            },
        )
        try:
            with open_named(request, timeout=TIMEOUT) as answer:
                return read_answer(answer.read(MAX_ANSWER + 1), empty=Answer("pending"))
        except urllib.error.HTTPError as error:
            return self._refused(method, error)
        except (OSError, ValueError, http.client.HTTPException) as error:
            raise PortalUnreachable(reason=type(error).__name__) from None

    @staticmethod
    def _refused(method: str, error: urllib.error.HTTPError) -> Answer:
        try:
            with error:
                data = error.read(MAX_ANSWER + 1)
        except (OSError, http.client.HTTPException) as broken:
            raise PortalUnreachable(reason=type(broken).__name__) from None
        lasting = 400 <= error.code < 500 and error.code not in PATIENCE
        if method == "GET" and error.code == 404:
            return Answer("pending")  # not known there yet
        if not lasting:
            raise PortalUnreachable(reason=f"http-{error.code}")
        try:
            told = read_answer(data)
        except PortalUnreachable:
            return Answer("refused", reason=f"http-{error.code}")
        return Answer("refused", reason=told.reason or f"http-{error.code}")


def adapter_of(where: str, secret: str) -> Adapter | None:
    """The adapter of the settings; None where nothing is set."""
    if not where:
        return None
    return FileDrop(Path(where)) if where.startswith("/") else Http(where, secret)

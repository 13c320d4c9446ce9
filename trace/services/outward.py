"""Requests to addresses that somebody else chose: a browser's push service, a subscriber's webhook,
a link that an organisation added. They leave from inside our network, so who names the address must
not be able to choose what is spoken to.

Rules.
1. Only https, at a public name, on its own port, without a user, a password or a fragment.
2. A name is looked up once for a request; every address it has must be public; the connection goes
   to the address that was checked, so a name cannot change its mind in between (DNS rebinding). The
   certificate must be the name's.
3. No redirects, no proxies, no cookies. A time-out for each step and one for the whole, counted
   from the first: an answer that comes byte by byte is cut off. Little of the body is read, and not
   kept.
4. What went wrong is told in one word (`Unreachable.reason`), never as an address of a network.
"""

from __future__ import annotations

import http.client
import ipaddress
import re
import socket
import ssl
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Final
from urllib.parse import SplitResult, urlsplit

ADDRESS_LIMIT: Final = 2000
READ: Final = 1000  # bytes of an answer's body
_NAME: Final = re.compile(r"(?=.{4,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}")
# Names that never lead to a public host (RFC 6761, RFC 8375, RFC 9476).
_INNER: Final = (".local", ".localhost", ".internal", ".lan", ".home.arpa", ".test", ".invalid")
# What networks of the public internet number hosts by (RFC 4291), but 6to4: like the prefixes of
# translators (RFC 6052), its addresses lead to IPv4 ones, inner ones among them.
_UNICAST6: Final = ipaddress.IPv6Network("2000::/3")
_SIX_TO_FOUR: Final = ipaddress.IPv6Network("2002::/16")


class BadAddress(Exception):
    """An address that nothing is sent to; `reason` is endpoint, https or host. Callers say it in
    the words of their own subject."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


class Unreachable(Exception):
    """No answer; `reason` in one word, `lasting` when asking again is of no use."""

    def __init__(self, reason: str, *, lasting: bool = False) -> None:
        self.reason, self.lasting = reason, lasting
        super().__init__(reason)


@dataclass(frozen=True, slots=True)
class Answer:
    """What is kept of an answer."""

    status: int
    location: str


def check_address(text: str) -> SplitResult:
    """An address that may be spoken to, in parts (rule 1). Raises BadAddress."""
    if not 0 < len(text) <= ADDRESS_LIMIT or not text.isascii() or " " in text:
        raise BadAddress("endpoint")
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise BadAddress("endpoint") from None
    host = (parts.hostname or "").lower()
    if parts.scheme != "https" or "@" in parts.netloc or port not in (None, 443) or parts.fragment:
        raise BadAddress("https")
    if not _NAME.fullmatch(host) or host.endswith(_INNER):
        raise BadAddress("host")
    return parts


def resolve(host: str) -> list[tuple[str, int]]:
    """The (address, port)s of a host's https service."""
    found = socket.getaddrinfo(host, 443, type=socket.SOCK_STREAM)
    return list(dict.fromkeys((str(where[0]), int(where[1])) for *_, where in found))


def check_public(addresses: list[tuple[str, int]]) -> tuple[str, int]:
    """The first of them (rule 2). Raises Unreachable where there is none, or where one is not
    public: then the name is nobody's service, whatever its other addresses are."""
    if not addresses:
        raise Unreachable("no-address")
    for text, _ in addresses:
        if not _is_public(ipaddress.ip_address(text.partition("%")[0])):
            raise Unreachable("private-address", lasting=True)
    return addresses[0]


def _is_public(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return _is_public(address.ipv4_mapped)
        if address not in _UNICAST6 or address in _SIX_TO_FOUR:
            return False
    return address.is_global and not address.is_multicast


def look_up(parts: SplitResult) -> tuple[str, int]:
    """Where to speak to a host (rule 2). Raises Unreachable."""
    try:
        return check_public(resolve((parts.hostname or "").lower()))
    except OSError as error:
        raise Unreachable(_word(error)) from None


def tls() -> ssl.SSLContext:
    """The authorities that the machine trusts."""
    return ssl.create_default_context()


class _Pinned(http.client.HTTPSConnection):
    """Speaks with the address that was checked, and wants the certificate of the name."""

    def __init__(
        self, host: str, where: tuple[str, int], context: ssl.SSLContext, step: float
    ) -> None:
        super().__init__(host, 443, timeout=step, context=context)
        self._where, self._tls = where, context
        self.late = False

    def connect(self) -> None:
        plain = socket.create_connection(self._where, self.timeout)
        try:
            self.sock = self._tls.wrap_socket(plain, server_hostname=self.host)
        except BaseException:
            plain.close()
            raise

    def cut(self) -> None:
        """Ends the exchange wherever it stands; whoever waits in it goes on at once."""
        self.late = True
        if self.sock is not None:
            with suppress(OSError):
                self.sock.shutdown(socket.SHUT_RDWR)


def ask(
    method: str,
    parts: SplitResult,
    where: tuple[str, int],
    *,
    headers: Mapping[str, str],
    body: bytes | None = None,
    step: float,
    until: float,
) -> Answer:
    """One request to an address that was checked (`check_address`, `look_up`); `step` is seconds,
    `until` a moment of `time.monotonic`. Raises Unreachable."""
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    connection = _Pinned((parts.hostname or "").lower(), where, tls(), step)
    watch = threading.Timer(max(0.0, until - time.monotonic()), connection.cut)
    watch.daemon = True
    try:
        watch.start()
        connection.connect()
        connection.request(method, target, body, dict(headers))
        answer = connection.getresponse()
        answer.read(READ)
        told = Answer(answer.status, answer.getheader("Location", ""))
    except (OSError, http.client.HTTPException, ValueError) as error:
        # Headers that were cut off look like many things.
        if connection.late:
            raise Unreachable("too-slow", lasting=True) from None
        raise Unreachable(_word(error)) from None
    finally:
        watch.cancel()
        connection.close()
    if connection.late:
        raise Unreachable("too-slow", lasting=True)
    return told


def _word(error: Exception) -> str:
    kinds: tuple[tuple[type[Exception], str], ...] = (
        (ssl.SSLError, "certificate"),
        (TimeoutError, "too-slow"),
        (socket.gaierror, "no-address"),
        (OSError, "not-reached"),
        (http.client.HTTPException, "no-http"),
    )
    return next((word for kind, word in kinds if isinstance(error, kind)), "no-http")

"""Whether an address that somebody typed leads anywhere: asked from inside our network, so the
address is an attacker's to choose.

Rules.
1. Only https, at a public name, on its own port, without a user; checked when it is typed and again
   for every hop of a redirect. A hop to anything else ends the asking: `refused`.
2. A name is looked up once for each hop; every address it has must be public; the connection goes
   to the address that was checked, so a name cannot change its mind in between (DNS rebinding). The
   certificate must be the name's.
3. HEAD first, GET where a server does not answer HEAD; of a body nothing is read. No cookies, no
   credentials, no proxies; at most HOPS redirects; STEP seconds for a step, and DEADLINE in all.
4. What is kept of the answer is one word: a status, or what went wrong. Never a byte of the body
   and never an address of a network: the checker tells nobody what it can see.
"""

from __future__ import annotations

import http.client
import socket
import ssl
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Final
from urllib.parse import SplitResult, urljoin

from trace.errors import TraceError
from trace.services import web_push
from trace.services.senders import NotSent

HOPS: Final = 4
STEP: Final = 6  # seconds
DEADLINE: Final = 20.0
AT_ONCE: Final = 8
LIMIT: Final = 1000  # characters of an address
HEADERS: Final = {"User-Agent": "Trace link checker", "Accept": "*/*", "Connection": "close"}
# Servers that do not know HEAD, or answer it otherwise than GET (RFC 9110, section 9.3.2).
TRY_GET: Final = frozenset({400, 403, 404, 405, 406, 500, 501, 503})
REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})


class BadLinkAddress(TraceError):
    code = "bad-link-address"
    message = "A link must be an https address of a public site (%(reason)s)."
    next_step = "Copy the address from the browser's address bar."


class _Refused(Exception):
    """The asking ends here; the argument is the reason that is told."""


def check_address(href: str, *, path: str = "href") -> SplitResult:
    """The parts of an address a link may have (rule 1); a fragment may stand at its end. Raises
    BadLinkAddress."""
    if not 0 < len(href) <= LIMIT:
        raise BadLinkAddress(path=path, reason="length")
    if not all("!" <= one <= "~" for one in href) or not set('<>"\\^`{|}').isdisjoint(href):
        raise BadLinkAddress(path=path, reason="characters")
    try:
        return web_push.check_endpoint(href.partition("#")[0])
    except web_push.BadSubscription as error:
        raise BadLinkAddress(path=path, reason=error.params["reason"]) from None


class _Pinned(http.client.HTTPSConnection):
    """Speaks with the address that was checked, and wants the certificate of the name."""

    def __init__(self, host: str, where: tuple[str, int], context: ssl.SSLContext) -> None:
        super().__init__(host, 443, timeout=STEP, context=context)
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


def reach(href: str) -> tuple[str, str]:
    """(state, reason) of an address: `reached`, `failing` or `refused`, and why in one word."""
    try:
        status = _follow(href, time.monotonic() + DEADLINE)
    except BadLinkAddress as error:
        # What was typed is checked already: it is a redirect that leads here.
        return "refused", f"redirect-{error.params['reason']}"
    except NotSent as error:
        reason = str(error.params["reason"])
        return ("refused" if reason == "private-address" else "failing"), reason
    except (OSError, ValueError, http.client.HTTPException) as error:
        return "failing", _word(error)
    if 200 <= status < 300:
        return "reached", ""
    return "failing", f"http-{status}" if status else "too-many-redirects"


def _word(error: Exception) -> str:
    kinds: tuple[tuple[type[Exception], str], ...] = (
        (ssl.SSLError, "certificate"),
        (TimeoutError, "too-slow"),
        (socket.gaierror, "no-address"),
        (OSError, "not-reached"),
        (http.client.HTTPException, "no-http"),
    )
    return next((word for kind, word in kinds if isinstance(error, kind)), "bad-redirect")


def reach_each(addresses: list[str]) -> list[tuple[str, str]]:
    """Asks several at the same time, each its own server."""
    with ThreadPoolExecutor(AT_ONCE) as threads:
        return list(threads.map(reach, addresses))


def _follow(href: str, until: float) -> int:
    """The status of the last hop; 0 where there would be another."""
    target = href
    for _ in range(HOPS):
        parts = check_address(target)
        host = (parts.hostname or "").lower()
        where = web_push.check_public(web_push.resolve(host))
        wanted = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        status, location = _exchange("HEAD", host, where, wanted, until)
        if status in TRY_GET:
            status, location = _exchange("GET", host, where, wanted, until)
        if status not in REDIRECTS or not location:
            return status
        target = urljoin(target, location)[: LIMIT + 1]
    return 0


def _exchange(
    method: str, host: str, where: tuple[str, int], target: str, until: float
) -> tuple[int, str]:
    """(status, Location); raises TimeoutError when the time of the whole asking is over."""
    connection = _Pinned(host, where, web_push.tls())
    watch = threading.Timer(max(0.0, until - time.monotonic()), connection.cut)
    watch.daemon = True
    try:
        watch.start()
        connection.connect()
        connection.request(method, target, headers=HEADERS)
        answer = connection.getresponse()
        told = answer.status, answer.getheader("Location", "")
    except (OSError, http.client.HTTPException):
        if connection.late:
            raise TimeoutError from None
        raise
    finally:
        watch.cancel()
        connection.close()
    if connection.late:  # headers that were cut off look like headers that ended
        raise TimeoutError
    return told

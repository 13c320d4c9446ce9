"""Whether an address that somebody typed leads anywhere: asked from inside our network, so the
address is an attacker's to choose.

Rules.
1. Asked as `services.outward` asks anybody, and checked again for every hop of a redirect. A hop to
   anything that may not be asked ends it: `refused`.
2. HEAD first, GET where a server does not answer HEAD. At most HOPS redirects; STEP seconds for a
   step, and DEADLINE in all.
3. What is kept of the answer is one word: a status, or what went wrong. Never a byte of the body
   and never an address of a network: the checker tells nobody what it can see.
"""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Final
from urllib.parse import SplitResult, urljoin

from trace.errors import TraceError
from trace.services import outward

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


def check_address(href: str, *, path: str = "href") -> SplitResult:
    """The parts of an address a link may have (rule 1); a fragment may stand at its end. Raises
    BadLinkAddress."""
    if not 0 < len(href) <= LIMIT:
        raise BadLinkAddress(path=path, reason="length")
    if not all("!" <= one <= "~" for one in href) or not set('<>"\\^`{|}').isdisjoint(href):
        raise BadLinkAddress(path=path, reason="characters")
    try:
        return outward.check_address(href.partition("#")[0])
    except outward.BadAddress as error:
        raise BadLinkAddress(path=path, reason=error.reason) from None


def reach(href: str) -> tuple[str, str]:
    """(state, reason) of an address: `reached`, `failing` or `refused`, and why in one word."""
    try:
        status = _follow(href, time.monotonic() + DEADLINE)
    except BadLinkAddress as error:
        # What was typed is checked already: it is a redirect that leads here.
        return "refused", f"redirect-{error.params['reason']}"
    except outward.Unreachable as error:
        return ("refused" if error.reason == "private-address" else "failing"), error.reason
    if 200 <= status < 300:
        return "reached", ""
    return "failing", f"http-{status}" if status else "too-many-redirects"


def reach_each(addresses: list[str]) -> list[tuple[str, str]]:
    """Asks several at the same time, each its own server."""
    with ThreadPoolExecutor(AT_ONCE) as threads:
        return list(threads.map(reach, addresses))


def _follow(href: str, until: float) -> int:
    """The status of the last hop; 0 where there would be another."""
    target = href
    for _ in range(HOPS):
        parts = check_address(target)
        where = outward.look_up(parts)
        answer = _ask("HEAD", parts, where, until)
        if answer.status in TRY_GET:
            answer = _ask("GET", parts, where, until)
        if answer.status not in REDIRECTS or not answer.location:
            return answer.status
        try:
            target = urljoin(target, answer.location)[: LIMIT + 1]
        except ValueError:
            raise outward.Unreachable("bad-redirect") from None
    return 0


def _ask(method: str, parts: SplitResult, where: tuple[str, int], until: float) -> outward.Answer:
    return outward.ask(method, parts, where, headers=HEADERS, step=STEP, until=until)

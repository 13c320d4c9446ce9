"""Who asks for code after code that nobody ever registered has to wait.

Codes cannot be guessed (45 random bits for a lot, 80 for a package), and this makes trying slower
still: a network that has asked for a hundred unknown codes within ten minutes is answered nothing
of codes until they are over, neither of unknown ones nor of known ones; otherwise the answers
would tell which is which. People who share the network wait with it: a hundred is far more than
they mistype. Each process counts for itself; where machines share a Redis, a process learns at each
unknown code how many all of them have seen, and known codes ask nobody.
"""

from __future__ import annotations

from typing import Final

from flask import Flask, current_app, request

from trace.errors import TraceError
from trace.extensions import limiter
from trace.networks import network_of
from trace.services.counters import counter_key
from trace.services.shared import shared
from trace.services.typed_codes import path_of_typed
from trace.web.tallies import Tally

UNKNOWN_CODES: Final = 100
WINDOW: Final = 600


class TooManyCodes(TraceError):
    code = "too-many-codes"
    status = 429
    message = "This network asked for too many codes that do not exist. Wait %(minutes)d minutes."


def _tally() -> Tally:
    found: Tally | None = current_app.extensions.get("trace.guessing")
    return found or current_app.extensions.setdefault(
        "trace.guessing", Tally(UNKNOWN_CODES, WINDOW)
    )


def seconds_to_wait() -> int:
    """0 for whoever may ask for a code now."""
    return _tally().wait(network_of(request.remote_addr or "")) if limiter.enabled else 0


def is_waiting(app: Flask, address: str) -> bool:
    """The same of an address, outside a request."""
    found: Tally | None = app.extensions.get("trace.guessing")
    return found is not None and limiter.enabled and found.wait(network_of(address)) > 0


def count_unknown() -> None:
    """Somebody asked for a code that nobody registered."""
    if limiter.enabled:
        network = network_of(request.remote_addr or "")
        _tally().count(network)
        others = shared()
        if others is None:
            return
        total = others.count("unknown:" + counter_key("unknown", network).hex(), WINDOW)
        if total is not None and total >= UNKNOWN_CODES:
            _tally().fill(network)


def check_waiting(path: str = "") -> None:
    """Raises TooManyCodes for a network that has to wait."""
    if waiting := seconds_to_wait():
        raise TooManyCodes(path=path, minutes=minutes(waiting))


def path_of_guess(text: str) -> str:
    """The path of what somebody typed or photographed; what it tells of codes nobody registered is
    counted as elsewhere. Raises TooManyCodes and what `path_of_typed` raises."""
    check_waiting("code")
    return path_of_typed(text, count_unknown)


def minutes(seconds: int) -> int:
    """For people: whole minutes, at least one."""
    return max(1, -(-seconds // 60))

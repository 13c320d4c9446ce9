"""Pages behind a secret address: the link printed on a delivery note, on a phone list, in a letter.
Whoever has the paper answers without an account.

1. Opening the page does nothing (phones and messengers look at links before people do); the answer
   does. It sets no cookie and needs none, so the sending page is known by its Origin alone.
2. The address is a secret: it is kept nowhere and told to nobody. Typed off a paper it may hold
   dashes, spaces and capitals.
3. Who guesses secrets of 80 bits is slowed down all the same; and who answers is slowed by network.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeVar

from flask import Blueprint, Response, request
from limits import parse

from trace.errors import NotFound
from trace.extensions import csrf
from trace.web import throttle
from trace.web.resume import ForeignForm, from_our_page

# A market's phones share one address behind their operator.
ANSWERS: Final = parse("60/1 hour")
MISSES: Final = parse("30/15 minutes")
GROUP: Final = 4
T = TypeVar("T")


def secret_blueprint(name: str, import_name: str, prefix: str) -> Blueprint:
    """A blueprint of such pages."""
    blueprint = Blueprint(name, import_name, url_prefix=prefix)
    csrf.exempt(blueprint)
    blueprint.after_request(quiet)
    return blueprint


def quiet(response: Response) -> Response:
    """Rule 2."""
    response.headers["Cache-Control"] = "no-store"
    # Not "no-referrer": the browser would hide from us, too, that our own page sent the form.
    response.headers["Referrer-Policy"] = "same-origin"
    response.headers["X-Robots-Tag"] = "noindex"
    return response


def opened(kind: str, secret: str, find: Callable[[str], T]) -> T:
    """What the secret opens. Raises ForeignForm, TooManyTries, and NotFound, which counts."""
    if request.method == "POST" and request.headers.get("Origin") and not from_our_page():
        raise ForeignForm
    throttle.check(MISSES, f"{kind}-link", throttle.address())
    typed = secret.replace("-", "").replace(" ", "")
    try:
        if not typed.isascii() or not typed.isalnum():
            raise NotFound
        return find(typed.lower())
    except NotFound:
        throttle.count(MISSES, f"{kind}-link", throttle.address())
        raise


def check_answers(kind: str) -> None:
    """Raises TooManyTries for a network that has answered too often."""
    throttle.check(ANSWERS, f"{kind}-answer", throttle.address())


def count_answer(kind: str) -> None:
    """One more, once it is committed."""
    throttle.count(ANSWERS, f"{kind}-answer", throttle.address())


def grouped(secret: str) -> str:
    """As it is printed beside its code, to be typed: `abcd-efgh-ijkl-mnop`."""
    return "-".join(secret[place : place + GROUP] for place in range(0, len(secret), GROUP))

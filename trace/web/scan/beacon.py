"""A page was shown: the one thing a scan page's script tells, and who is not believed.

`POST` to the page's own address, sent by `navigator.sendBeacon` once the page is visible; the body
is `1` when the browser had the page already, else empty. The answer is 204 whatever became of it.
Rules:

1. Without JavaScript nothing is sent and nothing is made up.
2. Not counted: programs that say what they are (previews, crawlers, tests), pages fetched or
   rendered ahead, requests that are not a browser's own for this page. Where a browser says what a
   request is for (Fetch Metadata), it must be this; old ones of Apple do not say, and plain http
   has no such headers: there the page's own `Origin` must do.
3. The network address lives in this function: its place is looked up, the visitor is hashed with
   the thing under the day's key, and neither address nor browser goes any further.
4. Of one address no more than one a second is counted: a flood of made-up scans moves no number
   far. Not of a larger network: a carrier's customers share few of those.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any, Final

from flask import Flask, Response, current_app, request

from trace import clock
from trace.errors import TraceError
from trace.models.types import to_millis
from trace.networks import sender_of
from trace.services.outages import OUTAGES
from trace.services.scan_places import Places, places_from
from trace.services.scans import Seen, day_of, mark_of
from trace.web.addresses import comes_from, raw_target
from trace.web.hot import ENCRYPTED_ONLY, Ready
from trace.web.scan import rows
from trace.web.scan.buffer import PER_MINUTE, Buffer
from trace.web.scan.views import HISTORIES, bp
from trace.web.tallies import Tally

AHEADS: Final = ("HTTP_SEC_PURPOSE", "HTTP_PURPOSE", "HTTP_X_MOZ", "HTTP_X_PURPOSE")
AHEAD: Final = re.compile(r"prefetch|prerender|preview", re.IGNORECASE)
PROGRAMS: Final = re.compile(
    r"(?<!cu)bot\b|crawl|spider|slurp|preview|facebookexternalhit|facebookcatalog|whatsapp|"
    r"skypeuri|embedly|lighthouse|headless|phantom|selenium|playwright|pingdom|monitor|"
    r"curl|wget|python|java/|okhttp|go-http|libwww|axios|node-fetch|scrapy|httpclient",
    re.IGNORECASE,
)
# They always say what a request is for; who names itself so and does not is something else.
SAYING: Final = re.compile(r"Chrome/|Firefox/|Edg/")


class Counting:
    """What one application counts scans with."""

    def __init__(self, buffer: Buffer, places: Places) -> None:
        self.buffer = buffer
        self.places = places
        self.tally = Tally(PER_MINUTE, 60)


@bp.record_once
def _prepare(state: Any) -> None:
    """Reads the table of places when the application is made: a bad one stops the start."""
    settings = state.app.extensions["trace.settings"]
    state.app.extensions["trace.places"] = places_from(settings.scan_places)


def counting(app: Flask) -> Counting:
    """What an application counts with; made when the first scan comes."""
    found: Counting | None = app.extensions.get("trace.scans")
    if found is None:
        made = Counting(Buffer(app, per_minute=PER_MINUTE), app.extensions["trace.places"])
        found = app.extensions.setdefault("trace.scans", made)
    return found


@bp.post("/t/<path:rest>")
def seen(rest: str) -> Response:
    """204: a page was shown. Counted in a second, if it is."""
    app = current_app._get_current_object()  # type: ignore[attr-defined]  # a proxy's own way
    path, _ = raw_target(request)
    take(app, request.environ, path)
    return Ready(b"", nothing(app), 204)


def nothing(app: Flask) -> list[tuple[str, str]]:
    """The headers of the answer; made once."""
    found: list[tuple[str, str]] | None = app.extensions.get("trace.scans.nothing")
    if found is None:
        found = [("Cache-Control", "no-store"), ("X-Content-Type-Options", "nosniff")]
        if app.config["SESSION_COOKIE_SECURE"]:
            found.append(ENCRYPTED_ONLY)
        app.extensions["trace.scans.nothing"] = found
    return found


def take(app: Flask, environ: dict[str, Any], path: str) -> None:
    """Counts a request to a page's raw `path`, if it is a scan; its environment needs no request
    object."""
    if not is_scan(environ, secure=app.config["SESSION_COOKIE_SECURE"]):
        return
    try:
        asked = rows.ask(path[2:].rstrip("/"), app.extensions["trace.settings"].id_base)
    except TraceError:
        return
    identity = asked.identity
    if identity.kind not in HISTORIES:
        return
    counts = counting(app)
    address = environ.get("REMOTE_ADDR") or ""
    sender = sender_of(address)
    if counts.tally.wait(sender):
        return
    counts.tally.count(sender)
    at = to_millis(clock.now())
    try:
        key = counts.buffer.key(day_of(at))
    except OUTAGES:
        return  # once a day the key is fetched; whoever comes while that fails is not counted
    serial = identity.get("21") or identity.get("serial") or ""
    unit = (f"{identity.key}/{identity.value}", serial) if identity.kind == "unit" else None
    agent, language = environ.get("HTTP_USER_AGENT"), environ.get("HTTP_ACCEPT_LANGUAGE")
    visitor = f"{sender}\n{agent}\n{language}"
    thing = "/".join(unit) if unit else asked.texts[0]
    counts.buffer.add(
        Seen(
            texts=asked.texts,
            unit=unit,
            at=at,
            mark=mark_of(key, visitor, thing),
            place=counts.places.place_of(address),
            again=environ.get("CONTENT_LENGTH") == "1",
            sender=mark_of(key, sender, "")[:8],
        )
    )


def is_scan(environ: dict[str, Any], *, secure: bool) -> bool:
    """Whether a request is a browser's word that somebody looks at this page (rule 2)."""
    agent = environ.get("HTTP_USER_AGENT", "")
    if is_program(agent) or any(AHEAD.search(environ.get(name, "")) for name in AHEADS):
        return False
    site = environ.get("HTTP_SEC_FETCH_SITE")
    if site is not None:
        told = (site, environ.get("HTTP_SEC_FETCH_DEST"), environ.get("HTTP_SEC_FETCH_MODE"))
        return told in (("same-origin", "empty", "no-cors"), ("same-origin", "empty", "cors"))
    if secure and SAYING.search(agent):
        return False
    origin = environ.get("HTTP_ORIGIN", "")
    return comes_from(origin, environ.get("HTTP_HOST", ""))


@lru_cache(maxsize=2048)
def is_program(agent: str) -> bool:
    """Whether a request's User-Agent names a program that fetches pages, or nothing."""
    return not agent or PROGRAMS.search(agent) is not None

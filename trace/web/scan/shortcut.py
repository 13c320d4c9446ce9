"""The short way to a page that is in memory: past the framework, for the requests made most often.

A scan is three of them. The printed address reads one row and sends on to its page where something
is known. The page's own reads the same row (two for a package), finds the page in memory under what
the row says, and sends it, or 304 to whoever has it. The page tells that it was shown: 204. Neither
a request object nor an application context is needed for that; making them would cost more than the
page. Anything else (first view of a version, arguments of a page, wishes for links, a cookie at a
printed address, an address that is refused, a network that has to wait, a database that does not
answer) is left to the views, which decide by the same functions.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from typing import Any, Final, TypeVar

from flask import Flask
from sqlalchemy.exc import SQLAlchemyError

from trace import clock
from trace.core.gs1.errors import Gs1Error
from trace.errors import TraceError
from trace.models.types import to_millis
from trace.web.addresses import best_language
from trace.web.guessing import is_waiting
from trace.web.hot import STATUS, Answer, guards
from trace.web.printed import ASKED_ANEW, FOR_EVERYONE, check_query, way_to
from trace.web.scan import rows, sources
from trace.web.scan.beacon import nothing, take
from trace.web.scan.bodies import encoding_of
from trace.web.scan.views import READ, Wanted, bp, memory, told

T = TypeVar("T")
METHODS: Final = frozenset({"GET", "HEAD"})
# The first parts of printed addresses that may have a history.
PRINTED: Final = frozenset({"00", "01", "b", "c", "h"})
# What a query may hold that only the long way reads: a wish, under a name in any case or escaped;
# and what it would not send on as it came.
WISHES: Final = re.compile(r"(?i)linktype|%(?=[^=&]*=)|[^!-~]|.{1000}")


@bp.record_once
def _open(state: Any) -> None:
    state.app.shortcut = partial(answered, state.app)


def answered(app: Flask, environ: dict[str, Any]) -> Answer | None:
    """(status line, headers, body) of a page that is in memory or of the way to one; None for the
    long way."""
    path: str = environ.get("RAW_URI") or environ.get("REQUEST_URI") or ""
    first = path[1:4].partition("/")[0]
    if first == "t":
        if environ["REQUEST_METHOD"] == "POST":
            return _seen(app, environ, path) if _is_plain(app, environ, path) else None
        return _page(app, environ, path) if _reads(app, environ, path) else None
    if first in PRINTED:
        path, _, query = path.partition("?")
        if not WISHES.search(query) and _reads(app, environ, path, query):
            return _sent_on(app, environ, path, query)
    return None


def _reads(app: Flask, environ: dict[str, Any], path: str, query: str = "") -> bool:
    return environ["REQUEST_METHOD"] in METHODS and _is_plain(app, environ, path, query)


def _is_plain(app: Flask, environ: dict[str, Any], path: str, query: str = "") -> bool:
    """Whether nothing is asked beside the address and this query, and by nobody who has to wait.
    The framework redirects some forms of an address: two slashes in a row."""
    return (
        environ.get("QUERY_STRING", "") == query
        and "//" not in path
        and "//" not in environ["PATH_INFO"]
        and not is_waiting(app, environ.get("REMOTE_ADDR", ""))
    )


def _asked(app: Flask, path: str, ask: Callable[[Flask, rows.Asked, int], T]) -> T | None:
    """What one of the questions of `sources` answers about a printed path; None where it
    cannot."""
    try:
        asked = rows.ask(path, app.extensions["trace.settings"].id_base)
        return ask(app, asked, to_millis(clock.now()))
    except (TraceError, SQLAlchemyError, sources.engine_of(app).dialect.loaded_dbapi.Error):
        return None


def _sent_on(app: Flask, environ: dict[str, Any], path: str, query: str) -> Answer | None:
    """307 to the page, which says what became of a stamp; inspectors, who have a cookie, may be
    sent elsewhere."""
    asks_for_links = "linkset" in environ.get("HTTP_ACCEPT", "").lower()
    if path[-1] == "/" or asks_for_links or "HTTP_COOKIE" in environ:
        return None
    if not _asked(app, path, sources.is_known):
        return None
    target = f"/t{path}"
    if query:
        try:
            check_query(path, query)
        except Gs1Error:
            return None
        target = f"{target}?{query}"
    way = way_to(target, path, app.extensions["trace.settings"].public_url)
    return STATUS[307], [*way, *_around(app)], ()


def _page(app: Flask, environ: dict[str, Any], path: str) -> Answer | None:
    read = _asked(app, path[2:].rstrip("/"), sources.read)
    if read is None:
        return None
    environ[READ] = read
    found = told(read)
    if found is None or not found.fresh:
        return None
    language = best_language(environ.get("HTTP_ACCEPT_LANGUAGE", ""))
    body = Wanted(read, found, language).remembered(memory(app))
    if body is None:
        return None
    given = environ.get("HTTP_IF_NONE_MATCH")
    if given and body.is_known_by(given):
        return STATUS[304], body.unchanged(), ()
    data, headers = body.sent(encoding_of(environ.get("HTTP_ACCEPT_ENCODING", "")))
    return STATUS[200], headers, () if environ["REQUEST_METHOD"] == "HEAD" else (data,)


def _seen(app: Flask, environ: dict[str, Any], path: str) -> Answer:
    """204 to a page's word that it was shown."""
    take(app, environ, path)
    return STATUS[204], nothing(app), ()


def _around(app: Flask) -> list[tuple[str, str]]:
    """What every redirect carries; made once."""
    found: list[tuple[str, str]] | None = app.extensions.get("trace.scan.around")
    if found is None:
        nothing = (("Content-Type", "text/html; charset=utf-8"), ("Content-Length", "0"))
        found = app.extensions["trace.scan.around"] = [
            *(*nothing, *FOR_EVERYONE, ASKED_ANEW, *guards(app))
        ]
    return found

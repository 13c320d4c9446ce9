"""The short way to a page that is in memory: past the framework, for the request made most often.

A plain `GET` of a printed address reads one row (two for a package), finds the page in memory under
what the row says, and sends it, or 304 to whoever has it. Neither a request object nor an
application context is needed for that; making them would cost more than the page. Anything else
(first view of a version, arguments, an address that is refused, a network that has to wait, a
database that does not answer) is left to `views.show`, which decides by the same functions and is
handed what was read.
"""

from __future__ import annotations

from functools import partial
from typing import Any, Final

from flask import Flask
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from trace import clock
from trace.core.gs1.errors import Gs1Error
from trace.extensions import db
from trace.models.types import to_millis
from trace.web.addresses import best_language
from trace.web.guessing import is_waiting
from trace.web.hot import STATUS, Answer
from trace.web.scan import rows
from trace.web.scan.bodies import encoding_of
from trace.web.scan.views import READ, Wanted, bp, memory, told

METHODS: Final = frozenset({"GET", "HEAD"})


@bp.record_once
def _open(state: Any) -> None:
    state.app.shortcut = partial(remembered, state.app)


def remembered(app: Flask, environ: dict[str, Any]) -> Answer | None:
    """(status line, headers, body) of a page that is in memory; None for the long way."""
    if environ["REQUEST_METHOD"] not in METHODS or environ.get("QUERY_STRING"):
        return None
    path: str = environ.get("RAW_URI") or environ.get("REQUEST_URI") or ""
    if path[:3] != "/t/" or "//" in path or "//" in environ["PATH_INFO"]:
        return None  # the absolute form, or one that the framework redirects
    if is_waiting(app, environ.get("REMOTE_ADDR", "")):
        return None
    engine = _engine(app)
    try:
        asked = rows.ask(path[2:].rstrip("/"), app.extensions["trace.settings"].id_base)
        read = rows.read(engine, asked, to_millis(clock.now()))
    except (Gs1Error, SQLAlchemyError, engine.dialect.loaded_dbapi.Error):
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


def _engine(app: Flask) -> Engine:
    """The application's engine; asked once, for that needs its context."""
    found: Engine | None = app.extensions.get("trace.scan.engine")
    if found is None:
        with app.app_context():
            found = app.extensions["trace.scan.engine"] = db.engine
    return found

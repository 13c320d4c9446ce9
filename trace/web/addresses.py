"""Printed addresses as they came over the wire, for whoever answers them.

A WSGI server decodes the path, and `%2F` with it; a lot may hold a slash. So the path is taken
from what the server kept of the request line: gunicorn's RAW_URI, werkzeug's REQUEST_URI.
"""

from __future__ import annotations

from functools import lru_cache
from urllib.parse import SplitResult, quote, urlsplit

from flask import Request
from werkzeug.datastructures import LanguageAccept
from werkzeug.http import parse_accept_header

from trace.services.languages import SOURCE, languages


def raw_target(request: Request) -> tuple[str, str]:
    """(path, query) of the request line, still percent-encoded; the query without its `?`."""
    environ = request.environ
    target: str = environ.get("RAW_URI") or environ.get("REQUEST_URI") or ""
    if not target.startswith("/"):
        # The absolute form of RFC 9112, section 3.2.2, or a server that keeps nothing.
        _, scheme, rest = target.partition("://")
        target = "/" + rest.partition("/")[2] if scheme else quote(request.path)
    return target.partition("?")[0], environ.get("QUERY_STRING", "")


def parts_of(text: str) -> SplitResult | None:
    """An address or header of a stranger's in its parts; None for what is no address at all
    ("http://["), where the library raises."""
    try:
        return urlsplit(text)
    except ValueError:
        return None


def comes_from(origin: str, host: str) -> bool:
    """Whether an Origin header names this host."""
    parts = parts_of(origin)
    return parts is not None and parts.netloc == host


def language_of(request: Request) -> tuple[str, bool]:
    """(language, whether the address asks for it): `?lang=`, then the browser's, then Vietnamese.

    No cookie and no account: printed addresses answer everyone alike.
    """
    if request.query_string:
        asked = request.args.get("lang", "")
        if asked in languages():
            return asked, True
    return best_language(request.headers.get("Accept-Language", "")), False


@lru_cache(maxsize=1024)
def best_language(header: str) -> str:
    """What a page speaks to a browser of these languages."""
    accepted = parse_accept_header(header, LanguageAccept)
    return accepted.best_match(languages(), default=SOURCE) or SOURCE

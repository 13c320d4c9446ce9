"""The short way through the framework, for the page that is asked for most.

A scan page is the same for everyone, reads no cookie, takes no form and is not limited: what
extensions do before and after every request (sign-in, forgery protection, limits, headers) would
be more work than the page itself. `spare` lets the named endpoints pass by; they carry all their
headers themselves, in a `Ready` response.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from time import perf_counter
from typing import Any, cast

import structlog
from flask import Flask, Response, current_app, request
from flask.sessions import SecureCookieSessionInterface
from flask.typing import ResponseReturnValue
from werkzeug.datastructures import Headers

from trace.web.measuring import HEADER, TALLIES, note, request_id

HOT = frozenset({"scan.show", "scan.seen"})
# A year; sent where the public address is https: who was here once is not led astray by a network.
ENCRYPTED_ONLY = ("Strict-Transport-Security", "max-age=31536000; includeSubDomains")
# What every answer carries unless it says otherwise.
HEADERS = {
    # No inline script or style anywhere: consoles load their own files only. Pages that carry
    # their style inline (the scan page) set a policy by hashes themselves.
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
        "font-src 'self'; connect-src 'self'; manifest-src 'self'; worker-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "camera=(self), geolocation=(self), microphone=()",
    "Cross-Origin-Opener-Policy": "same-origin",
}
STATUS = {
    200: "200 OK",
    204: "204 NO CONTENT",
    304: "304 NOT MODIFIED",
    307: "307 TEMPORARY REDIRECT",
}


# Status line, headers (shared: they are only read), parts of the body.
Answer = tuple[str, list[tuple[str, str]], tuple[bytes, ...]]


class Application(Flask):
    """Flask without asynchronous views: asking every function whether it is one costs more than
    calling it. `shortcut` may answer a request before anything is made for it."""

    shortcut: Callable[[dict[str, Any]], Answer | None] | None = None

    def wsgi_app(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        if self.shortcut is not None:
            began = perf_counter()
            answer = self.shortcut(environ)
            if answer is not None:
                status, headers, body = answer
                TALLIES[status].note(began)
                start_response(status, [*headers])
                return body
        return super().wsgi_app(environ, start_response)

    def full_dispatch_request(self) -> Response:
        """Under a name of its own in the log, which goes back with the answer; counted."""
        began = perf_counter()
        name = request_id(request, behind_proxy=self.extensions["trace.settings"].proxies > 0)
        with structlog.contextvars.bound_contextvars(request=name):
            response = super().full_dispatch_request()
            if not isinstance(response, Ready):
                response.headers[HEADER] = name
            note(request, response, began)
        return response

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        return func


class Ready(Response):
    """A response that has all its headers, Content-Length among them: nothing is added or checked
    on its way out."""

    def __init__(self, body: bytes, headers: list[tuple[str, str]], status: int = 200) -> None:
        super().__init__((body,), status=STATUS[status])
        self.headers = Headers(headers)  # without the type that the framework would suppose

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        start_response(self.status, self.headers.to_wsgi_list())
        if environ["REQUEST_METHOD"] == "HEAD":
            return ()
        return cast("tuple[bytes]", self.response)


def guards(app: Flask) -> list[tuple[str, str]]:
    """The headers every answer of this application carries unless it says otherwise."""
    encrypted = [ENCRYPTED_ONLY] if app.config["SESSION_COOKIE_SECURE"] else []
    return [*HEADERS.items(), *encrypted]


def guarded(response: Response) -> Response:
    """Adds them."""
    for name, value in guards(current_app):
        response.headers.setdefault(name, value)
    return response


class Sessions(SecureCookieSessionInterface):
    """Flask's own sessions; the serializer, which never changes, is made once."""

    _made: Any = None

    def get_signing_serializer(self, app: Flask) -> Any:
        if self._made is None:
            self._made = super().get_signing_serializer(app)
        return self._made


def spare(app: Flask) -> None:
    """Called last, when every extension has put up its doors."""
    before = tuple(app.before_request_funcs.get(None, ()))
    after = tuple(reversed(app.after_request_funcs.get(None, ())))

    def enter() -> ResponseReturnValue | None:
        if request.endpoint in HOT:
            return None
        for hook in before:
            answer = cast("ResponseReturnValue | None", hook())
            if answer is not None:
                return answer
        return None

    def leave(response: Response) -> Response:
        if isinstance(response, Ready):
            return response
        for hook in after:
            response = hook(response)
        return response

    app.before_request_funcs[None] = [enter]
    app.after_request_funcs[None] = [leave]
    app.session_interface = Sessions()

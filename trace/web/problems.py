"""One handler for everything refused: a page for people, problem+json for machines (RFC 9457)."""

from __future__ import annotations

import orjson
import psycopg
import structlog
from flask import Flask, Response, current_app, g, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from sqlalchemy.exc import SQLAlchemyError
from werkzeug import Response as BaseResponse
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge

from trace.errors import NotFound, TooLarge, TraceError, problem_members
from trace.extensions import db
from trace.services.outages import RETRY_AFTER, DatabaseAway, is_outage

log = structlog.get_logger()

# What the framework itself refuses, in our words.
FRAMEWORK_CODES = {
    400: "bad-request",
    404: "not-found",
    405: "method-not-allowed",
    406: "not-acceptable",
    413: "too-large",
    414: "address-too-long",
    415: "unsupported-media-type",
    429: "too-many-requests",
}


def wants_json() -> bool:
    """True for the interfaces and for whoever prefers JSON to HTML."""
    if request.path.startswith(("/api/", "/epcis/")):
        return True
    best = request.accept_mimetypes.best_match(["text/html", "application/json"])
    return best == "application/json"


problem = problem_members  # the name its users in this layer know


def translated(error: TraceError) -> str:
    """The error's sentence in the reader's language."""
    template = str(gettext(error.message))
    return template % error.params if error.params else template


def answer(error: TraceError) -> Response:
    """The error as a response in the form the caller reads."""
    if wants_json():
        body = problem_members(error)
        if not request.path.startswith(("/api/", "/epcis/")):
            body["sentence"] = translated(error)  # a page of ours shows it to a person
        return Response(
            orjson.dumps(body),
            status=error.status,
            content_type="application/problem+json",
        )
    page = render_template("errors/problem.html", error=error, sentence=translated(error))
    return Response(page, status=error.status, content_type="text/html; charset=utf-8")


def register_problems(app: Flask) -> None:
    """Makes every refusal, ours or the framework's, answer through `answer`."""

    @app.errorhandler(TraceError)
    def refused(error: TraceError) -> Response:
        return answer(error)

    @app.errorhandler(HTTPException)
    def framework(error: HTTPException) -> BaseResponse:
        if error.response is not None or (error.code or 500) < 400:
            return error.get_response()
        if error.code == 404:
            return answer(NotFound())
        if isinstance(error, RequestEntityTooLarge):
            return answer(TooLarge(limit=f"{app.config['MAX_CONTENT_LENGTH'] // 2**20} MB"))
        known = TraceError()
        status = error.code or 500
        known.code = FRAMEWORK_CODES.get(status, "error")  # type: ignore[misc]  # this one instance
        known.status = status  # type: ignore[misc]  # this one instance
        known.message = error.description or error.name  # type: ignore[misc]  # this one instance
        response = answer(known)
        for name, value in error.get_headers(request.environ):
            if name.lower() in ("allow", "retry-after", "www-authenticate"):
                response.headers[name] = value
        return response

    @app.errorhandler(DatabaseAway)
    def come_back(error: DatabaseAway) -> Response:
        return _later(answer(error))

    @app.errorhandler(SQLAlchemyError)
    @app.errorhandler(psycopg.Error)
    def away(error: Exception) -> ResponseReturnValue:
        return _away() if is_outage(error) else unforeseen(error)

    @app.errorhandler(Exception)
    def unforeseen(error: Exception) -> Response:
        # Not the address: it may hold a secret or the name of somebody's batch.
        log.exception("unforeseen", endpoint=request.endpoint)
        if app.testing:
            raise error
        failed = TraceError()
        failed.status = 500  # type: ignore[misc]  # this one instance
        return answer(failed)


def _away() -> Response:
    """503 with Retry-After, drawn without the database: nobody is known any more."""
    log.warning("database-away", endpoint=request.endpoint)
    db.session.remove()
    g.session = g.person = g.actor = g.token = None
    # Asked as any refusal is, so that each interface says it in its own form.
    answered = current_app.handle_user_exception(DatabaseAway())
    return _later(current_app.make_response(answered))


def _later(response: Response) -> Response:
    """The same, saying when to come back."""
    response.headers["Retry-After"] = str(RETRY_AFTER)
    response.headers["Cache-Control"] = "no-store"
    return response

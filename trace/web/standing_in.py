"""Public pages while the primary does not answer: read from a replica, saying how old that is.

Pages that are the same for everyone need nobody's sign-in and write nothing, so a replica can
answer them; the `Age` header (RFC 9111, section 5.1) says since when it heard nothing new. History
pages say so in words as well (web.scan). Everything else answers 503 until the primary is back.
"""

from __future__ import annotations

from datetime import timedelta

from flask import Flask, Response, current_app, g, request
from sqlalchemy.exc import SQLAlchemyError

from trace import clock
from trace.services.outages import DatabaseAway
from trace.services.replicas import Replica, read_from, replica
from trace.web.access import READING, rule_of


def stand_in(app: Flask) -> None:
    """Puts the question before every request; nothing without replicas."""
    if app.extensions["trace.replica"] is not None:
        app.before_request(_choose)
        app.after_request(_say)


def _choose() -> None:
    copy = replica()
    if copy is None or not copy.away or request.method not in READING or not request.endpoint:
        return
    if rule_of(current_app, request.endpoint) == "anonymous":
        read_from(copy.engine)


def _say(response: Response) -> Response:
    copy = replica()
    if copy is None or not copy.away or g.get("read_from") is None:
        return response
    if response.status_code == 404:  # whether it is unknown, only the primary can say
        return current_app.make_response(current_app.handle_user_exception(DatabaseAway()))
    response.headers.setdefault("Age", str(age(copy)))
    return response


def age(copy: Replica) -> int:
    """Whole seconds since the replica that the session reads from heard from the primary."""
    try:
        return max(0, (clock.now() - copy.as_of()) // timedelta(seconds=1))
    except SQLAlchemyError:  # it went, too
        return 0

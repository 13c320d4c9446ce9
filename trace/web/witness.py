"""A witness over HTTP: a program of its own, not part of the application (C2SP tlog-witness)."""

from __future__ import annotations

from collections.abc import Iterable
from wsgiref.types import StartResponse, WSGIEnvironment

import structlog
from werkzeug.exceptions import HTTPException, MethodNotAllowed
from werkzeug.routing import Map, Rule
from werkzeug.wrappers import Request, Response

from trace import clock
from trace.core.signing import Unreadable
from trace.core.tlog.witness import (
    MAX_REQUEST,
    SIZE_TYPE,
    OtherRoot,
    OtherSize,
    WitnessRefusal,
    parse_add_checkpoint,
)
from trace.services.witness import Witness

logger = structlog.get_logger()
TEXT = "text/plain; charset=utf-8"
ROUTES = Map(
    [
        Rule("/", endpoint="about"),
        Rule("/add-checkpoint", endpoint="add"),
        Rule("/checkpoint/<digest>", endpoint="newest"),
    ]
)


class WitnessApplication:
    """The WSGI application of one witness."""

    def __init__(self, witness: Witness) -> None:
        self._witness = witness

    def __call__(self, environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        request = Request(environ)
        request.max_content_length = MAX_REQUEST
        response = self._answer(request)
        response.headers["X-Content-Type-Options"] = "nosniff"
        return response(environ, start)

    def _answer(self, request: Request) -> Response:
        try:
            endpoint, values = ROUTES.bind_to_environ(request.environ).match()
            if (endpoint == "add") != (request.method == "POST"):
                raise MethodNotAllowed(["POST"] if endpoint == "add" else ["GET"])
            if endpoint == "add":
                return self._add(request)
        except HTTPException as error:
            return Response(
                f"{error.description}\n", error.code, error.get_headers(), content_type=TEXT
            )
        if endpoint == "newest":
            note = self._witness.newest(values["digest"])
            if note is None:
                return Response("No checkpoint of this origin.\n", 404, content_type=TEXT)
            return Response(note, content_type=TEXT)
        return Response(self._about(), content_type=TEXT)

    def _add(self, request: Request) -> Response:
        try:
            asked = parse_add_checkpoint(request.get_data())
            line = self._witness.add_checkpoint(asked, now=clock.now())
        except Unreadable as error:
            return Response(f"{error.detail}\n", 400, content_type=TEXT)
        except (OtherSize, OtherRoot) as error:
            if isinstance(error, OtherRoot):  # two trees of one size: evidence against the log
                logger.critical("log-forked", detail=error.detail, note=asked.note)
            return Response(f"{error.size}\n", error.status, content_type=SIZE_TYPE)
        except WitnessRefusal as error:
            logger.warning("not-cosigned", code=error.code, detail=error.detail, note=asked.note)
            return Response(f"{error.detail}\n", error.status, content_type=TEXT)
        return Response(line, content_type=TEXT)

    def _about(self) -> str:
        lines = [f"witness {self._witness.cosigner.name}", self._witness.cosigner.verifier.vkey, ""]
        for seen in self._witness.logs():
            at = "never" if seen.cosigned_at is None else clock.rfc3339(seen.cosigned_at)
            lines.append(f"{seen.origin} {seen.size} {at}")
        return "\n".join(lines) + "\n"

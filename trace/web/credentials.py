"""Credentials that organisations handed out, and whether they still count; same for everyone."""

from __future__ import annotations

import orjson
from flask import Blueprint, Response, request
from flask.typing import ResponseReturnValue

from trace import clock
from trace.errors import NotFound
from trace.extensions import db
from trace.services import untp

blueprint = Blueprint("credentials", __name__, url_prefix="/credentials")


@blueprint.get("/<public_id>")
def show(public_id: str) -> ResponseReturnValue:
    """A credential as it was signed; `?format=json` what it says, to read. Asked for anew each
    time: it may have been revoked or erased since, and no copy may outlive that."""
    row = untp.find(public_id)
    if row is None:
        raise NotFound
    if request.args.get("format") == "json":
        body: bytes | str = orjson.dumps(untp.payload_of(row), option=orjson.OPT_INDENT_2)
        response = _answer(body, "application/json", "no-cache")
    else:
        response = _answer(untp.text_of(row), untp.MEDIA_TYPE, "no-cache")
    response.add_etag()
    return response.make_conditional(request)


@blueprint.get("/status/<int:number>/<purpose>")
def status(number: int, purpose: str) -> ResponseReturnValue:
    """A status list, signed by the platform; asked for anew each time."""
    body = untp.status_list(number, purpose, at=clock.now())
    db.session.rollback()
    response = _answer(body, untp.MEDIA_TYPE, "no-cache")
    response.add_etag()
    return response.make_conditional(request)


def _answer(body: bytes | str, kind: str, cache: str) -> Response:
    response = Response(body, content_type=kind)
    response.headers["Access-Control-Allow-Origin"] = "*"
    response.headers["Cache-Control"] = cache
    return response
